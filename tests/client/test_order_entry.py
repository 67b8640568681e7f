"""Orders as mappings of other clients' names."""

from decimal import Decimal

import pytest

from fluxum import BadInput, OrderRequest, OrderType, PriceKind, Side, TimeInForce, Trigger
from fluxum.client.order_entry import OTHER_NAMES, request_of


def test_names_of_other_clients_make_the_same_request_as_ours() -> None:
    theirs = {
        "order_type": "stop-loss-limit",
        "side": "buy",
        "order_qty": "1.25",
        "symbol": "BTC/USD",
        "limit_price": 37500,
        "time_in_force": "gtc",
        "post_only": False,
        "cl_ord_id": "mine",
        "triggers": {"price": "37000", "price_type": "static"},
    }

    assert request_of(theirs) == OrderRequest(
        symbol="BTC/USD",
        side=Side.BUY,
        order_type=OrderType.STOP_LOSS_LIMIT,
        quantity=Decimal("1.25"),
        limit_price=Decimal(37500),
        time_in_force=TimeInForce.GTC,
        client_order_id="mine",
        trigger=Trigger(Decimal(37000), PriceKind.STATIC),
    )


def test_a_request_is_taken_as_it_is() -> None:
    request = OrderRequest(symbol="BTC/USD", side="sell", quantity="1", limit_price="2")

    assert request_of(request) is request


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"order_qty": 1.25}, "was the float 1.25"),
        ({"quantity": "1", "qty": "1"}, "quantity twice, the second time as 'qty'"),
        ({"quantty": "1"}, "was 'quantty'; perhaps 'quantity' was meant"),
        ({"trigger": {"prize": "1"}}, "a trigger has .*; was 'prize'; perhaps 'price' was meant"),
    ],
)
def test_what_is_no_order_is_refused_by_name(fields: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        request_of({"symbol": "BTC/USD", "side": "buy", **fields})


def test_an_order_needs_its_market_and_side() -> None:
    with pytest.raises(BadInput, match="an order needs a side"):
        request_of({"symbol": "BTC/USD"})


def test_every_other_name_stands_for_a_field() -> None:
    assert set(OTHER_NAMES.values()) <= set(OrderRequest.__struct_fields__)
