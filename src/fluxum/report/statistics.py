"""Statistics of returns: ratios with the period and the calendar they hold for, and their errors.

All of these are ratios without a unit, so they are floats; money stays Decimal elsewhere. A crypto
market never closes: a year has 365 days of 24 hours. Sharpe (1994): mean excess return by its
standard deviation (of n - 1). Sortino: by the root of the mean square of what is below the
risk-free rate. Calmar: compound annual growth by the greatest drawdown.

A ratio from few returns is uncertain, and the best of many trials is good by luck alone:

- The 95 % interval is Mertens' (2002), for independent returns of any skewness and kurtosis.
- `annual_factor` is Lo's (2002, eq. 20): autocorrelated returns do not grow with the root of time.
- `probabilistic_sharpe` is the probability that the true ratio is above a benchmark, and
  `deflated_sharpe` that it is above the best of so many trials without any skill: Bailey & López
  de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio Management 40 (5), 2014.
- `bootstrap_sharpe` resamples blocks of random length, so that neighbours stay together: Politis &
  Romano, "The Stationary Bootstrap", JASA 89, 1994. It is repeatable by its seed.
"""

from collections.abc import Sequence
from itertools import accumulate
from math import e, exp, floor, log, sqrt
from random import Random
from statistics import NormalDist, fmean

from msgspec import Struct

__all__ = [
    "BLOCK_POWER",
    "RESAMPLES",
    "YEAR_S",
    "Interval",
    "Moments",
    "annual_factor",
    "autocorrelations",
    "bootstrap_sharpe",
    "calmar",
    "deflated_sharpe",
    "expected_best",
    "lags_for",
    "moments",
    "probabilistic_sharpe",
    "sharpe",
    "sharpe_interval",
    "sortino",
]

YEAR_S = 365 * 86_400
"""Seconds of a year: crypto markets never close."""
RESAMPLES = 1000
"""How many series the bootstrap makes."""
BLOCK_POWER = 1 / 3
"""The mean length of its blocks is the number of returns to this power."""
_NORMAL = NormalDist()
_EULER = 0.577_215_664_901_532_9
_95_PERCENT = _NORMAL.inv_cdf(0.975)
# A deviation so much smaller than the returns is what rounding leaves of equal returns.
_ROUNDING = 1e-12


class Interval(Struct, frozen=True):
    """The bounds of a 95 % interval."""

    low: float
    high: float

    def times(self, factor: float) -> "Interval":
        """The same interval in other units; the factor is above zero."""
        return Interval(self.low * factor, self.high * factor)


class Moments(Struct, frozen=True, kw_only=True):
    """What the distribution of a Sharpe ratio depends on, per period.

    `deviation` is of n - 1. `kurtosis` is 3 for a normal distribution.
    """

    count: int
    mean: float
    deviation: float
    skewness: float
    kurtosis: float

    @property
    def sharpe(self) -> float:
        """The mean by the deviation, per period."""
        return self.mean / self.deviation


def moments(excess: Sequence[float]) -> Moments | None:
    """The moments of excess returns; `None` for less than two of them, or if all are equal."""
    count = len(excess)
    if count < 2:
        return None
    mean = fmean(excess)
    away = [one - mean for one in excess]
    second = fmean(one * one for one in away)
    if second <= (_ROUNDING * max(map(abs, excess))) ** 2:
        return None
    return Moments(
        count=count,
        mean=mean,
        deviation=sqrt(second * count / (count - 1)),
        skewness=fmean(one**3 for one in away) / second**1.5,
        kurtosis=fmean(one**4 for one in away) / second**2,
    )


def sharpe(excess: Sequence[float]) -> float | None:
    """The Sharpe ratio per period; `None` where `moments` are."""
    found = moments(excess)
    return None if found is None else found.sharpe


def sortino(excess: Sequence[float]) -> float | None:
    """The Sortino ratio per period; `None` without returns below zero."""
    below = [min(0.0, one) ** 2 for one in excess]
    if not any(below):
        return None
    return fmean(excess) / sqrt(fmean(below))


def calmar(begins: float, ends: float, years: float, drawdown_share: float) -> float | None:
    """Compound annual growth by the greatest drawdown; `None` if there was none, or no growth.

    Growth cannot be compounded where equity was not above zero at both ends, nor where a short
    time extrapolates to more than a float holds.
    """
    if begins <= 0 or ends <= 0 or years <= 0 or drawdown_share <= 0:
        return None
    power = log(ends / begins) / years
    return (exp(power) - 1) / drawdown_share if power < 700 else None


def sharpe_interval(found: Moments) -> Interval:
    """The 95 % interval of a Sharpe ratio per period, for independent returns (Mertens 2002)."""
    width = _95_PERCENT * _error(found)
    return Interval(found.sharpe - width, found.sharpe + width)


def autocorrelations(returns: Sequence[float], lags: int) -> list[float]:
    """The autocorrelations at lags 1 to `lags`, each by the variance of all returns."""
    mean = fmean(returns)
    away = [one - mean for one in returns]
    total = sum(one * one for one in away)
    if not total:
        return [0.0] * lags
    return [
        sum(one * other for one, other in zip(away[lag:], away, strict=False)) / total
        for lag in range(1, lags + 1)
    ]


def annual_factor(periods: float, correlations: Sequence[float]) -> float | None:
    """By what a Sharpe ratio per period grows over so many periods (Lo 2002, eq. 20).

    It is the root of `periods` if the correlations, those at lags 1, 2 and so on, are zero;
    further ones are taken as zero. `None` if they leave no variance.
    """
    extra = sum((periods - lag) * one for lag, one in enumerate(correlations, 1) if lag < periods)
    variance = periods + 2 * extra
    return periods / sqrt(variance) if variance > 0 else None


def lags_for(count: int) -> int:
    """How many lags so many returns can estimate: 4 (n / 100)^(2/9), Newey & West (1994)."""
    return min(count - 1, floor(4 * exp(log(count / 100) * 2 / 9)))


def probabilistic_sharpe(found: Moments, benchmark: float = 0.0) -> float:
    """The probability that the true Sharpe ratio, per period, is above the benchmark."""
    return _NORMAL.cdf((found.sharpe - benchmark) / _error(found))


def expected_best(trials: int, variance: float) -> float:
    """The Sharpe ratio to expect of the best of so many trials without skill, per period.

    `variance` is that of the trials' ratios, per period. One trial has nothing to choose: zero.
    """
    if trials < 2:
        return 0.0
    usual = _NORMAL.inv_cdf(1 - 1 / trials)
    rare = _NORMAL.inv_cdf(1 - 1 / (trials * e))
    return sqrt(variance) * ((1 - _EULER) * usual + _EULER * rare)


def deflated_sharpe(found: Moments, trials: int, variance: float) -> float:
    """The probability that the ratio is above what the best of so many trials has by luck."""
    return probabilistic_sharpe(found, expected_best(trials, variance))


def bootstrap_sharpe(
    excess: Sequence[float], seed: int, resamples: int = RESAMPLES
) -> Interval | None:
    """The 95 % interval of the Sharpe ratio per period by the stationary bootstrap.

    Percentiles of `resamples` series. `None` where `moments` are, or if resamples have none.
    """
    found = moments(excess)
    if found is None:
        return None
    chance = Random(seed)  # noqa: S311 - a repeatable draw, no secret
    blocks = _Blocks([one - found.mean for one in excess], chance)
    ratios: list[float] = []
    for _ in range(resamples):
        total, squares = blocks.sums()
        away = total / found.count
        variance = (squares - total * away) / (found.count - 1)
        if variance > 0:
            ratios.append((found.mean + away) / sqrt(variance))
    if not ratios:
        return None
    ratios.sort()
    last = len(ratios) - 1
    return Interval(ratios[round(0.025 * last)], ratios[round(0.975 * last)])


class _Blocks:
    """Draws series as long as the given one, of blocks that begin anywhere and run round its end.

    Sums of a block are differences of running sums, so a block costs the same at any length.
    """

    def __init__(self, values: Sequence[float], chance: Random) -> None:
        twice = [*values, *values]
        self._count = len(values)
        self._sums = [0.0, *accumulate(twice)]
        self._squares = [0.0, *accumulate(one * one for one in twice)]
        self._chance = chance
        mean_length = max(1.0, self._count**BLOCK_POWER)
        self._log_stay = log(1 - 1 / mean_length) if mean_length > 1 else None

    def sums(self) -> tuple[float, float]:
        """The sum and the sum of squares of one drawn series."""
        left = self._count
        total = squares = 0.0
        while left:
            length = min(left, self._length())
            begin = self._chance.randrange(self._count)
            total += self._sums[begin + length] - self._sums[begin]
            squares += self._squares[begin + length] - self._squares[begin]
            left -= length
        return total, squares

    def _length(self) -> int:
        """A geometric length, from 1 on."""
        if self._log_stay is None:
            return 1
        return 1 + min(self._count, int(log(1 - self._chance.random()) / self._log_stay))


def _error(found: Moments) -> float:
    """The standard error of a Sharpe ratio per period (Mertens 2002)."""
    ratio = found.sharpe
    variance = 1 - found.skewness * ratio + (found.kurtosis - 1) / 4 * ratio * ratio
    # Any sample has kurtosis >= skewness^2 + 1, which keeps this from falling below zero.
    return sqrt(max(variance, _ROUNDING) / (found.count - 1))
