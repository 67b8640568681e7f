"""Orders that wait for a price as OKX writes them, and what names the orders that go on for them.

The keys are those of `private.native.WaitingRow`. The exchange has one order; at OKX there are two,
with numbers and client ids of their own.
"""

from decimal import Decimal

from fluxum.model.order import OrderStatus, OrderType, OrderUpdate, PriceKind
from fluxum.venues.okx.private.words import REFERENCES, SIDES, WAITING
from fluxum.venues.okx.server.formats import contract_size
from fluxum.venues.okx.topics import format_symbol, instrument_type
from fluxum.venues.server.accounts import OrderState
from fluxum.venues.server.formats import millis, number

__all__ = [
    "algo_kind",
    "algo_number",
    "algo_row",
    "algo_state",
    "is_failed",
    "is_ordinary",
    "is_waiting",
    "ordinary_name",
    "origin",
]

_NO_FUNDS, _NO_FUNDS_CODE = "Insufficient funds", "51008"
_MARKET = "-1"


def is_waiting(state: OrderState) -> bool:
    """Whether an order waits for its price, or ended before that was reached."""
    return state.is_triggered is False


def is_failed(state: OrderState) -> bool:
    """Whether no order could go on for it once its price was reached."""
    update = state.update
    is_short = update.status is OrderStatus.CANCELED and update.reason == _NO_FUNDS
    return bool(state.is_triggered) and is_short


def is_ordinary(state: OrderState) -> bool:
    """Whether it is an order of the book, be it one that went on for an algo order."""
    return not is_waiting(state) and not is_failed(state)


def algo_number(update: OrderUpdate) -> str:
    """The number of an order while it waits; the one that goes on has another."""
    return f"A{update.order_id}"


def algo_kind(update: OrderUpdate) -> str:
    """The kind of an algo order."""
    is_trailing = update.order_type is OrderType.TRAILING_STOP
    return "move_order_stop" if is_trailing else "conditional"


def ordinary_name(state: OrderState) -> str:
    """The client id of an ordinary order; one that goes on has one that the venue made."""
    update = state.update
    return (
        f"went{update.order_id.replace('-', '')}"
        if state.is_triggered
        else (update.client_order_id)
    )


def origin(state: OrderState) -> dict[str, object]:
    """What an ordinary order says of the algo order that it went on for."""
    if not state.is_triggered:
        return {"algoId": "", "algoClOrdId": "", "source": ""}
    return {
        "algoId": algo_number(state.update),
        "algoClOrdId": state.update.client_order_id,
        "source": "25" if state.update.order_type is OrderType.TRAILING_STOP else "7",
    }


def algo_state(state: OrderState) -> str:
    """The state of an algo order."""
    if is_failed(state):
        return "order_failed"
    if not is_waiting(state):
        return "effective"
    return WAITING.get(state.update.status, "live")


def algo_row(state: OrderState) -> dict[str, object]:
    """An algo order, whole."""
    update, word = state.update, algo_state(state)
    went_on = [update.order_id] if word == "effective" else []
    at_ns = update.venue_ns if is_waiting(state) else state.triggered_ns or update.venue_ns
    names = ("slTriggerPx", "slTriggerPxType", "slOrdPx", "tpTriggerPx", "tpTriggerPxType")
    empty = (*names, "tpOrdPx", "callbackRatio", "callbackSpread", "activePx", "moveTriggerPx")
    is_spot = not update.symbol.contract
    row: dict[str, object] = {
        "instType": instrument_type(update.symbol),
        "instId": format_symbol(update.symbol),
        "algoId": algo_number(update),
        "algoClOrdId": update.client_order_id,
        "clOrdId": "",
        "ordType": algo_kind(update),
        "side": SIDES[update.side],
        "posSide": "net",
        "tdMode": "cash" if is_spot else "cross",
        "sz": number(update.quantity / contract_size(update.symbol)),
        "tgtCcy": "base_ccy" if is_spot and not update.order_type.has_limit else "",
        "state": word,
        "reduceOnly": "true" if update.reduce_only else "false",
        "triggerPx": "",
        "ordPx": "",
        "last": "",
        "failCode": _NO_FUNDS_CODE if word == "order_failed" else "",
        "ordId": went_on[0] if went_on else "",
        "ordIdList": went_on,
        "triggerTime": str(millis(at_ns)) if went_on else "",
        "cTime": str(millis(update.opened_ns or update.venue_ns)),
        "uTime": str(millis(at_ns)),
        **dict.fromkeys(empty, ""),
    }
    return row | _waits_for(state)


def _waits_for(state: OrderState) -> dict[str, object]:
    update, trigger = state.update, state.request.trigger
    assert trigger is not None, "an order that waits has a trigger"
    if update.order_type is OrderType.TRAILING_STOP:
        moves: dict[str, object] = {"moveTriggerPx": number(update.trigger_price)}
        if trigger.kind is PriceKind.PERCENT:
            return {**moves, "callbackRatio": number(trigger.price / Decimal(100))}
        return {**moves, "callbackSpread": number(trigger.price)}
    begin = "sl" if update.order_type.value.startswith("stop") else "tp"
    return {
        f"{begin}TriggerPx": number(update.trigger_price),
        f"{begin}TriggerPxType": REFERENCES[trigger.reference],
        f"{begin}OrdPx": number(update.limit_price) if update.limit_price else _MARKET,
    }
