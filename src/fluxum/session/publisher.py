"""Where a session publishes its events, and counts them."""

from msgspec import Struct

from fluxum.flow.bus import Bus
from fluxum.model.event import Event

__all__ = ["EventCounts", "Publisher"]


class EventCounts(Struct):
    """What became of events: received + own = published + withheld.

    `own` are the session's own events, such as gaps and failed checks, and candles that it closed
    or completed. `withheld` are updates without a snapshot to apply them to, updates that failed
    their check, and events that were published before. `left_out` are rows of lists and frames that
    could not be read.
    """

    received: int = 0
    own: int = 0
    withheld: int = 0
    desyncs: int = 0
    left_out: int = 0


class Publisher:
    """The bus to all readers of a session, and the counts of its events."""

    __slots__ = ("bus", "counts")

    def __init__(self) -> None:
        self.bus: Bus[Event] = Bus()
        self.counts = EventCounts()

    def publish(self, event: Event) -> None:
        """Publish an event of the session itself."""
        self.counts.own += 1
        self.bus.put(event)

    def withhold(self) -> None:
        """Count an event that is not published, or not yet."""
        self.counts.withheld += 1
