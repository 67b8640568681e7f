"""The Exchange's words for what Fluxum has names for, both ways.

https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/orders/create-new-order and
.../accounts/get-single-account-ledger. Every list of words is open: another word is OTHER.
"""

from fluxum.model.account import EntryKind, Liquidity
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus, OrderType, SelfTrade, TimeInForce
from fluxum.venues.triggers import triggered_type
from fluxum.venues.words import Words

__all__ = [
    "ENTRIES",
    "LIQUIDITY",
    "SELF_TRADES",
    "SIDES",
    "STATUSES",
    "STOPS",
    "TIMES_IN_FORCE",
    "TYPES",
    "stop_type",
]

SIDES = Words({Side.BUY: "buy", Side.SELL: "sell"})
LIQUIDITY = Words({Liquidity.MAKER: "M", Liquidity.TAKER: "T"})
TYPES = Words(
    {OrderType.LIMIT: "limit", OrderType.MARKET: "market"},
    {"": OrderType.LIMIT},
    other=OrderType.OTHER,
)
TIMES_IN_FORCE = Words(
    {TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK"},
    {"": TimeInForce.GTC},  # of a market order there is none
    other=TimeInForce.OTHER,
)
STATUSES = Words(
    {
        OrderStatus.OPEN: "open",
        OrderStatus.PENDING: "active",
        OrderStatus.FILLED: "done",
        OrderStatus.REFUSED: "rejected",
    },
    {"received": OrderStatus.OPEN, "pending": OrderStatus.OPEN, "settled": OrderStatus.FILLED},
    other=OrderStatus.OTHER,
)
SELF_TRADES = {
    SelfTrade.CANCEL_NEWEST: "cn",
    SelfTrade.CANCEL_OLDEST: "co",
    SelfTrade.CANCEL_BOTH: "cb",
}
STOPS = {True: "entry", False: "loss"}
"""By whether the price has to rise to the trigger."""
ENTRIES = Words(
    {
        EntryKind.TRANSFER: "transfer",
        EntryKind.TRADE: "match",
        EntryKind.FEE: "fee",
        EntryKind.CONVERSION: "conversion",
        EntryKind.MARGIN: "margin_interest",
        EntryKind.REWARD: "rebate",
        EntryKind.ADJUSTMENT: "tax_credit",
    },
    {"match_conversion": EntryKind.CONVERSION},
    other=EntryKind.OTHER,
)


def stop_type(side: Side, word: str, *, has_limit: bool) -> OrderType:
    """The type of an order that waits; `loss` is triggered by a falling price, `entry` rising."""
    return triggered_type(side, is_rising=word == STOPS[True], has_limit=has_limit)
