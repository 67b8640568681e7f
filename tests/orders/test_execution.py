"""What an account's stream comes to: orders, answers, doubts and the journal."""

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest

from fluxum.errors import OrderJournalError
from fluxum.flow.background import background
from fluxum.flow.pipe import Overflow, Pipe
from fluxum.model.event import Event, LinkLost, State, StateChange
from fluxum.model.instrument import Symbol
from fluxum.model.order import (
    Accepted,
    Amend,
    Cancel,
    Command,
    Declined,
    Edit,
    OpenOrders,
    OrderStatus,
    Place,
    PlaceBatch,
    TradingCount,
)
from fluxum.orders import gateway
from fluxum.orders.execution import OrderExecution
from fluxum.orders.gateway import InFlight
from fluxum.orders.journal import MemoryOrderJournal
from fluxum.orders.journal_lines import (
    Changed,
    Changing,
    Ended,
    Intent,
    JournalLine,
    Named,
)
from fluxum.orders.order import TrackedOrder, Uncertainty
from fluxum.orders.reconciler import ReconcilePolicy
from fluxum.sim.loop import run
from fluxum.venues.rates import Decaying
from fluxum.venues.trading import OrderRate, OrderRules, TradingAllowance
from orders.gateways import BTC, SECOND_NS, VENUE, FakeGateway, fill, request, update

ALLOWANCE = TradingAllowance(
    rates=(OrderRate(rate=Decaying(Decimal(10), Decimal(1)), by_symbol=True),), add=Decimal(3)
)


class Journal(MemoryOrderJournal):
    """A journal that can be full, and remembers what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.is_full = False
        self.written: list[str] = []

    def write(self, lines: Sequence[JournalLine]) -> None:
        if self.is_full:
            raise OrderJournalError("no space")
        for line in lines:
            match line:
                case Intent():
                    self.written.append("place 1")
                case Changing():
                    self.written.append(f"change {line.name}")
                case Changed():
                    self.written.append(f"changed {line.name}")
                case Named():
                    self.written.append(f"named {line.name} {line.order_id}")
                case Ended():
                    self.written.append(f"ended {line.name} {line.status.value}")
        super().write(lines)


class World:
    def __init__(self, journal: Journal | None = None, **rules: Any) -> None:
        self.gateway = FakeGateway()
        self.journal = Journal() if journal is None else journal
        self.execution = OrderExecution(
            self.gateway, self.journal, OrderRules(**rules), ReconcilePolicy()
        )
        self.orders = self.execution.orders
        self.count = 0

    def begin(self, *names: str) -> list[TrackedOrder]:
        """Write orders down and begin them, a deadline 5 s ahead."""
        now_ns = self.gateway.venue_now_ns()
        deadline_ns = now_ns + 5 * SECOND_NS
        wanted = [request(client_order_id=name) for name in names]
        self.journal.write(
            [Intent(request=one, deadline_ns=deadline_ns, at_ns=now_ns) for one in wanted]
        )
        return [self.orders.begin(one, now_ns, deadline_ns) for one in wanted]

    def send(self, command: Command, *orders: TrackedOrder) -> InFlight:
        """A command is on its way, and settled in 15 s."""
        self.count += 1
        settle_ns = self.gateway.venue_now_ns() + 15 * SECOND_NS
        asked = InFlight(self.count, command, orders, settle_ns)
        self.execution.sent(asked)
        return asked

    def placed(self, name: str = "mine", order_id: str = "O-1") -> TrackedOrder:
        """An order the venue has taken."""
        (order,) = self.begin(name)
        asked = self.send(Place(request=request(client_order_id=name)), order)
        self.yes(asked, order_id=order_id)
        self.execution.take(update(order_id, client_order_id=name))
        return order

    def yes(self, asked: InFlight, **more: Any) -> None:
        now_ns = self.gateway.now_ns()
        self.execution.take(
            Accepted(venue=VENUE, command_id=asked.command_id, received_ns=now_ns, **more)
        )

    def no(self, asked: InFlight, message: str = "no", **more: Any) -> None:
        now_ns = self.gateway.now_ns()
        refused = Declined(
            venue=VENUE, command_id=asked.command_id, message=message, received_ns=now_ns, **more
        )
        self.execution.take(refused)


def is_busy(words: str) -> bool:
    return "busy" in words


def play(story: Callable[[], None]) -> None:
    async def main() -> None:
        story()

    run(main())


def test_an_order_is_written_down_named_and_ended_once_each() -> None:
    def story() -> None:
        one = World()
        one.placed()
        one.execution.take(fill("T-1", "1"))
        ended = update("O-1", 1, status=OrderStatus.FILLED, filled=Decimal(1))
        one.execution.take(ended)
        one.execution.take(ended)

        assert one.journal.written == ["place 1", "named mine O-1", "ended mine filled"]
        assert not one.journal.unfinished

    play(story)


def test_an_update_with_an_acceptance_is_known_at_once_and_the_rest_comes_behind_the_caller() -> (
    None
):
    async def main() -> None:
        one, behind = World(), list[str]()
        events = Pipe[Event](capacity=10, overflow=Overflow.RAISE)
        async with background(one.execution.follow(events)):
            await asyncio.sleep(0)
            order, other = one.begin("mine", "other")
            place = Place(request=request(client_order_id="mine"))
            asked = one.send(place, order)
            asked.done.add_done_callback(lambda _done: behind.extend(one.journal.written))

            now_ns = one.gateway.now_ns()
            events.put(Accepted(venue=VENUE, command_id=1, order_id="O-1", received_ns=now_ns))
            events.put(update("O-1", client_order_id="mine"))
            assert (order.status, other.status) == (OrderStatus.OPEN, OrderStatus.UNKNOWN)
            assert one.journal.written == ["place 1", "place 1"]
            await asyncio.sleep(0)
            assert behind == ["place 1", "place 1"]  # the caller went on before the line
            assert one.journal.written == ["place 1", "place 1", "named mine O-1"]

            events.put(Accepted(venue=VENUE, command_id=1, order_id="O-1", received_ns=now_ns))
            asked = one.send(Place(request=request(client_order_id="other")), other)
            events.put(Accepted(venue=VENUE, command_id=2, order_id="O-2", received_ns=now_ns))
            events.put(update("O-1", 1, status=OrderStatus.CANCELED, client_order_id="mine"))
            assert one.journal.written[3:] == ["named other O-2", "ended mine canceled"]
        assert one.execution.statistics().live == 1

    run(main())


def test_an_order_of_others_is_not_written_down() -> None:
    def story() -> None:
        one = World()
        one.execution.take(update("O-9", client_order_id="theirs"))
        theirs = one.orders.find("O-9")
        assert theirs is not None
        one.execution.take(update("O-9", 1, status=OrderStatus.CANCELED))

        assert one.journal.written == []

    play(story)


def test_an_order_that_counted_as_ended_and_lives_is_written_down_again() -> None:
    def story() -> None:
        one = World()
        (order,) = one.begin("mine")
        one.orders.refuse(order, "never arrived")
        one.execution.changed(order)
        assert not one.journal.unfinished

        one.execution.take(update("O-1", client_order_id="mine"))

        (kept,) = one.journal.unfinished.values()
        assert kept.intent.request.client_order_id == "mine"
        assert one.journal.written == ["place 1", "ended mine refused", "place 1"]
        one.execution.take(update("O-1", 1))
        assert kept.order_id == "O-1"

    play(story)


def test_what_a_full_journal_does_not_take_keeps_nothing_from_happening() -> None:
    def story() -> None:
        one = World()
        order = one.placed()
        one.journal.is_full = True

        one.execution.take(update("O-1", 1, status=OrderStatus.CANCELED))

        assert order.status is OrderStatus.CANCELED

    play(story)


def test_a_change_is_open_in_the_journal_until_its_answer() -> None:
    def story() -> None:
        one = World()
        order = one.placed()
        for answer in (one.yes, one.no):
            amend = Amend(order_id="O-1", quantity="2")
            one.journal.write([Changing(name=order.name, command=amend, at_ns=order.sent_ns)])
            asked = one.send(amend, order)
            (kept,) = one.journal.unfinished.values()
            assert kept.change == amend
            one.execution.changed(order)
            assert kept.change == amend  # it is still on its way

            answer(asked)
            assert kept.change is None
        assert one.journal.written.count("changed mine") == 2

    play(story)


def test_an_edit_on_its_way_counts_whatever_is_learned_of_the_order_meanwhile() -> None:
    def story() -> None:
        one = World()
        order = one.placed()
        edit = Edit(order_id="O-1", symbol=BTC, quantity="1", user_reference=77)
        one.orders.expect_edit(order, 77)
        order.expect(edit.quantity)
        asked = one.send(edit, order)

        one.execution.take(update("O-1", 1, filled=Decimal("0.5")))
        assert one.orders.exposure.highest(BTC) == 2  # all of it, and the other one
        one.yes(asked, order_id="O-2", original_order_id="O-1")
        one.execution.take(update("O-2", 2))
        one.execution.take(update("O-1", 2, filled=Decimal("0.5"), status=OrderStatus.CANCELED))

        # A half is filled, though no fill has shown it, and one can be.
        assert one.orders.exposure.highest(BTC) == Decimal("1.5")

    play(story)


def test_a_look_while_a_change_is_on_its_way_says_nothing_of_that_change() -> None:
    def story() -> None:
        one = World()
        order = one.placed()
        amend = Amend(order_id="O-1", quantity="3")
        order.expect(amend.quantity)
        asked = one.send(amend, order)

        listed = update("O-1", client_order_id="mine")
        one.execution.changed(one.orders.apply_listed(listed, one.gateway.now_ns()))
        one.yes(asked)
        assert one.orders.exposure.highest(BTC) == 3
        one.execution.take(update("O-1", 1, quantity=Decimal(3)))
        assert order.pending_quantity is None

    play(story)


def test_each_row_of_a_batch_is_answered_by_itself() -> None:
    def story() -> None:
        one = World()
        orders = one.begin("a", "b", "c", "d")
        wanted = tuple(order.request for order in orders if order.request is not None)
        asked = one.send(PlaceBatch(requests=wanted), *orders)

        one.yes(asked, order_id="O-2", client_order_id="b", is_last=False)
        one.no(asked, "funds", client_order_id="a", is_last=False)
        one.yes(asked, order_id="O-3", is_last=False)  # without a name it is the third
        assert not asked.is_answered
        one.no(asked, "late")

        assert [order.order_id for order in orders] == ["", "O-2", "O-3", ""]
        assert [order.refusal for order in orders] == ["funds", None, None, "late"]
        assert asked.is_answered

    play(story)


def test_a_batch_that_is_refused_as_a_whole_is_refused_for_each() -> None:
    def story() -> None:
        one = World()
        orders = one.begin("a", "b")
        wanted = tuple(order.request for order in orders if order.request is not None)

        one.no(one.send(PlaceBatch(requests=wanted), *orders), "post only")

        assert [order.refusal for order in orders] == ["post only"] * 2

    play(story)


def test_more_rows_than_orders_are_about_none() -> None:
    def story() -> None:
        one = World()
        orders = one.begin("a", "b")
        wanted = tuple(order.request for order in orders if order.request is not None)
        asked = one.send(PlaceBatch(requests=wanted), *orders)

        for number in range(3):
            one.yes(asked, order_id=f"O-{number}", is_last=False)
        one.no(asked, client_order_id="nobody")

        assert [order.order_id for order in orders] == ["O-0", "O-1"]

    play(story)


def test_words_that_leave_a_doubt_are_kept_as_the_reason() -> None:
    def story() -> None:
        one = World(is_ambiguous=is_busy)
        (order,) = one.begin("mine")

        one.no(one.send(Place(request=request()), order), "busy")

        assert (order.uncertainty, order.refusal) == (Uncertainty.EXISTENCE, None)
        assert (order.view().reason, order.venue_reason) == ("busy", "busy")
        placed = one.placed("other")
        one.no(one.send(Cancel(order_ids=("O-1",)), placed), "busy")
        assert (placed.uncertainty, placed.venue_reason) == (Uncertainty.CHANGE, "")

    play(story)


def test_doubts_are_counted_as_they_begin_and_end() -> None:
    def story() -> None:
        one = World()
        order = one.placed()
        asked = one.send(Cancel(order_ids=("O-1",)), order)

        one.execution.mark_uncertain(asked, "silence")
        one.execution.mark_uncertain(asked, "silence")
        assert (one.execution.counts.uncertain, one.execution.open_uncertain) == (1, 1)
        one.execution.take(update("O-1", 1, status=OrderStatus.CANCELED))

        assert (one.execution.counts.reconciled, one.execution.open_uncertain) == (1, 0)

    play(story)


def test_a_doubt_of_what_was_never_met_waits_for_the_order_itself() -> None:
    def story() -> None:
        one = World()
        (order,) = one.begin("mine")
        cancel = one.send(Cancel(client_order_ids=("mine",)), order)
        order.deadline_ns = one.gateway.venue_now_ns() + 60 * SECOND_NS

        one.execution.mark_uncertain(cancel, "silence")

        assert order.uncertainty is Uncertainty.EXISTENCE
        assert order.settle_ns == one.gateway.venue_now_ns() + 70 * SECOND_NS

    play(story)


def test_an_answer_to_one_of_two_changes_settles_nothing() -> None:
    def story() -> None:
        one = World()
        order = one.placed()
        amend = one.send(Amend(order_id="O-1", quantity="2"), order)
        cancel = one.send(Cancel(order_ids=("O-1",)), order)
        one.execution.mark_uncertain(cancel, "silence")

        one.yes(amend)
        assert order.uncertainty is Uncertainty.CHANGE
        one.execution.drop(cancel)
        again = one.send(Amend(order_id="O-1", quantity="3"), order)
        one.yes(again)
        assert order.uncertainty is None

    play(story)


def test_a_lost_link_of_the_account_puts_what_is_on_its_way_in_doubt() -> None:
    def story() -> None:
        one = World()
        order = one.placed()
        asked = one.send(Cancel(order_ids=("O-1",)), order)
        lost = LinkLost(venue=VENUE, link="book", reason="cut", received_ns=0)

        one.execution.take(lost)  # of another link: the account is followed
        assert (order.uncertainty, one.execution.reconciler.losses) == (None, 0)
        one.gateway.is_following = False
        one.execution.take(lost)

        assert (order.uncertainty, one.execution.reconciler.losses) == (Uncertainty.CHANGE, 1)
        assert order.view().reason == "the link was lost: cut"
        assert asked.done.done()
        assert len(one.execution.commands) == 0

    play(story)


def test_being_ready_is_a_reason_to_look_again_and_other_states_are_none() -> None:
    def story() -> None:
        one = World()
        (order,) = one.begin("mine")
        one.execution.reconciler.add(order, 0)
        (look,) = one.execution.reconciler._looks.values()
        for state, is_due in ((State.SUBSCRIBING, False), (State.READY, True)):
            look.due_ns = one.gateway.now_ns() + SECOND_NS
            change = StateChange(venue=VENUE, old=State.CONNECTED, new=state, received_ns=0)
            one.execution.take(change)
            assert (look.due_ns <= one.gateway.now_ns()) is is_due

    play(story)


def test_the_venues_count_replaces_ours_and_what_is_on_its_way_stays() -> None:
    def story() -> None:
        one = World(allowance=ALLOWANCE)
        (order,) = one.begin("mine")
        rate_limit = one.execution.rate_limit
        assert rate_limit is not None
        asked = one.send(Place(request=request()), order)
        assert rate_limit.count(BTC, one.gateway.venue_now_ns()) == 3

        told = TradingCount(venue=VENUE, symbol=BTC, used=Decimal(5), received_ns=0)
        one.execution.take(told)
        assert rate_limit.count(BTC, one.gateway.venue_now_ns()) == 8
        one.yes(asked, order_id="O-1")
        one.execution.take(told)
        assert rate_limit.count(BTC, one.gateway.venue_now_ns()) == 5

    play(story)


def test_a_command_that_is_dropped_for_want_of_room_is_not_on_its_way_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gateway, "_KEPT_MAX", 1)

    def story() -> None:
        one = World(allowance=ALLOWANCE)
        rate_limit = one.execution.rate_limit
        assert rate_limit is not None
        for name in ("first", "second"):
            (order,) = one.begin(name)
            one.send(Place(request=request()), order)
        assert one.execution.statistics().commands.lost == 1

        told = TradingCount(venue=VENUE, symbol=BTC, used=Decimal(5), received_ns=0)
        one.execution.take(told)
        assert rate_limit.count(BTC, one.gateway.venue_now_ns()) == 8  # the second's 3 are added

    play(story)


def test_an_order_is_as_old_as_the_answer_to_its_last_change() -> None:
    def story() -> None:
        one = World()
        order = one.placed()
        one.gateway.ahead_ns = one.gateway.clock_offset_ns = 120 * SECOND_NS
        before_ns = order.changed_ns

        one.yes(one.send(Amend(order_id="O-1", quantity="2"), order))

        assert order.changed_ns == one.gateway.clock.now_ns()
        assert order.changed_ns >= before_ns

    play(story)


def test_what_is_missing_from_a_snapshot_is_looked_up_once_nothing_is_on_its_way() -> None:
    def story() -> None:
        one = World()
        order = one.placed()
        one.gateway.ahead_ns = one.gateway.clock_offset_ns = 120 * SECOND_NS
        now_ns = one.gateway.now_ns()

        one.execution.take(OpenOrders(venue=VENUE, orders=(), received_ns=now_ns))

        assert order.uncertainty is Uncertainty.ABSENCE
        assert order.settle_ns == one.gateway.clock.now_ns() + 10 * SECOND_NS
        assert one.execution.reconciler.open == 1

    play(story)


def test_orders_of_a_process_before_are_in_doubt_by_what_the_journal_knows_of_them() -> None:
    def story() -> None:
        journal = Journal()
        first = World(journal)
        first.placed()
        first.begin("unmet")
        amended = first.placed("amended", "O-2")
        now_ns = first.gateway.venue_now_ns()
        amend = Amend(order_id="O-2", quantity="5", deadline_ns=now_ns + 60 * SECOND_NS)
        first.journal.write([Changing(name="amended", command=amend, at_ns=amended.sent_ns)])

        second = World(journal)
        second.execution.restore()

        found = {order.name: order for order in second.orders.all()}
        assert found["mine"].uncertainty is Uncertainty.ABSENCE
        assert found["mine"].settle_ns == now_ns
        assert found["unmet"].uncertainty is Uncertainty.EXISTENCE
        assert found["unmet"].settle_ns == now_ns + 15 * SECOND_NS
        assert found["amended"].uncertainty is Uncertainty.CHANGE
        assert found["amended"].settle_ns == now_ns + 70 * SECOND_NS
        assert found["amended"].pending_quantity == 5
        assert second.execution.counts.replayed == 3
        assert second.execution.reconciler.open == 3
        assert second.orders.is_opening

    play(story)


def test_late_answers_are_not_awaited_once_it_is_known_what_became_of_their_orders() -> None:
    def story() -> None:
        one = World()
        order = one.placed()
        early = one.send(Cancel(order_ids=("O-1",)), order)
        early.settle_ns = one.gateway.venue_now_ns()
        late = one.send(Cancel(order_ids=("O-1",)), order)
        for asked in (early, late):
            one.execution.mark_uncertain(asked, "silence")

        one.execution.take(update("O-1", 1, status=OrderStatus.CANCELED))

        assert early.done.done()
        assert one.execution.commands.all() == [late]

    play(story)


def test_what_was_not_sent_after_all_is_forgotten_and_the_journal_knows() -> None:
    def story() -> None:
        one = World()
        line = Intent(request=request(client_order_id="mine"), deadline_ns=1, at_ns=0)
        one.journal.write([line])

        one.execution.withdraw([line])
        one.execution.withdraw([line])  # it is not in the journal any more

        assert not one.journal.unfinished
        assert one.journal.written[-1].startswith("ended mine")

    play(story)


def test_readers_see_each_order_that_something_was_learned_of() -> None:
    def story() -> None:
        one = World()
        with one.execution.bus.subscribe(capacity=10, overflow=Overflow.RAISE) as views:
            one.execution.take(update("O-9", symbol=Symbol("ETH/USD")))
            one.execution.take(fill("T-1", order_id="O-9"))
            one.execution.take(fill("T-1", order_id="O-9"))  # again: nothing is learned

            assert [view.fills for view in views.drain()] == [0, 1]

    play(story)
