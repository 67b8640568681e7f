"""Tests of Kraken's plain text: digits are never lost, added or written as an exponent."""

from decimal import Decimal

import pytest

from fluxum.venues.kraken.server.formats import micros, nanos, plain


@pytest.mark.parametrize(
    ("number", "precision", "text"),
    [
        ("45283.50", 1, "45283.5"),
        ("45283", 1, "45283.0"),
        ("0.00100000", 8, "0.00100000"),
        ("0.001", 8, "0.00100000"),
        ("1E-8", 8, "0.00000001"),
        ("1.0E-7", 8, "0.00000010"),
        ("1.5E+3", 1, "1500.0"),
        ("0E-8", 8, "0.00000000"),
        ("-429.3", 1, "-429.3"),
        ("-0.51", 2, "-0.51"),
        ("12", 0, "12"),
        ("1E+2", 0, "100"),
    ],
)
def test_a_number_has_exactly_the_decimals_of_its_precision(
    number: str, precision: int, text: str
) -> None:
    assert plain(Decimal(number), precision) == text.encode()


def test_times_have_six_or_nine_digits_cut_and_not_rounded() -> None:
    instant_ns = 1_790_358_506_844_359_999

    assert micros(instant_ns) == b"2026-09-25T17:48:26.844359Z"
    assert nanos(instant_ns) == b"2026-09-25T17:48:26.844359999Z"


def test_a_full_second_keeps_its_zeros() -> None:
    assert micros(1_767_225_600_000_000_000) == b"2026-01-01T00:00:00.000000Z"
