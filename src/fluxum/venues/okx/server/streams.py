"""One subscription each, in the simulated half: what the client was sent, and what is new.

Every message of a book names the one before by its number, which is the market's revision. A
level that leaves the window is sent as gone and one that enters as new, as clients do not cut
their books (https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel).
"""

from collections.abc import Sequence
from decimal import Decimal

from fluxum.model.instrument import Instrument
from fluxum.model.market import Level, Side, Trade
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
from fluxum.venues.server.streams import Change, FrameStream, TradeStream, last_trade_id

__all__ = ["BookStream", "CandleStream", "ticker_stream", "top_stream", "trade_stream"]

_KEEP_ALIVE_MS = 60_000
_CANDLE_NS = 1_000_000_000


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
        """A message that nothing changed, unless something did and was not published yet."""
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


def top_stream(view: MarketView, instrument: Instrument, channel: str) -> FrameStream:
    """The best few levels, whole each time one of them changed."""
    window = BookWindow(view, instrument.symbol, topics.DEPTHS[channel])
    size, name = contract_size(instrument.symbol), instrument.venue_symbol
    prefix = topics.prefix(f"{channel} {name}")
    # As published: only the deeper of the two repeats the market.
    named = b'"instId":"%s",' % name.encode() if topics.DEPTHS[channel] > 1 else b""

    def frame(now_ns: int) -> bytes:
        bids, asks = window.whole()
        return b'%s},"data":[{"asks":[%s],"bids":[%s],%s"ts":"%d","seqId":%d}]}' % (
            prefix,
            levels_text(asks, size),
            levels_text(bids, size),
            named,
            millis(now_ns),
            window.revision,
        )

    return FrameStream(frame, lambda: window.changes() is not None)


def ticker_stream(view: MarketView, instrument: Instrument) -> FrameStream:
    """The market in one line, at each trade and each change of the best prices or sizes."""
    symbol = instrument.symbol
    prefix = topics.prefix(f"tickers {instrument.venue_symbol}")

    def state() -> object:
        best = (view.levels(symbol, Side.BUY, 1), view.levels(symbol, Side.SELL, 1))
        return last_trade_id(view, symbol), best

    def frame(now_ns: int) -> bytes:
        line = ticker_line(view.ticker(symbol), instrument, now_ns)
        return b'%s},"data":[%s]}' % (prefix, native.encode(line))

    return FrameStream(frame, Change(state))


def trade_stream(view: MarketView, instrument: Instrument, channel: str) -> TradeStream:
    """Trades, each by itself, beginning with the last one.

    The venue's `trades` put together what one order did at one price, with their `count`; here
    that is always 1, so that what is published can be compared with what was done.
    """
    prefix = topics.prefix(f"{channel} {instrument.venue_symbol}")
    count = "1" if channel == "trades" else ""

    def frames(trades: Sequence[Trade], _now_ns: int) -> Sequence[bytes]:
        lines = [trade_line(one, instrument) for one in trades]
        for line in lines:
            line.count = count
        return [b'%s},"data":[%s]}' % (prefix, native.encode(line)) for line in lines]

    return TradeStream(view, instrument.symbol, frames, past=1)


class CandleStream:
    """The running candle, at most once a second, and once more when it is closed."""

    def __init__(self, view: MarketView, instrument: Instrument, bar: str) -> None:
        self._view = view
        self._symbol = instrument.symbol
        self._bar = bar
        self._prefix = topics.prefix(f"candle{bar} {instrument.venue_symbol}")
        self._sent: dict[int, bytes] = {}  # the last two candles, by their start
        self._sent_ns = 0
        self._ends_ns: int | None = None  # of the running candle
        self._has_news = False
        self._revision = 0

    def begin(self, now_ns: int) -> Sequence[bytes]:
        """The last candle."""
        self._revision = self._view.revision(self._symbol)
        return self._frames(1, now_ns)

    def update(self, now_ns: int) -> Sequence[bytes]:
        """The running candle, if it changed and was not sent just before."""
        self._revision = self._view.revision(self._symbol)
        self._has_news = True
        return self._frames(2, now_ns) if now_ns - self._sent_ns >= _CANDLE_NS else ()

    def tick(self, now_ns: int) -> Sequence[bytes]:
        """The changes that were published and not sent yet."""
        is_over = self._ends_ns is not None and now_ns >= self._ends_ns
        if not (self._has_news or is_over) or now_ns - self._sent_ns < _CANDLE_NS:
            return ()
        if self._revision != self._view.revision(self._symbol):
            return ()
        return self._frames(2, now_ns)

    def _frames(self, count: int, now_ns: int) -> Sequence[bytes]:
        frames: list[bytes] = []
        since_ns = min(self._sent, default=0)
        sent: dict[int, bytes] = {}
        self._has_news, self._ends_ns = False, None
        for candle in candles(self._view, self._symbol, self._bar, count):
            is_closed = candle.end_ns <= now_ns
            row = native.encode(candle_row(candle, is_closed=is_closed))
            if candle.start_ns >= since_ns and self._sent.get(candle.start_ns) != row:
                frames.append(b'%s},"data":[%s]}' % (self._prefix, row))
            sent[candle.start_ns] = row
            self._ends_ns = None if is_closed else candle.end_ns
        if frames:
            self._sent, self._sent_ns = sent, now_ns
        return frames


def _price(level: Level) -> Decimal:
    return level.price
