"""Market facts: what they tell beyond their fields."""

from decimal import Decimal

import pytest

from fluxum.model.instrument import Symbol
from fluxum.model.market import Level, Side, Ticker


def ticker(bid: str | None, ask: str | None) -> Ticker:
    return Ticker(
        venue="kraken",
        symbol=Symbol("BTC/USD"),
        bid=None if bid is None else Decimal(bid),
        ask=None if ask is None else Decimal(ask),
        received_ns=1,
    )


def test_sides_are_each_others_opposite() -> None:
    assert Side.BUY.opposite is Side.SELL
    assert Side.SELL.opposite is Side.BUY


def test_a_ticker_tells_spread_and_mid() -> None:
    told = ticker("99", "101")

    assert told.spread == Decimal(2)
    assert told.mid == Decimal(100)
    assert told.spread_percent == Decimal(2)


def test_the_digits_of_the_spread_are_exact() -> None:
    assert str(ticker("0.1", "0.3").spread) == "0.2"


@pytest.mark.parametrize(("bid", "ask"), [(None, "1"), ("1", None), (None, None)])
def test_without_a_side_there_is_no_spread(bid: str | None, ask: str | None) -> None:
    told = ticker(bid, ask)

    assert told.spread is None
    assert told.mid is None
    assert told.spread_percent is None


def test_a_mid_of_nothing_has_no_percentage() -> None:
    assert ticker("0", "0").spread_percent is None


def test_facts_cannot_be_changed() -> None:
    level = Level(Decimal(1), Decimal(2))

    with pytest.raises(AttributeError):
        level.price = Decimal(3)  # type: ignore[misc]
