"""One subscription each, from the venue's chair: what the client was told, and what is new.

Every message of a book names the one before by its number, which is the market's revision. A
level that leaves the window is told as gone and one that enters as new, as clients do not cut
their books (https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel).
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import Level, Side
from fluxum.venues.okx import native, topics
from fluxum.venues.okx.server.candles import candles
from fluxum.venues.okx.server.formats import (
    candle_row,
    contract_size,
    levels_text,
    ticker_line,
    trade_line,
)
from fluxum.venues.server.book_diff import BookWindow
from fluxum.venues.server.contract import MarketView
from fluxum.venues.server.formats import millis

__all__ = ["BookStream", "CandleStream", "Stream", "TickerStream", "TopStream", "TradeStream"]

_KEEP_ALIVE_MS = 60_000
_CANDLE_NS = 1_000_000_000


class Stream(Protocol):
    """One accepted subscription of one client to one market."""

    def begin(self, now_ns: int) -> Sequence[bytes]:
        """What is told right after the acknowledgement."""
        ...

    def update(self, now_ns: int) -> Sequence[bytes]:
        """What is told after the market moved."""
        ...

    def tick(self, now_ns: int) -> Sequence[bytes]:
        """What is told because time passed."""
        ...


class BookStream:
    """The best levels, then changes to them; a keep-alive after a minute without any."""

    def __init__(self, view: MarketView, instrument: Instrument, channel: str) -> None:
        self._view = view
        self._symbol = instrument.symbol
        self._window = BookWindow(view, instrument.symbol, topics.DEPTHS[channel])
        self._prefix = topics.prefix(f"{channel} {instrument.venue_symbol}")
        self._size = contract_size(instrument.symbol)
        self._last = -1
        self._last_ms = 0

    def begin(self, now_ns: int) -> Sequence[bytes]:
        """The whole window."""
        bids, asks = self._window.whole()
        return (self._frame(b"snapshot", bids, asks, self._window.revision, millis(now_ns)),)

    def update(self, now_ns: int) -> Sequence[bytes]:
        """The levels that changed, bids from above, asks from below."""
        changed = self._window.changes()
        if changed is None:
            return ()
        bids = sorted(changed[0], key=_price, reverse=True)
        asks = sorted(changed[1], key=_price)
        return (self._frame(b"update", bids, asks, self._window.revision, millis(now_ns)),)

    def tick(self, now_ns: int) -> Sequence[bytes]:
        """Says that nothing changed, unless something did and was not published yet."""
        now_ms = millis(now_ns)
        is_current = self._view.revision(self._symbol) == self._window.revision
        if not is_current or now_ms - self._last_ms < _KEEP_ALIVE_MS:
            return ()
        return (self._frame(b"update", (), (), self._last, now_ms),)

    def _frame(
        self,
        action: bytes,
        bids: Sequence[Level],
        asks: Sequence[Level],
        sequence: int,
        now_ms: int,
    ) -> bytes:
        before = -1 if action == b"snapshot" else self._last
        self._last, self._last_ms = sequence, now_ms
        return (
            b'%s},"action":"%s","data":[{"asks":[%s],"bids":[%s],"ts":"%d","checksum":0,'
            b'"prevSeqId":%d,"seqId":%d}]}'
        ) % (
            self._prefix,
            action,
            levels_text(asks, self._size),
            levels_text(bids, self._size),
            now_ms,
            before,
            sequence,
        )


class TopStream:
    """The best few levels, whole each time one of them changed."""

    def __init__(self, view: MarketView, instrument: Instrument, channel: str) -> None:
        self._window = BookWindow(view, instrument.symbol, topics.DEPTHS[channel])
        self._size = contract_size(instrument.symbol)
        name = instrument.venue_symbol
        self._prefix = topics.prefix(f"{channel} {name}")
        # As published: only the deeper of the two repeats the market.
        is_named = topics.DEPTHS[channel] > 1
        self._name = b'"instId":"%s",' % name.encode() if is_named else b""

    def begin(self, now_ns: int) -> Sequence[bytes]:
        """The levels as they are."""
        bids, asks = self._window.whole()
        return (
            b'%s},"data":[{"asks":[%s],"bids":[%s],%s"ts":"%d","seqId":%d}]}'
            % (
                self._prefix,
                levels_text(asks, self._size),
                levels_text(bids, self._size),
                self._name,
                millis(now_ns),
                self._window.revision,
            ),
        )

    def update(self, now_ns: int) -> Sequence[bytes]:
        """The same once something changed."""
        return () if self._window.changes() is None else self.begin(now_ns)

    def tick(self, now_ns: int) -> Sequence[bytes]:  # noqa: ARG002
        """Nothing: a quiet market is not repeated."""
        return ()


class TickerStream:
    """The market in one line, at each trade and each change of the best prices or sizes."""

    def __init__(self, view: MarketView, instrument: Instrument) -> None:
        self._view = view
        self._instrument = instrument
        self._prefix = topics.prefix(f"tickers {instrument.venue_symbol}")
        self._seen: object = None

    def begin(self, now_ns: int) -> Sequence[bytes]:
        """The line as it is now."""
        self._seen = self._sign()
        line = ticker_line(self._view.ticker(self._instrument.symbol), self._instrument, now_ns)
        return (b'%s},"data":[%s]}' % (self._prefix, native.encode(line)),)

    def update(self, now_ns: int) -> Sequence[bytes]:
        """The same, if what it tells changed."""
        return () if self._sign() == self._seen else self.begin(now_ns)

    def tick(self, now_ns: int) -> Sequence[bytes]:  # noqa: ARG002
        """Nothing: a quiet market is not repeated."""
        return ()

    def _sign(self) -> object:
        view, symbol = self._view, self._instrument.symbol
        best = (view.levels(symbol, Side.BUY, 1), view.levels(symbol, Side.SELL, 1))
        return _last_trade(view, symbol), best


class TradeStream:
    """Trades, each by itself; the last one is told to begin with.

    The venue's `trades` put together what one order did at one price, with their `count`; here
    that is always 1, so that what is told can be compared with what was done.
    """

    def __init__(self, view: MarketView, instrument: Instrument, channel: str) -> None:
        self._view = view
        self._instrument = instrument
        self._count = "1" if channel == "trades" else ""
        self._prefix = topics.prefix(f"{channel} {instrument.venue_symbol}")
        self._told = 0

    def begin(self, now_ns: int) -> Sequence[bytes]:  # noqa: ARG002 - trades carry their own times
        """The last trade, however old it is."""
        self._told = _last_trade(self._view, self._instrument.symbol)
        return self._frames(1)

    def update(self, now_ns: int) -> Sequence[bytes]:  # noqa: ARG002
        """The trades since the last message."""
        last = _last_trade(self._view, self._instrument.symbol)
        fresh, self._told = last - self._told, last
        return self._frames(fresh) if fresh else ()

    def tick(self, now_ns: int) -> Sequence[bytes]:  # noqa: ARG002
        """Nothing."""
        return ()

    def _frames(self, count: int) -> Sequence[bytes]:
        trades = self._view.trades(self._instrument.symbol, count)
        frames: list[bytes] = []
        for trade in trades:
            line = trade_line(trade, self._instrument)
            line.count = self._count
            frames.append(b'%s},"data":[%s]}' % (self._prefix, native.encode(line)))
        return frames


class CandleStream:
    """The running candle, at most once a second, and once more when it is closed."""

    def __init__(self, view: MarketView, instrument: Instrument, bar: str) -> None:
        self._view = view
        self._symbol = instrument.symbol
        self._bar = bar
        self._prefix = topics.prefix(f"candle{bar} {instrument.venue_symbol}")
        self._told: dict[int, bytes] = {}  # the last two candles, by their start
        self._told_ns = 0
        self._ends_ns: int | None = None  # of the running candle
        self._has_news = False
        self._revision = 0

    def begin(self, now_ns: int) -> Sequence[bytes]:
        """The last candle."""
        self._revision = self._view.revision(self._symbol)
        return self._frames(1, now_ns)

    def update(self, now_ns: int) -> Sequence[bytes]:
        """The running candle, if it changed and was not told just before."""
        self._revision = self._view.revision(self._symbol)
        self._has_news = True
        return self._frames(2, now_ns) if now_ns - self._told_ns >= _CANDLE_NS else ()

    def tick(self, now_ns: int) -> Sequence[bytes]:
        """What is left to be told of what was published."""
        is_over = self._ends_ns is not None and now_ns >= self._ends_ns
        if not (self._has_news or is_over) or now_ns - self._told_ns < _CANDLE_NS:
            return ()
        if self._revision != self._view.revision(self._symbol):
            return ()
        return self._frames(2, now_ns)

    def _frames(self, count: int, now_ns: int) -> Sequence[bytes]:
        frames: list[bytes] = []
        since_ns = min(self._told, default=0)
        told: dict[int, bytes] = {}
        self._has_news, self._ends_ns = False, None
        for candle in candles(self._view, self._symbol, self._bar, count):
            is_closed = candle.end_ns <= now_ns
            row = native.encode(candle_row(candle, is_closed=is_closed))
            if candle.start_ns >= since_ns and self._told.get(candle.start_ns) != row:
                frames.append(b'%s},"data":[%s]}' % (self._prefix, row))
            told[candle.start_ns] = row
            self._ends_ns = None if is_closed else candle.end_ns
        if frames:
            self._told, self._told_ns = told, now_ns
        return frames


def _price(level: Level) -> Decimal:
    return level.price


def _last_trade(view: MarketView, symbol: Symbol) -> int:
    trades = view.trades(symbol, 1)
    return int(trades[0].trade_id) if trades else 0
