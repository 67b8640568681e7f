"""A symbol's book as a stream: of readings, or of the changes of each level."""

from collections.abc import Sequence
from typing import Self

from msgspec import Struct

from fluxum.book.book import Book
from fluxum.book.proof import BookProof
from fluxum.errors import VenueRefused
from fluxum.flow.pipe import Pipe
from fluxum.model.event import Channel, Desync, Event, LinkLost, Refused, Unsubscribed
from fluxum.model.market import BookSnapshot, BookUpdate, Change, LevelChange

__all__ = ["BookReading", "BookStream", "ChangeStream", "refusal"]


class BookReading(Struct, frozen=True):
    """The best levels at one moment, and the proof of that moment."""

    snapshot: BookSnapshot
    proof: BookProof


class BookStream:
    """Readings of one book, each as fresh as the moment it is read; iterate with `async for`.

    A reading follows every change, losses and desyncs included. The book is copied only when it is
    read, so a slow reader costs nothing and skips to the latest.
    """

    def __init__(self, book: Book, changes: Pipe[Event], depth: int) -> None:
        self._book = book
        self._changes = changes
        self._depth = depth

    def __aiter__(self) -> Self:
        """The stream itself; it has one reader."""
        return self

    async def __anext__(self) -> BookReading:
        """Wait for a change, then read the book; raises VenueRefused if the venue refuses it."""
        if not await self._changes.wait():
            raise StopAsyncIteration if self._changes.error is None else self._changes.error
        for event in self._changes.drain():
            if isinstance(event, Refused):
                self.close()
                raise refusal(event)
        return BookReading(self._book.snapshot(self._depth), self._book.proof())

    def close(self) -> None:
        """Stop reading."""
        self._changes.cancel()


class ChangeStream:
    """The changes of a book's levels, message by message; iterate with `async for`.

    If a reader applies every change to an empty book, it has the live one at each step: a snapshot
    comes as the levels that it removes and adds, a withdrawn book as the removal of all levels.
    Nothing is skipped: a reader that is too slow gets ConsumerTooSlow instead.
    """

    def __init__(self, book: Book, events: Pipe[Event]) -> None:
        self._events = events
        self._shadow = Book(book.venue, book.symbol)
        self._waiting: Sequence[LevelChange] | None = None
        if book.evidence.live:
            self._shadow.replace(book.snapshot())
            self._shadow.bids.depth = self._shadow.asks.depth = book.depth
            self._waiting = _all_levels(self._shadow, Change.ADD)

    def __aiter__(self) -> Self:
        """The stream itself; it has one reader."""
        return self

    async def __anext__(self) -> Sequence[LevelChange]:
        """The changes of the next message that has any."""
        changes, self._waiting = self._waiting, None
        while not changes:
            changes = self._follow(await anext(self._events))
        return changes

    @property
    def is_behind(self) -> bool:
        """Whether messages wait that were not read yet."""
        return self._waiting is not None or self._events.waiting > 0

    def close(self) -> None:
        """Stop reading."""
        self._events.cancel()

    def _follow(self, event: Event) -> Sequence[LevelChange]:
        shadow = self._shadow
        match event:
            case BookUpdate():
                return shadow.apply_changes(event)
            case BookSnapshot():
                gone = _all_levels(shadow, Change.REMOVE)
                shadow.replace(event)
                return [*gone, *_all_levels(shadow, Change.ADD)]
            case Desync() | Unsubscribed() if event.subscription.channel is not Channel.BOOK:
                return ()
            case Refused():
                self.close()
                raise refusal(event)
            case LinkLost() | Desync() | Unsubscribed():
                gone = _all_levels(shadow, Change.REMOVE)
                shadow.clear()
                return gone
            case _:
                return ()


def refusal(event: Refused) -> VenueRefused:
    """The error that ends a stream when the venue refuses its subscription."""
    return VenueRefused(f"{event.venue} refused '{event.subscription}': {event.message}")


def _all_levels(book: Book, change: Change) -> list[LevelChange]:
    return [
        LevelChange(ladder.side, change, level)
        for ladder in (book.bids, book.asks)
        for level in ladder
    ]
