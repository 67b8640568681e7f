"""A runtime without a network: simulated exchanges in memory, for tests, demos and back-tests."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from random import Random

from fluxum.clock import Clock
from fluxum.errors import BadInput
from fluxum.pacing import AttemptBudget, CallCounter
from fluxum.runtime import Reach, call_counter
from fluxum.sim.exchange import SimulatedExchange
from fluxum.venues.venue import Venue

__all__ = ["SimulatedRuntime"]


class SimulatedRuntime:
    """Open exchanges of this process; see Runtime.

    In virtual time `clock` is the `SimulatedClock` that the exchanges were made with, and the
    program runs in a `SimulatedLoop`. The same seed gives the same random choices.
    """

    def __init__(self, *exchanges: SimulatedExchange, clock: Clock, seed: int = 0) -> None:
        self.clock: Clock = clock
        self.random: Random = Random(seed)  # noqa: S311 - a simulation must be repeatable
        self._exchanges = {one.venue.name: one for one in exchanges}
        self._budgets: dict[str, AttemptBudget] = {}
        self._counters: dict[str, CallCounter] = {}

    def budget(self, venue: Venue) -> AttemptBudget:
        """One for each venue and runtime; see Runtime."""
        limits = venue.limits
        return self._budgets.setdefault(
            venue.name, AttemptBudget(limits.attempts, limits.attempt_window_s)
        )

    def counter(self, venue: Venue, url: str) -> CallCounter:
        """One for each URL and runtime; see Runtime."""
        return self._counters.setdefault(url, call_counter(venue))

    @asynccontextmanager
    async def reach(self, venue: Venue) -> AsyncGenerator[Reach]:
        """Links and calls in memory; raises BadInput if no such exchange is simulated."""
        if venue.name not in self._exchanges:
            known = ", ".join(self._exchanges) or "none"
            raise BadInput(f"no simulated {venue.name} is open; open: {known}")
        exchange = self._exchanges[venue.name]
        yield Reach(exchange.dial, exchange)
