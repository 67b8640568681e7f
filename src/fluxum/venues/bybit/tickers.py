"""Tickers: lines that are whole on spot and change by deltas on futures, each with bid and ask.

https://bybit-exchange.github.io/docs/v5/websocket/public/ticker: the line of futures has the best
bid and ask; that of spot has none, so it is joined with `orderbook.1` of its market, of which every
message is whole.

A delta has no meaning without the line it changes. If that could not be read, or a delta in
between, the line is not known any more. It is requested again, with a pause that grows; until it
comes every delta is refused, so that the stream is known to be missing.
"""

from collections.abc import Callable, Sequence

from msgspec import MsgspecError

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Event, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import Ticker
from fluxum.venues.bybit import native, normalize
from fluxum.venues.stream_readers import Acknowledge, StreamReader

__all__ = ["LineReader", "QuotedBook", "SpotTicker"]

_SECOND = 1_000_000_000
_PAUSE_MAX_S = 60


class LineReader:
    """The line of a future, kept up to date by deltas; see StreamReader.

    `renew` requests the whole line. On a tape (`is_passive`) a delta may begin it.
    """

    def __init__(
        self,
        venue: str,
        subscription: Subscription,
        acknowledge: Acknowledge,
        renew: Callable[[], None],
        *,
        is_passive: bool,
    ) -> None:
        self._venue = venue
        self._symbol = _symbol(subscription)
        self._acknowledge = acknowledge
        self._renew = renew
        self._is_passive = is_passive
        self._line: native.Ticker | None = None
        self._renewed_ns = 0
        self._pause_s = 1

    def read(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The ticker that a message comes to."""
        message = native.decode_ticker(frame)
        before = self._line
        if message.type == "snapshot":
            before = None
        elif message.type != "delta":
            raise RemoteProtocolError(f"snapshot or delta was expected, was {message.type[:20]!r}")
        elif before is None and not self._is_passive:
            raise RemoteProtocolError("a delta without its snapshot")
        line = normalize.merged(before, message.data)
        ticker = normalize.ticker(self._venue, line, self._symbol, message.ts, received_ns)
        self._line = line
        return [*self._acknowledge(received_ns), ticker]

    def read_loosely(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The same; what cannot be read leaves the line unknown until it comes anew."""
        try:
            return self.read(frame, received_ns)
        except (MsgspecError, RemoteProtocolError):
            self._line = None
            self._renew_in_time(received_ns)
            raise

    def _renew_in_time(self, now_ns: int) -> None:
        """Request the line, after pauses that double until no request is needed for a while."""
        silent_s = (now_ns - self._renewed_ns) // _SECOND
        if silent_s < self._pause_s:
            return
        self._pause_s = 1 if silent_s > 2 * _PAUSE_MAX_S else min(2 * self._pause_s, _PAUSE_MAX_S)
        self._renewed_ns = now_ns
        self._renew()


class SpotTicker:
    """The line of a spot market, joined with its best bid and ask; see StreamReader.

    The older part of a ticker is as it was published last.
    """

    def __init__(self, venue: str, subscription: Subscription, acknowledge: Acknowledge) -> None:
        self.subscription = subscription
        self._venue = venue
        self._symbol = _symbol(subscription)
        self._acknowledge = acknowledge
        self._line: native.Ticker | None = None
        self._quote = native.Ticker()

    def read(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The ticker with a new line."""
        message = native.decode_ticker(frame)
        ticker = self._ticker(message.data, self._quote, message.ts, received_ns)
        self._line = message.data
        return [*self._acknowledge(received_ns), ticker]

    def read_loosely(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The same; what cannot be read leaves the line unknown until the next."""
        self._line = None
        return self.read(frame, received_ns)

    def read_quote(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The ticker with a new bid and ask, if its line is known."""
        message = native.decode_book(frame)
        if message.type != "snapshot":
            raise RemoteProtocolError(f"a snapshot was expected, was {message.type[:20]!r}")
        (bid, bid_size), (ask, ask_size) = _best(message.data.b), _best(message.data.a)
        quote = native.Ticker(bid1Price=bid, bid1Size=bid_size, ask1Price=ask, ask1Size=ask_size)
        line, ts = self._line or native.Ticker(), message.cts or message.ts
        ticker = self._ticker(line, quote, ts, received_ns)
        self._quote = quote
        return () if self._line is None else (ticker,)

    def forget_quote(self) -> None:
        """Bid and ask are not known until the next message of them."""
        self._quote = native.Ticker()

    def _ticker(
        self, line: native.Ticker, quote: native.Ticker, ts: int | None, received_ns: int
    ) -> Ticker:
        return normalize.ticker(self._venue, line, self._symbol, ts, received_ns, quote)


class QuotedBook:
    """`orderbook.1` of a spot market, for a ticker and, where there is one, its book."""

    def __init__(self, ticker: SpotTicker, book: StreamReader | None) -> None:
        self._ticker = ticker
        self._book = book

    def read(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The ticker and the book of a message."""
        ticker = self._ticker.read_quote(frame, received_ns)
        return ticker if self._book is None else [*self._book.read(frame, received_ns), *ticker]

    def read_loosely(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The same; what cannot be read leaves bid and ask unknown until the next message."""
        self._ticker.forget_quote()
        if self._book is not None:
            return self._book.read_loosely(frame, received_ns)
        return self._ticker.read_quote(frame, received_ns)


def _best(rows: Sequence[native.Row]) -> native.Row | tuple[None, None]:
    """The one row that is there, if there is any."""
    return rows[0] if rows else (None, None)


def _symbol(subscription: Subscription) -> Symbol:
    assert subscription.symbol is not None, subscription
    return subscription.symbol
