"""Settings of sinks take effect, with an engine in memory and in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import pytest
from configured_worlds import Dials, configured, shows
from configured_worlds import World as Machine
from worlds import BOOK, BTC, TRADES, World, play, world

from fluxum import BadInput, Publisher, PublishPolicy
from fluxum.config.sink_settings import SinkSettings
from fluxum.config.sinks import publish_policy
from fluxum.model.event import Dropped
from fluxum.model.order import OpenOrders
from fluxum.sink.wire import Checkpoint, Envelope, Tally, read_envelope
from memory_engine import Log, MemoryWriter

BUS = "sink.bus."
Story = Callable[[World, Log, Publisher], Awaitable[None]]


def published(
    settings: Mapping[str, object], story: Story, *, rate_per_s: float = 20
) -> tuple[Log, Publisher]:
    """What a story wrote to a sink with these settings, with all delays at their longest."""
    log = Log()
    found: list[Publisher] = []

    async def main() -> None:
        config = configured({f"{BUS}url": "nats://h", **{BUS + k: v for k, v in settings.items()}})
        async with world(BOOK, TRADES, rate_per_s=rate_per_s) as now:
            await now.session.wait_ready(5)
            opening = config.publish(
                now.session, engine=MemoryWriter(log), runtime=Machine(Dials())
            )
            async with opening as publisher:
                found.append(publisher)
                await story(now, log, publisher)

    play(main)
    return log, found[0]


def envelopes(log: Log) -> list[Envelope]:
    return [read_envelope(one) for one in log.payloads]


def living(seconds: float) -> Story:
    async def story(_now: World, _log: Log, _publisher: Publisher) -> None:
        await asyncio.sleep(seconds)

    return story


async def outage(_now: World, log: Log, publisher: Publisher) -> None:
    log.is_down = True
    await asyncio.sleep(20)
    counts = publisher.statistics()
    assert counts.dropped > 100
    assert counts.waiting_bytes <= 5_000 or counts.waiting <= 50
    log.is_down = False


def test_without_settings_a_sink_is_what_a_publisher_is_by_default() -> None:
    assert publish_policy(SinkSettings()) == PublishPolicy()


def test_a_sink_is_named_unless_it_is_the_only_one() -> None:
    config = configured({"sink.one.url": "nats://h", "sink.two.url": "redis://h"})
    assert config.sink("two").url == "redis://h"
    with pytest.raises(BadInput, match=r"a sink was expected \(configured: one, two\), was ''"):
        config.sink()
    with pytest.raises(BadInput, match=r"configured: none"):
        configured({}).sink("one")


@shows("sink.NAME.streams")
def test_the_streams_that_are_set_are_published() -> None:
    log, publisher = published({"streams": '["kraken/*/trade", "*/link"]'}, living(10))

    assert {one.stream for one in envelopes(log)} == {"kraken/BTC-USD/trade"}
    assert publisher.name == "bus"


@pytest.mark.parametrize("account", [True, False])
@shows("sink.NAME.account")
def test_the_account_is_published_if_that_is_set(account: bool) -> None:
    async def story(now: World, _log: Log, _publisher: Publisher) -> None:
        orders = OpenOrders(venue="kraken", orders=(), received_ns=1)
        now.session.publish(orders)
        await asyncio.sleep(1)

    log, _ = published({"account": str(account).lower()}, story)

    names = {one.stream for one in envelopes(log)}
    assert ("kraken/account/execution" in names) == account


@shows("sink.NAME.events_max", "sink.NAME.bytes_max")
@pytest.mark.parametrize("settings", [{"events_max": 50}, {"bytes_max": "5kB"}])
def test_no_more_waits_than_is_set(settings: Mapping[str, object]) -> None:
    _, publisher = published(settings, outage)

    assert publisher.statistics().waiting == 0


@shows("sink.NAME.event_bytes_max")
def test_a_longer_event_than_is_set_is_dropped() -> None:
    _, publisher = published({"event_bytes_max": 300}, living(10))

    by_name = {one.stream: one for one in publisher.statistics().streams}
    assert by_name["kraken/BTC-USD/book"].dropped > 0  # of three levels or more
    assert by_name["kraken/BTC-USD/trade"].dropped == 0


@shows("sink.NAME.batch_events", "sink.NAME.batch_bytes", "sink.NAME.batch_s")
def test_batches_are_as_large_as_is_set() -> None:
    waits: dict[str, object] = {"batch_s": 3, "tally_s": 1000, "checkpoint_s": 1000}

    by_count, _ = published({**waits, "batch_events": 7}, living(12))
    by_size, _ = published({**waits, "batch_bytes": "2kB"}, living(12))
    by_time, _ = published(waits, living(12), rate_per_s=2)

    assert max(one.count for one in envelopes(by_count)) == 7
    assert max(map(len, by_size.payloads)) < 2_600  # with one event too many and the envelope
    assert 3 <= len(by_time.written) <= 6  # every three seconds, and the last ones
    assert len(by_count.written) > 6 < len(by_size.written)


@shows("sink.NAME.reader_capacity")
def test_no_more_waits_for_the_outbox_than_is_set() -> None:
    log, _ = published({"reader_capacity": 3}, living(3), rate_per_s=1000)

    assert any(isinstance(event, Dropped) for one in envelopes(log) for event in one.events)


@shows("sink.NAME.write_timeout_s")
def test_a_write_fails_after_the_time_that_is_set() -> None:
    async def story(_now: World, log: Log, publisher: Publisher) -> None:
        await asyncio.sleep(2)
        log.hangs = 1
        await asyncio.sleep(8.5)
        assert publisher.statistics().failures == 0
        await asyncio.sleep(1.5)
        assert publisher.statistics().failures == 1

    published({"write_timeout_s": 9}, story)


@pytest.mark.parametrize(
    ("settings", "failures"),
    [
        ({}, 10),  # after 0, 0.1, 0.6, 1.6, 3.6, 7.6, 12.6, 17.6, 22.6, 27.6 s
        ({"retry_first_s": 4}, 8),  # after 0, 0.1, 4.1, 9.1, ... 29.1 s
        ({"retry_ceiling_s": 20}, 7),  # after 0, 0.1, 0.6, 1.6, 3.6, 7.6, 15.6 s
    ],
)
@shows("sink.NAME.retry_first_s", "sink.NAME.retry_ceiling_s")
def test_writes_are_tried_again_as_is_set(settings: Mapping[str, object], failures: int) -> None:
    async def story(_now: World, log: Log, publisher: Publisher) -> None:
        await asyncio.sleep(2)
        log.is_down = True
        await asyncio.sleep(30)
        assert abs(publisher.statistics().failures - failures) <= 1
        log.is_down = False

    published(settings, story)


@shows("sink.NAME.tally_s", "sink.NAME.checkpoint_s")
def test_tallies_and_checkpoints_come_as_often_as_is_set() -> None:
    log, _ = published({"tally_s": 2, "checkpoint_s": 4}, living(40.5))

    notices = [
        event
        for one in envelopes(log)
        for event in one.events
        if one.stream == f"kraken/{BTC.replace('/', '-')}/book"
    ]
    assert sum(isinstance(one, Tally) for one in notices) in {21, 22}  # and the last
    assert sum(isinstance(one, Checkpoint) for one in notices) in {11, 12}  # and the first


@shows("sink.NAME.close_s")
def test_the_end_takes_as_long_as_is_set() -> None:
    async def main() -> None:
        log, now_s = Log(), asyncio.get_running_loop().time
        config = configured({f"{BUS}url": "nats://h", f"{BUS}close_s": 12})
        async with world(TRADES) as now:
            opening = config.publish(
                now.session, engine=MemoryWriter(log), runtime=Machine(Dials())
            )
            async with opening:
                await asyncio.sleep(2)
                log.is_down = True
                ended_s = now_s()
            assert now_s() - ended_s == pytest.approx(12, abs=0.1)

    play(main)
