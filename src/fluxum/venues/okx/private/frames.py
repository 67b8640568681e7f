"""The frames of OKX's links of an account: what is sent, and what each one is.

https://www.okx.com/docs-v5/en/#overview-websocket-login, -subscribe, and
#order-book-trading-trade-ws-place-order. `id` has letters and digits alone: that of a request for
a channel begins with a letter, `7p0` is the first operation of command 7.
"""

from collections.abc import Collection
from functools import partial

from msgspec.json import decode

from fluxum.errors import RemoteProtocolError
from fluxum.model.instant import plausible_ns
from fluxum.venues.account_link import Data, Ending, LoginAnswer, Message, Nothing, TopicAnswer
from fluxum.venues.command_answers import CommandAnswer, OrderAnswer
from fluxum.venues.conversation import Auth, Send
from fluxum.venues.okx import native as public
from fluxum.venues.okx.private import native
from fluxum.venues.okx.private.algos import algo_order_id
from fluxum.venues.requests import Request

__all__ = [
    "ACCOUNT",
    "ADVANCED_ALGOS",
    "ALGOS",
    "LOGIN",
    "ORDERS",
    "PING",
    "POSITIONS",
    "answer",
    "message",
    "write",
]

LOGIN, PING = Send(public.encode({"op": "login"}), Auth.SIGNED), Send(b"ping")
ORDERS, ACCOUNT, POSITIONS = "orders", "account", "positions"
ALGOS, ADVANCED_ALGOS = "orders-algo", "algo-advance"  # the second one has trailing stops
_ON_CHANGE = '{"updateInterval":"0"}'  # and not every five seconds as well
_ARGS = {
    **{one: {"channel": one, "instType": "ANY"} for one in (ORDERS, ALGOS, ADVANCED_ALGOS)},
    ACCOUNT: {"channel": ACCOUNT, "extraParams": _ON_CHANGE},
    POSITIONS: {"channel": POSITIONS, "instType": "ANY", "extraParams": _ON_CHANGE},
}
# https://www.okx.com/docs-v5/en/#error-code-websocket: a time that is off or expired.
_UNTIMELY = frozenset({"60004", "60006"})
# The same may succeed later: what was requested stays unanswered, so that the link is replaced.
_PASSING = frozenset({"60014", "60023", "63999", "64007"})


def write(request: Request) -> Send:
    """A request for channels."""
    number = f"{request.op[0]}{request.number}"
    args = [_ARGS[topic] for topic in request.streams]
    return Send(public.encode({"id": number, "op": request.op, "args": args}))


def message(channels: Collection[str], frame: bytes) -> Message:
    """What a frame of a link of these channels is; raises as decoding does."""
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
        return answer(wire, _number(wire), wire.op)
    if wire.arg is None or wire.arg.channel not in channels:
        raise RemoteProtocolError(f"data of {', '.join(channels)} expected, was {frame[:80]!r}")
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


def answer(wire: native.Frame, number: str, op: str) -> CommandAnswer:
    """The answer to an operation; each order of it has a code of its own."""
    answered = partial(CommandAnswer, number, venue_ns=_micros(wire.outTime))
    placed = [decode(row, type=native.Placed) for row in wire.data]
    if op == "batch-cancel-orders" and placed:
        return answered(canceled=sum(one.sCode == "0" for one in placed))
    if op == "batch-orders" and placed:
        return answered(orders=[OrderAnswer(one.ordId, one.clOrdId, _error(one)) for one in placed])
    if not placed and wire.code == "0":
        raise RemoteProtocolError("an answer about an order was expected, was one about none")
    if not placed:
        return answered(f"{wire.code} {wire.msg}".strip())
    (one,) = placed
    error = _error(one)
    if error is not None:
        return answered(error)
    if one.algoId:
        return answered(order=OrderAnswer(algo_order_id(one.algoId), one.algoClOrdId))
    return answered(order=OrderAnswer(one.ordId, one.clOrdId))


def _error(placed: native.Placed) -> str | None:
    return None if placed.sCode == "0" else f"{placed.sCode} {placed.sMsg}".strip()


def _number(wire: native.Frame) -> str:
    return wire.id.partition("p")[0]


def _micros(text: str) -> int | None:
    """The instant of an answer; `None` for what is none."""
    is_number = text.isascii() and text.isdecimal() and len(text) == 16
    return plausible_ns(int(text) * 1000) if is_number else None
