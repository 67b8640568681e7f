"""Whether columns are what their manifests say, and what their recordings give again."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from msgspec import Struct

from fluxum.errors import BadInput
from fluxum.store.arrow import arrow, compute, parquet
from fluxum.store.build import build
from fluxum.store.manifest import ColumnFile, Manifest, TapeDigest, manifests, sha256
from fluxum.store.tables import TABLES

__all__ = ["Examination", "check"]


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
        name, more = _compare(folder, found, recording)
        replayed.append(name)
        faults += more
    return Examination(manifests=found, replayed=replayed, faults=faults)


def _faults_of(folder: Path, manifest: Manifest) -> Iterator[str]:
    """The faults of one recording's files."""
    if not manifest.sums_close:
        yield f"{manifest.name}: the sums of its manifest do not close"
    events: dict[str, int] = {}
    sums = dict.fromkeys(("frames", "events", "rows", "unfit"), 0)
    for file in manifest.files:
        path = folder / file.path
        if not path.is_file():
            yield f"{file.path} is missing"
            continue
        if sha256(path) != file.sha256:
            yield f"{file.path} is not the file that was written: its digest differs"
            continue
        table = _rows(path)
        if table.num_rows != file.rows:
            yield f"{file.path} has {table.num_rows} rows; {file.rows} were expected"
        events[file.table] = events.get(file.table, 0) + _events(file, table)
        if file.table == "coverage":
            for name in sums:
                sums[name] += compute().sum(table[name]).as_py() or 0
    for name, sum_ in events.items():
        if sum_ != manifest.tables[name].events:
            expected = manifest.tables[name].events
            yield f"{manifest.name}: {name} has {sum_} events; {expected} were expected"
    rows = sum(one.rows for name, one in manifest.tables.items() if name != "coverage")
    expected_sums = (manifest.frames, manifest.events, rows, manifest.unfit)
    for (name, sum_), expected in zip(sums.items(), expected_sums, strict=True):
        if sum_ != expected:
            yield f"{manifest.name}: coverage sums up {sum_} {name}; {expected} were expected"


def _events(file: ColumnFile, table: Any) -> int:
    """How many events a file has; those of a book have as many rows as levels."""
    pc = compute()
    match file.table:
        case "coverage":
            return 0
        case "book_level":
            return int(pc.count_distinct(table["n"]).as_py())
        case "gap":
            own = pc.is_in(table["kind"].cast("string"), arrow().array(["open", "unfit"]))
            return int(table.num_rows) - int(pc.sum(own).as_py() or 0)
        case _:
            return int(table.num_rows)


def _strangers(folder: Path, found: Sequence[Manifest]) -> Iterator[str]:
    """Files that no manifest names: readers of the folder would count them."""
    known = {file.path for one in found for file in one.files}
    for table in TABLES:
        for path in sorted((folder / table).rglob("*.parquet")):
            name = path.relative_to(folder).as_posix()
            if name not in known:
                yield f"{name} is of no finished build: build its recording again, or remove it"


def _compare(
    folder: Path, found: Sequence[Manifest], recording: Sequence[Path]
) -> tuple[str, list[str]]:
    """Build a recording again: its name, and every file that differs."""
    digests = [TapeDigest.of(one) for one in recording]
    before = next((one for one in found if list(one.tapes) == digests), None)
    if before is None:
        raise BadInput(f"{folder} has no columns of {recording[0]}")
    with TemporaryDirectory(prefix="fluxum-") as beside:
        again = build(recording, Path(beside), before.venue, before.depth)
        faults: list[str] = []
        for file in again.files:
            path = folder / file.path
            if not path.is_file():
                faults.append(f"{file.path} is missing, and the recording gives it")
            elif not _rows(Path(beside) / file.path).equals(_rows(path)):
                faults.append(f"{file.path} differs from what the recording gives")
    return again.name, faults


def _rows(path: Path) -> Any:
    """The rows of one file, without what its folders say and without its metadata."""
    return parquet().read_table(path, partitioning=None).replace_schema_metadata()
