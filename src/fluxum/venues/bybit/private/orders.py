"""The link of orders: its login, operations by number, and their answers.

https://bybit-exchange.github.io/docs/v5/websocket/trade/guideline. An answer means that the venue
took the operation; what became of it comes on the account's link, maybe before. To take out every
order there is a REST call alone, for contracts one for each asset they settle in
(/order/cancel-all). A command with a deadline is sent with the time its receive window ends at it;
the link's session signs nothing there, but fills in the time where there is no deadline.
"""

from collections import OrderedDict, deque
from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct, structs

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Event, Subscribed, Subscription
from fluxum.model.order import (
    Accepted,
    Amend,
    Cancel,
    CancelAll,
    Command,
    Declined,
    Place,
    PlaceBatch,
)
from fluxum.venues.bybit.category import SPOT, Category
from fluxum.venues.bybit.normalize import instant
from fluxum.venues.bybit.private import native
from fluxum.venues.bybit.private.commands import operations
from fluxum.venues.bybit.private.login import Login
from fluxum.venues.bybit.private.signing import RECEIVE_MS
from fluxum.venues.conversation import (
    UNREADABLE,
    Auth,
    Effect,
    Fetch,
    Send,
    SequenceCounts,
    VenueTime,
)
from fluxum.venues.queries import decoded
from fluxum.venues.rows import digits

__all__ = ["SETTLED_IN", "BybitOrderProtocol"]

SETTLED_IN = ("USDT", "USDC")
"""The assets that linear contracts settle in."""
_PING = Send(b'{"op":"ping"}')
_REMEMBERED_MAX = 10_000
_MILLISECOND = 1_000_000


class _Asked(Struct):
    """A command: how many answers are to come, and how many orders those before took out."""

    command_id: int
    command: Command
    left: int
    count: int = 0


class BybitOrderProtocol:
    """Commands of one category; see AccountProtocol for what each call promises."""

    def __init__(self, category: Category) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()
        self.venue_time: VenueTime | None = None
        self._category = category
        self._venue = category.venue
        self._login = Login(category.venue, self.outbox)
        self._asked: OrderedDict[int, _Asked] = OrderedDict()

    # Requests

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Log in; there are no streams."""
        self._login.want(wanted)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Nothing is to be ended."""
        self._login.drop(unwanted)

    def resync(self, subscription: Subscription) -> None:
        """There is no snapshot."""

    def ping(self) -> None:
        """Queue a ping."""
        self.outbox.append(_PING)

    def unanswered(self) -> Collection[Subscription]:
        """What waits for the login."""
        return self._login.waiting

    def follow_passively(self, depth: int | None = None) -> None:
        """Answers to another client's commands are passed over."""

    def follow_request(self, frame: bytes) -> None:
        """Nothing is learned from another client's commands."""

    def command(self, command_id: int, command: Command, now_ns: int) -> None:  # noqa: ARG002
        """Queue a command; raises BadInput for one Bybit cannot be asked."""
        effects: list[Effect]
        if isinstance(command, CancelAll):
            effects = [_cancel_all(self._category, command_id, coin) for coin in self._coins]
        else:
            asked = operations(self._category, command)
            effects = [
                _send(f"{command_id}.{at}", op, arguments, command)
                for at, (op, arguments) in enumerate(asked)
            ]
        self.outbox.extend(effects)
        self._asked[command_id] = _Asked(command_id, command, len(effects))
        if len(self._asked) > _REMEMBERED_MAX:
            self._asked.popitem(last=False)

    @property
    def _coins(self) -> Sequence[str]:
        return ("",) if self._category is SPOT else SETTLED_IN

    # Answers

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The events of a frame; raises RemoteProtocolError when it makes no sense."""
        try:
            answer = native.decode_order_answer(frame)
        except UNREADABLE as error:
            raise RemoteProtocolError(str(error)) from error
        venue_ns = instant(digits(answer.header.Timenow))
        if venue_ns is not None:
            self.venue_time = VenueTime(venue_ns, received_ns)
        match answer.op:
            case "auth" if answer.retCode:
                return self._login.refused(str(answer.retCode), _words(answer), received_ns)
            case "auth":
                return [
                    Subscribed(venue=self._venue, subscription=one, received_ns=received_ns)
                    for one in self._login.accepted()
                ]
            case "ping" | "pong":
                return ()
            case _:
                asked = self._asked_by(answer.reqId)
                return () if asked is None else self._answered(asked, answer, received_ns)

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        """The answer to a cancel of all orders; raises RemoteProtocolError for no sense."""
        asked = self._asked_by(fetch.purpose)
        answer = decoded(native.decode_cancel_call, body)
        if asked is None:
            return ()
        if answer.retCode:
            return self._declined(asked, f"{answer.retCode} {answer.retMsg}", received_ns)
        return self._counted(asked, len(answer.result.list), received_ns)

    def receive_refusal(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:
        """A cancel of all orders was refused by its HTTP status."""
        asked = self._asked_by(fetch.purpose)
        return () if asked is None else self._declined(asked, reason, received_ns)

    def _asked_by(self, number: str) -> _Asked | None:
        """The command of a number; an answer without one is to the oldest command.

        Some refusals come without (https://github.com/ccxt/ccxt/issues/29361).
        """
        if not number:
            return next(iter(self._asked.values()), None)
        command_id = digits(number.partition(".")[0])
        return None if command_id is None else self._asked.get(command_id)

    def _answered(
        self, asked: _Asked, answer: native.OrderAnswer, received_ns: int
    ) -> Sequence[Event]:
        if answer.retCode:
            return self._declined(asked, _words(answer), received_ns)
        try:
            match answer.op:
                case "order.create-batch":
                    return self._batch(asked, answer, received_ns)
                case "order.cancel-batch":
                    verdicts = native.decode_verdicts(answer.retExtInfo).list
                    return self._counted(asked, sum(not one.code for one in verdicts), received_ns)
                case _:
                    placed = native.decode_placed(answer.data)
        except UNREADABLE as error:
            raise RemoteProtocolError(str(error)) from error
        order_id, name = _ids(asked.command)
        return (
            Accepted(
                venue=self._venue,
                command_id=asked.command_id,
                order_id=placed.orderId or order_id,
                client_order_id=placed.orderLinkId or name,
                is_last=self._is_last(asked),
                received_ns=received_ns,
            ),
        )

    def _batch(
        self, asked: _Asked, answer: native.OrderAnswer, received_ns: int
    ) -> Sequence[Event]:
        """Each order of a batch has a verdict of its own, in the order of the request."""
        rows = native.decode_placed_rows(answer.data).list
        verdicts = native.decode_verdicts(answer.retExtInfo).list
        command = asked.command
        requests = command.requests if isinstance(command, PlaceBatch) else ()
        if not len(rows) == len(verdicts) == len(requests):
            raise RemoteProtocolError(f"{len(requests)} rows were expected, was {len(rows)}")
        self._is_last(asked)
        common = Accepted(
            venue=self._venue, command_id=asked.command_id, is_last=False, received_ns=received_ns
        )
        events: list[Accepted | Declined] = []
        for row, verdict, request in zip(rows, verdicts, requests, strict=True):
            name = request.client_order_id or row.orderLinkId
            if verdict.code:
                events.append(_declined(common, f"{verdict.code} {verdict.msg}", name=name))
            else:
                events.append(structs.replace(common, order_id=row.orderId, client_order_id=name))
        events[-1] = structs.replace(events[-1], is_last=True)
        return events

    def _counted(self, asked: _Asked, count: int, received_ns: int) -> Sequence[Event]:
        """One answer for all parts of a cancel of many, with the last part."""
        asked.count += count
        if not self._is_last(asked):
            return ()
        return (
            Accepted(
                venue=self._venue,
                command_id=asked.command_id,
                count=asked.count,
                received_ns=received_ns,
            ),
        )

    def _declined(self, asked: _Asked, message: str, received_ns: int) -> Sequence[Event]:
        order_id, name = _ids(asked.command)
        return (
            Declined(
                venue=self._venue,
                command_id=asked.command_id,
                order_id=order_id,
                client_order_id=name,
                message=message,
                is_last=self._is_last(asked),
                received_ns=received_ns,
            ),
        )

    def _is_last(self, asked: _Asked) -> bool:
        """Count an answer; return whether it was the last."""
        asked.left -= 1
        if asked.left <= 0:
            self._asked.pop(asked.command_id, None)
        return asked.left <= 0


def _send(number: str, op: str, arguments: dict[str, object], command: Command) -> Send:
    message: dict[str, object] = {"reqId": number, "op": op, "args": (arguments,)}
    deadline_ns = command.deadline_ns if isinstance(command, Place | PlaceBatch | Amend) else None
    if deadline_ns is None:
        return Send(native.encode(message), Auth.SIGNED)
    times = {
        "X-BAPI-TIMESTAMP": str(deadline_ns // _MILLISECOND - RECEIVE_MS),
        "X-BAPI-RECV-WINDOW": str(RECEIVE_MS),
    }
    return Send(native.encode({**message, "header": times}))


def _cancel_all(category: Category, command_id: int, settled_in: str) -> Fetch:
    body = {"category": category.name}
    if settled_in:
        body["settleCoin"] = settled_in
    return Fetch(
        "POST",
        "/v5/order/cancel-all",
        f"{command_id}.{settled_in}",
        body=native.encode(body),
        auth=Auth.SIGNED,
        is_once=True,
    )


def _declined(common: Accepted, message: str, name: str) -> Declined:
    return Declined(
        venue=common.venue,
        command_id=common.command_id,
        client_order_id=name,
        message=message,
        is_last=False,
        received_ns=common.received_ns,
    )


def _words(answer: native.OrderAnswer) -> str:
    return f"{answer.retCode} {answer.retMsg}".strip()


def _ids(command: Command) -> tuple[str, str]:
    """The venue's id and our own of the one order a command is about."""
    match command:
        case Place(request=request):
            return "", request.client_order_id
        case Amend(order_id=order_id, client_order_id=name):
            return order_id, name
        case Cancel(order_ids=(order_id,), client_order_ids=()):
            return order_id, ""
        case Cancel(order_ids=(), client_order_ids=(name,)):
            return "", name
        case _:
            return "", ""
