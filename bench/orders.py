"""The round trip of an order over loopback: from the call to the exchange's acknowledgement.

The simulated exchange runs in this very process, so what is measured is both halves and the
machine's sockets; beside it a bare aiohttp echo of a frame of the same size, in the same run.
"""

import argparse
import asyncio
import base64
import statistics
import time
from decimal import Decimal

from aiohttp import ClientSession, WSMsgType, web

from fluxum.clock import SystemClock
from fluxum.connect import connect
from fluxum.model.account import Credentials
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import Accepted, Declined, OrderRequest, Place
from fluxum.session.account_config import AccountConfig
from fluxum.session.session import Session
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.serve import serve
from fluxum.venues.register import find_venue

EXCHANGE = "kraken"
KEY, SECRET = "bench", base64.b64encode(b"bench").decode()
BTC = Symbol("BTC/USD")
PAUSE_S = 0.11  # 200 orders stay below the venue's own allowances


async def echo(count: int, size: int) -> list[float]:
    """Seconds of `count` round trips of a frame, there and back, and nothing else."""

    async def answer(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
        return socket

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    times: list[float] = []
    async with (
        ClientSession() as client,
        client.ws_connect(f"http://127.0.0.1:{runner.addresses[0][1]}/") as socket,
    ):
        for _ in range(count):
            begun = time.perf_counter()
            await socket.send_str("x" * size)
            await socket.receive()
            times.append(time.perf_counter() - begun)
            await asyncio.sleep(0.001)
    await runner.cleanup()
    return times


async def orders(count: int) -> list[float]:
    """Seconds from asking for an order to its acknowledgement, one after another."""
    exchange = SimulatedExchange(
        find_venue(EXCHANGE), [BTC], seed=1, clock=SystemClock(), rate_per_s=0.0
    )
    async with exchange, serve(exchange) as url:
        exchange.open_account(KEY, SECRET, {"USD": Decimal(10**9)}, tier="pro")
        account_config = AccountConfig(Credentials(KEY, SECRET), tier="pro", audit_s=None)
        async with connect(EXCHANGE, endpoint=url, account_config=account_config) as session:
            session.subscribe(Subscription(Channel.EXECUTION))
            await session.wait_ready(20)
            (best,) = exchange.levels(BTC, Side.BUY, 1)
            request = OrderRequest(
                symbol=BTC,
                side=Side.BUY,
                quantity=Decimal("0.01"),
                limit_price=best.price - 1000 * exchange.instruments()[0].tick,
            )
            return [await round_trip(session, request) for _ in range(count)]


async def round_trip(session: Session, request: OrderRequest) -> float:
    with session.account.account_events() as events:
        begun = time.perf_counter()
        number = session.account.command(Place(request=request))
        async for event in events:
            assert not isinstance(event, Declined), event
            if isinstance(event, Accepted) and event.command_id == number:
                break
        elapsed = time.perf_counter() - begun
    await asyncio.sleep(PAUSE_S)
    return elapsed


def shown(name: str, times: list[float]) -> str:
    ordered = sorted(times)
    middle = statistics.median(ordered) * 1e6
    last = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1e6
    return f"{name:>28}: p50 {middle:>7,.0f} us   p99 {last:>7,.0f} us   ({len(times)} times)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    wishes = parser.parse_args()
    first = asyncio.run(echo(1000, 250))
    placed = asyncio.run(orders(wishes.count))
    second = asyncio.run(echo(1000, 250))
    bare = first + second
    print(shown("order to acknowledgement", placed))
    print(shown("bare echo of a frame", bare))
    print(f"{'ratio':>28}: p50 {statistics.median(placed) / statistics.median(bare):.1f}")


if __name__ == "__main__":
    main()
