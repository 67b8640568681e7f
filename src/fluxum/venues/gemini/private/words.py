"""Gemini's words for what Fluxum has names for, both ways.

https://docs.gemini.com/rest/orders (create new order) and the order events. Every list of words is
open: one that is not here is OTHER, and is kept beside it.
"""

from fluxum.model.market import Side
from fluxum.model.order import OrderType, TimeInForce
from fluxum.venues.words import Words

__all__ = ["LIMIT", "MAKER", "OPTIONS", "ORDER_TYPES", "SIDES", "STOP_LIMIT", "TIMES_IN_FORCE"]

SIDES = Words({Side.BUY: "buy", Side.SELL: "sell"})
LIMIT, STOP_LIMIT, MAKER = "exchange limit", "exchange stop limit", "maker-or-cancel"
ORDER_TYPES = Words(
    {
        OrderType.LIMIT: LIMIT,
        OrderType.STOP_LOSS_LIMIT: STOP_LIMIT,
        OrderType.MARKET: "exchange market",
    },
    {
        "limit": OrderType.LIMIT,
        "stop-limit": OrderType.STOP_LOSS_LIMIT,
        "market buy": OrderType.MARKET,
        "market sell": OrderType.MARKET,
    },
    other=OrderType.OTHER,
)
OPTIONS = Words(
    {
        TimeInForce.GTC: "",
        TimeInForce.IOC: "immediate-or-cancel",
        TimeInForce.FOK: "fill-or-kill",
    },
    {MAKER: TimeInForce.GTC},
    other=TimeInForce.OTHER,
)
"""The option of an order, or its behavior, as events call it."""
TIMES_IN_FORCE = {
    "GTC": "",
    "MOC": MAKER,
    "IOC": "immediate-or-cancel",
    "FOK": "fill-or-kill",
}
"""The options by the words of ws.gemini.com."""
