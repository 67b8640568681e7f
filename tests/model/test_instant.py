"""Instants: text to nanoseconds and back, digit for digit."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxum.errors import BadInput
from fluxum.model.instant import (
    format_rfc3339,
    format_second,
    instant_of,
    parse_rfc3339,
    plausible_ns,
)

# 2023-10-06T17:35:55Z is 1696613755 (`date -u -d 2023-10-06T17:35:55Z +%s`).
SECOND_NS = 1_696_613_755 * 1_000_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2023-10-06T17:35:55Z", SECOND_NS),
        ("2023-10-06T17:35:55", SECOND_NS),
        ("2023-10-06T17:35:55.4Z", SECOND_NS + 400_000_000),
        ("2023-10-06T17:35:55.440295Z", SECOND_NS + 440_295_000),
        ("2023-10-06T17:35:55.4402951Z", SECOND_NS + 440_295_100),
        ("2023-10-06T17:35:55.440295123Z", SECOND_NS + 440_295_123),
        ("2023-10-06T17:35:55.000000001", SECOND_NS + 1),
        ("1969-12-31T23:59:59.999999999Z", -1),
    ],
)
def test_text_with_any_fraction_is_read_exactly(text: str, expected: int) -> None:
    assert parse_rfc3339(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2023-10-06",
        "2023-10-06 17:35:55Z",
        "2023-1-6T1:3:5",
        "2023-10-06T17:35:55.Z",
        "2023-10-06T17:35:55.1234567890Z",
        "2023-10-06T17:35:55.12x456Z",
        "2023-10-06T17:35:55.-12345Z",
        "2023-10-06T17:35:55. 12345Z",
        "2023-10-06T17:35:55.1_2345Z",
        "2023-10-06T17:35:55+01:00",
        "2023-02-30T00:00:00Z",
        "2023-10-06T25:00:00Z",
        "2023-10-06T17:35:55ZZ",
    ],
)
def test_anything_else_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_rfc3339(text)
    assert repr(text) in str(caught.value)


def test_text_is_written_with_nine_digits() -> None:
    assert format_rfc3339(SECOND_NS + 440_295_001) == "2023-10-06T17:35:55.440295001Z"
    assert format_rfc3339(-1) == "1969-12-31T23:59:59.999999999Z"


@given(st.integers(-(10**18), 4 * 10**18))
def test_what_is_written_is_read_back(instant_ns: int) -> None:
    assert parse_rfc3339(format_rfc3339(instant_ns)) == instant_ns


@given(st.text(max_size=40))
def test_no_text_raises_anything_but_bad_input(text: str) -> None:
    with suppress(BadInput):
        parse_rfc3339(text)


@pytest.mark.parametrize(
    ("text", "is_plausible"),
    [
        ("0001-01-01T00:00:00Z", False),
        ("1970-01-01T00:00:00Z", False),
        ("1970-01-21T00:00:00Z", False),  # seconds taken for milliseconds
        ("2009-01-03T00:00:00Z", True),
        ("2026-11-28T00:00:00Z", True),
        ("9999-12-31T23:59:59Z", False),
    ],
)
def test_instants_no_exchange_can_mean_are_none(text: str, is_plausible: bool) -> None:
    instant_ns = parse_rfc3339(text)

    assert plausible_ns(instant_ns) == (instant_ns if is_plausible else None)


@pytest.mark.parametrize(
    "given_as",
    [
        1_767_225_600_000_000_000,
        "2026-01-01T00:00:00Z",
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
    ],
)
def test_an_instant_is_given_in_nanoseconds_as_a_datetime_or_as_text(given_as: Any) -> None:
    assert instant_of(given_as) == 1_767_225_600_000_000_000
    assert instant_of(0) == 0


def test_a_datetime_loses_no_microsecond() -> None:
    assert instant_of(datetime(2026, 1, 1, 0, 0, 0, 123_457, UTC)) % 10**9 == 123_457_000


@pytest.mark.parametrize(
    "odd",
    [
        1_767_225_600,
        1_767_225_600_000,
        -1,
        True,
        False,
        1.767e18,
        "today",
        "",
        None,
        datetime(2026, 1, 1),  # noqa: DTZ001 - of no time zone
    ],
)
def test_what_is_no_instant_is_bad_input(odd: Any) -> None:
    with pytest.raises(BadInput, match="was expected, was"):
        instant_of(odd)


def test_people_are_shown_seconds() -> None:
    assert format_second(SECOND_NS + 999_999_999) == "2023-10-06T17:35:55Z"
