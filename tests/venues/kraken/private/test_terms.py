"""What Kraken allows those who trade, by the published figures and examples.

https://docs.kraken.com/api/docs/guides/spot-ratelimits
"""

from decimal import Decimal

import pytest

from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import CloseOrder, OrderRequest, OrderType
from fluxum.venues.kraken.private.terms import TIERS
from fluxum.venues.rates import Decaying
from fluxum.venues.trading import TradingAllowance

SECOND_NS = 1_000_000_000


def allowance(tier: str) -> TradingAllowance:
    found = TIERS[tier].orders.allowance
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("tier", "most", "decay_per_s", "orders_max"),
    [("starter", 60, "1", 60), ("intermediate", 125, "2.34", 80), ("pro", 180, "3.75", 225)],
)
def test_each_tier_has_its_published_numbers(
    tier: str, most: int, decay_per_s: str, orders_max: int
) -> None:
    found = allowance(tier)

    (limit,) = found.rates
    assert limit.by_symbol
    assert limit.rate == Decaying(Decimal(most), Decimal(decay_per_s))
    assert found.orders_max == orders_max


@pytest.mark.parametrize(
    ("age_s", "amend", "edit", "cancel"),
    [
        (0, 3, 6, 8),
        (5, 2, 5, 6),
        (10, 1, 4, 5),
        (15, 0, 2, 4),
        (45, 0, 1, 2),
        (90, 0, 0, 1),
        (300, 0, 0, 0),
    ],
)
def test_changing_a_young_order_costs_more(age_s: int, amend: int, edit: int, cancel: int) -> None:
    found, age_ns = allowance("pro"), age_s * SECOND_NS

    assert found.amend_ages.cost(age_ns) == amend
    assert found.edit_ages.cost(age_ns) == edit
    assert found.cancel_ages.cost(age_ns) == cancel


@pytest.mark.parametrize(
    ("name", "is_taken"),
    [
        ("6d1b345e-2821-40e2-ad83-4ecb18a06876", True),
        ("da8e4ad59b78481c93e589746b0cf91f", True),
        ("arb-20240509-00010", True),
        ("arb-20240509-000100", False),
        ("", False),
        ("a name", False),
    ],
)
def test_names_are_uuids_or_short(name: str, is_taken: bool) -> None:
    # https://docs.kraken.com/api/docs/guides/spot-clordid
    assert TIERS["pro"].orders.is_name(name) is is_taken


def test_an_order_with_a_close_order_can_have_no_name() -> None:
    plain = OrderRequest(symbol=Symbol("BTC/USD"), side=Side.BUY, quantity=Decimal(1))
    closing = OrderRequest(
        symbol=Symbol("BTC/USD"),
        side=Side.BUY,
        quantity=Decimal(1),
        close=CloseOrder(order_type=OrderType.LIMIT),
    )

    assert TIERS["pro"].orders.supports_client_id(plain)
    assert not TIERS["pro"].orders.supports_client_id(closing)


def test_a_deadline_that_elapsed_leaves_doubt_and_a_want_of_funds_does_not() -> None:
    is_ambiguous = TIERS["pro"].orders.is_ambiguous

    assert is_ambiguous("EService:Deadline elapsed")
    assert not is_ambiguous("EOrder:Insufficient funds")
