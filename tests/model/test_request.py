"""Requests: checked as values when they are made."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from fluxum.errors import BadInput
from fluxum.model.codec import plain
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.request import (
    Amend,
    Cancel,
    CancelAllAfter,
    CancelBatch,
    CloseOrder,
    Edit,
    OrderRequest,
    OrderType,
    Place,
    PlaceBatch,
    PriceKind,
    TimeInForce,
    Trigger,
    TriggerReference,
)

BTC = Symbol("BTC/USD")


def test_an_order_of_text_is_the_order_of_values() -> None:
    text = OrderRequest(
        symbol="BTC/USD",
        side="buy",
        order_type="stop-loss-limit",
        quantity="0.10",
        limit_price=50_000,
        limit_price_kind="static",
        trigger=Trigger("49000", kind="static", reference="last"),
        time_in_force="GTC",
    )

    values = OrderRequest(
        symbol=BTC,
        side=Side.BUY,
        order_type=OrderType.STOP_LOSS_LIMIT,
        quantity=Decimal("0.10"),
        limit_price=Decimal(50_000),
        limit_price_kind=PriceKind.STATIC,
        trigger=Trigger(Decimal(49_000), PriceKind.STATIC, TriggerReference.LAST),
        time_in_force=TimeInForce.GTC,
    )
    assert text == values
    assert str(text.quantity) == "0.10"
    assert type(text.symbol) is Symbol


NONSENSE: list[dict[str, Any]] = [
    {"side": "up"},
    {"side": None},
    {"symbol": "BTC"},
    {"order_type": "twap"},
    {"order_type": OrderType.OTHER},
    {"order_type": None},
    {"time_in_force": "day"},
    {"quantity": 0.1},
    {"quantity": "much"},
    {"quantity": "0"},
    {"quantity": Decimal("NaN")},
    {"quantity": Decimal("Infinity")},
    {"limit_price": 1.5},
    {"limit_price": Decimal("sNaN")},
    {"limit_price_kind": "relative"},
    {"display_quantity": "-1"},
    {"quote_quantity": 0},
    {"trigger": Decimal(5)},
    {"close": "limit"},
    {"expires_ns": "tomorrow"},
    {"effective_ns": 1.5},
    {"post_only": 1},
    {"reduce_only": "no"},
    {"margin": None},
    {"fee_asset": "BTC"},
    {"self_trade": "never"},
    {"client_order_id": 7},
    {"user_reference": "7"},
]


@pytest.mark.parametrize("changes", NONSENSE, ids=str)
def test_an_order_that_makes_no_sense_is_refused_when_it_is_made(changes: dict[str, Any]) -> None:
    fields: dict[str, Any] = {"symbol": BTC, "side": Side.BUY, **changes}

    with pytest.raises(BadInput, match="expected, was"):
        OrderRequest(**fields)


@pytest.mark.parametrize(
    ("made", "fields"),
    [
        (Trigger, {"price": 0.5}),
        (Trigger, {"price": "5", "kind": "far"}),
        (Trigger, {"price": "5", "reference": "oracle"}),
        (CloseOrder, {"order_type": "close"}),
        (CloseOrder, {"order_type": "limit", "limit_price": 2.0}),
        (Amend, {"order_id": "O", "quantity": 1.0}),
        (Amend, {"order_id": None}),
        (Amend, {"limit_price": "high"}),
        (Amend, {"trigger_price_kind": 5}),
        (Amend, {"deadline_ns": 1.0}),
        (Edit, {"order_id": "O", "symbol": "BTC"}),
        (Edit, {"order_id": "O", "symbol": BTC, "quantity": "-1"}),
        (Edit, {"order_id": "O", "symbol": BTC, "post_only": "yes"}),
        (Place, {"request": {"symbol": "BTC/USD"}}),
        (PlaceBatch, {"requests": "all"}),
        (PlaceBatch, {"requests": (BTC,)}),
        (Cancel, {"order_ids": "O-1"}),
        (Cancel, {"user_references": ("7",)}),
        (CancelBatch, {"client_order_ids": "mine"}),
        (CancelAllAfter, {"timeout_s": 1.5}),
        (CancelAllAfter, {"timeout_s": -1}),
    ],
)
def test_commands_that_make_no_sense_are_refused_when_they_are_made(
    made: Any, fields: dict[str, Any]
) -> None:
    with pytest.raises(BadInput, match="expected, was"):
        made(**fields)


def test_changes_take_text_as_well() -> None:
    amend = Amend(client_order_id="mine", quantity="0.5", limit_price=3, limit_price_kind="percent")
    edit = Edit(order_id="O", symbol="BTC/USD", limit_price="7", fee_asset="base")

    assert (amend.quantity, amend.limit_price_kind) == (Decimal("0.5"), PriceKind.PERCENT)
    assert (edit.limit_price, edit.symbol) == (Decimal(7), BTC)
    assert edit.fee_asset is not None


def test_a_changed_copy_is_checked_as_well() -> None:
    request = OrderRequest(symbol=BTC, side=Side.BUY)

    changed = msgspec.structs.replace(request, quantity="2")

    assert changed.quantity == Decimal(2)
    with pytest.raises(BadInput):
        msgspec.structs.replace(request, quantity=2.5)


def test_what_is_read_from_json_is_the_same_order() -> None:
    request = OrderRequest(symbol="BTC/USD", side="sell", quantity="1.50", expires_ns=5)

    def custom(kind: type, value: object) -> object:
        assert kind is Symbol
        return Symbol(str(value))

    line = msgspec.json.encode(plain(request))

    assert msgspec.json.decode(line, type=OrderRequest, dec_hook=custom) == request
