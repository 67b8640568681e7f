"""One stream each, as the simulated venue sends it: what was sent last, and what is new.

Sources: https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-streams.md and
https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams.
The real venue gathers changes for 100 ms to 2 s; here each is sent at once.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

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
from fluxum.venues.server.streams import TradeCursor

__all__ = ["KlineStream", "Stream", "make_stream", "make_stream_of_all"]

_LOOK_BACK = 10
_PARTIAL = {"5": 5, "10": 10, "20": 20}
_SPEEDS = ("", "@100ms")
_FUTURES_SPEEDS = (*_SPEEDS, "@250ms", "@500ms")


class Stream(Protocol):
    """One stream of one market to one client."""

    def update(self, now_ns: int) -> Sequence[object]:
        """What changed since the last event; called after each move of the market."""
        ...


def make_stream(market: Market, snapshots: Snapshots, kind: str, now_ns: int) -> Stream | None:
    """The stream of a kind, such as `kline_1m`; `None` for one that does not exist."""
    policy = market.policy
    if kind in {"depth", "depth@100ms"} or (policy.is_futures and kind == "depth@500ms"):
        return _DepthStream(market, snapshots)
    if kind in _KINDS:
        return _KINDS[kind](market)
    for interval_s, name in policy.intervals.items():
        if kind == f"kline_{name}":
            return KlineStream(market, interval_s, now_ns)
    speeds = _FUTURES_SPEEDS if policy.is_futures else _SPEEDS
    for text, levels in _PARTIAL.items():
        if kind in {f"depth{text}{speed}" for speed in speeds}:
            return _PartialStream(market, levels)
    return None


def make_stream_of_all(market: Market, name: str) -> Stream | None:
    """One market's part of a stream of all of them, such as `!miniTicker@arr`."""
    if name == "!miniTicker@arr":
        return _Listed(_MiniTickerStream(market))
    if market.policy.is_futures and name == "!ticker@arr":
        return _Listed(_TickerStream(market))
    if market.policy.is_futures and name == "!bookTicker":
        return _BookTickerStream(market)
    return None


class _Listed:
    """The events of a stream as lists, as streams of all markets send those that changed."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def update(self, now_ns: int) -> Sequence[object]:
        """One list, if there is anything in it."""
        events = self._stream.update(now_ns)
        return (events,) if events else ()


class _DepthStream:
    """Every changed level, with the updates it took from where the last event ended."""

    def __init__(self, market: Market, snapshots: Snapshots) -> None:
        self._market = market
        self._snapshots = snapshots
        self._window = BookWindow(market.view, market.symbol)
        self._window.whole()
        self._last = self._window.revision

    def update(self, now_ns: int) -> Sequence[Struct]:
        """One event of both sides, if any level changed."""
        changes = self._snapshots.complete(
            self._market.view, self._market.symbol, self._last, self._window.changes()
        )
        if changes is None:
            return ()
        before, self._last = self._last, self._window.revision
        return (_depth_update(self._market, before, self._last, changes, now_ns),)


class _PartialStream:
    """The best levels, whole each time; futures send them as they send changes."""

    def __init__(self, market: Market, levels: int) -> None:
        self._market = market
        self._window = BookWindow(market.view, market.symbol, levels)

    def update(self, now_ns: int) -> Sequence[Struct]:
        """All of them, if any changed."""
        before = self._window.revision
        if self._window.changes() is None:
            return ()
        bids, asks = self._window.whole()
        last = self._window.revision
        if not self._market.policy.is_futures:
            return (native.Depth(last, rows(bids), rows(asks)),)
        return (_depth_update(self._market, before, last, (bids, asks), now_ns),)


class _TradeStream:
    """Every trade from now on, as `event` writes it."""

    def __init__(self, market: Market, event: Callable[[Market, Trade, int], Struct]) -> None:
        self._market = market
        self._event = event
        self._cursor = TradeCursor(market.view, market.symbol)

    def update(self, now_ns: int) -> Sequence[Struct]:
        """The trades since the last time, oldest first."""
        market, count = self._market, self._cursor.advance()
        if not count:
            return ()
        trades = market.view.trades(market.symbol, count)
        return [self._event(market, trade, millis(now_ns)) for trade in trades]


class _TickerStream:
    """The last 24 hours, whenever anything in it changed."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._last: native.Ticker | None = None

    def update(self, now_ns: int) -> Sequence[native.Ticker]:
        """All of it, if it is not only the time that changed."""
        event = day_of(self._market, now_ns)
        timeless = structs.replace(event, E=0, O=0, C=0)
        if timeless == self._last:
            return ()
        self._last = timeless
        return (event,)


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


class _MiniTickerStream:
    """The same in short."""

    def __init__(self, market: Market) -> None:
        self._whole = _TickerStream(market)

    def update(self, now_ns: int) -> Sequence[Struct]:
        """The part of it that the short form has."""
        return [
            _MiniTicker(*(getattr(one, name) for name in _MiniTicker.__struct_fields__))
            for one in self._whole.update(now_ns)
        ]


class _BestLevels(Struct):
    """The best levels as spot sends them: without a tag; see native.BookTicker."""

    u: int
    s: str
    b: str
    B: str
    a: str
    A: str


class _BookTickerStream:
    """The best levels, whenever they changed."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._window = BookWindow(market.view, market.symbol, 1)

    def update(self, now_ns: int) -> Sequence[Struct]:
        """Both of them, if any changed."""
        if self._window.changes() is None:
            return ()
        bid, ask = ((rows(side) or [("0", "0")])[0] for side in self._window.whole())
        event = _BestLevels(self._window.revision, self._market.name, *bid, *ask)
        if not self._market.policy.is_futures:
            return (event,)
        now_ms = millis(now_ns)
        return (native.BookTicker(**structs.asdict(event), T=now_ms, E=now_ms),)


class KlineStream:
    """The running candle with each trade, and every candle once when it is closed.

    One without trades is sent only then, with the last price
    (https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-streams.md, as seen).
    """

    def __init__(self, market: Market, interval_s: int, now_ns: int) -> None:
        self._market = market
        self._interval_s = interval_s
        self._start_ns = interval_start(now_ns, interval_s)
        self._sent: tuple[int, int] | None = None  # of the running one: start and trades

    def update(self, now_ns: int) -> Sequence[Struct]:
        """The candles that are over, and the running one if there was a trade in it."""
        events = [*self.tick(now_ns)]
        recent = self._candles(1)
        if recent and recent[-1].start_ns == self._start_ns:
            running = recent[-1]
            sent = (running.start_ns, running.trades or 0)
            if sent != self._sent:
                self._sent = sent
                events.append(self._event(running, now_ns, is_closed=False))
        return events

    def tick(self, now_ns: int) -> Sequence[Struct]:
        """The candles that are over and were not sent as closed."""
        events: list[Struct] = []
        while (end_ns := interval_end(self._start_ns, self._interval_s)) <= now_ns:
            over = self._candle(self._start_ns)
            self._start_ns = end_ns
            if over is not None:
                events.append(self._event(over, now_ns, is_closed=True))
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

    def _event(self, candle: Candle, now_ns: int, *, is_closed: bool) -> native.Kline:
        market = self._market
        bar = bar_of(market, candle, is_closed=is_closed)
        return native.Kline(E=millis(now_ns), s=market.name, k=bar)


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


_KINDS: Mapping[str, Callable[[Market], Stream]] = {
    "trade": lambda market: _TradeStream(market, match_of),
    "aggTrade": lambda market: _TradeStream(market, agg_trade_of),
    "ticker": _TickerStream,
    "miniTicker": _MiniTickerStream,
    "bookTicker": _BookTickerStream,
}
