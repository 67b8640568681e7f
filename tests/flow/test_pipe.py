"""Pipes: what a full one does, how it ends, and sums that close."""

import asyncio
from collections.abc import Hashable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from asyncs import run, settle
from fluxum.errors import BadInput, ConsumerTooSlow, FluxumError, LinkClosed
from fluxum.flow.pipe import Overflow, Pipe, PipeStatistics


def lossy(capacity: int = 3) -> Pipe[str]:
    return Pipe(capacity=capacity, overflow=Overflow.DROP_OLDEST)


def lossless(capacity: int = 3) -> Pipe[str]:
    return Pipe(capacity=capacity, overflow=Overflow.RAISE)


def test_what_a_full_pipe_does_may_be_said_in_text() -> None:
    overflow: Any = "raise"
    pipe: Pipe[str] = Pipe(capacity=1, overflow=overflow)

    put(pipe, "a", "b")

    assert isinstance(pipe.error, ConsumerTooSlow)
    overflow = "drop"
    with pytest.raises(BadInput, match="overflow: one of drop_oldest, conflate, raise"):
        Pipe(capacity=1, overflow=overflow)


def test_items_offered_together_wake_a_reader_that_waits() -> None:
    async def story() -> list[str]:
        pipe = lossless()
        reader = asyncio.ensure_future(first(pipe))
        await settle()
        pipe.put_all([])
        await settle()
        assert not reader.done()
        pipe.put_all(["a", "b"])
        return [await asyncio.wait_for(reader, 1), await first(pipe)]

    assert run(story()) == ["a", "b"]


def initial(item: str) -> Hashable | None:
    """Items of one first letter supersede each other; those in capitals never."""
    return None if item.isupper() else item[0]


def conflating(capacity: int = 3) -> Pipe[str]:
    return Pipe(capacity=capacity, overflow=Overflow.CONFLATE, key=initial)


def put(pipe: Pipe[str], *items: str) -> None:
    for item in items:
        pipe.put(item)


async def first(pipe: Pipe[str]) -> str:
    return await anext(pipe)


async def rest(pipe: Pipe[str]) -> list[str]:
    return [item async for item in pipe]


def counts(pipe: Pipe[Any]) -> tuple[int, int, int, int, int]:
    """Offered, delivered, conflated, dropped, waiting."""
    seen = pipe.statistics()
    return seen.offered, seen.delivered, seen.conflated, seen.dropped, seen.waiting


# Order and end


def test_items_come_in_order_and_the_stream_ends() -> None:
    pipe = lossy()
    put(pipe, "a", "b")
    pipe.close()

    assert run(rest(pipe)) == ["a", "b"]
    assert pipe.statistics() == PipeStatistics(
        capacity=3, offered=2, delivered=2, conflated=0, dropped=0, waiting=0
    )


def test_an_ended_pipe_stays_ended() -> None:
    async def scenario() -> None:
        pipe = lossy()
        pipe.close()
        for _ in range(2):
            with pytest.raises(StopAsyncIteration):
                await anext(pipe)

    run(scenario())


def test_an_error_comes_after_what_waited() -> None:
    async def scenario() -> None:
        pipe = lossy()
        put(pipe, "a")
        error = LinkClosed("gone")
        pipe.close(error)
        assert pipe.error is error

        assert await anext(pipe) == "a"
        with pytest.raises(LinkClosed) as caught:
            await anext(pipe)
        assert caught.value is error

    run(scenario())


def test_only_the_first_close_counts() -> None:
    pipe = lossy()
    pipe.close()
    pipe.close(LinkClosed("too late"))

    assert pipe.is_closed
    assert pipe.error is None
    assert run(rest(pipe)) == []


def test_what_is_put_after_the_end_is_dropped() -> None:
    for pipe in (lossy(), lossless(), conflating()):
        pipe.close()
        put(pipe, "a", "b")

        assert run(rest(pipe)) == []
        assert counts(pipe) == (2, 0, 0, 2, 0)


def test_a_pipe_without_capacity_is_refused() -> None:
    with pytest.raises(BadInput, match="was 0"):
        lossy(0)


# Waiting


def test_a_waiting_reader_is_woken_by_an_item_and_by_the_end() -> None:
    async def scenario() -> list[str]:
        pipe = lossy()
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(rest(pipe))
            await settle()
            put(pipe, "a", "b")
            await settle()
            put(pipe, "c")
            await settle()
            pipe.close()
        return reader.result()

    assert run(scenario()) == ["a", "b", "c"]


def test_wait_tells_an_item_from_the_end() -> None:
    async def scenario() -> None:
        pipe = lossy()
        put(pipe, "a")
        pipe.close()

        assert await pipe.wait()
        assert pipe.take() == "a"
        assert not await pipe.wait()
        with pytest.raises(LookupError):
            pipe.take()

    run(scenario())


def test_a_reader_cancelled_while_waiting_loses_nothing() -> None:
    async def scenario() -> None:
        pipe = lossy()
        async with asyncio.TaskGroup() as group:
            for turn in ("a", "b", "c"):
                task = group.create_task(first(pipe))
                await settle()
                task.cancel()
                put(pipe, turn)  # between the cancellation and the reader's last turn
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert await anext(pipe) == turn
        assert counts(pipe) == (3, 3, 0, 0, 0)

    run(scenario())


def test_a_reader_cancelled_after_it_was_woken_loses_nothing() -> None:
    async def scenario() -> None:
        pipe = lossy()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(first(pipe))
            await settle()
            put(pipe, "a")
            task.cancel()
        assert task.cancelled()

        assert pipe.drain() == ["a"]

    run(scenario())


def test_a_second_reader_is_refused_and_the_first_goes_on() -> None:
    async def scenario() -> None:
        pipe = lossy()
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(first(pipe))
            await settle()
            with pytest.raises(BadInput, match="a pipe has one reader"):
                await anext(pipe)
            with pytest.raises(BadInput, match="a pipe has one reader"):
                pipe.call_when_ready(lambda: None)
            put(pipe, "a", "b")
            with pytest.raises(BadInput, match="a pipe has one reader"):
                await anext(pipe)  # the first was woken and has not had its turn yet

        assert reader.result() == "a"
        assert await anext(pipe) == "b"

    run(scenario())


def test_call_when_ready_calls_once_for_an_item_or_the_end() -> None:
    pipe = lossy()
    calls: list[int] = []
    pipe.call_when_ready(lambda: calls.append(pipe.waiting))
    put(pipe, "a", "b")
    assert calls == [1]

    pipe.call_when_ready(lambda: calls.append(pipe.waiting))
    assert calls == [1, 2]

    pipe.drain()
    pipe.call_when_ready(lambda: calls.append(-1))
    pipe.close()
    assert calls == [1, 2, -1]

    pipe.call_when_ready(lambda: calls.append(-2))
    assert calls == [1, 2, -1, -2]


# Drop the oldest


def test_a_full_pipe_drops_the_oldest() -> None:
    pipe = lossy(2)
    put(pipe, "a", "b", "c", "d")
    pipe.close()

    assert run(rest(pipe)) == ["c", "d"]
    assert counts(pipe) == (4, 2, 0, 2, 0)


def test_a_notice_tells_once_how_many_were_dropped_at_its_place() -> None:
    pipe = Pipe[str](capacity=2, overflow=Overflow.DROP_OLDEST, notice=lambda n: f"<{n} lost>")
    put(pipe, "a", "b", "c", "d")
    taken = [pipe.take(), pipe.take()]
    put(pipe, "e", "f")
    pipe.close()

    assert taken == ["<2 lost>", "c"]
    assert run(rest(pipe)) == ["<1 lost>", "e", "f"]
    assert counts(pipe) == (6, 3, 0, 3, 0)


def test_a_batch_begins_with_its_notice() -> None:
    pipe = Pipe[str](capacity=1, overflow=Overflow.DROP_OLDEST, notice=lambda n: f"<{n} lost>")
    put(pipe, "a", "b")

    assert pipe.drain() == ["<1 lost>", "b"]
    assert pipe.drain() == []


# Conflate


def test_only_the_latest_of_a_key_waits_at_the_place_of_the_newest() -> None:
    pipe = conflating()
    put(pipe, "a1", "b1", "a2")
    pipe.close()

    assert run(rest(pipe)) == ["b1", "a2"]
    assert counts(pipe) == (3, 2, 1, 0, 0)


def test_nothing_overtakes_an_item_without_a_key() -> None:
    pipe = conflating(9)
    put(pipe, "a1", "LOST", "a2", "LOST", "a3")
    pipe.close()

    assert run(rest(pipe)) == ["LOST", "LOST", "a3"]
    assert counts(pipe) == (5, 3, 2, 0, 0)


def test_too_many_keys_drop_the_oldest() -> None:
    pipe = Pipe[str](
        capacity=2, overflow=Overflow.CONFLATE, key=initial, notice=lambda n: f"<{n} lost>"
    )
    put(pipe, "a1", "b1", "a2", "c1")
    pipe.close()

    assert run(rest(pipe)) == ["<1 lost>", "a2", "c1"]
    assert counts(pipe) == (4, 2, 1, 1, 0)


def test_what_was_delivered_is_not_superseded() -> None:
    pipe = conflating()
    put(pipe, "a1")
    assert pipe.take() == "a1"
    put(pipe, "a2")

    assert pipe.take() == "a2"
    assert counts(pipe) == (2, 2, 0, 0, 0)


def test_conflating_without_a_key_is_refused() -> None:
    with pytest.raises(BadInput, match="needs a key"):
        Pipe[str](capacity=1, overflow=Overflow.CONFLATE)


# Raise


def test_a_lossless_pipe_fails_its_reader_after_what_waited() -> None:
    async def scenario() -> None:
        pipe = lossless(2)
        put(pipe, "a", "b", "c", "d")

        assert [await anext(pipe), await anext(pipe)] == ["a", "b"]
        with pytest.raises(ConsumerTooSlow, match="2 items"):
            await anext(pipe)
        put(pipe, "e")
        assert counts(pipe) == (5, 2, 0, 3, 0)

    run(scenario())


# Leaving


def test_a_reader_who_leaves_drops_what_waits_and_is_told_of_once() -> None:
    left: list[Pipe[str]] = []
    pipe = Pipe[str](capacity=3, overflow=Overflow.RAISE, on_cancel=left.append)
    with pipe:
        put(pipe, "a", "b")
        assert pipe.take() == "a"
    pipe.cancel()
    put(pipe, "c")

    assert left == [pipe]
    assert run(rest(pipe)) == []
    assert counts(pipe) == (3, 1, 0, 2, 0)


def test_cancelling_ends_a_reader_that_waits() -> None:
    async def scenario() -> list[str]:
        pipe = lossy()
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(rest(pipe))
            await settle()
            pipe.cancel()
        return reader.result()

    assert run(scenario()) == []


# Batches


def test_batches_hold_all_that_waits_at_once() -> None:
    async def scenario() -> list[list[str]]:
        pipe = lossy(9)
        batches: list[list[str]] = []

        async def read() -> None:
            async for batch in pipe.batches():
                batches.append(batch)

        async with asyncio.TaskGroup() as group:
            put(pipe, "a", "b")
            group.create_task(read())
            await settle()
            put(pipe, "c")
            await settle()
            put(pipe, "d", "e")
            pipe.close()
        assert counts(pipe) == (5, 5, 0, 0, 0)
        return batches

    assert run(scenario()) == [["a", "b"], ["c"], ["d", "e"]]


def test_batches_end_with_the_error_of_the_stream() -> None:
    async def scenario() -> None:
        pipe = lossless(1)
        put(pipe, "a", "b")
        batches = pipe.batches()

        assert await anext(batches) == ["a"]
        with pytest.raises(ConsumerTooSlow):
            await anext(batches)

    run(scenario())


# Laws


@given(st.lists(st.lists(st.integers(), max_size=5), max_size=10), st.integers(1, 4))
def test_a_reader_sees_the_same_one_by_one_or_in_batches(
    bursts: list[list[int]], capacity: int
) -> None:
    one = Pipe[int](capacity=capacity, overflow=Overflow.DROP_OLDEST, notice=lambda n: -n)
    other = Pipe[int](capacity=capacity, overflow=Overflow.DROP_OLDEST, notice=lambda n: -n)
    seen: list[int] = []
    drained: list[int] = []

    for burst in bursts:
        for item in burst:
            one.put(item)
            other.put(item)
        while one.waiting:
            seen.append(one.take())
        drained += other.drain()

    assert seen == drained


class PipeMachine(RuleBasedStateMachine):
    """A pipe against a plain list that does what the docstrings say, slowly."""

    def __init__(self) -> None:
        super().__init__()
        self.number = 0
        self.waiting: list[tuple[str, int]] = []
        self.got: list[int] = []
        self.delivered = self.conflated = self.dropped = 0
        self.ended = self.failed = False

    @initialize(overflow=st.sampled_from(Overflow), capacity=st.integers(1, 4))
    def open(self, overflow: Overflow, capacity: int) -> None:
        self.overflow, self.capacity = overflow, capacity
        self.pipe = Pipe[tuple[str, int]](
            capacity=capacity,
            overflow=overflow,
            key=lambda item: None if item[0] == "x" else item[0],
        )

    @rule(letter=st.sampled_from("abcx"))
    def put(self, letter: str) -> None:
        self.number += 1
        item = (letter, self.number)
        self.pipe.put(item)
        if self.ended:
            self.dropped += 1
            return
        if self.overflow is Overflow.CONFLATE and letter != "x":
            kept = [other for other in self.waiting if other[0] != letter]
            self.conflated += len(self.waiting) - len(kept)
            self.waiting = kept
        self.waiting.append(item)
        if len(self.waiting) > self.capacity:
            self.dropped += 1
            if self.overflow is Overflow.RAISE:
                self.waiting.pop()
                self.ended = self.failed = True
            else:
                self.waiting.pop(0)

    @precondition(lambda self: self.waiting)
    @rule()
    def take(self) -> None:
        item = self.pipe.take()
        assert item == self.waiting.pop(0)
        self.got.append(item[1])
        self.delivered += 1

    @rule()
    def drain(self) -> None:
        items = self.pipe.drain()
        assert items == self.waiting
        self.got += [number for _, number in items]
        self.delivered += len(items)
        self.waiting = []

    @rule()
    def close(self) -> None:
        self.pipe.close(None)
        self.ended = True

    @rule()
    def cancel(self) -> None:
        self.pipe.cancel()
        self.dropped += len(self.waiting)
        self.waiting = []
        self.ended = True

    @invariant()
    def the_sums_close(self) -> None:
        if self.number:
            counted = (self.number, self.delivered, self.conflated, self.dropped, len(self.waiting))
            assert counts(self.pipe) == counted
            assert counted[0] == sum(counted[1:])

    @invariant()
    def the_order_is_that_of_putting(self) -> None:
        assert self.got == sorted(self.got)

    @invariant()
    def it_ends_for_the_reason_it_should(self) -> None:
        if self.number:
            assert self.pipe.is_closed == self.ended
            error: FluxumError | None = self.pipe.error
            assert isinstance(error, ConsumerTooSlow) == self.failed


TestPipeMachine = PipeMachine.TestCase


@given(
    st.lists(st.text("ab", min_size=1, max_size=2), max_size=8),
    st.lists(st.text("ab", min_size=1, max_size=2), max_size=8),
    st.sampled_from(Overflow),
    st.booleans(),
)
def test_items_that_are_put_together_are_as_one_by_one(
    before: list[str], items: list[str], overflow: Overflow, is_closed: bool
) -> None:
    pipes = [Pipe[str](capacity=4, overflow=overflow, key=initial) for _ in range(2)]
    woken: list[int] = []
    for number, pipe in enumerate(pipes):
        if not before and not is_closed:
            pipe.call_when_ready(partial(woken.append, number))
        put(pipe, *before)
        if is_closed:
            pipe.close()

    pipes[0].put_all(items)
    put(pipes[1], *items)

    assert woken in ([], [0, 1])
    assert pipes[0].drain() == pipes[1].drain()
    assert pipes[0].statistics() == pipes[1].statistics()
    assert repr(pipes[0].error) == repr(pipes[1].error)
