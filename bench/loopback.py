"""Kraken's book over a loopback WebSocket: the cost of a frame, how late it is, how fast a burst.

The exchange is a process of its own and every reader another, so that each has a core of its own
where there are two. Three ways of sending: as fast as they are taken (`flood`), 10,000 a second
(`paced`), and 1,000 at once (`burst`). A frame's timestamp is its number in milliseconds; clocks
are the machine's monotonic one. A reader that is not given every frame has one when it has a later
one.
"""

import asyncio
import multiprocessing
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection as ParentPipe
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

import frames as kraken_books
from cryptofeed_frames import kraken_v1
from fluxum.clock import SystemClock
from fluxum.model.event import Channel, Subscription
from fluxum.model.market import BookUpdate
from fluxum.session.session import Session
from fluxum.transport.websocket import websockets
from fluxum.venues.kraken.venue import KRAKEN

NAME = "kraken book over loopback"
PER_S = 10_000
BURST = 1_000
_PAUSE_S = 0.15
_AT_ONCE, _UNSENT_MAX = 100, 1_000_000  # frames and bytes: a reader never waits for the sender
_PEERS = Path(__file__).with_name("loopback_calls.py")
STATUS_V1 = b'{"event":"systemStatus","status":"online","version":"1.9.0"}'
ACK_V1 = b'{"event":"subscriptionStatus","status":"subscribed","pair":"XBT/USD","channelID":340}'


class Run(msgspec.Struct):
    """What a reader saw: CPU of its process, and when it had each frame, in order."""

    cpu_s: float
    had_ns: list[int]


def numbered(count: int) -> list[bytes]:
    """A snapshot and updates whose timestamps are their numbers."""
    texts = kraken_books.make_frames(count)
    return [
        re.sub(rb'"timestamp":"[^"]*"', b'"timestamp":"' + instant(number) + b'"', text)
        for number, text in enumerate(texts)
    ]


def instant(number: int) -> bytes:
    seconds, millis = divmod(number, 1000)
    return f"2026-01-01T00:{seconds // 60:02d}:{seconds % 60:02d}.{millis:03d}000Z".encode()


# The exchange


def wired(frame: bytes) -> bytes:
    """A frame as a server writes it: text, whole, not masked."""
    size = len(frame)
    head = bytes([0x81, size]) if size < 126 else b"\x81\x7e" + size.to_bytes(2, "big")
    return (head if size < 1 << 16 else b"\x81\x7f" + size.to_bytes(8, "big")) + frame


def serve(texts: list[bytes], ready: ParentPipe) -> None:
    """Send the frames in the way that the path names; then say when each was sent."""
    converted = [kraken_v1(one.decode()) or "" for one in texts]
    frames_of = {"v2": texts, "v1": [one.encode() for one in converted]}
    answers = {
        "v2": (kraken_books.STATUS, kraken_books.ACK),
        "v1": (STATUS_V1, ACK_V1),
    }

    async def handle(request: web.Request) -> web.WebSocketResponse:
        version, way = request.match_info["version"], request.match_info["way"]
        socket = web.WebSocketResponse(compress=False, max_msg_size=0)
        await socket.prepare(request)
        status, ack = answers[version]
        await socket.send_frame(status, aiohttp.WSMsgType.TEXT)
        await socket.receive()
        await socket.send_frame(ack, aiohttp.WSMsgType.TEXT)
        assert request.transport is not None
        sent_ns = await WAYS[way](socket, request.transport, frames_of[version])
        await socket.receive()
        ready.send(sent_ns)
        return socket

    async def main() -> None:
        app = web.Application()
        app.router.add_get("/{version}/{way}", handle)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ready.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(main())


async def flood(
    _socket: web.WebSocketResponse, transport: asyncio.Transport, texts: list[bytes]
) -> list[int]:
    wires = [wired(text) for text in texts]
    for at in range(0, len(wires), _AT_ONCE):
        transport.write(b"".join(wires[at : at + _AT_ONCE]))
        while transport.get_write_buffer_size() > _UNSENT_MAX:  # noqa: ASYNC110 - no timer is quick enough
            await asyncio.sleep(0)
    return []


async def paced(
    _socket: web.WebSocketResponse, transport: asyncio.Transport, texts: list[bytes]
) -> list[int]:
    sent_ns: list[int] = []
    wires, now_ns = [wired(text) for text in texts], time.monotonic_ns
    due_ns = now_ns()
    for wire in wires:
        while now_ns() < due_ns:  # noqa: ASYNC110 - a timer is late by several frames
            await asyncio.sleep(0)
        sent_ns.append(now_ns())
        transport.write(wire)
        due_ns += 1_000_000_000 // PER_S
    return sent_ns


async def bursts(
    _socket: web.WebSocketResponse, transport: asyncio.Transport, texts: list[bytes]
) -> list[int]:
    transport.write(wired(texts[0]))
    sent_ns = [time.monotonic_ns()]
    for at in range(1, len(texts), BURST):
        wires = list(map(wired, texts[at : at + BURST]))
        await asyncio.sleep(_PAUSE_S)
        sent_ns += [time.monotonic_ns()] * len(wires)
        transport.write(b"".join(wires))
    return sent_ns


WAYS: dict[str, Callable[..., Any]] = {"flood": flood, "paced": paced, "burst": bursts}


# The product as a reader


async def product(url: str, count: int) -> Run:
    """Read `count` updates of a book that is proved with each."""
    had_ns: list[int] = []
    async with websockets() as dial:
        session = Session(
            KRAKEN, dial=dial, clock=SystemClock(), random=Random(1), endpoints={"public": url}
        )
        async with session:
            session.subscribe(Subscription(Channel.BOOK, kraken_books.SYMBOL))
            events = session.events(capacity=1_000_000)
            begun_s = time.process_time()
            async for batch in events.batches():
                now_ns = time.monotonic_ns()
                if not had_ns:
                    begun_s = time.process_time()
                had_ns += [now_ns for event in batch if type(event) is BookUpdate]
                if len(had_ns) >= count:
                    break
            cpu_s = time.process_time() - begun_s
            assert session.book(kraken_books.SYMBOL).proof().checks == count + 1
            assert session.statistics().sums_close
    return Run(cpu_s, had_ns)


# The table


class Table:
    """Rows of one run: every way and every reader in turn."""

    def __init__(self, peers: str | None, count: int) -> None:
        self.readers = {"product": sys.executable}
        if peers is not None:
            self.readers |= {"cryptofeed": peers, "ccxt": peers}
        self._count = count

    def measure(self, url: str, way: str, reader: str, sent: Any) -> tuple[Run, list[int]]:
        version = "v1" if reader == "cryptofeed" else "v2"
        script = Path(__file__) if reader == "product" else _PEERS
        task = [self.readers[reader], str(script), reader, f"{url}/{version}/{way}"]
        made = subprocess.run([*task, str(self._count)], check=True, capture_output=True)
        run = msgspec.json.decode(made.stdout, type=Run)
        sent_ns: list[int] = sent.recv()
        return run, sent_ns


def late_us(run: Run, sent_ns: list[int]) -> list[float]:
    """How late each update was, sorted."""
    pairs = zip(run.had_ns, sent_ns[1:], strict=True)
    return sorted((had - sent) / 1e3 for had, sent in pairs)


def drained_ms(run: Run, sent_ns: list[int]) -> float:
    """The median burst, from its sending until the reader had its last frame."""
    ends = zip(run.had_ns[BURST - 1 :: BURST], sent_ns[BURST::BURST], strict=True)
    return statistics.median((had - sent) / 1e6 for had, sent in ends)


def values(way: str, run: Run, sent_ns: list[int]) -> Iterator[tuple[str, float]]:
    """What a run says, by the names of the rows."""
    if way == "flood":
        yield "CPU a frame, us", run.cpu_s / len(run.had_ns) * 1e6
    elif way == "burst":
        yield f"a burst of {BURST:,}, ms", drained_ms(run, sent_ns)
    else:
        late = late_us(run, sent_ns)
        for share in (0.5, 0.99, 0.999):
            place = min(len(late) - 1, int(len(late) * share))
            yield f"{PER_S:,} frames/s, p{100 * share:g}, us", late[place]


@contextmanager
def exchange(count: int) -> Generator[tuple[str, Any]]:
    theirs, ours = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=serve, args=(numbered(count), ours), daemon=True
    )
    server.start()
    try:
        yield f"http://127.0.0.1:{theirs.recv()}", theirs
    finally:
        server.terminate()


def show(peers: str | None, rounds: int, count: int) -> None:
    """Measure, and print a line of each row: the product, and others as its multiples."""
    count -= count % BURST  # whole bursts
    table = Table(peers, count)
    found: dict[str, dict[str, list[float]]] = {}
    with exchange(count) as (url, sent):
        for _ in range(rounds):
            for way in WAYS:
                for reader in table.readers:
                    run, sent_ns = table.measure(url, way, reader, sent)
                    for row, value in values(way, run, sent_ns):
                        found.setdefault(row, {}).setdefault(reader, []).append(value)
    print(f"\n{NAME:<30}" + "".join(f"{one:>17}" for one in table.readers))
    for row, by_reader in found.items():
        ours = by_reader["product"]
        line = f"{row:<30} {statistics.median(ours):>16.2f}"
        for reader in list(table.readers)[1:]:
            ratio = statistics.median(a / b for a, b in zip(by_reader[reader], ours, strict=True))
            line += f" {statistics.median(by_reader[reader]):>9.2f} {ratio:>5.2f}x"
        print(line, flush=True)


if __name__ == "__main__":
    sys.stdout.buffer.write(
        msgspec.json.encode(asyncio.run(product(sys.argv[2], int(sys.argv[3]))))
    )
