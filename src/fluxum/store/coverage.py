"""What was recorded minute by minute: frames and, for each stream, events, rows and proofs."""

from typing import NamedTuple

from msgspec import Struct

from fluxum.model.event import Channel, Event
from fluxum.model.instrument import Instrument
from fluxum.model.market import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Level3Snapshot,
    Level3Update,
    Ticker,
    Trade,
)
from fluxum.store.tables import Row

__all__ = ["RECORDING", "Coverage", "StreamKey", "stream_of"]

_MINUTE_NS = 60 * 10**9


class StreamKey(NamedTuple):
    """A stream of a recording, as the columns `channel`, `symbol` and `interval_s` name it."""

    channel: str | None = None
    symbol: str | None = None
    interval_s: int | None = None


RECORDING = StreamKey()
"""The recording as a whole: its frames, and the events of its links."""


class _Counts(Struct):
    frames: int = 0
    events: int = 0
    rows: int = 0
    proved: int = 0
    unfit: int = 0


class Coverage:
    """The counts of the present minute. A minute without a frame has no row."""

    def __init__(self) -> None:
        self._minute_ns = 0
        self._counts: dict[StreamKey, _Counts] = {}

    def moment(self, ns: int, *, frames: int = 1) -> list[Row]:
        """Count a moment's frames; returns the rows of the minute before if it begins another."""
        minute_ns = ns - ns % _MINUTE_NS
        finished = [] if minute_ns == self._minute_ns else self.end()
        self._minute_ns = minute_ns
        self.of(RECORDING).frames += frames
        return finished

    def of(self, stream: StreamKey) -> _Counts:
        """The counts of a stream in this minute, to be added to."""
        counts = self._counts.get(stream)
        if counts is None:
            counts = self._counts[stream] = _Counts()
        return counts

    def end(self) -> list[Row]:
        """The rows of this minute, which is over."""
        rows = [
            (self._minute_ns, *key, one.frames, one.events, one.rows, one.proved, one.unfit)
            for key, one in self._counts.items()
        ]
        self._counts = {}
        return rows


def stream_of(event: Event) -> StreamKey:
    """The stream that an event is counted in."""
    match event:
        case Trade():
            return StreamKey(Channel.TRADE.value, event.symbol)
        case BookSnapshot() | BookUpdate():
            return StreamKey(Channel.BOOK.value, event.symbol)
        case Ticker():
            return StreamKey(Channel.TICKER.value, event.symbol)
        case Candle():
            return StreamKey(Channel.CANDLE.value, event.symbol, event.interval_s)
        case Level3Snapshot() | Level3Update():
            return StreamKey(Channel.LEVEL3.value, event.symbol)
        case Instrument():
            return StreamKey(Channel.INSTRUMENT.value)
        case _:
            return RECORDING
