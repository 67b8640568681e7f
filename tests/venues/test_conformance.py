"""The same numbered cards for every exchange in the register; a new one adds its captures only.

A card is dealt to each exchange with the simulated exchange as its partner; cards 12 and 13 are
about what was really seen on the wire. What the cards find is the matrix of `fluxum support`:
`make support` writes it anew. The template of `make venue` is dealt the cards as well, so that a
new exchange begins with all of them passed but those about captures.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from newvenue.venue import NEWVENUE
from worlds import World, play, world

from findings import Findings
from fluxum.book.proof import BookStatus
from fluxum.errors import VenueRefused
from fluxum.model.codec import plain
from fluxum.model.event import (
    Channel,
    DataStale,
    Desync,
    Event,
    Gap,
    LinkLost,
    LinkReplaced,
    Rejected,
    Resynced,
    State,
    Subscribed,
    Subscription,
)
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.interval import MONTH_S
from fluxum.model.market import BookSnapshot, BookUpdate, Candle, Side, Ticker, Trade
from fluxum.recognise import recognise
from fluxum.venues.venue import Fetch, Venue
from fluxum.verify import verify
from nonsense import babbling
from recordings import FOLDER as RECORDINGS
from venues.cards import card

HERE = Path(__file__).parent
UNKNOWN = Symbol("NOSUCH/COIN")
MONTH_DAYS = {MONTH_S: {28, 29, 30, 31}, 3 * MONTH_S: {90, 91, 92}}

CAPTURES_MIN = 8


def channels(venue: Venue) -> list[Channel]:
    return [channel for channel in venue.routes if channel not in venue.needs_token]


def everything(venue: Venue, symbol: Symbol | None = None) -> list[Subscription]:
    """A subscription to every channel of one market."""
    market = symbol or venue.sample_symbols[0]
    return [
        venue.with_defaults(Subscription(one, None if one is Channel.INSTRUMENT else market))
        for one in channels(venue)
    ]


def book_of(venue: Venue) -> Subscription:
    return venue.with_defaults(Subscription(Channel.BOOK, venue.sample_symbols[0]))


def is_proved(venue: Venue, now: World) -> bool:
    """Whether this exchange sends anything that vouches for a book."""
    evidence = now.session.book(venue.sample_symbols[0]).evidence
    return evidence.checksum is not None or evidence.sequence is not None


def of(now: World, kind: type) -> list[Any]:
    now.states()
    return [event for event in now.events if type(event) is kind]


def assert_book_is_the_exchanges(venue: Venue, now: World) -> None:
    symbol = venue.sample_symbols[0]
    book, truth = now.session.book(symbol), now.exchange.top(symbol)
    depth = min(10, venue.with_defaults(Subscription(Channel.BOOK, symbol)).depth or 10)
    assert tuple((one.price, one.quantity) for one in book.bids.top(depth)) == truth.bids[:depth]
    assert tuple((one.price, one.quantity) for one in book.asks.top(depth)) == truth.asks[:depth]


@card(1)
def test_01_subscribe_every_channel_is_accepted_and_ready(venue: Venue, notes: Findings) -> None:
    async def story() -> None:
        wanted = everything(venue)
        async with world(*wanted, venue=venue) as now:
            await now.session.wait_ready(60)
            await now.live(1)
            accepted = [event.subscription for event in of(now, Subscribed)]
            assert sorted(map(str, accepted)) == sorted(map(str, wanted))
            assert now.session.missing() == []

    play(story)
    for channel in channels(venue):
        notes.offers(channel)


@card(2)
def test_02_snapshot_a_book_begins_with_one(venue: Venue, notes: Findings) -> None:
    async def story() -> None:
        async with world(book_of(venue), venue=venue, rate_per_s=0.0) as now:
            await now.session.wait_ready(60)
            await now.live(5)
            books = [e for e in now.events if isinstance(e, BookSnapshot | BookUpdate)]
            assert isinstance(books[0], BookSnapshot)
            assert books[0].symbol == venue.sample_symbols[0]
            assert books[0].venue == venue.name
            assert_book_is_the_exchanges(venue, now)

    play(story)
    notes.saw()


@card(3)
def test_03_delta_the_book_follows_the_exchange(venue: Venue, notes: Findings) -> None:
    async def story() -> None:
        async with world(book_of(venue), venue=venue, rate_per_s=0.0) as now:
            await now.session.wait_ready(60)
            for _ in range(300):
                now.exchange.step(venue.sample_symbols[0])
                await now.live(0.25)
                assert_book_is_the_exchanges(venue, now)
            assert len(of(now, BookUpdate)) > 50
            assert not of(now, Desync)
            evidence = now.session.book(venue.sample_symbols[0]).evidence
            assert evidence.generation == 1
            if evidence.checksum is not None:
                guarantee = "checksum"
            else:
                guarantee = "unverified" if evidence.sequence is None else "sequence"
            status = now.session.book(venue.sample_symbols[0]).proof().status
            proved = BookStatus.UNVERIFIED if guarantee == "unverified" else BookStatus.VALID
            assert status is proved
            notes.channel_is(Channel.BOOK, guarantee)

    play(story)


@card(4)
def test_04_unsubscribe_ends_the_stream_and_no_other(venue: Venue, notes: Findings) -> None:
    async def story() -> None:
        one, other = everything(venue), everything(venue, venue.sample_symbols[1])
        async with world(*one, *other, venue=venue) as now:
            await now.session.wait_ready(60)
            now.session.unsubscribe(*[sub for sub in one if sub.symbol is not None])
            await now.live(2)
            late = await now.live(20)
            symbols = {event.symbol for event in late if isinstance(event, Trade | BookUpdate)}
            assert symbols == {venue.sample_symbols[1]}
            assert now.session.state is State.READY

    play(story)
    notes.saw()


@card(5)
def test_05_refuse_an_unknown_symbol_is_told_and_harms_nobody(
    venue: Venue, notes: Findings
) -> None:
    async def story() -> None:
        bad = Subscription(Channel.BOOK, symbol_like(venue))
        async with world(book_of(venue), bad, venue=venue) as now:
            with pytest.raises(VenueRefused, match="NOSUCH/COIN"):
                await now.session.wait_ready(60)
            await now.live(20)
            assert_book_is_the_exchanges(venue, now)
            now.session.unsubscribe(bad)
            await now.session.wait_ready(30)
            assert not of(now, LinkLost)

    play(story)
    notes.saw()


def symbol_like(venue: Venue) -> Symbol:
    """A symbol the exchange does not list, of the kind it lists."""
    contract = venue.sample_symbols[0].contract
    return Symbol(f"{UNKNOWN}:{contract}" if contract else UNKNOWN)


@card(6)
def test_06_resync_a_lost_update_is_found_and_healed(venue: Venue, notes: Findings) -> None:
    async def story() -> None:
        async with world(book_of(venue), venue=venue, faults="drop@20s,drop@40s") as now:
            await now.session.wait_ready(60)
            await now.live(100)
            if not is_proved(venue, now):
                pytest.skip("nothing that this exchange sends shows it")
            assert len(of(now, Desync)) == 2
            assert len(of(now, Resynced)) == 2
            assert now.session.book(venue.sample_symbols[0]).proof().is_valid
            assert_book_is_the_exchanges(venue, now)
            assert [gap.cause.value for gap in of(now, Gap)] == ["desync", "desync"]

    play(story)
    notes.saw()


@card(7)
def test_07_silence_is_noticed_in_the_data_and_in_the_link(venue: Venue, notes: Findings) -> None:
    async def story() -> None:
        quiet = {Channel.BOOK: 10.0}
        faults = "silence@20s+30s,freeze@120s+300s"
        async with world(book_of(venue), venue=venue, faults=faults, data_silence_s=quiet) as now:
            await now.session.wait_ready(60)
            await now.live(60)
            assert of(now, DataStale)
            assert not of(now, LinkLost)
            await now.session.wait_ready(60)
            assert_book_is_the_exchanges(venue, now)
            await now.live(180)
            assert of(now, LinkLost)

    play(story)
    notes.saw()


@card(8)
def test_08_reconnect_a_lost_link_is_told_and_healed(venue: Venue, notes: Findings) -> None:
    async def story() -> None:
        async with world(*everything(venue), venue=venue, faults="hangup@30s") as now:
            await now.session.wait_ready(60)
            await now.live(29)
            await now.live(90)
            now.states()
            kinds = [type(event) for event in now.events]
            lost = kinds.index(LinkLost)
            book = [n for n, kind in enumerate(kinds) if kind is BookSnapshot and n > lost]
            gaps = [n for n, kind in enumerate(kinds) if kind is Gap]
            assert gaps
            assert lost < gaps[0] < book[0]
            assert now.session.state is State.READY
            assert_book_is_the_exchanges(venue, now)

    play(story)
    notes.saw()


@card(9)
def test_09_garbage_costs_no_more_than_itself(venue: Venue, notes: Findings) -> None:
    """One of five frames is nonsense; test_nonsense.py says more."""

    async def story() -> None:
        wrap = babbling(venue.name)
        async with world(book_of(venue), venue=venue, wrap=wrap) as now:
            await now.live(200)
            assert of(now, Rejected)
            assert State.READY in now.states()
            assert now.session.statistics().sums_close
            assert now.session.statistics().data > 0

    play(story)
    notes.saw()


@card(10)
def test_10_symbols_are_spelled_both_ways(venue: Venue, notes: Findings) -> None:
    if Channel.INSTRUMENT not in venue.routes:
        pytest.skip("this exchange lists no instruments")

    async def story() -> None:
        listing = Subscription(Channel.INSTRUMENT)
        async with world(listing, venue=venue, symbols=venue.sample_symbols) as now:
            await now.session.wait_ready(60)
            await now.live(30)
            told = of(now, Instrument)
            assert {one.symbol for one in told} == set(venue.sample_symbols)
            truth = {one.symbol: one for one in now.exchange.instruments()}
            for one in told:
                assert one.venue_symbol == venue.format_symbol(one.symbol)
                assert (one.base, one.quote) == (one.symbol.base, one.symbol.quote)
                assert (one.tick, one.lot) == (truth[one.symbol].tick, truth[one.symbol].lot)

    play(story)
    notes.channel_is(Channel.INSTRUMENT, "listed")


@card(11)
def test_11_round_trip_what_the_exchange_did_is_what_is_told(venue: Venue, notes: Findings) -> None:
    async def story() -> None:
        symbol = venue.sample_symbols[0]
        wanted = {*everything(venue), *candles_of(venue)}
        async with world(*wanted, venue=venue, rate_per_s=0.0) as now:
            await now.session.wait_ready(60)
            await now.live(1)
            known = len(now.exchange.trades(symbol, 1_000_000))
            for _ in range(400):
                now.exchange.step(symbol)
                await now.live(0.25)
            await now.live(5)
            check_trades(venue, now, known, notes)
            if Channel.TICKER in venue.routes:
                ticker = of(now, Ticker)[-1]
                truth = now.exchange.ticker(symbol)
                if ticker.last is None:  # this exchange's tickers are of quotes alone
                    assert (ticker.bid, ticker.ask) == (truth.bid, truth.ask)
                assert ticker.last in {None, truth.last}
                quoted = ticker.bid is not None and ticker.ask is not None
                notes.channel_is(Channel.TICKER, "quotes" if quoted else "last")
            if Channel.CANDLE in venue.routes:
                check_candles(venue, now, notes)

    play(story)


def check_trades(venue: Venue, now: World, known: int, notes: Findings) -> None:
    if Channel.TRADE not in venue.routes:
        return
    made = now.exchange.trades(venue.sample_symbols[0], 1_000_000)[known:]
    told = [one for one in of(now, Trade) if not one.backfilled]
    assert len(made) > 20
    assert [(e.side, e.price, e.quantity) for e in told] == [
        (e.side, e.price, e.quantity) for e in made
    ]
    assert len({one.trade_id for one in told}) == len(told)
    assert {Side.BUY, Side.SELL} == {one.side for one in told}
    numbers = {one.sequence is not None for one in told}
    notes.channel_is(Channel.TRADE, "numbered" if numbers == {True} else "ids")


def candles_of(venue: Venue) -> list[Subscription]:
    """A subscription to the candles of every interval."""
    if Channel.CANDLE not in venue.routes:
        return []
    return [
        Subscription(Channel.CANDLE, venue.sample_symbols[0], None, interval_s)
        for interval_s in venue.intervals_s
    ]


def check_candles(venue: Venue, now: World, notes: Findings) -> None:
    # One without trades is told by some exchanges; the simulated market has no such candle.
    told = {candle.interval_s: candle for candle in of(now, Candle) if candle.volume}
    assert told.keys() == set(venue.intervals_s)
    for interval_s, last in told.items():
        truth = now.exchange.candles(venue.sample_symbols[0], interval_s, 1_000)
        (made,) = [one for one in truth if one.start_ns == last.start_ns]
        assert (last.open, last.high, last.low, last.close, last.volume) == (
            made.open,
            made.high,
            made.low,
            made.close,
            made.volume,
        )
        days = (last.end_ns - last.start_ns) / (86_400 * 10**9)
        assert days in MONTH_DAYS.get(interval_s, {interval_s / 86_400})
    notes.channel_is(Channel.CANDLE, f"{len(venue.intervals_s)}")


def captured(venue: Venue, name: str) -> Iterator[dict[str, Any]]:
    path = HERE / venue.name / "captures" / name
    if path.is_file():
        for line in path.read_text().splitlines():
            yield json.loads(line)


@card(12)
def test_12_captures_say_what_they_say(venue: Venue, notes: Findings) -> None:
    """Messages copied by hand from documents and recordings, with what they mean beside them."""
    if venue is NEWVENUE:
        pytest.skip("an invented dialect has no captures")
    said: set[str] = set()
    count = 0
    for capture in captured(venue, "public.jsonl"):
        protocol = venue.protocol()
        protocol.follow_passively()
        events = protocol.receive(capture["frame"].encode(), 1)
        count += 1
        assert capture["source"]
        if "events" in capture:
            assert_says(events, capture)
        said |= {str(type(event).__struct_config__.tag) for event in events}
    for capture in captured(venue, "rest.jsonl"):
        protocol = venue.protocol()
        protocol.subscribe([Subscription(Channel(one)) for one in capture.get("subscribed", ())])
        fetch = Fetch("GET", capture["path"], capture.get("purpose", ""))
        count += 1
        events = protocol.receive_response(fetch, capture["body"].encode(), 1)
        assert_says([one for one in events if not isinstance(one, Subscribed)], capture)
    assert count >= CAPTURES_MIN, (
        f"{CAPTURES_MIN} frames were expected in {HERE / venue.name}/captures/public.jsonl, one a"
        f' line: {{"name": ..., "source": ..., "frame": ..., "events": [...]}}; were {count}'
    )
    assert said >= {one.value for one in (Channel.TRADE, Channel.TICKER) if one in venue.routes}
    notes.saw(captures=count)


def assert_says(events: Any, capture: dict[str, Any]) -> None:
    told: list[Event] = list(events)
    assert len(told) == len(capture["events"]), (capture["name"], told)
    for event, expected in zip(told, capture["events"], strict=True):
        facts = plain(event)
        for key, value in expected.items():
            assert facts.get(key) == value, (capture["name"], key, facts.get(key), value)


@card(13)
def test_13_recordings_are_proved(venue: Venue, notes: Findings) -> None:
    """Real frames, checked by the exchange's own rule; the counts are in test_recordings.py."""
    if not RECORDINGS.is_dir():
        pytest.skip(f"no recordings at {RECORDINGS}")
    files = [
        path
        for path in sorted(RECORDINGS.rglob("*.jsonl.gz"))
        if ".rest." not in path.name and recognise(path) == venue.name
    ]
    if not files:
        pytest.skip("no continuous recording of this feed exists")
    frames = 0
    for file in files:
        report = verify(file, venue.name)
        assert report.is_proved, report
        assert report.frames > 30
        frames += report.frames
    notes.saw(recordings=len(files), frames=frames)


@card(14)
def test_14_handover_a_link_is_replaced_before_it_is_cut(venue: Venue, notes: Findings) -> None:
    async def story() -> None:
        async with world(*everything(venue), venue=venue, link_age_s=60.0) as now:
            await now.session.wait_ready(60)
            await now.live(150)
            assert len(of(now, LinkReplaced)) >= 2
            assert not of(now, LinkLost)
            assert not of(now, Gap)
            assert not of(now, Desync)
            assert_book_is_the_exchanges(venue, now)
            ids = [one.trade_id for one in of(now, Trade)]
            assert len(ids) == len(set(ids))

    play(story)
    notes.saw()
