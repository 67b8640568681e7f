"""What grows with the number of symbols, readers and levels: time a frame, and memory a book.

Kraken's trades and books of 10, as synthetic frames, through one session and offline. Frames of
several symbols come in turn. Times are microseconds of CPU a frame, medians of the rounds, in turn.
"""

import argparse
import asyncio
import statistics
import time
import tracemalloc
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random

from msgspec import structs

from fluxum.book.book import Book
from fluxum.book.fast import BookLadder
from fluxum.clock import SystemClock
from fluxum.errors import LinkClosed
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, Level, Trade
from fluxum.session.session import Session
from fluxum.transport.link import Link
from fluxum.venues.kraken.venue import KRAKEN

# One link for all, so that its cost is not that of several.
VENUE = structs.replace(KRAKEN, limits=structs.replace(KRAKEN.limits, symbols_per_link=1000))
SYMBOLS = (1, 10, 100, 500)
READERS = (1, 2, 4, 8)
LEVELS = (10, 100, 1000)


def markets(count: int) -> list[Symbol]:
    return [Symbol(f"A{number}/USD") for number in range(count)]


def trades(symbols: list[Symbol], count: int) -> Iterator[bytes]:
    for number in range(count):
        symbol = symbols[number % len(symbols)]
        trade_id = 1 + number // len(symbols)
        seconds, micros = divmod(number * 100, 1_000_000)
        yield (
            (
                f'{{"channel":"trade","type":"update","data":[{{"symbol":"{symbol}","side":"sell",'
                f'"price":{450000 + number % 50}e-1,"qty":0.{number:08d}1,"ord_type":"market",'
                f'"trade_id":{trade_id},"timestamp":"2026-01-01T00:00:{seconds:02d}.{micros:06d}Z"}}]}}'
            )
            .replace("e-1", ".1")
            .encode()
        )


class Tape:
    """A link that has everything in its buffer once it is started, and then is silent."""

    def __init__(self, frames: list[bytes]) -> None:
        self._frames = iter(frames)
        self.begun = asyncio.Event()
        self.ended = asyncio.Event()
        self.start = 0.0

    async def send(self, frame: bytes) -> None:
        pass

    async def receive(self) -> bytes:
        if not self.start:
            await self.begun.wait()
            self.start = time.process_time()
        for raw in self._frames:
            return raw
        self.ended.set()
        await asyncio.sleep(3600)
        raise LinkClosed("never")


async def session_of(frames: list[bytes], symbols: list[Symbol], readers: int) -> float:
    """Seconds from the first frame until every reader has every trade."""
    tape = Tape(frames)

    @asynccontextmanager
    async def dial(_url: str, headers: Mapping[str, str] = {}, /) -> AsyncGenerator[Link]:
        yield tape

    session = Session(VENUE, dial=dial, clock=SystemClock(), random=Random(1))
    async with session:
        session.subscribe(*[Subscription(Channel.TRADE, symbol) for symbol in symbols])
        pipes = [session.events(capacity=1_000_000) for _ in range(readers)]
        await asyncio.sleep(0)
        tape.begun.set()
        await tape.ended.wait()
        elapsed = time.process_time() - tape.start
        for pipe in pipes:
            assert sum(isinstance(event, Trade) for event in pipe.drain()) == len(frames)
        return elapsed


def bytes_of(levels: int) -> float:
    """The memory of one book of so many levels a side, by tracemalloc, of a hundred."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    books = [filled(levels, number) for number in range(20)]
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / len(books)


def filled(levels: int, number: int) -> Book:
    book = Book("kraken", Symbol(f"A{number}/USD"))
    bids = tuple(level(500_000 - at, at) for at in range(levels))
    asks = tuple(level(500_001 + at, at) for at in range(levels))
    book.replace(
        BookSnapshot(venue="kraken", symbol=book.symbol, bids=bids, asks=asks, received_ns=1)
    )
    return book


def level(price: int, at: int) -> Level:
    return Level(Decimal(f"{price}.1"), Decimal(f"0.{at:08d}1"))


def turns(rounds: int, numbers: Sequence[int], way: Callable[[int], float]) -> dict[int, float]:
    taken: dict[int, list[float]] = {number: [] for number in numbers}
    for _ in range(rounds):
        for number in numbers:
            taken[number].append(way(number))
    return {number: statistics.median(values) for number, values in taken.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    wishes = parser.parse_args()
    count, rounds = wishes.frames, wishes.rounds
    by_symbols = {number: list(trades(markets(number), count)) for number in SYMBOLS}

    def of_symbols(number: int) -> float:
        return asyncio.run(session_of(by_symbols[number], markets(number), 1))

    def of_readers(number: int) -> float:
        return asyncio.run(session_of(by_symbols[1], markets(1), number))

    symbols = turns(rounds, SYMBOLS, of_symbols)
    readers = turns(rounds, READERS, of_readers)
    for number in SYMBOLS:
        print(f"{number:>6} symbols: {symbols[number] / count * 1e6:>8.2f} us a trade")
    for number in READERS:
        print(f"{number:>6} readers: {readers[number] / count * 1e6:>8.2f} us a trade")
    further = (readers[READERS[-1]] - readers[1]) / (READERS[-1] - 1)
    print(f"{'each further reader':>20}: {further / count * 1e6:.2f} us a trade")
    kind = "compiled" if BookLadder.__module__.endswith("_fast") else "in Python"
    for number in LEVELS:
        print(f"{number:>6} levels a side, {kind}: {bytes_of(number) / 1024:>8.1f} KiB a book")


if __name__ == "__main__":
    main()
