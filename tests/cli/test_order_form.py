"""What options of an order ask for, what is said of those that make no sense, and what is shown."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from fluxum.cli.order_form import parse_conditions, parse_request, request_text
from fluxum.clock import SystemClock
from fluxum.errors import BadInput
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderRequest, OrderType, PriceKind, TimeInForce, TriggerReference

MINUTE_NS = 60_000_000_000


def parsed(
    side: str = "buy",
    kind: str = "limit",
    quantity: str = "",
    spend: str = "",
    price: str = "",
    trigger: str = "",
    trigger_by: str = "last",
    force: str = "",
    expires: str = "",
    display: str = "",
) -> OrderRequest:
    request = parse_request(Symbol("BTC/USD"), side, kind, quantity, spend, price)
    return parse_conditions(request, trigger, trigger_by, force, expires, display)


def test_each_option_reaches_the_order() -> None:
    one = parsed(
        side="SELL",
        quantity="1.50",
        price="99",
        kind="stop-loss-limit",
        trigger="2%",
        trigger_by="mark",
        force="ioc",
    )

    assert (one.side, one.quantity, one.limit_price) == (Side.SELL, Decimal("1.50"), Decimal(99))
    assert one.order_type is OrderType.STOP_LOSS_LIMIT
    assert one.trigger is not None
    assert (one.trigger.price, one.trigger.kind) == (Decimal(2), PriceKind.PERCENT)
    assert one.trigger.reference is TriggerReference.MARK
    assert (one.time_in_force, one.expires_ns) == (TimeInForce.IOC, None)
    assert (one.quote_quantity, one.display_quantity) == (None, None)


def test_an_order_that_expires_is_good_until_then() -> None:
    one = parsed(quantity="1", price="99", expires="30m")
    dated = parsed(quantity="1", price="99", expires="2090-01-01T00:00:00Z")

    assert (one.time_in_force, dated.time_in_force) == (TimeInForce.GTD, TimeInForce.GTD)
    ahead_ns = (one.expires_ns or 0) - SystemClock().now_ns()
    assert 29 * MINUTE_NS < ahead_ns <= 30 * MINUTE_NS
    assert dated.expires_ns == 3_786_912_000 * 1_000_000_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "either --quantity or --spend was expected, was neither"),
        ({"quantity": "1", "spend": "5"}, "was 1 and 5"),
        ({"spend": "nothing"}, "an amount to spend above zero was expected, was 'nothing'"),
        ({"quantity": "1", "display": "0"}, "a quantity to display above zero .* was '0'"),
        ({"quantity": "1", "expires": "2020-01-01"}, "a time to come .* was '2020-01-01'"),
        ({"quantity": "1", "expires": "0m"}, "a time to come .* was '0m'"),
        ({"quantity": "1", "expires": "soon"}, "was 'soon'"),
        ({"quantity": "1", "force": "gtx"}, "a time in force was expected .* was 'gtx'"),
        ({"quantity": "1", "kind": "stop"}, "an order type was expected .* was 'stop'"),
    ],
)
def test_what_makes_no_sense_is_shown(options: dict[str, str], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        parsed(**options)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"quantity": "0.01", "price": "50000", "force": "ioc"},
            "buy 0.01 BTC/USD limit @ 50000 (500.00 USD), ioc",
        ),
        ({"spend": "100", "kind": "market"}, "buy BTC/USD for 100 USD market, gtc"),
        (
            {"quantity": "3", "price": "2", "kind": "iceberg", "display": "1.0"},
            "buy 3 BTC/USD iceberg @ 2 (6 USD), gtc, showing 1.0",
        ),
        (
            {"quantity": "1", "price": "2", "expires": "2090-01-01"},
            "buy 1 BTC/USD limit @ 2 (2 USD), gtd until 2090-01-01 00:00:00.000",
        ),
        (
            {"quantity": "1", "kind": "stop_loss", "trigger": "9", "trigger_by": "mark"},
            "buy 1 BTC/USD stop_loss when 9 is reached by the mark, gtc",
        ),
    ],
)
def test_what_will_be_done_is_shown(options: dict[str, Any], text: str) -> None:
    assert request_text(parsed(**options)) == text


def test_what_an_order_may_not_do_is_shown() -> None:
    request = structs.replace(parsed(quantity="1", price="2"), post_only=True, reduce_only=True)

    assert request_text(request) == "buy 1 BTC/USD limit @ 2 (2 USD), gtc, post-only, reduce-only"
