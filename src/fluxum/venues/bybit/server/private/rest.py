"""Bybit's simulated REST API of an account: signed calls, their lists, and orders.

https://bybit-exchange.github.io/docs/v5/order and /account. Lists are newest first, seven days at
most, with a cursor that is URL-encoded as the venue's are.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar
from urllib.parse import parse_qsl, quote

from fluxum.errors import VenueRefused
from fluxum.model.instrument import Asset
from fluxum.venues.bybit.category import SPOT, Category
from fluxum.venues.bybit.server.private.access import admit, count
from fluxum.venues.bybit.server.private.order_entry import BybitOrders
from fluxum.venues.bybit.server.private.rows import (
    Row,
    coin_row,
    entry_row,
    execution_row,
    order_row,
    position_row,
)
from fluxum.venues.conversation import Fetch
from fluxum.venues.server.account_lists import ListQuery, holdings, page
from fluxum.venues.server.accounts import Account, OrderState
from fluxum.venues.server.contract import ExchangeView
from fluxum.venues.server.formats import millis, number
from fluxum.venues.server.rest_router import json_object, query_number

__all__ = ["AccountRest"]

Query = Mapping[str, str]
Result = Mapping[str, object]
Item = TypeVar("Item")

_CALLS_PER_S = 50
_WEEK_MS = 7 * 86_400_000
_ORDERS = "/v5/order/"
_SCOPES = ("symbol", "baseCoin", "settleCoin", "orderId", "orderLinkId")
# What clients look up first: what a key may do, and that the account is a unified one.
_KEY = {"readOnly": 0, "permissions": {"Spot": ["SpotTrade"]}, "uta": 1, "unified": 0}
_INFO = {"marginMode": "REGULAR_MARGIN", "unifiedMarginStatus": 5, "isMasterTrader": False}


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
            "/v5/user/query-api": lambda _account, _query, _now_ns: _KEY,
            "/v5/position/list": self._positions,
            "/v5/account/info": lambda _account, _query, _now_ns: _INFO,
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
        given, name = json_object(call.body, _invalid()), path.removeprefix(_ORDERS)
        result, about_rows, _ = self._entry.obey(name, account, given, now_ns)
        return result, about_rows

    # Lists

    def _realtime(self, account: Account, query: Query, now_ns: int) -> Result:  # noqa: ARG002
        """Open orders; by its id one that ended lately as well."""
        if self._category is not SPOT and not any(query.get(one) for one in _SCOPES):
            raise VenueRefused("Missing some parameters that must be filled in", "10001")
        wanted, coin = self._wanted(query), query.get("settleCoin")
        is_named = bool(wanted.order_id or wanted.client_order_id)
        lately = account.ended[-500:] if is_named else ()
        found = wanted.orders([*account.open_orders(), *lately])
        return self._orders(
            query, [one for one in found if coin in {None, one.update.symbol.quote}]
        )

    def _history(self, account: Account, query: Query, now_ns: int) -> Result:
        return self._orders(
            query, _in_week(self._wanted(query), query, now_ns).orders(account.ended)
        )

    def _orders(self, query: Query, orders: Sequence[OrderState]) -> Result:
        return self._page(query, orders, partial(order_row, self._category), 50)

    def _executions(self, account: Account, query: Query, now_ns: int) -> Result:
        found = _in_week(self._wanted(query), query, now_ns).trades(account.trades)
        return self._page(query, found, partial(execution_row, self._category), 100)

    def _log(self, account: Account, query: Query, now_ns: int) -> Result:
        asset = query.get("currency")
        wanted = ListQuery(asset=Asset(asset) if asset else None)
        found = _in_week(wanted, query, now_ns).entries(account.entries)
        return self._page(query, found, partial(entry_row, self._category, account), 50)

    def _positions(self, account: Account, query: Query, now_ns: int) -> Result:  # noqa: ARG002
        """Open positions of what they settle in; of a market that is named, a closed one too."""
        wanted, coin = self._wanted(query), query.get("settleCoin")
        if wanted.symbol is None and coin is None:
            raise VenueRefused("Missing some parameters that must be filled in", "10001")
        found = [
            one
            for one in account.positions()
            if wanted.symbol == one.symbol
            or (wanted.symbol is None and one.quantity and coin == one.symbol.quote)
        ]
        return self._page(query, found, partial(position_row, self._category, is_listed=True), 200)

    def _wallet(self, account: Account, query: Query, now_ns: int) -> Result:  # noqa: ARG002
        """Assets of which nothing is held are left out, unless they are named."""
        if query.get("accountType") != "UNIFIED":
            raise VenueRefused("accountType only support UNIFIED.", "10001")
        held = holdings(account, query.get("coin", ""))
        coins = [coin_row(self._category, one) for one in held]
        return {"list": [{"accountType": "UNIFIED", "coin": coins}]}

    def _fees(self, account: Account, query: Query, now_ns: int) -> Result:  # noqa: ARG002
        maker, taker = map(number, account.rates)
        rates = {"makerFeeRate": maker, "takerFeeRate": taker}
        names = [one.venue_symbol for one in self._view.instruments()]
        wanted = [one for one in names if query.get("symbol") in {None, one}]
        return {"list": [{"symbol": one, **rates} for one in wanted]}

    # Pieces

    def _wanted(self, query: Query) -> ListQuery:
        if query.get("category") != self._category.name:
            raise VenueRefused("Illegal category", "10001")
        name = query.get("symbol")
        return ListQuery(
            symbol=self._entry.symbol(name) if name else None,
            order_id=query.get("orderId", ""),
            client_order_id=query.get("orderLinkId", ""),
        )

    def _page(
        self, query: Query, items: Sequence[Item], row: Callable[[Item], Row], most: int
    ) -> Result:
        """A part of a list; its cursor is URL-encoded as the venue's are."""
        count = min(max(1, query_number(query, "limit", 20, _invalid())), most)
        at = {"offset": query.get("cursor", "").removeprefix("page:") or "0"}
        found, following = page(items, count, query_number(at, "offset", 0, _invalid()))
        cursor = "" if following is None else quote(f"page:{following}")
        rows = [row(one) for one in found]
        return {"category": self._category.name, "list": rows, "nextPageCursor": cursor}


def _invalid() -> VenueRefused:
    return VenueRefused("Request parameter error.", "10001")


def _in_week(wanted: ListQuery, query: Query, now_ns: int) -> ListQuery:
    """Between two instants; one that is missing is a week away from the other, or is now."""
    start_ms = query_number(query, "startTime", -1, _invalid())
    end_ms = query_number(query, "endTime", -1, _invalid())
    if end_ms < 0:
        end_ms = millis(now_ns) if start_ms < 0 else start_ms + _WEEK_MS
    start_ms = end_ms - _WEEK_MS if start_ms < 0 else start_ms
    if not 0 <= end_ms - start_ms <= _WEEK_MS:
        raise VenueRefused("The time range cannot exceed 7 days.", "10001")
    return wanted.between(start_ms, end_ms)
