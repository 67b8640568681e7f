"""Commands as USD-M futures take them: the method and its parameters, checked by their pages.

https://developers.binance.com/docs/derivatives/usds-margined-futures/trade/websocket-api and
/trade/rest-api/New-Algo-Order, /Modify-Order. An order is named with its market. A change names
side, quantity and price, whichever of them changes, and is for limit orders alone. Orders that
wait for a price are of another service, with numbers of its own; they cannot be changed. Positions
are of one side: an order without `positionSide` is refused in hedge mode.
"""

from collections.abc import Iterator
from decimal import Decimal

from msgspec import structs

from fluxum.errors import BadInput
from fluxum.model.instrument import Symbol
from fluxum.model.order import (
    Amend,
    Cancel,
    CancelBatch,
    OrderRequest,
    OrderType,
    PriceKind,
    TimeInForce,
)
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.private.commands import NAMES
from fluxum.venues.binance.private.futures.words import (
    CONDITIONAL,
    POST_ONLY,
    REFERENCES,
    TIMES_IN_FORCE,
    TYPES,
)
from fluxum.venues.binance.private.names import conditional_number, split_order_id
from fluxum.venues.binance.private.words import SELF_TRADES, SIDES
from fluxum.venues.order_commands import Members
from fluxum.venues.order_offers import OrderOffers, named_orders, plain, written

__all__ = ["BATCH_MAX", "CANCEL", "CONDITIONAL_CANCEL", "amendment", "named", "order"]

BATCH_MAX = 5
CANCEL, CONDITIONAL_CANCEL = "order.cancel", "algoOrder.cancel"
_MILLISECOND = 1_000_000
# How far the price may turn before a trailing stop begins, in percent.
_TRAILS = (Decimal("0.1"), Decimal(10))


def _offers(policy: Policy) -> OrderOffers:
    return OrderOffers(
        venue=policy.venue,
        types=frozenset(TYPES),
        times_in_force=frozenset(TIMES_IN_FORCE),
        fields=frozenset({"post_only", "reduce_only", "margin", "self_trade"}),
        changes=frozenset({"quantity", "limit_price"}),
        names=NAMES,
        references=frozenset(REFERENCES),
    )


def order(policy: Policy, request: OrderRequest) -> tuple[str, Members]:
    """An order; raises BadInput for one that the venue does not take."""
    kind, waits = request.order_type, request.order_type in CONDITIONAL
    is_trailing = kind is OrderType.TRAILING_STOP
    _offers(policy).check(structs.replace(request, trigger=None) if is_trailing else request)
    order: Members = {
        "symbol": policy.format_symbol(request.symbol),
        "side": SIDES[request.side],
        "type": TYPES[kind],
        "newOrderRespType": "ACK",
        **written(request, quantity="quantity", limit_price="price"),
    }
    if request.client_order_id:
        order["clientAlgoId" if waits else "newClientOrderId"] = request.client_order_id
    if request.reduce_only:
        order["reduceOnly"] = "true"
    if kind.has_limit:
        in_force = POST_ONLY if request.post_only else TIMES_IN_FORCE[request.time_in_force]
        order["timeInForce"] = in_force
    if request.time_in_force is TimeInForce.GTD:
        order["goodTillDate"] = _ends(policy, request)
    if request.self_trade is not None:
        order["selfTradePreventionMode"] = SELF_TRADES[request.self_trade]
    return (
        ("algoOrder.place", order | _trigger(policy, request)) if waits else ("order.place", order)
    )


def _ends(policy: Policy, request: OrderRequest) -> int:
    """Until when an order is good, by the second; only limit orders rest so long."""
    if request.expires_ns is None or not request.order_type.has_limit:
        raise BadInput(f"{policy.venue} has an end for limit orders, was {request!r:.300}")
    return request.expires_ns // (1000 * _MILLISECOND) * 1000


def _trigger(policy: Policy, request: OrderRequest) -> Members:
    trigger = request.trigger
    if trigger is None or trigger.reference not in REFERENCES:
        raise BadInput(f"{policy.venue} triggers by last or mark prices, was {trigger!r}")
    waits: Members = {"algoType": "CONDITIONAL", "workingType": REFERENCES[trigger.reference]}
    if request.order_type is not OrderType.TRAILING_STOP:
        return {**waits, "triggerPrice": plain(trigger.price)}
    least, most = _TRAILS
    if trigger.kind is not PriceKind.PERCENT or not least <= trigger.price <= most:
        raise BadInput(f"{policy.venue} trails by {least} to {most} percent, was {trigger!r}")
    return {**waits, "callbackRate": plain(trigger.price)}


def amendment(policy: Policy, command: Amend) -> tuple[str, Members]:
    """A change of an order; raises BadInput for one that the venue does not make."""
    symbol, becomes = _offers(policy).check_amend(command), command.becomes
    if becomes is None or becomes.order_type is not OrderType.LIMIT:
        raise BadInput(f"{policy.venue} amends limit orders that are known, was {command!r:.300}")
    return "order.modify", {
        **_name(policy, symbol, command.order_id, command.client_order_id),
        "side": SIDES[becomes.side],
        "quantity": plain(becomes.quantity),
        "price": plain(becomes.limit_price),
    }


def named(policy: Policy, command: Cancel | CancelBatch) -> Iterator[Members]:
    """The market and id of each order; of one that waits for a price, its number."""
    for symbol, order_id, name in named_orders(policy.venue, command):
        waiting = conditional_number(order_id)
        if waiting is None:
            yield _name(policy, symbol, order_id, name)
        else:
            yield {"algoId": waiting}


def _name(policy: Policy, symbol: Symbol, order_id: str, name: str) -> Members:
    market = policy.format_symbol(symbol)
    if not order_id:
        return {"symbol": market, "origClientOrderId": name}
    market, number = split_order_id(order_id, market)
    return {"symbol": market, "orderId": number}
