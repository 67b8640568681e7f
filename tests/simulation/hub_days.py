"""Hubs in virtual time: every consolidated read against the exchanges' own books, and a long week.

`hub_days.py --reads 1000000`: six exchanges, faults at three of them; at every read the best bid
and ask, their quantities and their venues are compared with what the exchanges' own books were.
`hub_days.py --days 7`: every feed there is, cut once a day and faulty now and then; memory, tasks
and objects may not grow, and the sums close at every sample. The exit status is 1 if they do not.
"""

import argparse
import asyncio
import gc
import sys
import time
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from random import Random

import fluxum
from fluxum.book.book import Book
from fluxum.model.event import Gap, LinkLost, VenueRemoved, VenueReturned
from fluxum.model.market import Side
from fluxum.sim import history
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import run
from fluxum.venues.register import VENUES
from hubs import exchanges

SIX = {
    "kraken": ["BTC/USD"],
    "binance": ["BTC/USDT"],
    "bybit": ["BTC/USDT"],
    "coinbase": ["BTC/USD"],
    "gemini": ["BTC/USD"],
    "okx": ["BTC/USDT"],
}
FAULTY: tuple[str, ...] = ("kraken", "bybit", "gemini")
# Only a checksum finds a wrong digit, and kraken's is the only one among these.
RATES = "drop=0.0005,duplicate=0.0005,reorder=0.0005,delay=0.0005,cut=0.0005,hangup=0.0002"
SAMPLES = 14
MEMORY_SLACK = 1.05
Best = tuple[Decimal, Decimal, frozenset[str]] | None


async def compare(hub: fluxum.Hub, world: Mapping[str, SimulatedExchange], reads: int) -> int:
    """Compare so many readings; returns how many changes of who takes part came before them."""
    compared = changes = 0
    stream = hub.consolidated("BTC/USD", depth=1)
    book = hub.book("BTC/USD")
    told = set(book.venues)
    async for item in stream:
        if isinstance(item, VenueReturned):
            told.add(item.venue)
            changes += 1
        elif isinstance(item, VenueRemoved):
            told.discard(item.venue)
            changes += 1
        else:
            assert set(item.venues) == told, f"{item.venues} were read, {told} were told"
            for side, levels in ((Side.BUY, item.bids), (Side.SELL, item.asks)):
                ours = next(
                    ((one.price, one.quantity, frozenset(one.venues)) for one in levels), None
                )
                truth = best_of(hub, world, told, side)
                assert ours == truth, f"{side} is {ours} and should be {truth}"
            assert book.venues == item.venues
            compared += 1
            if compared == reads:
                break
    return changes


def best_of(
    hub: fluxum.Hub, world: Mapping[str, SimulatedExchange], venues: set[str], side: Side
) -> Best:
    """The best level over the exchanges' own books, each at the instant that its frame named."""
    best: Best = None
    for venue in venues:
        book = hub.session(venue).book(SIX[venue][0])
        price, quantity = own_best(world[venue], book, side)
        is_better = best is None or (price > best[0] if side is Side.BUY else price < best[0])
        if best is None or is_better:
            best = price, quantity, frozenset({venue})
        elif price == best[0]:
            best = price, best[1] + quantity, best[2] | {venue}
    return best


def own_best(exchange: SimulatedExchange, book: Book, side: Side) -> tuple[Decimal, Decimal]:
    venue_ns = book.evidence.venue_ns
    if venue_ns is not None:
        truth = exchange.book_at(book.symbol, venue_ns)
        return (truth.bids if side is Side.BUY else truth.asks)[0]
    # The venue does not name an instant: its five best levels must have been there together.
    bids = tuple((one.price, one.quantity) for one in book.bids.top(5))
    asks = tuple((one.price, one.quantity) for one in book.asks.top(5))
    assert exchange.has_shown(book.symbol, bids, asks), f"{book.venue} never was so"
    return (bids if side is Side.BUY else asks)[0]


async def read_often(reads: int, seed: int, rate_per_s: float = 40.0) -> tuple[int, int]:
    """Returns how often a venue left or returned, and how many reads were compared."""
    faults = dict.fromkeys(FAULTY, RATES) | {"kraken": f"{RATES},corrupt=0.0005"}
    async with (
        exchanges(SIX, faults=faults, rate_per_s=rate_per_s, seed=seed) as world,
        fluxum.hub(SIX, depth=10, runtime=world.runtime) as hub,
    ):
        hub.alias("BTC/USD", "BTC/USDT", haircut_bps=0)
        events = hub.events(capacity=100_000)
        lost: set[str] = set()
        changes, left = 0, reads
        while left:
            part = min(left, 5000)
            changes += await compare(hub, world.by_name, part)
            left -= part
            lost |= {one.venue for one in events.drain() if isinstance(one, LinkLost | Gap)}
            assert hub.statistics().sums_close
        assert lost <= set(FAULTY), f"gaps at {lost}"
        return changes, reads


async def live_long(days: float, rate_per_s: float) -> bool:
    """Every feed for days; returns whether anything has grown after the first quarter."""
    # A simulated exchange keeps the candles of a week: that would be all that grows.
    history._MINUTES_MAX = 60
    markets = {name: [str(venue.sample_symbols[0])] for name, venue in VENUES.items()}
    random = Random(3)
    faults = {name: daily(random, days) for name in markets}
    async with (
        exchanges(markets, faults=faults, rate_per_s=rate_per_s) as world,
        fluxum.hub(markets, ["book", "trade"], runtime=world.runtime) as hub,
    ):
        books = {symbol: hub.book(symbol) for (symbol,) in markets.values()}
        events = hub.events()
        samples: list[tuple[int, int, int]] = []
        loop = asyncio.get_running_loop()
        for number in range(1, SAMPLES + 1):
            while loop.time() < days * 86_400 * number / SAMPLES:
                await asyncio.sleep(60.0)
                events.drain()
                for book in books.values():
                    book.read(5)
            statistics = hub.statistics()
            assert statistics.sums_close
            gc.collect()
            samples.append((_resident_kib(), len(gc.get_objects()), len(asyncio.all_tasks())))
            print(f"{loop.time():.0f} s", *samples[-1], statistics.counts, flush=True)
    warm, last = samples[SAMPLES // 4], samples[-1]
    print(f"KiB, objects, tasks: after the warm-up {warm}, at the end {last}")
    return last[0] > warm[0] * MEMORY_SLACK or last[2] > warm[2] + 2


def daily(random: Random, days: float) -> str:
    """A cut and a refusal of new links every day, and one lost and one late frame."""
    faults: list[str] = []
    for day in range(max(1, round(days))):
        at_s = day * 86_400 + random.uniform(0, min(days, 1.0) * 80_000)
        faults += [f"hangup@{at_s:.0f}s", f"refuse:503@{at_s:.0f}s+30s"]
        faults += [f"drop@{at_s + 600:.0f}s", f"delay@{at_s + 1200:.0f}s"]
    return ",".join(faults)


def _resident_kib() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reads", type=int, help="consolidated reads to compare")
    parser.add_argument("--days", type=float, help="days of virtual time")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rate", type=float, default=0.2, help="moves per second and venue")
    wishes = parser.parse_args()
    started = time.perf_counter()
    has_grown = False
    if wishes.reads:
        changes, reads = run(read_often(wishes.reads, wishes.seed))
        print(f"{reads} reads were right, {changes} times a venue left or returned")
    if wishes.days:
        has_grown = run(live_long(wishes.days, wishes.rate))
    print(f"{time.perf_counter() - started:.0f} s")
    return 1 if has_grown else 0


if __name__ == "__main__":
    sys.exit(main())
