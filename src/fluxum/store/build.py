"""Columns from a recording: it is replayed, and each event becomes the rows of its table.

The recording stays the source. Its columns are complete or absent, are never written twice, and
overwrite nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import msgspec
from msgspec import structs

from fluxum.book.proof import BookStatus
from fluxum.model.event import Event, GapCause, Loss
from fluxum.model.market import BookSnapshot, BookUpdate, Candle, Ticker, Trade
from fluxum.replay import PassedUpdates, Replay
from fluxum.session.gaps import OpenGap
from fluxum.store.arrow import parquet
from fluxum.store.coverage import Coverage, Stream, StreamKey, stream_of
from fluxum.store.manifest import SCHEMA, Manifest, TapeDigest, originals
from fluxum.store.parts import SETTLED_ROWS, Parts, Passed, leftovers
from fluxum.store.spans import AlreadyBuilt, Span, divide, epoch_of, held, name_of
from fluxum.store.tables import (
    TABLE_OF,
    TABLES,
    Columnar,
    Row,
    gap_row,
    open_gap_row,
    rows_of,
    unfit,
    unfit_row,
)
from fluxum.tape import TapeReader
from fluxum.verify import Report, Verification
from fluxum.version import __version__

__all__ = ["AlreadyBuilt", "build", "build_spans"]


def build(
    recording: Sequence[Path],
    folder: Path,
    venue: str | None = None,
    depth: int | None = None,
    *,
    waits: bool = False,
) -> Manifest:
    """Write the columns of one recording, given as its files in order, into a folder.

    If the folder has those of its first files, the others are added: as one span, whose manifest
    is returned. `venue` and `depth` are those of `Replay`. Raises AlreadyBuilt if the folder has
    all of this recording; BadInput if it has the columns of when the recording was shorter, and if
    another process is writing to it, unless this one `waits`; TapeError if there is nothing to
    read.
    """
    parquet()  # whether it is installed is asked before anything is made
    has = f"{folder} has the columns of {recording[0].name} already"
    while True:
        spans, built = divide(recording, folder, TapeReader(recording[0]).header)
        if len(built) == len(spans):
            raise AlreadyBuilt(f"{has}, as {', '.join(one.name for one in built)}")
        made: list[Manifest] = []
        with suppress(_Overtaken):
            build_spans(iter(spans), folder, venue, depth, placed=made.append, waits=waits)
            break
    if not made:
        raise AlreadyBuilt(f"{has}, up to where it is damaged: {built[-1].damage}")
    return made[-1]


def build_spans(
    spans: Iterator[Span],
    folder: Path,
    venue: str | None = None,
    depth: int | None = None,
    *,
    placed: Callable[[Manifest], object],
    waits: bool = False,
) -> None:
    """Write the columns of one recording span by span; those that the folder has are passed over.

    A span is requested when the columns of the one before it are in the folder, and its files have
    to be whole then. `placed` is called with each new manifest. While a span is built no other
    process can write columns to the folder; one that does so is waited for, or else BadInput is
    raised. Otherwise raises as `build` does.
    """
    parquet()
    building = _Build(spans, folder, venue, depth, placed, waits=waits)
    try:
        building.run()
    finally:
        building.close()


class _Overtaken(Exception):
    """Another process has built a part of a span since it was planned."""


class _Build:
    """One recording on its way into columns."""

    def __init__(
        self,
        spans: Iterator[Span],
        folder: Path,
        venue: str | None,
        depth: int | None,
        placed: Callable[[Manifest], object],
        *,
        waits: bool,
    ) -> None:
        self._folder = folder
        self._depth = depth
        self._placed = placed
        self._waits = waits
        self._coverage = Coverage()
        self._rows: Parts | Passed
        self._events = self._unfit = self._added = 0
        self._streams = {StreamKey(): self._coverage.recording}
        self._named: dict[str, dict[object, Stream]] = {table: {} for table in TABLES}
        self._gaps = self._frame = self._now_ns = self._uses = 0
        self._closing = ExitStack()
        first = next(spans)
        path, *more = first.files
        later = self._later(first, spans)
        self._replay = Replay(path, venue, depth, more, later)
        self._books = self._replay.processor.books
        self._verification = Verification(self._replay)
        self._epoch = epoch_of(self._replay.tape.header)
        self._before = self._verification.report()
        self._begin(first)

    def run(self) -> None:
        """Build and place the files."""
        for moment in self._verification.stretches():
            if isinstance(moment, PassedUpdates):
                self._take_passed(moment)
                continue
            self._frame, self._now_ns = moment.index, moment.ns or self._now_ns
            finished = self._coverage.moment(self._now_ns, frames=int(moment.is_frame))
            if finished:
                self._add("coverage", finished)
            self._events += len(moment.events)
            for event in moment.events:
                self._take(event)
            self._settle()
        for gap in self._open_gaps():
            self._lack(open_gap_row(gap), self._now_ns)
        self._end()

    def _take_passed(self, passed: PassedUpdates) -> None:
        """Put the updates of frames of proved books into their table."""
        self._frame = passed.index
        self._events += len(passed.updates)
        for update in passed.updates:
            self._now_ns = update.received_ns
            if finished := self._coverage.moment(self._now_ns):
                self._add("coverage", finished)
            self._put(update, "book_level", update.symbol, is_proved=True)
            self._frame += 1
        self._frame -= 1  # that of the last one
        self._settle()

    def _settle(self) -> None:
        if self._added > SETTLED_ROWS:
            self._added = 0
            self._rows.settle()

    def close(self) -> None:
        """Remove what was not placed."""
        self._closing.close()

    def _later(self, span: Span, spans: Iterator[Span]) -> Iterator[Path]:
        """The files of all spans but the first; a span is over when the next file is requested."""
        while not span.is_last:
            self._end()
            span = next(spans)
            self._begin(span)
            yield from span.files

    def _begin(self, span: Span) -> None:
        """Begin a span, whose rows nothing takes if the folder has them."""
        self._tapes = [TapeDigest.of(one) for one in span.files]
        self._elsewhere: Counter[str] = Counter()
        self._events = self._unfit = self._added = 0
        self._parts: Parts | None = None
        self._rows = Passed()
        for stream in self._streams.values():
            stream.part = None
        self._name = name = name_of(TapeReader(span.files[0]).header, self._tapes)
        self._closing.enter_context(held(self._folder, waits=self._waits))
        built = {tape.sha256 for one in originals(self._folder) for tape in one.tapes}
        has = [one.sha256 in built for one in self._tapes]
        if all(has):
            self._closing.close()
            return
        if any(has):
            raise _Overtaken
        for file in leftovers(self._folder, name):  # of a build that was killed
            file.unlink()
        origin = {
            "fluxum_schema": str(SCHEMA),
            "fluxum_version": __version__,
            "fluxum_recording": name,
            "fluxum_tapes": msgspec.json.encode(self._tapes).decode(),
        }
        self._parts = self._rows = Parts(self._folder, name, self._replay.venue.name, origin)
        self._closing.callback(self._parts.close)

    def _end(self) -> None:
        """Place the files of a span."""
        if rows := self._coverage.end():
            self._add("coverage", rows)
        report = self._verification.report()
        if self._parts is not None:
            self._placed(self._place(self._parts, _since(report, self._before)))
        self._before = report
        self._closing.close()

    def _take(self, event: Event) -> None:
        """Put an event into its table, or count it."""
        kind = type(event)
        if isinstance(event, BookUpdate) or isinstance(event, BookSnapshot):  # noqa: SIM101 - faster
            # Whether the book is proved after the frame of the message.
            status = self._books.get(event.symbol).evidence.status
            self._put(event, "book_level", event.symbol, is_proved=status is BookStatus.VALID)
        elif isinstance(event, Trade) or isinstance(event, Ticker):  # noqa: SIM101 - faster
            self._put(event, TABLE_OF[kind], event.symbol)
        elif isinstance(event, Candle):
            self._put(event, "candle", (event.symbol, event.interval_s))
        elif isinstance(event, Loss):
            self._lack(gap_row(event), event.received_ns, events=1)
        else:
            self._elsewhere[str(event.__struct_config__.tag)] += 1
            self._coverage.of(self._stream_of(event)).events += 1

    def _put(self, event: Columnar, table: str, name: object, *, is_proved: bool = False) -> None:
        """Add the rows of an event; if a table cannot hold it exactly, it becomes a gap."""
        streams = self._named[table]
        stream = streams.get(name)
        if stream is None:
            stream = streams[name] = self._stream_of(event)
        part = stream.part
        if part is None or not part.since_ns <= event.received_ns < part.until_ns:
            part = stream.part = self._rows.part(table, event.symbol, event.received_ns)
        part.used = self._uses = self._uses + 1
        number = stream.number = stream.number + 1
        generation = stream.generation = stream.generation + isinstance(event, BookSnapshot)
        rows = part.put(event, self._epoch, number, self._frame, generation, is_proved)
        counts = stream.counts or self._coverage.of(stream)
        counts.events += 1
        if not rows:
            self._unfit += 1
            counts.unfit += 1
            row = unfit_row(stream.key, event.received_ns, unfit(event, *rows_of(event)))
            self._lack(row, event.received_ns)
            return
        counts.rows += rows
        counts.proved += is_proved
        part.events += 1
        self._added += rows

    def _stream_of(self, event: Event) -> Stream:
        key = stream_of(event)
        return self._streams.setdefault(key, Stream(key))

    def _open_gaps(self) -> Iterator[OpenGap]:
        """The gaps that were open at the end; of all streams, if the recorder was killed."""
        processor = self._replay.processor
        yield from processor.gaps.open.values()
        if self._replay.tape.header is None or not self._replay.links():
            return
        for subscription in processor.streams:
            if subscription not in processor.gaps.open:
                yield OpenGap(
                    subscription=subscription,
                    cause=GapCause.RECORDER,
                    since_ns=self._now_ns,
                    detail="the recording ends while its links are open: its recorder was killed",
                )

    def _lack(self, row: Row, received_ns: int, events: int = 0) -> None:
        """Add a row of `gap`, which stands for an event or for none."""
        self._gaps += 1
        counts = self._coverage.of(self._coverage.recording)
        counts.events += events
        counts.rows += 1
        origin = (received_ns, None, self._epoch, self._gaps, self._frame)
        self._add("gap", [(*origin, *row)], events)

    def _add(self, table: str, rows: list[Row], events: int = 0) -> None:
        """Add rows of `gap` or `coverage`."""
        part = self._rows.part(table)
        part.used = self._uses = self._uses + 1
        part.events += events
        part.waiting.add(rows)
        self._added += len(rows)

    def _place(self, parts: Parts, report: Report) -> Manifest:
        files, tables = parts.finish(
            {
                "fluxum_frames": str(report.frames),
                "fluxum_events": str(self._events),
                "fluxum_proved": "true" if report.is_proved else "false",
            }
        )
        manifest = Manifest(
            schema=SCHEMA,
            version=__version__,
            name=self._name,
            venue=report.venue,
            depth=self._depth,
            epoch=self._epoch,
            tapes=self._tapes,
            frames=report.frames,
            events=self._events,
            tables=tables,
            elsewhere=dict(sorted(self._elsewhere.items())),
            unfit=self._unfit,
            rejected=report.rejected,
            lost=report.lost,
            torn=report.torn,
            damage=report.damage,
            proved=report.is_proved,
            files=files,
        )
        parts.place(manifest)
        return manifest


_COUNTS = tuple(one.name for one in structs.fields(Report) if one.type is int)


def _since(now: Report, before: Report) -> Report:
    """A report of what came after an earlier one."""
    counts = {name: getattr(now, name) - getattr(before, name) for name in _COUNTS}
    return structs.replace(now, **counts)
