"""The Exchange's simulated REST calls of an account: its lists, and its orders.

https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/introduction. Lists are newest
first; the header CB-AFTER names the last row, behind which the next page begins.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from msgspec import MsgspecError

from fluxum.errors import BadInput, VenueRefused
from fluxum.model.instant import parse_rfc3339
from fluxum.model.order import OrderRequest, OrderType, Trigger
from fluxum.venues.coinbase.exchange.private.commands import name_of
from fluxum.venues.coinbase.exchange.private.words import (
    SELF_TRADES,
    SIDES,
    TIMES_IN_FORCE,
    stop_type,
)
from fluxum.venues.coinbase.server.exchange_private.access import admit
from fluxum.venues.coinbase.server.exchange_private.rows import (
    Row,
    account_id,
    account_row,
    fill_row,
    ledger_rows,
    order_row,
)
from fluxum.venues.conversation import Fetch
from fluxum.venues.server.account_lists import ListQuery, older_than, opened_ns
from fluxum.venues.server.accounts import Account, CommandRefused, OrderFault, OrderState, Refusal
from fluxum.venues.server.arguments import Arguments
from fluxum.venues.server.contract import Answer, ExchangeView
from fluxum.venues.server.order_entry import OrderEntry
from fluxum.venues.server.rest_router import Call, answer, count, json_object, not_found

__all__ = ["AccountRest"]

Item = TypeVar("Item")

_CLIENT = "client:"
_DAY_NS = 86_400 * 1_000_000_000
_TEXTS = {
    Refusal.INSUFFICIENT_FUNDS: "Insufficient funds",
    Refusal.UNKNOWN_SYMBOL: "Product not found",
    Refusal.UNKNOWN_ORDER: "order not found",
    Refusal.TOO_PRECISE: "price is too accurate",
    Refusal.OFF_TICK: "price is too accurate",
    Refusal.INVALID_QUANTITY: "size is too accurate",
    Refusal.QUANTITY_MINIMUM: "size is too small",
    Refusal.COST_MINIMUM: "funds is too small",
    Refusal.WOULD_TAKE: "Post only mode",
    Refusal.NAME_TAKEN: "Duplicate client_oid",
}


class AccountRest:
    """Answers the signed calls about accounts."""

    def __init__(self, view: ExchangeView) -> None:
        self._view = view
        self._entry = OrderEntry(view, _refused)

    def answer(self, fetch: Fetch, call: Call, now_ns: int) -> Answer:
        """The answer to any call of an account."""
        try:
            account = admit(self._view.accounts, fetch, now_ns)
            if fetch.method == "GET":
                return self._list(account, call, now_ns)
            return self._command(account, fetch, call)
        except VenueRefused as error:
            return answer({"message": str(error)}, int(error.code or 400))
        except (MsgspecError, BadInput) as error:
            return answer({"message": str(error)}, 400)

    # Orders

    def _command(self, account: Account, fetch: Fetch, call: Call) -> Answer:
        accounts = self._view.accounts
        if self._view.status == "maintenance" or accounts.roll_fault(OrderFault.CUT_OFF):
            return answer({"message": "Service unavailable"}, 502)
        match fetch.method, call.parts:
            case "POST", ("orders",):
                state = self._entry.place(account, self._request(fetch.body))
                if accounts.roll_fault(OrderFault.LOST_ANSWER):
                    return answer({"message": "Gateway timeout"}, 504)
                return answer(order_row(state))
            case "DELETE", ("orders",):
                product = call.query.get("product_id")
                meant = None if product is None else self._entry.instrument(product).symbol
                gone = self._entry.cancel_all(account, lambda one: meant in {None, one.symbol})
                return answer([one.update.order_id for one in gone])
            case "DELETE", ("orders", name):
                order_id, client = _named(name)
                state = self._entry.find(account, order_id, client)
                self._entry.cancel(account, state)
                return answer(state.update.order_id)
            case _:
                return not_found()

    def _request(self, body: bytes) -> OrderRequest:
        read = Arguments(json_object(body, _invalid("body")), _invalid)
        side, kind = read.word(SIDES, "side"), read.text("type", "limit")
        has_limit, stop, trigger = kind == "limit", read.text("stop"), read.number("stop_price")
        order_type = OrderType.LIMIT if has_limit else OrderType.MARKET
        if stop:
            order_type = stop_type(side, stop, has_limit=has_limit)
        return OrderRequest(
            symbol=self._entry.instrument(read.text("product_id")).symbol,
            side=side,
            order_type=order_type,
            quantity=read.number("size"),
            quote_quantity=read.number("funds"),
            limit_price=read.number("price"),
            trigger=None if trigger is None else Trigger(trigger),
            time_in_force=read.word(TIMES_IN_FORCE, "time_in_force", "GTC"),
            display_quantity=read.number("max_floor"),
            post_only=read.flag("post_only"),
            self_trade=read.word_or_none(SELF_TRADES, "stp", "dc"),
            client_order_id=name_of(read.text("client_oid")),
        )

    # Lists

    def _list(self, account: Account, call: Call, now_ns: int) -> Answer:
        match call.parts:
            case ("accounts",):
                return answer([account_row(one) for one in account.balances()])
            case ("accounts", name):
                rows = [account_row(one) for one in account.balances()]
                found = [row for row in rows if row["id"] == name]
                return answer(found[0]) if found else not_found()
            case ("accounts", name, "ledger"):
                return self._ledger(account, name, call, now_ns)
            case ("orders",):
                return self._orders(account, call)
            case ("orders", name):
                order_id, client = _named(name)
                every = [*account.open_orders(), *account.ended]
                states = [one for one in every if _is_named(one, order_id, client)]
                return answer(order_row(states[-1])) if states else not_found()
            case ("fills",):
                return self._fills(account, call)
            case ("fees",):
                maker, taker = (f"{rate:f}" for rate in account.rates)
                return answer({"maker_fee_rate": maker, "taker_fee_rate": taker})
            case _:
                return not_found()

    def _orders(self, account: Account, call: Call) -> Answer:
        """By when they were placed; open ones unless a status is given."""
        statuses = set(call.every("status")) or {"open", "pending", "active"}
        states = [*account.ended, *account.open_orders()]
        found = self._query(call).orders(sorted(states, key=opened_ns))
        shown = map(order_row, found)
        rows = [row for row in shown if "all" in statuses or row["status"] in statuses]
        return _page(call, rows, lambda row: str(row["id"]), 1000)

    def _fills(self, account: Account, call: Call) -> Answer:
        if not {"product_id", "order_id"} & call.query.keys():
            return answer({"message": "Either product_id or order_id is required"}, 400)
        found = self._query(call).trades(account.trades)
        rows = [fill_row(one.fill) for one in found if one.fill is not None]
        return _page(call, rows, lambda row: str(row["trade_id"]), 1000)

    def _ledger(self, account: Account, name: str, call: Call, now_ns: int) -> Answer:
        """The last day, unless a time is given."""
        query = self._query(call)
        since_ns = query.since_ns
        if since_ns is None and query.until_ns is None:
            since_ns = now_ns - _DAY_NS
        rows = [
            row
            for one in reversed(account.entries)
            if account_id(one.asset) == name
            and (since_ns is None or one.venue_ns >= since_ns)
            and (query.until_ns is None or one.venue_ns <= query.until_ns)
            for row in ledger_rows(one)
        ]
        return _page(call, rows, lambda row: str(row["id"]), 1000)

    def _query(self, call: Call) -> ListQuery:
        product, since, until = (
            call.query.get(name, "") for name in ("product_id", "start_date", "end_date")
        )
        return ListQuery(
            symbol=self._entry.instrument(product).symbol if product else None,
            order_id=call.query.get("order_id", ""),
            since_ns=parse_rfc3339(since) if since else None,
            until_ns=parse_rfc3339(until) if until else None,
        )


def _page(call: Call, rows: Sequence[Row], name: Callable[[Row], str], most: int) -> Answer:
    left = older_than(rows, name, call.query.get("after", ""))
    shown = left[: count(call, "limit", 100, most)]
    headers = {"CB-BEFORE": name(shown[0])} if shown else {}
    if len(shown) < len(left):
        headers["CB-AFTER"] = name(shown[-1])
    return answer(shown, 200, headers)


def _named(name: str) -> tuple[str, str]:
    """An id of the venue's, or a client order id."""
    if name.startswith(_CLIENT):
        return "", name_of(name.removeprefix(_CLIENT))
    return name, ""


def _is_named(state: OrderState, order_id: str, client: str) -> bool:
    update = state.update
    return update.order_id == order_id if order_id else update.client_order_id == client


def _refused(error: CommandRefused) -> VenueRefused:
    status = "404" if error.refusal is Refusal.UNKNOWN_ORDER else "400"
    return VenueRefused(_TEXTS.get(error.refusal, f"invalid order: {error}"), status)


def _invalid(name: str) -> VenueRefused:
    return VenueRefused(f"Invalid {name[:40]}", "400")
