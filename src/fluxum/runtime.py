"""The environment of sessions: clock, random generator, links, calls and attempts.

`LiveRuntime` is this machine and its network; `sim.runtime.SimulatedRuntime` a simulated exchange,
`tape.runtime.ReplayedRuntime` a recording. The code below a runtime chooses none of these itself.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from random import Random, SystemRandom
from typing import Protocol

from msgspec import Struct, structs

from fluxum.clock import Clock, SystemClock
from fluxum.pacing import AttemptBudget, CallCounter
from fluxum.transport.call import Http
from fluxum.transport.link import Dial
from fluxum.transport.network import NameCounts, Network
from fluxum.venues.venue import Venue

__all__ = ["LiveRuntime", "Reach", "Runtime", "call_counter", "forget_counts"]

# Venues count attempts by address, so all sessions of this process share one budget a venue.
_budgets: dict[str, AttemptBudget] = {}
# They count public REST calls as well, by URL: feeds of one exchange may share it, and a simulated
# exchange has its own.
_counters: dict[str, CallCounter] = {}


def call_counter(venue: Venue) -> CallCounter:
    """A count of public REST calls, with the venue's limits of them."""
    return CallCounter(venue.limits.fetch_cost_max, venue.limits.fetch_cost_per_s)


def forget_counts() -> None:
    """Begin budgets and counts anew, as a new process does: for tests that stand for programs."""
    _budgets.clear()
    _counters.clear()


class Reach(Struct, frozen=True):
    """The connections to a venue: links and REST calls.

    `names` counts how names were resolved, where there are any.
    """

    dial: Dial
    http: Http
    names: NameCounts | None = None


class Runtime(Protocol):
    """The environment that a session needs."""

    @property
    def clock(self) -> Clock:
        """The wall clock; the event loop does the waiting."""
        ...

    @property
    def random(self) -> Random:
        """The random generator, for back-off and for names of orders."""
        ...

    def budget(self, venue: Venue) -> AttemptBudget:
        """The attempts to connect to a venue that all its sessions share."""
        ...

    def counter(self, venue: Venue, url: str) -> CallCounter:
        """The count of public REST calls to a URL of a venue that all sessions share."""
        ...

    def reach(self, venue: Venue) -> AbstractAsyncContextManager[Reach]:
        """The connections to a venue for the length of a block."""
        ...


class LiveRuntime:
    """This machine's clock, random generator and network.

    `proxy` is an HTTP proxy's URL for links and calls alike; without one the environment's
    (`HTTPS_PROXY`) is used. `network` has that option and others; `networks` are those of some
    venues, by their names.
    """

    def __init__(
        self,
        *,
        proxy: str | None = None,
        network: Network | None = None,
        networks: Mapping[str, Network] | None = None,
    ) -> None:
        self.clock: Clock = SystemClock()
        self.random: Random = SystemRandom()
        self._network = network or Network(proxy=proxy)
        self._networks = dict(networks or {})

    def network(self, venue: Venue) -> Network:
        """The options of links and calls to a venue."""
        return self._networks.get(venue.name, self._network)

    def budget(self, venue: Venue) -> AttemptBudget:
        """One for each venue and process, with the limits given last; see Runtime."""
        limit, window_s = venue.limits.attempts, venue.limits.attempt_window_s
        if venue.name in _budgets:
            _budgets[venue.name].resize(limit, window_s)
        else:
            _budgets[venue.name] = AttemptBudget(limit, window_s)
        return _budgets[venue.name]

    def counter(self, venue: Venue, url: str) -> CallCounter:
        """One for each URL and process, with the limits given last; see Runtime."""
        limits = venue.limits
        counter = _counters.setdefault(url, call_counter(venue))
        counter.resize(limits.fetch_cost_max, limits.fetch_cost_per_s)
        return counter

    @asynccontextmanager
    async def reach(self, venue: Venue) -> AsyncGenerator[Reach]:
        """Links and calls over real sockets; see Runtime.

        What makes them is imported here: it takes as long as all of Fluxum, and a simulation or a
        recording does without it.
        """
        from fluxum.transport.http import http
        from fluxum.transport.websocket import websockets

        frame_bytes_max = venue.limits.frame_bytes_max
        network = structs.replace(self.network(venue), names=NameCounts())
        async with (
            websockets(network=network, frame_bytes_max=frame_bytes_max) as dial,
            http(network=network) as calls,
        ):
            yield Reach(dial, calls, network.names)
