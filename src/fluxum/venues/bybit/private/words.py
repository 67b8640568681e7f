"""Bybit's words for what Fluxum has names for, both ways.

https://bybit-exchange.github.io/docs/v5/enum. Every list of words is open: one that is not here is
OTHER, and is kept beside it.
"""

from fluxum.model.account import EntryKind
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus, OrderType, SelfTrade, TimeInForce, TriggerReference
from fluxum.model.position import Forced, MarginMode, PositionSide
from fluxum.venues.triggers import triggered_type
from fluxum.venues.words import Words

__all__ = [
    "ENTRY_KINDS",
    "FILLS",
    "FORCED_FILLS",
    "FORCED_ORDERS",
    "FORCED_POSITIONS",
    "LEGS",
    "MARGIN_MODES",
    "NO_FILLS",
    "POSITION_SIDES",
    "REFERENCES",
    "SELF_TRADES",
    "SIDES",
    "STATUSES",
    "TIMES_IN_FORCE",
    "order_type",
]

SIDES = {Side.BUY: "Buy", Side.SELL: "Sell"}
REFERENCES = {
    TriggerReference.LAST: "LastPrice",
    TriggerReference.INDEX: "IndexPrice",
    TriggerReference.MARK: "MarkPrice",
}
"""What triggers of contracts watch: those of spot watch last prices alone."""
TIMES_IN_FORCE = Words(
    {TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK"},
    {"PostOnly": TimeInForce.GTC},
    other=TimeInForce.OTHER,
)
SELF_TRADES = {
    SelfTrade.CANCEL_NEWEST: "CancelTaker",
    SelfTrade.CANCEL_OLDEST: "CancelMaker",
    SelfTrade.CANCEL_BOTH: "CancelBoth",
}
STATUSES = Words(
    {
        OrderStatus.OPEN: "New",
        OrderStatus.PARTIALLY_FILLED: "PartiallyFilled",
        OrderStatus.PENDING: "Untriggered",
        OrderStatus.FILLED: "Filled",
        OrderStatus.CANCELED: "Cancelled",
        OrderStatus.REFUSED: "Rejected",
    },
    {
        "Triggered": OrderStatus.PENDING,
        "PartiallyFilledCanceled": OrderStatus.CANCELED,
        "Deactivated": OrderStatus.CANCELED,
    },
    other=OrderStatus.OTHER,
)
FILLS = frozenset({"Trade", "AdlTrade", "BustTrade", "BlockTrade", "Delivery"})
"""Kinds of executions that change a position at a price."""
NO_FILLS = frozenset({"Funding", "SessionSettlePnL", "Settle"})
"""Kinds that move money alone; they are account entries."""
FORCED_FILLS = {"AdlTrade": Forced.DELEVERAGING, "BustTrade": Forced.LIQUIDATION}
FORCED_ORDERS = {
    "CreateByLiq": Forced.LIQUIDATION,
    "CreateByTakeOver_PassThrough": Forced.LIQUIDATION,
    "CreateByAdl_PassThrough": Forced.DELEVERAGING,
}
"""Orders of the exchange itself, by `createType`."""
FORCED_POSITIONS = {"Liq": Forced.LIQUIDATION, "Adl": Forced.DELEVERAGING}
POSITION_SIDES = {"Buy": PositionSide.LONG, "Sell": PositionSide.SHORT, "": None}
LEGS = {0: None, 1: PositionSide.LONG, 2: PositionSide.SHORT}
"""By `positionIdx`."""
MARGIN_MODES = {
    "REGULAR_MARGIN": MarginMode.CROSS,
    "ISOLATED_MARGIN": MarginMode.ISOLATED,
    "PORTFOLIO_MARGIN": MarginMode.PORTFOLIO,
}
ENTRY_KINDS = {
    "TRADE": EntryKind.TRADE,
    "DELIVERY": EntryKind.TRADE,
    "LIQUIDATION": EntryKind.TRADE,
    "ADL": EntryKind.TRADE,
    "SETTLEMENT": EntryKind.FUNDING,
    "INTEREST": EntryKind.MARGIN,
    "BORROW": EntryKind.MARGIN,
    "REPAY": EntryKind.MARGIN,
    "TRANSFER_IN": EntryKind.TRANSFER,
    "TRANSFER_OUT": EntryKind.TRANSFER,
    "DEPOSIT": EntryKind.DEPOSIT,
    "WITHDRAW": EntryKind.WITHDRAWAL,
    "FEE_REFUND": EntryKind.FEE,
    "AIRDROP": EntryKind.REWARD,
    "BONUS": EntryKind.REWARD,
    "CONVERT": EntryKind.CONVERSION,
    "CURRENCY_BUY": EntryKind.CONVERSION,
    "CURRENCY_SELL": EntryKind.CONVERSION,
}
"""The kind of an entry by Bybit's `type`; all others are OTHER, the word is kept beside it."""

_UNTRIGGERED = frozenset({"", "UNKNOWN"})
_RISES = 1


def order_type(word: str, stop: str, side: Side, direction: int) -> tuple[OrderType, str]:
    """The type of an order, or OTHER and the word; `stop` is the venue's `stopOrderType`.

    A buy that waits for a price above, and a sale for one below, are stops; without a direction
    the venue's word decides.
    """
    if word not in {"Market", "Limit"}:
        return OrderType.OTHER, word
    has_limit = word == "Limit"
    if stop in _UNTRIGGERED:
        return (OrderType.LIMIT if has_limit else OrderType.MARKET), ""
    if stop == "TrailingStop":
        return OrderType.TRAILING_STOP, ""
    if stop not in {"Stop", "StopLoss", "PartialStopLoss", "TakeProfit", "PartialTakeProfit"}:
        return OrderType.OTHER, f"{word} {stop}"
    takes_profit = stop.endswith("TakeProfit")
    is_rising = (side is Side.BUY) is not takes_profit
    if stop == "Stop" and direction:
        is_rising = direction == _RISES
    return triggered_type(side, is_rising=is_rising, has_limit=has_limit), ""
