"""OKX's words for what Fluxum has names for, both ways.

https://www.okx.com/docs-v5/en/#order-book-trading-trade-post-place-order, -ws-order-channel and
#trading-account-rest-api-get-bills-details-last-7-days. Every list of words is open: one that is
not here is OTHER, and is kept beside it.
"""

from fluxum.model.account import EntryKind
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus, OrderType, SelfTrade, TimeInForce, TriggerReference
from fluxum.model.position import Forced, MarginMode, PositionSide
from fluxum.venues.words import Words

__all__ = [
    "CANCEL_SOURCES",
    "ENTRY_KINDS",
    "FORCED_FILLS",
    "FORCED_ORDERS",
    "KINDS",
    "LEGS",
    "MARGIN_MODES",
    "REFERENCES",
    "SELF_TRADES",
    "SIDES",
    "STATUSES",
    "TRIGGERED",
    "TYPES",
    "WAITING",
    "Kind",
]

Kind = tuple[OrderType, TimeInForce, bool]
"""The type of an order, its time in force, and whether it is post-only."""

SIDES = Words({Side.BUY: "buy", Side.SELL: "sell"})
KINDS: dict[str, Kind] = {
    "limit": (OrderType.LIMIT, TimeInForce.GTC, False),
    "market": (OrderType.MARKET, TimeInForce.GTC, False),
    "post_only": (OrderType.LIMIT, TimeInForce.GTC, True),
    "ioc": (OrderType.LIMIT, TimeInForce.IOC, False),
    "fok": (OrderType.LIMIT, TimeInForce.FOK, False),
    "optimal_limit_ioc": (OrderType.MARKET, TimeInForce.IOC, False),
}
"""What each of OKX's types of orders is; `optimal_limit_ioc` is for contracts alone."""
TYPES = {kind: word for word, kind in KINDS.items()}
SELF_TRADES = {
    SelfTrade.CANCEL_NEWEST: "cancel_taker",
    SelfTrade.CANCEL_OLDEST: "cancel_maker",
    SelfTrade.CANCEL_BOTH: "cancel_both",
}
STATUSES = Words(
    {
        OrderStatus.OPEN: "live",
        OrderStatus.PARTIALLY_FILLED: "partially_filled",
        OrderStatus.FILLED: "filled",
        OrderStatus.CANCELED: "canceled",
    },
    {"mmp_canceled": OrderStatus.CANCELED},
    other=OrderStatus.OTHER,
)
REFERENCES = {
    TriggerReference.LAST: "last",
    TriggerReference.INDEX: "index",
    TriggerReference.MARK: "mark",
}
WAITING = Words(
    {
        OrderStatus.PENDING: "live",
        OrderStatus.CANCELED: "canceled",
        OrderStatus.EXPIRED: "effective",  # as another order goes on
    },
    {
        "pause": OrderStatus.PENDING,
        "order_placed": OrderStatus.EXPIRED,  # as recorded, the pages do not have it
        "order_failed": OrderStatus.CANCELED,
        "partially_failed": OrderStatus.CANCELED,
    },
    other=OrderStatus.OTHER,
)
"""Statuses of algo orders (#order-book-trading-algo-trading-ws-algo-orders-channel)."""
TRIGGERED = frozenset({"6", "7", "25"})
"""The `source` of an order that went on for one that waited for its price: a trigger order, a stop
or take-profit, a trailing stop (#order-book-trading-trade-ws-order-channel)."""
CANCEL_SOURCES = {
    "0": "by the system",
    "1": "by the user",
    "13": "fill or kill",
    "14": "immediate or cancel",
    "15": "price limit",
    "20": "cancel all after",
    "31": "post-only would take",
    "32": "self-trade",
    "33": "too many matches",
}
FORCED_ORDERS = {
    "full_liquidation": Forced.LIQUIDATION,
    "partial_liquidation": Forced.LIQUIDATION,
    "adl": Forced.DELEVERAGING,
}
"""Orders of the exchange itself, by `category`."""
FORCED_FILLS = {
    **dict.fromkeys(("100", "101", "102", "103"), Forced.LIQUIDATION),  # of a part
    **dict.fromkeys(("104", "105", "106", "107"), Forced.LIQUIDATION),
    **dict.fromkeys(("125", "126", "127", "128"), Forced.DELEVERAGING),
}
"""Fills of such orders, by `subType`."""
LEGS = {"net": None, "long": PositionSide.LONG, "short": PositionSide.SHORT}
MARGIN_MODES = {"cross": MarginMode.CROSS, "isolated": MarginMode.ISOLATED}
ENTRY_KINDS = {
    "1": EntryKind.TRANSFER,
    "2": EntryKind.TRADE,
    "3": EntryKind.TRADE,  # delivery
    "4": EntryKind.CONVERSION,
    "5": EntryKind.TRADE,  # liquidation
    "6": EntryKind.TRANSFER,  # of margin
    "7": EntryKind.MARGIN,  # interest
    "8": EntryKind.FUNDING,
    "9": EntryKind.TRADE,  # auto-deleveraging
    "12": EntryKind.CONVERSION,
    "13": EntryKind.TRANSFER,  # to a strategy
    "15": EntryKind.TRADE,  # a block trade
    "22": EntryKind.MARGIN,  # a repayment
    "24": EntryKind.TRADE,  # a spread
}
"""The kind of an entry by OKX's `type`; all others are OTHER."""
