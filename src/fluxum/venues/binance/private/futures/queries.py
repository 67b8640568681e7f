"""Queries about an account on USD-M futures, and how the answers are read.

https://developers.binance.com/docs/derivatives/usds-margined-futures/trade/rest-api and
/account/rest-api. Orders and trades are listed market by market, and all lists oldest first, seven
days at most at a time: longer ones go back week by week. Where more rows are in a time than an
answer has, its halves are asked. Without an end they end now, by the venue's clock, read first.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from msgspec import Raw, structs
from msgspec.json import decode

from fluxum.errors import BadInput
from fluxum.model.account import Balance, Fill, LedgerEntry
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.order import OrderUpdate
from fluxum.model.position import Forced, PositionUpdate
from fluxum.venues.account_lists import (
    AccountList,
    ListRows,
    Span,
    listed,
    listed_between,
    one_page,
)
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.private.futures import native, normalize, words
from fluxum.venues.binance.private.names import Names, conditional_number, split_order_id
from fluxum.venues.binance.private.queries import no_order, refused
from fluxum.venues.binance.private.signing import LISTEN_KEY
from fluxum.venues.binance.queries import BinanceQueries
from fluxum.venues.conversation import Auth, Fetch
from fluxum.venues.private import AccountQueries, EntryQuery, FillQuery, OrderQuery, Token
from fluxum.venues.queries import Page, RestQuery, after, get, rest_query

__all__ = ["KEY_VALID_S", "account_queries"]

Item = TypeVar("Item")

KEY_VALID_S = 3600.0
"""How long a listen key is valid after each call for it."""
_ROWS_MAX = 1000
_DAY_MS = 86_400_000
_WEEK_MS = 7 * _DAY_MS - 1
_ORDERS_MS, _TRADES_MS, _LINES_MS = (days * _DAY_MS for days in (90, 180, 90))
# An order that ended since an instant may have rested for so long before it.
_RESTS_NS = 7 * _DAY_MS * 1_000_000
_AHEAD_NS = 60 * 1_000_000_000
_MILLISECOND = 1_000_000
_ORDERS, _HELD = Subscription(Channel.EXECUTION), Subscription(Channel.BALANCE)
_OF_BALANCES = frozenset({"v3/account", "v3/positionRisk", "v1/income"})
Read = Callable[[Raw, int], Item | None]


def account_queries(policy: Policy) -> AccountQueries:
    """The queries about an account on USD-M futures."""
    account = _Queries(policy)
    names = account.names
    return AccountQueries(
        balances=account.balances,
        open_orders=account.open_orders,
        order=account.order,
        closed_orders=account.closed_orders,
        fills=account.fills,
        entries=account.entries,
        positions=account.positions,
        token=account.token,
        needs_symbol=True,
        preparations=lambda: (rest_query(names.fetch, bytes, lambda body, _: names.learn(body)),),
    )


class _Queries:
    def __init__(self, policy: Policy) -> None:
        self.names = Names(policy)
        self._policy = policy
        self._venue = policy.venue
        self._clock = BinanceQueries(policy).time()

    def token(self) -> RestQuery[Token]:
        """A listen key: the one that there is, good for another hour, or a new one."""
        fetch = Fetch("POST", f"/fapi/v1{LISTEN_KEY}", "listenKey", auth=Auth.SIGNED)
        return rest_query(
            fetch,
            partial(decode, type=native.ListenKey),
            lambda wire, _: Token(wire.listenKey, KEY_VALID_S),
            partial(refused, fetch.purpose),
        )

    def balances(self) -> RestQuery[Page[Balance]]:
        """All balances."""

        def read(row: Raw, received_ns: int) -> Balance:
            wire = decode(row, type=native.AssetRow)
            return normalize.holding(self._venue, wire, received_ns)

        fetch = self._fetch("v3/account", 5)
        return one_page(
            fetch,
            lambda body: decode(body, type=native.Account).assets,
            read,
            partial(refused, fetch.purpose),
        )

    def positions(self) -> RestQuery[Page[PositionUpdate]]:
        """All open positions."""

        def read(row: Raw, received_ns: int) -> PositionUpdate:
            wire = native.decode_position(row)
            return normalize.position(self._venue, self.names, wire, wire.T, received_ns)

        return listed(self._list("v3/positionRisk", 5, read))

    def open_orders(self) -> RestQuery[Page[OrderUpdate]]:
        """The open orders of all markets, then those that wait for a price."""
        waiting = self._list("v1/openAlgoOrders", 40, self._conditional)
        return listed(self._list("v1/openOrders", 40, self._order), behind=lambda: listed(waiting))

    def order(self, query: OrderQuery) -> Sequence[RestQuery[Page[OrderUpdate]]]:
        """One order, open or ended, of its market; else among those that wait for a price."""
        number, name = conditional_number(query.order_id), query.client_order_id
        if number is not None:
            return [self._one("v1/algoOrder", self._conditional, {"algoId": number})]
        market = self._policy.format_symbol(query.symbol)
        if query.order_id:
            market, number = split_order_id(query.order_id, market)
            return [self._one("v1/order", self._order, {"symbol": market, "orderId": number})]
        return [
            self._one("v1/order", self._order, {"symbol": market, "origClientOrderId": name}),
            self._one("v1/algoOrder", self._conditional, {"clientAlgoId": name}),
        ]

    def closed_orders(self, query: FillQuery) -> RestQuery[Page[OrderUpdate]]:
        """Orders of one market that ended between two instants; then those that did not begin."""
        market = self._market(query.symbol)
        since_ns = None if query.since_ns is None else query.since_ns - _RESTS_NS

        def orders(call: str, read: Read[OrderUpdate]) -> AccountList[OrderUpdate]:
            def read_ended(row: Raw, received_ns: int) -> OrderUpdate | None:
                order = read(row, received_ns)
                if order is None or not order.status.is_final:
                    return None
                return order if query.is_within(order.venue_ns) else None

            return self._list(call, 5, read_ended, market, _ORDERS_MS)

        def begin(now_ns: int) -> RestQuery[Page[OrderUpdate]]:
            until_ns = _end(query.until_ns, now_ns)
            ended, waited = (
                orders("v1/allOrders", self._order),
                orders("v1/allAlgoOrders", self._conditional),
            )
            return listed_between(
                ended, since_ns, until_ns, behind=lambda: listed_between(waited, since_ns, until_ns)
            )

        return after(self._clock, begin)

    def fills(self, query: FillQuery) -> RestQuery[Page[Fill]]:
        """Executions in one market; which orders were the exchange's own is listed first."""
        market = self._market(query.symbol)

        def begin(now_ns: int) -> RestQuery[Page[Fill]]:
            oldest_ms = now_ns // _MILLISECOND - _ORDERS_MS
            since_ms = max(oldest_ms, (query.since_ns or 0) // _MILLISECOND)

            def trades(forced: Mapping[int, Forced | None]) -> RestQuery[Page[Fill]]:
                def read(row: Raw, received_ns: int) -> Fill | None:
                    wire = decode(row, type=native.UserTrade)
                    closed = forced.get(wire.orderId)
                    fill = normalize.trade(self._venue, self.names, wire, received_ns, closed)
                    return fill if query.is_within(fill.venue_ns) else None

                one = self._list("v1/userTrades", 5, read, market, _TRADES_MS)
                return listed_between(one, query.since_ns, _end(query.until_ns, now_ns))

            return after(self._forced({**market, "startTime": since_ms, "limit": 100}), trades)

        return after(self._clock, begin)

    def _forced(self, named: Mapping[str, object]) -> RestQuery[Mapping[int, Forced | None]]:
        """The numbers of the exchange's own orders in a market, and what each is for."""

        def read(rows: Sequence[Raw], _received_ns: int) -> Mapping[int, Forced | None]:
            orders = map(native.decode_order, rows)
            return {one.i: words.forced(one.c) for one in orders}

        fetch = self._fetch("v1/forceOrders", 20, named)
        return rest_query(fetch, _rows, read, partial(refused, fetch.purpose))

    def entries(self, query: EntryQuery) -> RestQuery[Page[LedgerEntry]]:
        """Lines of the account of all assets and kinds; the caller picks."""
        read = partial(normalize.entry, self._venue)
        one = self._list("v1/income", 30, read, {}, _LINES_MS)
        return after(
            self._clock,
            lambda now_ns: listed_between(one, query.since_ns, _end(query.until_ns, now_ns)),
        )

    # Pieces

    def _order(self, row: Raw, received_ns: int) -> OrderUpdate | None:
        wire = native.decode_order(row)
        return normalize.order(self._venue, self.names, wire, received_ns)

    def _conditional(self, row: Raw, received_ns: int) -> OrderUpdate | None:
        wire = native.decode_conditional(row)
        return normalize.conditional(self._venue, self.names, wire, received_ns)

    def _market(self, symbol: Symbol | None) -> Mapping[str, object]:
        if symbol is None:
            raise BadInput(f"{self._venue} lists market by market, and no symbol was given")
        return {"symbol": self._policy.format_symbol(symbol)}

    def _one(
        self, call: str, read: Read[OrderUpdate], named: Mapping[str, object]
    ) -> RestQuery[Page[OrderUpdate]]:
        return one_page(
            self._fetch(call, 1, named), lambda body: (decode(body, type=Raw),), read, no_order
        )

    def _list(
        self,
        call: str,
        cost: int,
        read: Read[Item],
        named: Mapping[str, object] = {},
        memory_ms: int | None = None,
    ) -> AccountList[Item]:
        """A list, its newest row first; one with a memory is about a time, and may be cut."""

        def fetch(span: Span, _cursor: str) -> Fetch:
            times = {"startTime": span.since_ms, "endTime": span.until_ms, "limit": _ROWS_MAX}
            return self._fetch(call, cost, named if memory_ms is None else {**named, **times})

        def rows(body: bytes) -> ListRows:
            found = _rows(body)
            is_cut = memory_ms is not None and len(found) >= _ROWS_MAX
            return ListRows(found[::-1], is_cut=is_cut)

        return AccountList(
            fetch=fetch,
            decode=rows,
            read=read,
            refused=partial(refused, call),
            span_ms=_WEEK_MS,
            memory_ms=memory_ms,
        )

    def _fetch(self, call: str, cost: int, named: Mapping[str, object] = {}) -> Fetch:
        """A signed call."""
        fetch = get(f"/fapi/{call}", call, cost, **named)
        stream = _HELD if call in _OF_BALANCES else _ORDERS
        return structs.replace(fetch, subscription=stream, auth=Auth.SIGNED)


def _rows(body: bytes) -> Sequence[Raw]:
    return decode(body, type=tuple[Raw, ...])


def _end(until_ns: int | None, now_ns: int) -> int:
    """The end of a list: without one a little after now, as clocks and calls take their time."""
    return now_ns + _AHEAD_NS if until_ns is None else until_ns
