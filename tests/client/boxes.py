"""Simulated exchanges in virtual time, for tests of the client."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal

from fluxum import Credentials, MemoryOrderJournal, Symbol
from fluxum.client.client import Client
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.faults import FaultPlan
from fluxum.sim.loop import SimulatedClock
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.venues.register import find_venue

__all__ = ["BTC", "KEYS", "box", "client_of"]

BTC = Symbol("BTC/USD")
KEYS = Credentials("key", "c2VjcmV0")


@asynccontextmanager
async def box(
    *symbols: Symbol,
    venue: str = "kraken",
    rate_per_s: float = 5,
    faults: FaultPlan | None = None,
) -> AsyncGenerator[tuple[SimulatedExchange, SimulatedRuntime]]:
    """An exchange; at one with accounts there is one with a bitcoin and 100,000 dollars."""
    clock = SimulatedClock()
    room = find_venue(venue)
    markets = symbols or room.sample_symbols[:2]
    async with SimulatedExchange(
        room, markets, seed=7, clock=clock, rate_per_s=rate_per_s, faults=faults
    ) as exchange:
        if room.private is not None:
            money = {"USD": Decimal(100_000), "BTC": Decimal(1)}
            exchange.open_account(KEYS.key, KEYS.secret, money, tier=list(room.private.tiers)[-1])
        yield exchange, SimulatedRuntime(exchange, clock=clock, seed=3)


def client_of(runtime: SimulatedRuntime, venue: str = "kraken", *, slow_s: float = 1.0) -> Client:
    """A client with keys."""
    return Client(
        venue, keys=KEYS, journal=MemoryOrderJournal(), runtime=runtime, tier="pro", slow_s=slow_s
    )
