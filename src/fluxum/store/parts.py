"""The Parquet files of one recording while they grow, under temporary names.

Rows wait in memory until there are enough for a row group. A file gets its name in the folder
only when all files are whole and on disk: `Parts.place` renames them, then writes the manifest.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from shutil import rmtree
from typing import Any
from urllib.parse import quote

import msgspec

from fluxum.disk import sync
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.store.arrow import parquet
from fluxum.store.buffers import Buffer, LevelBuffer, RowBuffer
from fluxum.store.groups import GROUP_ROWS
from fluxum.store.manifest import HIDDEN, UNFINISHED, ColumnFile, Manifest, sha256
from fluxum.store.tables import COMMON, TABLES, Kind, Row, schema

__all__ = ["Parts", "Staging", "leftovers", "open_writer"]

_WAITING_ROWS = 400_000
_OPEN_FILES = 128
_DAY_NS = 86_400 * 10**9


_Place = tuple[str, str, int]
"""The table, market and day (UTC) of a file; `gap` and `coverage` have neither market nor day."""


def _folder(venue: str, place: _Place) -> Path:
    """The folder of a place's files: Hive's form, `/` and the like as %2F."""
    table, symbol, day = place
    path = Path(table) / f"venue={quote(venue, safe='')}"
    if symbol:
        path = path / f"symbol={quote(symbol, safe='')}" / f"date={_day(day)}"
    return path


class _Part:
    """One file that is being written, and the rows that wait for it."""

    def __init__(self, path: Path, table: str) -> None:
        self.path = path
        self.table = table
        self.rows = 0
        self.used = 0
        self.waiting: Buffer = LevelBuffer() if table == "book_level" else RowBuffer(table)
        self._writer = open_writer(path, table)

    def flush(self) -> None:
        """Write the waiting rows as one row group."""
        if not self.waiting:
            return
        self.rows += len(self.waiting)
        self._writer.write_batch(self.waiting.take(), row_group_size=GROUP_ROWS)

    def close(self, metadata: Mapping[str, str]) -> None:
        """Finish the file; it is on disk when this returns."""
        self.flush()
        self._writer.add_key_value_metadata({**metadata, "fluxum_table": self.table})
        self._writer.close()
        sync(self.path)

    def abandon(self) -> None:
        """Close the file without the rows that wait."""
        self._writer.close()


class Parts:
    """The files of the recording `name`, for one thread. `close` removes what was not placed.

    At most 128 files are open and 400,000 rows wait; then the file that was idle for longest is
    finished, or all waiting rows are written.
    """

    def __init__(self, folder: Path, name: str, venue: str, metadata: Mapping[str, str]) -> None:
        self._folder = folder
        self._name = name
        self._venue = venue
        self._metadata = {**metadata, "fluxum_proved": "see the manifest"}
        self._staging = Staging(folder, name)
        self._open: dict[_Place, _Part] = {}
        self._numbers: dict[_Place, int] = {}
        self._done: list[_Part] = []
        self._waiting = self._uses = 0
        for table in ("gap", "coverage"):  # that they are empty is worth knowing
            self._part(table, "", 0)

    def add(self, table: str, symbol: str, rows: list[Row]) -> None:
        """Add the rows of one event, which stay together in one file, that of its day."""
        part = self._part(table, symbol, rows[0][0] // _DAY_NS if symbol else 0)
        assert isinstance(part.waiting, RowBuffer)
        part.waiting.add(rows)
        self._added(part, len(rows))

    def add_book(self, event: BookSnapshot | BookUpdate, origin: Row, state: Row) -> None:
        """Add the rows of one message of a book; see `LevelBuffer.add`."""
        part = self._part("book_level", event.symbol, event.received_ns // _DAY_NS)
        assert isinstance(part.waiting, LevelBuffer)
        self._added(part, part.waiting.add(event, origin, state))

    def _added(self, part: _Part, rows: int) -> None:
        self._waiting += rows
        if len(part.waiting) >= GROUP_ROWS:
            self._waiting -= len(part.waiting)
            part.flush()
        elif self._waiting > _WAITING_ROWS:
            for one in self._open.values():
                one.flush()
            self._waiting = 0

    def finish(self, metadata: Mapping[str, str]) -> list[ColumnFile]:
        """Finish all files, with what is known only now in the metadata of those still open."""
        self._metadata.update(metadata)
        for place in list(self._open):
            self._finish(place)
        return sorted(
            (
                ColumnFile(
                    path=part.path.relative_to(self._staging.path).as_posix(),
                    table=part.table,
                    rows=part.rows,
                    sha256=sha256(part.path),
                )
                for part in self._done
            ),
            key=lambda file: file.path,
        )

    def place(self, manifest: Manifest) -> None:
        """See `Staging.place`."""
        self._staging.place(manifest)

    def close(self) -> None:
        """Remove all that was not placed."""
        for part in self._open.values():
            part.abandon()
        self._open.clear()
        self._staging.remove()

    def _part(self, table: str, symbol: str, day: int) -> _Part:
        """The file of a table, a market and a day, counted from 1970-01-01."""
        place = (table, symbol, day)
        part = self._open.get(place)
        if part is None:
            if len(self._open) >= _OPEN_FILES:
                self._finish(min(self._open, key=lambda one: self._open[one].used))
            number = self._numbers[place] = self._numbers.get(place, 0) + 1
            file = _folder(self._venue, place) / f"{self._name}-{number}.parquet"
            part = self._open[place] = _Part(self._staging.path / file, table)
        self._uses += 1
        part.used = self._uses
        return part

    def _finish(self, place: _Place) -> None:
        part = self._open.pop(place)
        self._waiting -= len(part.waiting)
        part.close(self._metadata)
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
    """A `ParquetWriter` of a table's file, whose folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kinds, form = {**COMMON, **TABLES[table]}, schema(table)
    return parquet().ParquetWriter(
        path,
        form,
        compression="zstd",
        compression_level=3,
        use_dictionary=[one for one in form.names if kinds[one] is Kind.WORD],
        column_encoding={
            one: "DELTA_BINARY_PACKED" for one in form.names if kinds[one] is Kind.RISING
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
