"""The kill switch: armed, renewed in time, and what happens when nobody answers."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from fluxum.errors import BadInput, OutcomeUnknown, TransportError, VenueRefused
from fluxum.flow.background import background
from fluxum.model.order import CancelAllAfter
from fluxum.orders.dead_man import DeadManSwitch
from fluxum.sim.loop import SimulatedClock, run
from orders.gateways import SECOND_NS


class Venue:
    """Says yes, or what it was told to raise instead, and remembers when it was asked."""

    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.began_ns = self.clock.now_ns()
        self.asked: list[tuple[float, int]] = []
        self.errors: list[Exception] = []
        self.answer_s = 0.0
        self.tells_until = True
        self.switch = DeadManSwitch(self._confirm, self.clock.now_ns)

    async def _confirm(self, command: CancelAllAfter, timeout_s: float) -> int | None:
        now_s = (self.clock.now_ns() - self.began_ns) / SECOND_NS
        self.asked.append((round(now_s, 1), command.timeout_s))
        await asyncio.sleep(self.answer_s)
        if self.errors:
            raise self.errors.pop(0)
        until_ns = self.clock.now_ns() + command.timeout_s * SECOND_NS - 1
        return until_ns if self.tells_until else None


@asynccontextmanager
async def armed() -> AsyncGenerator[Venue]:
    venue = Venue()
    async with background(venue.switch.run()):
        await asyncio.sleep(1)
        yield venue


def play(story: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await story()

    run(main())


def test_it_is_renewed_every_third_of_its_time() -> None:
    async def story() -> None:
        async with armed() as venue:
            state = await venue.switch.arm(60)
            assert (state.timeout_s, state.renewed, state.failed, state.reason) == (60, 1, 0, "")
            assert state.until_ns == venue.began_ns + 61 * SECOND_NS - 1  # the venue's word

            await asyncio.sleep(45)

            assert venue.asked == [(1, 60), (21, 60), (41, 60)]
            assert venue.switch.state.renewed == 3

    play(story)


def test_where_the_venue_names_no_time_it_is_counted_from_the_answer() -> None:
    async def story() -> None:
        async with armed() as venue:
            venue.tells_until = False
            venue.answer_s = 2.0

            state = await venue.switch.arm(30)

            assert state.until_ns == venue.began_ns + 33 * SECOND_NS
            assert state.is_armed(venue.began_ns + 33 * SECOND_NS - 1)
            assert not state.is_armed(venue.began_ns + 33 * SECOND_NS)

    play(story)


def test_a_renewal_that_fails_is_tried_each_second_until_it_is_confirmed() -> None:
    async def story() -> None:
        async with armed() as venue:
            await venue.switch.arm(30)
            venue.errors = [TransportError("down"), OutcomeUnknown("no answer")]

            await asyncio.sleep(11.5)
            assert (venue.switch.state.failed, venue.switch.state.reason) == (2, "no answer")
            await asyncio.sleep(2)

            assert venue.asked == [(1, 30), (11, 30), (12, 30), (13, 30)]
            state = venue.switch.state
            assert (state.renewed, state.failed, state.reason) == (2, 2, "")

    play(story)


def test_a_short_one_is_tried_more_often_than_each_second() -> None:
    async def story() -> None:
        async with armed() as venue:
            await venue.switch.arm(1)
            venue.errors = [TransportError("down")]
            await asyncio.sleep(0.8)

            assert [at_s for at_s, _ in venue.asked] == [1.0, 1.3, 1.7]

    play(story)


def test_arming_that_is_refused_leaves_it_as_it_was() -> None:
    async def story() -> None:
        async with armed() as venue:
            venue.errors = [VenueRefused("no")]
            with pytest.raises(VenueRefused):
                await venue.switch.arm(30)
            assert venue.switch.state.timeout_s is None

            await venue.switch.arm(60)
            venue.errors = [VenueRefused("no")]
            with pytest.raises(VenueRefused):
                await venue.switch.arm(30)
            assert venue.switch.state.timeout_s == 60
            await asyncio.sleep(20.5)
            assert venue.asked[-1] == (21, 60)

    play(story)


def test_arming_nobody_answers_for_is_tried_again_and_again() -> None:
    async def story() -> None:
        async with armed() as venue:
            venue.errors = [OutcomeUnknown("no answer")]
            with pytest.raises(OutcomeUnknown):
                await venue.switch.arm(30)
            assert venue.switch.state.timeout_s == 30
            assert venue.switch.state.until_ns is None

            await asyncio.sleep(11)
            assert venue.switch.state.until_ns is not None

    play(story)


def test_once_disarmed_it_is_renewed_no_more() -> None:
    async def story() -> None:
        async with armed() as venue:
            await venue.switch.arm(30)
            state = await venue.switch.disarm(5)
            assert (state.timeout_s, state.until_ns) == (None, None)

            await asyncio.sleep(60)
            assert venue.asked == [(1, 30), (1, 0)]

    play(story)


def test_disarming_nobody_answers_for_leaves_the_time_it_may_strike() -> None:
    async def story() -> None:
        async with armed() as venue:
            await venue.switch.arm(30)
            venue.errors = [OutcomeUnknown("no answer")]
            with pytest.raises(OutcomeUnknown):
                await venue.switch.disarm(5)

            assert venue.switch.state.timeout_s is None
            assert venue.switch.state.until_ns is not None

    play(story)


def test_a_renewal_that_is_answered_after_disarming_arms_nothing() -> None:
    async def story() -> None:
        async with armed() as venue:
            await venue.switch.arm(30)
            venue.answer_s = 3.0
            await asyncio.sleep(10.5)  # a renewal is on its way
            await venue.switch.disarm(5)

            assert (venue.switch.state.until_ns, venue.switch.state.renewed) == (None, 1)

    play(story)


def test_a_change_of_mind_is_renewed_by_its_own_time() -> None:
    async def story() -> None:
        async with armed() as venue:
            await venue.switch.arm(300)
            await venue.switch.arm(30)
            await asyncio.sleep(10.5)

            assert venue.asked[-1] == (11, 30)
            assert {asked for at_s, asked in venue.asked if at_s > 1} == {30}

    play(story)


def test_no_time_at_all_is_refused() -> None:
    async def story() -> None:
        venue = Venue()
        with pytest.raises(BadInput, match="at least 1 s was expected, was 0"):
            await venue.switch.arm(0)
        assert not venue.asked

    play(story)
