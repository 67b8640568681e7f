"""One stream each, as the simulated venue sends it: what was sent last, and what is new.

Sources: https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-streams.md and
https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams.
The real venue gathers changes for 100 ms to 2 s; here each is sent at once.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from msgspec import Struct, structs

from fluxum.model.interval import interval_end, interval_start
from fluxum.model.market import Candle, Trade
from fluxum.venues.binance import native
from fluxum.venues.binance.server.formats import (
    Market,
    agg_trade_of,
    bar_of,
    day_of,
    match_of,
    rows,
)
from fluxum.venues.binance.server.snapshots import Snapshots
from fluxum.venues.server.book_diff import BookWindow, Sides
from fluxum.venues.server.formats import millis
from fluxum.venues.server.streams import Change, FrameStream, Stream, TradeStream

__all__ = ["Write", "make_stream", "make_stream_of_all"]

Write = Callable[[object], bytes]
"""Makes a frame of an event, wrapped if the link is combined."""

_LOOK_BACK = 10
_PARTIAL = {"5": 5, "10": 10, "20": 20}
_SPEEDS = ("", "@100ms")
_FUTURES_SPEEDS = (*_SPEEDS, "@250ms", "@500ms")


def make_stream(
    market: Market, snapshots: Snapshots, kind: str, write: Write, now_ns: int
) -> Stream | None:
    """The stream of a kind, such as `kline_1m`; `None` for one that does not exist."""
    policy = market.policy
    if kind in {"depth", "depth@100ms"} or (policy.is_futures and kind == "depth@500ms"):
        return _depth(market, snapshots, write)
    if kind in _KINDS:
        return _KINDS[kind](market, write)
    for interval_s, name in policy.intervals.items():
        if kind == f"kline_{name}":
            return _KlineStream(market, interval_s, write, now_ns)
    speeds = _FUTURES_SPEEDS if policy.is_futures else _SPEEDS
    for text, levels in _PARTIAL.items():
        if kind in {f"depth{text}{speed}" for speed in speeds}:
            return _best_depth(market, levels, write)
    return None


def make_stream_of_all(market: Market, name: str, write: Write) -> Stream | None:
    """One market's part of a stream of all of them, such as `!miniTicker@arr`.

    Streams of lists have the markets that changed, here one.
    """
    if name == "!miniTicker@arr":
        return _mini_ticker(market, lambda event: write([event]))
    if market.policy.is_futures and name == "!ticker@arr":
        return _ticker(market, lambda event: write([event]))
    if market.policy.is_futures and name == "!bookTicker":
        return _book_ticker(market, write)
    return None


def _depth(market: Market, snapshots: Snapshots, write: Write) -> Stream:
    """Every changed level, with the updates it took from where the last event ended."""
    window = BookWindow(market.view, market.symbol)
    window.whole()
    last = window.revision
    changes: Sides | None = None

    def has_changed() -> bool:
        nonlocal changes
        changes = snapshots.complete(market.view, market.symbol, last, window.changes())
        return changes is not None

    def frame(now_ns: int) -> bytes:
        nonlocal last
        assert changes is not None, "a frame follows a change"
        before, last = last, window.revision
        return write(_depth_update(market, before, last, changes, now_ns))

    return FrameStream(frame, has_changed)


def _best_depth(market: Market, levels: int, write: Write) -> Stream:
    """The best levels, whole each time; futures send them as they send changes."""
    window = BookWindow(market.view, market.symbol, levels)
    before = 0

    def has_changed() -> bool:
        nonlocal before
        before = window.revision
        return window.changes() is not None

    def frame(now_ns: int) -> bytes:
        bids, asks = window.whole()
        if market.policy.is_futures:
            return write(_depth_update(market, before, window.revision, (bids, asks), now_ns))
        return write(native.Depth(window.revision, rows(bids), rows(asks)))

    return FrameStream(frame, has_changed)


def _trades(event: Callable[[Market, Trade, int], Struct], market: Market, write: Write) -> Stream:
    """Every trade from now on."""

    def frames(trades: Sequence[Trade], now_ns: int) -> Sequence[bytes]:
        return [write(event(market, one, millis(now_ns))) for one in trades]

    return TradeStream(market.view, market.symbol, frames)


def _ticker(market: Market, write: Write) -> Stream:
    """The last 24 hours, whenever more than the time of it changed."""
    has_changed = Change(lambda: day_of(market, 0))
    return FrameStream(lambda now_ns: write(day_of(market, now_ns)), has_changed)


def _mini_ticker(market: Market, write: Write) -> Stream:
    """The same in short."""

    def write_short(day: object) -> bytes:
        return write(_MiniTicker(*(getattr(day, one) for one in _MiniTicker.__struct_fields__)))

    return _ticker(market, write_short)


def _book_ticker(market: Market, write: Write) -> Stream:
    """The best levels, whenever they changed."""
    window = BookWindow(market.view, market.symbol, 1)

    def frame(now_ns: int) -> bytes:
        bid, ask = ((rows(side) or [("0", "0")])[0] for side in window.whole())
        event = _BestLevels(window.revision, market.name, *bid, *ask)
        if not market.policy.is_futures:
            return write(event)
        now_ms = millis(now_ns)
        return write(native.BookTicker(**structs.asdict(event), T=now_ms, E=now_ms))

    return FrameStream(frame, lambda: window.changes() is not None)


class _KlineStream:
    """The running candle with each trade, and every candle once when it is closed.

    One without trades is sent only then, with the last price
    (https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-streams.md, as seen).
    """

    def __init__(self, market: Market, interval_s: int, write: Write, now_ns: int) -> None:
        self._market = market
        self._write = write
        self._interval_s = interval_s
        self._start_ns = interval_start(now_ns, interval_s)
        self._sent: tuple[int, int] | None = None  # of the running one: start and trades

    def begin(self, now_ns: int) -> Sequence[bytes]:  # noqa: ARG002
        """Nothing: a candle is sent with the next trade."""
        return ()

    def update(self, now_ns: int) -> Sequence[bytes]:
        """The candles that are over, and the running one if there was a trade in it."""
        events = [*self.tick(now_ns)]
        recent = self._candles(1)
        if recent and recent[-1].start_ns == self._start_ns:
            running = recent[-1]
            sent = (running.start_ns, running.trades or 0)
            if sent != self._sent:
                self._sent = sent
                events.append(self._frame(running, now_ns, is_closed=False))
        return events

    def tick(self, now_ns: int) -> Sequence[bytes]:
        """The candles that are over and were not sent as closed."""
        events: list[bytes] = []
        while (end_ns := interval_end(self._start_ns, self._interval_s)) <= now_ns:
            over = self._candle(self._start_ns)
            self._start_ns = end_ns
            if over is not None:
                events.append(self._frame(over, now_ns, is_closed=True))
        return events

    def _candles(self, count: int) -> Sequence[Candle]:
        return self._market.view.candles(self._market.symbol, self._interval_s, count)

    def _candle(self, start_ns: int) -> Candle | None:
        """The candle that began then; without trades, the close of the one before all the time."""
        recent = self._candles(_LOOK_BACK)
        before = [one for one in recent if one.start_ns <= start_ns]
        if not before or before[-1].start_ns == start_ns:
            return before[-1] if before else None
        close = before[-1].close
        return structs.replace(
            before[-1],
            start_ns=start_ns,
            end_ns=interval_end(start_ns, self._interval_s),
            open=close,
            high=close,
            low=close,
            volume=close * 0,
            vwap=None,
            trades=0,
        )

    def _frame(self, candle: Candle, now_ns: int, *, is_closed: bool) -> bytes:
        market = self._market
        bar = bar_of(market, candle, is_closed=is_closed)
        return self._write(native.Kline(E=millis(now_ns), s=market.name, k=bar))


class _MiniTicker(Struct, tag_field="e", tag="24hrMiniTicker", gc=False):
    """The last 24 hours in short, which other people's clients request.

    `{"e":"24hrMiniTicker","E":1672515782136,"s":"BNBBTC","c":"0.0025","o":"0.0010","h":"0.0025",
    "l":"0.0010","v":"10000","q":"18"}`
    """

    E: int
    s: str
    c: str
    o: str
    h: str
    l: str  # noqa: E741 - the venue's name
    v: str
    q: str


class _BestLevels(Struct):
    """The best levels as spot sends them: without a tag; see native.BookTicker."""

    u: int
    s: str
    b: str
    B: str
    a: str
    A: str


def _depth_update(
    market: Market, before: int, last: int, sides: Sides, now_ns: int
) -> native.DepthUpdate:
    now_ms, is_futures = millis(now_ns), market.policy.is_futures
    return native.DepthUpdate(
        E=now_ms,
        s=market.name,
        U=before + 1,
        u=last,
        b=rows(sides[0]),
        a=rows(sides[1]),
        T=now_ms if is_futures else None,
        pu=before if is_futures else None,
    )


_KINDS: Mapping[str, Callable[[Market, Write], Stream]] = {
    "trade": partial(_trades, match_of),
    "aggTrade": partial(_trades, agg_trade_of),
    "ticker": _ticker,
    "miniTicker": _mini_ticker,
    "bookTicker": _book_ticker,
}
