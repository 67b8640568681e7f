"""The server of the user data stream of simulated USD-M futures, which a listen key opens.

https://developers.binance.com/docs/derivatives/usds-margined-futures/user-data-streams. An unknown
key opens a link on which nothing is sent. The last event of a key is that it expired. The key is
in the path, or in the query as `listenKey`.
"""

from collections.abc import Iterable, Sequence
from urllib.parse import parse_qs

import msgspec
from msgspec import MsgspecError, Struct

from fluxum.model.account import Balance, EntryKind
from fluxum.model.instrument import Asset
from fluxum.venues.binance.native import encode
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.private.futures.native import POSITION_NAMES
from fluxum.venues.binance.server.formats import plain
from fluxum.venues.binance.server.private.futures.keys import ListenKeys
from fluxum.venues.binance.server.private.futures.rows import (
    conditional_report,
    is_waiting,
    position_row,
    report,
    reported,
)
from fluxum.venues.binance.server.private.rows import Row
from fluxum.venues.server.account_link import AccountServer, ServerDialect, TopicRow
from fluxum.venues.server.accounts import (
    AccountChange,
    Funding,
    OrderEventKind,
    OrderHappening,
    PositionState,
)
from fluxum.venues.server.contract import Dialled, ExchangeView, Outgoing
from fluxum.venues.server.formats import millis

__all__ = ["stream_server"]

_IDLE_S = 24 * 3600
_POSITION = {**POSITION_NAMES, "marginType": "mt", "breakEvenPrice": "bep"}
_EVENTS = "events"
_SILENT = {OrderEventKind.REFILLED, OrderEventKind.TRIGGER_MOVED}
_ENDS = {OrderEventKind.CANCELED, OrderEventKind.EXPIRED}


class _Request(Struct):
    """`{"method":"GET_PROPERTY","params":["combined"],"id":2}`."""

    method: str = ""
    id: int | str | None = None


_decode_request = msgspec.json.Decoder(_Request).decode


def stream_server(
    policy: Policy, view: ExchangeView, keys: ListenKeys, dialled: Dialled
) -> AccountServer:
    """The server of one client's link."""
    given = parse_qs(dialled.query).get("listenKey") or [dialled.path.rpartition("/")[2]]
    link = _Stream(policy, keys, given[0])
    dialect = ServerDialect(
        answer=link.answer,
        rows=link.rows,
        balances=link.balances,
        positions=link.positions,
        data=_data,
        opened=link.opened,
        tick=link.tick,
        idle_s=_IDLE_S,
    )
    return AccountServer(view, dialect)


class _Stream:
    def __init__(self, policy: Policy, keys: ListenKeys, key: str) -> None:
        self._policy = policy
        self._keys = keys
        self._key = key
        self._reason = "ORDER"
        self._totals: dict[Asset, object] = {}
        self._last_trade: Row = {}

    def opened(self, link: AccountServer, now_ns: int) -> Sequence[Outgoing]:
        """The events of the account of the key begin."""
        account = self._keys.account(self._key, now_ns)
        if account is not None:
            link.log_in(account, now_ns)
            link.topics.add(_EVENTS)
            self._totals = {one.asset: one.total for one in account.balances()}
        return ()

    def tick(self, link: AccountServer, now_ns: int) -> Sequence[Outgoing]:
        """The notice that the key expired; nothing follows."""
        if not link.topics or self._keys.account(self._key, now_ns) is not None:
            return ()
        link.topics.clear()
        notice = {"e": "listenKeyExpired", "E": millis(now_ns), "listenKey": self._key}
        return (encode(notice),)

    def answer(self, link: AccountServer, frame: bytes, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """The answer to a client's frame, whatever is in it."""
        try:
            request = _decode_request(frame)
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            text = "Invalid JSON: expected value at line 1 column 1"
            return (encode({"error": {"code": 3, "msg": text}}),)
        results: Row = {"GET_PROPERTY": False, "LIST_SUBSCRIPTIONS": []}
        return (encode({"result": results.get(request.method), "id": request.id}),)

    # Events

    def rows(self, change: AccountChange) -> Iterable[TopicRow]:
        """Reports of an order; the last trade of one that is filled says so."""
        if not isinstance(change, OrderHappening):
            is_trade = not isinstance(change, Funding) and change.kind is EntryKind.TRADE
            if not is_trade:
                self._reason = "FUNDING_FEE" if isinstance(change, Funding) else "DEPOSIT"
            return
        self._reason = "ORDER"
        if change.what is OrderEventKind.FILLED:
            self._last_trade["X"] = "FILLED"
            yield from self._finished(change)
            return
        waits = is_waiting(change.order)
        if change.what in _SILENT or (change.what is OrderEventKind.PENDING and not waits):
            return
        if waits or change.what is OrderEventKind.TRIGGERED:
            yield _EVENTS, conditional_report(self._policy, change)
        else:
            row = report(self._policy, change)
            if change.fill is not None:
                order = row["o"]
                assert isinstance(order, dict), "an event has its order"
                self._last_trade = order
            yield _EVENTS, row
        if change.what in _ENDS:
            yield from self._finished(change)

    def _finished(self, change: OrderHappening) -> Iterable[TopicRow]:
        """The end of an order that waited for its price, and went on as another."""
        if change.order.is_triggered:
            yield _EVENTS, conditional_report(self._policy, change)

    def balances(self, balances: Sequence[Balance]) -> Iterable[TopicRow]:
        """Balances that changed: what orders hold of them is no news here."""
        changed = [one for one in balances if self._totals.get(one.asset) != one.total]
        self._totals |= {one.asset: one.total for one in changed}
        rows: list[Row] = [
            {"a": one.asset, "wb": plain(one.total), "cw": plain(one.total), "bc": "0"}
            for one in changed
        ]
        if rows:
            yield _EVENTS, self._account(rows, [])

    def positions(self, positions: Sequence[PositionState]) -> Iterable[TopicRow]:
        """Positions that changed."""
        rows = [reported(position_row(self._policy, one), _POSITION) for one in positions]
        yield _EVENTS, self._account([], rows)

    def _account(self, balances: Sequence[Row], positions: Sequence[Row]) -> Row:
        changed = {"m": self._reason, "B": balances, "P": positions}
        return {"e": "ACCOUNT_UPDATE", "a": changed}


def _data(topic: str, row: object, now_ns: int) -> bytes:  # noqa: ARG001 - all are of one stream
    return encode({"E": millis(now_ns), "T": millis(now_ns), **msgspec.convert(row, Row)})
