"""What is known of all orders and commands, kept up with the account's stream.

Events come in order; each is applied to its order or command. A change is then written to the
journal and passed to the callers that wait, to the reconciler where the outcome is unknown, and to
readers.
"""

import logging
from collections.abc import Sequence
from typing import Any

from msgspec import structs

from fluxum.errors import FluxumError, OrderJournalError
from fluxum.flow.bus import Bus
from fluxum.flow.pipe import Pipe
from fluxum.model.account import Fill
from fluxum.model.event import Event, LinkLost, State, StateChange
from fluxum.model.order import (
    Accepted,
    Amend,
    Declined,
    Edit,
    OpenOrders,
    OrderRequest,
    OrderStatus,
    OrderUpdate,
    TradingCount,
)
from fluxum.orders.cache import OrderCache
from fluxum.orders.gateway import (
    AccountGateway,
    Arrivals,
    CommandsInFlight,
    InFlight,
)
from fluxum.orders.journal import OrderJournal
from fluxum.orders.journal_lines import Changed, Ended, Intent, JournalLine, Named
from fluxum.orders.order import Order, TrackedOrder, Uncertainty
from fluxum.orders.rate_limit import OrderRateLimit
from fluxum.orders.reconciler import ReconcilePolicy, Reconciler
from fluxum.orders.statistics import DeskStatistics, PlacingCounts
from fluxum.venues.trading import OrderRules

__all__ = ["OrderExecution"]

_log = logging.getLogger(__name__)


class OrderExecution:
    """The orders, commands and journal of one account."""

    def __init__(
        self,
        gateway: AccountGateway,
        journal: OrderJournal,
        rules: OrderRules,
        policy: ReconcilePolicy,
    ) -> None:
        self.orders = OrderCache(policy.retention, self._venue_ns)
        self.commands = CommandsInFlight()
        self.counts = PlacingCounts()
        self.bus: Bus[Order] = Bus()
        self.journal = journal
        self.reconciler = Reconciler(gateway, self.orders, policy, self.changed)
        self.rate_limit: OrderRateLimit | None = None
        if rules.allowance is not None:
            self.rate_limit = OrderRateLimit(
                rules.allowance, self.orders.find, self.orders.live.values
            )
        self._gateway = gateway
        self._rules = rules
        self._margin_ns = policy.margin_ns
        self._uncertain: set[int] = set()
        self._accepted: list[TrackedOrder] = []  # lately, with more to do about them

    @property
    def open_uncertain(self) -> int:
        """How many orders are uncertain."""
        return len(self._uncertain)

    def statistics(self) -> DeskStatistics:
        """All counts."""
        self.settle()
        counts: dict[str, Any] = structs.asdict(self.counts)
        counts |= {standing.value: count for standing, count in self.orders.tally.items()}
        return DeskStatistics(
            open_uncertain=len(self._uncertain),
            looks=self.reconciler.looks,
            live=len(self.orders.live),
            unmatched=self.orders.unmatched,
            commands_waiting=len(self.commands),
            commands=structs.replace(self.commands.counts),
            orders=structs.replace(self.orders.counts),
            **counts,
        )

    # What comes in

    async def follow(self, events: Pipe[Event]) -> None:
        """Take in the account's stream until it ends."""
        try:
            await Arrivals(events, self._take, self.settle).run()
        except FluxumError as error:
            self.bus.close(error)
            raise
        self._lose("the session has ended")

    def take(self, event: Event) -> None:
        """Take in one event, and all that follows from it."""
        self._take(event)
        self.settle()

    def settle(self) -> None:
        """Do what orders that were accepted lead to, which their callers did not wait for."""
        accepted, self._accepted = self._accepted, []
        for order in accepted:
            self.orders.moved(order)
            self.reconciler.expect_update(order)
            self.changed(order)

    def _take(self, event: Event) -> bool:
        """Take in one event; returns whether `settle` has something to do."""
        if self._accepted:
            last_id = self._accepted[-1].order_id
            if last_id and type(event) is OrderUpdate and event.order_id == last_id:
                self.orders.apply(event)  # the rest is what its acceptance leads to as well
                return True
            self.settle()
        match event:
            case OrderUpdate():
                self.changed(self.orders.apply(event))
            case Fill():
                order = self.orders.fill(event)
                if order is not None:
                    self.reconciler.expect_update(order)
                    self.changed(order)
            case Accepted() | Declined():
                self._answered(event)
            case OpenOrders():
                self._snapshot(event)
            case TradingCount():
                if self.rate_limit is not None:
                    self.rate_limit.correct(event, self._gateway.venue_now_ns())
            case LinkLost() if not self._gateway.is_following:  # else it was another link
                self._lose(f"the link was lost: {event.reason}")
            case StateChange(new=State.READY):
                self.reconciler.wake()
            case _:
                pass
        return bool(self._accepted)

    def restore(self) -> None:
        """Take up the unfinished orders of a process before.

        Until `is_opening` is taken back, orders first seen may be from before as well.
        """
        self.orders.is_opening = True
        for unfinished in list(self.journal.unfinished.values()):
            self.counts.replayed += 1
            self.reconciler.restore(unfinished)

    # What goes out

    def withdraw(self, lines: Sequence[Intent]) -> None:
        """Orders were not sent after all: the journal forgets them."""
        for line in lines:
            name = line.request.client_order_id
            if name in self.journal.unfinished:
                self._write(f"the end of order {name}", Ended(name, OrderStatus.UNKNOWN))

    def sent(self, command: InFlight) -> None:
        """A command was sent."""
        dropped = self.commands.add(command)
        if self.rate_limit is not None:
            if dropped is not None:
                self.rate_limit.land(dropped.command_id)
            now_ns = self._gateway.venue_now_ns()
            self.rate_limit.book(command.command_id, command.command, now_ns)

    def mark_uncertain(self, command: InFlight, reason: str) -> None:
        """The outcome of a command is unknown."""
        for order in command.orders:
            self._mark_uncertain(order, command, reason)
            self.changed(order)

    def drop(self, command: InFlight) -> None:
        """The answer of a command is not awaited any more."""
        if self.rate_limit is not None:
            self.rate_limit.land(command.command_id)
        self.commands.drop(command)

    def changed(self, order: TrackedOrder) -> None:
        """Pass on that something was learned of an order."""
        number = order.number
        if order.uncertainty is not None:
            if number not in self._uncertain:
                self._uncertain.add(number)
                self.counts.uncertain += 1
        elif number in self._uncertain:
            self._uncertain.discard(number)
            self.counts.reconciled += 1
            self._drop_late(order)
        if order.request is not None:
            self._note(order, order.request)
        if order.pending_quantity is not None and self._is_changed(order):
            order.expect(None)
            self.orders.moved(order)
        for command in self.commands.of(order):
            command.look()
        if self.bus.is_read:
            self.bus.put(order.view())

    # Answers

    def _lose(self, reason: str) -> None:
        """No answer comes any more: the outcome of every command in flight is unknown."""
        self.reconciler.losses += 1
        for command in self.commands.all():
            self.mark_uncertain(command, reason)
            self.drop(command)

    def _answered(self, answer: Accepted | Declined) -> None:
        command = self.commands.answer(answer)
        if command is None:
            return
        if command.is_answered and self.rate_limit is not None:
            self.rate_limit.land(command.command_id)
        is_entered = isinstance(answer, Accepted) and command.is_placing
        for order in command.orders_of(answer):
            if is_entered:
                self.orders.accept(order, answer.order_id)
                self._accepted.append(order)
                continue
            if isinstance(answer, Accepted):
                self._accept_change(order, command, answer)
            else:
                self._decline(order, command, answer.message)
            self.changed(order)
        if is_entered and command.is_answered:
            command.leave()
        else:
            command.look()

    def _accept_change(self, order: TrackedOrder, command: InFlight, answer: Accepted) -> None:
        match command.command:
            case Edit():
                if answer.order_id and answer.order_id != order.order_id:
                    now_ns = self._gateway.venue_now_ns()
                    becomes = command.becomes if order.is_ours else None
                    self.changed(self.orders.replace(order, answer.order_id, becomes, now_ns))
                self.orders.end_edit(order)
                self._resolve_change(order)
            case Amend():
                order.changed_ns = max(order.changed_ns, self._venue_ns(answer.received_ns))
                order.is_listed = False
                self._resolve_change(order)
            case _:
                pass  # the order's own update shows that it ended

    def _decline(self, order: TrackedOrder, command: InFlight, message: str) -> None:
        if self._rules.is_ambiguous(message):
            order.venue_reason = message if command.is_placing else order.venue_reason
            self._mark_uncertain(order, command, message)
        elif command.is_placing:
            self.orders.refuse(order, message)
        else:
            self.orders.end_edit(order)
            if command.is_changing:
                order.expect(None)
                self.orders.moved(order)
            self._resolve_change(order)

    def _resolve_change(self, order: TrackedOrder) -> None:
        """A change was answered; the order is certain again unless another is in flight."""
        if order.uncertainty is Uncertainty.CHANGE and not self.commands.of(order):
            order.uncertainty = None
            self.orders.moved(order)

    def _mark_uncertain(self, order: TrackedOrder, command: InFlight, reason: str) -> None:
        uncertainty, settle_ns = Uncertainty.EXISTENCE, command.settle_ns
        if not order.is_confirmed:  # it may be in flight for longer than what was to change it
            settle_ns = max(settle_ns, (order.deadline_ns or 0) + self._margin_ns)
        elif not command.is_placing:
            uncertainty = Uncertainty.CHANGE
        order.mark_uncertain(uncertainty, settle_ns, reason)
        self.orders.moved(order)
        if order.is_unresolved:
            self.reconciler.add(order, settle_ns)

    def _snapshot(self, event: OpenOrders) -> None:
        settle_ns = self._venue_ns(event.received_ns) + self._margin_ns
        for order in self.orders.snapshot(event, settle_ns):
            if order.uncertainty is not None:
                self.reconciler.add(order, settle_ns)
            self.changed(order)

    def _drop_late(self, order: TrackedOrder) -> None:
        """The state of an order is known, so overdue answers are not awaited."""
        now_ns = self._gateway.venue_now_ns()
        for command in list(self.commands.of(order)):
            is_over = all(one.uncertainty is None for one in command.orders)
            if is_over and now_ns >= command.settle_ns:
                self.drop(command)

    def _is_changing(self, order: TrackedOrder) -> bool:
        """Whether the outcome of a change of an order is open."""
        return order.is_unresolved or any(one.is_changing for one in self.commands.of(order))

    def _is_changed(self, order: TrackedOrder) -> bool:
        """Whether an order shows the outcome of the last change of it."""
        if order.is_final:
            return True
        is_shown = order.update is not None and order.update.quantity == order.pending_quantity
        return (is_shown or order.is_listed) and not self._is_changing(order)

    # The journal

    def _note(self, order: TrackedOrder, request: OrderRequest) -> None:
        """Write down what the next process has to know of an order of ours."""
        name = order.name
        if not name or self.orders.named(name) is not order:
            return
        kept = self.journal.unfinished.get(name)
        if order.is_final:
            if kept is not None and order.edit_reference is None:
                self._write(f"the end of order {name}", Ended(name, order.status))
            return
        if kept is None:  # it counted as ended and is live
            _log.error("order %s counted as ended and is %s", name, order.status.value)
            intent = Intent(
                request=structs.replace(request, client_order_id=name),
                deadline_ns=order.deadline_ns or order.sent_ns,
                at_ns=order.sent_ns,
                reference=order.reference,
            )
            self._write(f"of order {name}", intent)
            return
        if order.order_id and kept.order_id != order.order_id:
            self._write(f"the id of order {name}", Named(name, order.order_id))
        if kept.change is not None and not self._is_changing(order):
            self._write(f"the last change of order {name}", Changed(name))

    def _write(self, what: str, line: JournalLine) -> None:
        """Write down what the venue can be queried for, should it be lost."""
        try:
            self.journal.write([line])
        except OrderJournalError as error:
            _log.error("the journal does not know %s: %s", what, error)

    def _venue_ns(self, our_ns: int) -> int:
        """An instant of our clock by the venue's."""
        return our_ns + self._gateway.venue_now_ns() - self._gateway.now_ns()
