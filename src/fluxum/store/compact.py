"""Many small files of columns become one for each table, market and day.

The rows, their order and their values stay as they are, and so do the sums. The new files are
whole, on disk and compared with the old ones before a manifest makes them count, in one step; only
then the old ones are removed. So a crash at any instant leaves one or the other.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256 as digest
from pathlib import Path

from msgspec import Struct

from fluxum.disk import sync
from fluxum.errors import BadInput
from fluxum.store.arrow import parquet
from fluxum.store.groups import GROUP_ROWS, are_same, regrouped, row_groups
from fluxum.store.manifest import (
    SCHEMA,
    ColumnFile,
    Manifest,
    TableSums,
    manifests,
    replaced,
    sha256,
)
from fluxum.store.parts import Staging, leftovers, open_writer
from fluxum.store.spans import held
from fluxum.version import __version__

__all__ = ["Slice", "compact", "slices"]


class Slice(Struct, frozen=True):
    """Where rows are: the path of the file in the folder, the first of them, and how many."""

    path: str
    first: int
    rows: int


def compact(folder: Path, before: str = "") -> list[Manifest]:
    """Make the files of each exchange and day one for each table and market; returns what was made.

    The day is that on which a file of the recording began, in UTC. With `before`, a date, later
    days stay as they are. A day of one manifest is passed over, and so are bare recordings.
    Programs that read the files without the manifests see old and new ones together while the old
    ones are removed; `query` never does. Raises BadInput for a folder without columns, if files
    are missing or were changed, and if another process is writing to it.
    """
    parquet()
    if not manifests(folder):
        raise BadInput(f"{folder} has no columns")
    with held(folder):
        _remove_replaced(folder)
        days: dict[tuple[str, str], list[Manifest]] = {}
        for one in manifests(folder):
            if one.epoch or one.merged:
                days.setdefault((one.venue, _day(one)), []).append(one)
        made = [
            _merge(folder, of_day)
            for (_, day), of_day in sorted(days.items())
            if len(of_day) > 1 and (not before or day < before)
        ]
        if made:
            _remove_replaced(folder)
    return made


def slices(manifest: Manifest) -> dict[str, Slice]:
    """Where the rows of each file are that the builds wrote, by its path at that time."""
    if not manifest.merged:
        return {one.path: Slice(one.path, 0, one.rows) for one in manifest.files}
    place = {_place(one): one.path for one in manifest.files}
    at: Counter[str] = Counter()
    found: dict[str, Slice] = {}
    for file in _files(manifest.merged):
        path = place[_place(file)]
        found[file.path] = Slice(path, at[path], file.rows)
        at[path] += file.rows
    return found


def _merge(folder: Path, of_day: Sequence[Manifest]) -> Manifest:
    """Make one manifest and its files of several; the old ones stay."""
    merged = [each for one in of_day for each in one.merged or (one,)]
    name = _name(merged)
    for path in leftovers(folder, name):  # of a run that was killed
        path.unlink()
    staging = Staging(folder, name)
    try:
        files = [
            _join(folder, staging.path, name, place, sources, merged)
            for place, sources in _sources(of_day).items()
        ]
        manifest = _sum(name, merged, [one.name for one in of_day], files)
        staging.place(manifest)
    finally:
        staging.remove()
    return manifest


def _join(
    folder: Path,
    staging: Path,
    name: str,
    place: str,
    sources: Sequence[ColumnFile],
    merged: Sequence[Manifest],
) -> ColumnFile:
    """Write the rows of files behind each other into one, and compare it with them."""
    for source in sources:
        if not (folder / source.path).is_file() or sha256(folder / source.path) != source.sha256:
            raise BadInput(f"{source.path} is missing or was changed: see fluxum columns check")
    path, table = staging / place / f"{name}-1.parquet", sources[0].table
    with open_writer(path, table) as writer:
        for rows in regrouped(row_groups(folder / one.path for one in sources)):
            writer.write_table(rows, row_group_size=GROUP_ROWS)
        writer.add_key_value_metadata(
            {
                "fluxum_schema": str(SCHEMA),
                "fluxum_version": __version__,
                "fluxum_recording": name,
                "fluxum_merged": ",".join(one.name for one in merged),
                "fluxum_table": table,
                "fluxum_proved": "true" if all(one.proved for one in merged) else "false",
            }
        )
    sync(path)
    if not are_same(row_groups([path]), row_groups(folder / one.path for one in sources)):
        raise BadInput(f"{path} differs from the files it was made of: nothing was changed")
    count = sum(one.rows for one in sources)
    relative = path.relative_to(staging).as_posix()
    return ColumnFile(path=relative, table=table, rows=count, sha256=sha256(path))


def _sources(of_day: Sequence[Manifest]) -> Mapping[str, list[ColumnFile]]:
    """The files of each place, in the order of their recordings."""
    places: dict[str, list[ColumnFile]] = {}
    for file in _files(of_day):
        places.setdefault(_place(file), []).append(file)
    return dict(sorted(places.items()))


def _files(ordered: Sequence[Manifest]) -> Iterator[ColumnFile]:
    """All files, those of one manifest in the order in which they were written."""
    for one in ordered:
        yield from sorted(one.files, key=lambda file: (_place(file), _number(file)))


def _place(file: ColumnFile) -> str:
    return file.path.rpartition("/")[0]


def _number(file: ColumnFile) -> int:
    return int(file.path.removesuffix(".parquet").rpartition("-")[2])


def _sum(
    name: str,
    merged: Sequence[Manifest],
    replaces: Sequence[str],
    files: Sequence[ColumnFile],
) -> Manifest:
    first = merged[0]
    tables: dict[str, list[int]] = {}
    elsewhere: Counter[str] = Counter()
    for one in merged:
        elsewhere.update(one.elsewhere)
        for table, sums in one.tables.items():
            total = tables.setdefault(table, [0, 0])
            total[0] += sums.events
            total[1] += sums.rows
    return Manifest(
        schema=SCHEMA,
        version=__version__,
        name=name,
        venue=first.venue,
        depth=None,
        epoch=0,
        tapes=[tape for one in merged for tape in one.tapes],
        frames=sum(one.frames for one in merged),
        events=sum(one.events for one in merged),
        tables={
            table: TableSums(events=events, rows=rows)
            for table, (events, rows) in sorted(tables.items())
        },
        elsewhere=dict(sorted(elsewhere.items())),
        unfit=sum(one.unfit for one in merged),
        rejected=sum(one.rejected for one in merged),
        lost=sum(one.lost for one in merged),
        torn=sum(one.torn for one in merged),
        damage="; ".join(one.damage for one in merged if one.damage),
        proved=all(one.proved for one in merged),
        files=sorted(files, key=lambda file: file.path),
        merged=merged,
        replaces=replaces,
    )


def _remove_replaced(folder: Path) -> None:
    """Remove the files of manifests that another one has merged, then these."""
    for one in replaced(folder):
        for file in one.files:
            (folder / file.path).unlink(missing_ok=True)
        one.path_in(folder).unlink()


def _day(manifest: Manifest) -> str:
    """The date in its name, as in 20260801T120000Z-0123456789ab."""
    first = (manifest.merged or (manifest,))[0]
    return datetime.strptime(first.name[:8], "%Y%m%d").replace(tzinfo=UTC).date().isoformat()


def _name(merged: Sequence[Manifest]) -> str:
    """The name of the first, and the beginning of the digest of all names."""
    whole = digest(",".join(one.name for one in merged).encode()).hexdigest()
    return f"{merged[0].name.partition('-')[0]}-{whole[:12]}"
