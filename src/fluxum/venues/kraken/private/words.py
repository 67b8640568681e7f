"""Kraken's words for what Fluxum has names for, both ways.

https://docs.kraken.com/api/docs/websocket-v2/add_order and /executions. Every list of words is
open: one that is not here is OTHER, and the functions return it beside that; of one that is here
they return empty text. Only a side has to be known.
"""

from fluxum.errors import RemoteProtocolError
from fluxum.model.account import EntryKind
from fluxum.model.market import Side
from fluxum.model.order import (
    FeeAsset,
    OrderStatus,
    OrderType,
    PriceKind,
    SelfTrade,
    TimeInForce,
    TriggerReference,
)
from fluxum.venues.words import known, turned

__all__ = [
    "ENTRY_KINDS",
    "FEE_ASSETS",
    "ORDER_TYPES",
    "PRICE_KINDS",
    "REFERENCES",
    "SELF_TRADES",
    "STATUSES",
    "TIMES_IN_FORCE",
    "order_type",
    "rest_status",
    "side",
    "status",
    "time_in_force",
]

ORDER_TYPES: dict[OrderType, str] = {
    one: one.value.replace("_", "-") for one in OrderType if one is not OrderType.OTHER
}
PRICE_KINDS = {PriceKind.STATIC: "static", PriceKind.PERCENT: "pct", PriceKind.QUOTE: "quote"}
REFERENCES = {TriggerReference.LAST: "last", TriggerReference.INDEX: "index"}
TIMES_IN_FORCE: dict[TimeInForce, str] = {
    one: one.value for one in TimeInForce if one is not TimeInForce.OTHER
}
FEE_ASSETS = {FeeAsset.BASE: "base", FeeAsset.QUOTE: "quote"}
SELF_TRADES = {one: one.value for one in SelfTrade}

STATUSES = {
    "pending_new": OrderStatus.PENDING,
    "new": OrderStatus.OPEN,
    "partially_filled": OrderStatus.PARTIALLY_FILLED,
    "filled": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELED,
    "expired": OrderStatus.EXPIRED,
}
ENTRY_KINDS = {
    "deposit": EntryKind.DEPOSIT,
    "withdrawal": EntryKind.WITHDRAWAL,
    "trade": EntryKind.TRADE,
    "spend": EntryKind.TRADE,
    "receive": EntryKind.TRADE,
    "sale": EntryKind.TRADE,
    "nfttrade": EntryKind.TRADE,
    "margin": EntryKind.MARGIN,
    "rollover": EntryKind.MARGIN,
    "settled": EntryKind.MARGIN,
    "adjustment": EntryKind.ADJUSTMENT,
    "credit": EntryKind.ADJUSTMENT,
    "transfer": EntryKind.TRANSFER,
    "custodytransfer": EntryKind.TRANSFER,
    "staking": EntryKind.REWARD,
    "reward": EntryKind.REWARD,
    "dividend": EntryKind.REWARD,
    "conversion": EntryKind.CONVERSION,
    "creator_fee": EntryKind.FEE,
    "nftcreatorfee": EntryKind.FEE,
}
"""The kind of an entry by Kraken's `type`; all others are OTHER, the word is kept beside it."""

_TYPES = turned(ORDER_TYPES)
_TIMES = turned(TIMES_IN_FORCE)
# https://docs.kraken.com/api/docs/rest-api/get-open-orders and /get-closed-orders
_REST_STATUSES = {
    "pending": OrderStatus.PENDING,
    "open": OrderStatus.OPEN,
    "closed": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELED,
    "expired": OrderStatus.EXPIRED,
}


def order_type(word: str) -> tuple[OrderType, str]:
    """The order type, or OTHER and the word."""
    return known(_TYPES, word, OrderType.OTHER)


def status(word: str) -> tuple[OrderStatus, str]:
    """The order status on the WebSocket, or OTHER and the word."""
    return known(STATUSES, word, OrderStatus.OTHER)


def rest_status(word: str, *, is_filled: bool) -> tuple[OrderStatus, str]:
    """The order status in REST's lists, or OTHER and the word; `is_filled` in part at least."""
    if word == "open" and is_filled:
        return OrderStatus.PARTIALLY_FILLED, ""
    return known(_REST_STATUSES, word, OrderStatus.OTHER)


def time_in_force(word: str) -> tuple[TimeInForce, str]:
    """The time in force, in whichever case, or OTHER and the word."""
    one, _ = known(_TIMES, word.lower(), TimeInForce.OTHER)
    return one, word if one is TimeInForce.OTHER else ""


def side(word: str) -> Side:
    """The side; raises RemoteProtocolError for another word, as no order is without one."""
    try:
        return Side(word)
    except ValueError:
        raise RemoteProtocolError(f"a side was expected, was {word!r}") from None
