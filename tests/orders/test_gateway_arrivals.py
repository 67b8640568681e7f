"""News of orders are taken in the step that publishes them; all else waits for its task."""

import asyncio

import pytest

from fluxum.errors import ConsumerTooSlow, TransportError
from fluxum.flow.pipe import Overflow, Pipe
from fluxum.model.event import Event, LinkLost
from fluxum.model.order import Accepted
from fluxum.orders.gateway import Arrivals
from fluxum.sim.loop import run


def pipe(capacity: int = 100) -> Pipe[Event]:
    return Pipe(capacity=capacity, overflow=Overflow.RAISE)


def answer(number: int) -> Accepted:
    return Accepted(venue="v", command_id=number, received_ns=1)


LOST = LinkLost(venue="v", link="l", reason="gone", received_ns=1)


def test_an_answer_is_taken_in_the_step_that_publishes_it() -> None:
    async def scenario() -> list[Event]:
        events, taken = pipe(), list[Event]()
        reading = asyncio.ensure_future(Arrivals(events, taken.append).run())
        await asyncio.sleep(0)

        events.put(answer(1))
        events.put(answer(2))
        at_once = list(taken)

        events.close()
        await reading
        return at_once

    assert run(scenario()) == [answer(1), answer(2)]


def test_other_events_wait_for_the_task_and_nothing_overtakes_them() -> None:
    async def scenario() -> tuple[list[Event], list[Event]]:
        events, taken = pipe(), list[Event]()
        reading = asyncio.ensure_future(Arrivals(events, taken.append).run())
        await asyncio.sleep(0)

        for event in (answer(1), LOST, answer(2), answer(3)):
            events.put(event)
        at_once = list(taken)
        await asyncio.sleep(1)
        events.put(answer(4))
        events.close()
        await reading
        return at_once, taken

    at_once, taken = run(scenario())

    assert at_once == [answer(1)]
    assert taken == [answer(1), LOST, answer(2), answer(3), answer(4)]


def test_what_waits_when_it_begins_is_taken_and_then_the_end() -> None:
    async def scenario() -> list[Event]:
        events, taken = pipe(), list[Event]()
        for event in (answer(1), LOST, answer(2)):
            events.put(event)
        events.close()
        await Arrivals(events, taken.append).run()
        return taken

    assert run(scenario()) == [answer(1), LOST, answer(2)]


def test_an_error_of_the_desk_ends_the_reading_and_not_the_publishing() -> None:
    async def scenario() -> None:
        events = pipe()

        def fail(event: Event) -> None:
            raise TransportError(f"{event}")

        reading = asyncio.ensure_future(Arrivals(events, fail).run())
        await asyncio.sleep(0)
        events.put(answer(1))
        events.put(answer(2))
        await reading

    with pytest.raises(TransportError, match="command_id=1"):
        run(scenario())


def test_the_error_of_the_stream_is_raised() -> None:
    async def scenario() -> None:
        events = pipe(capacity=1)
        events.put(LOST)
        events.put(LOST)
        await Arrivals(events, lambda _: None).run()

    with pytest.raises(ConsumerTooSlow):
        run(scenario())


def test_nothing_is_taken_after_a_cancel_and_the_pipe_is_given_back() -> None:
    async def scenario() -> tuple[list[Event], int]:
        events, taken = pipe(), list[Event]()
        reading = asyncio.ensure_future(Arrivals(events, taken.append).run())
        await asyncio.sleep(0)
        reading.cancel()
        events.put(answer(1))
        await asyncio.wait([reading])
        events.put(answer(2))
        return taken, events.statistics().dropped

    assert run(scenario()) == ([], 2)


def test_what_an_event_leaves_to_be_done_waits_for_the_task_and_holds_up_no_other() -> None:
    async def scenario() -> tuple[list[str], list[str]]:
        events, done = pipe(), list[str]()

        def take(event: Event) -> bool:
            assert isinstance(event, Accepted)
            done.append(f"took {event.command_id}")
            return True

        reading = asyncio.ensure_future(Arrivals(events, take, lambda: done.append("rest")).run())
        await asyncio.sleep(0)
        events.put(answer(1))
        events.put(answer(2))
        at_once = list(done)
        await asyncio.sleep(1)
        events.put(answer(3))
        await asyncio.sleep(1)
        events.close()
        await reading
        return at_once, done

    at_once, done = run(scenario())

    assert at_once == ["took 1", "took 2"]
    assert done == ["took 1", "took 2", "rest", "took 3", "rest", "rest"]


def test_an_error_behind_what_is_left_to_be_done_ends_the_reading_as_well() -> None:
    async def scenario() -> None:
        events = pipe()

        def take(event: Event) -> bool:
            if event == answer(2):
                raise TransportError("the second")
            return True

        reading = asyncio.ensure_future(Arrivals(events, take).run())
        await asyncio.sleep(0)
        events.put(answer(1))
        events.put(answer(2))
        await reading

    with pytest.raises(TransportError, match="the second"):
        run(scenario())
