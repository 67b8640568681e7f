"""The endpoint over HTTP, on this machine."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import aiohttp
import msgspec
import pytest
from configured_worlds import configured, shows

import fluxum
from fluxum import BadInput
from fluxum.cli.configured import begin_config
from fluxum.cli.serving import metrics_served
from fluxum.clock import SystemClock
from fluxum.metrics import MetricsServer, serve
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.venues.register import find_venue
from scrapes import Scrape

pytestmark = pytest.mark.network


def asked(work: Callable[[aiohttp.ClientSession, MetricsServer], Awaitable[None]]) -> None:
    """Do something with the endpoint of a session that is ready."""

    async def main() -> None:
        venue, clock = find_venue("kraken"), SystemClock()
        async with (
            SimulatedExchange(venue, venue.sample_symbols[:1], seed=1, clock=clock) as exchange,
            fluxum.connect(
                "kraken", ["BTC/USD"], runtime=SimulatedRuntime(exchange, clock=clock)
            ) as session,
            serve(session, port=0) as server,
            aiohttp.ClientSession() as client,
        ):
            await session.wait_ready(10)
            await work(client, server)

    asyncio.run(main())


def test_a_scrape_over_http_is_in_the_format_that_the_client_prefers() -> None:
    async def work(client: aiohttp.ClientSession, server: MetricsServer) -> None:
        async with client.get(f"{server.url}/metrics") as answer:
            found = Scrape(await answer.text())
            assert answer.headers["Content-Type"].startswith("text/plain; version=")
        assert found.value("session_ready") == 1
        assert ("process_resident_memory_bytes", ()) in found.samples
        assert found.value("loop_lag_max_seconds") >= 0

        openmetrics = {"Accept": "application/openmetrics-text; version=1.0.0"}
        async with client.get(f"{server.url}/metrics", headers=openmetrics) as answer:
            assert (await answer.text()).endswith("# EOF\n")

    asked(work)


def test_health_and_readiness_are_json() -> None:
    async def work(client: aiohttp.ClientSession, server: MetricsServer) -> None:
        async with client.get(f"{server.url}/health") as answer:
            assert answer.status == 200
            assert (await answer.json())["healthy"] is True
        async with client.get(f"{server.url}/ready") as answer:
            assert (answer.status, await answer.json()) == (
                200,
                {"ready": True, "missing": [], "venues": []},
            )

    asked(work)


def test_what_is_missing_answers_503() -> None:
    async def main() -> None:
        async with serve(list[fluxum.Session](), port=0) as server, aiohttp.ClientSession() as one:
            async with one.get(f"{server.url}/ready") as answer:
                assert answer.status == 503
                body = msgspec.json.decode(await answer.read())
            assert body == {"ready": False, "missing": ["no session is open"], "venues": []}

    asyncio.run(main())


@pytest.mark.parametrize("host", ["rebound.example", "rebound.example:9464", "[", ""])
def test_a_name_that_a_web_page_pointed_here_is_refused(host: str) -> None:
    async def work(client: aiohttp.ClientSession, server: MetricsServer) -> None:
        for path in ("metrics", "health", "ready"):
            url = f"{server.url}/{path}"
            async with client.get(url, headers={"Host": host}) as answer:
                assert answer.status in {400, 403}, host
                assert b"fluxum" not in await answer.read()

    asked(work)


def test_a_port_that_is_taken_is_named() -> None:
    async def work(_client: aiohttp.ClientSession, server: MetricsServer) -> None:
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(BadInput, match=rf"cannot listen on 127.0.0.1:{port}: "):
            await serve(list[fluxum.Session](), port=port)

    asked(work)


def test_nothing_listens_after_the_block_and_a_server_can_be_awaited() -> None:
    async def main() -> None:
        server = await serve(list[fluxum.Session](), port=0)
        url = server.url
        await server.close()

        async with aiohttp.ClientSession() as client:
            with pytest.raises(aiohttp.ClientConnectionError):
                await client.get(url)

    asyncio.run(main())


@shows("metrics.host", "metrics.port", "metrics.symbols_max")
def test_metrics_are_served_as_configured() -> None:
    async def main() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        settings = {"metrics.host": "127.0.0.1", "metrics.port": port, "metrics.symbols_max": 1}
        venue, clock = find_venue("kraken"), SystemClock()
        async with (
            SimulatedExchange(venue, venue.sample_symbols[:1], seed=1, clock=clock) as exchange,
            fluxum.connect(
                "kraken", ["BTC/USD"], runtime=SimulatedRuntime(exchange, clock=clock)
            ) as session,
            configured(settings).serve(session) as server,
        ):
            assert server.url == f"http://127.0.0.1:{port}"
            assert b"fluxum_book_status{" in server.metrics()[0]
        async with configured({**settings, "metrics.host": "localhost"}).serve([]) as server:
            assert server.url == f"http://localhost:{port}"
        async with configured(settings).serve([], port=0) as server:
            assert server.url != f"http://127.0.0.1:{port}"

    asyncio.run(main())


def test_a_command_serves_metrics_if_a_port_is_configured() -> None:
    async def main() -> list[str]:
        said: list[str] = []
        for settings in ([], ["metrics.port=0"]):
            begin_config("", "", settings, is_anew=True)
            async with metrics_served(None, list[fluxum.Session], said.append):
                pass
        begin_config("", "", [], is_anew=True)
        return said

    (one,) = asyncio.run(main())
    assert one.startswith("metrics at http://127.0.0.1:")
