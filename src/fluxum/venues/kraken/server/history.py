"""REST's lists about an account, page by page: open and ended orders, executions, lines.

https://docs.kraken.com/api/docs/rest-api/get-closed-orders, /get-trade-history and /get-ledgers.
Fifty a page, newest first; `start` is exclusive, `end` inclusive, each a time in seconds or the id
of an item; `ofs` counts from the newest.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from fluxum.errors import VenueRefused
from fluxum.model.account import LedgerEntry
from fluxum.model.instrument import Instrument, Symbol
from fluxum.venues.kraken.server.legacy import altname, asset_name
from fluxum.venues.kraken.server.rest_forms import Form, read_instant
from fluxum.venues.kraken.server.rest_rows import entry_row, order_row, trade_row
from fluxum.venues.server.accounts import Account, OrderHappening, OrderState
from fluxum.venues.server.contract import ExchangeView

__all__ = ["History"]

_PAGE = 50
_IDS_MAX = 50
_LINE_IDS_MAX = 20

Item = TypeVar("Item")
Rows = dict[str, object]


class History:
    """Answers what an account asks about its past and its open orders."""

    def __init__(self, view: ExchangeView) -> None:
        self._accounts = view.accounts
        self._instruments = {one.symbol: one for one in view.instruments()}
        self.calls: Mapping[str, Callable[[Account, Form, int], object]] = {
            "OpenOrders": self._open,
            "ClosedOrders": self._closed,
            "QueryOrders": self._orders,
            "TradesHistory": self._trades,
            "QueryTrades": self._trades_by_id,
            "Ledgers": self._entries,
            "QueryLedgers": self._entries_by_id,
        }
        """What answers each call."""

    def _open(self, account: Account, form: Form, now_ns: int) -> object:  # noqa: ARG002
        orders = _wanted(account.open_orders(), form)
        return {"open": {one.update.order_id: self._order(one, form) for one in orders}}

    def _closed(self, account: Account, form: Form, now_ns: int) -> object:  # noqa: ARG002
        orders = _wanted(account.ended, form)
        by_open = form.get("closetime") == "open"

        def time_ns(one: OrderState) -> int:
            return (one.update.opened_ns if by_open else one.closed_ns) or 0

        page, count = _page(orders, form, time_ns, _order_id)
        return {"closed": {_order_id(one): self._order(one, form) for one in page}, "count": count}

    def _orders(self, account: Account, form: Form, now_ns: int) -> object:  # noqa: ARG002
        found: Rows = {}
        for order_id in _ids(form, "txid", _IDS_MAX):
            order = account.order(order_id)
            if order is not None:
                found[order_id] = self._order(order, form)
        if not found:
            raise VenueRefused("EOrder:Unknown order", "EOrder")
        return found

    def _trades(self, account: Account, form: Form, now_ns: int) -> object:  # noqa: ARG002
        page, count = _page(account.trades, form, _trade_ns, _trade_id)
        return {"trades": {_trade_id(one): self._trade(one) for one in page}, "count": count}

    def _trades_by_id(self, account: Account, form: Form, now_ns: int) -> object:  # noqa: ARG002
        wanted = _ids(form, "txid", _LINE_IDS_MAX)
        known = {_trade_id(one): one for one in account.trades}
        found = {name: self._trade(known[name]) for name in wanted if name in known}
        if not found:
            raise VenueRefused("EQuery:Unknown trade", "EQuery")
        return found

    def _entries(self, account: Account, form: Form, now_ns: int) -> object:  # noqa: ARG002
        assets = {one.strip() for one in form.get("asset", "all").split(",")}
        kind = form.get("type", "all")
        wanted = {
            one
            for one in {entry.asset for entry in account.entries}
            if not assets.isdisjoint({"all", one, altname(one), asset_name(one)})
        }
        entries = [
            one
            for one in account.entries
            if kind in ("all", one.venue_kind) and one.asset in wanted
        ]
        page, count = _page(entries, form, _entry_ns, _entry_id)
        rows = {one.entry_id: entry_row(one, self._accounts) for one in page}
        if form.get("without_count") == "true":
            return {"ledger": rows}
        return {"ledger": rows, "count": count}

    def _entries_by_id(self, account: Account, form: Form, now_ns: int) -> object:  # noqa: ARG002
        wanted = _ids(form, "id", _LINE_IDS_MAX)
        found = {
            one.entry_id: entry_row(one, self._accounts)
            for one in account.entries
            if one.entry_id in wanted
        }
        if not found:
            raise VenueRefused("EGeneral:Invalid arguments:id", "EGeneral")
        return found

    def _order(self, order: OrderState, form: Form) -> Rows:
        with_trades = form.get("trades") == "true"
        return order_row(order, self._market(order.update.symbol), with_trades=with_trades)

    def _trade(self, trade: OrderHappening) -> Rows:
        return trade_row(trade, self._market(trade.order.update.symbol))

    def _market(self, symbol: Symbol) -> Instrument:
        return self._instruments[symbol]


def _wanted(orders: Sequence[OrderState], form: Form) -> list[OrderState]:
    """Those of a user's reference or of a client's name, where either is asked for."""
    reference, name = form.get("userref"), form.get("cl_ord_id")
    return [
        one
        for one in orders
        if (not reference or str(one.update.user_reference or 0) == reference)
        and (not name or one.update.client_order_id == name)
    ]


def _page(
    items: Sequence[Item],
    form: Form,
    time_ns: Callable[[Item], int],
    name: Callable[[Item], str],
) -> tuple[list[Item], int]:
    """A page, newest first, and how many items all pages have."""
    since_ns, until_ns = (_bound(items, form.get(key), time_ns, name) for key in ("start", "end"))
    found = [
        one
        for one in reversed(items)
        if (since_ns is None or time_ns(one) > since_ns)
        and (until_ns is None or time_ns(one) <= until_ns)
    ]
    offset = form.get("ofs", "0")
    if not (offset.isascii() and offset.isdecimal() and len(offset) < 10):
        raise VenueRefused("EGeneral:Invalid arguments:ofs", "EGeneral")
    begin = int(offset)
    return found[begin : begin + _PAGE], len(found)


def _bound(
    items: Sequence[Item],
    text: str | None,
    time_ns: Callable[[Item], int],
    name: Callable[[Item], str],
) -> int | None:
    if not text:
        return None
    for one in items:
        if name(one) == text:
            return time_ns(one)
    return read_instant({"bound": text}, "bound")


def _ids(form: Form, name: str, most: int) -> list[str]:
    found = [one.strip() for one in form.get(name, "").split(",") if one.strip()]
    if not 0 < len(found) <= most:
        raise VenueRefused(f"EGeneral:Invalid arguments:{name}", "EGeneral")
    return found


def _order_id(order: OrderState) -> str:
    return order.update.order_id


def _trade_id(trade: OrderHappening) -> str:
    return "" if trade.fill is None else trade.fill.fill_id


def _trade_ns(trade: OrderHappening) -> int:
    return trade.venue_ns


def _entry_id(entry: LedgerEntry) -> str:
    return entry.entry_id


def _entry_ns(entry: LedgerEntry) -> int:
    return entry.venue_ns
