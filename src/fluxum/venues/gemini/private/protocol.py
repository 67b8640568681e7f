"""The link of balances and orders: ws.gemini.com, opened with the headers of an account.

https://developer.gemini.com/websocket/message-format and /websocket/streams. The upgrade is the
login; the answer to a first ping stands for its acknowledgement. A change of balances is not
enough, as `f` is documented as what is held and as what is available: they are listed again. The
form of a successful answer to an order is not published: it means that the venue took the order,
and what became of it is an order event.
"""

from collections.abc import Mapping, Sequence

from msgspec import MsgspecError, Raw
from msgspec.json import decode, encode

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, Event, Subscription
from fluxum.venues.account_link import (
    AccountDialect,
    AccountLink,
    Data,
    LoginAnswer,
    Message,
    Nothing,
    TopicAnswer,
)
from fluxum.venues.command_answers import CommandAnswer, OrderAnswer
from fluxum.venues.conversation import Auth, Fetch, Send
from fluxum.venues.gemini.native import Request
from fluxum.venues.gemini.normalize import VENUE
from fluxum.venues.gemini.private import native, normalize
from fluxum.venues.gemini.private.commands import HEARTBEAT, effects
from fluxum.venues.requests import Op
from fluxum.venues.requests import Request as StreamRequest

__all__ = ["BALANCES", "BALANCES_CALL", "order_link"]

BALANCES = "balances@account"
BALANCES_CALL = Fetch(
    "POST", "/v1/balances", "balances", subscription=Subscription(Channel.BALANCE), auth=Auth.SIGNED
)
_OK = 200
_TRY_AGAIN = frozenset({-1000, -1003})  # the venue's own failure, and too many requests
_HEARTBEAT_WARNING = "orders are canceled without heartbeats only if the key requires them"
_LOGIN = Send(encode(Request("ping", "login")))
_PING = Send(encode(Request("ping", "ping")))
_OPS: Mapping[str, Op] = {"s": "subscribe", "u": "unsubscribe"}


def order_link() -> AccountLink:
    """The conversation of the link of balances and orders."""
    return AccountLink(
        AccountDialect(
            venue=VENUE,
            login=_LOGIN,
            ping=_PING,
            message=_message,
            topics={Channel.BALANCE: (BALANCES,)},
            write=_write,
            read=_Wallet().read,
            look_up=_look_up,
            effects=effects,
            called=_called,
        )
    )


def _write(request: StreamRequest) -> Send:
    number = f"{request.op[0]}{request.number}"
    return Send(encode(Request(request.op, number, request.topics)))


def _message(frame: bytes) -> Message:
    wire = decode(frame, type=native.Message)
    number = "" if wire.id is None else str(wire.id)
    if not number:
        if wire.e == "balanceUpdate":
            return Data(BALANCES, wire.B)
        raise RemoteProtocolError(f"no stream of this link has this: {frame[:80]!r}")
    error = "" if wire.error is None else f"{wire.error.code} {wire.error.msg}"
    if wire.status != _OK and not error:
        raise RemoteProtocolError(f"an answer has status 200 or an error, was {wire.status}")
    if number == "ping":
        return Nothing()
    op = _OPS.get(number[0])
    is_later = wire.error is not None and wire.error.code in _TRY_AGAIN
    if number == "login" or (op is not None and is_later):
        return LoginAnswer(error, is_untimely=is_later)
    if op is not None:
        return TopicAnswer(op, error)
    if number.endswith(".batch"):  # an order that has ended does not refuse the others
        return CommandAnswer(number, canceled=0 if error else 1)
    return CommandAnswer(number, error, order=_placed(wire.result))


def _placed(result: Raw) -> OrderAnswer:
    try:
        placed = decode(result, type=native.Placed)
    except MsgspecError:
        return OrderAnswer()
    order_id = placed.order_id or placed.orderId
    return OrderAnswer(str(order_id), placed.client_order_id or placed.clientOrderId)


def _look_up(data: Data) -> Fetch | None:
    """The list of balances, for data that are not this list."""
    return None if data.rows and _is_list(data.rows[0]) else BALANCES_CALL


def _is_list(row: Raw) -> bool:
    return bytes(row).lstrip().startswith(b"[")


class _Wallet:
    """The balances of a list, all or none; an asset that it leaves out is not held any more."""

    def __init__(self) -> None:
        self._held: set[str] = set()

    def read(self, data: Data, row: Raw, received_ns: int) -> Sequence[Event]:  # noqa: ARG002
        """All balances of a list; of an asset that has changed, that there is one."""
        if not _is_list(row):
            self._held.add(decode(row, type=native.Change).a)
            return ()
        funds = decode(row, type=list[native.Funds])
        gone = self._held - {one.currency for one in funds}
        self._held = {one.currency for one in funds}
        funds += [native.Funds(asset, "0", "0") for asset in sorted(gone)]
        return tuple(normalize.balance(one, received_ns) for one in funds)


def _called(fetch: Fetch, body: bytes) -> CommandAnswer | Data:
    """The balances, or the answer to a command that is a call."""
    if fetch.path == BALANCES_CALL.path:
        return Data(BALANCES, (Raw(body),))
    if fetch.path == "/v1/order/new":
        order = _placed(Raw(body))
        if not order.order_id:
            raise RemoteProtocolError(f"an order was expected, was {body[:80]!r}")
        return CommandAnswer(fetch.purpose, order=order)
    answer = decode(body, type=native.Canceled)
    if answer.result != "ok":
        raise RemoteProtocolError(f"ok was expected, was {answer.result[:40]!r}")
    if fetch.path == HEARTBEAT:
        return CommandAnswer(fetch.purpose, order=OrderAnswer(warnings=(_HEARTBEAT_WARNING,)))
    canceled = (answer.details or {}).get("cancelledOrders", ())
    return CommandAnswer(fetch.purpose, canceled=len(canceled))
