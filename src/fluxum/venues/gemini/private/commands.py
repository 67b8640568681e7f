"""Commands as Gemini takes them: frames of ws.gemini.com, and calls for what these cannot do.

https://developer.gemini.com/trading/websocket/playground (`order.place`, `order.cancel`: limit and
market orders) and https://docs.gemini.com/rest/orders (stop-limit orders, the cancel of all, the
heartbeat). The venue takes orders one by one, so that a batch is as many requests; it changes none,
and names them by its own ids alone. A key that requires a heartbeat loses its orders half a minute
after its last request: the dead man's switch sends one, and cannot disarm it.
"""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

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
    PriceKind,
    TimeInForce,
)
from fluxum.venues.conversation import Auth, Effect, Fetch, Send
from fluxum.venues.gemini.native import Request
from fluxum.venues.gemini.normalize import VENUE
from fluxum.venues.gemini.private import native
from fluxum.venues.gemini.private.words import STOP_LIMIT
from fluxum.venues.gemini.symbols import lower

__all__ = ["HEARTBEAT", "HEARTBEAT_S", "effects", "is_client_id"]

HEARTBEAT = "/v1/heartbeat"
HEARTBEAT_S = 30
_BATCH_MAX = 100
_CLIENT_ID = re.compile(r"[:\-_.#a-zA-Z0-9]{1,36}")
_OFFERED = {OrderType.LIMIT, OrderType.MARKET, OrderType.STOP_LOSS_LIMIT}
_TIMES = {TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK"}


def is_client_id(name: str) -> bool:
    """Whether Gemini takes this as a client order id."""
    return _CLIENT_ID.fullmatch(name) is not None


def effects(command: Command, number: str) -> Sequence[Effect]:
    """The requests of a command, each with its number; raises BadInput for what cannot be done."""
    match command:
        case Place(request=request, validate=False):
            return [_place(request, number)]
        case PlaceBatch(requests=requests, validate=False) if 1 <= len(requests) <= _BATCH_MAX:
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
    name, quantity = request.client_order_id, _number(request.quantity)
    if request.trigger is not None:
        order = {
            "symbol": lower(request.symbol),
            "side": request.side.value,
            "type": STOP_LIMIT,
            "amount": quantity,
            "price": _number(request.limit_price),
            "stop_price": _number(request.trigger.price),
        }
        return _call("/v1/order/new", number, order | ({"client_order_id": name} if name else {}))
    order = {
        "symbol": lower(request.symbol),
        "side": request.side.value.upper(),
        "type": request.order_type.value.upper(),
        "quantity": quantity,
    }
    if request.limit_price is not None:
        order["price"] = _number(request.limit_price)
        order["timeInForce"] = "MOC" if request.post_only else _TIMES[request.time_in_force]
    return _send("order.place", number, order | ({"clientOrderId": name} if name else {}))


def _send(method: str, number: str, params: dict[str, str]) -> Send:
    given: dict[str, int | str] = {**params}
    return Send(native.encode(Request(method, number, given)))


def _call(path: str, number: str, params: dict[str, str] | None = None) -> Fetch:
    """A call that is a command; the venue's allowance of public calls does not count it."""
    body = native.encode(params) if params else b""
    return Fetch("POST", path, number, body=body, cost=0.0, auth=Auth.SIGNED, is_once=True)


def _check(request: OrderRequest) -> None:
    """Raise BadInput for what Gemini has no field for."""
    name, kind, trigger = request.client_order_id, request.order_type, request.trigger
    if name and not is_client_id(name):
        raise BadInput(
            f"a client order id is up to 36 letters, digits and :-_.# at {VENUE}, was {name!r}"
        )
    missing = {
        f"orders of type {kind.value}": kind not in _OFFERED,
        f"time in force {request.time_in_force.value}": request.time_in_force not in _TIMES
        or (kind is not OrderType.LIMIT and request.time_in_force is not TimeInForce.GTC),
        "distances as prices": request.limit_price_kind not in {None, PriceKind.STATIC}
        or (trigger is not None and trigger.kind is not PriceKind.STATIC),
        "a time to begin": request.effective_ns is not None,
        "icebergs": request.display_quantity is not None,
        "amounts to spend": request.quote_quantity is not None,
        "a choice of the fee's asset": request.fee_asset is not None,
        "close orders": request.close is not None,
        "user references": request.user_reference is not None,
        "a choice about self-trades": request.self_trade is not None,
        "reduce-only orders": request.reduce_only,
        "orders on margin": request.margin and not request.symbol.contract,
    }
    lacking = [what for what, is_missing in missing.items() if is_missing]
    if lacking:
        raise BadInput(f"{VENUE} has no {', '.join(lacking)}: nothing was sent")
    limit = request.limit_price
    if trigger is not None and limit is not None:
        low, high = (trigger.price, limit) if request.side is Side.BUY else (limit, trigger.price)
        if low > high:
            raise BadInput(
                f"a stop at {VENUE} buys above its trigger and sells below it, was "
                f"{request.side.value} at {limit} from {trigger.price}"
            )


def _number(value: Decimal | None) -> str:
    if value is None or not value.is_finite() or value <= 0 or not -30 < value.adjusted() < 30:
        raise BadInput(f"a number above zero was expected, was {value}")
    return f"{value:f}"
