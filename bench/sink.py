"""Streams out: what an event costs from a session's bus to a real engine's acknowledgement.

    python bench/sink.py nats redis postgres      needs the engines of the development requirements

Ten markets' trades and book updates of three levels, made beforehand, are published on the bus of a
session without links, as fast as the engine takes them. Every event is routed, encoded, numbered,
batched, written and acknowledged. CPU is of this process, the engine's is not in it; the rate is by
that CPU (one core), and by the clock of a machine on which the engine shares the cores. The reader
has its own line: from the engine to the last event, books followed and proved.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from pathlib import Path
from random import Random

from msgspec import Struct

from fluxum.clock import SystemClock
from fluxum.model.event import Event
from fluxum.model.instrument import Symbol
from fluxum.model.levels import Level
from fluxum.model.market import BookSnapshot, BookUpdate, Side, Trade
from fluxum.session.session import Session
from fluxum.sink.publisher import PublishPolicy, publish
from fluxum.sink.subscriber import subscribe
from fluxum.transport.link import Link
from fluxum.venues.okx.venue import OKX

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from engines import NAMES, Engine, engine

MARKETS = [Symbol(f"COIN{number}/USD") for number in range(10)]
CHUNK = 500
IN_FLIGHT = 20_000


class Cost(Struct):
    """CPU and time of some events."""

    name: str
    events: int
    cpu_s: float
    wall_s: float

    def __str__(self) -> str:
        """A line of the table."""
        cpu_us = self.cpu_s / self.events * 1e6
        return (
            f"{self.name:<22}{self.events:>9}{cpu_us:>10.2f}{self.events / self.cpu_s:>14,.0f}"
            f"{self.events / self.wall_s:>14,.0f}"
        )


def make_events(count: int, seed: int = 1) -> list[Event]:
    """Snapshots, then trades and updates with a sequence number, over ten markets."""
    random = Random(seed)
    events: list[Event] = [
        BookSnapshot(
            venue="okx",
            symbol=market,
            bids=tuple(level(random, 45_000 - at) for at in range(10)),
            asks=tuple(level(random, 45_001 + at) for at in range(10)),
            received_ns=1,
            sequence=1,
        )
        for market in MARKETS
    ]
    for number in range(count - len(events)):
        market, now_ns = random.choice(MARKETS), 1_795_636_966_734_432_000 + number
        if number % 2:
            events.append(
                Trade(
                    venue="okx",
                    symbol=market,
                    side=Side.BUY,
                    price=Decimal("45000.10"),
                    quantity=Decimal(random.randrange(1, 10**9)).scaleb(-8),
                    trade_id=str(number),
                    venue_ns=now_ns,
                    received_ns=now_ns,
                )
            )
        else:
            bids = tuple(level(random, 45_000 - random.randrange(10)) for _ in range(3))
            events.append(BookUpdate("okx", market, bids, (), now_ns, now_ns, None, number + 2))
    return events


def level(random: Random, price: int) -> Level:
    """A level with a quantity that does not recur."""
    return Level(Decimal(price) / 10, Decimal(random.randrange(1, 10**9)).scaleb(-8))


async def write(url: str, events: Sequence[Event], name: str) -> Cost:
    """Publish all, and wait until the engine has acknowledged them."""
    session = Session(OKX, dial=_no_dial, clock=SystemClock(), random=Random(1))
    async with session, publish(url, session, policy=PublishPolicy(close_s=60)) as publisher:
        await asyncio.sleep(0.5)  # connected
        begun_s, cpu_s = time.perf_counter(), time.process_time()
        for at in range(0, len(events), CHUNK):
            for event in events[at : at + CHUNK]:
                session.publish(event)  # type: ignore[arg-type]  # the bus takes any
            await asyncio.sleep(0)
            published = at + CHUNK
            while published - publisher.statistics().acknowledged > IN_FLIGHT:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        while publisher.statistics().acknowledged < len(events):  # noqa: ASYNC110 - a count
            await asyncio.sleep(0.01)
        cost = Cost(
            f"{name}: write",
            len(events),
            time.process_time() - cpu_s,
            time.perf_counter() - begun_s,
        )
        found = publisher.statistics()
        assert found.sums_close
        assert not found.dropped, found
        print(f"  {len(events) / found.written:.0f} events a batch", file=sys.stderr)
    return cost


async def read(url: str, count: int, name: str) -> Cost:
    """Read all that was published."""
    begun_s, cpu_s = time.perf_counter(), time.process_time()
    async with subscribe(url, is_whole=True) as subscriber:
        left = count
        async for _ in subscriber:
            left -= 1
            if not left:
                break
        cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - begun_s
        assert subscriber.statistics().sums_close
        assert not subscriber.statistics().missing
    return Cost(f"{name}: read", count, cpu_s, wall_s)


def measure(running: Engine, events: Sequence[Event]) -> list[Cost]:
    """The costs of one engine."""
    write_cost = asyncio.run(write(running.url, events, running.name))
    return [write_cost, asyncio.run(read(running.url, len(events), running.name))]


def _no_dial(url: str, headers: Mapping[str, str] = {}, /) -> AbstractAsyncContextManager[Link]:
    raise AssertionError(url)  # a session without subscriptions dials none


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(NAMES))
    parser.add_argument("--events", type=int, default=200_000)
    options = parser.parse_args()
    events = make_events(options.events)
    print(f"{'':<22}{'events':>9}{'CPU us':>10}{'events/s CPU':>14}{'events/s':>14}")
    for name in options.names:
        with engine(name) as running:
            for cost in measure(running, events):
                print(cost, flush=True)


if __name__ == "__main__":
    main()
