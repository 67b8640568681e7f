"""Tests of times on the wire."""

import pytest

from fluxum.errors import RemoteProtocolError
from fluxum.venues.coinbase.instants import Instants, instant_text

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
    instants = Instants()

    for _ in range(2):
        assert instants.read(text) == SECOND_NS + fraction_ns
        assert instants.read("2026-08-09T21:05:48.1Z") == SECOND_NS + 100_000_000
        assert instants.read("1970-01-01T00:00:00Z") is None
        assert instants.read("0001-01-01T00:00:00.5Z") is None


@pytest.mark.parametrize("text", ["Z", "yesterday", "2026-08-09T21:05:48.1234567890Z"])
def test_what_is_no_time_is_refused(text: str) -> None:
    instants = Instants()
    instants.read("2026-08-09T21:05:48.1Z")

    with pytest.raises(RemoteProtocolError, match="a time like"):
        instants.read(text)


def test_trailing_zeros_are_not_written() -> None:
    assert instant_text(SECOND_NS + 228_568_800) == "2026-08-09T21:05:48.2285688Z"
    assert instant_text(SECOND_NS) == "2026-08-09T21:05:48Z"


def test_no_time_at_all_is_none() -> None:
    assert Instants().read("") is None
