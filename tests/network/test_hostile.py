"""A server that is not what it should be: redirects, waits, bodies and frames meant to harm.

Every attack ends in a typed error within a few seconds and a bounded amount of memory, and what is
meant for one host reaches no other. Run as a program it prints a table:
`python tests/network/test_hostile.py`.
"""

import asyncio
import base64
import hashlib
import resource
import sys
import time
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from msgspec import Struct

from fluxum.errors import (
    FluxumError,
    LinkClosed,
    RateLimited,
    Redirected,
    TransportError,
    VenueRefused,
)
from fluxum.transport.http import http
from fluxum.transport.network import Network
from fluxum.transport.websocket import websockets

pytestmark = pytest.mark.network

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
WITHIN_S = 5.0
MEMORY_KIB_MAX = 260 << 10
BODY_BYTES_MAX = 1 << 20
FRAME_BYTES_MAX = 1 << 20
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEYS = {"API-Key": "the key", "API-Sign": "the signature"}


class Server:
    """A raw server on the loopback interface; it keeps what was sent to it."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._tasks: list[asyncio.Task[None]] = []
        self.received: list[bytes] = []
        self.host = ""

    @asynccontextmanager
    async def serve(self) -> AsyncGenerator["Server"]:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0, limit=1 << 20)
        self.host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks) if self._tasks else None

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.append(task)
        try:
            self.received.append(await reader.readuntil(b"\r\n\r\n"))
            await self._handler(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client has left, as it should, or the test is over
        finally:
            writer.close()


def run(main: Callable[[], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        async with asyncio.timeout(3 * WITHIN_S):
            await main()

    asyncio.run(all_of_it())


def says(answer: bytes) -> Handler:
    async def handler(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return handler


def refuses(status: int, *headers: str) -> Handler:
    lines = [f"HTTP/1.1 {status} No", *headers, "Content-Length: 2", "Connection: close", "", "no"]
    return says("\r\n".join(lines).encode())


# Redirects: what is meant for one host reaches no other


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "DIAL"])
def test_no_redirect_of_a_call_or_an_upgrade_is_followed(method: str, status: int) -> None:
    async def main() -> None:
        async with Server(says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")).serve() as other:
            location = f"Location: http://{other.host}/stolen"
            async with Server(refuses(status, location)).serve() as server:
                with pytest.raises(Redirected) as caught:
                    await reach(method, server.host)

        assert other.received == []
        assert len(server.received) == 1
        assert server.host in str(caught.value)
        assert other.host in str(caught.value)

    run(main)


@pytest.mark.parametrize("location", ["Location: file:///etc/passwd", "Location: /elsewhere", ""])
@pytest.mark.parametrize("method", ["POST", "DIAL"])
def test_a_redirect_to_no_other_host_is_the_same_error(method: str, location: str) -> None:
    async def main() -> None:
        headers = [location] if location else []
        async with Server(refuses(307, *headers)).serve() as server:
            with pytest.raises(Redirected if location or method == "POST" else TransportError):
                await reach(method, server.host)

        assert len(server.received) == 1

    run(main)


async def reach(method: str, host: str) -> bytes:
    if method == "DIAL":
        async with websockets() as dial, dial(f"ws://{host}/v2") as link:
            return await link.receive()
    async with http() as calls:
        body = b"nonce=1" if method == "POST" else b""
        return await calls.call(method, f"http://{host}/0/private/Balance", KEYS, body)


# Refusals, and the waits a server asks for


@pytest.mark.parametrize("method", ["GET", "DIAL"])
@pytest.mark.parametrize(
    ("after", "wait_s"),
    [
        ("7", 7.0),
        ("999999999999", 3600.0),
        ("9" * 400, 3600.0),
        ("-5", 0.0),
        ("2.5", 2.5),
        ("infinity", 3600.0),
        ("in a while", None),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 3600.0),
        ("Fri, 01 Jan 2010 00:00:00 GMT", 0.0),
    ],
)
def test_a_wait_of_any_form_is_bounded(method: str, after: str, wait_s: float | None) -> None:
    async def main() -> None:
        async with Server(refuses(429, f"Retry-After: {after}")).serve() as server:
            with pytest.raises(RateLimited) as caught:
                await reach(method, server.host)

        assert caught.value.retry_after_s == wait_s

    run(main)


@pytest.mark.parametrize("method", ["GET", "DIAL"])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, VenueRefused),
        (403, VenueRefused),
        (404, VenueRefused),
        (418, RateLimited),
        (500, TransportError),
        (502, TransportError),
        (503, RateLimited),
    ],
)
def test_a_status_says_who_may_try_again(method: str, status: int, kind: type[Exception]) -> None:
    async def main() -> None:
        async with Server(refuses(status)).serve() as server:
            with pytest.raises(kind) as caught:
                await reach(method, server.host)
        assert type(caught.value) is kind

    run(main)


# Frames and bodies


class Attack(Struct, frozen=True):
    """What a server does once it is dialled or called, and the errors that may come of it."""

    name: str
    handler: Handler
    kinds: tuple[type[Exception], ...] = (LinkClosed,)


def shakes_hands(*after: Callable[[], Iterator[bytes]] | bytes, key: bool = True) -> Handler:
    """A server that upgrades and then sends bytes; with a wrong accept key unless `key`."""

    async def handler(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = server_of(writer).received[-1]
        theirs = next(
            line.partition(b":")[2].strip()
            for line in request.split(b"\r\n")
            if line.lower().startswith(b"sec-websocket-key")
        )
        accept = base64.b64encode(hashlib.sha1(theirs + MAGIC).digest()) if key else b"wrong"
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        for part in after:
            for piece in (part,) if isinstance(part, bytes) else part():
                writer.write(piece)
                await writer.drain()
        await asyncio.sleep(0.05)

    return handler


SERVERS: dict[int, Server] = {}


def server_of(writer: asyncio.StreamWriter) -> Server:
    return SERVERS[writer.get_extra_info("sockname")[1]]


def frame(opcode: int, payload: bytes = b"", *, end: bool = True, bits: int = 0) -> bytes:
    head = bytes([(0x80 if end else 0) | bits | opcode])
    size = len(payload)
    if size < 126:
        return head + bytes([size]) + payload
    if size < 1 << 16:
        return head + b"\x7e" + size.to_bytes(2, "big") + payload
    return head + b"\x7f" + size.to_bytes(8, "big") + payload


def endless(piece: bytes, first: bytes = b"") -> Callable[[], Iterator[bytes]]:
    def pieces() -> Iterator[bytes]:
        yield first
        while True:
            yield piece

    return pieces


def repeated(piece: bytes, times: int, first: bytes = b"") -> Callable[[], Iterator[bytes]]:
    def pieces() -> Iterator[bytes]:
        yield first
        for _ in range(times):
            yield piece

    return pieces


async def waits(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3 * WITHIN_S)


async def drips_headers(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\n")
    while True:
        writer.write(b"X: y\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9
MIB = b"x" * (1 << 20)
GONE = (LinkClosed, TransportError)
WIRE = [
    Attack(
        "a frame of 60 MB",
        shakes_hands(repeated(MIB, 60, b"\x81\x7f" + (60 << 20).to_bytes(8, "big"))),
    ),
    Attack("a length of 2^63", shakes_hands(b"\x81\x7f" + (1 << 63).to_bytes(8, "big"))),
    Attack("a length of 2^62", shakes_hands(b"\x81\x7f" + (1 << 62).to_bytes(8, "big") + MIB)),
    Attack(
        "fragments without end",
        shakes_hands(endless(frame(0, MIB[: 1 << 16], end=False), frame(TEXT, b"x", end=False))),
    ),
    Attack("a fragment of nothing", shakes_hands(frame(0, b"x"))),
    Attack("a second beginning", shakes_hands(frame(TEXT, b"x", end=False), frame(TEXT, b"y"))),
    Attack("reserved bits", shakes_hands(frame(TEXT, b"x", bits=0x70))),
    Attack("a reserved opcode", shakes_hands(frame(3, b"x"))),
    Attack("a masked frame", shakes_hands(b"\x81\x81\x01\x02\x03\x04\x05")),
    Attack("a fragmented ping", shakes_hands(frame(PING, b"x", end=False))),
    Attack("a ping of 1,000 bytes", shakes_hands(frame(PING, b"x" * 1000))),
    Attack("200,000 pings", shakes_hands(repeated(frame(PING) * 1000, 200))),
    Attack("a close code of 0", shakes_hands(frame(CLOSE, b"\0\0"))),
    Attack("a close code of 1", shakes_hands(frame(CLOSE, b"\0\1"))),
    Attack("half a close code", shakes_hands(frame(CLOSE, b"\3"))),
    Attack("a close reason that is no text", shakes_hands(frame(CLOSE, b"\x03\xe8\xff\xfe"))),
    Attack("the end in the middle of a frame", shakes_hands(frame(TEXT, b"x" * 100)[:50])),
    Attack("HTTP 200 for 101", says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), GONE),
    Attack("a wrong accept key", shakes_hands(key=False), GONE),
    Attack("no HTTP at all", says(b"\x00\xff" * 1000), GONE),
    Attack("a header of a megabyte", says(b"HTTP/1.1 101 OK\r\nX: " + MIB + b"\r\n\r\n"), GONE),
    Attack("100,000 headers", says(b"HTTP/1.1 101 OK\r\n" + b"X: y\r\n" * 100_000), GONE),
    Attack("the end before the answer", says(b""), GONE),
]
SLOW = [
    Attack("a silent handshake", waits, (TimeoutError,)),
    Attack("a handshake that never ends", drips_headers, (TimeoutError, *GONE)),
]


@pytest.mark.parametrize("attack", WIRE + SLOW, ids=lambda attack: attack.name.replace(" ", "-"))
def test_an_attack_on_the_wire_ends_in_a_typed_error(attack: Attack) -> None:
    run(lambda: survive_dial(attack))


async def survive_dial(attack: Attack) -> None:
    async def read_on(host: str) -> None:
        async with (
            asyncio.timeout(0.5 if attack in SLOW else WITHIN_S),  # a feed allows 15 s
            websockets(frame_bytes_max=FRAME_BYTES_MAX) as dial,
            dial(f"ws://{host}/v2") as link,
        ):
            while True:
                await link.receive()

    async with Server(attack.handler).serve() as server:
        SERVERS[int(server.host.rpartition(":")[2])] = server
        with pytest.raises(attack.kinds):
            await read_on(server.host)


@pytest.mark.parametrize(
    ("name", "frames", "told"),
    [
        ("bad UTF-8", frame(TEXT, b"\xff\xfe{}"), b"\xff\xfe{}"),
        ("empty frames", frame(TEXT) * 1000 + frame(TEXT, b"{}"), b"{}"),
        ("senseless frames", frame(BINARY, b"\0") * 1000 + frame(TEXT, b"{}"), b"{}"),
        ("pings between", frame(PING) * 1000 + frame(TEXT, b"{}"), b"{}"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_a_message_is_handed_on_whatever_is_in_it(
    name: str, frames: bytes, told: bytes
) -> None:
    async def main() -> None:
        async with Server(shakes_hands(frames)).serve() as server:
            SERVERS[int(server.host.rpartition(":")[2])] = server
            async with websockets() as dial, dial(f"ws://{server.host}/v2") as link:
                while await link.receive() != told:
                    pass

    run(main)


def ok(*headers: str) -> bytes:
    return ("\r\n".join(["HTTP/1.1 200 OK", *headers]) + "\r\n\r\n").encode()


def sends(head: bytes, pieces: Callable[[], Iterator[bytes]], pause_s: float = 0.0) -> Handler:
    async def handler(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        for piece in pieces():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_s)

    return handler


def bomb() -> Iterator[bytes]:
    squeeze = zlib.compressobj(wbits=31)
    for _ in range(512):
        yield squeeze.compress(bytes(1 << 20))
    yield squeeze.flush()


BODIES = [
    Attack("a body without end", sends(ok(), endless(MIB)), (TransportError,)),
    Attack("a length of 2^63", sends(ok(f"Content-Length: {1 << 63}"), endless(MIB)), GONE),
    Attack("a length of -1", sends(ok("Content-Length: -1"), endless(MIB)), GONE),
    Attack("a body that drips", sends(ok(), endless(b"x"), 0.05), (TransportError,)),
    Attack("a body that ends early", says(ok("Content-Length: 100") + b"x"), GONE),
    Attack(
        "chunks without end",
        sends(ok("Transfer-Encoding: chunked"), endless(b"10000\r\n" + b"x" * 65536 + b"\r\n")),
        (TransportError,),
    ),
    Attack("a chunk of no size", says(ok("Transfer-Encoding: chunked") + b"zz\r\n"), GONE),
    Attack("no answer", waits, (TransportError,)),
    Attack("no HTTP at all", says(b"\x00\xff" * 1000), GONE),
    Attack("a header of a megabyte", says(ok("X: " + "x" * (1 << 20))), GONE),
    Attack("the end before the answer", says(b""), GONE),
    Attack(
        "half a gigabyte in half a megabyte",
        sends(ok("Content-Encoding: gzip", "Connection: close"), bomb),
        GONE,
    ),
]


@pytest.mark.parametrize("attack", BODIES, ids=lambda attack: attack.name.replace(" ", "-"))
def test_an_attack_on_a_call_ends_in_a_typed_error(attack: Attack) -> None:
    run(lambda: survive_call(attack))


async def survive_call(attack: Attack) -> None:
    async with (
        Server(attack.handler).serve() as server,
        http(network=Network(call_timeout_s=1.0), body_bytes_max=BODY_BYTES_MAX) as calls,
    ):
        with pytest.raises(attack.kinds) as caught:
            await calls.call("GET", f"http://{server.host}/depth", {}, b"")
        assert isinstance(caught.value, FluxumError)
        assert server.host in str(caught.value)


def main() -> None:
    """Print what each attack came to, how long it took, and how much memory it cost."""
    survivors = [(one, survive_dial) for one in WIRE + SLOW]
    survivors += [(one, survive_call) for one in BODIES]
    for attack, survive in survivors:
        begun_s = time.perf_counter()
        asyncio.run(survive(attack))
        took_s = time.perf_counter() - begun_s
        peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert peak_kib <= MEMORY_KIB_MAX, f"{attack.name} cost {peak_kib} KiB"
        kinds = " or ".join(kind.__name__ for kind in attack.kinds)
        sys.stdout.write(f"{attack.name:<34}{took_s:>6.2f} s{peak_kib:>8} KiB  {kinds}\n")


if __name__ == "__main__":
    main()
