"""Advanced Trade's simulated REST calls of an account: its lists, and its commands.

https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api. Lists are newest first and
go on behind a cursor, which here is how many rows came before.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from msgspec import MsgspecError

from fluxum.errors import BadInput, VenueRefused
from fluxum.model.instant import parse_rfc3339
from fluxum.venues.coinbase.server.private.access import admit
from fluxum.venues.coinbase.server.private.order_entry import AdvancedOrders
from fluxum.venues.coinbase.server.private.rows import (
    Row,
    account_row,
    fill_row,
    listed_row,
    status_word,
    wallet_row,
)
from fluxum.venues.coinbase.symbols import format_symbol
from fluxum.venues.conversation import Fetch
from fluxum.venues.server.account_lists import ListQuery, opened_ns, page
from fluxum.venues.server.accounts import Account, OrderFault
from fluxum.venues.server.contract import Answer, ExchangeView
from fluxum.venues.server.rest_router import Call, answer, count, not_found, query_number

__all__ = ["AccountRest"]

Item = TypeVar("Item")

_MAX = 250
_OPEN = frozenset({"OPEN", "PENDING", "QUEUED"})


class AccountRest:
    """Answers the signed calls about accounts."""

    def __init__(self, view: ExchangeView) -> None:
        self._view = view
        self._entry = AdvancedOrders(view)

    def answer(self, fetch: Fetch, call: Call, parts: Sequence[str], now_ns: int) -> Answer:
        """The answer to any call of an account; `parts` are those of its path."""
        try:
            account = admit(self._view.accounts, fetch, now_ns)
            if fetch.method == "POST":
                return self._command(account, parts, fetch.body)
            return self._list(account, call, parts)
        except VenueRefused as error:
            return answer({"error": str(error), "message": str(error)}, int(error.code))
        except (MsgspecError, UnicodeDecodeError, BadInput) as error:
            return answer({"error": "INVALID_ARGUMENT", "message": str(error)}, 400)

    # Commands

    def _command(self, account: Account, parts: Sequence[str], body: bytes) -> Answer:
        accounts = self._view.accounts
        if self._view.status == "maintenance" or accounts.roll_fault(OrderFault.CUT_OFF):
            return answer({"error": "UNAVAILABLE", "message": "upstream is unavailable"}, 503)
        match parts:
            case ("orders",):
                placed = self._entry.place(account, body)
                if accounts.roll_fault(OrderFault.LOST_ANSWER):
                    return answer({"error": "TIMEOUT", "message": "upstream timed out"}, 504)
                return answer(placed)
            case ("orders", "edit"):
                return answer(self._entry.edit(account, body))
            case ("orders", "batch_cancel"):
                return answer(self._entry.cancel(account, body))
            case _:
                return not_found()

    # Lists

    def _list(self, account: Account, call: Call, parts: Sequence[str]) -> Answer:
        match parts:
            case ("v2", "accounts"):
                wallets = [wallet_row(one) for one in account.balances()]
                return answer({"pagination": {"next_starting_after": None}, "data": wallets})
            case ("accounts",):
                return _page(call, "accounts", account.balances(), account_row)
            case ("accounts", name):
                found = [row for row in map(account_row, account.balances()) if row["uuid"] == name]
                return answer({"account": found[0]}) if found else not_found()
            case ("key_permissions",):
                return answer({"can_view": True, "can_trade": True, "can_transfer": False})
            case ("transaction_summary",):
                maker, taker = (f"{rate:f}" for rate in account.rates)
                return answer({"fee_tier": {"maker_fee_rate": maker, "taker_fee_rate": taker}})
            case ("orders", "historical", "batch"):
                return self._orders(account, call)
            case ("orders", "historical", "fills"):
                return self._fills(account, call)
            case ("orders", "historical", order_id):
                state = account.order(order_id)
                return not_found() if state is None else answer({"order": listed_row(state)})
            case _:
                return not_found()

    def _orders(self, account: Account, call: Call) -> Answer:
        """By when they were placed; open ones and others are not listed together."""
        statuses, markets = set(call.every("order_status")), call.every("product_ids")
        if statuses & _OPEN and statuses - _OPEN:
            raise BadInput("OPEN cannot be combined with other statuses")
        states = [] if statuses & _OPEN else [*account.ended]
        states += [] if statuses - _OPEN else account.open_orders()
        query = ListQuery(
            since_ns=_instant(call, "start_date"), until_ns=_instant(call, "end_date")
        )
        found = [
            one
            for one in query.orders(sorted(states, key=opened_ns))
            if (not markets or format_symbol(one.update.symbol) in markets)
            and (not statuses or status_word(one) in statuses)
        ]
        return _page(call, "orders", found, listed_row)

    def _fills(self, account: Account, call: Call) -> Answer:
        markets = call.every("product_ids")
        ids = {*call.every("order_ids"), *call.every("order_id")}
        names = ("start_sequence_timestamp", "end_sequence_timestamp")
        since_ns, until_ns = (_instant(call, name) for name in names)
        found = [
            one.fill
            for one in ListQuery(since_ns=since_ns, until_ns=until_ns).trades(account.trades)
            if one.fill is not None
            and (not ids or one.fill.order_id in ids)
            and (not markets or format_symbol(one.fill.symbol) in markets)
        ]
        return _page(call, "fills", found, fill_row)


def _page(call: Call, name: str, items: Sequence[Item], row: Callable[[Item], Row]) -> Answer:
    limit, invalid = count(call, "limit", 100, _MAX), BadInput("a cursor was expected")
    offset = query_number({"cursor": call.query.get("cursor") or "0"}, "cursor", 0, invalid)
    found, after = page(items, limit, offset)
    rows: dict[str, object] = {name: [row(one) for one in found], "has_next": after is not None}
    return answer({**rows, "cursor": "" if after is None else str(after), "size": limit})


def _instant(call: Call, name: str) -> int | None:
    text = call.query.get(name)
    return parse_rfc3339(text) if text else None
