"""Commands as Advanced Trade takes them: one REST call for each answer, checked by its pages.

https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/orders: create-order,
cancel-order, edit-order. An order is changed and canceled by the venue's id alone. There is no call
for several new orders, nor for a cancel of all: these are sent as several calls. A command is
never repeated; its token ends with its deadline.
"""

from collections.abc import Callable, Sequence
from functools import partial

from fluxum.errors import BadInput
from fluxum.model.event import Channel, Subscription
from fluxum.model.order import (
    Amend,
    Cancel,
    CancelBatch,
    Command,
    OrderRequest,
    OrderType,
    TimeInForce,
)
from fluxum.venues.coinbase.advanced import native
from fluxum.venues.coinbase.advanced.private.queries import CALL_COST
from fluxum.venues.coinbase.advanced.private.signing import DEADLINE
from fluxum.venues.coinbase.advanced.private.words import SIDES, STOP_DOWN, STOP_UP
from fluxum.venues.coinbase.instants import instant_text
from fluxum.venues.coinbase.symbols import ADVANCED, format_symbol
from fluxum.venues.conversation import Auth, Fetch
from fluxum.venues.order_commands import Members, Operation, OrderCommands, deadline_ns
from fluxum.venues.order_offers import NameRule, OrderOffers, plain, written
from fluxum.venues.triggers import rises

__all__ = [
    "BATCH_MAX",
    "CANCELS_MAX",
    "KINDS",
    "cancel_calls",
    "configuration",
    "order_commands",
]

OrderIdOf = Callable[[str], str | None]

BATCH_MAX = 10
"""How many orders a batch may have: they are sent one by one."""
CANCELS_MAX = 100
"""How many orders are canceled with one call; the venue publishes no limit."""
_CANCEL = "batch_cancel"
_ORDERS = "/api/v3/brokerage/orders"
_EXECUTIONS = Subscription(Channel.EXECUTION)
KINDS = {
    (OrderType.MARKET, TimeInForce.GTC): "market_market_ioc",
    (OrderType.MARKET, TimeInForce.IOC): "market_market_ioc",
    (OrderType.MARKET, TimeInForce.FOK): "market_market_fok",
    (OrderType.LIMIT, TimeInForce.GTC): "limit_limit_gtc",
    (OrderType.LIMIT, TimeInForce.GTD): "limit_limit_gtd",
    (OrderType.LIMIT, TimeInForce.IOC): "sor_limit_ioc",
    (OrderType.LIMIT, TimeInForce.FOK): "limit_limit_fok",
    (OrderType.TAKE_PROFIT_LIMIT, TimeInForce.GTC): "stop_limit_stop_limit_gtc",
    (OrderType.TAKE_PROFIT_LIMIT, TimeInForce.GTD): "stop_limit_stop_limit_gtd",
    (OrderType.STOP_LOSS_LIMIT, TimeInForce.GTC): "stop_limit_stop_limit_gtc",
    (OrderType.STOP_LOSS_LIMIT, TimeInForce.GTD): "stop_limit_stop_limit_gtd",
}
"""The name of a configuration, by the type and the time in force; the last of a name is read."""
_OFFERS = OrderOffers(
    venue=ADVANCED,
    types=frozenset(kind for kind, _ in KINDS),
    times_in_force=frozenset(in_force for _, in_force in KINDS),
    fields=frozenset({"post_only", "quote_quantity"}),
    changes=frozenset({"quantity", "limit_price"}),
    names=NameRule("(?s).{1,128}", "1 to 128 characters"),  # none is published
)


def order_commands(order_id_of: OrderIdOf) -> OrderCommands:
    """What the venue does with commands about orders.

    `order_id_of` is the venue's id of an open order by its client order id.
    """
    return OrderCommands(
        venue=ADVANCED,
        place=_place,
        amend=partial(_edit, order_id_of),
        cancel=_CANCEL,
        named=partial(_named, order_id_of),
        cancel_batch=_CANCEL,
        batch_max=BATCH_MAX,
        cancels_max=CANCELS_MAX,
        send=_send,
    )


def cancel_calls(order_ids: Sequence[str], number: str) -> Sequence[Fetch]:
    """The calls that cancel these orders, many with each."""
    chunks = [order_ids[at : at + CANCELS_MAX] for at in range(0, len(order_ids), CANCELS_MAX)]
    return [_cancel(f"{number}.{at}.many", chunk) for at, chunk in enumerate(chunks)]


def _cancel(number: str, order_ids: Sequence[object]) -> Fetch:
    return _post(_CANCEL, number, {"order_ids": order_ids}, None)


def _send(number: str, operation: Operation, command: Command) -> Fetch:
    path, rows = operation
    if path == _CANCEL:
        number += ".many" if isinstance(command, CancelBatch) else ""
        return _cancel(number, [one["order_id"] for one in rows])
    return _post(path, number, rows[0], deadline_ns(command))


def _post(path: str, number: str, body: Members, ends_ns: int | None) -> Fetch:
    return Fetch(
        "POST",
        f"{_ORDERS}/{path}".rstrip("/"),
        number,
        {} if ends_ns is None else {DEADLINE: str(ends_ns)},
        native.encode(body),
        cost=CALL_COST,
        subscription=_EXECUTIONS,
        auth=Auth.SIGNED,
        is_once=True,
    )


def _place(request: OrderRequest) -> tuple[str, Members]:
    _OFFERS.check(request)
    if not request.client_order_id:
        raise BadInput(f"{ADVANCED} takes no order without a client order id: nothing was sent")
    return "", {
        "client_order_id": request.client_order_id,
        "product_id": format_symbol(request.symbol),
        "side": SIDES[request.side],
        "order_configuration": configuration(request),
    }


def configuration(request: OrderRequest) -> Members:
    """What an order is placed with, under the name of its kind; raises BadInput for no such one."""
    kind, in_force, trigger = request.order_type, request.time_in_force, request.trigger
    name = KINDS.get((kind, in_force))
    if name is None or (trigger is None) is kind.is_triggered:
        raise BadInput(
            f"{ADVANCED} has no {kind.value} order {in_force.value}, was {request!r:.300}"
        )
    spends = request.quote_quantity is not None
    members: Members = {
        "quote_size" if spends else "base_size": plain(request.quote_quantity or request.quantity)
    }
    if kind.has_limit:
        members["limit_price"] = plain(request.limit_price)
    if trigger is not None:
        members["stop_price"] = plain(trigger.price)
        members["stop_direction"] = STOP_UP if rises(request.side, kind) else STOP_DOWN
    elif name.startswith("limit_limit_gt"):
        members["post_only"] = request.post_only
    if in_force is TimeInForce.GTD and request.expires_ns is not None:
        members["end_time"] = instant_text(request.expires_ns)
    return {name: members}


def _edit(order_id_of: OrderIdOf, command: Amend) -> tuple[str, Members]:
    _OFFERS.check_amend(command)
    return "edit", {
        "order_id": command.order_id or _id(command.client_order_id, order_id_of),
        **written(command, limit_price="price", quantity="size"),
    }


def _named(order_id_of: OrderIdOf, command: Cancel | CancelBatch) -> Sequence[Members]:
    ids = [*command.order_ids, *(_id(name, order_id_of) for name in command.client_order_ids)]
    if not ids:
        raise BadInput("a cancel needs at least one id, was none")
    return [{"order_id": one} for one in ids]


def _id(name: str, order_id_of: OrderIdOf) -> str:
    found = order_id_of(name)
    if found is None:
        raise BadInput(f"{ADVANCED} names an order by its own id, which is not known of {name!r}")
    return found
