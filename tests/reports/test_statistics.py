"""Statistics against published values and arithmetic by hand."""

from math import isclose, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coin import best_of_sweep
from fluxum.report.statistics import (
    Moments,
    annual_factor,
    autocorrelations,
    bootstrap_sharpe,
    calmar,
    deflated_sharpe,
    expected_best,
    lags_for,
    moments,
    probabilistic_sharpe,
    sharpe,
    sharpe_interval,
    sortino,
)

# Mean 0.01; squares of deviations 1, 4, 4, 1 times 1e-4; the risk-free rate is zero.
RETURNS = (0.02, -0.01, 0.03, 0.00)
# Bailey & López de Prado (2014), "A numerical example": annual ratio 2.5 over five years of 250
# days, with skewness -3 and kurtosis 10.
PAPER = Moments(count=1250, mean=2.5 / sqrt(250), deviation=1.0, skewness=-3.0, kurtosis=10.0)


def test_the_deflated_ratio_of_the_paper_to_four_digits() -> None:
    variance = 0.5 / 250

    assert f"{expected_best(100, variance):.4f}" == "0.1132"
    assert f"{deflated_sharpe(PAPER, 100, variance):.4f}" == "0.9004"
    assert f"{deflated_sharpe(PAPER, 46, variance):.4f}" == "0.9505"


def test_one_trial_is_not_deflated() -> None:
    assert expected_best(1, 0.5) == 0
    assert deflated_sharpe(PAPER, 1, 0.5) == probabilistic_sharpe(PAPER)


def test_moments_by_hand() -> None:
    found = moments(RETURNS)

    assert found is not None
    assert isclose(found.mean, 0.01)
    assert isclose(found.deviation, sqrt(10e-4 / 3))
    assert isclose(found.skewness, 0, abs_tol=1e-9)  # -1 + 8 - 8 + 1
    assert isclose(found.kurtosis, 1.36)  # (34e-8 / 4) / (10e-4 / 4)^2


def test_sharpe_and_sortino_by_hand() -> None:
    found, below = sharpe(RETURNS), sortino(RETURNS)

    assert found is not None
    assert isclose(found, sqrt(0.3))  # 0.01 / sqrt(1e-3 / 3)
    assert below is not None
    assert isclose(below, 2.0)  # 0.01 / sqrt(0.01^2 / 4)
    assert f"{found * sqrt(365):.4f}" == "10.4642"
    assert f"{below * sqrt(365):.4f}" == "38.2099"


def test_calmar_by_hand() -> None:
    # From 100 to 121 in two years is a tenth a year; the greatest drawdown was a fifth.
    found = calmar(100, 121, 2, 0.2)

    assert found is not None
    assert isclose(found, 0.5)
    assert calmar(100, 121, 2, 0) is None
    assert calmar(100, 0, 2, 0.2) is None
    assert calmar(100, 200, 1e-6, 0.2) is None  # more than a float holds


def test_the_probability_that_the_ratio_is_above_zero_by_hand() -> None:
    # z = sqrt(0.3 * 3) / sqrt(1 + 0.36 / 4 * 0.3) = 0.948683 / 1.013410 = 0.936130; a table of
    # the normal distribution has 0.8254 for it.
    found = moments(RETURNS)

    assert found is not None
    assert f"{probabilistic_sharpe(found):.4f}" == "0.8254"


def test_the_interval_by_hand() -> None:
    # The error is 1.013410 / sqrt(3) = 0.585093; times 1.959964 it is 1.146761.
    found = moments(RETURNS)

    assert found is not None
    interval = sharpe_interval(found)
    assert f"{interval.low:.4f} {interval.high:.4f}" == "-0.5990 1.6945"


def test_equal_returns_have_no_ratio() -> None:
    assert moments([0.1] * 50) is None
    assert moments([0.1]) is None
    assert sharpe([]) is None
    assert sortino([0.1, 0.2]) is None
    assert bootstrap_sharpe([0.1] * 50, seed=1) is None


def test_independent_returns_grow_with_the_root_of_time() -> None:
    assert annual_factor(365, []) == pytest.approx(sqrt(365))


@pytest.mark.parametrize(("correlation", "periods"), [(0.2, 12), (-0.2, 12), (0.5, 4)])
def test_the_annual_factor_of_one_lag_agrees_with_the_formula_of_lo(
    correlation: float, periods: int
) -> None:
    """Lo (2002), eq. 22: the closed form for returns whose correlation halves and halves."""
    powers = [correlation**lag for lag in range(1, periods)]
    rest = (1 - correlation**periods) / (periods * (1 - correlation))
    closed = sqrt(periods) / sqrt(1 + 2 * correlation / (1 - correlation) * (1 - rest))

    found = annual_factor(periods, powers)

    assert found is not None
    assert isclose(found, closed)


def test_the_annual_factor_by_hand() -> None:
    found = annual_factor(2, [0.5])

    assert found is not None
    assert isclose(found, 2 / sqrt(3))  # 2 / sqrt(2 + 2 * 1 * 0.5)
    assert annual_factor(2, [-1.0]) is None
    assert annual_factor(2, [0.5, 0.9]) == found  # the second lag is beyond two periods


def test_autocorrelations_by_hand() -> None:
    # Deviations 1, -2, 2, -1 sum to 10 squared; lag 1: -2 - 4 - 2; lag 2: 2 + 2; lag 3: -1.
    assert [round(one, 9) for one in autocorrelations(RETURNS, 3)] == [-0.8, 0.4, -0.1]
    assert autocorrelations([0.1, 0.1], 1) == [0.0]
    assert [lags_for(count) for count in (2, 100, 1000)] == [1, 4, 6]


def test_the_bootstrap_is_repeatable_by_its_seed_and_has_the_ratio_inside() -> None:
    returns = [0.01 * ((7 * number) % 11 - 4) for number in range(300)]

    found = bootstrap_sharpe(returns, seed=3, resamples=300)

    assert found == bootstrap_sharpe(returns, seed=3, resamples=300)
    assert found != bootstrap_sharpe(returns, seed=4, resamples=300)
    assert found is not None
    assert found.low < (sharpe(returns) or 0) < found.high


def test_the_bootstrap_is_wider_where_neighbours_are_alike() -> None:
    """The same returns: in an order in which they alternate, and sorted into two runs."""
    alternating = [0.03, -0.02] * 200
    in_runs = sorted(alternating)

    narrow, wide = (bootstrap_sharpe(one, seed=1, resamples=300) for one in (alternating, in_runs))

    assert narrow is not None
    assert wide is not None
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)


@given(st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=40))
def test_probabilities_are_probabilities(returns: list[float]) -> None:
    found = moments(returns)

    if found is not None:
        plain, deflated = probabilistic_sharpe(found), deflated_sharpe(found, 50, 0.01)
        assert 0 <= deflated <= plain <= 1
        interval = sharpe_interval(found)
        assert interval.low <= found.sharpe <= interval.high


def test_a_coin_that_is_swept_does_not_look_like_skill() -> None:
    """Small: `python tests/coin.py` sweeps 100 seeds of a year."""
    results = [best_of_sweep(seed, days=120) for seed in range(6)]

    assert all(deflated < 0.95 for deflated, _ in results)
    assert sum(plain > 0.95 for _, plain in results) >= 5
