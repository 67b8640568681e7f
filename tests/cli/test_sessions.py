"""Several exchanges from one command, in virtual time: what fails at one harms no other."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

import pytest

from fluxum.cli.configured import begin_config
from fluxum.cli.sessions import Failures, NotReady, Selection, Sessions, open_sessions
from fluxum.clock import Clock
from fluxum.errors import BadInput, FluxumError, TransportError, VenueRefused
from fluxum.model.event import Channel, Dropped, Event, MarketEvent
from fluxum.model.instrument import Symbol
from fluxum.pacing import AttemptBudget, CallCounter
from fluxum.runtime import Reach
from fluxum.session.session import Session
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.transport.link import Link
from fluxum.venues.register import VENUES, find_venue
from fluxum.venues.venue import Venue

BTC_USD, BTC_USDT, NOPE = Symbol("BTC/USD"), Symbol("BTC/USDT"), Symbol("NOPE/USDT")
BOTH: Mapping[str, Sequence[Symbol]] = {"kraken": [BTC_USD], "binance": [BTC_USDT]}


class World:
    """Two simulated exchanges; those in `broken` fail every dial with that error."""

    def __init__(
        self, inner: SimulatedRuntime, broken: Mapping[str, FluxumError] | None = None
    ) -> None:
        self.clock: Clock = inner.clock
        self.random = inner.random
        self._inner = inner
        self._broken = broken or {}

    def budget(self, venue: Venue) -> AttemptBudget:
        return self._inner.budget(venue)

    def counter(self, venue: Venue, url: str) -> CallCounter:
        return self._inner.counter(venue, url)

    @asynccontextmanager
    async def reach(self, venue: Venue) -> AsyncGenerator[Reach]:
        async with self._inner.reach(venue) as reach:
            error = self._broken.get(venue.name)
            if error is None:
                yield reach
                return

            @asynccontextmanager
            async def fail(_url: str) -> AsyncGenerator[Link]:
                raise error
                yield

            def dial(
                url: str, headers: Mapping[str, str] = {}, /
            ) -> AbstractAsyncContextManager[Link]:
                return fail(url)

            yield Reach(dial, reach.http)


@asynccontextmanager
async def world(broken: Mapping[str, FluxumError] | None = None) -> AsyncGenerator[World]:
    clock = SimulatedClock()
    async with (
        SimulatedExchange(
            find_venue("kraken"), [BTC_USD], seed=1, clock=clock, rate_per_s=20
        ) as first,
        SimulatedExchange(
            find_venue("binance"), [BTC_USDT], seed=1, clock=clock, rate_per_s=20
        ) as second,
    ):
        yield World(SimulatedRuntime(first, second, clock=clock), broken)


def selection(
    markets: Mapping[str, Sequence[Symbol]] = BOTH,
    channels: Sequence[Channel] = (Channel.BOOK,),
    depth: int | None = None,
) -> Selection:
    return Selection(markets=markets, channels=channels, depth=depth)


class Told:
    """What a command would write, and what it would say."""

    def __init__(self, enough: int | None = None) -> None:
        self.data: Counter[str] = Counter()
        self.said: list[str] = []
        self._enough = enough

    async def take(self, _session: Session, event: Event) -> bool:
        self.data[event.venue] += isinstance(event, MarketEvent)
        return self.data.total() == self._enough

    async def follow(self, sessions: Sessions, seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            await sessions.follow(self.take)


def test_each_exchange_is_asked_for_its_own_and_all_are_read() -> None:
    async def story() -> Told:
        told = Told(enough=200)
        async with (
            world() as runtime,
            open_sessions(selection(), told.said.append, runtime) as open_,
        ):
            await told.follow(open_, 60)
            open_.raise_failures()
        return told

    told = run(story())

    assert min(told.data["kraken"], told.data["binance"]) > 50
    assert told.said == []


def test_as_many_events_wait_for_a_slow_reader_as_are_set() -> None:
    async def story() -> int:
        lost = 0

        async def take(session: Session, event: Event) -> bool:
            nonlocal lost
            await asyncio.sleep(1)  # an exchange sends twenty events meanwhile
            lost += event.count if isinstance(event, Dropped) else 0
            (reader,) = session.statistics().readers
            assert reader.waiting <= 3
            return lost > 100

        async with (
            world() as runtime,
            open_sessions(selection({"kraken": [BTC_USD]}), print, runtime) as open_,
        ):
            async with asyncio.timeout(60):
                await open_.follow(take)
        return lost

    begin_config("", "", ["reader.capacity=3"], is_anew=True)
    try:
        assert run(story()) > 100
    finally:
        begin_config("", "", None, is_anew=True)


def test_an_unreachable_exchange_harms_no_other_and_is_named_at_the_end() -> None:
    async def story() -> Told:
        told = Told()
        broken = {"binance": TransportError("cannot reach b.example: refused")}
        async with (
            world(broken) as runtime,
            open_sessions(selection(), told.said.append, runtime) as open_,
        ):
            with pytest.raises(TimeoutError):
                await told.follow(open_)
            with pytest.raises(NotReady, match=r"binance public-1: .*cannot reach b.example: ref"):
                open_.require_data()
        return told

    assert run(story()).data["kraken"] > 50


def test_an_exchange_that_fails_for_good_harms_no_other() -> None:
    async def story() -> Told:
        told = Told()
        broken = {"binance": VenueRefused("b.example answered 404", "404")}
        async with (
            world(broken) as runtime,
            open_sessions(selection(), told.said.append, runtime) as open_,
        ):
            with pytest.raises(TimeoutError):
                await told.follow(open_)
            with pytest.raises(VenueRefused, match="answered 404"):
                open_.require_data()
        return told

    told = run(story())

    assert told.data["kraken"] > 50
    assert told.said == ["fluxum: b.example answered 404; the rest goes on"]


def test_a_refused_symbol_ends_alone() -> None:
    async def story() -> Told:
        told = Told()
        markets = {"kraken": [BTC_USD, BTC_USDT], "binance": [BTC_USDT, NOPE]}
        async with (
            world() as runtime,
            open_sessions(selection(markets, [Channel.TRADE]), told.said.append, runtime) as open_,
        ):
            with pytest.raises(TimeoutError):
                await told.follow(open_, 60)
            assert "refused" in open_.failure("kraken", BTC_USDT)
            assert open_.failure("kraken", BTC_USD) == ""
            with pytest.raises(Failures) as caught:
                open_.raise_failures()
            message = str(caught.value)
            assert message.startswith("2 failed: ")
            assert "kraken refused 'trade BTC/USDT': Currency pair not supported" in message
            assert "did you mean 'BTC/USD'?" in message
            assert "binance refused 'trade NOPE/USDT'" in message
        return told

    told = run(story())

    assert len(told.said) == 2
    assert all(one.endswith("; the rest goes on") for one in told.said)
    assert set(told.data) == {"kraken", "binance"}


def test_when_everything_is_refused_there_is_nothing_to_wait_for() -> None:
    async def story() -> Told:
        told = Told()
        markets = {"kraken": [BTC_USDT]}
        async with (
            world() as runtime,
            open_sessions(selection(markets), told.said.append, runtime) as open_,
        ):
            with pytest.raises(VenueRefused, match="kraken refused 'book BTC/USDT 10'"):
                await told.follow(open_)
        return told

    assert run(story()).said == []


def test_what_one_exchange_does_not_offer_is_told_and_the_others_go_on() -> None:
    async def story() -> Told:
        told = Told()
        markets = {"kraken": [BTC_USD], "gemini": [BTC_USD]}
        async with (
            world() as runtime,
            open_sessions(selection(markets, [Channel.CANDLE]), told.said.append, runtime) as open_,
        ):
            with pytest.raises(TimeoutError):
                await told.follow(open_)
            with pytest.raises(Failures, match="gemini offers"):
                open_.raise_failures()
        return told

    told = run(story())

    assert "gemini offers" in told.said[0]
    assert told.data["kraken"]


@pytest.mark.parametrize("channel", ["book", "trade", "ticker", "candle", "instrument"])
def test_a_channel_of_all_exchanges_comes_in_one_stream(channel: str) -> None:
    async def story() -> Told:
        told, clock = Told(), SimulatedClock()
        markets = {name: [venue.sample_symbols[0]] for name, venue in VENUES.items()}
        async with AsyncExitStack() as stack:
            exchanges = [
                await stack.enter_async_context(
                    SimulatedExchange(
                        venue,
                        markets[name],
                        seed=1,
                        clock=clock,
                        rate_per_s=5,
                        resolution_ns=1_000_000,
                    )
                )
                for name, venue in VENUES.items()
            ]
            runtime = SimulatedRuntime(*exchanges, clock=clock)
            wanted = selection(markets, [Channel(channel)])
            open_ = await stack.enter_async_context(
                open_sessions(wanted, told.said.append, runtime)
            )
            with pytest.raises(TimeoutError):
                await told.follow(open_, 60)
        return told

    told = run(story())

    able = {name for name, venue in VENUES.items() if Channel(channel) in venue.routes}
    assert {name for name, count in told.data.items() if count} == able
    assert {text.split()[1] for text in told.said} == VENUES.keys() - able


@pytest.mark.parametrize(
    ("markets", "channels", "depth", "message"),
    [
        ({"kraken": [BTC_USD]}, [Channel.BOOK], 2000, "kraken shows at most 1000 levels a side"),
        ({"gemini": [BTC_USD]}, [Channel.CANDLE], None, "gemini offers"),
        ({"kraken": [BTC_USD], "gemini": [BTC_USD]}, [Channel.BOOK], 10**6, "2 failed: kraken"),
    ],
)
def test_what_makes_no_sense_anywhere_is_bad_input(
    markets: Mapping[str, Sequence[Symbol]],
    channels: Sequence[Channel],
    depth: int | None,
    message: str,
) -> None:
    async def story() -> None:
        async with world() as runtime:
            with pytest.raises(BadInput) as caught:
                async with open_sessions(selection(markets, channels, depth), print, runtime):
                    pass
            assert str(caught.value).startswith(message)

    run(story())


def test_what_the_reader_of_events_raises_ends_everything() -> None:
    async def fail(_session: Session, _event: Event) -> bool:
        raise BadInput("a record with another column")

    async def story() -> None:
        said: list[str] = []
        async with world() as runtime, open_sessions(selection(), said.append, runtime) as open_:
            with pytest.raises(BadInput, match="another column"):
                await open_.follow(fail)
            open_.raise_failures()
        assert said == []

    run(story())
