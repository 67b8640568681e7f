"""One topic each, in the simulated half: what the client was sent, and what is new.

Key order is that of the frames quoted in `native`; a book's number begins somewhere and counts
the messages of this client's topic.
"""

from collections.abc import Sequence
from decimal import Decimal

from fluxum.model.instrument import Instrument
from fluxum.model.interval import interval_end
from fluxum.model.market import Candle, Level, Ticker, Trade
from fluxum.venues.bybit import native
from fluxum.venues.bybit.server.formats import rows, side_word
from fluxum.venues.server.book_diff import BookWindow
from fluxum.venues.server.contract import MarketView
from fluxum.venues.server.formats import millis, number
from fluxum.venues.server.streams import TradeStream

__all__ = ["BookStream", "CandleStream", "TickerStream", "ticker_line", "trade_stream"]

_REPEAT_NS = 3_000_000_000
_TRADES_MAX = 1024
_FUNDING_NS = 8 * 3600 * 1_000_000_000


class BookStream:
    """The best levels, then changes to them; of one level the whole each time."""

    def __init__(self, view: MarketView, instrument: Instrument, depth: int, topic: str) -> None:
        self._window = BookWindow(view, instrument.symbol, depth)
        self._name = instrument.venue_symbol
        self._topic = topic
        self._depth = depth
        self._number = 0
        self._sent_ns = 0

    def begin(self, now_ns: int) -> Sequence[bytes]:
        """The whole window."""
        bids, asks = self._window.whole()
        # Any number: only where the counting begins depends on it.
        self._number = self._number + 1 if self._number else 2 + self._window.revision % 10**6
        return (self._frame("snapshot", bids, asks, now_ns),)

    def update(self, now_ns: int) -> Sequence[bytes]:
        """The levels that changed, those that left the window as "0"."""
        changed = self._window.changes()
        if changed is None:
            return ()
        if self._depth == 1:
            return self.begin(now_ns)
        self._number += 1
        return (self._frame("delta", *changed, now_ns),)

    def tick(self, now_ns: int) -> Sequence[bytes]:
        """A book of one level is repeated after three seconds, with the same number."""
        if self._depth != 1 or now_ns - self._sent_ns < _REPEAT_NS:
            return ()
        bids, asks = self._window.whole()
        return (self._frame("snapshot", bids, asks, now_ns),)

    def _frame(self, kind: str, bids: Sequence[Level], asks: Sequence[Level], now_ns: int) -> bytes:
        self._sent_ns = now_ns
        now_ms = millis(now_ns)
        return native.encode(
            {
                "topic": self._topic,
                "type": kind,
                "ts": now_ms,
                "data": {
                    "s": self._name,
                    "b": rows(bids),
                    "a": rows(asks),
                    "u": self._number,
                    "seq": self._window.revision,
                },
                "cts": now_ms,
            }
        )


def trade_stream(view: MarketView, instrument: Instrument, topic: str) -> TradeStream:
    """Trades, each once, in order; none of before."""
    symbol, name = instrument.symbol, instrument.venue_symbol

    def frames(trades: Sequence[Trade], now_ns: int) -> Sequence[bytes]:
        data = [
            {
                "T": millis(trade.venue_ns or now_ns),
                "s": name,
                "S": side_word(trade.side),
                "v": number(trade.quantity),
                "p": number(trade.price),
                "i": trade.trade_id,
                "BT": False,
                "seq": view.revision(symbol),
            }
            for trade in trades
        ]
        frame = {"topic": topic, "type": "snapshot", "ts": millis(now_ns), "data": data}
        return (native.encode(frame),)

    return TradeStream(view, symbol, frames, count_max=_TRADES_MAX)


class TickerStream:
    """A market's line: whole on spot; on futures whole once, and then what changed of it."""

    def __init__(
        self, view: MarketView, instrument: Instrument, topic: str, *, is_spot: bool
    ) -> None:
        self._view = view
        self._instrument = instrument
        self._topic = topic
        self._is_spot = is_spot
        self._sent: dict[str, str] = {}

    def begin(self, now_ns: int) -> Sequence[bytes]:
        """The whole line."""
        self._sent = self._line(now_ns)
        return (self._frame("snapshot", self._sent, now_ns),)

    def update(self, now_ns: int) -> Sequence[bytes]:
        """What changed."""
        line = self._line(now_ns)
        changed = {key: text for key, text in line.items() if self._sent.get(key) != text}
        if not changed:
            return ()
        self._sent = line
        if self._is_spot:
            return (self._frame("snapshot", line, now_ns),)
        return (self._frame("delta", {"symbol": line["symbol"], **changed}, now_ns),)

    def _line(self, now_ns: int) -> dict[str, str]:
        ticker = self._view.ticker(self._instrument.symbol)
        line = ticker_line(ticker, self._instrument, now_ns)
        if self._is_spot:
            return {key: text for key, text in line.items() if "1" not in key}
        return line

    def _frame(self, kind: str, line: dict[str, str], now_ns: int) -> bytes:
        revision = self._view.revision(self._instrument.symbol)
        return native.encode(
            {
                "topic": self._topic,
                "ts": millis(now_ns),
                "type": kind,
                "cs": revision,
                "data": line,
            }
        )


class CandleStream:
    """The running candle with each trade, and once more when it is closed."""

    def __init__(
        self, view: MarketView, instrument: Instrument, bar: str, interval_s: int, topic: str
    ) -> None:
        self._view = view
        self._instrument = instrument
        self._bar = bar
        self._interval_s = interval_s
        self._topic = topic
        self._seen = (0, 0)  # the start of the last candle, and its trades
        self._running_ns = 0

    def begin(self, now_ns: int) -> Sequence[bytes]:
        """The running candle, if there is one."""
        return self.update(now_ns)

    def update(self, now_ns: int) -> Sequence[bytes]:
        """The candles that a trade or the passing of time changed."""
        candles = self._view.candles(self._instrument.symbol, self._interval_s, 2)
        if not candles or (candles[-1].start_ns, candles[-1].trades) == self._seen:
            return ()
        frames: list[bytes] = []
        for candle in candles:
            is_closed = candle.end_ns <= now_ns
            was_running = candle.start_ns == self._running_ns
            if candle is candles[-1] or (is_closed and was_running):
                frames.append(self._frame(candle, now_ns, is_closed=is_closed))
        self._seen = (candles[-1].start_ns, candles[-1].trades or 0)
        self._running_ns = 0 if candles[-1].end_ns <= now_ns else candles[-1].start_ns
        return frames

    def tick(self, now_ns: int) -> Sequence[bytes]:
        """A candle whose time is over is confirmed."""
        if not self._running_ns or now_ns < interval_end(self._running_ns, self._interval_s):
            return ()
        self._seen = (0, 0)
        return self.update(now_ns)

    def _frame(self, candle: Candle, now_ns: int, *, is_closed: bool) -> bytes:
        data = {
            "start": millis(candle.start_ns),
            "end": millis(candle.end_ns) - 1,
            "interval": self._bar,
            "open": number(candle.open),
            "close": number(candle.close),
            "high": number(candle.high),
            "low": number(candle.low),
            "volume": number(candle.volume),
            "turnover": number(candle.volume * (candle.vwap or candle.close)),
            "confirm": is_closed,
            "timestamp": millis(now_ns),
        }
        return native.encode(
            {"topic": self._topic, "data": [data], "ts": millis(now_ns), "type": "snapshot"}
        )


def ticker_line(ticker: Ticker, instrument: Instrument, now_ns: int) -> dict[str, str]:
    """A market's line as REST and futures have it; there is no open interest here."""
    part = (ticker.change_percent or Decimal(0)) / 100
    volume, last = ticker.volume or Decimal(0), number(ticker.last)
    own = {"usdIndexPrice": last}
    if instrument.symbol.contract:
        funded_ns = now_ns - now_ns % _FUNDING_NS + _FUNDING_NS
        own = {
            "markPrice": last,
            "indexPrice": last,
            "openInterest": "0",
            "openInterestValue": "0",
            "fundingRate": "0.0001",
            "nextFundingTime": str(millis(funded_ns)),
        }
    return {
        **own,
        "symbol": instrument.venue_symbol,
        "lastPrice": last,
        "prevPrice24h": number(ticker.open),
        "price24hPcnt": number(part.quantize(Decimal("0.000001"))),
        "highPrice24h": number(ticker.high),
        "lowPrice24h": number(ticker.low),
        "turnover24h": number(volume * (ticker.vwap or Decimal(0))),
        "volume24h": number(volume),
        "bid1Price": number(ticker.bid),
        "bid1Size": number(ticker.bid_quantity),
        "ask1Price": number(ticker.ask),
        "ask1Size": number(ticker.ask_quantity),
    }
