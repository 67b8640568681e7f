"""An account's orders, executions, coins and log as Bybit writes them, in streams and lists alike.

The keys are those of the payloads quoted in `private.native`.
"""

from decimal import Decimal

from fluxum.model.account import Balance, EntryKind, LedgerEntry, Liquidity
from fluxum.model.order import OrderStatus, OrderUpdate
from fluxum.model.position import Forced
from fluxum.venues.bybit.category import SPOT, Category
from fluxum.venues.bybit.private.words import (
    FORCED_FILLS,
    FORCED_ORDERS,
    REFERENCES,
    SIDES,
    STATUSES,
    TIMES_IN_FORCE,
)
from fluxum.venues.server.accounts import (
    Account,
    Funding,
    OrderHappening,
    OrderState,
    PositionState,
)
from fluxum.venues.server.formats import millis, number
from fluxum.venues.triggers import rises

__all__ = [
    "Row",
    "coin_row",
    "entry_row",
    "execution_row",
    "funding_row",
    "order_row",
    "position_row",
]

Row = dict[str, object]

_ZERO = Decimal(0)
_REASONS = {
    "User requested": "EC_PerCancelRequest",
    "Post only order": "EC_PostOnlyWillTakeLiquidity",
    "Immediate or cancel": "EC_NoImmediateQtyToFill",
    "No liquidity": "EC_NoImmediateQtyToFill",
    "Fill or kill": "EC_CancelForNoFullFill",
}
_FORCED_FILLS: dict[Forced | None, str] = {forced: word for word, forced in FORCED_FILLS.items()}
_FORCED_ORDERS: dict[Forced | None, str] = {
    forced: word for word, forced in reversed(FORCED_ORDERS.items())
}
_ENTRIES = {
    EntryKind.TRADE: "TRADE",
    EntryKind.DEPOSIT: "TRANSFER_IN",
    EntryKind.WITHDRAWAL: "TRANSFER_OUT",
    EntryKind.FUNDING: "SETTLEMENT",
}


def order_row(category: Category, state: OrderState) -> Row:
    """An order, whole."""
    update, request = state.update, state.request
    kind = update.order_type
    quantity = request.quantity if request.quote_quantity is None else request.quote_quantity
    is_canceled = update.reason == "User requested"
    direction = 1 if rises(update.side, kind) else 2
    return {
        "category": category.name,
        "symbol": category.format_symbol(update.symbol),
        "orderId": update.order_id,
        "orderLinkId": update.client_order_id,
        "side": SIDES[update.side],
        "positionIdx": 0,
        "orderStatus": _status(category, state),
        "cancelType": "CancelByUser" if is_canceled else "UNKNOWN",
        "rejectReason": _REASONS.get(update.reason, "EC_NoError"),
        "timeInForce": _time_in_force(update),
        "price": number(update.limit_price or _ZERO),
        "qty": number(quantity),
        "marketUnit": _market_unit(category, state),
        "avgPrice": number(update.average_price),
        "leavesQty": number(max(update.remaining, _ZERO)),
        "cumExecQty": number(update.filled),
        "cumExecValue": number(update.cost),
        "orderType": "Limit" if kind.has_limit else "Market",
        "createType": _FORCED_ORDERS.get(update.forced, "CreateByUser"),
        "stopOrderType": "Stop" if kind.is_triggered else "",
        "triggerPrice": number(update.trigger_price or _ZERO),
        "triggerDirection": direction if kind.is_triggered else 0,
        "triggerBy": "" if request.trigger is None else REFERENCES[request.trigger.reference],
        "reduceOnly": update.reduce_only,
        "createdTime": str(millis(update.opened_ns or update.venue_ns)),
        "updatedTime": str(millis(update.venue_ns)),
    }


def execution_row(category: Category, happening: OrderHappening) -> Row:
    """An execution."""
    state, fill = happening.order, happening.fill
    assert fill is not None, "an execution has its fill"
    (fee,) = fill.fees or (None,)
    worth = fill.price * fill.quantity if fee and fee.asset == fill.symbol.quote else fill.quantity
    rate = _ZERO if fee is None else fee.amount / worth
    return {
        "category": category.name,
        "symbol": category.format_symbol(fill.symbol),
        "execFee": number(_ZERO if fee is None else fee.amount),
        "feeCurrency": "" if fee is None else fee.asset,
        "execId": fill.fill_id,
        "execPrice": number(fill.price),
        "execQty": number(fill.quantity),
        "execType": _FORCED_FILLS.get(fill.forced, "Trade"),
        "execValue": number(happening.cost),
        "feeRate": number(rate.quantize(Decimal("0.000001"))),
        "leavesQty": number(max(state.update.remaining, _ZERO)),
        "orderId": fill.order_id,
        "orderLinkId": fill.client_order_id,
        "orderPrice": number(state.update.limit_price or _ZERO),
        "orderQty": number(state.request.quantity),
        "orderType": "Limit" if state.update.order_type.has_limit else "Market",
        "side": SIDES[fill.side],
        "execTime": str(millis(fill.venue_ns)),
        "isMaker": fill.liquidity is Liquidity.MAKER,
        "extraFees": "",
        "seq": millis(fill.venue_ns),
    }


def funding_row(category: Category, paid: Funding) -> Row:
    """The execution of a funding payment; its fee is what was paid."""
    return {
        "category": category.name,
        "symbol": category.format_symbol(paid.symbol),
        "execFee": number(-paid.entry.amount),
        "feeCurrency": paid.entry.asset,
        "execId": paid.entry.reference_id,
        "execPrice": number(paid.mark_price),
        "execQty": number(abs(paid.quantity)),
        "execType": "Funding",
        "execValue": number(abs(paid.quantity) * paid.mark_price),
        "feeRate": number(paid.rate),
        "leavesQty": "0",
        "orderId": paid.entry.reference_id,
        "orderLinkId": "",
        "side": "Buy" if paid.quantity > 0 else "Sell",
        "execTime": str(millis(paid.entry.venue_ns)),
        "isMaker": False,
        "extraFees": "",
        "seq": millis(paid.entry.venue_ns),
    }


def position_row(category: Category, state: PositionState, *, is_listed: bool = False) -> Row:
    """A position, of the stream or of the list."""
    quantity = state.quantity
    side = "" if not quantity else "Buy" if quantity > 0 else "Sell"
    return {
        "positionIdx": 0,
        "tradeMode": 0,
        "riskId": 1,
        "symbol": category.format_symbol(state.symbol),
        "side": side,
        "size": number(abs(quantity)),
        "avgPrice" if is_listed else "entryPrice": number(state.entry_price or _ZERO),
        "leverage": "10",
        "positionValue": number(abs(quantity) * (state.entry_price or _ZERO)),
        "markPrice": number(state.mark_price),
        "liqPrice": number(state.liquidation_price),
        "bustPrice": "",
        "unrealisedPnl": number(state.unrealised),
        "positionStatus": "Normal",
        "adlRankIndicator": 2 if quantity else 0,
        "category": category.name,
        "autoAddMargin": 0,
        "createdTime": str(millis(state.opened_ns)),
        "updatedTime": str(millis(state.changed_ns)),
        "seq": millis(state.changed_ns),
        "isReduceOnly": False,
    }


def coin_row(category: Category, balance: Balance) -> Row:
    """What is held of an asset; what orders hold is in a field of its category."""
    held, is_spot = number(balance.held or _ZERO), category is SPOT
    return {
        "coin": balance.asset,
        "equity": number(balance.total),
        "walletBalance": number(balance.total),
        "locked": held if is_spot else "0",
        "totalOrderIM": "0" if is_spot else held,
        "borrowAmount": "0",
        "spotBorrow": "0",
        "unrealisedPnl": "0",
    }


def entry_row(category: Category, account: Account, entry: LedgerEntry) -> Row:
    """A row of the transaction log."""
    is_trade, funding = entry.kind is EntryKind.TRADE, account.funding(entry)
    about = {} if funding is None else _about_funding(category, funding)
    return {
        "id": entry.entry_id,
        "category": category.name if is_trade else "",
        "type": _ENTRIES.get(entry.kind, "TRANSFER_IN"),
        "transSubType": "",
        "currency": entry.asset,
        "cashFlow": number(entry.amount),
        "funding": "",
        "fee": number(entry.fee),
        "change": number(entry.change),
        "cashBalance": number(entry.balance),
        "tradeId": entry.reference_id if is_trade else "",
        "transactionTime": str(millis(entry.venue_ns)),
        **about,
    }


def _about_funding(category: Category, paid: Funding) -> Row:
    return {
        "category": category.name,
        "symbol": category.format_symbol(paid.symbol),
        "side": "Buy" if paid.quantity > 0 else "Sell",
        "size": number(abs(paid.quantity)),
        "qty": number(abs(paid.quantity)),
        "tradePrice": number(paid.mark_price),
        "feeRate": number(paid.rate),
        "cashFlow": "0",
        "funding": number(paid.entry.amount),
        "tradeId": paid.entry.reference_id,
    }


def _status(category: Category, state: OrderState) -> str:
    """A market buy by value leaves dust, and ends as one that was filled in part."""
    update = state.update
    is_part = update.status is OrderStatus.CANCELED and bool(update.filled)
    is_spent = update.status is OrderStatus.FILLED and state.request.quote_quantity is not None
    if category is SPOT and (is_part or is_spent):
        return "PartiallyFilledCanceled"
    return STATUSES.get(update.status, "Rejected")


def _time_in_force(update: OrderUpdate) -> str:
    if update.post_only:
        return "PostOnly"
    is_limit = update.order_type.has_limit
    return TIMES_IN_FORCE.get(update.time_in_force, "GTC") if is_limit else "IOC"


def _market_unit(category: Category, state: OrderState) -> str:
    if category is not SPOT or state.update.order_type.has_limit:
        return ""
    return "baseCoin" if state.request.quote_quantity is None else "quoteCoin"
