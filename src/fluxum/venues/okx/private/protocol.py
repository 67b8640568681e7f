"""The account's link: its streams, and orders over the same link.

https://www.okx.com/docs-v5/en/#overview-websocket-login, #order-book-trading-trade-ws-order-channel
and #trading-account-websocket-account-channel. Before the login the markets are listed, as orders
need their numbers, and the kind of account is looked up, as it decides how orders are written.

The channel of orders has no snapshot, and each update has at most one fill; a message may come
twice. Those of balances and of positions have one, in pages: it is read row by row like any update,
as the session requests a snapshot over REST in any case, where a new one costs none of 480 requests
an hour.

The answer to an operation means that the venue took it; what became of it comes as an update, maybe
before. There is no operation that cancels all orders: those that are open are listed, and canceled
by twenties. `id` has letters and digits alone: that of a request for a channel begins with a
letter, `7p0` is the first operation of command 7.
"""

from collections.abc import Sequence
from functools import partial

from msgspec import Raw
from msgspec.json import decode

from fluxum.errors import BadInput, RemoteProtocolError, VenueRefused
from fluxum.model.event import Channel, Event
from fluxum.model.instant import plausible_ns
from fluxum.model.order import CancelAll, CancelAllAfter, Command, OrderRequest
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
from fluxum.venues.command_answers import CommandAnswer, OrderAnswer
from fluxum.venues.conversation import Auth, Effect, Fetch, Send
from fluxum.venues.okx import native as public
from fluxum.venues.okx.listing import LISTS, rows
from fluxum.venues.okx.normalize import VENUE
from fluxum.venues.okx.private import commands, native, normalize
from fluxum.venues.okx.private.commands import BATCH_MAX, Mode
from fluxum.venues.okx.private.markets import Markets
from fluxum.venues.order_commands import Members, Operation, OrderCommands, deadline_ns
from fluxum.venues.queries import only
from fluxum.venues.requests import Request, RequestLimits

__all__ = ["CONFIG", "account_link"]

CONFIG = Fetch("GET", "/api/v5/account/config", "kind of account", auth=Auth.SIGNED)
"""The call for the kind of account."""
_LOGIN = Send(public.encode({"op": "login"}), Auth.SIGNED)
_PENDING = "/api/v5/trade/orders-pending?limit=100"
_SWITCH = "/api/v5/trade/cancel-all-after"
_PENDING_MAX = 100
_ORDERS, _ACCOUNT, _POSITIONS = "orders", "account", "positions"
_ON_CHANGE = '{"updateInterval":"0"}'  # and not every five seconds as well
_ARGS = {
    _ORDERS: {"channel": _ORDERS, "instType": "ANY"},
    _ACCOUNT: {"channel": _ACCOUNT, "extraParams": _ON_CHANGE},
    _POSITIONS: {"channel": _POSITIONS, "instType": "ANY", "extraParams": _ON_CHANGE},
}
_MODES = frozenset({"1", "2", "3", "4"})
# https://www.okx.com/docs-v5/en/#error-code-websocket: a time that is off or expired.
_UNTIMELY = frozenset({"60004", "60006"})
# The same may succeed later: what was requested stays unanswered, so that the link is replaced.
_PASSING = frozenset({"60014", "60023", "63999", "64007"})
_MILLISECOND, _SECOND = 1_000_000, 1_000_000_000
_MILLIS_FROM = 10**11


def account_link() -> AccountLink:
    """The conversation of the account's link."""
    account = _Account()
    return AccountLink(
        AccountDialect(
            venue=VENUE,
            login=_LOGIN,
            ping=Send(b"ping"),
            message=_message,
            topics={Channel.EXECUTION: (_ORDERS,), Channel.BALANCE: (_ACCOUNT, _POSITIONS)},
            limits=RequestLimits(topics=1, in_flight=1),
            write=_write,
            read=account.read,
            effects=account.effects,
            called=account.called,
            preparations=(*LISTS, CONFIG),
            prepare=account.prepare,
        )
    )


class _Account:
    """What one link knows: the markets, and the kind of account."""

    def __init__(self) -> None:
        self._markets = Markets()
        self._mode = Mode()
        self._orders = OrderCommands(
            venue=VENUE,
            place=self._order,
            amend=partial(commands.amendment, self._markets),
            cancel="cancel-order",
            named=partial(commands.named, self._markets),
            place_batch="batch-orders",
            cancel_batch="batch-cancel-orders",
            batch_max=BATCH_MAX,
            cancels_max=BATCH_MAX,
            send=_send,
        )

    def prepare(self, fetch: Fetch, body: bytes) -> None:
        """Take a list of markets, or the kind of account; raises what `rows` does."""
        listed = rows(body)
        if fetch != CONFIG:
            self._markets.learn(listed)
            return
        config = only(listed, lambda row: decode(row, type=native.Config))
        if config.acctLv not in _MODES:
            raise VenueRefused(f"an account of level 1 to 4 was expected, was {config.acctLv!r}")
        self._mode = Mode(config.acctLv, is_hedged=config.posMode == "long_short_mode")

    def read(self, data: Data, row: Raw, received_ns: int) -> Sequence[Event]:
        """The events of a row of orders, of positions or of the account."""
        if data.topic == _ACCOUNT:
            details = decode(row, type=native.Wallet).details
            return [normalize.balance(one, received_ns) for one in details]
        if data.topic == _POSITIONS:
            held = decode(row, type=native.PositionRow)
            market = self._markets.named(held.instId, held.instType)
            return () if market is None else (normalize.position(market, held, received_ns),)
        wire = decode(row, type=native.OrderRow)
        market = self._markets.named(wire.instId, wire.instType)
        if market is None:
            return ()
        order = normalize.order(market, wire, received_ns)
        fill = normalize.fill(market, wire, received_ns)
        return (order,) if fill is None else (fill, order)

    # Commands

    def effects(self, command: Command, number: str) -> Sequence[Effect]:
        """The frames or calls of a command; raises BadInput for what OKX cannot do."""
        match command:
            case CancelAll():
                return [_call("GET", _PENDING, f"{number}.0")]
            case CancelAllAfter(timeout_s=timeout_s):
                if timeout_s and not 10 <= timeout_s <= 120:
                    raise BadInput(f"a time-out of 10 to 120 s was expected, was {timeout_s}")
                return [_call("POST", _SWITCH, number, {"timeOut": str(timeout_s)})]
            case _:
                return self._orders.effects(command, number)

    def _order(self, request: OrderRequest) -> tuple[str, Members]:
        return commands.order(self._markets, self._mode, request)

    def called(self, fetch: Fetch, body: bytes) -> CommandAnswer:
        """The answer to a call: a part of the orders that are to be canceled, or the switch."""
        number = fetch.purpose
        try:
            listed = rows(body)
        except VenueRefused as error:
            return CommandAnswer(number, str(error))
        if fetch.path == _SWITCH:
            at = int(only(listed, lambda row: decode(row, type=native.Switch)).triggerTime)
            unit = _MILLISECOND if at > _MILLIS_FROM else _SECOND
            return CommandAnswer(number, triggers_ns=at * unit or None)
        orders = [decode(row, type=native.OrderRow) for row in listed]
        if not orders:
            return CommandAnswer(number, canceled=0)
        command, _, page = number.partition(".")
        named = [{**self._markets.order_id(one.instId), "ordId": one.ordId} for one in orders]
        then: list[Effect] = [
            _send(f"{command}.{page}.{at}", ("batch-cancel-orders", named[at : at + BATCH_MAX]))
            for at in range(0, len(named), BATCH_MAX)
        ]
        if len(orders) == _PENDING_MAX:
            path = f"{_PENDING}&after={orders[-1].ordId}"
            then.append(_call("GET", path, f"{command}.{int(page) + 1}"))
        return CommandAnswer(number, then=then)


def _call(method: str, path: str, number: str, body: object = None) -> Fetch:
    content = b"" if body is None else public.encode(body)
    return Fetch(method, path, number, body=content, auth=Auth.SIGNED, is_once=True)


def _send(number: str, operation: Operation, command: Command | None = None) -> Send:
    """`id` has letters and digits alone: `p` stands for a dot."""
    op, rows = operation
    message: dict[str, object] = {"id": number.replace(".", "p"), "op": op, "args": rows}
    ends_ns = None if command is None else deadline_ns(command)
    if ends_ns is not None:
        message["expTime"] = str(ends_ns // _MILLISECOND)
    return Send(public.encode(message))


def _write(request: Request) -> Send:
    number = f"{request.op[0]}{request.number}"
    args = [_ARGS[topic] for topic in request.streams]
    return Send(public.encode({"id": number, "op": request.op, "args": args}))


# Frames


def _message(frame: bytes) -> Message:
    if frame == b"pong":
        return Nothing()
    wire = decode(frame, type=native.Frame)
    match wire.event:
        case "login":
            return LoginAnswer()
        case "subscribe" | "unsubscribe":
            return TopicAnswer(wire.event)
        case "error":
            return _refused(wire)
        case "notice" | "channel-conn-count-error":
            return Ending(f"{wire.event} {wire.code}{wire.channel} {wire.msg}".strip())
        case "channel-conn-count":
            return Nothing()
        case _:
            pass
    if wire.op is not None:
        return _answer(wire)
    if wire.arg is None or wire.arg.channel not in _ARGS:
        raise RemoteProtocolError(
            f"data of orders, balances or positions expected, was {frame[:80]!r}"
        )
    return Data(wire.arg.channel, wire.data)


def _refused(wire: native.Frame) -> Message:
    """An error: its `id` shows whether it is about a channel or an operation, or else the login."""
    text, is_passing = f"{wire.code} {wire.msg}".strip(), wire.code in _PASSING
    match wire.id[:1]:
        case "":
            return LoginAnswer(text, is_untimely=is_passing or wire.code in _UNTIMELY)
        case "s":
            return Nothing() if is_passing else TopicAnswer("subscribe", text)
        case "u":
            return Nothing() if is_passing else TopicAnswer("unsubscribe", text)
        case _:
            return CommandAnswer(_number(wire), text)


def _answer(wire: native.Frame) -> CommandAnswer:
    """The answer to an operation; each order of it has a code of its own."""
    answer = partial(CommandAnswer, _number(wire), venue_ns=_micros(wire.outTime))
    placed = [decode(row, type=native.Placed) for row in wire.data]
    if wire.op == "batch-cancel-orders" and placed:
        return answer(canceled=sum(one.sCode == "0" for one in placed))
    if wire.op == "batch-orders" and placed:
        return answer(orders=[OrderAnswer(one.ordId, one.clOrdId, _error(one)) for one in placed])
    if not placed and wire.code == "0":
        raise RemoteProtocolError("an answer about an order was expected, was one about none")
    if not placed:
        return answer(f"{wire.code} {wire.msg}".strip())
    (one,) = placed
    error = _error(one)
    return answer(order=OrderAnswer(one.ordId, one.clOrdId)) if error is None else answer(error)


def _error(placed: native.Placed) -> str | None:
    return None if placed.sCode == "0" else f"{placed.sCode} {placed.sMsg}".strip()


def _number(wire: native.Frame) -> str:
    return wire.id.partition("p")[0]


def _micros(text: str) -> int | None:
    """The instant of an answer; `None` for what is none."""
    is_number = text.isascii() and text.isdecimal() and len(text) == 16
    return plausible_ns(int(text) * 1000) if is_number else None
