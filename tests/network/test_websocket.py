"""Links over real WebSockets: whole messages both ways, and how a refusal or an end looks."""

import asyncio
import base64
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

import fluxum
from fluxum.errors import (
    BadInput,
    FluxumError,
    LinkClosed,
    RateLimited,
    TransportError,
    VenueRefused,
)
from fluxum.model.account import Credentials
from fluxum.session.account_config import AccountConfig
from fluxum.transport.http import http
from fluxum.transport.link import Batched
from fluxum.transport.network import Network
from fluxum.transport.websocket import websockets
from fluxum.venues.register import find_venue

pytestmark = pytest.mark.network

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(answer: Answer) -> AsyncGenerator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def run(main: Callable[[], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        async with asyncio.timeout(10):
            await main()

    asyncio.run(all_of_it())


async def echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(max_msg_size=0)
    await socket.prepare(request)
    async for message in socket:
        if message.data == "bye":
            await socket.close(code=1008, message=b"rules")
        else:
            await socket.send_str(message.data)
    return socket


async def burst(request: web.Request) -> web.WebSocketResponse:
    """A greeting; once it is answered several messages with a ping between, and the end."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_str("0")
    await socket.receive()
    for number in range(1, 4):
        await socket.send_str(str(number))
    await socket.ping()
    await socket.send_str("4")
    await socket.send_str("5")
    await socket.close(code=1008, message=b"rules")
    return socket


def test_messages_that_have_arrived_are_taken_together_up_to_a_ping_or_the_end() -> None:
    async def main() -> None:
        async with serving(burst) as host, websockets() as dial, dial(f"ws://{host}/v2") as link:
            assert isinstance(link, Batched)
            assert await link.receive() == b"0"
            assert link.waiting(9) == []
            await link.send(b"go")
            taken = [[await link.receive(), *link.waiting(2)]]
            while b"5" not in taken[-1]:
                await asyncio.sleep(0.01)  # until the rest has arrived
                taken.append([await link.receive(), *link.waiting(9)])

            assert [one for batch in taken for one in batch] == [b"1", b"2", b"3", b"4", b"5"]
            assert max(map(len, taken)) > 1  # else the library has other names now
            assert link.waiting(9) == []
            with pytest.raises(LinkClosed, match="1008"):
                await link.receive()

    run(main)


def test_messages_arrive_whole_as_bytes_and_the_close_code_is_kept() -> None:
    async def main() -> None:
        async with serving(echo) as host, websockets() as dial, dial(f"ws://{host}/v2") as link:
            big = b"x" * 5_000_000
            for frame in (b'{"price":1.10}', big):
                await link.send(frame)
                assert await link.receive() == frame
            await link.send(b"bye")
            with pytest.raises(LinkClosed, match="1008") as caught:
                await link.receive()
            assert caught.value.code == 1008

    run(main)


def test_a_frame_above_the_limit_closes_the_link() -> None:
    async def main() -> None:
        async with (
            serving(echo) as host,
            websockets(frame_bytes_max=1000) as dial,
            dial(f"ws://{host}/v2") as link,
        ):
            await link.send(b"x" * 2000)
            with pytest.raises(LinkClosed) as caught:
                await link.receive()
            assert caught.value.code == 1009

    run(main)


@pytest.mark.parametrize(
    ("status", "kind", "wait_s"),
    [
        (429, RateLimited, 7.0),
        (503, RateLimited, 7.0),
        (403, VenueRefused, None),
        (404, VenueRefused, None),
        (500, TransportError, None),
    ],
)
def test_a_refusal_says_whether_dialling_again_helps(
    status: int, kind: type[FluxumError], wait_s: float | None
) -> None:
    async def refuse(_request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Retry-After": "7"}, text="no")

    async def main() -> None:
        async with serving(refuse) as host, websockets() as dial, http() as calls:
            with pytest.raises(kind, match=str(status)) as caught:
                async with dial(f"ws://{host}/v2"):
                    pass
            with pytest.raises(kind, match=str(status)) as called:
                await calls.call("GET", f"http://{host}/depth", {}, b"")
            for error in (caught.value, called.value):
                assert error.retryable == (kind is not VenueRefused)
                assert getattr(error, "retry_after_s", None) == wait_s

    run(main)


def test_nobody_there_is_retryable_and_no_url_is_bad_input() -> None:
    async def main() -> None:
        async with websockets() as dial, http(network=Network(call_timeout_s=5)) as calls:
            with pytest.raises(TransportError, match="cannot reach"):
                async with dial("ws://127.0.0.1:9/"):
                    pass
            with pytest.raises(BadInput, match="was 'nowhere'"):
                async with dial("nowhere"):
                    pass
            with pytest.raises(TransportError, match="GET http://127"):
                await calls.call("GET", "http://127.0.0.1:9/", {}, b"")

    run(main)


def test_a_call_sends_headers_and_body_and_its_answer_is_bounded() -> None:
    async def answer(request: web.Request) -> web.Response:
        body = await request.read()
        return web.Response(body=request.headers["X-Key"].encode() + b":" + body * 10)

    async def main() -> None:
        async with serving(answer) as host, http(body_bytes_max=100) as calls:
            url = f"http://{host}/"
            assert await calls.call("POST", url, {"X-Key": "k"}, b"ab") == b"k:" + b"ab" * 10
            with pytest.raises(TransportError, match="more than 100 bytes"):
                await calls.call("POST", url, {"X-Key": "k"}, b"x" * 50)

    run(main)


def test_the_environments_proxy_carries_links_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with serving(echo) as host, websockets() as dial:
            monkeypatch.setenv("HTTP_PROXY", f"http://{host}")
            monkeypatch.delenv("NO_PROXY", raising=False)
            monkeypatch.delenv("no_proxy", raising=False)
            async with dial("ws://exchange.invalid/v2") as link:
                await link.send(b"through it")
                assert await link.receive() == b"through it"

    run(main)


@pytest.mark.parametrize("path", ["/a?cursor=1%3A2%2C3", "/a?b=%7E~&c=%5B1%5D", "/%61?x=a+b%20c"])
def test_a_call_is_sent_as_it_was_signed(path: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=request.raw_path.encode())

    async def main() -> None:
        async with serving(answer) as host, http() as calls:
            assert await calls.call("GET", f"http://{host}{path}", {}, b"") == path.encode()

    run(main)


@pytest.mark.parametrize("url", ["nowhere", "http://[::1", "ftp://127.0.0.1/", "http://"])
def test_a_call_to_no_url_is_bad_input(url: str) -> None:
    async def main() -> None:
        async with http() as calls:
            with pytest.raises(BadInput, match="an URL like https"):
                await calls.call("GET", url, {}, b"")

    run(main)


def test_a_proxy_carries_links_and_calls_and_signed_calls() -> None:
    carried: list[tuple[str, str]] = []
    dialled = asyncio.Event()
    queries = find_venue("kraken").queries
    assert queries is not None

    async def proxy(request: web.Request) -> web.StreamResponse:
        path = request.path
        carried.append((request.headers["Host"], path))
        if path.startswith("/v2"):
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            dialled.set()
            await asyncio.sleep(10)
            return socket
        results = {"Time": {"unixtime": 1767225600, "rfc1123": ""}}
        results["GetWebSocketsToken"] = {"token": "t", "expires": 900}
        return web.json_response({"error": [], "result": results.get(path.split("/")[-1], {})})

    async def main() -> None:
        credentials = Credentials("key", base64.b64encode(b"secret").decode())
        async with (
            serving(proxy) as host,
            fluxum.connect(
                "kraken",
                ["BTC/USD"],
                endpoint="ws://exchange.invalid",
                proxy=f"http://{host}",
                account_config=AccountConfig(credentials),
            ) as session,
        ):
            assert await session.query(queries().time()) == 1767225600 * 10**9
            await session.account.authenticator.prepare("private")
            await dialled.wait()

        assert {host for host, _ in carried} == {"exchange.invalid"}
        assert {"/0/public/Time", "/0/private/GetWebSocketsToken", "/v2"} <= {
            path for _, path in carried
        }

    run(main)
