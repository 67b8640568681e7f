"""What can be asked of Kraken about an account, and how the answers are read.

https://docs.kraken.com/api/docs/guides/spot-rest-ratelimits: calls for lines and executions count
two, all others one; Kraken's own tool counts two for orders as well, and so does this one. Lists
begin with the newest, fifty a page; `start` is exclusive, `end` inclusive. Rows are read one by
one: an odd row costs no other.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from msgspec import MsgspecError, Raw, structs

from fluxum.model.account import Balance, EntryKind, Fee, Fill, LedgerEntry
from fluxum.model.event import Channel, Subscription
from fluxum.model.order import OrderUpdate
from fluxum.venues.conversation import Fetch
from fluxum.venues.kraken.envelope import asked
from fluxum.venues.kraken.private import native_rest as rest
from fluxum.venues.kraken.private.lists import Lists
from fluxum.venues.kraken.private.rest_reading import RowReader, balances
from fluxum.venues.private import EntryQuery, Token
from fluxum.venues.queries import Page, RestQuery
from fluxum.venues.rows import LeftOutRows, read_rows

__all__ = ["KrakenAccountQueries"]

Said = TypeVar("Said")
Read = TypeVar("Read")
Item = TypeVar("Item")

_PRIVATE = "/0/private/"
_CHANNELS = {
    "BalanceEx": Channel.BALANCE,
    "Ledgers": Channel.BALANCE,
    "OpenOrders": Channel.EXECUTION,
    "ClosedOrders": Channel.EXECUTION,
    "TradesHistory": Channel.EXECUTION,
}
"""The stream that each call's answer belongs to."""
_FILTERS = {
    EntryKind.DEPOSIT: "deposit",
    EntryKind.WITHDRAWAL: "withdrawal",
    EntryKind.TRANSFER: "transfer",
}


class KrakenAccountQueries:
    """Questions about one account; see AccountQuestions for what each call promises."""

    def __init__(self) -> None:
        self._lists = Lists()
        self._rows = RowReader(self._lists.names)

    def preparations(self) -> Sequence[RestQuery[LeftOutRows | None]]:
        """Names of assets, then of pairs, as REST has names of its own."""
        return self._lists.all()

    def renewals(self, now_ns: int) -> Sequence[RestQuery[LeftOutRows | None]]:
        """The lists of names again, after an answer with a market that none of them has."""
        return self._lists.renewals(now_ns)

    def token(self) -> RestQuery[Token]:
        """A token for private links (.../get-websockets-token)."""

        def read(result: rest.TokenResult, _received_ns: int) -> Token:
            return Token(result.token, result.expires)

        return _ask("GetWebSocketsToken", {}, rest.decode_token, read)

    def balances(self) -> RestQuery[Page[Balance]]:
        """All balances; the wallets of an asset are summed up (.../get-extended-balance)."""

        def read(result: dict[str, Raw], received_ns: int) -> Page[Balance]:
            rows = read_rows(rest.rows(result), self._rows.holding)
            return Page(tuple(balances(rows.items, received_ns)), left_out=rows.left_out)

        return _ask("BalanceEx", {}, rest.decode_rows, read)

    def open_orders(self, client_order_id: str = "") -> RestQuery[Page[OrderUpdate]]:
        """All open orders, or one (.../get-open-orders)."""

        def read(result: rest.OpenResult, received_ns: int) -> Page[OrderUpdate]:
            return _page(result.open, lambda row: self._rows.order(row, received_ns))

        form = {"cl_ord_id": client_order_id} if client_order_id else {}
        return _ask("OpenOrders", form, rest.decode_open, read, cost=2.0)

    def closed_orders(
        self, client_order_id: str = "", since_ns: int | None = None, offset: int = 0
    ) -> RestQuery[Page[OrderUpdate]]:
        """Orders that ended, by when they did (.../get-closed-orders)."""

        def read(result: rest.ClosedResult, received_ns: int) -> Page[OrderUpdate]:
            page = _page(
                result.closed, lambda row: self._rows.order(row, received_ns), result.count
            )
            return _newest_first(page, lambda order: (order.venue_ns, ""))

        form = _span(since_ns, None, offset)
        if client_order_id:
            form["cl_ord_id"] = client_order_id
        return _ask("ClosedOrders", form, rest.decode_closed, read, cost=2.0)

    def fills(
        self, since_ns: int | None = None, until_ns: int | None = None, offset: int = 0
    ) -> RestQuery[Page[Fill]]:
        """Executions one by one, not summed up by order (.../get-trade-history)."""

        def read(result: rest.TradesResult, received_ns: int) -> Page[Fill]:
            page = _page(result.trades, lambda row: self._rows.fill(row, received_ns), result.count)
            return _newest_first(page, lambda fill: (fill.venue_ns, fill.fill_id))

        form = {**_span(since_ns, until_ns, offset), "consolidate_taker": "false"}
        return _ask("TradesHistory", form, rest.decode_trades, read, cost=2.0)

    def entries(self, query: EntryQuery, offset: int = 0) -> RestQuery[Page[LedgerEntry]]:
        """Lines of the account (.../get-ledgers).

        Kraken has more words than Fluxum has kinds, so the caller tells most kinds apart.
        """

        def read(result: rest.LedgerResult, received_ns: int) -> Page[LedgerEntry]:
            page = _page(
                result.ledger, lambda row: self._rows.entry(row, received_ns), result.count
            )
            return _newest_first(page, lambda entry: (entry.venue_ns, entry.entry_id))

        form = _span(query.since_ns, query.until_ns, offset)
        if query.asset is not None:
            form["asset"] = self._lists.names.format_symbol(query.asset)
        if query.kind in _FILTERS:
            form["type"] = _FILTERS[query.kind]
        return _ask("Ledgers", form, rest.decode_ledger, read, cost=2.0)

    def charged(self, fill: Fill, lines: Sequence[LedgerEntry]) -> Fill | None:
        """The fill with the fees that its lines name; they bear its id as their reference.

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
    )
    return asked(fetch, decode, read)


def _page(
    rows: dict[str, Raw], read: Callable[[rest.Row], Item], count: bytes = b"null"
) -> Page[Item]:
    """A page of a list. How many rows all pages have is not needed, so it may be anything."""
    found = read_rows(rest.rows(rows), read)
    try:
        total = rest.decode_count(count)
    except MsgspecError:
        total = -1
    return Page(found.items, total if total >= len(rows) else None, found.left_out)


def _newest_first(page: Page[Item], key: Callable[[Item], tuple[int, str]]) -> Page[Item]:
    return structs.replace(page, items=tuple(sorted(page.items, key=key, reverse=True)))


def _span(since_ns: int | None, until_ns: int | None, offset: int) -> dict[str, str]:
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
