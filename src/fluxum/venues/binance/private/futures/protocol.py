"""The user data stream of USD-M futures, and the link of orders: what their frames are.

https://developers.binance.com/docs/derivatives/usds-margined-futures/user-data-streams and
/websocket-api-general-info. A listen key in the URL opens the stream, so that no login follows: an
answer to any request proves that the link is open, and acknowledges what is wanted. When the key
expires, nothing comes any more: the link is replaced, with another key. No stream begins with a
snapshot.

Orders go over a WebSocket API, one by one; those of a batch in one REST call, of five at most. All
orders are canceled market by market: those that are open are listed first. The dead man switch is
one of each market: that of each with open orders is set, and of those that were set before.
"""

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import partial
from urllib.parse import urlencode

from msgspec import Raw
from msgspec.json import decode

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, Event, VenueNotice
from fluxum.model.order import CancelAll, CancelAllAfter, Command, OrderUpdate
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
from fluxum.venues.binance.private.futures import commands, native, normalize
from fluxum.venues.binance.private.names import Names, conditional_id, order_id
from fluxum.venues.binance.private.native import Frame
from fluxum.venues.binance.private.ws_api import RETRYABLE, refusal_of, request, times
from fluxum.venues.command_answers import CommandAnswer, OrderAnswer
from fluxum.venues.conversation import Auth, Effect, Fetch, Send
from fluxum.venues.order_commands import Operation, OrderCommands
from fluxum.venues.requests import Op, Request

__all__ = ["account_link", "order_link"]

ORDERS, CONDITIONAL, ACCOUNT = "ORDER_TRADE_UPDATE", "ALGO_UPDATE", "ACCOUNT_UPDATE"
_MARGIN_CALL = "MARGIN_CALL"
# What says again what another event says, or is about what Fluxum does not have.
_PASSED_OVER = frozenset(
    {
        *("TRADE_LITE", "ACCOUNT_CONFIG_UPDATE", "STRATEGY_UPDATE", "GRID_UPDATE"),
        "CONDITIONAL_ORDER_TRIGGER_REJECT",
    }
)
_LOGIN_ID, _PING_ID = 1, 2
_ENDING_MAX = 1000
_OPS: tuple[Op, ...] = ("subscribe", "unsubscribe")
_STATUS = "session.status"


def account_link(policy: Policy) -> AccountLink:
    """The conversation of the user data stream."""
    names = Names(policy)
    return AccountLink(
        AccountDialect(
            venue=policy.venue,
            login=_property(_LOGIN_ID),
            ping=_property(_PING_ID),
            message=_event,
            topics={
                Channel.EXECUTION: (ORDERS, CONDITIONAL),
                Channel.BALANCE: (ACCOUNT, _MARGIN_CALL),
            },
            unrequested=frozenset({ORDERS, ACCOUNT}),
            write=_write,
            read=_Rows(policy.venue, names).read,
            preparations=(names.fetch,),
            prepare=lambda _fetch, body: names.learn(body),
        )
    )


def order_link(policy: Policy) -> AccountLink:
    """The conversation of the link of orders."""
    orders = _Orders(policy)
    return AccountLink(
        AccountDialect(
            venue=policy.venue,
            login=Send(encode({"id": "login", "method": _STATUS})),
            ping=Send(encode({"id": "ping", "method": _STATUS})),
            message=_answer,
            effects=orders.effects,
            called=orders.called,
        )
    )


# The user data stream


def _property(number: int) -> Send:
    """A request that any link answers, and that changes nothing."""
    return Send(encode({"method": "GET_PROPERTY", "params": ("combined",), "id": number}))


def _write(wanted: Request) -> Send:
    """Ids are whole numbers: that of a request says what it is for."""
    return _property(len(_OPS) * (wanted.number + 2) + _OPS.index(wanted.op))


def _event(frame: bytes) -> Message:
    wire = decode(frame, type=native.StreamFrame)
    match wire.e:
        case "":
            return _acknowledged(wire)
        case "listenKeyExpired":
            return Ending("the listen key expired")
        case "serverShutdown":
            return Ending("the venue shuts the server down", is_announced=True)
        case kind if kind in _PASSED_OVER:
            return Nothing()
        case kind:
            return Data(kind, (Raw(frame),), nanos(wire.E))


def _acknowledged(wire: native.StreamFrame) -> Message:
    """An answer proves that the link is open, even one that is an error."""
    number, fault = wire.id, wire.error
    if number == _LOGIN_ID:
        return LoginAnswer()
    if number is None:
        reason = "an answer without a number"
        return Ending(reason if fault is None else f"{fault.code} {fault.msg}")
    return Nothing() if number == _PING_ID else TopicAnswer(_OPS[number % len(_OPS)])


class _Rows:
    """The events of one event of the venue's.

    An order whose price is reached ends when the order that goes on for it is known: until then the
    name of both would be that of an order that ended.
    """

    def __init__(self, venue: str, names: Names) -> None:
        self._venue = venue
        self._names = names
        self._ending: OrderedDict[str, OrderUpdate] = OrderedDict()

    def read(self, data: Data, row: Raw, received_ns: int) -> Sequence[Event]:
        """What an event says."""
        match data.topic:
            case "ORDER_TRADE_UPDATE":
                return self._report(decode(row, type=native.OrderEvent).o, received_ns)
            case "ALGO_UPDATE":
                event = decode(row, type=native.ConditionalEvent)
                event.o.T = event.T
                return self._conditional(event.o, received_ns)
            case "MARGIN_CALL":
                called = ", ".join(one.s for one in decode(row, type=native.MarginCall).p)
                notice = f"a margin call: {called}"
                return (VenueNotice(venue=self._venue, message=notice, received_ns=received_ns),)
            case _:
                account = decode(row, type=native.AccountEvent)
                return self._account(account.a, account.T, received_ns)

    def _report(self, wire: native.OrderReport, received_ns: int) -> Sequence[Event]:
        order = normalize.order(self._venue, self._names, wire, received_ns)
        fill = normalize.fill(self._venue, self._names, wire, received_ns)
        ended = self._ending.pop(order.order_id, None)
        return [one for one in (order, fill, ended) if one is not None]

    def _conditional(self, wire: native.ConditionalOrder, received_ns: int) -> Sequence[Event]:
        order = normalize.conditional(self._venue, self._names, wire, received_ns)
        goes_on = f"{wire.s}:{wire.ai}"
        if wire.X != "TRIGGERED":
            self._ending.pop(goes_on, None)
            return (order,)
        self._ending[goes_on] = order
        if len(self._ending) > _ENDING_MAX:
            return (self._ending.popitem(last=False)[1],)
        return ()

    def _account(self, wire: native.AccountRow, at_ms: int, received_ns: int) -> Sequence[Event]:
        venue, names = self._venue, self._names
        return [
            *(normalize.balance(venue, one, at_ms, received_ns) for one in wire.B),
            *(normalize.position(venue, names, one, at_ms, received_ns) for one in wire.P),
        ]


# The link of orders


class _Orders:
    """Commands as requests and calls, and the markets whose dead man switch may be set."""

    def __init__(self, policy: Policy) -> None:
        self._rest = policy.rest
        self._armed: dict[str, None] = {}
        self._orders = OrderCommands(
            venue=policy.venue,
            place=partial(commands.order, policy),
            test="order/test",
            amend=partial(commands.amendment, policy),
            cancel=commands.CANCEL,
            named=partial(commands.named, policy),
            place_batch="batchOrders",
            batch_max=commands.BATCH_MAX,
            send=self._send,
        )

    def effects(self, command: Command, number: str) -> Sequence[Effect]:
        """The requests or calls of a command; raises BadInput for what the venue cannot do."""
        match command:
            case CancelAll():
                lists = ("openOrders", "openAlgoOrders")
                return [
                    self._call("GET", one, f"{number}.{at}.cancel", {}, 40)
                    for at, one in enumerate(lists)
                ]
            case CancelAllAfter(timeout_s=timeout_s):
                return [self._call("GET", "openOrders", f"{number}.0.after {timeout_s}", {}, 40)]
            case _:
                return self._orders.effects(command, number)

    def _send(self, number: str, operation: Operation, command: Command) -> Effect:
        name, rows = operation
        params = {**rows[0], **times(command)}
        match name:
            case "batchOrders":
                batch = json.dumps(rows, separators=(",", ":"))
                about = {"batchOrders": batch, **times(command)}
                whole = number.partition(".")[0]  # as a refusal is one of all its orders
                return self._call("POST", name, f"{whole}..batch", about, 5)
            case "order/test":
                return self._call("POST", name, number, params, 1)
            case _ if "algoId" in params:
                return request(number, commands.CONDITIONAL_CANCEL, params)
            case _:
                return request(number, name, params)

    def _call(
        self, method: str, name: str, number: str, params: Mapping[str, object], cost: int
    ) -> Fetch:
        query = f"?{urlencode(params)}" if params else ""
        path = f"{self._rest}{name}{query}"
        return Fetch(method, path, number, cost=cost, auth=Auth.SIGNED, is_once=True)

    def called(self, fetch: Fetch, body: bytes) -> CommandAnswer:
        """The answer to a call; what it is for is the last word of its number."""
        number = fetch.purpose
        base, _, word = number.rpartition(".")
        if word == "batch":
            rows = decode(body, type=tuple[native.OrderResult, ...])
            return CommandAnswer(base, orders=[_order(one) for one in rows])
        if fetch.method == "GET":
            open_orders = decode(body, type=tuple[native.OrderResult, ...])
            counts: dict[str, int] = {}
            for one in open_orders:
                counts[one.symbol] = counts.get(one.symbol, 0) + 1
            return self._listed(base, word, counts)
        if fetch.method == "DELETE":
            return CommandAnswer(base, canceled=int(word))
        return CommandAnswer(number)

    def _listed(self, number: str, word: str, counts: Mapping[str, int]) -> CommandAnswer:
        """What follows when the open orders of markets are known: cancel them, or set switches."""
        command, _, part = number.partition(".")
        if word == "cancel":
            name = "algoOpenOrders" if part == "1" else "allOpenOrders"
            then: list[Effect] = [
                self._call("DELETE", name, f"{number}.{count}", {"symbol": market}, 1)
                for market, count in counts.items()
            ]
            return CommandAnswer(number, then=then) if then else CommandAnswer(number, canceled=0)
        timeout_s = int(word.removeprefix("after "))
        markets = {**self._armed, **dict.fromkeys(counts)}
        self._armed = markets if timeout_s else {}
        then = [
            self._call(
                "POST",
                "countdownCancelAll",
                f"{command}.{at}",
                {"symbol": market, "countdownTime": timeout_s * 1000},
                10,
            )
            for at, market in enumerate(markets)
        ]
        return CommandAnswer(number, then=then)


def _answer(frame: bytes) -> Message:
    wire = decode(frame, type=Frame)
    number, error = str(wire.id or ""), refusal_of(wire)
    if number == "login":
        code = error.partition(" ")[0]
        return LoginAnswer(error, is_untimely=code in RETRYABLE or wire.status >= 500)
    if number == "ping":
        return Nothing()
    if not number:
        return Ending(error or "an answer without a number")
    if error:
        return CommandAnswer(number, error)
    return CommandAnswer(number, order=_order(decode(wire.result, type=native.OrderResult)))


def _order(wire: native.OrderResult) -> OrderAnswer:
    """The ids of an order, or why it was refused."""
    if wire.algoId is not None:  # the answer to a cancel has no market: it is about one order
        name = conditional_id(wire.symbol, wire.algoId) if wire.symbol else ""
        return OrderAnswer(name, wire.clientAlgoId)
    if wire.orderId is not None:
        return OrderAnswer(order_id(wire.symbol, wire.orderId), wire.clientOrderId)
    if wire.code == 0:
        raise RemoteProtocolError("an order or a fault was expected, was neither")
    return OrderAnswer(error=f"{wire.code} {wire.msg}".strip())
