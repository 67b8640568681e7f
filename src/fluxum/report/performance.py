"""The performance of a run: the statistics of its equity, by world, with what they assume.

Equity is taken at whole periods since the run began, each the last known value by then. The period
is the longest of a day, an hour, ten minutes, a minute, ten seconds and a second of which the run
has at least 60. The last part of a period is left out.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from math import isfinite, sqrt

from msgspec import Struct
from msgspec.structs import replace

from fluxum.errors import BadInput
from fluxum.report.course import Point, drawdown, equity_of
from fluxum.report.run import ByWorld, RunFacts, World
from fluxum.report.statistics import (
    RESAMPLES,
    YEAR_S,
    Interval,
    Moments,
    annual_factor,
    autocorrelations,
    bootstrap_sharpe,
    calmar,
    deflated_sharpe,
    lags_for,
    moments,
    probabilistic_sharpe,
    sharpe_interval,
    sortino,
)

__all__ = [
    "PERIODS_S",
    "Performance",
    "annual",
    "excess_returns",
    "performance",
    "period_for",
    "returns_of",
]

PERIODS_S = (86_400, 3600, 600, 60, 10, 1)
"""The periods of returns, s, the longest first."""
_RETURNS_MIN = 60
_RETURNS_MAX = 200_000
_NS = 1_000_000_000


class Performance(Struct, frozen=True, kw_only=True):
    """The statistics of one world. Ratios are annual, for 365 days; `None` is not defined.

    `returns` are of `period_s`; `left_out_ns` is the time after the last whole period. `risk_free`
    is a share a year. `sharpe_corrected` is corrected for autocorrelation at `lags` lags. The
    probabilistic ratio is against zero. `trials_variance` is of annual ratios;
    `is_variance_assumed` if it is not known and that of trials without skill is taken. `resamples`
    and `seed` belong to the bootstrap. `why` is the reason if nothing else is defined.
    """

    period_s: int
    returns: int
    left_out_ns: int
    risk_free: float
    sharpe: float | None = None
    sharpe_interval: Interval | None = None
    sharpe_corrected: float | None = None
    lags: int = 0
    bootstrap_interval: Interval | None = None
    resamples: int = RESAMPLES
    seed: int = 0
    sortino: float | None = None
    calmar: float | None = None
    skewness: float | None = None
    kurtosis: float | None = None
    probabilistic: float | None = None
    deflated: float | None = None
    trials: int | None = None
    trials_variance: float | None = None
    is_variance_assumed: bool = False
    why: str = ""

    @property
    def periods_per_year(self) -> float:
        """How many periods a year of 365 days has."""
        return annual(self.period_s)


def performance(
    facts: RunFacts, *, risk_free: float = 0.0, seed: int = 0, period_s: int | None = None
) -> ByWorld[Performance]:
    """The statistics of each world; raises BadInput for a risk-free rate or period of no sense."""
    if period_s is None:
        period_s = period_for(facts.ends_ns - facts.begins_ns)
    elif period_s < 1 or (facts.ends_ns - facts.begins_ns) // (period_s * _NS) > _RETURNS_MAX:
        raise BadInput(
            f"a period that gives at most {_RETURNS_MAX} returns was expected, was {period_s} s"
        )
    return ByWorld(*(_of_world(facts, world, risk_free, seed, period_s) for world in World))


def period_for(lasted_ns: int) -> int:
    """The longest period, s, of which a run has at least 60; the shortest if it has none."""
    long_enough = [one for one in PERIODS_S if lasted_ns // (one * _NS) >= _RETURNS_MIN]
    return next(iter(long_enough), PERIODS_S[-1])


def returns_of(points: Sequence[Point], ends_ns: int, period_s: int) -> list[float] | None:
    """Returns of whole periods since the first point; `None` where equity was not above zero."""
    begins_ns = points[0][0]
    times = [at_ns for at_ns, _ in points]
    count = max(0, ends_ns - begins_ns) // (period_s * _NS)
    whole = range(begins_ns, begins_ns + count * period_s * _NS + 1, period_s * _NS)
    values = [float(points[bisect_right(times, at_ns) - 1][1]) for at_ns in whole]
    if min(values) <= 0:
        return None
    return [later / earlier - 1 for earlier, later in pairwise(values)]


def excess_returns(
    facts: RunFacts, world: World, risk_free: float, period_s: int
) -> list[float] | None:
    """Returns of whole periods above the risk-free rate; `None` where `returns_of` is.

    Raises BadInput for a rate of no sense.
    """
    if not isfinite(risk_free) or risk_free <= -1:
        raise BadInput(f"a risk-free share a year like 0.03 was expected, was {risk_free}")
    returns = returns_of(equity_of(facts, world), facts.ends_ns, period_s)
    if returns is None:
        return None
    return [one - risk_free / annual(period_s) for one in returns]


def annual(period_s: int) -> float:
    """How many such periods a year of 365 days has."""
    return YEAR_S / period_s


def _of_world(
    facts: RunFacts, world: World, risk_free: float, seed: int, period_s: int
) -> Performance:
    points = equity_of(facts, world)
    lasted_ns = facts.ends_ns - facts.begins_ns
    excess = excess_returns(facts, world, risk_free, period_s)
    blank = Performance(
        period_s=period_s,
        returns=len(excess or ()),
        left_out_ns=lasted_ns % (period_s * _NS),
        risk_free=risk_free,
        seed=seed,
        calmar=_calmar(points, facts.ends_ns),
        trials=facts.header.trials,
        trials_variance=facts.header.trials_variance,
    )
    if excess is None:
        return replace(blank, why="equity was not above zero")
    found = moments(excess)
    if found is None:
        why = "all returns are equal" if len(excess) > 1 else "there are fewer than two returns"
        return replace(blank, why=why)
    return _with_trials(_with_ratios(blank, found, excess), found)


def _with_ratios(blank: Performance, found: Moments, excess: Sequence[float]) -> Performance:
    root = sqrt(blank.periods_per_year)
    lags = lags_for(found.count)
    factor = annual_factor(blank.periods_per_year, autocorrelations(excess, lags))
    bootstrap = bootstrap_sharpe(excess, blank.seed)
    below = sortino(excess)
    return replace(
        blank,
        sharpe=found.sharpe * root,
        sharpe_interval=sharpe_interval(found).times(root),
        sharpe_corrected=None if factor is None else found.sharpe * factor,
        lags=lags,
        bootstrap_interval=None if bootstrap is None else bootstrap.times(root),
        sortino=None if below is None else below * root,
        skewness=found.skewness,
        kurtosis=found.kurtosis,
        probabilistic=probabilistic_sharpe(found),
    )


def _with_trials(one: Performance, found: Moments) -> Performance:
    """The same with the ratio deflated by the number of trials, if that is known."""
    if one.trials is None:
        return one
    known = one.trials_variance
    # Without skill, the ratios of trials vary as the estimate of one of them does.
    variance = 1 / (found.count - 1) if known is None else known / one.periods_per_year
    return replace(
        one,
        deflated=deflated_sharpe(found, one.trials, variance),
        trials_variance=variance * one.periods_per_year,
        is_variance_assumed=known is None,
    )


def _calmar(points: Sequence[Point], ends_ns: int) -> float | None:
    share = drawdown(points, ends_ns).share
    years = (ends_ns - points[0][0]) / _NS / YEAR_S
    if share is None:
        return None
    return calmar(float(points[0][1]), float(points[-1][1]), years, float(share))
