"""The frame path: Kraken depth-10 updates with correct checksums, from raw frame to reader.

Three ways over the same synthetic frames, in the same run: the product (decode, normalise, apply,
verify, prove, account, deliver to one reader), the plain way (`json` with Decimals, SortedDict, a
checksum formatted afresh) and, for scale, parsing alone. Offline and over a loopback WebSocket
that another process fills. Rates are by CPU time of this process. Ratios hold; absolute figures
move with the machine.
"""

import argparse
import asyncio
import json
import multiprocessing
import statistics
import time
import zlib
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from multiprocessing.connection import Connection as ParentPipe
from random import Random
from typing import Any

import aiohttp
import msgspec
from aiohttp import web
from sortedcontainers import SortedDict  # type: ignore[import-untyped]

from fluxum.clock import SystemClock
from fluxum.errors import LinkClosed
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.session.session import Session
from fluxum.transport.link import Link
from fluxum.transport.websocket import websockets
from fluxum.venues.kraken.protocol import KrakenProtocol
from fluxum.venues.kraken.venue import KRAKEN

DEPTH = 10
SYMBOL = Symbol("BTC/USD")
STATUS = (
    b'{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online",'
    b'"api_version":"v2","connection_id":1}]}'
)
ACK = (
    b'{"method":"subscribe","req_id":1,"result":{"channel":"book","depth":10,"snapshot":true,'
    b'"symbol":"BTC/USD"},"success":true,"time_in":"2026-01-01T00:00:00.000000Z",'
    b'"time_out":"2026-01-01T00:00:00.000000Z"}'
)


# The frames: a naive market and a naive checksum, sharing no code with the product.


def make_frames(count: int, seed: int = 1) -> list[bytes]:
    """A snapshot and updates of one to three levels; quantities rarely recur, prices often."""
    random = Random(seed)
    bids = {Decimal(450000 - i) / 10: quantity(random) for i in range(DEPTH)}
    asks = {Decimal(450001 + i) / 10: quantity(random) for i in range(DEPTH)}
    frames = [frame("snapshot", bids, asks, bids, asks, 0)]
    for number in range(count):
        changed: tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]] = ({}, {})
        for _ in range(random.choice((1, 1, 2, 3))):
            side = random.randrange(2)
            ladder = (bids, asks)[side]
            best = max(bids) if side == 0 else min(asks)
            step = Decimal(random.randrange(-1 if len(ladder) > 5 else 0, DEPTH)) / 10
            price = best - step if side == 0 else best + step
            if (side == 0 and price >= min(asks)) or (side == 1 and price <= max(bids)):
                price = best
            gone = price in ladder and len(ladder) > 5 and random.random() < 0.3
            new = Decimal("0.00000000") if gone else quantity(random)
            changed[side][price] = new
            if gone:
                del ladder[price]
            else:
                ladder[price] = new
        replenish(random, bids, changed[0], -1)
        replenish(random, asks, changed[1], 1)
        for price in sorted(bids, reverse=True)[DEPTH:]:
            del bids[price]
        for price in sorted(asks)[DEPTH:]:
            del asks[price]
        frames.append(frame("update", changed[0], changed[1], bids, asks, number))
    return frames


def replenish(
    random: Random, ladder: dict[Decimal, Decimal], changed: dict[Decimal, Decimal], away: int
) -> None:
    """Name what is gone first, then levels in its place, as the exchange does."""
    for price in [price for price, amount in changed.items() if amount]:
        changed[price] = changed.pop(price)
    worst = max(ladder) if away > 0 else min(ladder)
    while len(ladder) < DEPTH:
        worst += Decimal(away) / 10
        changed.pop(worst, None)
        ladder[worst] = changed[worst] = quantity(random)


def quantity(random: Random) -> Decimal:
    return Decimal(random.randrange(1, 10**9)).scaleb(-8)


def frame(
    kind: str,
    bids: dict[Decimal, Decimal],
    asks: dict[Decimal, Decimal],
    all_bids: dict[Decimal, Decimal],
    all_asks: dict[Decimal, Decimal],
    number: int,
) -> bytes:
    def levels(side: dict[Decimal, Decimal]) -> str:
        return ",".join(f'{{"price":{p:.1f},"qty":{q:.8f}}}' for p, q in side.items())

    crc = naive_checksum(sorted(all_bids.items(), reverse=True), sorted(all_asks.items()))
    seconds, micros = divmod(number * 731, 1_000_000)
    next_instant = f"2026-01-01T00:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{micros:06d}Z"
    return (
        f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"BTC/USD","bids":[{levels(bids)}],'
        f'"asks":[{levels(asks)}],"checksum":{crc},"timestamp":"{next_instant}"}}]}}'
    ).encode()


def naive_checksum(bids: list[tuple[Decimal, Decimal]], asks: list[tuple[Decimal, Decimal]]) -> int:
    text = "".join(
        f"{price:.1f}".replace(".", "").lstrip("0") + f"{amount:.8f}".replace(".", "").lstrip("0")
        for price, amount in [*asks[:10], *bids[:10]]
    )
    return zlib.crc32(text.encode())


# The plain way


class PlainBook:
    """What a careful user writes in an hour: it verifies every frame and calls back."""

    def __init__(self, callback: Callable[[Any], None]) -> None:
        self.bids: Any = SortedDict()
        self.asks: Any = SortedDict()
        self.callback = callback

    def receive(self, raw: bytes | str) -> None:
        message = json.loads(raw, parse_float=Decimal)
        if message.get("channel") != "book":
            return
        data = message["data"][0]
        if message["type"] == "snapshot":
            self.bids.clear()
            self.asks.clear()
        for side, levels in ((self.bids, data["bids"]), (self.asks, data["asks"])):
            for level in levels:
                if level["qty"] == 0:
                    side.pop(level["price"], None)
                else:
                    side[level["price"]] = level["qty"]
        while len(self.bids) > DEPTH:
            self.bids.popitem(0)
        while len(self.asks) > DEPTH:
            self.asks.popitem()
        bids, asks = list(reversed(self.bids.items())), list(self.asks.items())
        assert naive_checksum(bids, asks) == data["checksum"]
        self.callback(data)


def plain_offline(frames: list[bytes]) -> float:
    seen: list[int] = [0]

    def callback(_data: object) -> None:
        seen[0] += 1

    book = PlainBook(callback)
    start = time.process_time()
    for raw in frames:
        book.receive(raw)
    elapsed = time.process_time() - start
    assert seen[0] == len(frames)
    return len(frames) / elapsed


def parse_only(frames: list[bytes]) -> float:
    start = time.process_time()
    for raw in frames:
        msgspec.json.decode(raw)
    return len(frames) / (time.process_time() - start)


# The product


class TapeLink:
    """A link that has everything in its buffer already, and then is silent."""

    def __init__(self, frames: list[bytes]) -> None:
        self._frames = iter([STATUS, ACK, *frames])

    async def send(self, frame: bytes) -> None:
        pass

    async def receive(self) -> bytes:
        for raw in self._frames:
            return raw
        await asyncio.sleep(3600)
        raise LinkClosed("never")


async def product(dial: Any, count: int, url: str | None = None) -> float:
    """Frames per second from the first book message to the last one delivered to one reader."""
    endpoints = None if url is None else {"public": url}
    session = Session(KRAKEN, dial=dial, clock=SystemClock(), random=Random(1), endpoints=endpoints)
    async with session:
        session.subscribe(Subscription(Channel.BOOK, SYMBOL))
        events = session.events(capacity=1_000_000)
        seen, start = 0, 0.0
        async for batch in events.batches():
            for event in batch:
                if type(event) is BookUpdate or type(event) is BookSnapshot:
                    if seen == 0:
                        start = time.process_time()
                    seen += 1
            if seen >= count:
                break
        elapsed = time.process_time() - start
        proof = session.book(SYMBOL).proof()
        assert proof.is_valid, proof
        assert proof.checks == count == seen, (proof, count, seen)
        assert session.statistics().sums_close
        return count / elapsed


def product_offline(frames: list[bytes]) -> float:
    @asynccontextmanager
    async def dial(_url: str, headers: Mapping[str, str] = {}, /) -> AsyncGenerator[Link]:
        yield TapeLink(frames)

    return asyncio.run(product(dial, len(frames)))


def handler_latencies(frames: list[bytes]) -> list[int]:
    """Nanoseconds from a frame's bytes to its event in the reader's pipe, frame by frame."""

    async def main() -> list[int]:
        @asynccontextmanager
        async def dial(_url: str, headers: Mapping[str, str] = {}, /) -> AsyncGenerator[Link]:
            yield TapeLink([])

        session = Session(KRAKEN, dial=dial, clock=SystemClock(), random=Random(1))
        session.subscribe(Subscription(Channel.BOOK, SYMBOL))
        events = session.events(capacity=1_000_000)
        protocol = KrakenProtocol()
        protocol.subscribe(session.subscriptions)
        take, now = session._processor.take, time.perf_counter_ns
        took: list[int] = []
        for raw in frames:
            start = now()
            take(protocol.receive(raw, time.time_ns()))
            took.append(now() - start)
        assert events.waiting == len(frames) + 1
        return took

    return asyncio.run(main())


# Over a loopback WebSocket, filled by a process of its own


def serve(frames: list[bytes], ready: ParentPipe) -> None:
    """Send the frames to whoever says something, as fast as they are taken."""

    async def handle(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False, max_msg_size=0)
        await socket.prepare(request)
        await socket.send_frame(STATUS, aiohttp.WSMsgType.TEXT)
        await socket.receive()
        await socket.send_frame(ACK, aiohttp.WSMsgType.TEXT)
        for raw in frames:
            await socket.send_frame(raw, aiohttp.WSMsgType.TEXT)
        await socket.receive()
        return socket

    async def main() -> None:
        app = web.Application()
        app.router.add_get("/v2", handle)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        ready.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(main())


async def product_loopback(url: str, count: int) -> float:
    async with websockets() as dial:
        return await product(dial, count, url)


async def plain_loopback(url: str, count: int) -> float:
    seen, start = 0, 0.0

    def callback(_data: object) -> None:
        nonlocal seen
        seen += 1

    book = PlainBook(callback)
    async with aiohttp.ClientSession() as client, client.ws_connect(url, max_msg_size=0) as socket:
        await socket.send_str("{}")
        async for message in socket:
            if seen == 0:
                start = time.process_time()
            book.receive(message.data)
            if seen == count:
                break
    return count / (time.process_time() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=5)
    wishes = parser.parse_args()
    frames = make_frames(wishes.frames)
    size = statistics.mean(map(len, frames))
    print(f"{len(frames)} frames of {size:.0f} bytes, medians of {wishes.rounds} rounds in turn")

    theirs, ours = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=serve, args=(frames, ours), daemon=True
    )
    server.start()
    url = f"http://127.0.0.1:{theirs.recv()}/v2"
    rates: dict[str, list[float]] = {}
    ways: dict[str, Callable[[], float]] = {
        "product offline": lambda: product_offline(frames),
        "plain offline": lambda: plain_offline(frames),
        "product loopback": lambda: asyncio.run(product_loopback(url, len(frames))),
        "plain loopback": lambda: asyncio.run(plain_loopback(url, len(frames))),
        "parse alone": lambda: parse_only(frames),
    }
    for _ in range(wishes.rounds):
        for name, measure in ways.items():
            rates.setdefault(name, []).append(measure())
    server.terminate()
    for name, values in rates.items():
        print(f"{name:>18}: {statistics.median(values):>10,.0f} frames/s")
    for place in ("offline", "loopback"):
        pairs = zip(rates[f"product {place}"], rates[f"plain {place}"], strict=True)
        ratio = statistics.median(product / plain for product, plain in pairs)
        print(f"  product / plain, {place}: {ratio:.2f}")
    took = sorted(handler_latencies(frames))
    p50, p99 = took[len(took) // 2], took[len(took) * 99 // 100]
    print(f"   handler latency: p50 {p50 / 1000:.1f} µs, p99 {p99 / 1000:.1f} µs")


if __name__ == "__main__":
    main()
