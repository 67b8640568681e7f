"""The network below links and calls: versions of TLS, resolved names, time-outs. On loopback."""

import asyncio
import logging
import socket
import ssl
import warnings
from collections.abc import AsyncGenerator, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import ResolveResult
from aiohttp.resolver import DefaultResolver
from msgspec import structs

import fluxum
from fluxum.errors import BadInput, TransportError
from fluxum.runtime import LiveRuntime
from fluxum.sim.certificate import certificate
from fluxum.transport.http import http
from fluxum.transport.network import Network, TlsVersion
from fluxum.transport.websocket import websockets

pytestmark = pytest.mark.network


def only(context: ssl.SSLContext, version: ssl.TLSVersion) -> ssl.SSLContext:
    """The server's side, with one version of TLS; old ones need ciphers that are off by default."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = version
        context.maximum_version = version
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


@asynccontextmanager
async def serving(tls: ssl.SSLContext | None = None, *, mute: bool = False) -> AsyncGenerator[int]:
    """A server of WebSockets and calls; `mute` never closes its side. Yields the port."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return web.Response(text="{}")
        found = web.WebSocketResponse(autoclose=not mute)
        await found.prepare(request)
        if mute:
            await asyncio.sleep(5)
        async for _ in found:
            pass
        return found

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def trusting(monkeypatch: pytest.MonkeyPatch, authority: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))


@contextmanager
def refusing(context: ssl.SSLContext) -> Generator[int]:
    """A server of TLS alone that sends its alert before it hangs up, as asyncio's does not."""
    with socket.create_server(("localhost", 0)) as server:

        def serve() -> None:
            for _ in range(2):
                client, _ = server.accept()
                with client, suppress(OSError):
                    context.wrap_socket(client, server_side=True)

        with ThreadPoolExecutor(1) as pool:
            served = pool.submit(serve)
            yield server.getsockname()[1]
            served.result(timeout=5)


@contextmanager
def black_hole(host: str, port: int) -> Generator[None]:
    """An address that answers nothing: the queue of its connections is full."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind((host, port))
        server.listen(0)
        for _ in range(3):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex((host, port))
        yield


async def reach(port: int, network: Network) -> None:
    async with websockets(network=network) as dial, http(network=network) as calls:
        async with dial(f"wss://localhost:{port}/"):
            pass
        await calls.call("GET", f"https://localhost:{port}/", {}, b"")


@pytest.mark.parametrize(
    ("served", "least", "is_accepted"),
    [
        (ssl.TLSVersion.TLSv1_1, "1.2", False),
        (ssl.TLSVersion.TLSv1_2, "1.2", True),
        (ssl.TLSVersion.TLSv1_3, "1.2", True),
        (ssl.TLSVersion.TLSv1_2, "1.3", False),
        (ssl.TLSVersion.TLSv1_3, "1.3", True),
    ],
)
def test_a_server_whose_tls_is_too_old_is_refused_and_the_reason_is_clear(
    served: ssl.TLSVersion,
    least: TlsVersion,
    is_accepted: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    authority = tmp_path / "ca.pem"
    context = only(certificate("localhost", authority), served)
    trusting(monkeypatch, authority)
    network = Network(tls_min=least)

    async def main() -> None:
        if is_accepted:
            async with serving(context) as port:
                await reach(port, network)
            return
        with refusing(context) as port:
            wanted = rf"TLS {least} or newer was expected, and localhost:{port} offers older"
            async with websockets(network=network) as dial, http(network=network) as calls:
                with pytest.raises(TransportError, match=wanted):
                    async with dial(f"wss://localhost:{port}/"):
                        pass
                with pytest.raises(TransportError, match=wanted):
                    await calls.call("GET", f"https://localhost:{port}/", {}, b"")

    asyncio.run(main())


def test_a_name_is_resolved_once_in_a_while_and_the_time_is_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "fluxum.transport.pool")
    network = Network()

    async def main() -> None:
        async with serving() as port, http(network=network) as calls:
            for _ in range(3):
                await calls.call("GET", f"http://localhost:{port}/", {"Connection": "close"}, b"")

    asyncio.run(main())

    assert (network.names.lookups, network.names.cached, network.names.failures) == (1, 2, 0)
    assert 0 < network.names.last_s == network.names.longest_s
    assert caplog.text.count("localhost resolved in") == 1


def test_a_resolved_name_is_forgotten_after_its_time() -> None:
    network = Network(name_cache_s=1e-9)

    async def main() -> None:
        async with serving() as port, http(network=network) as calls:
            for _ in range(3):
                await calls.call("GET", f"http://localhost:{port}/", {"Connection": "close"}, b"")

    asyncio.run(main())

    assert (network.names.lookups, network.names.cached) == (3, 0)


def test_a_name_that_does_not_resolve_is_counted_and_the_error_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = Network()

    async def unknown(*_arguments: Any) -> Sequence[ResolveResult]:
        raise OSError(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(DefaultResolver, "resolve", unknown)

    async def main() -> None:
        async with http(network=network) as calls:
            with pytest.raises(TransportError, match="no-such-host"):
                await calls.call("GET", "http://no-such-host/", {}, b"")

    asyncio.run(main())

    assert (network.names.lookups, network.names.failures) == (1, 1)


def test_an_address_that_does_not_answer_gives_way_to_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Happy eyeballs: a first address that never answers costs a quarter of a second."""

    async def two(_self: object, host: str, port: int = 0, *_: object) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host, host=one, port=port, family=socket.AF_INET, proto=0, flags=0
            )
            for one in ("127.0.0.2", "127.0.0.1")
        ]

    monkeypatch.setattr(DefaultResolver, "resolve", two)

    async def main() -> None:
        async with (
            asyncio.timeout(3),
            serving() as port,
            http(network=Network(call_timeout_s=2.0)) as calls,
        ):
            with black_hole("127.0.0.2", port):
                begun_s = asyncio.get_running_loop().time()
                assert await calls.call("GET", f"http://dual.example:{port}/", {}, b"") == b"{}"
                assert 0.2 < asyncio.get_running_loop().time() - begun_s < 1.5

    asyncio.run(main())


def test_a_session_reports_how_its_names_were_resolved() -> None:
    async def main() -> fluxum.SessionStatistics:
        runtime = LiveRuntime()
        async with serving() as port:
            url = f"ws://localhost:{port}"
            async with fluxum.connect("kraken", ["BTC/USD"], endpoint=url, runtime=runtime) as one:
                async for change in one.states():
                    if change.new is fluxum.State.SUBSCRIBING:
                        break
                return one.statistics()

    names = asyncio.run(main()).names

    assert names is not None
    assert names.lookups >= 1
    assert names.last_s > 0


def test_a_link_waits_for_its_peers_close_as_long_as_it_is_told() -> None:
    async def close_s(timeout_s: float) -> float:
        network = Network(close_timeout_s=timeout_s)
        async with serving(mute=True) as port, websockets(network=network) as dial:
            async with dial(f"ws://127.0.0.1:{port}/"):
                begun_s = asyncio.get_running_loop().time()
            return asyncio.get_running_loop().time() - begun_s

    async def main() -> tuple[float, float]:
        return await close_s(0.1), await close_s(0.6)

    short_s, long_s = asyncio.run(main())

    assert 0.05 < short_s < 0.5
    assert 0.55 < long_s < 2.0


@pytest.mark.parametrize("name", ["name_cache_s", "close_timeout_s", "call_timeout_s"])
def test_a_time_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match=f"{name}: more than 0 s was expected, was 0"):
        structs.replace(Network(), **{name: 0.0})


def test_a_version_of_tls_that_is_too_old_cannot_be_required() -> None:
    old: Any = "1.1"

    with pytest.raises(BadInput, match=r"tls_min: 1\.2 or 1\.3 was expected, was '1\.1'"):
        Network(tls_min=old)
