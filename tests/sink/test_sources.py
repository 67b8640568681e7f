"""Hubs, traders and labelled sessions as sources of a publisher, in virtual time."""

import asyncio
from collections.abc import Sequence
from random import Random

import pytest
from worlds import TRADES, play, world

import fluxum
from fluxum.errors import BadInput, NotSubscribed
from fluxum.flow.opening import Opening
from fluxum.model.event import Desync, Event, Gap, Resynced, Unsubscribed, VenueFailed
from fluxum.model.market import Level3Snapshot, Level3Update, Trade
from fluxum.orders.journal import MemoryOrderJournal
from fluxum.sim.loop import SimulatedClock
from fluxum.sink.outbox import OutboxPolicy
from fluxum.sink.publisher import Publisher, PublishPolicy, PublishSource, publish
from fluxum.sink.subscriber import Subscriber, subscribe
from fluxum.sink.wire import Checkpoint, read_envelope
from hubs import BTC, KEYS, exchanges
from memory_engine import Log, MemoryReader, MemoryWriter

TWO = {"kraken": ["BTC/USD"], "gemini": ["BTC/USD"]}
THREE = {**TWO, "coinbase": ["BTC/USD"]}
CHANNELS = ["book", "trade"]


def published(
    log: Log, *sources: PublishSource, policy: PublishPolicy | None = None
) -> Opening[Publisher]:
    return publish(
        MemoryWriter(log), *sources, policy=policy, clock=SimulatedClock(), random=Random(3)
    )


async def read_all(log: Log) -> tuple[list[Event], Subscriber]:
    opening = subscribe(MemoryReader(log), is_whole=True, clock=SimulatedClock(), random=Random(3))
    async with opening as subscriber:
        return [event async for event in subscriber.stored()], subscriber


def streams(log: Log) -> set[str]:
    return {read_envelope(one).stream for one in log.payloads}


def is_closed(subscriber: Subscriber) -> bool:
    """Whether nothing is missing and all sums close."""
    found = subscriber.statistics()
    return found.sums_close and not found.missing and not found.checkpoints_failed


def test_a_hub_is_published_whole_through_one_outbox() -> None:
    async def story() -> None:
        log = Log()
        async with (
            exchanges(TWO) as now,
            fluxum.hub(TWO, CHANNELS, runtime=now.runtime) as hub,
            published(log, hub) as publisher,
        ):
            await hub.wait_ready(timeout_s=20)
            await asyncio.sleep(30)
            counts = {name: hub.session(name).statistics() for name in hub.venues}
            books = [hub.session(name).book(BTC).snapshot() for name in hub.venues]
            await asyncio.sleep(0.1)
            found = publisher.statistics()

        _, subscriber = await read_all(log)

        assert {name.partition("/")[0] for name in streams(log)} == set(TWO)
        assert "gemini/BTC-USD/trade" in streams(log)
        assert found.sums_close
        # All that both sessions have published was offered: what concerns several streams is in
        # each of them, so there is no less.
        assert found.offered >= sum(one.published for one in counts.values())
        assert is_closed(subscriber)
        assert subscriber.statistics().checkpoints_passed > 0
        for name, book in zip(TWO, books, strict=True):
            assert subscriber.book(name, BTC).evidence.generation == 1
            assert subscriber.book(name, BTC).snapshot().symbol == book.symbol

    play(story)


def test_a_venue_that_is_added_is_published_from_its_first_event_and_one_removed_ends() -> None:
    async def story() -> None:
        log = Log()
        async with (
            exchanges(THREE) as now,
            fluxum.hub(TWO, CHANNELS, runtime=now.runtime) as hub,
            published(log, hub),
        ):
            await hub.wait_ready(timeout_s=20)
            await hub.add("coinbase", ["BTC/USD"])
            await hub.wait_ready(timeout_s=20)
            await asyncio.sleep(15)
            await hub.remove("gemini")
            await asyncio.sleep(15)

        events, subscriber = await read_all(log)

        ended = [one for one in events if isinstance(one, Unsubscribed)]
        assert {str(one.subscription.channel.value) for one in ended} == {"book", "trade"}
        assert {one.venue for one in ended} == {"gemini"}
        with pytest.raises(NotSubscribed):
            subscriber.book("gemini", BTC)
        assert subscriber.book("coinbase", BTC).is_valid
        assert subscriber.book("kraken", BTC).is_valid
        assert not [one for one in events if isinstance(one, Gap | Desync)]
        assert is_closed(subscriber)

    play(story)


def test_a_venue_that_is_removed_and_added_again_goes_on_in_its_streams() -> None:
    async def story() -> None:
        log = Log()
        async with (
            exchanges(TWO) as now,
            fluxum.hub(TWO, CHANNELS, runtime=now.runtime) as hub,
            published(log, hub),
        ):
            await hub.wait_ready(timeout_s=20)
            await asyncio.sleep(5)
            await hub.remove("gemini")
            await hub.add("gemini", ["BTC/USD"], ["book"])
            await hub.wait_ready(timeout_s=20)
            await asyncio.sleep(12)

        events, subscriber = await read_all(log)

        ended = [one for one in events if isinstance(one, Unsubscribed)]
        assert [one.subscription.channel.value for one in ended] == ["trade"]
        assert subscriber.book("gemini", BTC).is_valid
        assert is_closed(subscriber)

    play(story)


def test_what_the_hub_itself_reports_is_in_the_stream_of_the_venues_links() -> None:
    async def story() -> None:
        log = Log()
        wanted = {**TWO, "coinbase": ["BTC/USD"]}
        async with (
            exchanges(TWO, faults={"gemini": "hangup@2s"}) as now,
            fluxum.hub(wanted, CHANNELS, runtime=now.runtime) as hub,
            published(log, hub),
        ):
            failed = VenueFailed(venue="coinbase", reason="a test", received_ns=1)
            hub._bus.put(failed)  # as a member does
            await asyncio.sleep(5)

        named = [one for one in map(read_envelope, log.payloads) if failed in one.events]
        assert [one.stream for one in named] == ["coinbase/link"]

    play(story)


def test_an_outage_of_the_engine_costs_each_venue_its_own_and_its_books_come_back() -> None:
    async def story() -> None:
        log = Log()
        policy = PublishPolicy(outbox=OutboxPolicy(events_max=150))
        async with (
            exchanges(TWO, rate_per_s=50) as now,
            fluxum.hub(TWO, CHANNELS, runtime=now.runtime) as hub,
            published(log, hub, policy=policy) as publisher,
        ):
            await hub.wait_ready(timeout_s=20)
            await asyncio.sleep(5)
            log.is_down = True
            await asyncio.sleep(15)
            log.is_down = False
            await asyncio.sleep(15)
        found = publisher.statistics()

        events, subscriber = await read_all(log)

        dropped = {one.stream.partition("/")[0] for one in found.streams if one.dropped}
        assert dropped == set(TWO)
        assert {one.venue for one in events if isinstance(one, Resynced)} == set(TWO)
        for name in TWO:
            assert subscriber.book(name, BTC).is_valid
        assert found.sums_close
        assert is_closed(subscriber)

    play(story)


def test_sessions_of_one_venue_have_streams_of_their_own_by_labels() -> None:
    async def story() -> None:
        log = Log()
        async with world(TRADES) as one, world(TRADES) as two:
            async with published(log, {"main": one.session, "other": two.session}):
                await asyncio.sleep(5)
            with pytest.raises(BadInput, match=r"a label of letters, digits, - and _ .* was 'a/b'"):
                published(log, {"a/b": one.session})

        events, subscriber = await read_all(log)

        assert {"kraken@main/BTC-USD/trade", "kraken@other/link"} <= streams(log)
        assert {one.venue for one in events} == {"kraken"}
        assert is_closed(subscriber)

    play(story)


def test_a_hub_and_a_session_of_one_of_its_venues_are_refused_without_a_label() -> None:
    async def story() -> None:
        async with (
            exchanges(TWO) as now,
            fluxum.hub(TWO, CHANNELS, runtime=now.runtime) as hub,
        ):
            session = hub.session("kraken")
            refused: Sequence[tuple[PublishSource, ...]] = [(hub, session), (hub, hub), ({},)]
            for sources in refused:
                with pytest.raises(BadInput, match="was expected"):
                    published(Log(), *sources)
            published(Log(), hub, {"again": session})

    play(story)


def test_single_orders_are_followed_and_proved_at_the_reader_as_in_the_session() -> None:
    async def story() -> None:
        log = Log()
        async with exchanges({"kraken": ["BTC/USD"]}, rate_per_s=40) as now:
            opening = fluxum.trade(
                "kraken",
                [BTC],
                keys=KEYS,
                journal=MemoryOrderJournal(),
                channels=("book", "trade", "level3"),
                runtime=now.runtime,
            )
            async with opening as trader, published(log, trader):
                await asyncio.sleep(25)
                theirs = trader.session.level3(BTC)
                orders = [one for queue in theirs.bids.queues() for one in queue]
                proof = theirs.proof()

            whole, subscriber = await read_all(log)
            books = [at for at, one in enumerate(log.payloads) if b"/level3" in one]
            del log.payloads[books[len(books) // 2]]
            events, with_hole = await read_all(log)

            ours = subscriber.level3("kraken", BTC)
            assert [one for queue in ours.bids.queues() for one in queue] == orders
            assert (ours.proof().status, ours.proof().checksum) == (proof.status, proof.checksum)
            assert ours.proof().is_valid
            assert any(isinstance(one, Level3Update) for one in whole)
            assert any(isinstance(one, Trade) for one in whole)
            assert is_closed(subscriber)

            # A number that is missing withdraws the book until the next checkpoint.
            of_book = (Level3Snapshot, Level3Update, Desync, Gap, Resynced)
            kinds = [type(one) for one in events if isinstance(one, of_book)]
            at = kinds.index(Desync)
            assert kinds[at : at + 4] == [Desync, Gap, Resynced, Level3Snapshot]
            assert with_hole.statistics().missing > 0
            assert with_hole.statistics().withheld > 0
            assert with_hole.statistics().checkpoints_failed == 0
            assert with_hole.level3("kraken", BTC).proof().is_valid
            with pytest.raises(NotSubscribed):
                with_hole.level3("okx", BTC)

    play(story)


def test_checkpoints_of_single_orders_are_whole_books() -> None:
    async def story() -> None:
        log = Log()
        async with exchanges({"kraken": ["BTC/USD"]}, rate_per_s=40) as now:
            opening = fluxum.trade(
                "kraken",
                [BTC],
                keys=KEYS,
                journal=MemoryOrderJournal(),
                channels=("level3",),
                runtime=now.runtime,
            )
            async with opening as trader, published(log, trader):
                await asyncio.sleep(25)

        found = [
            event
            for one in map(read_envelope, log.payloads)
            for event in one.events
            if isinstance(event, Checkpoint)
        ]
        assert len(found) >= 2
        assert all(isinstance(one.book, Level3Snapshot) and one.book.bids for one in found)

    play(story)
