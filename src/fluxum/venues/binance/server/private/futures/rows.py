"""An account's orders, executions, balances and lines as USD-M futures write them.

The keys are those of the payloads quoted in `private.futures.native`.
"""

from collections.abc import Mapping
from decimal import Decimal
from zlib import crc32

from fluxum.model.account import Balance, EntryKind, LedgerEntry, Liquidity
from fluxum.model.instrument import Asset
from fluxum.model.order import OrderStatus, OrderType, OrderUpdate, TriggerReference
from fluxum.model.position import Forced
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.private.futures.native import CONDITIONAL_NAMES, ORDER_NAMES
from fluxum.venues.binance.private.futures.words import (
    EXPIRIES,
    POST_ONLY,
    REFERENCES,
    TIMES_IN_FORCE,
    TYPES,
    WAITING,
)
from fluxum.venues.binance.private.names import split_order_id
from fluxum.venues.binance.private.words import SELF_TRADES, SIDES, STATUSES
from fluxum.venues.binance.server.formats import plain
from fluxum.venues.binance.server.private.rows import Row
from fluxum.venues.server.accounts import (
    Account,
    OrderEventKind,
    OrderHappening,
    OrderState,
    PositionState,
)
from fluxum.venues.server.formats import millis

__all__ = [
    "asset_row",
    "conditional_number",
    "conditional_report",
    "conditional_row",
    "income_rows",
    "is_waiting",
    "order_row",
    "position_row",
    "report",
    "reported",
    "trade_row",
]

_ZERO = Decimal(0)
_MARKETS_STEP = 10_000_000
_FORCED = {Forced.LIQUIDATION: "autoclose-{}", Forced.DELEVERAGING: "adl_autoclose"}
# Orders that the exchange ends by itself: status and reason.
_ENDS = {
    "No liquidity": ("EXPIRED", "9"),
    "Immediate or cancel": ("EXPIRED", "2"),
    "Fill or kill": ("EXPIRED", "0"),
    "Self trade": ("EXPIRED_IN_MATCH", "1"),
}
_EXECUTIONS = {
    OrderEventKind.TRADED: "TRADE",
    OrderEventKind.AMENDED: "AMENDMENT",
    OrderEventKind.CANCELED: "CANCELED",
    OrderEventKind.EXPIRED: "EXPIRED",
}
_LINES = {
    EntryKind.DEPOSIT: "TRANSFER",
    EntryKind.WITHDRAWAL: "TRANSFER",
    EntryKind.FUNDING: "FUNDING_FEE",
    EntryKind.TRADE: "REALIZED_PNL",
}
# Further names in the stream, by those in a list.
_ORDER = {"origType": "ot", "stopPrice": "sp", "positionSide": "ps", "workingType": "wt"}
_CONDITIONAL = {"algoType": "at", "positionSide": "ps", "workingType": "wt"}


def is_waiting(state: OrderState) -> bool:
    """Whether an order waits for its price, or ended before that was reached."""
    return state.is_triggered is False


def order_row(policy: Policy, state: OrderState) -> Row:
    """An order, whole; one that was triggered is an ordinary order since."""
    update, request = state.update, state.request
    number = split_order_id(update.order_id)[1]
    own = _FORCED.get(update.forced) if update.forced else None
    is_canceled = update.status is OrderStatus.CANCELED
    ended, _ = _ENDS.get(update.reason, ("CANCELED", ""))
    return {
        **_common(policy, state),
        "orderId": number,
        "clientOrderId": update.client_order_id if own is None else own.format(number),
        "avgPrice": plain(update.average_price or _ZERO),
        "origQty": plain(request.quantity),
        "executedQty": plain(update.filled),
        "cumQty": plain(update.filled),
        "cumQuote": plain(update.cost),
        "status": ended if is_canceled else STATUSES[update.status],
        "type": "LIMIT" if update.order_type.has_limit else "MARKET",
        "origType": TYPES[update.order_type],
        "stopPrice": "0",
        "time": millis(update.opened_ns or update.venue_ns),
        "updateTime": millis(update.venue_ns),
    }


def conditional_row(policy: Policy, state: OrderState) -> Row:
    """An order that waits for its price, or did; it is numbered apart from the others."""
    update, is_trailing = state.update, state.update.order_type is OrderType.TRAILING_STOP
    trigger = state.request.trigger
    status, number = WAITING.get(update.status, "NEW"), ""
    if not is_waiting(state):
        status = "FINISHED" if update.status.is_final else "TRIGGERED"
        number = str(split_order_id(update.order_id)[1])
    return {
        **_common(policy, state),
        "algoId": conditional_number(policy, update),
        "clientAlgoId": update.client_order_id,
        "algoType": "CONDITIONAL",
        "orderType": TYPES[update.order_type],
        "quantity": plain(state.request.quantity),
        "algoStatus": status,
        "actualOrderId": number,
        "triggerPrice": plain(_ZERO if is_trailing else update.trigger_price),
        "callbackRate": plain(trigger.price) if is_trailing and trigger else "",
        "createTime": millis(update.opened_ns or update.venue_ns),
        "updateTime": millis(update.venue_ns),
    }


def conditional_number(policy: Policy, update: OrderUpdate) -> int:
    """The number of an order while it waits: unlike those of orders, of no other market's."""
    market = crc32(policy.format_symbol(update.symbol).encode())
    return market * _MARKETS_STEP + split_order_id(update.order_id)[1]


def report(policy: Policy, change: OrderHappening) -> Row:
    """What happened to an order, as the stream has it."""
    state, fill = change.order, change.fill
    row = order_row(policy, state)
    kind, reason = _EXECUTIONS.get(change.what, "NEW"), "0"
    if change.what is OrderEventKind.CANCELED and state.update.reason in _ENDS:
        kind, reason = "EXPIRED", _ENDS[state.update.reason][1]
    assert reason == "0" or reason in EXPIRIES, reason
    fee = None if fill is None or not fill.fees else fill.fees[0]
    order: Row = {
        **reported(row, {**ORDER_NAMES, **_ORDER}),
        "x": kind,
        "l": plain(None if fill is None else fill.quantity),
        "L": plain(None if fill is None else fill.price),
        **({} if fee is None else {"N": fee.asset, "n": plain(fee.amount)}),
        "T": millis(change.venue_ns),
        "t": 0 if fill is None else int(fill.fill_id),
        "m": fill is not None and fill.liquidity is Liquidity.MAKER,
        "rp": "0",
        "er": reason,
    }
    return {"e": "ORDER_TRADE_UPDATE", "T": millis(change.venue_ns), "o": order}


def conditional_report(policy: Policy, change: OrderHappening) -> Row:
    """What happened to an order that waited, as the stream has it."""
    row = conditional_row(policy, change.order)
    order = reported(row, {**CONDITIONAL_NAMES, **_CONDITIONAL})
    return {"e": "ALGO_UPDATE", "T": millis(change.venue_ns), "o": {**order, "rm": ""}}


def reported(row: Row, names: Mapping[str, str]) -> Row:
    """A row of a list with the names of the stream."""
    return {short: row[long] for long, short in names.items()}


def trade_row(policy: Policy, change: OrderHappening) -> Row:
    """An execution of a list."""
    fill = change.fill
    assert fill is not None, "every execution is a fill"
    (fee,) = fill.fees or (None,)
    return {
        "symbol": policy.format_symbol(fill.symbol),
        "id": int(fill.fill_id),
        "orderId": split_order_id(fill.order_id)[1],
        "side": SIDES[fill.side],
        "price": plain(fill.price),
        "qty": plain(fill.quantity),
        "realizedPnl": "0",
        "quoteQty": plain(change.cost),
        "commission": plain(None if fee is None else fee.amount),
        "commissionAsset": fill.symbol.quote if fee is None else fee.asset,
        "time": millis(fill.venue_ns),
        "positionSide": "BOTH",
        "buyer": SIDES[fill.side] == "BUY",
        "maker": fill.liquidity is Liquidity.MAKER,
    }


def asset_row(balance: Balance, unrealised: Decimal, now_ns: int) -> Row:
    """What is held of an asset: `free` as far as orders do not hold it."""
    total, held = balance.total, balance.held or _ZERO
    return {
        "asset": balance.asset,
        "walletBalance": plain(total),
        "balance": plain(total),
        "unrealizedProfit": plain(unrealised),
        "marginBalance": plain(total + unrealised),
        "maintMargin": "0",
        "initialMargin": plain(held),
        "positionInitialMargin": "0",
        "openOrderInitialMargin": plain(held),
        "crossWalletBalance": plain(total),
        "crossUnPnl": plain(unrealised),
        "availableBalance": plain(total - held),
        "maxWithdrawAmount": plain(total - held),
        "marginAvailable": True,
        "updateTime": millis(balance.venue_ns or now_ns),
    }


def position_row(policy: Policy, state: PositionState) -> Row:
    """A position of a list."""
    worth = plain(state.quantity * state.mark_price)
    return {
        "symbol": policy.format_symbol(state.symbol),
        "positionSide": "BOTH",
        "positionAmt": plain(state.quantity),
        "entryPrice": plain(state.entry_price or _ZERO),
        "breakEvenPrice": plain(state.entry_price or _ZERO),
        "markPrice": plain(state.mark_price),
        "unRealizedProfit": plain(state.unrealised),
        "liquidationPrice": plain(state.liquidation_price or _ZERO),
        "isolatedMargin": "0",
        "isolatedWallet": "0",
        "notional": worth,
        "marginAsset": state.symbol.quote,
        "marginType": "cross",
        "leverage": "10",
        "initialMargin": "0",
        "maintMargin": "0",
        "adl": 2,
        "updateTime": millis(state.changed_ns),
    }


def income_rows(policy: Policy, account: Account, entry: LedgerEntry) -> list[Row]:
    """A line of the account: what a trade earned, and what it cost, are two with one number."""
    funding, is_trade = account.funding(entry), entry.kind is EntryKind.TRADE
    symbol = None if funding is None else funding.symbol
    kinds = {_LINES.get(entry.kind, "TRANSFER"): entry.amount, "COMMISSION": -entry.fee}
    return [
        {
            "symbol": "" if symbol is None else policy.format_symbol(symbol),
            "incomeType": kind,
            "income": plain(amount),
            "asset": Asset(entry.asset),
            "info": kind,
            "time": millis(entry.venue_ns),
            "tranId": int(entry.entry_id),
            "tradeId": entry.reference_id if is_trade else "",
        }
        for kind, amount in kinds.items()
        if amount
    ]


def _common(policy: Policy, state: OrderState) -> Row:
    """What ordinary orders and those that wait have in common."""
    update, request = state.update, state.request
    in_force = TIMES_IN_FORCE.get(update.time_in_force, "GTC")
    rule = request.self_trade
    return {
        "symbol": policy.format_symbol(update.symbol),
        "side": SIDES[update.side],
        "positionSide": "BOTH",
        "price": plain(update.limit_price or _ZERO),
        "timeInForce": POST_ONLY if update.post_only else in_force,
        "reduceOnly": update.reduce_only,
        "closePosition": False,
        "workingType": REFERENCES[
            TriggerReference.LAST if request.trigger is None else request.trigger.reference
        ],
        "priceProtect": False,
        "priceMatch": "NONE",
        "selfTradePreventionMode": "NONE" if rule is None else SELF_TRADES[rule],
        "goodTillDate": millis(request.expires_ns or 0),
    }
