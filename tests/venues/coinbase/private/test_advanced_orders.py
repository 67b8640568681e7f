"""Orders as they are sent: every type and time in force, and what the venue has no word for."""

import json
from typing import Any

import pytest

from fluxum.errors import BadInput
from fluxum.model.order import CloseOrder, OrderRequest, Place, PlaceBatch, PriceKind, Trigger
from fluxum.venues.coinbase.advanced.private.commands import order_commands
from fluxum.venues.conversation import Fetch

UP, DOWN = "STOP_DIRECTION_STOP_UP", "STOP_DIRECTION_STOP_DOWN"
ENDS_NS = 1_622_455_199_000_000_000  # 2021-05-31T09:59:59Z


def request(**fields: Any) -> OrderRequest:
    given: dict[str, Any] = {"symbol": "BTC/USD", "side": "buy"}
    given["client_order_id"] = "0000-00000-000000"
    return OrderRequest(**(given | fields))


def limit(**fields: Any) -> OrderRequest:
    return request(quantity="0.001", limit_price="10000.00", **fields)


def stop(kind: str, side: str, **fields: Any) -> OrderRequest:
    return limit(order_type=kind, side=side, trigger=Trigger("20000.00"), **fields)


def body(order: OrderRequest) -> dict[str, Any]:
    (call,) = order_commands(lambda _name: None).effects(Place(request=order), "7")
    assert isinstance(call, Fetch)
    sent: dict[str, Any] = json.loads(call.body)
    return sent


def test_an_order_is_sent_as_it_is_published() -> None:
    assert body(limit()) == {
        "client_order_id": "0000-00000-000000",
        "product_id": "BTC-USD",
        "side": "BUY",
        "order_configuration": {
            "limit_limit_gtc": {
                "base_size": "0.001",
                "limit_price": "10000.00",
                "post_only": False,
            }
        },
    }


SIZED = {"base_size": "0.001", "limit_price": "10000.00"}
STOPPED = {**SIZED, "stop_price": "20000.00"}
ENDS = {"end_time": "2021-05-31T09:59:59Z"}


@pytest.mark.parametrize(
    ("order", "wanted"),
    [
        (
            request(order_type="market", quantity="0.001"),
            {"market_market_ioc": {"base_size": "0.001"}},
        ),
        (
            request(order_type="market", quote_quantity="10.00"),
            {"market_market_ioc": {"quote_size": "10.00"}},
        ),
        (
            request(order_type="market", quantity="0.001", time_in_force="fok"),
            {"market_market_fok": {"base_size": "0.001"}},
        ),
        (limit(time_in_force="ioc"), {"sor_limit_ioc": SIZED}),
        (limit(time_in_force="fok"), {"limit_limit_fok": SIZED}),
        (limit(post_only=True), {"limit_limit_gtc": {**SIZED, "post_only": True}}),
        (
            limit(time_in_force="gtd", expires_ns=ENDS_NS),
            {"limit_limit_gtd": {**SIZED, **ENDS, "post_only": False}},
        ),
        (
            stop("stop_loss_limit", "buy"),
            {"stop_limit_stop_limit_gtc": {**STOPPED, "stop_direction": UP}},
        ),
        (
            stop("stop_loss_limit", "sell"),
            {"stop_limit_stop_limit_gtc": {**STOPPED, "stop_direction": DOWN}},
        ),
        (
            stop("take_profit_limit", "buy"),
            {"stop_limit_stop_limit_gtc": {**STOPPED, "stop_direction": DOWN}},
        ),
        (
            stop("take_profit_limit", "sell", time_in_force="gtd", expires_ns=ENDS_NS),
            {"stop_limit_stop_limit_gtd": {**STOPPED, **ENDS, "stop_direction": UP}},
        ),
    ],
)
def test_every_type_and_time_in_force_has_its_configuration(
    order: OrderRequest, wanted: dict[str, Any]
) -> None:
    assert body(order)["order_configuration"] == wanted


@pytest.mark.parametrize(
    ("order", "missing"),
    [
        (stop("stop_loss", "sell"), "orders of type stop_loss"),
        (limit(order_type="iceberg", display_quantity="0.0001"), "no orders of type iceberg"),
        (limit(reduce_only=True), "reduce-only"),
        (limit(margin=True), "margin"),
        (limit(self_trade="cancel_newest"), "self-trade"),
        (limit(fee_asset="base"), "fee's asset"),
        (limit(effective_ns=1), "time to begin"),
        (limit(close=CloseOrder(order_type="limit", limit_price="1")), "close orders"),
        (limit(user_reference=7), "user references"),
        (limit(limit_price_kind=PriceKind.PERCENT), "distances as prices"),
        (stop("stop_loss_limit", "sell", time_in_force="ioc"), "stop_loss_limit order ioc"),
        (limit(order_type="stop_loss_limit"), "stop_loss_limit order gtc"),
        (limit(trigger=Trigger("1")), "limit order gtc"),
        (limit(client_order_id=""), "without a client order id"),
        (limit(client_order_id="x" * 129), "1 to 128 characters"),
    ],
)
def test_what_the_venue_has_no_word_for_is_named(order: OrderRequest, missing: str) -> None:
    with pytest.raises(BadInput, match=missing):
        body(order)


def test_a_batch_has_ten_orders_at_most() -> None:
    with pytest.raises(BadInput, match="1 to 10 orders"):
        order_commands(lambda _name: None).effects(PlaceBatch(requests=(limit(),) * 11), "7")
