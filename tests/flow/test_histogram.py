"""Quantiles of durations: exact counts, and at most a 64th above the truth."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxum.errors import BadInput
from fluxum.flow.histogram import Histogram

HOUR_NS = 3_600_000_000_000


def of(*durations: int) -> Histogram:
    histogram = Histogram()
    for ns in durations:
        histogram.record(ns)
    return histogram


def test_small_durations_are_exact() -> None:
    histogram = of(*range(1, 101))

    assert histogram.quantile(0.5) == 50
    assert histogram.quantile(0.99) == 99
    assert histogram.quantile(1) == 100
    assert histogram.quantile(0) == 1
    assert histogram.count == 100


def test_a_bucket_is_reported_by_its_largest_duration() -> None:
    # 1,000 has ten bits: its bucket has its first seven, 125, and ends before 126 * 8.
    histogram = of(1000, 5000)

    assert histogram.quantile(0.5) == 126 * 8 - 1
    assert histogram.quantile(1) == 5000  # never above the largest
    assert histogram.max_ns == 5000


def test_nothing_measured_has_no_quantile() -> None:
    assert Histogram().quantile(0.5) is None
    latency = Histogram().latency()
    assert (latency.count, latency.p50_ns, latency.p999_ns, latency.max_ns) == (0, None, None, None)


def test_clocks_that_disagree_are_counted() -> None:
    latency = of(-5, 7).latency(is_foreign=True)

    assert (latency.count, latency.below_zero, latency.p50_ns, latency.max_ns) == (2, 1, 0, 7)
    assert latency.is_foreign


def test_more_than_an_hour_is_counted_and_its_largest_kept() -> None:
    histogram = of(5 * HOUR_NS, 10)

    assert histogram.count == 2
    assert histogram.max_ns == 5 * HOUR_NS
    assert histogram.quantile(0.5) == 10
    assert histogram.quantile(1) == 2**42 - 1


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_is_between_nothing_and_all(share: float) -> None:
    with pytest.raises(BadInput, match="between 0 and 1"):
        of(1).quantile(share)


durations = st.lists(st.integers(0, HOUR_NS) | st.integers(0, 200), min_size=1, max_size=60)


@given(durations, st.integers(0, 1000))
def test_a_quantile_is_at_most_a_64th_above_the_truth(found: list[int], thousandths: int) -> None:
    rank = max(1, -(-thousandths * len(found) // 1000))
    truth = sorted(found)[rank - 1]

    quantile = of(*found).quantile(thousandths / 1000)

    assert quantile is not None
    assert truth <= quantile <= truth + truth / 64


@given(durations, durations)
def test_histograms_add_up(some: list[int], others: list[int]) -> None:
    total = of(*some)
    total.add(of(*others))

    together = of(*some, *others)
    assert total.latency() == together.latency()
    assert [total.quantile(n / 20) for n in range(21)] == [
        together.quantile(n / 20) for n in range(21)
    ]
