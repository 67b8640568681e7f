"""Queries about an account at Bybit, and how the answers are read.

https://bybit-exchange.github.io/docs/v5/order/open-order, /order-list, /execution and
/account/wallet-balance, /transaction-log, /position. Lists are newest first, page by page with a
cursor, and seven days at most at a time: longer ones go back week by week, for two years, which is
how long the venue remembers. Without an end they end now, by the venue's clock, read first.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar
from urllib.parse import quote, urlencode

from msgspec import Raw, structs
from msgspec.json import decode

from fluxum.model.account import Balance, Fill, LedgerEntry
from fluxum.model.event import Channel, Subscription
from fluxum.model.order import OrderUpdate
from fluxum.model.position import MarginMode, PositionUpdate
from fluxum.venues.account_lists import (
    AccountList,
    ListRows,
    Span,
    listed,
    listed_between,
    of_ended,
)
from fluxum.venues.bybit import native as public
from fluxum.venues.bybit.category import SPOT, Category
from fluxum.venues.bybit.listing import checked
from fluxum.venues.bybit.normalize import instant
from fluxum.venues.bybit.private import native, normalize, words
from fluxum.venues.bybit.queries import BybitQueries
from fluxum.venues.conversation import Auth, Fetch
from fluxum.venues.private import AccountQueries, EntryQuery, FillQuery, OrderQuery
from fluxum.venues.queries import Page, RestQuery, only, page_of, rest_query
from fluxum.venues.rows import read_rows

__all__ = ["account_queries"]

Item = TypeVar("Item")

_WEEK_MS = 7 * 86_400_000
_MEMORY_MS = 2 * 365 * 86_400_000
_UNIFIED = {"accountType": "UNIFIED"}
_CLOCK = BybitQueries(SPOT).time()


def account_queries(category: Category) -> AccountQueries:
    """The queries about an account, of one category where the venue divides it."""
    return AccountQueries(
        balances=partial(_balances, category),
        open_orders=partial(_open_orders, category, 0),
        order=partial(_order, category),
        closed_orders=partial(_closed_orders, category),
        fills=partial(_fills, category),
        entries=partial(_entries, category),
        positions=None if category is SPOT else partial(_positions, category),
    )


def _balances(category: Category) -> RestQuery[Page[Balance]]:
    """All balances of the unified account."""

    def read(answer: public.Answer, received_ns: int) -> Page[Balance]:
        wallets = decode(answer.result, type=native.Rows).list
        wallet = only(wallets, lambda row: decode(row, type=native.Wallet))
        venue_ns = instant(answer.time)

        def coin(row: Raw) -> Balance:
            wire = decode(row, type=native.Coin)
            return normalize.balance(category, wire, venue_ns, received_ns)

        return page_of(read_rows(wallet.coin, coin))

    fetch = _fetch("account/wallet-balance", Channel.BALANCE, _UNIFIED)
    return rest_query(fetch, checked, read)


def _positions(category: Category) -> RestQuery[Page[PositionUpdate]]:
    """All positions, behind the account's margin mode, which their rows do not have."""

    def read(answer: public.Answer, received_ns: int) -> Page[PositionUpdate]:  # noqa: ARG001
        word = decode(answer.result, type=native.AccountInfo).marginMode
        mode = words.MARGIN_MODES.get(word, MarginMode.OTHER)
        return Page((), next=_positions_of(category, mode, 0))

    return rest_query(_fetch("account/info", Channel.BALANCE, {}), checked, read)


def _positions_of(
    category: Category, mode: MarginMode, at: int
) -> RestQuery[Page[PositionUpdate]] | None:
    """All positions of a scope, and behind them those of the next ones."""
    if at == len(category.scopes):
        return None

    def read(row: Raw, received_ns: int) -> PositionUpdate:
        return normalize.position(category, decode(row, type=native.PositionRow), received_ns, mode)

    named = {"category": category.name, **category.scopes[at]}
    one = _list("position/list", 200, Channel.BALANCE, named, read)
    return listed(one, behind=partial(_positions_of, category, mode, at + 1))


def _open_orders(category: Category, at: int) -> RestQuery[Page[OrderUpdate]]:
    """All open orders, scope by scope."""

    def following() -> RestQuery[Page[OrderUpdate]] | None:
        return _open_orders(category, at + 1) if at + 1 < len(category.scopes) else None

    orders = _orders(category, "order/realtime", category.scopes[at])
    return listed(orders, behind=following)


def _order(category: Category, query: OrderQuery) -> Sequence[RestQuery[Page[OrderUpdate]]]:
    """One order, among the open and the last ended ones first, then in the history."""
    names = (
        {"orderId": query.order_id} if query.order_id else {"orderLinkId": query.client_order_id}
    )
    named = {"symbol": category.format_symbol(query.symbol), **names}
    return [listed(_orders(category, path, named)) for path in ("order/realtime", "order/history")]


def _closed_orders(category: Category, query: FillQuery) -> RestQuery[Page[OrderUpdate]]:
    orders = _orders(category, "order/history", _market(category, query))
    one = structs.replace(orders, read=of_ended(orders.read))
    return listed_between(one, query.since_ns, query.until_ns, _CLOCK)


def _fills(category: Category, query: FillQuery) -> RestQuery[Page[Fill]]:
    """Executions of all markets, or of one."""

    def read(row: Raw, received_ns: int) -> Fill | None:
        return normalize.fill(
            category, decode(row, type=native.Execution), received_ns, backfilled=True
        )

    named = {"category": category.name, **_market(category, query)}
    one = _list("execution/list", 100, Channel.EXECUTION, named, read)
    return listed_between(one, query.since_ns, query.until_ns, _CLOCK)


def _entries(category: Category, query: EntryQuery) -> RestQuery[Page[LedgerEntry]]:
    """Rows of the transaction log of all categories and kinds; the caller picks one kind."""
    named = _UNIFIED if query.asset is None else {**_UNIFIED, "currency": query.asset}
    read = partial(normalize.entry, category)
    one = _list("account/transaction-log", 50, Channel.BALANCE, named, read)
    return listed_between(one, query.since_ns, query.until_ns, _CLOCK)


def _orders(category: Category, path: str, named: Mapping[str, str]) -> AccountList[OrderUpdate]:
    def read(row: Raw, received_ns: int) -> OrderUpdate:
        return normalize.order(category, decode(row, type=native.OrderRow), received_ns)

    return _list(path, 50, Channel.EXECUTION, {"category": category.name, **named}, read)


def _market(category: Category, query: FillQuery) -> Mapping[str, str]:
    return {} if query.symbol is None else {"symbol": category.format_symbol(query.symbol)}


def _list(
    path: str,
    limit: int,
    channel: Channel,
    named: Mapping[str, str],
    read: Callable[[Raw, int], Item | None],
) -> AccountList[Item]:
    """A list: its path, how many rows a page has, its parameters, and how a row is read."""

    def fetch(span: Span, cursor: str) -> Fetch:
        times = {"startTime": span.since_ms, "endTime": span.until_ms}
        given = {name: str(one) for name, one in times.items() if one is not None}
        return _fetch(path, channel, {**named, **given, "limit": str(limit)}, cursor)

    def rows(body: bytes) -> ListRows:
        wire = decode(checked(body).result, type=native.Rows)
        is_full = len(wire.list) >= limit
        return ListRows(wire.list, (wire.nextPageCursor or "") if is_full else "")

    return AccountList(fetch=fetch, decode=rows, read=read, span_ms=_WEEK_MS, memory_ms=_MEMORY_MS)


def _fetch(path: str, channel: Channel, parameters: Mapping[str, str], cursor: str = "") -> Fetch:
    """A signed call; a cursor is URL-encoded already and is to be so only once."""
    query = urlencode(parameters) + (f"&cursor={quote(cursor, safe='%')}" if cursor else "")
    return Fetch(
        "GET",
        f"/v5/{path}?{query}",
        path,
        subscription=Subscription(channel),
        auth=Auth.SIGNED,
    )
