"""The servers of Bybit's two links of an account: its streams, and its orders.

https://bybit-exchange.github.io/docs/v5/ws/connect, /websocket/private and
/websocket/trade/guideline. No topic begins with a snapshot. The wallet is published for the assets
whose total or held amount has changed.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import MsgspecError, Struct

from fluxum.errors import VenueRefused
from fluxum.model.account import Balance
from fluxum.venues.bybit import native
from fluxum.venues.bybit.category import Category
from fluxum.venues.bybit.server.private.access import account_of_login, check_time
from fluxum.venues.bybit.server.private.order_entry import BybitOrders
from fluxum.venues.bybit.server.private.rows import (
    coin_row,
    execution_row,
    funding_row,
    order_row,
    position_row,
)
from fluxum.venues.server.account_link import AccountServer, ServerDialect, TopicRow
from fluxum.venues.server.accounts import (
    AccountChange,
    Funding,
    OrderEventKind,
    OrderFault,
    OrderHappening,
    PositionState,
)
from fluxum.venues.server.contract import Close, ExchangeView, Outgoing
from fluxum.venues.server.formats import millis

__all__ = ["account_server", "order_server"]

_IDLE_S = 600
_NOTHING: Mapping[str, object] = {}


class _Request(Struct):
    """A client's request on a link with a login.

    `{"req_id":"10001","op":"auth","args":["api_key",1662350400000,"signature"]}`

    `reqId` and `header` are those of the link of orders; its times may be text or numbers.
    """

    op: str = ""
    args: tuple[object, ...] = ()
    req_id: str | int = ""
    reqId: str = ""  # noqa: N815 - the venue's spelling
    header: dict[str, str | int] = {}


_decode_request = msgspec.json.Decoder(_Request).decode


def account_server(view: ExchangeView, category: Category) -> AccountServer:
    """The server of one client's private link."""
    streams = _Streams(view, category)
    dialect = ServerDialect(
        answer=streams.answer,
        rows=streams.rows,
        balances=streams.balances,
        positions=streams.positions,
        data=_data,
        idle_s=_IDLE_S,
    )
    return AccountServer(view, dialect)


def order_server(view: ExchangeView, category: Category) -> AccountServer:
    """The server of one client's link of orders."""
    return AccountServer(view, ServerDialect(answer=_Orders(view, category).answer, idle_s=_IDLE_S))


class _Streams:
    """The private link: its login, and the streams of one account."""

    def __init__(self, view: ExchangeView, category: Category) -> None:
        self._accounts = view.accounts
        self._category = category

    def rows(self, change: AccountChange) -> Iterable[TopicRow]:
        """An order, and its execution; an order that is filled is published once, as filled."""
        category = self._category
        if isinstance(change, Funding):
            paid = funding_row(category, change)
            yield from (("execution", paid), (f"execution.{category.name}", paid))
        if not isinstance(change, OrderHappening):
            return
        update = change.order.update
        is_waiting = change.what is OrderEventKind.PENDING and not update.order_type.is_triggered
        is_whole = change.what is OrderEventKind.TRADED and not update.remaining
        if not (is_waiting or is_whole):
            order = order_row(category, change.order)
            yield from (("order", order), (f"order.{category.name}", order))
        if change.fill is not None:
            execution = execution_row(category, change)
            yield from (("execution", execution), (f"execution.{category.name}", execution))

    def balances(self, balances: Sequence[Balance]) -> Iterable[TopicRow]:
        """The wallet, of some of its assets."""
        coins = [coin_row(self._category, one) for one in balances]
        yield "wallet", {"accountType": "UNIFIED", "coin": coins}

    def positions(self, positions: Sequence[PositionState]) -> Iterable[TopicRow]:
        """Positions, one row each."""
        for one in positions:
            row = position_row(self._category, one)
            yield from (("position", row), (f"position.{self._category.name}", row))

    def answer(self, link: AccountServer, frame: bytes, now_ns: int) -> Sequence[Outgoing]:
        """The answer to a client's frame, whatever is in it."""
        request, error = _Request(), ""
        try:
            request = _decode_request(frame)
            if request.op == "ping":
                pong = {"req_id": request.req_id, "op": "pong", "args": [str(millis(now_ns))]}
                return (native.encode({**pong, "conn_id": link.connection_id}),)
            self._obey(link, request, now_ns)
        except VenueRefused as refused:
            error = str(refused)
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            error = "error:invalid op"
        answer = {"success": not error, "ret_msg": error, "op": request.op}
        names = {"req_id": request.req_id, "conn_id": link.connection_id}
        return (native.encode({**answer, **names}),)

    def _obey(self, link: AccountServer, request: _Request, now_ns: int) -> None:
        match request.op:
            case "auth":
                link.log_in(account_of_login(self._accounts, request.args, now_ns), now_ns)
            case "subscribe":
                self._subscribe(link, set(map(str, request.args)))
            case "unsubscribe":
                link.topics.difference_update(map(str, request.args))
            case _:
                raise VenueRefused("error:invalid op", "")

    def _subscribe(self, link: AccountServer, topics: set[str]) -> None:
        """One bad topic refuses the whole request; both forms of one are not taken together."""
        name, kinds = self._category.name, ("order", "execution", "position")
        offered = {"wallet", *kinds, *(f"{kind}.{name}" for kind in kinds)}
        if link.account is None:
            raise VenueRefused("Request not authorized", "")
        for unknown in sorted(topics - offered):
            raise VenueRefused(f"error:handler not found,topic:{unknown}", "")
        if any(f"{one}.{name}" in topics for one in topics):
            raise VenueRefused("Params Error", "")
        link.topics |= topics


def _data(topic: str, row: object, now_ns: int) -> bytes:
    head = {"id": f"{now_ns:x}", "topic": topic, "creationTime": millis(now_ns)}
    return native.encode({**head, "data": (row,)})


class _Orders:
    """The link of orders: its login, and operations with their answers."""

    def __init__(self, view: ExchangeView, category: Category) -> None:
        self._accounts = view.accounts
        self._entry = BybitOrders(view, category)

    def answer(self, link: AccountServer, frame: bytes, now_ns: int) -> Sequence[Outgoing]:
        """The answer to a client's frame, whatever is in it."""
        request, code, message = _Request(), "0", "OK"
        result: Mapping[str, object] | None = _NOTHING
        try:
            request = _decode_request(frame)
            if request.op.startswith("order.") and self._accounts.roll_fault(OrderFault.CUT_OFF):
                return (Close(1006, "the simulated exchange hung up"),)
            result = self._obey(link, request, now_ns)
        except VenueRefused as error:
            code, message = error.code, str(error)
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            code, message = "10001", "Request parameter error."
        if result is None:
            return ()
        answer: dict[str, object] = {"reqId": request.reqId} if request.reqId else {}
        answer |= {"retCode": int(code), "retMsg": message, "op": request.op}
        if request.op.startswith("order."):
            answer |= {"data": {}, "retExtInfo": {}, "header": {}}
        return (native.encode({**answer, **result, "connId": link.connection_id}),)

    def _obey(
        self, link: AccountServer, request: _Request, now_ns: int
    ) -> Mapping[str, object] | None:
        """What is in the answer, None for one that is lost."""
        match request.op:
            case "ping":
                return {"op": "pong", "data": [str(millis(now_ns))]}
            case "auth" if link.account is not None:
                raise VenueRefused("Repeat auth.", "20001")
            case "auth":
                link.log_in(account_of_login(self._accounts, request.args, now_ns), now_ns)
                return _NOTHING
            case _:
                return self._operate(link, request, now_ns)

    def _operate(
        self, link: AccountServer, request: _Request, now_ns: int
    ) -> Mapping[str, object] | None:
        name = request.op.removeprefix("order.")
        if link.account is None:
            raise VenueRefused("Request not authorized", "10005")
        if link.is_repeated(request.reqId):
            raise VenueRefused("Duplicated reqId.", "20006")
        if name in {request.op, "cancel-all"}:
            raise VenueRefused(f"Unknown operation: {request.op}", "10404")
        check_time({name.lower(): str(one) for name, one in request.header.items()}, now_ns)
        (given,) = msgspec.convert(request.args, tuple[dict[str, object]])
        data, about_rows, limits = self._entry.obey(name, link.account, given, now_ns)
        if name == "create" and self._accounts.roll_fault(OrderFault.LOST_ANSWER):
            return None
        times = {**limits, "Timenow": str(millis(now_ns))}
        return {"data": data, "retExtInfo": about_rows, "header": times}
