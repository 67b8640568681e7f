"""Binance's words for what Fluxum has names for, both ways.

https://github.com/binance/binance-spot-api-docs/blob/master/enums.md. Every list of words is open:
one that is not here is OTHER, and the functions return it beside that; of one that is here they
return empty text.
"""

from fluxum.model.market import Side
from fluxum.model.order import OrderStatus, OrderType, SelfTrade, TimeInForce

__all__ = [
    "POST_ONLY",
    "SELF_TRADES",
    "SIDES",
    "STATUSES",
    "TIMES_IN_FORCE",
    "TYPES",
    "order_type",
    "status",
    "time_in_force",
]

POST_ONLY = "LIMIT_MAKER"
SIDES = {Side.BUY: "BUY", Side.SELL: "SELL"}
TIMES_IN_FORCE = {TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK"}
TYPES = {
    OrderType.MARKET: "MARKET",
    OrderType.LIMIT: "LIMIT",
    OrderType.ICEBERG: "LIMIT",
    OrderType.STOP_LOSS: "STOP_LOSS",
    OrderType.STOP_LOSS_LIMIT: "STOP_LOSS_LIMIT",
    OrderType.TAKE_PROFIT: "TAKE_PROFIT",
    OrderType.TAKE_PROFIT_LIMIT: "TAKE_PROFIT_LIMIT",
    OrderType.TRAILING_STOP: "STOP_LOSS",
}
SELF_TRADES = {
    SelfTrade.CANCEL_NEWEST: "EXPIRE_TAKER",
    SelfTrade.CANCEL_OLDEST: "EXPIRE_MAKER",
    SelfTrade.CANCEL_BOTH: "EXPIRE_BOTH",
}
STATUSES = {
    "NEW": OrderStatus.OPEN,
    "PENDING_NEW": OrderStatus.PENDING,
    "PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELED,
    "REJECTED": OrderStatus.REFUSED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
}
_TIMES = {word: one for one, word in TIMES_IN_FORCE.items()}
_PLAIN = {word: one for one, word in TYPES.items() if one is not OrderType.ICEBERG}
_PLAIN |= {POST_ONLY: OrderType.LIMIT, "STOP_LOSS": OrderType.STOP_LOSS}


def status(word: str, *, is_working: bool) -> tuple[OrderStatus, str]:
    """The status of an order, or OTHER and the word; a new one that does not work yet waits."""
    known = STATUSES.get(word)
    if known is None:
        return OrderStatus.OTHER, word
    return (known if is_working or known is not OrderStatus.OPEN else OrderStatus.PENDING), ""


def time_in_force(word: str) -> tuple[TimeInForce, str]:
    """The time in force, or OTHER and the word."""
    known = _TIMES.get(word)
    return (TimeInForce.OTHER, word) if known is None else (known, "")


def order_type(word: str, *, is_iceberg: bool, is_trailing: bool) -> tuple[OrderType, str]:
    """The type of an order, or OTHER and the word."""
    known = _PLAIN.get(word)
    if known is None or (is_trailing and known is not OrderType.STOP_LOSS):
        return OrderType.OTHER, word
    if is_trailing:
        return OrderType.TRAILING_STOP, ""
    return (OrderType.ICEBERG if is_iceberg and known is OrderType.LIMIT else known), ""
