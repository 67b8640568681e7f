"""Commands as the Exchange takes them: one REST call for each order.

https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/orders: create-new-order,
cancel-an-order, cancel-all-orders. There are no batches, and no change of an order. A client order
id is a UUID: here 32 hexadecimal digits, which the venue writes with dashes. A cancel of all is
best effort, so it is repeated until nothing was left, at most ten times.
"""

from collections.abc import Sequence
from uuid import UUID

from fluxum.errors import BadInput
from fluxum.model.event import Channel, Subscription
from fluxum.model.order import (
    Cancel,
    CancelAll,
    CancelBatch,
    Command,
    OrderRequest,
    OrderType,
    TimeInForce,
)
from fluxum.venues.coinbase.exchange.private import native
from fluxum.venues.coinbase.exchange.private.signing import DEADLINE
from fluxum.venues.coinbase.exchange.private.words import SELF_TRADES, SIDES, STOPS, TIMES_IN_FORCE
from fluxum.venues.coinbase.symbols import EXCHANGE, format_symbol
from fluxum.venues.conversation import Auth, Effect, Fetch
from fluxum.venues.order_commands import Members, Operation, OrderCommands, deadline_ns
from fluxum.venues.order_offers import NameRule, OrderOffers, named_orders, written
from fluxum.venues.triggers import rises

__all__ = ["CALL_COST", "NAMES", "cancel_all_call", "effects", "name_of", "wire_name"]

CALL_COST = 0.5
"""What a call counts of the five public calls a second: calls of an account have a limit apart."""
NAMES = NameRule("[0-9a-f]{32}", "32 hexadecimal digits, those of a UUID")
_BATCH_MAX = 10
_EXECUTIONS = Subscription(Channel.EXECUTION)
_STOPS = {OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT}
_OFFERS = OrderOffers(
    venue=EXCHANGE,
    types=frozenset({OrderType.LIMIT, OrderType.MARKET, *_STOPS}),
    times_in_force=frozenset(TIMES_IN_FORCE),
    fields=frozenset({"post_only", "quote_quantity", "display_quantity", "self_trade"}),
    names=NAMES,
)


def wire_name(name: str) -> str:
    """A client order id as the venue writes it."""
    return str(UUID(name))


def name_of(client_oid: str) -> str:
    """A client order id as it is here; one that is no UUID stays as it is."""
    try:
        return UUID(client_oid).hex
    except ValueError:
        return client_oid


def effects(command: Command, number: str) -> Sequence[Effect]:
    """The calls of a command, each with its number; raises BadInput for what cannot be done."""
    if isinstance(command, CancelAll):
        return [cancel_all_call(number)]
    return _ORDERS.effects(command, number)


def cancel_all_call(number: str) -> Fetch:
    """The call that cancels the open orders of all markets."""
    return _call("DELETE", "/orders", number)


def _named(command: Cancel | CancelBatch) -> Sequence[Members]:
    return [
        {"id": order_id or f"client:{wire_name(name)}", "product_id": format_symbol(symbol)}
        for symbol, order_id, name in named_orders(EXCHANGE, command)
    ]


def _place(request: OrderRequest) -> tuple[str, Members]:
    _OFFERS.check(request)
    trigger, kind, in_force = request.trigger, request.order_type, request.time_in_force
    if request.order_type is OrderType.MARKET and in_force is not TimeInForce.GTC:
        raise BadInput(f"{EXCHANGE} has {in_force.value} for limit orders alone: nothing was sent")
    members: Members = {
        "type": "market" if kind is OrderType.MARKET else "limit",
        "side": SIDES[request.side],
        "product_id": format_symbol(request.symbol),
        **written(request, quantity="size", quote_quantity="funds", limit_price="price"),
        **written(request, display_quantity="max_floor", post_only="post_only"),
    }
    if kind.has_limit:
        members["time_in_force"] = TIMES_IN_FORCE[in_force]
    if request.client_order_id:
        members["client_oid"] = wire_name(request.client_order_id)
    if request.self_trade is not None:
        members["stp"] = SELF_TRADES[request.self_trade]
    if trigger is not None:
        members["stop"] = STOPS[rises(request.side, kind)]
        members["stop_price"] = f"{trigger.price:f}"
    return "", members


def _send(number: str, operation: Operation, command: Command) -> Fetch:
    name, (members,) = operation
    if not name:
        return _call("POST", "/orders", number, native.encode(members), deadline_ns(command))
    number += ".many" if isinstance(command, CancelBatch) else ""
    path = f"/orders/{members['id']}?product_id={members['product_id']}"
    return _call("DELETE", path, number)


def _call(
    method: str, path: str, number: str, body: bytes = b"", ends_ns: int | None = None
) -> Fetch:
    return Fetch(
        method,
        path,
        number,
        {} if ends_ns is None else {DEADLINE: str(ends_ns)},
        body,
        cost=CALL_COST,
        auth=Auth.SIGNED,
        is_once=True,
    )


_ORDERS = OrderCommands(
    venue=EXCHANGE,
    place=_place,
    cancel="cancel",
    named=_named,
    batch_max=_BATCH_MAX,
    send=_send,
)
