"""Queries about an account at Binance, and how the answers are read.

https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md#account-endpoints. Trades
and orders are listed market by market: without a beginning the last thousand up to an instant,
oldest first, so longer lists go back from there. Balances have no history: there are no entries.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from msgspec import MsgspecError, Raw, Struct, structs

from fluxum.errors import BadInput, VenueRefused
from fluxum.model.account import Balance, Fill
from fluxum.model.event import Channel, Subscription
from fluxum.model.order import OrderUpdate
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.private import native, normalize
from fluxum.venues.binance.private.names import Names, split_order_id
from fluxum.venues.binance.private.protocol import RETRYABLE
from fluxum.venues.conversation import Auth, Fetch
from fluxum.venues.private import AccountQueries, FillQuery, OrderQuery
from fluxum.venues.queries import Page, RestQuery, get, page_of, refusal, rest_query
from fluxum.venues.rows import Rows, read_rows

__all__ = ["account_queries"]

Item = TypeVar("Item", OrderUpdate, Fill)
Wire = TypeVar("Wire")
Result = TypeVar("Result")

_MILLISECOND = 1_000_000
_ROWS_MAX = 1000
_NO_ORDER = frozenset({"-2013", "-2026"})
# An order that ended since an instant may have rested for so long before it.
_RESTS_MS = 7 * 86_400_000


class _List(Struct, frozen=True):
    """A list of one market: the call, its weight, its channel and the market."""

    call: str
    weight: int
    market: str


def account_queries(policy: Policy) -> AccountQueries:
    """The queries about an account on spot."""
    account = _Queries(policy)
    names = account.names
    return AccountQueries(
        balances=account.balances,
        open_orders=account.open_orders,
        order=account.order,
        closed_orders=account.closed_orders,
        fills=account.fills,
        needs_symbol=True,
        preparations=lambda: (rest_query(names.fetch, bytes, lambda body, _: names.learn(body)),),
    )


class _Queries:
    def __init__(self, policy: Policy) -> None:
        self.names = Names(policy)
        self._policy = policy
        self._venue = policy.venue

    def balances(self) -> RestQuery[Page[Balance]]:
        """All balances that are not zero."""

        def read(wire: native.Holdings, received_ns: int) -> Page[Balance]:
            def one(row: Raw) -> Balance:
                holding = native.decode_holding(row)
                return normalize.balance(self._venue, holding, wire.updateTime, received_ns)

            return page_of(read_rows(wire.balances, one))

        fetch = self._fetch("account", 20, Channel.BALANCE, omitZeroBalances="true")
        return _query(fetch, native.decode_holdings, read)

    def open_orders(self) -> RestQuery[Page[OrderUpdate]]:
        """The open orders of all markets."""

        def read(rows: Sequence[Raw], received_ns: int) -> Page[OrderUpdate]:
            return page_of(read_rows(rows, partial(self._order, received_ns)))

        fetch = self._fetch("openOrders", 80, Channel.EXECUTION)
        return _query(fetch, native.decode_rows, read)

    def order(self, query: OrderQuery) -> Sequence[RestQuery[Page[OrderUpdate]]]:
        """One order, open or ended, of its market."""
        market = self._policy.format_symbol(query.symbol)
        named: dict[str, object] = {"origClientOrderId": query.client_order_id}
        if query.order_id:
            market, number = split_order_id(query.order_id, market)
            named = {"orderId": number}

        def read(row: Raw, received_ns: int) -> Page[OrderUpdate]:
            return page_of(read_rows((row,), partial(self._order, received_ns)))

        fetch = self._fetch("order", 4, Channel.EXECUTION, symbol=market, **named)
        return [_query(fetch, Raw, read, none=Page(()))]

    def closed_orders(self, query: FillQuery) -> RestQuery[Page[OrderUpdate]]:
        """Orders of one market that ended since an instant, by when they were placed."""

        def is_meant(order: OrderUpdate) -> bool:
            since_ns, until_ns = query.since_ns, query.until_ns
            is_after = since_ns is None or order.venue_ns > since_ns
            is_before = until_ns is None or order.venue_ns <= until_ns
            return order.status.is_final and is_after and is_before

        one = _List("allOrders", 20, self._market(query))
        since_ms = None if query.since_ns is None else query.since_ns // _MILLISECOND - _RESTS_MS
        return self._back(one, self._order, is_meant, since_ms, None)

    def fills(self, query: FillQuery) -> RestQuery[Page[Fill]]:
        """Executions in one market."""

        def read(received_ns: int, row: Raw) -> Fill:
            wire = native.decode_my_trade(row)
            return normalize.trade(self._venue, self.names, wire, received_ns)

        def is_meant(fill: Fill) -> bool:
            return query.since_ns is None or fill.venue_ns > query.since_ns

        one = _List("myTrades", 20, self._market(query))
        since_ms = None if query.since_ns is None else query.since_ns // _MILLISECOND
        until_ms = None if query.until_ns is None else query.until_ns // _MILLISECOND
        return self._back(one, read, is_meant, since_ms, until_ms)

    # Pieces

    def _back(
        self,
        one: _List,
        read_row: Callable[[int, Raw], Item],
        is_meant: Callable[[Item], bool],
        since_ms: int | None,
        until_ms: int | None,
    ) -> RestQuery[Page[Item]]:
        """A list, newest first, up to an instant; then what is older, if it is after another.

        Rows of the instant where pages meet are in both.
        """

        def read(rows: Sequence[Raw], received_ns: int) -> Page[Item]:
            found = read_rows(rows, partial(read_row, received_ns))
            page = page_of(found.where(is_meant).reversed())
            if len(rows) < _ROWS_MAX or not found.items:
                return page
            oldest_ms = _begin_ns(found) // _MILLISECOND
            if since_ms is not None and oldest_ms < since_ms:
                return page
            before_ms = oldest_ms if oldest_ms != until_ms else oldest_ms - 1
            older = self._back(one, read_row, is_meant, since_ms, before_ms)
            return structs.replace(page, next=older)

        fetch = self._fetch(
            one.call,
            one.weight,
            Channel.EXECUTION,
            symbol=one.market,
            endTime=until_ms,
            limit=_ROWS_MAX,
        )
        return _query(fetch, native.decode_rows, read)

    def _order(self, received_ns: int, row: Raw) -> OrderUpdate:
        wire = native.decode_order(row)
        return normalize.order(self._venue, self.names, wire, received_ns)

    def _market(self, query: FillQuery) -> str:
        if query.symbol is None:
            raise BadInput(f"{self._venue} lists market by market, and no symbol was given")
        return self._policy.format_symbol(query.symbol)

    def _fetch(self, call: str, weight: int, channel: Channel, **parameters: object) -> Fetch:
        """A signed call."""
        fetch = get(f"{self._policy.rest}{call}", call, weight, **parameters)
        return structs.replace(fetch, subscription=Subscription(channel), auth=Auth.SIGNED)


def _begin_ns(found: Rows[OrderUpdate] | Rows[Fill]) -> int:
    """When the first row of a list began."""
    first = found.items[0]
    return first.venue_ns if isinstance(first, Fill) else first.opened_ns or first.venue_ns


def _query(
    fetch: Fetch,
    decode: Callable[[bytes], Wire],
    read: Callable[[Wire, int], Result],
    none: Result | None = None,
) -> RestQuery[Result]:
    """A query; a refusal is `{"code":-2013,"msg":"Order does not exist."}`, with a status of 400.

    `none` is the answer where there is no such order.
    """

    def refused(error: VenueRefused) -> Result:
        try:
            fault = native.decode_fault(error.body.encode())
        except MsgspecError:
            raise error from None
        code = str(fault.code)
        if none is not None and code in _NO_ORDER:
            return none
        raise refusal(f"{fetch.purpose} was refused: {fault.msg}", code, RETRYABLE)

    return rest_query(fetch, decode, read, refused)
