"""Where a session's events leave, and the counts that have to close."""

from msgspec import Struct

from fluxum.flow.bus import Bus
from fluxum.model.event import Event

__all__ = ["IntakeCounts", "Publisher"]


class IntakeCounts(Struct):
    """What became of events: heard + own = published + withheld.

    `own` are the session's words about holes and doubts, and candles that it closed or completed;
    `withheld` are updates without a snapshot to lay them over, updates that failed their check,
    and what was told before. `left_out` are rows of lists and frames that could not be read.
    """

    heard: int = 0
    own: int = 0
    withheld: int = 0
    desyncs: int = 0
    left_out: int = 0


class Publisher:
    """The bus that all readers of a session are on, and what was put on it."""

    __slots__ = ("bus", "counts")

    def __init__(self) -> None:
        self.bus: Bus[Event] = Bus()
        self.counts = IntakeCounts()

    def tell(self, event: Event) -> None:
        """Publish an event of the session's own."""
        self.counts.own += 1
        self.bus.put(event)

    def withhold(self) -> None:
        """An event that was received is not published, or not yet."""
        self.counts.withheld += 1
