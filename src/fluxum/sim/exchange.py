"""A simulated exchange: markets that move by themselves, and a venue's server for each client.

Clients dial it in memory; `sim.serve` puts the same object on a real socket. All that happens
follows from the seed. Every move of a market and every answer has its own instant, never used
twice, so a frame's time identifies one state of the exchange's own book: `book_at` returns the
book that the client should have.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from fluxum.book.level3 import Level3Book
from fluxum.clock import Clock
from fluxum.errors import BadInput, RateLimited, TransportError, VenueRefused
from fluxum.model.account import Credentials
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import Candle, Level, Side, Ticker, Trade
from fluxum.sim.account import SimulatedAccount
from fluxum.sim.accounts import SimulatedAccounts
from fluxum.sim.book_history import BookHistory, Levels, Top
from fluxum.sim.client import Connection, endpoint_of
from fluxum.sim.faults import Fault, FaultKind, FaultPlan
from fluxum.sim.instruments import listing
from fluxum.sim.market import SimulatedMarket
from fluxum.sim.sides import find_side
from fluxum.transport.link import Link, loopback
from fluxum.transport.refusal import refusal
from fluxum.venues.server.accounts import OrderFault
from fluxum.venues.server.contract import (
    Answer,
    Dialled,
    NoticeServer,
    ServerSide,
    StatusServer,
    VenueServer,
)
from fluxum.venues.venue import Fetch, Venue

__all__ = ["SimulatedExchange", "Top"]

_HISTORY_LEVELS = 10
_TICK_S = 0.2
_WARM_UP_STEPS = 500
_WARM_UP_S = 1800.0
_RETRY_STATUSES = (429, 503)
_CALL_S = (0.01, 0.3)


class SimulatedExchange:
    """A venue with simulated markets; see MarketView for what its servers see.

    Used as an async context manager, which owns every task. `rate_per_s` is market moves over all
    symbols, at random intervals; zero stops them. `depth` is the least number of levels a side.
    Instants are whole multiples of `resolution_ns`, so that a venue whose times are milliseconds
    can be checked. `side` is the venue's simulated half, by default the one of the venue's name.
    """

    def __init__(
        self,
        venue: Venue,
        symbols: Sequence[Symbol],
        *,
        seed: int,
        clock: Clock,
        rate_per_s: float = 5.0,
        depth: int = 30,
        faults: FaultPlan | None = None,
        resolution_ns: int = 1000,
        side: ServerSide | None = None,
    ) -> None:
        if not symbols:
            raise BadInput("a simulated exchange needs a symbol, was none")
        self.venue = venue
        self._side = side if side is not None else find_side(venue.name)
        self.symbols = tuple(dict.fromkeys(symbols))
        self.seed = seed
        self.status = "online"
        self.refused = 0
        self.dialled = 0
        self.moves = 0
        self._clock = clock
        self._resolution_ns = resolution_ns
        self._last_ns = 0
        self._rate_per_s = rate_per_s
        self._plan = faults if faults is not None else FaultPlan((), _generator(seed, "faults"))
        self._random = _generator(seed, "moves")
        self._calls = _generator(seed, "calls")
        now_ns = self._next_instant()
        self._markets = {symbol: self._make(symbol, now_ns, depth) for symbol in self.symbols}
        self._book_history = BookHistory(self.symbols)
        self._revisions = dict.fromkeys(self.symbols, self._random.randrange(10**6, 10**9))
        for symbol in self.symbols:
            self._remember(symbol, now_ns)
        self._connections: list[Connection] = []
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._started_s = 0.0
        self._silent_until_s = self._frozen_until_s = 0.0
        self._limited_until_ns = 0
        self._refusal: tuple[float, Fault] | None = None
        hooks = (self.change, self._next_instant, self._publish_account_events, self._roll_fault)
        ids = (self._side.order_id, self._side.entry_id)
        self.accounts = SimulatedAccounts(
            venue.name, self._markets, _generator(seed, "accounts"), *hooks, *ids
        )
        self._rest = None if self._side.rest is None else self._side.rest(self)

    async def __aenter__(self) -> Self:
        assert self._group is None, "a simulated exchange opens once"
        self._group = await asyncio.TaskGroup().__aenter__()
        self._started_s = self._now_s()
        self._start(self._repeat(lambda: _TICK_S, self._tick), "ticks")
        if self._rate_per_s > 0:
            self._start(self._repeat(self._pause_s, self._move), "moves")
        for index, fault in enumerate(self._plan.timed):
            self._start(self._perform(fault), f"{fault.kind.value} {index}")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        group, self._group = self._group, None
        assert group is not None
        self.hangup_all(1001)
        for task in self._tasks:
            task.cancel()
        try:
            await group.__aexit__(kind, error, traceback)
        except BaseExceptionGroup as failed:
            # A failed task of ours cancels the block: its error explains more than the
            # cancellation.
            if error is None or isinstance(error, asyncio.CancelledError):
                raise failed.exceptions[0] from failed

    # What a venue's servers see

    def instruments(self) -> Sequence[Instrument]:
        """Every market of the exchange."""
        return [market.instrument for market in self._markets.values()]

    def book(self, symbol: Symbol) -> Level3Book:
        """Every resting order of one market."""
        return self._markets[symbol].engine.book

    def levels(self, symbol: Symbol, side: Side, count: int) -> Sequence[Level]:
        """The best levels of one side, best first; an unchanged level is the same object."""
        if count == _HISTORY_LEVELS:  # the depth requested most often is kept ready
            _, bids, asks = self._book_history.last(symbol)
            return bids if side is Side.BUY else asks
        return self._markets[symbol].levels(side, count)

    def revision(self, symbol: Symbol) -> int:
        """A number that grows with every move of this market."""
        return self._revisions[symbol]

    def trades(self, symbol: Symbol, count: int) -> Sequence[Trade]:
        """The last trades, oldest first."""
        return self._markets[symbol].trades(count)

    def ticker(self, symbol: Symbol) -> Ticker:
        """The last 24 hours in one line."""
        return self._markets[symbol].ticker()

    def candles(self, symbol: Symbol, interval_s: int, count: int) -> Sequence[Candle]:
        """The last candles, oldest first; the last one may be running."""
        return self._markets[symbol].candles(interval_s, count)

    # What a client sees

    @asynccontextmanager
    async def dial(self, url: str, headers: Mapping[str, str] = {}, /) -> AsyncGenerator[Link]:
        """Open a link in memory; a Dial. The URL or its last part names the endpoint.

        Raises RateLimited or VenueRefused while dials are refused, VenueRefused for an URL that the
        venue does not serve, and TransportError when the exchange is not open.
        """
        await asyncio.sleep(0)
        if self._group is None:
            raise TransportError(f"the simulated exchange is not open, was dialled at {url!r}")
        self._refuse()
        self.dialled += 1
        client, ours = loopback()
        parts = urlsplit(url)
        dialled = Dialled(endpoint_of(self.venue.endpoints, url), parts.path, parts.query, headers)
        server = self._side.link(self, dialled)
        connection = Connection(server, ours, self._next_instant, self._plan, self._started_s)
        connection.hold(self._frozen_until_s)
        self._connections.append(connection)
        self._start(connection.serve(), f"client {self.dialled}")
        self._greet(connection, server)
        try:
            yield client
        finally:
            connection.close()
            self._connections.remove(connection)
            self.accounts.drop(server)

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        """Answer a REST call after a random part of a second; see Http.

        The answer is of the instant half way, so it may be older or newer than the streams.
        """
        answer = await self.answer(Fetch(method, _path_of(url), "", headers, body))
        if answer.status < 300:
            return answer.body
        detail, headers = answer.body[:200].decode(), {"Retry-After": "1", **answer.headers}
        raise refusal(f"{method} {url}", url, answer.status, headers, detail)

    async def answer(self, call: Fetch) -> Answer:
        """The venue's answer to a REST call; `path` is everything after the host."""
        half_s = self._calls.uniform(_CALL_S[0], _CALL_S[1]) / 2
        await asyncio.sleep(max(half_s, self._frozen_until_s - self._now_s()))
        if self._group is None:
            raise TransportError(f"the simulated exchange is not open, was called at {call.path!r}")
        try:
            self._refuse()
        except RateLimited as error:
            wait = (
                {} if error.retry_after_s is None else {"Retry-After": f"{error.retry_after_s:.0f}"}
            )
            return Answer(int(error.code), str(error).encode(), wait)
        if self._rest is None:
            return Answer(404, b"this venue has no REST half here")
        answer = self._rest.answer(call, self._next_instant())
        await asyncio.sleep(half_s)
        return answer

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return sum(connection.is_open for connection in self._connections)

    # What tests and checkers use

    @property
    def injected(self) -> Counter[FaultKind]:
        """How often each kind of fault was injected; refusals are counted dial by dial."""
        return self._plan.injected

    def market(self, symbol: Symbol) -> SimulatedMarket:
        """The live market; change it only through `change`."""
        return self._markets[symbol]

    def change(self, symbol: Symbol, act: Callable[[SimulatedMarket, int], object]) -> int:
        """Change a market and publish to all clients; returns the instant of the change."""
        now_ns = self._next_instant()
        act(self._markets[symbol], now_ns)
        self._moved(symbol, now_ns)
        self.accounts.gateway.follow_up(symbol)
        return now_ns

    def step(self, symbol: Symbol) -> int:
        """Make one move in a market and publish to all clients; returns its instant."""
        return self.change(symbol, SimulatedMarket.step)

    def book_at(self, symbol: Symbol, venue_ns: int) -> Top:
        """The exchange's own best ten levels at the instant that a frame has.

        Raises BadInput if that is longer ago than the last five thousand moves of the market.
        """
        return self._book_history.at(symbol, venue_ns)

    def has_shown(self, symbol: Symbol, bids: Levels, asks: Levels) -> bool:
        """Whether these were the best levels of a market at any of its last moves."""
        return self._book_history.has_shown(symbol, bids, asks)

    def top(self, symbol: Symbol) -> Top:
        """The exchange's own best ten levels now."""
        return self.book_at(symbol, self._last_ns)

    def open_account(
        self,
        key: str,
        secret: str,
        balances: Mapping[str, Decimal],
        *,
        tier: str = "",
        fees: tuple[Decimal, Decimal] = (Decimal("0.0025"), Decimal("0.004")),
        passphrase: str = "",
    ) -> SimulatedAccount:
        """Open an account; `fees` are for makers and takers, an empty `tier` is the first one."""
        return self.accounts.open(Credentials(key, secret, passphrase), balances, tier, fees)

    def expire_tokens(self) -> None:
        """Expire every token now; streams that use one go on."""
        self._plan.injected[FaultKind.STALE] += 1
        self.accounts.expire_tokens()

    def lose_next_ack(self) -> None:
        """Lose the answer to the next order that is accepted."""
        self._plan.arm(FaultKind.LOST_ACK)

    def cut_next_command(self) -> None:
        """Hang up on the next command, before it is executed."""
        self._plan.arm(FaultKind.CUT_OFF)

    def limit_calls(self, duration_s: float) -> None:
        """Refuse signed REST calls for a while, as too many."""
        self._limited_until_ns = self._clock.now_ns() + int(duration_s * 1e9)

    def hangup_all(self, code: int = 1006) -> None:
        """Hang up on every client."""
        for connection in self._connections:
            connection.close(code, "the simulated exchange hung up")

    def announce_cut(self) -> None:
        """Announce to every client that its link will be closed soon, if the venue does that."""
        now_ns = self._next_instant()
        for connection in self._connections:
            if isinstance(connection.server, NoticeServer):
                connection.send(connection.server.going_away(now_ns))

    def set_status(self, status: str) -> None:
        """Change the engine's status, by its name in VenueStatus, and publish it to clients."""
        self.status = status
        now_ns = self._next_instant()
        for connection in self._connections:
            if isinstance(connection.server, StatusServer):
                connection.send(connection.server.status(status, now_ns))

    def _make(self, symbol: Symbol, now_ns: int, depth: int) -> SimulatedMarket:
        warm_ns = now_ns - int(_WARM_UP_S * 1e9)
        random = _generator(self.seed, f"flow of {symbol}")
        market = SimulatedMarket(listing(self.venue, symbol, warm_ns), random, warm_ns, depth)
        market.warm_up(now_ns, _WARM_UP_STEPS, _WARM_UP_S)
        return market

    def _next_instant(self) -> int:
        """The instant of an event now: a whole multiple of the resolution, never the same twice."""
        now_ns = self._clock.now_ns() // self._resolution_ns * self._resolution_ns
        self._last_ns = max(now_ns, self._last_ns + self._resolution_ns)
        return self._last_ns

    def _moved(self, symbol: Symbol, now_ns: int) -> None:
        self.moves += 1
        self.accounts.gateway.book_trades(symbol, now_ns)
        self._remember(symbol, now_ns)
        if self._is_silent():
            return
        for connection in self._connections:
            connection.send(connection.server.publish(symbol, now_ns))

    def _publish_account_events(self) -> None:
        """Make servers publish account events, though no market moved."""
        if self._is_silent():
            return
        for connection in self._connections:
            if self.accounts.is_followed_by(connection.server):
                connection.send(connection.server.publish(self.symbols[0], self._last_ns))

    def _is_silent(self) -> bool:
        return bool(self._silent_until_s) and self._silent_until_s > self._now_s()

    def _roll_fault(self, fault: OrderFault) -> bool:
        if fault is OrderFault.LIMITED:
            return self._clock.now_ns() < self._limited_until_ns
        elapsed_s = 0.0 if self._group is None else self._now_s() - self._started_s
        return self._plan.roll_fault(fault, elapsed_s)

    def _remember(self, symbol: Symbol, now_ns: int) -> None:
        self._revisions[symbol] += 1
        engine = self._markets[symbol].engine
        bids, asks = engine.bids.top(_HISTORY_LEVELS), engine.asks.top(_HISTORY_LEVELS)
        self._book_history.add(symbol, (now_ns, bids, asks))

    def _greet(self, connection: Connection, server: VenueServer) -> None:
        now_ns = self._next_instant()
        if isinstance(server, StatusServer):
            server.status(self.status, now_ns)  # so that its first status is right
        connection.send(server.opened(now_ns))

    def _refuse(self) -> None:
        fault = self._plan.refusal()
        left_s = 0.0 if fault is None else fault.duration_s
        if fault is None and self._refusal is not None:
            until_s, fault = self._refusal
            left_s = until_s - self._now_s()
            if left_s <= 0:
                return
            self._plan.injected[FaultKind.REFUSE] += 1
        if fault is None:
            return
        self.refused += 1
        code = fault.code or 429
        message = f"the simulated exchange refused the link with HTTP {code}"
        if code in _RETRY_STATUSES:
            raise RateLimited(message, str(code), left_s)
        raise VenueRefused(message, str(code))

    # What happens by itself

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        assert self._group is not None
        task = self._group.create_task(work, name=f"simulated exchange: {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _repeat(self, delay_s: Callable[[], float], act: Callable[[], None]) -> None:
        """Act by timers: they cost half as much as a sleeping task, and moves are many."""
        loop = asyncio.get_running_loop()
        broken: asyncio.Future[None] = loop.create_future()
        due_s = loop.time() + delay_s()
        timer: asyncio.TimerHandle

        def once() -> None:
            nonlocal due_s, timer
            try:
                act()
            except Exception as error:  # noqa: BLE001 - raised below, in the task
                broken.set_exception(error)
                return
            due_s += delay_s()
            timer = loop.call_at(due_s, once)

        timer = loop.call_at(due_s, once)
        try:
            await broken
        finally:
            timer.cancel()

    def _pause_s(self) -> float:
        return self._random.expovariate(self._rate_per_s)

    def _move(self) -> None:
        if self.status == "online":
            self.step(self.symbols[int(self._random.random() * len(self.symbols))])

    def _tick(self) -> None:
        now_ns = self._clock.now_ns()
        self.accounts.tick(now_ns)
        self._publish_account_events()
        for connection in self._connections:
            connection.send(connection.server.tick(now_ns))

    async def _perform(self, fault: Fault) -> None:
        until_s = self._started_s + (fault.at_s or 0.0)
        await asyncio.sleep(until_s - self._now_s())
        if fault.kind is not FaultKind.REFUSE:  # which is counted dial by dial
            self._plan.injected[fault.kind] += 1
        ends_s = self._now_s() + fault.duration_s
        match fault.kind:
            case FaultKind.SILENCE:
                self._silent_until_s = max(self._silent_until_s, ends_s)
            case FaultKind.FREEZE:
                self._frozen_until_s = max(self._frozen_until_s, ends_s)
                for connection in self._connections:
                    connection.hold(ends_s)
            case FaultKind.HANGUP:
                self.hangup_all(fault.code or 1006)
            case FaultKind.REFUSE:
                self._refusal = (ends_s, fault)
            case FaultKind.LIMITED:
                self.limit_calls(fault.duration_s)
            case FaultKind.STALE:
                self.accounts.expire_tokens()
            case FaultKind.MAINTENANCE:
                await self._maintain(fault.duration_s)
            case kind:
                raise AssertionError(f"{kind} strikes frames")

    async def _maintain(self, duration_s: float) -> None:
        for status in ("maintenance", "cancel_only", "post_only"):
            self.set_status(status)
            await asyncio.sleep(duration_s / 3)
        self.set_status("online")

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()


def _path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _generator(seed: int, purpose: str) -> Random:
    """A separate generator for each purpose, the same in every process for the same seed."""
    return Random(f"{seed} {purpose}")  # noqa: S311 - reproducible on purpose
