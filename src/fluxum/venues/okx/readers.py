"""What reads the trades, tickers and candles of one market, and instruments on tapes."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from msgspec import Raw, structs

from fluxum.model.event import Event, Subscription
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import Candle, Ticker, Trade
from fluxum.venues.closed_candles import ClosedCandles
from fluxum.venues.okx import native, normalize
from fluxum.venues.okx.listing import market
from fluxum.venues.okx.normalize import VENUE
from fluxum.venues.rows import read_rows
from fluxum.venues.stream_readers import Acknowledge, RowReader

__all__ = ["InstrumentReader", "candles", "tickers", "trades"]


def tickers(
    subscription: Subscription, size: Decimal, settle: Acknowledge
) -> RowReader[native.Ticker, Ticker]:
    """What reads the tickers of a market, a contract of which comes to `size`."""
    symbol = _symbol(subscription)
    return RowReader(
        VENUE,
        subscription,
        settle,
        rows=lambda frame: native.decode_tickers(frame).data,
        raw_rows=_raw_rows,
        row=native.decode_ticker,
        fact=lambda row, received_ns: normalize.ticker(row, symbol, size, received_ns),
        news=lambda facts: facts,
    )


def trades(
    subscription: Subscription,
    size: Decimal,
    settle: Acknowledge,
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
        VENUE,
        subscription,
        settle,
        rows=lambda frame: native.decode_trades(frame).data,
        raw_rows=_raw_rows,
        row=native.decode_trade,
        fact=lambda row, received_ns: normalize.trade(row, symbol, size, received_ns),
        news=news,
    )


def candles(
    subscription: Subscription, size: Decimal, settle: Acknowledge
) -> RowReader[native.Candle, Candle]:
    """What reads the candles of a market, a contract of which comes to `size`."""
    symbol, interval_s = _symbol(subscription), subscription.interval_s
    assert interval_s is not None, subscription
    closed = ClosedCandles()

    def news(facts: Sequence[Candle]) -> Sequence[Candle]:
        return [one for one in map(closed.admit, facts) if one is not None]

    return RowReader(
        VENUE,
        subscription,
        settle,
        rows=lambda frame: native.decode_candles(frame).data,
        raw_rows=_raw_rows,
        row=native.decode_candle,
        fact=lambda row, received_ns: normalize.candle(row, symbol, interval_s, size, received_ns),
        news=news,
    )


class InstrumentReader:
    """Instruments that changed, as the channel of another client's tape tells them."""

    def __init__(
        self,
        subscription: Subscription,
        settle: Acknowledge,
        learn: Callable[[Sequence[Instrument]], None],
    ) -> None:
        self._subscription = subscription
        self._settle = settle
        self._learn = learn

    def read(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """See StreamReader; every frame is read row by row."""
        read = read_rows(_raw_rows(frame), lambda row: market(row, received_ns))
        self._learn(read.items)
        events: list[Event] = [*self._settle(received_ns)]
        if read.left_out is not None:
            events.append(read.left_out.event(VENUE, self._subscription, received_ns))
        return [*events, *read.items]

    read_loosely = read


def _raw_rows(frame: bytes) -> Sequence[Raw]:
    return native.decode_loose_frame(frame).data


def _symbol(subscription: Subscription) -> Symbol:
    assert subscription.symbol is not None, subscription
    return subscription.symbol
