"""What reads the data of one stream that is no book: trades, tickers, candles.

A frame has rows of its stream's market. One that does not fit is read again row by row: a row that
cannot be read is left out and told, the others are published.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Generic, Protocol, TypeVar

from msgspec import Raw, structs

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Event, Subscription
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import Candle, Ticker, Trade
from fluxum.venues.closed_candles import ClosedCandles
from fluxum.venues.okx import native, normalize
from fluxum.venues.okx.books import Settle
from fluxum.venues.okx.listing import market
from fluxum.venues.okx.normalize import VENUE
from fluxum.venues.rows import LeftOutRows, read_rows

__all__ = ["InstrumentReader", "RowReader", "StreamReader", "candles", "tickers", "trades"]

Wire = TypeVar("Wire")
Fact = TypeVar("Fact", Ticker, Trade, Candle)


class StreamReader(Protocol):
    """Reads the frames of one stream."""

    def hear(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The events of a frame; raises MsgspecError or RemoteProtocolError if it does not fit."""
        ...

    def hear_loosely(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The same of a frame that does not fit: what of it can be read, and what was left out.

        Raises MsgspecError or RemoteProtocolError where that is nothing.
        """
        ...


class RowReader(Generic[Wire, Fact]):
    """Rows that are facts by themselves; see StreamReader.

    `rows` and `row` decode those of a frame and a single one, `fact` says what one is, and `news`
    what of the facts of a frame is to be published.
    """

    def __init__(
        self,
        subscription: Subscription,
        settle: Settle,
        rows: Callable[[bytes], Sequence[Wire]],
        row: Callable[[Raw], Wire],
        fact: Callable[[Wire, int], Fact],
        news: Callable[[Sequence[Fact]], Sequence[Fact]],
    ) -> None:
        self._subscription = subscription
        self._settle = settle
        self._rows = rows
        self._row = row
        self._fact: Callable[[Wire, int], Fact] = fact
        self._news: Callable[[Sequence[Fact]], Sequence[Fact]] = news

    def hear(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """See StreamReader."""
        fact = self._fact
        facts = [fact(row, received_ns) for row in self._rows(frame)]
        return self._told(facts, None, received_ns)

    def hear_loosely(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """See StreamReader."""
        rows = native.decode_loose_frame(frame).data
        read = read_rows(rows, lambda row: self._fact(self._row(row), received_ns))
        if not read.items:
            reason = "no rows" if read.left_out is None else read.left_out.reason
            raise RemoteProtocolError(reason)
        return self._told(read.items, read.left_out, received_ns)

    def _told(
        self, facts: Sequence[Fact], left_out: LeftOutRows | None, received_ns: int
    ) -> Sequence[Event]:
        events: list[Event] = [*self._settle(received_ns)]
        if left_out is not None:
            events.append(left_out.event(VENUE, self._subscription, received_ns))
        events += self._news(facts)
        return events


def tickers(
    subscription: Subscription, size: Decimal, settle: Settle
) -> RowReader[native.Ticker, Ticker]:
    """What reads the tickers of a market, a contract of which comes to `size`."""
    symbol = _symbol(subscription)
    return RowReader(
        subscription,
        settle,
        lambda frame: native.decode_tickers(frame).data,
        native.decode_ticker,
        lambda row, received_ns: normalize.ticker(row, symbol, size, received_ns),
        lambda facts: facts,
    )


def trades(
    subscription: Subscription,
    size: Decimal,
    settle: Settle,
    accepted_ns: Callable[[], int | None],
) -> RowReader[native.Trade, Trade]:
    """What reads the trades of a market, a contract of which comes to `size`.

    The first frame after an acknowledgement repeats the last trade, however old that is:
    `accepted_ns` gives the time of one that no frame has followed yet.
    """
    symbol = _symbol(subscription)

    def news(facts: Sequence[Trade]) -> Sequence[Trade]:
        since_ns = accepted_ns()
        if since_ns is None:
            return facts
        return [
            structs.replace(one, backfilled=one.venue_ns is not None and one.venue_ns < since_ns)
            for one in facts
        ]

    return RowReader(
        subscription,
        settle,
        lambda frame: native.decode_trades(frame).data,
        native.decode_trade,
        lambda row, received_ns: normalize.trade(row, symbol, size, received_ns),
        news,
    )


def candles(
    subscription: Subscription, size: Decimal, settle: Settle
) -> RowReader[native.Candle, Candle]:
    """What reads the candles of a market, a contract of which comes to `size`."""
    symbol, interval_s = _symbol(subscription), subscription.interval_s
    assert interval_s is not None, subscription
    closed = ClosedCandles()

    def news(facts: Sequence[Candle]) -> Sequence[Candle]:
        return [one for one in map(closed.admit, facts) if one is not None]

    return RowReader(
        subscription,
        settle,
        lambda frame: native.decode_candles(frame).data,
        native.decode_candle,
        lambda row, received_ns: normalize.candle(row, symbol, interval_s, size, received_ns),
        news,
    )


class InstrumentReader:
    """Instruments that changed, as the channel of another client's tape tells them."""

    def __init__(
        self,
        subscription: Subscription,
        settle: Settle,
        learn: Callable[[Sequence[Instrument]], None],
    ) -> None:
        self._subscription = subscription
        self._settle = settle
        self._learn = learn

    def hear(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """See StreamReader; every frame is read row by row."""
        rows = native.decode_loose_frame(frame).data
        read = read_rows(rows, lambda row: market(row, received_ns))
        self._learn(read.items)
        events: list[Event] = [*self._settle(received_ns)]
        if read.left_out is not None:
            events.append(read.left_out.event(VENUE, self._subscription, received_ns))
        return [*events, *read.items]

    hear_loosely = hear


def _symbol(subscription: Subscription) -> Symbol:
    assert subscription.symbol is not None, subscription
    return subscription.symbol
