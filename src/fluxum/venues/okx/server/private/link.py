"""The servers of OKX's links of an account: the login, the streams of one account, and its orders.

https://www.okx.com/docs-v5/en/#overview-websocket, #order-book-trading-trade-ws-order-channel and
#trading-account-websocket-account-channel, -positions-channel. Orders have no snapshot, and some
updates come twice; positions begin with one, and the account, in two pages where it has several
assets. Orders that wait for a price are on the link of `business`, which has no operations.
"""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import MsgspecError, Struct

from fluxum.errors import VenueRefused
from fluxum.model.account import Balance
from fluxum.venues.okx import native
from fluxum.venues.okx.server.private.access import account_of_login
from fluxum.venues.okx.server.private.algo_rows import (
    algo_kind,
    algo_row,
    is_failed,
    is_ordinary,
    is_waiting,
)
from fluxum.venues.okx.server.private.orders import OkxOrders
from fluxum.venues.okx.server.private.rows import (
    Row,
    detail_row,
    is_whole,
    order_row,
    position_row,
)
from fluxum.venues.server.account_link import AccountServer, ServerDialect, TopicRow
from fluxum.venues.server.accounts import (
    AccountChange,
    OrderEventKind,
    OrderFault,
    OrderHappening,
    PositionState,
)
from fluxum.venues.server.contract import Close, ExchangeView, Outgoing
from fluxum.venues.server.formats import millis

__all__ = ["account_server"]

_IDLE_S = 30
_CHANNELS = frozenset({"account", "orders", "positions"})
_ALGO_CHANNELS = frozenset({"orders-algo", "algo-advance"})
_ALGO_OF = {"conditional": "orders-algo", "move_order_stop": "algo-advance"}
_SILENT = frozenset({OrderEventKind.PENDING, OrderEventKind.TRIGGERED})
_TYPES = {"ANY", "SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION"}


class _Request(Struct):
    """A client's request.

    `{"id":"1512","op":"order","args":[{"side":"buy","instIdCode":123456,"tdMode":"isolated",
    "ordType":"market","sz":"100"}],"expTime":"1597026383085"}`
    """

    op: str = ""
    id: str = ""
    args: tuple[dict[str, object], ...] = ()
    expTime: str = ""  # noqa: N815 - the venue's spelling


_decode_request = msgspec.json.Decoder(_Request).decode


def account_server(view: ExchangeView, endpoint: str = "private") -> AccountServer:
    """The server of one client's private link, or of one of `business` that logs in."""
    link = _Link(view, "orders" if endpoint == "private" else "algos")
    dialect = ServerDialect(
        answer=link.answer,
        rows=link.rows,
        balances=link.balances,
        positions=link.positions,
        data=_data,
        idle_s=_IDLE_S,
    )
    return AccountServer(view, dialect)


class _Link:
    """One client's login, streams and operations."""

    def __init__(self, view: ExchangeView, streams: str) -> None:
        self._accounts = view.accounts
        self._orders = OkxOrders(view)
        self._has_algos = streams == "algos"
        self._channels = _ALGO_CHANNELS if self._has_algos else _CHANNELS

    def rows(self, change: AccountChange) -> Iterable[TopicRow]:
        """What happened to an order, as the channel has it that the order is in."""
        if not isinstance(change, OrderHappening):
            return
        state = change.order
        if self._has_algos:
            is_begun = bool(state.is_triggered) and change.what is OrderEventKind.OPENED
            if is_waiting(state) or is_failed(state) or is_begun:
                yield from _published(_ALGO_OF[algo_kind(state.update)], algo_row(state))
        elif is_ordinary(state) and change.what not in _SILENT:
            yield from self._order(change)

    def _order(self, change: OrderHappening) -> Iterable[TopicRow]:
        """An order with its fill; the last fill is in the update that has it filled."""
        update, fill = change.order.update, change.fill
        if change.what is OrderEventKind.FILLED and is_whole(change.order):
            return  # it was in the update of its last fill
        row = order_row(change.order, fill)
        rows = [row]
        if fill is not None and self._accounts.chance() and self._accounts.chance():
            rows.append({**row, "uTime": str(millis(update.venue_ns) + 1)})
        for one in rows:
            yield from _published("orders", one)

    def balances(self, balances: Sequence[Balance]) -> Iterable[TopicRow]:
        """The account, of some of its assets; `_data` makes a row of them."""
        yield "account", balances

    def positions(self, positions: Sequence[PositionState]) -> Iterable[TopicRow]:
        """Positions, one row each; one that was closed has none of a contract."""
        for row in map(position_row, positions):
            yield from _published("positions", row)

    def answer(self, link: AccountServer, frame: bytes, now_ns: int) -> Sequence[Outgoing]:
        """The answers to a client's frame, whatever is in it."""
        if frame == b"ping":
            return (b"pong",)
        request = _Request()
        try:
            request = _decode_request(frame)
            return self._obey(link, request, now_ns)
        except VenueRefused as refused:
            return (_error(link, request, refused.code, str(refused)),)
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            text = frame.decode("utf-8", "replace")
            return (_error(link, request, "60012", f"Invalid request: {text}"),)

    def _obey(self, link: AccountServer, request: _Request, now_ns: int) -> Sequence[Outgoing]:
        match request.op:
            case "login" if link.account is not None:
                raise VenueRefused("Repeated login", "60031")
            case "login":
                link.log_in(account_of_login(self._accounts, request.args, now_ns), now_ns)
                answer = {"event": "login", "code": "0", "msg": ""}
                return (native.encode({**answer, "connId": link.connection_id[:8]}),)
            case _ if link.account is None:
                raise VenueRefused("Please log in", "60011")
            case "subscribe" | "unsubscribe":
                return [
                    frame
                    for arg in request.args
                    for frame in self._channel(link, request, arg, now_ns)
                ]
            case _ if self._has_algos:
                raise VenueRefused(f"Invalid op: {request.op}", "60019")
            case _:
                return self._operate(link, request, now_ns)

    # Channels

    def _channel(
        self, link: AccountServer, request: _Request, arg: dict[str, object], now_ns: int
    ) -> Sequence[Outgoing]:
        topic = _topic(arg, self._channels)
        if topic is None:
            text = f"Wrong URL or channel:{arg.get('channel')},instId doesn't exist."
            return (_error(link, request, "60018", text),)
        shown = {name: value for name, value in arg.items() if name != "extraParams"}
        answer: dict[str, object] = {"id": request.id} if request.id else {}
        answer |= {"event": request.op, "arg": shown, "connId": link.connection_id[:8]}
        ack = native.encode(answer)
        if request.op == "unsubscribe":
            link.topics.discard(topic)
            return (ack,)
        link.topics.add(topic)
        if topic == "account":
            return (ack, *_snapshot(link, now_ns))
        return (ack, _open_positions(link, topic)) if topic.startswith("positions") else (ack,)

    # Orders

    def _operate(self, link: AccountServer, request: _Request, now_ns: int) -> Sequence[Outgoing]:
        assert link.account is not None, "a client without a login was refused"
        if self._accounts.roll_fault(OrderFault.CUT_OFF):
            return (Close(1006, "the simulated exchange hung up"),)
        answer: dict[str, object] = {"id": request.id, "op": request.op}
        try:
            _check_expiry(request, now_ns)
            done = self._orders.obey(request.op, link.account, request.args, now_ns, by_code=True)
            answer |= {"data": done.rows, "code": done.code, "msg": ""}
        except VenueRefused as error:
            answer |= {"data": [], "code": error.code, "msg": str(error)}
        is_placed = request.op == "order" and answer["code"] == "0"
        if is_placed and self._accounts.roll_fault(OrderFault.LOST_ANSWER):
            return ()
        times = dict.fromkeys(("inTime", "outTime"), str(now_ns // 1000))
        return (native.encode({**answer, **times}),)


def _check_expiry(request: _Request, now_ns: int) -> None:
    if request.expTime.isdecimal() and int(request.expTime) < millis(now_ns):
        raise VenueRefused("Request expired", "50037")


def _topic(arg: dict[str, object], channels: frozenset[str]) -> str | None:
    """What a client subscribed to; None for a channel that is not offered here."""
    channel, kind = arg.get("channel"), arg.get("instType")
    if channel not in channels:
        return None
    if channel == "account":
        return "account"
    return f"{channel} {kind} {arg.get('instId') or ''}".strip() if kind in _TYPES else None


def _published(channel: str, row: Row) -> Iterable[TopicRow]:
    return [(f"{channel} {topic}", row) for topic in _topics(row)]


def _topics(row: Row) -> Sequence[str]:
    """What a row of a market is published to."""
    kind, name = row["instType"], row["instId"]
    return ("ANY", f"{kind}", f"ANY {name}", f"{kind} {name}")


def _data(topic: str, row: object, now_ns: int) -> bytes:
    frame: dict[str, object] = {"arg": _arg(topic), "data": (row,)}
    if topic == "account":
        held = msgspec.convert(row, tuple[Balance, ...])
        frame |= {"eventType": "event_update", "data": (_wallet(held, now_ns),)}
    return native.encode(frame)


def _arg(topic: str) -> Row:
    names = zip(("channel", "instType", "instId"), topic.split(), strict=False)
    return {**dict(names), "uid": "1"}


def _open_positions(link: AccountServer, topic: str) -> bytes:
    """The snapshot of positions, in one page."""
    assert link.account is not None, "a client without a login was refused"
    held = [position_row(one) for one in link.account.positions() if one.quantity]
    rows = [row for row in held if topic.partition(" ")[2] in _topics(row)]
    head = {"arg": _arg(topic), "eventType": "snapshot", "curPage": 1, "lastPage": True}
    return native.encode({**head, "data": rows})


def _snapshot(link: AccountServer, now_ns: int) -> Sequence[Outgoing]:
    assert link.account is not None, "a client without a login was refused"
    held = [one for one in link.account.balances() if one.total]
    pages = [held[:1], held[1:]] if len(held) > 1 else [held]
    arg = {"channel": "account", "uid": "1"}
    return [
        native.encode(
            {
                "arg": arg,
                "eventType": "snapshot",
                "curPage": at,
                "lastPage": at == len(pages),
                "data": (_wallet(page, now_ns),),
            }
        )
        for at, page in enumerate(pages, start=1)
    ]


def _wallet(balances: Sequence[Balance], now_ns: int) -> Row:
    details = [detail_row(one, now_ns) for one in balances]
    return {"details": details, "totalEq": "", "uTime": str(millis(now_ns))}


def _error(link: AccountServer, request: _Request, code: str, text: str) -> bytes:
    answer = {"id": request.id} if request.id else {}
    answer |= {"event": "error", "code": code, "msg": text, "connId": link.connection_id[:8]}
    return native.encode(answer)
