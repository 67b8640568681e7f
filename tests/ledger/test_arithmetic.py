"""Exact numbers: what passes, what is refused, and where rounding is allowed."""

from decimal import Decimal, Inexact, localcontext

import pytest

from fluxum.errors import BadInput
from fluxum.ledger.arithmetic import EXACT, average, checked, positive, quotient


@pytest.mark.parametrize(
    "text", ["0", "-1.5", "1E-40", "9.9E+39", "0.00000001", "123456789012345678901234567890.5"]
)
def test_plain_numbers_pass(text: str) -> None:
    number = Decimal(text)

    assert checked(number, "it") is number


@pytest.mark.parametrize(
    "value",
    [
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        Decimal("-Infinity"),
        Decimal("1E+40"),
        Decimal("1E-41"),
        Decimal("1." + "1" * 60),
        1.5,
        1,
        "1",
        None,
    ],
    ids=repr,
)
def test_what_sums_have_no_room_for_is_refused_and_shown(value: object) -> None:
    with pytest.raises(BadInput, match="the price: a Decimal of at most 60 characters") as raised:
        checked(value, "the price")

    assert repr(value)[:20] in str(raised.value)


@pytest.mark.parametrize("text", ["0", "-0.1", "0E-8"])
def test_a_price_is_above_zero(text: str) -> None:
    with pytest.raises(BadInput, match=f"a mark: a number above zero was expected, was {text}"):
        positive(Decimal(text), "a mark")


def test_sums_at_the_limits_are_exact_and_rounding_is_an_error() -> None:
    wide, fine = Decimal("9" * 39), Decimal("1E-40")

    with localcontext(EXACT):
        total = wide * wide + fine * fine

        assert total - wide * wide == Decimal("1E-80")
        with pytest.raises(Inexact):
            assert Decimal(1) / Decimal(3)


def test_quotients_have_forty_digits_and_never_more_than_eighty_places() -> None:
    assert quotient(Decimal(1), Decimal(3)) == Decimal("0." + "3" * 40)
    assert quotient(Decimal(600), Decimal(4)) == Decimal(150)
    assert quotient(Decimal("1E-60"), Decimal(3)) == Decimal("3" * 20 + "E-80")


def test_averages_for_people_have_twenty_eight_digits_whatever_the_caller_uses() -> None:
    with localcontext(prec=3):
        assert average(Decimal(2), Decimal(3)) == Decimal("0." + "6" * 27 + "7")

    assert average(Decimal(0), Decimal(0)) is None
