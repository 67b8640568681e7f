"""The life of one order, as a pure machine: evidence in, a status out.

What is known of an order comes from many sides: answers to commands, updates, fills, snapshots and
what was looked up in the account's history. They overlap, repeat each other and come late. So the
status is no variable that each of them sets, but is worked out from all evidence: the newest
update, the fills, the answers, the doubts. The same evidence in any order gives the same end.

- An end is an end: whatever comes after it adds to what is filled, and changes nothing else. Of
  two ends that contradict each other the one with more filled counts, then the later one.
- Of two updates of a living order the one with more filled is newer, then the later one by the
  venue's time. What is known to be newer in itself (a snapshot, an answer to a question that was
  asked after the last thing heard) replaces what is known.
- Nobody has said what became of a command: that is a doubt, and the order is UNKNOWN. What ends
  it depends on what is doubted, see `Doubt`.
- A status the venue has and Fluxum does not know is OTHER: the order lives until something else is
  known, and at the same instant a status that is known counts before it.
- REFUSED is only what the venue or the passing of a deadline says; an order that is met after all
  was not refused.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import Enum

from msgspec import Struct

from fluxum.ledger.arithmetic import EXACT, average
from fluxum.model.account import Fill
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderRequest, OrderStatus, OrderType, OrderUpdate, word_of

__all__ = ["Difference", "Order", "TrackedOrder", "Uncertainty", "is_lawful", "opened_ns"]

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
    # Refused in words that were not the last, or for being found nowhere, and met after all.
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


class Uncertainty(Enum):
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


class Order(Struct, frozen=True, kw_only=True, tag="tracked_order"):
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
        """What is not filled yet; none of an amount to spend whose quantity nobody knows yet."""
        return None if self.quantity is None else max(self.quantity - self.filled, _ZERO)


class TrackedOrder:
    """One order. Whoever feeds it sees to it that each fill comes once (see `register`).

    `request` is none for an order of others. `reference` is the user reference that names it at
    the venue, where the venue was not told `name`. `sent_ns` is when it was sent or first met,
    and after `deadline_ns` it cannot arrive any more. Its times are by the venue's clock.
    """

    __slots__ = (
        "_accepted",
        "_reason",
        "changed_ns",
        "contradicted",
        "cost_by_fills",
        "cost_by_updates",
        "deadline_ns",
        "edit_reference",
        "filled_before",
        "filled_by_fills",
        "filled_by_updates",
        "fills",
        "is_looked_at",
        "late_fills",
        "name",
        "number",
        "order_id",
        "pending_quantity",
        "reference",
        "refusal",
        "replaced_by",
        "replaces",
        "request",
        "sent_ns",
        "settle_ns",
        "shelved",
        "side",
        "stale",
        "symbol",
        "uncertainty",
        "update",
        "venue_reason",
    )

    def __init__(
        self,
        number: int,
        name: str,
        symbol: Symbol,
        side: Side,
        sent_ns: int,
        *,
        request: OrderRequest | None = None,
        deadline_ns: int | None = None,
    ) -> None:
        self.number = number
        self.name = name
        self.order_id = ""
        self.symbol = symbol
        self.side = side
        self.request = request
        self.reference: int | None = None
        self.sent_ns = sent_ns
        self.changed_ns = sent_ns
        """When it was placed or last amended, for venues that count by age."""
        self.deadline_ns = deadline_ns
        self.update: OrderUpdate | None = None
        self.fills = 0
        self.late_fills = 0
        self.stale = 0
        """Updates that were older than what was known."""
        self.contradicted = 0
        """Ends that came after another end and do not agree with it."""
        self.refusal: str | None = None
        self.venue_reason = ""
        """Why the venue refused it, in words that leave open whether it was entered."""
        self.uncertainty: Uncertainty | None = None
        self.settle_ns = 0
        """From when on a look at the venue settles the doubt, whatever it finds."""
        self.edit_reference: int | None = None
        """By what the order is known that an edit on its way may put in this one's place."""
        self.replaces = self.replaced_by = ""
        self.shelved = _UNKNOWN
        """Its status when whoever keeps it last looked."""
        self._accepted = False
        self._reason = ""
        self.filled_before: Decimal | None = _ZERO
        """What was filled before the desk was opened; `None` until that is known."""
        self.pending_quantity: Decimal | None = None
        """What a change on its way makes its quantity, until what became of that is known."""
        self.is_looked_at = False
        """Whether the venue said how it stood after that change was answered."""
        self.filled_by_fills = self.filled_by_updates = _ZERO
        self.cost_by_fills = self.cost_by_updates = _ZERO

    # What is known

    @property
    def is_ours(self) -> bool:
        """Whether it was placed through this desk, in this process or one before."""
        return self.request is not None

    @property
    def is_edited(self) -> bool:
        """Whether another order may take its place."""
        return self.edit_reference is not None

    @property
    def is_named(self) -> bool:
        """Whether the venue is known to have our name of it."""
        return self.update is not None and self.update.client_order_id != ""

    @property
    def opened_ns(self) -> int:
        """When the venue took it, or as near to that as is known."""
        if self.update is None:
            return self.sent_ns
        return opened_ns(self.update)

    @property
    def is_confirmed(self) -> bool:
        """Whether the venue has shown that the order exists."""
        return self.update is not None or self._accepted or self.fills > 0

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
        return _PENDING if self._accepted and self.uncertainty is None else _UNKNOWN

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
        """How the sum of fills differs from what updates say is filled, if it does."""
        if self.filled_by_fills == self.filled_by_updates:
            return None
        return Difference(self.filled_by_fills, self.filled_by_updates)

    def view(self) -> Order:
        """A copy of all that is known, for readers."""
        update, request = self.update, self.request
        by_fills = self.filled_by_fills > self.filled_by_updates
        filled = self.filled_by_fills if by_fills else self.filled_by_updates
        cost = self.cost_by_fills if by_fills else self.cost_by_updates
        venue_average = None if update is None or by_fills else update.average_price
        trigger = None if request is None or request.trigger is None else request.trigger.price
        return Order(
            client_order_id=self.name,
            order_id=self.order_id,
            symbol=self.symbol,
            side=self.side,
            order_type=_order_type(update, request),
            status=self.status,
            quantity=_quantity(update, request),
            filled=filled,
            cost=cost,
            average_price=average(cost, filled) if venue_average is None else venue_average,
            limit_price=_limit_price(update, request),
            trigger_price=trigger if update is None else update.trigger_price,
            reason=self._why(),
            is_ours=self.is_ours,
            fills=self.fills,
            late_fills=self.late_fills,
            difference=self.difference,
            uncertainty=self.uncertainty,
            replaces=self.replaces,
            replaced_by=self.replaced_by,
            request=request,
            update=update,
            venue_ns=None if update is None else update.venue_ns,
            received_ns=None if update is None else update.received_ns,
        )

    # Evidence

    def tell(
        self, update: OrderUpdate, as_of_ns: int | None = None, settled_ns: int | None = None
    ) -> bool:
        """Take in an update; whether anything is another than before.

        `as_of_ns` is set where the update says how things stood at that time of our clock or later,
        as a snapshot or the answer to a question does, and not how they became. `settled_ns` is
        the same instant by the venue's clock, if the two are apart.
        """
        self.is_looked_at = self.is_looked_at or as_of_ns is not None
        if self.filled_before is None:
            self.filled_before = max(_ZERO, EXACT.subtract(update.filled, self.filled_by_fills))
        if update.filled > self.filled_by_updates:
            self.filled_by_updates = update.filled
            self.cost_by_updates = update.cost
        is_end = update.status in _ENDS
        had_uncertainty = self.uncertainty
        if had_uncertainty is not None and self._settles(
            had_uncertainty, settled_ns or as_of_ns, is_end=is_end
        ):
            self.uncertainty = None
        known = self.update
        if known is None:
            self.update = update
            return True
        if update == known:
            return self.uncertainty is not had_uncertainty
        if not self._is_newer(update, known, as_of_ns, is_end=is_end):
            self.stale += 1
            return True  # it may have added to what is filled
        if update.quantity != known.quantity or update.limit_price != known.limit_price:
            self.changed_ns = max(self.changed_ns, update.venue_ns)
        self.update = update
        return True

    def fill(self, fill: Fill) -> None:
        """Count a fill."""
        price, quantity = fill.price, fill.quantity
        self.filled_by_fills = EXACT.add(self.filled_by_fills, quantity)
        self.cost_by_fills = EXACT.add(self.cost_by_fills, EXACT.multiply(price, quantity))
        self.fills += 1
        update = self.update
        if update is not None and update.status in _ENDS:
            self.late_fills += 1
        if self.uncertainty is Uncertainty.EXISTENCE:
            self.uncertainty = None

    def accept(self) -> None:
        """The venue took it."""
        self._accepted = True
        if self.uncertainty is Uncertainty.EXISTENCE:
            self.uncertainty = None

    def refuse(self, reason: str) -> None:
        """The venue did not take it, or it never arrived there."""
        self.refusal = reason
        if self.uncertainty is Uncertainty.EXISTENCE:
            self.uncertainty = None

    def mark_uncertain(self, uncertainty: Uncertainty, settle_ns: int, reason: str) -> None:
        """Nobody has said what became of it, or of the last thing done to it.

        An end cannot be doubted, nor the existence of what was met; of what was not, nothing else
        can be. The doubt that takes longer to settle is kept.
        """
        if self.is_final or (uncertainty is Uncertainty.EXISTENCE and self.is_confirmed):
            return
        if self.uncertainty is None or settle_ns >= self.settle_ns:
            self.uncertainty = uncertainty if self.is_confirmed else Uncertainty.EXISTENCE
            self.settle_ns = settle_ns
            self._reason = reason

    def ask(self, quantity: Decimal | None) -> None:
        """A change to a quantity is on its way, or `None` is any more."""
        self.pending_quantity = quantity
        self.is_looked_at = False

    def settle(self) -> None:
        """What was doubted is known now: the command in doubt was answered."""
        self.uncertainty = None

    def absorb(self, other: "TrackedOrder") -> None:
        """Take over the evidence of another object that turned out to be the same order."""
        self.filled_by_fills = EXACT.add(self.filled_by_fills, other.filled_by_fills)
        self.cost_by_fills = EXACT.add(self.cost_by_fills, other.cost_by_fills)
        self.fills += other.fills
        self.late_fills += other.late_fills
        if other.update is not None:
            self.tell(other.update)
        elif self.fills and self.uncertainty is Uncertainty.EXISTENCE:
            self.uncertainty = None

    # How evidence is weighed

    def _settles(self, uncertainty: Uncertainty, settled_ns: int | None, *, is_end: bool) -> bool:
        if is_end or uncertainty is Uncertainty.EXISTENCE:
            return True
        return settled_ns is not None and settled_ns >= self.settle_ns

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

    def _why(self) -> str:
        update = self.update
        if self.uncertainty is not None and (update is None or update.status not in _ENDS):
            return self._reason
        if update is not None:
            return update.reason
        return self.refusal or ""


def _age(update: OrderUpdate) -> tuple[Decimal, int, int]:
    return update.filled, update.venue_ns, _RANK[update.status]


def opened_ns(update: OrderUpdate) -> int:
    """When the venue took an order, or at least the time of its update."""
    return update.venue_ns if update.opened_ns is None else update.opened_ns


def _order_type(update: OrderUpdate | None, request: OrderRequest | None) -> OrderType:
    if update is not None:
        return update.order_type
    return OrderType.LIMIT if request is None else request.order_type


def _quantity(update: OrderUpdate | None, request: OrderRequest | None) -> Decimal | None:
    if update is not None:
        return update.quantity
    return None if request is None else request.quantity


def _limit_price(update: OrderUpdate | None, request: OrderRequest | None) -> Decimal | None:
    if update is not None:
        return update.limit_price
    return None if request is None or request.limit_price_kind is not None else request.limit_price
