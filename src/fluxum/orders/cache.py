"""All orders of an account by our name and by the venue's, the ended ones for a while.

Evidence is brought to the order it is about: an update by the venue's id, else by our name or the
reference that stands for it; a fill by the venue's id, and one whose order is not known yet waits
for it. An order that an edit put in the place of another takes over the other's name.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from decimal import Decimal
from enum import Enum

from msgspec import Struct, structs

from fluxum.ledger.dedup import SeenFills, Sighting
from fluxum.model.account import Fill
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import OpenOrders, OrderRequest, OrderStatus, OrderUpdate
from fluxum.orders.exposure import Exposure
from fluxum.orders.order import TrackedOrder, Uncertainty, is_lawful, opened_ns

__all__ = ["OrderCache", "OrderCounts", "Retention", "Standing", "by_opening"]

_ZERO = Decimal(0)


class Retention(Struct, frozen=True, kw_only=True):
    """How much is remembered.

    The last `ended` orders that have ended, the identities of the last `fills`, and `unmatched`
    fills whose order nobody knows. Living orders are all kept: their number is the venue's to
    limit.
    """

    ended: int = 10_000
    fills: int = 100_000
    unmatched: int = 10_000


class Standing(Enum):
    """What became of placing an order, so far."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class OrderCounts(Struct):
    """What evidence came: fills = counted + repeated + waiting for their order + dropped.

    `late` fills came after their order's end and are among those `counted`. Of the `repeated` ones
    `completed` brought fees that were not known, and `differing` other numbers or fees than the
    fill had at first, which count. `stale` updates were
    older than what was known, `contradicted` ends disagreed with another end, `unlawful` moves are
    none that orders make. `revived` orders had been taken for refused. Of `forgotten` orders
    nothing is known any more.
    """

    updates: int = 0
    stale: int = 0
    contradicted: int = 0
    unlawful: int = 0
    fills: int = 0
    counted: int = 0
    late: int = 0
    repeated: int = 0
    completed: int = 0
    differing: int = 0
    dropped: int = 0
    revived: int = 0
    forgotten: int = 0


class OrderCache:
    """The orders of one account. Look at `live` and `tally`, do not change them.

    `venue_ns` makes an instant of the venue's clock out of one of ours. Whoever changes an order
    without one of these methods calls `moved` afterwards.
    """

    def __init__(
        self, retention: Retention | None = None, venue_ns: Callable[[int], int] = lambda ns: ns
    ) -> None:
        self._retention = Retention() if retention is None else retention
        self._venue_ns = venue_ns
        self.exposure = Exposure()
        """What is held, and what open orders could make of it."""
        self.is_opening = False
        """Whether orders that are met now may be from before anybody listened."""
        self.counts = OrderCounts()
        self.live: dict[int, TrackedOrder] = {}
        """Orders that have not ended, by their number here."""
        self.tally = dict.fromkeys(Standing, 0)
        """What became of the orders that were placed, in numbers."""
        self._standings: dict[int, Standing] = {}  # of those that may still move on
        self._ended: OrderedDict[int, TrackedOrder] = OrderedDict()
        self._by_name: dict[str, TrackedOrder] = {}
        self._by_id: dict[str, TrackedOrder] = {}
        self._by_reference: dict[int, TrackedOrder] = {}
        self._edits: dict[int, TrackedOrder] = {}
        self._seen = SeenFills(self._retention.fills)
        self._unmatched: OrderedDict[str, list[Fill]] = OrderedDict()
        self._waiting = 0
        self._last = 0

    # What is known

    def named(self, name: str) -> TrackedOrder | None:
        """The order of our name: the newest, where edits put one in the place of another."""
        return self._by_name.get(name) if name else None

    def find(self, name: str) -> TrackedOrder | None:
        """The order of our name or of the venue's id."""
        return self._by_name.get(name) or self._by_id.get(name)

    def all(self) -> list[TrackedOrder]:
        """Every order that is remembered: those that ended first, by when they did."""
        return [*self._ended.values(), *self.live.values()]

    def is_reference_taken(self, reference: int) -> bool:
        """Whether a living order of ours goes by this reference."""
        known = self._by_reference.get(reference)
        return reference in self._edits or (known is not None and known.number in self.live)

    @property
    def unmatched(self) -> int:
        """How many fills wait for their order."""
        return self._waiting

    # Our own orders

    def begin(
        self,
        request: OrderRequest,
        sent_ns: int,
        deadline_ns: int | None,
        reference: int | None = None,
        *,
        is_of_before: bool = False,
    ) -> TrackedOrder:
        """An order of ours that is about to be sent, or was by a process before.

        The request's `client_order_id` is our name of it. With a `reference` it is that which the
        venue was told.
        """
        name = request.client_order_id
        order = self._new(name, request.symbol, request.side, sent_ns, request, deadline_ns)
        order.reference = reference
        order.filled_before = None if is_of_before else _ZERO
        self.exposure.note(order)
        self._by_name[name] = order
        if reference is not None:
            self._by_reference[reference] = order
        self._standings[order.number] = Standing.WAITING
        self.tally[Standing.WAITING] += 1
        return order

    def accept(self, order: TrackedOrder, order_id: str) -> None:
        """The venue took an order of ours, and gave it this id if any."""
        if order_id and not order.order_id:
            self._bind(order, order_id)
        order.accept()
        self.moved(order)

    def refuse(self, order: TrackedOrder, reason: str) -> None:
        """The venue did not take an order, or it never arrived there."""
        order.refuse(reason)
        self.moved(order)

    def discard(self, order: TrackedOrder) -> None:
        """An order was not sent after all: nothing of it is remembered."""
        standing = self._standings.pop(order.number, None)
        if standing is not None:
            self.tally[standing] -= 1
        self.live.pop(order.number, None)
        self.exposure.drop(order)
        self._unlist(order)

    def expect_edit(self, order: TrackedOrder, reference: int) -> None:
        """An order with this reference, should one come, takes the place of `order`."""
        order.edit_reference = reference
        self._edits[reference] = order

    def end_edit(self, order: TrackedOrder) -> None:
        """No other order is to be expected in the place of this one."""
        reference, order.edit_reference = order.edit_reference, None
        if reference is not None:
            self._edits.pop(reference, None)

    def replace(
        self, old: TrackedOrder, order_id: str, request: OrderRequest | None, now_ns: int
    ) -> TrackedOrder:
        """An edit put the order of this id in the place of another; returns the new one.

        `request` is what the new one was asked to be.
        """
        new = self._by_id.get(order_id)
        if new is None:
            new = self._new(old.name, old.symbol, old.side, now_ns)
            self._bind(new, order_id)
        if new is not old:
            new.request = request or new.request
            self._succeed(new, old, is_named=new.is_named)
            new.accept()
            self.moved(new)
        return new

    # Evidence

    def tell(self, update: OrderUpdate, as_of_ns: int | None = None) -> TrackedOrder:
        """Take in an update; returns the order it is about. `as_of_ns`: see TrackedOrder.tell."""
        counts = self.counts
        counts.updates += 1
        order = self._by_id.get(update.order_id) or self._meet(update)
        stale, contradicted = order.stale, order.contradicted
        order.tell(update, as_of_ns, None if as_of_ns is None else self._venue_ns(as_of_ns))
        counts.stale += order.stale - stale
        counts.contradicted += order.contradicted - contradicted
        self.moved(order)
        return order

    def tell_asked(self, update: OrderUpdate, asked_ns: int) -> TrackedOrder:
        """Take in an update that was asked for at a time; a list says less than a stream does."""
        order = self._by_id.get(update.order_id)
        known = None if order is None else order.update
        if known is not None:
            # In some lists what waits for its trigger is open as well, and times are of placing.
            is_newer = asked_ns >= known.received_ns
            is_waiting = known.status is OrderStatus.PENDING and update.order_type.is_triggered
            is_vague = is_waiting and update.status is OrderStatus.OPEN
            update = structs.replace(
                update,
                status=known.status if is_vague else update.status,
                client_order_id=update.client_order_id or known.client_order_id,
                display_quantity=update.display_quantity or known.display_quantity,
                trigger_price=update.trigger_price or known.trigger_price,
                reduce_only=update.reduce_only or known.reduce_only,
                opened_ns=update.opened_ns or known.opened_ns,
                venue_ns=max(update.venue_ns, known.venue_ns if is_newer else 0),
            )
        return self.tell(update, asked_ns)

    def fill(self, fill: Fill) -> TrackedOrder | None:
        """Take in a fill; returns its order, or none if it was counted or has to wait."""
        counts = self.counts
        counts.fills += 1
        sighting = self._seen.look(fill)
        if sighting is Sighting.COMPLETED:
            self.exposure.charge(fill)
        if sighting is not Sighting.NEW:
            counts.repeated += 1
            counts.completed += sighting is Sighting.COMPLETED
            counts.differing += sighting is Sighting.CONTRADICTED
            return None
        self.exposure.fill(fill)
        order = self._by_id.get(fill.order_id)
        if order is None:
            order = self._by_name.get(fill.client_order_id) if fill.client_order_id else None
            if order is None or order.order_id:
                self._keep_unmatched(fill)
                return None
            self._bind(order, fill.order_id)
        self._count(order, fill)
        self.moved(order)
        return order

    def snapshot(self, snapshot: OpenOrders, settle_ns: int) -> list[TrackedOrder]:
        """Take in all that is open; returns the orders that are of it or are missing from it.

        What was open and is missing is in doubt until its end is known, from `settle_ns` on.
        """
        found = [self.tell(update, snapshot.received_ns) for update in by_opening(snapshot.orders)]
        present = {order.number for order in found}
        for order in list(self.live.values()):
            if order.order_id in snapshot.unread:
                continue
            if order.number not in present and order.order_id and order.is_confirmed:
                reason = "it is open no longer, and nobody said why"
                order.mark_uncertain(Uncertainty.ABSENCE, settle_ns, reason)
                self.moved(order)
                found.append(order)
        return found

    def moved(self, order: TrackedOrder) -> None:
        """Put an order where it belongs by its status now."""
        self.exposure.note(order)
        status = order.status
        old, order.shelved = order.shelved, status
        if order.number in self._standings:
            self._stand(order)
        if status is old:
            return
        self.counts.unlawful += not is_lawful(old, status)
        if status.is_final == old.is_final:
            return
        number = order.number
        if status.is_final:
            self.live.pop(number, None)
            self._ended[number] = order
            if len(self._ended) > self._retention.ended:
                self._forget(self._ended.popitem(last=False)[1])
        else:
            self._ended.pop(number, None)
            self.live[number] = order
            self.counts.revived += 1

    # How evidence finds its order

    def _meet(self, update: OrderUpdate) -> TrackedOrder:
        """The order of an update whose venue's id is not known yet."""
        order = self._expected(update)
        if order is not None:
            self._bind(order, update.order_id)
            return order
        name = update.client_order_id
        order = self._new(name, update.symbol, update.side, update.venue_ns)
        self._bind(order, update.order_id)
        older = self._edits.get(update.user_reference or 0) or self.named(name)
        if older is None:
            if name:
                self._by_name[name] = order
        elif opened_ns(update) >= older.opened_ns:
            self._succeed(order, older, is_named=bool(name))
        return order

    def _expected(self, update: OrderUpdate) -> TrackedOrder | None:
        """The order of ours whose id the venue has not told yet, if this is it."""
        if update.client_order_id:
            order = self._by_name.get(update.client_order_id)
        else:
            order = self._by_reference.get(update.user_reference or 0)
        return None if order is None or order.order_id else order

    def _succeed(self, new: TrackedOrder, old: TrackedOrder, *, is_named: bool) -> None:
        """One order takes the place and the name of another; the first word of it counts."""
        if new.replaces:
            return
        if not is_named:
            new.reference = old.edit_reference
        self.end_edit(old)
        new.name = old.name
        new.request = new.request or old.request
        new.replaces = old.order_id
        old.replaced_by = new.order_id
        if old.name and self._by_name.get(old.name) is old:
            self._by_name[old.name] = new
        old.settle()
        self.moved(old)

    def _bind(self, order: TrackedOrder, order_id: str) -> None:
        """Give an order its venue's id, with all that came under it before."""
        known = self._by_id.get(order_id)
        order.order_id = order_id
        self._by_id[order_id] = order
        if known is not None and known is not order:
            order.absorb(known)
            self.exposure.drop(known)
            self.live.pop(known.number, None)
            self._ended.pop(known.number, None)
        for fill in self._unmatched.pop(order_id, ()):
            self._waiting -= 1
            self._count(order, fill)

    def _new(
        self,
        name: str,
        symbol: Symbol,
        side: Side,
        sent_ns: int,
        request: OrderRequest | None = None,
        deadline_ns: int | None = None,
    ) -> TrackedOrder:
        self._last += 1
        order = TrackedOrder(
            self._last, name, symbol, side, sent_ns, request=request, deadline_ns=deadline_ns
        )
        order.filled_before = None if self.is_opening else _ZERO
        self.live[order.number] = order
        return order

    def _count(self, order: TrackedOrder, fill: Fill) -> None:
        late = order.late_fills
        order.fill(fill)
        self.counts.counted += 1
        self.counts.late += order.late_fills - late

    def _keep_unmatched(self, fill: Fill) -> None:
        self._unmatched.setdefault(fill.order_id, []).append(fill)
        self._waiting += 1
        while self._waiting > self._retention.unmatched:
            dropped = self._unmatched.popitem(last=False)[1]
            self._waiting -= len(dropped)
            self.counts.dropped += len(dropped)

    def _stand(self, order: TrackedOrder) -> None:
        old = self._standings[order.number]
        new = _standing(order)
        if new is not old:
            self.tally[old] -= 1
            self.tally[new] += 1
            self._standings[order.number] = new
        if new is Standing.ACCEPTED:
            del self._standings[order.number]  # nothing takes that back

    def _forget(self, order: TrackedOrder) -> None:
        self.counts.forgotten += 1
        self.exposure.forget(order)
        self._standings.pop(order.number, None)
        self.end_edit(order)
        self._unlist(order)

    def _unlist(self, order: TrackedOrder) -> None:
        for index, key in ((self._by_name, order.name), (self._by_id, order.order_id)):
            if index.get(key) is order:
                del index[key]
        if order.reference is not None and self._by_reference.get(order.reference) is order:
            del self._by_reference[order.reference]


def by_opening(updates: Iterable[OrderUpdate]) -> list[OrderUpdate]:
    """Oldest order first, so that one takes over the name of another after it."""
    return sorted(updates, key=opened_ns)


def _standing(order: TrackedOrder) -> Standing:
    if order.is_confirmed:
        return Standing.ACCEPTED
    if order.refusal is not None:
        return Standing.REFUSED
    return Standing.WAITING if order.uncertainty is None else Standing.UNKNOWN
