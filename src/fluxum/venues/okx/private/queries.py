"""Queries about an account at OKX, and how the answers are read.

https://www.okx.com/docs-v5/en/#order-book-trading-trade-get-order-list and those behind it,
#trading-account-rest-api-get-balance, -get-positions, -get-bills-details-last-7-days. Lists are
newest first, a hundred rows a page, which continue behind the id of the last row: of an order, or
of the bill of a fill. There is a list of recent rows and one of three months, which is slower;
which of them it takes depends on the venue's clock, which is read first. Old fills, and orders that
ended, are listed kind by kind.

Orders that wait for a price have lists of their own (#order-book-trading-algo-trading), by kinds of
them, and of three months those that ended, by how they did. What goes on for one is found by it.

Calls have limits of their own (60 in two seconds, 40, 20, 10, 5); `cost` is 30 over the limit.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar
from urllib.parse import urlencode

from msgspec import Raw, structs
from msgspec.json import decode

from fluxum.errors import VenueRefused
from fluxum.model.account import Balance, Fill, LedgerEntry
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.order import OrderUpdate, ended
from fluxum.model.position import PositionUpdate
from fluxum.venues.account_lists import (
    AccountList,
    ListRows,
    Span,
    listed,
    one_page,
    span_of,
)
from fluxum.venues.conversation import Auth, Fetch
from fluxum.venues.okx import topics
from fluxum.venues.okx.listing import rows
from fluxum.venues.okx.private import native, normalize
from fluxum.venues.okx.private.algos import KINDS as ALGO_KINDS
from fluxum.venues.okx.private.algos import algo_number
from fluxum.venues.okx.private.markets import KINDS, Markets
from fluxum.venues.okx.queries import OkxQueries
from fluxum.venues.private import AccountQueries, EntryQuery, FillQuery, OrderQuery
from fluxum.venues.queries import Page, RestQuery, after, only

__all__ = ["account_queries"]

Item = TypeVar("Item")
Read = Callable[[Raw, int], Item | None]

_DAY_NS = 86_400 * 1_000_000_000
_LIMIT = 100
_UNKNOWN_ORDER = "51603"
_ENDS = ("effective", "canceled", "order_failed")
"""How orders that waited for a price ended: each is a list."""
_CLOCK = OkxQueries().time()


def account_queries() -> AccountQueries:
    """The queries about an account; those of one account share what was listed of contracts."""
    markets = Markets()
    orders, waiting = partial(_read_order, markets), partial(_read_waiting, markets)
    pending = _list("trade/orders-pending", 0.5, Channel.EXECUTION, orders)
    algos_pending = partial(_algo_lists, "trade/orders-algo-pending", waiting)
    return AccountQueries(
        balances=_balances,
        open_orders=lambda: listed(pending, behind=algos_pending),
        order=partial(_order, orders, waiting),
        closed_orders=partial(_closed_orders, orders, waiting),
        fills=partial(_fills, markets),
        entries=_entries,
        positions=partial(_positions, markets),
        preparations=markets.lists,
        renewals=markets.renewals,
    )


def _balances() -> RestQuery[Page[Balance]]:
    """All balances of the trading account."""

    def details(body: bytes) -> Sequence[Raw]:
        return only(rows(body), lambda row: decode(row, type=native.Wallet)).details

    return one_page(_fetch("account/balance", 3, Channel.BALANCE, {}), details, normalize.balance)


def _positions(markets: Markets) -> RestQuery[Page[PositionUpdate]]:
    """All open positions, in one answer."""

    def position(row: Raw, received_ns: int) -> PositionUpdate | None:
        wire = decode(row, type=native.PositionRow)
        market = markets.named(wire.instId, wire.instType)
        return None if market is None else normalize.position(market, wire, received_ns)

    return one_page(_fetch("account/positions", 3, Channel.BALANCE, {}), rows, position)


def _read_order(markets: Markets, row: Raw, received_ns: int) -> OrderUpdate | None:
    wire = decode(row, type=native.OrderRow)
    market = markets.named(wire.instId, wire.instType)
    return None if market is None else normalize.order(market, wire, received_ns)


def _read_waiting(markets: Markets, row: Raw, received_ns: int) -> OrderUpdate | None:
    wire = decode(row, type=native.WaitingRow)
    market = markets.named(wire.instId, wire.instType)
    return None if market is None else normalize.waiting(market, wire, received_ns)


def _order(
    read: Read[OrderUpdate], waiting: Read[OrderUpdate], query: OrderQuery
) -> Sequence[RestQuery[Page[OrderUpdate]]]:
    """One order by either id. One that was canceled without a fill is forgotten after two hours."""
    number, market = algo_number(query.order_id), topics.format_symbol(query.symbol)
    if number:
        return [_algo(read, waiting, market, {"algoId": number})]
    if query.order_id:
        return [_ordinary(read, {"instId": market, "ordId": query.order_id})]
    return [
        _ordinary(read, {"instId": market, "clOrdId": query.client_order_id}),
        _algo(read, waiting, market, {"algoClOrdId": query.client_order_id}),
    ]


def _ordinary(
    read: Read[OrderUpdate], named: Mapping[str, str], before: Sequence[OrderUpdate] = ()
) -> RestQuery[Page[OrderUpdate]]:
    """One ordinary order, behind those that are known `before` it."""
    query = one_page(_fetch("trade/order", 0.5, Channel.EXECUTION, named), _found, read)

    def read_page(body: bytes, received_ns: int) -> Page[OrderUpdate]:
        page = query.read(body, received_ns)
        return structs.replace(page, items=(*before, *page.items))

    return structs.replace(query, read=read_page)


def _algo(
    read: Read[OrderUpdate], waiting: Read[OrderUpdate], market: str, named: Mapping[str, str]
) -> RestQuery[Page[OrderUpdate]]:
    """One that waits for its price; of one whose price was reached, what goes on for it as well."""
    query = one_page(_fetch("trade/order-algo", 1.5, Channel.EXECUTION, named), _found, waiting)

    def read_page(body: bytes, received_ns: int) -> Page[OrderUpdate]:
        page = query.read(body, received_ns)
        went_on = [
            order_id
            for row in _found(body)
            for order_id in decode(row, type=native.WaitingRow).went_on_as
        ]
        if not page.items or not went_on:
            return page
        goes_on = {"instId": market, "ordId": went_on[-1]}
        return structs.replace(page, items=(), next=_ordinary(read, goes_on, page.items))

    return structs.replace(query, read=read_page)


def _found(body: bytes) -> Sequence[Raw]:
    """The row of one order, none if the venue knows no such order."""
    try:
        return rows(body)
    except VenueRefused as error:
        if error.code == _UNKNOWN_ORDER:
            return ()
        raise


def _closed_orders(
    read: Read[OrderUpdate], waiting: Read[OrderUpdate], query: FillQuery
) -> RestQuery[Page[OrderUpdate]]:
    """By when they ended, which is not what the list is ordered by: all of its days are read.

    Behind the ordinary ones are those that waited for a price.
    """
    since_ns, until_ns = query.since_ns or 0, query.until_ns

    def of_ended(one: Read[OrderUpdate], row: Raw, received_ns: int) -> OrderUpdate | None:
        update = one(row, received_ns)
        if update is None or update.venue_ns < since_ns:
            return None
        return ended(update) if until_ns is None or update.venue_ns <= until_ns else None

    algos = partial(
        _algo_lists,
        "trade/orders-algo-history",
        partial(of_ended, waiting),
        query.symbol,
        ends=_ENDS,
    )

    def parts(*, is_recent: bool) -> RestQuery[Page[OrderUpdate]]:
        path, cost = ("", 0.75) if is_recent else ("-archive", 1.5)
        path = f"trade/orders-history{path}"
        one = partial(_list, path, cost, Channel.EXECUTION, partial(of_ended, read))
        return _by_kind(one, query.symbol, Span(), algos)

    return _since(query, 7, parts)


def _fills(markets: Markets, query: FillQuery) -> RestQuery[Page[Fill]]:
    """Fills of all markets, or of one."""

    def read(row: Raw, received_ns: int) -> Fill | None:
        wire = decode(row, type=native.FillRow)
        market = markets.named(wire.instId, wire.instType)
        if market is None:
            return None
        return normalize.fill(market, wire, received_ns, backfilled=True)

    def parts(*, is_recent: bool) -> RestQuery[Page[Fill]]:
        if not is_recent:
            one = partial(_list, "trade/fills-history", 3, Channel.EXECUTION, read)
            return _by_kind(one, query.symbol, span_of(query))
        named = {} if query.symbol is None else {"instId": topics.format_symbol(query.symbol)}
        return listed(_list("trade/fills", 0.5, Channel.EXECUTION, read, named), span_of(query))

    return _since(query, 3, parts)


def _entries(query: EntryQuery) -> RestQuery[Page[LedgerEntry]]:
    """Bills of all kinds; the caller picks one kind."""

    def parts(*, is_recent: bool) -> RestQuery[Page[LedgerEntry]]:
        path, cost = ("account/bills", 3.0) if is_recent else ("account/bills-archive", 6.0)
        named = {} if query.asset is None else {"ccy": str(query.asset)}
        one = _list(path, cost, Channel.BALANCE, normalize.entry, named)
        return listed(one, span_of(query))

    return _since(query, 7, parts)


# Pieces


def _since(
    query: FillQuery | EntryQuery,
    recent_days: int,
    parts: Callable[..., RestQuery[Page[Item]]],
) -> RestQuery[Page[Item]]:
    """A list since an instant: of recent rows if that is enough, else of three months."""
    since_ns = query.since_ns
    if since_ns is None:
        return parts(is_recent=False)

    def begin(now_ns: int) -> RestQuery[Page[Item]]:
        return parts(is_recent=since_ns > now_ns - recent_days * _DAY_NS)

    return after(_CLOCK, begin)


def _algo_lists(
    path: str, read: Read[OrderUpdate], symbol: Symbol | None = None, ends: Sequence[str] = ()
) -> RestQuery[Page[OrderUpdate]]:
    """The lists of orders that wait for a price, or did and ended, kind by kind."""
    market = {} if symbol is None else {"instId": topics.format_symbol(symbol)}
    named = [
        {"ordType": kind, **end, **market}
        for end in ([{"state": one} for one in ends] or [{}])
        for kind in ALGO_KINDS
    ]
    return _in_turn([_list(path, 1.5, Channel.EXECUTION, read, one) for one in named], Span())


def _in_turn(
    lists: Sequence[AccountList[Item]],
    span: Span,
    behind: Callable[[], RestQuery[Page[Item]] | None] = lambda: None,
) -> RestQuery[Page[Item]]:
    """Lists, one behind the other, and what is behind them."""
    first, *others = lists
    return listed(first, span, (lambda: _in_turn(others, span, behind)) if others else behind)


def _by_kind(
    one: Callable[[Mapping[str, str]], AccountList[Item]],
    symbol: Symbol | None,
    span: Span,
    behind: Callable[[], RestQuery[Page[Item]] | None] = lambda: None,
) -> RestQuery[Page[Item]]:
    """A list that is divided by kinds of markets: of each in turn, or of the one of a market."""
    market: dict[str, str] = {}
    kinds: Sequence[str] = KINDS
    if symbol is not None:
        market, kind = {"instId": topics.format_symbol(symbol)}, topics.instrument_type(symbol)
        kinds = KINDS[:2] if kind == "SPOT" else (kind,)

    return _in_turn([one({"instType": kind, **market}) for kind in kinds], span, behind)


def _list(
    path: str,
    cost: float,
    channel: Channel,
    read: Read[Item],
    named: Mapping[str, str] = {},
) -> AccountList[Item]:
    """A list: its path and cost, its channel, how a row is read, its parameters."""

    def fetch(span: Span, cursor: str) -> Fetch:
        more = {"begin": span.since_ms, "end": span.until_ms, "after": cursor or None}
        given = {name: str(one) for name, one in more.items() if one is not None}
        return _fetch(path, cost, channel, {**named, **given, "limit": str(_LIMIT)})

    def found(body: bytes) -> ListRows:
        answered = rows(body)
        if len(answered) < _LIMIT:
            return ListRows(answered)
        last = decode(answered[-1], type=native.RowId)
        is_of_algos = path.startswith("trade/orders-algo")
        return ListRows(answered, last.algoId if is_of_algos else last.billId or last.ordId)

    return AccountList(fetch=fetch, decode=found, read=read)


def _fetch(path: str, cost: float, channel: Channel, named: Mapping[str, str]) -> Fetch:
    query = f"?{urlencode(named, safe=',')}" if named else ""
    return Fetch(
        "GET",
        f"/api/v5/{path}{query}",
        path,
        cost=cost,
        subscription=Subscription(channel),
        auth=Auth.SIGNED,
    )
