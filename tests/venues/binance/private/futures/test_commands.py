"""What orders are written as on USD-M futures, and what is refused before anything is sent."""

from decimal import Decimal

import pytest

from fluxum.errors import BadInput
from fluxum.model.instrument import Symbol
from fluxum.model.order import OrderRequest, OrderType, TimeInForce, Trigger, TriggerReference
from fluxum.venues.binance.policy import USDM
from fluxum.venues.binance.private.futures.commands import order

D = Decimal
MS = 1_000_000
PERP = Symbol("BTC/USDT:PERP")


def test_every_type_and_time_in_force_is_written() -> None:
    def written_as(**changed: object) -> dict[str, object]:
        request = OrderRequest(symbol=PERP, side="sell", quantity=1, **changed)  # type: ignore[arg-type]
        _, params = order(USDM, request)
        fixed = {"symbol", "side", "quantity", "newOrderRespType"}
        return {name: value for name, value in params.items() if name not in fixed}

    limit = {"order_type": OrderType.LIMIT, "limit_price": 9}
    priced = {"type": "LIMIT", "price": "9"}
    for in_force in (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK):
        word = in_force.value.upper()
        assert written_as(**limit, time_in_force=in_force) == {**priced, "timeInForce": word}
    assert written_as(**limit, post_only=True) == {**priced, "timeInForce": "GTX"}
    till = {"time_in_force": TimeInForce.GTD, "expires_ns": 1693207680999 * MS}
    ends = {"timeInForce": "GTD", "goodTillDate": 1693207680000}
    assert written_as(**limit, **till) == {**priced, **ends}
    assert written_as(order_type=OrderType.MARKET, reduce_only=True) == {
        "type": "MARKET",
        "reduceOnly": "true",
    }
    waits = {"algoType": "CONDITIONAL", "workingType": "CONTRACT_PRICE", "triggerPrice": "8"}
    trigger = {"trigger": Trigger(8)}
    assert written_as(order_type=OrderType.STOP_LOSS, **trigger) == {
        "type": "STOP_MARKET",
        **waits,
    }
    assert written_as(order_type=OrderType.TAKE_PROFIT_LIMIT, limit_price=9, **trigger) == {
        "type": "TAKE_PROFIT",
        "price": "9",
        "timeInForce": "GTC",
        **waits,
    }
    marked = written_as(
        order_type=OrderType.STOP_LOSS, trigger=Trigger(8, reference=TriggerReference.MARK)
    )
    assert marked == {"type": "STOP_MARKET", **waits, "workingType": "MARK_PRICE"}
    trails = {"trigger": Trigger("0.5", "percent")}
    assert written_as(order_type=OrderType.TRAILING_STOP, **trails) == {
        "type": "TRAILING_STOP_MARKET",
        "callbackRate": "0.5",
        "algoType": "CONDITIONAL",
        "workingType": "CONTRACT_PRICE",
    }
    for impossible in (
        {**limit, "time_in_force": TimeInForce.GTD},
        {"order_type": OrderType.TRAILING_STOP, "trigger": Trigger(11, "percent")},
        {"order_type": OrderType.TRAILING_STOP, "trigger": Trigger(1, "quote")},
        {"order_type": OrderType.STOP_LOSS, "trigger": Trigger(8, "static", "index")},
        {**limit, "display_quantity": D(1)},
    ):
        with pytest.raises(BadInput):
            written_as(**impossible)
