"""All orders of an account by our name and by the venue's id, the ended ones for a while. Pure.

Evidence finds its order: an update by the venue's id, else by our name or the reference in its
place; a fill by the venue's id, and a fill of an unknown order waits for it. An order that an edit
puts in the place of another takes over its name.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from decimal import Decimal
from itertools import count

from msgspec import Struct, structs

from fluxum.ledger.dedup import SeenFills, Sighting
from fluxum.model.account import Fill
from fluxum.model.order import OpenOrders, OrderRequest, OrderStatus, OrderUpdate, opened_ns
from fluxum.orders.exposure import Exposure
from fluxum.orders.order import TrackedOrder, Uncertainty, is_lawful
from fluxum.orders.statistics import OrderCounts, Standing

__all__ = ["OrderCache", "Retention", "by_opening"]

_ZERO = Decimal(0)


class Retention(Struct, frozen=True, kw_only=True):
    """How many `ended` orders, ids of `fills`, and `unmatched` fills of unknown orders are kept.

    Live orders are all kept: the venue limits them.
    """

    ended: int = 10_000
    fills: int = 100_000
    unmatched: int = 10_000


class OrderCache:
    """The orders of one account. Read `live` and `tally`, do not change them.

    `venue_ns` converts an instant of our clock to the venue's. After `accept`, and after changing
    an order by other means than these methods, call `moved`.
    """

    def __init__(
        self, retention: Retention | None = None, venue_ns: Callable[[int], int] = lambda ns: ns
    ) -> None:
        self._retention = Retention() if retention is None else retention
        self._venue_ns = venue_ns
        self.exposure = Exposure()
        """What is held, and what open orders could make of it."""
        self.is_opening = False
        """Whether orders first seen now may be from before the account was followed."""
        self.counts = OrderCounts()
        self.live: dict[int, TrackedOrder] = {}
        """Orders that have not ended, by their number here."""
        self.tally = dict.fromkeys(Standing, 0)
        """How many placed orders stand where."""
        self._standings: dict[int, Standing] = {}  # of those that may still move on
        self._ended: OrderedDict[int, TrackedOrder] = OrderedDict()
        self._by_name: dict[str, TrackedOrder] = {}
        self._by_id: dict[str, TrackedOrder] = {}
        self._by_reference: dict[int, TrackedOrder] = {}
        self._edits: dict[int, TrackedOrder] = {}
        self._seen = SeenFills(self._retention.fills)
        self._unmatched: OrderedDict[str, list[Fill]] = OrderedDict()
        self.unmatched = 0
        """How many fills wait for their order."""
        self._numbers = count(1)

    # What is known

    def named(self, name: str) -> TrackedOrder | None:
        """The order of our name: the newest, where edits put one in the place of another."""
        return self._by_name.get(name) if name else None

    def find(self, name: str) -> TrackedOrder | None:
        """The order of our name or of the venue's id."""
        return self._by_name.get(name) or self._by_id.get(name)

    def all(self) -> list[TrackedOrder]:
        """Every order that is kept: those that ended first, by when they did."""
        return [*self._ended.values(), *self.live.values()]

    def is_reference_taken(self, reference: int) -> bool:
        """Whether a live order of ours has this reference."""
        known = self._by_reference.get(reference)
        return reference in self._edits or (known is not None and known.number in self.live)

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

        The request's `client_order_id` is our name; `reference` is what the venue gets instead.
        """
        name = request.client_order_id
        order = TrackedOrder(
            next(self._numbers),
            name,
            request.symbol,
            request.side,
            sent_ns,
            request,
            deadline_ns,
            reference,
        )
        order.filled_before = None if is_of_before else _ZERO
        self.live[order.number] = order
        self.exposure.enter(order, request)
        self._by_name[name] = order
        if reference is not None:
            self._by_reference[reference] = order
        self._standings[order.number] = Standing.WAITING
        self.tally[Standing.WAITING] += 1
        return order

    def accept(self, order: TrackedOrder, order_id: str) -> None:
        """The venue took an order of ours, and gave it this id if any; call `moved` after it."""
        if order_id and not order.order_id:
            self._bind(order, order_id)
        order.accept()

    def refuse(self, order: TrackedOrder, reason: str) -> None:
        """The venue did not take an order, or it never arrived there."""
        order.refuse(reason)
        self.moved(order)

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
            new = self._met(order_id, old.name, old, now_ns)
        if new is not old:
            new.request = request or new.request
            is_named = new.update is not None and new.update.client_order_id != ""
            self._succeed(new, old, is_named=is_named)
            new.accept()
            self.moved(new)
        return new

    # Evidence

    def apply(self, update: OrderUpdate, as_of_ns: int | None = None) -> TrackedOrder:
        """Take in an update; returns its order. `as_of_ns`: see TrackedOrder.apply."""
        counts = self.counts
        counts.updates += 1
        order = self._by_id.get(update.order_id) or self._meet(update)
        stale, contradicted = order.stale, order.contradicted
        order.apply(update, as_of_ns, None if as_of_ns is None else self._venue_ns(as_of_ns))
        counts.stale += order.stale - stale
        counts.contradicted += order.contradicted - contradicted
        self.moved(order)
        return order

    def apply_listed(self, update: OrderUpdate, asked_ns: int) -> TrackedOrder:
        """Take in an update from a list that was queried then; lists contain less than streams."""
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
        return self.apply(update, asked_ns)

    def fill(self, fill: Fill) -> TrackedOrder | None:
        """Take in a fill; returns its order, or `None` if it was counted or has to wait."""
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
            order = self.named(fill.client_order_id)
            if order is None or order.order_id:
                self._keep_unmatched(fill)
                return None
            self._bind(order, fill.order_id)
        self._count(order, fill)
        self.moved(order)
        return order

    def snapshot(self, snapshot: OpenOrders, settle_ns: int) -> list[TrackedOrder]:
        """Take in all that is open; returns the orders that are of it or are missing from it.

        What was open and is missing is uncertain until its end is known, from `settle_ns` on.
        """
        found = [self.apply(one, snapshot.received_ns) for one in by_opening(snapshot.orders)]
        present = {order.number for order in found}
        for order in list(self.live.values()):
            if order.order_id in snapshot.unread:
                continue
            if order.number not in present and order.order_id and order.is_confirmed:
                reason = "it is open no longer, and no update gave the reason"
                order.mark_uncertain(Uncertainty.ABSENCE, settle_ns, reason)
                self.moved(order)
                found.append(order)
        return found

    def moved(self, order: TrackedOrder) -> None:
        """Put an order where it belongs by its status now."""
        self.exposure.note(order)
        status = order.status
        old, order.cached_status = order.cached_status, status
        if order.number in self._standings:
            self._stand(order)
        if status is old:
            return
        self.counts.unlawful += not is_lawful(old, status)
        if status.is_final == old.is_final:
            return
        if status.is_final:
            self.live.pop(order.number, None)
            self._ended[order.number] = order
            if len(self._ended) > self._retention.ended:
                self._forget(self._ended.popitem(last=False)[1])
        else:
            self._ended.pop(order.number, None)
            self.live[order.number] = order
            self.counts.revived += 1

    # How evidence finds its order

    def _meet(self, update: OrderUpdate) -> TrackedOrder:
        """The order of an update whose venue's id is not known yet."""
        name, reference = update.client_order_id, update.user_reference or 0
        order = self._by_name.get(name) if name else self._by_reference.get(reference)
        if order is not None and not order.order_id:  # ours, and this is its id
            self._bind(order, update.order_id)
            return order
        order = self._met(update.order_id, name, update, update.venue_ns)
        older = self._edits.get(reference) or self.named(name)
        if older is None:
            if name:
                self._by_name[name] = order
        elif opened_ns(update) >= (opened_ns(older.update) if older.update else older.sent_ns):
            self._succeed(order, older, is_named=bool(name))
        return order

    def _met(
        self, order_id: str, name: str, like: OrderUpdate | TrackedOrder, sent_ns: int
    ) -> TrackedOrder:
        """A new object for an order that the venue made known."""
        order = TrackedOrder(next(self._numbers), name, like.symbol, like.side, sent_ns)
        order.filled_before = None if self.is_opening else _ZERO
        self.live[order.number] = order
        self._bind(order, order_id)
        return order

    def _succeed(self, new: TrackedOrder, old: TrackedOrder, *, is_named: bool) -> None:
        """One order takes the place and the name of another, once."""
        if new.replaces:
            return
        if not is_named:
            new.reference = old.edit_reference
        self.end_edit(old)
        new.name = old.name
        new.request = new.request or old.request
        new.replaces = old.order_id
        old.replaced_by = new.order_id
        if self.named(old.name) is old:
            self._by_name[old.name] = new
        old.uncertainty = None
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
            self.unmatched -= 1
            self._count(order, fill)

    def _count(self, order: TrackedOrder, fill: Fill) -> None:
        late = order.late_fills
        order.fill(fill)
        self.counts.counted += 1
        self.counts.late += order.late_fills - late

    def _keep_unmatched(self, fill: Fill) -> None:
        self._unmatched.setdefault(fill.order_id, []).append(fill)
        self.unmatched += 1
        while self.unmatched > self._retention.unmatched:
            dropped = self._unmatched.popitem(last=False)[1]
            self.unmatched -= len(dropped)
            self.counts.dropped += len(dropped)

    def _stand(self, order: TrackedOrder) -> None:
        new = _standing(order)
        self.tally[self._standings.pop(order.number)] -= 1
        self.tally[new] += 1
        if new is not Standing.ACCEPTED:  # nothing takes that back
            self._standings[order.number] = new

    def _forget(self, order: TrackedOrder) -> None:
        self.counts.forgotten += 1
        self.exposure.forget(order)
        self._standings.pop(order.number, None)
        self.end_edit(order)
        if self._by_name.get(order.name) is order:
            del self._by_name[order.name]
        if self._by_id.get(order.order_id) is order:
            del self._by_id[order.order_id]
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
