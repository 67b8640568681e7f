"""Readers of the trades, tickers and candles of one market, and of instruments on tapes."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial

from msgspec import Raw, structs

from fluxum.model.event import Channel, Event, Subscription
from fluxum.model.instrument import Instrument
from fluxum.model.market import Trade
from fluxum.venues.okx import native, normalize
from fluxum.venues.okx.listing import market
from fluxum.venues.okx.normalize import VENUE
from fluxum.venues.rows import read_rows
from fluxum.venues.stream_readers import Acknowledge, RowCodec, RowReader, StreamReader, closing

__all__ = ["InstrumentReader", "row_reader"]


def _raw_rows(frame: bytes) -> Sequence[Raw]:
    return native.decode_loose_frame(frame).data


_TICKERS = RowCodec(
    lambda frame: native.decode_tickers(frame).data, _raw_rows, native.decode_ticker
)
_TRADES = RowCodec(lambda frame: native.decode_trades(frame).data, _raw_rows, native.decode_trade)
_CANDLES = RowCodec(
    lambda frame: native.decode_candles(frame).data, _raw_rows, native.decode_candle
)


def row_reader(
    subscription: Subscription,
    size: Decimal,
    acknowledge: Acknowledge,
    accepted_ns: Callable[[], int | None],
) -> StreamReader:
    """The reader of a market's trades, tickers or candles; a contract is `size` of an asset.

    The first frame after an acknowledgement repeats the last trade, however old that is:
    `accepted_ns` gives the time of an acknowledgement that no frame has followed yet.
    """
    symbol = subscription.symbol
    assert symbol is not None, subscription

    match subscription.channel:
        case Channel.TRADE:
            return RowReader(
                VENUE,
                subscription,
                acknowledge,
                _TRADES,
                lambda row, received_ns: normalize.trade(row, symbol, size, received_ns),
                partial(_mark_past, accepted_ns),
            )
        case Channel.TICKER:
            return RowReader(
                VENUE,
                subscription,
                acknowledge,
                _TICKERS,
                lambda row, received_ns: normalize.ticker(row, symbol, size, received_ns),
            )
        case channel:
            assert channel is Channel.CANDLE, channel
            seconds = subscription.interval_s
            assert seconds is not None, subscription
            return RowReader(
                VENUE,
                subscription,
                acknowledge,
                _CANDLES,
                lambda row, received_ns: normalize.candle(row, symbol, seconds, size, received_ns),
                closing(),
            )


def _mark_past(accepted_ns: Callable[[], int | None], trades: Sequence[Trade]) -> Sequence[Trade]:
    since_ns = accepted_ns()
    if since_ns is None:
        return trades
    return [
        structs.replace(one, backfilled=one.venue_ns is not None and one.venue_ns < since_ns)
        for one in trades
    ]


class InstrumentReader:
    """Instruments that changed, as the channel on another client's tape publishes them."""

    def __init__(
        self,
        subscription: Subscription,
        acknowledge: Acknowledge,
        learn: Callable[[Sequence[Instrument]], None],
    ) -> None:
        self._subscription = subscription
        self._acknowledge = acknowledge
        self._learn = learn

    def read(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """See StreamReader; every frame is read row by row."""
        read = read_rows(_raw_rows(frame), lambda row: market(row, received_ns))
        self._learn(read.items)
        events: list[Event] = [*self._acknowledge(received_ns)]
        if read.left_out is not None:
            events.append(read.left_out.event(VENUE, self._subscription, received_ns))
        return [*events, *read.items]

    read_loosely = read
