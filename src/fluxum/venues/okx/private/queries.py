"""Queries about an account at OKX, and how the answers are read.

https://www.okx.com/docs-v5/en/#order-book-trading-trade-get-order-list and those behind it,
#trading-account-rest-api-get-balance, -get-bills-details-last-7-days. Lists are newest first, a
hundred rows a page, which continue behind the id of the last row: of an order, or of the bill of a
fill. There is a list of recent rows and one of three months, which is slower; which of them it
takes
depends on the venue's clock, which is read first. Old fills, and orders that ended, are listed kind
by kind.

Calls have limits of their own (60 in two seconds, 40, 10, 5); `cost` is 30 over the limit.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Generic, TypeVar
from urllib.parse import urlencode

from msgspec import Raw, Struct, structs

from fluxum.errors import RateLimited, VenueRefused
from fluxum.model.account import Balance, Fill, LedgerEntry
from fluxum.model.event import Channel, Subscription
from fluxum.model.order import OrderUpdate, ended
from fluxum.venues.conversation import Auth, Fetch
from fluxum.venues.okx import topics
from fluxum.venues.okx.listing import rows
from fluxum.venues.okx.private import native, normalize
from fluxum.venues.okx.private.markets import KINDS, Markets
from fluxum.venues.okx.queries import OkxQueries
from fluxum.venues.private import AccountQueries, EntryQuery, FillQuery, OrderQuery
from fluxum.venues.queries import Page, RestQuery, only, page_of, rest_query
from fluxum.venues.rows import read_rows

__all__ = ["account_queries"]

Item = TypeVar("Item")

_MILLISECOND = 1_000_000
_DAY_NS = 86_400 * 1_000_000_000
_LIMIT = 100
_UNKNOWN_ORDER = "51603"
# A call that came too late, or whose time cannot be read: it is signed again.
_UNTIMELY = frozenset({"50102", "50112"})


class _List(Struct, Generic[Item], frozen=True):
    """A list: its path, cost and parameters, the field of a row's id, and how a row is read."""

    path: str
    cost: float
    channel: Channel
    read: Callable[[Raw, int], Item | None]
    cursor: Callable[[Raw], str]
    named: Mapping[str, str] = {}

    def of(self, **named: str) -> "_List[Item]":
        """The same list with more parameters; those that are empty are left out."""
        given = {name: value for name, value in named.items() if value}
        return structs.replace(self, named={**self.named, **given})


def account_queries() -> AccountQueries:
    """The queries about an account; those of one account share what was listed of contracts."""
    markets = Markets()
    orders = partial(_orders, markets)
    return AccountQueries(
        balances=_balances,
        open_orders=lambda: _page([orders("trade/orders-pending", 0.5)]),
        order=partial(_order, markets),
        closed_orders=partial(_closed_orders, markets),
        fills=partial(_fills, markets),
        entries=_entries,
        preparations=markets.lists,
        renewals=markets.renewals,
    )


def _balances() -> RestQuery[Page[Balance]]:
    """All balances of the trading account."""

    def read(listed: Sequence[Raw], received_ns: int) -> Page[Balance]:
        wallet = only(listed, native.decode_wallet)
        return page_of(read_rows(wallet.details, lambda row: normalize.balance(row, received_ns)))

    return rest_query(_fetch("account/balance", 3, Channel.BALANCE, {}), _rows, read)


def _orders(markets: Markets, path: str, cost: float) -> _List[OrderUpdate]:
    def read(row: Raw, received_ns: int) -> OrderUpdate | None:
        wire = native.decode_order(row)
        market = markets.named(wire.instId, wire.instType)
        return None if market is None else normalize.order(market, wire, received_ns)

    return _List(path, cost, Channel.EXECUTION, read, lambda row: native.decode_order(row).ordId)


def _order(markets: Markets, query: OrderQuery) -> Sequence[RestQuery[Page[OrderUpdate]]]:
    """One order by either id. One that was canceled without a fill is forgotten after two hours."""
    one = _orders(markets, "trade/order", 0.5).of(
        instId=topics.format_symbol(query.symbol),
        ordId=query.order_id,
        clOrdId="" if query.order_id else query.client_order_id,
    )

    def found(body: bytes) -> Sequence[Raw]:
        try:
            return _rows(body)
        except VenueRefused as error:
            if error.code == _UNKNOWN_ORDER:
                return ()
            raise

    def read(listed: Sequence[Raw], received_ns: int) -> Page[OrderUpdate]:
        return page_of(read_rows(listed, lambda row: one.read(row, received_ns)))

    return [rest_query(_fetch(one.path, one.cost, one.channel, one.named), found, read)]


def _closed_orders(markets: Markets, query: FillQuery) -> RestQuery[Page[OrderUpdate]]:
    """By when they ended, which is not what the list is ordered by: all of its days are read."""
    since_ns, until_ns = query.since_ns or 0, query.until_ns

    def parts(*, is_recent: bool) -> Sequence[_List[OrderUpdate]]:
        path, cost = ("", 0.75) if is_recent else ("-archive", 1.5)
        one = _orders(markets, f"trade/orders-history{path}", cost)

        def read(row: Raw, received_ns: int) -> OrderUpdate | None:
            update = one.read(row, received_ns)
            if update is None or update.venue_ns < since_ns:
                return None
            return ended(update) if until_ns is None or update.venue_ns <= until_ns else None

        return _by_kind(structs.replace(one, read=read), query)

    return _since(query.since_ns, 7, parts)


def _fills(markets: Markets, query: FillQuery) -> RestQuery[Page[Fill]]:
    """Fills of all markets, or of one."""

    def read(row: Raw, received_ns: int) -> Fill | None:
        wire = native.decode_fill(row)
        market = markets.named(wire.instId, wire.instType)
        if market is None:
            return None
        return normalize.fill(market, wire, received_ns, backfilled=True)

    def cursor(row: Raw) -> str:
        return native.decode_fill(row).billId

    def parts(*, is_recent: bool) -> Sequence[_List[Fill]]:
        path, cost = ("trade/fills", 0.5) if is_recent else ("trade/fills-history", 3.0)
        one = _List(path, cost, Channel.EXECUTION, read, cursor).of(**_span(query))
        return [one.of(instId=_name(query))] if is_recent else _by_kind(one, query)

    return _since(query.since_ns, 3, parts)


def _entries(query: EntryQuery) -> RestQuery[Page[LedgerEntry]]:
    """Bills of all kinds; the caller picks one kind."""

    def cursor(row: Raw) -> str:
        return native.decode_bill(row).billId

    def parts(*, is_recent: bool) -> Sequence[_List[LedgerEntry]]:
        path, cost = ("account/bills", 3.0) if is_recent else ("account/bills-archive", 6.0)
        one = _List(path, cost, Channel.BALANCE, normalize.entry, cursor)
        return [one.of(ccy=query.asset or "", **_span(query))]

    return _since(query.since_ns, 7, parts)


# Pieces


def _name(query: FillQuery) -> str:
    return "" if query.symbol is None else topics.format_symbol(query.symbol)


def _span(query: FillQuery | EntryQuery) -> Mapping[str, str]:
    """From the millisecond of one instant up to that of another."""
    given = {"begin": query.since_ns, "end": query.until_ns}
    return {name: str(at // _MILLISECOND) for name, at in given.items() if at is not None}


def _by_kind(one: _List[Item], query: FillQuery) -> Sequence[_List[Item]]:
    """A list that is divided by kinds of markets: a part of it for each, or the one of a market."""
    if query.symbol is None:
        return [one.of(instType=kind) for kind in KINDS]
    kind = topics.instrument_type(query.symbol)
    kinds = KINDS[:2] if kind == "SPOT" else (kind,)
    return [one.of(instType=kind, instId=_name(query)) for kind in kinds]


def _since(
    since_ns: int | None, recent_days: int, parts: Callable[..., Sequence[_List[Item]]]
) -> RestQuery[Page[Item]]:
    """The parts of a list since an instant: recent rows if that is enough, else of three months."""
    if since_ns is None:
        return _page(parts(is_recent=False))
    time = OkxQueries().time()

    def begin(body: bytes, received_ns: int) -> RestQuery[Page[Item]]:
        oldest_ns = time.read(body, received_ns) - recent_days * _DAY_NS
        return _page(parts(is_recent=since_ns > oldest_ns))

    return RestQuery(time.fetch, _never, begin)


def _page(parts: Sequence[_List[Item]], after: str = "") -> RestQuery[Page[Item]]:
    """A page of the first part, then its next one, then those of the other parts."""
    one, *others = parts

    def read(listed: Sequence[Raw], received_ns: int) -> Page[Item]:
        found = read_rows(listed, lambda row: one.read(row, received_ns))
        if len(listed) == _LIMIT:
            return page_of(found, _page(parts, one.cursor(listed[-1])))
        return page_of(found, _page(others) if others else None)

    named = {**one.named, "limit": str(_LIMIT), **({"after": after} if after else {})}
    return rest_query(_fetch(one.path, one.cost, one.channel, named), _rows, read)


def _fetch(path: str, cost: float, channel: Channel, named: Mapping[str, str]) -> Fetch:
    query = f"?{urlencode(named)}" if named else ""
    return Fetch(
        "GET",
        f"/api/v5/{path}{query}",
        path,
        cost=cost,
        subscription=Subscription(channel),
        auth=Auth.SIGNED,
    )


def _rows(body: bytes) -> Sequence[Raw]:
    """As `rows`; a call whose time was off is made again, signed by a surer clock."""
    try:
        return rows(body)
    except VenueRefused as error:
        if error.code in _UNTIMELY:
            raise RateLimited(str(error), error.code) from error
        raise


def _never(_body: bytes, _received_ns: int) -> Page[Item]:
    raise AssertionError("the venue's clock is read by what follows")
