"""Orders as venues send them: answers to commands, and the states of orders.

A venue's own words are open lists: one that Fluxum does not know is OTHER, and is kept beside it.
Requests to venues are in `fluxum.model.request` and can be imported from here as well.
"""

from decimal import Decimal

from msgspec import Struct, structs

from fluxum.model.enumeration import Enumeration
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.position import Forced
from fluxum.model.request import (
    Amend,
    Cancel,
    CancelAll,
    CancelAllAfter,
    CancelBatch,
    CloseOrder,
    Command,
    Edit,
    FeeAsset,
    OrderRequest,
    OrderType,
    Place,
    PlaceBatch,
    PriceKind,
    SelfTrade,
    TimeInForce,
    Trigger,
    TriggerReference,
    is_cancel,
)

__all__ = [
    "Accepted",
    "Amend",
    "Cancel",
    "CancelAll",
    "CancelAllAfter",
    "CancelBatch",
    "CloseOrder",
    "Command",
    "Declined",
    "Edit",
    "FeeAsset",
    "OpenOrders",
    "OrderFragment",
    "OrderRequest",
    "OrderStatus",
    "OrderType",
    "OrderUpdate",
    "Place",
    "PlaceBatch",
    "PriceKind",
    "SelfTrade",
    "TimeInForce",
    "TradingCount",
    "Trigger",
    "TriggerReference",
    "ended",
    "is_cancel",
    "opened_ns",
    "word_of",
]

_ZERO = Decimal(0)


# Answers of the venue


class Accepted(Struct, frozen=True, kw_only=True, tag="accepted"):
    """The venue accepted a command, or one order of it. Order updates show its effects.

    `command_id` is the number the command was sent with. `original_order_id` is the order that an
    edit replaced, `count` how many orders a cancel took out, `triggers_ns` when the venue will
    cancel all (`None`: disarmed). After `is_last` there is no further answer to this command.
    """

    venue: str
    command_id: int
    order_id: str = ""
    client_order_id: str = ""
    original_order_id: str = ""
    count: int | None = None
    triggers_ns: int | None = None
    warnings: tuple[str, ...] = ()
    is_last: bool = True
    received_ns: int


class Declined(Struct, frozen=True, kw_only=True, tag="declined"):
    """The venue refused a command, or one order of it; `message` has its own words."""

    venue: str
    command_id: int
    order_id: str = ""
    client_order_id: str = ""
    message: str
    is_last: bool = True
    received_ns: int


class OrderStatus(Enumeration):
    """The status of an order.

    PENDING: accepted by the venue, not live yet, such as waiting triggered orders. REFUSED: the
    venue never accepted it. UNKNOWN: it was sent, and its outcome is not known yet. OTHER: the
    venue's word is unknown to Fluxum, so the order may still be filled.
    """

    PENDING = "pending"
    OPEN = "open"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    OTHER = "other"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens to the order, except late fills."""
        return self in _FINAL


_FINAL = frozenset(
    {OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REFUSED}
)


class OrderUpdate(Struct, frozen=True, kw_only=True, tag="order"):
    """All that is known of one order now, not only what changed.

    `cost` is what was traded in the quote asset; `average_price` is `None` before the first fill.
    `reason` is the venue's word for why it ended or changed. `forced` is set for an order of the
    exchange itself, to close a position. `opened_ns` is when the venue accepted it. `venue_type`,
    `venue_status` and `venue_time_in_force` are the venue's words if Fluxum does not know them,
    else empty: then the corresponding field is OTHER, or the status is CANCELED for an order
    that is known to have ended.
    """

    venue: str
    order_id: str
    client_order_id: str = ""
    user_reference: int | None = None
    symbol: Symbol
    side: Side
    order_type: OrderType
    status: OrderStatus
    quantity: Decimal
    filled: Decimal = _ZERO
    cost: Decimal = _ZERO
    average_price: Decimal | None = None
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    display_quantity: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    reduce_only: bool = False
    forced: Forced | None = None
    reason: str = ""
    venue_type: str = ""
    venue_status: str = ""
    venue_time_in_force: str = ""
    opened_ns: int | None = None
    venue_ns: int
    received_ns: int

    @property
    def remaining(self) -> Decimal:
        """The quantity that is not filled yet."""
        return self.quantity - self.filled


class OrderFragment(Struct, frozen=True, kw_only=True, tag="order_fragment"):
    """A change of an order of which nothing else is known, as on a tape that begins after it did.

    Fields that the venue did not send are `None` or empty. A session never publishes one: it
    requests the order again instead. `venue_status` is that of OrderUpdate.
    """

    venue: str
    order_id: str
    client_order_id: str = ""
    status: OrderStatus | None = None
    venue_status: str = ""
    quantity: Decimal | None = None
    filled: Decimal | None = None
    cost: Decimal | None = None
    limit_price: Decimal | None = None
    reason: str = ""
    venue_ns: int | None = None
    received_ns: int


class OpenOrders(Struct, frozen=True, kw_only=True, tag="open_orders"):
    """Every open order of the account at one moment; one that is missing is not open any more.

    `unread` are the ids of orders whose rows could not be read: they are open, and their known
    state stays.
    """

    venue: str
    orders: tuple[OrderUpdate, ...]
    unread: tuple[str, ...] = ()
    received_ns: int


class TradingCount(Struct, frozen=True, kw_only=True, tag="trading_count"):
    """How much of the venue's trading allowance is used; `symbol` is `None` if it is for all."""

    venue: str
    symbol: Symbol | None = None
    used: Decimal | None = None
    allowed: Decimal | None = None
    received_ns: int


def ended(update: OrderUpdate) -> OrderUpdate:
    """An update from a list of orders that ended: there an unknown status is an end too.

    It counts as CANCELED, and `venue_status` keeps the venue's word.
    """
    if update.status is OrderStatus.OTHER:
        return structs.replace(update, status=OrderStatus.CANCELED)
    return update


def opened_ns(update: OrderUpdate) -> int:
    """When the venue took an order, or at least the time of its update."""
    return update.venue_ns if update.opened_ns is None else update.opened_ns


def word_of(known: OrderType | OrderStatus | TimeInForce, venue_word: str) -> str:
    """The text for a field and the venue's word beside it: `limit`, or `other (twap)`."""
    return f"{known.value} ({venue_word})" if venue_word else known.value
