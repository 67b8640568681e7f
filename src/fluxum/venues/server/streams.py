"""The simulated streams of every venue: what one client was sent, and what is new."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from fluxum.model.instrument import Symbol
from fluxum.model.market import Trade
from fluxum.venues.server.contract import MarketView

__all__ = [
    "Change",
    "ClientStreams",
    "FrameStream",
    "Stream",
    "TimedStream",
    "TradeCursor",
    "TradeStream",
    "last_trade_id",
]


WriteTrades = Callable[[Sequence[Trade], int], Sequence[bytes]]


class Stream(Protocol):
    """One accepted subscription of one client to one market."""

    def begin(self, now_ns: int) -> Sequence[bytes]:
        """The frames that follow the acknowledgement at once."""
        ...

    def update(self, now_ns: int) -> Sequence[bytes]:
        """The frames that follow a move of the market."""
        ...


@runtime_checkable
class TimedStream(Stream, Protocol):
    """A stream that publishes because time passes as well."""

    def tick(self, now_ns: int) -> Sequence[bytes]:
        """The frames that are due because time passed."""
        ...


class ClientStreams:
    """The streams of one client. Those of one market publish in the order of their `rank`."""

    def __init__(self, rank: Callable[[str], int] = lambda _topic: 0) -> None:
        self._rank = rank
        self._by_symbol: dict[Symbol, dict[str, Stream]] = {}
        self._timed: dict[tuple[Symbol, str], TimedStream] = {}

    def __contains__(self, topic: str) -> bool:
        """Whether a stream is open."""
        return any(topic in streams for streams in self._by_symbol.values())

    def open(self, symbol: Symbol, topic: str, stream: Stream) -> None:
        """Open a stream of one market, in place of an open one of its topic."""
        streams = {**self._by_symbol.get(symbol, {}), topic: stream}
        self._by_symbol[symbol] = {one: streams[one] for one in sorted(streams, key=self._rank)}
        self._timed.pop((symbol, topic), None)
        if isinstance(stream, TimedStream):
            self._timed[symbol, topic] = stream

    def close(self, topic: str) -> None:
        """End a stream, if it is open."""
        for symbol, streams in self._by_symbol.items():
            streams.pop(topic, None)
            self._timed.pop((symbol, topic), None)

    def publish(self, symbol: Symbol, now_ns: int) -> list[bytes]:
        """The frames that follow a move of one market."""
        streams = self._by_symbol.get(symbol, {}).values()
        return [frame for stream in streams for frame in stream.update(now_ns)]

    def tick(self, now_ns: int) -> list[bytes]:
        """The frames that are due because time passed."""
        return [
            frame
            for symbol, streams in self._by_symbol.items()
            for topic in streams
            if (symbol, topic) in self._timed
            for frame in self._timed[symbol, topic].tick(now_ns)
        ]


class FrameStream:
    """One frame, sent at once and again with each change; see Stream.

    `first` makes the frame that is sent at once, by default it is as the others are.
    """

    def __init__(
        self,
        frame: Callable[[int], bytes],
        has_changed: Callable[[], bool],
        first: Callable[[int], bytes] | None = None,
    ) -> None:
        self._frame = frame
        self._has_changed = has_changed
        self._first = first or frame

    def begin(self, now_ns: int) -> Sequence[bytes]:
        """The frame as it is now."""
        self._has_changed()
        return (self._first(now_ns),)

    def update(self, now_ns: int) -> Sequence[bytes]:
        """The frame again, if there is a change."""
        return (self._frame(now_ns),) if self._has_changed() else ()


class Change:
    """Called, it returns whether a state differs from that of the last call."""

    def __init__(self, state: Callable[[], object]) -> None:
        self._state = state
        self._last = state()

    def __call__(self) -> bool:
        """Whether there is a change."""
        before, self._last = self._last, self._state()
        return before != self._last


class TradeCursor:
    """The last trade of one market that one client's stream was published up to.

    `last_id` is its id, zero before the first trade. Ids of a simulated market count up by one.
    """

    def __init__(self, view: MarketView, symbol: Symbol) -> None:
        self._view = view
        self._symbol = symbol
        self.last_id = last_trade_id(view, symbol)

    def advance(self) -> int:
        """Go on to the last trade there is; return how many trades that passes."""
        before, self.last_id = self.last_id, last_trade_id(self._view, self._symbol)
        return self.last_id - before


class TradeStream:
    """The trades of one market, each once and in order; see Stream.

    `frames` writes trades, oldest first. The stream begins with the last `past` trades, written by
    `first` if that is given; an update has the last `count_max` of its trades.
    """

    def __init__(
        self,
        view: MarketView,
        symbol: Symbol,
        frames: WriteTrades,
        *,
        first: WriteTrades | None = None,
        past: int = 0,
        count_max: int | None = None,
    ) -> None:
        self._view = view
        self._symbol = symbol
        self._frames = frames
        self._first = first or frames
        self._past = past
        self._count_max = count_max
        self._cursor = TradeCursor(view, symbol)

    @property
    def last_id(self) -> int:
        """The id of the last trade that the client was sent, zero before the first."""
        return self._cursor.last_id

    def begin(self, now_ns: int) -> Sequence[bytes]:
        """The last trades, however old they are."""
        self._cursor.advance()
        return self._last(self._first, self._past, now_ns)

    def update(self, now_ns: int) -> Sequence[bytes]:
        """The trades since the last message."""
        count = self._cursor.advance()
        return self._last(self._frames, min(count, self._count_max or count), now_ns)

    def _last(self, write: WriteTrades, count: int, now_ns: int) -> Sequence[bytes]:
        return write(self._view.trades(self._symbol, count), now_ns) if count else ()


def last_trade_id(view: MarketView, symbol: Symbol) -> int:
    """The id of a market's last trade, zero before the first."""
    trades = view.trades(symbol, 1)
    return int(trades[0].trade_id) if trades else 0
