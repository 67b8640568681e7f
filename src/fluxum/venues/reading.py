"""The events of one frame, row by row: a row that cannot be read costs itself alone.

For venues whose frames hold rows of several streams. The rows that were left out are published
before the others, stream by stream; a frame of which nothing could be read is refused as a whole.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeVar

from fluxum.model.event import Desync, Event, Subscription
from fluxum.venues.conversation import UnreadableStream
from fluxum.venues.rows import LeftOutRows, joined, read_rows

__all__ = ["Reading", "missed"]

Wire = TypeVar("Wire")
Item = TypeVar("Item")


def missed(
    venue: str,
    stream: Subscription,
    reason: str,
    received_ns: int,
    expected: int | None = None,
    computed: int | None = None,
    venue_ns: int | None = None,
) -> Desync:
    """Something of a stream was missed: its content has to be looked up, a book requested anew."""
    return Desync(
        venue=venue,
        subscription=stream,
        generation=0,
        reason=reason,
        expected=expected,
        computed=computed,
        venue_ns=venue_ns,
        received_ns=received_ns,
    )


class Reading:
    """The events of one frame, and the rows of it that could not be read, by stream."""

    def __init__(self, venue: str, received_ns: int) -> None:
        self.events: list[Event] = []
        self.received_ns = received_ns
        self._venue = venue
        self._left_out: dict[Subscription | None, LeftOutRows] = {}

    def rows(
        self,
        rows: Iterable[Wire],
        read: Callable[[Wire], Sequence[Event]],
        streams: Callable[[Wire], Collection[Subscription]],
    ) -> None:
        """Add the events of each row; a row that cannot be read is left out of its streams."""
        for events in self.items(rows, read, streams):
            self.events.extend(events)

    def items(
        self,
        rows: Iterable[Wire],
        read: Callable[[Wire], Item],
        streams: Callable[[Wire], Collection[Subscription]],
    ) -> tuple[Item, ...]:
        """What each row is; a row that cannot be read is left out of its streams."""
        items: list[Item] = []
        for row in rows:
            one = read_rows((row,), read)
            items += one.items
            if one.left_out is not None:
                self.leave_out(one.left_out, streams(row))
        return tuple(items)

    def leave_out(self, rows: LeftOutRows, streams: Collection[Subscription]) -> None:
        """Note rows that could not be read, of no active stream where there are no `streams`."""
        for stream in streams or (None,):
            self._left_out[stream] = joined(self._left_out.get(stream), rows) or rows

    @property
    def has_left_out(self) -> bool:
        """Whether rows were left out."""
        return bool(self._left_out)

    def finish(self) -> Sequence[Event]:
        """What was left out, then all events.

        Raises UnreadableStream where nothing could be read.
        """
        if not self._left_out:
            return self.events or ()
        if not self.events:
            first = next(iter(self._left_out.values()))
            streams = tuple(one for one in self._left_out if one is not None)
            raise UnreadableStream(f"{first.reason}, in {first.sample}", streams)
        left_out: list[Event] = [
            rows.event(self._venue, stream, self.received_ns)
            for stream, rows in self._left_out.items()
        ]
        return left_out + self.events
