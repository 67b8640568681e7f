"""Numbers as texts: rounded for reading, by hand."""

from decimal import Decimal

import pytest

from fluxum.report.trading import Cost
from fluxum.report.wording import (
    amount_text,
    bps_text,
    cost_text,
    duration_text,
    rate_text,
    ratio_text,
    share_text,
    signed_text,
)

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "unknown"),
        ("0", "0"),
        ("0E-8", "0"),
        ("1234567.891", "1,234,567.89"),
        ("-12.345", "-12.34"),
        ("1.23456", "1.235"),
        ("5", "5.00"),
        ("0.000123456", "0.0001235"),
        ("0.5", "0.5"),
        ("0.01", "0.01"),
        ("100", "100.00"),
        ("1E+30", "1,000,000,000,000,000,000,000,000,000,000.00"),
        ("1E-20", "0"),
    ],
)
def test_amounts(value: str | None, text: str) -> None:
    assert amount_text(None if value is None else Decimal(value)) == text


def test_signs_shares_and_basis_points() -> None:
    assert signed_text(Decimal("12.5")) == "+12.50"
    assert signed_text(Decimal("-12.5")) == "-12.50"
    assert signed_text(Decimal(0)) == "0"
    assert signed_text(None) == "unknown"
    assert share_text(Decimal("0.012345")) == "1.23 %"
    assert share_text(Decimal("0.0000046")) == "0.00046 %"
    assert share_text(Decimal(0)) == "0.00 %"
    assert share_text(None) == "unknown"
    assert rate_text(Decimal("0.00001")) == "0.001 %"
    assert rate_text(Decimal("-0.0025")) == "-0.25 %"
    assert bps_text(Decimal("-2.026")) == "-2.03 bps"


def test_a_cost_that_was_not_measured_is_not_zero() -> None:
    zero = Decimal(0)

    assert cost_text(Cost(amount=zero, value=zero, bps=None, fills=0, unmeasured=3)) == "unknown"
    assert cost_text(Cost(amount=zero, value=zero, bps=None, fills=0, unmeasured=0)) == "no fills"
    assert cost_text(Cost(amount=zero, value=zero, bps=zero, fills=1, unmeasured=0)) == "+0.00 bps"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "undefined"),
        (0.95051, "0.9505"),
        (-0.5, "-0.5000"),
        (12.345, "12.35"),
        (1139.94, "1,140"),
    ],
)
def test_ratios(value: float | None, text: str) -> None:
    assert ratio_text(value) == text


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0.0 s"),
        (5 * SECOND, "5.0 s"),
        (200 * SECOND, "3 min 20 s"),
        (3600 * SECOND, "1 h"),
        (187_500 * SECOND, "2 d 4 h"),
        (86_400_000 * SECOND, "1,000 d"),
    ],
)
def test_durations(ns: int, text: str) -> None:
    assert duration_text(ns) == text
