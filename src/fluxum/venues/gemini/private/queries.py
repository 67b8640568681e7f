"""Queries about an account at Gemini, and how the answers are read.

https://docs.gemini.com/rest/orders and /rest/fund-management. Fills are listed market by market.
Lists go forward from an instant, at most 500 rows at a time, the newest of them first: the next
page begins at the last one's newest row, which is there once more. The list of orders that ended
goes by when they were placed. There is no list of entries for the key of one account, but one of
transfers, of fifty rows at a time.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from msgspec import Raw
from msgspec.json import decode, encode

from fluxum.errors import RemoteProtocolError, VenueRefused
from fluxum.model.account import Balance, Fill, LedgerEntry
from fluxum.model.event import Channel, Subscription
from fluxum.model.order import OrderUpdate
from fluxum.venues.account_lists import of_ended, one_page
from fluxum.venues.conversation import Auth, Fetch
from fluxum.venues.gemini.private import native, normalize
from fluxum.venues.gemini.private.protocol import BALANCES_CALL
from fluxum.venues.gemini.symbols import lower
from fluxum.venues.private import AccountQueries, EntryQuery, FillQuery, OrderQuery
from fluxum.venues.queries import Page, RestQuery, page_of, rest_query
from fluxum.venues.rows import read_rows

__all__ = ["account_queries"]

Item = TypeVar("Item", Fill, OrderUpdate, LedgerEntry)

_MILLISECOND = 1_000_000
_NEVER_NS = 2**63
_ROWS_MAX, _TRANSFERS_MAX = 500, 50
_EXECUTIONS = Subscription(Channel.EXECUTION)


def account_queries() -> AccountQueries:
    """The queries about an account."""
    return AccountQueries(
        balances=_balances,
        open_orders=_open_orders,
        order=_order,
        closed_orders=_closed_orders,
        fills=_fills,
        transfers=_transfers,
        needs_symbol=True,
    )


def _balances() -> RestQuery[Page[Balance]]:
    return one_page(BALANCES_CALL, _rows, _read_balance)


def _open_orders() -> RestQuery[Page[OrderUpdate]]:
    return one_page(_fetch("/v1/orders"), _rows, _read_order)


def _order(query: OrderQuery) -> Sequence[RestQuery[Page[OrderUpdate]]]:
    """One order; several of one name are an array."""

    def rows(body: bytes) -> Sequence[Raw]:
        return decode(body, type=list[Raw]) if body.lstrip().startswith(b"[") else (Raw(body),)

    if query.order_id:
        fetch = _fetch("/v1/order/status", order_id=query.order_id)
    else:
        fetch = _fetch("/v1/order/status", client_order_id=query.client_order_id)
    return [one_page(fetch, rows, _read_order, _no_order)]


def _no_order(refused: VenueRefused) -> Page[OrderUpdate]:
    """Nothing for an order that the venue does not know: HTTP 404 with `OrderNotFound`."""
    if "OrderNotFound" not in str(refused):
        raise refused
    return Page(())


def _closed_orders(query: FillQuery) -> RestQuery[Page[OrderUpdate]]:
    return _forward("/v1/orders/history", "limit_orders", query, of_ended(_read_order), None)


def _fills(query: FillQuery) -> RestQuery[Page[Fill]]:
    def read(row: Raw, received_ns: int) -> Fill | None:
        return normalize.fill(decode(row, type=native.Trade), received_ns)

    return _forward("/v1/mytrades", "limit_trades", query, read, None)


def _transfers(query: EntryQuery) -> Sequence[RestQuery[Page[LedgerEntry]]]:
    def read(row: Raw, received_ns: int) -> LedgerEntry | None:
        entry = normalize.transfer(decode(row, type=native.Transfer), bytes(row), received_ns)
        return entry if entry is not None and query.asset in {None, entry.asset} else None

    return [_forward("/v1/transfers", "limit_transfers", query, read, None)]


def _forward(
    path: str,
    limit: str,
    query: FillQuery | EntryQuery,
    read: Callable[[Raw, int], Item | None],
    begin_ms: int | None,
) -> RestQuery[Page[Item]]:
    """A list since an instant, page by page until one is not full."""
    since_ms = (query.since_ns or 0) // _MILLISECOND if begin_ms is None else begin_ms
    until_ns = _NEVER_NS if query.until_ns is None else query.until_ns
    most = _TRANSFERS_MAX if isinstance(query, EntryQuery) else _ROWS_MAX

    def read_page(rows: Sequence[Raw], received_ns: int) -> Page[Item]:
        items = read_rows(rows, lambda row: read(row, received_ns))
        items = items.where(lambda one: one.venue_ns <= until_ns)
        if len(rows) < most:
            return page_of(items)
        newest_ms = max(one.timestampms for one in read_rows(rows, _stamp).items)
        if newest_ms <= since_ms:
            raise RemoteProtocolError(f"{path} has {most} rows of one instant, {newest_ms} ms")
        if newest_ms * _MILLISECOND > until_ns:
            return page_of(items)
        return page_of(items, _forward(path, limit, query, read, newest_ms))

    symbol = None if isinstance(query, EntryQuery) else query.symbol
    market = {} if symbol is None else {"symbol": lower(symbol)}
    fetch = _fetch(path, timestamp=since_ms, **{limit: most}, **market)
    return rest_query(fetch, _rows, read_page)


def _fetch(path: str, **parameters: str | int) -> Fetch:
    body = encode(parameters) if parameters else b""
    return Fetch("POST", path, path, body=body, subscription=_EXECUTIONS, auth=Auth.SIGNED)


def _rows(body: bytes) -> Sequence[Raw]:
    return decode(body, type=list[Raw])


def _stamp(row: Raw) -> native.Stamp:
    return decode(row, type=native.Stamp)


def _read_order(row: Raw, received_ns: int) -> OrderUpdate:
    return normalize.order(decode(row, type=native.Order), received_ns)


def _read_balance(row: Raw, received_ns: int) -> Balance:
    return normalize.balance(decode(row, type=native.Funds), received_ns)
