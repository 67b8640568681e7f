"""What can be asked of Kraken about an account, and how the answers are read.

https://docs.kraken.com/api/docs/guides/spot-rest-ratelimits: calls for lines and executions count
two, all others one; Kraken's own tool counts two for orders as well, and so does this one. Lists
begin with the newest, fifty a page; `start` is exclusive, `end` inclusive. Rows are read one by
one: an odd row costs no other.

Markets of tokenised assets (xStocks) are on a list of their own, which is asked for by its class
(https://docs.kraken.com/api/docs/rest-api/get-tradable-asset-pairs, `aclass_base`); it is not
offered everywhere, so a refusal of it is taken as an empty list.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from msgspec import MsgspecError, Raw, structs

from fluxum.errors import RateLimited, RemoteProtocolError, VenueRefused
from fluxum.model.account import Balance, EntryKind, Fee, Fill, LedgerEntry
from fluxum.model.event import Channel, Subscription
from fluxum.model.order import OrderUpdate, ended
from fluxum.venues.conversation import Auth, Fetch
from fluxum.venues.kraken.envelope import asked
from fluxum.venues.kraken.private import native_rest as rest
from fluxum.venues.kraken.private.names import Names
from fluxum.venues.kraken.private.rest_reading import RowReader, balances
from fluxum.venues.private import AccountQueries, EntryQuery, FillQuery, OrderQuery, Token
from fluxum.venues.queries import Page, RestQuery
from fluxum.venues.rows import LeftOutRows, read_rows

__all__ = ["Lists", "account_queries", "charged"]

Said = TypeVar("Said")
Read = TypeVar("Read")
Item = TypeVar("Item")
Wire = TypeVar("Wire")

_PRIVATE = "/0/private/"
_CHANNELS = {
    "BalanceEx": Channel.BALANCE,
    "Ledgers": Channel.BALANCE,
    "OpenOrders": Channel.EXECUTION,
    "QueryOrders": Channel.EXECUTION,
    "ClosedOrders": Channel.EXECUTION,
    "TradesHistory": Channel.EXECUTION,
}
"""The stream that each call's answer belongs to."""
_FILTERS = {
    EntryKind.DEPOSIT: "deposit",
    EntryKind.WITHDRAWAL: "withdrawal",
    EntryKind.TRANSFER: "transfer",
}
_TOKENISED = "?aclass_base=tokenized_asset"
_SAMPLE_BYTES = 200
_PAUSE_MIN_NS = 60 * 1_000_000_000
_PAUSE_MAX_NS = 3600 * 1_000_000_000


def account_queries() -> AccountQueries:
    """The queries about one account, which keep the venue's names of assets and markets."""
    lists = Lists()
    account = _Queries(lists)
    return AccountQueries(
        balances=account.balances,
        open_orders=account.open_orders,
        order=account.order,
        closed_orders=account.closed_orders,
        fills=account.fills,
        entries=account.entries,
        charged=charged,
        token=_token,
        # Names of assets, then of pairs, as REST has names of its own.
        preparations=lists.all,
        renewals=lists.renewals,
    )


def _token() -> RestQuery[Token]:
    """A token for private links (.../get-websockets-token)."""

    def read(result: rest.TokenResult, _received_ns: int) -> Token:
        return Token(result.token, result.expires)

    return _ask("GetWebSocketsToken", {}, rest.decode_token, read)


class Lists:
    """The venue's lists of names: what was read of them, and when they are to be read again.

    They are renewed for a market that is on none of them, at most once a minute; each renewal that
    does not find it doubles the pause, up to an hour.
    """

    def __init__(self) -> None:
        self.names = Names()
        self._sought: set[str] = set()
        self._pause_ns = _PAUSE_MIN_NS
        self._due_ns = 0

    def all(self) -> Sequence[RestQuery[LeftOutRows | None]]:
        """Assets first, as pairs are named by them."""
        names = self.names
        return (
            _list("Assets", "", rest.decode_asset, names.learn_asset),
            _list("AssetPairs", "", rest.decode_pair, names.learn_pair),
            _refusable(_list("AssetPairs", _TOKENISED, rest.decode_pair, names.learn_pair)),
        )

    def renewals(self, now_ns: int) -> Sequence[RestQuery[LeftOutRows | None]]:
        """The lists once more, if the last answer named a market of none, and it is not too early.

        What it named is forgotten, so that each answer counts by itself.
        """
        unknown, self.names.unknown = self.names.unknown, set()
        if not unknown or now_ns < self._due_ns:
            return ()
        was_found = all(map(self.names.is_listed, self._sought))
        self._pause_ns = _PAUSE_MIN_NS if was_found else min(2 * self._pause_ns, _PAUSE_MAX_NS)
        self._due_ns = now_ns + self._pause_ns
        self._sought = unknown
        return self.all()


class _Queries:
    def __init__(self, lists: Lists) -> None:
        self._names = lists.names
        self._rows = RowReader(lists.names)

    def balances(self) -> RestQuery[Page[Balance]]:
        """All balances; the wallets of an asset are summed up (.../get-extended-balance)."""

        def read(result: dict[str, Raw], received_ns: int) -> Page[Balance]:
            rows = read_rows(rest.rows(result), self._rows.holding)
            return Page(tuple(balances(rows.items, received_ns)), left_out=rows.left_out)

        return _ask("BalanceEx", {}, rest.decode_rows, read)

    def open_orders(self) -> RestQuery[Page[OrderUpdate]]:
        """All open orders (.../get-open-orders)."""
        return self._open_orders({})

    def order(self, query: OrderQuery) -> Sequence[RestQuery[Page[OrderUpdate]]]:
        """One order, among the open ones first, so that one which ends in between is met."""
        if query.client_order_id:
            form = {"cl_ord_id": query.client_order_id}
            return self._open_orders(form), self._closed_orders(form)
        return (self._orders_by_id(query.order_id),)

    def closed_orders(self, query: FillQuery) -> RestQuery[Page[OrderUpdate]]:
        """Orders that ended, by when they did (.../get-closed-orders)."""
        return self._closed_orders(_span(query.since_ns, query.until_ns))

    def fills(self, query: FillQuery, offset: int = 0) -> RestQuery[Page[Fill]]:
        """Executions one by one, not summed up by order (.../get-trade-history)."""

        def read(result: rest.TradesResult, received_ns: int) -> Page[Fill]:
            page = _page(result.trades, lambda row: self._rows.fill(row, received_ns), result.count)
            newest = _newest_first(page, lambda fill: (fill.venue_ns, fill.fill_id))
            return _continued(newest, offset, lambda after: self.fills(query, after))

        form = {**_span(query.since_ns, query.until_ns, offset), "consolidate_taker": "false"}
        return _ask("TradesHistory", form, rest.decode_trades, read, cost=2.0)

    def entries(self, query: EntryQuery, offset: int = 0) -> RestQuery[Page[LedgerEntry]]:
        """Account entries (.../get-ledgers).

        Kraken has more words than Fluxum has kinds, so the caller distinguishes most kinds.
        """

        def read(result: rest.LedgerResult, received_ns: int) -> Page[LedgerEntry]:
            page = _page(
                result.ledger, lambda row: self._rows.entry(row, received_ns), result.count
            )
            newest = _newest_first(page, lambda entry: (entry.venue_ns, entry.entry_id))
            return _continued(newest, offset, lambda after: self.entries(query, after))

        form = _span(query.since_ns, query.until_ns, offset)
        if query.asset is not None:
            form["asset"] = self._names.format_symbol(query.asset)
        if query.kind in _FILTERS:
            form["type"] = _FILTERS[query.kind]
        return _ask("Ledgers", form, rest.decode_ledger, read, cost=2.0)

    def _open_orders(self, form: dict[str, str]) -> RestQuery[Page[OrderUpdate]]:
        def read(result: rest.OpenResult, received_ns: int) -> Page[OrderUpdate]:
            return _page(result.open, lambda row: self._rows.order(row, received_ns))

        return _ask("OpenOrders", form, rest.decode_open, read, cost=2.0)

    def _closed_orders(self, form: dict[str, str], offset: int = 0) -> RestQuery[Page[OrderUpdate]]:
        def read(result: rest.ClosedResult, received_ns: int) -> Page[OrderUpdate]:
            page = _page(
                result.closed,
                lambda row: ended(self._rows.order(row, received_ns)),
                result.count,
            )
            newest = _newest_first(page, lambda order: (order.venue_ns, ""))
            return _continued(newest, offset, lambda after: self._closed_orders(form, after))

        asked_for = {**form, "ofs": str(offset)} if offset else form
        return _ask("ClosedOrders", asked_for, rest.decode_closed, read, cost=2.0)

    def _orders_by_id(self, order_id: str) -> RestQuery[Page[OrderUpdate]]:
        """One order, open or ended (.../get-orders-info)."""

        def read(result: dict[str, Raw], received_ns: int) -> Page[OrderUpdate]:
            return _page(result, lambda row: self._rows.order(row, received_ns))

        return _ask("QueryOrders", {"txid": order_id}, rest.decode_rows, read)


def charged(fill: Fill, lines: Sequence[LedgerEntry]) -> Fill | None:
    """The fill with the fees that its entries name; they bear its id as their reference.

    There are two, of the base and of the quote asset; a trade on margin has one of its kind.
    """
    own = [line for line in lines if line.reference_id == fill.fill_id]
    assets = {line.asset for line in own}
    is_whole = {fill.symbol.base, fill.symbol.quote} <= assets
    if not is_whole and not any(line.kind is EntryKind.MARGIN for line in own):
        return None
    fees = tuple(Fee(line.asset, line.fee) for line in own if line.fee)
    return structs.replace(fill, fees=fees)


def _ask(
    call: str,
    form: dict[str, str],
    decode: Callable[[bytes], Said],
    read: Callable[[Said, int], Read],
    cost: float = 1.0,
) -> RestQuery[Read]:
    channel = _CHANNELS.get(call)
    fetch = Fetch(
        "POST",
        _PRIVATE + call,
        call,
        body=urlencode(form).encode(),
        cost=cost,
        subscription=None if channel is None else Subscription(channel),
        auth=Auth.SIGNED,
    )
    return asked(fetch, decode, read)


def _page(
    rows: dict[str, Raw], read: Callable[[rest.Row], Item], count: bytes = b"null"
) -> Page[Item]:
    """A page of a list. How many rows all pages have is not needed, so it may be anything."""
    found = read_rows(rest.rows(rows), read)
    try:
        total = rest.decode_count(count)
    except (MsgspecError, UnicodeDecodeError):
        total = -1
    return Page(found.items, total if total >= len(rows) else None, found.left_out)


def _continued(
    page: Page[Item], offset: int, query: Callable[[int], RestQuery[Page[Item]]]
) -> Page[Item]:
    """A page with the query for the one that follows: rows are counted, also unreadable ones."""
    after = offset + page.rows
    is_last = not page.rows or (page.total is not None and after >= page.total)
    return page if is_last else structs.replace(page, next=query(after))


def _newest_first(page: Page[Item], key: Callable[[Item], tuple[int, str]]) -> Page[Item]:
    return structs.replace(page, items=tuple(sorted(page.items, key=key, reverse=True)))


def _span(since_ns: int | None, until_ns: int | None, offset: int = 0) -> dict[str, str]:
    form: dict[str, str] = {}
    if since_ns is not None:
        form["start"] = _seconds(since_ns)
    if until_ns is not None:
        form["end"] = _seconds(until_ns)
    if offset:
        form["ofs"] = str(offset)
    return form


def _seconds(instant_ns: int) -> str:
    seconds, fraction = divmod(instant_ns, 1_000_000_000)
    return f"{seconds}.{fraction:09d}".rstrip("0").rstrip(".")


def _list(
    call: str,
    query: str,
    decode: Callable[[Raw], Wire],
    learn: Callable[[str, Wire], None],
) -> RestQuery[LeftOutRows | None]:
    """A list of names: each row is learned by itself."""

    def learn_row(row: rest.Row) -> None:
        learn(row.name, decode(row.raw))

    def read(rows: dict[str, Raw], _received_ns: int) -> LeftOutRows | None:
        return read_rows(rest.rows(rows), learn_row).left_out

    return asked(Fetch("GET", f"/0/public/{call}{query}", call, cost=0.0), rest.decode_rows, read)


def _refusable(question: RestQuery[LeftOutRows | None]) -> RestQuery[LeftOutRows | None]:
    """The same, which nothing waits for: a lasting no, and nonsense, are answers as well."""

    def read(body: bytes, received_ns: int) -> LeftOutRows | None:
        try:
            return question.read(body, received_ns)
        except RateLimited:
            raise
        except VenueRefused:
            return None
        except RemoteProtocolError as error:
            return LeftOutRows(1, str(error), body[:_SAMPLE_BYTES].decode("utf-8", "replace"))

    return RestQuery(question.fetch, read)
