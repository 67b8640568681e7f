"""A session's counts at one moment, and the sums they must close to."""

from collections.abc import Iterable, Sequence

from msgspec import Struct, structs

from fluxum.flow.pipe import PipeStatistics
from fluxum.model.event import State
from fluxum.session.connection import LinkCounts
from fluxum.session.feed import Feed, FeedContext
from fluxum.session.processor import EventProcessor
from fluxum.transport.network import NameCounts

__all__ = ["LinkStatistics", "Retired", "SessionStatistics", "gather"]


class LinkStatistics(Struct, frozen=True, kw_only=True):
    """One link at this moment: its name, whether it is open, and when it last received anything.

    `received_ns` is correct within a second, and `None` before the first frame. `subscriptions` is
    how many streams the link carries.
    """

    name: str
    state: State
    is_connected: bool
    received_ns: int | None
    subscriptions: int

    @classmethod
    def of(cls, feed: Feed) -> "LinkStatistics":
        """The link of a feed."""
        return cls(
            name=feed.name,
            state=feed.state,
            is_connected=feed.is_connected,
            received_ns=feed.received_ns or None,
            subscriptions=len(feed.wanted),
        )


class SessionStatistics(Struct, frozen=True, kw_only=True):
    """What a session received and published, and what each present reader got.

    The sums close: `frames = data + control + rejected`, `received + own = published + withheld`,
    `calls = fetched + calls_refused + calls_abandoned + calls_waiting` of REST calls, and for
    every reader `offered = delivered + conflated + dropped + waiting`; `departed` is the sum of
    the readers that have left. `left_out` are rows of lists and frames that could not be read.
    `clock_offset_s` is how far the venue's clock is ahead of this machine's, correct within
    `clock_uncertainty_s`; both are `None` until it was measured. `names` are the names that links
    and calls had resolved; `None` without a network.
    """

    venue: str
    state: State
    links: int
    reconnects: int
    replaced: int
    frames: int
    data: int
    control: int
    rejected: int
    sent: int
    calls: int
    fetched: int
    fetch_failures: int
    calls_refused: int
    calls_abandoned: int
    calls_waiting: int
    received: int
    own: int
    published: int
    withheld: int
    left_out: int
    desyncs: int
    gaps: int
    checks_passed: int
    checks_failed: int
    clock_offset_s: float | None
    clock_uncertainty_s: float | None
    readers: tuple[PipeStatistics, ...]
    departed: PipeStatistics
    names: NameCounts | None = None

    @property
    def sums_close(self) -> bool:
        """Whether all of these sums close."""
        return (
            self.frames == self.data + self.control + self.rejected
            and self.received + self.own == self.published + self.withheld
            and self.calls
            == self.fetched + self.calls_refused + self.calls_abandoned + self.calls_waiting
            and all(
                one.offered == one.delivered + one.conflated + one.dropped + one.waiting
                for one in (*self.readers, self.departed)
            )
        )


class Retired:
    """The counts of links that were replaced by others."""

    def __init__(self) -> None:
        self.counts = LinkCounts()
        self.links = 0
        self.reconnects = 0

    def add(self, feed: Feed) -> None:
        """Add the counts of a feed that retires."""
        self.counts = _sum((self.counts, feed.counts))
        self.links += 1
        self.reconnects += max(0, feed.links - 1)


def gather(
    context: FeedContext,
    state: State,
    feeds: Sequence[Feed],
    retired: Retired,
    processor: EventProcessor,
) -> SessionStatistics:
    """All counts of a session's feeds, retired ones included, and of its event processor."""
    counts = _sum((retired.counts, *(feed.counts for feed in feeds)))
    books = (processor.books, processor.level3)
    clock = context.offset.measured
    bus = processor.bus.statistics()
    return SessionStatistics(
        venue=context.venue.name,
        state=state,
        links=sum(feed.is_connected for feed in feeds),
        reconnects=retired.reconnects + sum(max(0, feed.links - 1) for feed in feeds),
        replaced=retired.links,
        frames=counts.frames,
        data=counts.data,
        control=counts.control,
        rejected=counts.rejected,
        sent=counts.sent,
        calls=counts.fetches.requested,
        fetched=counts.fetches.answered,
        fetch_failures=counts.fetches.failures,
        calls_refused=counts.fetches.refused,
        calls_abandoned=counts.fetches.abandoned,
        calls_waiting=sum(feed.calls_waiting for feed in feeds),
        received=processor.counts.received,
        own=processor.counts.own,
        published=bus.published,
        withheld=processor.counts.withheld,
        left_out=processor.counts.left_out,
        desyncs=processor.counts.desyncs,
        gaps=processor.gaps.count,
        checks_passed=sum(keeper.passed for keeper in books),
        checks_failed=sum(keeper.failed for keeper in books),
        clock_offset_s=None if clock is None else clock.offset_ns / 1e9,
        clock_uncertainty_s=None if clock is None else clock.uncertainty_ns / 1e9,
        readers=bus.pipes,
        departed=bus.departed,
        names=None if context.names is None else structs.replace(context.names),
    )


def _sum(counts: Iterable[LinkCounts]) -> LinkCounts:
    total = LinkCounts()
    for one in counts:
        total.frames += one.frames
        total.data += one.data
        total.control += one.control
        total.rejected += one.rejected
        total.sent += one.sent
        total.fetches.requested += one.fetches.requested
        total.fetches.answered += one.fetches.answered
        total.fetches.refused += one.fetches.refused
        total.fetches.abandoned += one.fetches.abandoned
        total.fetches.failures += one.fetches.failures
    return total
