"""The output of commands: records in one of four formats on stdout, messages on stderr.

`json` is one document, a list, closed at the end however the command ends; `ndjson` is a record a
line; `csv` is one table (see `columns`); `table` is lines for the user. Characters that the
encoding of stdout lacks are escaped: as in JSON in `json` and `ndjson`, else with backslashes.
"""

import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self, TextIO, cast

import msgspec

from fluxum.cli.columns import KINDS, Record, Rows, is_data, kind_of
from fluxum.cli.lines import event_text
from fluxum.cli.options import Format
from fluxum.cli.writer import DirectWriter, Frame, NoWriter, OutputClosed, ThreadWriter, Writer
from fluxum.clock import SystemClock
from fluxum.model.codec import encode_event, plain
from fluxum.model.event import Dropped, Event

__all__ = ["Output", "TableFrame", "event_record", "event_text", "live_output"]

_END = b"]\n"
_PATIENCE_S = 1.0  # for a slow reader, once the user wants the command to end


class Output:
    """Writes records in one format; `lines` counts them. Messages go to stderr.

    `kinds` are those that CSV has columns for. `chosen` are the only kinds that are written; if it
    is empty, all are. Unless `is_live`, writing blocks while a reader pauses. Used as a context
    manager, or closed with `close`.
    """

    def __init__(
        self,
        form: Format,
        kinds: Iterable[type[msgspec.Struct]] = (),
        chosen: frozenset[str] = frozenset(),
        *,
        is_live: bool = False,
    ) -> None:
        self.format = form
        self.lines = 0
        self._chosen = chosen
        self._left_out: Counter[str] = Counter()
        self._rows = Rows(kinds)
        self._messages = _writer(sys.stderr, "stderr", bytes, self._drop_messages, is_live=is_live)
        frames: dict[Format, Frame] = {
            Format.JSON: _ListFrame(),
            Format.CSV: TableFrame(self._rows),
        }
        frame = frames.get(form, bytes)
        self._out = _writer(sys.stdout, "stdout", frame, self._drop_records, is_live=is_live)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        is_interrupted = kind is not None and not issubclass(kind, Exception)
        try:
            self.close(_PATIENCE_S if is_interrupted else None)
        except (OSError, OutputClosed):
            if error is None:
                raise

    @property
    def has_links(self) -> bool:
        """Whether link events are among the records, rather than messages on stderr."""
        return self.format in {Format.NDJSON, Format.JSON} and not self._chosen

    @property
    def is_idle(self) -> bool:
        """Whether the reader has read all that was written."""
        return self._out.is_idle

    def event(self, event: Event) -> bool:
        """Write an event, or its message if it is about a link; returns whether it was written."""
        kind = kind_of(event)
        if self._chosen and kind in self._chosen:
            is_wanted = True
        else:
            is_fact = is_data(event)
            is_wanted = self.has_links or (is_fact and not self._chosen)
            if is_fact and not is_wanted:
                self._left_out[kind] += 1
            elif not is_wanted:
                self.message(event_text(event))
        if is_wanted:
            self._write(event, lambda: event_text(event))
        return is_wanted

    def write(self, record: Record, text: str) -> None:
        """Write one record: as JSON, as a row, or as this text."""
        self._write(record, lambda: text)

    def paint(self, text: str) -> None:
        """Write a part of the screen; it is no record."""
        self._out.put(text.encode(_encoding(sys.stdout), "backslashreplace"))

    def message(self, text: str) -> None:
        """Write a line to stderr, if it is open."""
        with suppress(OSError):
            self._messages.put((text + "\n").encode(_encoding(sys.stderr), "backslashreplace"))

    async def room(self) -> None:
        """Wait until a record can be written without loss."""
        await self._out.room()

    async def watch(self) -> None:
        """Wait until the reader has gone, and raise OSError."""
        await self._out.watch()

    def close(self, patience_s: float | None = None) -> None:
        """Finish the format, and wait until all is read, so long at most."""
        try:
            if self.format is Format.JSON:
                self._out.put(_END)
        finally:
            lost = self._out.close(patience_s)
            if lost:
                self.message(f"{lost} records were not written: the reader of stdout had paused")
            if self._left_out:
                counts = ", ".join(f"{count} {kind}" for kind, count in self._left_out.items())
                self.message(f"left out, as --kind was {','.join(sorted(self._chosen))}: {counts}")
                self._left_out.clear()
            self._messages.close(patience_s)

    def _write(self, record: Record, text: Callable[[], str]) -> None:
        self._out.put(self._chunk(record, text))
        self.lines += 1

    def _chunk(self, record: Record, text: Callable[[], str]) -> bytes:
        match self.format:
            case Format.TABLE:
                return _encoded(text() + "\n")
            case Format.CSV:
                return _encoded(self._rows.line(record))
            case Format.NDJSON | Format.JSON:
                return _json(record) + b"\n"

    def _drop_records(self, count: int) -> bytes:
        """The notice in place of dropped records; called by the writing thread."""
        self.lines -= count
        dropped = Dropped(venue="", count=count, received_ns=SystemClock().now_ns())
        if self.format in {Format.NDJSON, Format.JSON}:
            return encode_event(dropped) + b"\n"
        self.message(f"dropped {count} records: the reader of stdout is too slow")
        return b""

    def _drop_messages(self, count: int) -> bytes:
        return f"{count} lines dropped: the reader of stderr is too slow\n".encode()


@contextmanager
def live_output(
    form: Format,
    kinds: Iterable[type[msgspec.Struct]] = (),
    chosen: frozenset[str] = frozenset(),
) -> Generator[Output]:
    """An output for a command with a session, which a slow reader must not block."""
    with Output(form, kinds, chosen, is_live=True) as output:
        yield output


def event_record(event: Event) -> dict[str, Any]:
    """The event with its type tag, exact decimals as text."""
    record: dict[str, Any] = plain(event)
    return record


class _ListFrame:
    """Makes one JSON list of the records."""

    def __init__(self) -> None:
        self._is_begun = False

    def __call__(self, chunk: bytes) -> bytes:
        if chunk == _END:
            return _END if self._is_begun else b"[" + _END
        start = b"," if self._is_begun else b"["
        self._is_begun = True
        return start + chunk


class TableFrame:
    """Puts the header above the first row."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._is_begun = False

    def __call__(self, chunk: bytes) -> bytes:
        """The chunk, below the header if it is the first."""
        if self._is_begun or not chunk:
            return chunk
        self._is_begun = True
        return _encoded(self._rows.header) + chunk


def _writer(
    stream: TextIO | None,
    name: str,
    frame: Frame,
    notice: Callable[[int], bytes],
    *,
    is_live: bool,
) -> Writer:
    if stream is None:
        return NoWriter() if name == "stderr" else DirectWriter(None, name, frame)
    if is_live:
        return ThreadWriter(stream, name, frame, notice)
    return DirectWriter(stream, name, frame)


def _json(record: Record) -> bytes:
    """A record in one line of JSON, in characters that stdout can encode."""
    line = (
        encode_event(cast("Event", record))
        if isinstance(record, msgspec.Struct) and kind_of(record) in KINDS
        else msgspec.json.encode(plain(record))
    )
    if line.isascii() or _encoding(sys.stdout).startswith("utf"):
        return line
    return "".join(map(_escaped, line.decode())).encode()


def _escaped(character: str) -> str:
    if character.isascii():
        return character
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def _encoded(text: str) -> bytes:
    return text.encode(_encoding(sys.stdout), "backslashreplace")


def _encoding(stream: TextIO | None) -> str:
    return (getattr(stream, "encoding", None) or "utf-8").lower()
