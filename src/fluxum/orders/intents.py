"""What we meant to do, on disk before it is sent, so that no order can be forgotten.

A journal is lines of JSON, only ever appended. The line of an intent is written through to the
disk before the command leaves (one `fsync`, in the loop: it is a part of sending, and nothing may
come between). That an order was named, changed or ended may be lost in a crash, as it can be asked
again. On opening, the journal is read and written anew with the unfinished orders alone. A last
line that is torn is what a crash leaves: it was never sent, and is counted. Anything else that
makes no sense is refused: a journal that somebody damaged cannot say what is open. There are no
keys in it.

Cancels are not written: to repeat one is harmless, and what became of its order is asked anyway.
"""

import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self

import msgspec
from msgspec import Struct

from fluxum.errors import BadInput, IntentsError
from fluxum.model.codec import plain
from fluxum.model.instrument import Symbol
from fluxum.model.order import Amend, Edit, OrderRequest, OrderStatus

__all__ = ["FileIntents", "Intent", "Intents", "MemoryIntents", "Unfinished"]

_LINES_MAX = 100_000
_FORMAT = 1


class Intent(Struct, frozen=True, kw_only=True, tag="place"):
    """An order that is about to be sent; `request.client_order_id` is its name in the journal.

    `reference` is the user reference that names it at the venue, where the venue is not told the
    other name. After `deadline_ns` it cannot arrive any more.
    """

    request: OrderRequest
    deadline_ns: int
    at_ns: int
    reference: int | None = None


class _Changing(Struct, frozen=True, kw_only=True, tag="change"):
    name: str
    command: Amend | Edit | None = None
    at_ns: int


class _Changed(Struct, frozen=True, kw_only=True, tag="changed"):
    name: str


class _Named(Struct, frozen=True, kw_only=True, tag="named"):
    name: str
    order_id: str


class _Ended(Struct, frozen=True, kw_only=True, tag="ended"):
    name: str
    status: OrderStatus


class _Header(Struct, frozen=True, kw_only=True, tag="header"):
    fluxum_intents: int
    venue: str


_Line = Intent | _Changing | _Changed | _Named | _Ended | _Header


class Unfinished(Struct, kw_only=True):
    """An order of which no end is known, as the journal has it.

    `order_id` is the venue's last name of it, if it was heard. `changed_ns` is when it was placed
    or last changed. `change` is that change while nobody has said what became of it; an edit may
    have put another order in its place.
    """

    intent: Intent
    order_id: str = ""
    change: Amend | Edit | None = None
    changed_ns: int


class Intents(Protocol):
    """Where intents are kept. What is written is safe when the call returns."""

    def place(self, intents: Sequence[Intent]) -> None:
        """Keep orders that are about to be sent; raises IntentsError, and then none may be."""
        ...

    def change(self, name: str, command: Amend | Edit, at_ns: int) -> None:
        """Keep a change of an order that is about to be sent."""
        ...

    def changed(self, name: str) -> None:
        """What became of an order's last change is known."""
        ...

    def named(self, name: str, order_id: str) -> None:
        """The venue's name of an order is known."""
        ...

    def ended(self, name: str, status: OrderStatus) -> None:
        """An order has ended, or was not sent after all: it need not be remembered."""
        ...

    def unfinished(self) -> Sequence[Unfinished]:
        """Orders of which no end is known, oldest first."""
        ...


class MemoryIntents:
    """Intents of this process alone: a crash forgets them. For tests, and for who wants no file."""

    def __init__(self) -> None:
        self._open: dict[str, Unfinished] = {}

    def place(self, intents: Sequence[Intent]) -> None:
        """Keep orders."""
        for intent in intents:
            _apply(self._open, intent)

    def change(self, name: str, command: Amend | Edit, at_ns: int) -> None:
        """Keep a change."""
        _apply(self._open, _Changing(name=name, command=command, at_ns=at_ns))

    def changed(self, name: str) -> None:
        """Forget a change."""
        _apply(self._open, _Changed(name=name))

    def named(self, name: str, order_id: str) -> None:
        """Keep the venue's name."""
        _apply(self._open, _Named(name=name, order_id=order_id))

    def ended(self, name: str, status: OrderStatus) -> None:
        """Forget an order."""
        _apply(self._open, _Ended(name=name, status=status))

    def unfinished(self) -> Sequence[Unfinished]:
        """Orders of which no end is known."""
        return list(self._open.values())


class FileIntents:
    """A journal in a file, of one process at a time; use it in a `with` block around the desk.

    Raises IntentsError where the file cannot be used: another process holds it, another venue's
    orders are in it, or it makes no sense (with the line). It is compacted on opening and after
    every `lines_max` lines.
    """

    def __init__(self, path: Path | str, venue: str, *, lines_max: int = _LINES_MAX) -> None:
        if lines_max < 2:
            raise BadInput(f"a journal needs room for two lines, was {lines_max}")
        self.path = Path(path)
        self.torn = 0
        """How many torn last lines were found: 1 after a crash in the middle of a write."""
        self.lines = 0
        """How many lines the file has."""
        self._venue = venue
        self._lines_max = lines_max
        self._open: dict[str, Unfinished] = {}
        self._lock: IO[bytes] | None = None
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        self._lock = _locked(self.path.with_name(self.path.name + ".lock"))
        try:
            self._read()
            self._compact()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the file and the lock go."""
        self._give_up()
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.close()

    def place(self, intents: Sequence[Intent]) -> None:
        """Keep orders, on disk when this returns; raises IntentsError."""
        self._write(intents, is_synced=True)

    def change(self, name: str, command: Amend | Edit, at_ns: int) -> None:
        """Keep a change, on disk when this returns; raises IntentsError."""
        self._write([_Changing(name=name, command=command, at_ns=at_ns)], is_synced=True)

    def changed(self, name: str) -> None:
        """Forget a change."""
        if name in self._open:
            self._write([_Changed(name=name)], is_synced=False)

    def named(self, name: str, order_id: str) -> None:
        """Keep the venue's name."""
        if name in self._open:
            self._write([_Named(name=name, order_id=order_id)], is_synced=False)

    def ended(self, name: str, status: OrderStatus) -> None:
        """Forget an order."""
        if name in self._open:
            self._write([_Ended(name=name, status=status)], is_synced=False)

    def unfinished(self) -> Sequence[Unfinished]:
        """Orders of which no end is known."""
        return list(self._open.values())

    # The file

    def _write(self, lines: Iterable[_Line], *, is_synced: bool) -> None:
        if self._file is None:
            raise IntentsError(f"{self.path} is not open: nothing may be sent")
        lines = list(lines)
        text = b"".join(_encode(line) for line in lines)
        try:
            self._file.write(text)
            self._file.flush()
            if is_synced:
                os.fsync(self._file.fileno())
        except OSError as error:
            # What of it is on disk nobody knows, and a line behind half a line is nonsense.
            self._give_up()
            raise IntentsError(f"cannot write {self.path}: {error.strerror}") from error
        for line in lines:
            _apply(self._open, line)
        self.lines += len(lines)
        if self.lines > max(self._lines_max, 4 * len(self._open)):
            self._compact()

    def _give_up(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):  # it may try to write once more
                file.close()

    def _read(self) -> None:
        try:
            content = self.path.read_bytes() if self.path.exists() else b""
        except OSError as error:
            raise IntentsError(f"cannot read {self.path}: {error.strerror}") from error
        *lines, rest = content.split(b"\n")
        self.torn = 1 if rest else 0
        for number, text in enumerate(lines, 1):
            line = self._decode(number, text)
            if (number == 1) is not isinstance(line, _Header):
                raise IntentsError(f"{self.path}:{number} is not where such a line belongs")
            _apply(self._open, line)

    def _decode(self, number: int, text: bytes) -> _Line:
        try:
            line = _decoder.decode(text)
        except (msgspec.MsgspecError, BadInput) as error:
            shown = text[:80].decode("utf-8", "replace")
            raise IntentsError(
                f"{self.path}:{number} makes no sense ({error}), was {shown!r}"
            ) from error
        if isinstance(line, _Header):
            if line.fluxum_intents != _FORMAT:
                raise IntentsError(
                    f"{self.path} is a journal of format {line.fluxum_intents}; "
                    f"{_FORMAT} was expected"
                )
            if line.venue != self._venue:
                raise IntentsError(
                    f"{self.path} is a journal of {line.venue}; {self._venue} was expected"
                )
        return line

    def _compact(self) -> None:
        """Write a new file beside, and put it in the place of the old one when it is on disk."""
        lines: list[_Line] = [_Header(fluxum_intents=_FORMAT, venue=self._venue)]
        for name, order in self._open.items():
            lines.append(order.intent)
            if order.order_id:
                lines.append(_Named(name=name, order_id=order.order_id))
            if order.changed_ns != order.intent.at_ns:
                lines.append(_Changing(name=name, command=order.change, at_ns=order.changed_ns))
        beside = self.path.with_name(self.path.name + ".new")
        try:
            self._give_up()
            with _opened(beside, os.O_TRUNC) as file:
                file.write(b"".join(_encode(line) for line in lines))
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)
            _sync_folder(self.path.parent)
            self._file = _opened(self.path, os.O_APPEND)
        except OSError as error:
            raise IntentsError(f"cannot write {self.path}: {error.strerror}") from error
        self.lines = len(lines)


def _apply(unfinished: dict[str, Unfinished], line: _Line) -> None:
    match line:
        case Intent():
            unfinished[line.request.client_order_id] = Unfinished(
                intent=line, changed_ns=line.at_ns
            )
        case _Changing():
            order = unfinished.get(line.name)
            if order is not None:
                order.changed_ns = line.at_ns
                order.change = line.command
        case _Changed():
            order = unfinished.get(line.name)
            if order is not None:
                order.change = None
        case _Named():
            order = unfinished.get(line.name)
            if order is not None and order.order_id != line.order_id:
                order.order_id = line.order_id
                if isinstance(order.change, Edit):  # what it led to is what was named
                    order.change = None
        case _Ended():
            unfinished.pop(line.name, None)
        case _Header():
            pass


def _encode(line: _Line) -> bytes:
    return msgspec.json.encode(plain(line)) + b"\n"


def _custom(kind: type, value: object) -> object:
    if kind is Symbol:
        return Symbol(str(value))
    raise NotImplementedError(kind)


_decoder: msgspec.json.Decoder[_Line] = msgspec.json.Decoder(_Line, dec_hook=_custom)


def _opened(path: Path, flags: int) -> IO[bytes]:
    """A file nobody else may read, as it says what is traded."""
    number = os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o600)
    return os.fdopen(number, "wb")


def _locked(path: Path) -> IO[bytes]:
    """A file held by this process; the system lets it go when the process ends, however it does."""
    try:
        lock = _opened(path, 0)
    except OSError as error:
        raise IntentsError(f"cannot lock {path}: {error.strerror}") from error
    try:
        _hold(lock)
    except OSError as error:
        lock.close()
        raise IntentsError(f"{path} is held by another process that trades") from error
    return lock


def _hold(lock: IO[bytes]) -> None:
    if sys.platform == "win32":
        raise IntentsError("files cannot be locked on this system: keep intents in memory")
    else:  # noqa: RET506 - so that type checkers see what exists where
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _sync_folder(path: Path) -> None:
    """Only then is the new name of a file on disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
