"""Queries about an account at the Exchange, and how the answers are read.

https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/introduction. Lists are newest
first and go on behind the last row, which is what the header CB-AFTER names
(https://docs.cdp.coinbase.com/exchange/rest-api/pagination). Fills are listed market by market,
entries asset by asset: only of those whose balance is another than when they were listed last. An
order that was canceled without a fill may be forgotten by the venue.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from urllib.parse import urlencode

from msgspec import Raw, Struct, structs
from msgspec.json import decode

from fluxum.errors import BadInput, VenueRefused
from fluxum.model.account import Fill, LedgerEntry
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Asset
from fluxum.model.order import OrderUpdate
from fluxum.venues.account_lists import AccountList, ListRows, listed, of_ended, one_page
from fluxum.venues.coinbase.exchange.private import native, normalize
from fluxum.venues.coinbase.exchange.private.commands import CALL_COST, wire_name
from fluxum.venues.coinbase.instants import instant_text
from fluxum.venues.coinbase.symbols import EXCHANGE, format_symbol
from fluxum.venues.conversation import Auth, Fetch
from fluxum.venues.private import AccountQueries, EntryQuery, FillQuery, OrderQuery
from fluxum.venues.queries import Page, RestQuery, rest_query
from fluxum.venues.rows import read_rows

__all__ = [
    "ACCOUNTS_CALL",
    "OPEN_CALL",
    "PRODUCTS_CALL",
    "account_queries",
    "fills_call",
    "order_call",
]

FILLS_MAX = 100
"""How many rows a page of fills or entries has at most."""
_ORDERS_MAX = 1000
_FIRST_NS = 1_400_000_000_000_000_000
"""2014: no account is older."""
_OVERLAP_NS = 300 * 1_000_000_000
# An order that ended since an instant may have rested for so long before it.
_RESTS_NS = 7 * 86_400 * 1_000_000_000
_OPEN = [("status", one) for one in ("open", "pending", "active")]
Parameters = Sequence[tuple[str, object]]


def _fetch(path: str, channel: Channel, parameters: Parameters = ()) -> Fetch:
    query = f"?{urlencode(parameters)}" if parameters else ""
    return Fetch(
        "GET",
        f"{path}{query}",
        path,
        cost=CALL_COST,
        subscription=Subscription(channel),
        auth=Auth.SIGNED,
    )


PRODUCTS_CALL = Fetch("GET", "/products", "products of the account")
ACCOUNTS_CALL = _fetch("/accounts", Channel.BALANCE)
OPEN_CALL = _fetch("/orders", Channel.EXECUTION, [*_OPEN, ("limit", _ORDERS_MAX)])


def fills_call(order_id: str) -> Fetch:
    """The last fills of an order, as the link looks them up; a refusal ends no stream."""
    fetch = _fetch("/fills", Channel.EXECUTION, [("order_id", order_id), ("limit", FILLS_MAX)])
    return structs.replace(fetch, subscription=None)


def order_call(order_id: str) -> Fetch:
    """An order, as the link looks it up; a refusal ends no stream."""
    return structs.replace(_fetch(f"/orders/{order_id}", Channel.EXECUTION), subscription=None)


def account_queries() -> AccountQueries:
    """The queries about an account."""
    return AccountQueries(
        balances=lambda: one_page(ACCOUNTS_CALL, _rows, normalize.account),
        open_orders=lambda: one_page(OPEN_CALL, _rows, normalize.order),
        order=_order,
        closed_orders=_closed_orders,
        fills=_fills,
        entries=_entries,
        are_entries_by_asset=True,
        needs_symbol=True,
    )


def _order(query: OrderQuery) -> Sequence[RestQuery[Page[OrderUpdate]]]:
    """One order by either id, open or ended."""
    name = query.order_id or f"client:{wire_name(query.client_order_id)}"
    fetch = _fetch(f"/orders/{name}", Channel.EXECUTION)
    return [one_page(fetch, lambda body: (Raw(body),), normalize.order, _no_order)]


def _no_order(error: VenueRefused) -> Page[OrderUpdate]:
    """Nothing for HTTP 404, `{"message":"NotFound"}`."""
    if "NotFound" not in f"{error} {error.body}":
        raise error
    return Page(())


def _closed_orders(query: FillQuery) -> RestQuery[Page[OrderUpdate]]:
    """Orders that ended after an instant, of those placed a week before it or later."""
    read_ended = of_ended(normalize.order)

    def read(row: Raw, received_ns: int) -> OrderUpdate | None:
        order = read_ended(row, received_ns)
        return order if order is not None and query.is_within(order.venue_ns) else None

    since_ns = (query.since_ns or _FIRST_NS) - _RESTS_NS
    market = [] if query.symbol is None else [("product_id", format_symbol(query.symbol))]
    named: Parameters = [*market, ("status", "done"), ("sorting", "desc"), ("limit", _ORDERS_MAX)]

    def fetch(cursor: str) -> Fetch:
        times = [("start_date", instant_text(since_ns)), ("end_date", cursor)]
        return _fetch("/orders", Channel.EXECUTION, [*named, *(one for one in times if one[1])])

    def rows_of(body: bytes) -> ListRows:
        rows = _rows(body)
        last = decode(rows[-1], type=native.OrderRow).created_at if len(rows) == _ORDERS_MAX else ""
        return ListRows(rows, last)

    return listed(AccountList(fetch=lambda _, cursor: fetch(cursor), decode=rows_of, read=read))


def _fills(query: FillQuery) -> RestQuery[Page[Fill]]:
    """Executions in one market."""
    if query.symbol is None:
        raise BadInput(f"{EXCHANGE} lists fills market by market, and no symbol was given")
    named: Parameters = [("product_id", format_symbol(query.symbol)), ("limit", FILLS_MAX)]

    def fetch(cursor: str) -> Fetch:
        return _fetch("/fills", Channel.EXECUTION, [*named, *_after(cursor)])

    def rows_of(body: bytes) -> ListRows:
        rows = _rows(body)
        if len(rows) < FILLS_MAX:
            return ListRows(rows)
        last = decode(rows[-1], type=native.FillRow)
        is_over = normalize.instant(last.created_at) < (query.since_ns or 0)
        return ListRows(rows, "" if is_over else str(last.trade_id))

    def read(row: Raw, received_ns: int) -> Fill | None:
        fill = normalize.fill(row, received_ns, backfilled=True)
        return fill if query.is_within(fill.venue_ns) else None

    return listed(AccountList(fetch=lambda _, cursor: fetch(cursor), decode=rows_of, read=read))


def _entries(query: EntryQuery) -> RestQuery[Page[LedgerEntry]]:
    """The accounts first, then the entries of each whose balance is another than `resume` says."""
    known = query.resume if isinstance(query.resume, _Listed) else _Listed({})

    def read(rows: Sequence[Raw], received_ns: int) -> Page[LedgerEntry]:
        accounts = read_rows(rows, partial(decode, type=native.AccountRow))
        wanted = [one for one in accounts.items if known.may_have_more(one, query)]
        resume = known.then(wanted, query, received_ns)
        following = _ledgers(wanted, known, query)
        if following is None:
            return Page((), left_out=accounts.left_out, resume=resume)
        return Page((), left_out=accounts.left_out, next=_ending(following, resume))

    return rest_query(ACCOUNTS_CALL, _rows, read)


class _Account(Struct, frozen=True):
    """An account whose entries were listed: its balance then, from when on, and up to when."""

    balance: str
    since_ns: int
    until_ns: int


class _Listed(Struct, frozen=True):
    """The accounts whose entries were listed, by id."""

    accounts: Mapping[str, _Account]

    def may_have_more(self, account: native.AccountRow, query: EntryQuery) -> bool:
        """Whether an account is meant, and may have entries that were not listed.

        A balance that is as it was proves nothing if what was bought was sold again.
        """
        known = self.accounts.get(account.id)
        may_have_more = (
            known is None
            or known.balance != account.balance
            or account.currency in query.moved
            or _since_ns(query) < known.since_ns
        )
        return may_have_more and query.asset in {None, account.currency}

    def begins_ns(self, account: native.AccountRow, query: EntryQuery) -> int:
        """From when on an account's entries are wanted."""
        known = self.accounts.get(account.id)
        return _since_ns(query) if known is None else min(_since_ns(query), known.until_ns)

    def then(
        self, accounts: Sequence[native.AccountRow], query: EntryQuery, now_ns: int
    ) -> "_Listed":
        """What is listed when the entries of these accounts are, too."""
        if query.until_ns is not None:
            return self
        newly: dict[str, _Account] = {}
        for one in accounts:
            known, begins_ns = self.accounts.get(one.id), self.begins_ns(one, query)
            first_ns = begins_ns if known is None else min(begins_ns, known.since_ns)
            newly[one.id] = _Account(one.balance, first_ns, now_ns - _OVERLAP_NS)
        return _Listed({**self.accounts, **newly})


def _since_ns(query: EntryQuery) -> int:
    return query.since_ns or _FIRST_NS


def _ledgers(
    accounts: Sequence[native.AccountRow], known: _Listed, query: EntryQuery
) -> RestQuery[Page[LedgerEntry]] | None:
    """The entries of one account after another."""
    if not accounts:
        return None
    account, *others = accounts
    one = _ledger(account, known.begins_ns(account, query), query)
    return listed(one, behind=lambda: _ledgers(others, known, query))


def _ending(query: RestQuery[Page[LedgerEntry]], resume: _Listed) -> RestQuery[Page[LedgerEntry]]:
    """The same list, whose last page has what a later query goes on with."""

    def read(body: bytes, received_ns: int) -> Page[LedgerEntry]:
        page = query.read(body, received_ns)
        if page.next is None:
            return structs.replace(page, resume=resume)
        return structs.replace(page, next=_ending(page.next, resume))

    return structs.replace(query, read=read)


def _ledger(
    account: native.AccountRow, since_ns: int, query: EntryQuery
) -> AccountList[LedgerEntry]:
    """The entries of one account; without dates the venue lists those of a day alone."""
    named: Parameters = [
        ("start_date", instant_text(since_ns)),
        *([] if query.until_ns is None else [("end_date", instant_text(query.until_ns))]),
        ("limit", FILLS_MAX),
    ]

    def fetch(cursor: str) -> Fetch:
        path = f"/accounts/{account.id}/ledger"
        return _fetch(path, Channel.BALANCE, [*named, *_after(cursor)])

    def rows_of(body: bytes) -> ListRows:
        rows = _rows(body)
        wires = [decode(row, type=native.LedgerRow) for row in rows]
        if len(rows) < FILLS_MAX:
            return ListRows(_joined(rows, wires))
        # A fee at the end of a page belongs to the first trade of the next one.
        end = -1 if wires[-1].type == "fee" and len(rows) > 1 else len(rows)
        return ListRows(_joined(rows[:end], wires[:end]), wires[:end][-1].id)

    read: Callable[[Raw, int], LedgerEntry] = partial(normalize.entry, Asset(account.currency))
    return AccountList(fetch=lambda _, cursor: fetch(cursor), decode=rows_of, read=read)


def _joined(rows: Sequence[Raw], wires: Sequence[native.LedgerRow]) -> Sequence[Raw]:
    """The rows, each trade with the fee that comes before it as one: `[trade, fee]`."""
    joined: list[Raw] = []
    fee: tuple[Raw, native.LedgerRow] | None = None
    for row, wire in zip(rows, wires, strict=True):
        if fee is not None:
            is_of = wire.type == "match" and _trade(wire) == _trade(fee[1])
            joined.append(Raw(b"[" + row + b"," + fee[0] + b"]") if is_of else fee[0])
            fee = None
            if is_of:
                continue
        if wire.type == "fee":
            fee = row, wire
        else:
            joined.append(row)
    return joined if fee is None else [*joined, fee[0]]


def _trade(wire: native.LedgerRow) -> tuple[str, str]:
    return str(wire.details.trade_id), wire.details.order_id


def _after(cursor: str) -> Parameters:
    return [("after", cursor)] if cursor else []


def _rows(body: bytes) -> Sequence[Raw]:
    return decode(body, type=tuple[Raw, ...])
