"""The acknowledged books of one link, and the calls for their snapshots.

A snapshot that is older than the events kept is fetched again: once at once, as it may have been
taken while the first event was on its way, after that with a back-off, as it may stay too old.
"""

from collections import deque
from collections.abc import Sequence

from msgspec import Raw, structs

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Event, Subscription
from fluxum.venues.binance import native
from fluxum.venues.binance.depth import DepthBook, TooOld
from fluxum.venues.binance.policy import Policy
from fluxum.venues.conversation import Effect, Fetch, SequenceCounts, UnreadableStream
from fluxum.venues.queries import UNDECODABLE, get
from fluxum.venues.rows import decode_readable, exact

__all__ = ["Books"]

_UNFIT = (RemoteProtocolError, *UNDECODABLE)


class Books:
    """The books of one link by topic; sans-IO. `counts` are those of the link."""

    def __init__(self, policy: Policy, outbox: deque[Effect], counts: SequenceCounts) -> None:
        self._policy = policy
        self._outbox = outbox
        self._counts = counts
        self.by_topic: dict[str, DepthBook] = {}
        """Read only."""
        self._last_number = 0

    def open(self, topic: str, subscription: Subscription) -> DepthBook:
        """Begin a book and queue the call for its snapshot."""
        book = self.by_topic[topic] = DepthBook(self._policy, subscription, self._counts)
        self._fetch(topic, book)
        return book

    def close(self, topic: str) -> None:
        """End a book; the answer for its snapshot is ignored."""
        self.by_topic.pop(topic, None)

    def resync(self, topic: str) -> bool:
        """Queue the call for a new snapshot; return whether the book was silent since the last."""
        book = self.by_topic.get(topic)
        if book is None:
            return True
        if not book.awaited:
            self._fetch(topic, book)
        return book.was_silent()

    def read_loosely(self, topic: str, data: bytes, received_ns: int) -> Sequence[Event] | None:
        """The events of a depth event without the levels that cannot be read.

        `None` if there are no such levels or no such book. Raises MsgspecError or
        RemoteProtocolError.
        """
        book = self.by_topic.get(topic)
        if book is None:
            return None
        update, left_out = decode_readable(data, native.decode_depth_update, _level, ("b", "a"))
        return None if left_out is None else book.read(update, received_ns, left_out)

    # Answers

    def answered(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        """A snapshot and the updates after it, without levels that cannot be read.

        Raises UnreadableStream for an answer that is no snapshot, or too old a second time.
        """
        topic, book = self._awaiting(fetch)
        if book is None:
            return ()
        try:
            events = _splice(book, body, received_ns)
        except _UNFIT as error:
            waiting = () if book.is_live else (book.subscription,)
            raise UnreadableStream(str(error), waiting) from error
        if not events:
            self._fetch(topic, book)
        return events

    def refused(self, fetch: Fetch) -> str | None:
        """The topic of a book that cannot be had; a live one goes on without the snapshot."""
        topic, book = self._awaiting(fetch)
        if book is None:
            return None
        if book.is_live:
            book.give_up()
            return None
        return topic

    def _awaiting(self, fetch: Fetch) -> tuple[str, DepthBook | None]:
        topic = fetch.purpose.partition(" ")[0]
        book = self.by_topic.get(topic)
        return topic, book if book is not None and book.awaited == fetch.purpose else None

    def _fetch(self, topic: str, book: DepthBook) -> None:
        self._last_number += 1
        fetch = get(
            f"{self._policy.rest}depth",
            f"{topic} {self._last_number}",
            self._policy.depth_weight(book.limit),
            symbol=book.name,
            limit=book.limit,
        )
        book.await_snapshot(fetch.purpose)
        self._outbox.append(structs.replace(fetch, subscription=book.subscription))


def _splice(book: DepthBook, body: bytes, received_ns: int) -> Sequence[Event]:
    try:
        return book.splice(native.decode_depth(body), received_ns)
    except TooOld:
        raise
    except _UNFIT:
        depth, left_out = decode_readable(body, native.decode_depth, _level, ("bids", "asks"))
        return book.splice(depth, received_ns, left_out)


def _level(row: Raw) -> None:
    """Read a level; raises for a price or quantity that is no number."""
    for number in native.decode_row(row):
        exact(number)
