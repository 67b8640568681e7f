"""The process that makes columns beside a recorder, as the recorder sees it."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from fluxum.store.arrow import require_arrow

__all__ = ["Follower"]


class Follower:
    """Makes the columns of a recorder's files, each once it is complete; see `store.follow`.

    `tapes` is the folder in which the recorder writes. The columns of earlier recordings there are
    completed as well. Raises BadInput if pyarrow is not installed, OSError if no process can be
    started.
    """

    def __init__(self, folder: Path, tapes: Path) -> None:
        require_arrow()
        words = [sys.executable, "-m", "fluxum.store.follow", str(folder), str(tapes)]
        # Of a session of its own: what ends the recorder by its terminal does not end this.
        self._process = subprocess.Popen(  # noqa: S603 - this program itself
            words, stdin=subprocess.PIPE, start_new_session=True
        )
        assert self._process.stdin is not None
        self._names = self._process.stdin.fileno()
        os.set_blocking(self._names, False)
        self._announced = 0
        self._waiting = b""

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process.poll() is None

    def announce(self, paths: Sequence[Path]) -> None:
        """Name all files of the recorder so far, in order; those known already are passed over."""
        new = paths[self._announced :]
        self._announced += len(new)
        self._waiting += b"".join(msgspec.json.encode(str(one)) + b"\n" for one in new)
        try:
            while self._waiting:
                self._waiting = self._waiting[os.write(self._names, self._waiting) :]
        except BlockingIOError:
            pass  # it is busy: the next time
        except BrokenPipeError:
            self._waiting = b""  # it has ended: `is_running` is false

    def finish(self, wait_s: float) -> int | None:
        """No more files come; its exit status, or `None` if it has not ended after so long.

        It then goes on by itself. Files whose names it has not got it finds by itself.
        """
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            return self._process.wait(wait_s)
        except subprocess.TimeoutExpired:
            return None
