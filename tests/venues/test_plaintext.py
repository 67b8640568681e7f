"""Numbers and times as most venues write them."""

from decimal import Decimal

import pytest

from fluxum.venues.server.formats import millis, number


@pytest.mark.parametrize(
    ("value", "text"),
    [("1.500", "1.5"), ("100", "100"), ("1E+2", "100"), ("1E-8", "0.00000001"), ("0.000", "0")],
)
def test_numbers_are_plain_digits_without_trailing_zeros(value: str, text: str) -> None:
    assert number(Decimal(value)) == text


def test_no_number_is_no_text_and_times_are_cut_to_milliseconds() -> None:
    assert number(None) == ""
    assert millis(1_767_225_600_123_999_999) == 1_767_225_600_123
