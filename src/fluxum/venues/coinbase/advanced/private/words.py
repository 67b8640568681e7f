"""Advanced Trade's words for what Fluxum has names for, both ways.

https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/orders/list-orders. Every
list of words is open: one that is not here is OTHER, and the functions return it beside that; of
one that is here they return empty text. The stream spells types in small letters: `Stop Limit`.
"""

from fluxum.errors import RemoteProtocolError
from fluxum.model.account import Liquidity
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus, OrderType, TimeInForce

__all__ = [
    "ENDED",
    "LIQUIDITY",
    "SIDES",
    "STATUSES",
    "STOP_DOWN",
    "STOP_UP",
    "TIMES_IN_FORCE",
    "order_type",
    "reason",
    "side",
    "status",
    "time_in_force",
]

SIDES = {Side.BUY: "BUY", Side.SELL: "SELL"}
LIQUIDITY = {"MAKER": Liquidity.MAKER, "TAKER": Liquidity.TAKER}
TIMES_IN_FORCE = {
    TimeInForce.GTC: "GOOD_UNTIL_CANCELLED",
    TimeInForce.GTD: "GOOD_UNTIL_DATE_TIME",
    TimeInForce.IOC: "IMMEDIATE_OR_CANCEL",
    TimeInForce.FOK: "FILL_OR_KILL",
}
STATUSES = {
    "PENDING": OrderStatus.PENDING,
    "QUEUED": OrderStatus.PENDING,
    "OPEN": OrderStatus.OPEN,
    "CANCEL_QUEUED": OrderStatus.OPEN,
    "EDIT_QUEUED": OrderStatus.OPEN,
    "FILLED": OrderStatus.FILLED,
    "CANCELLED": OrderStatus.CANCELED,
    "EXPIRED": OrderStatus.EXPIRED,
    "FAILED": OrderStatus.REFUSED,
}
ENDED = frozenset(word for word, one in STATUSES.items() if one.is_final)
STOP_UP, STOP_DOWN = "STOP_DIRECTION_STOP_UP", "STOP_DIRECTION_STOP_DOWN"
# These stand where there is no reason.
_NO_REASONS = frozenset(
    (
        *("", "REJECT_REASON_UNSPECIFIED", "UNKNOWN_FAILURE_REASON", "UNKNOWN"),
        *("UNKNOWN_PREVIEW_FAILURE_REASON", "UNKNOWN_CANCEL_FAILURE_REASON"),
        "UNKNOWN_EDIT_ORDER_FAILURE_REASON",
    )
)
_SIDES = {word: one for one, word in SIDES.items()}
_TIMES = {word: one for one, word in TIMES_IN_FORCE.items()}
_TYPES = {"MARKET": OrderType.MARKET, "LIMIT": OrderType.LIMIT}


def side(word: str) -> Side:
    """The side of an order; raises RemoteProtocolError."""
    if word not in _SIDES:
        raise RemoteProtocolError(f"BUY or SELL was expected, was {word[:40]!r}")
    return _SIDES[word]


def status(word: str, trigger: str, *, is_part: bool) -> tuple[OrderStatus, str]:
    """The status of an order, or OTHER and the word; `is_part` is whether a part is filled."""
    known = STATUSES.get(word)
    if known is OrderStatus.OPEN and is_part:
        return OrderStatus.PARTIALLY_FILLED, ""
    if known is OrderStatus.OPEN and trigger == "STOP_PENDING":
        return OrderStatus.PENDING, ""
    return (OrderStatus.OTHER, word) if known is None else (known, "")


def time_in_force(word: str) -> tuple[TimeInForce, str]:
    """The time in force, or OTHER and the word; of a stop the stream may send none."""
    known = _TIMES.get(word) if word else TimeInForce.GTC
    return (TimeInForce.OTHER, word) if known is None else (known, "")


def order_type(word: str, way: Side, direction: str | None = None) -> tuple[OrderType, str]:
    """The type of an order, or OTHER and the word.

    Of a stop, `direction` is which way the price has to move. A buy that waits for a price above,
    and a sale for one below, stop a loss. The stream sends no direction: it is taken for these.
    """
    text = word.upper().replace(" ", "_")
    if text == "STOP_LIMIT":
        loses = STOP_UP if way is Side.BUY else STOP_DOWN
        is_loss = direction in {None, loses}
        return (OrderType.STOP_LOSS_LIMIT if is_loss else OrderType.TAKE_PROFIT_LIMIT), ""
    known = _TYPES.get(text)
    return (OrderType.OTHER, word) if known is None else (known, "")


def reason(*given: str) -> str:
    """The words that say why something ended or was refused, each once; empty for none."""
    return ", ".join(dict.fromkeys(one for one in given if one not in _NO_REASONS))
