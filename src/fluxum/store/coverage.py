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
from fluxum.store.parts import Part
from fluxum.store.tables import Row

__all__ = ["Counts", "Coverage", "Stream", "StreamKey", "stream_of"]

_MINUTE_NS = 60 * 10**9


class StreamKey(NamedTuple):
    """A stream of a recording, as the columns `channel`, `symbol` and `interval_s` name it."""

    channel: str | None = None
    symbol: str | None = None
    interval_s: int | None = None


class Counts(Struct):
    """What a minute had of a stream."""

    frames: int = 0
    events: int = 0
    rows: int = 0
    proved: int = 0
    unfit: int = 0


class Stream(Struct):
    """A stream of a recording: how many events and snapshots it has had, and where its rows go.

    `counts` is `None` until the present minute has an event of it; see `Coverage.of`.
    """

    key: StreamKey = StreamKey()
    number: int = 0
    generation: int = 0
    counts: Counts | None = None
    part: Part | None = None


class Coverage:
    """The counts of the present minute. A minute without a frame has no row."""

    def __init__(self) -> None:
        self.recording = Stream()
        """The recording as a whole: its frames, and the events of its links."""
        self._minute_ns = 0
        self._streams: list[tuple[Stream, Counts]] = []

    def moment(self, ns: int, *, frames: int = 1) -> list[Row]:
        """Count a moment's frames; returns the rows of the minute before if it begins another."""
        finished: list[Row] = []
        if not 0 <= ns - self._minute_ns < _MINUTE_NS:
            finished = self.end()
            self._minute_ns = ns - ns % _MINUTE_NS
        (self.recording.counts or self.of(self.recording)).frames += frames
        return finished

    def of(self, stream: Stream) -> Counts:
        """The counts of a stream in this minute, to be added to."""
        counts = stream.counts
        if counts is None:
            counts = stream.counts = Counts()
            self._streams.append((stream, counts))
        return counts

    def end(self) -> list[Row]:
        """The rows of this minute, which is over."""
        rows = [
            (self._minute_ns, *stream.key, one.frames, one.events, one.rows, one.proved, one.unfit)
            for stream, one in self._streams
        ]
        for stream, _ in self._streams:
            stream.counts = None
        self._streams.clear()
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
            return StreamKey()
