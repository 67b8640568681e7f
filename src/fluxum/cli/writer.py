"""Writes bytes to stdout and stderr, so that a slow reader never blocks the event loop.

A `ThreadWriter` has its own thread and a bound. A command that can wait does so with `room`. Then
nothing is lost here, and newer events wait in the session's own bounded pipe, which drops its
oldest events, counts them and puts a `dropped` event in their place. A command that cannot wait
writes at any time: above the bound the oldest chunks are dropped, and a notice takes their place.

`DirectWriter` writes at once and blocks while the reader pauses: for commands that have nothing
else to do.
"""

import asyncio
import errno
import os
import select
import threading
from collections import deque
from collections.abc import Callable
from io import RawIOBase
from typing import Protocol, TextIO

from fluxum.errors import FluxumError

__all__ = [
    "DirectWriter",
    "Frame",
    "NoWriter",
    "OutputClosed",
    "ThreadWriter",
    "Writer",
    "hold_standard_files",
]

Frame = Callable[[bytes], bytes]
_BYTES_MAX = 1 << 18
_CHECK_S = 1.0  # how often an idle writer checks whether its reader has gone
_Sleepers = list[tuple[asyncio.AbstractEventLoop, "asyncio.Future[None]"]]


class OutputClosed(FluxumError):
    """The command has data to write, but its stdout was closed before it began."""


class Writer(Protocol):
    """Writes chunks of bytes."""

    @property
    def is_idle(self) -> bool:
        """Whether all chunks are written."""
        ...

    def put(self, chunk: bytes) -> None:
        """Write a chunk, or queue it; raises OSError once the reader has gone."""
        ...

    async def room(self) -> None:
        """Wait until a chunk can be put without loss; raises OSError once the reader has gone."""
        ...

    async def watch(self) -> None:
        """Wait until the reader has gone, and raise OSError."""
        ...

    def close(self, patience_s: float | None = None) -> int:
        """Wait until all is written, so long at most; returns how many chunks were not."""
        ...


class DirectWriter:
    """Writes each chunk at once to a stream; `None` is a closed one."""

    is_idle = True

    def __init__(self, stream: TextIO | None, name: str, frame: Frame) -> None:
        self._stream = stream
        self._name = name
        self._frame = frame

    def put(self, chunk: bytes) -> None:
        """Write a chunk; raises OSError, and OutputClosed if the stream is closed."""
        if self._stream is None:
            raise OutputClosed(f"{self._name} is closed, so nothing can be written to it")
        _write_whole(self._stream, self._frame(chunk), self._name)

    async def room(self) -> None:
        """Return at once: `put` blocks instead."""

    async def watch(self) -> None:
        """Wait for ever: `put` raises the errors."""
        await asyncio.Event().wait()

    def close(self, patience_s: float | None = None) -> int:  # noqa: ARG002 - nothing waits
        """Return at once: nothing waits."""
        return 0


class NoWriter:
    """Discards messages when stderr is closed."""

    is_idle = True

    def put(self, chunk: bytes) -> None:
        """Discard it."""

    async def room(self) -> None:
        """Return at once."""

    async def watch(self) -> None:
        """Wait for ever."""
        await asyncio.Event().wait()

    def close(self, patience_s: float | None = None) -> int:  # noqa: ARG002 - nothing waits
        """Return at once."""
        return 0


class ThreadWriter:
    """Writes from its own thread.

    `frame` is applied to each chunk as it is written, so that it counts only what is written.
    `notice` makes the chunk that replaces so many dropped ones.
    """

    def __init__(
        self,
        stream: TextIO,
        name: str,
        frame: Frame,
        notice: Callable[[int], bytes],
        bytes_max: int = _BYTES_MAX,
    ) -> None:
        self._stream = stream
        self._name = name
        self._frame = frame
        self._notice = notice
        self._bytes_max = bytes_max
        self._waiting: deque[bytes] = deque()
        self._bytes = 0  # of the chunks that wait, and of the one that is being written
        self._missed = 0  # chunks dropped since the last one was taken
        self._error: OSError | None = None
        self._is_ending = False
        self._changed = threading.Condition()
        self._for_room: _Sleepers = []
        self._for_end: _Sleepers = []
        threading.Thread(target=self._run, name=f"{name} writer", daemon=True).start()

    @property
    def is_idle(self) -> bool:
        """Whether all chunks are written."""
        return not self._bytes

    def put(self, chunk: bytes) -> None:
        """Queue a chunk; above the bound the oldest ones are dropped."""
        with self._changed:
            self._raise_error()
            self._waiting.append(chunk)
            self._bytes += len(chunk)
            while self._bytes > self._bytes_max and len(self._waiting) > 1:
                self._bytes -= len(self._waiting.popleft())
                self._missed += 1
            self._changed.notify_all()

    async def room(self) -> None:
        """Wait until half of the bound is free."""
        while True:
            with self._changed:
                self._raise_error()
                if self._bytes <= self._bytes_max // 2:
                    return
                change = _sleep(self._for_room)
            await change

    async def watch(self) -> None:
        """Wait until the reader has gone, and raise OSError."""
        while True:
            with self._changed:
                self._raise_error()
                change = _sleep(self._for_end)
            await change

    def close(self, patience_s: float | None = None) -> int:
        """Wait until all is written, so long at most; returns how many chunks were not.

        If the reader has gone, it returns 0.
        """
        with self._changed:
            self._is_ending = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._error is not None or not self._bytes, patience_s)
            lost = 0 if self._error is not None else len(self._waiting) + self._missed
            self._waiting.clear()
            return lost

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            while (chunk := self._next()) is not None:
                _write_whole(self._stream, self._frame(chunk), self._name)
                with self._changed:
                    self._bytes -= len(chunk)
                    self._changed.notify_all()
                    if self._bytes <= self._bytes_max // 2:
                        _wake(self._for_room)
        except OSError as error:
            with self._changed:
                self._error = error
                self._changed.notify_all()
                _wake(self._for_room)
                _wake(self._for_end)

    def _next(self) -> bytes | None:
        """The next chunk to write, `None` at the end; raises OSError without a reader."""
        with self._changed:
            while not (self._waiting or self._missed or self._is_ending):
                if not self._changed.wait(_CHECK_S):
                    _check_reader(self._stream, self._name)
            if self._missed:
                missed, self._missed = self._missed, 0
                notice = self._notice(missed)
                self._bytes += len(notice)
                return notice
            return self._waiting.popleft() if self._waiting else None


def hold_standard_files() -> None:
    """Open the standard files that are closed, so that no socket takes their number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one


def _sleep(sleepers: _Sleepers) -> "asyncio.Future[None]":
    loop = asyncio.get_running_loop()
    change: asyncio.Future[None] = loop.create_future()
    sleepers.append((loop, change))
    return change


def _wake(sleepers: _Sleepers) -> None:
    for loop, change in sleepers:
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, change)
    sleepers.clear()


def _resolve(change: "asyncio.Future[None]") -> None:
    if not change.done():
        change.set_result(None)


def _write_whole(stream: TextIO, chunk: bytes, name: str) -> None:
    buffer = getattr(stream, "buffer", None)
    if buffer is None:  # a text stream without a buffer, as in a notebook
        stream.write(chunk.decode(errors="replace"))
        stream.flush()
        return
    # Past the buffer: a thread that waits for its reader would keep its lock until the end.
    raw: RawIOBase = getattr(buffer, "raw", buffer)
    view = memoryview(chunk)
    try:
        while view:
            written = raw.write(view)
            if written is None:  # the terminal is set to non-blocking
                select.select([], [raw], [])
            view = view[written or 0 :]
    except OSError as error:
        raise _failure(error.errno or errno.EIO, name) from error
    except ValueError as error:  # the program has closed it
        raise _failure(errno.EBADF, name) from error


def _check_reader(stream: TextIO, name: str) -> None:
    """Raise what a write would, if a pipe has no reader any more."""
    if not hasattr(select, "poll"):
        return
    try:
        poll = select.poll()
        poll.register(stream, 0)  # errors alone
    except (OSError, ValueError):  # no file of the operating system
        return
    if any(event & (select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0)):
        raise _failure(errno.EPIPE, name)


def _failure(number: int, name: str) -> OSError:
    """The error if nothing can be written: BrokenPipeError for a reader that has gone."""
    return OSError(number, f"cannot write to {name}: {os.strerror(number)}")
