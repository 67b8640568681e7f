"""Many streams as one: live ones by arrival, replayed ones by time."""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from fluxum.errors import BadInput, FluxumError
from fluxum.flow.pipe import Pipe

__all__ = ["Merged", "merge", "merge_by_time"]

T = TypeVar("T")


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
    moment are still delivered, pipe by pipe, and then the error is raised. Leaving a `with` block
    cancels all pipes. No task is started: each pipe wakes the merge when it has an item.
    """

    def __init__(self, pipes: Iterable[Pipe[T]]) -> None:
        self._pipes = tuple(pipes)
        self._open = set(self._pipes)
        if len(self._open) < len(self._pipes):
            raise BadInput("every pipe can be merged once, and one was given twice")
        self._ready: deque[Pipe[T]] = deque()  # each pipe at most once
        self._last: deque[T] = deque()  # what is still delivered after a failure
        self._error: FluxumError | None = None
        self._arrival: asyncio.Future[None] | None = None
        for pipe in self._pipes:
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
                    return item
                self._end(pipe)
            if self._last:
                return self._last.popleft()
            if not self._open:
                raise StopAsyncIteration if self._error is None else self._error
            await self._wait_arrival()

    def cancel(self) -> None:
        """Cancel all pipes."""
        self._last.clear()
        for pipe in self._pipes:
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

    def _watch(self, pipe: Pipe[T]) -> None:
        pipe.call_when_ready(partial(self._arrived, pipe))

    def _arrived(self, pipe: Pipe[T]) -> None:
        if self._error is None:
            self._ready.append(pipe)
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    def _end(self, pipe: Pipe[T]) -> None:
        if not pipe.is_closed:  # another reader has taken what had arrived
            self._watch(pipe)
            return
        self._open.discard(pipe)
        if pipe.error is not None and self._error is None:
            self._error = pipe.error
            for other in self._pipes:
                self._last += other.drain()
            self._open.clear()
            self._ready.clear()

    async def _wait_arrival(self) -> None:
        if self._arrival is not None:
            raise BadInput("merged pipes have one reader, and it is waiting already")
        self._arrival = asyncio.get_running_loop().create_future()
        try:
            await self._arrival
        finally:
            self._arrival = None
