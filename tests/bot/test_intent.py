"""Intents are checked when they are made, and each error shows what was given."""

from decimal import Decimal
from typing import Any

import pytest

from fluxum.bot import Amend, Leg, Market, Place, Quote, Target, Together
from fluxum.errors import BadInput
from fluxum.model.levels import Level
from fluxum.model.market import Side
from fluxum.model.order import TimeInForce

ONE = Market("one", "BTC/USD")
TWO = Market("two", "BTC/USD")


def level(price: str, quantity: str = "1") -> Level:
    return Level(Decimal(price), Decimal(quantity))


def test_a_quote_whose_sides_cross_is_refused() -> None:
    with pytest.raises(BadInput, match="a bid below the ask was expected, was 100 and 100"):
        Quote(ONE, level("100"), level("100"))


def test_a_quote_of_nothing_is_refused_and_a_missing_side_is_not() -> None:
    with pytest.raises(BadInput, match="quantity: a number above zero"):
        Quote(ONE, level("100", "0"))
    assert Quote(ONE, ask=level("101")).bid is None


def test_text_becomes_numbers_and_words() -> None:
    placed = Place(ONE, "buy", "0.5", "100", time_in_force="ioc")

    assert placed == Place(ONE, Side.BUY, Decimal("0.5"), Decimal(100), None, TimeInForce.IOC)
    assert Target(ONE, "-2").quantity == Decimal(-2)
    assert Leg(ONE, "sell", 1, 100).side is Side.SELL
    assert Amend(ONE, "a", limit="99").limit == Decimal(99)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Place(ONE, "hold", 1), "side: one of buy, sell was expected, was 'hold'"),
        (lambda: Place(ONE, "buy", -1), "quantity: a number above zero was expected, was -1"),
        (lambda: Target(ONE, 0.5), "quantity: .* was the float 0.5, which is not exact"),  # type: ignore[arg-type]
        (lambda: Target("one", 1), "market: Market was expected, was 'one'"),  # type: ignore[arg-type]
        (lambda: Together((Leg(ONE, "buy", 1, 1),), 1), "two legs or more were expected, was 1"),
        (
            lambda: Together((Leg(ONE, "buy", 1, 1), Leg(TWO, "sell", 1, 1)), 0),
            "unhedged_s: a number above zero was expected, was 0",
        ),
    ],
)
def test_nonsense_is_refused_by_name(make: Any, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        make()
