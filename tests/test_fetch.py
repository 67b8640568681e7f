"""One question to an exchange: answered without a link, and counted with those of its sessions."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import pytest

import fluxum
from fluxum.clock import Clock
from fluxum.errors import BadInput
from fluxum.model.instrument import Symbol
from fluxum.pacing import AttemptBudget, CallCounter
from fluxum.runtime import Reach
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import START_NS, SimulatedClock, run
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.transport.http import Http
from fluxum.venues.register import VENUES, find_venue
from fluxum.venues.venue import Venue

SECOND = 1_000_000_000


class Calls:
    """REST calls of one exchange, each with the instant of the loop when it was made."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self.made: list[tuple[float, str]] = []

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        self.made.append((asyncio.get_running_loop().time(), url))
        return await self._http.call(method, url, headers, body)

    @property
    def paths(self) -> list[str]:
        return [url.partition("://")[2].partition("/")[2].partition("?")[0] for _, url in self.made]


class World:
    """A runtime with one simulated exchange, whose REST calls are kept."""

    def __init__(self, exchange: SimulatedExchange, clock: Clock) -> None:
        self.exchange = exchange
        self.clock: Clock = clock
        self._inner = SimulatedRuntime(exchange, clock=clock, seed=3)
        self.random = self._inner.random
        self.calls = Calls(exchange)

    def budget(self, venue: Venue) -> AttemptBudget:
        return self._inner.budget(venue)

    def counter(self, venue: Venue, url: str) -> CallCounter:
        return self._inner.counter(venue, url)

    @asynccontextmanager
    async def reach(self, venue: Venue) -> AsyncGenerator[Reach]:
        async with self._inner.reach(venue) as reach:
            yield Reach(reach.dial, self.calls)


@asynccontextmanager
async def world(name: str) -> AsyncGenerator[World]:
    clock, venue = SimulatedClock(), find_venue(name)
    async with SimulatedExchange(
        venue,
        venue.sample_symbols[:2],
        seed=7,
        clock=clock,
        rate_per_s=5,
        resolution_ns=1_000_000,
    ) as exchange:
        yield World(exchange, clock)


@pytest.mark.parametrize("name", VENUES)
def test_every_question_is_answered_over_rest_alone(name: str) -> None:
    async def story() -> None:
        async with world(name) as now:
            symbol = find_venue(name).sample_symbols[0]
            await asyncio.sleep(200)

            ticker = await fluxum.fetch_ticker(name, symbol, runtime=now)
            book = await fluxum.fetch_book(name, symbol, 5, runtime=now)
            trades = await fluxum.fetch_trades(name, symbol, runtime=now)
            candles = await fluxum.fetch_candles(name, symbol, "1m", runtime=now)
            instruments = await fluxum.fetch_instruments(name, runtime=now)

            assert (ticker.venue, ticker.symbol) == (name, symbol)
            assert (len(book.bids), len(book.asks)) == (5, 5)
            assert book.bids[0].price < book.asks[0].price
            assert {one.symbol for one in trades} == {one.symbol for one in candles} == {symbol}
            assert {one.symbol for one in instruments} == set(now.exchange.symbols)
            assert now.exchange.dialled == 0

    run(story())


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("kraken", "online"),
        ("binance", "online"),
        ("binance-usdm", "online"),
        ("bybit", "online"),
        ("bybit-linear", "online"),
        ("okx", "online"),
        ("coinbase", None),
        ("coinbase-exchange", None),
        ("gemini", None),
        ("gemini-v2", None),
    ],
)
def test_the_status_is_the_venues_own_or_there_is_none(name: str, status: str | None) -> None:
    async def story() -> None:
        async with world(name) as now:
            if status is None:
                with pytest.raises(BadInput, match=f"{name} has no call for the status"):
                    await fluxum.fetch_status(name, runtime=now)
                assert now.calls.made == []
                return
            assert (await fluxum.fetch_status(name, runtime=now)).value == status
            assert len(now.calls.made) == 1

    run(story())


def test_the_time_is_the_venues_and_one_question_is_one_call() -> None:
    async def story() -> None:
        async with world("kraken") as now:
            await asyncio.sleep(100)

            told_ns = await fluxum.fetch_time("kraken", runtime=now)

            assert START_NS + 99 * SECOND <= told_ns <= START_NS + 101 * SECOND
            assert now.calls.paths == ["0/public/Time"]

    run(story())


def test_questions_of_one_process_share_the_limit_of_the_venue() -> None:
    async def story() -> None:
        async with world("kraken") as now:
            for _ in range(20):
                await fluxum.fetch_ticker("kraken", "BTC/USD", runtime=now)

            instants_s = [at_s for at_s, _ in now.calls.made]
            # One a second in the long run, four more at once: see the venue's limits.
            assert len(instants_s) == 20
            for number, at_s in enumerate(instants_s):
                assert at_s - instants_s[0] >= number - 4

    run(story())


def test_the_clock_is_measured_from_the_first_subscription_on() -> None:
    async def story() -> None:
        async with world("kraken") as now, fluxum.connect("kraken", runtime=now) as session:
            await asyncio.sleep(5)
            assert now.calls.made == []

            session.subscribe(fluxum.Subscription(fluxum.Channel.TRADE, Symbol("BTC/USD")))
            await asyncio.sleep(5)

            assert "0/public/Time" in now.calls.paths

    run(story())
