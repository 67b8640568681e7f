"""Readers of the trades and candles of one market."""

from collections.abc import Sequence

from msgspec import Raw

from fluxum.model.event import Subscription
from fluxum.model.market import Candle, Trade
from fluxum.venues.bybit import native, normalize
from fluxum.venues.stream_readers import Acknowledge, RowCodec, RowReader, closing

__all__ = ["candles", "trades"]


def _raw_rows(frame: bytes) -> Sequence[Raw]:
    rows: Sequence[Raw] = native.decode_rows(native.decode_loose_frame(frame).data)
    return rows


_TRADES = RowCodec(lambda frame: native.decode_trades(frame).data, _raw_rows, native.decode_trade)
_CANDLES = RowCodec(
    lambda frame: native.decode_candles(frame).data, _raw_rows, native.decode_candle
)


def trades(
    venue: str, subscription: Subscription, acknowledge: Acknowledge
) -> RowReader[native.Trade, Trade]:
    """The reader of a market's trades."""
    symbol = subscription.symbol
    assert symbol is not None, subscription
    return RowReader(
        venue,
        subscription,
        acknowledge,
        _TRADES,
        lambda row, received_ns: normalize.trade(venue, row, symbol, received_ns),
    )


def candles(
    venue: str, subscription: Subscription, acknowledge: Acknowledge
) -> RowReader[native.Candle, Candle]:
    """The reader of a market's candles.

    Confirmations may be missing, repeated or late: each candle is closed once.
    """
    symbol, interval_s = subscription.symbol, subscription.interval_s
    assert symbol is not None, subscription
    assert interval_s is not None, subscription
    return RowReader(
        venue,
        subscription,
        acknowledge,
        _CANDLES,
        lambda row, received_ns: normalize.candle(venue, row, symbol, interval_s, received_ns),
        closing(),
    )
