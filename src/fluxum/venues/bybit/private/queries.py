"""What can be asked of Bybit about an account, and how the answers are read.

https://bybit-exchange.github.io/docs/v5/order/open-order, /order-list, /execution and
/account/wallet-balance, /transaction-log. Lists are newest first, page by page with a cursor, and
seven days at most at a time: longer ones go back week by week, for two years, which is how long
the venue remembers. Without an end they end now, by the venue's clock, which is asked first.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar
from urllib.parse import quote, urlencode

from msgspec import Raw, Struct

from fluxum.errors import RateLimited, VenueRefused
from fluxum.model.account import Balance, Fill, LedgerEntry
from fluxum.model.event import Channel, Subscription
from fluxum.model.order import OrderUpdate, ended
from fluxum.venues.bybit import listing
from fluxum.venues.bybit import native as public
from fluxum.venues.bybit.category import SPOT, Category
from fluxum.venues.bybit.normalize import instant
from fluxum.venues.bybit.private import native, normalize
from fluxum.venues.bybit.private.orders import SETTLED_IN
from fluxum.venues.bybit.queries import BybitQueries
from fluxum.venues.conversation import Auth, Fetch
from fluxum.venues.private import AccountQueries, EntryQuery, FillQuery, OrderQuery
from fluxum.venues.queries import Page, RestQuery, decoded, only, page_of, rest_query
from fluxum.venues.rows import read_rows

__all__ = ["account_queries"]

Item = TypeVar("Item")
Read = Callable[[Raw, int], Item | None]

_MILLISECOND = 1_000_000
_WEEK_MS = 7 * 86_400_000
_MEMORY_MS = 2 * 365 * 86_400_000
_CLOCK = "10002"


class _List(Struct, frozen=True):
    """A list: its path, how many rows a page has, and its parameters."""

    path: str
    limit: int
    channel: Channel
    parameters: tuple[tuple[str, str], ...]


def account_queries(category: Category) -> AccountQueries:
    """The queries about an account, of one category where the venue divides it."""
    account = _Queries(category)
    return AccountQueries(
        balances=account.balances,
        open_orders=account.open_orders,
        order=account.order,
        closed_orders=account.closed_orders,
        fills=account.fills,
        entries=account.entries,
    )


class _Queries:
    def __init__(self, category: Category) -> None:
        self._category = category

    def balances(self) -> RestQuery[Page[Balance]]:
        """All balances of the unified account."""

        def read(answer: public.Answer, received_ns: int) -> Page[Balance]:
            wallet = only(decoded(native.decode_rows, answer.result).list, native.decode_wallet)
            venue_ns = instant(answer.time)
            coins = read_rows(
                wallet.coin,
                lambda row: normalize.balance(
                    self._category, native.decode_coin(row), venue_ns, received_ns
                ),
            )
            return page_of(coins)

        fetch = _fetch("account/wallet-balance", Channel.BALANCE, {"accountType": "UNIFIED"})
        return rest_query(fetch, _checked, read)

    def open_orders(self) -> RestQuery[Page[OrderUpdate]]:
        """All open orders; those of contracts are listed by the asset they settle in."""
        coins = ({},) if self._category is SPOT else [{"settleCoin": one} for one in SETTLED_IN]

        def listed(at: int) -> RestQuery[Page[OrderUpdate]] | None:
            if at == len(coins):
                return None
            one = self._list("order/realtime", 50, Channel.EXECUTION, coins[at])
            return self._page(one, self._order, {}, lambda: listed(at + 1))

        first = listed(0)
        assert first is not None, "there is an asset that contracts settle in"
        return first

    def order(self, query: OrderQuery) -> Sequence[RestQuery[Page[OrderUpdate]]]:
        """One order, among the open and the last ended ones first, then in the history."""
        named = {"symbol": self._category.format_symbol(query.symbol)}
        if query.order_id:
            named["orderId"] = query.order_id
        else:
            named["orderLinkId"] = query.client_order_id
        return [
            self._page(self._list(path, 50, Channel.EXECUTION, named), self._order, {})
            for path in ("order/realtime", "order/history")
        ]

    def closed_orders(self, query: FillQuery) -> RestQuery[Page[OrderUpdate]]:
        """Orders that ended."""

        def read(row: Raw, received_ns: int) -> OrderUpdate:
            return ended(self._order(row, received_ns))

        one = self._list("order/history", 50, Channel.EXECUTION, self._market(query))
        return self._since(one, read, query.since_ns, query.until_ns)

    def fills(self, query: FillQuery) -> RestQuery[Page[Fill]]:
        """Executions of all markets, or of one."""

        def read(row: Raw, received_ns: int) -> Fill | None:
            return normalize.fill(
                self._category, native.decode_execution(row), received_ns, backfilled=True
            )

        one = self._list("execution/list", 100, Channel.EXECUTION, self._market(query))
        return self._since(one, read, query.since_ns, query.until_ns)

    def entries(self, query: EntryQuery) -> RestQuery[Page[LedgerEntry]]:
        """Rows of the transaction log of all categories and kinds; the caller picks one kind."""
        named = {"accountType": "UNIFIED"}
        if query.asset is not None:
            named["currency"] = query.asset
        one = _List("account/transaction-log", 50, Channel.BALANCE, tuple(named.items()))
        return self._since(
            one, partial(normalize.entry, self._category), query.since_ns, query.until_ns
        )

    def _order(self, row: Raw, received_ns: int) -> OrderUpdate:
        return normalize.order(self._category, native.decode_order(row), received_ns)

    def _market(self, query: FillQuery) -> dict[str, str]:
        symbol = query.symbol
        return {} if symbol is None else {"symbol": self._category.format_symbol(symbol)}

    def _list(self, path: str, limit: int, channel: Channel, named: dict[str, str]) -> _List:
        return _List(path, limit, channel, (("category", self._category.name), *named.items()))

    # Pages

    def _since(
        self, one: _List, read: Read[Item], since_ns: int | None, until_ns: int | None
    ) -> RestQuery[Page[Item]]:
        """A list after one instant and up to another, or now."""
        since_ms = None if since_ns is None else since_ns // _MILLISECOND
        if until_ns is not None:
            return self._week(one, read, since_ms, until_ns // _MILLISECOND, is_now=False)
        time = BybitQueries(self._category).time()

        def begin(body: bytes, received_ns: int) -> RestQuery[Page[Item]]:
            now_ms = time.read(body, received_ns) // _MILLISECOND
            return self._week(one, read, since_ms, now_ms, is_now=True)

        return RestQuery(time.fetch, _never, begin)

    def _week(
        self, one: _List, read: Read[Item], since_ms: int | None, until_ms: int, *, is_now: bool
    ) -> RestQuery[Page[Item]]:
        """The last seven days before an instant; what is older follows. Now needs no end."""
        oldest_ms = until_ms - _MEMORY_MS
        first_ms = oldest_ms if since_ms is None else max(since_ms, oldest_ms)
        start_ms = max(first_ms, until_ms - _WEEK_MS)
        span = {"startTime": str(start_ms)}
        if not is_now:
            span["endTime"] = str(until_ms)

        def older() -> RestQuery[Page[Item]] | None:
            if start_ms == first_ms:
                return None
            return self._week(one, read, first_ms, start_ms - 1, is_now=False)

        return self._page(one, read, span, older)

    def _page(
        self,
        one: _List,
        read: Read[Item],
        span: dict[str, str],
        older: Callable[[], RestQuery[Page[Item]] | None] = lambda: None,
        cursor: str = "",
    ) -> RestQuery[Page[Item]]:
        """One page of a list, then its next one, then what is older."""

        def read_page(answer: public.Answer, received_ns: int) -> Page[Item]:
            wire = decoded(native.decode_rows, answer.result)
            rows = read_rows(wire.list, lambda row: read(row, received_ns))
            after = wire.nextPageCursor or ""
            if not wire.list or after in {"", cursor} or len(wire.list) < one.limit:
                return page_of(rows, older())
            return page_of(rows, self._page(one, read, span, older, after))

        parameters = {**dict(one.parameters), **span, "limit": str(one.limit)}
        return rest_query(_fetch(one.path, one.channel, parameters, cursor), _checked, read_page)


def _fetch(path: str, channel: Channel, parameters: dict[str, str], cursor: str = "") -> Fetch:
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
