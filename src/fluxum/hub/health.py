"""How a hub and each of its venues are at one moment, with the reasons."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from msgspec import Struct

from fluxum.book.book import Book
from fluxum.book.proof import BookStatus
from fluxum.flow.histogram import Histogram, Latency
from fluxum.hub.member import HubMissing, Member
from fluxum.model.event import Channel, State
from fluxum.session.latencies import in_short
from fluxum.session.readiness import least_ready
from fluxum.session.session import Session
from fluxum.session.statistics import SessionStatistics

__all__ = ["HubHealth", "VenueHealth", "hub_health"]


class VenueHealth(Struct, frozen=True, kw_only=True):
    """One venue at one moment.

    `reason` is why the venue failed for good, or why its state changed last. `attempt` counts the
    attempts to connect since the last success, `reconnects` all that succeeded after the first.
    The rates are of the last ten seconds. `dropped` is what the present readers lost. `books_valid`
    of `books` books are proved. `evidence_age_s` is the time since the last passed check of any
    book, `received_age_s` since the last frame, to within a second; both are `None` before the
    first. `latencies` are by hop, see `Session.latencies`; `delivered` is until a reader of the hub
    has the event.
    """

    venue: str
    state: State
    is_ready: bool
    reason: str
    missing: tuple[HubMissing, ...]
    attempt: int
    links: int
    reconnects: int
    frames_per_s: float
    events_per_s: float
    dropped: int
    gaps: int
    gaps_open: int
    books: int
    books_valid: int
    evidence_age_s: float | None
    received_age_s: float | None
    clock_offset_s: float | None
    latencies: Mapping[str, Latency]


class HubHealth(Struct, frozen=True, kw_only=True):
    """A hub at one moment: its venues, and them together.

    `state` is that of the least ready venue; `ready` counts the venues that miss nothing, of which
    `quorum` have to be ready. The other
    figures are sums over the venues, and `evidence_age_s` is the oldest of theirs.
    """

    state: State
    is_ready: bool
    ready: int
    quorum: int
    venues: Mapping[str, VenueHealth]
    frames_per_s: float
    events_per_s: float
    dropped: int
    gaps: int
    gaps_open: int
    evidence_age_s: float | None
    latencies: Mapping[str, Latency]

    @property
    def has_quorum(self) -> bool:
        """Whether as many venues are ready as have to be; false without any venue."""
        return 0 < self.quorum <= self.ready

    @property
    def missing(self) -> tuple[HubMissing, ...]:
        """Everything that is missing, with its venue and reason."""
        return tuple(reason for one in self.venues.values() for reason in one.missing)


def hub_health(members: Iterable[Member], quorum: int, now_ns: int, now_s: float) -> HubHealth:
    """The health of a hub with these venues; `now_s` is the loop's time."""
    held = list(members)
    venues = {one.name: _venue_health(one, now_ns, now_s) for one in held}
    every = list(venues.values())
    ages = [one.evidence_age_s for one in every if one.evidence_age_s is not None]
    return HubHealth(
        state=least_ready(one.state for one in every),
        is_ready=all(one.is_ready for one in every),
        ready=sum(one.is_ready for one in every),
        quorum=quorum,
        venues=venues,
        frames_per_s=sum(one.frames_per_s for one in every),
        events_per_s=sum(one.events_per_s for one in every),
        dropped=sum(one.dropped for one in every),
        gaps=sum(one.gaps for one in every),
        gaps_open=sum(one.gaps_open for one in every),
        evidence_age_s=max(ages, default=None),
        latencies=in_short(_add(one.histograms() for one in held)),
    )


def _add(every: Iterable[Mapping[str, Histogram]]) -> Mapping[str, Histogram]:
    """The histograms of all venues, hop by hop."""
    total: dict[str, Histogram] = defaultdict(Histogram)
    for histograms in every:
        for hop, histogram in histograms.items():
            total[hop].add(histogram)
    return total


def _venue_health(member: Member, now_ns: int, now_s: float) -> VenueHealth:
    session, missing = member.session, tuple(member.missing())
    counts = None if session is None else session.statistics()
    frames_per_s, events_per_s = _rates(member, counts, now_s)
    evidence = [book.evidence for book in _books(session)]
    proved_ns = [one.proved_ns for one in evidence if one.proved_ns is not None]
    return VenueHealth(
        venue=member.name,
        state=member.state,
        is_ready=not missing,
        reason=member.reason if member.error is None else str(member.error),
        missing=missing,
        attempt=member.attempt,
        links=0 if counts is None else counts.links,
        reconnects=0 if counts is None else counts.reconnects,
        frames_per_s=frames_per_s,
        events_per_s=events_per_s,
        dropped=0 if counts is None else sum(one.dropped for one in counts.readers),
        gaps=0 if counts is None else counts.gaps,
        gaps_open=0 if session is None else len(session.gaps.open),
        books=len(evidence),
        books_valid=sum(one.status is BookStatus.VALID for one in evidence),
        evidence_age_s=_age_s(max(proved_ns, default=None), now_ns),
        received_age_s=_age_s(None if session is None else session.received_ns, now_ns),
        clock_offset_s=None if counts is None else counts.clock_offset_s,
        latencies=in_short(member.histograms()),
    )


def _rates(member: Member, counts: SessionStatistics | None, now_s: float) -> tuple[float, float]:
    if counts is None or not member.samples or now_s <= member.samples[0].at_s:
        return 0.0, 0.0
    first = member.samples[0]
    span_s = now_s - first.at_s
    return (counts.frames - first.frames) / span_s, (counts.published - first.published) / span_s


def _books(session: Session | None) -> list[Book]:
    if session is None:
        return []
    return [
        session.book(one.symbol)
        for one in session.subscriptions
        if one.channel is Channel.BOOK and one.symbol is not None
    ]


def _age_s(then_ns: int | None, now_ns: int) -> float | None:
    return None if then_ns is None else (now_ns - then_ns) / 1e9
