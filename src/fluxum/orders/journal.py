"""The journal of orders: what may be sent is on disk first, so that a crash forgets no order.

A journal is lines of JSON, appended. The line of an order or a change is synced to disk before the
command is sent (one `fsync`, in the loop: nothing may come between). The lines that an order was
named, answered or ended may be lost in a crash, as the venue can be queried again. On opening, the
journal is read and written anew with the unfinished orders alone.

Every line proves itself and the one before it (see `journal_lines`): a journal with damage is
refused, and `OrderJournalDamaged` names the line and the orders of the other lines. A crash leaves
half a last line, whose command was never sent; it is counted. A journal holds no keys.

Cancels are not written: to repeat one is harmless, and the outcome for its order is queried anyway.
"""

import glob
import logging
import os
import stat
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp
from types import TracebackType
from typing import Protocol, Self

from fluxum.disk import sync
from fluxum.errors import BadInput, OrderJournalError
from fluxum.lock import CAN_HOLD, hold
from fluxum.orders.journal_lines import (
    FIRST,
    FORMAT,
    Changing,
    Header,
    Intent,
    JournalLine,
    Named,
    Unfinished,
    apply,
    name_of,
    read_journal,
    seal_lines,
)

__all__ = ["FileOrderJournal", "JournalFile", "MemoryOrderJournal", "OrderJournal"]

_log = logging.getLogger(__name__)
_LINES_MAX = 100_000
_TRIES = 10
_FLAGS = os.O_RDWR | os.O_APPEND
_IS_SENT = frozenset({Intent, Changing})
"""Lines of what is about to be sent."""


class OrderJournal(Protocol):
    """Where orders are written before they are sent."""

    @property
    def unfinished(self) -> Mapping[str, Unfinished]:
        """Orders whose end is not known, by their names, oldest first."""
        ...

    def write(self, lines: Sequence[JournalLine]) -> None:
        """Keep lines; raises OrderJournalError, and then nothing may be sent.

        An `Intent` or `Changing` is safe when this returns. What a line has about an order that is
        not unfinished is left out.
        """
        ...


class MemoryOrderJournal:
    """A journal of this process alone: a crash forgets it. For tests, or to keep no file."""

    def __init__(self) -> None:
        self.unfinished: dict[str, Unfinished] = {}
        """Orders whose end is not known."""

    def write(self, lines: Sequence[JournalLine]) -> None:
        """Keep lines."""
        for line in lines:
            apply(self.unfinished, line)


class FileOrderJournal:
    """A journal in a file, of one process at a time; use it in a `with` block around the desk.

    Raises OrderJournalError where the file cannot be used: another process holds it (by any of its
    names), another venue's orders are in it; OrderJournalDamaged where it is not what was written.
    It is compacted on opening and after every `lines_max` lines, unless it has several names (hard
    links), which that would part.

    With `sync=False` the system chooses when a line is on disk: an order is sent sooner by the time
    of an `fsync` (0.1 to 10 ms), and what was written survives a crash of this process, but not
    one of the machine. A batch of orders is one write and one sync.
    """

    def __init__(
        self, path: Path | str, venue: str, *, sync: bool = True, lines_max: int = _LINES_MAX
    ) -> None:
        if lines_max < 2:
            raise BadInput(f"a journal needs room for two lines, was {lines_max}")
        self.path = Path(path)
        self.torn = 0
        """How many torn last lines were found: 1 after a crash in the middle of a write."""
        self.lines = 0
        """How many lines the file has."""
        self.unfinished: dict[str, Unfinished] = {}
        """Orders whose end is not known."""
        self._header = Header(fluxum_intents=FORMAT, venue=venue)
        self._sync = sync
        self._lines_max = self._compact_at = lines_max
        self._file: JournalFile | None = None
        self._is_usable = False
        self._check = FIRST

    def __enter__(self) -> Self:
        self._file = JournalFile(self.path, seal_lines(FIRST, [self._header])[0])
        try:
            self._read(self._file)
        except BaseException:
            self.close()
            raise
        self._is_usable = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._is_usable = False
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def write(self, lines: Sequence[JournalLine]) -> None:
        """Keep lines, on disk when this returns where they are about to be sent."""
        is_synced = not _IS_SENT.isdisjoint(map(type, lines))
        if not is_synced:
            lines = [line for line in lines if name_of(line) in self.unfinished]
            self._apply(lines)  # the outcome of an order holds, whether it can be written or not
        if lines:
            self._append(lines, is_synced=is_synced)
        if is_synced:
            self._apply(lines)
        if self._file is not None and self.lines > max(self._compact_at, 4 * len(self.unfinished)):
            self._compact_later(self._file)

    # The file

    def _apply(self, lines: Sequence[JournalLine]) -> None:
        for line in lines:
            apply(self.unfinished, line)

    def _append(self, lines: Sequence[JournalLine], *, is_synced: bool) -> None:
        if self._file is None or not self._is_usable:
            raise OrderJournalError(f"{self.path} is not open: nothing may be sent")
        content, check = seal_lines(self._check, lines)
        try:
            self._file.append(content, is_synced=is_synced and self._sync)
        except OrderJournalError:
            # How much of it is on disk is not known, and a line behind half a line is nonsense.
            self._is_usable = False
            raise
        self._check = check
        self.lines += len(lines)

    def _compact_later(self, file: "JournalFile") -> None:
        """Compact a file in use; where that fails it can still be appended to."""
        self._compact_at = self.lines + self._lines_max
        if not file.has_one_name:
            _log.warning("%s grows: it has several names (hard links)", self.path)
            return
        try:
            self._compact(file)
        except OrderJournalError as error:
            _log.warning("%s grows: %s", self.path, error)
        else:
            self._compact_at = self._lines_max

    def _read(self, file: "JournalFile") -> None:
        """Read the file, and leave it so that it can be appended to."""
        found = read_journal(file.read(), str(self.path), self._header.venue)
        chain = found.chain
        self.unfinished = found.unfinished
        self.torn = int(chain.torn)
        self.lines, self._check = len(chain.lines), chain.check
        if file.has_one_name:
            self._compact(file)
        elif found.is_old:
            raise OrderJournalError(
                f"{self.path} is a journal of format 1 with several names (hard links), which are"
                " parted when it is written anew: make the others symbolic links, or copies"
            )
        else:
            file.shorten(chain.size)
            file.append(b"\n" if chain.lacks_end else b"", is_synced=True)

    def _compact(self, file: "JournalFile") -> None:
        """Write it anew with what is unfinished."""
        lines: list[Header | JournalLine] = [self._header]
        for name, order in self.unfinished.items():
            lines.append(order.intent)
            if order.order_id:
                lines.append(Named(name, order.order_id))
            if order.changed_ns != order.intent.at_ns:
                lines.append(Changing(name=name, command=order.change, at_ns=order.changed_ns))
        content, check = seal_lines(FIRST, lines)
        file.replace(content)
        self.lines, self._check = len(lines), check


class JournalFile:
    """An open file that this process holds; close it. Raises OrderJournalError for all that fails.

    The file itself is held, not its name: a symbolic link leads to it, and another process that
    opens it by another name is refused. To write it anew, a file beside it is synced and put in its
    place, so a crash leaves the old one or the new one, whole. That would part it from its other
    names (hard links), so a file with several names is only appended to. A file that does not exist
    is made with the `first` content, whole at once. Only its owner can read it.
    """

    def __init__(self, path: Path, first: bytes) -> None:
        self.path = path
        if not CAN_HOLD:
            raise OrderJournalError("files cannot be locked on this system: keep intents in memory")
        with self._failing_to("open"):
            self._name = os.path.realpath(path)
            self._real = Path(self._name)
            self._descriptor = self._open(first)

    @property
    def has_one_name(self) -> bool:
        """Whether it can be written anew."""
        return os.fstat(self._descriptor).st_nlink == 1

    def read(self) -> bytes:
        """All of it."""
        with self._failing_to("read"), os.fdopen(os.dup(self._descriptor), "rb") as file:
            file.seek(0)
            return file.read()

    def append(self, content: bytes, *, is_synced: bool) -> None:
        """Write behind what is there; what `is_synced` is on disk when this returns."""
        try:
            self._check_place()
            _write(self._descriptor, content)
            if is_synced:
                os.fsync(self._descriptor)
        except OSError as error:
            raise OrderJournalError(f"cannot write {self.path}: {error.strerror}") from error

    def shorten(self, length: int) -> None:
        """Cut it off after so many bytes, on disk when this returns."""
        with self._failing_to("write"):
            os.ftruncate(self._descriptor, length)
            os.fsync(self._descriptor)

    def replace(self, content: bytes) -> None:
        """Write it anew, if it has one name; where that fails it is still there as it was."""
        with self._failing_to("write"):
            self._check_place()
            beside = self._real.with_name(f"{self._real.name}.new")
            descriptor = os.open(beside, _FLAGS | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                _write(descriptor, content)
                os.fsync(descriptor)
                hold(descriptor)  # before it can be found under the file's name
                beside.replace(self._real)
            except OSError:
                os.close(descriptor)
                raise
            old, self._descriptor = self._descriptor, descriptor
            os.close(old)
            try:
                sync(self._real.parent)
            except OSError:  # after a crash its name may lead to the old one
                self.close()
                raise

    def close(self) -> None:
        """Let the file go."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    @contextmanager
    def _failing_to(self, act: str) -> Generator[None]:
        try:
            yield
        except OSError as error:
            raise OrderJournalError(f"cannot {act} {self.path}: {error.strerror}") from error

    def _open(self, first: bytes) -> int:
        for _ in range(_TRIES):
            with suppress(FileNotFoundError):
                descriptor = os.open(self._real, _FLAGS)
                try:
                    if self._take(descriptor):
                        return descriptor
                except BaseException:
                    os.close(descriptor)
                    raise
                os.close(descriptor)
                continue  # it was replaced before it was held
            _create(self._real, first)
        raise OrderJournalError(f"{self.path} is replaced again and again by another process")

    def _take(self, descriptor: int) -> bool:
        """Hold an open file, if it is what its name leads to."""
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OrderJournalError(
                f"{self.path} is no regular file: a journal cannot be kept in it"
            )
        if not hold(descriptor):
            raise OrderJournalError(f"{self.path} is held by another process that trades")
        found = os.fstat(descriptor)
        for beside in self._real.parent.glob(f"{glob.escape(self._real.name)}.*.new"):
            if os.path.samestat(beside.lstat(), found):  # a crash came while it was made
                beside.unlink()
        return os.path.samestat(self._real.stat(), found)

    def _check_place(self) -> None:
        """What is written to a file that its name leads to no more would not be found again."""
        if self._descriptor < 0:
            raise OrderJournalError(f"{self.path} is not open: nothing may be sent")
        found = os.fstat(self._descriptor)
        try:
            there = os.stat(self._name)  # noqa: PTH116 - it runs at each order, and Path costs calls
        except FileNotFoundError:
            there = None
        if there is None or (there.st_ino, there.st_dev) != (found.st_ino, found.st_dev):
            raise OrderJournalError(f"{self.path} was moved or removed: nothing may be sent")


def _create(path: Path, content: bytes) -> None:
    """Make a file that does not exist; it appears whole. One that exists by then is left alone."""
    number, name = mkstemp(prefix=f"{path.name}.", suffix=".new", dir=path.parent)
    beside = Path(name)
    try:
        _write(number, content)
        os.fsync(number)
        with suppress(FileExistsError):
            path.hardlink_to(beside)
    finally:
        os.close(number)
        beside.unlink()
    sync(path.parent)


def _write(descriptor: int, content: bytes) -> None:
    written = os.write(descriptor, content)
    while written < len(content):
        written += os.write(descriptor, memoryview(content)[written:])
