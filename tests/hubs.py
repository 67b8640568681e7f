"""Simulated exchanges side by side in virtual time, for the tests of hubs."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from random import Random

from fluxum.model.account import Credentials
from fluxum.model.instrument import Symbol
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.faults import FaultPlan, parse_faults
from fluxum.sim.loop import SimulatedClock
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.venues.register import find_venue

__all__ = ["BTC", "KEYS", "Exchanges", "exchanges"]

BTC = Symbol("BTC/USD")
KEYS = Credentials("key", "c2VjcmV0")


class Exchanges:
    """Open simulated exchanges by name, and the runtime that reaches them."""

    def __init__(self, clock: SimulatedClock) -> None:
        self.clock = clock
        self.by_name: dict[str, SimulatedExchange] = {}
        self.runtime = SimulatedRuntime(clock=clock)

    def __getitem__(self, venue: str) -> SimulatedExchange:
        return self.by_name[venue]


@asynccontextmanager
async def exchanges(
    markets: Mapping[str, list[str]],
    *,
    faults: Mapping[str, str] = {},
    rates: Mapping[str, float] = {},
    rate_per_s: float = 10.0,
    seed: int = 7,
) -> AsyncGenerator[Exchanges]:
    """Exchanges with these symbols; `faults` and `rates` by venue."""
    world = Exchanges(SimulatedClock())
    async with AsyncExitStack() as stack:
        for number, (name, symbols) in enumerate(markets.items()):
            world.by_name[name] = await stack.enter_async_context(
                SimulatedExchange(
                    find_venue(name),
                    [Symbol(one) for one in symbols],
                    seed=seed + number,
                    clock=world.clock,
                    rate_per_s=rates.get(name, rate_per_s),
                    faults=FaultPlan(parse_faults(faults.get(name, "")), Random(seed)),
                    resolution_ns=1_000_000,
                )
            )
        if "kraken" in markets:
            money = {"USD": Decimal(100_000), "BTC": Decimal(1)}
            world["kraken"].open_account("key", "c2VjcmV0", money, tier="pro")
        world.runtime = SimulatedRuntime(*world.by_name.values(), clock=world.clock, seed=seed)
        yield world
