"""Kraken's words for what the house has names for, both ways.

https://docs.kraken.com/api/docs/websocket-v2/add_order and /executions. Words that are not here
are kept as they are where text is enough, and refused where a meaning is needed.
"""

from fluxum.errors import RemoteProtocolError
from fluxum.model.account import EntryKind
from fluxum.model.order import (
    FeeAsset,
    OrderStatus,
    OrderType,
    PriceKind,
    SelfTrade,
    TimeInForce,
    TriggerReference,
)

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

_TYPES = {word: one for one, word in ORDER_TYPES.items()}
_TIMES = {word: one for one, word in TIMES_IN_FORCE.items()}


def order_type(word: str) -> OrderType:
    """The order type; raises RemoteProtocolError for an unknown one."""
    try:
        return _TYPES[word]
    except KeyError:
        raise RemoteProtocolError(f"an order type was expected, was {word!r}") from None


def status(word: str) -> OrderStatus:
    """The order status; raises RemoteProtocolError for an unknown one."""
    try:
        return STATUSES[word]
    except KeyError:
        raise RemoteProtocolError(f"an order status was expected, was {word!r}") from None


def time_in_force(word: str) -> TimeInForce:
    """The time in force, in whichever case; raises RemoteProtocolError for an unknown one."""
    try:
        return _TIMES[word.lower()]
    except KeyError:
        raise RemoteProtocolError(f"a time in force was expected, was {word!r}") from None
