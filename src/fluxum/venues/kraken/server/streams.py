"""One subscription each, in the simulated half: what the client was sent, and what is new."""

from collections.abc import Callable, Sequence
from functools import partial

from fluxum.model.instrument import Instrument
from fluxum.model.market import Side, Trade
from fluxum.venues.kraken.server.formats import (
    candle_text,
    instrument_text,
    nanos,
    ticker_text,
    trade_text,
)
from fluxum.venues.server.contract import MarketView
from fluxum.venues.server.streams import Change, FrameStream, TradeStream, last_trade_id

__all__ = ["candle_stream", "instrument_stream", "ticker_stream", "trade_stream"]

_SNAPSHOT_TRADES = 50
_SNAPSHOT_CANDLES = 10


def trade_stream(view: MarketView, instrument: Instrument) -> TradeStream:
    """Trades, each once, in order, behind the last fifty."""

    def frames(kind: bytes, trades: Sequence[Trade], _now_ns: int) -> Sequence[bytes]:
        texts = b",".join([trade_text(trade, instrument) for trade in trades])
        return (b'{"channel":"trade","type":"%s","data":[%s]}' % (kind, texts),)

    update, first = partial(frames, b"update"), partial(frames, b"snapshot")
    return TradeStream(view, instrument.symbol, update, first=first, past=_SNAPSHOT_TRADES)


def ticker_stream(view: MarketView, instrument: Instrument, trigger: str) -> FrameStream:
    """The market in one line, at each trade or (`bbo`) each change of the best levels."""
    symbol = instrument.symbol

    def best() -> object:
        return view.levels(symbol, Side.BUY, 1), view.levels(symbol, Side.SELL, 1)

    def frame(kind: bytes, now_ns: int) -> bytes:
        text = ticker_text(view.ticker(symbol), instrument, now_ns)
        return b'{"channel":"ticker","type":"%s","data":[%s]}' % (kind, text)

    return _stream(frame, best if trigger == "bbo" else lambda: last_trade_id(view, symbol))


def candle_stream(view: MarketView, instrument: Instrument, interval_s: int) -> FrameStream:
    """Several past candles, then the running one again with each trade."""
    symbol = instrument.symbol

    def frame(kind: bytes, now_ns: int) -> bytes:
        count = _SNAPSHOT_CANDLES if kind == b"snapshot" else 1
        candles = view.candles(symbol, interval_s, count)
        return b'{"channel":"ohlc","type":"%s","timestamp":"%s","data":[%s]}' % (
            kind,
            nanos(now_ns),
            b",".join([candle_text(candle, instrument) for candle in candles]),
        )

    return _stream(frame, lambda: last_trade_id(view, symbol))


def instrument_stream(view: MarketView) -> FrameStream:
    """The list of markets and their assets, which never changes here."""

    def frame(_now_ns: int) -> bytes:
        listed = view.instruments()
        assets = dict.fromkeys(asset for one in listed for asset in (one.base, one.quote))
        return b'{"channel":"instrument","type":"snapshot","data":{"assets":[%s],"pairs":[%s]}}' % (
            b",".join(
                b'{"id":"%s","status":"enabled","precision":10,"precision_display":5}'
                % asset.encode()
                for asset in assets
            ),
            b",".join(instrument_text(one) for one in listed),
        )

    return FrameStream(frame, lambda: False)


def _stream(frame: Callable[[bytes, int], bytes], state: Callable[[], object]) -> FrameStream:
    """A frame each time that a state has changed, the first of them a snapshot."""
    return FrameStream(partial(frame, b"update"), Change(state), partial(frame, b"snapshot"))
