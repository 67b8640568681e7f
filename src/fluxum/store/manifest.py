"""What one recording became in a folder of columns: its files, its sums, and where it came from.

A manifest is written last, so a recording without one is not in the folder. It is JSON in
`_fluxum/NAME.json`; readers of Parquet pass over names that begin with `_`. A recording that was
built in several spans has a manifest for each. Files that were made one are of one manifest, which
keeps those before it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import msgspec
from msgspec import Struct

from fluxum.errors import BadInput, TapeError

__all__ = [
    "HIDDEN",
    "SCHEMA",
    "UNFINISHED",
    "ColumnFile",
    "Manifest",
    "TableSums",
    "TapeDigest",
    "manifests",
    "originals",
    "replaced",
    "sha256",
]

SCHEMA = 1
"""The version of the tables, in the metadata of every file."""
HIDDEN = "_fluxum"
"""The folder of manifests, lock and unfinished files."""
UNFINISHED = ".building"
"""How the names of folders of unfinished files end."""


class TapeDigest(Struct, frozen=True, kw_only=True):
    """A file of the recording, and the SHA-256 of its bytes."""

    name: str
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Self:
        """That of a file; raises TapeError if it cannot be read."""
        try:
            return cls(name=path.name, sha256=sha256(path))
        except OSError as error:
            raise TapeError(f"cannot read {path}: {error.strerror}") from error


class ColumnFile(Struct, frozen=True, kw_only=True):
    """A Parquet file: its path in the folder, its rows, and the SHA-256 of its bytes."""

    path: str
    table: str
    rows: int
    sha256: str


class TableSums(Struct, frozen=True, kw_only=True):
    """How many events a table has, and in how many rows."""

    events: int = 0
    rows: int = 0


class Manifest(Struct, frozen=True, kw_only=True):
    """The columns of one recording, or of a span of it.

    `events` is how many the replay gave. `elsewhere` counts those that no table has, by kind;
    `unfit` those that a table cannot hold exactly. Each unfit event and each gap that was open at
    the end is a row of `gap` without an event of its own. `proved`, `rejected`, `lost`, `torn` and
    `damage` are those of `fluxum verify`, `depth` is the one that was asked for. `tapes` are the
    files of the recording, `files` those that were written. `merged` are the manifests of builds
    whose files became those of this one, in the order of their rows; it `replaces` those of these
    names, whose files are gone.
    """

    schema: int
    version: str
    name: str
    venue: str
    depth: int | None
    epoch: int
    tapes: Sequence[TapeDigest]
    frames: int
    events: int
    tables: Mapping[str, TableSums]
    elsewhere: Mapping[str, int]
    unfit: int
    rejected: int
    lost: int
    torn: int
    damage: str
    proved: bool
    files: Sequence[ColumnFile]
    merged: Sequence["Manifest"] = ()
    replaces: Sequence[str] = ()

    def path_in(self, folder: Path) -> Path:
        """Where the manifest is in a folder of columns."""
        return folder / HIDDEN / f"{self.name}.json"

    @property
    def sums_close(self) -> bool:
        """Whether each event is in a table, elsewhere or unfit, and each row is in a file."""
        events = sum(one.events for one in self.tables.values())
        rows = {
            table: sum(one.rows for one in self.files if one.table == table)
            for table in self.tables
        }
        return events + sum(self.elsewhere.values()) + self.unfit == self.events and rows == {
            table: one.rows for table, one in self.tables.items()
        }


def manifests(folder: Path) -> list[Manifest]:
    """The manifests of a folder, by their name; raises BadInput for one that is damaged.

    Those that another one replaces do not count any more.
    """
    return _parted(folder)[0]


def replaced(folder: Path) -> list[Manifest]:
    """Those that another one replaces, and that were not removed yet: a process was killed."""
    return _parted(folder)[1]


def originals(folder: Path) -> list[Manifest]:
    """The manifests as the builds wrote them: those that were merged in place of the one of all."""
    return [one for each in manifests(folder) for one in each.merged or (each,)]


def _parted(folder: Path) -> tuple[list[Manifest], list[Manifest]]:
    """Those that count, and those that another one replaces."""
    found = _read(folder)
    gone = {name for one in found for name in one.replaces}
    return [one for one in found if one.name not in gone], [
        one for one in found if one.name in gone
    ]


def _read(folder: Path) -> list[Manifest]:
    found: list[Manifest] = []
    for path in sorted((folder / HIDDEN).glob("*.json")):
        try:
            one = msgspec.json.decode(path.read_bytes(), type=Manifest)
        except (msgspec.MsgspecError, ValueError) as error:
            raise BadInput(f"{path} is no manifest of columns: {error}") from error
        except OSError as error:
            raise BadInput(f"cannot read {path}: {error.strerror}") from error
        if one.schema != SCHEMA:
            raise BadInput(f"{path} is of schema {one.schema}; {SCHEMA} was expected")
        found.append(one)
    return found


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits; raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
