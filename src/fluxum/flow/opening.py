"""A resource that can be entered as a block, or awaited and closed explicitly, as in a notebook."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Generic, Protocol, TypeVar

from fluxum.errors import BadInput
from fluxum.flow.background import detached

__all__ = ["Closable", "Opening"]


class Closable(Protocol):
    """A resource that the program closes explicitly if it was awaited rather than entered."""

    def closed_by(self, close: Callable[[], Awaitable[None]]) -> None:
        """Take the function that `close` will call."""
        ...


T = TypeVar("T", bound=Closable)


class Opening(Generic[T]):
    """A resource to be opened, once.

        async with opening as resource: ...      # closed when the block ends
        resource = await opening                 # closed by `await resource.close()`

    An awaited resource has its own task, so that it may be opened and closed from different
    tasks.
    """

    def __init__(self, make: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._make = make
        self._manager: AbstractAsyncContextManager[T] | None = None

    async def __aenter__(self) -> T:
        return await self._take().__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        assert self._manager is not None
        return await self._manager.__aexit__(kind, error, traceback)

    def __await__(self) -> Generator[object, None, T]:
        return self._open().__await__()

    async def _open(self) -> T:
        manager = self._take()
        opened: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        closing = asyncio.Event()
        owner = detached(_own(manager, opened, closing), name="opened by await")

        async def close() -> None:
            closing.set()
            await owner

        try:
            resource = await opened
        except asyncio.CancelledError:
            owner.cancel()
            raise
        resource.closed_by(close)
        return resource

    def _take(self) -> AbstractAsyncContextManager[T]:
        if self._manager is not None:
            raise BadInput("this was opened already: call the function again for another")
        self._manager = self._make()
        return self._manager


async def _own(
    manager: AbstractAsyncContextManager[T], opened: asyncio.Future[T], closing: asyncio.Event
) -> None:
    """Keep a resource open until it is closed; an error in opening it is raised by the await."""
    try:
        async with manager as resource:
            opened.set_result(resource)
            await closing.wait()
    except Exception as error:
        if opened.done():
            raise
        opened.set_exception(error)
