"""One subscription each, in the simulated half: what the client was sent, and what is new."""

from collections.abc import Callable
from typing import Protocol

from fluxum.model.instrument import Instrument
from fluxum.model.market import Side
from fluxum.venues.kraken.server.formats import (
    candle_text,
    instrument_text,
    nanos,
    ticker_text,
    trade_text,
)
from fluxum.venues.server.contract import MarketView
from fluxum.venues.server.streams import TradeCursor, last_trade_id

__all__ = ["InstrumentStream", "Stream", "TradeStream", "candle_stream", "ticker_stream"]

_SNAPSHOT_TRADES = 50
_SNAPSHOT_CANDLES = 10


class Stream(Protocol):
    """One accepted subscription of one client."""

    def snapshot(self, now_ns: int) -> bytes:
        """The whole state, from which updates go on."""
        ...

    def update(self, now_ns: int) -> bytes | None:
        """What changed since the last frame, or `None`."""
        ...


class TradeStream:
    """Trades, each once, in order."""

    def __init__(self, view: MarketView, instrument: Instrument) -> None:
        self._view = view
        self._instrument = instrument
        self._cursor = TradeCursor(view, instrument.symbol)

    def snapshot(self, now_ns: int) -> bytes:  # noqa: ARG002 - trades carry their own times
        """The last fifty trades."""
        self._cursor.advance()
        return self._frame(b"snapshot", _SNAPSHOT_TRADES)

    def update(self, now_ns: int) -> bytes | None:  # noqa: ARG002
        """The trades since the last frame."""
        count = self._cursor.advance()
        return self._frame(b"update", count) if count else None

    def _frame(self, kind: bytes, count: int) -> bytes:
        trades = self._view.trades(self._instrument.symbol, count)
        texts = [trade_text(trade, self._instrument) for trade in trades]
        return b'{"channel":"trade","type":"%s","data":[%s]}' % (kind, b",".join(texts))


def ticker_stream(view: MarketView, instrument: Instrument, trigger: str) -> Stream:
    """The market in one line, at each trade or (`bbo`) each change of the best levels."""
    symbol = instrument.symbol

    def best() -> object:
        return view.levels(symbol, Side.BUY, 1), view.levels(symbol, Side.SELL, 1)

    def frame(kind: bytes, now_ns: int) -> bytes:
        text = ticker_text(view.ticker(symbol), instrument, now_ns)
        return b'{"channel":"ticker","type":"%s","data":[%s]}' % (kind, text)

    if trigger == "bbo":
        return _TriggeredStream(best, frame)
    return _TriggeredStream(lambda: last_trade_id(view, symbol), frame)


def candle_stream(view: MarketView, instrument: Instrument, interval_s: int) -> Stream:
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

    return _TriggeredStream(lambda: last_trade_id(view, symbol), frame)


class _TriggeredStream:
    """A frame each time that the state which triggers it has changed."""

    def __init__(self, trigger: Callable[[], object], frame: Callable[[bytes, int], bytes]) -> None:
        self._trigger = trigger
        self._frame = frame
        self._state = trigger()

    def snapshot(self, now_ns: int) -> bytes:
        """See Stream."""
        self._state = self._trigger()
        return self._frame(b"snapshot", now_ns)

    def update(self, now_ns: int) -> bytes | None:
        """See Stream."""
        before, self._state = self._state, self._trigger()
        return None if before == self._state else self._frame(b"update", now_ns)


class InstrumentStream:
    """The list of markets and their assets, which never changes here."""

    def __init__(self, view: MarketView) -> None:
        self._view = view

    def snapshot(self, now_ns: int) -> bytes:  # noqa: ARG002 - the list has no time
        """The whole list."""
        listed = self._view.instruments()
        assets = dict.fromkeys(asset for one in listed for asset in (one.base, one.quote))
        return b'{"channel":"instrument","type":"snapshot","data":{"assets":[%s],"pairs":[%s]}}' % (
            b",".join(
                b'{"id":"%s","status":"enabled","precision":10,"precision_display":5}'
                % asset.encode()
                for asset in assets
            ),
            b",".join(instrument_text(one) for one in listed),
        )

    def update(self, now_ns: int) -> None:
        """Nothing changes."""
