"""A symbol's books at all venues of a hub, as one stream."""

from collections.abc import Callable
from typing import Self

from fluxum.errors import FluxumError
from fluxum.flow.merge import Merged
from fluxum.flow.pipe import Overflow, Pipe
from fluxum.model.event import Channel, Event
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.session.books import BookReading
from fluxum.session.session import Session

__all__ = ["HubBookStream", "book_source"]

_BOOKS_WAITING = 100


def book_source(symbol: str) -> Callable[[Session], Pipe[Event]]:
    """Opens the events of a session that change a book or its proof; the last of each waits."""

    def source(session: Session) -> Pipe[Event]:
        return session.events_of(
            (BookUpdate, BookSnapshot),
            Channel.BOOK,
            symbol,
            capacity=_BOOKS_WAITING,
            overflow=Overflow.CONFLATE,
        )

    return source


class HubBookStream:
    """Readings of one symbol's book at every venue; iterate with `async for`.

    Each is as fresh as the moment it is read and has its venue in `snapshot.venue`. The venues
    take turns, and losses are followed by a reading of a book that is withdrawn.
    """

    def __init__(
        self, events: Merged[Event], session: Callable[[str], Session], symbol: str, depth: int
    ) -> None:
        self._events = events
        self._session = session
        self._symbol = symbol
        self._depth = depth

    def __aiter__(self) -> Self:
        """The stream itself; it has one reader."""
        return self

    async def __anext__(self) -> BookReading:
        """Wait for a change of one of the books, then read that book."""
        async for event in self._events:
            try:
                book = self._session(event.venue).book(self._symbol)
            except FluxumError:  # the venue or the subscription is gone meanwhile
                continue
            return BookReading(book.snapshot(self._depth), book.proof())
        raise StopAsyncIteration

    def close(self) -> None:
        """Stop reading."""
        self._events.cancel()
