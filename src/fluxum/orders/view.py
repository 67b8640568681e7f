"""What readers see of an order: all that is known of it, what is doubted, what does not agree."""

from decimal import Decimal
from enum import Enum

from msgspec import Struct

from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderRequest, OrderStatus, OrderType, OrderUpdate, word_of

__all__ = ["Difference", "Doubt", "OrderView"]

_ZERO = Decimal(0)


class Doubt(Enum):
    """What is not known of an order, and so what settles it.

    EXISTENCE: whether the venue ever got it; any word of it does. CHANGE: whether a change or a
    cancel was obeyed; its end does, or a look at it once the command can no longer arrive.
    ABSENCE: whether it is still open, as it is missing from what is, or as nobody listened for a
    while; its end settles that, or its being open.
    """

    EXISTENCE = "existence"
    CHANGE = "change"
    ABSENCE = "absence"


class Difference(Struct, frozen=True):
    """What is filled by the sum of an order's fills, and by the venue's own updates."""

    by_fills: Decimal
    by_updates: Decimal


class OrderView(Struct, frozen=True, kw_only=True, tag="tracked_order"):
    """All that is known of one order now.

    `client_order_id` is our name of it, empty for orders of others on the same account; `order_id`
    is the venue's, empty while it is not known. Of an order that an edit replaced, `replaced_by`
    is the new one's id, and `replaces` the old one's id in the new. `filled` and `cost` are what
    is proved by fills or by updates, whichever is more; `difference` names the two while they
    differ, which they do for a moment between a fill and the update that counts it, and for good
    where an order had been filled in part before anybody listened. `late_fills` came after the
    end. `venue_ns` is the venue's time of the last word.
    """

    client_order_id: str
    order_id: str
    symbol: Symbol
    side: Side
    order_type: OrderType
    status: OrderStatus
    quantity: Decimal | None
    filled: Decimal
    cost: Decimal
    average_price: Decimal | None
    limit_price: Decimal | None
    trigger_price: Decimal | None
    reason: str
    is_ours: bool
    fills: int
    late_fills: int
    difference: Difference | None
    doubt: Doubt | None
    replaces: str
    replaced_by: str
    request: OrderRequest | None
    update: OrderUpdate | None
    venue_ns: int | None
    received_ns: int | None

    @property
    def type_text(self) -> str:
        """The type, with the venue's word where Fluxum does not know it."""
        return word_of(self.order_type, "" if self.update is None else self.update.venue_type)

    @property
    def status_text(self) -> str:
        """The status, with the venue's word where Fluxum does not know it."""
        update = self.update
        is_its = update is not None and update.status is self.status
        return word_of(self.status, update.venue_status if update and is_its else "")

    @property
    def remaining(self) -> Decimal | None:
        """What is not filled yet; none of an amount to spend whose quantity nobody knows yet."""
        return None if self.quantity is None else max(self.quantity - self.filled, _ZERO)
