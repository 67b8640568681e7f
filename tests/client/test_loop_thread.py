"""Calls into a loop of another thread."""

import asyncio
import threading

import pytest

from fluxum import BadInput
from fluxum.client.loop_thread import LoopThread, answer_in, running_loop


def test_calls_run_in_one_loop_and_raise_in_the_caller() -> None:
    thread = LoopThread()

    async def where() -> tuple[str, asyncio.AbstractEventLoop]:
        return threading.current_thread().name, asyncio.get_running_loop()

    async def failing() -> None:
        raise KeyError("x")

    assert not thread.is_running
    name, loop = thread.call(where())
    assert name == "fluxum client"
    assert thread.call(where())[1] is loop
    with pytest.raises(KeyError):
        thread.call(failing())
    thread.end()
    assert loop.is_closed()
    assert thread.call(where())[1] is not loop
    thread.end()
    thread.end()


def test_a_call_that_is_given_up_is_cancelled() -> None:
    thread, cancelled = LoopThread(), threading.Event()

    async def endless() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            cancelled.set()

    with pytest.raises(TimeoutError):
        thread.call(endless(), 0.01)

    assert cancelled.wait(5)
    thread.end()


def test_what_still_runs_at_the_end_is_cancelled_before_the_loop_closes() -> None:
    thread, ended = LoopThread(), list[str]()

    async def endless() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await asyncio.sleep(0)
            ended.append("cancelled")

    async def begin() -> asyncio.Task[None]:
        task = asyncio.create_task(endless())
        await asyncio.sleep(0)
        return task

    task = thread.call(begin())
    thread.end()

    assert task.done()
    assert ended == ["cancelled"]


def test_the_loops_own_thread_may_not_wait_for_itself() -> None:
    thread = LoopThread()

    async def inside() -> None:
        thread.call(asyncio.sleep(0))

    with pytest.raises(BadInput, match="may not wait for its own loop: register a plain function"):
        thread.call(inside())
    thread.end()


def test_an_answer_comes_from_the_loop_whatever_the_thread() -> None:
    thread = LoopThread()

    async def own() -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        assert answer_in(loop, running_loop) is loop
        return loop

    loop = thread.call(own())
    assert running_loop() is None
    assert answer_in(None, running_loop) is None
    assert answer_in(loop, running_loop) is loop
    with pytest.raises(ZeroDivisionError):
        answer_in(loop, lambda: 1 // 0)
    thread.end()
    assert answer_in(loop, running_loop) is None
