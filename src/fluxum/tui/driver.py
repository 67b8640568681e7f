"""The terminal that the screen is written to; a slow one never holds up the event loop."""

import os
import sys
from select import select
from threading import Thread
from typing import TYPE_CHECKING, Any, TextIO

from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    from textual.app import App

__all__ = ["Terminal"]

_PATIENCE_S = 1.0


class Terminal(LinuxDriver):
    """Textual's driver, which also knows whether the terminal has taken all that was written.

    It writes to stdout. A terminal that has stopped reading does not keep the program from its end.
    """

    def __init__(self, app: "App[Any]", **options: Any) -> None:
        super().__init__(app, **options)  # pyright: ignore[reportUnknownMemberType]
        self._out = _Out(sys.__stdout__)
        self._file: Any = self._out  # textual needs no more of it than this has
        self.queued = 0
        """How many characters were written, by this side."""

    @property
    def is_idle(self) -> bool:
        """Whether the terminal has taken all that was written."""
        return self._out.written == self.queued

    def write(self, data: str) -> None:
        """Queue data for the thread that writes."""
        self.queued += len(data)
        super().write(data)

    def close(self) -> None:
        """Wait until the terminal has taken all, a second at most."""
        waiting = Thread(target=super().close, daemon=True)
        waiting.start()
        waiting.join(_PATIENCE_S)


class _Out:
    """Stdout without a buffer, so that what is counted has been taken."""

    def __init__(self, stream: TextIO | None) -> None:
        assert stream is not None, "a screen is drawn on a terminal"
        self.written = 0
        self._number = stream.fileno()

    def write(self, text: str) -> None:
        left = memoryview(text.encode("utf-8", "replace"))
        while left:
            try:
                left = left[os.write(self._number, left) :]
            except BlockingIOError:  # another program has made the terminal non-blocking
                select((), (self._number,), ())
        self.written += len(text)

    def flush(self) -> None: ...

    def fileno(self) -> int:
        return self._number
