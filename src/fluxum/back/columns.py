"""The file of a prepared tape: its proved events in columns, read in place.

A file is a magic, a version, the header's length and SHA-256, the header (JSON), and the columns.
All numbers are little-endian; each column begins at a multiple of 8. A frame has events, and a
book's event has rows: its bids, best first as they came, then its asks.

    frame   ns, index (its place on its tape), link, tape, event (its first event)
    event   kind, market, venue_ns, row (its first row), split (the number of bids among the rows,
            the status of a book, or 1 for a trade that is backfilled), checksum, sequence, extra
            (where its other fields are in `heap`, plus one)
    row     price and quantity in units of the market's smallest decimal place, the exponents that
            they had as text, and the number of orders

`frame.event` and `event.row` have one entry more than there are frames and events: the end.
"""

import hashlib
import mmap
import sys
from array import array
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from fluxum.errors import TapeError
from fluxum.model.instrument import Symbol

__all__ = [
    "COLUMNS",
    "KIND_BUY",
    "KIND_OTHER",
    "KIND_SELL",
    "KIND_SNAPSHOT",
    "KIND_STATUS",
    "KIND_UPDATE",
    "MAGIC",
    "NONE",
    "ColumnHeader",
    "ColumnMarket",
    "ColumnPlace",
    "ColumnStream",
    "Columns",
    "GapSpan",
    "Provenance",
    "TapeProof",
    "packed",
]

MAGIC = b"FLUXCOLS"
VERSION = 1
NONE = -1
"""Stands for `None` in a column of numbers that are not negative."""
KIND_SNAPSHOT, KIND_UPDATE, KIND_BUY, KIND_SELL, KIND_STATUS, KIND_OTHER = range(1, 7)
COLUMNS: Mapping[str, str] = {
    "frame_ns": "q",
    "frame_index": "q",
    "frame_link": "i",
    "frame_tape": "B",
    "frame_event": "q",
    "event_kind": "B",
    "event_market": "H",
    "event_venue_ns": "q",
    "event_row": "q",
    "event_split": "i",
    "event_checksum": "q",
    "event_sequence": "q",
    "event_extra": "q",
    "row_price": "q",
    "row_quantity": "q",
    "row_price_exponent": "b",
    "row_quantity_exponent": "b",
    "row_orders": "i",
    "heap": "B",
}
"""Every column's name and type, as `array` names them."""
_LEAST = len(MAGIC) + 4 + 4 + 32
_HEADER_MAX = 1 << 26
_CHUNK = 1 << 20


class ColumnPlace(Struct, frozen=True):
    """Where a column is: bytes after the header, and how many entries it has."""

    offset: int
    count: int


class ColumnMarket(Struct, frozen=True):
    """One market of a file: its numbers are in units of 10 to the power of minus these places."""

    venue: str
    symbol: str
    price_places: int
    quantity_places: int

    @property
    def name(self) -> Symbol:
        """Its symbol."""
        return Symbol(self.symbol)


class ColumnStream(Struct, frozen=True, order=True):
    """A stream that a file has data of; `interval_s` is for candles, 0 for the others."""

    venue: str
    channel: str
    symbol: str
    interval_s: int = 0

    def __str__(self) -> str:
        """Short text for the user: `EXCHANGE candle BTC/USD 60`."""
        parts = (self.venue, self.channel, self.symbol, self.interval_s or "")
        return " ".join(str(part) for part in parts if part)


class GapSpan(Struct, frozen=True):
    """A gap in one stream of a tape, from the last data to the first newer data."""

    venue: str
    stream: str
    cause: str
    since_ns: int
    until_ns: int


class TapeProof(Struct, frozen=True, kw_only=True):
    """What one tape proved when it was prepared; the counts are those of `verify.Report`."""

    file: str
    sha256: str
    venue: str
    begins_ns: int
    ends_ns: int
    frames: int
    book_messages: int
    checks_passed: int
    checks_failed: int
    unverified: int
    desyncs: int
    crossed: int
    rejected: int
    lost: int
    torn: int
    breaks: int

    @property
    def is_proved(self) -> bool:
        """Whether no check failed, nothing is missing, and every frame made sense."""
        return not (
            self.checks_failed
            or self.desyncs
            or self.crossed
            or self.rejected
            or self.lost
            or self.torn
            or self.breaks
        )


class Provenance(Struct, frozen=True):
    """Where a file's events come from. `gaps` are those of all tapes, in order."""

    tapes: tuple[TapeProof, ...]
    gaps: tuple[GapSpan, ...]

    @property
    def is_proved(self) -> bool:
        """Whether every tape is proved, and none has a gap."""
        return not self.gaps and all(tape.is_proved for tape in self.tapes)

    @property
    def frames(self) -> int:
        """How many frames all tapes have."""
        return sum(tape.frames for tape in self.tapes)

    @property
    def digest(self) -> str:
        """One hash of all tapes: the SHA-256 of their own, in order."""
        return hashlib.sha256("".join(tape.sha256 for tape in self.tapes).encode()).hexdigest()


class ColumnHeader(Struct, frozen=True, kw_only=True):
    """The header of a file. `sha256` is of everything after it."""

    markets: tuple[ColumnMarket, ...]
    streams: tuple[ColumnStream, ...]
    columns: dict[str, ColumnPlace]
    provenance: Provenance
    body_bytes: int
    sha256: str


class Columns:
    """A prepared tape, open for reading.

    The columns are memory of the file itself, shared by all processes that have it open: read only.
    It stays mapped as long as this object or one of its columns exists.
    Raises TapeError, which names the file, for one that is damaged, foreign, or of another version.
    `is_checked=False` leaves out the digest of the columns, for a file checked a moment ago.
    """

    def __init__(self, path: Path, *, is_checked: bool = True) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                if sys.byteorder != "little":
                    raise TapeError(f"{path} has little-endian numbers, this machine has not")
                self.header, begins = _read_header(path, file.read(_LEAST), file.read)
                size = path.stat().st_size
                if size != begins + self.header.body_bytes:
                    expected = begins + self.header.body_bytes
                    raise TapeError(f"{path} has {size:,} bytes, {expected:,} were expected")
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise TapeError(f"cannot read {path}: {error.strerror}") from error
        self._begins = begins
        if is_checked and self._digest() != self.header.sha256:
            raise TapeError(f"{path} is damaged: its columns differ from their digest")
        self.markets = self.header.markets
        self.streams = self.header.streams
        self.provenance = self.header.provenance
        self.frames = self.header.columns["frame_ns"].count
        self.events = self.header.columns["event_kind"].count
        self.rows = self.header.columns["row_price"].count

    @property
    def begins_ns(self) -> int:
        """When the first frame was received; 0 for a file without frames."""
        return self.column("frame_ns")[0] if self.frames else 0

    @property
    def ends_ns(self) -> int:
        """When the last frame was received; 0 for a file without frames."""
        return self.column("frame_ns")[self.frames - 1] if self.frames else 0

    def column(self, name: str) -> "memoryview[int]":
        """A column's entries."""
        place, code = self.header.columns[name], COLUMNS[name]
        begins = self._begins + place.offset
        cut = memoryview(self._map)[begins : begins + place.count * _size(code)]
        return cut.cast(code)  # type: ignore[call-overload, no-any-return]  # not a literal

    def text(self, extra: int) -> memoryview:
        """The bytes that an event keeps in the heap."""
        begins = self._begins + self.header.columns["heap"].offset + extra - 1
        size = int.from_bytes(self._map[begins : begins + 4], "little")
        return memoryview(self._map)[begins + 4 : begins + 4 + size]

    def _digest(self) -> str:
        digest = hashlib.sha256()
        with memoryview(self._map) as view:
            for at in range(self._begins, len(view), _CHUNK):
                digest.update(view[at : at + _CHUNK])
        return digest.hexdigest()


def packed(header: ColumnHeader) -> bytes:
    """The beginning of a file, up to its columns."""
    text = msgspec.json.encode(header)
    text += b" " * (-(_LEAST + len(text)) % 8)
    parts = (MAGIC, VERSION, len(text))
    return _pack(*parts) + hashlib.sha256(text).digest() + text


def _pack(magic: bytes, version: int, length: int) -> bytes:
    return magic + version.to_bytes(4, "little") + length.to_bytes(4, "little")


def _read_header(
    path: Path, start: bytes, read: Callable[[int], bytes]
) -> tuple[ColumnHeader, int]:
    """The header, and how many bytes are before the columns; raises TapeError."""
    if start[: len(MAGIC)] != MAGIC:
        is_tape = start[:2] == b"\x1f\x8b" or start[:1] == b"{"
        what = "a recording: prepare it first" if is_tape else f"something else, {start[:8]!r}"
        raise TapeError(f"{path}: a prepared tape was expected, was {what}")
    version, length = (int.from_bytes(start[at : at + 4], "little") for at in (8, 12))
    if version != VERSION:
        raise TapeError(f"{path}: a prepared tape of version {VERSION} was expected, was {version}")
    text = read(length) if length <= _HEADER_MAX else b""
    if len(start) < _LEAST or hashlib.sha256(text).digest() != start[16:]:
        raise TapeError(f"{path} is damaged: its header differs from its digest")
    try:
        header = msgspec.json.decode(text, type=ColumnHeader)
    except msgspec.MsgspecError as error:
        raise TapeError(f"{path} is damaged: its header makes no sense ({error})") from error
    if header.columns.keys() != COLUMNS.keys():
        raise TapeError(f"{path} is damaged: it has the columns {', '.join(header.columns)}")
    return header, _LEAST + length


def _size(code: str) -> int:
    return array(code).itemsize
