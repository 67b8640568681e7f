"""Tests of `sim.serve`: the simulated exchange on a real socket of this machine."""

import asyncio
import ssl
from pathlib import Path
from random import Random

import aiohttp
import msgspec
import pytest
import yarl

from fluxum.clock import SystemClock
from fluxum.errors import BadInput, TransportError, VenueRefused
from fluxum.model.instrument import Symbol
from fluxum.sim.certificate import certificate
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.faults import FaultPlan, parse_faults
from fluxum.sim.serve import serve
from fluxum.transport.http import http
from fluxum.transport.websocket import websockets
from fluxum.venues.register import find_venue

pytestmark = pytest.mark.network

BTC = Symbol("BTC/USD")
SUBSCRIBE = '{"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"]},"req_id":7}'


def exchange(faults: str = "", rate_per_s: float = 200.0) -> SimulatedExchange:
    plan = FaultPlan(parse_faults(faults), Random(1))
    return SimulatedExchange(
        find_venue("kraken"),
        [BTC],
        seed=1,
        clock=SystemClock(),
        rate_per_s=rate_per_s,
        faults=plan,
    )


async def next_frame(socket: aiohttp.ClientWebSocketResponse) -> dict[str, object]:
    return msgspec.json.decode(await socket.receive_str(timeout=5), type=dict[str, object])


def test_a_client_gets_status_ack_snapshot_and_updates() -> None:
    async def main() -> list[dict[str, object]]:
        async with (
            exchange() as market,
            serve(market) as url,
            aiohttp.ClientSession() as session,
            session.ws_connect(url) as socket,
        ):
            frames = [await next_frame(socket)]
            await socket.send_str(SUBSCRIBE)
            frames += [await next_frame(socket) for _ in range(4)]
            assert market.connections == 1
            return frames

    frames = asyncio.run(main())

    assert frames[0]["channel"] == "status"
    assert frames[1]["method"] == "subscribe"
    assert frames[1]["req_id"] == 7
    assert [frame.get("type") for frame in frames[2:]] == ["snapshot", "update", "update"]


def test_an_endpoint_is_named_by_the_end_of_the_path() -> None:
    async def main() -> dict[str, object]:
        async with (
            exchange() as market,
            serve(market) as url,
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{url}/level3") as socket,
        ):
            await next_frame(socket)
            await socket.send_str(SUBSCRIBE)
            return await next_frame(socket)

    refusal = asyncio.run(main())

    assert refusal["success"] is False
    assert refusal["error"] == (
        "Public market data subscriptions are unavailable on this endpoint. Try ws.kraken.com"
    )


@pytest.mark.parametrize(("code", "seen"), [(1012, 1012), (1006, 1006)])
def test_a_hangup_reaches_the_client_with_its_code(code: int, seen: int) -> None:
    async def main() -> int | None:
        async with (
            exchange() as market,
            serve(market) as url,
            aiohttp.ClientSession() as session,
            session.ws_connect(url) as socket,
        ):
            await next_frame(socket)
            market.hangup_all(code)
            async with asyncio.timeout(5):
                await socket.receive()
            return socket.close_code

    assert asyncio.run(main()) == seen


@pytest.mark.parametrize(("code", "header"), [(429, "60"), (503, "60"), (403, None)])
def test_a_refused_dial_is_an_http_status(code: int, header: str | None) -> None:
    async def main() -> aiohttp.WSServerHandshakeError:
        async with (
            exchange(f"refuse:{code}@0s+60s") as market,
            serve(market) as url,
            aiohttp.ClientSession() as session,
        ):
            await asyncio.sleep(0)  # the refusal begins
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await session.ws_connect(url)
            return caught.value

    refusal = asyncio.run(main())

    assert refusal.status == code
    assert refusal.headers is not None
    assert refusal.headers.get("Retry-After") == header


def test_closing_is_quick_and_leaves_no_task_while_clients_are_connected() -> None:
    async def main() -> tuple[float, set[asyncio.Task[object]], int | None]:
        loop = asyncio.get_running_loop()
        async with aiohttp.ClientSession() as session:
            async with exchange() as market, serve(market) as url:
                socket = await session.ws_connect(url)
                await socket.send_str(SUBSCRIBE)
                await next_frame(socket)
                reader = asyncio.ensure_future(_read_to_end(socket))
                await asyncio.sleep(0)
                begun_s = loop.time()
            took_s = loop.time() - begun_s
            code = await reader
            await socket.close()
        await asyncio.sleep(0.05)
        return took_s, asyncio.all_tasks() - {asyncio.current_task()}, code

    took_s, left, code = asyncio.run(main())

    assert took_s < 1.0
    assert not left
    assert code == 1001


async def _read_to_end(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    async for _ in socket:
        pass
    return socket.close_code


def test_a_client_that_leaves_is_forgotten() -> None:
    async def main() -> int:
        async with exchange() as market, serve(market) as url, aiohttp.ClientSession() as session:
            async with session.ws_connect(url) as socket:
                await next_frame(socket)
                assert market.connections == 1
            async with asyncio.timeout(5):
                while market.connections:  # noqa: ASYNC110 - a count has no event
                    await asyncio.sleep(0.01)
            return market.connections

    assert asyncio.run(main()) == 0


def test_a_port_in_use_is_bad_input_that_names_it() -> None:
    async def main() -> None:
        async with exchange() as market, serve(market) as url:
            port = int(url.split(":")[2].split("/")[0])
            with pytest.raises(BadInput, match=str(port)):
                async with serve(market, port=port):
                    pass

    asyncio.run(main())


def test_rest_calls_are_answered_on_the_same_port() -> None:
    async def main() -> None:
        venue = find_venue("okx")
        exchange = SimulatedExchange(
            venue, venue.sample_symbols, seed=1, clock=SystemClock(), rate_per_s=0.0
        )
        async with exchange, serve(exchange) as url, http() as calls:
            base = url.replace("ws://", "http://")
            known = await calls.call("GET", f"{base}/api/v5/public/time", {}, b"")
            assert known.startswith(b'{"code":"0"')
            with pytest.raises(VenueRefused, match="answered 404"):
                await calls.call("GET", f"{base}/api/v5/no/such/thing", {}, b"")

    asyncio.run(main())


def test_a_client_that_trusts_the_authority_reaches_it_over_tls(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"

    async def main() -> dict[str, object]:
        context = certificate("127.0.0.1", authority)
        trusting = ssl.create_default_context(cafile=str(authority))
        async with (
            exchange() as market,
            serve(market, tls=context) as url,
            aiohttp.ClientSession() as session,
            session.ws_connect(url, ssl=trusting) as socket,
        ):
            assert url.startswith("wss://127.0.0.1:")
            return await next_frame(socket)

    assert asyncio.run(main())["channel"] == "status"


def test_a_client_that_does_not_trust_it_is_not_let_through(tmp_path: Path) -> None:
    async def main() -> None:
        context = certificate("127.0.0.1", tmp_path / "ca.pem")
        async with (
            exchange() as market,
            serve(market, tls=context) as url,
            websockets() as dial,
        ):
            with pytest.raises(TransportError, match="certificate"):
                async with dial(url):
                    pass

    asyncio.run(main())


def test_an_authority_that_cannot_be_written_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be written"):
        certificate("127.0.0.1", tmp_path)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("binance", "/stream?streams=btcusdt@bookTicker"),
        ("binance", "/ws/btcusdt@bookTicker"),
        ("binance-usdm", "/public/stream?streams=btcusdt@bookTicker"),
        ("binance-usdm", "/public/ws/btcusdt%40bookTicker"),
    ],
)
def test_streams_that_the_url_names_are_sent_at_once(name: str, path: str) -> None:
    async def main() -> dict[str, object]:
        venue = find_venue(name)
        exchange = SimulatedExchange(
            venue, venue.sample_symbols, seed=1, clock=SystemClock(), rate_per_s=500.0
        )
        async with (
            exchange,
            serve(exchange) as url,
            aiohttp.ClientSession() as session,
            session.ws_connect(yarl.URL(url + path, encoded=True)) as socket,
        ):
            return await next_frame(socket)

    frame = asyncio.run(main())

    assert frame.get("stream", "btcusdt@bookTicker") == "btcusdt@bookTicker"
    assert ("stream" in frame) == ("/stream" in path)


def test_a_path_that_is_not_served_is_answered_with_its_status() -> None:
    async def main() -> list[int]:
        venue = find_venue("binance-usdm")
        exchange = SimulatedExchange(
            venue, venue.sample_symbols, seed=1, clock=SystemClock(), rate_per_s=0.0
        )
        found: list[int] = []
        async with exchange, serve(exchange) as url, aiohttp.ClientSession() as session:
            for path in ("/stream/garbage", "/public/ws/btcusdt@kline_1m"):
                with pytest.raises(aiohttp.WSServerHandshakeError) as error:
                    await session.ws_connect(url + path)
                found.append(error.value.status)
        return found

    assert asyncio.run(main()) == [404, 400]


def test_an_address_with_colons_stands_in_brackets() -> None:
    async def main() -> str:
        async with exchange(rate_per_s=0.0) as market:
            try:
                async with serve(market, host="::1") as url:
                    return url
            except BadInput as error:  # there are machines without it
                pytest.skip(str(error))

    assert asyncio.run(main()).startswith("ws://[::1]:")
