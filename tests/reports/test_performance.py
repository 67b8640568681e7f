"""The performance of a run: periods, calendar, and what is not defined."""

from decimal import Decimal
from math import isclose, sqrt

import pytest

from fluxum.errors import BadInput
from fluxum.report.performance import performance, period_for, returns_of
from fluxum.report.run import ByWorld, EquityPoint, RunFacts
from runs import BEGINS, SECOND, header, point, synthetic

DAY = 86_400


def daily(*equity: int, **changes: object) -> RunFacts:
    """A run with one value of equity at the end of each day."""
    return RunFacts(
        header=header(ends_ns=BEGINS + len(equity) * DAY * SECOND, **changes),
        equity=tuple(point(day * DAY, str(one)) for day, one in enumerate(equity, 1)),
    )


@pytest.mark.parametrize(
    ("seconds", "period"),
    [
        (60 * DAY, DAY),
        (60 * DAY - 1, 3600),
        (60 * 3600 - 1, 600),
        (3600, 60),
        (600, 10),
        (60, 1),
        (5, 1),
    ],
)
def test_the_period_is_the_longest_of_which_there_are_sixty(seconds: int, period: int) -> None:
    assert period_for(seconds * SECOND) == period


def test_returns_are_of_whole_periods_and_take_the_last_known_value() -> None:
    points = [(0, Decimal(100)), (SECOND, Decimal(110)), (3 * SECOND, Decimal(99))]

    # 110 holds from the first second to the third; half a second at the end is left out.
    found = returns_of(points, 3 * SECOND + SECOND // 2, 1)

    assert found is not None
    assert [round(one, 12) for one in found] == [0.1, 0.0, -0.1]
    assert returns_of([(0, Decimal(0))], SECOND, 1) is None
    assert returns_of(points, 0, 1) == []


def test_ratios_are_annual_for_365_days() -> None:
    facts = daily(10_200, 10_098, 10_400, 10_400)  # 2 %, -1 %, 2.9907 %, 0

    one = performance(facts, period_s=DAY).expected

    returns = [0.02, -0.01, 302 / 10_098, 0.0]
    mean = sum(returns) / 4
    deviation = sqrt(sum((each - mean) ** 2 for each in returns) / 3)
    assert one.sharpe is not None
    assert isclose(one.sharpe, mean / deviation * sqrt(365))
    assert (one.returns, one.left_out_ns, one.periods_per_year) == (4, 0, 365)
    assert one.calmar is not None
    assert isclose(one.calmar, (1.04 ** (365 / 4) - 1) / 0.01)


def test_the_risk_free_rate_is_taken_off_each_period() -> None:
    facts = daily(10_200, 10_098, 10_400, 10_400)

    with_rate = performance(facts, risk_free=3.65, period_s=DAY).expected  # 1 % a day

    assert with_rate.sharpe is not None
    assert abs(with_rate.sharpe) < 1e-1 * (performance(facts, period_s=DAY).expected.sharpe or 0)


def test_what_the_trials_were_deflates_the_ratio() -> None:
    plain, swept, known = (
        performance(daily(*range(10_010, 11_000, 10), 10_900, **changes)).expected
        for changes in (
            {"trials": 1},
            {"trials": 200},
            {"trials": 200, "trials_variance": 1e6},
        )
    )

    assert plain.deflated == plain.probabilistic
    assert swept.is_variance_assumed
    assert (swept.deflated or 0) < (plain.deflated or 0)
    assert not known.is_variance_assumed
    assert known.deflated is not None
    assert known.deflated < 0.01
    assert known.trials_variance == pytest.approx(1e6)


def test_an_unknown_number_of_trials_gives_no_deflated_ratio() -> None:
    assert performance(daily(10_100, 10_000, 10_300, trials=None)).expected.deflated is None


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        (daily(10_000, 10_000, 10_000), "all returns are equal"),
        (daily(10_000, 0, 10_000), "equity was not above zero"),
        (RunFacts(header=header(ends_ns=BEGINS)), "there are fewer than two returns"),
    ],
)
def test_where_no_ratio_is_defined_the_reason_is_given(facts: RunFacts, why: str) -> None:
    one = performance(facts, period_s=DAY).expected

    assert (one.sharpe, one.deflated, one.why) == (None, None, why)


def test_each_world_has_its_own_ratios() -> None:
    facts = RunFacts(
        header=header(ends_ns=BEGINS + 3 * DAY * SECOND),
        equity=tuple(
            EquityPoint(
                at_ns=BEGINS + day * DAY * SECOND,
                equity=ByWorld(Decimal(10_000 - day**2), Decimal(10_000 + day**3), None),
            )
            for day in (1, 2, 3)
        ),
    )

    found = performance(facts, period_s=DAY)

    assert (found.pessimistic.sharpe or 0) < 0 < (found.expected.sharpe or 0)
    assert found.optimistic.why == "all returns are equal"


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), -1.0])
def test_a_rate_of_no_sense_is_refused(rate: float) -> None:
    with pytest.raises(BadInput, match="a risk-free share a year like"):
        performance(daily(10_000), risk_free=rate)


def test_a_period_of_no_sense_is_refused() -> None:
    for period_s in (0, 1):
        with pytest.raises(BadInput, match=f"was {period_s} s"):
            performance(daily(*[10_000] * 10), period_s=period_s)


def test_a_synthetic_run_has_all_ratios() -> None:
    for one in performance(synthetic()).all:
        assert one.why == ""
        assert (one.period_s, one.returns) == (600, 301)
        assert None not in (one.sharpe, one.sharpe_corrected, one.sortino, one.deflated)
