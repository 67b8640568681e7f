"""A symbol's book as a stream of readings: what it is and whether to trust it."""

from typing import Self

from msgspec import Struct

from fluxum.book.book import Book
from fluxum.book.proof import BookProof
from fluxum.flow.pipe import Pipe
from fluxum.model.event import Event
from fluxum.model.market import BookSnapshot

__all__ = ["BookReading", "BookStream"]


class BookReading(Struct, frozen=True):
    """The best levels at one moment, and the proof of that moment."""

    snapshot: BookSnapshot
    proof: BookProof


class BookStream:
    """Readings of one book, each as fresh as the moment it is read; iterate with `async for`.

    A reading comes after every change, losses and desyncs included; the book is copied only when
    somebody reads, so a slow reader costs nothing and skips to the latest.
    """

    def __init__(self, book: Book, changes: Pipe[Event], depth: int) -> None:
        self._book = book
        self._changes = changes
        self._depth = depth

    def __aiter__(self) -> Self:
        """The stream itself; it has one reader."""
        return self

    async def __anext__(self) -> BookReading:
        """Wait for a change, then read the book."""
        if not await self._changes.wait():
            raise StopAsyncIteration if self._changes.error is None else self._changes.error
        self._changes.drain()
        return BookReading(self._book.snapshot(self._depth), self._book.proof())

    def close(self) -> None:
        """Read no more."""
        self._changes.cancel()
