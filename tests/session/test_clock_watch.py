"""The venue's clock is measured now and then, and an offset of a second is published."""

import asyncio
import logging
from collections.abc import Mapping
from random import Random

import pytest
from msgspec import structs
from worlds import BOOK, play, world

from fluxum.errors import TransportError
from fluxum.model.account import Credentials
from fluxum.model.event import ClockOffset
from fluxum.pacing import CallCounter
from fluxum.session.account_config import AccountConfig
from fluxum.session.clock_watch import ClockWatch
from fluxum.session.fetch_queue import Rest
from fluxum.session.offset import ClockOffsetKeeper
from fluxum.session.session import Session
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.venues.kraken.venue import KRAKEN

S = 10**9


class Skewed:
    """A clock that is ahead of the true one."""

    def __init__(self, ahead_s: float) -> None:
        self.ahead_s = ahead_s
        self._clock = SimulatedClock()

    def now_ns(self) -> int:
        return self._clock.now_ns() + int(self.ahead_s * S)


class Venue:
    """Says what time it is, a tenth of a second after it was asked."""

    def __init__(self) -> None:
        self.calls = 0
        self.takes_s = (0.05, 0.05)
        self.answer: bytes | Exception | None = None
        self._clock = SimulatedClock()

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        assert url == "https://rest/0/public/Time"
        self.calls += 1
        await asyncio.sleep(self.takes_s[0])
        answer = self.answer
        if answer is None:
            second = self._clock.now_ns() // S
            answer = b'{"error":[],"result":{"unixtime":%d,"rfc1123":""}}' % second
        await asyncio.sleep(self.takes_s[1])
        if isinstance(answer, Exception):
            raise answer
        return answer


def watched(
    clock: Skewed, venue: Venue | None
) -> tuple[ClockWatch, ClockOffsetKeeper, list[ClockOffset]]:
    keeper = ClockOffsetKeeper()
    told: list[ClockOffset] = []
    noted: list[int] = []
    rest = Rest(
        venue, {"rest": "https://rest"}, CallCounter(4.0, 2.0), KRAKEN.limits.backoff, Random(1)
    )
    return ClockWatch(KRAKEN, rest, clock, keeper, noted.append, told.append), keeper, told


@pytest.mark.parametrize("ahead_s", [0.0, 10.0, -10.0, 120.0, -120.0])
def test_a_clock_that_is_off_is_measured_within_what_is_said(ahead_s: float) -> None:
    async def main() -> None:
        clock, venue = Skewed(ahead_s), Venue()
        watch, keeper, told = watched(clock, venue)
        task = asyncio.ensure_future(watch.run())
        await asyncio.sleep(30)
        measured = keeper.measured
        assert measured is not None
        assert abs(measured.offset_ns + ahead_s * S) <= measured.uncertainty_ns
        assert measured.uncertainty_ns <= 0.4 * S
        assert venue.calls <= 4
        assert [one.offset_s > 0 for one in told] == ([ahead_s < 0] if ahead_s else [])
        task.cancel()
        await asyncio.wait({task})

    run(main())


def test_it_is_asked_every_few_minutes_and_told_when_it_changes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        clock, venue = Skewed(0.0), Venue()
        watch, _, told = watched(clock, venue)
        task = asyncio.ensure_future(watch.run())
        await asyncio.sleep(3600)
        assert 12 <= venue.calls <= 4 + 12
        assert told == []
        clock.ahead_s = 5.0
        with caplog.at_level(logging.WARNING):
            await asyncio.sleep(310)
        assert "kraken clock is" in caplog.text
        await asyncio.sleep(1000)
        clock.ahead_s = 0.0
        await asyncio.sleep(1000)
        assert [round(one.offset_s) for one in told] == pytest.approx([-5, 0], abs=1)
        task.cancel()
        await asyncio.wait({task})

    run(main())


@pytest.mark.parametrize(
    "answer", [TransportError("no route"), b"nonsense", b'{"error":[],"result":{}}', b"[" * 10_000]
)
def test_a_venue_that_does_not_say_is_asked_again_later(answer: bytes | Exception) -> None:
    async def main() -> None:
        venue = Venue()
        venue.answer = answer
        watch, keeper, told = watched(Skewed(10.0), venue)
        task = asyncio.ensure_future(watch.run())
        await asyncio.sleep(1000)
        assert keeper.measured is None
        assert venue.calls <= 4 + 4
        venue.answer = None
        await asyncio.sleep(310)
        assert len(told) == 1
        task.cancel()
        await asyncio.wait({task})

    run(main())


def test_where_nobody_can_be_asked_nothing_is_measured() -> None:
    async def main() -> None:
        watch, keeper, _ = watched(Skewed(10.0), None)
        await watch.run()
        assert keeper.measured is None

    run(main())


@pytest.mark.parametrize("ahead_s", [-120.0, 120.0])
def test_a_session_shows_its_offset_and_is_well_with_it(ahead_s: float) -> None:
    async def main() -> None:
        exchange = SimulatedExchange(
            KRAKEN, KRAKEN.sample_symbols[:1], seed=7, clock=SimulatedClock()
        )
        async with exchange:
            session = Session(
                KRAKEN,
                dial=exchange.dial,
                clock=Skewed(ahead_s),
                random=Random(7),
                http=exchange,
            )
            told = session.events()
            async with session:
                session.subscribe(BOOK)
                await session.wait_ready(10)
                await asyncio.sleep(30)
                statistics = session.statistics()
                assert statistics.clock_offset_s is not None
                assert statistics.clock_uncertainty_s is not None
                error_s = abs(statistics.clock_offset_s + ahead_s)
                assert error_s <= statistics.clock_uncertainty_s <= 0.7
                offsets = [one for one in told.drain() if isinstance(one, ClockOffset)]
                assert len(offsets) == 1

    run(main())


def test_a_simulation_without_calls_measures_nothing() -> None:
    async def story() -> None:
        venue = structs.replace(KRAKEN, queries=None)
        async with world(BOOK, venue=venue) as now:
            await now.live(30)
            assert now.session.statistics().clock_offset_s is None

    play(story)


def test_what_may_be_the_way_of_the_answer_is_no_offset() -> None:
    async def main() -> None:
        venue = Venue()
        venue.takes_s = (6.0, 0.0)  # it looks as if the venue were three seconds ahead
        watch, keeper, told = watched(Skewed(0.0), venue)
        task = asyncio.ensure_future(watch.run())
        await asyncio.sleep(100)
        measured = keeper.measured
        assert measured is not None
        assert measured.offset_ns > 2 * S
        assert told == []
        task.cancel()
        await asyncio.wait({task})

    run(main())


def test_the_account_is_given_the_offset_for_its_deadlines() -> None:
    async def main() -> None:
        exchange = SimulatedExchange(
            KRAKEN, KRAKEN.sample_symbols[:1], seed=7, clock=SimulatedClock()
        )
        async with exchange:
            session = Session(
                KRAKEN,
                dial=exchange.dial,
                clock=Skewed(-10.0),
                random=Random(7),
                http=exchange,
                account_config=AccountConfig(Credentials("key", "c2VjcmV0")),
            )
            async with session:
                await asyncio.sleep(30)
                assert abs(session.account.clock_offset_ns - 10 * S) < 0.7 * S

    run(main())
