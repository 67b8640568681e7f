"""The rules of a market are there before it is traded, however late a venue lists it.

Some venues list their markets in several calls, and the session is ready with the first answer.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

import fluxum
from fluxum import Channel, NotSubscribed
from fluxum.runtime import Reach
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.transport.http import Http
from fluxum.venues.register import VENUES
from fluxum.venues.venue import Venue
from venues.accounts import KEYS, LOT, play

IN_PARTS = {"gemini", "gemini-v2", "okx"}  # whose lists are several answers
ACCOUNTS = [venue for venue in VENUES.values() if venue.private is not None]


class LateHttp:
    """The first calls are answered last: they are for lists of markets."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._delays_s = [8.0, 4.0, 2.0]

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        if method == "GET" and self._delays_s:
            await asyncio.sleep(self._delays_s.pop(0))
        return await self._http.call(method, url, headers, body)


class LateRuntime(SimulatedRuntime):
    """Links are as ever, calls are late."""

    @asynccontextmanager
    async def reach(self, venue: Venue) -> AsyncGenerator[Reach]:
        async with super().reach(venue) as reach:
            yield Reach(reach.dial, LateHttp(reach.http))


@asynccontextmanager
async def late(venue: Venue, count: int = 1) -> AsyncGenerator[LateRuntime]:
    clock, markets = SimulatedClock(), venue.sample_symbols[:count]
    async with SimulatedExchange(venue, markets, seed=7, clock=clock, rate_per_s=5) as exchange:
        market = markets[0]
        money = {str(market.quote): Decimal(100_000), str(market.base): Decimal(1)}
        exchange.open_account(KEYS.key, KEYS.secret, money, passphrase=KEYS.passphrase)
        await asyncio.sleep(1)
        yield LateRuntime(exchange, clock=clock, seed=3)


@pytest.mark.parametrize("venue", VENUES.values(), ids=lambda venue: venue.name)
def test_the_rules_of_every_market_are_waited_for(venue: Venue) -> None:
    async def story() -> None:
        async with late(venue, 3) as runtime:
            symbols = venue.sample_symbols[:3]
            async with fluxum.connect(
                venue.name, symbols, (Channel.BOOK, Channel.INSTRUMENT), runtime=runtime
            ) as session:
                await session.wait_ready(60)
                assert (session.instrument(symbols[0]) is None) is (venue.name in IN_PARTS)
                rules = await session.wait_instruments(symbols, 60)

                assert [one.symbol for one in rules] == list(symbols)
                assert [session.instrument(one) for one in symbols] == list(rules)

    play(story)


@pytest.mark.parametrize("venue", ACCOUNTS, ids=lambda venue: venue.name)
def test_a_trader_begins_with_the_rules_of_its_markets(venue: Venue) -> None:
    async def story() -> None:
        symbol = venue.sample_symbols[0]
        async with (
            late(venue) as runtime,
            fluxum.trade(
                venue.name,
                [symbol],
                keys=KEYS,
                journal=fluxum.MemoryOrderJournal(),
                runtime=runtime,
            ) as trader,
        ):
            assert trader.session.instrument(symbol) is not None
            order = await trader.buy(symbol, LOT)
            assert order.symbol == symbol

    play(story)


def test_a_market_without_rules_is_named_when_the_time_is_over() -> None:
    async def story() -> None:
        venue = VENUES["kraken"]
        async with (
            late(venue) as runtime,
            fluxum.connect(
                venue.name, venue.sample_symbols[:1], (Channel.INSTRUMENT,), runtime=runtime
            ) as session,
        ):
            await session.wait_ready(60)
            with pytest.raises(TimeoutError, match="no rules of XYZ/USD after 5 s: does kraken"):
                await session.wait_instruments(["XYZ/USD", venue.sample_symbols[0]], 5)
            assert await session.wait_instruments([]) == ()

    play(story)


def test_rules_that_nobody_asked_for_are_not_waited_for() -> None:
    async def story() -> None:
        venue = VENUES["kraken"]
        async with (
            late(venue) as runtime,
            fluxum.connect(venue.name, venue.sample_symbols[:1], runtime=runtime) as session,
        ):
            with pytest.raises(NotSubscribed, match="subscription to instruments"):
                await session.wait_instruments(venue.sample_symbols[:1], 5)

    play(story)
