"""The counts of a whole hub: the sums of its sessions' counts, and whether they close."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from fluxum.flow.bus import BusStatistics
from fluxum.session.statistics import SessionStatistics

__all__ = ["HubCounts", "HubStatistics", "add", "counts_of", "total"]


class HubCounts(Struct, frozen=True, kw_only=True):
    """The counts of several sessions, added up; the fields are those of `SessionStatistics`.

    `offered` to `waiting` are of all readers, those that have left too.
    """

    links: int = 0
    reconnects: int = 0
    replaced: int = 0
    frames: int = 0
    data: int = 0
    control: int = 0
    rejected: int = 0
    sent: int = 0
    calls: int = 0
    fetched: int = 0
    fetch_failures: int = 0
    calls_refused: int = 0
    calls_abandoned: int = 0
    calls_waiting: int = 0
    received: int = 0
    own: int = 0
    published: int = 0
    withheld: int = 0
    left_out: int = 0
    desyncs: int = 0
    gaps: int = 0
    checks_passed: int = 0
    checks_failed: int = 0
    offered: int = 0
    delivered: int = 0
    conflated: int = 0
    dropped: int = 0
    waiting: int = 0

    @property
    def sums_close(self) -> bool:
        """Whether the sums that `SessionStatistics` names close."""
        return (
            self.frames == self.data + self.control + self.rejected
            and self.received + self.own == self.published + self.withheld
            and self.calls
            == self.fetched + self.calls_refused + self.calls_abandoned + self.calls_waiting
            and self.offered == self.delivered + self.conflated + self.dropped + self.waiting
        )


class HubStatistics(Struct, frozen=True, kw_only=True):
    """What all sessions of a hub received and published, and what their readers got.

    `counts` is the sum over the sessions of now (`venues`) and of those that were removed
    (`removed`, without the readers that were open then). `own` are the hub's own events and
    their readers.
    """

    counts: HubCounts
    venues: Mapping[str, SessionStatistics]
    removed: HubCounts
    own: BusStatistics

    @property
    def sums_close(self) -> bool:
        """Whether every sum closes: over the whole hub, at each venue, and of its own events."""
        parts = [*map(counts_of, self.venues.values()), self.removed]
        return (
            self.counts == add(parts)
            and self.counts.sums_close
            and all(one.sums_close for one in self.venues.values())
            and all(
                one.offered == one.delivered + one.conflated + one.dropped + one.waiting
                for one in (*self.own.pipes, self.own.departed)
            )
        )


def total(
    venues: Mapping[str, SessionStatistics], removed: HubCounts, own: BusStatistics
) -> HubStatistics:
    """The statistics of a hub with these sessions."""
    counts = add([*map(counts_of, venues.values()), removed])
    return HubStatistics(counts=counts, venues=venues, removed=removed, own=own)


def counts_of(session: SessionStatistics) -> HubCounts:
    """The counts of one session, with those of its readers added up."""
    own = {name: getattr(session, name) for name in _SESSION_FIELDS}
    every = (*session.readers, session.departed)
    readers = {name: sum(getattr(one, name) for one in every) for name in _READER_FIELDS}
    return HubCounts(**own, **readers)


def add(parts: Iterable[HubCounts]) -> HubCounts:
    """The sum of counts, field by field."""
    every = list(parts)
    return HubCounts(
        **{name: sum(getattr(one, name) for one in every) for name in HubCounts.__struct_fields__}
    )


_READER_FIELDS = ("offered", "delivered", "conflated", "dropped", "waiting")
_SESSION_FIELDS = tuple(name for name in HubCounts.__struct_fields__ if name not in _READER_FIELDS)
