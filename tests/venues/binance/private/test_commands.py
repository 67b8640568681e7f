"""Commands as requests: methods, parameters, and what is refused before anything is sent."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from fluxum.errors import BadInput
from fluxum.model.instrument import Symbol
from fluxum.model.order import (
    Amend,
    Cancel,
    CancelAllAfter,
    CancelBatch,
    CloseOrder,
    Command,
    Edit,
    OrderRequest,
    Place,
    PlaceBatch,
    Trigger,
)
from fluxum.venues.binance.policy import SPOT
from fluxum.venues.binance.private.commands import NAMES, order_commands
from fluxum.venues.binance.private.protocol import account_link
from fluxum.venues.binance.private.terms import tiers
from fluxum.venues.conversation import Send
from fluxum.venues.rates import Windowed
from fluxum.venues.trading import OrderRate
from venues.binance.private.wire import NOW, sent

MS = 1_000_000
ACK = {"newOrderRespType": "ACK"}


def requests(command: Command) -> list[tuple[str, Mapping[str, object]]]:
    """The method and the parameters of each request of a command."""
    orders = order_commands(SPOT, lambda number, _operation, _command: Send(number.encode()))
    return [(method, params) for method, (params,) in orders.operations(command)]


def order(**fields: Any) -> OrderRequest:
    defaults: dict[str, Any] = {"symbol": "BTC/USDT", "side": "buy", "quantity": "0.5"}
    return OrderRequest(**{**defaults, **fields})


def placed(**fields: Any) -> dict[str, object]:
    ((method, params),) = requests(Place(request=order(**fields)))
    assert method == "order.place"
    params = dict(params)
    assert params.pop("newOrderRespType") == "ACK"
    assert (params.pop("symbol"), params.pop("side")) == ("BTCUSDT", "BUY")
    return params


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        (
            {"limit_price": "23416.10", "client_order_id": "mine"},
            {
                "type": "LIMIT",
                "timeInForce": "GTC",
                "price": "23416.10",
                "newClientOrderId": "mine",
            },
        ),
        (
            {"limit_price": 9, "time_in_force": "ioc"},
            {"type": "LIMIT", "timeInForce": "IOC", "price": "9"},
        ),
        (
            {"limit_price": 9, "time_in_force": "fok", "self_trade": "cancel_oldest"},
            {
                "type": "LIMIT",
                "timeInForce": "FOK",
                "price": "9",
                "selfTradePreventionMode": "EXPIRE_MAKER",
            },
        ),
        ({"limit_price": 9, "post_only": True}, {"type": "LIMIT_MAKER", "price": "9"}),
        (
            {"limit_price": 9, "order_type": "iceberg", "display_quantity": "0.1"},
            {"type": "LIMIT", "timeInForce": "GTC", "price": "9", "icebergQty": "0.1"},
        ),
        ({"order_type": "market"}, {"type": "MARKET"}),
        (
            {"order_type": "stop_loss", "trigger": Trigger(8)},
            {"type": "STOP_LOSS", "stopPrice": "8"},
        ),
        (
            {"order_type": "take_profit_limit", "trigger": Trigger(8), "limit_price": 9},
            {
                "type": "TAKE_PROFIT_LIMIT",
                "timeInForce": "GTC",
                "price": "9",
                "stopPrice": "8",
            },
        ),
        (
            {"order_type": "trailing_stop", "trigger": Trigger("1.25", "percent")},
            {"type": "STOP_LOSS", "trailingDelta": 125},
        ),
    ],
)
def test_an_order_of_each_type(fields: dict[str, object], wanted: dict[str, object]) -> None:
    assert placed(**fields) == {"quantity": "0.5", **wanted}


def test_an_amount_to_spend_takes_the_place_of_a_quantity() -> None:
    assert placed(order_type="market", quantity=None, quote_quantity="100.5") == {
        "type": "MARKET",
        "quoteOrderQty": "100.5",
    }


@pytest.mark.parametrize(
    ("fields", "lacking"),
    [
        ({"order_type": "trailing_stop_limit", "trigger": Trigger(1, "percent")}, "trailing_stop_"),
        ({"limit_price": 9, "time_in_force": "gtd", "expires_ns": 5}, "time in force gtd"),
        ({"limit_price": 1, "limit_price_kind": "percent"}, "distances as prices"),
        ({"order_type": "stop_loss", "trigger": Trigger(8, "static", "index")}, "index"),
        ({"order_type": "trailing_stop", "trigger": Trigger("0.001", "percent")}, "hundredths"),
        ({"order_type": "trailing_stop", "trigger": Trigger(5, "quote")}, "hundredths"),
        ({"limit_price": 9, "effective_ns": 5}, "time to begin"),
        ({"limit_price": 9, "reduce_only": True}, "reduce-only"),
        ({"limit_price": 9, "margin": True}, "margin"),
        ({"limit_price": 9, "fee_asset": "base"}, "choice of the fee"),
        ({"limit_price": 9, "close": CloseOrder(order_type="limit", limit_price=1)}, "close"),
        ({"limit_price": 9, "client_order_id": "a" * 37}, "up to 36 letters, digits and ._:/-"),
        ({"limit_price": 0}, "above zero, was 0|a number above zero"),
    ],
)
def test_what_the_venue_has_no_field_for_is_refused(
    fields: dict[str, object], lacking: str
) -> None:
    with pytest.raises(BadInput, match=lacking):
        placed(**fields)


def test_names_of_orders() -> None:
    assert NAMES.allows("my.order:1/2_3-x")
    assert NAMES.allows("a" * 36)
    assert not NAMES.allows("a" * 37)
    assert not NAMES.allows("ü")
    assert not NAMES.allows("")


def test_a_batch_and_a_cancel_of_several_are_a_request_for_each() -> None:
    batch = PlaceBatch(requests=(order(limit_price=1), order(limit_price=2)))
    assert [(method, one["price"]) for method, one in requests(batch)] == [
        ("order.place", "1"),
        ("order.place", "2"),
    ]
    cancel = CancelBatch(
        order_ids=("ETHBTC:7",), client_order_ids=("mine",), symbols={"mine": Symbol("BTC/USDT")}
    )
    assert requests(cancel) == [
        ("order.cancel", {"symbol": "ETHBTC", "orderId": 7}),
        ("order.cancel", {"symbol": "BTCUSDT", "origClientOrderId": "mine"}),
    ]
    plain = Cancel(order_ids=("7",), symbols={"7": Symbol("BTC/USDT")})
    assert requests(plain) == [("order.cancel", {"symbol": "BTCUSDT", "orderId": 7})]


def test_an_order_becomes_smaller_and_keeps_its_name() -> None:
    amend = Amend(order_id="BTCUSDT:7", symbol="BTC/USDT", quantity="0.4", name="mine")
    ids = {"symbol": "BTCUSDT", "orderId": 7, "newClientOrderId": "mine", "newQty": "0.4"}
    assert requests(amend) == [("order.amend.keepPriority", ids)]
    ours = Amend(client_order_id="mine", symbol="BTC/USDT", quantity="0.4")
    names = {"origClientOrderId": "mine", "newClientOrderId": "mine"}
    assert requests(ours) == [
        ("order.amend.keepPriority", {"symbol": "BTCUSDT", "newQty": "0.4", **names})
    ]


def test_an_order_is_replaced_only_if_nothing_of_it_is_filled() -> None:
    becomes = order(limit_price=8, client_order_id="mine", user_reference=5)
    edit = Edit(order_id="BTCUSDT:7", symbol="BTC/USDT", limit_price=8, becomes=becomes)

    ((method, params),) = requests(edit)

    assert method == "order.cancelReplace"
    assert params == {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.5",
        "price": "8",
        "newClientOrderId": "mine",
        **ACK,
        "cancelOrderId": 7,
        "cancelReplaceMode": "STOP_ON_FAILURE",
        "cancelRestrictions": "ONLY_NEW",
    }


@pytest.mark.parametrize(
    ("command", "lacking"),
    [
        (Amend(order_id="BTCUSDT:7", symbol="BTC/USDT", limit_price=8), "amends quantity alone"),
        (Amend(order_id="BTCUSDT:7", symbol="BTC/USDT", quantity=1, post_only=True), "alone"),
        (Edit(order_id="BTCUSDT:7", symbol="BTC/USDT", limit_price=8), "cannot do this: Edit"),
        (Cancel(), "at least one id"),
        (Cancel(client_order_ids=("mine",)), "names an order with its market"),
        (Cancel(order_ids=("7",)), "an order's id like BTCUSDT:12569099453"),
        (Cancel(order_ids=("x:y",)), "an order's id like"),
        (Cancel(user_references=(5,)), "cannot do this: Cancel"),
        (CancelAllAfter(60), "cannot do this: CancelAllAfter"),
        (
            PlaceBatch(requests=(order(limit_price=1),) * 51),
            "a batch of 1 to 50 orders was expected, was 51",
        ),
        (PlaceBatch(requests=(order(limit_price=1),), validate=True), "cannot do this"),
    ],
)
def test_what_the_venue_cannot_do_is_refused_by_name(command: Command, lacking: str) -> None:
    with pytest.raises(BadInput, match=lacking):
        requests(command)


def test_a_deadline_is_the_end_of_the_receive_window() -> None:
    protocol = account_link(SPOT)

    protocol.command(7, Place(request=order(limit_price=1), deadline_ns=NOW + 3000 * MS), NOW)
    protocol.command(8, Cancel(order_ids=("BTCUSDT:7",)), NOW)

    placing, canceling = sent(protocol)
    assert (placing["id"], canceling["id"]) == ("7.0.one", "8.0.one")
    now_ms = NOW // MS
    assert (placing["params"]["timestamp"], placing["params"]["recvWindow"]) == (
        now_ms - 2000,
        5000,
    )
    assert "timestamp" not in canceling["params"]  # the signer's own


def test_terms() -> None:
    rules = tiers(SPOT)["default"].orders

    assert rules.allowance is not None
    tens, days = rules.allowance.rates
    assert tens == OrderRate(rate=Windowed(Decimal(50), Decimal(10)), by_symbol=False)
    assert days == OrderRate(rate=Windowed(Decimal(160_000), Decimal(86_400)), by_symbol=False)
    for text in ("-1007 Timeout", "-2010 Duplicate order sent.", "503 -1000 x", "504 refused"):
        assert rules.is_ambiguous(text), text
    for text in ("-2010 Account has insufficient balance", "-1013 Filter failure", "-1021 late"):
        assert not rules.is_ambiguous(text), text
