"""A bounded queue with one reader and a definite end.

The producer never waits and never gets an error. The reader chooses, when it opens the pipe, what
happens if the pipe is full. Every item is accounted for at any moment:

    offered = delivered + conflated + dropped + waiting

A pipe belongs to one event loop. The hot path is `put`: one comparison and one append, and a
reader is woken once for all items that arrived together.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import partial
from types import TracebackType
from typing import Generic, Self, TypeVar

from msgspec import Struct

from fluxum.errors import BadInput, ConsumerTooSlow, FluxumError
from fluxum.model.enumeration import Enumeration
from fluxum.model.input import choice

__all__ = ["Batches", "Overflow", "Pipe", "PipeStatistics", "ReaderPolicy"]

T = TypeVar("T")


class Overflow(Enumeration):
    """What happens if a pipe is full.

    DROP_OLDEST: the oldest item is dropped and counted. CONFLATE: only the latest item of each key
    waits; over capacity the oldest is dropped and counted. RAISE: the stream fails, for readers
    that may not lose an item.
    """

    DROP_OLDEST = "drop_oldest"
    CONFLATE = "conflate"
    RAISE = "raise"


class ReaderPolicy(Struct, frozen=True, kw_only=True):
    """How many items may wait for a reader, and what happens to one that has no room."""

    capacity: int = 10_000
    overflow: Overflow = Overflow.DROP_OLDEST


class PipeStatistics(Struct, frozen=True, kw_only=True):
    """What became of all items: offered = delivered + conflated + dropped + waiting.

    `conflated` were replaced by a newer item of the same key. `dropped` never reached the reader:
    they did not fit, came after the end, or the reader cancelled the pipe.
    """

    capacity: int
    offered: int
    delivered: int
    conflated: int
    dropped: int
    waiting: int

    def __add__(self, other: "PipeStatistics") -> "PipeStatistics":
        """The sums of two pipes; the capacities are added too."""
        return PipeStatistics(
            **{name: getattr(self, name) + getattr(other, name) for name in _COUNTED}
        )


_COUNTED = PipeStatistics.__struct_fields__


class Pipe(Generic[T]):
    """A bounded queue; iterate over it with `async for`, with one reader.

    With CONFLATE, an item replaces a waiting one with the same `key`; if its key is `None`, it
    replaces none. The newer item goes to the end, so that it overtakes nothing that was put before
    it. `notice` makes an item that reports how many were dropped at its place in the stream; it is
    not counted. `on_cancel` is called once, when the reader cancels.

    Waiting items can still be read after the end. Then the reader gets StopAsyncIteration, the
    error of `close`, or ConsumerTooSlow after an overflow with RAISE. Leaving a `with` block
    cancels.
    """

    __slots__ = (
        "__weakref__",
        "_capacity",
        "_delivered",
        "_dropped",
        "_error",
        "_is_closed",
        "_is_waiting",
        "_items",
        "_missed",
        "_notice",
        "_offered",
        "_on_cancel",
        "_overflow",
        "_room",
        "_wake",
    )

    def __init__(
        self,
        *,
        capacity: int,
        overflow: Overflow,
        key: Callable[[T], Hashable | None] | None = None,
        notice: Callable[[int], T] | None = None,
        on_cancel: "Callable[[Pipe[T]], None] | None" = None,
    ) -> None:
        if capacity < 1:
            raise BadInput(f"a pipe needs a capacity of at least 1, was {capacity}")
        overflow = choice(Overflow, overflow, "overflow")
        self._items: deque[T] | _Latest[T] = deque()
        if overflow is Overflow.CONFLATE:
            if key is None:
                raise BadInput("a pipe that conflates needs a key")
            self._items = _Latest(key)
        self._capacity = capacity
        self._overflow = overflow
        self._notice = notice
        self._on_cancel = on_cancel
        self._room = capacity  # while positive, `put` only appends; zero once closed
        self._offered = self._delivered = self._dropped = 0
        self._missed = 0  # dropped since the last item read, not reported yet
        self._error: FluxumError | None = None
        self._is_closed = False
        self._is_waiting = False
        self._wake: Callable[[], None] | None = None

    # For the producer

    def put(self, item: T) -> None:
        """Offer an item; never waits and never raises."""
        items = self._items
        if len(items) < self._room:
            items.append(item)
        else:
            self._put_without_room(item)
        self._offered += 1
        if self._wake is not None:
            self._ring()

    def put_all(self, items: Sequence[T]) -> None:
        """Offer items in their order, as `put` does each; the reader is woken once for all."""
        waiting = self._items
        if type(waiting) is deque and len(waiting) + len(items) <= self._room:
            waiting.extend(items)
            self._offered += len(items)
            if self._wake is not None and items:
                self._ring()
            return
        for item in items:
            self.put(item)

    def close(self, error: FluxumError | None = None) -> None:
        """End the stream, after the items that wait; only the first call counts."""
        if self._is_closed:
            return
        self._is_closed = True
        self._room = 0
        self._error = error
        self._ring()

    # For the reader

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        if (self._is_waiting or not self._items) and not await self.wait():
            raise StopAsyncIteration if self._error is None else self._error
        return self.take()

    async def wait(self) -> bool:
        """Wait for an item; true when one waits, false when the stream has ended."""
        if self._is_waiting:
            raise BadInput("a pipe has one reader, and it is waiting already")
        self._is_waiting = True
        try:
            while not self._items and not self._is_closed:
                arrival = asyncio.get_running_loop().create_future()
                self.call_when_ready(partial(_resolve, arrival))
                try:
                    await arrival
                finally:
                    self._wake = None
        finally:
            self._is_waiting = False
        return bool(self._items)

    def take(self) -> T:
        """The oldest item, or the notice before it; raises LookupError if none waits."""
        if self._missed:
            return self._take_notice()
        item = self._items.popleft()
        self._delivered += 1
        return item

    def drain(self) -> list[T]:
        """All items that wait, without waiting for more."""
        items = self._items
        batch = list(items)
        items.clear()
        self._delivered += len(batch)
        if self._missed:
            batch.insert(0, self._take_notice())
        return batch

    def batches(self) -> "Batches[T]":
        """Iterate over lists of all items that wait, for readers of many items."""
        return Batches(self)

    def call_when_ready(self, wake: Callable[[], None]) -> None:
        """Call `wake` once, as soon as an item waits or the stream has ended; maybe at once.

        For readers of several pipes; use it instead of waiting.
        """
        if self._wake is not None:
            raise BadInput("a pipe has one reader, and it is waiting already")
        if self._items or self._is_closed:
            wake()
        else:
            self._wake = wake

    def cancel(self) -> None:
        """Cancel: items that wait are dropped, and all later ones."""
        self._dropped += len(self._items)
        self._items.clear()
        self._missed = 0
        self.close()
        on_cancel, self._on_cancel = self._on_cancel, None
        if on_cancel is not None:
            on_cancel(self)

    def __del__(self) -> None:
        """The reader dropped the pipe without a cancel: its counts must not be lost with it."""
        if getattr(self, "_on_cancel", None) is not None:
            self.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.cancel()

    # State

    @property
    def waiting(self) -> int:
        """How many items wait for the reader."""
        return len(self._items)

    @property
    def is_closed(self) -> bool:
        """Whether no more items can come; items may still wait."""
        return self._is_closed

    @property
    def error(self) -> FluxumError | None:
        """The error that the stream ends with, if it failed."""
        return self._error

    def statistics(self) -> PipeStatistics:
        """What became of all items so far."""
        items = self._items
        return PipeStatistics(
            capacity=self._capacity,
            offered=self._offered,
            delivered=self._delivered,
            conflated=items.superseded if isinstance(items, _Latest) else 0,
            dropped=self._dropped,
            waiting=len(items),
        )

    def _put_without_room(self, item: T) -> None:
        if self._is_closed:
            self._dropped += 1
        elif self._overflow is Overflow.RAISE:
            self._dropped += 1
            self.close(ConsumerTooSlow(f"{self._capacity} items waited and none was read in time"))
        else:
            self._items.append(item)
            if len(self._items) > self._capacity:
                self._items.popleft()
                self._dropped += 1
                self._missed += self._notice is not None

    def _take_notice(self) -> T:
        assert self._notice is not None
        missed, self._missed = self._missed, 0
        return self._notice(missed)

    def _ring(self) -> None:
        wake, self._wake = self._wake, None
        if wake is not None:
            wake()


class Batches(Generic[T]):
    """A pipe read in lists: all items that wait, at least one."""

    __slots__ = ("_pipe",)

    def __init__(self, pipe: Pipe[T]) -> None:
        self._pipe = pipe

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[T]:
        if await self._pipe.wait():
            return self._pipe.drain()
        raise StopAsyncIteration if self._pipe.error is None else self._pipe.error


class _Latest(Generic[T]):
    """The part of a deque that a pipe needs, with one item for each key, the newest last."""

    __slots__ = ("_items", "_key", "superseded")

    def __init__(self, key: Callable[[T], Hashable | None]) -> None:
        self._key: Callable[[T], Hashable | None] = key
        self._items: OrderedDict[Hashable, T] = OrderedDict()  # a dict is slow to lose its first
        self.superseded = 0

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[T]:
        return iter(self._items.values())

    def append(self, item: T) -> None:
        items = self._items
        key = self._key(item)
        if key is None:
            items[object()] = item  # a key that equals no other
            return
        if key in items:
            self.superseded += 1
            del items[key]
        items[key] = item

    def popleft(self) -> T:
        return self._items.popitem(last=False)[1]

    def clear(self) -> None:
        self._items.clear()


def _resolve(arrival: asyncio.Future[None]) -> None:
    if not arrival.done():  # a cancelled reader may not have run yet
        arrival.set_result(None)
