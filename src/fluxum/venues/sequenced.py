"""The numbers of one book: which came last, and what a gap means.

What number follows on which is each venue's own rule; this is what every rule needs besides.
"""

from fluxum.model.event import Desync, Subscription
from fluxum.venues.conversation import SequenceCounts
from fluxum.venues.reading import missed

__all__ = ["BookSequence"]


class BookSequence:
    """The last number of one book. `counts` are those of the link.

    `last` is None until a snapshot has come. A broken book needs another snapshot.
    """

    __slots__ = ("_counts", "_venue", "is_broken", "last", "subscription")

    def __init__(self, venue: str, subscription: Subscription, counts: SequenceCounts) -> None:
        self.subscription = subscription
        self.last: int | None = None
        self.is_broken = False
        self._venue = venue
        self._counts = counts

    def begin(self, number: int | None) -> None:
        """A snapshot came, or an update before any snapshot: its number is the last one."""
        self.last = number
        self.is_broken = False

    def follow(self, number: int) -> None:
        """An update came that follows on; before a snapshot it counts for nothing."""
        if self.last is not None:
            self.last = number
            self._counts.steps += 1

    def due(self) -> int | None:
        """The number that an update has to follow on; `None` before a snapshot and after a gap."""
        return None if self.is_broken else self.last

    def followed(self, last: int, count: int) -> None:
        """So many updates came that follow on, up to this number."""
        self.last = last
        self._counts.steps += count

    def gap(
        self,
        reason: str,
        expected: int | None,
        computed: int | None,
        venue_ns: int | None,
        received_ns: int,
    ) -> Desync:
        """An update came that does not follow on: the book is broken."""
        self._counts.breaks += 1
        self.last = None
        self.is_broken = True
        one = self.subscription
        return missed(self._venue, one, reason, received_ns, expected, computed, venue_ns)
