"""Drawdown, exposure and gaps against arithmetic by hand."""

from decimal import Decimal

from fluxum.report.course import drawdown, equity_of, exposure, gap_spans, gap_time
from fluxum.report.run import ByWorld, EquityPoint, GapFact, Held, RunFacts, World
from runs import BEGINS, BTC_USD, SECOND, header, point


def points(*values: int) -> list[tuple[int, Decimal]]:
    return [(BEGINS + second * SECOND, Decimal(value)) for second, value in enumerate(values)]


def seconds(ns: int | None) -> int | None:
    return None if ns is None else (ns - BEGINS) // SECOND


def test_the_deepest_fall_has_its_peak_its_trough_and_its_recovery() -> None:
    found = drawdown(points(100, 120, 90, 110, 120, 130, 125), BEGINS + 6 * SECOND)

    assert (found.amount, found.share) == (Decimal(30), Decimal("0.25"))
    assert [seconds(one) for one in (found.peak_ns, found.trough_ns, found.recovered_ns)] == [
        1,
        2,
        4,
    ]
    assert found.longest_ns == 3 * SECOND


def test_a_fall_without_recovery_lasts_until_the_end() -> None:
    found = drawdown(points(100, 90, 95), BEGINS + 10 * SECOND)

    assert (found.amount, found.recovered_ns, found.longest_ns) == (Decimal(10), None, 10 * SECOND)


def test_the_longest_fall_and_the_greatest_share_need_not_be_the_deepest_fall() -> None:
    # From 10 to 5 is a half; from 1000 to 900 is a tenth, and deeper; from 1010 on it is longer.
    found = drawdown(points(10, 5, 1000, 900, 1010, 1009, 1009, 1009), BEGINS + 9 * SECOND)

    assert (found.amount, found.share) == (Decimal(100), Decimal("0.5"))
    assert seconds(found.peak_ns) == 2
    assert found.longest_ns == 5 * SECOND


def test_equity_that_never_falls_has_no_drawdown() -> None:
    found = drawdown(points(100, 100, 101), BEGINS + 2 * SECOND)

    assert (found.amount, found.share, found.longest_ns) == (Decimal(0), Decimal(0), 0)
    assert found.recovered_ns == BEGINS


def test_equity_below_zero_has_no_share() -> None:
    assert drawdown(points(-1, -2), BEGINS + SECOND).share is None


def test_points_without_a_value_are_left_out_of_the_equity() -> None:
    facts = RunFacts(
        header=header(),
        equity=(
            point(1, "10001"),
            EquityPoint(at_ns=BEGINS + 2 * SECOND, equity=ByWorld(None, Decimal(1), None)),
        ),
    )

    assert equity_of(facts, World.PESSIMISTIC) == [
        (BEGINS, Decimal(10_000)),
        (BEGINS + SECOND, Decimal(10_001)),
    ]


def test_exposure_is_weighted_by_time_and_its_time_in_gaps_is_counted() -> None:
    held = (Held("kraken", BTC_USD, Decimal(1)),)
    facts = RunFacts(
        header=header(ends_ns=BEGINS + 10 * SECOND),
        equity=(
            point(0, "1", held=held, exposure=Decimal(100)),
            point(4, "1", exposure=Decimal(0)),
            point(8, "1", held=held, exposure=Decimal(300)),
        ),
        gaps=(
            GapFact(venue="a", begins_ns=BEGINS + 3 * SECOND, ends_ns=BEGINS + 9 * SECOND),
            GapFact(venue="b", begins_ns=BEGINS + 2 * SECOND, ends_ns=BEGINS + 5 * SECOND),
        ),
    )

    found = exposure(facts)

    assert (found.known_ns, found.held_ns) == (10 * SECOND, 6 * SECOND)
    assert (found.mean, found.most) == (Decimal(100), Decimal(300))  # (4 * 100 + 2 * 300) / 10
    assert found.held_in_gap_ns == 3 * SECOND  # from 2 to 4, and from 8 to 9


def test_gaps_count_once_where_they_overlap_and_end_with_the_run() -> None:
    facts = RunFacts(
        header=header(ends_ns=BEGINS + 20 * SECOND),
        gaps=(
            GapFact(venue="a", begins_ns=BEGINS + 1 * SECOND, ends_ns=BEGINS + 6 * SECOND),
            GapFact(venue="b", begins_ns=BEGINS + 4 * SECOND, ends_ns=BEGINS + 8 * SECOND),
            GapFact(venue="b", begins_ns=BEGINS - 9 * SECOND, ends_ns=BEGINS - 1 * SECOND),
            GapFact(venue="b", begins_ns=BEGINS + 15 * SECOND),
        ),
    )

    assert [(one.venue, one.gaps, one.missing_ns // SECOND) for one in gap_time(facts)] == [
        ("", 4, 12),
        ("a", 1, 5),
        ("b", 3, 9),
    ]
    assert gap_spans(facts, "a") == [(BEGINS + SECOND, BEGINS + 6 * SECOND)]
