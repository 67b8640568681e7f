"""What is written to Advanced Trade: one channel a frame, and renewals that share frames."""

from collections import deque
from collections.abc import Sequence

from msgspec import Struct

from fluxum.model.event import Channel
from fluxum.venues.coinbase.advanced import native
from fluxum.venues.coinbase.asks import Ask, Asks
from fluxum.venues.venue import Effect, Send

__all__ = ["WIRE", "Renewals", "request"]

WIRE = {
    Channel.BOOK: "level2",
    Channel.TICKER: "ticker",
    Channel.TRADE: "market_trades",
    Channel.CANDLE: "candles",
}
"""The names our channels are subscribed by."""


class _Renewal(Struct):
    asks: tuple[Ask, Ask]
    sends: tuple[Send, Send]


class Renewals:
    """Ends and begins streams anew without a word to anybody: the venue answers with snapshots.

    A break is of all streams of a link at once, and the venue takes eight messages a second: so
    streams of one channel share their two requests for as long as those are not written.
    """

    def __init__(self, asks: Asks, outbox: deque[Effect]) -> None:
        self._asks = asks
        self._outbox = outbox
        self._last: dict[str, _Renewal] = {}

    def renew(self, channel: str, products: Sequence[str]) -> None:
        """Ask for streams again, but for those whose snapshot is on its way."""
        fresh = [one for one in products if not self._asks.is_coming(channel, one)]
        if not fresh:
            return
        last = self._last.get(channel)
        if last is not None and all(self._is_queued(send) for send in last.sends):
            self._extend(last, channel, fresh)
            return
        end = self._asks.begin("unsubscribe", channel, fresh, quiet=True)
        begin = self._asks.begin("subscribe", channel, fresh, quiet=True)
        renewal = _Renewal((end, begin), (_send(end), _send(begin)))
        self._last[channel] = renewal
        self._outbox.extend(renewal.sends)

    def _extend(self, renewal: _Renewal, channel: str, products: Sequence[str]) -> None:
        fresh: list[Send] = []
        for ask, old in zip(renewal.asks, renewal.sends, strict=True):
            assert ask.channel == channel
            ask.products.extend(products)
            ask.left.extend(products)
            send = _send(ask)
            at = next(index for index, one in enumerate(self._outbox) if one is old)
            self._outbox[at] = send
            fresh.append(send)
        renewal.sends = (fresh[0], fresh[1])

    def _is_queued(self, send: Send) -> bool:
        return any(one is send for one in self._outbox)


def request(method: str, channel: str, products: Sequence[str]) -> bytes:
    """A request of one channel."""
    return native.encode(native.Request(method, channel, list(products)))


def _send(ask: Ask) -> Send:
    return Send(request(ask.method, ask.channel, ask.products))
