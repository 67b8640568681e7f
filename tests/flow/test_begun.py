"""A coroutine's first part runs at once, and what is left of it is awaited elsewhere."""

import asyncio
from collections.abc import Awaitable

import pytest

from fluxum.flow.background import begun
from fluxum.sim.loop import run


class Work:
    """Notes its steps; waits between them if it is to."""

    def __init__(self, *waits_s: float, error: Exception | None = None) -> None:
        self.waits_s = waits_s
        self.error = error
        self.steps: list[str] = []

    async def do(self) -> None:
        try:
            self.steps.append("begun")
            for wait_s in self.waits_s:
                await asyncio.sleep(wait_s)
                self.steps.append("waited")
            if self.error is not None:
                raise self.error
        finally:
            self.steps.append("ended")


def test_work_without_a_wait_ends_at_once() -> None:
    work = Work()

    assert begun(work.do()) is None
    assert work.steps == ["begun", "ended"]


def test_work_that_fails_at_once_raises_at_once() -> None:
    with pytest.raises(ValueError, match="no"):
        begun(Work(error=ValueError("no")).do())


def test_the_rest_goes_on_from_the_first_wait() -> None:
    async def story() -> None:
        work = Work(0.0, 1.0, 0.0)

        rest = begun(work.do())

        assert rest is not None
        assert work.steps == ["begun"]
        await rest
        assert work.steps == ["begun", "waited", "waited", "waited", "ended"]
        assert asyncio.get_running_loop().time() >= 1.0

    run(story())


def test_the_rest_raises_what_the_work_raises() -> None:
    async def story() -> None:
        rest = begun(Work(1.0, error=ValueError("late")).do())

        assert rest is not None
        with pytest.raises(ValueError, match="late"):
            await rest

    run(story())


def test_a_time_out_and_a_cancel_reach_the_work() -> None:
    async def story() -> None:
        one, other = Work(10.0), Work(10.0)
        rest, further = begun(one.do()), begun(other.do())
        assert rest is not None
        assert further is not None

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await rest
        task = asyncio.create_task(_awaiting(further))
        await asyncio.sleep(1.0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert one.steps == other.steps == ["begun", "ended"]

    run(story())


def test_work_whose_rest_is_dropped_is_closed() -> None:
    async def story() -> None:
        work = Work(10.0)
        rest = begun(work.do())
        assert rest is not None

        del rest

        assert work.steps == ["begun", "ended"]

    run(story())


async def _awaiting(rest: Awaitable[None]) -> None:
    await rest
