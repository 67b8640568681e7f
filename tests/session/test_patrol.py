"""Streams that owe data are asked for ever more slowly; what cannot be read harms itself alone."""

import asyncio
import itertools
from collections.abc import Callable, Sequence

import pytest
from msgspec import structs
from worlds import BOOK, BTC, ETH, Wire, play, world

from fluxum.book.proof import BookStatus
from fluxum.model.event import (
    Channel,
    DataStale,
    Desync,
    Event,
    Gap,
    LeftOut,
    Rejected,
    State,
    StateChange,
    Subscription,
)
from fluxum.venues.conversation import UnreadableStream
from fluxum.venues.kraken.protocol import KrakenProtocol
from fluxum.venues.kraken.venue import KRAKEN
from fluxum.venues.register import VENUES
from fluxum.venues.server.contract import Answer
from fluxum.venues.venue import Fetch, Venue

ETH_BOOK = KRAKEN.with_defaults(Subscription(Channel.BOOK, ETH))
ETH_TICKER = Subscription(Channel.TICKER, ETH)
ETH_TRADES = Subscription(Channel.TRADE, ETH)
BTC_TICKER = Subscription(Channel.TICKER, BTC)


def is_of(channel: str, symbol: str) -> Callable[[bytes], bool]:
    parts = (b'"channel":"%s"' % channel.encode(), b'"symbol":"%s"' % symbol.encode())
    return lambda frame: b'"method"' not in frame and all(part in frame for part in parts)


def unable(subscription: Subscription, is_odd: Callable[[bytes], bool]) -> Venue:
    """Kraken, of which some frames cannot be read although their envelope can."""

    class Unable(KrakenProtocol):
        def __init__(self) -> None:
            super().__init__()
            self.scan_trades = self.scan_books = None

        def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
            if is_odd(frame):
                raise UnreadableStream("a number was expected, was 'x'", (subscription,))
            return super().receive(frame, received_ns)

    return structs.replace(KRAKEN, protocol=Unable)


@pytest.mark.parametrize(
    ("odd", "channel"), [(ETH_TICKER, "ticker"), (ETH_TRADES, "trade"), (ETH_BOOK, "book")], ids=str
)
def test_a_stream_that_cannot_be_read_for_ever_is_missing_by_name_and_alone(
    odd: Subscription, channel: str
) -> None:
    venue = unable(odd, is_of(channel, ETH))
    wire = Wire()

    async def story() -> None:
        wanted = {BOOK, BTC_TICKER, ETH_BOOK, ETH_TICKER, ETH_TRADES}
        async with world(*wanted, venue=venue, wrap=wire.wrap) as now:
            good = named = 0
            for _ in range(600):
                await now.live(1)
                good += now.session.book(BTC).proof().is_valid
                missing = {one.subscription: one.reason for one in now.session.missing()}
                named += list(missing) == [odd] and "could not be read" in missing[odd]
            assert good == 600
            assert named >= 594  # while its next snapshot is awaited it says so instead
            assert now.session.statistics().reconnects == 0

    play(story)
    asked = wire.times(b'"subscribe"', channel.encode(), b"ETH/USD")
    waits_s = [later - sooner for sooner, later in itertools.pairwise(asked)]
    assert 5 <= waits_s[0] <= 11
    assert max(waits_s) >= 30  # ever more slowly
    assert 5 < len(asked) < 40


def test_a_book_whose_updates_cannot_be_read_is_withdrawn_when_nothing_proves_it() -> None:
    venue = unable(ETH_BOOK, is_of("book", ETH))
    wire = Wire()
    is_odd = False

    class Unable(KrakenProtocol):
        def __init__(self) -> None:
            super().__init__()
            self.scan_trades = self.scan_books = None

        def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
            if is_odd and is_of("book", ETH)(frame):
                raise UnreadableStream("a number was expected, was 'x'", (ETH_BOOK,))
            return super().receive(frame, received_ns)

    venue = structs.replace(KRAKEN, protocol=Unable)

    async def story() -> None:
        nonlocal is_odd
        async with world(BOOK, ETH_BOOK, venue=venue, wrap=wire.wrap) as now:
            await now.session.wait_ready(1)
            is_odd = True
            await now.live(3)
            assert now.session.book(ETH).proof().status is BookStatus.UNVERIFIED
            events = await now.live(10)
            assert now.session.book(ETH).proof().status is BookStatus.DESYNCED
            assert now.session.book(ETH).bid is None
            [desync] = [event for event in events if isinstance(event, Desync)]
            assert desync.subscription == ETH_BOOK
            assert "could not be read" in desync.reason
            is_odd = False
            events = await now.live(60)
            assert now.session.book(ETH).proof().is_valid
            assert [event.subscription for event in events if isinstance(event, Gap)] == [ETH_BOOK]
            assert now.session.missing() == []

    play(story)


def test_one_bad_row_of_a_quiet_stream_is_forgiven_after_a_minute() -> None:
    async def story() -> None:
        wire = Wire(lambda frame: None if is_of("trade", ETH)(frame) else frame)
        async with world(BOOK, ETH_TRADES, wrap=wire.wrap) as now:
            await now.session.wait_ready(1)
            now.session._processor.take(
                [
                    LeftOut(
                        venue="kraken",
                        subscription=ETH_TRADES,
                        count=1,
                        reason="odd",
                        sample="",
                        received_ns=1,
                    )
                ]
            )
            assert [one.subscription for one in now.session.missing()] == [ETH_TRADES]
            await now.live(58)
            assert [one.subscription for one in now.session.missing()] == [ETH_TRADES]
            await now.live(5)
            assert now.session.missing() == []
            assert now.session.state is State.READY

    play(story)


def test_an_acknowledged_stream_that_has_not_begun_is_asked_again_and_missing() -> None:
    is_mute = True
    wire = Wire(lambda frame: None if is_mute and is_of("ticker", ETH)(frame) else frame)

    async def story() -> None:
        nonlocal is_mute
        wanted = (BOOK, BTC_TICKER, ETH_TICKER, ETH_TRADES)
        async with world(*wanted, wrap=wire.wrap) as now:
            await now.live(5)
            assert [str(one) for one in now.session.missing()] == [
                "ticker ETH/USD: waiting for its snapshot"
            ]
            assert now.session.state is State.SUBSCRIBING
            events = await now.live(300)
            [missing] = now.session.missing()
            assert missing.subscription == ETH_TICKER
            assert "acknowledged, but no data for" in missing.reason
            stale = [event for event in events if isinstance(event, DataStale)]
            assert {event.subscription for event in stale} == {ETH_TICKER}
            asked = wire.times(b'"subscribe"', b'"ticker"', b"ETH/USD")
            # First with the others, then after 10 s, 20 s, 40 s, 80 s.
            assert [round(later - asked[0]) for later in asked[1:]] == pytest.approx(
                [10, 31, 72, 153], abs=2
            )
            is_mute = False
            await now.live(300)
            assert now.session.missing() == []

    play(story)


def test_a_stream_that_promises_nothing_may_be_silent() -> None:
    wire = Wire(lambda frame: None if is_of("trade", ETH)(frame) else frame)

    async def story() -> None:
        async with world(BOOK, ETH_TRADES, wrap=wire.wrap) as now:
            await now.session.wait_ready(1)
            events = await now.live(600)
            assert now.session.missing() == []
            assert not [event for event in events if isinstance(event, DataStale)]

    play(story)


def test_ready_says_which_lists_are_incomplete() -> None:
    instruments = Subscription(Channel.INSTRUMENT)

    class Odd(KrakenProtocol):
        def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
            events = super().receive(frame, received_ns)
            if b'"channel":"instrument"' in frame and events:
                left_out = LeftOut(
                    venue="kraken",
                    subscription=instruments,
                    count=2,
                    reason="no base",
                    sample="{}",
                    received_ns=received_ns,
                )
                return [left_out, *events]
            return events

    async def story() -> None:
        venue = structs.replace(KRAKEN, protocol=Odd)
        async with world(BOOK, instruments, venue=venue) as now:
            await now.session.wait_ready(1)
            events = await now.live(1)
            ready = [e for e in events if isinstance(e, StateChange) and e.new is State.READY]
            assert [event.reason for event in ready] == [
                "incomplete: instrument: 2 rows could not be read: no base"
            ]
            assert len(now.session.incomplete()) == 1

    play(story)


def test_a_frame_of_any_depth_costs_itself_alone() -> None:
    deep = b"[" * 10_000
    sent = False

    def alter(frame: bytes) -> bytes:
        nonlocal sent
        if not sent and is_of("ticker", ETH)(frame):
            sent = True
            return deep
        return frame

    async def story() -> None:
        async with world(BOOK, BTC_TICKER, ETH_TICKER, wrap=Wire(alter).wrap) as now:
            events = await now.live(60)
            [rejected] = [event for event in events if isinstance(event, Rejected)]
            assert rejected.sample == "[" * 200
            assert now.session.statistics().reconnects == 0
            assert now.session.missing() == []

    play(story)


def test_a_book_whose_snapshot_is_on_its_way_is_not_asked_for_again() -> None:
    async def story() -> None:
        venue = VENUES["binance"]
        symbol = venue.sample_symbols[0]
        book = venue.with_defaults(Subscription(Channel.BOOK, symbol))
        async with world(book, venue=venue) as now:
            held = now.exchange.answer

            async def slow(call: Fetch) -> Answer:
                if "depth" in call.path:
                    await asyncio.sleep(60)
                return await held(call)

            now.exchange.answer = slow  # type: ignore[method-assign]
            events = await now.live(58)

            assert not [event for event in events if isinstance(event, DataStale)]
            assert [one.subscription for one in now.session.missing()] == [book]

    play(story)
