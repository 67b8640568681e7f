"""Commands as Gemini takes them: frames of ws.gemini.com, and calls for what these cannot do.

https://developer.gemini.com/trading/websocket/playground (`order.place`, `order.cancel`: limit and
market orders) and https://docs.gemini.com/rest/orders (stop-limit orders, the cancel of all, the
heartbeat). The venue takes orders one by one, so that a batch is as many requests; it changes none,
and names them by its own ids alone. A key that requires a heartbeat loses its orders half a minute
after its last request: the dead man's switch sends one, and cannot disarm it.
"""

from collections.abc import Sequence

from msgspec import structs
from msgspec.json import encode

from fluxum.errors import BadInput
from fluxum.model.market import Side
from fluxum.model.order import (
    Cancel,
    CancelAll,
    CancelAllAfter,
    CancelBatch,
    Command,
    OrderRequest,
    OrderType,
    TimeInForce,
)
from fluxum.venues.conversation import Auth, Effect, Fetch, Send
from fluxum.venues.gemini.native import Request
from fluxum.venues.gemini.normalize import VENUE
from fluxum.venues.gemini.private.words import STOP_LIMIT
from fluxum.venues.gemini.symbols import lower
from fluxum.venues.order_commands import Members, Operation, OrderCommands, cannot
from fluxum.venues.order_offers import NameRule, OrderOffers, plain, written

__all__ = ["HEARTBEAT", "HEARTBEAT_S", "NAMES", "effects"]

HEARTBEAT = "/v1/heartbeat"
HEARTBEAT_S = 30
_NEW = "/v1/order/new"
NAMES = NameRule(r"[:\-_.#a-zA-Z0-9]{1,36}", "up to 36 letters, digits and :-_.#")
"""What Gemini takes as a client order id."""
_TIMES = {TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK"}


_OFFERS = OrderOffers(
    venue=VENUE,
    types=frozenset({OrderType.LIMIT, OrderType.MARKET, OrderType.STOP_LOSS_LIMIT}),
    times_in_force=frozenset(_TIMES),
    fields=frozenset({"post_only"}),
    names=NAMES,
)
_CONTRACTS = structs.replace(_OFFERS, fields=frozenset({"post_only", "margin"}))


def effects(command: Command, number: str) -> Sequence[Effect]:
    """The requests of a command, each with its number; raises BadInput for what cannot be done."""
    match command:
        case CancelAll():
            return [_call("/v1/order/cancel/all", number)]
        case CancelAllAfter(timeout_s=timeout_s) if timeout_s == HEARTBEAT_S:
            return [_call(HEARTBEAT, number)]
        case CancelAllAfter(timeout_s=timeout_s):
            raise BadInput(
                f"{VENUE} cancels after {HEARTBEAT_S} s, for keys that require a heartbeat, and "
                f"cannot disarm it: was {timeout_s} s"
            )
        case _:
            return _ORDERS.effects(command, number)


def _named(command: Cancel | CancelBatch) -> Sequence[Members]:
    if not command.order_ids or command.client_order_ids:
        raise cannot(VENUE, command)
    return [{"orderId": order_id} for order_id in command.order_ids]


def _place(request: OrderRequest) -> tuple[str, Members]:
    _check(request)
    if request.trigger is not None:
        return _NEW, {
            "symbol": lower(request.symbol),
            "side": request.side.value,
            "type": STOP_LIMIT,
            "stop_price": plain(request.trigger.price),
            **written(request, quantity="amount", limit_price="price"),
            **written(request, client_order_id="client_order_id"),
        }
    order: Members = {
        "symbol": lower(request.symbol),
        "side": request.side.value.upper(),
        "type": request.order_type.value.upper(),
        **written(request, quantity="quantity", limit_price="price"),
        **written(request, client_order_id="clientOrderId"),
    }
    if request.limit_price is not None:
        order["timeInForce"] = "MOC" if request.post_only else _TIMES[request.time_in_force]
    return "order.place", order


def _send(number: str, operation: Operation, command: Command) -> Effect:
    """A frame, or a call for what is named by a path."""
    method, (members,) = operation
    if method == _NEW:
        return _call(method, number, members)
    number += ".batch" if isinstance(command, CancelBatch) else ""
    params: dict[str, int | str] = {name: str(one) for name, one in members.items()}
    return Send(encode(Request(method, number, params)))


def _call(path: str, number: str, params: Members | None = None) -> Fetch:
    """A call that is a command; the venue's allowance of public calls does not count it."""
    body = encode(params) if params else b""
    return Fetch("POST", path, number, body=body, cost=0.0, auth=Auth.SIGNED, is_once=True)


def _check(request: OrderRequest) -> None:
    """Raise BadInput for what Gemini has no field for, and for a stop of the wrong side."""
    (_CONTRACTS if request.symbol.contract else _OFFERS).check(request)
    limit, trigger, in_force = request.limit_price, request.trigger, request.time_in_force
    if request.order_type is not OrderType.LIMIT and in_force is not TimeInForce.GTC:
        raise BadInput(f"{VENUE} has {in_force.value} for limit orders alone: nothing was sent")
    if trigger is not None and limit is not None:
        low, high = (trigger.price, limit) if request.side is Side.BUY else (limit, trigger.price)
        if low > high:
            raise BadInput(
                f"a stop at {VENUE} buys above its trigger and sells below it, was "
                f"{request.side.value} at {limit} from {trigger.price}"
            )


_ORDERS = OrderCommands(
    venue=VENUE, place=_place, cancel="order.cancel", named=_named, batch_max=100, send=_send
)
