"""The account's link, over the WebSocket API: what its frames are.

https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-api.md and
user-data-stream.md. The login is the signed subscription to all events of the account, so that
streams have no requests of their own: a ping acknowledges them. Orders go over the same link. No
stream begins with a snapshot. A command with a deadline is sent with the time its receive window
ends at it.

To take out every order the open ones are listed first, as they can be canceled market by market
only. An answer does not name its kind: the number of each request has a word for it at its end.
"""

from collections.abc import Sequence
from functools import partial

from msgspec import Raw
from msgspec.json import decode

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, Event, Subscription
from fluxum.model.order import CancelAll, CancelBatch, Command
from fluxum.venues.account_link import (
    AccountDialect,
    AccountLink,
    Data,
    Ending,
    LoginAnswer,
    Message,
    Nothing,
    TopicAnswer,
)
from fluxum.venues.binance.native import encode
from fluxum.venues.binance.normalize import nanos
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.private import native, normalize
from fluxum.venues.binance.private.commands import order_commands
from fluxum.venues.binance.private.names import Names, order_id
from fluxum.venues.binance.private.ws_api import RETRYABLE, refusal_of, request, times
from fluxum.venues.command_answers import CommandAnswer, OrderAnswer
from fluxum.venues.conversation import Auth, Effect, Send
from fluxum.venues.order_commands import Operation, OrderCommands
from fluxum.venues.reading import missed
from fluxum.venues.requests import Op, Request

__all__ = ["account_link"]

REPORT, POSITION = "executionReport", "outboundAccountPosition"
_TRANSFER, _LOCK = "balanceUpdate", "externalLockUpdate"
_LOGIN = Send(encode({"id": "login", "method": "userDataStream.subscribe.signature"}), Auth.SIGNED)
_PING = Send(b'{"id":"ping","method":"ping"}')
_OPS: dict[str, Op] = {"subscribe": "subscribe", "unsubscribe": "unsubscribe"}
_WORDS = frozenset({"open", "market", "many", "one"})
_UNKNOWN_ORDER = -2011  # what a cancel of nothing is answered with


def account_link(policy: Policy) -> AccountLink:
    """The conversation of the account's link."""
    names = Names(policy)
    return AccountLink(
        AccountDialect(
            venue=policy.venue,
            login=_LOGIN,
            ping=_PING,
            message=_message,
            topics={Channel.EXECUTION: (REPORT,), Channel.BALANCE: (POSITION, _TRANSFER, _LOCK)},
            unrequested=frozenset({REPORT, POSITION}),
            write=_write,
            read=partial(_read, policy.venue, names),
            effects=partial(_effects, order_commands(policy, _send)),
            preparations=(names.fetch,),
            prepare=lambda _fetch, body: names.learn(body),
        )
    )


# Frames


def _message(frame: bytes) -> Message:
    wire = decode(frame, type=native.Frame)
    if bytes(wire.event):
        return _event(wire.event)
    number = str(wire.id or "")
    error = refusal_of(wire)
    op = _OPS.get(number.partition(".")[0])
    if number == "login":
        code = error.partition(" ")[0]
        return LoginAnswer(error, is_untimely=code in RETRYABLE or wire.status >= 500)
    if not number or (op is not None and error):
        return Ending(error or "an answer without a number")
    if op is not None:
        return TopicAnswer(op)
    return Nothing() if number == "ping" else _answer(number, error, wire)


def _event(event: Raw) -> Message:
    tag = decode(event, type=native.Tag)
    match tag.e:
        case "serverShutdown":
            return Ending("the venue shuts the server down", is_announced=True)
        case "eventStreamTerminated":
            return Ending("the venue ended the events of the account")
        case "listStatus":  # each order of a list has reports of its own
            return Nothing()
        case _:
            return Data(tag.e, (event,), nanos(tag.E))


def _write(wanted: Request) -> Send:
    return Send(encode({"id": f"{wanted.op}.{wanted.number}", "method": "ping"}))


def _read(venue: str, names: Names, data: Data, row: Raw, received_ns: int) -> Sequence[Event]:
    """The events of one event of the venue's."""
    match data.topic:
        case "executionReport":
            report = decode(row, type=native.OrderReport)
            fill = normalize.fill(venue, names, report, received_ns)
            order = normalize.order(venue, names, report, received_ns)
            return (order,) if fill is None else (order, fill)
        case "outboundAccountPosition":
            position = decode(row, type=native.AccountPosition)
            rows = [decode(one, type=native.BalanceRow) for one in position.B]
            return [normalize.balance(venue, one, position.u, received_ns) for one in rows]
        case "balanceUpdate":
            update = decode(row, type=native.BalanceUpdate)
            return (normalize.entry(venue, update, bytes(row), received_ns),)
        case _:  # what another system locks is in the list of balances
            lock = decode(row, type=native.ExternalLockUpdate)
            reason = f"another system locked {lock.d} {lock.a}"
            return (missed(venue, Subscription(Channel.BALANCE), reason, received_ns),)


# Commands


def _effects(orders: OrderCommands, command: Command, number: str) -> Sequence[Effect]:
    if isinstance(command, CancelAll):
        return [request(f"{number}.0.open", "openOrders.status", {})]
    return orders.effects(command, number)


def _send(number: str, operation: Operation, command: Command) -> Send:
    method, (params,) = operation
    word = "many" if isinstance(command, CancelBatch) else "one"
    return request(f"{number}.{word}", method, {**params, **times(command)})


def _answer(number: str, error: str, wire: native.Frame) -> CommandAnswer:
    """The answer to a request of a command, by the word at the end of its number."""
    command, _, word = number.rpartition(".")
    if word not in _WORDS or not command:
        raise RemoteProtocolError(f"an answer to a command was expected, was to {number[:40]!r}")
    is_gone = wire.error is not None and wire.error.code == _UNKNOWN_ORDER
    if error and not (is_gone and word in {"many", "market"}):
        return CommandAnswer(command, error)
    match word:
        case "open":
            orders = map(native.decode_order, decode(wire.result, type=tuple[Raw, ...]))
            markets = dict.fromkeys(one.s for one in orders)
            cancel, base = "openOrders.cancelAll", command.partition(".")[0]
            then = [
                request(f"{base}.{at}.market", cancel, {"symbol": one})
                for at, one in enumerate(markets)
            ]
            return CommandAnswer(command, then=then) if then else CommandAnswer(command, canceled=0)
        case "market":
            rows = () if is_gone else decode(wire.result, type=tuple[Raw, ...])
            return CommandAnswer(command, canceled=sum(map(_count, rows)))
        case "many":
            return CommandAnswer(command, canceled=0 if is_gone else _count(wire.result))
        case _:
            return CommandAnswer(command, order=_order(wire.result))


def _order(result: Raw) -> OrderAnswer:
    """The ids of an order that was entered, made smaller, entered for another, or canceled."""
    wire = decode(result, type=native.OrderResult)
    order, before = wire.newOrderResponse or wire.amendedOrder or wire, wire.cancelResponse
    if order.orderId is None:  # it was only tested, or is a list of orders
        return OrderAnswer()
    is_canceled = order is wire and bool(order.origClientOrderId)
    return OrderAnswer(
        order_id(order.symbol, order.orderId),
        order.origClientOrderId if is_canceled else order.clientOrderId,
        original_order_id=""
        if before is None or before.orderId is None
        else order_id(before.symbol, before.orderId),
    )


def _count(row: Raw) -> int:
    """How many orders a cancel took out: one, or all of a list of orders."""
    return len(decode(row, type=native.OrderResult).orders) or 1
