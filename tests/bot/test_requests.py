"""Requests that are copies of checked ones are those that a constructor makes, and are checked."""

from decimal import Decimal

import pytest

from fluxum.bot.account import BotOrder
from fluxum.bot.market import Market
from fluxum.bot.planner import New
from fluxum.bot.requests import amend_of, changed, of_new, of_order
from fluxum.bot.view import OrderRole
from fluxum.errors import BadInput
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import Amend, OrderRequest, OrderType, TimeInForce

MARKET = Market("v", "BTC/USD")
ORDER = BotOrder(
    name="n",
    market=MARKET,
    side=Side.SELL,
    role=OrderRole.QUOTE,
    price=Decimal(101),
    quantity=Decimal(2),
    order_id="id",
)


def new(quantity: str, price: str | None, *, at_once: bool = False, post_only: bool = False) -> New:
    return New(
        side=Side.BUY,
        quantity=Decimal(quantity),
        price=None if price is None else Decimal(price),
        role=OrderRole.QUOTE,
        at_once=at_once,
        post_only=post_only,
    )


def test_a_limit_order_is_as_a_constructor_makes_it() -> None:
    assert of_new(MARKET, new("0.5", "100", post_only=True), "name") == OrderRequest(
        symbol=Symbol("BTC/USD"),
        side=Side.BUY,
        quantity=Decimal("0.5"),
        limit_price=Decimal(100),
        post_only=True,
        client_order_id="name",
    )


def test_at_once_is_for_orders_with_a_limit() -> None:
    assert of_new(MARKET, new("1", "100", at_once=True), "").time_in_force is TimeInForce.IOC
    market = of_new(MARKET, new("1", None, at_once=True), "")
    assert market.time_in_force is TimeInForce.GTC
    assert market.order_type is OrderType.MARKET
    assert market.limit_price is None


def test_copies_share_nothing() -> None:
    first = of_new(MARKET, new("1", "100", post_only=True), "a")
    second = of_new(MARKET, new("2", "200"), "b")

    assert (first.quantity, first.client_order_id, first.post_only) == (Decimal(1), "a", True)
    assert (second.quantity, second.client_order_id, second.post_only) == (Decimal(2), "b", False)


@pytest.mark.parametrize(("quantity", "price"), [("0", "1"), ("-1", "1"), ("1", "0"), ("1", "-2")])
def test_numbers_that_make_no_sense_are_refused(quantity: str, price: str) -> None:
    with pytest.raises(BadInput, match="above zero"):
        of_new(MARKET, new(quantity, price), "")


def test_a_change_keeps_what_is_not_given_and_leaves_the_request_as_it_was() -> None:
    before = of_order(ORDER)

    assert changed(before, Decimal(3), None) == OrderRequest(
        symbol=MARKET.symbol, side=Side.SELL, quantity=Decimal(3), limit_price=Decimal(101)
    )
    assert changed(before, None, Decimal(99)).limit_price == Decimal(99)
    assert before == of_order(ORDER)
    with pytest.raises(BadInput, match="above zero"):
        changed(before, None, Decimal(0))


def test_an_amendment_names_the_order_by_both_ids() -> None:
    assert amend_of(ORDER, None, Decimal(99)) == Amend(
        order_id="id", client_order_id="n", symbol=MARKET.symbol, limit_price=Decimal(99)
    )
