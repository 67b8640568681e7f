"""Advanced Trade's words for what Fluxum has names for, both ways.

https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/orders/list-orders. Every
list of words is open: one that is not here is OTHER, and the functions return it beside that; of
one that is here they return empty text. The stream spells types in small letters: `Stop Limit`.
"""

from fluxum.model.account import Liquidity
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus, OrderType, TimeInForce
from fluxum.venues.triggers import triggered_type
from fluxum.venues.words import Words

__all__ = [
    "LIQUIDITY",
    "SIDES",
    "STATUSES",
    "STOP_DOWN",
    "STOP_UP",
    "TIMES_IN_FORCE",
    "order_type",
    "reason",
    "status",
]

SIDES = Words({Side.BUY: "BUY", Side.SELL: "SELL"})
LIQUIDITY = {"MAKER": Liquidity.MAKER, "TAKER": Liquidity.TAKER}
TIMES_IN_FORCE = Words(
    {
        TimeInForce.GTC: "GOOD_UNTIL_CANCELLED",
        TimeInForce.GTD: "GOOD_UNTIL_DATE_TIME",
        TimeInForce.IOC: "IMMEDIATE_OR_CANCEL",
        TimeInForce.FOK: "FILL_OR_KILL",
    },
    {"": TimeInForce.GTC},  # of a stop the stream may send none
    other=TimeInForce.OTHER,
)
STATUSES = Words(
    {
        OrderStatus.PENDING: "PENDING",
        OrderStatus.OPEN: "OPEN",
        OrderStatus.FILLED: "FILLED",
        OrderStatus.CANCELED: "CANCELLED",
        OrderStatus.EXPIRED: "EXPIRED",
        OrderStatus.REFUSED: "FAILED",
    },
    {
        "QUEUED": OrderStatus.PENDING,
        "CANCEL_QUEUED": OrderStatus.OPEN,
        "EDIT_QUEUED": OrderStatus.OPEN,
    },
    other=OrderStatus.OTHER,
)
STOP_UP, STOP_DOWN = "STOP_DIRECTION_STOP_UP", "STOP_DIRECTION_STOP_DOWN"
# These stand where there is no reason.
_NO_REASONS = frozenset(
    (
        *("", "REJECT_REASON_UNSPECIFIED", "UNKNOWN_FAILURE_REASON", "UNKNOWN"),
        *("UNKNOWN_PREVIEW_FAILURE_REASON", "UNKNOWN_CANCEL_FAILURE_REASON"),
        "UNKNOWN_EDIT_ORDER_FAILURE_REASON",
    )
)
_TYPES = {"MARKET": OrderType.MARKET, "LIMIT": OrderType.LIMIT}


def status(word: str, trigger: str, *, is_part: bool) -> tuple[OrderStatus, str]:
    """The status of an order, or OTHER and the word; `is_part` is whether a part is filled."""
    known, venue_status = STATUSES.known(word)
    if known is OrderStatus.OPEN and (is_part or trigger == "STOP_PENDING"):
        known = OrderStatus.PARTIALLY_FILLED if is_part else OrderStatus.PENDING
    return known, venue_status


def order_type(word: str, way: Side, direction: str | None = None) -> tuple[OrderType, str]:
    """The type of an order, or OTHER and the word.

    `direction` is which way the price of a stop has to move. The stream sends none: there a stop
    is taken for one that stops a loss.
    """
    text = word.upper().replace(" ", "_")
    if text != "STOP_LIMIT":
        one = _TYPES.get(text, OrderType.OTHER)
        return one, word if one is OrderType.OTHER else ""
    is_rising = (way is Side.BUY) if direction is None else direction == STOP_UP
    return triggered_type(way, is_rising=is_rising, has_limit=True), ""


def reason(*given: str) -> str:
    """The words for why something ended or was refused, each once; empty for none."""
    return ", ".join(dict.fromkeys(one for one in given if one not in _NO_REASONS))
