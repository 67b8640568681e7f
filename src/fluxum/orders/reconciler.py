"""What became of it: orders in doubt are looked up at the venue until it is known.

Nothing is ever sent again. An order is looked for among the open ones and then among those that
ended, in this order, so that one which ends in between is met. One that nobody answered for, and
that is found nowhere although its deadline and a margin have passed over a link that held, never
arrived.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct, structs

from fluxum.errors import FluxumError, RemoteProtocolError
from fluxum.model.order import OrderUpdate
from fluxum.orders.cache import OrderCache, Retention, by_opening
from fluxum.orders.gateway import AccountGateway
from fluxum.orders.order import TrackedOrder, Uncertainty, opened_ns
from fluxum.venues.private import OrderQuery
from fluxum.venues.queries import Page

__all__ = ["ReconcilePolicy", "Reconciler"]

_log = logging.getLogger(__name__)
_PAGES_MAX = 20
_OVERLAP_NS = 60 * 1_000_000_000
_SECOND_NS = 1_000_000_000
NEVER_ARRIVED = "never arrived"


class ReconcilePolicy(Struct, frozen=True, kw_only=True):
    """How long a desk waits, and how much it keeps.

    `margin_s` after its deadline a command can no longer arrive, clocks that differ and histories
    that lag included. What is in doubt is looked at every `poll_s`, then less and less often up to
    every `poll_max_s`. Disarming the kill switch on leaving may take `disarm_s`. No more than
    `orders_max` orders are held at a time.
    """

    margin_s: float = 10.0
    poll_s: float = 1.0
    poll_max_s: float = 60.0
    disarm_s: float = 2.0
    orders_max: int = 10_000
    retention: Retention = Retention()


class _Look:
    """An order to be looked up: from when on a look settles it, and when the next one is due.

    The first is by the venue's clock, the second by ours.
    """

    __slots__ = ("delay_s", "due_ns", "order", "settle_ns")

    def __init__(self, order: TrackedOrder, settle_ns: int, due_ns: int, delay_s: float) -> None:
        self.order = order
        self.settle_ns = settle_ns
        self.due_ns = due_ns
        self.delay_s = delay_s


class Reconciler:
    """Looks orders up. `told` is called with each order something was learned of."""

    def __init__(
        self,
        gateway: AccountGateway,
        orders: OrderCache,
        policy: ReconcilePolicy,
        told: Callable[[TrackedOrder], None],
    ) -> None:
        self.losses = 0
        """How many links were lost; whoever hears of one counts it here."""
        self.looks = 0
        """How many times an order was looked up."""
        self._gateway = gateway
        self._orders = orders
        self._policy = policy
        self._told = told
        self._looks: dict[int, _Look] = {}
        self._woken = asyncio.Event()

    @property
    def open(self) -> int:
        """How many orders are still to be looked up."""
        return sum(1 for look in self._looks.values() if _is_open(look.order))

    def add(self, order: TrackedOrder, settle_ns: int) -> None:
        """Look an order up soon; from `settle_ns` on nothing of what is doubted can arrive."""
        known = self._looks.get(order.number)
        if known is None:
            known = _Look(order, settle_ns, self._gateway.now_ns(), self._policy.poll_s)
            self._looks[order.number] = known
        known.settle_ns = max(known.settle_ns, settle_ns)
        self._woken.set()

    def wake(self) -> None:
        """Things have changed: look again at once."""
        now_ns = self._gateway.now_ns()
        for look in self._looks.values():
            look.due_ns = now_ns
            look.delay_s = self._policy.poll_s
        self._woken.set()

    async def run(self) -> None:
        """Look orders up until cancelled."""
        while True:
            for look in list(self._looks.values()):
                if not _is_open(look.order):
                    self._looks.pop(look.order.number, None)
                elif self._gateway.is_following and look.due_ns <= self._gateway.now_ns():
                    await self._look(look)
            await self._pause()

    async def _pause(self) -> None:
        """Wait for the next look that is due, or for another order."""
        self._woken.clear()
        if not self._looks:
            await self._woken.wait()
            return
        delay_s = self._policy.poll_s
        if self._gateway.is_following:
            due_ns = min(look.due_ns for look in self._looks.values())
            delay_s = max(0.001, (due_ns - self._gateway.now_ns()) / _SECOND_NS)
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
        for update in by_opening(found):
            self._told(self._orders.tell_asked(update, asked_ns))
        if is_settled and losses == self.losses and self._gateway.is_following:
            self._conclude(order, is_found=bool(found))
        if _is_open(order):
            self._put_off(look)
        else:
            self._looks.pop(order.number, None)
        self._told(order)

    def _conclude(self, order: TrackedOrder, *, is_found: bool) -> None:
        """Nothing more can arrive, so what was found is all there is."""
        if order.edit_reference is not None and (is_found or order.is_final):
            self._orders.end_edit(order)
        if order.uncertainty is Uncertainty.EXISTENCE and not is_found:
            _log.warning("order %s never arrived", order.name)
            words = order.venue_reason
            self._orders.refuse(order, f"{words} ({NEVER_ARRIVED})" if words else NEVER_ARRIVED)
        elif order.uncertainty is not None and not is_found:
            _log.error("order %s %s is found neither open nor ended", order.name, order.order_id)

    def _put_off(self, look: _Look) -> None:
        """The next look, later each time, but one as soon as it settles the matter."""
        delay_ns = round(look.delay_s * _SECOND_NS)
        left_ns = look.settle_ns - self._gateway.venue_now_ns()
        look.delay_s = min(look.delay_s * 2, self._policy.poll_max_s)
        look.due_ns = self._gateway.now_ns() + (min(delay_ns, left_ns) if left_ns > 0 else delay_ns)

    async def _find(self, order: TrackedOrder) -> list[OrderUpdate]:
        """What the venue says of an order, and of one that may have taken its place."""
        if order.edit_reference is None and order.name and order.reference is None:
            found = await self._find_named(order)
            if not order.order_id:
                return found
            # One of this name may be another that it took the place of.
            found = [update for update in found if update.order_id == order.order_id]
            if found:
                return found
        listed = await self._gateway.open_orders()
        found = _of(order, listed)
        if found and order.edit_reference is None:
            return found
        found += await self._find_ended(order)
        if not found:
            _check_whole(listed)
        return found

    async def _find_named(self, order: TrackedOrder) -> list[OrderUpdate]:
        query = OrderQuery(symbol=order.symbol, client_order_id=order.name)
        found = await self._gateway.find_order(query)
        # It was found by its name, so that is its name, whether the answer repeats it or not.
        return [
            structs.replace(update, client_order_id=order.name)
            for update in found
            if update.client_order_id in ("", order.name)
        ]

    async def _find_ended(self, order: TrackedOrder) -> list[OrderUpdate]:
        since_ns = order.sent_ns if order.update is None else order.update.venue_ns
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


def _is_open(order: TrackedOrder) -> bool:
    return order.uncertainty is not None or order.edit_reference is not None


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
