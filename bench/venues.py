"""The frame path of every exchange: book frames of its simulated self, from raw frame to reader.

Two ways over the same frames, in turn in the same run: the product (decode, normalise, check the
numbering, apply, prove, account, deliver to one reader) and the plain way (`json`, Decimals,
SortedDict, the same numbering checked). Both look at the best bid and ask after every frame.
Several moves of the market go into one frame, as exchanges batch them. Ratios hold; absolute
figures move with the machine.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random
from typing import Any

from msgspec import Struct
from sortedcontainers import SortedDict  # type: ignore[import-untyped]

from fluxum.book.fast import IS_COMPILED
from fluxum.clock import SystemClock
from fluxum.errors import LinkClosed, TransportError
from fluxum.model.event import Channel, Subscription
from fluxum.model.market import BookUpdate
from fluxum.session.session import Session
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.sim.sides import find_side
from fluxum.transport.link import Link
from fluxum.venues.register import VENUES
from fluxum.venues.server.contract import Dialled
from fluxum.venues.venue import Fetch, Send, Venue

DEEP = 1000
Rows = list[Any]
# What the plain way reads of a message: whether it replaces the book, bids, asks, number before
# and number of its own (none where the exchange sends none).
Read = Callable[[Any], tuple[bool, Rows, Rows, int | None, int | None] | None]


class Take(Struct):
    """One conversation about one book: what answers the requests, and the book's frames."""

    answers: list[bytes]
    bodies: dict[str, bytes]
    frames: list[bytes]


def record(venue: Venue, count: int, moves: int) -> Take:
    """Let an exchange move, and keep what one client is told."""

    async def main() -> Take:
        clock = SimulatedClock()
        symbol = venue.sample_symbols[0]
        exchange = SimulatedExchange(
            venue,
            [symbol],
            seed=1,
            clock=clock,
            rate_per_s=0.0,
            depth=DEEP,
            resolution_ns=1_000_000,
        )
        side = find_side(venue.name)
        server = side.link(exchange, Dialled(venue.routes[Channel.BOOK]))
        rest = None if side.rest is None else side.rest(exchange)
        protocol = venue.protocol()
        protocol.subscribe([venue.with_defaults(Subscription(Channel.BOOK, symbol))])
        now_ns = clock.now_ns()
        take = Take(list(of_bytes(server.opened(now_ns))), {}, [])
        while protocol.outbox:
            effect = protocol.outbox.popleft()
            if isinstance(effect, Send):
                answers = of_bytes(server.receive(effect.frame, now_ns))
                take.answers += answers
                for frame in answers:
                    protocol.receive(frame, now_ns)
            elif isinstance(effect, Fetch) and rest is not None:
                body = take.bodies[effect.path] = rest.answer(effect, now_ns).body
                protocol.receive_response(effect, body, now_ns)
        while len(take.frames) < count:
            for _ in range(moves):
                now_ns = exchange.step(symbol)
            for frame in of_bytes(server.publish(symbol, now_ns)):
                events = protocol.receive(frame, now_ns)
                if any(isinstance(event, BookUpdate) for event in events):
                    take.frames.append(frame)
        return take

    return run(main())


def of_bytes(words: Any) -> list[bytes]:
    return [word for word in words if isinstance(word, bytes)]


# The product


class TapeLink:
    """A link that has everything in its buffer once the calls were made, and then is silent."""

    start = 0.0
    """When the first book frame was received."""

    def __init__(self, take: Take, called: asyncio.Event) -> None:
        self._now = iter(take.answers)
        self._later = iter(take.frames)
        self._called = called

    async def send(self, frame: bytes) -> None:
        pass

    async def receive(self) -> bytes:
        for frame in self._now:
            return frame
        if self._now is self._later:
            await asyncio.sleep(3600)
            raise LinkClosed("never")
        await self._called.wait()
        self._now = self._later
        self.start = time.perf_counter()
        return next(self._now)


class TapeHttp:
    """Calls answered from a take."""

    def __init__(self, take: Take, called: asyncio.Event) -> None:
        self._bodies = dict(take.bodies)
        self._called = called
        self._settle()

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        path = next((path for path in self._bodies if url.endswith(path)), None)
        if path is None:  # such as the venue's clock
            raise TransportError(f"{url} is not on the take")
        answer = self._bodies.pop(path)
        self._settle()
        return answer

    def _settle(self) -> None:
        if not self._bodies:
            self._called.set()


async def product(venue: Venue, take: Take) -> float:
    """Frames per second from the first book frame to the last one delivered to one reader."""
    called = asyncio.Event()
    link = TapeLink(take, called)
    symbol = venue.sample_symbols[0]

    @asynccontextmanager
    async def dial(_url: str, headers: Mapping[str, str] = {}, /) -> AsyncGenerator[Link]:
        yield link

    session = Session(
        venue, dial=dial, clock=SystemClock(), random=Random(1), http=TapeHttp(take, called)
    )
    async with session:
        session.subscribe(Subscription(Channel.BOOK, symbol))
        events = session.events(capacity=1_000_000)
        book = session.book(symbol)
        seen = 0
        async for batch in events.batches():
            for event in batch:
                if type(event) is BookUpdate:
                    seen += 1
                    assert book.bid is not None
                    assert book.ask is not None
            if seen >= len(take.frames):
                break
        elapsed = time.perf_counter() - link.start
        assert session.statistics().desyncs == 0
        return len(take.frames) / elapsed


# The plain way


def binance(message: Any) -> Any:
    data = message.get("data")
    if not data or data.get("e") != "depthUpdate":
        return None
    return False, data["b"], data["a"], data.get("pu", data["U"] - 1), data["u"]


def bybit(message: Any) -> Any:
    if not str(message.get("topic", "")).startswith("orderbook"):
        return None
    data = message["data"]
    return message["type"] == "snapshot", data["b"], data["a"], data["u"] - 1, data["u"]


def okx(message: Any) -> Any:
    if "data" not in message:
        return None
    data = message["data"][0]
    whole = message.get("action") == "snapshot"
    return whole, data["bids"], data["asks"], data["prevSeqId"], data["seqId"]


def coinbase(message: Any) -> Any:
    number = message["sequence_num"]
    if message["channel"] != "l2_data":
        return None
    event = message["events"][0]
    sides: dict[str, Rows] = {"bid": [], "offer": []}
    for one in event["updates"]:
        sides[one["side"]].append((one["price_level"], one["new_quantity"]))
    return event["type"] == "snapshot", sides["bid"], sides["offer"], None, number


def coinbase_exchange(message: Any) -> Any:
    if message["type"] == "snapshot":
        return True, message["bids"], message["asks"], None, None
    if message["type"] != "l2update":
        return None
    sides: dict[str, Rows] = {"buy": [], "sell": []}
    for side, price, size in message["changes"]:
        sides[side].append((price, size))
    return False, sides["buy"], sides["sell"], None, None


def gemini(message: Any) -> Any:
    if "U" not in message:
        return None
    first, last = message["U"], message["u"]  # an update begins with the last one's number
    return first == last, message.get("b", []), message.get("a", []), first, last


def gemini_v2(message: Any) -> Any:
    if message["type"] != "l2_updates":
        return None
    sides: dict[str, Rows] = {"buy": [], "sell": []}
    for side, price, size in message["changes"]:
        sides[side].append((price, size))
    return "trades" in message, sides["buy"], sides["sell"], None, None


def kraken(message: Any) -> Any:
    if message.get("channel") != "book":
        return None
    data = message["data"][0]
    sides = [[(row["price"], row["qty"]) for row in data[side]] for side in ("bids", "asks")]
    return message["type"] == "snapshot", *sides, None, None


READS: dict[str, Read] = {
    "kraken": kraken,  # without its checksum: frames.py is about that
    "binance": binance,
    "binance-usdm": binance,
    "bybit": bybit,
    "bybit-linear": bybit,
    "okx": okx,
    "coinbase": coinbase,
    "coinbase-exchange": coinbase_exchange,
    "gemini": gemini,
    "gemini-v2": gemini_v2,
}


class PlainBook:
    """What a careful user writes in an hour."""

    def __init__(self, read: Read, callback: Callable[[Any], None]) -> None:
        self.bids: Any = SortedDict()
        self.asks: Any = SortedDict()
        self._read = read
        self._callback = callback
        self._last: int | None = None

    def receive(self, raw: bytes) -> None:
        found = self._read(json.loads(raw, parse_float=Decimal))
        if found is None:
            return
        is_whole, bids, asks, before, number = found
        if is_whole:
            self.bids.clear()
            self.asks.clear()
        elif before is not None and self._last is not None:
            assert before <= self._last, f"a gap from {self._last} to {before}"
        self._last = number
        for side, rows in ((self.bids, bids), (self.asks, asks)):
            for row in rows:
                price, quantity = Decimal(row[0]), Decimal(row[1])
                if quantity:
                    side[price] = quantity
                else:
                    side.pop(price, None)
        if self.bids and self.asks:
            self._callback((self.bids.peekitem(-1), self.asks.peekitem(0)))


def plain(venue: Venue, take: Take) -> float:
    seen: list[int] = [0]

    def callback(_best: object) -> None:
        seen[0] += 1

    book = PlainBook(READS[venue.name], callback)
    for answer in take.answers:
        if answer.startswith(b"{"):
            book.receive(answer)
    for body in take.bodies.values():
        snapshot = json.loads(body)
        for side, name in ((book.bids, "bids"), (book.asks, "asks")):
            for price, quantity, *_ in snapshot.get(name, ()):
                side[Decimal(price)] = Decimal(quantity)
    start = time.perf_counter()
    for frame in take.frames:
        book.receive(frame)
    return len(take.frames) / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--moves", type=int, default=11, help="moves of the market in a frame")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--venue", choices=list(VENUES), help="only this one")
    wishes = parser.parse_args()
    books = "compiled" if IS_COMPILED else "in Python"
    print(
        f"book frames per second, medians of {wishes.rounds} rounds in turn, {DEEP} levels a side, "
        f"our books {books}"
    )
    # Kraken's checksum is a story of its own: frames.py tells it.
    every = [venue for name, venue in VENUES.items() if name != "kraken"]
    for venue in [VENUES[wishes.venue]] if wishes.venue else every:
        take = record(venue, wishes.frames, wishes.moves)
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(wishes.rounds):
            ours.append(asyncio.run(product(venue, take)))
            theirs.append(plain(venue, take))
        ratio = statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
        size = statistics.mean(map(len, take.frames))
        print(
            f"{venue.name:>18}: product {statistics.median(ours):>9,.0f}"
            f"   plain {statistics.median(theirs):>9,.0f}   ratio {ratio:.2f}"
            f"   ({size:.0f} bytes a frame)"
        )


if __name__ == "__main__":
    main()
