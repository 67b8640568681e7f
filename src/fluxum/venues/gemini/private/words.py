"""Gemini's words for what Fluxum has names for, both ways.

https://docs.gemini.com/rest/orders (create new order) and the order events. Every list of words is
open: one that is not here is OTHER, and is kept beside it.
"""

from fluxum.model.market import Side
from fluxum.model.order import OrderType, TimeInForce

__all__ = ["LIMIT", "MAKER", "OPTIONS", "ORDER_TYPES", "SIDES", "STOP_LIMIT", "TIMES_IN_FORCE"]

SIDES = {"buy": Side.BUY, "sell": Side.SELL}
LIMIT, STOP_LIMIT, MAKER = "exchange limit", "exchange stop limit", "maker-or-cancel"
ORDER_TYPES = {
    LIMIT: OrderType.LIMIT,
    "limit": OrderType.LIMIT,
    STOP_LIMIT: OrderType.STOP_LOSS_LIMIT,
    "stop-limit": OrderType.STOP_LOSS_LIMIT,
    "exchange market": OrderType.MARKET,
    "market buy": OrderType.MARKET,
    "market sell": OrderType.MARKET,
}
OPTIONS = {
    "": TimeInForce.GTC,
    MAKER: TimeInForce.GTC,
    "immediate-or-cancel": TimeInForce.IOC,
    "fill-or-kill": TimeInForce.FOK,
}
"""The option of an order, or its behavior, as events call it."""
TIMES_IN_FORCE = {
    "GTC": "",
    "MOC": MAKER,
    "IOC": "immediate-or-cancel",
    "FOK": "fill-or-kill",
}
"""The options by the words of ws.gemini.com."""
