"""Orders: what is asked of a venue, what it answers, and what becomes of each."""

from decimal import Decimal
from enum import Enum

from msgspec import Struct

from fluxum.model.instrument import Symbol
from fluxum.model.market import Side

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
]

_ZERO = Decimal(0)


class OrderType(Enum):
    """How an order trades. Triggered ones wait, out of the book, for a price."""

    MARKET = "market"
    LIMIT = "limit"
    ICEBERG = "iceberg"
    STOP_LOSS = "stop_loss"
    STOP_LOSS_LIMIT = "stop_loss_limit"
    TAKE_PROFIT = "take_profit"
    TAKE_PROFIT_LIMIT = "take_profit_limit"
    TRAILING_STOP = "trailing_stop"
    TRAILING_STOP_LIMIT = "trailing_stop_limit"
    SETTLE_POSITION = "settle_position"

    @property
    def has_limit(self) -> bool:
        """Whether it names the worst price it trades at."""
        return self in _LIMITED

    @property
    def is_triggered(self) -> bool:
        """Whether it waits for a price before it trades."""
        return self in _TRIGGERED


_LIMITED = frozenset(
    {
        OrderType.LIMIT,
        OrderType.ICEBERG,
        OrderType.STOP_LOSS_LIMIT,
        OrderType.TAKE_PROFIT_LIMIT,
        OrderType.TRAILING_STOP_LIMIT,
    }
)
_TRIGGERED = frozenset(
    {
        OrderType.STOP_LOSS,
        OrderType.STOP_LOSS_LIMIT,
        OrderType.TAKE_PROFIT,
        OrderType.TAKE_PROFIT_LIMIT,
        OrderType.TRAILING_STOP,
        OrderType.TRAILING_STOP_LIMIT,
    }
)


class TimeInForce(Enum):
    """How long an order may rest: until canceled, not at all, whole or not at all, until a time."""

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    GTD = "gtd"


class PriceKind(Enum):
    """What a price field means: a price, or a signed distance in percent or in the quote asset."""

    STATIC = "static"
    PERCENT = "percent"
    QUOTE = "quote"


class TriggerReference(Enum):
    """Which price a trigger watches."""

    LAST = "last"
    INDEX = "index"


class Trigger(Struct, frozen=True):
    """When a triggered order begins to trade. Of trailing orders a distance from the peak."""

    price: Decimal
    kind: PriceKind = PriceKind.STATIC
    reference: TriggerReference = TriggerReference.LAST


class SelfTrade(Enum):
    """Which order gives way when two of one's own would trade with each other."""

    CANCEL_NEWEST = "cancel_newest"
    CANCEL_OLDEST = "cancel_oldest"
    CANCEL_BOTH = "cancel_both"


class FeeAsset(Enum):
    """Which side of the market the fee is taken in."""

    BASE = "base"
    QUOTE = "quote"


class CloseOrder(Struct, frozen=True, kw_only=True):
    """The order to be placed the other way round once this one is filled."""

    order_type: OrderType
    limit_price: Decimal | None = None
    limit_price_kind: PriceKind | None = None
    trigger_price: Decimal | None = None
    trigger_price_kind: PriceKind | None = None


class OrderRequest(Struct, frozen=True, kw_only=True):
    """An order somebody wants. Quantities are in the base asset unless they say otherwise.

    `quantity` is none only where `quote_quantity` (what to spend, for market buys) says how
    much. `display_quantity` is what an iceberg shows. `client_order_id` is our own name of the
    order; whoever places it fills it in when it is empty. Instants are ns since the epoch.
    """

    symbol: Symbol
    side: Side
    order_type: OrderType = OrderType.LIMIT
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    limit_price_kind: PriceKind | None = None
    trigger: Trigger | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    effective_ns: int | None = None
    expires_ns: int | None = None
    post_only: bool = False
    reduce_only: bool = False
    margin: bool = False
    display_quantity: Decimal | None = None
    quote_quantity: Decimal | None = None
    fee_asset: FeeAsset | None = None
    self_trade: SelfTrade | None = None
    close: CloseOrder | None = None
    client_order_id: str = ""
    user_reference: int | None = None


# What can be asked of a venue that trades


class Place(Struct, frozen=True, kw_only=True, tag="place"):
    """Enter an order. One that reaches the engine after `deadline_ns` is refused there."""

    request: OrderRequest
    deadline_ns: int | None = None
    validate: bool = False


class PlaceBatch(Struct, frozen=True, kw_only=True, tag="place_batch"):
    """Enter several orders of one symbol at once; each may succeed or fail by itself."""

    requests: tuple[OrderRequest, ...]
    deadline_ns: int | None = None
    validate: bool = False


class Amend(Struct, frozen=True, kw_only=True, tag="amend"):
    """Change an order in place; its ids stay. One of the two ids names it; none keeps a value."""

    order_id: str = ""
    client_order_id: str = ""
    symbol: Symbol | None = None
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    limit_price_kind: PriceKind | None = None
    display_quantity: Decimal | None = None
    trigger_price: Decimal | None = None
    trigger_price_kind: PriceKind | None = None
    post_only: bool | None = None
    deadline_ns: int | None = None


class Edit(Struct, frozen=True, kw_only=True, tag="edit"):
    """Cancel an order and enter another in its place, with a new id, at the back of the queue."""

    order_id: str
    symbol: Symbol
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    trigger: Trigger | None = None
    display_quantity: Decimal | None = None
    fee_asset: FeeAsset | None = None
    post_only: bool | None = None
    reduce_only: bool | None = None
    user_reference: int | None = None
    deadline_ns: int | None = None
    validate: bool = False


class Cancel(Struct, frozen=True, kw_only=True, tag="cancel"):
    """Take orders out, by either id or by the user's own tag; each is answered by itself."""

    order_ids: tuple[str, ...] = ()
    client_order_ids: tuple[str, ...] = ()
    user_references: tuple[int, ...] = ()


class CancelBatch(Struct, frozen=True, kw_only=True, tag="cancel_batch"):
    """Take many orders out with one answer that counts them."""

    order_ids: tuple[str, ...] = ()
    client_order_ids: tuple[str, ...] = ()


class CancelAll(Struct, frozen=True, tag="cancel_all"):
    """Take every order of the account out."""


class CancelAllAfter(Struct, frozen=True, tag="cancel_all_after"):
    """Have the venue take every order out unless this is said again in time; zero disarms."""

    timeout_s: int


Command = Place | PlaceBatch | Amend | Edit | Cancel | CancelBatch | CancelAll | CancelAllAfter


# What the venue answers


class Accepted(Struct, frozen=True, kw_only=True, tag="accepted"):
    """The venue took a command, or one order of it. What it does is told by order updates.

    `command_id` is the number the command was sent with. `original_order_id` is the order an
    edit replaced, `count` how many orders a cancel took out, `triggers_ns` when the venue will
    cancel all (none: disarmed). After `is_last` there is no further answer to this command.
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
    """The venue refused a command, or one order of it, in its own words."""

    venue: str
    command_id: int
    order_id: str = ""
    client_order_id: str = ""
    message: str
    is_last: bool = True
    received_ns: int


class OrderStatus(Enum):
    """Where an order stands.

    PENDING: accepted by the venue, not live yet, as triggered orders that wait. REFUSED: the
    venue never took it. UNKNOWN: it was sent, and nobody has said yet what became of it.
    """

    PENDING = "pending"
    OPEN = "open"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REFUSED = "refused"
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens to the order, late fills aside."""
        return self in _FINAL


_FINAL = frozenset(
    {OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REFUSED}
)


class OrderUpdate(Struct, frozen=True, kw_only=True, tag="order"):
    """All that is known of one order now, not only what changed.

    `cost` is what was traded in the quote asset; `average_price` is none before the first fill.
    `reason` is the venue's word for why it ended or changed. `opened_ns` is when the venue took it.
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
    reason: str = ""
    opened_ns: int | None = None
    venue_ns: int
    received_ns: int

    @property
    def remaining(self) -> Decimal:
        """What is not filled yet."""
        return self.quantity - self.filled


class OrderFragment(Struct, frozen=True, kw_only=True, tag="order_fragment"):
    """A change of an order of which nothing else is known, as on a tape that begins after it did.

    What the venue did not say is none or empty. A session never tells one: it asks anew instead.
    """

    venue: str
    order_id: str
    client_order_id: str = ""
    status: OrderStatus | None = None
    quantity: Decimal | None = None
    filled: Decimal | None = None
    cost: Decimal | None = None
    limit_price: Decimal | None = None
    reason: str = ""
    venue_ns: int | None = None
    received_ns: int


class OpenOrders(Struct, frozen=True, kw_only=True, tag="open_orders"):
    """Every open order of the account at one moment; one that is missing is open no longer."""

    venue: str
    orders: tuple[OrderUpdate, ...]
    received_ns: int


class TradingCount(Struct, frozen=True, kw_only=True, tag="trading_count"):
    """How much of the venue's trading allowance is used; `symbol` is none where it is for all."""

    venue: str
    symbol: Symbol | None = None
    used: Decimal | None = None
    allowed: Decimal | None = None
    received_ns: int
