"""What callers hand in: what is taken, and what is refused with its value."""

from decimal import Decimal
from enum import Enum

import pytest

from fluxum.errors import BadInput
from fluxum.model import input as given
from fluxum.model.instrument import Symbol


class Outgoing(Enum):
    STOP_LOSS = "stop_loss"
    LIMIT = "limit"
    OTHER = "other"


@pytest.mark.parametrize(
    "value", [Outgoing.STOP_LOSS, "stop_loss", "STOP_LOSS", "stop-loss", "Stop Loss", " stop_loss "]
)
def test_a_member_is_taken_as_itself_and_as_text(value: object) -> None:
    assert given.choice(Outgoing, value, "kind") is Outgoing.STOP_LOSS


@pytest.mark.parametrize("value", ["stop", "", 3, None, ["limit"], 0.5])
def test_what_is_no_member_is_refused_with_all_that_are(value: object) -> None:
    with pytest.raises(BadInput) as refused:
        given.choice(Outgoing, value, "kind")

    assert str(refused.value) == (
        f"kind: one of stop_loss, limit, other was expected, was {value!r}"
    )


@pytest.mark.parametrize("value", [Outgoing.OTHER, "other"])
def test_what_only_venues_say_cannot_be_requested(value: object) -> None:
    with pytest.raises(BadInput, match="one of stop_loss, limit was expected"):
        given.choice_of(Outgoing)(value, "kind")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("0.10", "0.10"), (5, "5"), (Decimal("1E-8"), "1E-8"), ("-3", "-3"), ("1e3", "1E+3")],
)
def test_numbers_are_taken_digit_for_digit(value: object, expected: str) -> None:
    assert str(given.number(value, "price")) == expected


def test_a_float_is_refused_by_name() -> None:
    with pytest.raises(BadInput, match=r"price: .* was the float 0\.1, which is not exact"):
        given.number(0.1, "price")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("ten", "'ten'"),
        ("", "''"),
        ("1,5", "'1,5'"),
        ("NaN", "'NaN'"),
        (Decimal("Infinity"), "Infinity"),
        (True, "True"),
        (None, "None"),
        ("1E+50", "'1E\\+50'"),
        (Decimal("1E-50"), "1E-50"),
        ("1" * 61, "'111"),
        (2**300, "an int of 301 bits"),
    ],
)
def test_what_is_no_number_is_refused_with_the_value(value: object, shown: str) -> None:
    with pytest.raises(BadInput, match=f"price: a number .* was expected, was {shown}"):
        given.number(value, "price")


def test_a_balance_is_not_negative() -> None:
    assert given.not_negative("0", "USD") == 0
    with pytest.raises(BadInput, match=r"USD: a number that is not negative .*, was '-0\.1'"):
        given.not_negative("-0.1", "USD")


@pytest.mark.parametrize("value", [0, "-0", "-1", Decimal("-1E-8")])
def test_a_quantity_is_above_zero(value: object) -> None:
    with pytest.raises(BadInput, match="quantity: a number above zero"):
        given.positive(value, "quantity")


@pytest.mark.parametrize("value", [True, 1.0, "1", None])
def test_an_instant_is_an_int(value: object) -> None:
    with pytest.raises(BadInput, match="an int was expected"):
        given.whole(value, "expires_ns")


@pytest.mark.parametrize("value", [1, "yes", None])
def test_a_flag_is_true_or_false(value: object) -> None:
    with pytest.raises(BadInput, match="true or false"):
        given.flag(value, "post_only")


def test_several_are_a_tuple_and_never_the_letters_of_one() -> None:
    assert given.texts(["a", "b"], "ids") == ("a", "b")
    with pytest.raises(BadInput, match="ids: a tuple was expected, was 'O-1'"):
        given.texts("O-1", "ids")
    with pytest.raises(BadInput, match="ids: text was expected, was 1"):
        given.texts((1,), "ids")


def test_a_market_is_taken_as_text() -> None:
    taken = given.symbol("BTC/USD", "symbol")

    assert isinstance(taken, Symbol)
    with pytest.raises(BadInput, match="was 'BTCUSD'"):
        given.symbol("BTCUSD", "symbol")
    with pytest.raises(BadInput, match="symbol: text was expected, was 5"):
        given.symbol(5, "symbol")


def test_an_asset_has_a_name() -> None:
    assert given.asset("BTC", "asset") == "BTC"
    with pytest.raises(BadInput, match="asset: the name"):
        given.asset("", "asset")
