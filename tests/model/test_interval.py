"""Intervals: seconds are counted, months are the calendar's."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxum.errors import BadInput
from fluxum.model.instant import parse_rfc3339 as at
from fluxum.model.interval import (
    MONTH_S,
    interval_end,
    interval_least_s,
    interval_of,
    interval_start,
    interval_text,
)

DAY_S = 86_400
INSTANTS = st.integers(min_value=-(10**24), max_value=10**24)
INTERVALS = st.sampled_from([1, 60, 3600, DAY_S, 7 * DAY_S, 15 * DAY_S, MONTH_S, 3 * MONTH_S])


@pytest.mark.parametrize(
    ("instant", "interval_s", "start", "end"),
    [
        ("2026-11-21T13:18:06Z", 60, "2026-11-21T13:18:00Z", "2026-11-21T13:19:00Z"),
        ("2026-11-21T13:18:06Z", DAY_S, "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"),
        ("2026-11-21T13:18:06Z", MONTH_S, "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
        ("2026-12-31T23:59:59Z", MONTH_S, "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("2024-02-29T12:00:00Z", MONTH_S, "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"),
        ("2026-02-01T00:00:00Z", MONTH_S, "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"),
        ("2026-12-31T23:59:59Z", 3 * MONTH_S, "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("2026-11-21T13:18:06Z", 3 * MONTH_S, "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z"),
    ],
)
def test_an_instant_lies_in_its_interval(
    instant: str, interval_s: int, start: str, end: str
) -> None:
    assert interval_start(at(instant), interval_s) == at(start)
    assert interval_end(at(start), interval_s) == at(end)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-01-31T16:00:00Z", "2026-02-28T16:00:00Z"),  # midnight in Hong Kong
        ("2026-02-28T16:00:00Z", "2026-03-31T16:00:00Z"),
        ("2026-02-01T05:00:00Z", "2026-03-01T05:00:00Z"),  # midnight in New York
    ],
)
def test_a_month_by_another_clock_ends_by_it(start: str, end: str) -> None:
    assert interval_end(at(start), MONTH_S) == at(end)


@given(INSTANTS, INTERVALS)
def test_intervals_follow_each_other_without_a_hole_in_any_year(
    instant_ns: int, interval_s: int
) -> None:
    start_ns = interval_start(instant_ns, interval_s)
    end_ns = interval_end(start_ns, interval_s)

    assert start_ns <= instant_ns < end_ns
    assert interval_start(end_ns, interval_s) == end_ns
    assert interval_start(end_ns - 1, interval_s) == start_ns


@pytest.mark.parametrize(
    ("given_as", "seconds"),
    [
        (60, 60),
        ("30s", 30),
        ("1m", 60),
        ("15m", 900),
        ("4h", 14_400),
        ("1d", DAY_S),
        ("1w", 7 * DAY_S),
        ("1M", MONTH_S),
        ("3M", 3 * MONTH_S),
    ],
)
def test_an_interval_is_given_in_seconds_or_as_text(given_as: int | str, seconds: int) -> None:
    assert interval_of(given_as) == seconds
    assert interval_text(seconds) == (given_as if isinstance(given_as, str) else "1m")


@pytest.mark.parametrize("odd", [0, -1, True, "", "m", "0m", "1x", "1.5h", "1m ", "9999999m", None])
def test_what_is_no_interval_is_bad_input(odd: Any) -> None:
    with pytest.raises(BadInput, match=r"1m, 5m, 1h, 1d or 1M was expected, was"):
        interval_of(odd)


@pytest.mark.parametrize(
    ("interval_s", "least_s"), [(60, 60), (MONTH_S, 2_419_200), (3 * MONTH_S, 7_257_600)]
)
def test_a_month_may_be_as_short_as_a_february(interval_s: int, least_s: int) -> None:
    assert interval_least_s(interval_s) == least_s
