"""A file of one process at a time, appended to and sometimes written anew.

It is the file itself that is held, not its name: a symbolic link leads to it, and another process
that opens it by another name is refused. To write it anew a file beside it is filled, written
through to the disk and put in the place of the one that a link leads to, never of the link; a crash
leaves the old one or the new one, whole.

That would part a file from its other names, if it has several (hard links), and each would then
tell a part of the story. So such a file is appended to and not written anew. (It could be in place;
but then a crash would leave a part of the old one and a part of the new one.)
"""

import glob
import os
import stat
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp

from fluxum.errors import OrderJournalError
from fluxum.lock import CAN_HOLD, hold

__all__ = ["JournalFile"]

_TRIES = 10
_FLAGS = os.O_RDWR | os.O_APPEND


class JournalFile:
    """An open file that this process holds; close it. Raises OrderJournalError for all that fails.

    A file that does not exist is made with the `first` content, at once and only whole, so that an
    empty one is never what a crash leaves. Only its owner can read it.
    """

    def __init__(self, path: Path, first: bytes) -> None:
        self.path = path
        if not CAN_HOLD:
            raise OrderJournalError("files cannot be locked on this system: keep intents in memory")
        try:
            self._real = Path(os.path.realpath(path))
            self._descriptor = self._open(first)
        except OSError as error:
            raise OrderJournalError(f"cannot open {path}: {error.strerror}") from error

    @property
    def has_one_name(self) -> bool:
        """Whether it can be written anew."""
        return os.fstat(self._descriptor).st_nlink == 1

    def read(self) -> bytes:
        """All of it."""
        try:
            with os.fdopen(os.dup(self._descriptor), "rb") as file:
                file.seek(0)
                return file.read()
        except OSError as error:
            raise OrderJournalError(f"cannot read {self.path}: {error.strerror}") from error

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
        try:
            os.ftruncate(self._descriptor, length)
            os.fsync(self._descriptor)
        except OSError as error:
            raise OrderJournalError(f"cannot write {self.path}: {error.strerror}") from error

    def replace(self, content: bytes) -> None:
        """Write it anew, if it has one name; where that fails it is still there as it was."""
        beside = self._real.with_name(f"{self._real.name}.new")
        descriptor = -1
        try:
            self._check_place()
            descriptor = os.open(beside, _FLAGS | os.O_CREAT | os.O_TRUNC, 0o600)
            _write(descriptor, content)
            os.fsync(descriptor)
            hold(descriptor)  # before it can be found under the file's name
            beside.replace(self._real)
        except OSError as error:
            if descriptor >= 0:
                os.close(descriptor)
            raise OrderJournalError(f"cannot write {self.path}: {error.strerror}") from error
        old, self._descriptor = self._descriptor, descriptor
        os.close(old)
        try:
            _sync_folder(self._real.parent)
        except OSError as error:  # after a crash its name may lead to the old one
            self.close()
            raise OrderJournalError(f"cannot write {self.path}: {error.strerror}") from error

    def close(self) -> None:
        """Let the file go."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

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
            is_there = os.path.samestat(self._real.stat(), found)
        except FileNotFoundError:
            is_there = False
        if not is_there:
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
    _sync_folder(path.parent)


def _write(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def _sync_folder(path: Path) -> None:
    """Only then is the new name of a file on disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
