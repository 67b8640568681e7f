"""Links: open, ordered channels of whole messages; and a pair of ends in memory."""

import asyncio
from collections import deque
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol, Self, runtime_checkable

from fluxum.errors import LinkClosed

__all__ = ["Batched", "Dial", "Link", "MemoryLink", "Sealed", "Stamped", "loopback"]


class Sealed(bytes):
    """A frame that contains a secret, for the wire only.

    `shown` is the same frame without the secret: recorders keep it, and `repr` shows it.
    """

    shown: bytes

    def __new__(cls, frame: bytes, shown: bytes) -> Self:
        """A frame with a secret, and the frame that may be shown."""
        sealed = super().__new__(cls, frame)
        sealed.shown = shown
        return sealed

    def __repr__(self) -> str:
        """The frame without the secret."""
        return f"Sealed({self.shown!r})"

    def __str__(self) -> str:
        """The frame without the secret."""
        return repr(self)


class Link(Protocol):
    """One open connection. Frames arrive whole and in order, as bytes."""

    async def send(self, frame: bytes) -> None:
        """Send one message; raises LinkClosed."""
        ...

    async def receive(self) -> bytes:
        """The next message; raises LinkClosed when the peer hangs up.

        It may return without giving other tasks a turn, so a caller that loops over it has to
        yield.
        """
        ...


@runtime_checkable
class Stamped(Protocol):
    """A link that reads the clock itself, so that a recording has the time of the session."""

    def received_ns(self) -> int:
        """When the last frame was received."""
        ...


@runtime_checkable
class Batched(Protocol):
    """A link that has the messages which one read of its socket brought."""

    def waiting(self, most: int) -> list[bytes]:
        """The next messages that have arrived, at most so many; it never waits and never raises."""
        ...


class Dial(Protocol):
    """Opens links."""

    def __call__(
        self, url: str, headers: Mapping[str, str] = ..., /
    ) -> AbstractAsyncContextManager[Link]:
        """A link to a URL for the length of a block; `headers` are those of the upgrade.

        Raises TransportError if the other side cannot be reached, RateLimited or VenueRefused if it
        refuses.
        """
        ...


class MemoryLink:
    """One end of a link inside the process; its peer receives what it sends."""

    def __init__(self) -> None:
        self._inbox: deque[bytes] = deque()
        self._reader: asyncio.Future[None] | None = None
        self._closed: LinkClosed | None = None
        self.peer: MemoryLink | None = None

    async def send(self, frame: bytes) -> None:
        """Hand the frame to the peer at once; raises LinkClosed after either end closed."""
        self.deliver(frame)

    def deliver(self, frame: bytes) -> None:
        """Send without waiting, which memory allows; raises LinkClosed like `send`."""
        if self._closed is not None:
            raise self._closed
        assert self.peer is not None
        self.peer._inbox.append(frame)  # noqa: SLF001 - the two ends are one object
        self.peer._wake()  # noqa: SLF001

    async def receive(self) -> bytes:
        """The next frame; frames sent before a hang-up are still received first."""
        while not self._inbox:
            if self._closed is not None:
                raise self._closed
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        return self._inbox.popleft()

    def waiting(self, most: int) -> list[bytes]:
        """The next frames that have arrived."""
        inbox = self._inbox
        return [inbox.popleft() for _ in range(min(most, len(inbox)))]

    def close(self, code: int = 1000, reason: str = "closed") -> None:
        """Close both ends; their readers get LinkClosed once their inboxes are empty."""
        for end in (self, self.peer):
            if end is not None and end._closed is None:  # noqa: SLF001
                end._closed = LinkClosed(reason, code)  # noqa: SLF001
                end._wake()  # noqa: SLF001

    @property
    def is_closed(self) -> bool:
        """Whether this end can send no more."""
        return self._closed is not None

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


def loopback() -> tuple[MemoryLink, MemoryLink]:
    """Two ends of one link, in memory."""
    one, other = MemoryLink(), MemoryLink()
    one.peer, other.peer = other, one
    return one, other
