"""What reads the frames of one stream, for venues whose frames name their stream at their head.

A frame is read at once. One that does not fit is read again loosely, row by row: a row that cannot
be read is left out and told, the others are published.
"""

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from msgspec import Raw

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Event, Subscription
from fluxum.venues.rows import read_rows

__all__ = ["Acknowledge", "RowReader", "StreamReader"]

Wire = TypeVar("Wire")
Fact = TypeVar("Fact")
Acknowledge = Callable[[int], Sequence[Event]]
"""Tells that data came, which answers the request for them as well as an acknowledgement."""


class StreamReader(Protocol):
    """Reads the frames of one stream."""

    def read(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The events of a frame; raises MsgspecError or RemoteProtocolError if it does not fit."""
        ...

    def read_loosely(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The same of a frame that does not fit: what of it can be read, and what was left out.

        Raises MsgspecError or RemoteProtocolError where that is nothing.
        """
        ...


class RowReader(Generic[Wire, Fact]):
    """Rows that are facts by themselves; see StreamReader.

    `rows` decodes those of a frame, `raw_rows` finds them and `row` decodes a single one; `fact`
    says what one is, and `news` what of the facts of a frame is to be published.
    """

    def __init__(
        self,
        venue: str,
        subscription: Subscription,
        settle: Acknowledge,
        *,
        rows: Callable[[bytes], Sequence[Wire]],
        raw_rows: Callable[[bytes], Sequence[Raw]],
        row: Callable[[Raw], Wire],
        fact: Callable[[Wire, int], Fact],
        news: Callable[[Sequence[Fact]], Sequence[Event]],
    ) -> None:
        self._venue = venue
        self._subscription = subscription
        self._settle = settle
        self._rows = rows
        self._raw_rows = raw_rows
        self._row = row
        self._fact: Callable[[Wire, int], Fact] = fact
        self._news = news

    def read(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """See StreamReader."""
        fact = self._fact
        facts = [fact(row, received_ns) for row in self._rows(frame)]
        settled, news = self._settle(received_ns), self._news(facts)
        return [*settled, *news] if settled else news

    def read_loosely(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """See StreamReader."""
        rows = self._raw_rows(frame)
        read = read_rows(rows, lambda row: self._fact(self._row(row), received_ns))
        if not read.items:
            reason = "no rows" if read.left_out is None else read.left_out.reason
            raise RemoteProtocolError(reason)
        events: list[Event] = [*self._settle(received_ns)]
        if read.left_out is not None:
            events.append(read.left_out.event(self._venue, self._subscription, received_ns))
        return [*events, *self._news(read.items)]
