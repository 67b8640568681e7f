"""Bybit's simulated REST API of an account: signed calls, their lists, and orders.

https://bybit-exchange.github.io/docs/v5/order and /account. Lists are newest first, seven days at
most, with a cursor that is URL-encoded as the venue's are.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import parse_qsl, quote

import msgspec
from msgspec import MsgspecError

from fluxum.errors import VenueRefused
from fluxum.venues.bybit.category import SPOT, Category
from fluxum.venues.bybit.server.private.access import admit, count
from fluxum.venues.bybit.server.private.order_entry import BybitOrders
from fluxum.venues.bybit.server.private.rows import (
    Row,
    coin_row,
    entry_row,
    execution_row,
    order_row,
)
from fluxum.venues.conversation import Fetch
from fluxum.venues.server.accounts import Account
from fluxum.venues.server.contract import ExchangeView
from fluxum.venues.server.formats import millis, number
from fluxum.venues.server.rest_router import query_number

__all__ = ["AccountRest"]

Query = Mapping[str, str]
Result = Mapping[str, object]
Item = TypeVar("Item")

_CALLS_PER_S = 50
_WEEK_MS = 7 * 86_400_000
_ORDERS = "/v5/order/"
_decode_object = msgspec.json.Decoder(dict[str, object]).decode


class AccountRest:
    """Answers signed calls about accounts of one category."""

    def __init__(self, view: ExchangeView, category: Category) -> None:
        self._view = view
        self._category = category
        self._entry = BybitOrders(view, category)
        self._lists: dict[str, Callable[[Account, Query, int], Result]] = {
            "/v5/order/realtime": self._realtime,
            "/v5/order/history": self._history,
            "/v5/execution/list": self._executions,
            "/v5/account/wallet-balance": self._wallet,
            "/v5/account/transaction-log": self._log,
            "/v5/account/fee-rate": self._fees,
        }

    def is_known(self, method: str, path: str) -> bool:
        """Whether there is such a call."""
        return path in self._lists if method == "GET" else path.startswith(_ORDERS)

    def answer(self, call: Fetch, now_ns: int) -> tuple[Result, Result]:
        """The result of a call, and the verdicts of its rows; raises VenueRefused."""
        account = admit(self._view.accounts, call, now_ns)
        path, _, query = call.path.partition("?")
        if call.method == "GET":
            count(account, path, 1, _CALLS_PER_S, now_ns)
            return self._lists[path](account, dict(parse_qsl(query)), now_ns), {}
        try:
            given = _decode_object(call.body)
        except (MsgspecError, UnicodeDecodeError) as error:
            raise _invalid() from error
        name = path.removeprefix(_ORDERS)
        result, about_rows, _ = self._entry.obey(name, account, given, now_ns)
        return result, about_rows

    # Lists

    def _realtime(self, account: Account, query: Query, now_ns: int) -> Result:  # noqa: ARG002
        """Open orders; by its id one that ended lately as well."""
        self._check(query)
        scopes = ("symbol", "baseCoin", "settleCoin", "orderId", "orderLinkId")
        if self._category is not SPOT and not any(query.get(one) for one in scopes):
            raise VenueRefused("Missing some parameters that must be filled in", "10001")
        is_named = bool(query.get("orderId") or query.get("orderLinkId"))
        states = [*account.open_orders(), *(account.ended[-500:] if is_named else ())]
        rows = [order_row(self._category, one) for one in states]
        coin = query.get("settleCoin")
        if coin:
            rows = [
                order_row(self._category, one) for one in states if one.update.symbol.quote == coin
            ]
        return self._page(query, rows, 50)

    def _history(self, account: Account, query: Query, now_ns: int) -> Result:
        self._check(query)
        found = _within(query, account.ended, lambda one: one.update.opened_ns or 0, now_ns)
        return self._page(query, [order_row(self._category, one) for one in found], 50)

    def _executions(self, account: Account, query: Query, now_ns: int) -> Result:
        self._check(query)
        found = _within(query, account.trades, lambda one: one.venue_ns, now_ns)
        rows = [execution_row(self._category, one, one.fill) for one in found if one.fill]
        return self._page(query, rows, 100)

    def _log(self, account: Account, query: Query, now_ns: int) -> Result:
        found = _within(query, account.entries, lambda one: one.venue_ns, now_ns)
        asset = query.get("currency")
        rows = [entry_row(self._category, one) for one in found if asset in {None, one.asset}]
        return self._page(query, rows, 50)

    def _wallet(self, account: Account, query: Query, now_ns: int) -> Result:  # noqa: ARG002
        """Assets of which nothing is held are left out, unless they are named."""
        if query.get("accountType") != "UNIFIED":
            raise VenueRefused("accountType only support UNIFIED.", "10001")
        wanted = query.get("coin", "").split(",") if query.get("coin") else []
        coins = [
            coin_row(self._category, one)
            for one in account.balances()
            if one.asset in wanted or (one.total and not wanted)
        ]
        return {"list": [{"accountType": "UNIFIED", "coin": coins}]}

    def _fees(self, account: Account, query: Query, now_ns: int) -> Result:  # noqa: ARG002
        maker, taker = map(number, account.rates)
        rates = {"makerFeeRate": maker, "takerFeeRate": taker}
        names = [one.venue_symbol for one in self._view.instruments()]
        wanted = [one for one in names if query.get("symbol") in {None, one}]
        return {"list": [{"symbol": one, **rates} for one in wanted]}

    # Pieces

    def _check(self, query: Query) -> None:
        if query.get("category") != self._category.name:
            raise VenueRefused("Illegal category", "10001")

    def _page(self, query: Query, rows: Sequence[Row], most: int) -> Result:
        """A part of a list, whose rows are oldest first, the newest first."""
        limit = min(max(1, query_number(query, "limit", 20, _invalid())), most)
        offset = query_number(
            {"cursor": query.get("cursor", "").removeprefix("page:") or "0"},
            "cursor",
            0,
            _invalid(),
        )
        newest = [row for row in reversed(rows) if _is_meant(row, query)]
        after = offset + limit
        cursor = quote(f"page:{after}") if after < len(newest) else ""
        page = {"list": newest[offset:after], "nextPageCursor": cursor}
        return {"category": self._category.name, **page}


def _invalid() -> VenueRefused:
    return VenueRefused("Request parameter error.", "10001")


def _within(
    query: Query, items: Iterable[Item], instant_ns: Callable[[Item], int], now_ns: int
) -> Iterable[Item]:
    """Items between two instants, both included; an instant that is missing is a week away."""
    start_ms = query_number(query, "startTime", -1, _invalid())
    end_ms = query_number(query, "endTime", -1, _invalid())
    if end_ms < 0:
        end_ms = millis(now_ns) if start_ms < 0 else start_ms + _WEEK_MS
    start_ms = end_ms - _WEEK_MS if start_ms < 0 else start_ms
    if not 0 <= end_ms - start_ms <= _WEEK_MS:
        raise VenueRefused("The time range cannot exceed 7 days.", "10001")
    return (one for one in items if start_ms <= millis(instant_ns(one)) <= end_ms)


def _is_meant(row: Row, query: Query) -> bool:
    names = ("symbol", "orderId", "orderLinkId")
    return all(not query.get(name) or row.get(name, "") == query[name] for name in names)
