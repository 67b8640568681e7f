"""One outage of Redis, ours and cryptofeed's backend side by side.

    make bench-peers        # once: the environment with cryptofeed
    .bench-peers/bin/pip install redis
    python bench/sink_peer.py .bench-peers/bin/python

3,000 trades at 1,000 a second, `kill -9` of the server, 3,000 more, the server again, 3,000 more.
Then: how many are in Redis, how many are known to be lost, and whether anything is written any
more.
"""

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from pathlib import Path
from random import Random

import redis

from fluxum.clock import SystemClock
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side, Trade
from fluxum.session.session import Session
from fluxum.sink.outbox import OutboxPolicy
from fluxum.sink.publisher import PublishPolicy, publish
from fluxum.sink.subscriber import subscribe
from fluxum.transport.link import Link
from fluxum.venues.kraken.venue import KRAKEN

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from engines import Engine, engine

PART = 3_000


def theirs(running: Engine, python: str) -> str:
    """cryptofeed's backend."""
    program = str(Path(__file__).with_name("cryptofeed_sink_calls.py"))
    with subprocess.Popen(
        [python, program, str(running.port), str(PART)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        for act in (running.kill, running.start):
            child.stdout.readline()
            act()
            child.stdin.write("\n")
            child.stdin.flush()
        found = json.loads(child.stdout.readline())
    stored = redis.Redis(port=running.port).xlen("trades-KRAKEN-BTC-USD")
    state = f"ended: {found['error']}" if found["has_ended"] else "writes"
    return (
        f"{stored} of {3 * PART} in Redis; reported as lost: 0; in memory, without a bound: "
        f"{found['waiting']}; its writer {state}"
    )


async def ours(running: Engine, events_max: int) -> str:
    """Fluxum's publisher, with an outbox of so many events."""
    policy = PublishPolicy(outbox=OutboxPolicy(events_max=events_max))
    session = Session(KRAKEN, dial=_no_dial, clock=SystemClock(), random=Random(1))
    async with session, publish(running.url, session, policy=policy) as publisher:
        for number, act in enumerate((None, running.kill, running.start)):
            if act is not None:
                await asyncio.to_thread(act)
            for at in range(PART):
                session.publish(trade(number * PART + at))  # type: ignore[arg-type]  # any event
                if at % 10 == 9:
                    await asyncio.sleep(0.01)
        await asyncio.sleep(3)
        counts = publisher.statistics()
    async with subscribe(running.url, "*/*/trade", is_whole=True) as reader:
        async for _ in reader.stored():
            pass
        found = reader.statistics()
    return (
        f"{found.events} of {3 * PART} in Redis; reported as lost, in place: {found.dropped}; "
        f"missing: {found.missing}; in memory: {counts.waiting}, at most {events_max:,}; "
        f"its writer {'writes' if counts.is_up else counts.trouble}; "
        f"sums close: {found.sums_close and counts.sums_close}"
    )


def trade(number: int) -> Trade:
    """A trade."""
    return Trade(
        venue="kraken",
        symbol=Symbol("BTC/USD"),
        side=Side.BUY,
        price=Decimal(50_000),
        quantity=Decimal(1),
        trade_id=str(number),
        received_ns=SystemClock().now_ns(),
    )


def _no_dial(url: str, headers: Mapping[str, str] = {}, /) -> AbstractAsyncContextManager[Link]:
    raise AssertionError(url)  # a session without subscriptions dials none


def main() -> None:
    """Print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("python", help="of the environment with cryptofeed and redis")
    options = parser.parse_args()
    with engine("redis") as running:
        print("cryptofeed        ", theirs(running, options.python), flush=True)
    for events_max in (100_000, 2_000):
        with engine("redis") as running:
            print("fluxum           ", asyncio.run(ours(running, events_max)), flush=True)


if __name__ == "__main__":
    main()
