"""Commands as Advanced Trade takes them: one REST call for each answer, checked by its pages.

https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/orders: create-order,
cancel-order, edit-order. An order is changed and canceled by the venue's id alone. There is no call
for several new orders, nor for a cancel of all: these are sent as several calls. A command is
never repeated; its token ends with its deadline.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

from fluxum.errors import BadInput
from fluxum.model.event import Channel, Subscription
from fluxum.model.market import Side
from fluxum.model.order import (
    Amend,
    Cancel,
    CancelAll,
    CancelBatch,
    Command,
    OrderRequest,
    OrderType,
    Place,
    PlaceBatch,
    PriceKind,
    TimeInForce,
    TriggerReference,
)
from fluxum.venues.coinbase.advanced import native
from fluxum.venues.coinbase.advanced.private.queries import open_orders_call
from fluxum.venues.coinbase.advanced.private.signing import DEADLINE
from fluxum.venues.coinbase.advanced.private.words import SIDES, STOP_DOWN, STOP_UP
from fluxum.venues.coinbase.instants import instant_text
from fluxum.venues.coinbase.symbols import ADVANCED, format_symbol
from fluxum.venues.conversation import Auth, Fetch

__all__ = ["BATCH_MAX", "CANCELS_MAX", "calls", "cancel_call", "configuration"]

Members = dict[str, object]
OrderIdOf = Callable[[str], str | None]

BATCH_MAX = 10
"""How many orders a batch may have: they are sent one by one."""
CANCELS_MAX = 100
"""How many orders are canceled with one call; the venue publishes no limit."""
_ORDERS = "/api/v3/brokerage/orders"
_EXECUTIONS = Subscription(Channel.EXECUTION)
_STOPS = {OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT}
_OFFERED = _STOPS | {OrderType.MARKET, OrderType.LIMIT}
_LIMITED = {
    TimeInForce.GTC: "limit_limit_gtc",
    TimeInForce.GTD: "limit_limit_gtd",
    TimeInForce.IOC: "sor_limit_ioc",
    TimeInForce.FOK: "limit_limit_fok",
}
_AT_MARKET = {
    TimeInForce.GTC: "market_market_ioc",
    TimeInForce.IOC: "market_market_ioc",
    TimeInForce.FOK: "market_market_fok",
}
_STOPPED = {
    TimeInForce.GTC: "stop_limit_stop_limit_gtc",
    TimeInForce.GTD: "stop_limit_stop_limit_gtd",
}


def calls(command: Command, number: str, order_id_of: OrderIdOf) -> Sequence[Fetch]:
    """The calls of a command, in their order; raises BadInput for what the venue cannot do.

    `order_id_of` is the venue's id of an open order by its client order id. A cancel of all begins
    with a list of what is open.
    """
    match command:
        case Place(request=request, validate=False):
            return [_place(request, number, command.deadline_ns)]
        case PlaceBatch(requests=requests, validate=False):
            if not 1 <= len(requests) <= BATCH_MAX:
                raise BadInput(f"a batch of 1 to 10 orders was expected, was {len(requests)}")
            return [
                _place(request, f"{number}.{at}", command.deadline_ns)
                for at, request in enumerate(requests)
            ]
        case Amend():
            return [_post("edit", number, _edit(command, order_id_of), command.deadline_ns)]
        case Cancel(user_references=()):
            ids = _ids(command, order_id_of)
            return [cancel_call([one], f"{number}.{at}") for at, one in enumerate(ids)]
        case CancelBatch():
            ids = _ids(command, order_id_of)
            return [
                cancel_call(ids[at : at + CANCELS_MAX], f"{number}.{at}")
                for at in range(0, len(ids), CANCELS_MAX)
            ]
        case CancelAll():
            return [open_orders_call(number, is_once=True)]
        case _:
            what = type(command).__name__
            raise BadInput(f"{ADVANCED} cannot do this: {what}, was {command!r:.200}")


def cancel_call(order_ids: Sequence[str], number: str) -> Fetch:
    """The call that cancels these orders."""
    return _post("batch_cancel", number, {"order_ids": list(order_ids)}, None)


def _post(path: str, number: str, body: Members, deadline_ns: int | None) -> Fetch:
    return Fetch(
        "POST",
        f"{_ORDERS}/{path}".rstrip("/"),
        number,
        {} if deadline_ns is None else {DEADLINE: str(deadline_ns)},
        native.encode(body),
        subscription=_EXECUTIONS,
        auth=Auth.SIGNED,
        is_once=True,
    )


def _place(request: OrderRequest, number: str, deadline_ns: int | None) -> Fetch:
    _check(request)
    order: Members = {
        "client_order_id": request.client_order_id,
        "product_id": format_symbol(request.symbol),
        "side": SIDES[request.side],
        "order_configuration": configuration(request),
    }
    return _post("", number, order, deadline_ns)


def configuration(request: OrderRequest) -> Members:
    """What an order is placed with, under the name of its kind."""
    kinds = {OrderType.MARKET: _AT_MARKET, OrderType.LIMIT: _LIMITED}
    in_force, trigger = request.time_in_force, request.trigger
    members: Members = {}
    if request.quote_quantity is not None:
        members["quote_size"] = _number(request.quote_quantity)
    else:
        members["base_size"] = _number(request.quantity)
    if request.limit_price is not None:
        members["limit_price"] = _number(request.limit_price)
    if trigger is not None:
        rises = (request.side is Side.BUY) is (request.order_type is OrderType.STOP_LOSS_LIMIT)
        members["stop_price"] = _number(trigger.price)
        members["stop_direction"] = STOP_UP if rises else STOP_DOWN
    elif in_force in {TimeInForce.GTC, TimeInForce.GTD} and request.order_type is OrderType.LIMIT:
        members["post_only"] = request.post_only
    if in_force is TimeInForce.GTD and request.expires_ns is not None:
        members["end_time"] = instant_text(request.expires_ns)
    return {kinds.get(request.order_type, _STOPPED)[in_force]: members}


def _check(request: OrderRequest) -> None:
    """Raise BadInput for what the venue has no member for."""
    trigger = request.trigger
    kind, in_force = request.order_type, request.time_in_force
    is_stop = kind in _STOPS
    missing = {
        f"orders of type {kind.value}": kind not in _OFFERED,
        f"{kind.value} orders with time in force {in_force.value}": (
            in_force not in (_STOPPED if is_stop else _AT_MARKET)
            and not (kind is OrderType.LIMIT and in_force in _LIMITED)
        ),
        "stops without a trigger": is_stop and trigger is None,
        "triggers of other orders": not is_stop and trigger is not None,
        "triggers on the index": trigger is not None
        and trigger.reference is not TriggerReference.LAST,
        "distances as prices": request.limit_price_kind not in {None, PriceKind.STATIC}
        or (trigger is not None and trigger.kind is not PriceKind.STATIC),
        "a time to begin": request.effective_ns is not None,
        "icebergs": request.display_quantity is not None,
        "a choice of the fee's asset": request.fee_asset is not None,
        "a choice for trades with oneself": request.self_trade is not None,
        "close orders": request.close is not None,
        "margin and reduce-only orders": request.margin or request.reduce_only,
        "user references": request.user_reference is not None,
        "orders without a client order id": not request.client_order_id,
    }
    lacking = [what for what, is_missing in missing.items() if is_missing]
    if lacking:
        raise BadInput(f"{ADVANCED} has no {', '.join(lacking)}: nothing was sent")


def _edit(command: Amend, order_id_of: OrderIdOf) -> Members:
    unchangeable = (command.display_quantity, command.post_only, command.trigger_price)
    kinds = {command.limit_price_kind, command.trigger_price_kind}
    if any(one is not None for one in unchangeable) or not kinds <= {None, PriceKind.STATIC}:
        raise BadInput(f"{ADVANCED} amends quantity and price alone, was {command!r:.300}")
    changes = {"price": command.limit_price, "size": command.quantity}
    order_id = command.order_id or _id(command.client_order_id, order_id_of)
    return {
        "order_id": order_id,
        **{name: _number(one) for name, one in changes.items() if one is not None},
    }


def _ids(command: Cancel | CancelBatch, order_id_of: OrderIdOf) -> Sequence[str]:
    ids = [*command.order_ids, *(_id(name, order_id_of) for name in command.client_order_ids)]
    if not ids:
        raise BadInput("a cancel needs at least one id, was none")
    return ids


def _id(name: str, order_id_of: OrderIdOf) -> str:
    found = order_id_of(name)
    if found is None:
        raise BadInput(f"{ADVANCED} names an order by its own id, which is not known of {name!r}")
    return found


def _number(value: Decimal | None) -> str:
    if value is None or not value.is_finite() or value <= 0 or not -30 < value.adjusted() < 30:
        raise BadInput(f"a number above zero was expected, was {value}")
    return f"{value:f}"
