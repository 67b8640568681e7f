"""Triggered orders by the direction of the price that they wait for, as many venues name them.

A buy that waits for a rising price, and a sale for a falling one, are stops; the others take a
profit.
"""

from fluxum.model.market import Side
from fluxum.model.order import OrderType

__all__ = ["rises", "triggered_type"]

_TAKES_PROFIT = frozenset({OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT})
_TYPES = {  # by whether the order takes profit, and whether it has a limit
    (False, False): OrderType.STOP_LOSS,
    (False, True): OrderType.STOP_LOSS_LIMIT,
    (True, False): OrderType.TAKE_PROFIT,
    (True, True): OrderType.TAKE_PROFIT_LIMIT,
}


def rises(side: Side, order_type: OrderType) -> bool:
    """Whether a triggered order waits for the price to rise to its trigger, not to fall."""
    return (side is Side.BUY) is not (order_type in _TAKES_PROFIT)


def triggered_type(side: Side, *, is_rising: bool, has_limit: bool) -> OrderType:
    """The type of an order that waits for a rising or for a falling price."""
    return _TYPES[(side is Side.BUY) is not is_rising, has_limit]
