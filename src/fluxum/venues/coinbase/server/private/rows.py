"""An account's orders, trades and balances as Advanced Trade writes them.

The keys are those of the payloads quoted in `private.native`. Those of a stream and of a list are
not the same.
"""

from decimal import Decimal

from fluxum.model.account import Balance, Fill, Liquidity
from fluxum.model.order import OrderStatus, OrderType, OrderUpdate, TimeInForce
from fluxum.venues.coinbase.advanced.private.commands import configuration
from fluxum.venues.coinbase.advanced.private.words import SIDES, STATUSES, TIMES_IN_FORCE
from fluxum.venues.coinbase.instants import instant_text
from fluxum.venues.coinbase.symbols import format_symbol
from fluxum.venues.server.accounts import OrderState
from fluxum.venues.server.formats import number

__all__ = [
    "Row",
    "account_row",
    "fill_row",
    "listed_row",
    "status_word",
    "streamed_row",
    "wallet_row",
]

Row = dict[str, object]

_ZERO = Decimal(0)
_NEVER = "0001-01-01T00:00:00Z"
_WORDS = {**STATUSES, OrderStatus.PENDING: "OPEN", OrderStatus.PARTIALLY_FILLED: "OPEN"}


def streamed_row(state: OrderState) -> Row:
    """An order as the stream has it; nothing is left of one that ended."""
    update = state.update
    is_over = update.status.is_final
    left = _ZERO if is_over else max(update.remaining, _ZERO)
    return {
        **_common(state),
        "avg_price": number(update.average_price or _ZERO),
        "cancel_reason": update.reason if update.status is OrderStatus.CANCELED else "",
        "cumulative_quantity": number(update.filled),
        "filled_value": number(update.cost),
        "leaves_quantity": number(left),
        "limit_price": number(update.limit_price),
        "order_side": SIDES[update.side],
        "order_type": _type(update).replace("_", " ").title(),
        "post_only": "true" if update.post_only else "false",
        "reject_reason": "",
        "stop_price": number(update.trigger_price),
        "creation_time": _opened(update),
        "end_time": _NEVER,
        "start_time": _NEVER,
    }


def listed_row(state: OrderState) -> Row:
    """An order as lists have it."""
    update, request = state.update, state.request
    edit = {
        "price": number(update.limit_price),
        "size": number(request.quantity),
        "replace_accept_timestamp": instant_text(state.changed_ns),
    }
    return {
        **_common(state),
        "order_configuration": configuration(request),
        "side": SIDES[update.side],
        "created_time": _opened(update),
        "average_filled_price": number(update.average_price or _ZERO),
        "pending_cancel": False,
        "size_in_quote": request.quote_quantity is not None,
        "size_inclusive_of_fees": False,
        "filled_size": number(update.filled),
        "filled_value": number(update.cost),
        "fee": "",
        "order_type": _type(update),
        "reject_reason": "REJECT_REASON_UNSPECIFIED",
        "reject_message": "",
        "cancel_message": update.reason if update.status is OrderStatus.CANCELED else "",
        "settled": update.status is OrderStatus.FILLED,
        "order_placement_source": "RETAIL_ADVANCED",
        "is_liquidation": False,
        "last_fill_time": None,
        "last_update_time": instant_text(update.venue_ns),
        "edit_history": [edit] if state.is_amended else [],
    }


def status_word(state: OrderState) -> str:
    """The word for the status of an order."""
    return _WORDS[state.update.status]


def fill_row(fill: Fill) -> Row:
    """A trade."""
    (fee,) = fill.fees or (None,)
    return {
        "entry_id": fill.fill_id,
        "trade_id": f"T-{fill.fill_id}",
        "order_id": fill.order_id,
        "trade_time": instant_text(fill.venue_ns),
        "trade_type": "FILL",
        "price": number(fill.price),
        "size": number(fill.quantity),
        "commission": number(_ZERO if fee is None else fee.amount),
        "product_id": format_symbol(fill.symbol),
        "sequence_timestamp": instant_text(fill.venue_ns),
        "liquidity_indicator": "MAKER" if fill.liquidity is Liquidity.MAKER else "TAKER",
        "size_in_quote": False,
        "side": SIDES[fill.side],
        "fillSource": "FILL_SOURCE_CLOB",
    }


def account_row(balance: Balance) -> Row:
    """What is held of an asset."""
    held = balance.held or _ZERO
    return {
        "uuid": f"00000000-0000-0000-0000-{balance.asset:0>12.12}",
        "name": f"{balance.asset} Wallet",
        "currency": balance.asset,
        "available_balance": {"value": number(balance.total - held), "currency": balance.asset},
        "default": False,
        "active": True,
        "created_at": "2024-01-01T00:00:00Z",
        "updated_at": "2024-01-01T00:00:00Z",
        "deleted_at": None,
        "type": "ACCOUNT_TYPE_CRYPTO",
        "ready": True,
        "hold": {"value": number(held), "currency": balance.asset},
    }


def wallet_row(balance: Balance) -> Row:
    """The same for the older calls: https://docs.cdp.coinbase.com/coinbase-app/track-apis/accounts."""
    return {
        "id": balance.asset,
        "name": f"{balance.asset} Wallet",
        "primary": True,
        "type": "wallet",
        "currency": {"code": balance.asset},
        "balance": {"amount": number(balance.total), "currency": balance.asset},
    }


def _common(state: OrderState) -> Row:
    update = state.update
    done = update.filled / update.quantity if update.quantity else Decimal(1)
    is_sold = update.side.value == "sell"
    after_fees = update.cost - state.fee if is_sold else update.cost + state.fee
    in_force = update.time_in_force if update.order_type.has_limit else TimeInForce.IOC
    return {
        "order_id": update.order_id,
        "client_order_id": update.client_order_id,
        "product_id": format_symbol(update.symbol),
        "product_type": "SPOT",
        "completion_percentage": f"{100 * done:.2f}",
        "number_of_fills": str(len(state.fill_ids)),
        "status": status_word(state),
        "time_in_force": TIMES_IN_FORCE[in_force],
        "total_fees": number(state.fee),
        "total_value_after_fees": number(after_fees),
        "trigger_status": _trigger_status(state),
    }


def _type(update: OrderUpdate) -> str:
    if update.order_type.is_triggered:
        return "STOP_LIMIT"
    return "MARKET" if update.order_type is OrderType.MARKET else "LIMIT"


def _trigger_status(state: OrderState) -> str:
    if state.is_triggered is None:
        return "INVALID_ORDER_TYPE"
    return "STOP_TRIGGERED" if state.is_triggered else "STOP_PENDING"


def _opened(update: OrderUpdate) -> str:
    return instant_text(update.opened_ns or update.venue_ns)
