"""How commands get out: checked, written down and sent, then their answers awaited.

Between the checks of an order and its sending nothing waits, so nothing can come between. Cancels
are not checked at all: they are sent whenever there is a link.
"""

import asyncio
from collections.abc import Sequence

from fluxum.errors import BadInput, FluxumError, OutcomeUnknown, RiskRefused, VenueRefused
from fluxum.model.order import (
    Accepted,
    Amend,
    Cancel,
    CancelAll,
    CancelBatch,
    Command,
    Edit,
    OrderRequest,
    Place,
    PlaceBatch,
)
from fluxum.orders.execution import OrderExecution
from fluxum.orders.gateway import AccountGateway
from fluxum.orders.inflight import InFlight
from fluxum.orders.journal import Intent
from fluxum.orders.order import TrackedOrder
from fluxum.orders.pretrade import PreTradeChecks
from fluxum.orders.reconciler import ReconcilePolicy
from fluxum.orders.risk import Risk

__all__ = ["Sender", "confirmed"]

_SECOND_NS = 1_000_000_000


class Sender:
    """Sends the commands of one desk, while that is open."""

    def __init__(
        self,
        gateway: AccountGateway,
        execution: OrderExecution,
        checks: PreTradeChecks,
        risk: Risk,
        policy: ReconcilePolicy,
    ) -> None:
        self.is_open = False
        self._gateway = gateway
        self._execution = execution
        self._orders = execution.orders
        self._checks = checks
        self._risk = risk
        self._margin_ns = round(policy.margin_s * _SECOND_NS)

    def enter(self, requests: Sequence[OrderRequest], timeout_s: float) -> InFlight:
        """Check orders, write them down and send them."""
        counts = self._execution.counts
        counts.asked += len(requests)
        now_ns = self._gateway.venue_now_ns()
        try:
            deadline_ns = self._checks.deadline_ns(timeout_s)
            named = [self._checks.named(request) for request in requests]
            self._checks.check_new([request for request, _, _ in named])
            command = _placing([wire for _, wire, _ in named], deadline_ns)
        except BadInput:
            counts.malformed += len(requests)
            raise
        except RiskRefused:
            counts.risky += len(requests)
            raise
        try:
            self._checks.check_rate_limit(command)
        except VenueRefused:
            counts.foreseen += len(requests)
            raise
        orders: list[TrackedOrder] = []
        try:
            self._checks.refuse_unfollowed()
            self._execution.keep(
                Intent(request=request, deadline_ns=deadline_ns, at_ns=now_ns, reference=reference)
                for request, _, reference in named
            )
            orders += [
                self._orders.begin(request, now_ns, deadline_ns, reference)
                for request, _, reference in named
            ]
            asked = self._send(command, orders, deadline_ns + self._margin_ns)
        except FluxumError:  # surely nothing was sent
            counts.unsent += len(requests)
            for order in orders:
                self._execution.discard(order)
            raise
        except BaseException:  # what was begun may have been sent
            counts.placed += len(orders)
            counts.unsent += len(requests) - len(orders)
            raise
        counts.placed += len(requests)
        self._risk.book(len(requests), self._gateway.now_ns())
        return asked

    async def change(
        self,
        order: TrackedOrder,
        command: Amend | Edit,
        deadline_ns: int,
        changed: OrderRequest,
        timeout_s: float,
    ) -> None:
        """Write a change of an order down, send it and wait; raises VenueRefused for a no."""
        self._checks.check_rate_limit(command)
        self._checks.refuse_unfollowed()
        self._execution.keep_change(order, command)
        if isinstance(command, Edit) and command.user_reference is not None:
            self._orders.expect_edit(order, command.user_reference)
        order.ask(changed.quantity)
        self._orders.moved(order)
        try:
            asked = self._send(command, [order], deadline_ns + self._margin_ns)
        except FluxumError:
            self._orders.end_edit(order)
            order.ask(None)
            self._orders.moved(order)
            self._execution.changed(order)
            raise
        asked.becomes = changed
        self._risk.book(1, self._gateway.now_ns())
        await self.wait(asked, timeout_s)
        if asked.declined is not None and order.uncertainty is None:
            raise VenueRefused(f"order {order.name} was not changed: {asked.declined.message}")

    async def cancel(
        self,
        command: Cancel | CancelBatch | CancelAll,
        orders: Sequence[TrackedOrder],
        timeout_s: float,
    ) -> InFlight:
        """Send a cancel and wait; `orders` are those it is about, as far as they are known."""
        asked = self._send(command, orders, self._checks.settle_ns(timeout_s))
        await self.wait(asked, timeout_s)
        return asked

    async def confirm(self, command: Command, timeout_s: float) -> Accepted:
        """Send a command that is about no order, and wait for the venue's yes.

        Raises VenueRefused, and OutcomeUnknown when there is no answer in time.
        """
        asked = self._send(command, [], self._checks.settle_ns(timeout_s))
        await self.wait(asked, timeout_s)
        return confirmed(asked, timeout_s)

    async def wait(self, asked: InFlight, timeout_s: float) -> None:
        """Wait for the answer; whatever ends the wait before it, the outcome is in doubt then."""
        reason = "whoever waited for the answer has left"
        try:
            async with asyncio.timeout(timeout_s):
                await asked.done
        except TimeoutError:
            reason = f"nobody answered within {timeout_s} s"
            if asked.accepted is not None and not asked.is_placing:
                reason = f"the venue took it, and nothing more was known within {timeout_s} s"
        finally:
            is_left = asked.done.cancelled() or not asked.done.done()
            if is_left and not asked.is_known:
                self._execution.mark_uncertain(asked, reason)

    def _send(self, command: Command, orders: Sequence[TrackedOrder], settle_ns: int) -> InFlight:
        """Send a command; FluxumError means that surely nothing was sent."""
        if not self.is_open:
            raise BadInput("a desk trades inside its block: async with OrderDesk")
        try:
            number = self._gateway.command(command)
        except FluxumError:
            raise
        except BaseException:
            # Whoever raises anything else did not keep the door's word: it may have been sent.
            self._execution.mark_uncertain(
                InFlight(0, command, orders, settle_ns), "sending it failed"
            )
            raise
        asked = InFlight(number, command, orders, settle_ns)
        self._execution.sent(asked)
        return asked


def confirmed(asked: InFlight, timeout_s: float) -> Accepted:
    """The venue's yes; raises VenueRefused for a no, and OutcomeUnknown for neither."""
    if asked.declined is not None:
        raise VenueRefused(f"the venue refused: {asked.declined.message}")
    if asked.accepted is None:
        raise OutcomeUnknown(f"nobody has answered within {timeout_s} s")
    return asked.accepted


def _placing(requests: Sequence[OrderRequest], deadline_ns: int) -> Place | PlaceBatch:
    if len(requests) == 1:
        return Place(request=requests[0], deadline_ns=deadline_ns)
    return PlaceBatch(requests=tuple(requests), deadline_ns=deadline_ns)
