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
from fluxum.venues.words import Words

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

ORDER_TYPES: Words[OrderType] = Words(
    {one: one.value.replace("_", "-") for one in OrderType if one is not OrderType.OTHER},
    other=OrderType.OTHER,
)
PRICE_KINDS = {PriceKind.STATIC: "static", PriceKind.PERCENT: "pct", PriceKind.QUOTE: "quote"}
REFERENCES = {TriggerReference.LAST: "last", TriggerReference.INDEX: "index"}
TIMES_IN_FORCE: Words[TimeInForce] = Words(
    {one: one.value for one in TimeInForce if one is not TimeInForce.OTHER},
    other=TimeInForce.OTHER,
)
_SIDES = {side.value: side for side in Side}
FEE_ASSETS = {FeeAsset.BASE: "base", FeeAsset.QUOTE: "quote"}
SELF_TRADES = {one: one.value for one in SelfTrade}

STATUSES = Words(
    {
        OrderStatus.PENDING: "pending_new",
        OrderStatus.OPEN: "new",
        OrderStatus.PARTIALLY_FILLED: "partially_filled",
        OrderStatus.FILLED: "filled",
        OrderStatus.CANCELED: "canceled",
        OrderStatus.EXPIRED: "expired",
    },
    other=OrderStatus.OTHER,
)
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

# https://docs.kraken.com/api/docs/rest-api/get-open-orders and /get-closed-orders
_REST_STATUSES = Words(
    {
        OrderStatus.PENDING: "pending",
        OrderStatus.OPEN: "open",
        OrderStatus.FILLED: "closed",
        OrderStatus.CANCELED: "canceled",
        OrderStatus.EXPIRED: "expired",
    },
    other=OrderStatus.OTHER,
)


def order_type(word: str) -> tuple[OrderType, str]:
    """The order type, or OTHER and the word."""
    return ORDER_TYPES.known(word)


def status(word: str) -> tuple[OrderStatus, str]:
    """The order status on the WebSocket, or OTHER and the word."""
    return STATUSES.known(word)


def rest_status(word: str, *, is_filled: bool) -> tuple[OrderStatus, str]:
    """The order status in REST's lists, or OTHER and the word; `is_filled` in part at least."""
    if word == "open" and is_filled:
        return OrderStatus.PARTIALLY_FILLED, ""
    return _REST_STATUSES.known(word)


def time_in_force(word: str) -> tuple[TimeInForce, str]:
    """The time in force, in whichever case, or OTHER and the word."""
    one, other = TIMES_IN_FORCE.known(word.lower())
    return one, other and word


def side(word: str) -> Side:
    """The side; raises RemoteProtocolError for another word, as no order is without one."""
    one = _SIDES.get(word)
    if one is None:
        raise RemoteProtocolError(f"a side was expected, was {word!r}")
    return one
