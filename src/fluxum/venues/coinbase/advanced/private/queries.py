"""Queries about an account at Advanced Trade, and how the answers are read.

https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api: list-accounts, list-orders,
get-order, list-fills. Lists are newest first and go on behind a cursor. Orders are listed by when
they were placed, and no filter knows client order ids: an order is looked for by its name in the
list of its market, among the open ones first. There is no list of entries.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeVar
from urllib.parse import quote, urlencode

from msgspec import Raw
from msgspec.json import decode

from fluxum.model.account import Balance, Fill
from fluxum.model.event import Channel, Subscription
from fluxum.model.order import OrderUpdate
from fluxum.venues.account_lists import AccountList, ListRows, Span, listed, of_ended, one_page
from fluxum.venues.coinbase.advanced.private import native, normalize
from fluxum.venues.coinbase.instants import instant_text
from fluxum.venues.coinbase.symbols import format_symbol
from fluxum.venues.conversation import Auth, Fetch
from fluxum.venues.private import AccountQueries, FillQuery, OrderQuery
from fluxum.venues.queries import Page, RestQuery

__all__ = ["CALL_COST", "account_queries", "accounts_call", "fills_call", "open_orders_call"]

Item = TypeVar("Item")
Parameters = Sequence[tuple[str, str]]
ReadOrder = Callable[[Raw, int], OrderUpdate | None]

CALL_COST = 0.25
"""What a call counts of the five public calls a second: calls of an account have a limit apart."""
_ROOT = "/api/v3/brokerage"
_ORDERS, _FILLS = "orders/historical/batch", "orders/historical/fills"
_LIMIT = 250
_ENDED = [("order_status", one) for one in ("FILLED", "CANCELLED", "EXPIRED", "FAILED")]
_OPEN = [("order_status", "OPEN")]
# How long before an instant an order was placed, at most, that ended after it.
_OPEN_MAX_MS = 90 * 86_400_000
_MILLISECOND = 1_000_000


def account_queries() -> AccountQueries:
    """The queries about an account."""
    return AccountQueries(
        balances=_balances,
        open_orders=lambda: listed(_orders(_OPEN)),
        order=_order,
        closed_orders=_closed_orders,
        fills=_fills,
    )


def accounts_call(cursor: str = "") -> Fetch:
    """A page of the accounts, as the link polls it."""
    return _fetch("accounts", Channel.BALANCE, (), cursor, is_polled=True)


def fills_call(order_ids: Iterable[str], cursor: str = "") -> Fetch:
    """A page of the trades of some orders, as the link polls it."""
    named = [("order_ids", one) for one in order_ids]
    return _fetch(_FILLS, Channel.EXECUTION, named, cursor, is_polled=True)


def open_orders_call(purpose: str, cursor: str = "") -> Fetch:
    """A page of the open orders, as a part of a command."""
    return _fetch(_ORDERS, Channel.EXECUTION, _OPEN, cursor, command=purpose)


def _balances() -> RestQuery[Page[Balance]]:
    def rows(body: bytes) -> ListRows:
        answer = decode(body, type=native.Accounts)
        return ListRows(answer.accounts, answer.cursor if answer.has_next else "")

    fetch = partial(_fetch, "accounts", Channel.BALANCE, ())
    return listed(
        AccountList(fetch=lambda _, cursor: fetch(cursor), decode=rows, read=normalize.balance)
    )


def _order(query: OrderQuery) -> Sequence[RestQuery[Page[OrderUpdate]]]:
    """One order: by its id, or by its name among the open ones, then among all since an instant."""
    if query.order_id:
        fetch = _fetch(f"orders/historical/{quote(query.order_id, safe='')}", Channel.EXECUTION)
        return [one_page(fetch, _only_order, normalize.listed_order)]

    def read(row: Raw, received_ns: int) -> OrderUpdate | None:
        update = normalize.listed_order(row, received_ns)
        is_meant = update is not None and update.client_order_id == query.client_order_id
        return update if is_meant else None

    market = [("product_ids", format_symbol(query.symbol))]
    span = Span(None if query.since_ns is None else query.since_ns // _MILLISECOND)
    return [
        listed(_orders([*market, *_OPEN], read)),
        listed(_orders(market, read), span),
    ]


def _only_order(body: bytes) -> Sequence[Raw]:
    return [decode(body, type=native.OrderAnswer).order]


def _closed_orders(query: FillQuery) -> RestQuery[Page[OrderUpdate]]:
    """Orders that ended, of those placed in the ninety days before the instant or after it."""
    read = of_ended(normalize.listed_order)
    return listed(_orders([*_market(query), *_ENDED], read), _span(query, _OPEN_MAX_MS))


def _fills(query: FillQuery) -> RestQuery[Page[Fill]]:
    def fetch(span: Span, cursor: str) -> Fetch:
        named = [*_market(query), *_times(span, "sequence_timestamp")]
        return _fetch(_FILLS, Channel.EXECUTION, named, cursor)

    def rows(body: bytes) -> ListRows:
        answer = decode(body, type=native.Fills)
        return ListRows(answer.fills, answer.cursor if answer.fills else "")

    return listed(AccountList(fetch=fetch, decode=rows, read=normalize.fill), _span(query))


def _market(query: FillQuery) -> Parameters:
    return [] if query.symbol is None else [("product_ids", format_symbol(query.symbol))]


def _span(query: FillQuery, before_ms: int = 0) -> Span:
    since_ns, until_ns = query.since_ns, query.until_ns
    return Span(
        None if since_ns is None else since_ns // _MILLISECOND - before_ms,
        None if until_ns is None else until_ns // _MILLISECOND + 1,
    )


def _times(span: Span, name: str) -> Parameters:
    times = (("start", span.since_ms), ("end", span.until_ms))
    return [
        (f"{side}_{name}", instant_text(one * _MILLISECOND))
        for side, one in times
        if one is not None
    ]


def _orders(
    named: Parameters, read: ReadOrder = normalize.listed_order
) -> AccountList[OrderUpdate]:
    def fetch(span: Span, cursor: str) -> Fetch:
        return _fetch(_ORDERS, Channel.EXECUTION, [*named, *_times(span, "date")], cursor)

    def rows(body: bytes) -> ListRows:
        answer = decode(body, type=native.Orders)
        return ListRows(answer.orders, answer.cursor if answer.has_next else "")

    return AccountList(fetch=fetch, decode=rows, read=read)


def _fetch(
    path: str,
    channel: Channel,
    named: Parameters = (),
    cursor: str = "",
    *,
    command: str = "",
    is_polled: bool = False,
) -> Fetch:
    pages = [("limit", str(_LIMIT)), *([("cursor", cursor)] if cursor else [])]
    return Fetch(
        "GET",
        f"{_ROOT}/{path}?{urlencode([*named, *pages])}",
        command or path,
        cost=CALL_COST,
        subscription=Subscription(channel),
        auth=Auth.SIGNED,
        is_once=bool(command),
        is_polled=is_polled,
    )
