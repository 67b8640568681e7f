"""A recorder: lines are added in the loop and written in a separate thread.

The loop never waits for a disk. Twice a second, or when there is enough for a piece, the thread
takes the lines that wait, encodes and compresses them, and writes them as a whole; only then it
waits until a file that has ended is on disk. So a process that is killed loses half a second, and a
disk that hangs harms nothing but the tape.

If a disk is full, the recording stops: lines that could not be written and all later ones are lost
and counted, and the thread tries again after one second, two, four, up to a minute. The first lines
it writes then come after a line that states what is missing.
"""

from collections.abc import Callable
from pathlib import Path
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

from fluxum.clock import Clock, monotonic_s
from fluxum.errors import BadInput, TapeError
from fluxum.tape.files import TapeFiles, TapeNames
from fluxum.tape.lines import TapeFrame, answer_line, encode_lines, frame_line
from fluxum.tape.waiting import Hole, Piece, TapeCounts, Waiting

__all__ = ["TapeWriter"]

_FLUSH_S = 0.5
_RETRY_MIN_S, _RETRY_MAX_S = 1.0, 60.0
_CLOSE_S = 5.0
_WAITING_BYTES_MAX = 1 << 25


class TapeWriter:
    """Records to one tape or to several; use it in a `with` block.

    `path` is a name, a name with `{time}` in it, or a folder. Another file begins when the current
    one has `rotate_bytes`, and at every multiple of `rotate_s` seconds since 1970; the time is then
    put into the names. No existing file is overwritten; with `append` it is continued. Raises
    BadInput, and TapeError if recording cannot begin, and nothing later: see `trouble`.
    """

    def __init__(
        self,
        path: Path,
        venue: str,
        clock: Clock,
        *,
        append: bool = False,
        rotate_bytes: int | None = None,
        rotate_s: int | None = None,
    ) -> None:
        for given in (rotate_bytes, rotate_s):
            if given is not None and given < 1:
                raise BadInput(f"a rotation above zero was expected, was {given}")
        now_ns = clock.now_ns()
        is_rotated = rotate_bytes is not None or rotate_s is not None
        names = TapeNames(path, venue, many=is_rotated)
        rotate_ns = None if rotate_s is None else rotate_s * 10**9
        self._clock = clock
        self._files = TapeFiles(names, venue, now_ns, append=append, is_rotated=is_rotated)
        self._waiting = Waiting(now_ns, bytes_max=_WAITING_BYTES_MAX, rotate_ns=rotate_ns)
        self._rotate_bytes = rotate_bytes
        self._thread = Thread(target=self._run, name="tape", daemon=True)
        self._wake = Event()
        self._writing = Lock()
        self._is_closing = False
        self._pause_s, self._retry_s = _FLUSH_S, _RETRY_MIN_S
        self._calls = 0

    @property
    def paths(self) -> list[Path]:
        """The files so far, in order."""
        return list(self._files.paths)

    @property
    def trouble(self) -> str:
        """Why nothing is recorded at this moment; empty if it is."""
        return self._waiting.trouble

    def counts(self) -> TapeCounts:
        """What became of the frames and answers so far; after the block none is waiting."""
        return self._waiting.counts()

    def take_holes(self) -> list[Hole]:
        """The gaps that have ended since the last call, oldest first; a thousand are kept."""
        return self._waiting.take_holes()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def add(
        self, frame: bytes, link: int, *, sent: bool, dialled: str = "", ns: int | None = None
    ) -> int:
        """Record a frame with the present time, or with that of `ns`; see `frame_line`.

        Returns the time. Frames that were received together have the same.
        """
        now_ns = self._clock.now_ns() if ns is None else ns
        line = frame_line(now_ns, frame, link, sent=sent, dialled=dialled)
        if self._waiting.put(now_ns, line, len(frame)):
            self._wake.set()
        return now_ns

    def add_request(self, url: str) -> int:
        """Record that a REST call is made, but not what is sent; returns the call's number."""
        self._calls += 1
        self._add_call(url, self._calls, sent=True)
        return self._calls

    def add_answer(self, url: str, body: bytes, call: int = 0) -> None:
        """Record the answer to a REST call with the present time."""
        now_ns = self._clock.now_ns()
        if self._waiting.put(now_ns, answer_line(now_ns, url, body, call), len(body)):
            self._wake.set()

    def end_call(self, url: str, call: int) -> None:
        """Record that a REST call has ended without an answer."""
        self._add_call(url, call, closed=True)

    def end(self, link: int) -> None:
        """Record that a link was closed."""
        now_ns = self._clock.now_ns()
        self._waiting.put(now_ns, TapeFrame(ns=now_ns, link=link, closed=True), 0, frames=0)

    def _add_call(self, url: str, call: int, *, sent: bool = False, closed: bool = False) -> None:
        now_ns = self._clock.now_ns()
        line = TapeFrame(ns=now_ns, link=0, url=url, call=call, sent=sent, closed=closed)
        self._waiting.put(now_ns, line, 0, frames=0)

    def close(self) -> None:
        """Write the lines that wait, for five seconds at most; the rest is lost."""
        now_ns = self._clock.now_ns()
        self._waiting.end(now_ns)
        self._is_closing = True
        if self._thread.ident is None:  # it was not used as a block
            self._run()
        else:
            self._wake.set()
            self._thread.join(_CLOSE_S)
        self._waiting.close(now_ns)

    def discard(self) -> None:
        """Remove a tape that was begun and is empty; call it after the block."""
        self._files.discard()

    def flush(self) -> None:
        """Write the lines that wait, as the thread does twice a second; may wait for the disk."""
        with self._writing:
            self._waiting.resume()
            pieces = self._waiting.take()
            while pieces:
                try:
                    self._write(pieces[0])
                except (OSError, TapeError) as error:
                    self._stop(pieces, error)
                    return
                self._waiting.wrote(pieces.pop(0))
                self._retry_s = _RETRY_MIN_S
            self._ended(self._files.sync)

    # In the thread

    def _run(self) -> None:
        begun_s = monotonic_s()
        while not self._is_closing:
            self._wake.wait(max(0.0, begun_s + self._pause_s - monotonic_s()))
            self._wake.clear()
            self._pause_s, begun_s = _FLUSH_S, monotonic_s()
            self.flush()
        self.flush()
        self._ended(self._files.close)

    def _ended(self, end: Callable[[], None]) -> None:
        """Do what the end of a file needs; an error is a gap, as the disk may have lost some."""
        try:
            end()
        except OSError as error:
            self._stop([], error)

    def _write(self, piece: Piece) -> None:
        is_full = self._rotate_bytes is not None and self._files.bytes >= self._rotate_bytes
        if piece.begins_file or is_full:
            self._files.rotate()
        hole, lines = piece.hole, piece.lines
        if hole is not None:
            frame = TapeFrame(ns=piece.ns, link=0, lost=hole.lost, since_ns=hole.since_ns)
            lines = [frame, *lines]
        self._files.write(encode_lines(lines), piece.ns)

    def _stop(self, pieces: list[Piece], error: OSError | TapeError) -> None:
        why = str(error)
        if isinstance(error, OSError):
            why = f"cannot write {error.filename or self._files.paths[-1]}: {error.strerror}"
        self._waiting.failed(pieces, self._clock.now_ns(), why)
        self._pause_s = self._retry_s
        self._retry_s = min(2 * self._retry_s, _RETRY_MAX_S)
