"""Binance's words for what Fluxum has names for, both ways.

https://github.com/binance/binance-spot-api-docs/blob/master/enums.md. Every list of words is open:
one that is not here is OTHER, and is kept beside it.
"""

from fluxum.model.market import Side
from fluxum.model.order import OrderStatus, OrderType, SelfTrade, TimeInForce
from fluxum.venues.words import known, turned

__all__ = [
    "POST_ONLY",
    "SELF_TRADES",
    "SIDES",
    "SIDES_BY_WORD",
    "TIMES_IN_FORCE",
    "TYPES",
    "order_type",
    "status",
    "time_in_force",
]

POST_ONLY = "LIMIT_MAKER"
SIDES = {Side.BUY: "BUY", Side.SELL: "SELL"}
SIDES_BY_WORD = turned(SIDES)
TIMES_IN_FORCE = {TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK"}
TYPES = {
    OrderType.MARKET: "MARKET",
    OrderType.LIMIT: "LIMIT",
    OrderType.STOP_LOSS: "STOP_LOSS",
    OrderType.STOP_LOSS_LIMIT: "STOP_LOSS_LIMIT",
    OrderType.TAKE_PROFIT: "TAKE_PROFIT",
    OrderType.TAKE_PROFIT_LIMIT: "TAKE_PROFIT_LIMIT",
}
"""Types but two: an iceberg is a limit order, a trailing stop a stop."""
SELF_TRADES = {
    SelfTrade.CANCEL_NEWEST: "EXPIRE_TAKER",
    SelfTrade.CANCEL_OLDEST: "EXPIRE_MAKER",
    SelfTrade.CANCEL_BOTH: "EXPIRE_BOTH",
}
_TYPES = {**turned(TYPES), POST_ONLY: OrderType.LIMIT}
_TIMES = turned(TIMES_IN_FORCE)
_STATUSES = {
    "NEW": OrderStatus.OPEN,
    "PENDING_NEW": OrderStatus.PENDING,
    "PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELED,
    "REJECTED": OrderStatus.REFUSED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
}


def status(word: str, *, is_working: bool) -> tuple[OrderStatus, str]:
    """The status of an order; a new one that does not work yet waits for its price."""
    if word == "NEW" and not is_working:
        return OrderStatus.PENDING, ""
    return known(_STATUSES, word, OrderStatus.OTHER)


def time_in_force(word: str) -> tuple[TimeInForce, str]:
    """The time in force; the answers about some types have none."""
    return known(_TIMES, word or "GTC", TimeInForce.OTHER)


def order_type(word: str, *, is_iceberg: bool, is_trailing: bool) -> tuple[OrderType, str]:
    """The type of an order."""
    kind, venue_type = known(_TYPES, word, OrderType.OTHER)
    if is_trailing:
        is_stop = kind is OrderType.STOP_LOSS
        return (OrderType.TRAILING_STOP, "") if is_stop else (OrderType.OTHER, word)
    return (OrderType.ICEBERG if is_iceberg and kind is OrderType.LIMIT else kind), venue_type
