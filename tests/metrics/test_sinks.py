"""What is scraped of a publisher is what it counts; a sink that is down, or wrong, is seen."""

import asyncio
from random import Random

from worlds import BOOK, TRADES, World, play, world

from fluxum.flow.opening import Opening
from fluxum.metrics import health, readiness
from fluxum.sim.loop import SimulatedClock
from fluxum.sink.outbox import OutboxPolicy
from fluxum.sink.publisher import Publisher, PublishPolicy, publish
from memory_engine import Log, MemoryWriter
from scrapes import scrape

POLICY = PublishPolicy(outbox=OutboxPolicy(events_max=100))


def published(now: World, log: Log, name: str = "bus") -> Opening[Publisher]:
    return publish(
        MemoryWriter(log),
        now.session,
        policy=POLICY,
        name=name,
        clock=SimulatedClock(),
        random=Random(3),
    )


def test_a_scrape_has_what_a_publisher_counts_during_an_outage_and_after_it() -> None:
    async def story() -> None:
        log = Log()
        async with world(BOOK, TRADES, rate_per_s=20) as now, published(now, log) as one:
            await asyncio.sleep(10)
            log.is_down = True
            await asyncio.sleep(20)
            down, counts = scrape(one), one.statistics()

            assert down.value("sink_events_offered_total", sink="bus") == counts.offered
            assert down.value("sink_events_total", outcome="dropped") == counts.dropped > 100
            assert down.value("sink_events_total", outcome="acknowledged") == counts.acknowledged
            assert down.value("sink_events_waiting") == counts.waiting > 50
            assert down.value("sink_bytes_waiting") == counts.waiting_bytes > 1000
            assert down.value("sink_batches_total") == counts.written > 10
            assert down.value("sink_retries_total") == counts.failures > 3
            assert 19 < down.value("sink_lag_seconds") < 20.1  # since the first that failed
            assert down.value("sink_up") == 0
            assert down.value("sink_sums_close") == 1
            assert readiness([one]).missing == ("sink bus: the engine is down",)
            assert health([one]).healthy

            log.is_down = False
            await asyncio.sleep(10)
            up = scrape(one)

            assert up.value("sink_up") == 1
            assert up.value("sink_lag_seconds") < 0.1
            assert readiness([now.session, one]).ready

    play(story)


def test_sums_of_a_sink_that_do_not_close_are_seen() -> None:
    async def story() -> None:
        async with world(TRADES) as now, published(now, Log()) as one:
            await asyncio.sleep(3)
            next(iter(one._outbox._streams.values())).offered += 1

            assert scrape(one).value("sink_sums_close") == 0
            assert health([one]).problems == ("sink bus: sums do not close",)
            next(iter(one._outbox._streams.values())).offered -= 1

    play(story)


def test_two_sinks_of_one_name_are_two() -> None:
    async def story() -> None:
        async with (
            world(TRADES) as now,
            published(now, Log()) as one,
            published(now, Log()) as two,
            published(now, Log(), "other") as third,
        ):
            await asyncio.sleep(3)
            found = scrape([one, two, third])

            for name in ("bus", "bus-2", "other"):
                assert found.value("sink_up", sink=name) == 1

    play(story)
