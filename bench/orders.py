"""The round trip of an order over loopback: from `place` to the frame, and to the acknowledgement.

The exchange runs in a process of its own, and so does a bare echo (aiohttp, a frame of the same
size), to which a round trip of the same pace is made in turn. Orders are measured in two ways. With
the simulated exchange, whose time from a request to the first answer is measured there and shown
apart; and with fixed answers: an order is not entered, but answered at once with an acceptance and
the order's first update, made of a template. In both ways the exchange notes how long it has a
request before it writes the answer, which the echo does at once. CPU times are of this process.
With `--journal` orders are written to a file and synced first, which is shown apart too. What
follows an order, such as its update and what readers get of it, is in the CPU time of its whole
turn, up to the next one. Every 50 orders are canceled, which is not timed.
"""

import argparse
import asyncio
import base64
import json
import multiprocessing
import re
import statistics
import tempfile
import time
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from decimal import Decimal
from multiprocessing.connection import Connection as ParentPipe
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web

from fluxum.clock import SystemClock
from fluxum.errors import RateLimited
from fluxum.model.account import Credentials
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderRequest, OrderStatus
from fluxum.orders.journal import FileOrderJournal, MemoryOrderJournal, OrderJournal
from fluxum.orders.journal_lines import JournalLine, Unfinished
from fluxum.runtime import LiveRuntime, Reach
from fluxum.session.account_config import AccountConfig
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.serve import serve
from fluxum.trader import Trader, trade
from fluxum.transport.link import Batched, Link
from fluxum.venues.register import find_venue
from fluxum.venues.venue import Venue

EXCHANGE = "kraken"
KEY, SECRET = "bench", base64.b64encode(b"bench").decode()
BTC = Symbol("BTC/USD")
PAUSE_S = 0.055  # twice for an order: 200 orders stay below the venue's own allowances
FRAME = "x" * 250
WHEN = "2026-01-31T12:00:00.000000Z"
OPEN_MAX = 50  # then all are canceled: an exchange takes so many open orders and no more


# The other process


class AnsweringLink:
    """A client's link to the exchange that notes how long a request waited for its first answer."""

    def __init__(self, link: Link, took_s: "Synchronized[float]") -> None:
        self._link = link
        self._took_s = took_s
        self._asked_s = 0.0

    async def send(self, frame: bytes) -> None:
        self._asked_s = time.perf_counter()
        await self._link.send(frame)

    async def receive(self) -> bytes:
        frame = await self._link.receive()
        if self._asked_s:
            self._took_s.value = time.perf_counter() - self._asked_s
            self._asked_s = 0.0
        return frame


class FixedLink:
    """A client's link whose orders are answered at once, and not entered at the exchange."""

    def __init__(self, link: Link, took_s: "Synchronized[float]") -> None:
        self._link = link
        self._took_s = took_s
        self._asked_s = 0.0
        self._answers: deque[bytes] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._sequence = 0
        self._orders = 0
        self._open: list[str] = []
        self._is_closed = False
        self._pump = asyncio.ensure_future(self._forward())

    async def send(self, frame: bytes) -> None:
        if frame.startswith(b'{"method":"cancel_all"'):
            self._cancel_all(json.loads(frame)["req_id"])
        elif frame.startswith(b'{"method":"add_order"'):
            self._answer(frame)
        else:
            await self._link.send(frame)

    def _cancel_all(self, number: int) -> None:
        """Answer a cancel of all orders, of which the exchange knows nothing."""
        self._answers.append(
            f'{{"method":"cancel_all","req_id":{number},"result":{{"count":{len(self._open)}}},'
            f'"success":true,"time_in":"{WHEN}","time_out":"{WHEN}"}}'.encode()
        )
        for name in self._open:
            self._sequence += 1
            self._answers.append(
                f'{{"channel":"executions","type":"update","data":[{{"order_id":"{name}",'
                f'"exec_type":"canceled","order_status":"canceled","timestamp":"{WHEN}"}}],'
                f'"sequence":{self._sequence}}}'.encode()
            )
        self._open.clear()
        self._wake()

    def _answer(self, frame: bytes) -> None:
        self._asked_s = time.perf_counter()
        asked = json.loads(frame)
        self._orders += 1
        self._sequence += 1
        name = f"OFIXED-{self._orders:05d}-ORDERS"
        self._open.append(name)
        params, when = asked["params"], WHEN
        self._answers += (
            (
                f'{{"method":"add_order","req_id":{asked["req_id"]},"result":{{"order_id":"{name}",'
                f'"cl_ord_id":"{params["cl_ord_id"]}"}},"success":true,'
                f'"time_in":"{when}","time_out":"{when}"}}'
            ).encode(),
            (
                f'{{"channel":"executions","type":"update","data":[{{"order_id":"{name}",'
                f'"cl_ord_id":"{params["cl_ord_id"]}","symbol":"{params["symbol"]}",'
                f'"order_qty":{params["order_qty"]},"cum_cost":0,"cum_qty":0,"avg_price":0,'
                f'"exec_type":"new","order_type":"limit","side":"{params["side"]}",'
                f'"limit_price":{params["limit_price"]},"time_in_force":"gtc","order_status":"new",'
                f'"timestamp":"{when}"}}],"sequence":{self._sequence}}}'
            ).encode(),
        )
        self._wake()

    async def _forward(self) -> None:
        """Answer with what the exchange sends; its `executions` set the numbers of ours."""
        try:
            while True:
                frame = await self._link.receive()
                found = re.search(rb'"channel":"executions".*"sequence":(\d+)', frame)
                self._sequence = int(found[1]) if found else self._sequence
                self._answers.append(frame)
                self._wake()
        finally:
            self._is_closed = True
            self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def receive(self) -> bytes:
        """An answer, or what the exchange sent."""
        while not self._answers:
            if self._is_closed:
                await self._pump  # raises why
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        if self._asked_s:
            self._took_s.value = time.perf_counter() - self._asked_s
            self._asked_s = 0.0
        return self._answers.popleft()

    def close(self) -> None:
        """Forward nothing more."""
        self._pump.cancel()


class AnsweringExchange(SimulatedExchange):
    """A simulated exchange that notes how long it needs for an answer, or gives fixed ones."""

    took_s: "Synchronized[float]"
    is_fixed: "Synchronized[int]"

    @asynccontextmanager
    async def dial(self, url: str, headers: Mapping[str, str] = {}, /) -> AsyncGenerator[Link]:
        async with super().dial(url, headers) as link:
            if not self.is_fixed.value:
                yield AnsweringLink(link, self.took_s)
                return
            fixed = FixedLink(link, self.took_s)
            try:
                yield fixed
            finally:
                fixed.close()


def serve_both(
    ready: ParentPipe, took_s: "Synchronized[float]", is_fixed: "Synchronized[int]"
) -> None:
    """An exchange and an echo, until the process is ended."""

    async def answer(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
        return socket

    async def main() -> None:
        app = web.Application()
        app.router.add_get("/", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        exchange = AnsweringExchange(
            find_venue(EXCHANGE), [BTC], seed=1, clock=SystemClock(), rate_per_s=0.0
        )
        exchange.took_s, exchange.is_fixed = took_s, is_fixed
        async with exchange, serve(exchange) as url:
            exchange.open_account(KEY, SECRET, {"USD": Decimal(10**9)}, tier="pro")
            (best,) = exchange.levels(BTC, Side.BUY, 1)
            price = best.price - 1000 * exchange.instruments()[0].tick
            ready.send((url, f"http://127.0.0.1:{runner.addresses[0][1]}/", str(price)))
            await asyncio.Event().wait()

    asyncio.run(main())


# This process


class TimedLink:
    """A link that notes when its last frame was written, also by the CPU time of the process."""

    def __init__(self, link: Link, written: list[float]) -> None:
        self._link = link
        self._written = written
        self.receive = link.receive
        if isinstance(link, Batched):
            self.waiting = link.waiting

    async def send(self, frame: bytes) -> None:
        before = time.process_time()
        await self._link.send(frame)
        self._written[:] = time.perf_counter(), before


class TimedRuntime(LiveRuntime):
    """This machine, with links that note when a frame was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = [0.0, 0.0]

    @asynccontextmanager
    async def reach(self, venue: Venue) -> AsyncGenerator[Reach]:
        async with super().reach(venue) as reach:

            @asynccontextmanager
            async def dial(url: str, headers: Mapping[str, str] = {}, /) -> AsyncGenerator[Link]:
                async with reach.dial(url, headers) as link:
                    yield TimedLink(link, self.written)

            yield Reach(dial, reach.http, reach.names)


class TimedJournal:
    """A journal that notes how long its writes took."""

    def __init__(self, journal: OrderJournal) -> None:
        self._journal = journal
        self.took_s = 0.0

    @property
    def unfinished(self) -> Mapping[str, Unfinished]:
        return self._journal.unfinished

    def write(self, lines: Sequence[JournalLine]) -> None:
        begun = time.perf_counter()
        self._journal.write(lines)
        self.took_s += time.perf_counter() - begun


class Times:
    """What each round trip took, in seconds."""

    def __init__(self) -> None:
        self.bare: list[float] = []
        self.bare_cpu: list[float] = []
        self.exchange: list[float] = []
        self.bare_turn: list[float] = []
        self.sent: list[float] = []
        self.before_sent: list[float] = []
        self.turn: list[float] = []
        self.acknowledged: list[float] = []
        self.ours: list[float] = []
        self.journal: list[float] = []


async def measure(
    trader: Trader,
    request: OrderRequest,
    socket: ClientWebSocketResponse,
    runtime: TimedRuntime,
    journal: TimedJournal,
    took_s: "Synchronized[float]",
    count: int,
    pause_s: float,
) -> Times:
    """An order and an echo, in turn, at one pace."""
    times = Times()
    while len(times.turn) < count:
        begun, begun_cpu = time.perf_counter(), time.process_time()
        await socket.send_str(FRAME)
        await socket.receive()
        times.bare.append(time.perf_counter() - begun)
        times.bare_cpu.append(time.process_time() - begun_cpu)
        await asyncio.sleep(pause_s)
        times.bare_turn.append(time.process_time() - begun_cpu)
        journal.took_s = 0.0
        begun, begun_cpu = time.perf_counter(), time.process_time()
        try:
            order = await trader.orders.place(request)
        except RateLimited as error:  # of more orders than its allowance is for: not timed
            times.bare_turn.pop()
            await asyncio.sleep((error.retry_after_s or 0.0) + pause_s)
            continue
        times.acknowledged.append(time.perf_counter() - begun)
        times.ours.append(time.process_time() - begun_cpu)
        times.sent.append(runtime.written[0] - begun)
        times.before_sent.append(runtime.written[1] - begun_cpu)
        times.journal.append(journal.took_s)
        times.exchange.append(took_s.value)
        assert order.status is not OrderStatus.UNKNOWN, order
        await asyncio.sleep(pause_s)
        times.turn.append(time.process_time() - begun_cpu)
        if len(trader.orders.open_orders()) >= OPEN_MAX:
            await trader.cancel_all()
    await trader.cancel_all()
    return times


async def run(
    url: str,
    echo: str,
    price: Decimal,
    journal: OrderJournal,
    took_s: "Synchronized[float]",
    count: int,
    pause_s: float,
) -> Times:
    runtime, timed = TimedRuntime(), TimedJournal(journal)
    keys = AccountConfig(Credentials(KEY, SECRET), tier="pro", audit_s=None)
    request = OrderRequest(symbol=BTC, side=Side.BUY, quantity=Decimal("0.01"), limit_price=price)
    async with (
        trade(EXCHANGE, [BTC], keys=keys, journal=timed, endpoint=url, runtime=runtime) as trader,
        ClientSession() as client,
        client.ws_connect(echo) as socket,
    ):
        await measure(trader, request, socket, runtime, timed, took_s, 10, pause_s)  # warm
        return await measure(trader, request, socket, runtime, timed, took_s, count, pause_s)


def show(name: str, times: list[float]) -> None:
    ordered = sorted(times)
    middle = statistics.median(ordered) * 1e6
    last = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1e6
    print(f"{name:>28}: p50 {middle:>7,.0f} us   p99 {last:>7,.0f} us   ({len(times)} times)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--journal", action="store_true", help="write orders to a synced file")
    parser.add_argument("--pause", type=float, default=PAUSE_S, help="seconds before each trip")
    wishes = parser.parse_args()
    theirs, ours = multiprocessing.Pipe()
    spawning = multiprocessing.get_context("spawn")
    took_s, is_fixed = spawning.Value("d", 0.0), spawning.Value("i", 0)
    server = spawning.Process(target=serve_both, args=(ours, took_s, is_fixed), daemon=True)
    server.start()
    url, echo, price = theirs.recv()
    with ExitStack() as stack:
        stack.callback(server.terminate)
        for is_fixed.value, name in ((0, "simulated exchange"), (1, "fixed answers")):
            journal: OrderJournal = MemoryOrderJournal()
            if wishes.journal:
                path = Path(stack.enter_context(tempfile.TemporaryDirectory()), "orders.jsonl")
                journal = stack.enter_context(FileOrderJournal(path, EXCHANGE))
            measured = run(url, echo, Decimal(price), journal, took_s, wishes.count, wishes.pause)
            print(f"{name}:")
            report(asyncio.run(measured))


def report(times: Times) -> None:
    """Print what round trips took, and their median beside that of an echo."""
    show("place to frame", times.sent)
    show("place to acknowledgement", times.acknowledged)
    show("of that the exchange", times.exchange)
    show("of that the journal", times.journal)
    show("bare echo at the same pace", times.bare)
    show("CPU up to the write", times.before_sent)
    show("CPU of an order", times.ours)
    show("CPU of an echo", times.bare_cpu)
    show("CPU of an order's turn", times.turn)
    show("CPU of an echo's turn", times.bare_turn)
    echo = statistics.median(times.bare)
    print(f"{'order / echo':>28}: p50 {statistics.median(times.acknowledged) / echo:.2f}")
    cpu = statistics.median(times.ours) - statistics.median(times.bare_cpu)
    print(f"{'CPU beyond that of an echo':>28}: p50 {cpu * 1e6:,.0f} us")
    pairs = zip(times.acknowledged, times.exchange, strict=True)
    ratio = statistics.median(all_ - theirs for all_, theirs in pairs) / echo
    print(f"{'order / echo':>28}: p50 {ratio:.2f} without the exchange's time")


if __name__ == "__main__":
    main()
