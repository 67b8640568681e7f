"""The dead man switch that the client keeps: when it cancels, and when it must not."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from fluxum.errors import TransportError
from fluxum.flow.background import background
from fluxum.model.order import CancelAllAfter
from fluxum.orders.dead_man import ClientTimer
from fluxum.sim.loop import SimulatedClock, run
from orders.gateways import SECOND_NS


class World:
    """A venue that can be out of reach, an account that can be unfollowed, a clock that jumps."""

    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.began_ns = self.clock.now_ns()
        self.jumped_s = 0
        self.is_following = True
        self.is_reached = True
        self.canceled: list[float] = []
        self.timer = ClientTimer(self._cancel_all, lambda: self.is_following, self.now_ns)

    def now_ns(self) -> int:
        return self.clock.now_ns() + self.jumped_s * SECOND_NS

    async def arm(self, timeout_s: int) -> int | None:
        return await self.timer.confirm(CancelAllAfter(timeout_s), 5.0)

    async def _cancel_all(self, timeout_s: float) -> None:
        await asyncio.sleep(0.1)
        if not self.is_reached:
            raise TransportError("down")
        self.canceled.append(round((self.clock.now_ns() - self.began_ns) / SECOND_NS, 1))


def play(story: Callable[[World], Awaitable[None]]) -> None:
    @asynccontextmanager
    async def counting() -> AsyncGenerator[World]:
        world = World()
        async with background(world.timer.run()):
            await asyncio.sleep(0)
            yield world

    async def main() -> None:
        async with counting() as world:
            await story(world)

    run(main())


def test_it_cancels_when_the_time_is_over_and_only_once() -> None:
    async def story(world: World) -> None:
        assert await world.arm(10) == world.began_ns + 10 * SECOND_NS
        await asyncio.sleep(9.9)
        assert world.canceled == []

        await asyncio.sleep(60)

        assert world.canceled == [10.1]
        assert (world.timer.fired, world.timer.is_overdue) == (1, False)

    play(story)


def test_each_renewal_begins_anew_and_zero_ends_it() -> None:
    async def story(world: World) -> None:
        for _ in range(5):
            await world.arm(10)
            await asyncio.sleep(8)
        assert await world.arm(0) is None
        await asyncio.sleep(60)

        assert world.canceled == []

    play(story)


def test_without_the_account_followed_it_is_not_renewed() -> None:
    async def story(world: World) -> None:
        await world.arm(10)
        world.is_following = False
        with pytest.raises(TransportError, match="not followed"):
            await world.arm(10)
        await asyncio.sleep(11)

        assert world.canceled == [10.1]  # over a link that is there

    play(story)


def test_what_arrives_after_a_first_cancel_is_canceled_once_the_account_is_followed() -> None:
    async def story(world: World) -> None:
        await world.arm(10)
        world.is_following = False
        await asyncio.sleep(30)
        assert (world.canceled, world.timer.is_overdue) == ([10.1], True)

        world.is_following = True
        await asyncio.sleep(2)

        assert len(world.canceled) == 2
        assert (world.timer.fired, world.timer.is_overdue) == (1, False)

    play(story)


def test_a_venue_out_of_reach_is_tried_each_second_until_it_is_back() -> None:
    async def story(world: World) -> None:
        await world.arm(10)
        world.is_reached = False
        await asyncio.sleep(20.5)
        with pytest.raises(TransportError, match="time is over"):
            await world.arm(10)  # orders may be open: no renewal hides that

        world.is_reached = True
        await asyncio.sleep(1.5)

        (at_s,) = world.canceled
        assert 20.5 < at_s < 22
        assert await world.arm(10) is not None

    play(story)


def test_disarming_after_the_time_is_over_cancels_first() -> None:
    async def story(world: World) -> None:
        await world.arm(10)
        world.is_reached = False
        await asyncio.sleep(15)
        with pytest.raises(TransportError, match="down"):
            await world.arm(0)
        assert world.timer.is_overdue

        world.is_reached = True
        await world.arm(0)

        assert len(world.canceled) == 1
        assert not world.timer.is_overdue

    play(story)


def test_a_machine_that_slept_finds_the_time_over() -> None:
    async def story(world: World) -> None:
        await world.arm(10)
        await asyncio.sleep(5)
        world.jumped_s = 3600  # the loop's clock stood still
        with pytest.raises(TransportError, match="time is over"):
            await world.arm(10)
        await asyncio.sleep(6)

        assert world.canceled == [10.1]

    play(story)


def test_a_clock_that_is_set_back_gives_no_more_time() -> None:
    async def story(world: World) -> None:
        await world.arm(10)
        await asyncio.sleep(5)
        world.jumped_s = -3600
        await asyncio.sleep(5.5)

        assert world.canceled == [10.1]

    play(story)
