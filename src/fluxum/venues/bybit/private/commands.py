"""Commands as Bybit takes them: the operation and its arguments, checked by its pages.

https://bybit-exchange.github.io/docs/v5/order/create-order, /amend-order, /cancel-order,
/batch-place, /batch-cancel. An order is named with its market. A spot market buy is of an amount of
the quote asset by default, so every market order on spot names which it is.
"""

from collections.abc import Iterator

from fluxum.model.instrument import Symbol
from fluxum.model.order import Amend, Cancel, CancelBatch, OrderRequest, OrderType, TriggerReference
from fluxum.venues.bybit.category import SPOT, Category
from fluxum.venues.bybit.private.words import REFERENCES, SELF_TRADES, SIDES, TIMES_IN_FORCE
from fluxum.venues.order_commands import Members
from fluxum.venues.order_offers import NameRule, OrderOffers, named_orders, plain, written
from fluxum.venues.triggers import rises

__all__ = ["BATCH_MAX", "NAMES", "amendment", "named", "order"]

BATCH_MAX = 10
"""How many orders a batch may have in any category."""
NAMES = NameRule(r"[A-Za-z0-9_-]{1,36}", "up to 36 letters, digits, - and _")
"""What Bybit takes as a client order id."""
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


def _offers(category: Category) -> OrderOffers:
    of_category = {"quote_quantity"} if category is SPOT else {"reduce_only"}
    return OrderOffers(
        venue=category.venue,
        types=_TYPES,
        times_in_force=frozenset(TIMES_IN_FORCE),
        fields=frozenset({"post_only", "margin", "self_trade", *of_category}),
        changes=frozenset({"quantity", "limit_price", "trigger_price"}),
        names=NAMES,
        references=frozenset({TriggerReference.LAST} if category is SPOT else REFERENCES),
    )


def order(category: Category, request: OrderRequest) -> tuple[str, Members]:
    """An order; raises BadInput for one that Bybit does not take."""
    _offers(category).check(request)
    is_market = not request.order_type.has_limit
    quantity = request.quantity if request.quote_quantity is None else request.quote_quantity
    order: Members = {
        "symbol": category.format_symbol(request.symbol),
        "side": SIDES[request.side],
        "orderType": "Market" if is_market else "Limit",
        "qty": plain(quantity),
        **written(
            request, limit_price="price", client_order_id="orderLinkId", reduce_only="reduceOnly"
        ),
    }
    if request.post_only:
        order["timeInForce"] = "PostOnly"
    elif not is_market:
        order["timeInForce"] = TIMES_IN_FORCE[request.time_in_force]
    if is_market and category is SPOT:
        order["marketUnit"] = "baseCoin" if request.quote_quantity is None else "quoteCoin"
    if request.margin and category is SPOT:
        order["isLeverage"] = 1
    if request.self_trade is not None:
        order["smpType"] = SELF_TRADES[request.self_trade]
    return "order.create", order | _trigger(category, request)


def _trigger(category: Category, request: OrderRequest) -> Members:
    """When an order begins: on spot the venue itself sees on which side of the price it waits."""
    trigger = request.trigger
    if trigger is None:
        return {}
    waits: Members = {"triggerPrice": plain(trigger.price)}
    if category is SPOT:
        return {**waits, "orderFilter": "StopOrder"}
    direction = 1 if rises(request.side, request.order_type) else 2
    reference = REFERENCES[trigger.reference]
    return {**waits, "triggerDirection": direction, "triggerBy": reference}


def amendment(category: Category, command: Amend) -> tuple[str, Members]:
    """A change of an order; raises BadInput for one that Bybit does not make."""
    symbol = _offers(category).check_amend(command)
    return "order.amend", {
        **_name(category, symbol, command.order_id, command.client_order_id),
        **written(command, quantity="qty", limit_price="price", trigger_price="triggerPrice"),
    }


def named(category: Category, command: Cancel | CancelBatch) -> Iterator[Members]:
    """The market and id of each order."""
    for one in named_orders(category.venue, command):
        yield _name(category, *one)


def _name(category: Category, symbol: Symbol, order_id: str, name: str) -> Members:
    ids = {"orderId": order_id} if order_id else {"orderLinkId": name}
    return {"symbol": category.format_symbol(symbol), **ids}
