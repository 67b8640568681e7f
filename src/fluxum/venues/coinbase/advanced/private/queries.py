"""Queries about an account at Advanced Trade, and how the answers are read.

https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api: list-accounts, list-orders,
get-order, list-fills. Lists are newest first and go on behind a cursor. Orders are listed by when
they were placed, and no filter knows client order ids: an order is looked for by its name in the
list of its market, among the open ones first. There is no list of entries.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar
from urllib.parse import quote, urlencode

from msgspec import Raw, Struct

from fluxum.model.account import Balance, Fill
from fluxum.model.event import Channel, Subscription
from fluxum.model.order import OrderUpdate, ended
from fluxum.venues.coinbase.advanced.private import native, normalize
from fluxum.venues.coinbase.instants import instant_text
from fluxum.venues.coinbase.symbols import format_symbol
from fluxum.venues.conversation import Auth, Fetch
from fluxum.venues.private import AccountQueries, FillQuery, OrderQuery
from fluxum.venues.queries import Page, RestQuery, page_of, rest_query
from fluxum.venues.rows import read_rows

__all__ = [
    "account_queries",
    "accounts_call",
    "fills_call",
    "open_orders_call",
]

Item = TypeVar("Item")
Parameters = Sequence[tuple[str, str]]

_ROOT = "/api/v3/brokerage"
_LIMIT = 250
_ENDED = ("FILLED", "CANCELLED", "EXPIRED", "FAILED")
# How long before an instant an order was placed, at most, that ended after it.
_OPEN_MAX_NS = 90 * 86_400 * 1_000_000_000
_OPEN = (("order_status", "OPEN"),)


class _List(Struct, Generic[Item], frozen=True):
    """A list: its path, its stream, its parameters, its rows and cursor, and how a row is read."""

    path: str
    channel: Channel
    named: Parameters
    open: Callable[[bytes], tuple[Sequence[Raw], str]]
    read: Callable[[Raw, int], Item | None]


def account_queries() -> AccountQueries:
    """The queries about an account."""
    return AccountQueries(
        balances=_balances,
        open_orders=lambda: _page(_orders(_OPEN)),
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
    return _fetch("orders/historical/fills", Channel.EXECUTION, named, cursor, is_polled=True)


def open_orders_call(purpose: str, cursor: str = "", *, is_once: bool = False) -> Fetch:
    """A page of the open orders, as a part of a command."""
    path = "orders/historical/batch"
    return _fetch(path, Channel.EXECUTION, _OPEN, cursor, purpose=purpose, is_once=is_once)


def _balances() -> RestQuery[Page[Balance]]:
    def read(row: Raw, received_ns: int) -> Balance:
        return normalize.balance(native.decode_account(row), received_ns)

    def opened(body: bytes) -> tuple[Sequence[Raw], str]:
        answer = native.decode_accounts(body)
        return answer.accounts, answer.cursor if answer.has_next else ""

    return _page(_List("accounts", Channel.BALANCE, (), opened, read))


def _order(query: OrderQuery) -> Sequence[RestQuery[Page[OrderUpdate]]]:
    """One order: by its id, or by its name among the open ones, then among all since an instant."""
    if query.order_id:
        path = f"orders/historical/{quote(query.order_id, safe='')}"

        def opened(body: bytes) -> tuple[Sequence[Raw], str]:
            return (native.decode_order_answer(body).order,), ""

        return [_page(_List(path, Channel.EXECUTION, (), opened, _read_order))]

    def read(row: Raw, received_ns: int) -> OrderUpdate | None:
        wire = native.decode_order(row)
        if wire.client_order_id != query.client_order_id:
            return None
        return normalize.listed_order(wire, received_ns)

    market = ("product_ids", format_symbol(query.symbol))
    since = [] if query.since_ns is None else [("start_date", instant_text(query.since_ns))]
    return [_page(_orders([market, *_OPEN], read)), _page(_orders([market, *since], read))]


def _closed_orders(query: FillQuery) -> RestQuery[Page[OrderUpdate]]:
    """Orders that ended, of those placed in the ninety days before the instant or after it."""

    def read(row: Raw, received_ns: int) -> OrderUpdate | None:
        update = _read_order(row, received_ns)
        return None if update is None else ended(update)

    named = [("order_status", one) for one in _ENDED]
    since_ns = None if query.since_ns is None else query.since_ns - _OPEN_MAX_NS
    return _page(_orders([*named, *_span("date", query, since_ns)], read))


def _fills(query: FillQuery) -> RestQuery[Page[Fill]]:
    def read(row: Raw, received_ns: int) -> Fill:
        return normalize.fill(native.decode_fill(row), received_ns)

    def opened(body: bytes) -> tuple[Sequence[Raw], str]:
        answer = native.decode_fills(body)
        return answer.fills, answer.cursor

    named = _span("sequence_timestamp", query, query.since_ns)
    return _page(_List("orders/historical/fills", Channel.EXECUTION, named, opened, read))


def _span(name: str, query: FillQuery, since_ns: int | None) -> list[tuple[str, str]]:
    instants = (("start", since_ns), ("end", query.until_ns))
    named = [] if query.symbol is None else [("product_ids", format_symbol(query.symbol))]
    return named + [
        (f"{side}_{name}", instant_text(one)) for side, one in instants if one is not None
    ]


def _read_order(row: Raw, received_ns: int) -> OrderUpdate | None:
    return normalize.listed_order(native.decode_order(row), received_ns)


def _orders(
    named: Parameters, read: Callable[[Raw, int], OrderUpdate | None] = _read_order
) -> _List[OrderUpdate]:
    def opened(body: bytes) -> tuple[Sequence[Raw], str]:
        answer = native.decode_orders(body)
        return answer.orders, answer.cursor if answer.has_next else ""

    return _List("orders/historical/batch", Channel.EXECUTION, named, opened, read)


def _page(one: _List[Item], cursor: str = "") -> RestQuery[Page[Item]]:
    """One page of a list, and the next one behind its cursor."""

    def read(answer: tuple[Sequence[Raw], str], received_ns: int) -> Page[Item]:
        wires, after = answer
        rows = read_rows(wires, lambda row: one.read(row, received_ns))
        is_last = not wires or after in {"", cursor}
        return page_of(rows, None if is_last else _page(one, after))

    return rest_query(_fetch(one.path, one.channel, one.named, cursor), one.open, read)


def _fetch(
    path: str,
    channel: Channel,
    named: Parameters,
    cursor: str = "",
    *,
    purpose: str = "",
    is_once: bool = False,
    is_polled: bool = False,
) -> Fetch:
    pages = [("limit", str(_LIMIT))] + ([("cursor", cursor)] if cursor else [])
    return Fetch(
        "GET",
        f"{_ROOT}/{path}?{urlencode([*named, *pages])}",
        purpose or path,
        subscription=Subscription(channel),
        auth=Auth.SIGNED,
        is_once=is_once,
        is_polled=is_polled,
    )
