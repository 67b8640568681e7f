"""One order: its status from all evidence, and what readers see of it. Pure.

What is known of an order comes from answers to commands, updates, fills, snapshots and the
account's history. These overlap, repeat each other and come late. So the status is not a variable
that each of them sets: it is worked out from the newest update, the fills, the answers and the
uncertainty. The same evidence in any order gives the same end.

- An end is final: evidence after it can only add to what is filled. Of two ends that contradict
  each other the one with more filled counts, then the later one.
- Of two updates of a live order the one with more filled is newer, then the later one by the
  venue's time. A snapshot, or a query's answer, that is newer than the last update replaces it.
- While the outcome of a command is unknown the order is UNKNOWN; see `Uncertainty`.
- A status that Fluxum does not know is OTHER: the order stays open until another status is known,
  and at the same instant a status that is known counts before it.
- REFUSED comes from the venue's refusal or from a deadline that passed. An order that turns out to
  exist was not refused.
"""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from fluxum.ledger.arithmetic import EXACT, average
from fluxum.model.account import Fill
from fluxum.model.enumeration import Enumeration
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderRequest, OrderStatus, OrderType, OrderUpdate, word_of

__all__ = ["Difference", "Order", "TrackedOrder", "Uncertainty", "is_lawful"]

_ZERO = Decimal(0)
_PENDING = OrderStatus.PENDING
_OPEN = OrderStatus.OPEN
_PART = OrderStatus.PARTIALLY_FILLED
_REFUSED = OrderStatus.REFUSED
_UNKNOWN = OrderStatus.UNKNOWN
_OTHER = OrderStatus.OTHER
_ENDS = frozenset(status for status in OrderStatus if status.is_final)

_LAWFUL: Mapping[OrderStatus, frozenset[OrderStatus]] = {
    _UNKNOWN: frozenset(OrderStatus) - {_UNKNOWN},
    _PENDING: _ENDS | {_OPEN, _PART, _UNKNOWN, _OTHER},
    # A venue's list may call an order open that still waits for its trigger.
    _OPEN: _ENDS - {_REFUSED} | {_PENDING, _PART, _UNKNOWN, _OTHER},
    _PART: _ENDS - {_REFUSED} | {_UNKNOWN, _OTHER},
    _OTHER: frozenset(OrderStatus) - {_OTHER, _REFUSED},
    # The refusal was not the last word, or the order was found nowhere and exists after all.
    _REFUSED: frozenset(OrderStatus) - {_REFUSED, _UNKNOWN},
    OrderStatus.FILLED: frozenset(),
    # Another end that has more filled.
    OrderStatus.CANCELED: frozenset({OrderStatus.FILLED, OrderStatus.EXPIRED}),
    OrderStatus.EXPIRED: frozenset({OrderStatus.FILLED, OrderStatus.CANCELED}),
}
_RANK = {status: rank for rank, status in enumerate(OrderStatus)} | {_OTHER: -1}


def is_lawful(old: OrderStatus, new: OrderStatus) -> bool:
    """Whether an order may move from one status to another; staying is no move."""
    return new in _LAWFUL[old]


class Uncertainty(Enumeration):
    """What is not known of an order, and so what resolves it.

    EXISTENCE: whether the venue received it; any update, fill or answer resolves that. CHANGE:
    whether a change or cancel took effect; the order's end resolves that, or a query once the
    command can no longer arrive. ABSENCE: whether it is still open, as it is missing from what is
    open or the account was not followed; its end resolves that, or its being open.
    """

    EXISTENCE = "existence"
    CHANGE = "change"
    ABSENCE = "absence"


class Difference(Struct, frozen=True):
    """What is filled by the sum of an order's fills, and by the venue's updates."""

    by_fills: Decimal
    by_updates: Decimal


class Order(Struct, frozen=True, kw_only=True, tag="tracked_order"):
    """All that is known of one order now.

    `client_order_id` is our name, empty for other programs' orders on the account; `order_id` is
    the venue's, empty until known. After an edit, `replaced_by` is the new order's id, and
    `replaces` in the new one the old id. `filled` and `cost` are what fills or updates prove,
    whichever is more; `difference` names both while they differ: for a moment between a fill and
    its update, and for good where a part was filled before the account was followed. `late_fills`
    came after the end. `venue_ns` is the time of the last update.
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
    uncertainty: Uncertainty | None
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
        """What is not filled yet; `None` for an amount to spend while its quantity is not known."""
        return None if self.quantity is None else max(self.quantity - self.filled, _ZERO)


class TrackedOrder(Struct, eq=False):
    """One order as evidence comes in; the caller passes each fill once (see `cache`).

    `request` is `None` for orders of other programs. `reference` is the user reference that
    identifies it at the venue where `name` was not sent. `sent_ns` is when it was sent or first
    seen; after `deadline_ns` it cannot arrive. Its times are by the venue's clock.
    """

    number: int
    name: str
    symbol: Symbol
    side: Side
    sent_ns: int
    request: OrderRequest | None = None
    deadline_ns: int | None = None
    reference: int | None = None
    order_id: str = ""
    changed_ns: int = 0
    """When it was placed or last amended, for venues that count by age."""
    update: OrderUpdate | None = None
    fills: int = 0
    late_fills: int = 0
    stale: int = 0
    """Updates that were older than what was known."""
    contradicted: int = 0
    """Ends that came after another end and do not agree with it."""
    is_accepted: bool = False
    refusal: str | None = None
    venue_reason: str = ""
    """The venue's refusal, where the order may have been entered all the same."""
    uncertainty: Uncertainty | None = None
    uncertain_reason: str = ""
    settle_ns: int = 0
    """From when on a query resolves the uncertainty, whatever it finds."""
    edit_reference: int | None = None
    """The user reference of an edit in flight that may replace this order."""
    replaces: str = ""
    replaced_by: str = ""
    cached_status: OrderStatus = _UNKNOWN
    """Its status when the cache last looked."""
    filled_before: Decimal | None = _ZERO
    """What was filled before the desk was opened; `None` until that is known."""
    pending_quantity: Decimal | None = None
    """The quantity of a change in flight, until its outcome is known."""
    is_listed: bool = False
    """Whether the venue listed it after that change was answered."""
    filled_by_fills: Decimal = _ZERO
    filled_by_updates: Decimal = _ZERO
    cost_by_fills: Decimal = _ZERO
    cost_by_updates: Decimal = _ZERO

    def __post_init__(self) -> None:
        """A new order was last changed when it was sent."""
        self.changed_ns = self.changed_ns or self.sent_ns

    # What is known

    @property
    def is_ours(self) -> bool:
        """Whether it was placed through this desk, in this process or one before."""
        return self.request is not None

    @property
    def is_confirmed(self) -> bool:
        """Whether the venue has shown that the order exists."""
        return self.update is not None or self.is_accepted or self.fills > 0

    @property
    def is_unresolved(self) -> bool:
        """Whether it is to be looked up: it is uncertain, or another order may replace it."""
        return self.uncertainty is not None or self.edit_reference is not None

    @property
    def status(self) -> OrderStatus:
        """Where the order stands, by all evidence."""
        update = self.update
        if update is not None:
            if update.status in _ENDS:
                return update.status
            if self.uncertainty is not None:
                return _UNKNOWN
            if update.status is _OTHER:
                return _OTHER
            if self.fills or self.filled_by_updates:
                return _PART
            return update.status
        if self.fills and self.uncertainty is None:
            return _PART
        if self.refusal is not None and not self.is_confirmed:
            return _REFUSED
        return _PENDING if self.is_accepted and self.uncertainty is None else _UNKNOWN

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens to it, late fills aside."""
        return self.status in _ENDS

    @property
    def filled(self) -> Decimal:
        """What is filled, by fills or by updates, whichever is more."""
        return max(self.filled_by_fills, self.filled_by_updates)

    @property
    def difference(self) -> Difference | None:
        """How the sum of fills differs from the filled quantity of updates, if it does."""
        if self.filled_by_fills == self.filled_by_updates:
            return None
        return Difference(self.filled_by_fills, self.filled_by_updates)

    def view(self) -> Order:
        """A copy of all that is known, for readers."""
        update, request, uncertainty = self.update, self.request, self.uncertainty
        known = request if update is None else update
        is_agreed = self.filled_by_fills is self.filled_by_updates  # zero, as of a new order
        is_distance = (
            update is None and request is not None and request.limit_price_kind is not None
        )
        by_fills = self.filled_by_fills > self.filled_by_updates
        filled = self.filled_by_fills if by_fills else self.filled_by_updates
        cost = self.cost_by_fills if by_fills else self.cost_by_updates
        price = None if update is None or by_fills else update.average_price
        if price is None and filled:
            price = average(cost, filled)
        trigger = None if request is None or request.trigger is None else request.trigger.price
        return Order(
            client_order_id=self.name,
            order_id=self.order_id,
            symbol=self.symbol,
            side=self.side,
            order_type=OrderType.LIMIT if known is None else known.order_type,
            status=self.status,
            quantity=None if known is None else known.quantity,
            filled=filled,
            cost=cost,
            average_price=price,
            limit_price=None if known is None or is_distance else known.limit_price,
            trigger_price=trigger if update is None else update.trigger_price,
            reason=self.refusal or "" if update is None and uncertainty is None else self._reason(),
            is_ours=request is not None,
            fills=self.fills,
            late_fills=self.late_fills,
            difference=None if is_agreed else self.difference,
            uncertainty=uncertainty,
            replaces=self.replaces,
            replaced_by=self.replaced_by,
            request=request,
            update=update,
            venue_ns=None if update is None else update.venue_ns,
            received_ns=None if update is None else update.received_ns,
        )

    def _reason(self) -> str:
        update = self.update
        if self.uncertainty is not None and (update is None or update.status not in _ENDS):
            return self.uncertain_reason
        return (self.refusal or "") if update is None else update.reason

    # Evidence

    def apply(
        self, update: OrderUpdate, as_of_ns: int | None = None, settled_ns: int | None = None
    ) -> None:
        """Take in an update.

        `as_of_ns` is set where the update is the order's state then by our clock or later, as
        a snapshot or a query's answer does; `settled_ns` is the same by the venue's clock.
        """
        self.is_listed = self.is_listed or as_of_ns is not None
        if self.filled_before is None:
            self.filled_before = max(_ZERO, EXACT.subtract(update.filled, self.filled_by_fills))
        if update.filled > self.filled_by_updates:
            self.filled_by_updates = update.filled
            self.cost_by_updates = update.cost
        is_end = update.status in _ENDS
        known_ns = settled_ns or as_of_ns
        is_after = known_ns is not None and known_ns >= self.settle_ns
        if is_end or is_after or self.uncertainty is Uncertainty.EXISTENCE:
            self.uncertainty = None
        known = self.update
        if known is None:
            self.update = update
        elif update == known:
            return
        elif not self._is_newer(update, known, as_of_ns, is_end=is_end):
            self.stale += 1
        else:
            if update.quantity != known.quantity or update.limit_price != known.limit_price:
                self.changed_ns = max(self.changed_ns, update.venue_ns)
            self.update = update

    def fill(self, fill: Fill) -> None:
        """Count a fill."""
        cost = EXACT.multiply(fill.price, fill.quantity)
        self.filled_by_fills = EXACT.add(self.filled_by_fills, fill.quantity)
        self.cost_by_fills = EXACT.add(self.cost_by_fills, cost)
        self.fills += 1
        self.late_fills += self.update is not None and self.update.status in _ENDS
        self._resolve_existence()

    def accept(self) -> None:
        """The venue took it."""
        self.is_accepted = True
        if self.uncertainty is not None:
            self._resolve_existence()

    def refuse(self, reason: str) -> None:
        """The venue did not take it, or it never arrived there."""
        self.refusal = reason
        self._resolve_existence()

    def mark_uncertain(self, uncertainty: Uncertainty, settle_ns: int, reason: str) -> None:
        """The outcome of the order, or of its last command, is unknown.

        An end is never uncertain, nor the existence of a confirmed order; of an unconfirmed one
        only the existence is. The uncertainty that takes longer to resolve is kept.
        """
        if self.is_final or (uncertainty is Uncertainty.EXISTENCE and self.is_confirmed):
            return
        if self.uncertainty is None or settle_ns >= self.settle_ns:
            self.uncertainty = uncertainty if self.is_confirmed else Uncertainty.EXISTENCE
            self.settle_ns = settle_ns
            self.uncertain_reason = reason

    def expect(self, quantity: Decimal | None) -> None:
        """A change to a quantity is in flight; `None`: no longer."""
        self.pending_quantity = quantity
        self.is_listed = False

    def absorb(self, other: "TrackedOrder") -> None:
        """Take over the evidence of another object that turned out to be the same order."""
        self.filled_by_fills = EXACT.add(self.filled_by_fills, other.filled_by_fills)
        self.cost_by_fills = EXACT.add(self.cost_by_fills, other.cost_by_fills)
        self.fills += other.fills
        self.late_fills += other.late_fills
        if other.update is not None:
            self.apply(other.update)
        elif self.fills:
            self._resolve_existence()

    # How evidence is weighed

    def _resolve_existence(self) -> None:
        if self.uncertainty is Uncertainty.EXISTENCE:
            self.uncertainty = None

    def _is_newer(
        self, update: OrderUpdate, known: OrderUpdate, as_of_ns: int | None, *, is_end: bool
    ) -> bool:
        if known.status in _ENDS:
            if not is_end:
                return False
            self.contradicted += update.status is not known.status
            return _age(update) > _age(known)
        if is_end:
            return True
        if as_of_ns is not None and as_of_ns >= known.received_ns:
            return update.filled >= known.filled
        return _age(update) >= _age(known)


def _age(update: OrderUpdate) -> tuple[Decimal, int, int]:
    return update.filled, update.venue_ns, _RANK[update.status]
