"""What is known of all orders and commands, kept up with the account's stream.

Events come in, in order; each is brought to the order or command it is about, and whatever changed
is told on: to the journal, to those who wait, to those who look up what is in doubt, to readers.
"""

import logging
from collections.abc import Callable, Iterable
from functools import partial

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
    OrderUpdate,
    Place,
    PlaceBatch,
    TradingCount,
)
from fluxum.orders.cache import OrderCache
from fluxum.orders.gateway import AccountGateway
from fluxum.orders.inflight import CommandsInFlight, InFlight
from fluxum.orders.journal import Intent, OrderJournal
from fluxum.orders.order import Order, TrackedOrder, Uncertainty
from fluxum.orders.rate_limit import Aged, OrderRateLimit
from fluxum.orders.reconciler import ReconcilePolicy, Reconciler
from fluxum.orders.statistics import DeskStatistics, PlacingCounts, gather
from fluxum.venues.trading import OrderRules

__all__ = ["OrderExecution"]

_log = logging.getLogger(__name__)
_SECOND_NS = 1_000_000_000


class OrderExecution:
    """Orders, commands, doubts and the journal of one account."""

    def __init__(
        self,
        gateway: AccountGateway,
        journal: OrderJournal,
        rules: OrderRules,
        policy: ReconcilePolicy,
    ) -> None:
        self.orders = OrderCache(policy.retention, self._venue_ns)
        self.pending = CommandsInFlight()
        self.counts = PlacingCounts()
        self.bus: Bus[Order] = Bus()
        self.reconciler = Reconciler(gateway, self.orders, policy, self.changed)
        self.rate_limit: OrderRateLimit | None = None
        if rules.allowance is not None:
            self.rate_limit = OrderRateLimit(rules.allowance, self._aged, self._open_orders)
        self._gateway = gateway
        self._journal = journal
        self._rules = rules
        self._margin_ns = round(policy.margin_s * _SECOND_NS)
        self._uncertain: set[int] = set()
        self._kept: dict[str, str] = {}  # in the journal as unfinished: the venue's id by our name
        self._changing: set[str] = set()  # those whose last change is in the journal as unanswered

    # What happens

    async def follow(self, events: Pipe[Event]) -> None:
        """Take in the account's stream until it ends."""
        try:
            async for batch in events.batches():
                for event in batch:
                    self.take(event)
        except FluxumError as error:
            self.bus.close(error)
            raise
        self.lose("the session has ended")

    def take(self, event: Event) -> None:
        """Take in one event."""
        match event:
            case OrderUpdate():
                self.changed(self.orders.tell(event))
            case Fill():
                order = self.orders.fill(event)
                if order is not None:
                    self.changed(order)
            case Accepted() | Declined():
                self._answered(event)
            case OpenOrders():
                self._snapshot(event)
            case TradingCount():
                if self.rate_limit is not None:
                    self.rate_limit.correct(event, self._gateway.venue_now_ns())
            case LinkLost():
                if not self._gateway.is_following:  # else it was another link than the account's
                    self.lose(f"the link was lost: {event.reason}")
            case StateChange():
                if event.new is State.READY:
                    self.reconciler.wake()
            case _:
                pass

    def lose(self, reason: str) -> None:
        """No answer comes any more: whatever is on its way is in doubt."""
        self.reconciler.losses += 1
        for asked in self.pending.all():
            self.mark_uncertain(asked, reason)
            self.drop(asked)

    def learn(self, updates: Iterable[OrderUpdate], asked_ns: int) -> None:
        """Take in what is open, as it was asked for."""
        for update in updates:
            self.changed(self.orders.tell_asked(update, asked_ns))

    # What is done

    def restore(self) -> None:
        """Take up the orders a process before did not see the end of; they are in doubt.

        Until `is_opening` is taken back, orders that are met may be from before as well.
        """
        self.orders.is_opening = True
        for unfinished in self._journal.unfinished():
            intent, change = unfinished.intent, unfinished.change
            order = self.orders.begin(
                intent.request,
                intent.at_ns,
                intent.deadline_ns,
                intent.reference,
                is_of_before=True,
            )
            self._kept[order.name] = unfinished.order_id
            self.counts.replayed += 1
            last_ns = max(intent.deadline_ns, unfinished.changed_ns)
            if unfinished.order_id:
                self.orders.accept(order, unfinished.order_id)
            if change is not None:
                last_ns = max(last_ns, change.deadline_ns or 0)
                order.ask(change.quantity)
            if isinstance(change, Edit) and change.user_reference is not None:
                self.orders.expect_edit(order, change.user_reference)
            settle_ns = last_ns + self._margin_ns
            reason = "it was sent by a process before this one"
            if not order.is_confirmed:
                order.mark_uncertain(Uncertainty.EXISTENCE, settle_ns, reason)
            elif change is not None:
                self._changing.add(order.name)
                order.mark_uncertain(Uncertainty.CHANGE, settle_ns, reason)
            else:  # nothing is on its way to it, so any look will do
                order.mark_uncertain(Uncertainty.ABSENCE, unfinished.changed_ns, reason)
            self.orders.moved(order)
            self.reconciler.add(order, settle_ns)
            self.changed(order)

    def keep(self, journal: Iterable[Intent]) -> None:
        """Write down orders that are about to be sent; raises OrderJournalError."""
        journal = list(journal)
        self._journal.place(journal)
        self._kept.update((intent.request.client_order_id, "") for intent in journal)

    def keep_change(self, order: TrackedOrder, command: Amend | Edit) -> None:
        """Write down a change that is about to be sent; raises OrderJournalError."""
        if order.is_ours and order.name:
            self._journal.change(order.name, command, self._gateway.venue_now_ns())
            self._changing.add(order.name)

    def discard(self, order: TrackedOrder) -> None:
        """An order was not sent after all."""
        self.orders.discard(order)
        if self._kept.pop(order.name, None) is not None:
            self._write_ended(order)

    def sent(self, asked: InFlight) -> None:
        """A command is on its way."""
        self.pending.add(asked)
        if self.rate_limit is not None:
            self.rate_limit.book(asked.command_id, asked.command, self._gateway.venue_now_ns())

    def mark_uncertain(self, asked: InFlight, reason: str) -> None:
        """Nobody has said what became of a command."""
        for order in asked.orders:
            self._mark_uncertain(order, asked, reason)
            self.changed(order)

    def drop(self, asked: InFlight) -> None:
        """Its answer is not awaited any more."""
        if self.rate_limit is not None:
            self.rate_limit.land(asked.command_id)
        self.pending.drop(asked)

    def changed(self, order: TrackedOrder) -> None:
        """Tell on that something was learned of an order."""
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
            self._note(order)
        if order.pending_quantity is not None and self._is_changed(order):
            order.ask(None)
            self.orders.moved(order)
        for asked in self.pending.of(order):
            asked.look()
        if self.bus.is_read:
            self.bus.put(order.view())

    @property
    def open_uncertain(self) -> int:
        """How many orders are in doubt."""
        return len(self._uncertain)

    def statistics(self) -> DeskStatistics:
        """All counts."""
        return gather(
            self.counts,
            self.orders,
            self.pending.counts,
            commands_waiting=len(self.pending),
            open_uncertain=len(self._uncertain),
            looks=self.reconciler.looks,
        )

    # Answers

    def _answered(self, said: Accepted | Declined) -> None:
        asked = self.pending.answer(said)
        if asked is None:
            return
        if asked.is_answered and self.rate_limit is not None:
            self.rate_limit.land(asked.command_id)
        orders = _answered_orders(asked, said)
        for order in orders:
            if isinstance(said, Accepted):
                self._accept(order, asked, said)
            else:
                self._decline(order, asked, said.message)
            self.changed(order)
        asked.look()

    def _accept(self, order: TrackedOrder, asked: InFlight, said: Accepted) -> None:
        match asked.command:
            case Place() | PlaceBatch():
                self.orders.accept(order, said.order_id)
            case Edit():
                if said.order_id and said.order_id != order.order_id:
                    now_ns = self._gateway.venue_now_ns()
                    becomes = asked.becomes if order.is_ours else None
                    new = self.orders.replace(order, said.order_id, becomes, now_ns)
                    self.changed(new)
                self.orders.end_edit(order)
                self._settle(order)
            case Amend():
                order.changed_ns = max(order.changed_ns, self._venue_ns(said.received_ns))
                order.is_looked_at = False
                self._settle(order)
            case _:
                pass  # that it ended is told by the order itself

    def _decline(self, order: TrackedOrder, asked: InFlight, message: str) -> None:
        if self._rules.is_ambiguous(message):
            order.venue_reason = message if asked.is_placing else order.venue_reason
            self._mark_uncertain(order, asked, message)
        elif asked.is_placing:
            self.orders.refuse(order, message)
        else:
            self.orders.end_edit(order)
            if asked.is_changing:
                order.ask(None)
                self.orders.moved(order)
            self._settle(order)

    def _settle(self, order: TrackedOrder) -> None:
        """A change was answered; the doubt about it ends, unless there is another."""
        if order.uncertainty is Uncertainty.CHANGE and not self.pending.of(order):
            order.settle()
            self.orders.moved(order)

    def _mark_uncertain(self, order: TrackedOrder, asked: InFlight, reason: str) -> None:
        uncertainty, settle_ns = Uncertainty.EXISTENCE, asked.settle_ns
        if not order.is_confirmed:  # it may be on its way for longer than what was to change it
            settle_ns = max(settle_ns, (order.deadline_ns or 0) + self._margin_ns)
        elif not asked.is_placing:
            uncertainty = Uncertainty.CHANGE
        order.mark_uncertain(uncertainty, settle_ns, reason)
        self.orders.moved(order)
        if order.uncertainty is not None or order.edit_reference is not None:
            self.reconciler.add(order, settle_ns)

    def _snapshot(self, event: OpenOrders) -> None:
        settle_ns = self._venue_ns(event.received_ns) + self._margin_ns
        for order in self.orders.snapshot(event, settle_ns):
            if order.uncertainty is not None:
                self.reconciler.add(order, settle_ns)
            self.changed(order)

    def _drop_late(self, order: TrackedOrder) -> None:
        """What became of an order is known, so nobody waits for answers that are overdue."""
        now_ns = self._gateway.venue_now_ns()
        for asked in list(self.pending.of(order)):
            is_over = all(one.uncertainty is None for one in asked.orders)
            if is_over and now_ns >= asked.settle_ns:
                self.drop(asked)

    # The journal

    def _note(self, order: TrackedOrder) -> None:
        """Write down what the next process has to know of an order of ours."""
        name = order.name
        if not name or self.orders.named(name) is not order:
            return
        known = self._kept.get(name)
        if order.is_final:
            if known is not None and order.edit_reference is None:
                del self._kept[name]
                self._changing.discard(name)
                self._write_ended(order)
            return
        if known is None:
            self._take_up(order)
        elif order.order_id and known != order.order_id:
            self._kept[name] = order.order_id
            self._write("the id of", name, partial(self._journal.named, name, order.order_id))
        if name in self._changing and not self._is_changing(order):
            self._changing.discard(name)
            self._write("the last change of", name, partial(self._journal.changed, name))

    def _is_changing(self, order: TrackedOrder) -> bool:
        """Whether it is open what became of a change of an order."""
        if order.uncertainty is not None or order.edit_reference is not None:
            return True
        return any(asked.is_changing for asked in self.pending.of(order))

    def _is_changed(self, order: TrackedOrder) -> bool:
        """Whether an order shows what became of the last change of it."""
        if order.is_final:
            return True
        is_shown = order.update is not None and order.update.quantity == order.pending_quantity
        return (is_shown or order.is_looked_at) and not self._is_changing(order)

    def _write_ended(self, order: TrackedOrder) -> None:
        self._write(
            "the end of", order.name, partial(self._journal.ended, order.name, order.status)
        )

    @staticmethod
    def _write(what: str, name: str, write: Callable[[], None]) -> None:
        """Write down what can be asked for once more, should it be lost."""
        try:
            write()
        except OrderJournalError as error:
            _log.error("the journal does not know %s order %s: %s", what, name, error)

    def _take_up(self, order: TrackedOrder) -> None:
        """An order that counted as ended lives after all."""
        assert order.request is not None, "only orders of ours are in the journal"
        _log.error("order %s counted as ended and is %s", order.name, order.status.value)
        intent = Intent(
            request=structs.replace(order.request, client_order_id=order.name),
            deadline_ns=order.deadline_ns or order.sent_ns,
            at_ns=order.sent_ns,
            reference=order.reference,
        )
        self._write("of", order.name, partial(self.keep, [intent]))

    def _venue_ns(self, our_ns: int) -> int:
        """An instant of our clock by the venue's."""
        return our_ns + self._gateway.venue_now_ns() - self._gateway.now_ns()

    # What the counter asks

    def _aged(self, name: str) -> Aged | None:
        order = self.orders.find(name)
        return None if order is None else Aged(order.symbol, order.changed_ns)

    def _open_orders(self) -> Iterable[Aged]:
        return (Aged(one.symbol, one.changed_ns) for one in self.orders.live.values())


def _answered_orders(asked: InFlight, said: Accepted | Declined) -> list[TrackedOrder]:
    """The orders an answer is about: one row of a batch, or all there are."""
    if len(asked.orders) <= 1 or not isinstance(asked.command, PlaceBatch):
        return list(asked.orders)
    name = said.client_order_id
    for order in asked.orders:
        if name and order.name == name:
            return [order]
    if isinstance(said, Declined) and said.is_last and asked.rows == 1:
        return list(asked.orders)  # the batch as a whole
    return [asked.orders[asked.rows - 1]] if asked.rows <= len(asked.orders) else []
