"""Binance's words for what Fluxum has names for, both ways.

https://github.com/binance/binance-spot-api-docs/blob/master/enums.md. Every list of words is open:
one that is not here is OTHER, and is kept beside it.
"""

from fluxum.model.market import Side
from fluxum.model.order import OrderStatus, OrderType, SelfTrade, TimeInForce
from fluxum.venues.words import Words

__all__ = [
    "POST_ONLY",
    "SELF_TRADES",
    "SIDES",
    "STATUSES",
    "TIMES_IN_FORCE",
    "TYPES",
    "order_type",
    "status",
]

POST_ONLY = "LIMIT_MAKER"
SIDES = Words({Side.BUY: "BUY", Side.SELL: "SELL"})
TIMES_IN_FORCE = Words(
    {TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK"},
    {"": TimeInForce.GTC},  # the answers about some types have none
    other=TimeInForce.OTHER,
)
TYPES = Words(
    {
        OrderType.MARKET: "MARKET",
        OrderType.LIMIT: "LIMIT",
        OrderType.STOP_LOSS: "STOP_LOSS",
        OrderType.STOP_LOSS_LIMIT: "STOP_LOSS_LIMIT",
        OrderType.TAKE_PROFIT: "TAKE_PROFIT",
        OrderType.TAKE_PROFIT_LIMIT: "TAKE_PROFIT_LIMIT",
    },
    {POST_ONLY: OrderType.LIMIT},
    other=OrderType.OTHER,
)
"""Types but two: an iceberg is a limit order, a trailing stop a stop."""
SELF_TRADES = {
    SelfTrade.CANCEL_NEWEST: "EXPIRE_TAKER",
    SelfTrade.CANCEL_OLDEST: "EXPIRE_MAKER",
    SelfTrade.CANCEL_BOTH: "EXPIRE_BOTH",
}
STATUSES = Words(
    {
        OrderStatus.OPEN: "NEW",
        OrderStatus.PENDING: "PENDING_NEW",
        OrderStatus.PARTIALLY_FILLED: "PARTIALLY_FILLED",
        OrderStatus.FILLED: "FILLED",
        OrderStatus.CANCELED: "CANCELED",
        OrderStatus.REFUSED: "REJECTED",
        OrderStatus.EXPIRED: "EXPIRED",
    },
    {"EXPIRED_IN_MATCH": OrderStatus.EXPIRED},
    other=OrderStatus.OTHER,
)


def status(word: str, *, is_working: bool) -> tuple[OrderStatus, str]:
    """The status of an order; a new one that does not work yet waits for its price."""
    if word == "NEW" and not is_working:
        return OrderStatus.PENDING, ""
    return STATUSES.known(word)


def order_type(word: str, *, is_iceberg: bool, is_trailing: bool) -> tuple[OrderType, str]:
    """The type of an order."""
    kind, venue_type = TYPES.known(word)
    if is_trailing:
        is_stop = kind is OrderType.STOP_LOSS
        return (OrderType.TRAILING_STOP, "") if is_stop else (OrderType.OTHER, word)
    return (OrderType.ICEBERG if is_iceberg and kind is OrderType.LIMIT else kind), venue_type
