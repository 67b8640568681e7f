"""Commands as Bybit takes them: the operation and its arguments, checked by its pages.

https://bybit-exchange.github.io/docs/v5/order/create-order, /amend-order, /cancel-order,
/batch-place, /batch-cancel. An order is named with its market. A spot market buy is of an amount of
the quote asset by default, so every market order on spot names which it is.
"""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from fluxum.errors import BadInput
from fluxum.model.instrument import Symbol
from fluxum.model.order import (
    Amend,
    Cancel,
    CancelBatch,
    Command,
    OrderRequest,
    OrderType,
    Place,
    PlaceBatch,
    PriceKind,
    TimeInForce,
)
from fluxum.venues.bybit.category import SPOT, Category
from fluxum.venues.bybit.private.words import REFERENCES, SELF_TRADES, SIDES, TIMES_IN_FORCE
from fluxum.venues.triggers import rises

__all__ = ["BATCH_MAX", "Operation", "is_client_id", "operations"]

Arguments = dict[str, object]
Operation = tuple[str, Arguments]
"""The name of an operation, and its arguments."""

BATCH_MAX = 10
"""How many orders a batch may have in any category."""
_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")
_OFFERED = frozenset(
    {
        OrderType.MARKET,
        OrderType.LIMIT,
        OrderType.STOP_LOSS,
        OrderType.STOP_LOSS_LIMIT,
        OrderType.TAKE_PROFIT,
        OrderType.TAKE_PROFIT_LIMIT,
    }
)


def is_client_id(name: str) -> bool:
    """Whether Bybit takes this as a client order id."""
    return _CLIENT_ID.fullmatch(name) is not None


def operations(category: Category, command: Command) -> Sequence[Operation]:
    """The operations of a command, in their order; raises BadInput for what Bybit cannot do."""
    match command:
        case Place(request=request, validate=False):
            return [("order.create", {"category": category.name, **_order(category, request)})]
        case PlaceBatch(requests=requests, validate=False):
            if not 1 <= len(requests) <= BATCH_MAX:
                raise BadInput(f"a batch of 1 to 10 orders was expected, was {len(requests)}")
            rows = [_order(category, request) for request in requests]
            return [("order.create-batch", {"category": category.name, "request": rows})]
        case Amend():
            return [("order.amend", _amend(category, command))]
        case Cancel(user_references=()):
            named = list(_named(category, command))
            return [("order.cancel", {"category": category.name, **one}) for one in named]
        case CancelBatch():
            named = list(_named(category, command))
            return [
                (
                    "order.cancel-batch",
                    {"category": category.name, "request": named[at : at + BATCH_MAX]},
                )
                for at in range(0, len(named), BATCH_MAX)
            ]
        case _:
            what = type(command).__name__
            raise BadInput(f"{category.venue} cannot do this: {what}, was {command!r:.200}")


def _order(category: Category, request: OrderRequest) -> Arguments:
    _check(category, request)
    is_market = not request.order_type.has_limit
    quantity = request.quantity if request.quote_quantity is None else request.quote_quantity
    order: Arguments = {
        "symbol": category.format_symbol(request.symbol),
        "side": SIDES[request.side],
        "orderType": "Market" if is_market else "Limit",
        "qty": _number(quantity),
    }
    if request.limit_price is not None:
        order["price"] = _number(request.limit_price)
    if request.post_only:
        order["timeInForce"] = "PostOnly"
    elif not is_market:
        order["timeInForce"] = TIMES_IN_FORCE[request.time_in_force]
    if is_market and category is SPOT:
        order["marketUnit"] = "baseCoin" if request.quote_quantity is None else "quoteCoin"
    if request.client_order_id:
        order["orderLinkId"] = request.client_order_id
    if request.reduce_only:
        order["reduceOnly"] = True
    if request.margin and category is SPOT:
        order["isLeverage"] = 1
    if request.self_trade is not None:
        order["smpType"] = SELF_TRADES[request.self_trade]
    return order | _trigger(category, request)


def _trigger(category: Category, request: OrderRequest) -> Arguments:
    """When an order begins: on spot the venue itself sees on which side of the price it waits."""
    trigger = request.trigger
    if trigger is None:
        return {}
    waits: Arguments = {"triggerPrice": _number(trigger.price)}
    if category is SPOT:
        return {**waits, "orderFilter": "StopOrder"}
    direction = 1 if rises(request.side, request.order_type) else 2
    return {
        **waits,
        "triggerDirection": direction,
        "triggerBy": REFERENCES[trigger.reference],
    }


def _check(category: Category, request: OrderRequest) -> None:
    """Raise BadInput for what Bybit has no field for."""
    name = request.client_order_id
    if name and not is_client_id(name):
        raise BadInput(
            f"a client order id is up to 36 letters, digits, - and _ at {category.venue}, "
            f"was {name!r}"
        )
    trigger = request.trigger
    missing = {
        f"orders of type {request.order_type.value}": request.order_type not in _OFFERED,
        f"time in force {request.time_in_force.value}": request.time_in_force is TimeInForce.GTD,
        "distances as prices": request.limit_price_kind not in {None, PriceKind.STATIC}
        or (trigger is not None and trigger.kind is not PriceKind.STATIC),
        "a time to begin": request.effective_ns is not None,
        "icebergs": request.display_quantity is not None,
        "a choice of the fee's asset": request.fee_asset is not None,
        "close orders": request.close is not None,
        "user references": request.user_reference is not None,
    }
    if category is SPOT:
        missing["reduce-only orders"] = request.reduce_only
    else:
        missing["amounts to spend"] = request.quote_quantity is not None
    lacking = [what for what, is_missing in missing.items() if is_missing]
    if lacking:
        raise BadInput(f"{category.venue} has no {', '.join(lacking)}: nothing was sent")


def _amend(category: Category, command: Amend) -> Arguments:
    if command.symbol is None:
        raise BadInput(f"{category.venue} names an order with its market, was none in {command!r}")
    unchangeable = (command.display_quantity, command.post_only)
    if any(one is not None for one in unchangeable) or _is_distance(command):
        raise BadInput(
            f"{category.venue} amends quantity, price and trigger alone, was {command!r:.300}"
        )
    changes = {
        "qty": command.quantity,
        "price": command.limit_price,
        "triggerPrice": command.trigger_price,
    }
    order: Arguments = {
        "category": category.name,
        "symbol": category.format_symbol(command.symbol),
    }
    if command.order_id:
        order["orderId"] = command.order_id
    else:
        order["orderLinkId"] = command.client_order_id
    return order | {name: _number(one) for name, one in changes.items() if one is not None}


def _is_distance(command: Amend) -> bool:
    kinds = {command.limit_price_kind, command.trigger_price_kind}
    return not kinds <= {None, PriceKind.STATIC}


def _named(category: Category, command: Cancel | CancelBatch) -> Iterator[Arguments]:
    """The market and id of each order; raises BadInput where there is none, or no market."""
    if not command.order_ids and not command.client_order_ids:
        raise BadInput("a cancel needs at least one id, was none")
    for field, names in (
        ("orderId", command.order_ids),
        ("orderLinkId", command.client_order_ids),
    ):
        for name in names:
            yield {"symbol": _market(category, command.symbols.get(name), name), field: name}


def _market(category: Category, symbol: Symbol | None, name: str) -> str:
    if symbol is None:
        raise BadInput(
            f"{category.venue} names an order with its market, which is not known of {name!r}"
        )
    return category.format_symbol(symbol)


def _number(value: Decimal | None) -> str:
    if value is None or not value.is_finite() or value <= 0 or not -30 < value.adjusted() < 30:
        raise BadInput(f"a number above zero was expected, was {value}")
    return f"{value:f}"
