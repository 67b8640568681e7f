"""Dialogues between a session and a simulated exchange, in virtual time."""

import asyncio
import math
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import count, pairwise

import pytest
from worlds import BOOK, BTC, ETH, TRADES, World, play, world

from fluxum.book.proof import BookStatus
from fluxum.errors import BadInput, NotSubscribed, RateLimited, VenueRefused
from fluxum.flow.pipe import Overflow
from fluxum.model.event import (
    Channel,
    DataStale,
    Desync,
    Dropped,
    Event,
    Gap,
    GapCause,
    LinkLost,
    Refused,
    Rejected,
    Repair,
    Resynced,
    State,
    StateChange,
    Subscription,
)
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Change, Side, Ticker, Trade
from fluxum.session.session import Session
from fluxum.transport.link import Dial, Link
from fluxum.venues.kraken.venue import KRAKEN


def kinds(events: Sequence[Event]) -> list[type]:
    return [type(event) for event in events]


def first(events: Sequence[Event], kind: type) -> int:
    return next(index for index, event in enumerate(events) if isinstance(event, kind))


def test_a_session_is_ready_only_when_every_book_is_proved() -> None:
    async def story() -> None:
        async with world(BOOK, TRADES) as now:
            assert [str(one) for one in now.session.missing()] == [
                "public-1: not connected",
                "book BTC/USD 10: not acknowledged",
                "trade BTC/USD: not acknowledged",
            ]
            await now.session.wait_ready(timeout_s=1)

            proof = now.session.book(BTC).proof()
            assert proof.status is BookStatus.VALID
            assert (proof.generation, proof.depth_proved, proof.depth) == (1, 10, 10)
            assert now.session.missing() == []
            assert now.states() == [
                State.CONNECTING,
                State.CONNECTED,
                State.SUBSCRIBING,
                State.READY,
            ]

    play(story)


def test_a_cut_link_is_told_before_anything_newer_and_heals() -> None:
    async def story() -> None:
        async with world(BOOK, faults="hangup@5s") as now:
            await now.session.wait_ready(timeout_s=1)
            await now.live(4.999)
            held = now.session.book(BTC)
            events = await now.live(0.01)

            assert kinds(events)[-2:] == [LinkLost, StateChange]
            assert held.proof().status is BookStatus.SYNCING
            assert held.bid is None
            assert held.ask is None

            events = await now.live(20)
            gap = events[first(events, Gap)]
            assert first(events, Gap) < first(events, BookSnapshot) < first(events, BookUpdate)
            assert isinstance(gap, Gap)
            assert gap.cause is GapCause.LINK_LOST
            assert gap.repair is Repair.SNAPSHOT
            assert gap.since_ns < gap.until_ns
            assert now.session.book(BTC) is held
            assert held.proof().is_valid
            assert held.proof().generation == 2
            assert now.session.state is State.READY
            assert now.session.statistics().reconnects == 1

    play(story)


def test_a_corrupted_update_is_replaced_by_a_desync_and_the_link_is_kept() -> None:
    async def story() -> None:
        async with world(BOOK, faults="corrupt@5s") as now:
            await now.session.wait_ready(timeout_s=1)
            await now.live(1)
            events = await now.live(20)

            told = [event for event in events if not isinstance(event, BookUpdate)]
            assert kinds(told) == [Desync, StateChange, Gap, Resynced, BookSnapshot, StateChange]
            desync, _, gap, resynced, *_ = told
            assert isinstance(desync, Desync)
            assert desync.expected != desync.computed
            assert isinstance(gap, Gap)
            assert gap.cause is GapCause.DESYNC
            assert isinstance(resynced, Resynced)
            assert resynced.generation == 2
            statistics = now.session.statistics()
            assert (statistics.reconnects, statistics.desyncs, statistics.checks_failed) == (
                0,
                1,
                1,
            )
            assert now.session.state is State.READY

    play(story)


def test_a_failed_book_harms_no_other() -> None:
    async def story() -> None:
        eth = Subscription(Channel.BOOK, ETH)
        async with world(BOOK, eth, faults="corrupt@5s") as now:
            await now.session.wait_ready(timeout_s=1)
            events = await now.live(20)

            failed = [event.subscription.symbol for event in events if isinstance(event, Desync)]
            generations = {s: now.session.book(s).proof().generation for s in (BTC, ETH)}
            assert len(failed) == 1
            assert sorted(generations.values()) == [1, 2]
            assert generations[failed[0] or BTC] == 2

    play(story)


def test_data_that_stops_while_heartbeats_go_on_makes_the_book_stale() -> None:
    async def story() -> None:
        async with world(BOOK, faults="silence@5s+100s") as now:
            await now.session.wait_ready(timeout_s=1)
            events = await now.live(70)

            stale = [event for event in events if isinstance(event, DataStale)]
            assert [event.subscription for event in stale] == [BOOK]
            assert 60 <= stale[0].silent_s < 62
            assert State.SUBSCRIBING in now.states()
            # The venue answers the question that follows with a snapshot: proved again.
            assert now.session.book(BTC).proof().is_valid
            assert now.session.statistics().reconnects == 0

    play(story)


def test_silence_longer_than_promised_reconnects() -> None:
    async def story() -> None:
        async with world(BOOK, faults="freeze@5s+15s") as now:
            await now.session.wait_ready(timeout_s=1)
            events = await now.live(60)

            lost = [event.reason for event in events if isinstance(event, LinkLost)]
            assert len(lost) == 1
            assert lost[0].startswith("nothing received for 1")
            assert now.session.state is State.READY

    play(story)


def test_a_refused_symbol_is_told_and_the_others_live() -> None:
    async def story() -> None:
        unknown = Subscription(Channel.BOOK, Symbol("XBT/USD"))
        async with world(BOOK, unknown, rate_per_s=20) as now:
            with pytest.raises(VenueRefused, match="Currency pair not supported XBT/USD"):
                await now.session.wait_ready(timeout_s=5)
            events = await now.live(1)

            assert Refused in kinds(now.events)
            assert now.session.book(BTC).proof().is_valid
            assert BookUpdate in kinds(events)
            assert now.session.state is State.SUBSCRIBING
            now.session.unsubscribe(unknown)
            await now.session.wait_ready(timeout_s=1)

    play(story)


def test_a_refused_dial_waits_as_long_as_the_venue_asks() -> None:
    async def story() -> None:
        async with world(BOOK, faults="hangup@5s,refuse@4s+60s") as now:
            await now.session.wait_ready(timeout_s=1)
            events = await now.live(120)

            waits = [
                event.delay_s
                for event in events
                if isinstance(event, StateChange) and "429" in event.reason
            ]
            assert waits
            assert waits[0] >= 55
            assert now.session.state is State.READY

    play(story)


def test_a_forbidden_dial_ends_every_stream_with_the_reason() -> None:
    async def story() -> None:
        async with world(BOOK, faults="refuse:403@0s+60s") as now:
            books = now.session.books(BTC)
            with pytest.raises(VenueRefused, match="403"):
                async for _ in books:
                    pass
            with pytest.raises(VenueRefused, match="403"):
                await now.session.wait_ready(timeout_s=1)
            assert now.session.state is State.FAILED

    play(story)


@pytest.mark.parametrize("fault", ["refuse:403@4s+60s", "refuse:400@4s+60s", "refuse:404@4s+60s"])
def test_a_refusal_after_health_is_tried_again_slowly_and_with_an_alarm(
    fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        async with world(BOOK, faults=f"hangup@5s,{fault}") as now:
            await now.session.wait_ready(timeout_s=1)
            events = await now.live(30)
            [missing] = [one for one in now.session.missing() if one.subscription is None]
            code = fault[7:10]
            assert re.search(rf"{code}.*; next attempt at 2026-01-01T00:0\d:\d\dZ", missing.reason)
            waits = [
                event
                for event in events
                if isinstance(event, StateChange) and f"HTTP {code}" in event.reason
            ]
            assert 1 <= len(waits) <= 3
            assert all(event.new is State.RECONNECTING for event in waits)
            assert all(10 <= event.delay_s <= 300 for event in waits)
            assert f"HTTP {code}" in caplog.text
            assert {one.levelname for one in caplog.records if "refused and" in one.message} == {
                "ERROR"
            }
            await now.live(300)
            assert now.session.state is State.READY

    play(story)


def test_the_next_refusal_after_a_proved_link_begins_with_short_waits_again() -> None:
    async def story() -> None:
        faults = "hangup@5s,refuse:403@4s+600s,hangup@2000s,refuse:403@1999s+30s"
        async with world(BOOK, faults=faults, rate_per_s=1.0) as now:
            await now.live(3000)
            waits = [
                event
                for event in now.events
                if isinstance(event, StateChange) and "HTTP 403" in event.reason
            ]
            start_ns = now.events[0].received_ns
            later = [one.delay_s for one in waits if one.received_ns - start_ns > 1900 * 10**9]
            assert max(one.delay_s for one in waits) > 40
            assert later[0] <= 20

    play(story)


def test_one_link_that_cannot_be_ends_the_others_too() -> None:
    async def story() -> None:
        eth = Subscription(Channel.BOOK, ETH)
        async with world(BOOK, eth, faults="refuse:403@0s+60s", symbols_per_link=1) as now:
            await now.live(10)

            assert now.session.state is State.FAILED
            assert now.exchange.connections == 0
            assert not now.session.book(BTC).proof().is_valid
            assert not now.session.book(ETH).proof().is_valid

    play(story)


def test_a_close_for_a_broken_rule_is_final_unless_the_endpoint_has_carried_streams() -> None:
    async def story(fault: str, end: State) -> None:
        async with world(BOOK, faults=fault) as now:
            await now.live(400)
            assert now.session.state is end

    play(lambda: story("hangup:1008=1", State.FAILED))
    play(lambda: story("hangup:1008@5s", State.READY))


def test_the_next_attempt_is_missing_with_its_time() -> None:
    async def story() -> None:
        async with world(BOOK, faults="hangup@5s,refuse:503@4s+600s") as now:
            await now.live(60)
            [missing] = [one for one in now.session.missing() if one.subscription is None]
            assert missing.reason.endswith("HTTP 503; next attempt at 2026-01-01T00:10:04Z")

    play(story)


def test_no_word_of_the_venue_keeps_a_session_waiting_for_more_than_an_hour() -> None:
    async def story() -> None:
        dials = 0

        def wrap(dial: Dial) -> Dial:
            @asynccontextmanager
            async def refusing(
                url: str, headers: Mapping[str, str] = {}, /
            ) -> AsyncGenerator[Link]:
                nonlocal dials
                dials += 1
                if dials == 1:
                    raise RateLimited("come back one day", "429", math.inf)
                async with dial(url, headers) as link:
                    yield link

            return refusing

        async with world(BOOK, wrap=wrap, rate_per_s=0.1) as now:
            events = await now.live(10)
            [missing] = [one for one in now.session.missing() if one.subscription is None]
            assert missing.reason == (
                "not connected: come back one day; next attempt at 2026-01-01T01:00:00Z"
            )
            [waits] = [e for e in events if isinstance(e, StateChange) and e.delay_s]
            assert waits.delay_s == 3600.0
            await now.live(3600)
            assert now.session.state is State.READY

    play(story)


def test_a_session_never_gives_up_on_what_can_heal() -> None:
    async def story() -> None:
        async with world(BOOK, faults="hangup@5s,refuse:503@4s+7200s", rate_per_s=1) as now:
            await now.session.wait_ready(timeout_s=1)
            await now.live(7300)
            assert now.session.state is State.READY
            assert now.session.book(BTC).proof().is_valid

    play(story)


def test_attempts_stay_within_the_budget_that_the_address_has() -> None:
    async def story() -> None:
        async with world(BOOK, faults="hangup=0.5", attempts=5, attempt_window_s=100.0) as now:
            await now.live(1000)
            at_s = [
                event.received_ns / 1e9
                for event in now.events
                if isinstance(event, StateChange) and event.new is State.CONNECTING
            ]
            assert len(at_s) > 20
            assert all(
                later - sooner >= 99.9 for sooner, later in zip(at_s, at_s[5:], strict=False)
            )

    play(story)


def test_delays_grow_until_a_link_has_proved_itself() -> None:
    async def story() -> None:
        async with world(BOOK, faults="hangup=0.2") as now:
            await now.live(600)
            delays = [
                event.delay_s
                for event in now.events
                if isinstance(event, StateChange) and event.new is State.RECONNECTING
            ]
            # Kraken: two quick tries, then five seconds at the least.
            assert all(delay <= 1.0 for delay in delays[:2])
            assert all(5.0 <= delay <= 30.0 for delay in delays[2:])
            assert len(delays) > 10

    play(story)


def test_during_maintenance_the_floor_of_the_delay_holds() -> None:
    async def story() -> None:
        async with world(BOOK, faults="maintenance@5s+60s,hangup@10s") as now:
            await now.session.wait_ready(timeout_s=1)
            events = await now.live(100)
            delays = [
                event.delay_s
                for event in events
                if isinstance(event, StateChange) and event.new is State.RECONNECTING
            ]
            assert delays == [5.0]
            assert now.session.state is State.READY

    play(story)


def test_trades_told_after_an_outage_are_marked_and_complete() -> None:
    async def story() -> None:
        async with world(TRADES, faults="hangup@30s,refuse:503@29s+20s", rate_per_s=5) as now:
            await now.session.wait_ready(timeout_s=1)
            events = await now.live(120)

            lost = first(events, LinkLost)
            numbers = [event.sequence or 0 for event in events if isinstance(event, Trade)]
            later = [event for event in events[lost:] if isinstance(event, Trade)]
            assert later[0].backfilled
            assert not later[-1].backfilled
            assert all(two - one == 1 for one, two in pairwise(numbers))
            gaps = [event for event in events if isinstance(event, Gap)]
            assert [(gap.repair, gap.missing) for gap in gaps] == [(Repair.BACKFILLED, 0)]

    play(story)


def test_a_trade_that_never_arrives_is_a_gap_with_its_size() -> None:
    async def story() -> None:
        async with world(TRADES, faults="drop=0.05", rate_per_s=20) as now:
            await now.live(300)

            numbers = [event.sequence or 0 for event in now.events if isinstance(event, Trade)]
            holes = set(range(numbers[0], max(numbers) + 1)) - set(numbers)
            gaps = [event for event in now.events if isinstance(event, Gap)]
            assert holes
            assert sum(gap.missing or 0 for gap in gaps) == len(holes)
            assert all(gap.cause is GapCause.VENUE for gap in gaps)

    play(story)


def test_unsubscribing_ends_a_stream_and_late_data_is_no_error() -> None:
    async def story() -> None:
        async with world(BOOK, TRADES) as now:
            await now.session.wait_ready(timeout_s=1)
            book = now.session.book(BTC)
            now.session.unsubscribe(BOOK)

            events = await now.live(10)
            assert not book.proof().is_valid
            with pytest.raises(NotSubscribed, match="BTC/USD"):
                now.session.book(BTC)
            with pytest.raises(NotSubscribed):
                now.session.unsubscribe(BOOK)
            assert BookUpdate not in kinds(events)
            assert Rejected not in kinds(events)
            assert now.session.subscriptions == (TRADES,)

            now.session.subscribe(BOOK)
            await now.session.wait_ready(timeout_s=1)
            assert now.session.book(BTC).proof().is_valid

    play(story)


def test_many_symbols_are_spread_over_links() -> None:
    async def story() -> None:
        symbols = [Symbol(f"{base}/USD") for base in ("BTC", "ETH", "SOL", "XRP", "ADA")]
        wanted = [Subscription(Channel.BOOK, symbol) for symbol in symbols]
        async with world(*wanted, symbols=symbols, symbols_per_link=2) as now:
            await now.session.wait_ready(timeout_s=1)
            assert now.exchange.connections == 3
            assert now.session.statistics().links == 3

            now.session.subscribe(Subscription(Channel.TRADE, symbols[0]))
            told = now.session.trades(symbols[0])
            await now.session.wait_ready(timeout_s=1)
            assert now.exchange.connections == 3  # its symbol's link carries it

            now.exchange.hangup_all()
            await now.live(30)
            assert sum(isinstance(event, LinkLost) for event in now.events) == 3
            assert sum(isinstance(one, LinkLost) for one in told.drain_with_losses()) == 1
            assert now.session.state is State.READY
            assert all(now.session.book(symbol).proof().is_valid for symbol in symbols)

    play(story)


def test_what_is_asked_together_is_sent_together() -> None:
    async def story() -> None:
        symbols = [Symbol(f"A{number}/USD") for number in range(30)]
        wanted = [Subscription(Channel.TRADE, symbol) for symbol in symbols]
        async with world(wanted[0], symbols=symbols, rate_per_s=1) as now:
            await now.session.wait_ready(timeout_s=1)
            raw = now.session.raw()

            now.session.subscribe(*wanted)
            await now.session.wait_ready(timeout_s=1)
            now.session.unsubscribe(*wanted[:20], wanted[0])
            await now.live(1)

            sent = [one.frame for one in raw.drain() if one.sent]
            assert [frame.count(b"/USD") for frame in sent] == [29, 20]
            assert len(now.session.subscriptions) == 10

    play(story)


def test_disconnect_lets_go_and_connect_restores_everything() -> None:
    async def story() -> None:
        async with world(BOOK, TRADES) as now:
            await now.session.wait_ready(timeout_s=1)
            await now.session.disconnect()
            assert now.session.state is State.DISCONNECTED
            assert not now.session.book(BTC).proof().is_valid
            await now.live(10)
            assert now.exchange.connections == 0

            await now.session.connect()
            await now.session.wait_ready(timeout_s=5)
            assert now.session.book(BTC).proof().is_valid
            assert now.states()[-5:] == [
                State.DISCONNECTED,
                State.CONNECTING,
                State.CONNECTED,
                State.SUBSCRIBING,
                State.READY,
            ]

    play(story)


def test_a_slow_reader_is_told_what_it_lost() -> None:
    async def story() -> None:
        async with world(BOOK, rate_per_s=20) as now:
            await now.session.wait_ready(timeout_s=1)
            slow = now.session.events(capacity=10)
            await now.live(60)

            read = slow.drain()
            statistics = slow.statistics()
            assert isinstance(read[0], Dropped)
            assert read[0].count == statistics.dropped > 100
            assert statistics.offered == statistics.delivered + statistics.dropped
            assert len(read) == 11

    play(story)


def test_a_slow_reader_of_books_skips_to_the_latest() -> None:
    async def story() -> None:
        async with world(BOOK) as now:
            await now.session.wait_ready(timeout_s=1)
            books = now.session.books(BTC, depth=3)
            await now.live(60)

            reading = await anext(books)
            assert reading.proof.is_valid
            assert (len(reading.snapshot.bids), len(reading.snapshot.asks)) == (3, 3)
            assert reading.snapshot.received_ns == now.session.book(BTC).updated_ns
            books.close()

    play(story)


def test_changes_laid_over_an_empty_book_give_the_live_one() -> None:
    async def story() -> None:
        faults = "corrupt@10s,hangup@20s,drop=0.01"
        async with world(BOOK, faults=faults, rate_per_s=10) as now:
            await now.live(5)
            sides: dict[Side, dict[Decimal, Decimal]] = {Side.BUY: {}, Side.SELL: {}}
            seen: set[Change] = set()
            changes = now.session.changes(BTC)
            while now.session.book(BTC).epoch < 4:
                for one in await anext(changes):
                    seen.add(one.change)
                    side, level = sides[one.side], one.level
                    if one.change is Change.REMOVE:
                        assert side.pop(level.price) == level.quantity
                    else:
                        assert (level.price in side) == (one.change is Change.UPDATE)
                        side[level.price] = level.quantity
                if changes.is_behind:
                    continue
                book = now.session.book(BTC)
                for side_of, ladder in ((Side.BUY, book.bids), (Side.SELL, book.asks)):
                    assert sides[side_of] == {level.price: level.quantity for level in ladder}
            assert seen == set(Change)
            changes.close()

    play(story)


def test_a_conflating_reader_keeps_every_word_about_links() -> None:
    async def story() -> None:
        async with world(BOOK, faults="hangup@5s", rate_per_s=20) as now:
            pipe = now.session.events(capacity=100, overflow=Overflow.CONFLATE)
            await now.live(60)

            read = pipe.drain()
            assert sum(isinstance(event, BookUpdate | BookSnapshot) for event in read) == 1
            assert sum(isinstance(event, LinkLost) for event in read) == 1
            assert pipe.statistics().conflated > 100

    play(story)


def test_what_a_venue_does_not_offer_is_refused_with_what_it_does() -> None:
    async def story() -> None:
        async with world(BOOK) as now:
            session: Session = now.session
            with pytest.raises(BadInput, match="10, 25, 100, 500, 1000; was 11"):
                session.subscribe(Subscription(Channel.BOOK, ETH, depth=11))
            with pytest.raises(BadInput, match="carried already"):
                session.subscribe(Subscription(Channel.BOOK, BTC, depth=25))
            with pytest.raises(BadInput, match="'book ETH/USD 10' is carried already"):
                session.subscribe(
                    Subscription(Channel.BOOK, ETH, depth=10),
                    Subscription(Channel.BOOK, ETH, depth=25),
                )
            with pytest.raises(BadInput, match="needs a login"):
                session.subscribe(Subscription(Channel.LEVEL3, BTC))
            with pytest.raises(BadInput, match="was 120"):
                session.subscribe(Subscription(Channel.CANDLE, BTC, interval_s=120))
            assert session.subscriptions == (BOOK,)

    play(story)


def test_an_unreadable_frame_puts_every_book_of_its_link_in_doubt_until_proved() -> None:
    async def story() -> None:
        async with world(BOOK, wrap=lambda dial: mumbling(dial, after=60), rate_per_s=2) as now:
            await now.session.wait_ready(timeout_s=1)
            seen: list[BookStatus] = []
            while Rejected not in kinds(now.events):
                await now.live(0.05)
            seen.append(now.session.book(BTC).proof().status)
            assert now.states()[-1] is State.SUBSCRIBING
            await now.live(30)

            assert seen == [BookStatus.UNVERIFIED]
            assert now.session.book(BTC).proof().is_valid
            assert now.session.state is State.READY
            statistics = now.session.statistics()
            assert (statistics.rejected, statistics.reconnects) == (1, 0)
            assert statistics.sums_close

    play(story)


def test_a_lost_answer_does_not_hang_a_session() -> None:
    async def story() -> None:
        deaf = Subscription(Channel.TRADE, BTC)
        async with world(deaf, wrap=swallowing_first_answers) as now:
            await now.session.wait_ready(timeout_s=60)
            events = await now.live(0.1)
            lost = [event.reason for event in events if isinstance(event, LinkLost)]
            assert lost == ["no answer for 10 s to 'trade BTC/USD'"]

    play(story)


def test_tickers_skip_to_the_latest_and_candles_are_whole() -> None:
    async def story() -> None:
        ticker = Subscription(Channel.TICKER, BTC)
        candles = Subscription(Channel.CANDLE, BTC)
        async with world(ticker, candles, rate_per_s=5) as now:
            latest, every = now.session.tickers(BTC), now.session.candles(BTC)
            await now.live(300)

            told = [event for event in now.events if isinstance(event, Ticker)]
            assert latest.drain() == told[-1:]
            closed = [one for one in every.drain() if one.closed]
            starts_s = [one.start_ns // 10**9 for one in closed]
            assert starts_s == list(range(starts_s[0], starts_s[-1] + 60, 60))
            assert len(starts_s) >= 5
            assert all(one.low <= min(one.open, one.close) <= one.high for one in closed)

    play(story)


def test_raw_frames_are_there_for_who_wants_them() -> None:
    async def story() -> None:
        async with world(BOOK) as now:
            raw = now.session.raw()
            await now.session.wait_ready(timeout_s=1)

            frames = raw.drain()
            sent = [one.frame for one in frames if one.sent]
            assert b'"method":"subscribe"' in sent[0]
            assert any(one.frame.startswith(b'{"channel":"book"') for one in frames)
            assert sum(not one.sent for one in frames) == now.session.statistics().frames

    play(story)


def test_waiting_for_nothing_is_refused_and_a_timeout_says_what_is_missing() -> None:
    async def story() -> None:
        async with world() as now:
            with pytest.raises(BadInput, match="nothing is subscribed"):
                await now.session.wait_ready()
        async with world(BOOK, faults="refuse:503@0s+100s") as now:
            with pytest.raises(TimeoutError, match="book BTC/USD 10: not acknowledged"):
                await now.session.wait_ready(timeout_s=10)

    play(story)


def test_an_unknown_endpoint_is_refused() -> None:
    async def nobody(_url: str) -> None: ...

    with pytest.raises(BadInput, match="public, private, level3, rest; was 'privat'"):
        Session(
            KRAKEN,
            dial=nobody,  # type: ignore[arg-type]  # never dialled
            clock=None,  # type: ignore[arg-type]
            random=None,  # type: ignore[arg-type]
            endpoints={"privat": "ws://127.0.0.1"},
        )


def test_the_users_own_error_comes_back_as_it_is() -> None:
    async def story() -> None:
        mine = KeyError("mine")

        async def user() -> None:
            async with world(BOOK):
                await asyncio.sleep(1)
                raise mine

        with pytest.raises(KeyError) as caught:
            await user()
        assert caught.value is mine

    play(story)


def mumbling(dial: Dial, after: int) -> Dial:
    """A dial whose first link says something senseless once, after so many frames."""

    @asynccontextmanager
    async def opened(url: str, headers: Mapping[str, str] = {}, /) -> AsyncGenerator[Link]:
        async with dial(url, headers) as link:
            yield Mumbling(link, after)

    return opened


class Mumbling:
    """The words are those of a real capture."""

    def __init__(self, link: Link, after: int) -> None:
        self._link = link
        self._left = after
        self.send = link.send

    async def receive(self) -> bytes:
        self._left -= 1
        if self._left == 0:
            return b"CloudFlare WebSocket proxy restarting"
        return await self._link.receive()


def swallowing_first_answers(dial: Dial) -> Dial:
    """A dial whose first link never delivers an acknowledgement or a trade."""
    numbers = count()

    @asynccontextmanager
    async def opened(url: str, headers: Mapping[str, str] = {}, /) -> AsyncGenerator[Link]:
        async with dial(url, headers) as link:
            yield Swallowing(link) if next(numbers) == 0 else link

    return opened


class Swallowing:
    """Only heartbeats and status get through."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.send = link.send

    async def receive(self) -> bytes:
        while True:
            frame = await self._link.receive()
            if b"subscribe" not in frame and b'"trade"' not in frame:
                return frame


def test_worlds_are_the_same_for_the_same_seed() -> None:
    told: list[list[Event]] = []

    async def story() -> None:
        async with world(
            BOOK, TRADES, faults="hangup@20s,corrupt=0.01,drop=0.01", rate_per_s=20
        ) as now:
            told.append(await _all(now))

    play(story)
    play(story)
    assert told[0] == told[1]
    assert len(told[0]) > 300


async def _all(now: World) -> list[Event]:
    await now.live(60)
    return now.events
