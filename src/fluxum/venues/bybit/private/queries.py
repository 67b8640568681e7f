"""Queries about an account at Bybit, and how the answers are read.

https://bybit-exchange.github.io/docs/v5/order/open-order, /order-list, /execution and
/account/wallet-balance, /transaction-log. Lists are newest first, page by page with a cursor, and
seven days at most at a time: longer ones go back week by week, for two years, which is how long
the venue remembers. Without an end they end now, by the venue's clock, which is read first.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Generic, TypeVar
from urllib.parse import quote, urlencode

from msgspec import Raw, Struct, structs

from fluxum.errors import RateLimited, VenueRefused
from fluxum.model.account import Balance, Fill, LedgerEntry
from fluxum.model.event import Channel, Subscription
from fluxum.model.order import OrderUpdate, ended
from fluxum.venues.bybit import listing
from fluxum.venues.bybit import native as public
from fluxum.venues.bybit.category import SPOT, Category
from fluxum.venues.bybit.normalize import instant
from fluxum.venues.bybit.private import native, normalize
from fluxum.venues.bybit.queries import BybitQueries
from fluxum.venues.conversation import Auth, Fetch
from fluxum.venues.private import AccountQueries, EntryQuery, FillQuery, OrderQuery
from fluxum.venues.queries import Page, RestQuery, decoded, only, page_of, rest_query
from fluxum.venues.rows import read_rows

__all__ = ["account_queries"]

Item = TypeVar("Item")

_MILLISECOND = 1_000_000
_WEEK_MS = 7 * 86_400_000
_MEMORY_MS = 2 * 365 * 86_400_000
_CLOCK = "10002"
_UNIFIED = {"accountType": "UNIFIED"}


class _List(Struct, Generic[Item], frozen=True):
    """A list: its path, how many rows a page has, its parameters, and how a row is read."""

    path: str
    limit: int
    channel: Channel
    named: Mapping[str, str]
    read: Callable[[Raw, int], Item | None]


def account_queries(category: Category) -> AccountQueries:
    """The queries about an account, of one category where the venue divides it."""
    return AccountQueries(
        balances=partial(_balances, category),
        open_orders=partial(_open_orders, category, 0),
        order=partial(_order, category),
        closed_orders=partial(_closed_orders, category),
        fills=partial(_fills, category),
        entries=partial(_entries, category),
    )


def _balances(category: Category) -> RestQuery[Page[Balance]]:
    """All balances of the unified account."""

    def read(answer: public.Answer, received_ns: int) -> Page[Balance]:
        wallet = only(decoded(native.decode_rows, answer.result).list, native.decode_wallet)
        venue_ns = instant(answer.time)
        coins = read_rows(
            wallet.coin,
            lambda row: normalize.balance(category, native.decode_coin(row), venue_ns, received_ns),
        )
        return page_of(coins)

    fetch = _fetch("account/wallet-balance", Channel.BALANCE, _UNIFIED)
    return rest_query(fetch, _checked, read)


def _open_orders(category: Category, at: int) -> RestQuery[Page[OrderUpdate]]:
    """All open orders, scope by scope."""

    def following() -> RestQuery[Page[OrderUpdate]] | None:
        return _open_orders(category, at + 1) if at + 1 < len(category.scopes) else None

    return _page(_orders(category, "order/realtime", category.scopes[at]), {}, following)


def _order(category: Category, query: OrderQuery) -> Sequence[RestQuery[Page[OrderUpdate]]]:
    """One order, among the open and the last ended ones first, then in the history."""
    names = (
        {"orderId": query.order_id} if query.order_id else {"orderLinkId": query.client_order_id}
    )
    named = {"symbol": category.format_symbol(query.symbol), **names}
    return [
        _page(_orders(category, path, named), {}) for path in ("order/realtime", "order/history")
    ]


def _closed_orders(category: Category, query: FillQuery) -> RestQuery[Page[OrderUpdate]]:
    def read(row: Raw, received_ns: int) -> OrderUpdate:
        return ended(normalize.order(category, native.decode_order(row), received_ns))

    one = _orders(category, "order/history", _market(category, query))
    return _since(structs.replace(one, read=read), query.since_ns, query.until_ns)


def _fills(category: Category, query: FillQuery) -> RestQuery[Page[Fill]]:
    """Executions of all markets, or of one."""

    def read(row: Raw, received_ns: int) -> Fill | None:
        return normalize.fill(category, native.decode_execution(row), received_ns, backfilled=True)

    named = {"category": category.name, **_market(category, query)}
    one = _List("execution/list", 100, Channel.EXECUTION, named, read)
    return _since(one, query.since_ns, query.until_ns)


def _entries(category: Category, query: EntryQuery) -> RestQuery[Page[LedgerEntry]]:
    """Rows of the transaction log of all categories and kinds; the caller picks one kind."""
    named = _UNIFIED if query.asset is None else {**_UNIFIED, "currency": query.asset}
    read = partial(normalize.entry, category)
    one = _List("account/transaction-log", 50, Channel.BALANCE, named, read)
    return _since(one, query.since_ns, query.until_ns)


def _orders(category: Category, path: str, named: Mapping[str, str]) -> _List[OrderUpdate]:
    def read(row: Raw, received_ns: int) -> OrderUpdate:
        return normalize.order(category, native.decode_order(row), received_ns)

    return _List(path, 50, Channel.EXECUTION, {"category": category.name, **named}, read)


def _market(category: Category, query: FillQuery) -> Mapping[str, str]:
    return {} if query.symbol is None else {"symbol": category.format_symbol(query.symbol)}


# Pages


def _since(one: _List[Item], since_ns: int | None, until_ns: int | None) -> RestQuery[Page[Item]]:
    """A list after one instant and up to another, or now."""
    since_ms = None if since_ns is None else since_ns // _MILLISECOND
    if until_ns is not None:
        return _week(one, since_ms, until_ns // _MILLISECOND, is_now=False)
    time = BybitQueries(SPOT).time()

    def begin(body: bytes, received_ns: int) -> RestQuery[Page[Item]]:
        return _week(one, since_ms, time.read(body, received_ns) // _MILLISECOND, is_now=True)

    return RestQuery(time.fetch, _never, begin)


def _week(
    one: _List[Item], since_ms: int | None, until_ms: int, *, is_now: bool
) -> RestQuery[Page[Item]]:
    """The last seven days before an instant; what is older follows. Now needs no end."""
    oldest_ms = until_ms - _MEMORY_MS
    first_ms = oldest_ms if since_ms is None else max(since_ms, oldest_ms)
    start_ms = max(first_ms, until_ms - _WEEK_MS)
    span = {"startTime": str(start_ms)} | ({} if is_now else {"endTime": str(until_ms)})

    def older() -> RestQuery[Page[Item]] | None:
        if start_ms == first_ms:
            return None
        return _week(one, first_ms, start_ms - 1, is_now=False)

    return _page(one, span, older)


def _page(
    one: _List[Item],
    span: Mapping[str, str],
    older: Callable[[], RestQuery[Page[Item]] | None] = lambda: None,
    cursor: str = "",
) -> RestQuery[Page[Item]]:
    """One page of a list, then its next one, then what is older."""

    def read(answer: public.Answer, received_ns: int) -> Page[Item]:
        wire = decoded(native.decode_rows, answer.result)
        rows = read_rows(wire.list, lambda row: one.read(row, received_ns))
        after = wire.nextPageCursor or ""
        if after in {"", cursor} or len(wire.list) < one.limit:
            return page_of(rows, older())
        return page_of(rows, _page(one, span, older, after))

    parameters = {**one.named, **span, "limit": str(one.limit)}
    return rest_query(_fetch(one.path, one.channel, parameters, cursor), _checked, read)


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


def _checked(body: bytes) -> public.Answer:
    """As `listing.checked`; a call whose time was off is made again, signed by a surer clock."""
    try:
        return listing.checked(body)
    except VenueRefused as error:
        if error.code == _CLOCK:
            raise RateLimited(str(error), error.code) from error
        raise


def _never(_body: bytes, _received_ns: int) -> Page[Item]:
    raise AssertionError("the venue's clock is read by what follows")
