"""Streams of one kind of event: `session.trades` and similar methods return them."""

from collections import deque
from types import TracebackType
from typing import Generic, Self, TypeVar

from fluxum.flow.merge import Merged
from fluxum.flow.pipe import Pipe
from fluxum.model.event import Event, Loss, Refused
from fluxum.session.books import refusal

__all__ = ["LossyStream", "Stream"]

T = TypeVar("T")
_LOSSES_KEPT = 1000


class Stream(Generic[T]):
    """Events of one kind, in order; iterate with `async for`. A stream has one reader.

        async for trade in session.trades("BTC/USD"):
            print(trade.price, trade.quantity)

    `lost` counts what may be missing from the stream: lost links, gaps, frames and rows that could
    not be read, and events for which this reader was too slow. The last thousand of them are in
    `losses`, oldest first; `with_losses` iterates over the events and the losses in their order.

    The stream ends when the session's block ends or the subscription does. It raises VenueRefused
    if the venue refuses the subscription, the session's error if that failed for good, and
    ConsumerTooSlow after an overflow, where the stream may not skip. A stream closes itself when
    no reference to it is left; `close` or a `with` block closes it at once.
    """

    def __init__(self, pipe: Pipe[Event] | Merged[Event], kind: type[T]) -> None:
        self.lost = 0
        self.losses: deque[Loss] = deque(maxlen=_LOSSES_KEPT)
        self._pipe = pipe
        self._kind = kind

    def __aiter__(self) -> Self:
        """The stream itself."""
        return self

    async def __anext__(self) -> T:
        """The next event; losses before it are counted."""
        while True:
            item = await self.next_with_losses()
            if isinstance(item, self._kind):
                return item

    def with_losses(self) -> "LossyStream[T]":
        """The same stream with every loss in its place, before the first newer event."""
        return LossyStream(self)

    async def next_with_losses(self) -> T | Loss:
        """The next event or loss."""
        while True:
            item = self._count(await anext(self._pipe))
            if item is not None:
                return item

    def drain(self) -> list[T]:
        """All events that wait, without waiting for more; losses between them are counted."""
        return [item for item in self.drain_with_losses() if isinstance(item, self._kind)]

    def drain_with_losses(self) -> list[T | Loss]:
        """All events and losses that wait, in their order."""
        items = (self._count(event) for event in self._pipe.drain())
        return [item for item in items if item is not None]

    @property
    def waiting(self) -> int:
        """How many events and losses wait for the reader."""
        return self._pipe.waiting

    def close(self) -> None:
        """Stop reading: waiting events are dropped."""
        self._pipe.cancel()

    def _count(self, event: Event) -> T | Loss | None:
        """An event of the kind, a loss that is counted, or `None`; raises a refusal."""
        if isinstance(event, self._kind):
            return event
        if isinstance(event, Refused):
            self.close()
            raise refusal(event)
        if isinstance(event, Loss):
            self.lost += 1
            self.losses.append(event)
            return event
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class LossyStream(Generic[T]):
    """A stream's events and losses in their order; iterate with `async for`."""

    def __init__(self, stream: Stream[T]) -> None:
        self._stream = stream

    def __aiter__(self) -> Self:
        """The stream itself."""
        return self

    async def __anext__(self) -> T | Loss:
        """The next event or loss."""
        return await self._stream.next_with_losses()
