"""Placing orders so that none is forgotten and none is sent twice.

    with FileOrderJournal(path, "NAME") as journal:
        async with OrderDesk(session.account, journal, random=SystemRandom()) as desk:
            order = await desk.place(OrderRequest(symbol=..., side=..., quantity=..., ...))
            await desk.cancel(order.client_order_id)

An order is checked against its market, then against limits of one's own, then against the venue's
rate limit; it is written to the journal; it is sent. Nothing waits between these steps, so nothing
can come between. Then the answer is awaited.

*Errors and UNKNOWN.* An error of `place`, `amend`, `edit` or `cancel` means that nothing was done:
nothing was sent (BadInput, RiskRefused, RateLimited, OrderJournalError, TransportError), or the
venue refused (VenueRefused). If a command is not answered in time, or its link is lost, the order
is returned with status UNKNOWN. It is looked up in the background until its outcome is known, and
never sent again. If the caller is cancelled while waiting, the order stays in that state. Commands
that are not about one order raise OutcomeUnknown instead.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from random import Random
from types import TracebackType
from typing import Self, overload

from msgspec import structs

from fluxum.errors import BadInput, OutcomeUnknown, VenueRefused
from fluxum.flow.background import background
from fluxum.flow.pipe import Overflow, Pipe
from fluxum.model.event import Event
from fluxum.model.instrument import Symbol
from fluxum.model.order import (
    Amend,
    Cancel,
    CancelAll,
    CancelBatch,
    Edit,
    OrderRequest,
    OrderStatus,
    Place,
)
from fluxum.orders.check import after_amend, after_edit, check, present
from fluxum.orders.dead_man import ClientTimer, DeadManSwitch, SwitchState
from fluxum.orders.execution import OrderExecution
from fluxum.orders.gateway import AccountGateway, cancel_of, is_by_reference
from fluxum.orders.journal import OrderJournal
from fluxum.orders.order import Order, Uncertainty
from fluxum.orders.pretrade import PreTradeChecks, Sender
from fluxum.orders.reconciler import ReconcilePolicy
from fluxum.orders.risk import Risk, RiskLimits
from fluxum.orders.statistics import DeskStatistics
from fluxum.venues.trading import OrderRules, SwitchKeeper

__all__ = ["OrderDesk"]

_TIMEOUT_S = 5.0
_VIEWS_WAITING = 10_000


class OrderDesk:
    """Orders of one account; used as an async context manager inside the session's block.

    `rules` are the venue's, `limits` one's own: without them there is a collar of 10 percent (see
    RiskLimits). `profit` is the profit for them, `positions` what is held in each market when the
    desk is opened; from then on the desk counts every fill. Client order ids are made from
    `random`, which should be the system's. Unfinished orders of the `journal` are looked up first.
    """

    def __init__(
        self,
        gateway: AccountGateway,
        journal: OrderJournal,
        *,
        random: Random,
        rules: OrderRules | None = None,
        limits: RiskLimits | None = None,
        profit: Callable[[], Decimal | None] | None = None,
        positions: Mapping[Symbol, Decimal] | Callable[[], Mapping[Symbol, Decimal]] | None = None,
        policy: ReconcilePolicy | None = None,
    ) -> None:
        limits = RiskLimits() if limits is None else limits
        if limits.are_of_positions and positions is None:
            raise BadInput(
                "positions are limited, and it is not said what is held: hand in positions, "
                "such as a portfolio's `held`, or {} for nothing"
            )
        rules = OrderRules() if rules is None else rules
        self._gateway = gateway
        self._rules = rules
        self._positions = positions
        self._policy = ReconcilePolicy() if policy is None else policy
        self._execution = OrderExecution(gateway, journal, rules, self._policy)
        self._orders = self._execution.orders
        self.risk = Risk(
            limits,
            gateway.book,
            profit,
            self._orders.exposure,
            takes_unverified=rules.are_books_unproved,
        )
        """Limits and switches: `desk.risk.halt("why")`, `.reduce_only("why")`, `.resume()`."""
        self._checks = PreTradeChecks(
            gateway, self._execution, self.risk, random, rules, self._policy
        )
        self._sender = Sender(gateway, self._execution, self._checks, self.risk, self._policy)
        self._timer: ClientTimer | None = None
        if rules.dead_man_switch is SwitchKeeper.CLIENT:
            self._timer = ClientTimer(
                lambda timeout_s: self.cancel_all(timeout_s=timeout_s),
                lambda: gateway.is_following,
                gateway.venue_now_ns,
            )
        self._switch = DeadManSwitch(self._sender.arm, gateway.venue_now_ns, self._timer)
        self._scope = background()

    async def __aenter__(self) -> Self:
        events = self._gateway.account_events()
        held = self._positions() if callable(self._positions) else self._positions
        self._orders.exposure.begin(held or {}, self._gateway.venue_now_ns())
        self._orders.exposure.is_known = False
        self._execution.restore()
        work = await self._scope.__aenter__()
        self._sender.is_open = True
        work.start(self._execution.follow(events), name="orders")
        work.start(self._execution.reconciler.learn(), name="open orders")
        work.start(self._execution.reconciler.run(), name="uncertain orders")
        work.start(self._switch.run(), name="dead man switch")
        if self._timer is not None:
            work.start(self._timer.run(), name="dead man timer")
        work.start(self._watch(), name="profit")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        try:
            await self._switch.leave(self._policy.disarm_s, has_failed=isinstance(error, Exception))
        finally:
            self._sender.is_open = False
            self._execution.bus.close()
            is_handled = await self._scope.__aexit__(kind, error, traceback)
        return is_handled

    # Placing

    async def place(self, request: OrderRequest, *, timeout_s: float = _TIMEOUT_S) -> Order:
        """Place an order; returns it once the venue answered, or UNKNOWN after a time-out.

        Its client order id is made here unless the request has one. Raises as the module describes.
        """
        inflight = self._sender.enter([request], timeout_s)
        await self._sender.wait(inflight, timeout_s)
        (order,) = inflight.orders
        if order.status is OrderStatus.REFUSED:
            raise VenueRefused(f"order {order.name} was refused: {order.refusal}")
        return order.view()

    async def place_batch(
        self, requests: Sequence[OrderRequest], *, timeout_s: float = _TIMEOUT_S
    ) -> tuple[Order, ...]:
        """Place several orders of one market at once; each is returned, REFUSED ones as well."""
        if not requests:
            raise BadInput("a batch of orders was expected, was none")
        inflight = self._sender.enter(requests, timeout_s)
        await self._sender.wait(inflight, timeout_s)
        return tuple(order.view() for order in inflight.orders)

    async def validate(
        self, request: OrderRequest, *, timeout_s: float = _TIMEOUT_S
    ) -> tuple[str, ...]:
        """Have an order checked here and by the venue, and not entered; returns its warnings.

        Raises BadInput, VenueRefused, OutcomeUnknown without an answer.
        """
        named, wire, _ = self._checks.named(request)
        check(named, self._checks.instrument(named.symbol), self._gateway.venue_now_ns())
        deadline_ns = self._checks.deadline_ns(timeout_s)
        command = Place(request=wire, deadline_ns=deadline_ns, validate=True)
        return (await self._sender.confirm(command, timeout_s)).warnings

    # Changing and ending

    async def amend(self, amend: Amend, *, timeout_s: float = _TIMEOUT_S) -> Order:
        """Change an order in place. One of its two ids names it."""
        order = self._checks.changeable(amend.client_order_id or amend.order_id)
        if not order.order_id and order.reference is not None:
            raise BadInput(f"the venue's id of order {order.name} is not known yet")
        before = present(order.request, order.update)
        changed = after_amend(before, amend)
        self._checks.check_change(order, before, changed, anew=False)
        command = structs.replace(
            amend,
            order_id=order.order_id,
            client_order_id="" if order.order_id else order.name,
            symbol=order.symbol,
            name=order.name,
            becomes=changed,
            deadline_ns=amend.deadline_ns or self._checks.deadline_ns(timeout_s),
        )
        await self._sender.change(order, command, changed, timeout_s)
        return order.view()

    async def edit(self, edit: Edit, *, timeout_s: float = _TIMEOUT_S) -> Order:
        """Put another order in the place of one; returns the new one, which takes over its name.

        `edit.order_id` may be either id. Venues may refuse this for orders with a client id; one
        that is placed with a user reference can be edited there.
        """
        order = self._checks.changeable(edit.order_id)
        if not order.order_id:
            raise BadInput(f"the venue's id of order {order.name} is not known yet")
        before = present(order.request, order.update)
        changed = after_edit(before, edit)
        if changed.quantity is not None and changed.quantity <= order.filled:
            raise BadInput(f"more than {order.filled}, which is filled, was expected")
        self._checks.check_change(order, before, changed, anew=True)
        reference = edit.user_reference
        reference = self._checks.new_reference() if reference is None else reference
        command = structs.replace(
            edit,
            order_id=order.order_id,
            user_reference=reference,
            becomes=changed,
            deadline_ns=edit.deadline_ns or self._checks.deadline_ns(timeout_s),
            validate=False,
        )
        await self._sender.change(order, command, changed, timeout_s)
        newest = self._orders.find(order.replaced_by) if order.replaced_by else None
        return (order if newest is None else newest).view()

    @overload
    async def cancel(self, name: str, *, timeout_s: float = _TIMEOUT_S) -> Order: ...

    @overload
    async def cancel(self, *, order_id: str, timeout_s: float = _TIMEOUT_S) -> Order | None: ...

    @overload
    async def cancel(
        self, *, client_order_id: str, timeout_s: float = _TIMEOUT_S
    ) -> Order | None: ...

    async def cancel(
        self,
        name: str = "",
        *,
        order_id: str = "",
        client_order_id: str = "",
        timeout_s: float = _TIMEOUT_S,
    ) -> Order | None:
        """End an order, named by either id; returns it when it has ended. Ended ones are no error.

        No limit and no halt stops a cancel, and it is sent over any link there is, even while the
        account is not followed. An order that this desk does not have is canceled by the id given,
        `name` being taken for the venue's. For such an order, if only the venue's acceptance is
        known, `None` is returned, or OutcomeUnknown raised where `name` was given.
        """
        key = name or order_id or client_order_id
        if not key or key not in (name or key, order_id or key, client_order_id or key):
            raise BadInput("one id of an order to cancel was expected")
        order = self._orders.find(key)
        if order is None:
            command = Cancel(order_ids=(key,))
            if key not in (name, order_id):
                command = Cancel(client_order_ids=(key,))
            await self._sender.confirm(command, timeout_s)
            known = self.order(key)
            if known is None and name:
                raise OutcomeUnknown(
                    f"the venue took the cancel of {name!r}, and this desk knows no such order"
                )
            return known
        if order.is_final:
            return order.view()
        inflight = await self._sender.cancel(cancel_of(order), [order], timeout_s)
        view = order.view()
        is_open = not view.status.is_final and view.uncertainty is not Uncertainty.CHANGE
        if inflight.declined is not None and is_open:
            raise VenueRefused(f"order {key} was not canceled: {inflight.declined.message}")
        return view

    async def cancel_batch(
        self, names: Sequence[str], *, timeout_s: float = _TIMEOUT_S
    ) -> tuple[Order, ...]:
        """End several orders at once, each named by either id; returns them in this order.

        A name that this desk does not know is sent as an id of the venue's; such an order is not
        returned.
        """
        orders = {name: self._orders.find(name) for name in names}
        living = [name for name, one in orders.items() if one is None or not one.is_final]
        # What the venue knows by a reference alone cannot be in a batch.
        alone = [name for name in living if is_by_reference(orders[name])]
        batch = [name for name in living if name not in alone]
        if len(batch) == 1:
            alone, batch = alone + batch, []
        for name in alone:
            if orders[name] is None:
                await self.cancel(order_id=name, timeout_s=timeout_s)
            else:
                await self.cancel(name, timeout_s=timeout_s)
        if batch:
            known = [one for one in map(orders.get, batch) if one is not None]
            unknown = [name for name in batch if orders[name] is None]
            command = CancelBatch(
                order_ids=(*(one.order_id for one in known if one.order_id), *unknown),
                client_order_ids=tuple(one.name for one in known if not one.order_id),
                symbols={one.order_id or one.name: one.symbol for one in known},
            )
            inflight = await self._sender.cancel(command, known, timeout_s)
            if inflight.declined is not None:
                raise VenueRefused(f"nothing was canceled: {inflight.declined.message}")
        return tuple(one.view() for one in orders.values() if one is not None)

    async def cancel_all(self, *, timeout_s: float = _TIMEOUT_S) -> int:
        """End every order of the account, of others too; returns how many the venue reports.

        Raises VenueRefused, TransportError when nothing was sent, OutcomeUnknown.
        """
        orders = list(self._orders.live.values())
        inflight = await self._sender.cancel(CancelAll(), orders, timeout_s)
        return inflight.confirmed(timeout_s).count or 0

    async def cancel_all_after(self, timeout_s: int, *, is_left_armed: bool = False) -> SwitchState:
        """Arm the dead man switch: all orders are ended unless the desk renews it in time.

        It is renewed every third of the time-out until the desk is left; then it is disarmed,
        unless it is to be left armed or the block failed. Zero disarms now.

        If the venue has no such switch, the desk keeps the time (`SwitchState.keeper`): orders are
        ended when the account was not followed for so long, and when the block fails, but **not
        after this process ended, and not while the network is down**. Left armed it cannot be.
        """
        if timeout_s == 0:
            return await self._switch.disarm(_TIMEOUT_S)
        return await self._switch.arm(timeout_s, is_left_armed=is_left_armed)

    # What it has

    @property
    def dead_man_switch(self) -> SwitchState:
        """Until when the dead man switch is armed."""
        return self._switch.state

    def order(self, name: str) -> Order | None:
        """An order by either id; of a client order id the newest, where edits replaced it."""
        order = self._orders.find(name)
        return None if order is None else order.view()

    def orders(self, symbol: Symbol | None = None) -> list[Order]:
        """Every order that is kept, those that ended first."""
        return [one.view() for one in self._orders.all() if symbol in (None, one.symbol)]

    def open_orders(self, symbol: Symbol | None = None) -> list[Order]:
        """Orders that have not ended, as far as is known: uncertain ones are among them."""
        return [one.view() for one in self._orders.live.values() if symbol in (None, one.symbol)]

    def account_events(self) -> Pipe[Event]:
        """All about the account and its link, in order; the pipe fails rather than drop one."""
        return self._gateway.account_events()

    @property
    def rules(self) -> OrderRules:
        """The venue's rules of order entry."""
        return self._rules

    def updates(self, *, capacity: int = _VIEWS_WAITING) -> Pipe[Order]:
        """Each order whenever something is learned of it; a slow reader skips to the latest."""
        return self._execution.bus.subscribe(
            capacity=capacity,
            overflow=Overflow.CONFLATE,
            key=lambda view: (view.client_order_id, view.order_id),
        )

    def statistics(self) -> DeskStatistics:
        """All counts, whose sums close."""
        return self._execution.statistics()

    async def wait_reconciled(self, timeout_s: float | None = None) -> None:
        """Wait until the account is followed, its orders are known and none is uncertain.

        Raises TimeoutError that names the uncertain orders.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while not self._is_reconciled():  # noqa: ASYNC110 - the gateway reports no change
                    await asyncio.sleep(0.05)
        except TimeoutError:
            live = self._orders.live.values()
            names = ", ".join(one.name or one.order_id for one in live if one.uncertainty)
            what = names or "no order, but the account is not followed"
            raise TimeoutError(f"uncertain after {timeout_s} s: {what}") from None

    # Pieces

    def _is_reconciled(self) -> bool:
        reconciler = self._execution.reconciler
        is_known = reconciler.has_learned and self._gateway.is_following
        return is_known and not self._execution.open_uncertain and not reconciler.open

    async def _watch(self) -> None:
        """Look at the profit every second, so that no high of it is missed."""
        while self.risk.limits.are_of_profit:
            self.risk.look()
            await asyncio.sleep(1.0)
