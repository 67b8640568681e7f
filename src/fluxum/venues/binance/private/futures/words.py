"""Words of USD-M futures for what Fluxum has names for, both ways; the rest are those of spot.

https://developers.binance.com/docs/derivatives/usds-margined-futures/common-definition. Every list
of words is open: one that is not here is OTHER, and is kept beside it.
"""

from fluxum.model.account import EntryKind
from fluxum.model.order import OrderStatus, OrderType, TimeInForce, TriggerReference
from fluxum.model.position import Forced, MarginMode, PositionSide
from fluxum.venues.words import Words

__all__ = [
    "CONDITIONAL",
    "ENTRY_KINDS",
    "EXPIRIES",
    "LEGS",
    "MARGIN_MODES",
    "POST_ONLY",
    "REFERENCES",
    "TIMES_IN_FORCE",
    "TYPES",
    "WAITING",
    "forced",
]

POST_ONLY = "GTX"
"""The time in force of an order that must not take."""
TIMES_IN_FORCE = Words(
    {
        TimeInForce.GTC: "GTC",
        TimeInForce.IOC: "IOC",
        TimeInForce.FOK: "FOK",
        TimeInForce.GTD: "GTD",
    },
    {POST_ONLY: TimeInForce.GTC, "": TimeInForce.GTC},
    other=TimeInForce.OTHER,
)
TYPES = Words(
    {
        OrderType.MARKET: "MARKET",
        OrderType.LIMIT: "LIMIT",
        OrderType.STOP_LOSS: "STOP_MARKET",
        OrderType.STOP_LOSS_LIMIT: "STOP",
        OrderType.TAKE_PROFIT: "TAKE_PROFIT_MARKET",
        OrderType.TAKE_PROFIT_LIMIT: "TAKE_PROFIT",
        OrderType.TRAILING_STOP: "TRAILING_STOP_MARKET",
    },
    other=OrderType.OTHER,
)
REFERENCES = {TriggerReference.LAST: "CONTRACT_PRICE", TriggerReference.MARK: "MARK_PRICE"}
"""What triggers watch, by `workingType`."""
CONDITIONAL = frozenset(TYPES) - {OrderType.MARKET, OrderType.LIMIT}
"""Orders that wait for a price, apart from the book."""
WAITING = Words(
    {
        OrderStatus.PENDING: "NEW",
        OrderStatus.CANCELED: "CANCELED",
        OrderStatus.EXPIRED: "EXPIRED",
        OrderStatus.REFUSED: "REJECTED",
    },
    {
        "TRIGGERING": OrderStatus.PENDING,
        "TRIGGERED": OrderStatus.EXPIRED,  # as another order goes on
        "FINISHED": OrderStatus.EXPIRED,
    },
    other=OrderStatus.OTHER,
)
"""Statuses of such orders (.../user-data-streams/Event-Algo-Order-Update)."""
EXPIRIES = {
    "1": "self-trade",
    "2": "immediate or cancel",
    "3": "immediate or cancel, self-trade",
    "4": "a reduce-only order of higher priority, or no position to reduce",
    "5": "liquidation",
    "6": "no position",
    "7": "delisted",
    "8": "its stop was triggered",
    "9": "no liquidity",
}
"""Why orders expire, by `er` (.../user-data-streams/Event-Order-Update)."""
LEGS = {"BOTH": None, "LONG": PositionSide.LONG, "SHORT": PositionSide.SHORT}
MARGIN_MODES = {"cross": MarginMode.CROSS, "isolated": MarginMode.ISOLATED}
ENTRY_KINDS = {
    "REALIZED_PNL": EntryKind.TRADE,
    "COMMISSION": EntryKind.TRADE,
    "DELIVERED_SETTELMENT": EntryKind.TRADE,  # as the venue spells it
    "FUNDING_FEE": EntryKind.FUNDING,
    **dict.fromkeys(
        (
            *("TRANSFER", "INTERNAL_TRANSFER", "CROSS_COLLATERAL_TRANSFER"),
            *("COIN_SWAP_DEPOSIT", "COIN_SWAP_WITHDRAW", "STRATEGY_UMFUTURES_TRANSFER"),
        ),
        EntryKind.TRANSFER,
    ),
    **dict.fromkeys(
        ("WELCOME_BONUS", "REFERRAL_KICKBACK", "CONTEST_REWARD", "BFUSD_REWARD"), EntryKind.REWARD
    ),
    **dict.fromkeys(
        ("COMMISSION_REBATE", "API_REBATE", "FEE_RETURN", "POSITION_LIMIT_INCREASE_FEE"),
        EntryKind.FEE,
    ),
    "AUTO_EXCHANGE": EntryKind.CONVERSION,
    "INSURANCE_CLEAR": EntryKind.ADJUSTMENT,
}
"""The kind of a line by `incomeType`; all others are OTHER, the word is kept beside it."""


def forced(name: str) -> Forced | None:
    """Why an order is the venue's own, by the client order id that it gives these.

    https://developers.binance.com/docs/derivatives/usds-margined-futures/user-data-streams/Event-Order-Update
    """
    if name.startswith("autoclose-"):
        return Forced.LIQUIDATION
    return Forced.DELEVERAGING if name == "adl_autoclose" else None
