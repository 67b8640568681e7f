"""The reader of the trades or candles of one market."""

from collections.abc import Sequence

from msgspec import Raw

from fluxum.model.event import Channel, Subscription
from fluxum.venues.bybit import native, normalize
from fluxum.venues.stream_readers import Acknowledge, RowCodec, RowReader, StreamReader, closing

__all__ = ["row_reader"]


def _raw_rows(frame: bytes) -> Sequence[Raw]:
    rows: Sequence[Raw] = native.decode_rows(native.decode_loose_frame(frame).data)
    return rows


_TRADES = RowCodec(lambda frame: native.decode_trades(frame).data, _raw_rows, native.decode_trade)
_CANDLES = RowCodec(
    lambda frame: native.decode_candles(frame).data, _raw_rows, native.decode_candle
)


def row_reader(venue: str, subscription: Subscription, acknowledge: Acknowledge) -> StreamReader:
    """The reader of a market's trades or candles.

    Confirmations of candles may be missing, repeated or late: each candle is closed once.
    """
    symbol, seconds = subscription.symbol, subscription.interval_s
    assert symbol is not None, subscription
    if subscription.channel is Channel.TRADE:
        return RowReader(
            venue,
            subscription,
            acknowledge,
            _TRADES,
            lambda row, received_ns: normalize.trade(venue, row, symbol, received_ns),
        )
    assert seconds is not None, subscription
    return RowReader(
        venue,
        subscription,
        acknowledge,
        _CANDLES,
        lambda row, received_ns: normalize.candle(venue, row, symbol, seconds, received_ns),
        closing(),
    )
