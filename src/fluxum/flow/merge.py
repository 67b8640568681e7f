"""Many streams as one: live ones by arrival, replayed ones by time."""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import TracebackType
from typing import Any, Generic, Self, TypeVar
from weakref import ref

from fluxum.errors import BadInput, FluxumError
from fluxum.flow.pipe import Pipe

__all__ = ["Merged", "merge", "merge_by_time"]

T = TypeVar("T")
_LOOK_EVERY = 32


def merge(*pipes: Pipe[T]) -> "Merged[T]":
    """Read several pipes as one stream."""
    return Merged(pipes)


def merge_by_time(*streams: Iterable[T], key: Callable[[T], Any]) -> Iterator[T]:
    """Merge streams that are each in the order of `key`; ties keep the order of the arguments.

    Reads one item ahead of each stream, never more.
    """
    return heapq.merge(*streams, key=key)


class Merged(Generic[T]):
    """The pipes' items in the order of arrival; if several have items waiting, they take turns.

    It ends when all pipes have ended. If one fails, the items that wait in the others at that
    moment are still delivered, pipe by pipe, and then the error is raised. With `failed` the others
    go on instead, and `failed` is given the error. `look` is given one of every 32 items when the
    reader gets it, the last of those that are drained. Leaving a `with` block cancels all pipes. No
    task is started: each pipe wakes the merge when it has an item. The pipes do not keep the merge
    alive: if its reader drops it, they are dropped as well.
    """

    def __init__(
        self,
        pipes: Iterable[Pipe[T]],
        failed: Callable[[FluxumError], None] | None = None,
        look: Callable[[T], None] | None = None,
    ) -> None:
        self._wakes: dict[Pipe[T], Callable[[], None]] = {}  # of the pipes that have not ended
        self._failed = failed
        self._look = look
        self._until_look = 0
        self._ready: deque[Pipe[T]] = deque()  # each pipe at most once
        self._last: deque[T] = deque()  # what is still delivered after a failure
        self._error: FluxumError | None = None
        self._arrival: asyncio.Future[None] | None = None
        for pipe in pipes:
            self.add(pipe)

    def add(self, pipe: Pipe[T]) -> None:
        """Merge one more pipe from now on; raises BadInput if it is merged already."""
        if pipe in self._wakes:
            raise BadInput("every pipe can be merged once, and one was given twice")
        self._wakes[pipe] = partial(_arrived, ref(self), ref(pipe))
        self._watch(pipe)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while True:
            while self._ready:
                pipe = self._ready.popleft()
                if pipe.waiting:
                    item = pipe.take()
                    self._watch(pipe)
                    self._note(item, 1)
                    return item
                self._end(pipe)
            if self._last:
                return self._last.popleft()
            if self._error is not None or not self._wakes:
                raise StopAsyncIteration if self._error is None else self._error
            await self._wait_arrival()

    def drain(self) -> list[T]:
        """All items that wait, without waiting for more: those of one pipe after another."""
        items = [*self._last]
        self._last.clear()
        if self._error is None:
            for pipe in self._wakes:
                items += pipe.drain()
        if items:
            self._note(items[-1], len(items))
        return items

    @property
    def waiting(self) -> int:
        """How many items wait for the reader."""
        return len(self._last) + sum(pipe.waiting for pipe in self._wakes)

    def cancel(self) -> None:
        """Cancel all pipes."""
        self._last.clear()
        for pipe in list(self._wakes):
            pipe.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.cancel()

    def note_arrival(self, pipe: Pipe[T]) -> None:
        """A pipe has an item, or has ended; called by the pipe."""
        if self._error is None:
            self._ready.append(pipe)
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    def _note(self, item: T, count: int) -> None:
        """The reader gets so many items, this one last: show one of every 32."""
        self._until_look -= count
        if self._until_look <= 0:
            self._until_look = _LOOK_EVERY
            if self._look is not None:
                self._look(item)

    def _watch(self, pipe: Pipe[T]) -> None:
        pipe.call_when_ready(self._wakes[pipe])

    def _end(self, pipe: Pipe[T]) -> None:
        if not pipe.is_closed:  # another reader has taken what had arrived
            self._watch(pipe)
            return
        del self._wakes[pipe]
        if pipe.error is None or self._error is not None:
            return
        if self._failed is not None:
            self._failed(pipe.error)
            return
        self._error = pipe.error
        for other in self._wakes:
            self._last += other.drain()
        self._ready.clear()

    async def _wait_arrival(self) -> None:
        if self._arrival is not None:
            raise BadInput("merged pipes have one reader, and it is waiting already")
        self._arrival = asyncio.get_running_loop().create_future()
        try:
            await self._arrival
        finally:
            self._arrival = None


def _arrived(merged: "ref[Merged[T]]", pipe: "ref[Pipe[T]]") -> None:
    reader, arrived = merged(), pipe()
    if reader is not None and arrived is not None:
        reader.note_arrival(arrived)
