"""Settings of the network take effect: proxies, resolved names, TLS, time-outs. On loopback."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from configured_worlds import configured, shows

from fluxum.errors import LinkClosed, TransportError
from fluxum.sim.certificate import certificate

pytestmark = pytest.mark.network
V = "venue.kraken."


@asynccontextmanager
async def serving(tls: ssl.SSLContext | None = None) -> AsyncGenerator[tuple[int, list[str]]]:
    """A server that answers calls with what was asked, late ones late; and what it was asked."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(f"{request.method} {request.raw_path}")
        if request.headers.get("Upgrade", "").lower() == "websocket":
            socket = web.WebSocketResponse(autoclose=False)
            await socket.prepare(request)
            await socket.send_str("x" * 2000)
            await asyncio.sleep(3)  # and does not close
            return socket
        if "late" in request.path:
            await asyncio.sleep(3)
        return web.Response(text=request.path)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    try:
        yield runner.addresses[0][1], asked
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    "settings",
    [
        {"network.proxy": "PROXY"},
        {V + "proxy": "PROXY"},
        {V + "proxy": "PROXY", "network.proxy": "http://127.0.0.1:1"},
    ],
    ids=["of all", "of one", "of one before that of all"],
)
@shows("network.proxy", "venue.NAME.proxy")
def test_calls_go_through_the_proxy(settings: dict[str, str]) -> None:
    async def main() -> list[str]:
        async with serving() as (port, asked):
            proxy = f"http://127.0.0.1:{port}"
            texts = {name: one.replace("PROXY", proxy) for name, one in settings.items()}
            config = configured(texts)
            async with config.runtime().reach(config.venue("kraken")) as reach:
                await reach.http.call("GET", "http://no-such-host.example/x", {}, b"")
            return asked

    assert asyncio.run(main()) == ["GET http://no-such-host.example/x"]


@shows("venue.NAME.rest.timeout_s")
def test_a_call_ends_after_its_time() -> None:
    async def main() -> None:
        config = configured({V + "rest.timeout_s": 0.2})
        async with (
            serving() as (port, _),
            config.runtime().reach(config.venue("kraken")) as reach,
        ):
            with pytest.raises(TransportError, match=r"not answered in 0\.2 s"):
                await reach.http.call("GET", f"http://127.0.0.1:{port}/late", {}, b"")

    asyncio.run(main())


@shows("venue.NAME.link.frame_bytes_max")
def test_a_longer_frame_closes_the_link() -> None:
    async def main() -> None:
        config = configured({V + "link.frame_bytes_max": "1kB", V + "link.close_timeout_s": 0.1})
        async with (
            serving() as (port, _),
            config.runtime().reach(config.venue("kraken")) as reach,
            reach.dial(f"ws://127.0.0.1:{port}/") as link,
        ):
            with pytest.raises(LinkClosed, match="1009"):
                await link.receive()

    asyncio.run(main())


@shows("venue.NAME.link.close_timeout_s")
def test_a_link_that_closes_waits_as_long_as_is_set() -> None:
    async def close_s(timeout_s: float) -> float:
        config = configured({V + "link.close_timeout_s": timeout_s})
        now_s = asyncio.get_running_loop().time
        async with (
            serving() as (port, _),
            config.runtime().reach(config.venue("kraken")) as reach,
        ):
            async with reach.dial(f"ws://127.0.0.1:{port}/"):
                begun_s = now_s()
            return now_s() - begun_s

    assert asyncio.run(close_s(0.1)) < 0.4
    assert asyncio.run(close_s(0.5)) > 0.45


@shows("network.name_cache_s")
def test_a_name_is_kept_as_long_as_is_set() -> None:
    async def lookups(settings: dict[str, object]) -> int:
        config = configured(settings)
        async with (
            serving() as (port, _),
            config.runtime().reach(config.venue("kraken")) as reach,
        ):
            for _ in range(3):
                url = f"http://localhost:{port}/"
                await reach.http.call("GET", url, {"Connection": "close"}, b"")
            assert reach.names is not None
            return reach.names.lookups

    assert asyncio.run(lookups({})) == 1
    assert asyncio.run(lookups({"network.name_cache_s": "0.000001"})) == 3


@shows("network.tls_min")
def test_an_older_tls_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = tmp_path / "ca.pem"
    context = certificate("localhost", authority)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))

    async def call(settings: dict[str, object]) -> bytes:
        config = configured(settings)
        async with (
            serving(context) as (port, _),
            config.runtime().reach(config.venue("kraken")) as reach,
        ):
            return await reach.http.call("GET", f"https://localhost:{port}/ok", {}, b"")

    assert asyncio.run(call({})) == b"/ok"
    with pytest.raises(TransportError):
        asyncio.run(call({"network.tls_min": "1.3"}))


@shows("sink.NAME.url")
def test_events_go_to_the_engine_that_is_set() -> None:
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.close()

    async def main() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            config = configured(
                {
                    "sink.bus.url": f"redis://127.0.0.1:{port}",
                    "sink.bus.close_s": 0.1,
                    V + "endpoint": "ws://127.0.0.1:1",
                }
            )
            async with (
                config.connect("kraken", ["BTC/USD"]) as session,
                config.publish(session) as publisher,
            ):
                async with asyncio.timeout(10):
                    while not asked:  # noqa: ASYNC110 - a list
                        await asyncio.sleep(0.05)
                    while publisher.statistics().failures < 1:  # noqa: ASYNC110 - a count
                        await asyncio.sleep(0.05)

    asyncio.run(main())

    assert asked[0].startswith(b"*")  # a command in Redis' protocol
