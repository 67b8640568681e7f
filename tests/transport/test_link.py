"""Links in memory: order, hang-ups, and readers that are cancelled."""

import asyncio

import pytest

from asyncs import run, settle
from fluxum.errors import LinkClosed
from fluxum.transport.link import Link, MemoryLink, loopback


async def everything(link: Link) -> list[bytes]:
    frames: list[bytes] = []
    try:
        while True:
            frames.append(await link.receive())
    except LinkClosed:
        return frames


def test_what_one_end_sends_the_other_receives_in_order() -> None:
    async def scenario() -> None:
        one, other = loopback()
        await one.send(b"1")
        await one.send(b"2")
        other.deliver(b"3")

        assert [await other.receive(), await other.receive()] == [b"1", b"2"]
        assert await one.receive() == b"3"

    run(scenario())


def test_a_waiting_reader_is_woken_by_each_frame_and_by_the_end() -> None:
    async def scenario() -> list[bytes]:
        one, other = loopback()
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(everything(other))
            await settle()
            one.deliver(b"1")
            one.deliver(b"2")
            await settle()
            one.deliver(b"3")
            await settle()
            one.close()
        return reader.result()

    assert run(scenario()) == [b"1", b"2", b"3"]


@pytest.mark.parametrize("closing", [0, 1])
def test_either_end_closes_both_after_what_was_sent(closing: int) -> None:
    async def scenario() -> None:
        ends = loopback()
        one, other = ends
        one.deliver(b"last")
        ends[closing].close(1013, "try again later")
        ends[1 - closing].close(1000, "too late")

        assert one.is_closed
        assert other.is_closed
        assert await other.receive() == b"last"
        for end in ends:
            with pytest.raises(LinkClosed, match="try again later") as caught:
                await end.receive()
            assert caught.value.code == 1013
            with pytest.raises(LinkClosed):
                await end.send(b"x")

    run(scenario())


def test_a_cancelled_reader_loses_nothing() -> None:
    async def scenario() -> None:
        one, other = loopback()
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(other.receive())
            await settle()
            reader.cancel()
            one.deliver(b"1")
        assert reader.cancelled()

        assert await other.receive() == b"1"

    run(scenario())


def test_a_new_link_is_open() -> None:
    one, other = loopback()

    assert not one.is_closed
    assert (one.peer, other.peer) == (other, one)
    assert isinstance(one, MemoryLink)


def test_frames_that_have_arrived_are_taken_together_in_order() -> None:
    async def story() -> None:
        one, other = loopback()
        assert other.waiting(9) == []
        for frame in (b"a", b"b", b"c", b"d"):
            await one.send(frame)
        one.close()

        assert await other.receive() == b"a"
        assert other.waiting(2) == [b"b", b"c"]
        assert other.waiting(2) == [b"d"]
        assert other.waiting(2) == []
        with pytest.raises(LinkClosed):
            await other.receive()

    run(story())
