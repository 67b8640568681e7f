"""OKX's simulated REST API of an account: signed calls, their lists, and orders.

https://www.okx.com/docs-v5/en/#order-book-trading-trade and #trading-account-rest-api. Lists are
newest first, a hundred rows at most; `after` is the id of a row whose older ones are wanted.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from urllib.parse import parse_qsl

import msgspec
from msgspec import MsgspecError

from fluxum.errors import VenueRefused
from fluxum.model.instrument import Symbol
from fluxum.venues.conversation import Fetch
from fluxum.venues.okx.server.private.access import account_of_call, count
from fluxum.venues.okx.server.private.orders import OkxOrders, Operated
from fluxum.venues.okx.server.private.rows import Row, bill_row, detail_row, fill_row, order_row
from fluxum.venues.okx.topics import format_symbol, instrument_type
from fluxum.venues.server.accounts import Account, OrderState
from fluxum.venues.server.contract import ExchangeView
from fluxum.venues.server.formats import millis, number
from fluxum.venues.server.rest_router import query_number

__all__ = ["AccountRest"]

Query = Mapping[str, str]
List = Callable[[Account, Query, int], Sequence[Row]]

_PATH = "/api/v5/"
_ROWS_MAX = 100
_SWITCH = "trade/cancel-all-after"
_FORGOTTEN_NS = 2 * 3600 * 1_000_000_000
_Body = dict[str, object] | list[dict[str, object]]
_decode: Callable[[bytes], _Body] = msgspec.json.Decoder(_Body).decode


class AccountRest:
    """Answers signed calls about accounts."""

    def __init__(self, view: ExchangeView) -> None:
        self._view = view
        self._orders = OkxOrders(view)
        # Each list, and how often it may be called in two seconds.
        self._lists: dict[str, tuple[int, List]] = {
            "account/config": (5, _config),
            "account/balance": (10, _balance),
            "account/positions": (10, _positions),
            "account/trade-fee": (5, _fees),
            "account/bills": (10, _bills),
            "account/bills-archive": (5, _bills),
            "trade/order": (60, _order),
            "trade/orders-pending": (60, _pending),
            "trade/orders-history": (40, _history),
            "trade/orders-history-archive": (20, _history),
            "trade/fills": (60, _fills),
            "trade/fills-history": (10, _fills),
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
        name = path.removeprefix("trade/")
        return self._orders.obey(name, account, given, now_ns, by_code=False)


def _arm(account: Account, given: Mapping[str, object], now_ns: int) -> Row:
    """The dead man switch: 10 to 120 seconds, or zero."""
    text = str(given.get("timeOut", ""))
    if not text.isdecimal() or not (int(text) == 0 or 10 <= int(text) <= 120):
        raise VenueRefused("Parameter timeOut error", "51000")
    triggers_ns = account.cancel_all_after(int(text), now_ns)
    at = "0" if triggers_ns is None else str(millis(triggers_ns))
    return {"triggerTime": at, "tag": "", "ts": str(millis(now_ns))}


# Lists


def _config(account: Account, query: Query, now_ns: int) -> Sequence[Row]:  # noqa: ARG001
    """An account for contracts as well, with one position in each."""
    return [{"acctLv": "2", "posMode": "net_mode", "uid": "1", "perm": "read_only,trade"}]


def _balance(account: Account, query: Query, now_ns: int) -> Sequence[Row]:
    """Assets of which nothing is held are left out."""
    wanted = query.get("ccy", "").split(",") if query.get("ccy") else []
    held = [one for one in account.balances() if one.total and (not wanted or one.asset in wanted)]
    details = [detail_row(one, now_ns) for one in held]
    return [{"details": details, "totalEq": "", "uTime": str(millis(now_ns))}]


def _positions(account: Account, query: Query, now_ns: int) -> Sequence[Row]:  # noqa: ARG001
    return []  # positions are followed by fills


def _fees(account: Account, query: Query, now_ns: int) -> Sequence[Row]:
    maker, taker = (number(0 - rate) for rate in account.rates)
    kind = query.get("instType", "SPOT")
    return [{"instType": kind, "maker": maker, "taker": taker, "ts": str(millis(now_ns))}]


def _order(account: Account, query: Query, now_ns: int) -> Sequence[Row]:
    """One order by either id; what was canceled without a fill is forgotten after two hours."""
    order_id, name = query.get("ordId"), query.get("clOrdId")
    for one in [*account.open_orders(), *reversed(account.ended)]:
        update = one.update
        is_named = update.order_id == order_id or (not order_id and update.client_order_id == name)
        is_kept = update.filled or now_ns - (one.closed_ns or now_ns) < _FORGOTTEN_NS
        if is_named and is_kept and query.get("instId") == format_symbol(update.symbol):
            return [order_row(one)]
    raise VenueRefused("Order does not exist", "51603")


def _pending(account: Account, query: Query, now_ns: int) -> Sequence[Row]:  # noqa: ARG001
    return _page(query, _of_market(account.open_orders(), query), "ordId")


def _history(account: Account, query: Query, now_ns: int) -> Sequence[Row]:  # noqa: ARG001
    if not query.get("instType"):
        raise VenueRefused("Parameter instType can not be empty.", "50014")
    return _page(query, _of_market(account.ended, query), "ordId")


def _of_market(states: Iterable[OrderState], query: Query) -> list[Row]:
    """Rows by when the orders were placed, newest first."""
    found = sorted(states, key=lambda one: one.update.opened_ns or 0, reverse=True)
    return [order_row(one) for one in found if _is_of(one.update.symbol, query)]


def _fills(account: Account, query: Query, now_ns: int) -> Sequence[Row]:  # noqa: ARG001
    rows = [
        fill_row(one, one.fill)
        for one in reversed(account.trades)
        if one.fill is not None
        and _is_of(one.fill.symbol, query)
        and _is_within(query, one.venue_ns)
        and query.get("ordId") in {None, one.fill.order_id}
    ]
    return _page(query, rows, "billId")


def _bills(account: Account, query: Query, now_ns: int) -> Sequence[Row]:  # noqa: ARG001
    rows = [
        bill_row(one)
        for one in reversed(account.entries)
        if query.get("ccy") in {None, one.asset} and _is_within(query, one.venue_ns)
    ]
    return _page(query, rows, "billId")


# Pieces


def _is_of(symbol: Symbol, query: Query) -> bool:
    kinds = {None, instrument_type(symbol)}
    return query.get("instType") in kinds and query.get("instId") in {None, format_symbol(symbol)}


def _is_within(query: Query, instant_ns: int) -> bool:
    """Whether an instant is between two, both included."""
    begin = query_number(query, "begin", 0, _wrong("begin"))
    end = query_number(query, "end", 2**53, _wrong("end"))
    return begin <= millis(instant_ns) <= end


def _page(query: Query, rows: list[Row], name: str) -> list[Row]:
    """Rows behind the one that `after` names, and before the one that `before` does."""
    ids = [row[name] for row in rows]
    begin = ids.index(query["after"]) + 1 if query.get("after") in ids else 0
    end = ids.index(query["before"]) if query.get("before") in ids else len(rows)
    limit = min(max(1, query_number(query, "limit", _ROWS_MAX, _wrong("limit"))), _ROWS_MAX)
    return rows[begin:end][:limit]


def _wrong(name: str) -> VenueRefused:
    return VenueRefused(f"Parameter {name} error", "51000")
