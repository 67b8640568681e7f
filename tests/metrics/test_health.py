"""Alive, and ready: with the reasons if not."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from random import Random

import fluxum
from fluxum import Session, State
from fluxum.metrics import health, readiness
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.faults import FaultPlan, parse_faults
from fluxum.sim.loop import SimulatedClock, run
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.venues.register import find_venue


@asynccontextmanager
async def session(faults: str = "", *symbols: str) -> AsyncGenerator[Session]:
    clock = SimulatedClock()
    plan = FaultPlan(parse_faults(faults), Random(7))
    venue = find_venue("kraken")
    async with SimulatedExchange(
        venue, venue.sample_symbols[:1], seed=7, clock=clock, rate_per_s=20, faults=plan
    ) as exchange:
        runtime = SimulatedRuntime(exchange, clock=clock)
        async with fluxum.connect("kraken", symbols, runtime=runtime) as one:
            await asyncio.sleep(5)
            yield one


def test_what_is_missing_is_named_until_it_is_there() -> None:
    async def story() -> None:
        async with session("corrupt@6s", "BTC/USD") as one:
            assert readiness([one]).ready
            async for event in one.events():
                if isinstance(event, fluxum.Desync):
                    break

            (missing,) = readiness([one]).missing
            await asyncio.sleep(5)

            assert missing.startswith("kraken book BTC/USD")
            assert readiness([one]).ready
            assert health([one]).healthy

    run(story())


def test_without_a_session_or_a_subscription_nothing_is_ready() -> None:
    async def story() -> None:
        async with session() as one:
            assert readiness([one]).missing == ("kraken: disconnected, nothing is subscribed",)
            assert readiness([]).missing == ("no session is open",)
            assert health([one]).healthy

    run(story())


def test_a_session_that_has_failed_is_a_problem() -> None:
    """A dial that is refused with 403 is refused for good."""

    async def story() -> None:
        async with session("refuse:403@0s+900s", "BTC/USD") as one:
            assert one.state is State.FAILED
            (problem,) = health([one]).problems
            assert problem.startswith("kraken: the session has failed: ")
            assert "403" in problem
            assert not readiness([one]).ready

    run(story())


def test_open_sums_and_a_loop_that_hangs_are_problems() -> None:
    async def story() -> None:
        async with session("", "BTC/USD") as one:
            one._processor.counts.own += 1

            found = health([one], loop_lag_s=5.1)

            assert found.problems == (
                "kraken: sums do not close",
                "the event loop was late by 5.1 s",
            )

    run(story())
