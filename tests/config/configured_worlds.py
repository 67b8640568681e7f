"""Runtimes in virtual time for tests of settings: links that are refused, hang, or say little."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from random import Random
from typing import TypeVar

from fluxum.config.config import Config, load_config
from fluxum.errors import TransportError
from fluxum.pacing import AttemptBudget, CallCounter
from fluxum.runtime import Reach, call_counter
from fluxum.sim.loop import SimulatedClock
from fluxum.transport.http import Http
from fluxum.transport.link import Dial
from fluxum.venues.venue import Venue

F = TypeVar("F")
HEARTBEAT = b'{"channel":"heartbeat"}'


def shows(*_names: str) -> "Marker":
    """The test shows that these settings take effect; a test collects the names."""
    return Marker()


class Marker:
    """Leaves a test as it is."""

    def __call__(self, test: F) -> F:
        return test


def configured(settings: Mapping[str, object]) -> Config:
    """A configuration of these settings alone."""
    texts = {name: str(value) for name, value in settings.items()}
    return load_config(environment={"XDG_CONFIG_HOME": "/nowhere"}, arguments=texts)


class Highest(Random):
    """Always the most that was allowed."""

    def uniform(self, a: float, b: float) -> float:
        return b


class Lowest(Random):
    """Always the least."""

    def uniform(self, a: float, b: float) -> float:
        return a


def now_s() -> float:
    return asyncio.get_running_loop().time()


class World:
    """A runtime with one dial and one way to make calls."""

    def __init__(self, dial: Dial, http: Http | None = None, random: Random | None = None) -> None:
        self.clock = SimulatedClock()
        self.random: Random = random or Highest()
        self._dial = dial
        self._http = http or NoCalls()

    def budget(self, venue: Venue) -> AttemptBudget:
        return AttemptBudget(venue.limits.attempts, venue.limits.attempt_window_s)

    def counter(self, venue: Venue, url: str) -> CallCounter:
        return call_counter(venue)

    @asynccontextmanager
    async def reach(self, venue: Venue) -> AsyncGenerator[Reach]:
        yield Reach(self._dial, self._http)


class NoCalls:
    """REST calls that all fail; `at_s` is when they were made."""

    def __init__(self) -> None:
        self.at_s: list[float] = []

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        self.at_s.append(now_s())
        raise TransportError("no calls here")


class Dials:
    """Dials that are recorded: when, and to which URL; all are refused."""

    def __init__(self) -> None:
        self.at_s: list[float] = []
        self.urls: list[str] = []

    @asynccontextmanager
    async def __call__(
        self, url: str, headers: Mapping[str, str] = {}, /
    ) -> AsyncGenerator["Quiet"]:
        self.at_s.append(now_s())
        self.urls.append(url)
        yield await self.link()

    async def link(self) -> "Quiet":
        raise TransportError("refused")

    def delays(self) -> list[float]:
        """The times between the dials."""
        return [after - before for before, after in zip(self.at_s, self.at_s[1:], strict=False)]


class Hanging(Dials):
    """Dials that never end."""

    async def link(self) -> "Quiet":
        await asyncio.Event().wait()
        raise AssertionError("never")


class Quiet:
    """A link on which nothing comes but a heartbeat every so often, or never."""

    def __init__(self, every_s: float | None) -> None:
        self.sent: list[tuple[float, bytes]] = []
        self._every_s = every_s

    async def send(self, frame: bytes) -> None:
        self.sent.append((now_s(), frame))

    async def receive(self) -> bytes:
        if self._every_s is None:
            await asyncio.Event().wait()
        await asyncio.sleep(self._every_s or 0.0)
        return HEARTBEAT


class QuietDials(Dials):
    """Dials of quiet links."""

    def __init__(self, every_s: float | None = 1.0) -> None:
        super().__init__()
        self.links: list[Quiet] = []
        self._every_s = every_s

    async def link(self) -> Quiet:
        self.links.append(Quiet(self._every_s))
        return self.links[-1]
