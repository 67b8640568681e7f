"""Merging: fair by arrival, exact by time, with a definite end."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncs import run, settle
from fluxum.errors import BadInput, LinkClosed
from fluxum.flow.bus import Bus
from fluxum.flow.merge import Merged, merge, merge_by_time
from fluxum.flow.pipe import Overflow, Pipe


def pipes(count: int, capacity: int = 100) -> list[Pipe[str]]:
    return [Pipe(capacity=capacity, overflow=Overflow.DROP_OLDEST) for _ in range(count)]


def put(pipe: Pipe[str], *items: str) -> None:
    for item in items:
        pipe.put(item)


async def rest(merged: Merged[str]) -> list[str]:
    return [item async for item in merged]


def test_items_come_in_the_order_of_their_arrival() -> None:
    async def scenario() -> list[str]:
        one, other = pipes(2)
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(rest(merge(one, other)))
            await settle()
            for pipe, item in ((other, "1"), (one, "2"), (other, "3"), (one, "4")):
                put(pipe, item)
                await settle()
            one.close()
            await settle()
            assert not reader.done()
            put(other, "5")
            other.close()
        return reader.result()

    assert run(scenario()) == ["1", "2", "3", "4", "5"]


def test_pipes_that_are_behind_take_turns() -> None:
    one, other = pipes(2)
    merged = merge(one, other)
    put(one, "a1", "a2", "a3", "a4")
    put(other, "b1", "b2")
    one.close()
    other.close()

    assert run(rest(merged)) == ["a1", "b1", "a2", "b2", "a3", "a4"]


def test_what_waited_before_the_merge_is_merged() -> None:
    one, other = pipes(2)
    put(one, "a")
    put(other, "b")
    other.close()
    merged = merge(one, other)
    one.close()

    assert run(rest(merged)) == ["a", "b"]


def test_nothing_to_merge_ends_at_once() -> None:
    assert run(rest(merge())) == []


def test_an_error_comes_after_what_waited_in_the_others() -> None:
    async def scenario() -> None:
        one, failing, third = pipes(3)
        merged = merge(one, failing, third)
        put(one, "a1", "a2", "a3")
        put(failing, "f1")
        put(third, "c1", "c2")
        error = LinkClosed("gone")
        failing.close(error)

        seen = [await anext(merged) for _ in range(4)]
        assert seen == ["a1", "f1", "c1", "a2"]
        assert await anext(merged) == "a3"
        put(one, "too late")
        assert await anext(merged) == "c2"
        for _ in range(2):
            with pytest.raises(LinkClosed) as caught:
                await anext(merged)
            assert caught.value is error
        assert one.drain() == ["too late"]

    run(scenario())


def test_a_reader_cancelled_while_waiting_loses_nothing() -> None:
    async def first(merged: Merged[str]) -> str:
        return await anext(merged)

    async def scenario() -> None:
        one, other = pipes(2)
        merged = merge(one, other)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(first(merged))
            await settle()
            with pytest.raises(BadInput, match="one reader"):
                await anext(merged)
            put(other, "a")
            task.cancel()
            put(one, "b")
        assert task.cancelled()

        one.close()
        other.close()
        assert await rest(merged) == ["a", "b"]

    run(scenario())


def test_what_another_reader_takes_is_not_missed() -> None:
    async def scenario() -> None:
        one, other = pipes(2)
        merged = merge(one, other)
        put(one, "a")
        assert one.drain() == ["a"]
        put(other, "b")
        assert await anext(merged) == "b"
        put(one, "c")
        assert await anext(merged) == "c"

    run(scenario())


def test_leaving_cancels_every_pipe() -> None:
    one, other = pipes(2)
    with merge(one, other) as merged:
        put(one, "a")

    assert one.is_closed
    assert other.is_closed
    assert run(rest(merged)) == []
    assert one.statistics().dropped == 1


def test_a_pipe_is_merged_once() -> None:
    (pipe,) = pipes(1)

    with pytest.raises(BadInput, match="given twice"):
        merge(pipe, pipe)


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=40))
def test_each_pipe_keeps_its_order_and_nothing_is_lost(steps: list[tuple[int, bool]]) -> None:
    async def scenario() -> None:
        sources = pipes(4)
        merged = merge(*sources)
        put_in: list[list[str]] = [[], [], [], []]
        seen: list[str] = []
        for number, (index, reads) in enumerate(steps):
            item = f"{index}:{number}"
            put_in[index].append(item)
            put(sources[index], item)
            if reads:
                seen.append(await anext(merged))
        for source in sources:
            source.close()
        seen += await rest(merged)

        for index, items in enumerate(put_in):
            assert [item for item in seen if item.startswith(f"{index}:")] == items
        assert len(seen) == len(steps)

    run(scenario())


def test_by_time_is_sorted_and_ties_keep_the_order_of_the_arguments() -> None:
    one = [(1, "a"), (3, "a"), (3, "b")]
    other = [(0, "z"), (3, "z"), (4, "z")]

    merged = merge_by_time(one, other, key=lambda item: item[0])

    assert list(merged) == [(0, "z"), (1, "a"), (3, "a"), (3, "b"), (3, "z"), (4, "z")]


def test_a_pipe_can_be_added_while_the_merge_is_read() -> None:
    async def scenario() -> list[str]:
        one, other = pipes(2)
        merged = merge(one)
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(rest(merged))
            await settle()
            merged.add(other)
            put(other, "b")
            await settle()
            put(one, "a")
            one.close()
            other.close()
        return reader.result()

    assert run(scenario()) == ["b", "a"]


def test_the_same_pipe_is_added_once() -> None:
    one, other = pipes(2)
    merged = merge(one)
    merged.add(other)

    with pytest.raises(BadInput, match="given twice"):
        merged.add(other)


def test_with_a_reader_of_failures_the_other_pipes_go_on() -> None:
    async def scenario() -> None:
        failed: list[object] = []
        one, failing = pipes(2)
        merged = Merged([one, failing], failed.append)
        error = LinkClosed("gone")
        put(failing, "f1")
        failing.close(error)
        put(one, "a1")

        assert [await anext(merged) for _ in range(2)] == ["f1", "a1"]
        put(one, "a2")
        assert await anext(merged) == "a2"
        assert failed == [error]
        one.close()
        assert await rest(merged) == []

    run(scenario())


def test_all_that_waits_can_be_taken_at_once() -> None:
    async def scenario() -> None:
        one, other = pipes(2)
        merged = merge(one, other)
        put(one, "a1", "a2")
        put(other, "b1")

        assert merged.waiting == 3
        assert merged.drain() == ["a1", "a2", "b1"]
        assert merged.waiting == 0
        put(other, "b2")
        assert await anext(merged) == "b2"

    run(scenario())


def test_one_of_thirty_two_items_is_shown_when_the_reader_gets_it() -> None:
    async def scenario() -> None:
        shown: list[str] = []
        (one,) = pipes(1, capacity=1000)
        merged = Merged([one], look=shown.append)
        put(one, *(str(number) for number in range(100)))

        for _ in range(70):
            await anext(merged)
        assert shown == ["0", "32", "64"]
        assert len(merged.drain()) == 30
        assert shown == ["0", "32", "64", "99"]

    run(scenario())


def test_a_dropped_merge_drops_its_pipes() -> None:
    bus: Bus[str] = Bus()
    merged = merge(bus.subscribe(capacity=1, overflow=Overflow.DROP_OLDEST))
    assert len(bus.pipes) == 1

    del merged

    assert not bus.pipes
