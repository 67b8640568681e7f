"""Opening: entered for a block, or awaited in one task and closed in another."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from fluxum.errors import BadInput, TransportError
from fluxum.flow.background import background
from fluxum.flow.opening import Opening
from fluxum.sim.loop import run


class Resource:
    def __init__(self) -> None:
        self.is_open = True
        self.close: Callable[[], Awaitable[None]] | None = None

    def closed_by(self, close: Callable[[], Awaitable[None]]) -> None:
        self.close = close


@asynccontextmanager
async def made() -> AsyncGenerator[Resource]:
    resource = Resource()
    async with background(asyncio.sleep(100)):  # a group of tasks must end where it began
        try:
            yield resource
        finally:
            resource.is_open = False


@asynccontextmanager
async def failing() -> AsyncGenerator[Resource]:
    raise TransportError("no way in")
    yield Resource()


def test_a_block_opens_and_closes() -> None:
    async def story() -> Resource:
        async with Opening(made) as resource:
            assert resource.is_open
            return resource

    resource = run(story())

    assert not resource.is_open
    assert resource.close is None


def test_an_awaited_resource_is_closed_from_another_task() -> None:
    async def story() -> None:
        async def opens() -> Resource:
            return await Opening(made)

        async def closes(resource: Resource) -> None:
            assert resource.close is not None
            await resource.close()

        resource = await asyncio.create_task(opens())
        await asyncio.sleep(1)
        assert resource.is_open
        await asyncio.create_task(closes(resource))
        assert not resource.is_open

    run(story())


def test_what_opening_fails_with_is_raised_either_way() -> None:
    async def entered() -> None:
        async with Opening(failing):
            pass

    async def awaited() -> None:
        await Opening(failing)

    for story in (entered, awaited):
        with pytest.raises(TransportError, match="no way in"):
            run(story())


def test_an_opening_opens_once() -> None:
    async def story() -> None:
        opening = Opening(made)
        async with opening:
            pass
        with pytest.raises(BadInput, match="opened already"):
            await opening

    run(story())


def test_who_stops_waiting_leaves_nothing_open() -> None:
    @asynccontextmanager
    async def slow() -> AsyncGenerator[Resource]:
        await asyncio.sleep(50)
        yield Resource()

    async def story() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await Opening(slow)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1

    run(story())
