"""The lists of one account, fetched page by page: balances, orders, fills, entries."""

import logging
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from msgspec import structs

from fluxum.errors import BadInput, FluxumError, RemoteProtocolError, VenueRefused
from fluxum.ledger.made_entries import made_entries
from fluxum.model.account import Balance, Fill, LedgerEntry
from fluxum.model.event import Subscription
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.order import OrderUpdate, ended
from fluxum.model.position import PositionUpdate
from fluxum.session.charges import Charges
from fluxum.session.rest_client import RestClient
from fluxum.venues.private import AccountQueries, EntryQuery, FillQuery, OrderQuery
from fluxum.venues.queries import Page, RestQuery
from fluxum.venues.rows import LeftOutRows, joined

__all__ = ["AccountHistory"]

_log = logging.getLogger(__name__)
T = TypeVar("T")
Item = TypeVar("Item")
_PAGES_MAX = 400


class AccountHistory:
    """The venue's history of one account.

    `leave_out` takes rows that could not be read, with the stream that they belong to. `symbols`
    are the markets that are queried one by one where the venue lists no others.
    """

    def __init__(
        self,
        venue: str,
        rest_client: RestClient,
        queries: AccountQueries,
        leave_out: Callable[[LeftOutRows, Subscription | None], None],
        symbols: Collection[Symbol],
    ) -> None:
        self._venue = venue
        self._rest_client = rest_client
        self._queries = queries
        self._leave_out = leave_out
        self._symbols = symbols
        self.transfers_refused = ""
        self._resume: object = None

    async def query(self, query: RestQuery[T]) -> T:
        """The venue's answer to a query; see `RestClient.query` for what is raised."""
        answer = await self._rest_client.query(query)
        while self._rest_client.left_out:
            self._leave_out(self._rest_client.left_out.popleft(), None)
        left_out = _left_out_of(answer)
        if left_out is not None:
            self._leave_out(left_out, query.fetch.subscription)
        return answer

    async def balances(self) -> Page[Balance]:
        """All balances of the account as they are now."""
        return await self._all(self._queries.balances())

    async def positions(self) -> Page[PositionUpdate]:
        """The open positions as the venue reports them; raises BadInput if it lists none."""
        if self._queries.positions is None:
            raise BadInput(f"{self._venue} has no list of positions")
        page = await self._all(self._queries.positions())
        return structs.replace(page, items=tuple(one for one in page.items if one.quantity))

    async def open_orders(self) -> Page[OrderUpdate]:
        """Every open order of the account as it is now."""
        return await self._all(self._queries.open_orders())

    async def find_order(self, query: OrderQuery) -> Sequence[OrderUpdate]:
        """The order that a query asks for, open or ended; empty if the venue has no such order.

        Raises RemoteProtocolError if a row that may be this order could not be read.
        """
        left_out: LeftOutRows | None = None
        for one in self._queries.order(query):
            page = await self._all(one, bool)
            if page.items:
                return page.items
            left_out = joined(left_out, page.left_out)
        if left_out is not None:
            raise RemoteProtocolError(f"a row of the list is unreadable: {left_out.reason}")
        return ()

    async def closed_orders(
        self,
        since_ns: int,
        symbol: Symbol | None = None,
        is_enough: Callable[[Sequence[OrderUpdate]], bool] = lambda _orders: False,
    ) -> Page[OrderUpdate]:
        """Orders that ended since an instant, newest first, until `is_enough` returns true."""
        items: list[OrderUpdate] = []
        left_out: LeftOutRows | None = None
        for one in self._markets(symbol):
            query = self._queries.closed_orders(FillQuery(symbol=one, since_ns=since_ns))
            page = await self._all(query, is_enough)
            items += map(ended, page)
            left_out = joined(left_out, page.left_out)
        return Page(tuple(items), left_out=left_out)

    async def fills(self, since_ns: int | None) -> list[Fill]:
        """Fills since an instant, oldest first, as the venue's list has them."""
        fills: list[Fill] = []
        for symbol in self._markets(None):
            fills += await self._all(
                self._queries.fills(FillQuery(symbol=symbol, since_ns=since_ns))
            )
        fills.reverse()
        return sorted(fills, key=lambda fill: fill.venue_ns)

    async def charged_fills(self, since_ns: int | None) -> list[Fill]:
        """Fills since an instant, oldest first, with the fees that the entries name.

        If the entries cannot be fetched, the fees stay `None`.
        """
        fills = await self.fills(since_ns)
        if self._queries.charged is None:
            return fills
        charges = Charges(self._queries.charged)
        try:
            charged = await charges.look_up(
                [fill for fill in fills if fill.fees is None], self.entries
            )
        except FluxumError as error:
            _log.warning("%s fees of fills are not known: %s", self._venue, error)
            return fills
        whole = {fill.identity: fill for fill in charged}
        return [whole.get(fill.identity, fill) for fill in fills]

    async def entries(self, query: EntryQuery, limit: int | None = None) -> Sequence[LedgerEntry]:
        """The entries that match a query, the newest `limit` of them, oldest first.

        If the venue lists none, they are made from its lists of fills and of transfers, and from
        the balances now; see `made_entries`. Raises BadInput if it lists fills market by market,
        and no market is known.
        """
        if self._queries.entries is None:
            found = [one for one in await self._made(query) if _is_wanted(one, query)]
            return found if limit is None else found[-limit:]

        def wanted(items: Sequence[LedgerEntry]) -> list[LedgerEntry]:
            found = [one for one in items if query.kind is None or one.kind is query.kind]
            return found[:limit]

        by_asset = self._queries.are_entries_by_asset
        page = await self._all(
            self._queries.entries(query),
            lambda items: limit is not None and not by_asset and len(wanted(items)) == limit,
        )
        return wanted(self._oldest_first(page.items)[::-1])[::-1]

    async def hand_over_entries(
        self, since_ns: int, moved: set[Asset], take: Callable[[Sequence[LedgerEntry]], object]
    ) -> None:
        """Give entries since an instant to `take`, oldest first: transfers if those are all.

        Those that were taken before may be left out, but for assets that `moved`, which is emptied.
        What is fetched in vain is fetched again.
        """
        if self._queries.entries is None:
            take(await self.transfers(EntryQuery(since_ns=since_ns)))
            return
        wanted = frozenset(moved)
        moved.clear()
        query = EntryQuery(since_ns=since_ns, resume=self._resume, moved=wanted)
        try:
            page = await self._all(self._queries.entries(query))
        except BaseException:
            moved |= wanted
            raise
        take(self._oldest_first(page.items))
        self._resume = page.resume

    async def transfers(self, query: EntryQuery) -> list[LedgerEntry]:
        """Deposits and withdrawals, oldest first; none if the venue lists none to these keys.

        A list that was never answered and is refused is not requested again: `transfers_refused` is
        the reason.
        """
        if self._queries.transfers is None or self.transfers_refused:
            return []
        found: dict[str, LedgerEntry] = {}
        try:
            for one in self._queries.transfers(query):
                found |= {entry.entry_id: entry for entry in await self._all(one)}
        except VenueRefused as error:
            if not error.is_final:
                raise
            self.transfers_refused = str(error)
            _log.warning("%s transfers stay unknown: %s", self._venue, error)
            return []
        return sorted(found.values(), key=lambda entry: entry.venue_ns)

    async def _made(self, query: EntryQuery) -> list[LedgerEntry]:
        """The entries since an instant up to now: only now are there balances to compare with."""
        if self._queries.needs_symbol and not self._symbols:
            raise BadInput(
                f"{self._venue} lists no entries, and its fills market by market: name the markets "
                f"of which entries are to be made"
            )
        since_ns = query.since_ns or None
        transfers = await self.transfers(EntryQuery(since_ns=since_ns))
        fills = await self.fills(since_ns)
        return made_entries(fills, transfers, await self.balances(), is_whole=since_ns is None)

    def _oldest_first(self, items: Sequence[LedgerEntry]) -> Sequence[LedgerEntry]:
        """Entries that are newest first, perhaps those of one asset after those of another."""
        items = items[::-1]
        if not self._queries.are_entries_by_asset:
            return items
        return sorted(items, key=lambda entry: entry.venue_ns)

    def _markets(self, symbol: Symbol | None) -> Sequence[Symbol | None]:
        if symbol is not None or not self._queries.needs_symbol:
            return (symbol,)
        return tuple(self._symbols)

    async def _all(
        self,
        query: RestQuery[Page[Item]],
        is_enough: Callable[[Sequence[Item]], bool] = lambda _items: False,
    ) -> Page[Item]:
        """The items of a list, page by page, until `is_enough` returns true.

        Items that are added meanwhile shift the others, so an item may appear twice, but none is
        missed. Raises RemoteProtocolError if the list does not end.
        """
        items: list[Item] = []
        left_out: LeftOutRows | None = None
        for _ in range(_PAGES_MAX):
            page = await self.query(query)
            items += page.items
            left_out = joined(left_out, page.left_out)
            if page.next is None or is_enough(items):
                return structs.replace(page, items=tuple(items), left_out=left_out, next=None)
            query = page.next
        raise RemoteProtocolError(f"a history of {_PAGES_MAX} pages has no end")


def _is_wanted(entry: LedgerEntry, query: EntryQuery) -> bool:
    is_meant = query.asset in {None, entry.asset} and query.kind in {None, entry.kind}
    return is_meant and (query.until_ns is None or entry.venue_ns <= query.until_ns)


def _left_out_of(answer: object) -> LeftOutRows | None:
    return answer.left_out if isinstance(answer, Page) else None
