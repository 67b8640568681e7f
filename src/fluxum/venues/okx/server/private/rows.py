"""An account's orders, fills, assets and bills as OKX writes them, in streams and lists alike.

The keys are those of the payloads quoted in `private.native`; sizes of contracts are in contracts.
"""

from decimal import Decimal

from fluxum.model.account import Balance, EntryKind, Fill, LedgerEntry, Liquidity
from fluxum.model.market import Side
from fluxum.model.order import FeeAsset, OrderStatus, OrderType
from fluxum.model.position import Forced
from fluxum.venues.okx.private.words import CANCEL_SOURCES, FORCED_ORDERS, SIDES, STATUSES, TYPES
from fluxum.venues.okx.server.formats import contract_size
from fluxum.venues.okx.server.private.algo_rows import ordinary_name, origin
from fluxum.venues.okx.topics import format_symbol, instrument_type
from fluxum.venues.server.accounts import Account, OrderState, PositionState
from fluxum.venues.server.formats import millis, number, scrambled

__all__ = ["Row", "bill_row", "detail_row", "fill_row", "is_whole", "order_row", "position_row"]

Row = dict[str, object]

_ZERO = Decimal(0)
_PLACES = Decimal(10) ** -8
_SOURCES = {word: source for source, word in CANCEL_SOURCES.items()}
_FORCED: dict[Forced | None, str] = {
    forced: word for word, forced in reversed(FORCED_ORDERS.items())
}
_FILL_TYPES: dict[Forced | None, tuple[str, str]] = {
    None: ("1", "2"),
    Forced.LIQUIDATION: ("106", "107"),
    Forced.DELEVERAGING: ("127", "128"),
}
_REASONS = {
    "User requested": "by the user",
    "Immediate or cancel": "immediate or cancel",
    "No liquidity": "immediate or cancel",
    "Fill or kill": "fill or kill",
    "Post only order": "post-only would take",
}


def is_whole(state: OrderState) -> bool:
    """Whether all of an order is filled: then the last fill and the end are one message.

    An order of an amount is filled by a message of its own, as what is left of it is dust.
    """
    return state.request.quantity is not None and not state.update.remaining


def order_row(state: OrderState, fill: Fill | None = None) -> Row:
    """An order, whole; with a fill it is an update of the stream about that fill."""
    update, request = state.update, state.request
    size, is_spot = contract_size(update.symbol), not update.symbol.contract
    spends = request.quote_quantity is not None
    is_market = not update.order_type.has_limit
    quantity = request.quote_quantity or (update.quantity / size)
    plain_type = OrderType.MARKET if is_market else OrderType.LIMIT
    kind = (plain_type, request.time_in_force, update.post_only)
    status = update.status
    word = "filled" if fill is not None and is_whole(state) else STATUSES[status]
    source = _SOURCES.get(_REASONS.get(update.reason, ""), "0")
    fee_asset = update.symbol.base if state.fee_asset is FeeAsset.BASE else update.symbol.quote
    average = update.average_price
    row: Row = {
        "instType": instrument_type(update.symbol),
        "instId": format_symbol(update.symbol),
        "ordId": update.order_id,
        "clOrdId": ordinary_name(state),
        **origin(state),
        "tag": "",
        "ordType": TYPES.get(kind, "market"),
        "side": SIDES[update.side],
        "posSide": "net",
        "tdMode": "cash" if is_spot else "cross",
        "px": number(update.limit_price),
        "sz": number(quantity),
        "tgtCcy": ("quote_ccy" if spends else "base_ccy") if is_spot and is_market else "",
        "state": word,
        "accFillSz": number(update.filled / size),
        "avgPx": "" if average is None else number(average.quantize(_PLACES)),
        "fee": number(_ZERO - state.fee),
        "feeCcy": fee_asset,
        "rebate": "0",
        "rebateCcy": update.symbol.quote,
        "category": _FORCED.get(update.forced, "normal"),
        "cancelSource": source if status is OrderStatus.CANCELED else "",
        "reduceOnly": "true" if update.reduce_only else "false",
        "cTime": str(millis(state.triggered_ns or update.opened_ns or update.venue_ns)),
        "uTime": str(millis(update.venue_ns)),
        **dict.fromkeys(("fillPx", "tradeId", "fillTime", "fillFee", "fillFeeCcy", "execType"), ""),
        "fillSz": "0",
    }
    if fill is None:
        return row
    about = _about(fill)
    charged = {"fillFee": about.pop("fee"), "fillFeeCcy": about.pop("feeCcy")}
    return {**row, **about, **charged}


def fill_row(fill: Fill, state: OrderState) -> Row:
    """A fill of a list, of an order as it was then."""
    return {
        "instType": instrument_type(fill.symbol),
        "instId": format_symbol(fill.symbol),
        "ordId": fill.order_id,
        "clOrdId": ordinary_name(state),
        "billId": fill.fill_id,
        "tag": "",
        "side": SIDES[fill.side],
        "posSide": "net",
        "subType": _fill_type(fill),
        "ts": str(millis(fill.venue_ns)),
        **_about(fill),
    }


def _fill_type(fill: Fill) -> str:
    """Bought or sold, by the account, a liquidation or an auto-deleveraging."""
    bought, sold = _FILL_TYPES[fill.forced]
    return bought if fill.side is Side.BUY else sold


def _about(fill: Fill) -> Row:
    (fee,) = fill.fees or (None,)
    return {
        "fillPx": number(fill.price),
        "fillSz": number(fill.quantity / contract_size(fill.symbol)),
        "tradeId": fill.fill_id,
        "fillTime": str(millis(fill.venue_ns)),
        "fee": "0" if fee is None else number(_ZERO - fee.amount),
        "feeCcy": fill.symbol.quote if fee is None else fee.asset,
        "execType": "M" if fill.liquidity is Liquidity.MAKER else "T",
    }


def detail_row(balance: Balance, now_ns: int) -> Row:
    """What is held of an asset."""
    held = balance.held or _ZERO
    return {
        "ccy": balance.asset,
        "cashBal": number(balance.total),
        "availBal": number(balance.total - held),
        "availEq": number(balance.total - held),
        "frozenBal": number(held),
        "ordFrozen": number(held),
        "eq": number(balance.total),
        "uTime": str(millis(now_ns)),
        "upl": "0",
    }


def position_row(state: PositionState) -> Row:
    """A position of an account that has one in each market."""
    size = contract_size(state.symbol)
    return {
        "instType": instrument_type(state.symbol),
        "instId": format_symbol(state.symbol),
        "posId": str(scrambled(state.opened_ns)),
        "posSide": "net",
        "pos": number(state.quantity / size),
        "availPos": "",
        "posCcy": "",
        "ccy": state.symbol.quote,
        "mgnMode": "cross",
        "lever": "10",
        "adl": "1" if state.quantity else "",
        "avgPx": number(state.entry_price),
        "markPx": number(state.mark_price),
        "liqPx": number(state.liquidation_price),
        "upl": number(state.unrealised),
        "liab": "",
        "liabCcy": "",
        "cTime": str(millis(state.opened_ns)),
        "uTime": str(millis(state.changed_ns)),
    }


def bill_row(account: Account, entry: LedgerEntry) -> Row:
    """A row of the bills; deposits come from the funding account."""
    paid = account.funding(entry)
    if paid is not None:
        return {
            **_bill(entry, "8", "174" if entry.change > 0 else "173"),
            "instType": instrument_type(paid.symbol),
            "instId": format_symbol(paid.symbol),
            "px": number(paid.mark_price),
            "sz": number(abs(paid.quantity) / contract_size(paid.symbol)),
            "pnl": number(entry.amount),
        }
    is_trade, comes = entry.kind is EntryKind.TRADE, entry.change > 0
    sub_type = ("1" if comes else "2") if is_trade else ("11" if comes else "12")
    trade_id = entry.reference_id if is_trade else ""
    return {**_bill(entry, "2" if is_trade else "1", sub_type), "tradeId": trade_id}


def _bill(entry: LedgerEntry, kind: str, sub_type: str) -> Row:
    return {
        "billId": entry.entry_id,
        "ccy": entry.asset,
        "type": kind,
        "subType": sub_type,
        "balChg": number(entry.change),
        "bal": number(entry.balance),
        "fee": number(_ZERO - entry.fee),
        "tradeId": "",
        "instId": "",
        "ordId": "",
        "notes": "",
        "ts": str(millis(entry.venue_ns)),
    }
