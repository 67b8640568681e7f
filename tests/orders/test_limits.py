"""Limits: what makes none, and what is taken."""

from decimal import Decimal
from typing import Any

import pytest

from fluxum.errors import BadInput
from fluxum.model.instrument import Symbol
from fluxum.orders.limits import RiskLimits
from orders.gateways import BTC, ETH


def test_there_is_a_collar_unless_it_is_taken_off() -> None:
    assert RiskLimits().collar_percent == 10
    assert RiskLimits(collar_percent="2.5").collar_percent == Decimal("2.5")
    assert RiskLimits(collar_percent=None).collar_percent is None


def test_limits_are_taken_as_text_too() -> None:
    limits = RiskLimits(
        quantity_max="0.5",
        notional_max=5000,
        position_max={"BTC/USD": "1"},
        exposure_max={"BTC": "2"},
        account_exposure_max="10000",
        account_asset="USD",
        symbols=["BTC/USD"],
    )

    assert (limits.quantity_max, limits.notional_max) == (Decimal("0.5"), Decimal(5000))
    assert limits.position_max == {BTC: Decimal(1)}
    assert limits.exposure_max == {"BTC": Decimal(2)}
    assert limits.symbols == frozenset({BTC})
    assert all(isinstance(symbol, Symbol) for symbol in limits.symbols or ())


def test_a_position_is_limited_in_all_markets_or_in_some() -> None:
    assert RiskLimits(position_max="3").position_of(ETH) == 3
    assert RiskLimits(position_max={ETH: 3}).position_of(ETH) == 3
    assert RiskLimits(position_max={ETH: 3}).position_of(BTC) is None
    assert RiskLimits().position_of(BTC) is None


@pytest.mark.parametrize(
    ("limits", "shown"),
    [
        ({"quantity_max": Decimal(0)}, "quantity_max: a number above zero was expected, was 0"),
        ({"quantity_max": 0.5}, "the float 0.5"),
        ({"notional_max": "much"}, "was 'much'"),
        ({"collar_percent": Decimal("NaN")}, "collar_percent: .* was NaN"),
        ({"collar_percent": -1}, "was -1"),
        ({"orders_max": 0}, "orders_max: 1 or more was expected, was 0"),
        ({"per_second_max": "5"}, "per_second_max: an int"),
        ({"per_minute_max": True}, "per_minute_max: an int"),
        ({"position_max": -1}, "position_max"),
        ({"position_max": {"BTC": 1}}, "was 'BTC'"),
        ({"position_max": {"BTC/USD": 0}}, "position_max of BTC/USD: a number above zero"),
        ({"position_max": [1]}, "position_max: a mapping was expected, was .1."),
        ({"exposure_max": 5}, "exposure_max: a mapping was expected, was 5"),
        ({"exposure_max": {"": 1}}, "the name of an asset"),
        ({"account_exposure_max": 5}, "go together, were 5 and None"),
        ({"account_asset": "USD"}, "go together, were None and USD"),
        ({"daily_loss_max": "0"}, "daily_loss_max"),
        ({"drawdown_max": 1.0}, "drawdown_max"),
        ({"symbols": "BTC/USD"}, "symbols: a tuple was expected, was 'BTC/USD'"),
        ({"symbols": ["BTC"]}, "was 'BTC'"),
    ],
)
def test_limits_that_make_no_sense_are_refused(limits: dict[str, Any], shown: str) -> None:
    with pytest.raises(BadInput, match=shown):
        RiskLimits(**limits)


def test_some_limits_need_to_know_what_is_held_or_earned() -> None:
    none = RiskLimits(quantity_max=1, orders_max=1)
    of_positions: list[dict[str, Any]] = [
        {"position_max": 1},
        {"exposure_max": {"BTC": 1}},
        {"account_exposure_max": 1, "account_asset": "USD"},
    ]

    assert [none.are_of_positions, none.are_of_profit] == [False, False]
    assert all(RiskLimits(**limits).are_of_positions for limits in of_positions)
    assert RiskLimits(daily_loss_max=1).are_of_profit
    assert RiskLimits(drawdown_max=1).are_of_profit
