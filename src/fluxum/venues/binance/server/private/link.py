"""The server of the WebSocket API: requests of an account, and its events.

https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-api.md. Requests are signed
each by itself, or by the key that a session is logged on with. No stream begins with a snapshot.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import MsgspecError, Struct

from fluxum.errors import VenueRefused
from fluxum.model.account import Balance, EntryKind, LedgerEntry
from fluxum.venues.binance.native import encode
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.server.formats import plain
from fluxum.venues.binance.server.private.access import BANNED, admit_request, check_time
from fluxum.venues.binance.server.private.orders import ReplaceFailed, SpotAccounts, cancel_name
from fluxum.venues.binance.server.private.reading import Requests
from fluxum.venues.binance.server.private.rows import Row, balance_row, report
from fluxum.venues.server.account_link import AccountServer, ServerDialect, TopicRow
from fluxum.venues.server.accounts import (
    Account,
    AccountChange,
    Funding,
    OrderEventKind,
    OrderFault,
)
from fluxum.venues.server.contract import Close, ExchangeView, Outgoing
from fluxum.venues.server.formats import millis

__all__ = ["account_server", "request_server"]

_IDLE_S = 24 * 3600
_EVENTS = "events"
_SILENT = {OrderEventKind.REFILLED, OrderEventKind.TRIGGER_MOVED, OrderEventKind.TRIGGERED}
_PLACING = ("order.place", "algoOrder.place")
_COMMANDS = (
    *("order.place", "order.cancel", "order.amend", "order.modify", "openOrders.cancelAll"),
    "algoOrder.",
)


class _Request(Struct):
    """`{"id":"56374a46","method":"order.place","params":{...}}`."""

    method: str
    id: str | int | None = None
    params: dict[str, object] = {}


_decode_request = msgspec.json.Decoder(_Request).decode


def account_server(policy: Policy, view: ExchangeView) -> AccountServer:
    """The server of one client's link on spot, with the account's events."""
    link = _Link(policy, view, SpotAccounts(policy, view), has_events=True)
    dialect = ServerDialect(
        answer=link.answer, rows=link.rows, balances=_balances, data=_data, idle_s=_IDLE_S
    )
    return AccountServer(view, dialect)


def request_server(policy: Policy, view: ExchangeView, requests: Requests) -> AccountServer:
    """The server of one client's link for requests alone."""
    link = _Link(policy, view, requests, has_events=False)
    return AccountServer(view, ServerDialect(answer=link.answer, idle_s=_IDLE_S))


class _Link:
    def __init__(
        self, policy: Policy, view: ExchangeView, requests: Requests, *, has_events: bool
    ) -> None:
        self._policy = policy
        self._accounts = view.accounts
        self._requests = requests
        self._has_events = has_events
        self._session: Account | None = None  # that is logged on
        self._last_trade: Row = {}

    # Events

    def rows(self, change: AccountChange) -> Iterable[TopicRow]:
        """Reports of an order, of which the last trade has the status FILLED; deposits."""
        if isinstance(change, Funding):  # of contracts, which are not offered here
            return
        if isinstance(change, LedgerEntry):
            if change.kind is not EntryKind.TRADE:
                update = {"e": "balanceUpdate", "a": change.asset, "d": plain(change.change)}
                yield _EVENTS, {**update, "T": millis(change.venue_ns)}
            return
        if change.what is OrderEventKind.FILLED:
            self._last_trade["X"] = "FILLED"
            return
        is_early = change.what is OrderEventKind.PENDING and change.order.is_triggered is None
        if is_early or change.what in _SILENT:
            return
        row = report(self._policy, change, cancel_name(change.order))
        if change.fill is not None:
            self._last_trade = row
        yield _EVENTS, row

    # Requests

    def answer(self, link: AccountServer, frame: bytes, now_ns: int) -> Sequence[Outgoing]:
        """The answer to a client's frame, whatever is in it."""
        request = _Request("")
        error: Row = {}
        try:
            request = _decode_request(frame)
            method = request.method.removeprefix("v3/")
            if method.startswith(_COMMANDS) and self._accounts.roll_fault(OrderFault.CUT_OFF):
                return (Close(1006, "the simulated exchange hung up"),)
            result = self._result(link, method, request.params, now_ns)
            if method in _PLACING and self._accounts.roll_fault(OrderFault.LOST_ANSWER):
                return ()
            return (encode({"id": request.id, "status": 200, "result": result, "rateLimits": []}),)
        except ReplaceFailed as refused:
            error = {"code": int(refused.code), "msg": str(refused), "data": refused.data}
            status = refused.status
        except VenueRefused as refused:
            error = {"code": int(refused.code), "msg": str(refused)}
            status = 429 if refused.code in BANNED else 400
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            error = {"code": -1135, "msg": "JSON sent for parameter 'body' is not valid"}
            status = 400
        return (encode({"id": request.id, "status": status, "error": error}),)

    def _result(
        self, link: AccountServer, method: str, params: Mapping[str, object], now_ns: int
    ) -> object:
        match method:
            case "ping":
                return {}
            case "time":
                return {"serverTime": millis(now_ns)}
            case "session.logon":
                self._session = admit_request(self._accounts, params, now_ns)
            case "session.status":
                pass
            case "session.logout":
                self._session = None
            case "userDataStream.subscribe" | "userDataStream.subscribe.signature" if (
                self._has_events
            ):
                return self._subscribe(link, params, now_ns)
            case "userDataStream.unsubscribe":
                link.topics.clear()
                return {}
            case "session.subscriptions":
                return [{"subscriptionId": 0}] if link.topics else []
            case _:
                if not self._requests.is_known(method):
                    raise VenueRefused(f"Unknown method '{method[:40]}'.", "-1099")
                account = self._owner(params, now_ns)
                return self._requests.obey(method, account, params, now_ns)
        key = None if self._session is None else self._session.key
        since = None if key is None else millis(now_ns)
        state = {"apiKey": key, "authorizedSince": since, "connectedSince": millis(now_ns)}
        return {**state, "serverTime": millis(now_ns), "userDataStream": bool(link.topics)}

    def _subscribe(self, link: AccountServer, params: Mapping[str, object], now_ns: int) -> Row:
        if "signature" in params or self._session is None:
            account = admit_request(self._accounts, params, now_ns)
        else:
            account = self._session
        if link.topics:
            raise VenueRefused("User data stream is already subscribed.", "-2035")
        link.log_in(account, now_ns)
        link.topics.add(_EVENTS)
        return {"subscriptionId": 0}

    def _owner(self, params: Mapping[str, object], now_ns: int) -> Account:
        """Who signed a request, or is logged on."""
        if self._session is None or "signature" in params:
            return admit_request(self._accounts, params, now_ns)
        check_time(params, now_ns)
        return self._session


def _balances(balances: Sequence[Balance]) -> Iterable[TopicRow]:
    rows = [balance_row(one, "a", "f", "l") for one in balances]
    yield _EVENTS, {"e": "outboundAccountPosition", "B": rows}


def _data(topic: str, row: object, now_ns: int) -> bytes:  # noqa: ARG001 - all are of one stream
    event = msgspec.convert(row, Row)
    times: Row = {"E": millis(now_ns), **({"u": millis(now_ns)} if "B" in event else {})}
    return encode({"subscriptionId": 0, "event": {**event, **times}})
