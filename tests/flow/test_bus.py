"""Buses: every reader has a pipe of its own."""

import asyncio

import pytest

from asyncs import run
from fluxum.errors import ConsumerTooSlow, LinkClosed
from fluxum.flow.bus import Bus
from fluxum.flow.pipe import Overflow, Pipe


async def rest(pipe: Pipe[int]) -> list[int]:
    return [item async for item in pipe]


def reader(bus: Bus[int], capacity: int = 9) -> Pipe[int]:
    return bus.subscribe(capacity=capacity, overflow=Overflow.DROP_OLDEST)


def test_every_reader_gets_all_it_wants_from_then_on() -> None:
    bus = Bus[int]()
    bus.put(0)
    every = reader(bus)
    even = bus.subscribe(lambda n: n % 2 == 0, capacity=9, overflow=Overflow.RAISE)
    for number in (1, 2, 3, 4):
        bus.put(number)
    bus.close()

    assert run(rest(every)) == [1, 2, 3, 4]
    assert run(rest(even)) == [2, 4]
    assert bus.published == 5


def test_items_together_are_as_one_by_one() -> None:
    bus = Bus[int]()
    every, short = reader(bus), reader(bus, capacity=2)
    even = bus.subscribe(lambda n: n % 2 == 0, capacity=9, overflow=Overflow.RAISE)
    odd = bus.subscribe(lambda n: n > 9, capacity=9, overflow=Overflow.RAISE)

    bus.put_all([1, 2, 3, 4])
    bus.close()

    assert run(rest(every)) == [1, 2, 3, 4]
    assert run(rest(short)) == [3, 4]
    assert run(rest(even)) == [2, 4]
    assert odd.statistics().offered == 0
    assert bus.published == 4


def test_a_slow_reader_harms_only_itself() -> None:
    async def scenario() -> None:
        bus = Bus[int]()
        slow = bus.subscribe(capacity=1, overflow=Overflow.RAISE)
        quick = reader(bus)
        for number in (1, 2, 3):
            bus.put(number)

        assert quick.drain() == [1, 2, 3]
        assert await anext(slow) == 1
        with pytest.raises(ConsumerTooSlow):
            await anext(slow)

    run(scenario())


def test_a_reader_that_left_is_forgotten() -> None:
    bus = Bus[int]()
    staying = reader(bus)
    with reader(bus) as leaving:
        assert list(bus.pipes) == [staying, leaving]
    bus.put(1)

    assert list(bus.pipes) == [staying]
    assert leaving.statistics().offered == 0


def test_a_reader_may_leave_while_an_item_is_published() -> None:
    bus = Bus[int]()
    first = reader(bus)
    second = reader(bus)
    first.call_when_ready(second.cancel)
    bus.put(1)

    assert list(bus.pipes) == [first]
    assert first.drain() == [1]
    assert second.drain() == []


def test_closing_ends_every_pipe_with_the_error() -> None:
    async def scenario() -> None:
        bus = Bus[int]()
        pipes = [reader(bus), reader(bus)]
        bus.put(1)
        error = LinkClosed("gone for good")
        bus.close(error)
        bus.close()

        late = reader(bus)
        assert late.is_closed
        for pipe, items in ((pipes[0], [1]), (pipes[1], [1]), (late, [])):
            assert pipe.drain() == items
            with pytest.raises(LinkClosed) as caught:
                await anext(pipe)
            assert caught.value is error

    run(scenario())


def test_what_is_published_after_the_end_counts_as_dropped() -> None:
    bus = Bus[int]()
    pipe = reader(bus)
    bus.close()
    bus.put(1)

    assert pipe.statistics().dropped == 1


def test_options_reach_the_pipe() -> None:
    bus = Bus[int]()
    latest = bus.subscribe(capacity=2, overflow=Overflow.CONFLATE, key=lambda n: n % 3)
    noticed = bus.subscribe(capacity=1, overflow=Overflow.DROP_OLDEST, notice=lambda n: -n)
    for number in (1, 2, 4):
        bus.put(number)

    assert latest.drain() == [2, 4]
    assert noticed.drain() == [-2, 4]


def test_statistics_tell_of_every_reader() -> None:
    bus = Bus[int]()
    full, roomy = reader(bus, capacity=1), reader(bus, capacity=2)
    bus.put(1)
    bus.put(2)

    seen = bus.statistics()

    assert seen.published == 2
    assert seen.pipes == (full.statistics(), roomy.statistics())
    assert [(pipe.dropped, pipe.waiting) for pipe in seen.pipes] == [(1, 1), (0, 2)]


def test_a_pipe_that_is_not_held_any_more_is_forgotten() -> None:
    bus = Bus[int]()
    kept = reader(bus, capacity=2)
    dropped = reader(bus, capacity=2)
    del dropped
    bus.put(1)

    assert bus.pipes == (kept,)
    assert kept.drain() == [1]


def test_a_loop_that_breaks_leaves_no_reader_behind() -> None:
    async def story() -> None:
        bus = Bus[int]()
        for _ in range(50):
            asyncio.get_running_loop().call_soon(bus.put, 1)
            async for _ in bus.subscribe(capacity=2, overflow=Overflow.DROP_OLDEST):
                break

        assert bus.pipes == ()
        assert not bus.is_read

    asyncio.run(story())


def test_what_a_reader_got_is_counted_after_it_has_left() -> None:
    """One cancels, one is only dropped: a loss must not vanish with its reader."""
    bus: Bus[int] = Bus()
    cancelled = bus.subscribe(capacity=2, overflow=Overflow.DROP_OLDEST)
    dropped = bus.subscribe(capacity=9, overflow=Overflow.DROP_OLDEST)
    for number in range(5):
        bus.put(number)
    assert dropped.take() == 0

    cancelled.cancel()
    cancelled.cancel()
    del dropped

    gone = bus.statistics().departed
    assert (gone.offered, gone.delivered, gone.dropped, gone.waiting) == (10, 1, 9, 0)
    assert bus.statistics().pipes == ()


def test_a_first_reader_gets_each_item_before_the_others() -> None:
    bus, seen = Bus[int](), list[str]()
    late = bus.subscribe(capacity=9, overflow=Overflow.RAISE)
    first = bus.subscribe(capacity=9, overflow=Overflow.RAISE, is_first=True)
    late.call_when_ready(lambda: seen.append("late"))
    first.call_when_ready(lambda: seen.append("first"))

    bus.put(1)

    assert seen == ["first", "late"]
