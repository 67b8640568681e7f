"""Commands as Bybit takes them: the operation and its arguments, checked by its pages.

https://bybit-exchange.github.io/docs/v5/order/create-order, /amend-order, /cancel-order,
/batch-place, /batch-cancel. An order is named with its market. A spot market buy is of an amount of
the quote asset by default, so every market order on spot names which it is.
"""

import re
from collections.abc import Iterator, Sequence

from fluxum.errors import BadInput
from fluxum.model.order import (
    Amend,
    Cancel,
    CancelBatch,
    Command,
    OrderRequest,
    OrderType,
    Place,
    PlaceBatch,
)
from fluxum.venues.bybit.category import SPOT, Category
from fluxum.venues.bybit.private.words import REFERENCES, SELF_TRADES, SIDES, TIMES_IN_FORCE
from fluxum.venues.order_offers import OrderOffers, named_orders, plain
from fluxum.venues.triggers import rises

__all__ = ["BATCH_MAX", "Operation", "is_client_id", "operations"]

Arguments = dict[str, object]
Operation = tuple[str, Arguments]
"""The name of an operation, and its arguments."""

BATCH_MAX = 10
"""How many orders a batch may have in any category."""
_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")
_TYPES = frozenset(
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
    offers, named = _offers(category), {"category": category.name}
    match command:
        case Place(request=request, validate=False):
            offers.check(request)
            return [("order.create", {**named, **_order(category, request)})]
        case PlaceBatch(requests=requests, validate=False):
            offers.check_batch(command)
            rows = [_order(category, request) for request in requests]
            return [("order.create-batch", {**named, "request": rows})]
        case Amend():
            return [("order.amend", {**named, **_amend(category, offers, command)})]
        case Cancel(user_references=()):
            return [("order.cancel", {**named, **one}) for one in _named(category, command)]
        case CancelBatch():
            rows = list(_named(category, command))
            return [
                ("order.cancel-batch", {**named, "request": rows[at : at + BATCH_MAX]})
                for at in range(0, len(rows), BATCH_MAX)
            ]
        case _:
            what = type(command).__name__
            raise BadInput(f"{category.venue} cannot do this: {what}, was {command!r:.200}")


def _offers(category: Category) -> OrderOffers:
    of_category = {"quote_quantity"} if category is SPOT else {"reduce_only"}
    return OrderOffers(
        venue=category.venue,
        types=_TYPES,
        times_in_force=frozenset(TIMES_IN_FORCE),
        fields=frozenset({"post_only", "margin", "self_trade", *of_category}),
        changes=frozenset({"quantity", "limit_price", "trigger_price"}),
        batch_max=BATCH_MAX,
        is_name=is_client_id,
        name_rule="up to 36 letters, digits, - and _",
    )


def _order(category: Category, request: OrderRequest) -> Arguments:
    is_market = not request.order_type.has_limit
    quantity = request.quantity if request.quote_quantity is None else request.quote_quantity
    order: Arguments = {
        "symbol": category.format_symbol(request.symbol),
        "side": SIDES[request.side],
        "orderType": "Market" if is_market else "Limit",
        "qty": plain(quantity),
    }
    if request.limit_price is not None:
        order["price"] = plain(request.limit_price)
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
    waits: Arguments = {"triggerPrice": plain(trigger.price)}
    if category is SPOT:
        return {**waits, "orderFilter": "StopOrder"}
    direction = 1 if rises(request.side, request.order_type) else 2
    reference = REFERENCES[trigger.reference]
    return {**waits, "triggerDirection": direction, "triggerBy": reference}


def _amend(category: Category, offers: OrderOffers, command: Amend) -> Arguments:
    symbol = offers.check_amend(command)
    changes = {
        "qty": command.quantity,
        "price": command.limit_price,
        "triggerPrice": command.trigger_price,
    }
    return {
        "symbol": category.format_symbol(symbol),
        **_ids(command.order_id, command.client_order_id),
        **{name: plain(one) for name, one in changes.items() if one is not None},
    }


def _named(category: Category, command: Cancel | CancelBatch) -> Iterator[Arguments]:
    """The market and id of each order."""
    for symbol, order_id, name in named_orders(category.venue, command):
        yield {"symbol": category.format_symbol(symbol), **_ids(order_id, name)}


def _ids(order_id: str, name: str) -> Arguments:
    return {"orderId": order_id} if order_id else {"orderLinkId": name}
