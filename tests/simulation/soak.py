"""Long runs that must not grow: memory, tasks and file descriptors, sampled all the way.

`soak.py --virtual 3600 --rate 1000`: an hour of virtual time at a thousand market moves a second.
`soak.py --real 600 --rate 200`: ten real minutes over a loopback WebSocket, with faults.
The exit status is 1 when anything has grown after the warm-up.
"""

import argparse
import asyncio
import gc
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

from msgspec import Struct

from fluxum.clock import SystemClock
from fluxum.connect import connect
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.session.session import Session
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.faults import FaultPlan, parse_faults
from fluxum.sim.loop import SimulatedClock, run
from fluxum.sim.serve import serve
from fluxum.venues.register import VENUES

SYMBOLS = (Symbol("BTC/USD"), Symbol("ETH/USD"))
CHANNELS = (Channel.BOOK, Channel.TRADE)
SAMPLES = 20
# The allocator keeps what a burst needed; growth is what goes on after the warm-up.
MEMORY_SLACK = 1.05


class Sample(Struct):
    """One look at the process."""

    at_s: float
    frames: int
    resident_kib: int
    objects: int
    tasks: int
    descriptors: int


async def watch(session: Session, length_s: float) -> list[Sample]:
    """Read everything, and look at the process at even distances."""
    loop = asyncio.get_running_loop()
    samples: list[Sample] = []
    events = session.events(capacity=10_000)
    start_s = loop.time()
    for number in range(1, SAMPLES + 1):
        until_s = start_s + length_s * number / SAMPLES
        while (left_s := until_s - loop.time()) > 0:
            await asyncio.sleep(min(1.0, left_s))
            events.drain()
        statistics = session.statistics()
        assert statistics.sums_close
        gc.collect()
        samples.append(
            Sample(
                at_s=loop.time() - start_s,
                frames=statistics.frames,
                resident_kib=_resident_kib(),
                objects=len(gc.get_objects()),
                tasks=len(asyncio.all_tasks()),
                descriptors=len(list(Path("/proc/self/fd").iterdir())),
            )
        )
        print(samples[-1], flush=True)
    print(f"dropped for this reader: {events.statistics().dropped}, {session.statistics()}")
    return samples


@asynccontextmanager
async def virtual(rate: float) -> AsyncGenerator[Session]:
    clock = SimulatedClock()
    venue = VENUES["kraken"]
    async with SimulatedExchange(venue, SYMBOLS, seed=1, clock=clock, rate_per_s=rate) as box:
        async with Session(venue, dial=box.dial, clock=clock, random=Random(1)) as session:
            session.subscribe(*[Subscription(kind, one) for one in SYMBOLS for kind in CHANNELS])
            yield session


@asynccontextmanager
async def real(rate: float) -> AsyncGenerator[Session]:
    faults = parse_faults("drop=0.0002,corrupt=0.0002,hangup=0.00002")
    exchange = SimulatedExchange(
        VENUES["kraken"],
        SYMBOLS,
        seed=1,
        clock=SystemClock(),
        rate_per_s=rate,
        faults=FaultPlan(faults, Random(1)),
    )
    async with (
        exchange as box,
        serve(box) as url,
        connect("kraken", SYMBOLS, CHANNELS, endpoint=url) as session,
    ):
        yield session


def _resident_kib() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--virtual", type=float, help="virtual seconds")
    parser.add_argument("--real", type=float, help="real seconds")
    parser.add_argument("--rate", type=float, default=1000.0, help="market moves per second")
    wishes = parser.parse_args()

    async def soak() -> list[Sample]:
        world = virtual(wishes.rate) if wishes.virtual else real(wishes.rate)
        async with world as session:
            await session.wait_ready(10.0)
            return await watch(session, wishes.virtual or wishes.real)

    started = time.perf_counter()
    samples = run(soak()) if wishes.virtual else asyncio.run(soak())
    warm, last = samples[SAMPLES // 4], samples[-1]
    print(f"{last.frames} frames in {time.perf_counter() - started:.0f} s")
    print(f"after the warm-up: {warm}\nat the end:        {last}")
    has_grown = (
        last.resident_kib > warm.resident_kib * MEMORY_SLACK
        or last.tasks > warm.tasks + 2
        or last.descriptors > warm.descriptors + 2
    )
    return 1 if has_grown else 0


if __name__ == "__main__":
    sys.exit(main())
