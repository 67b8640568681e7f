"""The way of a command out: named, checked, written down, sent, its answer awaited.

Between the checks of an order and its sending nothing waits, so nothing can come between. Cancels
are not checked: they are sent whenever there is a link.
"""

import asyncio
import math
from collections.abc import Callable, Sequence
from operator import methodcaller
from random import Random
from typing import NoReturn
from uuid import UUID

from msgspec import structs

from fluxum.errors import (
    BadInput,
    FluxumError,
    OutcomeUnknown,
    RateLimited,
    RiskRefused,
    TransportError,
    VenueRefused,
)
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.order import (
    Accepted,
    Amend,
    Cancel,
    CancelAll,
    CancelAllAfter,
    CancelBatch,
    Command,
    Edit,
    OrderRequest,
    Place,
    PlaceBatch,
)
from fluxum.orders.check import Grid, check, check_change
from fluxum.orders.execution import OrderExecution
from fluxum.orders.gateway import AccountGateway, InFlight
from fluxum.orders.journal_lines import Changing, Intent
from fluxum.orders.order import TrackedOrder
from fluxum.orders.reconciler import ReconcilePolicy
from fluxum.orders.risk import Risk
from fluxum.venues.trading import OrderRules

__all__ = ["PreTradeChecks", "Sender"]

_SECOND_NS = 1_000_000_000
_copy: Callable[[OrderRequest], OrderRequest] = methodcaller("__copy__")
_NAMES = 16


class PreTradeChecks:
    """Names and checks commands before they are sent; nothing waits here, and nothing changes."""

    def __init__(
        self,
        gateway: AccountGateway,
        execution: OrderExecution,
        risk: Risk,
        random: Random,
        rules: OrderRules,
        policy: ReconcilePolicy,
    ) -> None:
        self._gateway = gateway
        self._execution = execution
        self._orders = execution.orders
        self._risk = risk
        self._random = random
        self._rules = rules
        self._policy = policy
        self._names: list[str] = []
        self._ahead: tuple[float, int] = (math.nan, 0)  # of the last time-out, in ns
        self._grids: dict[Symbol, Grid] = {}

    def named(self, request: OrderRequest) -> tuple[OrderRequest, OrderRequest, int | None]:
        """The request with our name, the same as the venue gets it, and what names it there.

        The last is a user reference where the venue does not take the name, else `None`. Raises
        BadInput for names that the venue does not take or that are in use.
        """
        name = request.client_order_id
        if name:
            self._check_name(name)
        elif not self._names:
            self._make_names()
        name = name or self._names.pop()
        if self._orders.named(name) is not None:
            raise BadInput(f"a client order id that is not in use was expected, was {name!r}")
        named = _with(request, "client_order_id", name)
        if self._rules.supports_client_id(request):
            return named, named, None
        reference = request.user_reference
        if reference is None:
            reference = self.new_reference()
        elif self._orders.is_reference_taken(reference):
            raise BadInput(
                f"this order is found by its user reference, which an open one has: {reference}"
            )
        named = _with(named, "user_reference", reference)
        return named, _with(named, "client_order_id", ""), reference

    def _make_names(self) -> None:
        """Make names of the next orders, which takes little longer for all of them than for one."""
        names = [UUID(int=self._random.getrandbits(128), version=4).hex for _ in range(_NAMES)]
        self._check_name(names[0])
        self._names = names

    def _check_name(self, name: str) -> None:
        if not self._rules.is_name(name):
            raise BadInput(f"the venue takes no such client order id: {name!r}")

    def changeable(self, name: str) -> TrackedOrder:
        """The order of either id, to be changed now; raises BadInput, OutcomeUnknown if unsure."""
        order = self._orders.find(name)
        if order is None:
            raise BadInput(f"an order of this desk was expected, was {name!r}")
        if order.is_final:
            raise BadInput(f"order {name} has ended: {order.status.value}")
        if order.is_unresolved:
            raise OutcomeUnknown(f"order {name} is uncertain, so nothing was sent", order.name)
        if any(one.is_changing for one in self._execution.commands.of(order)):
            raise BadInput(f"a change of order {name} is on its way already")
        return order

    def new_reference(self) -> int:
        """A number that no order of ours has."""
        while True:
            reference = self._random.getrandbits(31)
            if reference and not self._orders.is_reference_taken(reference):
                return reference

    def check_new(self, requests: Sequence[OrderRequest], now_ns: int) -> None:
        """Raise BadInput or RiskRefused for orders that must not be placed at this instant."""
        if len(requests) > 1:
            self._check_names(requests)
        for request in requests:
            instrument = self.instrument(request.symbol)
            grid = self._grids.get(request.symbol)
            if grid is None or grid.instrument is not instrument:
                grid = self._grids[request.symbol] = Grid(instrument)
            if not grid.is_plain_and_good(request):
                check(request, instrument, now_ns)
        count = len(self._orders.live)
        if count + len(requests) > self._policy.orders_max:
            raise BadInput(f"at most {self._policy.orders_max} orders are held, were {count}")
        self._risk.check(requests, count, self._gateway.now_ns())

    def _check_names(self, requests: Sequence[OrderRequest]) -> None:
        """Raise BadInput for orders of which two have one name."""
        names = {request.client_order_id for request in requests}
        references = [one.user_reference for one in requests if one.user_reference is not None]
        if len(names) < len(requests):
            raise BadInput(f"each order of a batch needs a name of its own, were {sorted(names)}")
        is_named = self._rules.supports_client_id(requests[0])
        if not is_named and len(set(references)) < len(references):
            raise BadInput(f"user references of their own were expected, were {references}")

    def check_change(
        self, order: TrackedOrder, before: OrderRequest, changed: OrderRequest, *, anew: bool
    ) -> None:
        """Raise BadInput or RiskRefused for what an order must not become."""
        now_ns = self._gateway.venue_now_ns()
        check_change(changed, order.filled, self.instrument(order.symbol), now_ns)
        self._risk.check_change(order, before, changed, self._gateway.now_ns(), anew=anew)

    def check_rate_limit(self, command: Command, now_ns: int) -> None:
        """Raise RateLimited, or VenueRefused where waiting does not help, as the venue would."""
        rate_limit = self._execution.rate_limit
        if rate_limit is None:
            return
        refusal = rate_limit.would_refuse(command, now_ns)
        if refusal is None:
            return
        if refusal.wait_s is None:
            raise VenueRefused(refusal.reason, "foreseen")
        raise RateLimited(refusal.reason, "foreseen", refusal.wait_s)

    def check_following(self) -> None:
        """Raise TransportError while the account is not followed."""
        if not self._gateway.is_following:
            raise TransportError("the account is not followed now: nothing was sent")

    def instrument(self, symbol: Symbol) -> Instrument:
        """The rules of a market; raises BadInput until the venue published them."""
        instrument = self._gateway.instrument(symbol)
        if instrument is None:
            raise BadInput(
                f"the rules of {symbol} are not known: is it listed, and does the session "
                f"subscribe to instruments?"
            )
        return instrument

    def deadline_ns(self, timeout_s: float, now_ns: int | None = None) -> int:
        """When a command that is sent now must have arrived, by the venue's clock."""
        if timeout_s != self._ahead[0]:  # nearly all have the same
            if not timeout_s > 0:
                raise BadInput(f"a time-out above zero was expected, was {timeout_s}")
            rules = self._rules
            ahead_s = min(max(timeout_s, rules.deadline_min_s), rules.deadline_max_s)
            self._ahead = timeout_s, round(ahead_s * _SECOND_NS)
        return (self._gateway.venue_now_ns() if now_ns is None else now_ns) + self._ahead[1]


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
        self._waiting: dict[int, InFlight] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self._rings_s = math.inf
        self._gateway = gateway
        self._execution = execution
        self._orders = execution.orders
        self._checks = checks
        self._risk = risk
        self._margin_ns = policy.margin_ns

    def enter(self, requests: Sequence[OrderRequest], timeout_s: float) -> InFlight:
        """Check orders, write them down and send them."""
        counts, count = self._execution.counts, len(requests)
        counts.asked += count
        now_ns = self._gateway.venue_now_ns()
        named: list[OrderRequest] = []
        wires: list[OrderRequest] = []
        lines: list[Intent] = []
        orders: list[TrackedOrder] = []
        try:
            deadline_ns = self._checks.deadline_ns(timeout_s, now_ns)
            for request in requests:
                one, wire, reference = self._checks.named(request)
                named.append(one)
                wires.append(wire)
                lines.append(
                    Intent(request=one, deadline_ns=deadline_ns, at_ns=now_ns, reference=reference)
                )
            self._checks.check_new(named, now_ns)
            command: Place | PlaceBatch = Place(request=wires[0], deadline_ns=deadline_ns)
            if count > 1:
                command = PlaceBatch(requests=tuple(wires), deadline_ns=deadline_ns)
            self._checks.check_rate_limit(command, now_ns)
        except FluxumError as error:
            self._count_refused(error, count)
            raise

        def begin() -> Sequence[TrackedOrder]:
            for line in lines:
                one, reference = line.request, line.reference
                orders.append(self._orders.begin(one, now_ns, deadline_ns, reference))
            return orders

        try:
            if not self.is_open:
                self._refuse_closed()
            self._checks.check_following()
            self._execution.journal.write(lines)
            inflight = self._send(command, deadline_ns, begin)
        except FluxumError:  # nothing was sent
            counts.unsent += count
            self._execution.withdraw(lines)
            raise
        except BaseException:  # what was begun may have been sent
            counts.placed += len(orders)
            counts.unsent += count - len(orders)
            raise
        counts.placed += count
        self._risk.book(count, self._gateway.now_ns())
        return inflight

    async def change(
        self, order: TrackedOrder, command: Amend | Edit, changed: OrderRequest, timeout_s: float
    ) -> None:
        """Write a change of an order down, send it and wait; raises VenueRefused for a refusal."""
        now_ns = self._gateway.venue_now_ns()
        self._checks.check_rate_limit(command, now_ns)
        self._checks.check_following()
        if order.is_ours and order.name:
            line = Changing(name=order.name, command=command, at_ns=now_ns)
            self._execution.journal.write([line])
        if isinstance(command, Edit) and command.user_reference is not None:
            self._orders.expect_edit(order, command.user_reference)
        order.expect(changed.quantity)
        self._orders.moved(order)
        assert command.deadline_ns is not None, "every change that is sent has a deadline"
        try:
            inflight = self._send(command, command.deadline_ns, lambda: [order])
        except FluxumError:
            self._orders.end_edit(order)
            order.expect(None)
            self._orders.moved(order)
            self._execution.changed(order)
            raise
        inflight.becomes = changed
        self._risk.book(1, self._gateway.now_ns())
        await self.wait(inflight, timeout_s)
        if inflight.declined is not None and order.uncertainty is None:
            raise VenueRefused(f"order {order.name} was not changed: {inflight.declined.message}")

    async def cancel(
        self,
        command: Cancel | CancelBatch | CancelAll,
        orders: Sequence[TrackedOrder],
        timeout_s: float,
    ) -> InFlight:
        """Send a cancel and wait; `orders` are those it is about, as far as they are known."""
        inflight = self._send(command, self._checks.deadline_ns(timeout_s), lambda: orders)
        await self.wait(inflight, timeout_s)
        return inflight

    async def confirm(self, command: Command, timeout_s: float) -> Accepted:
        """Send a command that is about no order, and wait until the venue accepts it.

        Raises VenueRefused, and OutcomeUnknown when there is no answer in time.
        """
        inflight = self._send(command, self._checks.deadline_ns(timeout_s))
        await self.wait(inflight, timeout_s)
        return inflight.confirmed(timeout_s)

    async def arm(self, command: CancelAllAfter, timeout_s: float) -> int | None:
        """Have the venue arm or disarm its dead man switch; returns when it ends all orders."""
        return (await self.confirm(command, timeout_s)).triggers_ns

    async def wait(self, inflight: InFlight, timeout_s: float) -> None:
        """Wait for the answer; if the wait ends before it, the outcome is unknown."""
        done = inflight.done
        inflight.expires_s = asyncio.get_running_loop().time() + timeout_s
        self._waiting[inflight.command_id] = inflight
        if inflight.expires_s < self._rings_s:
            self._set_alarm(inflight.expires_s)
        try:
            await done
        finally:
            del self._waiting[inflight.command_id]
            is_left = inflight.is_overdue or not done.done() or done.cancelled()
            if is_left and not inflight.is_known:
                self._execution.mark_uncertain(inflight, inflight.why_unknown(timeout_s))

    def _set_alarm(self, at_s: float) -> None:
        """Ring at a time of the loop: one timer is enough for all that wait."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._rings_s = at_s
        self._alarm = asyncio.get_running_loop().call_at(at_s, self._ring)

    def _ring(self) -> None:
        """End the waits whose time is over, and set the alarm for the next one."""
        rang_s, self._rings_s, self._alarm = self._rings_s, math.inf, None
        for inflight in list(self._waiting.values()):
            if inflight.expires_s <= rang_s:
                inflight.expire()
        left_s = [one.expires_s for one in self._waiting.values() if one.expires_s > rang_s]
        if left_s:
            self._set_alarm(min(left_s))

    def _count_refused(self, error: FluxumError, count: int) -> None:
        """Count orders that were refused before they were written down, by who refused them."""
        counts = self._execution.counts
        match error:
            case BadInput():
                counts.malformed += count
            case RiskRefused():
                counts.risky += count
            case VenueRefused():
                counts.foreseen += count
            case _:
                pass

    def _refuse_closed(self) -> NoReturn:
        raise BadInput("a desk trades inside its block: async with OrderDesk")

    def _send(
        self,
        command: Command,
        deadline_ns: int,
        orders: Callable[[], Sequence[TrackedOrder]] = tuple,
    ) -> InFlight:
        """Send a command; FluxumError means that nothing was sent.

        `orders` are those that it is about. They are asked for when the frame is written, so that
        it does not wait for the order to be taken up.
        """
        if not self.is_open:
            self._refuse_closed()
        settle_ns = deadline_ns + self._margin_ns
        try:
            number = self._gateway.command(command)
        except FluxumError:
            raise
        except BaseException:  # the gateway promises FluxumErrors: this one may have been sent
            lost = InFlight(0, command, tuple(orders()), settle_ns)
            self._execution.mark_uncertain(lost, "sending it failed")
            raise
        inflight = InFlight(number, command, tuple(orders()), settle_ns)
        self._execution.sent(inflight)
        return inflight


def _with(request: OrderRequest, field: str, name: object) -> OrderRequest:
    """A request with another name, which is checked already as its other fields are."""
    changed = _copy(request)
    structs.force_setattr(changed, field, name)
    return changed
