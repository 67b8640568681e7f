"""The servers of Gemini's two links of an account: order events, and balances with orders.

https://docs.gemini.com/websocket/order-events and https://developer.gemini.com/websocket/streams.
Either is opened with the headers of an account. The first heartbeat of the events comes behind the
initial orders, as in the published frames. No stream of a market is on the link of orders.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar, cast
from urllib.parse import parse_qs

import msgspec

from fluxum.errors import VenueRefused
from fluxum.model.account import Balance
from fluxum.venues.conversation import Fetch
from fluxum.venues.gemini import native
from fluxum.venues.gemini.private.events import EVENTS_PATH
from fluxum.venues.gemini.server.link import GeminiServer, failure, success
from fluxum.venues.gemini.server.private.access import (
    beat,
    check_nonce,
    signed_call,
    signed_upgrade,
)
from fluxum.venues.gemini.server.private.entry import GeminiEntry, of_frame
from fluxum.venues.gemini.server.private.rows import Row, event_rows, initial_row
from fluxum.venues.queries import UNDECODABLE
from fluxum.venues.server.account_link import AccountServer, ServerDialect, TopicRow
from fluxum.venues.server.accounts import (
    Account,
    AccountChange,
    OrderFault,
    OrderHappening,
    OrderState,
)
from fluxum.venues.server.contract import Close, Dialled, ExchangeView, Outgoing
from fluxum.venues.server.formats import millis, number

__all__ = ["events_server", "order_server"]

Result = TypeVar("Result")

_EVENTS, _BALANCES = "events", "balances@account"
_BEAT_NS = 5_000_000_000
_NEVER_S = 10**9
_STREAMS = frozenset({_BALANCES, "orders@account", "orders@session", "positions@account"})

_encode = msgspec.json.Encoder().encode


def events_server(view: ExchangeView, dialled: Dialled) -> AccountServer:
    """The server of one client's order events; raises VenueRefused with an HTTP status."""
    call = Fetch("GET", EVENTS_PATH, "", dialled.headers)
    account, given = _of_upgrade(lambda: signed_call(view.accounts, call))
    events = _Events(account, str(given.get("nonce", "")), parse_qs(dialled.query))
    return AccountServer(
        view,
        ServerDialect(
            answer=lambda _link, _frame, _now_ns: (),
            rows=events.rows,
            data=events.data,
            opened=events.opened,
            tick=events.tick,
            idle_s=_NEVER_S,
        ),
    )


def order_server(view: ExchangeView, dialled: Dialled) -> AccountServer:
    """The server of one client's link of orders; raises VenueRefused with an HTTP status."""
    account, nonce = _of_upgrade(lambda: signed_upgrade(view.accounts, dialled.headers))
    orders = _Orders(view, account, nonce)
    return AccountServer(
        view,
        ServerDialect(
            answer=orders.answer,
            balances=orders.balances,
            data=orders.data,
            opened=orders.opened,
            idle_s=_NEVER_S,
        ),
    )


def _of_upgrade(admitted: Callable[[], Result]) -> Result:
    try:
        return admitted()
    except VenueRefused as error:
        raise VenueRefused(f"{error.code}: {error}", "401") from error


class _Events:
    """One link of order events: its filters, and its numbers."""

    def __init__(self, account: Account, nonce: str, query: Mapping[str, list[str]]) -> None:
        self._account = account
        self._nonce = nonce
        self._symbols = query.get("symbolFilter", [])
        self._kinds = query.get("eventTypeFilter", [])
        self._beats = query.get("heartbeat") != ["false"]
        self._number = 0
        self._beat = 0
        self._beat_ns = 0

    def opened(self, link: AccountServer, now_ns: int) -> Sequence[Outgoing]:
        """The acknowledgement, the orders that are open, and a heartbeat."""
        try:
            check_nonce(self._account, self._nonce, now_ns)
        except VenueRefused as error:
            refusal = {"result": "error", "reason": error.code, "message": str(error)}
            return (_encode(refusal), Close(1008, error.code))
        link.log_in(self._account, now_ns)
        link.topics.add(_EVENTS)
        ack = {
            "type": "subscription_ack",
            "accountId": 1,
            "subscriptionId": f"ws-order-events-1-{link.connection_id}",
            "symbolFilter": self._symbols,
            "apiSessionFilter": [],
            "eventTypeFilter": self._kinds,
        }
        rows = self._meant(initial_row(one) for one in self._account.open_orders())
        initial = [_encode([self._numbered(row) for row in rows])] if rows else []
        return [_encode(ack), *initial, *self._heartbeat(link, now_ns)]

    def rows(self, change: AccountChange) -> Iterable[TopicRow]:
        """The events of what happened to an order."""
        if isinstance(change, OrderHappening):
            for row in self._meant(event_rows(change)):
                yield _EVENTS, row

    def data(self, _topic: str, row: object, _now_ns: int) -> bytes:
        """An array of one event."""
        return _encode([self._numbered(cast("Row", row))])

    def tick(self, link: AccountServer, now_ns: int) -> Sequence[Outgoing]:
        """A heartbeat every five seconds."""
        return self._heartbeat(link, now_ns) if now_ns - self._beat_ns >= _BEAT_NS else ()

    def _heartbeat(self, link: AccountServer, now_ns: int) -> Sequence[Outgoing]:
        if not self._beats:
            return ()
        beat = {"type": "heartbeat", "timestampms": millis(now_ns), "sequence": self._beat}
        self._beat, self._beat_ns = self._beat + 1, now_ns
        return (_encode(self._numbered({**beat, "trace_id": link.connection_id})),)

    def _numbered(self, row: Row) -> Row:
        self._number += 1
        return {**row, "socket_sequence": self._number - 1}

    def _meant(self, rows: Iterable[Row]) -> list[Row]:
        return [
            row
            for row in rows
            if (not self._symbols or row["symbol"] in self._symbols)
            and (not self._kinds or row["type"] in self._kinds)
        ]


class _Orders:
    """One link of balances and orders."""

    def __init__(self, view: ExchangeView, account: Account, nonce: str) -> None:
        self._accounts = view.accounts
        self._account = account
        self._nonce = nonce
        self._entry = GeminiEntry(view)
        self._public = GeminiServer(view)

    def opened(self, link: AccountServer, now_ns: int) -> Sequence[Outgoing]:
        """Nothing; the link of a nonce of another time is closed."""
        try:
            check_nonce(self._account, self._nonce, now_ns)
        except VenueRefused as error:
            return (Close(1008, error.code),)
        link.log_in(self._account, now_ns)
        return ()

    def balances(self, balances: Sequence[Balance]) -> Iterable[TopicRow]:
        """Assets of which the total or the available amount has changed."""
        held = [{"a": one.asset, "f": number(one.total)} for one in balances]
        yield _BALANCES, held

    def data(self, _topic: str, row: object, now_ns: int) -> bytes:
        """Changed balances; the published times are in milliseconds."""
        now_ms = millis(now_ns)
        return _encode({"e": "balanceUpdate", "E": now_ms, "u": now_ms, "B": row})

    def answer(self, link: AccountServer, frame: bytes, now_ns: int) -> Sequence[Outgoing]:
        """The answer to a client's frame, whatever is in it."""
        beat(self._account, now_ns)
        try:
            request = native.decode_request(frame)
        except UNDECODABLE:
            return self._public.receive(frame, now_ns)
        method = request.method.lower()
        names = request.params if isinstance(request.params, list) else []
        if method == "subscribe" and names and _STREAMS.issuperset(names):
            link.topics.update(names)
            return (success(request),)
        if method == "unsubscribe" and names and _STREAMS.issuperset(names):
            link.topics.difference_update(names)
            return (success(request),)
        if method.startswith("order."):
            return self._obey(request, method)
        if method in {"subscribe", "unsubscribe"}:
            return (failure(request.id, 400, -1013, "Invalid parameters"),)
        return self._public.receive(frame, now_ns)

    def _obey(self, request: native.Request, method: str) -> Sequence[Outgoing]:
        if self._accounts.roll_fault(OrderFault.CUT_OFF):
            return (Close(1006, "the simulated exchange hung up"),)
        params = request.params if isinstance(request.params, dict) else {}
        result: object = {}
        try:
            match method:
                case "order.place":
                    result = _ids(self._entry.place(self._account, of_frame(params)))
                case "order.cancel":
                    order_id = {"order_id": params.get("orderId", "")}
                    result = _ids(self._entry.cancel(self._account, order_id))
                case "order.cancel_all" | "order.cancel_session":
                    self._entry.cancel_all(self._account)
                case _:
                    return (failure(request.id, 400, -1020, "Unsupported operation"),)
        except VenueRefused as error:
            return (failure(request.id, 400, -2010, error.code),)
        if method == "order.place" and self._accounts.roll_fault(OrderFault.LOST_ANSWER):
            return ()
        return (success(request, b"result", _encode(result)),)


def _ids(state: OrderState) -> Row:
    return {"orderId": state.update.order_id, "clientOrderId": state.update.client_order_id}
