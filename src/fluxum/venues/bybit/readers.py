"""What reads the trades and candles of one market."""

from collections.abc import Sequence

from msgspec import Raw

from fluxum.model.event import Event, Subscription
from fluxum.model.market import Candle, Trade
from fluxum.venues.bybit import native, normalize
from fluxum.venues.closed_candles import ClosedCandles
from fluxum.venues.stream_readers import Acknowledge, RowReader

__all__ = ["candles", "trades"]


def trades(
    venue: str, subscription: Subscription, settle: Acknowledge
) -> RowReader[native.Trade, Trade]:
    """What reads the trades of a market."""
    symbol = subscription.symbol
    assert symbol is not None, subscription

    return RowReader(
        venue,
        subscription,
        settle,
        rows=lambda frame: native.decode_trades(frame).data,
        raw_rows=_raw_rows,
        row=native.decode_trade,
        fact=lambda row, received_ns: normalize.trade(venue, row, symbol, received_ns),
        news=lambda facts: facts,
    )


def candles(
    venue: str, subscription: Subscription, settle: Acknowledge
) -> RowReader[native.Candle, Candle]:
    """What reads the candles of a market.

    Confirmations may be missing, repeated or late: each candle is closed once.
    """
    symbol, interval_s = subscription.symbol, subscription.interval_s
    assert symbol is not None, subscription
    assert interval_s is not None, subscription
    closed = ClosedCandles()

    def news(facts: Sequence[Candle]) -> Sequence[Event]:
        return [one for one in map(closed.admit, facts) if one is not None]

    return RowReader(
        venue,
        subscription,
        settle,
        rows=lambda frame: native.decode_candles(frame).data,
        raw_rows=_raw_rows,
        row=native.decode_candle,
        fact=lambda row, received_ns: normalize.candle(venue, row, symbol, interval_s, received_ns),
        news=news,
    )


def _raw_rows(frame: bytes) -> Sequence[Raw]:
    rows: Sequence[Raw] = native.decode_rows(native.decode_loose_frame(frame).data)
    return rows
