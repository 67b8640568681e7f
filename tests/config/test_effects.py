"""Each setting takes effect: what is observed differs, in virtual time. Those of the network, which
need sockets, are in tests/network/test_settings.py."""

import asyncio
from collections.abc import Mapping

import pytest
from configured_worlds import (
    Dials,
    Hanging,
    Highest,
    Lowest,
    QuietDials,
    World,
    configured,
    now_s,
    shows,
)

import fluxum
from fluxum import CircuitOpen, State, Symbol
from fluxum.errors import TransportError
from fluxum.model.event import DataStale, StateChange
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.faults import FaultPlan, parse_faults
from fluxum.sim.loop import SimulatedClock, run
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.venues.register import find_venue

V = "venue.kraken."
B = V + "backoff."
BTC = Symbol("BTC/USD")


def dialled(settings: Mapping[str, object], dials: Dials, for_s: float, random: object) -> Dials:
    """What a session dials in some time."""

    async def story() -> None:
        world = World(dials, random=random)  # type: ignore[arg-type]
        async with configured(settings).connect("kraken", ["BTC/USD"], runtime=world):
            await asyncio.sleep(for_s)

    run(story())
    return dials


@shows(
    "venue.NAME.backoff.quick_tries",
    "venue.NAME.backoff.quick_s",
    "venue.NAME.backoff.first_s",
    "venue.NAME.backoff.multiplier",
    "venue.NAME.backoff.ceiling_s",
)
def test_a_refused_dial_is_repeated_after_the_delays_that_are_set() -> None:
    settings = {
        B + "quick_tries": 1,
        B + "quick_s": 2,
        B + "first_s": 12,
        B + "multiplier": 3,
        B + "ceiling_s": 50,
    }

    dials = dialled(settings, Dials(), 200, Highest())

    assert dials.delays() == pytest.approx([2, 12, 36, 50, 50])


@shows("venue.NAME.backoff.floor_s", "venue.NAME.backoff.jitter")
def test_the_least_delay_is_the_floor_and_without_jitter_the_ceiling() -> None:
    settings = {B + "quick_tries": 0, B + "first_s": 20, B + "floor_s": 7}

    assert dialled(settings, Dials(), 30, Lowest()).delays() == pytest.approx([7] * 4)
    steady = {**settings, B + "jitter": 0}
    assert dialled(steady, Dials(), 30, Lowest()).delays() == pytest.approx([20])


@shows("venue.NAME.backoff.attempts_max")
def test_a_session_gives_up_after_its_attempts() -> None:
    async def story() -> None:
        dials = Dials()
        config = configured({B + "attempts_max": 3})
        async with config.connect("kraken", ["BTC/USD"], runtime=World(dials)) as session:
            with pytest.raises(TransportError, match="refused"):
                await session.wait_ready()
            assert len(dials.at_s) == 4  # the first, and three more

    run(story())


@shows("venue.NAME.attempts.max", "venue.NAME.attempts.window_s")
def test_no_window_has_more_dials_than_are_set() -> None:
    settings = {V + "attempts.max": 3, V + "attempts.window_s": 1000}

    dials = dialled(settings, Dials(), 1500, Lowest())

    assert [at_s for at_s in dials.at_s if at_s < 1000] == dials.at_s[:3]
    assert dials.at_s[3] == pytest.approx(1000, abs=1)


@shows("venue.NAME.link.connect_timeout_s")
def test_a_dial_that_hangs_is_given_up() -> None:
    settings = {V + "link.connect_timeout_s": 3, B + "quick_s": 0}

    assert dialled(settings, Hanging(), 6.5, Lowest()).at_s == pytest.approx([0, 3, 6])


@shows("venue.NAME.link.silence_s")
def test_a_silent_link_is_replaced() -> None:
    settings = {V + "link.silence_s": 30, V + "link.answer_timeout_s": 1000, B + "quick_s": 0}

    assert dialled(settings, QuietDials(None), 40, Lowest()).at_s == pytest.approx([0, 30])


@shows("venue.NAME.link.answer_timeout_s")
def test_a_request_without_an_answer_ends_the_link() -> None:
    settings = {V + "link.answer_timeout_s": 4, B + "quick_s": 0}

    assert dialled(settings, QuietDials(), 7, Lowest()).at_s == pytest.approx([0, 5], abs=1)


@shows("venue.NAME.link.ping_interval_s")
def test_pings_are_sent_as_often_as_is_set() -> None:
    settings = {V + "link.ping_interval_s": 7, V + "link.answer_timeout_s": 1000}
    dials = QuietDials()

    dialled(settings, dials, 22, Lowest())

    pings = [at_s for at_s, frame in dials.links[0].sent if b'"ping"' in frame]
    assert pings == pytest.approx([7, 14, 21])


@shows("venue.NAME.link.symbols_max")
def test_symbols_are_spread_over_links() -> None:
    async def story() -> int:
        dials = QuietDials()
        config = configured({V + "link.symbols_max": 2})
        symbols = ["BTC/USD", "ETH/USD", "SOL/USD"]
        async with config.connect("kraken", symbols, runtime=World(dials)):
            await asyncio.sleep(1)
        return len(dials.links)

    assert run(story()) == 2


@shows("venue.NAME.requests.per_s", "venue.NAME.requests.burst")
def test_requests_are_sent_at_the_rate_that_is_set() -> None:
    async def story() -> list[float]:
        dials = QuietDials()
        settings = {V + "requests.per_s": 0.5, V + "requests.burst": 2}
        config = configured({**settings, V + "link.answer_timeout_s": 1000})
        channels = ["book", "trade", "ticker", "candle"]
        async with config.connect("kraken", ["BTC/USD"], channels, runtime=World(dials)):
            await asyncio.sleep(10)
        return [at_s for at_s, frame in dials.links[0].sent if b"subscribe" in frame]

    assert run(story()) == pytest.approx([0, 0, 2, 4])


@shows("venue.NAME.endpoint", "venue.NAME.endpoints")
def test_links_are_dialled_where_they_are_configured() -> None:
    host = {V + "endpoint": "ws://one.example:81"}
    both = {**host, V + "endpoints.public": "wss://two.example/v9"}

    assert dialled(host, Dials(), 0.1, Highest()).urls == ["ws://one.example:81/v2"]
    assert dialled(both, Dials(), 0.1, Highest()).urls == ["wss://two.example/v9"]


@shows("venue.NAME.symbols", "venue.NAME.channels", "venue.NAME.depth", "venue.NAME.interval")
def test_what_is_subscribed_is_as_configured() -> None:
    async def story() -> list[str]:
        settings = {
            V + "symbols": "BTC/USD, ETH/USD",
            V + "channels": "book, ohlc",
            V + "depth": 25,
            V + "interval": "5m",
        }
        async with configured(settings).connect("kraken", runtime=World(QuietDials())) as session:
            return [
                f"{one.channel.value} {one.symbol} {one.depth or one.interval_s}"
                for one in session.subscriptions
            ]

    assert run(story()) == [
        "book BTC/USD 25",
        "book ETH/USD 25",
        "candle BTC/USD 300",
        "candle ETH/USD 300",
    ]


# Settings that need an exchange


def exchange(clock: SimulatedClock, faults: str = "") -> SimulatedExchange:
    plan = FaultPlan(parse_faults(faults), Lowest(1)) if faults else None
    venue = find_venue("kraken")
    return SimulatedExchange(venue, [BTC], seed=7, clock=clock, rate_per_s=2, faults=plan)


def observed(
    settings: Mapping[str, object], faults: str, for_s: float, channels: tuple[str, ...] = ("book",)
) -> tuple[list[fluxum.Event], fluxum.SessionStatistics]:
    """The events of a session with a simulated exchange."""

    async def story() -> tuple[list[fluxum.Event], fluxum.SessionStatistics]:
        clock = SimulatedClock()
        async with exchange(clock, faults) as simulated:
            runtime = SimulatedRuntime(simulated, clock=clock, seed=1)
            config = configured(settings)
            async with config.connect("kraken", [BTC], channels, runtime=runtime) as session:
                events = session.events(capacity=100_000)
                await asyncio.sleep(for_s)
                return events.drain(), session.statistics()

    return run(story())


def delays_of(events: list[fluxum.Event]) -> list[float]:
    return [
        one.delay_s
        for one in events
        if isinstance(one, StateChange) and one.new is State.RECONNECTING
    ]


@shows("venue.NAME.link.age_max_s")
def test_an_old_link_is_replaced() -> None:
    assert observed({}, "", 250)[1].replaced == 0
    assert observed({V + "link.age_max_s": 100}, "", 250)[1].replaced == 2


@shows("venue.NAME.link.stable_s")
def test_a_link_that_lived_long_enough_resets_the_back_off() -> None:
    settings = {
        B + "quick_tries": 0,
        B + "first_s": 10,
        B + "multiplier": 3,
        B + "jitter": 0,
    }
    faults = "hangup@20s,hangup@60s"

    for stable_s, delays in ((5, [10, 10]), (1000, [10, 30])):
        events, _ = observed({**settings, V + "link.stable_s": stable_s}, faults, 70)
        assert delays_of(events) == pytest.approx(delays)


@shows("venue.NAME.maintenance_delay_s")
def test_a_venue_in_maintenance_is_dialled_later() -> None:
    faults = "maintenance@10s+60s,hangup@20s"

    (delay_s, *_) = delays_of(observed({V + "maintenance_delay_s": 33}, faults, 30)[0])

    assert delay_s == 33


@shows("venue.NAME.link.data_silence_s")
def test_a_quiet_subscription_is_reported_after_its_time() -> None:
    def stale(settings: Mapping[str, object]) -> int:
        events, _ = observed(settings, "silence@20s+200s", 150, ("trade",))
        return sum(isinstance(one, DataStale) for one in events)

    assert stale({}) == 0
    assert stale({V + "link.data_silence_s.trade": 40}) >= 1


@shows("reader.capacity", "reader.overflow")
def test_a_reader_has_the_queue_that_is_configured() -> None:
    async def story() -> None:
        clock = SimulatedClock()
        async with exchange(clock) as simulated:
            runtime = SimulatedRuntime(simulated, clock=clock)
            config = configured({"reader.capacity": 5, "reader.overflow": "raise"})
            async with config.connect("kraken", [BTC], runtime=runtime) as session:
                events = session.events()
                await asyncio.sleep(60)
                assert len(events.drain()) == 5
                with pytest.raises(fluxum.ConsumerTooSlow, match="5 items waited"):
                    await anext(events)

    run(story())


class Answers:
    """REST calls that are answered, or not: `bad` names the calls that fail, by number."""

    def __init__(self, bad: frozenset[int] = frozenset()) -> None:
        self.at_s: list[float] = []
        self._bad = bad

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        self.at_s.append(now_s())
        if len(self.at_s) in self._bad:
            raise TransportError("bad gateway")
        return b'{"error":[],"result":{"unixtime":1688669448,"rfc1123":"Thu, 06 Jul 23"}}'


@shows("venue.NAME.rest.cost_per_s", "venue.NAME.rest.cost_max")
def test_calls_are_paced_as_configured() -> None:
    async def story() -> list[float]:
        answers = Answers()
        settings = {V + "rest.cost_per_s": 0.5, V + "rest.cost_max": 2}
        async with configured(settings).connect(
            "kraken", [], runtime=World(QuietDials(), answers)
        ) as session:
            for _ in range(4):
                await session.fetch_time()
        return answers.at_s

    assert run(story()) == pytest.approx([0, 0, 2, 4], abs=0.01)


@shows("venue.NAME.breaker.failures", "venue.NAME.breaker.open_s", "venue.NAME.breaker.successes")
def test_the_breaker_opens_waits_and_closes_as_configured() -> None:
    """Two failures open it for 50 s; a trial passes, the next fails: with two trials it is open."""

    async def story(successes: int) -> int:
        answers = Answers(frozenset({1, 2, 4}))
        breaker = V + "breaker."
        settings = {
            breaker + "failures": 2,
            breaker + "open_s": 50,
            breaker + "successes": successes,
        }
        async with configured(settings).connect(
            "kraken", [], runtime=World(QuietDials(), answers)
        ) as session:
            await asyncio.sleep(60)  # the session has looked at the venue's clock
            answers.at_s.clear()
            with pytest.raises(CircuitOpen):
                await session.fetch_time()
            assert len(answers.at_s) == 2
            await asyncio.sleep(40)
            with pytest.raises(CircuitOpen):
                await session.fetch_time()
            assert len(answers.at_s) == 2
            await asyncio.sleep(11)
            await session.fetch_time()
            try:
                await session.fetch_time()
            except CircuitOpen:
                return len(answers.at_s)
            return -len(answers.at_s)

    assert run(story(2)) == 4  # the second trial failed, so it opened at once
    assert run(story(1)) == -5  # it was closed, so one failure was repeated
