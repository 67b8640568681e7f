"""Commands as Gemini takes them: frames of ws.gemini.com, and calls for what these cannot do.

https://developer.gemini.com/trading/websocket/playground (`order.place`, `order.cancel`: limit and
market orders) and https://docs.gemini.com/rest/orders (stop-limit orders, the cancel of all, the
heartbeat). The venue takes orders one by one, so that a batch is as many requests; it changes none,
and names them by its own ids alone. A key that requires a heartbeat loses its orders half a minute
after its last request: the dead man's switch sends one, and cannot disarm it.
"""

import re
from collections.abc import Iterable, Sequence

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
    Place,
    PlaceBatch,
    TimeInForce,
)
from fluxum.venues.conversation import Auth, Effect, Fetch, Send
from fluxum.venues.gemini.native import Request
from fluxum.venues.gemini.normalize import VENUE
from fluxum.venues.gemini.private.words import STOP_LIMIT
from fluxum.venues.gemini.symbols import lower
from fluxum.venues.order_offers import OrderOffers, plain

__all__ = ["HEARTBEAT", "HEARTBEAT_S", "effects", "is_client_id"]

HEARTBEAT = "/v1/heartbeat"
HEARTBEAT_S = 30
_CLIENT_ID = re.compile(r"[:\-_.#a-zA-Z0-9]{1,36}")
_TIMES = {TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK"}


def is_client_id(name: str) -> bool:
    """Whether Gemini takes this as a client order id."""
    return _CLIENT_ID.fullmatch(name) is not None


_OFFERS = OrderOffers(
    venue=VENUE,
    types=frozenset({OrderType.LIMIT, OrderType.MARKET, OrderType.STOP_LOSS_LIMIT}),
    times_in_force=frozenset(_TIMES),
    fields=frozenset({"post_only"}),
    batch_max=100,
    is_name=is_client_id,
    name_rule="up to 36 letters, digits and :-_.#",
)
_CONTRACTS = structs.replace(_OFFERS, fields=frozenset({"post_only", "margin"}))


def effects(command: Command, number: str) -> Sequence[Effect]:
    """The requests of a command, each with its number; raises BadInput for what cannot be done."""
    match command:
        case Place(request=request, validate=False):
            return [_place(request, number)]
        case PlaceBatch(requests=requests, validate=False):
            _OFFERS.check_batch(command)
            return [_place(request, f"{number}.{at}") for at, request in enumerate(requests)]
        case Cancel(order_ids=ids, client_order_ids=(), user_references=()) if ids:
            return _cancels(ids, number)
        case CancelBatch(order_ids=ids, client_order_ids=()) if ids:
            return _cancels(ids, f"{number}.batch")
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
            what = type(command).__name__
            raise BadInput(f"{VENUE} cannot do this: {what}, was {command!r:.200}")


def _cancels(ids: Iterable[str], number: str) -> Sequence[Effect]:
    return [
        _send("order.cancel", f"{number}.{at}", {"orderId": order_id})
        for at, order_id in enumerate(ids)
    ]


def _place(request: OrderRequest, number: str) -> Effect:
    _check(request)
    name, quantity = request.client_order_id, plain(request.quantity)
    if request.trigger is not None:
        order = {
            "symbol": lower(request.symbol),
            "side": request.side.value,
            "type": STOP_LIMIT,
            "amount": quantity,
            "price": plain(request.limit_price),
            "stop_price": plain(request.trigger.price),
        }
        return _call("/v1/order/new", number, order | ({"client_order_id": name} if name else {}))
    order = {
        "symbol": lower(request.symbol),
        "side": request.side.value.upper(),
        "type": request.order_type.value.upper(),
        "quantity": quantity,
    }
    if request.limit_price is not None:
        order["price"] = plain(request.limit_price)
        order["timeInForce"] = "MOC" if request.post_only else _TIMES[request.time_in_force]
    return _send("order.place", number, order | ({"clientOrderId": name} if name else {}))


def _send(method: str, number: str, params: dict[str, str]) -> Send:
    given: dict[str, int | str] = {**params}
    return Send(encode(Request(method, number, given)))


def _call(path: str, number: str, params: dict[str, str] | None = None) -> Fetch:
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
