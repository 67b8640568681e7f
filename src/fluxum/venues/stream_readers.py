"""Readers of the frames of one subscription, for venues whose frames name it at their head.

A frame is read at once. One that does not fit is read again loosely, row by row: a row that cannot
be read is left out and counted, the others are published.
"""

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from msgspec import Raw, Struct

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Event, Subscription
from fluxum.model.market import Candle
from fluxum.venues.closed_candles import ClosedCandles
from fluxum.venues.conversation import UNREADABLE, UnreadableStream
from fluxum.venues.rows import read_rows

__all__ = ["Acknowledge", "RowCodec", "RowReader", "StreamReader", "closing", "read_frame"]

Wire = TypeVar("Wire")
Fact = TypeVar("Fact", bound=Event)
Acknowledge = Callable[[int], Sequence[Event]]
"""Called when data came: they acknowledge the request for them as well as its answer does."""


class StreamReader(Protocol):
    """Reads the frames of one subscription."""

    def read(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The events of a frame; raises MsgspecError or RemoteProtocolError if it does not fit."""
        ...

    def read_loosely(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The same of a frame that does not fit: the rows that can be read, and a LeftOut.

        Raises MsgspecError or RemoteProtocolError where that is nothing.
        """
        ...


def read_frame(
    reader: StreamReader, frame: bytes, received_ns: int, subscriptions: tuple[Subscription, ...]
) -> Sequence[Event]:
    """The events of a frame, which is read loosely if it does not fit.

    Raises UnreadableStream, which names the given subscriptions, if nothing of it can be read.
    """
    try:
        return reader.read(frame, received_ns)
    except UNREADABLE:
        pass
    try:
        return reader.read_loosely(frame, received_ns)
    except UNREADABLE as error:
        raise UnreadableStream(str(error), subscriptions) from error


class RowCodec(Struct, Generic[Wire], frozen=True):
    """How the frames of a venue hold rows of one kind.

    `rows` decodes all rows of a frame, `raw_rows` finds them, and `row` decodes a single one.
    """

    rows: Callable[[bytes], Sequence[Wire]]
    raw_rows: Callable[[bytes], Sequence[Raw]]
    row: Callable[[Raw], Wire]


def _all(facts: Sequence[Event]) -> Sequence[Event]:
    return facts


def closing() -> Callable[[Sequence[Candle]], Sequence[Event]]:
    """What to publish of the candles of one subscription: each is closed once."""
    admit = ClosedCandles().admit
    return lambda candles: [one for one in map(admit, candles) if one is not None]


class RowReader(Generic[Wire, Fact]):
    """A subscription whose rows are facts by themselves; see StreamReader.

    `fact` makes a fact of a row and the time it was received. `publish` chooses from the facts of a
    frame; by default all are published.
    """

    def __init__(
        self,
        venue: str,
        subscription: Subscription,
        acknowledge: Acknowledge,
        codec: RowCodec[Wire],
        fact: Callable[[Wire, int], Fact],
        publish: Callable[[Sequence[Fact]], Sequence[Event]] = _all,
    ) -> None:
        self._venue = venue
        self._subscription = subscription
        self._acknowledge = acknowledge
        self._codec = codec
        self._rows = codec.rows
        self._fact: Callable[[Wire, int], Fact] = fact
        self._publish = publish

    def read(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """See StreamReader."""
        fact = self._fact
        facts = [fact(row, received_ns) for row in self._rows(frame)]
        acknowledged, news = self._acknowledge(received_ns), self._publish(facts)
        return [*acknowledged, *news] if acknowledged else news

    def read_loosely(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """See StreamReader."""
        codec = self._codec
        read = read_rows(codec.raw_rows(frame), lambda row: self._fact(codec.row(row), received_ns))
        if not read.items:
            reason = "no rows" if read.left_out is None else read.left_out.reason
            raise RemoteProtocolError(reason)
        events: list[Event] = [*self._acknowledge(received_ns)]
        if read.left_out is not None:
            events.append(read.left_out.event(self._venue, self._subscription, received_ns))
        return [*events, *self._publish(read.items)]
