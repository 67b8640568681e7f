"""A hub over loopback: six simulated venues in another process, sixty subscriptions.

Prints, every few seconds and at the end: messages (frames) and events a second, how long frames
take by hop (p50, p99, p99.9), the CPU of this process and of the venues', and this one's memory.
The exit status is 1 if a sum does not close, or if an event was lost that no reader dropped.
`bench/hub.py --seconds 300 --rate 1000` is the long one; with `--serve` it is the venues.
"""

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

import fluxum
from fluxum.clock import SystemClock
from fluxum.model.event import Gap
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.serve import serve
from fluxum.venues.register import find_venue

VENUES = {
    "kraken": "USD",
    "binance": "USDT",
    "bybit": "USDT",
    "coinbase": "USD",
    "gemini": "USD",
    "okx": "USDT",
}
BASES = ("BTC", "ETH", "SOL", "XRP", "ADA")
CHANNELS = ("book", "trade")
HOPS = ("exchange", "decoded", "applied", "published", "delivered")


def markets() -> dict[str, list[str]]:
    return {venue: [f"{base}/{quote}" for base in BASES] for venue, quote in VENUES.items()}


async def serve_all(rate: float) -> None:
    """Serve every venue until stdin ends."""
    async with AsyncExitStack() as stack:
        urls: dict[str, str] = {}
        for number, (venue, symbols) in enumerate(markets().items()):
            exchange = SimulatedExchange(
                find_venue(venue),
                [fluxum.Symbol(one) for one in symbols],
                seed=number,
                clock=SystemClock(),
                rate_per_s=rate,
                resolution_ns=1_000_000,
            )
            urls[venue] = await stack.enter_async_context(
                serve(await stack.enter_async_context(exchange))
            )
        print(json.dumps(urls), flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def read_all(urls: dict[str, str], pid: int, seconds: float) -> bool:
    """Read everything for so long; returns whether all was accounted for."""
    async with fluxum.hub(markets(), CHANNELS, depth=10, endpoints=urls) as hub:
        await hub.wait_ready(timeout_s=60)
        events = hub.events()
        count = sum(len(hub.session(venue).subscriptions) for venue in hub.venues)
        print(f"{len(hub.venues)} venues, {count} subscriptions ready")
        book = hub.book("BTC/USD")
        begun_s, before, cpu, theirs = time.perf_counter(), frames(hub), cpu_s(), cpu_s(pid)
        gaps = seen = 0
        shown_s = begun_s
        async for event in events:
            seen += 1
            gaps += type(event) is Gap
            now_s = time.perf_counter()
            if now_s - shown_s >= 10 or now_s - begun_s >= seconds:
                shown_s = now_s
                span_s = now_s - begun_s
                print(
                    f"{span_s:5.0f} s {(frames(hub) - before) / span_s:>8,.0f} messages/s"
                    f" {seen / span_s:>8,.0f} events/s  CPU here {(cpu_s() - cpu) / span_s:.0%},"
                    f" venues {(cpu_s(pid) - theirs) / span_s:.0%}  {resident_mib():.0f} MiB"
                    f"  BTC/USD at {', '.join(book.venues)}",
                    flush=True,
                )
                if span_s >= seconds:
                    break
        health, statistics = hub.health(), hub.statistics()
    for hop in HOPS:
        one = health.latencies[hop]
        print(
            f"{hop:>10} {show(one.p50_ns)} {show(one.p99_ns)} {show(one.p999_ns)}"
            f"  of {one.count}{'  (foreign clock)' if one.is_foreign else ''}"
        )
    print(f"dropped {health.dropped}, gaps {gaps}, sums close: {statistics.sums_close}")
    return statistics.sums_close and not gaps and not health.dropped


def frames(hub: fluxum.Hub) -> int:
    return hub.statistics().counts.frames


def cpu_s(pid: int | None = None) -> float:
    """The CPU time of this process, or of another."""
    if pid is None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return used.ru_utime + used.ru_stime
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def resident_mib() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def show(ns: int | None) -> str:
    return "         -" if ns is None else f"{ns / 1000:>8,.0f}us"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--rate", type=float, default=500, help="moves per second and venue")
    parser.add_argument("--serve", action="store_true", help="serve the venues")
    wishes = parser.parse_args()
    if wishes.serve:
        asyncio.run(serve_all(wishes.rate))
        return 0
    command = [sys.executable, __file__, "--serve", "--rate", str(wishes.rate)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as venues:
        assert venues.stdin is not None
        assert venues.stdout is not None
        try:
            urls = json.loads(venues.stdout.readline())
            is_whole = asyncio.run(read_all(urls, venues.pid, wishes.seconds))
        finally:
            venues.stdin.close()
    return 0 if is_whole else 1


if __name__ == "__main__":
    sys.exit(main())
