"""How commands get out, and what is left when they do not."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest

from fluxum.errors import (
    BadInput,
    OutcomeUnknown,
    RiskRefused,
    TransportError,
    VenueRefused,
)
from fluxum.flow.background import background
from fluxum.model.order import Amend, Cancel, CancelAll, Command, OrderStatus
from fluxum.orders.execution import OrderExecution
from fluxum.orders.gateway import InFlight
from fluxum.orders.journal import MemoryOrderJournal
from fluxum.orders.limits import RiskLimits
from fluxum.orders.order import TrackedOrder, Uncertainty
from fluxum.orders.pretrade import PreTradeChecks, Sender
from fluxum.orders.reconciler import ReconcilePolicy
from fluxum.orders.risk import Risk
from fluxum.sim.loop import run
from fluxum.venues.trading import OrderRules
from orders.gateways import FakeGateway, Fate, request, update


class World:
    def __init__(self, rules: OrderRules | None = None, **limits: Any) -> None:
        rules, policy = rules or OrderRules(), ReconcilePolicy()
        self.gateway = FakeGateway()
        self.journal = MemoryOrderJournal()
        self.execution = OrderExecution(self.gateway, self.journal, rules, policy)
        exposure = self.execution.orders.exposure
        risk = Risk(RiskLimits(**limits), self.gateway.book, exposure=exposure)
        checks = PreTradeChecks(self.gateway, self.execution, risk, Random(1), rules, policy)
        self.sender = Sender(self.gateway, self.execution, checks, risk, policy)
        self.checks = checks
        self.sender.is_open = True

    async def place(self, **changes: Any) -> TrackedOrder:
        asked = self.sender.enter([request(**changes)], 5)
        await self.sender.wait(asked, 5)
        return asked.orders[0]

    async def amend(self, order: TrackedOrder, quantity: str) -> None:
        deadline_ns = self.checks.deadline_ns(2)
        amend = Amend(order_id=order.order_id, quantity=quantity, deadline_ns=deadline_ns)
        changed = request(quantity=quantity)
        await self.sender.change(order, amend, changed, 2)


@asynccontextmanager
async def world(rules: OrderRules | None = None, **limits: Any) -> AsyncGenerator[World]:
    one = World(rules, **limits)
    async with background(one.execution.follow(one.gateway.account_events())):
        await asyncio.sleep(0)
        yield one
    assert one.execution.statistics().sums_close


def play(story: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await story()

    run(main())


def test_what_is_not_sent_is_counted_by_why_it_was_not() -> None:
    async def story() -> None:
        async with world(quantity_max=2) as one:
            with pytest.raises(BadInput, match="lots"):
                one.sender.enter([request(), request(quantity="0.0001")], 5)
            with pytest.raises(BadInput, match="time-out"):
                one.sender.enter([request()], 0)
            with pytest.raises(RiskRefused):
                one.sender.enter([request(), request(quantity="3")], 5)
            one.gateway.is_following = False
            with pytest.raises(TransportError):
                one.sender.enter([request(), request()], 5)

            counts = one.execution.counts
            assert [counts.asked, counts.malformed, counts.risky, counts.unsent] == [7, 3, 2, 2]
            assert not one.journal.unfinished
            assert one.execution.orders.all() == []

    play(story)


def test_what_the_gateway_does_not_send_is_forgotten_and_not_in_the_journal() -> None:
    async def story() -> None:
        async with world() as one:
            one.gateway.send = _raise(TransportError("gone"))
            with pytest.raises(TransportError):
                one.sender.enter([request(), request()], 5)

            assert one.execution.counts.unsent == 2
            assert not one.journal.unfinished
            assert one.execution.orders.all() == []

    play(story)


def test_what_may_have_been_sent_all_the_same_is_in_doubt() -> None:
    async def story() -> None:
        async with world() as one:
            one.gateway.send = _raise(ZeroDivisionError())
            with pytest.raises(ZeroDivisionError):
                one.sender.enter([request(client_order_id="mine")], 5)

            order = one.execution.orders.named("mine")
            assert order is not None
            assert (order.uncertainty, order.view().reason) == (
                Uncertainty.EXISTENCE,
                "sending it failed",
            )
            assert len(one.journal.unfinished) == 1
            assert one.execution.reconciler.open == 1
            assert one.execution.counts.placed == 1

    play(story)


def test_orders_that_were_sent_and_changed_count_for_the_rates() -> None:
    async def story() -> None:
        async with world(per_minute_max=3) as one:
            order = await one.place()
            await one.amend(order, "2")
            one.sender.enter([request()], 5)

            with pytest.raises(RiskRefused, match="orders in 60 s of at most 3"):
                one.sender.enter([request()], 5)
            await asyncio.sleep(1)

    play(story)


def test_a_change_that_is_refused_in_words_that_leave_a_doubt_is_not_raised() -> None:
    async def story() -> None:
        async with world(OrderRules(is_ambiguous=lambda words: "busy" in words)) as one:
            order = await one.place()
            one.gateway.refuses = lambda _: "busy"
            await one.amend(order, "2")
            assert (order.uncertainty, order.view().reason) == (Uncertainty.CHANGE, "busy")

            other = await one.place()
            assert other.status is OrderStatus.UNKNOWN
            one.gateway.refuses = lambda _: "no"
            third = await one.place()
            assert third.status is OrderStatus.REFUSED

    play(story)


def test_a_change_that_is_not_sent_is_open_in_the_journal_no_longer() -> None:
    async def story() -> None:
        async with world() as one:
            order = await one.place()
            one.gateway.send = _raise(TransportError("gone"))
            with pytest.raises(TransportError):
                await one.amend(order, "2")

            (kept,) = one.journal.unfinished.values()
            assert kept.change is None
            assert order.pending_quantity is None

    play(story)


def test_a_change_of_an_order_of_others_is_not_in_the_journal() -> None:
    async def story() -> None:
        async with world() as one:
            one.gateway.open["O-9"] = update("O-9")
            theirs = one.execution.orders.apply(update("O-9"))
            await one.amend(theirs, "2")

            assert not one.journal.unfinished
            assert [type(command) for command in one.gateway.sent] == [Amend]

    play(story)


@pytest.mark.parametrize(
    ("fate", "reason"),
    [
        (Fate.LOST, "there was no answer within 2 s"),
        (Fate.ARRIVES, "the venue took it, and nothing more was known within 2 s"),
    ],
)
def test_a_wait_that_ends_in_vain_says_what_was_answered(fate: Fate, reason: str) -> None:
    async def story() -> None:
        async with world() as one:
            order = await one.place()
            one.gateway.is_silent = True
            one.gateway.fates = [fate]

            await one.sender.cancel(Cancel(order_ids=(order.order_id,)), [order], 2)

            assert (order.uncertainty, order.view().reason) == (Uncertainty.CHANGE, reason)

    play(story)


def test_a_command_about_no_order_is_confirmed_refused_or_unknown() -> None:
    async def story() -> None:
        async with world() as one:
            assert (await one.sender.confirm(CancelAll(), 2)).count == 0
            one.gateway.refuses = lambda _: "no"
            with pytest.raises(VenueRefused, match="the venue refused: no"):
                await one.sender.confirm(CancelAll(), 2)
            one.gateway.fates = [Fate.LOST]
            with pytest.raises(OutcomeUnknown, match="within 2 s"):
                await one.sender.confirm(CancelAll(), 2)

    play(story)


def test_whoever_leaves_while_waiting_leaves_an_order_in_doubt() -> None:
    async def story() -> None:
        async with world() as one:
            asked = one.sender.enter([request()], 5)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await one.sender.wait(asked, 5)

            assert asked.orders[0].uncertainty is Uncertainty.EXISTENCE
            assert asked.orders[0].view().reason == "the caller that waited for the answer has left"
            await asyncio.sleep(1)
            assert asked.orders[0].uncertainty is None

    play(story)


def test_before_the_desk_is_open_nothing_is_sent() -> None:
    async def story() -> None:
        async with world() as one:
            one.sender.is_open = False
            with pytest.raises(BadInput, match="inside its block"):
                await one.sender.cancel(CancelAll(), [], 2)
            assert one.gateway.sent == []

    play(story)


def test_a_command_is_settled_a_margin_after_its_deadline() -> None:
    async def story() -> None:
        async with world() as one:
            asked: InFlight = one.sender.enter([request()], 5)
            command = one.gateway.sent[0]
            assert getattr(command, "deadline_ns", 0) + 10_000_000_000 == asked.settle_ns
            await asyncio.sleep(1)

    play(story)


def _raise(error: Exception) -> Callable[[Command], int]:
    def send(_command: Command) -> int:
        raise error

    return send


def test_each_wait_ends_at_its_own_time_though_one_timer_is_set() -> None:
    async def story() -> None:
        async with world() as one:
            loop, ended = asyncio.get_running_loop(), list[tuple[float, float]]()
            one.gateway.fates = [Fate.LOST] * 4
            began_s = loop.time()

            async def place(timeout_s: float) -> None:
                asked = one.sender.enter([request()], timeout_s)
                await one.sender.wait(asked, timeout_s)
                ended.append((timeout_s, round(loop.time() - began_s, 3)))

            async with asyncio.TaskGroup() as group:
                for timeout_s in (5.0, 2.0, 9.0, 2.0):
                    group.create_task(place(timeout_s))

            assert ended == [(2.0, 2.0), (2.0, 2.0), (5.0, 5.0), (9.0, 9.0)]
            assert {one.status for one in one.execution.orders.all()} == {OrderStatus.UNKNOWN}

    play(story)


def test_an_order_is_taken_up_when_its_frame_is_written() -> None:
    async def story() -> None:
        async with world() as one:
            known: list[tuple[int, int]] = []

            def send(command: Command) -> int:
                known.append((len(one.journal.unfinished), len(one.execution.orders.live)))
                return 1

            one.gateway.send = send
            one.sender.enter([request()], 5)

            assert known == [(1, 0)]  # it is in the journal first
            assert len(one.execution.orders.live) == 1

    play(story)
