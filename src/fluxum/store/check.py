"""Whether columns are what their manifests say, and what their recordings give again."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from msgspec import Struct

from fluxum.errors import BadInput
from fluxum.store.arrow import arrow, compute, parquet
from fluxum.store.build import build_spans
from fluxum.store.compact import Slice, slices
from fluxum.store.groups import are_same, cut, row_groups
from fluxum.store.manifest import ColumnFile, Manifest, manifests, replaced, sha256
from fluxum.store.spans import divide
from fluxum.store.tables import TABLES
from fluxum.tape import TapeReader

__all__ = ["Examination", "check"]

_SUMMED: Sequence[str] = ("frames", "events", "rows", "unfit")


class Examination(Struct, frozen=True, kw_only=True):
    """What was found: the recordings by their manifests, and every fault in words.

    `replayed` are the names of the recordings that were built again and compared row by row.
    """

    manifests: Sequence[Manifest]
    replayed: Sequence[str]
    faults: Sequence[str]


def check(folder: Path, recordings: Sequence[Sequence[Path]] = ()) -> Examination:
    """Read all files of a folder: digests, rows, and the sums of events, rows and coverage.

    Each of `recordings` (its files in order) is built again and compared row by row. Raises
    BadInput if the folder has no columns, or has none of such a recording.
    """
    parquet()
    found = manifests(folder)
    if not found:
        raise BadInput(f"{folder} has no columns")
    faults = [fault for one in found for fault in _faults_of(folder, one)]
    faults += _strangers(folder, found)
    replayed: list[str] = []
    for recording in recordings:
        names, more = _compare(folder, found, recording)
        replayed += names
        faults += more
    return Examination(manifests=found, replayed=replayed, faults=faults)


def _faults_of(folder: Path, manifest: Manifest) -> Iterator[str]:
    """The faults of one recording's files."""
    if not manifest.sums_close:
        yield f"{manifest.name}: the sums of its manifest do not close"
    events: Counter[str] = Counter()
    sums = Counter[str](dict.fromkeys(_SUMMED, 0))
    for file in manifest.files:
        path = folder / file.path
        if not path.is_file():
            yield f"{file.path} is missing"
            continue
        if sha256(path) != file.sha256:
            yield f"{file.path} is not the file that was written: its digest differs"
            continue
        rows = _read(path, file.table, events, sums)
        if rows != file.rows:
            yield f"{file.path} has {rows} rows; {file.rows} were expected"
    for name, sum_ in events.items():
        if sum_ != manifest.tables[name].events:
            expected = manifest.tables[name].events
            yield f"{manifest.name}: {name} has {sum_} events; {expected} were expected"
    rows = sum(one.rows for name, one in manifest.tables.items() if name != "coverage")
    expected_sums = (manifest.frames, manifest.events, rows, manifest.unfit)
    for (name, sum_), expected in zip(sums.items(), expected_sums, strict=True):
        if sum_ != expected:
            yield f"{manifest.name}: coverage sums up {sum_} {name}; {expected} were expected"


def _read(path: Path, table: str, events: Counter[str], sums: Counter[str]) -> int:
    """Add up a file's events, and what coverage counts; its rows are returned."""
    rows = 0
    at: tuple[int, int] | None = None
    for group in row_groups([path]):
        rows += group.num_rows
        count, at = _events(table, group, at)
        events[table] += count
        if table == "coverage":
            for name in sums:
                sums[name] += compute().sum(group[name]).as_py() or 0
    return rows


def _events(
    table: str, group: Any, before: tuple[int, int] | None
) -> tuple[int, tuple[int, int] | None]:
    """How many events of a table begin in a row group; the last row's own, as it may go on.

    Those of a book have as many rows as levels, which are behind each other.
    """
    pc = compute()
    match table:
        case "coverage":
            return 0, None
        case "book_level" if group.num_rows:
            epochs, numbers = (group[one].combine_chunks() for one in ("epoch", "n"))
            begins = pc.or_(
                pc.not_equal(epochs[1:], epochs[:-1]), pc.not_equal(numbers[1:], numbers[:-1])
            )
            first = (epochs[0].as_py(), numbers[0].as_py())
            return int(pc.sum(begins).as_py() or 0) + (first != before), (
                epochs[-1].as_py(),
                numbers[-1].as_py(),
            )
        case "gap":
            own = pc.is_in(group["kind"].cast("string"), arrow().array(["open", "unfit"]))
            return int(group.num_rows) - int(pc.sum(own).as_py() or 0), None
        case _:
            return int(group.num_rows), None


def _strangers(folder: Path, found: Sequence[Manifest]) -> Iterator[str]:
    """Files that no manifest names: readers of the folder would count them."""
    known = {file.path for one in found for file in one.files}
    gone = {file.path for one in replaced(folder) for file in one.files}
    for table in TABLES:
        for path in sorted((folder / table).rglob("*.parquet")):
            name = path.relative_to(folder).as_posix()
            if name in gone:
                yield f"{name} is in another file too: a compaction was killed, begin it again"
            elif name not in known:
                yield f"{name} is of no finished build: build its recording again, or remove it"


def _compare(
    folder: Path, found: Sequence[Manifest], recording: Sequence[Path]
) -> tuple[list[str], list[str]]:
    """Build a recording again: the names of its manifests, and every file that differs."""
    spans, built = divide(recording, folder, TapeReader(recording[0]).header)
    if not built:
        raise BadInput(f"{folder} has no columns of {recording[0]}")
    kept = {path: one for manifest in found for path, one in slices(manifest).items()}
    again: list[Manifest] = []
    with TemporaryDirectory(prefix="fluxum-") as beside:
        first = built[0]
        build_spans(iter(spans), Path(beside), first.venue, first.depth, placed=again.append)
        files = [file for one in again[: len(built)] for file in one.files]
        faults = [fault for file in files if (fault := _differs(folder, Path(beside), file, kept))]
    return [one.name for one in again[: len(built)]], faults


def _differs(folder: Path, beside: Path, file: ColumnFile, kept: Mapping[str, Slice]) -> str:
    """How a file that was built again differs from what is kept; empty if it does not."""
    place = kept.get(file.path)
    if place is None or not (folder / place.path).is_file():
        return f"{file.path} is missing, and the recording gives it"
    rows = cut(row_groups([folder / place.path]), place.first, place.rows)
    if place.rows == file.rows and are_same(rows, row_groups([beside / file.path])):
        return ""
    where = "" if place.path == file.path else f", which is in {place.path},"
    return f"{file.path}{where} differs from what the recording gives"
