"""OKX's simulated REST API of an account: signed calls, their lists, and orders.

https://www.okx.com/docs-v5/en/#order-book-trading-trade and #trading-account-rest-api. Lists are
newest first, a hundred rows at most; `after` is the id of a row whose older ones are wanted.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import MsgspecError

from fluxum.errors import VenueRefused
from fluxum.model.instrument import Asset, Symbol
from fluxum.venues.conversation import Fetch
from fluxum.venues.okx.private.algos import PLACE
from fluxum.venues.okx.server.private.access import account_of_call, count
from fluxum.venues.okx.server.private.algo_rows import (
    algo_kind,
    algo_number,
    algo_row,
    algo_state,
    is_ordinary,
    is_waiting,
    ordinary_name,
)
from fluxum.venues.okx.server.private.orders import OkxOrders, Operated
from fluxum.venues.okx.server.private.rows import (
    Row,
    bill_row,
    detail_row,
    fill_row,
    order_row,
    position_row,
)
from fluxum.venues.okx.topics import instrument_type
from fluxum.venues.server.account_lists import ListQuery, holdings, older_than, opened_ns
from fluxum.venues.server.accounts import Account, OrderFault, OrderState
from fluxum.venues.server.contract import ExchangeView
from fluxum.venues.server.formats import millis, number
from fluxum.venues.server.rest_router import query_number

__all__ = ["AccountRest"]

Query = Mapping[str, str]
Item = TypeVar("Item")
_Body = dict[str, object] | list[dict[str, object]]

_PATH = "/api/v5/"
_ROWS_MAX = 100
_SWITCH = "trade/cancel-all-after"
_ENDS = ("effective", "canceled", "order_failed")
_FORGOTTEN_NS = 2 * 3600 * 1_000_000_000
_decode: Callable[[bytes], _Body] = msgspec.json.Decoder(_Body).decode


class AccountRest:
    """Answers signed calls about accounts."""

    def __init__(self, view: ExchangeView) -> None:
        self._view = view
        self._orders = OkxOrders(view)
        # Each list, and how often it may be called in two seconds.
        self._lists: dict[str, tuple[int, Callable[[Account, Query, int], Sequence[Row]]]] = {
            "account/config": (5, _config),
            "account/balance": (10, _balance),
            "account/positions": (10, self._positions),
            "account/trade-fee": (5, _fees),
            "asset/currencies": (12, _currencies),
            "account/bills": (10, self._bills),
            "account/bills-archive": (5, self._bills),
            "trade/order": (60, self._order),
            "trade/orders-pending": (60, self._pending),
            "trade/orders-history": (40, self._history),
            "trade/orders-history-archive": (20, self._history),
            "trade/order-algo": (20, self._algo),
            "trade/orders-algo-pending": (20, self._algos_pending),
            "trade/orders-algo-history": (20, self._algos_history),
            "trade/fills": (60, self._fills),
            "trade/fills-history": (10, self._fills),
        }

    def is_known(self, method: str, path: str) -> bool:
        """Whether there is such a call."""
        name = path.removeprefix(_PATH)
        return name in self._lists if method == "GET" else name.startswith("trade/")

    def answer(self, call: Fetch, now_ns: int) -> Operated:
        """The answer to a call; raises VenueRefused."""
        account = account_of_call(self._view.accounts, call, now_ns)
        path, _, query = call.path.removeprefix(_PATH).partition("?")
        if call.method == "GET":
            most, listed = self._lists[path]
            count(account, path, most, now_ns)
            return Operated("0", "", listed(account, dict(parse_qsl(query)), now_ns))
        try:
            body = _decode(call.body)
        except (MsgspecError, UnicodeDecodeError) as error:
            raise VenueRefused("Body can not be empty.", "50000") from error
        given: list[dict[str, object]] = body if isinstance(body, list) else [body]
        if path == _SWITCH:
            return Operated("0", "", [_arm(account, given[0] if given else {}, now_ns)])
        name, accounts = path.removeprefix("trade/"), self._view.accounts
        if accounts.roll_fault(OrderFault.CUT_OFF):
            raise VenueRefused("Service temporarily unavailable. Try again later.", "50001")
        done = self._orders.obey(name, account, given, now_ns, by_code=False)
        if name in {"order", PLACE} and accounts.roll_fault(OrderFault.LOST_ANSWER):
            raise VenueRefused("API endpoint request timeout.", "50004")
        return done

    # Lists

    def _order(self, account: Account, query: Query, now_ns: int) -> Sequence[Row]:
        """One order; what was canceled without a fill is forgotten after two hours."""
        for one in self._wanted(query, [*account.ended, *account.open_orders()]):
            if one.update.filled or now_ns - (one.closed_ns or now_ns) < _FORGOTTEN_NS:
                return [order_row(one)]
        raise VenueRefused("Order does not exist", "51603")

    def _pending(self, account: Account, query: Query, now_ns: int) -> Sequence[Row]:  # noqa: ARG002
        return self._page_of_orders(query, account.open_orders())

    def _history(self, account: Account, query: Query, now_ns: int) -> Sequence[Row]:  # noqa: ARG002
        if not query.get("instType"):
            raise VenueRefused("Parameter instType can not be empty.", "50014")
        return self._page_of_orders(query, account.ended)

    def _page_of_orders(self, query: Query, orders: Sequence[OrderState]) -> Sequence[Row]:
        """By when they were placed."""
        found = self._wanted(query, sorted(orders, key=opened_ns))
        found = [one for one in found if _is_kind(query, one.update.symbol)]
        return [order_row(one) for one in _page(query, found, lambda one: one.update.order_id)]

    def _wanted(self, query: Query, orders: Sequence[OrderState]) -> list[OrderState]:
        """The ordinary orders that are wanted, by either id; a client id is the order's own."""
        name = "" if query.get("ordId") else query.get("clOrdId", "")
        found = self._asked(query).orders([one for one in orders if is_ordinary(one)])
        return [one for one in found if name in {"", ordinary_name(one)}]

    def _algo(self, account: Account, query: Query, now_ns: int) -> Sequence[Row]:  # noqa: ARG002
        """One order that waits for a price, or did, by either id."""
        number, name = query.get("algoId", ""), query.get("algoClOrdId", "")
        if not number and not name:
            raise VenueRefused("Parameter algoId can not be empty.", "50014")
        for one in reversed(_algos([*account.ended, *account.open_orders()])):
            update = one.update
            if algo_number(update) == number if number else update.client_order_id == name:
                return [algo_row(one)]
        raise VenueRefused("Order does not exist", "51603")

    def _algos_pending(self, account: Account, query: Query, now_ns: int) -> Sequence[Row]:  # noqa: ARG002
        waiting = [one for one in account.open_orders() if is_waiting(one)]
        return self._page_of_algos(query, waiting)

    def _algos_history(self, account: Account, query: Query, now_ns: int) -> Sequence[Row]:  # noqa: ARG002
        """Those that ended by themselves, or by going on as another order."""
        if not query.get("state") and not query.get("algoId"):
            raise VenueRefused("Parameter state can not be empty.", "50014")
        states = {query["state"]} if query.get("state") else set(_ENDS)
        found = _algos([*account.ended, *account.open_orders()])
        return self._page_of_algos(query, [one for one in found if algo_state(one) in states])

    def _page_of_algos(self, query: Query, orders: Sequence[OrderState]) -> Sequence[Row]:
        """By when they were placed, those of a kind."""
        kinds = query.get("ordType", "").split(",")
        if kinds == [""]:
            raise VenueRefused("Parameter ordType can not be empty.", "50014")
        found = self._asked(query).orders(sorted(orders, key=opened_ns))
        found = [one for one in found if algo_kind(one.update) in kinds]
        found = [one for one in found if _is_kind(query, one.update.symbol)]
        number = query.get("algoId")
        found = [one for one in found if number in {None, algo_number(one.update)}]
        return [algo_row(one) for one in _page(query, found, lambda one: algo_number(one.update))]

    def _fills(self, account: Account, query: Query, now_ns: int) -> Sequence[Row]:  # noqa: ARG002
        found = self._asked(query, is_timed=True).trades(account.trades)
        fills = [
            (one.fill, one.order) for one in found if one.fill and _is_kind(query, one.fill.symbol)
        ]
        return [fill_row(*one) for one in _page(query, fills, lambda one: one[0].fill_id)]

    def _positions(self, account: Account, query: Query, now_ns: int) -> Sequence[Row]:  # noqa: ARG002
        """Open positions; those of markets that are named, also if they are closed."""
        named = set(filter(None, query.get("instId", "").split(",")))
        found = [one for one in account.positions() if _is_kind(query, one.symbol)]
        rows = [(one, position_row(one)) for one in found]
        return [row for one, row in rows if (row["instId"] in named if named else one.quantity)]

    def _bills(self, account: Account, query: Query, now_ns: int) -> Sequence[Row]:  # noqa: ARG002
        found = self._asked(query, is_timed=True).entries(account.entries)
        return [bill_row(account, one) for one in _page(query, found, lambda one: one.entry_id)]

    def _asked(self, query: Query, *, is_timed: bool = False) -> ListQuery:
        """What is asked for; `begin` and `end` of orders are those of when they were placed."""
        name, asset = query.get("instId"), query.get("ccy")
        wanted = ListQuery(
            symbol=self._orders.symbol(name) if name else None,
            order_id=query.get("ordId", ""),
            asset=Asset(asset) if asset else None,
        )
        if not is_timed:
            return wanted
        begin = query_number(query, "begin", 0, _wrong("begin"))
        return wanted.between(begin, query_number(query, "end", 2**53, _wrong("end")))


def _algos(orders: Sequence[OrderState]) -> list[OrderState]:
    """Orders that wait for a price, or did."""
    return [one for one in orders if one.is_triggered is not None]


def _arm(account: Account, given: Mapping[str, object], now_ns: int) -> Row:
    """The dead man switch: 10 to 120 seconds, or zero."""
    text = str(given.get("timeOut", ""))
    if not text.isdecimal() or not (int(text) == 0 or 10 <= int(text) <= 120):
        raise VenueRefused("Parameter timeOut error", "51000")
    triggers_ns = account.cancel_all_after(int(text), now_ns)
    at = "0" if triggers_ns is None else str(millis(triggers_ns))
    return {"triggerTime": at, "tag": "", "ts": str(millis(now_ns))}


def _config(account: Account, query: Query, now_ns: int) -> Sequence[Row]:  # noqa: ARG001
    """An account for contracts as well, with one position in each."""
    return [{"acctLv": "2", "posMode": "net_mode", "uid": "1", "perm": "read_only,trade"}]


def _balance(account: Account, query: Query, now_ns: int) -> Sequence[Row]:
    """Assets of which nothing is held are left out."""
    details = [detail_row(one, now_ns) for one in holdings(account, query.get("ccy", ""))]
    return [{"details": details, "totalEq": "", "uTime": str(millis(now_ns))}]


def _currencies(account: Account, query: Query, now_ns: int) -> Sequence[Row]:  # noqa: ARG001
    """Assets, each on one chain: other clients list them before anything else."""
    return [
        {"ccy": one.asset, "name": one.asset, "chain": f"{one.asset}-Chain", "minFee": "0"}
        for one in account.balances()
    ]


def _fees(account: Account, query: Query, now_ns: int) -> Sequence[Row]:
    maker, taker = (number(0 - rate) for rate in account.rates)
    kind = query.get("instType", "SPOT")
    return [{"instType": kind, "maker": maker, "taker": taker, "ts": str(millis(now_ns))}]


def _is_kind(query: Query, symbol: Symbol) -> bool:
    return query.get("instType") in {None, instrument_type(symbol)}


def _page(query: Query, items: Sequence[Item], name: Callable[[Item], str]) -> Sequence[Item]:
    limit = min(max(1, query_number(query, "limit", _ROWS_MAX, _wrong("limit"))), _ROWS_MAX)
    return older_than(items, name, query.get("after", ""))[:limit]


def _wrong(name: str) -> VenueRefused:
    return VenueRefused(f"Parameter {name} error", "51000")
