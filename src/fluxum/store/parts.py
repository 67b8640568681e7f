"""The Parquet files of one recording while they grow, under temporary names.

Rows wait in memory until there are enough for a row group. A file gets its name in the folder
only when all files are whole and on disk: `Parts.place` renames them, then writes the manifest.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from shutil import rmtree
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from fluxum.disk import sync
from fluxum.store.arrow import parquet
from fluxum.store.fast import TableBuffer
from fluxum.store.groups import GROUP_ROWS
from fluxum.store.manifest import (
    HIDDEN,
    UNFINISHED,
    ColumnFile,
    Manifest,
    TableSums,
    sha256,
)
from fluxum.store.tables import COMMON, TABLES, Kind, schema

__all__ = [
    "SETTLED_ROWS",
    "Part",
    "Parts",
    "Passed",
    "Places",
    "Staging",
    "leftovers",
    "open_writer",
]

SETTLED_ROWS = 10_000
"""After so many more rows `settle` is due."""
_WAITING_ROWS = 400_000
_OPEN_FILES = 128
_DAY_NS = 86_400 * 10**9
_LEVEL = 3
_LEVEL_OF_NUMBERS = 8  # what is above it takes longer and saves nothing
_NUMBERS = (Kind.MONEY, Kind.PRICE, Kind.RATIO, Kind.INT)
_REPEATED = (Kind.WORD, Kind.FEW, Kind.PRICE)
_DICTIONARY_BYTES = 1 << 16  # of 4,096 prices; those that come later are written as they are
_ENCODINGS = {Kind.RISING: "DELTA_BINARY_PACKED", Kind.NAME: "DELTA_BYTE_ARRAY"}


_Place = tuple[str, str, int]
"""The table, market and day (UTC) of a file; `gap` and `coverage` have neither market nor day."""


def _folder(venue: str, place: _Place) -> Path:
    """The folder of a place's files: Hive's form, `/` and the like as %2F."""
    table, symbol, day = place
    path = Path(table) / f"venue={quote(venue, safe='')}"
    if symbol:
        path = path / f"symbol={quote(symbol, safe='')}" / f"date={_day(day)}"
    return path


class Part:
    """The rows of a table, a market and a day; `waiting` takes them, those of an event together.

    `used` goes up at each use: a part with less was idle for longer. Its day is from `since_ns` to
    before `until_ns`, which is 0 once the part is finished.
    """

    def __init__(self, place: _Place) -> None:
        self.table, symbol, day = place
        self.since_ns = day * _DAY_NS
        self.until_ns = self.since_ns + _DAY_NS if symbol else 1 << 63
        self.waiting = TableBuffer(self.table)
        self.put = self.waiting.put
        self.rows: int = 0
        self.events = 0
        self.used = 0

    def flush(self) -> None:
        """Forget the waiting rows."""
        self.rows += len(self.waiting)
        self.waiting.clear()


_P = TypeVar("_P", bound=Part)


class Places(ABC, Generic[_P]):
    """The parts of a span, by their places."""

    def __init__(self) -> None:
        self._open: dict[_Place, _P] = {}

    def part(self, table: str, symbol: str = "", ns: int = 0) -> _P:
        """The one for a table, a market and a time."""
        place = (table, symbol, ns // _DAY_NS if symbol else 0)
        part = self._open.get(place)
        if part is None:
            part = self._open[place] = self._begun(place)
        return part

    def settle(self) -> None:
        """Write what is enough for a row group, and all if too much waits."""
        waiting = 0
        for part in self._open.values():
            if len(part.waiting) >= GROUP_ROWS:
                part.flush()
            waiting += len(part.waiting)
        if waiting > _WAITING_ROWS:
            for part in self._open.values():
                part.flush()

    @abstractmethod
    def _begun(self, place: _Place) -> _P:
        """Begin a part."""


class Passed(Places[Part]):
    """The rows of a span that the folder has already: they are tried, and nothing is kept."""

    def part(self, table: str, symbol: str = "", ns: int = 0) -> Part:  # noqa: ARG002
        """The one for a table: of all markets and days."""
        return super().part(table)

    def _begun(self, place: _Place) -> Part:
        return Part(place)


class _Written(Part):
    """One whose rows go to a file."""

    def __init__(self, place: _Place, path: Path) -> None:
        super().__init__(place)
        self.path = path
        self._writer = open_writer(path, self.table)

    def flush(self) -> None:
        """Write the waiting rows as one row group."""
        count = len(self.waiting)
        if count:
            self.rows += count
            self._writer.write_batch(self.waiting.take(), row_group_size=count)

    def close(self, metadata: Mapping[str, str]) -> None:
        """Finish the file; it is on disk when this returns."""
        self.until_ns = 0
        self.flush()
        self._writer.add_key_value_metadata({**metadata, "fluxum_table": self.table})
        self._writer.close()
        sync(self.path)

    def abandon(self) -> None:
        """Close the file without the rows that wait."""
        self._writer.close()


class Parts(Places[_Written]):
    """The files of the recording `name`, for one thread. `close` removes what was not placed.

    At most 128 files are open: then the one that was idle for longest is finished.
    """

    def __init__(self, folder: Path, name: str, venue: str, metadata: Mapping[str, str]) -> None:
        super().__init__()
        self._folder = folder
        self._name = name
        self._venue = venue
        self._metadata = {**metadata, "fluxum_proved": "see the manifest"}
        self._staging = Staging(folder, name)
        self._numbers: dict[_Place, int] = {}
        self._done: list[_Written] = []
        for table in ("gap", "coverage"):  # that they are empty is worth knowing
            self.part(table)

    def finish(self, metadata: Mapping[str, str]) -> tuple[list[ColumnFile], dict[str, TableSums]]:
        """Finish all files, with what is known only now in the metadata of those still open."""
        self._metadata.update(metadata)
        for place in list(self._open):
            self._finish(place)
        sums: dict[str, TableSums] = {}
        for part in sorted(self._done, key=lambda one: one.table):
            before = sums.get(part.table, TableSums())
            sums[part.table] = TableSums(
                events=before.events + part.events, rows=before.rows + part.rows
            )
        files = [
            ColumnFile(
                path=part.path.relative_to(self._staging.path).as_posix(),
                table=part.table,
                rows=part.rows,
                sha256=sha256(part.path),
            )
            for part in self._done
        ]
        return sorted(files, key=lambda file: file.path), sums

    def place(self, manifest: Manifest) -> None:
        """See `Staging.place`."""
        self._staging.place(manifest)

    def close(self) -> None:
        """Remove all that was not placed."""
        for part in self._open.values():
            part.abandon()
        self._open.clear()
        self._staging.remove()

    def _begun(self, place: _Place) -> _Written:
        if len(self._open) >= _OPEN_FILES:
            self._finish(min(self._open, key=lambda one: self._open[one].used))
        number = self._numbers[place] = self._numbers.get(place, 0) + 1
        file = _folder(self._venue, place) / f"{self._name}-{number}.parquet"
        return _Written(place, self._staging.path / file)

    def _finish(self, place: _Place) -> None:
        part = self._open.pop(place)
        part.close(self._metadata)
        if place[1] and not part.rows:  # its only events did not fit
            part.path.unlink()
        else:
            self._done.append(part)


class Staging:
    """Where the files of one manifest are until all are whole: beside the manifests."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / HIDDEN / f"{name}{UNFINISHED}"
        self._folder = folder
        self.remove()  # of a process that was killed

    def place(self, manifest: Manifest) -> None:
        """Give every file its name in the folder, and then the manifest, which completes them."""
        text = msgspec.json.format(msgspec.json.encode(manifest, order="deterministic"))
        draft = self.path / "manifest.json"
        draft.write_bytes(text + b"\n")
        sync(draft)
        folders: set[Path] = set()
        for file in manifest.files:
            path = self._folder / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            (self.path / file.path).rename(path)
            folders.update((path.parent, *(self._folder / one for one in _above(file.path))))
        for folder in folders:
            sync(folder)
        draft.rename(manifest.path_in(self._folder))
        sync(self._folder / HIDDEN)

    def remove(self) -> None:
        """Remove what was not placed."""
        rmtree(self.path, ignore_errors=True)


def open_writer(path: Path, table: str) -> Any:
    """A `ParquetWriter` of a table's file, whose folder is made.

    All readers have its encodings; what each of them saves is in docs/decisions/031.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    kinds, form = {**COMMON, **TABLES[table]}, schema(table)
    return parquet().ParquetWriter(
        path,
        form,
        compression="zstd",
        compression_level={
            one: _LEVEL_OF_NUMBERS if kinds[one] in _NUMBERS else _LEVEL for one in form.names
        },
        use_dictionary=[one for one in form.names if kinds[one] in _REPEATED],
        dictionary_pagesize_limit=_DICTIONARY_BYTES,
        column_encoding={
            one: _ENCODINGS[kinds[one]] for one in form.names if kinds[one] in _ENCODINGS
        },
    )


def leftovers(folder: Path, name: str) -> Iterator[Path]:
    """The files in a folder of columns that a recording without a manifest has left there."""
    for table in TABLES:
        yield from (folder / table).rglob(f"{name}-*.parquet")


def _above(path: str) -> list[Path]:
    """The folders above a file's, within the folder of columns."""
    return list(Path(path).parent.parents)


def _day(number: int) -> str:
    """The date of a day, counted from 1970-01-01."""
    return (date(1970, 1, 1) + timedelta(number)).isoformat()
