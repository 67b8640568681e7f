"""Gemini's simulated REST API of an account: signed calls without a body.

https://docs.gemini.com/rest/orders and /rest/fund-management. Lists go forward from an instant, the
newest first of each part; without one they are the newest.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from fluxum.errors import VenueRefused
from fluxum.model.instrument import Symbol
from fluxum.venues.conversation import Fetch
from fluxum.venues.gemini.private.commands import HEARTBEAT
from fluxum.venues.gemini.server.private.access import admit, beat, status_of
from fluxum.venues.gemini.server.private.entry import GeminiEntry, arguments, of_call
from fluxum.venues.gemini.server.private.rows import (
    TRANSFERS,
    Row,
    funds_row,
    order_row,
    trade_row,
    transfer_row,
)
from fluxum.venues.server.account_lists import ListQuery
from fluxum.venues.server.accounts import Account
from fluxum.venues.server.contract import Answer, ExchangeView
from fluxum.venues.server.rest_router import answer

__all__ = ["AccountRest"]

Given = Mapping[str, object]
Item = TypeVar("Item")

_ROWS_MAX = 500


class AccountRest:
    """Answers signed calls about accounts."""

    def __init__(self, view: ExchangeView) -> None:
        self._accounts = view.accounts
        self._entry = GeminiEntry(view)
        self._calls: dict[str, Callable[[Account, Given, int], object]] = {
            "/v1/balances": lambda account, _given, _now_ns: [
                funds_row(one) for one in account.balances() if one.total
            ],
            "/v1/order/new": self._place,
            "/v1/order/cancel": self._cancel,
            "/v1/order/cancel/all": self._cancel_all,
            "/v1/order/cancel/session": self._cancel_all,
            "/v1/order/status": self._status,
            "/v1/orders": lambda account, _given, _now_ns: [
                order_row(one) for one in reversed(account.open_orders())
            ],
            "/v1/orders/history": self._history,
            "/v1/mytrades": self._trades,
            "/v1/transfers": self._transfers,
            "/v1/notionalvolume": _fees,
            HEARTBEAT: _heartbeat,
        }

    def is_known(self, path: str) -> bool:
        """Whether there is such a call."""
        return path.partition("?")[0] in self._calls

    def answer(self, call: Fetch, now_ns: int) -> Answer:
        """The answer to a call, a refusal with its status and its reason."""
        try:
            account, given = admit(self._accounts, call, now_ns)
            return answer(self._calls[call.path.partition("?")[0]](account, given, now_ns))
        except VenueRefused as error:
            refusal = {"result": "error", "reason": error.code, "message": str(error)}
            return answer(refusal, status_of(error))

    def _place(self, account: Account, given: Given, _now_ns: int) -> Row:
        return order_row(self._entry.place(account, of_call(given)))

    def _cancel(self, account: Account, given: Given, _now_ns: int) -> Row:
        return order_row(self._entry.cancel(account, given))

    def _cancel_all(self, account: Account, _given: Given, _now_ns: int) -> Row:
        ended = [one.update.order_id for one in self._entry.cancel_all(account)]
        return {"result": "ok", "details": {"cancelledOrders": ended, "cancelRejects": []}}

    def _status(self, account: Account, given: Given, _now_ns: int) -> object:
        """One order by its id, or an array of those of a name."""
        read = arguments(given)
        order_id, name = read.text("order_id"), read.text("client_order_id")
        if order_id:
            order = account.order(order_id)
            named = [] if order is None else [order]
        else:
            every = [*account.open_orders(), *account.ended]
            named = [one for one in every if name and one.update.client_order_id == name]
        if not named:
            raise VenueRefused(f"Order {order_id or name} not found", "OrderNotFound")
        rows = [order_row(one) for one in named]
        return rows[0] if order_id else rows

    def _history(self, account: Account, given: Given, _now_ns: int) -> list[Row]:
        found = self._query(given).orders(account.ended)
        placed = sorted(found, key=lambda one: one.update.opened_ns or 0, reverse=True)
        return [order_row(one) for one in _part(given, placed, "limit_orders")]

    def _trades(self, account: Account, given: Given, _now_ns: int) -> list[Row]:
        if not arguments(given).has("symbol"):
            raise VenueRefused("Symbol is required", "InvalidSymbol")
        found = self._query(given).trades(account.trades)
        return [trade_row(one) for one in _part(given, found, "limit_trades")]

    def _transfers(self, account: Account, given: Given, _now_ns: int) -> list[Row]:
        found = self._query(given).entries(account.entries)
        moved = [one for one in found if one.kind in TRANSFERS]
        return [transfer_row(one) for one in _part(given, moved, "limit_transfers", 50)]

    def _query(self, given: Given) -> ListQuery:
        """Rows at or after an instant in milliseconds, or in seconds."""
        read = arguments(given)
        symbol: Symbol | None = None
        if read.has("symbol"):
            symbol = self._entry.instrument(read.text("symbol")).symbol
        since = read.number("timestamp")
        if since is None:
            return ListQuery(symbol=symbol)
        since_ms = int(since) if since >= 10**11 else int(since) * 1000
        return ListQuery(symbol=symbol, since_ns=since_ms * 1_000_000)


def _part(given: Given, newest: Sequence[Item], name: str, most: int = _ROWS_MAX) -> Sequence[Item]:
    read = arguments(given)
    limit = min(int(read.number(name) or 50), most)
    return newest[-limit:] if read.has("timestamp") else newest[:limit]


def _fees(account: Account, _given: Given, _now_ns: int) -> Row:
    """Fees in hundredths of a percent."""
    maker, taker = (int(rate * 10_000) for rate in account.rates)
    return {"api_maker_fee_bps": maker, "api_taker_fee_bps": taker}


def _heartbeat(account: Account, _given: Given, now_ns: int) -> Row:
    beat(account, now_ns, is_heartbeat=True)
    return {"result": "ok"}
