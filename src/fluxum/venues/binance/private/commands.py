"""Commands as Binance's WebSocket API takes them: the method and its parameters, checked.

https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-api.md#trading-requests. An
order is named with its market. There is no batch and no cancel of all markets: each order, and each
market, is a request. An order in place can become smaller, and nothing else. What replaces an order
is entered only if nothing of the first one was filled, so that no quantity is traded twice.
"""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from fluxum.errors import BadInput
from fluxum.model.order import (
    Amend,
    Cancel,
    CancelBatch,
    Command,
    Edit,
    OrderRequest,
    OrderType,
    Place,
    PlaceBatch,
    PriceKind,
    TimeInForce,
    TriggerReference,
)
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.private.names import split_order_id
from fluxum.venues.binance.private.words import (
    POST_ONLY,
    SELF_TRADES,
    SIDES,
    TIMES_IN_FORCE,
    TYPES,
)

__all__ = ["Request", "is_client_id", "requests"]

Parameters = dict[str, object]
Request = tuple[str, Parameters]
"""The name of a method, and its parameters."""

# https://github.com/binance/binance-spot-api-docs/blob/master/errors.md, -1100 and -4015
_CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
_NO_TIME_IN_FORCE = frozenset(
    {OrderType.MARKET, OrderType.STOP_LOSS, OrderType.TAKE_PROFIT, OrderType.TRAILING_STOP}
)
_BASIS_POINTS = 100


def is_client_id(name: str) -> bool:
    """Whether Binance takes this as a client order id."""
    return _CLIENT_ID.fullmatch(name) is not None


def requests(policy: Policy, command: Command) -> Sequence[Request]:
    """The requests of a command, in their order; raises BadInput for what Binance cannot do."""
    match command:
        case Place(request=request, validate=is_test):
            return [("order.test" if is_test else "order.place", _order(policy, request))]
        case PlaceBatch(requests=several, validate=False):
            return [("order.place", _order(policy, one)) for one in several]
        case Amend():
            return [("order.amend.keepPriority", _amend(policy, command))]
        case Edit(becomes=OrderRequest() as becomes, validate=False):
            market, number = split_order_id(command.order_id, policy.format_symbol(becomes.symbol))
            order = {**_order(policy, becomes), "symbol": market}
            rules = {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelRestrictions": "ONLY_NEW"}
            return [("order.cancelReplace", {**order, "cancelOrderId": number, **rules})]
        case Cancel(user_references=()) | CancelBatch():
            return [("order.cancel", one) for one in _named(policy, command)]
        case _:
            what = type(command).__name__
            raise BadInput(f"{policy.venue} cannot do this: {what}, was {command!r:.200}")


def _order(policy: Policy, request: OrderRequest) -> Parameters:
    _check(policy, request)
    order: Parameters = {
        "symbol": policy.format_symbol(request.symbol),
        "side": SIDES[request.side],
        "type": POST_ONLY if request.post_only else TYPES[request.order_type],
        "newOrderRespType": "ACK",
    }
    if request.quote_quantity is None:
        order["quantity"] = _number(request.quantity)
    else:
        order["quoteOrderQty"] = _number(request.quote_quantity)
    if request.limit_price is not None:
        order["price"] = _number(request.limit_price)
    if not request.post_only and request.order_type not in _NO_TIME_IN_FORCE:
        order["timeInForce"] = TIMES_IN_FORCE[request.time_in_force]
    if request.display_quantity is not None:
        order["icebergQty"] = _number(request.display_quantity)
    if request.client_order_id:
        order["newClientOrderId"] = request.client_order_id
    if request.self_trade is not None:
        order["selfTradePreventionMode"] = SELF_TRADES[request.self_trade]
    return order | _trigger(policy, request)


def _trigger(policy: Policy, request: OrderRequest) -> Parameters:
    """When an order begins: at a price, or a distance from the best one in hundredths of 1 %."""
    trigger = request.trigger
    if trigger is None:
        return {}
    if request.order_type is not OrderType.TRAILING_STOP:
        return {"stopPrice": _number(trigger.price)}
    points = trigger.price * _BASIS_POINTS
    if trigger.kind is not PriceKind.PERCENT or points <= 0 or points % 1:
        raise BadInput(
            f"{policy.venue} trails by hundredths of a percent, was {trigger.price} "
            f"{trigger.kind.value}"
        )
    return {"trailingDelta": int(points)}


def _check(policy: Policy, request: OrderRequest) -> None:
    """Raise BadInput for what Binance has no field for."""
    name, kind, trigger = request.client_order_id, request.order_type, request.trigger
    if name and not is_client_id(name):
        raise BadInput(
            f"a client order id is up to 36 letters, digits and ._:/- at {policy.venue}, "
            f"was {name!r}"
        )
    is_distance = trigger is not None and trigger.kind is not PriceKind.STATIC
    missing = {
        f"orders of type {kind.value}": kind not in TYPES,
        f"time in force {request.time_in_force.value}": request.time_in_force not in TIMES_IN_FORCE,
        "distances as prices": request.limit_price_kind not in {None, PriceKind.STATIC}
        or (is_distance and kind is not OrderType.TRAILING_STOP),
        "triggers by the index": trigger is not None
        and trigger.reference is TriggerReference.INDEX,
        "a time to begin": request.effective_ns is not None,
        "icebergs that do not rest": request.display_quantity is not None
        and request.time_in_force is not TimeInForce.GTC,
        "reduce-only orders": request.reduce_only,
        "orders on margin": request.margin,
        "a choice of the fee's asset": request.fee_asset is not None,
        "close orders": request.close is not None,
        "user references": request.user_reference is not None,
    }
    lacking = [what for what, is_missing in missing.items() if is_missing]
    if lacking:
        raise BadInput(f"{policy.venue} has no {', '.join(lacking)}: nothing was sent")


def _amend(policy: Policy, command: Amend) -> Parameters:
    """A smaller quantity; the order keeps its name, unlike by default."""
    others = (
        command.limit_price,
        command.display_quantity,
        command.trigger_price,
        command.post_only,
    )
    if any(one is not None for one in others) or command.quantity is None:
        raise BadInput(
            f"{policy.venue} amends the quantity alone, to a smaller one: edit replaces an order, "
            f"was {command!r:.300}"
        )
    market = "" if command.symbol is None else policy.format_symbol(command.symbol)
    name = command.client_order_id or command.name
    kept: Parameters = {"newClientOrderId": name} if is_client_id(name) else {}
    named = _name(policy, market, command.order_id, command.client_order_id)
    return {**named, **kept, "newQty": _number(command.quantity)}


def _named(policy: Policy, command: Cancel | CancelBatch) -> Iterator[Parameters]:
    """The market and id of each order; raises BadInput where there is none, or no market."""
    if not command.order_ids and not command.client_order_ids:
        raise BadInput("a cancel needs at least one id, was none")
    for ids, is_ours in ((command.order_ids, False), (command.client_order_ids, True)):
        for one in ids:
            symbol = command.symbols.get(one)
            market = "" if symbol is None else policy.format_symbol(symbol)
            yield _name(policy, market, "" if is_ours else one, one if is_ours else "")


def _name(policy: Policy, market: str, order_id: str, name: str) -> Parameters:
    if order_id:
        market, number = split_order_id(order_id, market)
        return {"symbol": market, "orderId": number}
    if not market:
        raise BadInput(
            f"{policy.venue} names an order with its market, which is not known of {name!r}"
        )
    return {"symbol": market, "origClientOrderId": name}


def _number(value: Decimal | None) -> str:
    if value is None or not value.is_finite() or value <= 0 or not -30 < value.adjusted() < 30:
        raise BadInput(f"a number above zero was expected, was {value}")
    return f"{value:f}"
