"""The files that a recorder writes: never over another file, and never with half a line in them.

What is written at one time is one piece: a gzip member of its own, with its checksum, or plain
lines. It is in the file as a whole or, if the disk takes less, not at all.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from errno import ENOENT
from pathlib import Path

from fluxum.errors import BadInput, TapeError
from fluxum.lock import CAN_HOLD, hold
from fluxum.tape.lines import FORMAT, TapeHeader, encode_lines
from fluxum.tape.members import GZIP_MAGIC, member
from fluxum.tape.reader import TapeReader

__all__ = ["TapeFiles", "TapeNames"]

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
_NAMESAKES_MAX = 1000
_DEFAULT_NAME = "{exchange}-{time}.jsonl.gz"
_SUFFIXES = (".jsonl.gz", ".jsonl", ".gz")


class TapeNames:
    """The names of a recorder's files.

    `path` is a name, a name with `{time}` (and `{exchange}`) in it, or a folder, in which files are
    named `EXCHANGE-TIME.jsonl.gz`. With `many` files the time is put into a name that has none.
    The time is UTC, such as 20260801T120000Z; files of one second are numbered.
    """

    def __init__(self, path: Path, venue: str, *, many: bool = False) -> None:
        if _is_folder(path):
            path /= _DEFAULT_NAME
        if many and "{time}" not in path.name:
            suffix = next((one for one in _SUFFIXES if path.name.endswith(one)), "")
            path = path.with_name(f"{path.name.removesuffix(suffix)}-{{time}}{suffix}")
        self.has_time = "{time}" in path.name
        self._folder = path.parent
        self._name = path.name.replace("{exchange}", venue)

    def paths(self, ns: int) -> Iterator[Path]:
        """The name of a file that begins now, and further ones in case it exists."""
        time = f"{datetime.fromtimestamp(ns // 10**9, UTC):%Y%m%dT%H%M%SZ}"
        yield self._folder / self._name.replace("{time}", time)
        if self.has_time:
            for number in range(2, _NAMESAKES_MAX):
                yield self._folder / self._name.replace("{time}", f"{time}-{number}")


class TapeFiles:
    """One file after another; the first is made at once. For one thread at a time.

    With `append` an existing tape of the same venue is continued. The files of a recording that
    `is_rotated` contain the recording's begin and their own number. Raises BadInput or TapeError
    if the first file cannot be made; later errors are OSError or TapeError.
    """

    def __init__(
        self,
        names: TapeNames,
        venue: str,
        now_ns: int,
        *,
        append: bool = False,
        is_rotated: bool = False,
    ) -> None:
        if append and names.has_time:
            raise BadInput("one tape is appended to: no folder, no {time}, no rotation")
        self.paths: list[Path] = []
        """Every file that was begun, in order."""
        self._names = names
        self._header = header = TapeHeader(
            fluxum_tape=FORMAT,
            venue=venue,
            started_ns=now_ns,
            recording_ns=now_ns if is_rotated else 0,
        )
        self._descriptor: int | None = None
        self._ended: int | None = None
        self._is_gzip = self._is_new = self._has_lines = False
        self._beginning = b""
        self.bytes = 0
        """The length of the current file."""
        try:
            self._begin(header, append=append)
            self._write(b"")
        except OSError as error:
            self._take_back()
            path = next(names.paths(now_ns))
            raise TapeError(f"cannot write {path}: {error.strerror}") from error
        except TapeError:
            self._take_back()
            raise

    def write(self, lines: bytes, ns: int) -> None:
        """Write whole lines, the first of which is of the instant `ns`: all, or none."""
        if self._descriptor is None:
            self._begin(self._next_header(ns), append=False)
        try:
            self._write(lines)
            self._has_lines = True
        except OSError:
            if self._descriptor is not None:  # removing half a piece again needs no space
                os.ftruncate(self._descriptor, self.bytes)
            raise

    def discard(self) -> None:
        """Remove the file if nothing was recorded in it."""
        if len(self.paths) == 1 and self._is_new and not self._has_lines:
            with suppress(OSError):
                self.paths[0].unlink()

    def rotate(self) -> None:
        """End this file; the next lines begin another, and do not wait for the disk to have it."""
        self.sync()
        self._ended, self._descriptor = self._descriptor, None

    def sync(self) -> None:
        """Wait until the file that has ended is on disk."""
        descriptor, self._ended = self._ended, None
        if descriptor is not None:
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def close(self) -> None:
        """End this file, on disk when this returns."""
        self.rotate()
        self.sync()

    def _write(self, lines: bytes) -> None:
        descriptor = self._descriptor
        assert descriptor is not None
        if not os.fstat(descriptor).st_nlink:
            self._forget()
            raise FileNotFoundError(ENOENT, "the file was removed", str(self.paths[-1]))
        piece = self._beginning + lines
        if self._is_gzip:
            piece = member(piece)
        left = memoryview(piece)
        while left:
            left = left[os.write(descriptor, left) :]
        self._beginning = b""
        self.bytes += len(piece)

    def _forget(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _take_back(self) -> None:
        """Remove the file if nothing could be written to it."""
        self._forget()
        if self._is_new and not self.bytes:
            with suppress(OSError):
                self.paths[-1].unlink()

    def _next_header(self, ns: int) -> TapeHeader:
        before = self._header
        return TapeHeader(
            fluxum_tape=FORMAT,
            venue=before.venue,
            started_ns=ns,
            recording_ns=before.recording_ns,
            segment=before.segment + 1,
        )

    def _begin(self, header: TapeHeader, *, append: bool) -> None:
        """Open a file that did not exist, or the one that is appended to."""
        self.bytes = 0
        self._beginning = encode_lines([header])
        for path in self._names.paths(header.started_ns):
            try:
                descriptor = os.open(path, _NEW, 0o666)
            except FileExistsError:
                if append:
                    self._append_to(path)
                    return
                continue
            self._descriptor = descriptor
            self._header = header
            self._is_new = True
            self._is_gzip = path.suffix == ".gz"
            self.paths.append(path)
            self._hold(path)
            return
        raise TapeError(
            f"{next(self._names.paths(header.started_ns))} exists, and no tape is written over:"
            " append to it (--append), or name a folder, another file, or one with {time} in its"
            " name"
        )

    def _append_to(self, path: Path) -> None:
        if not stat.S_ISREG(path.stat().st_mode):
            raise TapeError(f"{path} is no regular file: a tape cannot be appended to it")
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
        self._descriptor = descriptor
        self.paths.append(path)
        self.bytes = os.fstat(descriptor).st_size
        self._hold(path)
        if not self.bytes:
            self._is_gzip = path.suffix == ".gz"
            return
        header = TapeReader(path).header
        if header is None or header.venue != self._header.venue:
            what = "no tape" if header is None else f"a tape of {header.venue}"
            raise TapeError(f"{path} is {what}; one of {self._header.venue} was expected")
        self._is_gzip = os.pread(descriptor, 2, 0) == GZIP_MAGIC
        if not self._is_gzip and os.pread(descriptor, 1, self.bytes - 1) != b"\n":
            self._beginning = b"\n" + self._beginning  # a crash tore its last line

    def _hold(self, path: Path) -> None:
        """Lock out other recorders, if the file system can."""
        assert self._descriptor is not None
        try:
            is_held = not CAN_HOLD or hold(self._descriptor)
        except OSError:
            return
        if not is_held:
            raise TapeError(f"{path} is being recorded to by another process")


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # it cannot be inspected, so it will not be opened either
        return False
