"""The account's link and the link of orders: what their frames are.

https://bybit-exchange.github.io/docs/v5/websocket/private/order, /execution, /position, /wallet and
/websocket/trade/guideline. Both begin with the same login. No stream begins with a snapshot. Orders
and executions are two topics, and one stream of Fluxum. The wallet is that of all categories.

The answer to an operation means that the venue took it; what became of it comes on the account's
link, maybe before. To take out every order there is a REST call alone, for contracts one for each
asset they settle in (/order/cancel-all). A command with a deadline is sent with the time its
receive window ends at it; the session fills in the time where there is no deadline.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from msgspec import Raw
from msgspec.json import decode

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, Event
from fluxum.model.order import CancelAll, Command
from fluxum.venues.account_link import (
    AccountDialect,
    AccountLink,
    Data,
    LoginAnswer,
    Message,
    Nothing,
    TopicAnswer,
)
from fluxum.venues.bybit import native as public
from fluxum.venues.bybit.category import SPOT, Category
from fluxum.venues.bybit.normalize import instant
from fluxum.venues.bybit.private import commands, native, normalize
from fluxum.venues.bybit.private.signing import RECEIVE_MS
from fluxum.venues.command_answers import CommandAnswer, OrderAnswer
from fluxum.venues.conversation import Auth, Effect, Fetch, Send
from fluxum.venues.order_commands import Operation, OrderCommands, deadline_ns
from fluxum.venues.requests import Request
from fluxum.venues.rows import digits

__all__ = ["account_link", "order_link"]

_LOGIN = Send(public.encode({"op": "auth"}), Auth.SIGNED)
_PING = Send(b'{"op":"ping"}')
_WALLET = "wallet"
_POSITION = "position"  # of contracts alone
# An expiry that is too short or over (https://github.com/bybit-exchange/pybit/issues/152).
_UNTIMELY = frozenset({"Params Error", "10002"})
_MILLISECOND = 1_000_000


def account_link(category: Category) -> AccountLink:
    """The conversation of the account's link, of one category."""
    orders, executions = f"order.{category.name}", f"execution.{category.name}"
    held = (_WALLET,) if category is SPOT else (_WALLET, f"{_POSITION}.{category.name}")
    return AccountLink(
        AccountDialect(
            venue=category.venue,
            login=_LOGIN,
            ping=_PING,
            message=_account_message,
            topics={Channel.EXECUTION: (orders, executions), Channel.BALANCE: held},
            write=_write,
            read=partial(_read, category),
        )
    )


def order_link(category: Category) -> AccountLink:
    """The conversation of the link of orders, of one category."""
    orders = OrderCommands(
        venue=category.venue,
        place=partial(commands.order, category),
        amend=partial(commands.amendment, category),
        cancel="order.cancel",
        named=partial(commands.named, category),
        place_batch="order.create-batch",
        cancel_batch="order.cancel-batch",
        batch_max=commands.BATCH_MAX,
        cancels_max=commands.BATCH_MAX,
        send=partial(_send, category),
    )
    return AccountLink(
        AccountDialect(
            venue=category.venue,
            login=_LOGIN,
            ping=_PING,
            message=_order_message,
            effects=partial(_effects, category, orders),
            called=_called,
        )
    )


# The account's link


def _account_message(frame: bytes) -> Message:
    wire = decode(frame, type=native.Frame)
    if wire.topic is not None:
        return Data(wire.topic, wire.data, instant(wire.creationTime))
    error = "" if wire.success else wire.ret_msg or "refused without a reason"
    match wire.op:
        case "auth":
            return LoginAnswer(error, is_untimely=error in _UNTIMELY)
        case "subscribe" | "unsubscribe":
            return TopicAnswer(wire.op, error)
        case "ping" | "pong":
            return Nothing()
        case _:
            raise RemoteProtocolError(f"a known kind of answer was expected, was {frame[:80]!r}")


def _read(category: Category, data: Data, row: Raw, received_ns: int) -> Sequence[Event]:
    """The events of a row of orders, of executions, of positions or of the wallet."""
    if data.topic == _WALLET:
        return [
            normalize.balance(category, decode(coin, type=native.Coin), data.venue_ns, received_ns)
            for coin in decode(row, type=native.Wallet).coin
        ]
    if data.topic.startswith(_POSITION):
        position = decode(row, type=native.PositionRow)
        if normalize.is_of(category, position):
            return (normalize.position(category, position, received_ns),)
        return ()
    if data.topic.startswith("order"):
        order = decode(row, type=native.OrderRow)
        if normalize.is_of(category, order):
            return (normalize.order(category, order, received_ns),)
        return ()
    execution = decode(row, type=native.Execution)
    if not normalize.is_of(category, execution):
        return ()
    fill = normalize.fill(category, execution, received_ns)
    return () if fill is None else (fill,)


def _write(request: Request) -> Send:
    message = {"req_id": str(request.number), "op": request.op, "args": tuple(request.streams)}
    return Send(public.encode(message))


# The link of orders


def _effects(
    category: Category, orders: OrderCommands, command: Command, number: str
) -> Sequence[Effect]:
    if not isinstance(command, CancelAll):
        return orders.effects(command, number)
    return [
        Fetch(
            "POST",
            "/v5/order/cancel-all",
            f"{number}.{at}",
            body=public.encode({"category": category.name, **scope}),
            auth=Auth.SIGNED,
            is_once=True,
        )
        for at, scope in enumerate(category.scopes)
    ]


def _send(category: Category, number: str, operation: Operation, command: Command) -> Send:
    op, rows = operation
    about: Mapping[str, object] = {"request": rows} if op.endswith("-batch") else rows[0]
    arguments = {"category": category.name, **about}
    message: dict[str, object] = {"reqId": number, "op": op, "args": (arguments,)}
    ends_ns = deadline_ns(command)
    if ends_ns is None:
        return Send(public.encode(message), Auth.SIGNED)
    times = {
        "X-BAPI-TIMESTAMP": str(ends_ns // _MILLISECOND - RECEIVE_MS),
        "X-BAPI-RECV-WINDOW": str(RECEIVE_MS),
    }
    return Send(public.encode({**message, "header": times}))


def _order_message(frame: bytes) -> Message:
    answer = decode(frame, type=native.OrderAnswer)
    error = f"{answer.retCode} {answer.retMsg}".strip() if answer.retCode else ""
    match answer.op:
        case "auth":
            codes = {str(answer.retCode), answer.retMsg}
            return LoginAnswer(error, is_untimely=not codes.isdisjoint(_UNTIMELY))
        case "ping" | "pong":
            return Nothing()
        case _:
            pass
    number, venue_ns = answer.reqId, instant(digits(answer.header.get("Timenow")))
    if error:
        return CommandAnswer(number, error, venue_ns=venue_ns)
    match answer.op:
        case "order.create-batch":
            return CommandAnswer(number, orders=_rows(answer), venue_ns=venue_ns)
        case "order.cancel-batch":
            verdicts = decode(answer.retExtInfo, type=native.Verdicts).list
            canceled = sum(not one.code for one in verdicts)
            return CommandAnswer(number, canceled=canceled, venue_ns=venue_ns)
        case _:
            placed = decode(answer.data, type=native.Placed)
            order = OrderAnswer(placed.orderId, placed.orderLinkId)
            return CommandAnswer(number, order=order, venue_ns=venue_ns)


def _rows(answer: native.OrderAnswer) -> Sequence[OrderAnswer]:
    """Each order of a batch has a verdict of its own, in the order of the request."""
    placed = decode(answer.data, type=native.PlacedRows).list
    verdicts = decode(answer.retExtInfo, type=native.Verdicts).list
    if len(placed) != len(verdicts):
        raise RemoteProtocolError(f"{len(placed)} verdicts were expected, was {len(verdicts)}")
    return [
        OrderAnswer(row.orderId, row.orderLinkId, f"{one.code} {one.msg}" if one.code else None)
        for row, one in zip(placed, verdicts, strict=True)
    ]


def _called(fetch: Fetch, body: bytes) -> CommandAnswer:
    """The answer to a cancel of all orders."""
    answer = public.decode_answer(body)
    if answer.retCode:
        return CommandAnswer(fetch.purpose, f"{answer.retCode} {answer.retMsg or ''}".strip())
    canceled = decode(answer.result, type=native.PlacedRows).list
    return CommandAnswer(fetch.purpose, canceled=len(canceled))
