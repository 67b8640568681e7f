"""What a chart shows: nothing greatest or least is lost, and axes have round numbers."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from fluxum.report.run import ByWorld, EquityPoint, RunFacts
from fluxum.report.series import (
    Sample,
    axis_for,
    column_samples,
    series_of,
    thinned,
    time_ticks,
)
from runs import BEGINS, SECOND, header, point, synthetic


def samples(values: list[int]) -> list[Sample]:
    return [
        Sample(at_ns=at, equity=value, low=value - 1, high=value + 1, fall=-value, exposure=value)
        for at, value in enumerate(values)
    ]


@given(st.lists(st.integers(0, 10**6), min_size=50, max_size=300), st.integers(1, 20))
def test_thinning_keeps_the_ends_and_every_extreme(values: list[int], columns: int) -> None:
    whole = samples(values)

    kept = thinned(whole, 0, len(whole) - 1, columns)

    assert kept == sorted(kept, key=lambda one: one.at_ns)
    assert len(kept) <= max(8 * (columns + 1), 2 * columns)
    assert (kept[0], kept[-1]) == (whole[0], whole[-1])
    assert max(one.high for one in kept) == max(one.high for one in whole)
    assert min(one.low for one in kept) == min(one.low for one in whole)
    assert min(one.fall for one in kept) == min(one.fall for one in whole)


def test_few_points_are_all_kept() -> None:
    whole = samples([3, 1, 2])

    assert thinned(whole, 0, 2, 2) == whole


@given(st.integers(1, 60), st.integers(1, 400))
def test_every_column_has_a_sample_and_every_sample_a_column(columns: int, orders: int) -> None:
    series = series_of(
        RunFacts(
            header=header(ends_ns=BEGINS + (orders + 1) * SECOND),
            equity=tuple(point(second, "1") for second in range(1, orders + 1)),
        )
    )

    found = column_samples(series, columns)

    assert len(found) == columns
    assert all(found)
    assert {one.at_ns for part in found for one in part} == {one.at_ns for one in series.samples}


def test_the_series_of_a_run_by_hand() -> None:
    facts = RunFacts(
        header=header(),
        equity=(
            EquityPoint(
                at_ns=BEGINS + SECOND,
                equity=ByWorld(Decimal(9_990), Decimal(10_020), Decimal(10_050)),
                exposure=Decimal(5),
            ),
            point(2, "10010"),
            EquityPoint(at_ns=BEGINS + 3 * SECOND, equity=ByWorld(None, None, None)),
        ),
    )

    series = series_of(facts)

    assert [(one.equity, one.low, one.high, one.fall) for one in series.samples] == [
        (10_000, 10_000, 10_000, 0),
        (10_020, 9_990, 10_050, 0),
        (10_010, 10_010, 10_010, -10),
    ]
    assert [one.exposure for one in series.samples] == [None, 5, None]
    assert series.has_band


def test_axes_have_round_numbers_within_them() -> None:
    assert [text for _, text in axis_for(9_873.3, 10_090.2).ticks] == [
        "9,900",
        "10,000",
    ]
    assert [text for _, text in axis_for(0.0012, 0.0019).ticks] == [
        "0.0012",
        "0.0014",
        "0.0016",
        "0.0018",
    ]
    assert [text for _, text in axis_for(-45, 0, ticks=3).ticks] == ["-40", "-20", "0"]


def test_an_axis_of_one_number_has_room_around_it() -> None:
    for value in (10_000.0, 0.0, -3.0):
        axis = axis_for(value, value)
        assert axis.low < value < axis.high


def test_times_are_round_and_few() -> None:
    hour = 3600 * SECOND

    assert [text for _, text in time_ticks(BEGINS + 1, BEGINS + 5 * hour, 5)] == [
        "01:00",
        "02:00",
        "03:00",
        "04:00",
        "05:00",
    ]
    assert [text for _, text in time_ticks(BEGINS, BEGINS + 10 * SECOND, 3)] == [
        "00:00:00",
        "00:00:05",
        "00:00:10",
    ]
    # 2026-01-01 is day 20,454 since 1970, a multiple of 14.
    days = [text for _, text in time_ticks(BEGINS, BEGINS + 40 * 24 * hour, 4)]
    assert days == ["01-01", "01-15", "01-29"]
    assert time_ticks(BEGINS, BEGINS + 4000 * 24 * hour, 4)[0][1].startswith("20")
    assert len(time_ticks(BEGINS, BEGINS + 90_000 * 24 * hour, 4)) <= 4


def test_a_synthetic_run_has_its_fills_in_time() -> None:
    series = series_of(synthetic())

    assert [one.at_ns for one in series.fills] == sorted(one.at_ns for one in series.fills)
    assert len(series.gaps) == 2
