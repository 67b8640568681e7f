"""Tests of times on the wire."""

import pytest

from fluxum.errors import RemoteProtocolError
from fluxum.venues.coinbase.instants import instant_text, read_instant

SECOND_NS = 1_786_309_548_000_000_000  # 2026-08-09T21:05:48Z


@pytest.mark.parametrize(
    ("text", "fraction_ns"),
    [
        ("2026-08-09T21:05:48.228568804Z", 228_568_804),
        ("2026-08-09T21:05:48.22856880Z", 228_568_800),
        ("2026-08-09T21:05:48.5Z", 500_000_000),
        ("2026-08-09T21:05:48Z", 0),
    ],
)
def test_a_time_is_read_to_its_last_digit_first_and_again(text: str, fraction_ns: int) -> None:
    for _ in range(2):
        assert read_instant(text) == SECOND_NS + fraction_ns
        assert read_instant("2026-08-09T21:05:48.1Z") == SECOND_NS + 100_000_000
        assert read_instant("1970-01-01T00:00:00Z") is None
        assert read_instant("0001-01-01T00:00:00.5Z") is None


@pytest.mark.parametrize("text", ["Z", "yesterday", "2026-08-09T21:05:48.1234567890Z"])
def test_what_is_no_time_is_refused(text: str) -> None:
    read_instant("2026-08-09T21:05:48.1Z")  # a second that is remembered

    with pytest.raises(RemoteProtocolError, match="a time like"):
        read_instant(text)


def test_trailing_zeros_are_not_written() -> None:
    assert instant_text(SECOND_NS + 228_568_800) == "2026-08-09T21:05:48.2285688Z"
    assert instant_text(SECOND_NS) == "2026-08-09T21:05:48Z"


def test_no_time_at_all_is_none() -> None:
    assert read_instant("") is None
