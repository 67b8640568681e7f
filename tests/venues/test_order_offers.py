"""What a venue takes in an order, and what is refused before anything is sent."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from fluxum.errors import BadInput
from fluxum.model.instrument import Symbol
from fluxum.model.order import (
    Amend,
    Cancel,
    CancelBatch,
    CloseOrder,
    OrderRequest,
    OrderType,
    TimeInForce,
    Trigger,
    TriggerReference,
)
from fluxum.venues.order_offers import NameRule, OrderOffers, named_orders, plain, written

BTC = Symbol("BTC/USD")
OFFERS = OrderOffers(
    venue="toy",
    types=frozenset({OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT}),
    times_in_force=frozenset({TimeInForce.GTC}),
    fields=frozenset({"post_only"}),
    changes=frozenset({"quantity", "limit_price"}),
    names=NameRule("[a-z]+", "of small letters"),
)


def order(**given: Any) -> OrderRequest:
    return OrderRequest(symbol=BTC, side="buy", quantity=1, limit_price=100, **given)


def test_a_trigger_watches_a_price_that_the_venue_knows() -> None:
    stop = {"order_type": "stop_loss_limit", "trigger": Trigger(90, reference="mark")}
    both = frozenset({TriggerReference.LAST, TriggerReference.MARK})

    structs.replace(OFFERS, references=both).check(order(**stop))
    with pytest.raises(BadInput, match="toy has no triggers by mark prices: nothing was sent"):
        OFFERS.check(order(**stop))


def test_what_is_offered_is_taken() -> None:
    OFFERS.check(order())
    OFFERS.check(order(post_only=True, client_order_id="abc", fee_asset=None))
    OFFERS.check(order(order_type="stop_loss_limit", trigger=Trigger(90)))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            {"order_type": "market"},
            "no orders of type market, only limit, stop_loss_limit: nothing was sent",
        ),
        ({"time_in_force": "ioc"}, "toy has no time in force ioc: nothing was sent"),
        ({"margin": True, "reduce_only": True}, "no reduce-only orders, margin orders: nothing"),
        ({"quote_quantity": 5}, "no amounts to spend"),
        ({"display_quantity": 1}, "no icebergs"),
        ({"fee_asset": "base"}, "no choice of the fee's asset"),
        ({"self_trade": "cancel_both"}, "no self-trade prevention"),
        ({"close": CloseOrder(order_type="limit")}, "no close orders"),
        ({"user_reference": 0}, "no user references"),
        ({"effective_ns": 1}, "no time to begin"),
        ({"limit_price_kind": "percent"}, "no distances as prices"),
        ({"trigger": Trigger(1, "quote")}, "no distances as prices"),
        ({"client_order_id": "ABC"}, "a client order id is of small letters at toy, was 'ABC'"),
    ],
)
def test_what_is_lacking_is_named(given: dict[str, Any], text: str) -> None:
    with pytest.raises(BadInput, match=text):
        OFFERS.check(order(**given))


def test_an_amendment_changes_what_is_offered_of_an_order_whose_market_is_known() -> None:
    assert OFFERS.check_amend(Amend(order_id="1", symbol=BTC, quantity=2)) == BTC
    for command in (
        Amend(order_id="1", symbol=BTC, trigger_price=5),
        Amend(order_id="1", symbol=BTC, post_only=True),
        Amend(order_id="1", symbol=BTC, display_quantity=1),
    ):
        with pytest.raises(BadInput, match="toy amends quantity, price alone"):
            OFFERS.check_amend(command)
    with pytest.raises(BadInput, match="toy amends"):
        OFFERS.check_amend(
            Amend(order_id="1", symbol=BTC, limit_price=5, limit_price_kind="percent")
        )
    with pytest.raises(BadInput, match="names an order with its market"):
        OFFERS.check_amend(Amend(order_id="1", quantity=2))


def test_orders_to_cancel_are_named_with_their_markets() -> None:
    command = Cancel(
        order_ids=("1",), client_order_ids=("a",), symbols={"1": BTC, "a": Symbol("ETH/USD")}
    )

    assert list(named_orders("toy", command)) == [(BTC, "1", ""), (Symbol("ETH/USD"), "", "a")]
    with pytest.raises(BadInput, match="at least one id"):
        list(named_orders("toy", CancelBatch()))
    with pytest.raises(BadInput, match="which is not known of '2'"):
        list(named_orders("toy", CancelBatch(order_ids=("2",), symbols={"1": BTC})))


@pytest.mark.parametrize(
    ("value", "text"), [("1E-8", "0.00000001"), ("1E+3", "1000"), ("0.10", "0.10")]
)
def test_numbers_are_written_plainly(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text


@pytest.mark.parametrize("value", [None, "0", "-1", "NaN", "Infinity", "1E+30", "1E-30"])
def test_a_number_that_no_order_has_is_refused(value: str | None) -> None:
    with pytest.raises(BadInput, match="a number above zero"):
        plain(None if value is None else Decimal(value))


def test_given_fields_are_written_by_the_names_of_the_venue() -> None:
    names = {
        "quantity": "qty",
        "limit_price": "px",
        "display_quantity": "shown",
        "client_order_id": "name",
        "reduce_only": "reduce",
    }

    assert written(order(), **names) == {"qty": "1", "px": "100"}
    assert written(order(reduce_only=True, margin=True, client_order_id="abc"), **names) == {
        "qty": "1",
        "px": "100",
        "name": "abc",
        "reduce": True,
    }
    assert written(Amend(order_id="1", quantity="0.50"), quantity="qty", limit_price="px") == {
        "qty": "0.50"
    }
