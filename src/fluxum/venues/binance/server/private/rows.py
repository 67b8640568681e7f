"""An account's orders, executions and balances as Binance writes them, in streams and lists.

The keys are those of the payloads quoted in `private.native`.
"""

from decimal import Decimal

from fluxum.model.account import Balance, Fill, Liquidity
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus, OrderType
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.private.names import split_order_id
from fluxum.venues.binance.private.native import ORDER_NAMES
from fluxum.venues.binance.private.words import (
    POST_ONLY,
    SELF_TRADES,
    SIDES,
    STATUSES,
    TIMES_IN_FORCE,
    TYPES,
)
from fluxum.venues.binance.server.formats import plain
from fluxum.venues.server.accounts import OrderEventKind, OrderHappening, OrderState
from fluxum.venues.server.formats import millis

__all__ = ["Row", "balance_row", "fill_row", "order_row", "report", "trade_row"]

Row = dict[str, object]

_ZERO = Decimal(0)
_STATUSES = {**STATUSES, OrderStatus.PENDING: "NEW"}
# Orders that the exchange ends by itself: status, execution type, reason.
_ENDS = {
    "No liquidity": ("EXPIRED", "EXPIRED", "INSUFFICIENT_LIQUIDITY"),
    "Immediate or cancel": ("EXPIRED", "EXPIRED", "UNFILLED_IOC_QUANTITY_EXPIRED"),
    "Fill or kill": ("EXPIRED", "EXPIRED", "UNFILLED_FOK_ORDER_EXPIRED"),
    "Self trade": ("EXPIRED_IN_MATCH", "TRADE_PREVENTION", ""),
}
_EXECUTIONS = {
    OrderEventKind.TRADED: "TRADE",
    OrderEventKind.AMENDED: "REPLACED",
    OrderEventKind.CANCELED: "CANCELED",
    OrderEventKind.EXPIRED: "EXPIRED",
}


def order_row(policy: Policy, state: OrderState) -> Row:
    """An order, whole. The quantity of one that spends an amount is what is filled."""
    update, request = state.update, state.request
    kind, rule = update.order_type, request.self_trade
    is_canceled = update.status is OrderStatus.CANCELED
    status = _ENDS.get(update.reason, ("CANCELED",))[0]
    is_trailing = kind is OrderType.TRAILING_STOP and request.trigger is not None
    opened_ms = millis(update.opened_ns or update.venue_ns)
    return {
        "symbol": policy.format_symbol(update.symbol),
        "orderId": split_order_id(update.order_id)[1],
        "orderListId": -1,
        "clientOrderId": update.client_order_id,
        "price": plain(update.limit_price),
        "origQty": plain(update.filled if request.quantity is None else request.quantity),
        "executedQty": plain(update.filled),
        "origQuoteOrderQty": plain(request.quote_quantity),
        "cummulativeQuoteQty": plain(update.cost),
        "status": status if is_canceled else _STATUSES[update.status],
        "timeInForce": TIMES_IN_FORCE.get(update.time_in_force, "GTC"),
        "type": POST_ONLY if update.post_only else _type(kind),
        "side": SIDES[update.side],
        "stopPrice": plain(_ZERO if is_trailing else update.trigger_price),
        "trailingDelta": int(request.trigger.price * 100)
        if is_trailing and request.trigger
        else -1,
        "icebergQty": plain(update.display_quantity),
        "time": opened_ms,
        "updateTime": millis(update.venue_ns),
        "isWorking": state.is_triggered is not False,
        "workingTime": opened_ms,
        "selfTradePreventionMode": "NONE" if rule is None else SELF_TRADES[rule],
    }


def report(policy: Policy, change: OrderHappening, cancel_name: str) -> Row:
    """The report of what happened to an order; `cancel_name` is that of a cancel."""
    state, fill = change.order, change.fill
    update = state.update
    row = order_row(policy, state)
    short = {name: row[long] for long, name in ORDER_NAMES.items()}
    kind, reason = _EXECUTIONS.get(change.what, "NEW"), ""
    if change.what is OrderEventKind.CANCELED:
        _, kind, reason = _ENDS.get(update.reason, ("", kind, ""))
    named = {"c": cancel_name, "C": update.client_order_id} if kind == "CANCELED" else {"C": ""}
    fee = None if fill is None or not fill.fees else fill.fees[0]
    return {
        "e": "executionReport",
        **short,
        **named,
        "g": -1,
        "x": kind,
        "r": "NONE",
        **({"eR": reason} if reason else {}),
        "l": plain(None if fill is None else fill.quantity),
        "L": plain(None if fill is None else fill.price),
        "Y": plain(change.cost),
        "n": "0" if fee is None else plain(fee.amount),
        "N": None if fee is None else fee.asset,
        "t": -1 if fill is None else int(fill.fill_id),
        "I": change.venue_ns // 1000,
        "m": fill is not None and fill.liquidity is Liquidity.MAKER,
        "M": False,
        "W": row["workingTime"],
        "V": row["selfTradePreventionMode"],
        "T": millis(change.venue_ns),
    }


def trade_row(policy: Policy, change: OrderHappening) -> Row:
    """An execution of a list."""
    fill = change.fill
    assert fill is not None, "every execution is a fill"
    commission = fill_row(fill)
    return {
        "symbol": policy.format_symbol(fill.symbol),
        "id": commission.pop("tradeId"),
        "orderId": split_order_id(fill.order_id)[1],
        "orderListId": -1,
        **commission,
        "quoteQty": plain(change.cost),
        "time": millis(fill.venue_ns),
        "isBuyer": fill.side is Side.BUY,
        "isMaker": fill.liquidity is Liquidity.MAKER,
        "isBestMatch": True,
    }


def fill_row(fill: Fill) -> Row:
    """An execution in the answer to an order."""
    (fee,) = fill.fees or (None,)
    return {
        "price": plain(fill.price),
        "qty": plain(fill.quantity),
        "commission": plain(None if fee is None else fee.amount),
        "commissionAsset": fill.symbol.quote if fee is None else fee.asset,
        "tradeId": int(fill.fill_id),
    }


def balance_row(balance: Balance, asset: str, free: str, locked: str) -> Row:
    """What is held of an asset, under three names."""
    held = balance.held or _ZERO
    return {asset: balance.asset, free: plain(balance.total - held), locked: plain(held)}


def _type(kind: OrderType) -> str:
    return TYPES.get(kind) or ("LIMIT" if kind.has_limit else "STOP_LOSS")
