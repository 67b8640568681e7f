"""Outages of real message engines, in real time: no event may be lost without being told.

    PYTHONPATH=tests python tests/simulation/sink_outages.py nats redis postgres --times 20

A simulated exchange publishes 2,000 events a second through a session and a publisher to an engine
that is killed (`kill -9`, down for 3 s), held (SIGSTOP, 10 s), restarted, or has a full disk (as
root: a small file system of its own), while a reader follows. At the end the publisher's sums and
the reader's must close, nothing may be repeated or missing, its books must equal the publisher's,
and the other reader of the session must not have been slowed. Prints a line a trial; exit status 1
if one failed.
"""

import argparse
import asyncio
import resource
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from msgspec import Struct

from engines import NAMES, Engine, engine
from fluxum.clock import SystemClock
from fluxum.flow.background import background
from fluxum.model.event import Channel, State, Subscription
from fluxum.model.market import BookSnapshot, BookUpdate, Trade
from fluxum.session.session import Session
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sink.outbox import OutboxPolicy
from fluxum.sink.publisher import PublisherStatistics, PublishPolicy, publish
from fluxum.sink.subscriber import Subscriber, subscribe
from fluxum.venues.kraken.venue import KRAKEN

__all__ = ["OUTAGES", "Trial", "trial"]

SYMBOLS = KRAKEN.sample_symbols[:2]
DISK_BYTES = 250_000_000
Outage = Callable[[Engine], Awaitable[None]]


class Trial(Struct, kw_only=True):
    """What came out of one outage."""

    engine: str
    outage: str
    offered: int
    dropped: int
    read: int
    missing: int
    repeats: int
    failures: int
    quiet_p99_ms: float
    outage_p99_ms: float
    faults: list[str]

    def __str__(self) -> str:
        """A line of the report."""
        return (
            f"{self.engine:<9}{self.outage:<9}{self.offered:>7} offered = {self.read} read + "
            f"{self.dropped} dropped; {self.missing} missing, {self.repeats} repeats skipped, "
            f"{self.failures} writes failed; p99 {self.quiet_p99_ms:.1f} ms before, "
            f"{self.outage_p99_ms:.1f} ms meanwhile: {'; '.join(self.faults) or 'closed'}"
        )


async def kill(running: Engine) -> None:
    """Killed, and down for three seconds."""
    await asyncio.to_thread(running.kill)
    await asyncio.sleep(3)
    await asyncio.to_thread(running.start)


async def pause(running: Engine) -> None:
    """There, and without an answer for ten seconds."""
    running.pause()
    await asyncio.sleep(10)
    running.go_on()


async def restart(running: Engine) -> None:
    """Killed and begun again at once."""
    await asyncio.to_thread(running.kill)
    await asyncio.to_thread(running.start)


async def fill(running: Engine) -> None:
    """No space left for six seconds; the engine is begun again if that ended it."""
    filler = running.folder / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(100_000))
    await asyncio.sleep(6)
    filler.unlink()
    if not running.is_alive:
        await asyncio.to_thread(running.start)
    elif running.name == "nats":  # JetStream goes back to work by a restart only
        await restart(running)


OUTAGES: dict[str, Outage] = {"kill": kill, "pause": pause, "restart": restart, "disk": fill}


async def trial(
    running: Engine,
    outage: str,
    *,
    rate: float = 2_000,
    quiet_s: float = 3,
    after_s: float = 4,
    events_max: int = 100_000,
) -> Trial:
    """One outage, in the middle of a stream of events."""
    policy = PublishPolicy(outbox=OutboxPolicy(events_max=events_max), close_s=30)
    delays: list[float] = []
    async with _session(rate) as session, subscribe(running.url, is_whole=True) as reader:
        async with background(_measure(session, delays), _read(reader)):
            async with publish(running.url, session, policy=policy) as publisher:
                await session.wait_ready(10)
                await asyncio.sleep(quiet_s)
                quiet, meanwhile = len(delays), 0
                await OUTAGES[outage](running)
                meanwhile = len(delays)
                await asyncio.sleep(after_s)
                faults = [] if session.state is State.READY else [f"session {session.state.value}"]
                books = {one: session.book(one).snapshot() for one in SYMBOLS}
                for one in SYMBOLS:
                    session.unsubscribe(Subscription(Channel.BOOK, one))
                    session.unsubscribe(Subscription(Channel.TRADE, one))
            counts = publisher.statistics()
            await asyncio.sleep(2)
    async with subscribe(running.url, is_whole=True) as whole:
        kinds = [type(event) async for event in whole.stored(2.0)]
        found = whole.statistics()
    faults += _faults(counts, reader, whole)
    data = sum(kind in {BookUpdate, BookSnapshot, Trade} for kind in kinds)
    faults += [] if data else ["no data"]
    faults += [f"no book of {one}" for one in SYMBOLS if not books[one].bids]
    return Trial(
        engine=running.name,
        outage=outage,
        offered=counts.offered,
        dropped=counts.dropped,
        read=found.events,
        missing=found.missing,
        repeats=found.repeats,
        failures=counts.failures,
        quiet_p99_ms=_p99(delays[:quiet]),
        outage_p99_ms=_p99(delays[quiet:meanwhile]),
        faults=faults,
    )


def _faults(counts: PublisherStatistics, live: Subscriber, whole: Subscriber) -> list[str]:
    faults: list[str] = []
    if not counts.sums_close or counts.waiting:
        faults.append(f"{counts.waiting} waiting")
    for name, reader in (("live", live), ("whole", whole)):
        found = reader.statistics()
        if not found.sums_close:
            faults.append(f"{name}: sums do not close")
        if found.missing or found.checkpoints_failed:
            faults.append(f"{name}: {found.missing} missing, {found.checkpoints_failed} unlike")
        if found.events + counts.dropped != counts.offered:
            faults.append(f"{name}: {found.events} of {counts.offered}")
        if found.dropped != counts.dropped:
            faults.append(f"{name}: {found.dropped} told of {counts.dropped} dropped")
    return faults


@asynccontextmanager
async def _session(rate: float) -> AsyncGenerator[Session]:
    clock = SystemClock()
    exchange = SimulatedExchange(KRAKEN, SYMBOLS, seed=1, clock=clock, rate_per_s=rate)
    async with exchange:
        session = Session(KRAKEN, dial=exchange.dial, clock=clock, random=Random(1), http=exchange)
        async with session:
            for channel in (Channel.BOOK, Channel.TRADE):
                session.subscribe(*(Subscription(channel, one) for one in SYMBOLS))
            yield session


async def _measure(session: Session, delays: list[float]) -> None:
    """How long after its receipt another reader has an event, in milliseconds."""
    async for event in session.events(lambda one: isinstance(one, BookUpdate | Trade)):
        delays.append((time.time_ns() - event.received_ns) / 1e6)


async def _read(subscriber: Subscriber) -> None:
    async for _ in subscriber:
        pass


def _p99(delays: list[float]) -> float:
    return sorted(delays)[int(len(delays) * 0.99)] if delays else 0.0


@contextmanager
def small_disk() -> Generator[Path]:
    """A file system of some megabytes, in memory; only root can make one."""
    with TemporaryDirectory(prefix="fluxum-") as folder:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", folder], check=True
        )
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


def main() -> int:
    """Run trials and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(NAMES))
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--outage", action="append", choices=list(OUTAGES))
    parser.add_argument("--events-max", type=int, default=100_000)
    options = parser.parse_args()
    failed = 0
    for name in options.names:
        for outage in options.outage or OUTAGES:
            for _ in range(options.times):
                with engine(name, small_disk if outage == "disk" else None) as running:
                    done = asyncio.run(trial(running, outage, events_max=options.events_max))
                failed += bool(done.faults)
                print(done, flush=True)
    most_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{failed} failed; the most memory of this process was {most_mb:.0f} MB")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
