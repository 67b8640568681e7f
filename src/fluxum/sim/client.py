"""One client of a simulated exchange: a venue's server at one end of a link, and its faults.

Frames to the client are sent at once, unless a fault holds the link. Then they wait, in order, and
are sent together.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

from fluxum.errors import LinkClosed
from fluxum.sim.faults import Fault, FaultKind, FaultPlan
from fluxum.transport.link import MemoryLink
from fluxum.venues.server.contract import Close, Outgoing, VenueServer

__all__ = ["Connection", "endpoint_of"]

_HELD_MAX = 100_000
_HANGUP_CODE = 1006


class Connection:
    """A client's link and its server. `next_instant` returns the next instant."""

    def __init__(
        self,
        server: VenueServer,
        link: MemoryLink,
        next_instant: Callable[[], int],
        plan: FaultPlan,
        started_s: float,
    ) -> None:
        self.server = server
        self._link = link
        self._next_instant = next_instant
        self._plan = plan
        self._started_s = started_s
        self._loop = asyncio.get_running_loop()
        self._held: deque[bytes] = deque()
        self._held_until_s = 0.0
        self._release: asyncio.TimerHandle | None = None
        self._swapped: bytes | None = None

    async def serve(self) -> None:
        """Answer the client until either side hangs up."""
        try:
            while True:
                frame = await self._link.receive()
                self.send(self.server.receive(frame, self._next_instant()))
        except LinkClosed:
            pass
        finally:
            self.close()

    @property
    def is_open(self) -> bool:
        """Whether the client is still connected."""
        return not self._link.is_closed

    def send(self, frames: Sequence[Outgoing]) -> None:
        """Send frames, each through the faults that are due; hang up at a `Close`."""
        for frame in frames:
            if self._link.is_closed:
                return
            if isinstance(frame, Close):
                self.close(frame.code, frame.reason)
                return
            fault = None
            if not self._plan.is_spent:
                fault = self._plan.strike(frame, self._loop.time() - self._started_s)
            if fault is None:
                self._pass(frame)
            else:
                self._suffer(fault, frame)

    def hold(self, until_s: float) -> None:
        """Hold all frames until this time of the loop."""
        self._held_until_s = max(self._held_until_s, until_s)

    def close(self, code: int = 1000, reason: str = "closed") -> None:
        """Hang up; frames that are held are lost."""
        if self._release is not None:
            self._release.cancel()
            self._release = None
        self._held.clear()
        self._link.close(code, reason)

    def _suffer(self, fault: Fault, frame: bytes) -> None:
        match fault.kind:
            case FaultKind.DROP:
                pass
            case FaultKind.DUPLICATE:
                self._pass(frame)
                self._pass(frame)
            case FaultKind.REORDER:
                if self._swapped is None:
                    self._swapped = frame
                else:
                    self._pass(frame)
            case FaultKind.DELAY:
                self.hold(self._loop.time() + fault.duration_s)
                self._pass(frame)
            case FaultKind.CORRUPT:
                self._pass(self._plan.corrupt(frame))
            case FaultKind.CUT:
                self._pass(self._plan.cut(frame))
            case FaultKind.HANGUP:
                self.close(fault.code or _HANGUP_CODE, "the simulated exchange hung up")
            case kind:
                raise AssertionError(f"{kind} does not strike frames")

    def _pass(self, frame: bytes) -> None:
        self._write(frame)
        if self._swapped is not None and self._swapped is not frame:
            swapped, self._swapped = self._swapped, None
            self._write(swapped)

    def _write(self, frame: bytes) -> None:
        if self._held or self._held_until_s > self._loop.time():
            self._held.append(frame)
            if len(self._held) > _HELD_MAX:
                self.close(1013, "the client's link held too many frames")
            elif self._release is None:
                self._release = self._loop.call_at(self._held_until_s, self._let_go)
        else:
            self._link.deliver(frame)

    def _let_go(self) -> None:
        self._release = None
        if self._held_until_s > self._loop.time():  # held again meanwhile
            self._release = self._loop.call_at(self._held_until_s, self._let_go)
            return
        while self._held and not self._link.is_closed:
            self._link.deliver(self._held.popleft())


def endpoint_of(endpoints: Mapping[str, str], url: str) -> str:
    """The name of the endpoint of a URL.

    A known URL, else one that has the name in its path, else one with a known path, else the
    first.
    """
    for name, known in endpoints.items():
        if url == known:
            return name
    path = urlsplit(url).path.rstrip("/")
    for part in reversed(path.split("/")):
        if part in endpoints:
            return part
    for name, known in endpoints.items():
        if path and path == urlsplit(known).path.rstrip("/"):
            return name
    return next(iter(endpoints))
