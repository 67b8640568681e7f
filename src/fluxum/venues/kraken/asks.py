"""What has been asked of Kraken and not been answered yet.

A request for several symbols gets an answer for each, all with its `req_id`; an answer that names
no symbol is about all that are left (https://docs.kraken.com/api/docs/guides/spot-ws-intro).
"""

from collections.abc import Iterable

from msgspec import Struct, structs

from fluxum.model.event import Channel, Subscribed, Subscription, Unsubscribed
from fluxum.venues.kraken import native
from fluxum.venues.kraken.normalize import VENUE
from fluxum.venues.private import TOKEN

__all__ = ["CHANNELS", "WIRE", "Ask", "Asks", "accepted", "groups"]

WIRE = {
    Channel.BOOK: "book",
    Channel.LEVEL3: "level3",
    Channel.TICKER: "ticker",
    Channel.TRADE: "trade",
    Channel.CANDLE: "ohlc",
    Channel.INSTRUMENT: "instrument",
}
"""Kraken's names of our channels."""
CHANNELS = {name: channel for channel, name in WIRE.items()}
"""Our channels by Kraken's names."""

_SYMBOLS_PER_REQUEST = 100


class Ask(Struct):
    """A request on its way. `quiet` ones are part of a resync, which nobody else asked for."""

    method: str
    left: list[Subscription]
    quiet: bool


class Asks:
    """Numbers requests, and knows what is left to be answered."""

    def __init__(self) -> None:
        self._last_id = 0
        self._left: dict[int, Ask] = {}

    def next_id(self) -> int:
        """A number no request has had on this link."""
        self._last_id += 1
        return self._last_id

    def begin(self, method: str, group: list[Subscription], *, quiet: bool) -> native.Request:
        """The request for a group of subscriptions that differ by their symbol only."""
        first = group[0]
        symbols = [str(one.symbol) for one in group if one.symbol is not None]
        params = native.Params(
            channel=WIRE[first.channel],
            symbol=symbols or None,
            depth=first.depth,
            interval=None if first.interval_s is None else first.interval_s // 60,
            snapshot=True if method == "subscribe" else None,
            token=TOKEN if first.channel is Channel.LEVEL3 else None,
        )
        request = native.Request(method, params, self.next_id())
        self._left[self._last_id] = Ask(method, list(group), quiet)
        return request

    def answered(self, response: native.Response) -> tuple[Ask, list[Subscription]] | None:
        """What an answer is to and which subscriptions it settles; none if nobody asked."""
        number = response.req_id
        ask = None if number is None else self._left.get(number)
        if ask is None or number is None:
            return None
        settled = [one for one in ask.left if _is_about(response, one)]
        ask.left = [one for one in ask.left if one not in settled]
        if not ask.left:
            del self._left[number]
        return ask, settled

    def answered_by_snapshot(self, subscription: Subscription) -> bool:
        """Settle what a stream's snapshot answers; whether anybody waited for it loudly."""
        was_loud = False
        for number, ask in list(self._left.items()):
            if ask.method == "subscribe" and subscription in ask.left:
                ask.left.remove(subscription)
                was_loud = was_loud or not ask.quiet
                if not ask.left:
                    del self._left[number]
        return was_loud

    def unanswered(self) -> list[Subscription]:
        """The subscriptions of every request still without an answer."""
        if not self._left:
            return []
        return [one for ask in self._left.values() for one in ask.left]


def groups(subscriptions: Iterable[Subscription]) -> list[list[Subscription]]:
    """Subscriptions that differ by their symbol only, together, as many as one request takes."""
    chunks_by_kind: dict[Subscription, list[list[Subscription]]] = {}
    for one in subscriptions:
        chunks = chunks_by_kind.setdefault(structs.replace(one, symbol=None), [[]])
        if len(chunks[-1]) == _SYMBOLS_PER_REQUEST:
            chunks.append([])
        chunks[-1].append(one)
    return [chunk for chunks in chunks_by_kind.values() for chunk in chunks]


def accepted(
    method: str, subscription: Subscription, warnings: tuple[str, ...], received_ns: int
) -> Subscribed | Unsubscribed:
    """A subscribe or unsubscribe went through."""
    if method == "unsubscribe":
        return Unsubscribed(venue=VENUE, subscription=subscription, received_ns=received_ns)
    return Subscribed(
        venue=VENUE, subscription=subscription, warnings=warnings, received_ns=received_ns
    )


def _is_about(response: native.Response, subscription: Subscription) -> bool:
    symbol = response.symbol
    if symbol is None and response.result is not None:
        symbol = response.result.symbol
    return symbol is None or symbol == subscription.symbol
