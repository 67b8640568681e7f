"""A session's counts at one moment, and the sums they must close to."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from fluxum.flow.pipe import PipeStatistics
from fluxum.model.event import State
from fluxum.session.connection import LinkCounts
from fluxum.session.feed import Feed
from fluxum.session.intake import Intake

__all__ = ["SessionStatistics", "gather"]


class SessionStatistics(Struct, frozen=True, kw_only=True):
    """What came in, what became of it, and what every present reader got.

    The sums close: `frames = data + control + rejected`, `heard + own = published + withheld`,
    and for every reader `offered = delivered + conflated + dropped + waiting`.
    """

    venue: str
    state: State
    links: int
    reconnects: int
    frames: int
    data: int
    control: int
    rejected: int
    sent: int
    heard: int
    own: int
    published: int
    withheld: int
    desyncs: int
    gaps: int
    checks_passed: int
    checks_failed: int
    readers: tuple[PipeStatistics, ...]

    @property
    def sums_close(self) -> bool:
        """Whether nothing is unaccounted for."""
        return (
            self.frames == self.data + self.control + self.rejected
            and self.heard + self.own == self.published + self.withheld
            and all(
                one.offered == one.delivered + one.conflated + one.dropped + one.waiting
                for one in self.readers
            )
        )


def gather(venue: str, state: State, feeds: Sequence[Feed], intake: Intake) -> SessionStatistics:
    """All counts of a session's feeds and intake."""
    counts = _sum(feed.counts for feed in feeds)
    books = (intake.books, intake.level3)
    return SessionStatistics(
        venue=venue,
        state=state,
        links=sum(feed.is_connected for feed in feeds),
        reconnects=sum(max(0, feed.links - 1) for feed in feeds),
        frames=counts.frames,
        data=counts.data,
        control=counts.control,
        rejected=counts.rejected,
        sent=counts.sent,
        heard=intake.counts.heard,
        own=intake.counts.own,
        published=intake.bus.published,
        withheld=intake.counts.withheld,
        desyncs=intake.counts.desyncs,
        gaps=intake.gaps.count,
        checks_passed=sum(keeper.passed for keeper in books),
        checks_failed=sum(keeper.failed for keeper in books),
        readers=intake.bus.statistics().pipes,
    )


def _sum(counts: Iterable[LinkCounts]) -> LinkCounts:
    total = LinkCounts()
    for one in counts:
        for field in LinkCounts.__struct_fields__:
            setattr(total, field, getattr(total, field) + getattr(one, field))
    return total
