"""Reconciliation: uncertain orders are looked up at the venue until their outcome is known.

Nothing is ever sent again. An order is looked for among the open ones and then among the ended
ones, in this order, so that one which ends in between is found. An order without an answer that is
found nowhere, although its deadline and a margin have passed over a link that held, never arrived.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct, structs

from fluxum.errors import FluxumError, RemoteProtocolError
from fluxum.model.order import Edit, OrderUpdate, opened_ns
from fluxum.orders.cache import OrderCache, Retention, by_opening
from fluxum.orders.gateway import AccountGateway
from fluxum.orders.journal_lines import Unfinished
from fluxum.orders.order import TrackedOrder, Uncertainty
from fluxum.venues.private import OrderQuery
from fluxum.venues.queries import Page

__all__ = ["ReconcilePolicy", "Reconciler"]

_log = logging.getLogger(__name__)
_PAGES_MAX = 20
_OVERLAP_NS = 60 * 1_000_000_000
_CLOCKS_APART_NS = 300 * 1_000_000_000
_SECOND_NS = 1_000_000_000
_NO_UPDATE = "it exists, and no update of it came"
_NEVER_ARRIVED = "never arrived"


class ReconcilePolicy(Struct, frozen=True, kw_only=True):
    """How long a desk waits, and how much it keeps.

    `margin_s` after its deadline a command can no longer arrive, clocks that differ and histories
    that lag included. An uncertain order is looked up every `poll_s`, then less and less often up
    to every `poll_max_s`. Disarming the dead man switch on leaving may take `disarm_s`. No more
    than `orders_max` orders are held at a time.
    """

    margin_s: float = 10.0
    poll_s: float = 1.0
    poll_max_s: float = 60.0
    disarm_s: float = 2.0
    orders_max: int = 10_000
    retention: Retention = Retention()

    @property
    def margin_ns(self) -> int:
        """`margin_s` in nanoseconds."""
        return round(self.margin_s * _SECOND_NS)


class _Look(Struct):
    """An order to look up: from `settle_ns` on, by the venue's clock, a look resolves it.

    The next one is due at `due_ns` by our clock.
    """

    order: TrackedOrder
    settle_ns: int
    due_ns: int
    delay_s: float


class Reconciler:
    """Looks orders up. `changed` is called with each order something was learned of."""

    def __init__(
        self,
        gateway: AccountGateway,
        orders: OrderCache,
        policy: ReconcilePolicy,
        changed: Callable[[TrackedOrder], None],
    ) -> None:
        self.losses = 0
        """How many links were lost; the owner counts them here."""
        self.looks = 0
        """How many times an order was looked up."""
        self.has_learned = False
        """Whether it is known what was open before the account was followed."""
        self._gateway = gateway
        self._orders = orders
        self._policy = policy
        self._changed = changed
        self._looks: dict[int, _Look] = {}
        self._awaited: deque[tuple[int, TrackedOrder]] = deque()
        self._woken = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None  # for what is awaited first

    @property
    def open(self) -> int:
        """How many orders are still to be looked up."""
        return sum(1 for look in self._looks.values() if look.order.is_unresolved)

    def add(self, order: TrackedOrder, settle_ns: int) -> None:
        """Look an order up soon; from `settle_ns` on no command for it can arrive."""
        known = self._looks.get(order.number)
        if known is None:
            known = _Look(order, settle_ns, self._gateway.now_ns(), self._policy.poll_s)
            self._looks[order.number] = known
        known.settle_ns = max(known.settle_ns, settle_ns)
        self._woken.set()

    def expect_update(self, order: TrackedOrder) -> None:
        """An order was accepted or filled: if no update comes, it was lost, and is looked up."""
        if order.update is not None:
            return
        self._awaited.append((self._gateway.now_ns() + self._policy.margin_ns, order))
        if self._alarm is None:  # what is awaited is due in its order, so one alarm is enough
            delay_s = self._policy.margin_ns / _SECOND_NS
            self._alarm = asyncio.get_running_loop().call_later(delay_s, self._ring)

    def wake(self) -> None:
        """The account is followed again: look at once."""
        now_ns = self._gateway.now_ns()
        for look in self._looks.values():
            look.due_ns = now_ns
            look.delay_s = self._policy.poll_s
        self._woken.set()

    def restore(self, unfinished: Unfinished) -> None:
        """Take up an order whose end a process before did not see; it is uncertain."""
        intent, change, orders = unfinished.intent, unfinished.change, self._orders
        order = orders.begin(
            intent.request, intent.at_ns, intent.deadline_ns, intent.reference, is_of_before=True
        )
        last_ns = max(intent.deadline_ns, unfinished.changed_ns)
        if unfinished.order_id:
            orders.accept(order, unfinished.order_id)
        if change is not None:
            last_ns = max(last_ns, change.deadline_ns or 0)
            order.expect(change.quantity)
        if isinstance(change, Edit) and change.user_reference is not None:
            orders.expect_edit(order, change.user_reference)
        settle_ns = last_ns + self._policy.margin_ns
        reason = "it was sent by a process before this one"
        if not order.is_confirmed:
            order.mark_uncertain(Uncertainty.EXISTENCE, settle_ns, reason)
        elif change is not None:
            order.mark_uncertain(Uncertainty.CHANGE, settle_ns, reason)
        else:  # nothing is in flight for it, so any look will do
            order.mark_uncertain(Uncertainty.ABSENCE, unfinished.changed_ns, reason)
        orders.moved(order)
        self.add(order, settle_ns)
        self._changed(order)

    async def learn(self) -> None:
        """Query what was open before the account was followed, until that is known."""
        while not self.has_learned:
            if self._gateway.is_following:
                asked_ns = self._gateway.now_ns()
                try:
                    updates = await self._gateway.open_orders()
                except FluxumError as error:
                    _log.warning("open orders are not known: %s", error)
                else:
                    for update in updates:
                        self._changed(self._orders.apply_listed(update, asked_ns))
                    self._orders.is_opening = False
                    self._orders.exposure.is_known = True
                    self.has_learned = True
                    return
            await asyncio.sleep(self._policy.poll_s)

    async def run(self) -> None:
        """Look orders up until cancelled."""
        try:
            while True:
                self._miss_updates()
                for look in list(self._looks.values()):
                    if not look.order.is_unresolved:
                        self._looks.pop(look.order.number, None)
                    elif self._gateway.is_following and look.due_ns <= self._gateway.now_ns():
                        await self._look(look)
                await self._pause()
        finally:
            if self._alarm is not None:
                self._alarm.cancel()

    def _ring(self) -> None:
        self._alarm = None
        self._woken.set()

    def _miss_updates(self) -> None:
        """Orders that exist, and of which no update came, are uncertain."""
        now_ns = self._gateway.now_ns()
        while self._awaited and self._awaited[0][0] <= now_ns:
            _, order = self._awaited.popleft()
            if order.update is None and not order.is_unresolved:
                settle_ns = self._gateway.venue_now_ns()
                order.mark_uncertain(Uncertainty.ABSENCE, settle_ns, _NO_UPDATE)
                self._orders.moved(order)
                self.add(order, settle_ns)
                self._changed(order)

    async def _pause(self) -> None:
        """Wait for the next look that is due, or for another order."""
        self._woken.clear()
        now_ns = self._gateway.now_ns()
        dues_ns = [due_ns for due_ns, _ in list(self._awaited)[:1]]
        if self._gateway.is_following:
            dues_ns += [look.due_ns for look in self._looks.values()]
        elif self._looks:
            dues_ns.append(now_ns + round(self._policy.poll_s * _SECOND_NS))
        delay_s = max(0.001, (min(dues_ns) - now_ns) / _SECOND_NS) if dues_ns else None
        try:
            async with asyncio.timeout(delay_s):
                await self._woken.wait()
        except TimeoutError:
            pass

    async def _look(self, look: _Look) -> None:
        order, asked_ns, losses = look.order, self._gateway.now_ns(), self.losses
        is_settled = self._gateway.venue_now_ns() >= look.settle_ns
        self.looks += 1
        try:
            found = await self._find(order)
        except FluxumError as error:
            _log.warning("order %s could not be looked up: %s", order.name, error)
            self._put_off(look)
            return
        learned = [self._orders.apply_listed(update, asked_ns) for update in by_opening(found)]
        for known in learned:
            self._changed(known)
        if is_settled and losses == self.losses and self._gateway.is_following:
            self._conclude(order, is_found=bool(found))
        if order.is_unresolved:
            self._put_off(look)
        else:
            self._looks.pop(order.number, None)
        self._changed(order)

    def _conclude(self, order: TrackedOrder, *, is_found: bool) -> None:
        """Nothing more can arrive, so what was found is all there is."""
        if order.edit_reference is not None and (is_found or order.is_final):
            self._orders.end_edit(order)
        if order.uncertainty is Uncertainty.EXISTENCE and not is_found:
            _log.warning("order %s never arrived", order.name)
            words = order.venue_reason
            self._orders.refuse(order, f"{words} ({_NEVER_ARRIVED})" if words else _NEVER_ARRIVED)
        elif order.uncertainty is not None and not is_found:
            _log.error("order %s %s is found neither open nor ended", order.name, order.order_id)

    def _put_off(self, look: _Look) -> None:
        """The next look is later each time, but one as soon as it resolves the order."""
        delay_ns = round(look.delay_s * _SECOND_NS)
        left_ns = look.settle_ns - self._gateway.venue_now_ns()
        look.delay_s = min(look.delay_s * 2, self._policy.poll_max_s)
        look.due_ns = self._gateway.now_ns() + (min(delay_ns, left_ns) if left_ns > 0 else delay_ns)

    # The venue's answers

    async def _find(self, order: TrackedOrder) -> list[OrderUpdate]:
        """The venue's updates of an order, and of one that may have taken its place."""
        if order.edit_reference is None and order.name and order.reference is None:
            found = await self._find_named(order)
            if not order.order_id:
                return found
            # One of this name may be another that it took the place of, or that took its place.
            began = [opened_ns(one) for one in found if one.order_id == order.order_id]
            if began:
                return [one for one in found if opened_ns(one) >= min(began)]
        listed = await self._gateway.open_orders()
        found = _of(order, listed)
        if found and order.edit_reference is None:
            return found
        found += await self._find_ended(order)
        if not found:
            _check_whole(listed)
        return found

    async def _find_named(self, order: TrackedOrder) -> list[OrderUpdate]:
        since_ns = order.sent_ns - _CLOCKS_APART_NS
        query = OrderQuery(symbol=order.symbol, client_order_id=order.name, since_ns=since_ns)
        found = await self._gateway.find_order(query)
        # It was found by its name, so that is its name, whether the answer repeats it or not.
        return [
            structs.replace(update, client_order_id=order.name)
            for update in found
            if update.client_order_id in ("", order.name)
        ]

    async def _find_ended(self, order: TrackedOrder) -> list[OrderUpdate]:
        since_ns = order.sent_ns if order.update is None else opened_ns(order.update)
        pages = 0

        def is_enough(listed: Sequence[OrderUpdate]) -> bool:
            nonlocal pages
            pages += 1
            if pages == _PAGES_MAX:
                _log.warning("order %s was looked for in %d pages", order.name, _PAGES_MAX)
            is_found = order.edit_reference is None and bool(_of(order, listed))
            return is_found or pages >= _PAGES_MAX

        page = await self._gateway.closed_orders(since_ns - _OVERLAP_NS, order.symbol, is_enough)
        found = _of(order, page)
        if not found:
            _check_whole(page)
        return found


def _check_whole(page: Page[OrderUpdate]) -> None:
    """Raise RemoteProtocolError if a row was left out: it may be the order that is looked for."""
    if page.left_out is not None:
        raise RemoteProtocolError(f"a row of the list is unreadable: {page.left_out.reason}")


def _of(order: TrackedOrder, updates: Iterable[OrderUpdate]) -> list[OrderUpdate]:
    """Those updates that are about an order, or about one that may have taken its place."""
    return [update for update in updates if _is_about(order, update)]


def _is_about(order: TrackedOrder, update: OrderUpdate) -> bool:
    if order.order_id and update.order_id == order.order_id:
        return True
    if order.name and update.client_order_id:
        return update.client_order_id == order.name
    # References need not be unique: one of an order from before is another's.
    is_ours = update.user_reference is not None and update.user_reference in {
        order.edit_reference,
        None if order.order_id else order.reference,
    }
    return is_ours and opened_ns(update) >= order.sent_ns - _OVERLAP_NS
