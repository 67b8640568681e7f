"""The course of a run in time: drawdown, exposure, gaps.

Between two points of the equity file the earlier one holds.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal, localcontext

from msgspec import Struct

from fluxum.ledger.arithmetic import EXACT, average, quotient
from fluxum.report.run import RunFacts, World

__all__ = [
    "Drawdown",
    "Exposure",
    "GapTime",
    "Point",
    "Span",
    "drawdown",
    "equity_of",
    "exposure",
    "gap_spans",
    "gap_time",
]

_ZERO = Decimal(0)
Span = tuple[int, int]
"""An interval of time: the instants at which it begins and ends, ns."""
Point = tuple[int, Decimal]
"""An instant, ns, and an amount."""


class Drawdown(Struct, frozen=True, kw_only=True):
    """The deepest fall of equity below its highest value so far, and the longest time below it.

    The fall by `amount` began at `peak_ns` and was deepest at `trough_ns`; `recovered_ns` is `None`
    if the run ended below the peak. `share` is the greatest fall as a share of its peak, not always
    of the same fall; `None` if a peak was not above zero. `longest_ns` is the longest time from a
    peak to the recovery, or to the end.
    """

    amount: Decimal
    share: Decimal | None
    peak_ns: int
    trough_ns: int
    recovered_ns: int | None
    longest_ns: int


class Exposure(Struct, frozen=True, kw_only=True):
    """How long and how much was held: `held_ns` of `known_ns`.

    `mean` and `most` are of the value of all positions in the run's currency; `None` if no value
    is known. `held_in_gap_ns` is how long something was held while data of any venue was missing.
    """

    known_ns: int
    held_ns: int
    held_in_gap_ns: int
    mean: Decimal | None
    most: Decimal | None


class GapTime(Struct, frozen=True, kw_only=True):
    """How long data was missing: `gaps` of one venue, or of any ("")."""

    venue: str
    gaps: int
    missing_ns: int


def equity_of(facts: RunFacts, world: World) -> list[Point]:
    """The equity of one world in time, from the begin on; points without a value are left out."""
    points = [(one.at_ns, one.equity.of(world)) for one in facts.equity]
    begin = (facts.begins_ns, facts.header.equity_begins)
    return [begin, *((at_ns, value) for at_ns, value in points if value is not None)]


def drawdown(points: Sequence[Point], ends_ns: int) -> Drawdown:
    """The deepest fall and the longest time below a peak; points are in time, at least one."""
    peak_ns, peak = points[0]
    trough = (peak_ns, peak_ns)
    recovered_ns: int | None = peak_ns
    amount, share = _ZERO, _Share()
    longest = below_since = 0
    with localcontext(EXACT):
        for at_ns, value in points:
            if value < peak:
                below_since = peak_ns
                share.take(peak - value, peak)
                if peak - value > amount:
                    amount, trough, recovered_ns = peak - value, (peak_ns, at_ns), None
                continue
            if below_since:
                longest, below_since = max(longest, at_ns - peak_ns), 0
                if recovered_ns is None:
                    recovered_ns = at_ns
            peak_ns, peak = at_ns, value
    return Drawdown(
        amount=amount,
        share=share.most,
        peak_ns=trough[0],
        trough_ns=trough[1],
        recovered_ns=recovered_ns,
        longest_ns=max(longest, ends_ns - below_since if below_since else 0),
    )


def exposure(facts: RunFacts) -> Exposure:
    """How long and how much was held, in the world that the account followed."""
    gaps = gap_spans(facts)
    held: list[Span] = []
    known_ns = held_ns = 0
    weighted = most = _ZERO
    valued_ns = 0
    with localcontext(EXACT):
        for point, until_ns in zip(facts.equity, _ends(facts), strict=True):
            lasted_ns = until_ns - point.at_ns
            known_ns += lasted_ns
            if any(one.quantity for one in point.held):
                held_ns += lasted_ns
                held.append((point.at_ns, until_ns))
            if point.exposure is not None:
                valued_ns += lasted_ns
                weighted += point.exposure * lasted_ns
                most = max(most, point.exposure)
    return Exposure(
        known_ns=known_ns,
        held_ns=held_ns,
        held_in_gap_ns=_overlap(held, gaps),
        mean=average(weighted, Decimal(valued_ns)),
        most=most if valued_ns else None,
    )


def gap_spans(facts: RunFacts, venue: str = "") -> list[Span]:
    """When data of a venue, or of any, was missing: in time, apart from each other, in the run."""
    spans = sorted(
        (
            max(one.begins_ns, facts.begins_ns),
            min(facts.ends_ns if one.ends_ns is None else one.ends_ns, facts.ends_ns),
        )
        for one in facts.gaps
        if venue in ("", one.venue)
    )
    apart: list[Span] = []
    for begins_ns, ends_ns in spans:
        if ends_ns <= begins_ns:
            continue
        if apart and begins_ns <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(apart[-1][1], ends_ns))
        else:
            apart.append((begins_ns, ends_ns))
    return apart


def gap_time(facts: RunFacts) -> tuple[GapTime, ...]:
    """How long data was missing: of any venue first, then venue by venue."""
    venues = Counter(one.venue for one in facts.gaps)
    counts = {"": len(facts.gaps)} | dict(sorted(venues.items()))
    return tuple(
        GapTime(venue=venue, gaps=count, missing_ns=_length(gap_spans(facts, venue)))
        for venue, count in counts.items()
    )


class _Share:
    """The greatest fall as a share of its peak."""

    def __init__(self) -> None:
        self.most: Decimal | None = _ZERO

    def take(self, fall: Decimal, peak: Decimal) -> None:
        if peak <= 0:
            self.most = None
        if self.most is not None:
            self.most = max(self.most, quotient(fall, peak))


def _ends(facts: RunFacts) -> list[int]:
    """Until when each point of the equity holds."""
    return [*(one.at_ns for one in facts.equity[1:]), max(facts.ends_ns, _last_ns(facts))][
        : len(facts.equity)
    ]


def _last_ns(facts: RunFacts) -> int:
    return facts.equity[-1].at_ns if facts.equity else 0


def _overlap(some: Sequence[Span], others: Sequence[Span]) -> int:
    """How long two sequences of spans, each in time, have in common, ns."""
    common_ns = one = other = 0
    while one < len(some) and other < len(others):
        begins_ns = max(some[one][0], others[other][0])
        ends_ns = min(some[one][1], others[other][1])
        common_ns += max(0, ends_ns - begins_ns)
        if some[one][1] < others[other][1]:
            one += 1
        else:
            other += 1
    return common_ns


def _length(spans: Iterable[Span]) -> int:
    return sum(ends_ns - begins_ns for begins_ns, ends_ns in spans)
