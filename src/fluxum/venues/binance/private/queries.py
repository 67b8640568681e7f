"""Queries about an account at Binance, and how the answers are read.

https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md#account-endpoints. Trades
and orders are listed market by market: without a beginning the last thousand up to an instant,
oldest first, so longer lists go back from there. Balances have no history: there are no entries,
and what the wallet lists of deposits and withdrawals is in `transfers`.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NoReturn, TypeVar

from msgspec import MsgspecError, Raw, structs
from msgspec.json import decode

from fluxum.errors import BadInput, VenueRefused
from fluxum.model.account import Balance, Fill
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.order import OrderUpdate
from fluxum.venues.account_lists import AccountList, ListRows, Span, listed, one_page
from fluxum.venues.binance.native import Fault, decode_fault
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.private import native, normalize
from fluxum.venues.binance.private.names import Names, split_order_id
from fluxum.venues.binance.private.transfers import transfers
from fluxum.venues.binance.private.ws_api import RETRYABLE
from fluxum.venues.binance.queries import BinanceQueries
from fluxum.venues.conversation import Auth, Fetch
from fluxum.venues.private import AccountQueries, FillQuery, OrderQuery
from fluxum.venues.queries import Page, RestQuery, get, page_of, refusal, rest_query
from fluxum.venues.rows import read_rows

__all__ = ["account_queries", "no_order", "refused"]

Item = TypeVar("Item")

_MILLISECOND = 1_000_000
_ROWS_MAX = 1000
_NO_ORDER = frozenset({-2013, -2026})
# An order that ended since an instant may have rested for so long before it.
_RESTS_NS = 7 * 86_400 * 1_000_000_000


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
        transfers=partial(transfers, policy.venue, refused, BinanceQueries(policy).time()),
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
        decode_all = partial(decode, type=native.Holdings)
        return rest_query(fetch, decode_all, read, partial(refused, fetch.purpose))

    def open_orders(self) -> RestQuery[Page[OrderUpdate]]:
        """The open orders of all markets."""
        fetch = self._fetch("openOrders", 80, Channel.EXECUTION)
        return one_page(fetch, _rows, self._order, lambda error: refused(fetch.purpose, error))

    def order(self, query: OrderQuery) -> Sequence[RestQuery[Page[OrderUpdate]]]:
        """One order, open or ended, of its market."""
        market = self._policy.format_symbol(query.symbol)
        named: dict[str, object] = {"origClientOrderId": query.client_order_id}
        if query.order_id:
            market, number = split_order_id(query.order_id, market)
            named = {"orderId": number}

        fetch = self._fetch("order", 4, Channel.EXECUTION, symbol=market, **named)
        return [one_page(fetch, lambda body: (decode(body, type=Raw),), self._order, no_order)]

    def closed_orders(self, query: FillQuery) -> RestQuery[Page[OrderUpdate]]:
        """Orders of one market that ended between two instants."""

        def read(row: Raw, received_ns: int) -> OrderUpdate | None:
            order = self._order(row, received_ns)
            return order if order.status.is_final and query.is_within(order.venue_ns) else None

        since_ns = None if query.since_ns is None else query.since_ns - _RESTS_NS
        return self._back("allOrders", query.symbol, read, since_ns, None)

    def fills(self, query: FillQuery) -> RestQuery[Page[Fill]]:
        """Executions in one market."""

        def read(row: Raw, received_ns: int) -> Fill | None:
            wire = decode(row, type=native.MyTrade)
            fill = normalize.trade(self._venue, self.names, wire, received_ns)
            return fill if query.is_within(fill.venue_ns) else None

        return self._back("myTrades", query.symbol, read, query.since_ns, query.until_ns)

    # Pieces

    def _back(
        self,
        call: str,
        symbol: Symbol | None,
        read: Callable[[Raw, int], Item | None],
        since_ns: int | None,
        until_ns: int | None,
    ) -> RestQuery[Page[Item]]:
        """A list of one market up to an instant, newest first, as far back as to another.

        The cursor is the instant of the last row: rows of that instant are in both pages.
        """
        if symbol is None:
            raise BadInput(f"{self._venue} lists market by market, and no symbol was given")
        market = self._policy.format_symbol(symbol)

        def fetch(span: Span, cursor: str) -> Fetch:
            limits = {"endTime": cursor or span.until_ms, "limit": _ROWS_MAX}
            return self._fetch(call, 20, Channel.EXECUTION, symbol=market, **limits)

        def rows_of(body: bytes) -> ListRows:
            rows = _rows(body)
            if len(rows) < _ROWS_MAX:
                return ListRows(rows[::-1])
            oldest_ms, newest_ms = (decode(rows[at], type=native.Timed).time for at in (0, -1))
            is_over = since_ns is not None and oldest_ms * _MILLISECOND < since_ns
            oldest_ms -= oldest_ms == newest_ms
            return ListRows(rows[::-1], "" if is_over else str(oldest_ms))

        one = AccountList(
            fetch=fetch,
            decode=rows_of,
            read=read,
            refused=lambda error: refused(call, error),
        )
        return listed(one, Span(None, None if until_ns is None else until_ns // _MILLISECOND))

    def _order(self, row: Raw, received_ns: int) -> OrderUpdate:
        wire = native.decode_order(row)
        return normalize.order(self._venue, self.names, wire, received_ns)

    def _fetch(self, call: str, weight: int, channel: Channel, **parameters: object) -> Fetch:
        """A signed call."""
        fetch = get(f"{self._policy.rest}{call}", call, weight, **parameters)
        return structs.replace(fetch, subscription=Subscription(channel), auth=Auth.SIGNED)


def _rows(body: bytes) -> Sequence[Raw]:
    return decode(body, type=tuple[Raw, ...])


def refused(call: str, error: VenueRefused) -> NoReturn:
    """Raise what a refusal means: `{"code":-1003,"msg":"Too many requests."}`, with HTTP 429."""
    fault = _fault(error)
    raise refusal(f"{call} was refused: {fault.msg}", str(fault.code), RETRYABLE)


def no_order(error: VenueRefused) -> Page[OrderUpdate]:
    """Nothing for `{"code":-2013,"msg":"Order does not exist."}`, with HTTP 400."""
    return Page(()) if _fault(error).code in _NO_ORDER else refused("order", error)


def _fault(error: VenueRefused) -> Fault:
    try:
        return decode_fault(error.body.encode())
    except MsgspecError:
        raise error from None
