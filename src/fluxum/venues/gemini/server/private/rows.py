"""An account's orders, fills and balances as Gemini writes them, in events and lists.

The keys are those of the payloads quoted in `private.native`.
"""

from fluxum.model.account import Balance, EntryKind, LedgerEntry, Liquidity
from fluxum.model.order import OrderStatus, OrderType, OrderUpdate
from fluxum.venues.gemini.private.words import LIMIT, MAKER, OPTIONS, STOP_LIMIT
from fluxum.venues.gemini.symbols import lower, upper
from fluxum.venues.server.accounts import OrderEventKind, OrderHappening, OrderState
from fluxum.venues.server.formats import millis, number

__all__ = [
    "TRANSFERS",
    "Row",
    "event_rows",
    "funds_row",
    "initial_row",
    "order_row",
    "trade_row",
    "transfer_row",
]

TRANSFERS = {EntryKind.DEPOSIT: "Deposit", EntryKind.WITHDRAWAL: "Withdrawal"}

Row = dict[str, object]

_TYPES = {OrderType.LIMIT: LIMIT, OrderType.STOP_LOSS_LIMIT: STOP_LIMIT}
_REASONS = {
    "User requested": "Requested",
    "Immediate or cancel": "ImmediateOrCancelWouldPost",
    "No liquidity": "ImmediateOrCancelWouldPost",
    "Fill or kill": "FillOrKillWouldNotFill",
    "Insufficient funds": "ExceedsPriceLimits",
}
_EVENTS = {
    OrderEventKind.PENDING: ("accepted",),
    OrderEventKind.OPENED: ("booked",),
    OrderEventKind.TRADED: ("fill",),
    OrderEventKind.FILLED: ("closed",),
    OrderEventKind.CANCELED: ("cancelled", "closed"),
    OrderEventKind.EXPIRED: ("cancelled", "closed"),
}


def order_row(state: OrderState) -> Row:
    """An order of a list."""
    update = state.update
    option = _option(update)
    return {
        "id": update.order_id,
        "exchange": "gemini",
        "was_forced": False,
        "type": _type(update),
        "options": [option] if option else [],
        **_common(state, update.opened_ns or update.venue_ns),
    }


def initial_row(state: OrderState) -> Row:
    """An order that is open as the link of events opens."""
    placed_ns = state.update.opened_ns or state.update.venue_ns
    return {"type": "initial", "order_type": _type(state.update), **_common(state, placed_ns)}


def event_rows(happening: OrderHappening) -> list[Row]:
    """The events of what happened to an order, none for what has none at the venue."""
    state, fill = happening.order, happening.fill
    update, option = state.update, _option(state.update)
    rests = update.order_type.has_limit and (not option or option == MAKER)
    row = {
        "event_id": f"{update.order_id}-{happening.venue_ns}",
        "order_type": _type(update),
        **({"behavior": option} if option else {}),
        **_common(state, happening.venue_ns),
    }
    if fill is not None:
        (fee,) = fill.fees or (None,)
        row["fill"] = {
            "trade_id": fill.fill_id,
            "liquidity": "Maker" if fill.liquidity is Liquidity.MAKER else "Taker",
            "price": number(fill.price),
            "amount": number(fill.quantity),
            "fee": "0" if fee is None else number(fee.amount),
            "fee_currency": "" if fee is None else fee.asset,
        }
    kinds = _EVENTS.get(happening.what, ())
    return [{"type": kind, **row} for kind in kinds if rests or kind != "booked"]


def trade_row(happening: OrderHappening) -> Row:
    """A fill of the list."""
    fill = happening.fill
    assert fill is not None, "a trade has its fill"
    (fee,) = fill.fees or (None,)
    name = fill.client_order_id
    return {
        "price": number(fill.price),
        "amount": number(fill.quantity),
        "timestamp": millis(fill.venue_ns) // 1000,
        "timestampms": millis(fill.venue_ns),
        "type": fill.side.value.capitalize(),
        "aggressor": fill.liquidity is Liquidity.TAKER,
        "fee_currency": "" if fee is None else fee.asset,
        "fee_amount": "0" if fee is None else number(fee.amount),
        "tid": fill.fill_id,
        "order_id": fill.order_id,
        "exchange": "gemini",
        "is_clearing_fill": False,
        "symbol": upper(fill.symbol),
        **({"client_order_id": name} if name else {}),
    }


def funds_row(balance: Balance) -> Row:
    """What is held of an asset."""
    available = number(balance.total - (balance.held or 0))
    return {
        "type": "exchange",
        "currency": balance.asset,
        "amount": number(balance.total),
        "available": available,
        "availableForWithdrawal": available,
    }


def transfer_row(entry: LedgerEntry) -> Row:
    """A deposit or a withdrawal, which is complete."""
    return {
        "type": TRANSFERS[entry.kind],
        "status": "Complete",
        "timestampms": millis(entry.venue_ns),
        "eid": entry.entry_id,
        "currency": entry.asset,
        "amount": number(abs(entry.amount)),
    }


def _common(state: OrderState, instant_ns: int) -> Row:
    update = state.update
    name = update.client_order_id
    is_cancelled = update.status in {OrderStatus.CANCELED, OrderStatus.EXPIRED}
    row: Row = {
        "order_id": update.order_id,
        "symbol": lower(update.symbol),
        "side": update.side.value,
        "timestamp": str(millis(instant_ns) // 1000),
        "timestampms": millis(instant_ns),
        "is_live": not update.status.is_final,
        "is_cancelled": is_cancelled,
        "is_hidden": False,
        "avg_execution_price": number(update.average_price) or "0.00",
        "executed_amount": number(update.filled),
        "remaining_amount": number(max(update.remaining, update.quantity * 0)),
        "original_amount": number(update.quantity),
    }
    given = {
        "client_order_id": name,
        "price": number(update.limit_price),
        "stop_price": number(update.trigger_price),
        "reason": _REASONS.get(update.reason, "Requested") if is_cancelled else "",
    }
    return row | {key: value for key, value in given.items() if value}


def _type(update: OrderUpdate) -> str:
    return _TYPES.get(update.order_type, f"market {update.side.value}")


def _option(update: OrderUpdate) -> str:
    if update.post_only:
        return MAKER
    return OPTIONS[update.time_in_force] if update.order_type is OrderType.LIMIT else ""
