"""An account's orders, executions and entries as the Exchange writes them, in frames and lists.

The keys are those of the payloads quoted in `exchange.private.native`.
"""

from collections.abc import Iterator
from decimal import Decimal

from fluxum.model.account import Balance, EntryKind, Fill, LedgerEntry, Liquidity
from fluxum.model.order import OrderStatus, OrderType
from fluxum.venues.coinbase.exchange.private.commands import NAMES, wire_name
from fluxum.venues.coinbase.exchange.private.words import (
    ENTRIES,
    LIQUIDITY,
    SIDES,
    STATUSES,
    STOPS,
    TIMES_IN_FORCE,
)
from fluxum.venues.coinbase.instants import instant_text
from fluxum.venues.coinbase.symbols import format_symbol
from fluxum.venues.server.accounts import OrderEventKind, OrderHappening, OrderState
from fluxum.venues.server.formats import number
from fluxum.venues.triggers import rises

__all__ = [
    "Row",
    "account_id",
    "account_row",
    "balance_frame",
    "fill_row",
    "frames",
    "ledger_rows",
    "order_row",
]

Row = dict[str, object]

_ZERO = Decimal(0)
_OTHER_ORDER = "00000000-0000-0000-0000-000000000000"
_REASONS = {
    "Immediate or cancel": "101:Time In Force",
    "Fill or kill": "101:Time In Force",
    "Self trade": "102:Self Trade Prevention",
    "Insufficient funds": "105:Insufficient Funds",
    "No liquidity": "106:Insufficient Liquidity",
}
_TRANSFERS = {EntryKind.DEPOSIT: "deposit", EntryKind.WITHDRAWAL: "withdraw"}


def account_id(asset: str) -> str:
    """The id of the account of an asset."""
    return f"00000000-0000-0000-0000-{asset:0>12.12}"


def account_row(balance: Balance) -> Row:
    """The account of an asset."""
    held = balance.held or _ZERO
    return {
        "id": account_id(balance.asset),
        "currency": balance.asset,
        "balance": number(balance.total),
        "hold": number(held),
        "available": number(balance.total - held),
        "profile_id": _OTHER_ORDER,
        "trading_enabled": True,
    }


def balance_frame(balance: Balance, now_ns: int) -> Row:
    """What is held of an asset that has changed."""
    held = balance.held or _ZERO
    return {
        "type": "balance",
        "account_id": account_id(balance.asset),
        "currency": balance.asset,
        "holds": number(held),
        "available": number(balance.total - held),
        "updated": instant_text(now_ns),
        "timestamp": instant_text(now_ns),
    }


def order_row(state: OrderState) -> Row:
    """An order of a list."""
    update, request = state.update, state.request
    kind = update.order_type
    row = {
        "id": update.order_id,
        "product_id": format_symbol(update.symbol),
        "profile_id": _OTHER_ORDER,
        "side": SIDES[update.side],
        "type": "market" if kind is OrderType.MARKET else "limit",
        "size": number(request.quantity),
        "funds": number(request.quote_quantity),
        "price": number(update.limit_price),
        "client_oid": _name(update.client_order_id),
        "time_in_force": TIMES_IN_FORCE[update.time_in_force] if kind.has_limit else "",
        "max_floor": number(update.display_quantity),
        "stop_price": number(update.trigger_price),
        "stop": STOPS[rises(update.side, kind)] if kind.is_triggered else "",
        "done_at": "" if state.closed_ns is None else instant_text(state.closed_ns),
        "done_reason": _done_reason(update.status) if update.status.is_final else "",
        "cancel_reason": _REASONS.get(update.reason, ""),
    }
    return {
        **{name: value for name, value in row.items() if value != ""},
        "post_only": update.post_only,
        "created_at": instant_text(update.opened_ns or update.venue_ns),
        "fill_fees": number(state.fee),
        "filled_size": number(update.filled),
        "executed_value": number(update.cost),
        "status": _status(update.status),
        "settled": update.status is OrderStatus.FILLED,
    }


def fill_row(fill: Fill) -> Row:
    """An execution of a list."""
    return {
        "created_at": instant_text(fill.venue_ns),
        "trade_id": int(fill.fill_id),
        "product_id": format_symbol(fill.symbol),
        "order_id": fill.order_id,
        "profile_id": _OTHER_ORDER,
        "liquidity": LIQUIDITY[fill.liquidity or Liquidity.TAKER],
        "price": number(fill.price),
        "size": number(fill.quantity),
        "fee": number(sum((fee.amount for fee in fill.fees or ()), _ZERO)),
        "side": SIDES[fill.side],
        "settled": True,
    }


def ledger_rows(entry: LedgerEntry) -> list[Row]:
    """An entry, newest first: the fee of a trade is one by itself."""
    balance = entry.balance or _ZERO
    details: Row = {"transfer_type": _TRANSFERS[entry.kind]} if entry.kind in _TRANSFERS else {}
    if entry.kind is EntryKind.TRADE:
        details = {"trade_id": entry.reference_id, "order_id": "", "product_id": ""}
    common: Row = {"created_at": instant_text(entry.venue_ns), "details": details}
    kind = EntryKind.TRANSFER if entry.kind in _TRANSFERS else entry.kind
    row = {
        **common,
        "id": entry.entry_id,
        "amount": number(entry.amount),
        "balance": number(balance + entry.fee),
        "type": ENTRIES[kind],
    }
    if not entry.fee:
        return [row]
    fee = {
        **common,
        "id": f"{entry.entry_id}/fee",
        "amount": number(-entry.fee),
        "balance": number(balance),
        "type": ENTRIES[EntryKind.FEE],
    }
    return [fee, row]


def frames(change: OrderHappening) -> Iterator[Row]:
    """What the channel `user` says about a change of an order.

    Any limit order that may rest is said to rest first, though it may trade at once.
    """
    update, request = change.order.update, change.order.request
    head: Row = {
        "time": instant_text(change.venue_ns),
        "product_id": format_symbol(update.symbol),
        "sequence": change.venue_ns // 1000,
        "side": SIDES[update.side],
        "order_id": update.order_id,
    }
    price: Row = {} if update.limit_price is None else {"price": number(update.limit_price)}
    left: Row = {"remaining_size": number(update.remaining)} if update.order_type.has_limit else {}
    match change.what:
        case OrderEventKind.PENDING if change.order.is_triggered is False:
            yield _activate(change)
        case OrderEventKind.OPENED:
            name = _name(update.client_order_id)
            kind = "limit" if update.order_type.has_limit else "market"
            size = {"size": number(request.quantity), "funds": number(request.quote_quantity)}
            given = {key: value for key, value in {**size, "client_oid": name}.items() if value}
            yield {"type": "received", **head, **price, **given, "order_type": kind}
            if update.order_type.has_limit and update.time_in_force.value == "gtc":
                yield {"type": "open", **head, **price, **left}
        case OrderEventKind.TRADED if change.fill is not None:
            yield _match(change.fill, head)
        case OrderEventKind.FILLED:
            yield {"type": "done", **head, **price, **left, "reason": "filled"}
        case OrderEventKind.CANCELED | OrderEventKind.EXPIRED:
            why = _REASONS.get(update.reason, "")
            reason = {"cancel_reason": why} if why else {}
            yield {"type": "done", **head, **price, **left, "reason": "canceled", **reason}
        case _:
            return


def _activate(change: OrderHappening) -> Row:
    update, name = change.order.update, _name(change.order.update.client_order_id)
    seconds, nanos = divmod(change.venue_ns, 1_000_000_000)
    return {
        "type": "activate",
        "product_id": format_symbol(update.symbol),
        "timestamp": f"{seconds}.{nanos:09d}",
        "order_id": update.order_id,
        "client_oid": name,
        "stop_type": STOPS[rises(update.side, update.order_type)],
        "side": SIDES[update.side],
        "stop_price": number(update.trigger_price),
        "limit_price": number(update.limit_price),
        "size": number(update.quantity),
        "private": True,
    }


def _match(fill: Fill, head: Row) -> Row:
    is_maker = fill.liquidity is Liquidity.MAKER
    ids = (fill.order_id, _OTHER_ORDER) if is_maker else (_OTHER_ORDER, fill.order_id)
    maker_side = fill.side if is_maker else next(one for one in SIDES if one is not fill.side)
    return {
        "type": "match",
        **{name: value for name, value in head.items() if name != "order_id"},
        "trade_id": int(fill.fill_id),
        "maker_order_id": ids[0],
        "taker_order_id": ids[1],
        "size": number(fill.quantity),
        "price": number(fill.price),
        "side": SIDES[maker_side],
    }


def _name(client_order_id: str) -> str:
    return wire_name(client_order_id) if NAMES.allows(client_order_id) else client_order_id


def _status(status: OrderStatus) -> str:
    if status.is_final:
        return "done"
    return STATUSES[OrderStatus.PENDING if status is OrderStatus.PENDING else OrderStatus.OPEN]


def _done_reason(status: OrderStatus) -> str:
    return "filled" if status is OrderStatus.FILLED else "canceled"
