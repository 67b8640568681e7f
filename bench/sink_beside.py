"""What a sink and its outage cost the other readers of a session: how late events reach them.

    python bench/sink_beside.py nats redis postgres [--seconds 4] [--rounds 5] [--rate 2000]

A simulated exchange runs in a process of its own. Phases take turns, so that the load of the
machine hits all of them alike: without a sink, with one, with one whose engine is held (SIGSTOP),
and with one whose engine is killed. Printed are the times from the receipt of a frame to another
reader of the session, the medians of all rounds, and what the outbox and the process had in memory.
"""

import argparse
import asyncio
import resource
import subprocess
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median

import fluxum
from fluxum import BookUpdate, Channel, Session, Trade
from fluxum.sink.publisher import PublishPolicy, publish

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from engines import NAMES, Engine, engine

PHASES = ("no sink", "sink", "held", "killed")
SETTLED_S = 0.7


class Phase:
    """What was measured in one kind of phase."""

    def __init__(self) -> None:
        self.rounds_us: list[list[float]] = []
        self.waiting_bytes = 0

    def quantile(self, part: float) -> float:
        """The delay that so large a part does not exceed: the median of all rounds."""
        return median(sorted(one)[int(len(one) * part)] for one in self.rounds_us)


async def measure(running: Engine, options: argparse.Namespace, url: str) -> dict[str, Phase]:
    """All phases, in turn."""
    phases = {name: Phase() for name in PHASES}
    channels = [Channel.BOOK, Channel.TRADE]
    async with fluxum.connect("kraken", ["BTC/USD", "ETH/USD"], channels, endpoint=url) as session:
        await session.wait_ready(30)
        for _ in range(options.rounds):
            for name, phase in phases.items():
                await _phase(session, running, name, phase, options.seconds)
    return phases


async def _phase(
    session: Session, running: Engine, name: str, phase: Phase, seconds: float
) -> None:
    policy = PublishPolicy(close_s=10)
    async with AsyncExitStack() as stack:
        publisher = None
        if name != "no sink":
            publisher = await stack.enter_async_context(
                publish(running.url, session, policy=policy)
            )
        await asyncio.sleep(SETTLED_S)  # connected
        if name == "held":
            running.pause()
        elif name == "killed":
            await asyncio.to_thread(running.kill)
        await _read(session, phase, seconds)
        if publisher is not None:
            waiting_bytes = publisher.statistics().waiting_bytes
            phase.waiting_bytes = max(phase.waiting_bytes, waiting_bytes)
        if name == "held":
            running.go_on()
        elif name == "killed":
            await asyncio.to_thread(running.start)
    if publisher is not None:
        counts = publisher.statistics()
        assert counts.sums_close
        assert not counts.waiting, counts


async def _read(session: Session, phase: Phase, seconds: float) -> None:
    """Be another reader for so long."""
    until_s = time.monotonic() + seconds
    delays_us: list[float] = []
    phase.rounds_us.append(delays_us)
    with session.events(lambda one: isinstance(one, BookUpdate | Trade)) as events:
        async for event in events:
            delays_us.append((time.time_ns() - event.received_ns) / 1e3)
            if time.monotonic() > until_s:
                return


def main() -> None:
    """Print a table for each engine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(NAMES))
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rate", type=float, default=2_000)
    options = parser.parse_args()
    words = ["-m", "fluxum", "sim", "serve", "--port", "0", "--rate", str(options.rate)]
    with subprocess.Popen([sys.executable, *words], stderr=subprocess.PIPE, text=True) as exchange:
        assert exchange.stderr is not None
        url = next(one for one in exchange.stderr.readline().split() if one.startswith("ws://"))
        for name in options.names:
            with engine(name) as running:
                _print(name, asyncio.run(measure(running, options, url.rstrip(","))))
        exchange.terminate()


def _print(name: str, phases: dict[str, Phase]) -> None:
    base = phases["no sink"].quantile(0.99)
    for kind, phase in phases.items():
        p50, p90, p99 = map(phase.quantile, (0.5, 0.9, 0.99))
        print(
            f"{name:<9}{kind:<9}{sum(map(len, phase.rounds_us)):>8} events, p50 {p50:>5.0f} us, p90"
            f" {p90:>5.0f} us, p99 {p99:>6.0f} us ({p99 / base:.2f});"
            f" {phase.waiting_bytes / 1e6:.1f} MB waited",
            flush=True,
        )
    most_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:<9}the process had at most {most_mb:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
