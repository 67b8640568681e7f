"""Orders placed, changed and ended through a gateway that breaks, in virtual time."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from msgspec import structs

from fluxum.errors import (
    BadInput,
    OrderJournalError,
    OutcomeUnknown,
    RateLimited,
    RiskRefused,
    TransportError,
    VenueRefused,
)
from fluxum.model.event import LinkLost
from fluxum.model.market import Side
from fluxum.model.order import (
    Amend,
    Cancel,
    CancelAllAfter,
    CancelBatch,
    CloseOrder,
    Command,
    Edit,
    OrderStatus,
    OrderType,
    Place,
)
from fluxum.orders.desk import OrderDesk
from fluxum.orders.journal import MemoryOrderJournal, OrderJournal
from fluxum.orders.journal_lines import Intent, JournalLine
from fluxum.orders.order import Order, Uncertainty
from fluxum.orders.risk import RiskLimits
from fluxum.sim.loop import run
from fluxum.venues.trading import OrderRules, SwitchKeeper
from orders.gateways import BTC, SECOND_NS, FakeGateway, Fate, request, update

KRAKENISH = OrderRules(
    supports_client_id=lambda one: one.close is None and one.user_reference is None
)


class World:
    def __init__(self, gateway: FakeGateway, desk: OrderDesk, journal: OrderJournal) -> None:
        self.gateway = gateway
        self.desk = desk
        self.journal = journal

    def view(self, name: str) -> Order:
        found = self.desk.order(name)
        assert found is not None
        return found


@asynccontextmanager
async def world(
    gateway: FakeGateway | None = None, journal: OrderJournal | None = None, **options: Any
) -> AsyncGenerator[World]:
    gateway = FakeGateway() if gateway is None else gateway
    journal = MemoryOrderJournal() if journal is None else journal
    async with OrderDesk(gateway, journal, random=Random(1), **options) as desk:
        await desk.wait_reconciled(10)
        gateway.asked.clear()
        yield World(gateway, desk, journal)
    statistics = desk.statistics()
    assert statistics.sums_close, statistics.differences


def play(story: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await story()

    run(main())


def test_an_order_is_named_journalled_sent_with_a_deadline_and_returned_open() -> None:
    async def story() -> None:
        async with world() as one:
            now_ns = one.gateway.now_ns()

            order = await one.desk.place(request(), timeout_s=5)

            (sent,) = one.gateway.sent
            assert isinstance(sent, Place)
            assert sent.deadline_ns == now_ns + 5_000_000_000
            assert len(sent.request.client_order_id) == 32
            assert order.client_order_id == sent.request.client_order_id
            assert order.status is OrderStatus.OPEN
            assert order.order_id == "O-1"
            (kept,) = one.journal.unfinished.values()
            assert kept.intent.request == sent.request
            assert kept.order_id == "O-1"

    play(story)


def test_an_order_that_ended_is_no_longer_kept_in_the_journal() -> None:
    async def story() -> None:
        async with world() as one:
            order = await one.desk.place(request())

            one.gateway.trade(order.order_id, "1")
            await asyncio.sleep(1)

            ended = one.view(order.client_order_id)
            assert ended.status is OrderStatus.FILLED
            assert [ended.filled, ended.cost] == [1, 100]
            assert ended.difference is None
            assert not one.journal.unfinished
            assert not one.desk.open_orders()

    play(story)


def test_the_venues_no_is_raised_in_its_own_words() -> None:
    async def story() -> None:
        async with world() as one:
            one.gateway.refuses = lambda _: "insufficient funds"

            with pytest.raises(VenueRefused, match="insufficient funds"):
                await one.desk.place(request(client_order_id="mine"))

            assert one.view("mine").status is OrderStatus.REFUSED
            assert not one.journal.unfinished

    play(story)


def test_words_that_leave_a_doubt_are_no_refusal() -> None:
    async def story() -> None:
        rules = OrderRules(is_ambiguous=lambda words: "internal" in words)
        async with world(rules=rules) as one:
            one.gateway.refuses = lambda _: "internal error"

            order = await one.desk.place(request())

            assert order.status is OrderStatus.UNKNOWN
            await one.desk.wait_reconciled(60)
            ended = one.view(order.client_order_id)
            assert (ended.status, ended.reason) == (
                OrderStatus.REFUSED,
                "internal error (never arrived)",
            )

    play(story)


SKEWS = pytest.mark.parametrize("ahead_s", [-120, -10, 10, 120])


def apart(ahead_s: int, *, is_known: bool = True) -> FakeGateway:
    """A venue whose clock is so far ahead of ours, or behind it."""
    gateway = FakeGateway()
    gateway.ahead_ns = ahead_s * SECOND_NS
    gateway.clock_offset_ns = gateway.ahead_ns if is_known else 0
    return gateway


@SKEWS
def test_deadlines_are_by_the_venues_clock(ahead_s: int) -> None:
    async def story() -> None:
        async with world(apart(ahead_s)) as one:
            order = await one.desk.place(request(), timeout_s=5)

            (sent,) = one.gateway.sent
            assert isinstance(sent, Place)
            assert sent.deadline_ns == one.gateway.clock.now_ns() - 100_000_000 + 5 * SECOND_NS
            assert order.status is OrderStatus.OPEN
            (kept,) = one.journal.unfinished.values()
            assert kept.intent.deadline_ns == sent.deadline_ns
            amended = await one.desk.amend(
                Amend(client_order_id=order.client_order_id, limit_price="101")
            )
            assert amended.limit_price == 101

    play(story)


@SKEWS
def test_what_never_arrived_is_concluded_by_the_venues_clock(ahead_s: int) -> None:
    async def story() -> None:
        async with world(apart(ahead_s)) as one:
            one.gateway.fates = [Fate.LOST]
            began_ns = one.gateway.now_ns()

            order = await one.desk.place(request(), timeout_s=2)
            await one.desk.wait_reconciled(60)

            assert one.view(order.client_order_id).reason == "never arrived"
            # Two seconds to the deadline and ten of margin, whatever the clocks say.
            assert 12 * SECOND_NS <= one.gateway.now_ns() - began_ns < 14 * SECOND_NS

    play(story)


@SKEWS
def test_an_order_that_ended_unseen_is_looked_for_by_the_venues_clock(ahead_s: int) -> None:
    async def story() -> None:
        rules = OrderRules(
            supports_client_id=lambda _: False
        )  # so that it is looked for in lists, by time
        async with world(apart(ahead_s), rules=rules) as one:
            one.gateway.fates = [Fate.MUTE]
            order = await one.desk.place(request(), timeout_s=2)
            one.gateway.end_order("O-1", is_told=False)

            await one.desk.wait_reconciled(60)

            assert one.view(order.client_order_id).status is OrderStatus.CANCELED

    play(story)


@SKEWS
def test_a_change_in_doubt_is_settled_by_the_venues_clock(ahead_s: int) -> None:
    async def story() -> None:
        async with world(apart(ahead_s)) as one:
            order = await one.desk.place(request())
            one.gateway.fates = [Fate.LOST]
            began_ns = one.gateway.now_ns()
            amend = Amend(client_order_id=order.client_order_id, limit_price="101")

            changed = await one.desk.amend(amend, timeout_s=2)
            assert changed.uncertainty is Uncertainty.CHANGE
            await one.desk.wait_reconciled(60)

            assert one.view(order.client_order_id).limit_price == 100
            assert 12 * SECOND_NS <= one.gateway.now_ns() - began_ns < 14 * SECOND_NS

    play(story)


@SKEWS
def test_an_order_of_a_process_before_is_doubted_by_the_venues_clock(ahead_s: int) -> None:
    async def story() -> None:
        gateway, journal = apart(ahead_s), MemoryOrderJournal()
        deadline_ns = gateway.clock.now_ns() + 2 * SECOND_NS
        named = request(client_order_id="mine")
        journal.write([Intent(request=named, deadline_ns=deadline_ns, at_ns=deadline_ns)])
        began_ns = gateway.now_ns()
        async with OrderDesk(gateway, journal, random=Random(1)) as desk:
            await desk.wait_reconciled(60)

            found = desk.order("mine")
            assert found is not None
            assert found.reason == "never arrived"
            assert 12 * SECOND_NS <= gateway.now_ns() - began_ns < 14 * SECOND_NS

    play(story)


def test_where_the_clocks_are_apart_unknown_the_venues_reason_is_kept() -> None:
    async def story() -> None:
        rules = OrderRules(is_ambiguous=lambda words: "deadline" in words)
        async with world(apart(10, is_known=False), rules=rules) as one:
            order = await one.desk.place(request(), timeout_s=5)
            assert (order.status, order.reason) == (OrderStatus.UNKNOWN, "deadline elapsed")

            await one.desk.wait_reconciled(120)

            ended = one.view(order.client_order_id)
            assert (ended.status, ended.reason) == (
                OrderStatus.REFUSED,
                "deadline elapsed (never arrived)",
            )

    play(story)


def test_the_kill_switch_is_by_the_venues_clock() -> None:
    async def story() -> None:
        async with world(apart(120)) as one:
            state = await one.desk.cancel_all_after(30)

            now_ns = one.gateway.clock.now_ns()
            assert state.is_armed(now_ns)
            assert not state.is_armed(now_ns + 30 * SECOND_NS)

    play(story)


def test_without_a_link_nothing_is_sent_and_nothing_remembered() -> None:
    async def story() -> None:
        async with world() as one:
            one.gateway.is_following = False

            with pytest.raises(TransportError):
                await one.desk.place(request(client_order_id="mine"))

            assert one.desk.order("mine") is None
            assert not one.journal.unfinished
            assert one.desk.statistics().unsent == 1
            one.gateway.is_following = True

    play(story)


def test_an_order_nobody_answers_for_is_unknown_then_found_and_never_sent_again() -> None:
    async def story() -> None:
        async with world() as one:
            one.gateway.fates = [Fate.MUTE]

            order = await one.desk.place(request(), timeout_s=2)
            assert (order.status, order.uncertainty) == (OrderStatus.UNKNOWN, Uncertainty.EXISTENCE)
            await one.desk.wait_reconciled(30)

            assert one.view(order.client_order_id).status is OrderStatus.OPEN
            assert one.view(order.client_order_id).order_id == "O-1"
            assert [type(command) for command in one.gateway.sent] == [Place]

    play(story)


def test_an_order_that_never_arrived_is_refused_once_it_cannot_arrive_any_more() -> None:
    async def story() -> None:
        async with world() as one:
            one.gateway.fates = [Fate.LOST]
            began_ns = one.gateway.now_ns()

            order = await one.desk.place(request(), timeout_s=2)
            await one.desk.wait_reconciled(60)

            ended = one.view(order.client_order_id)
            assert (ended.status, ended.reason) == (OrderStatus.REFUSED, "never arrived")
            # Two seconds to the deadline and ten of margin.
            assert one.gateway.now_ns() - began_ns >= 12_000_000_000
            assert len(one.gateway.sent) == 1

    play(story)


def test_an_update_proves_an_order_whose_answer_was_lost() -> None:
    async def story() -> None:
        async with world() as one:
            one.gateway.fates = [Fate.UNANSWERED]

            order = await one.desk.place(request())

            assert order.status is OrderStatus.OPEN
            assert one.gateway.asked == []

    play(story)


def test_an_order_that_was_accepted_and_has_no_update_is_looked_up() -> None:
    async def story() -> None:
        async with world() as one:
            one.gateway.is_silent = True
            order = await one.desk.place(request())
            assert order.status is OrderStatus.PENDING

            await asyncio.sleep(9)
            assert one.gateway.asked == []
            await asyncio.sleep(3)

            assert one.view(order.client_order_id).status is OrderStatus.OPEN
            assert one.gateway.asked == [f"open {order.client_order_id}"]
            assert len(one.gateway.sent) == 1

    play(story)


@pytest.mark.parametrize("fate", [Fate.CUT, Fate.CUT_AFTER])
def test_a_link_lost_while_waiting_makes_the_order_unknown_at_once(fate: Fate) -> None:
    async def story() -> None:
        async with world() as one:
            one.gateway.fates = [fate]
            began_ns = one.gateway.now_ns()

            order = await one.desk.place(request(), timeout_s=5)

            assert order.status is OrderStatus.UNKNOWN
            assert one.gateway.now_ns() - began_ns < 1_000_000_000
            await one.desk.wait_reconciled(60)
            settled = one.view(order.client_order_id).status
            assert settled is (OrderStatus.REFUSED if fate is Fate.CUT else OrderStatus.OPEN)
            assert len(one.gateway.sent) == 1

    play(story)


def test_an_order_that_ended_unseen_is_found_in_the_history() -> None:
    async def story() -> None:
        async with world() as one:
            one.gateway.fates = [Fate.MUTE]

            order = await one.desk.place(request(), timeout_s=1)
            one.gateway.trade("O-1", "1", is_told=False)
            await one.desk.wait_reconciled(60)

            assert one.view(order.client_order_id).status is OrderStatus.FILLED
            name = order.client_order_id
            assert one.gateway.asked == [f"open {name}", f"closed {name}"]

    play(story)


def test_a_history_that_lags_leads_to_no_wrong_verdict() -> None:
    async def story() -> None:
        gateway = FakeGateway()
        gateway.list_lag_s = 8.0
        async with world(gateway) as one:
            gateway.fates = [Fate.MUTE]

            order = await one.desk.place(request(), timeout_s=1)
            await one.desk.wait_reconciled(60)

            assert one.view(order.client_order_id).status is OrderStatus.OPEN

    play(story)


def test_questions_that_fail_are_asked_again_and_decide_nothing() -> None:
    async def story() -> None:
        async with world() as one:
            one.gateway.fates = [Fate.MUTE]
            one.gateway.unreachable = True

            order = await one.desk.place(request(), timeout_s=1)
            await asyncio.sleep(60)
            assert one.view(order.client_order_id).status is OrderStatus.UNKNOWN

            one.gateway.unreachable = False
            await one.desk.wait_reconciled(120)
            assert one.view(order.client_order_id).status is OrderStatus.OPEN

    play(story)


def test_nothing_is_decided_while_the_link_is_down() -> None:
    async def story() -> None:
        gateway = FakeGateway()
        gateway.back_after_s = None
        async with world(gateway) as one:
            gateway.fates = [Fate.CUT_AFTER]

            order = await one.desk.place(request(), timeout_s=1)
            await asyncio.sleep(300)
            assert one.view(order.client_order_id).status is OrderStatus.UNKNOWN

            gateway.restore()
            await one.desk.wait_reconciled(60)
            assert one.view(order.client_order_id).status is OrderStatus.OPEN

    play(story)


def test_an_order_that_is_missing_after_an_outage_is_unknown_until_its_end_is_found() -> None:
    async def story() -> None:
        async with world() as one:
            order = await one.desk.place(request())
            one.gateway.cut()
            await asyncio.sleep(0.1)
            one.gateway.end_order(order.order_id, is_told=False)
            one.gateway._missed.clear()  # the session could not find it either

            await asyncio.sleep(2.91)
            missing = one.view(order.client_order_id)
            assert (missing.status, missing.uncertainty) == (
                OrderStatus.UNKNOWN,
                Uncertainty.ABSENCE,
            )
            await one.desk.wait_reconciled(60)

            assert one.view(order.client_order_id).status is OrderStatus.CANCELED

    play(story)


def test_whoever_leaves_while_waiting_leaves_an_order_in_doubt_that_is_resolved() -> None:
    async def story() -> None:
        async with world() as one:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await one.desk.place(request(client_order_id="mine"))

            assert one.view("mine").status is OrderStatus.UNKNOWN
            await one.desk.wait_reconciled(60)
            assert one.view("mine").status is OrderStatus.OPEN
            assert len(one.gateway.sent) == 1

    play(story)


def test_a_late_answer_settles_what_was_unknown() -> None:
    async def story() -> None:
        async with world(FakeGateway(latency_s=1.0)) as one:
            order = await one.desk.place(request(), timeout_s=1.5)
            assert order.status is OrderStatus.UNKNOWN
            one.gateway.unreachable = True

            await asyncio.sleep(1)

            assert one.view(order.client_order_id).status is OrderStatus.OPEN

    play(story)


def test_a_cancel_returns_the_order_when_it_has_ended() -> None:
    async def story() -> None:
        async with world() as one:
            order = await one.desk.place(request())

            ended = await one.desk.cancel(order.client_order_id)

            assert ended.status is OrderStatus.CANCELED
            assert one.gateway.sent[-1] == Cancel(order_ids=("O-1",), symbols={"O-1": order.symbol})
            again = await one.desk.cancel(order.order_id)
            assert again == ended
            assert len(one.gateway.sent) == 2

    play(story)


def test_a_cancel_that_the_venue_refuses_is_raised() -> None:
    async def story() -> None:
        async with world() as one:
            order = await one.desk.place(request())
            one.gateway.refuses = lambda _: "busy"

            with pytest.raises(VenueRefused, match="busy"):
                await one.desk.cancel(order.client_order_id)

            assert one.view(order.client_order_id).status is OrderStatus.OPEN

    play(story)


@pytest.mark.parametrize(
    ("fate", "status"), [(Fate.LOST, OrderStatus.OPEN), (Fate.MUTE, OrderStatus.CANCELED)]
)
def test_a_cancel_without_an_answer_is_looked_up(fate: Fate, status: OrderStatus) -> None:
    async def story() -> None:
        async with world() as one:
            order = await one.desk.place(request())
            one.gateway.fates = [fate]

            uncertain = await one.desk.cancel(order.client_order_id, timeout_s=1)
            assert (uncertain.status, uncertain.uncertainty) == (
                OrderStatus.UNKNOWN,
                Uncertainty.CHANGE,
            )
            await one.desk.wait_reconciled(60)

            assert one.view(order.client_order_id).status is status
            assert len(one.gateway.sent) == 2

    play(story)


def test_an_order_in_doubt_can_be_canceled_by_its_name() -> None:
    async def story() -> None:
        async with world() as one:
            one.gateway.fates = [Fate.MUTE]
            one.gateway.unreachable = True
            order = await one.desk.place(request(), timeout_s=1)

            ended = await one.desk.cancel(order.client_order_id)

            name = order.client_order_id
            wanted = Cancel(client_order_ids=(name,), symbols={name: order.symbol})
            assert one.gateway.sent[-1] == wanted
            assert ended.status is OrderStatus.CANCELED

    play(story)


def test_a_fill_after_the_cancel_is_counted_onto_the_order() -> None:
    async def story() -> None:
        async with world() as one:
            order = await one.desk.place(request())
            one.gateway.trade(order.order_id, "0.25", is_told=False)
            late = one.gateway._missed.pop(0)
            one.gateway._missed.clear()
            await one.desk.cancel(order.client_order_id)

            one.gateway.tell(late)
            await asyncio.sleep(0.1)

            ended = one.view(order.client_order_id)
            assert (ended.status, ended.filled) == (OrderStatus.CANCELED, Decimal("0.25"))
            assert (ended.late_fills, ended.difference) == (1, None)
            assert one.desk.statistics().orders.late == 1

    play(story)


def test_an_amendment_keeps_the_order_and_changes_it() -> None:
    async def story() -> None:
        async with world() as one:
            order = await one.desk.place(request())
            name = order.client_order_id

            await one.desk.amend(Amend(client_order_id=name, limit_price=Decimal("101.5")))
            await asyncio.sleep(0.1)

            amended = one.view(name)
            assert (amended.order_id, amended.limit_price) == ("O-1", Decimal("101.5"))
            sent = one.gateway.sent[-1]
            assert isinstance(sent, Amend)
            assert (sent.order_id, sent.client_order_id, sent.name) == ("O-1", "", name)
            assert sent.deadline_ns is not None

    play(story)


@pytest.mark.parametrize(("fate", "price"), [(Fate.LOST, "100"), (Fate.MUTE, "101")])
def test_an_amendment_without_an_answer_is_looked_up(fate: Fate, price: str) -> None:
    async def story() -> None:
        async with world() as one:
            order = await one.desk.place(request())
            name = order.client_order_id
            one.gateway.fates = [fate]
            amend = Amend(client_order_id=name, limit_price=Decimal(101))

            uncertain = await one.desk.amend(amend, timeout_s=1)
            assert uncertain.status is OrderStatus.UNKNOWN
            with pytest.raises(OutcomeUnknown, match="nothing was sent"):
                await one.desk.amend(amend)
            await one.desk.wait_reconciled(60)

            assert one.view(name).status is OrderStatus.OPEN
            assert one.view(name).limit_price == Decimal(price)
            assert len(one.gateway.sent) == 2

    play(story)


def test_one_change_of_an_order_is_on_its_way_at_a_time() -> None:
    async def story() -> None:
        async with world() as one:
            order = await one.desk.place(request())
            amend = Amend(client_order_id=order.client_order_id, limit_price=Decimal(101))

            async with asyncio.TaskGroup() as group:
                group.create_task(one.desk.amend(amend))
                await asyncio.sleep(0.01)
                with pytest.raises(BadInput, match="on its way"):
                    await one.desk.amend(amend)

    play(story)


@pytest.mark.parametrize("names_edits", [True, False])
def test_an_edit_ends_the_order_and_the_new_one_takes_its_name(names_edits: bool) -> None:
    async def story() -> None:
        async with world() as one:
            one.gateway.names_edits = names_edits
            order = await one.desk.place(request())
            name = order.client_order_id

            edited = await one.desk.edit(Edit(order_id=name, symbol=BTC, limit_price=Decimal(90)))
            await asyncio.sleep(0.2)

            assert (edited.client_order_id, edited.order_id) == (name, "O-2")
            assert edited.replaces == "O-1"
            assert one.view(name).order_id == "O-2"
            assert one.view(name).limit_price == 90
            assert one.view(name).is_ours
            assert one.view("O-1").status is OrderStatus.CANCELED
            assert one.view("O-1").replaced_by == "O-2"
            sent = one.gateway.sent[-1]
            assert isinstance(sent, Edit)
            assert sent.becomes is not None
            assert sent.becomes.limit_price == 90
            assert sent.becomes.client_order_id == name
            (kept,) = one.journal.unfinished.values()
            assert kept.order_id == "O-2"
            await one.desk.cancel(name)
            assert not one.journal.unfinished
            assert not one.gateway.open

    play(story)


@pytest.mark.parametrize("names_edits", [True, False])
@pytest.mark.parametrize("fate", list(Fate))
def test_whatever_becomes_of_an_edit_the_living_order_is_found(
    fate: Fate, names_edits: bool
) -> None:
    async def story() -> None:
        async with world() as one:
            one.gateway.names_edits = names_edits
            order = await one.desk.place(request())
            name = order.client_order_id
            one.gateway.fates = [fate]

            await one.desk.edit(
                Edit(order_id=name, symbol=BTC, limit_price=Decimal(90)), timeout_s=1
            )
            await one.desk.wait_reconciled(90)

            (living,) = one.gateway.open.values()
            assert one.view(name).order_id == living.order_id
            assert one.view(name).limit_price == living.limit_price
            assert [view.order_id for view in one.desk.open_orders()] == [living.order_id]
            assert len(one.gateway.sent) == 2
            (kept,) = one.journal.unfinished.values()
            assert kept.order_id == living.order_id

    play(story)


def test_an_edit_that_is_refused_leaves_the_order_as_it_was() -> None:
    async def story() -> None:
        async with world() as one:
            order = await one.desk.place(request())
            one.gateway.refuses = lambda _: "not editable"

            with pytest.raises(VenueRefused, match="not editable"):
                await one.desk.edit(
                    Edit(order_id=order.order_id, symbol=BTC, limit_price=Decimal(90))
                )

            assert one.view(order.client_order_id).status is OrderStatus.OPEN
            await one.desk.wait_reconciled(1)

    play(story)


def test_where_no_name_is_taken_a_reference_of_our_own_stands_for_it() -> None:
    async def story() -> None:
        async with world(rules=KRAKENISH) as one:
            one.gateway.fates = [Fate.MUTE]
            close = CloseOrder(order_type=OrderType.STOP_LOSS, trigger_price=Decimal(90))

            order = await one.desk.place(request(close=close), timeout_s=1)
            await one.desk.wait_reconciled(60)

            (sent,) = one.gateway.sent
            assert isinstance(sent, Place)
            assert sent.request.client_order_id == ""
            assert sent.request.user_reference is not None
            assert one.view(order.client_order_id).status is OrderStatus.OPEN
            assert one.view(order.client_order_id).order_id == "O-1"

    play(story)


def test_a_reference_that_an_open_order_has_names_no_other() -> None:
    async def story() -> None:
        async with world(rules=KRAKENISH) as one:
            await one.desk.place(request(user_reference=7))

            with pytest.raises(BadInput, match=r"user reference.*7"):
                await one.desk.place(request(user_reference=7))

    play(story)


def test_a_batch_returns_each_order_refused_or_not() -> None:
    async def story() -> None:
        async with world() as one:
            wanted = [request(client_order_id="a"), request(client_order_id="b")]

            first, second = await one.desk.place_batch(wanted)

            assert (first.client_order_id, second.client_order_id) == ("a", "b")
            assert first.status is second.status is OrderStatus.OPEN
            one.gateway.refuses = lambda _: "no"
            refused = await one.desk.place_batch([request(), request()])
            assert [view.status for view in refused] == [OrderStatus.REFUSED] * 2

    play(story)


@pytest.mark.parametrize("fate", list(Fate))
def test_every_order_of_a_batch_is_known_in_the_end(fate: Fate) -> None:
    async def story() -> None:
        async with world() as one:
            one.gateway.fates = [fate]

            views = await one.desk.place_batch([request(), request()], timeout_s=1)
            await one.desk.wait_reconciled(90)

            is_lost = fate in {Fate.LOST, Fate.CUT}
            expected = OrderStatus.REFUSED if is_lost else OrderStatus.OPEN
            for view in views:
                assert one.view(view.client_order_id).status is expected
                assert one.gateway.arrived.get(view.client_order_id, 0) == (0 if is_lost else 1)

    play(story)


def test_many_are_canceled_at_once() -> None:
    async def story() -> None:
        async with world() as one:
            views = await one.desk.place_batch([request(), request(), request()])
            names = [view.client_order_id for view in views]

            ended = await one.desk.cancel_batch(names[:2])
            assert [view.status for view in ended] == [OrderStatus.CANCELED] * 2
            assert await one.desk.cancel_all() == 1

            assert one.view(names[2]).status is OrderStatus.CANCELED

    play(story)


def test_cancels_go_out_while_the_account_is_not_followed() -> None:
    async def story() -> None:
        async with world() as one:
            views = await one.desk.place_batch([request() for _ in range(5)])
            names = [view.client_order_id for view in views]
            one.gateway.is_following = False  # as while a row of it cannot be read

            with pytest.raises(TransportError):
                await one.desk.place(request())
            by_name = await one.desk.cancel(names[0])
            by_id = await one.desk.cancel(views[1].order_id)
            batch = await one.desk.cancel_batch(names[2:4])
            assert (await one.desk.cancel_all_after(30)).until_ns is not None
            assert await one.desk.cancel_all() == 1

            ended = [by_name, by_id, *batch, one.view(names[4])]
            assert [view.status for view in ended] == [OrderStatus.CANCELED] * 5
            one.gateway.is_following = True

    play(story)


def test_without_a_link_a_cancel_raises_and_nothing_is_in_doubt() -> None:
    async def story() -> None:
        async with world() as one:
            order = await one.desk.place(request())
            one.gateway.back_after_s = None
            one.gateway.cut()
            await asyncio.sleep(1)

            with pytest.raises(TransportError):
                await one.desk.cancel(order.client_order_id)

            assert one.view(order.client_order_id).uncertainty is None
            one.gateway.restore()

    play(story)


def test_an_order_the_desk_does_not_know_is_canceled_by_the_id_that_is_named() -> None:
    async def story() -> None:
        async with world() as one:
            one.gateway.is_following = False
            for number in range(4):
                name = f"O-9{number}"
                one.gateway.open[name] = update(name, client_order_id=f"theirs-{number}")

            found = await one.desk.cancel(order_id="O-90")
            assert found is not None
            assert found.status is OrderStatus.CANCELED
            one.gateway.is_silent = True
            assert await one.desk.cancel(client_order_id="theirs-1") is None
            with pytest.raises(OutcomeUnknown, match="took the cancel of 'O-92', and this desk"):
                await one.desk.cancel("O-92")
            await one.desk.cancel_batch(["O-93"])

            assert not one.gateway.open
            assert one.gateway.sent[-4:] == [
                Cancel(order_ids=("O-90",)),
                Cancel(client_order_ids=("theirs-1",)),
                Cancel(order_ids=("O-92",)),
                Cancel(order_ids=("O-93",)),
            ]
            one.gateway.is_following = True

    play(story)


def test_a_batch_of_cancels_names_each_order_as_the_venue_knows_it() -> None:
    async def story() -> None:
        rules = OrderRules(supports_client_id=lambda one: one.user_reference is None)
        async with world(rules=rules) as one:
            by_id = await one.desk.place(request(client_order_id="a"))
            one.gateway.fates = [Fate.MUTE] * 2
            one.gateway.unreachable = True  # so that nobody looks them up yet
            await one.desk.place(request(client_order_id="b"), timeout_s=0.5)
            await one.desk.place(request(client_order_id="c", user_reference=7), timeout_s=0.5)
            one.gateway.open["O-9"] = update("O-9")

            await one.desk.cancel_batch(["a", "b", "c", "O-9"], timeout_s=1)
            one.gateway.unreachable = False

            assert one.gateway.sent[-2:] == [
                Cancel(user_references=(7,)),
                CancelBatch(
                    order_ids=(by_id.order_id, "O-9"),
                    client_order_ids=("b",),
                    symbols={by_id.order_id: by_id.symbol, "b": by_id.symbol},
                ),
            ]
            assert not one.gateway.open
            await one.desk.wait_reconciled(60)

    play(story)


def test_the_venues_no_to_a_cancel_of_an_order_nobody_knows_is_raised() -> None:
    async def story() -> None:
        async with world() as one:
            with pytest.raises(VenueRefused, match="unknown order"):
                await one.desk.cancel("nobody")
            one.gateway.fates = [Fate.LOST]
            with pytest.raises(OutcomeUnknown, match="there was no answer"):
                await one.desk.cancel(order_id="nobody", timeout_s=1)
            with pytest.raises(BadInput, match="one id"):
                await one.desk.cancel("")

    play(story)


def test_a_cancel_that_is_taken_and_shows_no_end_says_so() -> None:
    async def story() -> None:
        async with world() as one:
            order = await one.desk.place(request())
            one.gateway.is_silent = True

            view = await one.desk.cancel(order.client_order_id, timeout_s=2)

            assert (view.uncertainty, view.reason) == (
                Uncertainty.CHANGE,
                "the venue took it, and nothing more was known within 2 s",
            )

    play(story)


def test_an_order_of_a_type_that_is_not_known_is_canceled_and_not_changed() -> None:
    async def story() -> None:
        gateway = FakeGateway()
        twap = update("O-9", order_type=OrderType.OTHER, venue_type="twap")
        gateway.open["O-9"] = structs.replace(twap, status=OrderStatus.OTHER, venue_status="held")
        async with world(gateway) as one:
            assert one.view("O-9").status_text == "other (held)"

            with pytest.raises(BadInput, match=r"not known \(twap\)"):
                await one.desk.amend(Amend(order_id="O-9", limit_price="90"))
            ended = await one.desk.cancel("O-9")

            assert (ended.status, ended.order_type) == (OrderStatus.CANCELED, OrderType.OTHER)

    play(story)


def test_canceling_all_without_an_answer_is_an_unknown_outcome_that_is_resolved() -> None:
    async def story() -> None:
        async with world() as one:
            order = await one.desk.place(request())
            one.gateway.fates = [Fate.MUTE]

            with pytest.raises(OutcomeUnknown):
                await one.desk.cancel_all(timeout_s=1)
            assert one.view(order.client_order_id).status is OrderStatus.UNKNOWN
            await one.desk.wait_reconciled(60)

            assert one.view(order.client_order_id).status is OrderStatus.CANCELED

    play(story)


def test_validation_enters_nothing_and_returns_the_venues_warnings() -> None:
    async def story() -> None:
        async with world() as one:
            assert await one.desk.validate(request()) == ("a warning",)

            assert not one.gateway.open
            assert not one.desk.orders()
            assert not one.journal.unfinished
            one.gateway.fates = [Fate.LOST]
            with pytest.raises(OutcomeUnknown):
                await one.desk.validate(request(), timeout_s=1)

    play(story)


def test_what_makes_no_sense_or_breaks_a_limit_is_refused_before_anything_is_sent() -> None:
    async def story() -> None:
        limits = RiskLimits(quantity_max=Decimal(2))
        async with world(limits=limits) as one:
            with pytest.raises(BadInput, match=r"100\.05"):
                await one.desk.place(request(limit_price=Decimal("100.05")))
            with pytest.raises(RiskRefused, match=r"at most 2 .* was 3"):
                await one.desk.place(request(quantity=Decimal(3)))
            with pytest.raises(BadInput, match="rules of BTC/EUR"):
                await one.desk.place(request(symbol=type(BTC)("BTC/EUR")))

            statistics = one.desk.statistics()
            assert (statistics.malformed, statistics.risky) == (2, 1)
            assert not one.gateway.sent
            assert not one.journal.unfinished

    play(story)


def test_a_halt_refuses_orders_and_lets_cancels_pass() -> None:
    async def story() -> None:
        async with world() as one:
            order = await one.desk.place(request())
            one.desk.risk.halt("the roof is on fire")

            with pytest.raises(RiskRefused, match="roof"):
                await one.desk.place(request())
            with pytest.raises(RiskRefused, match="roof"):
                await one.desk.amend(Amend(order_id=order.order_id, limit_price=Decimal(90)))
            ended = await one.desk.cancel(order.client_order_id)
            assert ended.status is OrderStatus.CANCELED

            one.desk.risk.resume()
            assert (await one.desk.place(request())).status is OrderStatus.OPEN

    play(story)


def test_filled_orders_do_not_pass_a_limit_of_the_position() -> None:
    async def story() -> None:
        limits = RiskLimits(quantity_max="0.1", position_max="0.5")
        async with world(limits=limits, positions={BTC: Decimal("0.2")}) as one:
            for number in range(3):
                order = await one.desk.place(request(quantity="0.1"))
                one.gateway.trade(order.order_id, "0.1")
                await asyncio.sleep(1)
                expected = Decimal("0.3") + number * Decimal("0.1")
                assert one.desk.risk.exposure.position(BTC) == expected

            with pytest.raises(RiskRefused, match=r"at most 0\.5 was expected, was 0\.6"):
                await one.desk.place(request(quantity="0.1"))
            await one.desk.place(request(quantity="0.1", side=Side.SELL, limit_price="101"))

    play(story)


def test_an_order_nobody_answered_for_counts_until_it_is_known() -> None:
    async def story() -> None:
        async with world(limits=RiskLimits(position_max=1), positions={}) as one:
            one.gateway.fates = [Fate.LOST]
            await one.desk.place(request(), timeout_s=2)

            with pytest.raises(RiskRefused, match="was 2"):
                await one.desk.place(request())
            await one.desk.wait_reconciled(60)
            await one.desk.place(request())

    play(story)


@pytest.mark.parametrize("fate", Fate)
def test_a_larger_quantity_counts_from_when_it_is_sent(fate: Fate) -> None:
    async def story() -> None:
        async with world(limits=RiskLimits(position_max=3), positions={}) as one:
            order = await one.desk.place(request())
            one.gateway.fates = [fate]
            name = order.client_order_id
            amending = asyncio.ensure_future(
                one.desk.amend(Amend(client_order_id=name, quantity="3"), timeout_s=2)
            )
            await asyncio.sleep(0.01)
            assert one.desk.risk.exposure.highest(BTC) == 3
            await amending
            await one.desk.wait_reconciled(60)

            expected = one.view(name).quantity
            assert one.desk.risk.exposure.highest(BTC) == expected
            assert expected == (1 if fate in {Fate.LOST, Fate.CUT} else 3)

    play(story)


def test_a_change_that_is_refused_counts_no_longer() -> None:
    async def story() -> None:
        async with world(limits=RiskLimits(position_max=3), positions={}) as one:
            order = await one.desk.place(request())
            one.gateway.refuses = lambda _: "no"
            name = order.client_order_id

            with pytest.raises(VenueRefused):
                await one.desk.amend(Amend(client_order_id=name, quantity="3"))
            assert one.desk.risk.exposure.highest(BTC) == 1
            with pytest.raises(VenueRefused):
                await one.desk.edit(Edit(order_id=name, symbol=BTC, quantity="2"))
            assert one.desk.risk.exposure.highest(BTC) == 1
            one.gateway.is_following = False
            with pytest.raises(TransportError):
                await one.desk.amend(Amend(client_order_id=name, quantity="3"))
            assert one.desk.risk.exposure.highest(BTC) == 1
            one.gateway.is_following = True

    play(story)


def test_an_answered_change_counts_until_an_update_shows_it() -> None:
    async def story() -> None:
        async with world(limits=RiskLimits(position_max=3), positions={}) as one:
            order = await one.desk.place(request())
            one.gateway.is_silent = True

            await one.desk.amend(Amend(order_id=order.order_id, quantity="2"))
            assert one.desk.risk.exposure.highest(BTC) == 2

            one.gateway.cut()  # the snapshot of the new link says how it stands
            await asyncio.sleep(10)
            await one.desk.amend(Amend(order_id=order.order_id, quantity="1"))
            one.gateway.cut()
            await asyncio.sleep(10)
            assert one.desk.risk.exposure.highest(BTC) == 1

    play(story)


def test_limits_of_positions_need_to_know_what_is_held() -> None:
    async def story() -> None:
        for limits in (
            RiskLimits(position_max=1),
            RiskLimits(exposure_max={"BTC": 1}),
            RiskLimits(account_exposure_max=1, account_asset="USD"),
        ):
            with pytest.raises(BadInput, match="it is not said what is held"):
                OrderDesk(FakeGateway(), MemoryOrderJournal(), random=Random(1), limits=limits)

    play(story)


def test_what_is_held_is_looked_up_when_the_desk_is_opened() -> None:
    async def story() -> None:
        held = {BTC: Decimal(1)}
        limits = RiskLimits(position_max=3)
        desk = OrderDesk(
            FakeGateway(),
            MemoryOrderJournal(),
            random=Random(1),
            limits=limits,
            positions=lambda: held,
        )
        held[BTC] = Decimal(3)

        async with desk:
            with pytest.raises(RiskRefused, match="not known yet"):
                await desk.place(request())
            await desk.wait_reconciled(10)
            with pytest.raises(RiskRefused, match="was 4"):
                await desk.place(request())

    play(story)


def test_orders_of_a_process_before_and_of_others_count_from_the_beginning() -> None:
    async def story() -> None:
        gateway, journal = FakeGateway(), MemoryOrderJournal()
        async with world(gateway, journal) as one:
            await one.desk.place(request(client_order_id="mine"))
            one.gateway.trade("O-1", "0.5")
            await asyncio.sleep(1)
        gateway.open["O-9"] = update("O-9", quantity=Decimal(2), filled=Decimal("0.5"))
        limits = RiskLimits(position_max=5)
        async with world(gateway, journal, limits=limits, positions={BTC: Decimal(1)}) as two:
            exposure = two.desk.risk.exposure

            # 1 is held, what was filled of both among it; 0.5 and 1.5 are left of them.
            assert exposure.highest(BTC) == 3
            two.gateway.trade("O-9", "1")
            two.gateway.trade("O-1", "0.5")
            await asyncio.sleep(1)
            assert [exposure.position(BTC), exposure.highest(BTC)] == [Decimal("2.5"), 3]

    play(story)


def test_what_others_place_later_counts_from_the_first_thing_heard_of_it() -> None:
    async def story() -> None:
        async with world(limits=RiskLimits(position_max=5), positions={}) as one:
            one.gateway.tell(update("O-9", quantity=Decimal(2), filled=Decimal("0.5")))
            await asyncio.sleep(0)

            assert one.desk.risk.exposure.highest(BTC) == 2  # the fill is still to come

    play(story)


def test_in_the_reducing_state_only_what_makes_a_position_smaller_is_sent() -> None:
    async def story() -> None:
        async with world(positions={BTC: Decimal(1)}) as one:
            resting = await one.desk.place(request())
            one.desk.risk.reduce_only("the model is off")

            with pytest.raises(RiskRefused, match="the model is off"):
                await one.desk.place(request())
            sale = await one.desk.place(request(side=Side.SELL, limit_price="101"))
            assert sale.status is OrderStatus.OPEN
            ended = await one.desk.cancel(resting.client_order_id)
            assert ended.status is OrderStatus.CANCELED

            one.desk.risk.resume()
            assert (await one.desk.place(request())).status is OrderStatus.OPEN

    play(story)


def test_a_buy_at_ten_times_the_price_is_refused_unless_the_collar_is_taken_off() -> None:
    async def story() -> None:
        async with world() as one:
            with pytest.raises(RiskRefused, match=r"900\.00 percent worse than 100"):
                await one.desk.place(request(limit_price="1000"))
            order = await one.desk.place(request())
            with pytest.raises(RiskRefused, match="percent worse"):
                await one.desk.amend(Amend(order_id=order.order_id, limit_price="1000"))
            one.gateway.books.clear()
            with pytest.raises(RiskRefused, match="needs the book of BTC/USD"):
                await one.desk.place(request())
            assert one.desk.statistics().risky == 2
        async with world(limits=RiskLimits(collar_percent=None)) as one:
            assert (await one.desk.place(request(limit_price="1000"))).limit_price == 1000

    play(story)


def test_a_high_of_the_profit_between_two_orders_is_not_missed() -> None:
    async def story() -> None:
        profit = Decimal(0)
        limits = RiskLimits(drawdown_max=100)
        async with world(limits=limits, profit=lambda: profit) as one:
            await one.desk.place(request())
            profit = Decimal(90)
            await asyncio.sleep(1.5)
            profit = Decimal(-10)

            with pytest.raises(RiskRefused, match="was 100"):
                await one.desk.place(request())

    play(story)


def test_a_name_is_used_once() -> None:
    async def story() -> None:
        async with world() as one:
            await one.desk.place(request(client_order_id="mine"))

            with pytest.raises(BadInput, match="'mine'"):
                await one.desk.place(request(client_order_id="mine"))
            with pytest.raises(BadInput, match="name of its own"):
                await one.desk.place_batch([request(client_order_id="x")] * 2)

    play(story)


def test_orders_of_others_are_known_too_and_can_be_canceled() -> None:
    async def story() -> None:
        gateway = FakeGateway()
        gateway._do(Place(request=request(side=Side.SELL)), is_told=False)
        async with world(gateway) as one:
            await one.desk.wait_reconciled(10)

            (other,) = one.desk.open_orders()
            assert (other.order_id, other.is_ours) == ("O-1", False)
            ended = await one.desk.cancel("O-1")
            assert ended.status is OrderStatus.CANCELED

    play(story)


def test_readers_are_told_of_each_change_and_may_skip_to_the_latest() -> None:
    async def story() -> None:
        async with world() as one:
            changes = one.desk.updates()
            order = await one.desk.place(request())
            one.gateway.trade(order.order_id, "1")
            await asyncio.sleep(0.2)

            told = changes.drain()

            assert told[-1].status is OrderStatus.FILLED
            assert len(told) <= 2

    play(story)


def test_foreseen_refusals_are_not_sent() -> None:
    async def story() -> None:
        from orders.test_rate_limit import STARTER

        async with world(rules=OrderRules(allowance=STARTER)) as one:
            for _ in range(60):
                await one.desk.place(request())
                one.gateway.end_order(next(iter(one.gateway.open)))

            sent = len(one.gateway.sent)
            # Each took a tenth of a second, in which a tenth decays: 54 are counted, or more.
            waits: list[float | None] = []
            for _ in range(20):
                try:
                    await one.desk.place(request())
                except RateLimited as error:
                    waits.append(error.retry_after_s)
            refused = len(waits)
            assert all(wait_s is not None and 0 < wait_s <= 1 for wait_s in waits)
            assert len(one.gateway.sent) - sent == 20 - refused
            assert refused > 0
            assert one.desk.statistics().foreseen == refused

    play(story)


class FullDisk(MemoryOrderJournal):
    """A journal whose disk is full from some moment on."""

    is_full = False

    def write(self, lines: Sequence[JournalLine]) -> None:
        if self.is_full:
            raise OrderJournalError("cannot write: no space left")
        super().write(lines)


def test_without_a_journal_nothing_is_placed_but_orders_can_be_ended() -> None:
    async def story() -> None:
        disk = FullDisk()
        async with world(journal=disk) as one:
            order = await one.desk.place(request())
            disk.is_full = True

            with pytest.raises(OrderJournalError, match="no space"):
                await one.desk.place(request(client_order_id="mine"))
            assert one.desk.order("mine") is None
            assert len(one.gateway.sent) == 1

            ended = await one.desk.cancel(order.client_order_id)
            assert ended.status is OrderStatus.CANCELED

    play(story)


def test_the_end_of_the_session_leaves_what_is_on_its_way_in_doubt() -> None:
    async def story() -> None:
        async with world() as one:
            one.gateway.fates = [Fate.LOST]
            began_ns = one.gateway.now_ns()
            asyncio.get_running_loop().call_later(0.2, one.gateway.end)

            order = await one.desk.place(request(), timeout_s=5)

            assert order.status is OrderStatus.UNKNOWN
            assert order.reason == "the session has ended"
            assert one.gateway.now_ns() - began_ns < 1_000_000_000
            assert len(one.journal.unfinished) == 1

    play(story)


def test_another_link_that_is_lost_puts_nothing_in_doubt() -> None:
    async def story() -> None:
        async with world(FakeGateway(latency_s=0.5)) as one:
            lost = LinkLost(venue="venue", link="public-1", reason="cut", received_ns=0)
            asyncio.get_running_loop().call_later(0.1, one.gateway.tell, lost)

            order = await one.desk.place(request())

            assert order.status is OrderStatus.OPEN
            assert one.desk.statistics().uncertain == 0

    play(story)


def test_a_desk_outside_its_block_sends_nothing() -> None:
    async def story() -> None:
        async with world() as one:
            pass

        with pytest.raises(BadInput, match="inside its block"):
            await one.desk.place(request())
        assert not one.gateway.sent

    play(story)


def test_what_has_ended_or_is_not_known_cannot_be_changed() -> None:
    async def story() -> None:
        async with world() as one:
            order = await one.desk.place(request())
            await one.desk.cancel(order.client_order_id)

            with pytest.raises(BadInput, match="has ended: canceled"):
                await one.desk.amend(Amend(order_id=order.order_id, limit_price=Decimal(90)))
            with pytest.raises(BadInput, match="'nobody'"):
                await one.desk.amend(Amend(order_id="nobody", limit_price="90"))
            with pytest.raises(BadInput, match="above zero was expected, was 0"):
                await one.desk.place(request(), timeout_s=0)

    play(story)


# The kill switch


def test_the_kill_switch_is_renewed_every_third_and_disarmed_on_leaving() -> None:
    async def story() -> None:
        gateway = FakeGateway()
        async with world(gateway) as one:
            state = await one.desk.cancel_all_after(60)
            assert state.until_ns == gateway.cancels_ns
            assert state.is_armed(gateway.now_ns())

            await asyncio.sleep(90)

            sent = [command for command in gateway.sent if isinstance(command, CancelAllAfter)]
            assert [command.timeout_s for command in sent] == [60] * 5
            assert one.desk.dead_man_switch.until_ns == gateway.cancels_ns
            assert one.desk.dead_man_switch.renewed == 5
        assert gateway.sent[-1] == CancelAllAfter(0)
        assert gateway.cancels_ns is None

    play(story)


def test_a_lost_link_does_not_disarm_the_kill_switch() -> None:
    async def story() -> None:
        gateway = FakeGateway()
        gateway.back_after_s = 30.0
        async with world(gateway) as one:
            await one.desk.cancel_all_after(60)
            await asyncio.sleep(1)
            armed_ns = gateway.cancels_ns

            gateway.cut()
            await asyncio.sleep(25)
            assert one.desk.dead_man_switch.until_ns == armed_ns
            assert one.desk.dead_man_switch.failed > 0

            await asyncio.sleep(10)  # the link is back, and so is the renewal
            assert armed_ns is not None
            assert gateway.cancels_ns is not None
            assert gateway.cancels_ns > armed_ns
            assert one.desk.dead_man_switch.until_ns == gateway.cancels_ns

    play(story)


def test_the_kill_switch_is_left_armed_where_that_is_wanted_or_the_block_failed() -> None:
    async def story() -> None:
        gateway = FakeGateway()
        async with world(gateway) as one:
            await one.desk.cancel_all_after(60, is_left_armed=True)
        assert gateway.cancels_ns is not None

        other = FakeGateway()

        async def fail() -> None:
            async with world(other) as one:
                await one.desk.cancel_all_after(60)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()
        assert other.cancels_ns is not None

    play(story)


OURS = OrderRules(dead_man_switch=SwitchKeeper.CLIENT)


def test_a_switch_that_the_client_keeps_cancels_after_an_outage_that_is_too_long() -> None:
    async def story() -> None:
        gateway = FakeGateway()
        async with world(gateway, rules=OURS) as one:
            order = await one.desk.place(request())
            state = await one.desk.cancel_all_after(60)
            assert state.keeper is SwitchKeeper.CLIENT
            assert not [one for one in gateway.sent if isinstance(one, CancelAllAfter)]
            gateway.back_after_s = 30.0
            gateway.cut()
            await asyncio.sleep(100)
            assert list(gateway.open) == [order.order_id]  # it was back in time

            gateway.back_after_s = 70.0
            gateway.cut()
            await asyncio.sleep(69)
            assert list(gateway.open) == [order.order_id]
            assert not one.desk.dead_man_switch.is_armed(gateway.now_ns())
            await asyncio.sleep(5)

            assert not gateway.open
            assert one.desk.order(order.order_id).status is OrderStatus.CANCELED  # type: ignore[union-attr]
            assert one.desk.dead_man_switch.fired == 1
            assert one.desk.dead_man_switch.is_armed(gateway.now_ns())  # again, by itself

    play(story)


def test_a_switch_that_the_client_keeps_cancels_as_the_block_fails_and_is_not_left_armed() -> None:
    async def story() -> None:
        gateway = FakeGateway()

        async def fail() -> None:
            async with world(gateway, rules=OURS) as one:
                await one.desk.place(request())
                with pytest.raises(BadInput, match="cannot be left armed"):
                    await one.desk.cancel_all_after(60, is_left_armed=True)
                await one.desk.cancel_all_after(60)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()
        assert not gateway.open

        async with world(gateway, rules=OURS) as one:
            await one.desk.place(request())
            await one.desk.cancel_all_after(60)
        assert len(gateway.open) == 1  # in good order it is disarmed, as the venue's would be

    play(story)


def test_a_block_that_fails_out_of_reach_says_that_orders_may_be_open(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        gateway = FakeGateway()
        async with world(gateway, rules=OURS) as one:
            await one.desk.place(request())
            await one.desk.cancel_all_after(60)
            gateway.back_after_s = None
            gateway.cut()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        play(story)
    assert "orders may be open, the dead man switch could not cancel them" in caplog.text


def test_the_kill_switch_can_be_disarmed_by_hand() -> None:
    async def story() -> None:
        gateway = FakeGateway()
        async with world(gateway) as one:
            await one.desk.cancel_all_after(60)

            state = await one.desk.cancel_all_after(0)

            assert (state.timeout_s, state.until_ns) == (None, None)
            await asyncio.sleep(120)
            assert gateway.cancels_ns is None

    play(story)


def test_a_refused_kill_switch_is_not_taken_for_armed() -> None:
    async def story() -> None:
        async with world() as one:
            one.gateway.refuses = lambda _: "no such thing"

            with pytest.raises(VenueRefused, match="no such thing"):
                await one.desk.cancel_all_after(60)

            assert one.desk.dead_man_switch.timeout_s is None
            assert not one.desk.dead_man_switch.is_armed(one.gateway.now_ns())

    play(story)


async def nothing(one: World, name: str) -> None:
    """What is done with an order besides placing it."""


async def amended(one: World, name: str) -> None:
    await one.desk.amend(Amend(client_order_id=name, limit_price=Decimal(90)))


async def edited(one: World, name: str) -> None:
    await one.desk.edit(Edit(order_id=name, symbol=BTC, limit_price=Decimal(90)))


async def amended_in_vain(one: World, name: str) -> None:
    one.gateway.refuses = lambda _: "not amendable"
    with pytest.raises(VenueRefused):
        await amended(one, name)


def unplugged(command: Command) -> int:
    raise TransportError(f"nothing was sent of {command}")


async def amended_unsent(one: World, name: str) -> None:
    send, one.gateway.send = one.gateway.send, unplugged
    with pytest.raises(TransportError):
        await amended(one, name)
    one.gateway.send = send


async def amended_in_doubt(one: World, name: str) -> None:
    one.gateway.fates = [Fate.UNANSWERED]
    await one.desk.amend(Amend(client_order_id=name, limit_price=Decimal(90)), timeout_s=1)
    await one.desk.wait_reconciled(60)


@pytest.mark.parametrize(
    "change", [nothing, amended, edited, amended_in_vain, amended_unsent, amended_in_doubt]
)
def test_the_next_process_knows_what_was_answered_after_one_look(
    change: Callable[[World, str], Awaitable[None]],
) -> None:
    async def story() -> None:
        journal = MemoryOrderJournal()
        async with world(journal=journal) as one:
            name = (await one.desk.place(request())).client_order_id
            await change(one, name)
            gateway = one.gateway
        begun_ns = gateway.now_ns()

        async with world(gateway, journal) as two:
            assert gateway.now_ns() - begun_ns < 1_000_000_000
            (living,) = gateway.open.values()
            assert two.view(name).status is OrderStatus.OPEN
            assert two.view(name).limit_price == living.limit_price

    play(story)


def test_a_change_nobody_answered_is_doubted_by_the_next_process_until_it_cannot_arrive() -> None:
    async def story() -> None:
        journal = MemoryOrderJournal()
        async with world(journal=journal) as one:
            name = (await one.desk.place(request())).client_order_id
            one.gateway.fates = [Fate.LOST]
            amend = Amend(client_order_id=name, limit_price=Decimal(90))
            amending = asyncio.create_task(one.desk.amend(amend, timeout_s=30))
            await asyncio.sleep(1)
            amending.cancel()
            gateway = one.gateway

        async with OrderDesk(gateway, journal, random=Random(2)) as desk:
            with pytest.raises(TimeoutError, match=name):
                await desk.wait_reconciled(38)  # thirty seconds and a margin of ten
            await desk.wait_reconciled(5)
            view = desk.order(name)
            assert view is not None
            assert view.status is OrderStatus.OPEN
            assert view.limit_price == 100

    play(story)


def test_an_order_that_ended_between_two_processes_is_found_ended() -> None:
    async def story() -> None:
        journal = MemoryOrderJournal()
        async with world(journal=journal) as one:
            order = await one.desk.place(request())
            gateway = one.gateway
        gateway.end_order(order.order_id)

        async with world(gateway, journal) as two:
            assert two.view(order.client_order_id).status is OrderStatus.CANCELED
            assert not journal.unfinished

    play(story)


def test_an_order_that_never_arrives_is_not_kept_in_doubt_by_a_cancel_of_it() -> None:
    async def story() -> None:
        async with world(rules=OrderRules(is_ambiguous=lambda words: "internal" in words)) as one:
            one.gateway.fates = [Fate.LOST]
            one.gateway.refuses = lambda _: "internal error"
            placing = asyncio.create_task(one.desk.place(request(), timeout_s=3))
            await asyncio.sleep(0.01)
            with pytest.raises(VenueRefused, match="internal error"):
                await one.desk.cancel_all(timeout_s=3)
            order = await placing

            await one.desk.wait_reconciled(60)

            assert one.view(order.client_order_id).status is OrderStatus.REFUSED
            assert one.view(order.client_order_id).reason == "never arrived"

    play(story)


def test_an_order_on_its_way_is_not_given_up_when_a_cancel_of_it_is() -> None:
    async def story() -> None:
        async with world() as one:
            one.gateway.latency_s = 20
            placing = asyncio.create_task(one.desk.place(request(), timeout_s=30))
            await asyncio.sleep(0.01)
            one.gateway.fates = [Fate.LOST]
            with pytest.raises(OutcomeUnknown):
                await one.desk.cancel_all(timeout_s=1)  # it cannot arrive after eleven seconds
            await asyncio.sleep(15)
            (awaited,) = one.desk.open_orders()
            assert awaited.status is OrderStatus.UNKNOWN

            order = await placing
            await one.desk.wait_reconciled(60)

            assert one.view(order.client_order_id).status is OrderStatus.OPEN

    play(story)
