"""Tests of `sim.loop`: virtual time, deadlocks, and what is left behind."""

import asyncio
import threading
import time

import pytest

from fluxum.sim.loop import Deadlock, LeftBehind, SimulatedClock, SimulatedLoop, run


def test_sleeping_takes_virtual_time_only() -> None:
    async def main() -> int:
        clock = SimulatedClock(start_ns=1_000)
        await asyncio.sleep(86_400)
        return clock.now_ns()

    begun_s = time.monotonic()
    ended_ns = run(main())

    assert ended_ns == 1_000 + 86_400 * 1_000_000_000
    assert time.monotonic() - begun_s < 5


def test_timers_a_nanosecond_apart_run_apart_and_in_order() -> None:
    seen: list[tuple[str, int]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulatedLoop)

        def see(name: str) -> None:
            seen.append((name, loop.now_ns))

        for name, at_ns in (("c", 3_000_002), ("a", 1), ("b", 3_000_000)):
            loop.call_at(at_ns / 1e9, see, name)
        await asyncio.sleep(1)

    run(main())

    assert seen == [("a", 1), ("b", 3_000_000), ("c", 3_000_002)]


def test_a_million_microseconds_are_one_second_to_the_nanosecond() -> None:
    async def main() -> int:
        clock = SimulatedClock(start_ns=0)
        for _ in range(10_000):
            await asyncio.sleep(0.0001)
        return clock.now_ns()

    assert run(main()) == 1_000_000_000


def test_a_timeout_expires_in_virtual_time() -> None:
    async def main() -> int:
        clock = SimulatedClock(start_ns=0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.Event().wait()
        return clock.now_ns()

    assert run(main()) == 30_000_000_000


def test_waiting_for_what_can_never_happen_is_a_deadlock_that_names_the_tasks() -> None:
    async def wait_in_vain() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock, match="wait_in_vain"):
        run(wait_in_vain())


def test_a_deadlock_is_an_assertion_error() -> None:
    assert issubclass(Deadlock, AssertionError)
    assert issubclass(LeftBehind, AssertionError)


def test_work_in_a_thread_takes_no_virtual_time() -> None:
    async def main() -> tuple[str, int]:
        clock = SimulatedClock(start_ns=0)
        timer = asyncio.get_running_loop().call_later(5.0, lambda: None)
        name = await asyncio.to_thread(lambda: threading.current_thread().name)
        timer.cancel()
        return name, clock.now_ns()

    name, now_ns = run(main())

    assert name != threading.main_thread().name
    assert now_ns == 0


def test_a_callback_from_a_thread_wakes_the_loop() -> None:
    async def main() -> str:
        loop = asyncio.get_running_loop()
        told: asyncio.Future[str] = loop.create_future()
        await asyncio.to_thread(loop.call_soon_threadsafe, told.set_result, "from a thread")
        return await told

    assert run(main()) == "from a thread"


def test_a_task_left_behind_is_cancelled_and_told() -> None:
    ended: list[str] = []

    async def straggler() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            ended.append("straggler")

    async def main() -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(straggler(), name="late one")
        await asyncio.sleep(1)
        return task

    with pytest.raises(LeftBehind, match="late one"):
        run(main())
    assert ended == ["straggler"]


def test_a_task_that_failed_unheard_is_told() -> None:
    async def fail() -> None:
        raise ValueError("nobody listens")

    async def main() -> None:
        asyncio.get_running_loop().create_task(fail())
        await asyncio.sleep(1)

    with pytest.raises(LeftBehind, match="nobody listens"):
        run(main())


def test_the_error_of_the_main_coroutine_comes_out_as_it_is() -> None:
    async def main() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        run(main())


def test_a_loop_has_no_sockets() -> None:
    async def main() -> None:
        asyncio.get_running_loop().add_reader(0, lambda: None)

    with pytest.raises(AssertionError, match="no sockets"):
        run(main())


def test_a_simulated_clock_needs_a_simulated_loop() -> None:
    async def main() -> None:
        SimulatedClock()

    with pytest.raises(AssertionError, match="simulated loop"):
        asyncio.run(main())
