"""Columns from a recording: it is replayed, and each event becomes the rows of its table.

The recording stays the source. Its columns are complete or absent, are never written twice, and
overwrite nothing.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from fluxum.book.proof import BookStatus
from fluxum.errors import BadInput
from fluxum.lock import CAN_HOLD, hold
from fluxum.model.event import Event, Loss
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.replay import Replay
from fluxum.store.arrow import parquet
from fluxum.store.coverage import RECORDING, Coverage, StreamKey, stream_of
from fluxum.store.manifest import HIDDEN, SCHEMA, Manifest, TableSums, TapeDigest, manifests
from fluxum.store.parts import Parts, leftovers
from fluxum.store.tables import (
    Columnar,
    Row,
    gap_row,
    open_gap_row,
    rows_of,
    unfit,
    unfit_row,
)
from fluxum.verify import Verification
from fluxum.version import __version__

__all__ = ["AlreadyBuilt", "build"]

_GAPS = StreamKey("gap")


class AlreadyBuilt(BadInput):
    """The folder has the columns of this recording."""


def build(
    recording: Sequence[Path], folder: Path, venue: str | None = None, depth: int | None = None
) -> Manifest:
    """Write the columns of one recording, given as its files in order, into a folder.

    `venue` and `depth` are those of `Replay`. Raises AlreadyBuilt if the folder has this recording;
    BadInput if it has the columns of when the recording was shorter, or is being written to by
    another process; TapeError if there is nothing to read.
    """
    parquet()  # whether it is installed is asked before anything is made
    path, *more = recording
    tapes = [TapeDigest.of(one) for one in recording]
    verification = Verification(Replay(path, venue, depth, more), len(recording))
    header = verification.replay.tape.header
    epoch = 0 if header is None else header.recording_ns or header.started_ns
    name = _name(epoch, tapes)
    with _held(folder):
        _refuse_again(folder, name, epoch, tapes)
        for file in leftovers(folder, name):  # of a build that was killed
            file.unlink()
        return _Build(verification, folder, name, epoch, tapes, depth).run()


class _Build:
    """One recording on its way into columns."""

    def __init__(
        self,
        verification: Verification,
        folder: Path,
        name: str,
        epoch: int,
        tapes: Sequence[TapeDigest],
        depth: int | None,
    ) -> None:
        self._verification = verification
        self._replay = verification.replay
        self._name = name
        self._epoch = epoch
        self._tapes = tapes
        self._depth = depth
        self._numbers: Counter[StreamKey] = Counter()
        self._generations: Counter[str] = Counter()
        self._sums: dict[str, list[int]] = {"coverage": [0, 0], "gap": [0, 0]}
        self._elsewhere: Counter[str] = Counter()
        self._events = self._unfit = self._frame = self._now_ns = 0
        self._coverage = Coverage()
        self._origin = {
            "fluxum_schema": str(SCHEMA),
            "fluxum_version": __version__,
            "fluxum_recording": name,
            "fluxum_tapes": msgspec.json.encode(tapes).decode(),
        }
        self._parts = Parts(folder, name, self._replay.venue.name, self._origin)

    def run(self) -> Manifest:
        """Build and place the files."""
        try:
            for moment in self._verification:
                self._frame, self._now_ns = moment.index, moment.ns or self._now_ns
                self._cover(self._coverage.moment(self._now_ns, frames=int(moment.is_frame)))
                for event in moment.events:
                    self._events += 1
                    self._take(event)
            for gap in self._replay.processor.gaps.open.values():
                self._lack(open_gap_row(gap), self._now_ns)
            self._cover(self._coverage.end())
            return self._finish()
        finally:
            self._parts.close()

    def _take(self, event: Event) -> None:
        """Put an event into its table, or count it."""
        stream = stream_of(event)
        if isinstance(event, Loss):
            self._lack(gap_row(event), event.received_ns, events=1)
        elif isinstance(event, Columnar):
            self._put(event, stream)
        else:
            self._elsewhere[str(event.__struct_config__.tag)] += 1
            self._coverage.of(stream).events += 1

    def _put(self, event: Columnar, stream: StreamKey) -> None:
        """Add the rows of an event, or a gap if they cannot hold it exactly."""
        table, rows = rows_of(event)
        is_proved = False
        if isinstance(event, BookSnapshot | BookUpdate):
            is_proved, state = self._state_of(event)
            rows = [(*row, *state) for row in rows]
        self._numbers[stream] += 1
        counts = self._coverage.of(stream)
        counts.events += 1
        if why := unfit(table, rows):
            self._unfit += 1
            counts.unfit += 1
            self._lack(unfit_row(stream, event.received_ns, why), event.received_ns)
            return
        counts.rows += len(rows)
        counts.proved += is_proved
        origin = (event.received_ns, event.venue_ns, self._epoch, self._numbers[stream])
        self._add(table, event.symbol, 1, [(*origin, self._frame, *row) for row in rows])

    def _state_of(self, event: BookSnapshot | BookUpdate) -> tuple[bool, tuple[int, bool]]:
        """Whether the book is proved once its frame was read; that after the generation."""
        self._generations[event.symbol] += isinstance(event, BookSnapshot)
        evidence = self._replay.processor.books.get(event.symbol).evidence
        is_proved = evidence.status is BookStatus.VALID
        return is_proved, (self._generations[event.symbol], is_proved)

    def _lack(self, row: Row, received_ns: int, events: int = 0) -> None:
        """Add a row of `gap`, which stands for an event or for none."""
        self._numbers[_GAPS] += 1
        counts = self._coverage.of(RECORDING)
        counts.events += events
        counts.rows += 1
        origin = (received_ns, None, self._epoch, self._numbers[_GAPS], self._frame)
        self._add("gap", "", events, [(*origin, *row)])

    def _cover(self, rows: Sequence[Row]) -> None:
        if rows:
            self._add("coverage", "", 0, rows)

    def _add(self, table: str, symbol: str, events: int, rows: Sequence[Row]) -> None:
        sums = self._sums.setdefault(table, [0, 0])
        sums[0] += events
        sums[1] += len(rows)
        self._parts.add(table, symbol, rows)

    def _finish(self) -> Manifest:
        report = self._verification.report()
        files = self._parts.finish(
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
            tables={
                table: TableSums(events=events, rows=rows)
                for table, (events, rows) in sorted(self._sums.items())
            },
            elsewhere=dict(sorted(self._elsewhere.items())),
            unfit=self._unfit,
            rejected=report.rejected,
            lost=report.lost,
            torn=report.torn,
            damage=report.damage,
            proved=report.is_proved,
            files=files,
        )
        self._parts.place(manifest)
        return manifest


def _refuse_again(folder: Path, name: str, epoch: int, tapes: Sequence[TapeDigest]) -> None:
    """Whatever is in the folder already would be counted twice."""
    digests = {one.sha256 for one in tapes}
    for one in manifests(folder):
        if one.name == name:
            raise AlreadyBuilt(f"{folder} has the columns of {tapes[0].name} already, as {name}")
        has_part = not digests.isdisjoint(tape.sha256 for tape in one.tapes)
        if has_part or (epoch and epoch == one.epoch):
            raise BadInput(
                f"{folder} has columns of a part of the recording {tapes[0].name}, as {one.name}: "
                "build a recording when it has ended, or into another folder"
            )


def _name(epoch: int, tapes: Sequence[TapeDigest]) -> str:
    """The name of a recording's files: when it began, and the beginning of its digest."""
    digest = hashlib.sha256("".join(one.sha256 for one in tapes).encode()).hexdigest()
    return f"{datetime.fromtimestamp(epoch // 10**9, UTC):%Y%m%dT%H%M%SZ}-{digest[:12]}"


@contextmanager
def _held(folder: Path) -> Generator[None]:
    """Keep other processes from building in the folder, which is made if need be."""
    try:
        (folder / HIDDEN).mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / HIDDEN / "lock", os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise BadInput(f"cannot write columns to {folder}: {error.strerror}") from error
    try:
        if CAN_HOLD and not hold(descriptor):
            raise BadInput(f"another process is building columns in {folder}")
        yield
    finally:
        os.close(descriptor)
