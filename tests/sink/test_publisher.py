"""Sessions, a publisher, an engine in memory with faults, and readers: all in virtual time."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from random import Random

import pytest
from worlds import BOOK, BTC, TRADES, World, play, world

from fluxum.book.proof import BookStatus
from fluxum.errors import BadInput, TransportError
from fluxum.flow.background import background
from fluxum.model.event import (
    Channel,
    Desync,
    Dropped,
    Event,
    Gap,
    GapCause,
    LinkLost,
    Repair,
    Resynced,
    State,
    Subscription,
)
from fluxum.model.levels import Level
from fluxum.model.market import BookSnapshot, BookUpdate, Side, Trade
from fluxum.session.session import Session
from fluxum.sim.loop import SimulatedClock
from fluxum.sink.outbox import OutboxPolicy
from fluxum.sink.publisher import Publisher, PublishPolicy, publish
from fluxum.sink.subscriber import Subscriber, subscribe
from fluxum.sink.wire import read_envelope
from fluxum.transport.link import Link
from fluxum.venues.kraken.venue import KRAKEN
from fluxum.venues.okx.venue import OKX
from memory_engine import Log, MemoryReader, MemoryWriter

SMALL = OutboxPolicy(events_max=100)


@asynccontextmanager
async def published(
    now: World, log: Log, policy: PublishPolicy | None = None
) -> AsyncGenerator[Publisher]:
    async with publish(
        MemoryWriter(log), now.session, policy=policy, clock=SimulatedClock(), random=Random(3)
    ) as publisher:
        yield publisher


@asynccontextmanager
async def reading(log: Log, at: int = 0, *, is_whole: bool = True) -> AsyncGenerator[Subscriber]:
    async with subscribe(
        MemoryReader(log, at), is_whole=is_whole, clock=SimulatedClock(), random=Random(3)
    ) as subscriber:
        yield subscriber


async def read_all(log: Log) -> tuple[list[Event], Subscriber]:
    async with reading(log) as subscriber:
        return [event async for event in subscriber.stored()], subscriber


def of_market(events: list[Event], *kinds: type) -> list[Event]:
    return [event for event in events if isinstance(event, kinds)]


Fault = Callable[[Log], Awaitable[None]]


async def lost_acknowledgements(log: Log) -> None:
    log.lost_acks = 3
    await asyncio.sleep(10)


async def refusals(log: Log) -> None:
    log.refused = 3
    await asyncio.sleep(10)


async def a_hang(log: Log) -> None:
    log.hangs = 1
    await asyncio.sleep(20)


async def halves(log: Log) -> None:
    log.halves = 3
    await asyncio.sleep(10)


async def repeats(log: Log) -> None:
    log.repeats = True
    await asyncio.sleep(5)


async def repeats_without_ids(log: Log) -> None:
    log.ids = False
    await lost_acknowledgements(log)


async def an_outage(log: Log) -> None:
    log.is_down = True
    await asyncio.sleep(10)
    log.is_down = False
    await asyncio.sleep(10)


@pytest.mark.parametrize(
    "fault",
    [
        lost_acknowledgements,
        refusals,
        a_hang,
        halves,
        repeats,
        repeats_without_ids,
        an_outage,
    ],
)
def test_a_reader_gets_every_event_once_whatever_the_engine_does(fault: Fault) -> None:
    async def story() -> None:
        log = Log()
        async with world(BOOK, TRADES, rate_per_s=50, faults="hangup@4s") as now:
            async with published(now, log) as publisher:
                await now.session.wait_ready(5)
                await asyncio.sleep(3)
                await fault(log)
                await asyncio.sleep(3)
                book, proof = now.session.book(BTC).snapshot(), now.session.book(BTC).proof()
                mine = await now.live(0)
            counts = publisher.statistics()

            events, subscriber = await read_all(log)

            assert counts.sums_close
            assert (counts.dropped, counts.waiting) == (0, 0)
            for kind in (BookSnapshot, BookUpdate, Trade, Gap):
                assert of_market(events, kind) == of_market(mine, kind)
            found = subscriber.statistics()
            assert found.sums_close
            assert found.events == counts.offered
            assert (found.missing, found.own) == (0, 0)
            assert found.checkpoints_passed > 0
            assert found.checkpoints_failed == 0
            assert subscriber.book("kraken", BTC).snapshot() == book
            assert subscriber.book("kraken", BTC).proof() == proof
            assert all(one.is_whole and one.is_closed for one in found.streams)

    play(story)


def test_what_does_not_fit_is_told_to_readers_and_the_book_is_withdrawn_until_it_is_proved() -> (
    None
):
    async def story() -> None:
        log = Log()
        async with world(BOOK, TRADES, rate_per_s=100) as now:
            async with published(now, log, PublishPolicy(outbox=SMALL)) as publisher:
                await now.session.wait_ready(5)
                await asyncio.sleep(3)
                log.is_down = True
                await asyncio.sleep(20)
                assert now.session.state is State.READY
                down = publisher.statistics()
                log.is_down = False
                await asyncio.sleep(10)
                book = now.session.book(BTC).snapshot()
            counts = publisher.statistics()

            events, subscriber = await read_all(log)

            assert down.waiting <= 100
            assert "the engine" in down.trouble
            assert not down.is_up
            assert counts.is_up
            assert counts.dropped > 500
            assert counts.waiting == 0
            assert counts.sums_close
            found = subscriber.statistics()
            assert found.sums_close
            assert found.dropped == counts.dropped
            assert found.events == counts.offered - counts.dropped
            dropped = of_market(events, Dropped)
            assert sum(one.count for one in dropped if isinstance(one, Dropped)) == found.dropped
            desyncs = [at for at, one in enumerate(events) if isinstance(one, Desync)]
            (first, *_), ends = desyncs, of_market(events, Resynced)
            assert len(desyncs) == len(ends) > 0
            following = of_market(events[first:], BookUpdate, BookSnapshot, Gap)
            gap = next(one for one in following if isinstance(one, Gap))
            assert (gap.cause, gap.repair) == (GapCause.ENGINE, Repair.SNAPSHOT)
            assert isinstance(following[following.index(gap) + 1], BookSnapshot)
            assert subscriber.book("kraken", BTC).snapshot() == book
            assert subscriber.book("kraken", BTC).is_valid

    play(story)


def test_a_hole_in_the_engine_withdraws_the_book_until_the_next_checkpoint() -> None:
    async def story() -> None:
        log = Log()
        async with world(BOOK, rate_per_s=20) as now:
            async with published(now, log):
                await now.session.wait_ready(5)
                await asyncio.sleep(12)
            books = [at for at, one in enumerate(log.payloads) if b"/book" in one]
            del log.payloads[books[len(books) // 3]]

            statuses: list[BookStatus] = []
            async with reading(log) as subscriber:
                async for event in subscriber.stored():
                    if isinstance(event, Desync | Gap | Resynced | BookSnapshot):
                        status = subscriber.book("kraken", BTC).proof().status
                        statuses.append(status)
            found = subscriber.statistics()

            assert found.missing == found.streams[1].missing > 0
            assert found.withheld > 0
            assert found.sums_close
            assert not found.streams[1].is_whole
            assert found.streams[1].sums_close
            assert statuses[-1] is BookStatus.VALID

    play(story)


def test_a_reader_that_joins_later_begins_with_a_checkpoint() -> None:
    async def story() -> None:
        log = Log()
        async with world(BOOK, rate_per_s=20) as now, published(now, log):
            await now.session.wait_ready(5)
            await asyncio.sleep(7)
            async with reading(log, len(log.payloads), is_whole=False) as subscriber:
                first = await anext(subscriber)
                while not isinstance(first, BookSnapshot):
                    first = await anext(subscriber)
                assert subscriber.book("kraken", BTC).is_valid
                assert subscriber.book("kraken", BTC).snapshot().bids == first.bids
                found = subscriber.statistics()
                assert found.withheld > 0
                assert found.sums_close
                assert all(one.is_whole for one in found.streams)

    play(story)


def test_books_that_are_proved_by_their_numbers_are_proved_at_the_reader_too() -> None:
    async def story() -> None:
        log = Log()
        wanted = OKX.with_defaults(Subscription(Channel.BOOK, OKX.sample_symbols[0]))
        async with world(wanted, venue=OKX, rate_per_s=20) as now:
            async with published(now, log):
                await now.session.wait_ready(5)
                await asyncio.sleep(12)
                theirs = now.session.book(OKX.sample_symbols[0])
                book, proof = theirs.snapshot(), theirs.proof()

            _, subscriber = await read_all(log)

            ours = subscriber.book("okx", OKX.sample_symbols[0])
            assert ours.snapshot() == book
            assert ours.proof() == proof
            assert ours.is_valid

    play(story)


def test_checkpoints_of_two_venues_with_one_symbol_are_not_mixed_up() -> None:
    async def story() -> None:
        log = Log()
        symbol = OKX.sample_symbols[0]
        here = KRAKEN.with_defaults(Subscription(Channel.BOOK, symbol))
        there = OKX.with_defaults(Subscription(Channel.BOOK, symbol))
        async with (
            world(here, symbols=[symbol], rate_per_s=100) as one,
            world(there, symbols=[symbol], venue=OKX, rate_per_s=100) as two,
        ):
            async with publish(
                MemoryWriter(log),
                one.session,
                two.session,
                policy=PublishPolicy(outbox=SMALL),
                clock=SimulatedClock(),
                random=Random(3),
            ) as publisher:
                await asyncio.sleep(5)
                log.is_down = True
                await asyncio.sleep(20)
                log.is_down = False
                await asyncio.sleep(15)
                books = [now.session.book(symbol).snapshot() for now in (one, two)]
            assert publisher.statistics().dropped > 100

            _, subscriber = await read_all(log)

            assert [subscriber.book(one, symbol).snapshot() for one in ("kraken", "okx")] == books
            assert subscriber.statistics().checkpoints_failed == 0

    play(story)


def test_a_lost_link_is_in_every_stream_it_carried() -> None:
    async def story() -> None:
        log = Log()
        async with world(BOOK, TRADES, faults="hangup@5s") as now:
            async with published(now, log):
                await now.session.wait_ready(5)
                await asyncio.sleep(20)
            envelopes = map(read_envelope, log.payloads)
            streams = {
                one.stream
                for one in envelopes
                if any(isinstance(event, LinkLost) for event in one.events)
            }

            assert streams == {"kraken/BTC-USD/book", "kraken/BTC-USD/trade", "kraken/link"}

    play(story)


def test_a_silent_stream_still_has_its_tallies_every_five_seconds() -> None:
    async def story() -> None:
        log = Log()
        async with world(TRADES, rate_per_s=0) as now, published(now, log):
            await now.session.wait_ready(5)
            await asyncio.sleep(21)

            _, subscriber = await read_all(log)

            by_name = {one.stream: one for one in subscriber.statistics().streams}
            assert by_name["kraken/BTC-USD/trade"].notices == 5
            assert not by_name["kraken/BTC-USD/trade"].is_closed

    play(story)


def test_a_publisher_that_cannot_reach_its_engine_ends_all_the_same() -> None:
    async def story() -> None:
        log = Log()
        log.is_down = True
        async with world(TRADES, rate_per_s=20) as now:
            async with published(now, log) as publisher:
                await now.session.wait_ready(5)
                await asyncio.sleep(3)
            counts = publisher.statistics()

            assert counts.waiting == counts.offered > 0
            assert counts.sums_close
            assert log.payloads == []

    play(story)


@pytest.mark.parametrize("slow_s", [0.3, 1.0, 1.7])
def test_a_publisher_that_ends_in_the_middle_of_a_write_loses_nothing(slow_s: float) -> None:
    async def story() -> None:
        log = Log()
        log.slow_s = slow_s
        async with world(TRADES, rate_per_s=50) as now:
            async with published(now, log) as publisher:
                await now.session.wait_ready(5)
                await asyncio.sleep(5)
            counts = publisher.statistics()

            events, subscriber = await read_all(log)

            assert counts.waiting == counts.dropped == 0
            assert len(events) == counts.offered
            assert all(one.is_closed and one.is_whole for one in subscriber.statistics().streams)

    play(story)


def test_a_reader_that_is_cancelled_in_the_middle_of_a_read_loses_nothing() -> None:
    async def story() -> None:
        log = Log()
        async with world(TRADES, rate_per_s=50) as now, published(now, log):
            await now.session.wait_ready(5)
            await asyncio.sleep(5)
        log.slow_s = 0.3
        async with reading(log) as subscriber:
            for _ in range(3):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await anext(subscriber)
            events = [event async for event in subscriber.stored()]

            assert len(of_market(events, Trade)) > 80
            assert all(one.is_whole for one in subscriber.statistics().streams)
            assert subscriber.statistics().missing == 0

    play(story)


def test_a_library_that_swallows_a_cancellation_holds_up_nothing() -> None:
    async def story() -> None:
        log = Log()
        async with world(TRADES, rate_per_s=20) as now:
            async with published(now, log) as publisher:
                await now.session.wait_ready(5)
                await asyncio.sleep(3)
                log.swallows = True
                await asyncio.sleep(2)
            assert publisher.statistics().trouble
        async with reading(log) as subscriber:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(2):
                    await anext(subscriber)
            reader = asyncio.get_running_loop().create_task(subscriber.__anext__())
            await asyncio.sleep(1)
            reader.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reader

    play(story)


def test_a_fault_of_the_publisher_does_not_end_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_event: Event) -> bytes:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr("fluxum.sink.publisher.encode_event_line", broken)

    async def story() -> None:
        async with world(TRADES, rate_per_s=20) as now, published(now, Log()) as publisher:
            await now.session.wait_ready(5)
            await asyncio.sleep(3)
            assert now.session.state is State.READY
            assert publisher.statistics().trouble == "the publisher failed: a fault"

    play(story)


def test_a_publisher_started_again_is_a_gap_of_unknown_size_at_the_reader() -> None:
    async def story() -> None:
        log = Log()
        async with world(TRADES, rate_per_s=20) as now:
            for _ in range(2):
                async with published(now, log):
                    await now.session.wait_ready(5)
                    await asyncio.sleep(3)
            events, subscriber = await read_all(log)

            (gap,) = of_market(events, Gap)
            assert isinstance(gap, Gap)
            assert (gap.cause, gap.missing) == (GapCause.ENGINE, None)
            assert subscriber.statistics().sums_close

    play(story)


def test_a_reader_survives_the_outage_of_its_engine() -> None:
    async def story() -> None:
        log = Log()
        async with (
            world(TRADES, rate_per_s=20) as now,
            published(now, log),
            reading(log) as subscriber,
        ):
            for _ in range(10):
                await anext(subscriber)
            log.is_down = True
            await asyncio.sleep(10)
            log.is_down = False
            for _ in range(100):
                await anext(subscriber)

            found = subscriber.statistics()
            assert found.missing == 0
            assert found.sums_close
            assert subscriber.trouble == ""

    play(story)


def test_what_is_stored_cannot_be_read_from_an_engine_that_is_down() -> None:
    async def story() -> None:
        log = Log()
        log.is_down = True
        with pytest.raises(TransportError, match="the engine is down"):
            await read_all(log)

    play(story)


def test_a_publisher_can_be_awaited_and_needs_a_session() -> None:
    async def story() -> None:
        log = Log()
        async with world(TRADES, rate_per_s=20) as now:
            publisher = await publish(MemoryWriter(log), now.session, clock=SimulatedClock())
            await asyncio.sleep(3)
            await publisher.close()
            assert publisher.statistics().waiting == 0
            reader = await subscribe(MemoryReader(log), is_whole=True, clock=SimulatedClock())
            assert (await anext(reader)).venue == "kraken"
            await reader.close()
            with pytest.raises(BadInput, match=r"session of each venue .*, were kraken, kraken"):
                publish(MemoryWriter(log), now.session, now.session)
            async with published(now, Log()) as entered:
                with pytest.raises(BadInput, match="ends with its block"):
                    await entered.close()

    with pytest.raises(BadInput, match="a session or a hub to publish was expected"):
        publish(MemoryWriter(Log()))
    play(story)


def test_events_lost_before_the_outbox_are_in_every_stream() -> None:
    async def story() -> None:
        log = Log()
        async with world(BOOK, TRADES, rate_per_s=1000) as now:
            async with published(now, log, PublishPolicy(capacity=3)):
                await now.session.wait_ready(5)
                await asyncio.sleep(3)
            events, subscriber = await read_all(log)

            assert of_market(events, Dropped)
            assert subscriber.statistics().dropped == 0  # of the outbox
            assert subscriber.statistics().sums_close

    play(story)


@asynccontextmanager
async def quiet_session() -> AsyncGenerator[Session]:
    """A session without links: its events are those that the test publishes."""
    async with Session(OKX, dial=no_dial, clock=SimulatedClock(), random=Random(1)) as session:
        yield session


def no_dial(url: str, headers: Mapping[str, str] = {}, /) -> AbstractAsyncContextManager[Link]:
    raise AssertionError(url)


def put(session: Session, event: Event) -> None:
    session.publish(event)  # type: ignore[arg-type]  # the bus takes any


def trade(number: int) -> Trade:
    return Trade(
        venue="okx",
        symbol=BTC,
        side=Side.BUY,
        price=Decimal("84000.1"),
        quantity=Decimal("0.5"),
        trade_id=str(number),
        received_ns=number,
    )


def snapshot(levels: int) -> BookSnapshot:
    side = tuple(Level(Decimal(at + 1), Decimal("0.5")) for at in range(levels))
    return BookSnapshot(venue="okx", symbol=BTC, bids=side[::-1], asks=(), received_ns=1)


@pytest.mark.parametrize(
    ("events", "most"),
    [
        ([trade(number) for number in range(1_000)], 100),  # a hundred events
        ([trade(number) for number in range(16_000)], 1_000),  # of so many a sixteenth
        ([snapshot(1_500)] * 30, 2),  # 64 kB: two of these
    ],
)
def test_a_step_takes_no_more_than_its_bound_and_the_loop_goes_on_between_steps(
    events: list[Event], most: int
) -> None:
    async def story() -> None:
        offered = [0]
        async with (
            quiet_session() as session,
            publish(MemoryWriter(Log()), session, clock=SimulatedClock()) as publisher,
        ):
            await asyncio.sleep(1.1)  # connected, and waiting for an event
            for event in events:
                put(session, event)
            await asyncio.sleep(0.02)
            while offered[-1] < len(events):
                await asyncio.sleep(0)
                offered.append(publisher.statistics().offered)
                assert len(offered) < 5_000

        steps = [after - before for before, after in itertools.pairwise(offered)]
        assert 0 < max(steps) <= most
        assert publisher.statistics().acknowledged == len(events)

    play(story)


def test_no_step_is_between_an_event_and_its_other_readers() -> None:
    async def story() -> None:
        published_at: list[int] = []
        read_at: list[int] = []
        async with (
            quiet_session() as session,
            publish(MemoryWriter(Log()), session, clock=SimulatedClock()) as publisher,
        ):

            async def read() -> None:
                async for _ in session.events():
                    read_at.append(publisher.statistics().offered)

            async with background(read()):
                await asyncio.sleep(1.1)
                put(session, trade(0))
                await asyncio.sleep(0)
                for number in range(1, 100):
                    await asyncio.sleep(0.02)  # the instant at which the publisher looks too
                    published_at.append(publisher.statistics().offered)
                    put(session, trade(number))
                await asyncio.sleep(1)

        assert published_at[-1] > 50
        assert read_at[-99:] == published_at

    play(story)


def test_an_event_is_written_after_twenty_milliseconds_wherever_it_falls() -> None:
    async def story() -> None:
        log = Log()
        async with (
            quiet_session() as session,
            publish(MemoryWriter(log), session, clock=SimulatedClock()),
        ):
            await asyncio.sleep(1)
            for milliseconds in (7, 3, 11, 19, 2, 5):
                written = len(log.payloads)
                put(session, trade(milliseconds))
                await asyncio.sleep(0.0201)
                assert len(log.payloads) > written
                await asyncio.sleep(milliseconds / 1_000)

    play(story)


def test_a_link_is_kept_until_a_write_fails_and_an_outage_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="fluxum.sink")

    async def story() -> None:
        log = Log()
        async with (
            quiet_session() as session,
            publish(MemoryWriter(log), session, clock=SimulatedClock(), random=Random(3)),
        ):
            for number in range(6):
                log.refused = 3 if number == 3 else 0
                put(session, trade(number))
                await asyncio.sleep(10)
        assert len(log.written) > 6
        assert log.opened == 4  # the first one, and one after each of three refusals

    play(story)

    assert [one.getMessage() for one in caplog.records] == [
        "sink: not written, and tried again: no space left on device",
        "sink: written again",
    ]


def test_events_that_come_faster_than_steps_are_bounded_and_what_is_lost_is_counted() -> None:
    async def story() -> None:
        policy = PublishPolicy(capacity=200)
        async with (
            quiet_session() as session,
            publish(
                MemoryWriter(Log()), session, policy=policy, clock=SimulatedClock()
            ) as publisher,
        ):
            await asyncio.sleep(1.1)
            put(session, trade(0))
            await asyncio.sleep(0.02)
            for _ in range(100):
                await asyncio.sleep(0)
                for number in range(150):
                    put(session, trade(number))
            (pipe,) = session.statistics().readers
            assert pipe.dropped > 0
            assert 15_001 - pipe.dropped - publisher.statistics().offered <= 2 * 200

    play(story)
