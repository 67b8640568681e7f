"""Rows of REST answers about an account, as Kraken writes them.

https://docs.kraken.com/api/docs/rest-api/get-open-orders, /get-trade-history and /get-ledgers.
Numbers are text, times JSON numbers of seconds. A trailing order's price is its distance
(`"+50.0000%"`), what it waits for is in `stopprice` (https://github.com/ccxt/ccxt/issues/21063).
"""

from decimal import ROUND_HALF_UP, Decimal

from msgspec import Raw

from fluxum.model.account import LedgerEntry, Liquidity
from fluxum.model.instrument import Instrument
from fluxum.model.order import FeeAsset, OrderStatus, OrderType, PriceKind, Trigger
from fluxum.venues.kraken.private.words import ORDER_TYPES, REFERENCES
from fluxum.venues.kraken.server.formats import plain
from fluxum.venues.kraken.server.legacy import asset_name, pair_altname, pair_name
from fluxum.venues.kraken.server.public_rest import seconds
from fluxum.venues.server.accounts import Accounts, OrderHappening, OrderState

__all__ = ["described", "entry_row", "order_row", "trade_row"]

_ZERO = Decimal(0)
_NEVER = Raw(b"0")
_STATUSES = {
    OrderStatus.FILLED: "closed",
    OrderStatus.CANCELED: "canceled",
    OrderStatus.EXPIRED: "expired",
}
_TRAILING = frozenset({OrderType.TRAILING_STOP, OrderType.TRAILING_STOP_LIMIT})


def order_row(
    order: OrderState, instrument: Instrument, *, with_trades: bool = False
) -> dict[str, object]:
    """An order, open or ended; one that waits for a price is open too."""
    update, request = order.update, order.request
    volume = request.quote_quantity if request.quantity is None else request.quantity
    precision = instrument.quantity_precision
    row: dict[str, object] = {
        "refid": order.origin_id or None,
        "userref": update.user_reference or 0,
        "status": _STATUSES.get(update.status, "open"),
        "opentm": seconds(update.opened_ns or 0),
        "starttm": _instant(request.effective_ns),
        "expiretm": _instant(request.expires_ns),
        "descr": described(order, instrument),
        "vol": _text(volume or _ZERO, precision),
        "vol_exec": _text(update.filled, precision),
        "cost": _text(update.cost, 5),
        "fee": _text(_fee_in_quote(order), 5),
        "price": _text(update.average_price or _ZERO, max(5, instrument.price_precision)),
        "stopprice": _text(update.trigger_price or _ZERO, max(5, instrument.price_precision)),
        "limitprice": _limit_price(order, instrument),
        "misc": "amended" if order.is_amended else "",
        "oflags": _flags(order),
    }
    if update.client_order_id:
        row["cl_ord_id"] = update.client_order_id
    if request.trigger is not None:
        row["trigger"] = REFERENCES[request.trigger.reference]
    if with_trades and order.fill_ids:
        row["trades"] = list(order.fill_ids)
    if order.closed_ns is not None:
        row["closetm"] = seconds(order.closed_ns)
        row["reason"] = update.reason or None
    return row


def described(order: OrderState, instrument: Instrument) -> dict[str, object]:
    """What an order is, in words and in numbers."""
    update = order.update
    kind = ORDER_TYPES[update.order_type]
    price, price2 = _prices(order, instrument)
    volume = order.request.quote_quantity if order.request.quantity is None else update.quantity
    text = f"{update.side.value} {_text(volume or _ZERO, instrument.quantity_precision)} "
    text += f"{pair_altname(update.symbol)} @ {_wording(update.order_type, price, price2)}"
    return {
        "pair": pair_altname(update.symbol),
        "type": update.side.value,
        "ordertype": kind,
        "price": price,
        "price2": price2,
        "leverage": "none",
        "order": text,
        "close": _close(order, instrument),
    }


def trade_row(trade: OrderHappening, instrument: Instrument) -> dict[str, object]:
    """An execution; its fee is given in the quote asset, whichever asset was charged."""
    fill, update = trade.fill, trade.order.update
    assert fill is not None, "a trade has a fill"
    fee = sum((one.amount for one in fill.fees or ()), _ZERO)
    if trade.order.fee_asset is FeeAsset.BASE:
        fee *= fill.price
    precision = max(5, instrument.price_precision)
    return {
        "ordertxid": update.order_id,
        "postxid": "TPOSIM-ULATE-DXACCT",
        "pair": pair_name(fill.symbol),
        "time": seconds(fill.venue_ns),
        "type": fill.side.value,
        "ordertype": ORDER_TYPES[update.order_type],
        "price": _text(fill.price, precision),
        "cost": _text(trade.cost, 5),
        "fee": _text(fee, 5),
        "vol": _text(fill.quantity, instrument.quantity_precision),
        "margin": "0.00000",
        "leverage": "0",
        "misc": "",
        "trade_id": int(trade.trade_id),
        "maker": fill.liquidity is Liquidity.MAKER,
    }


def entry_row(entry: LedgerEntry, accounts: Accounts) -> dict[str, object]:
    """A line of the account."""
    assert entry.balance is not None, "a simulated account knows its balances"
    decimals = accounts.decimals(entry.asset)
    return {
        "refid": entry.reference_id,
        "time": seconds(entry.venue_ns),
        "type": entry.venue_kind,
        "subtype": "",
        "aclass": "currency",
        "asset": asset_name(entry.asset),
        "amount": _text(entry.amount, decimals),
        "fee": _text(entry.fee, decimals),
        "balance": _text(entry.balance, decimals),
    }


def _prices(order: OrderState, instrument: Instrument) -> tuple[str, str]:
    """Of triggered orders the trigger and the limit, else the limit; zero where there is none."""
    update, trigger = order.update, order.request.trigger
    precision = instrument.price_precision
    limit = "0"
    if update.limit_price is not None:
        limit = _text(update.limit_price, precision)
        if order.request.limit_price_kind is not None and update.limit_price >= 0:
            limit = f"+{limit}"
    if trigger is None:
        return limit, "0"
    if update.order_type in _TRAILING:
        return _distance(trigger, precision), limit
    return _text(update.trigger_price or _ZERO, precision), limit


def _distance(trigger: Trigger, precision: int) -> str:
    if trigger.kind is PriceKind.PERCENT:
        return f"+{_text(trigger.price, 4)}%"
    return f"+{_text(trigger.price, precision)}"


def _limit_price(order: OrderState, instrument: Instrument) -> str:
    """Of a triggered order the limit it has when it fires."""
    price = order.update.limit_price
    is_known = order.request.trigger is not None and order.request.limit_price_kind is None
    known = price if is_known and price is not None else _ZERO
    return _text(known, max(5, instrument.price_precision))


def _wording(kind: OrderType, price: str, price2: str) -> str:
    """`limit 30010.0`, `stop loss 22000.0 -> limit 21000.0`, `trailing stop +50.0000%`."""
    if kind is OrderType.MARKET:
        return "market"
    words = ORDER_TYPES[kind].removesuffix("-limit") if kind.is_triggered else ORDER_TYPES[kind]
    words = words.replace("-", " ")
    limit = f" -> limit {price2}" if kind.is_triggered and kind.has_limit else ""
    return f"{words} {price}{limit}"


def _close(order: OrderState, instrument: Instrument) -> str:
    close = order.request.close
    if close is None:
        return ""
    precision = instrument.price_precision
    trigger, limit = close.trigger_price, close.limit_price
    first = limit if trigger is None else trigger
    second = None if trigger is None else limit
    return "close position @ " + _wording(
        close.order_type, _text(first or _ZERO, precision), _text(second or _ZERO, precision)
    )


def _flags(order: OrderState) -> str:
    flags = ["fcib" if order.fee_asset is FeeAsset.BASE else "fciq"]
    if order.update.post_only:
        flags.insert(0, "post")
    if order.request.quote_quantity is not None:
        flags.append("viqc")
    return ",".join(flags)


def _fee_in_quote(order: OrderState) -> Decimal:
    if order.fee_asset is FeeAsset.QUOTE:
        return order.fee
    return order.fee * (order.update.average_price or _ZERO)


def _instant(instant_ns: int | None) -> Raw:
    return _NEVER if instant_ns is None else seconds(instant_ns)


def _text(number: Decimal, precision: int) -> str:
    step = Decimal((0, (1,), -precision))
    return plain(number.quantize(step, ROUND_HALF_UP), precision).decode()
