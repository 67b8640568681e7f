"""Both halves of both conversations together, and real recordings, with hand-counted figures."""

import gzip
import json
from collections import Counter
from decimal import Decimal

import pytest
from worlds import World, play, world

from fluxum.errors import BadInput
from fluxum.model.event import (
    Channel,
    LinkLost,
    Refused,
    Subscribed,
    Subscription,
    Unsubscribed,
)
from fluxum.model.instrument import Instrument, InstrumentStatus, Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Candle, Side, Ticker, Trade
from fluxum.replay import Replay
from fluxum.venues.gemini.symbols import guess
from fluxum.venues.gemini.venue import GEMINI, GEMINI_V2
from fluxum.venues.venue import Fetch, Venue
from fluxum.verify import verify
from recordings import recording

BTC, ETH = GEMINI.sample_symbols[:2]
ACCOUNT = (Channel.BALANCE, Channel.EXECUTION)
BOTH = pytest.mark.parametrize("venue", [GEMINI, GEMINI_V2], ids=lambda venue: venue.name)
LIST = Subscription(Channel.INSTRUMENT)


def wish(venue: Venue, channel: Channel, symbol: Symbol = BTC) -> Subscription:
    return venue.with_defaults(Subscription(channel, symbol))


def is_true(now: World, symbol: Symbol) -> bool:
    """Whether the session's whole book is the exchange's own."""
    book = now.session.book(symbol)
    sides = ((book.bids, Side.BUY), (book.asks, Side.SELL))
    return all(
        [(one.price, one.quantity) for one in ladder.top(10_000)]
        == [(one.price, one.quantity) for one in now.exchange.levels(symbol, side, 10_001)]
        for ladder, side in sides
    )


# The two venues


def test_the_sequenced_feed_has_no_candles_and_the_older_one_no_tickers() -> None:
    shared = {Channel.BOOK, Channel.TRADE, Channel.INSTRUMENT}

    assert GEMINI.channels == shared | {Channel.TICKER, *ACCOUNT}
    assert GEMINI_V2.channels == shared | {Channel.CANDLE}
    assert GEMINI_V2.with_defaults(Subscription(Channel.CANDLE, BTC)).interval_s == 60
    with pytest.raises(BadInput):
        GEMINI.with_defaults(Subscription(Channel.BOOK, BTC, depth=10))
    with pytest.raises(BadInput):
        GEMINI_V2.with_defaults(Subscription(Channel.CANDLE, BTC, interval_s=120))


def test_each_spells_a_market_its_own_way() -> None:
    perpetual = Symbol("BTC/USDC:PERP")

    assert (GEMINI.format_symbol(perpetual), GEMINI_V2.format_symbol(perpetual)) == (
        "btcusdcperp",
        "BTCUSDCPERP",
    )


# Sessions with the simulated exchange


@BOTH
def test_every_channel_speaks_and_books_are_the_exchanges_own(venue: Venue) -> None:
    kinds = sorted(venue.channels - {Channel.INSTRUMENT, *ACCOUNT}, key=lambda one: one.value)
    wanted = [wish(venue, kind, symbol) for kind in kinds for symbol in (BTC, ETH)]

    async def story() -> None:
        async with world(*wanted, venue=venue) as now:
            await now.session.wait_ready(timeout_s=30)
            events = await now.live(120)
            told = Counter(type(event) for event in events)

            assert told[Subscribed] == len(wanted)
            assert told[BookSnapshot] == 2
            assert told[BookUpdate] > 100
            assert told[Trade] > 10
            assert (told[Ticker] > 10) == (Channel.TICKER in venue.channels)
            assert (told[Candle] > 10) == (Channel.CANDLE in venue.channels)
            assert is_true(now, BTC)
            assert is_true(now, ETH)
            assert now.session.book(BTC).proof().is_valid == (venue is GEMINI)
            assert now.session.statistics().rejected == 0

    play(story)


@BOTH
def test_a_lost_link_leaves_no_ghosts_in_a_book(venue: Venue) -> None:
    async def story() -> None:
        wanted = (wish(venue, Channel.BOOK), wish(venue, Channel.TRADE))
        async with world(*wanted, venue=venue, faults="hangup@20s,refuse@20s+30s") as now:
            events = await now.live(120)

            assert any(isinstance(event, LinkLost) for event in events)
            assert now.session.book(BTC).epoch == 2
            assert is_true(now, BTC)
            ids = [event.trade_id for event in events if isinstance(event, Trade)]
            assert len(ids) == len(set(ids))

    play(story)


def test_a_lost_update_is_published_and_mended() -> None:
    async def story() -> None:
        async with world(wish(GEMINI, Channel.BOOK), venue=GEMINI, faults="drop@20s") as now:
            await now.live(60)
            statistics = now.session.statistics()

            assert statistics.desyncs == 1
            assert statistics.reconnects == 0
            assert now.session.book(BTC).proof().is_valid
            assert now.session.book(BTC).epoch == 2
            assert is_true(now, BTC)

    play(story)


@BOTH
def test_one_unknown_market_refuses_only_itself(venue: Venue) -> None:
    bad = wish(venue, Channel.BOOK, Symbol("NO/SUCH"))

    async def story() -> None:
        async with world(wish(venue, Channel.BOOK), bad, venue=venue) as now:
            events = await now.live(60)
            refused = [event for event in events if isinstance(event, Refused)]

            assert [event.subscription for event in refused] == [bad]
            assert now.session.statistics().reconnects == 0
            assert is_true(now, BTC)

    play(story)


@BOTH
def test_an_end_is_published_and_a_new_beginning_too(venue: Venue) -> None:
    book, trades = wish(venue, Channel.BOOK), wish(venue, Channel.TRADE)

    async def story() -> None:
        async with world(book, trades, venue=venue) as now:
            await now.live(20)
            now.session.unsubscribe(book)
            events = await now.live(20)
            assert [one.subscription for one in events if isinstance(one, Unsubscribed)] == [book]
            assert not any(isinstance(event, BookUpdate) for event in events)
            assert any(isinstance(event, Trade) for event in events)

            now.session.subscribe(book)
            events = await now.live(20)
            assert [one.subscription for one in events if isinstance(one, Subscribed)] == [book]
            assert is_true(now, BTC)
            assert now.session.statistics().rejected == 0

    play(story)


@BOTH
def test_markets_are_listed_over_rest(venue: Venue) -> None:
    async def story() -> None:
        async with world(LIST, venue=venue) as now:
            events = await now.live(60)
            listed = [event for event in events if isinstance(event, Instrument)]

            assert [one.symbol for one in listed] == [BTC, ETH]
            assert [one.venue_symbol for one in listed] == [
                venue.format_symbol(BTC),
                venue.format_symbol(ETH),
            ]
            assert all(one.venue == venue.name for one in listed)

    play(story)


@BOTH
def test_a_quiet_link_lives_on(venue: Venue) -> None:
    async def story() -> None:
        async with world(wish(venue, Channel.TRADE), venue=venue, rate_per_s=0.0) as now:
            await now.live(600)

            assert now.session.statistics().reconnects == 0

    play(story)


# Recordings


@pytest.mark.parametrize(
    ("name", "frames", "books", "messages", "told", "live"),
    [
        ("v2_l2_10symbols_20260809", 563, 10, 559, 810, 2),
        ("v2_l2_10symbols_20210405", 1804, 10, 1758, 500, 22),
    ],
)
def test_recordings_say_what_was_counted_in_them(
    name: str, frames: int, books: int, messages: int, told: int, live: int
) -> None:
    path = recording(f"gemini/{name}.jsonl.gz")

    report = verify(path)

    assert report.venue == "gemini-v2"
    assert report.frames == frames
    assert report.book_messages == report.unverified == messages
    assert list(report.generations.values()) == [1] * books
    assert (report.trades_backfilled, report.trades) == (told, told + live)
    assert report.is_proved


@pytest.mark.parametrize("name", ["v2_l2_10symbols_20260809", "v2_l2_10symbols_20210405"])
def test_recorded_books_never_cross(name: str) -> None:
    replay = Replay(recording(f"gemini/{name}.jsonl.gz"))

    for moment in replay:
        for event in moment.events:
            if isinstance(event, BookSnapshot | BookUpdate):
                assert not replay.processor.books.get(event.symbol).is_crossed
    assert sum(1 for _ in replay.processor.books) == 10


def test_the_recorded_list_of_markets_is_read_whole() -> None:
    path = recording("gemini/rest_symbols_20260809.jsonl.gz")
    with gzip.open(path, "rt") as file:
        answers = [json.loads(line) for line in file]
    bodies = {answer["url"].removeprefix("https://api.gemini.com"): answer for answer in answers}
    protocol = GEMINI_V2.protocol()
    protocol.subscribe([LIST])
    markets: list[Instrument] = []

    while protocol.outbox:
        fetch = protocol.outbox.popleft()
        assert isinstance(fetch, Fetch)
        events = protocol.receive_response(fetch, bodies.pop(fetch.path)["raw"].encode(), 1)
        markets += [event for event in events if isinstance(event, Instrument)]

    assert not bodies
    assert len(markets) == 347
    statuses = Counter(one.status for one in markets)
    assert statuses[InstrumentStatus.ONLINE] == 343
    assert statuses[InstrumentStatus.LIMIT_ONLY] == 2
    assert statuses[InstrumentStatus.OTHER] == 2
    assert sum(one.symbol.contract == "PERP" for one in markets) == 13
    by_name = {one.venue_symbol: one for one in markets}
    assert by_name["BTCUSD"].lot == Decimal("0.00000001")
    assert by_name["BTCUSD"].tick == Decimal("0.01")
    assert by_name["BTCUSDCPERP"].symbol == Symbol("BTC/USDC:PERP")
    misread = [one.venue_symbol for one in markets if guess(one.venue_symbol) != one.symbol]
    assert misread == []
