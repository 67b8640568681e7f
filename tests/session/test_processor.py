"""The intake alone: a venue that finds gaps by number, and one that can prove nothing."""

import itertools
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from fluxum.book.proof import BookStatus
from fluxum.clock import SystemClock
from fluxum.flow.pipe import Overflow, Pipe
from fluxum.model.account import Fill
from fluxum.model.event import (
    Channel,
    Desync,
    Event,
    Gap,
    GapCause,
    LeftOut,
    Refused,
    Rejected,
    Resynced,
    Subscribed,
    Subscription,
)
from fluxum.model.instrument import Asset, Instrument, InstrumentStatus, Symbol
from fluxum.model.market import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Level,
    Level3Snapshot,
    Side,
    Ticker,
    Trade,
)
from fluxum.pacing import AttemptBudget, CallCounter
from fluxum.session.feed import Feed, FeedContext
from fluxum.session.fetch_queue import Rest
from fluxum.session.processor import EventProcessor
from fluxum.session.trade_runs import follow
from fluxum.venues.book_scan import book_scan
from fluxum.venues.bybit.trades import trade_form as bybit_trade_form
from fluxum.venues.conversation import Fetch
from fluxum.venues.fast import IS_COMPILED
from fluxum.venues.kraken.books import BOOKS as BOOK_FORM
from fluxum.venues.kraken.protocol import KrakenProtocol
from fluxum.venues.kraken.trades import TRADES as TRADE_FORM
from fluxum.venues.kraken.venue import KRAKEN
from fluxum.venues.trade_scan import trade_scan
from fluxum.venues.venue import Checks
from kraken_tape import Market

BTC = Symbol("BTC/USD")
BOOK = Subscription(Channel.BOOK, BTC, 10)


def dial_nobody(url: str, headers: Mapping[str, str] = {}, /) -> NoReturn:
    raise AssertionError(url)


class Owner:
    def reject(self, *told: Any, **more: Any) -> None: ...
    def publish(self, *told: Any, **more: Any) -> None: ...
    def moved(self, *told: Any, **more: Any) -> None: ...
    def lost(self, *told: Any, **more: Any) -> None: ...
    def failed(self, *told: Any, **more: Any) -> None: ...
    def cut_announced(self, *told: Any, **more: Any) -> None: ...


NO_CHECKS = Checks()


def unchecked(checks: Checks = NO_CHECKS) -> tuple[EventProcessor, Feed, Pipe[Event]]:
    """The intake of a venue that sends no checksums and promises nothing, carrying one book."""
    venue = structs.replace(KRAKEN, checks=checks, snapshots=frozenset[Channel]())
    context = FeedContext(
        venue,
        venue.limits,
        dial_nobody,
        SystemClock(),
        Random(0),
        AttemptBudget(1, 1.0),
        Rest(None, {}, CallCounter(1.0, 1.0), venue.limits.backoff, Random(0)),
    )
    processor = EventProcessor(context, lambda: 0.0)
    feed = Feed("public-1", "public", "", context, processor.take, Owner())
    feed.readiness.have(None)  # it is connected
    feed.subscribe([BOOK])
    processor.add(BOOK, feed)
    return processor, feed, processor.bus.subscribe(capacity=100, overflow=Overflow.RAISE)


def snapshot(sequence: int | None) -> BookSnapshot:
    return BookSnapshot(
        venue="toy",
        symbol=BTC,
        bids=(Level(Decimal(1), Decimal(1)),),
        asks=(Level(Decimal(2), Decimal(1)),),
        received_ns=1,
        sequence=sequence,
    )


def update(sequence: int | None) -> BookUpdate:
    levels = (Level(Decimal(1), Decimal(5)),)
    return BookUpdate("toy", BTC, levels, (), None, 2, None, sequence)


def test_an_unbroken_sequence_proves_a_book() -> None:
    processor, feed, told = unchecked()
    feed.readiness.have(None)

    processor.take([snapshot(7), update(8)])

    proof = processor.books.get(BTC).proof()
    assert proof.status is BookStatus.VALID
    assert (proof.sequence, proof.checks, proof.depth_proved) == (8, 2, None)
    assert feed.readiness.is_ready
    assert [type(event) for event in told.drain()] == [BookSnapshot, BookUpdate]


def test_a_gap_the_protocol_found_withdraws_the_book_until_a_snapshot() -> None:
    processor, feed, told = unchecked()
    processor.take([snapshot(7)])
    found = Desync(
        venue="toy", subscription=BOOK, generation=1, reason="9 came after 7", received_ns=3
    )
    told.drain()

    processor.take([found, update(9)])
    proof = processor.books.get(BTC).proof()
    assert proof.status is BookStatus.DESYNCED
    assert proof.reason == "9 came after 7"
    assert feed.readiness.lacks(BOOK)
    assert processor.counts.withheld == 1
    processor.take([snapshot(11)])

    assert [type(event) for event in told.drain()] == [Desync, Gap, Resynced, BookSnapshot]
    assert processor.books.get(BTC).proof().is_valid


def test_a_book_nothing_can_prove_is_unverified_and_does_not_hold_up_readiness() -> None:
    processor, feed, _ = unchecked()
    feed.readiness.have(None)

    processor.take([snapshot(None), update(None)])

    proof = processor.books.get(BTC).proof()
    assert proof.status is BookStatus.UNVERIFIED
    assert proof.depth_proved == 0
    assert feed.readiness.is_ready


TRADES = Subscription(Channel.TRADE, BTC)
TICKER = Subscription(Channel.TICKER, BTC)


def rejected(*subscriptions: Subscription, is_named: bool = True) -> Rejected:
    return Rejected(
        venue="toy",
        reason="a number was expected",
        sample="{",
        subscriptions=subscriptions if is_named else None,
        received_ns=3,
    )


def carrying() -> tuple[EventProcessor, Feed, Pipe[Event]]:
    """A valid book, trades and tickers on one link, all there."""
    processor, feed, told = unchecked()
    feed.subscribe([TRADES, TICKER])
    for one in (TRADES, TICKER):
        processor.add(one, feed)
    processor.take([snapshot(sequence=1)])
    processor.take(
        [Subscribed(venue="toy", subscription=one, received_ns=2) for one in (TRADES, TICKER)]
    )
    told.drain()
    return processor, feed, told


def missing(feed: Feed) -> set[Subscription | None]:
    return {one.subscription for one in feed.readiness} - {None}


def test_a_frame_that_names_its_stream_harms_that_stream_alone() -> None:
    processor, feed, told = carrying()

    processor.reject(feed, rejected(TICKER))

    assert missing(feed) == {TICKER}
    assert processor.books.get(BTC).proof().status is BookStatus.VALID
    assert [type(one) for one in told.drain()] == [Rejected]
    assert not processor.gaps.open


def test_a_frame_that_names_streams_of_nobody_harms_none() -> None:
    processor, feed, _ = carrying()

    processor.reject(feed, rejected())

    assert not missing(feed)
    assert processor.books.get(BTC).proof().status is BookStatus.VALID


def test_a_frame_that_names_nothing_may_have_been_of_any_book() -> None:
    processor, feed, _ = carrying()

    processor.reject(feed, rejected(is_named=False))

    assert processor.books.get(BTC).proof().status is BookStatus.UNVERIFIED


def test_a_trade_frame_that_could_not_be_read_leaves_a_gap_before_the_next_trade() -> None:
    processor, feed, told = carrying()

    processor.reject(feed, rejected(TRADES))
    processor.take([trade("2")])

    _, gap, newer = told.drain()
    assert isinstance(gap, Gap)
    assert (gap.cause, gap.subscription) == (GapCause.REJECTED, TRADES)
    assert isinstance(newer, Trade)
    assert not missing(feed)


def test_rows_left_out_of_a_list_are_counted_and_keep_nothing_from_being_ready() -> None:
    processor, feed, told = carrying()
    markets = Subscription(Channel.INSTRUMENT)
    feed.subscribe([markets])
    processor.add(markets, feed)
    processor.take([Subscribed(venue="toy", subscription=markets, received_ns=2)])

    processor.take([left_out(markets, 3)])

    assert not missing(feed)
    (incomplete,) = feed.readiness.incomplete()
    assert str(incomplete) == "instrument: 3 rows could not be read: no number"
    assert processor.counts.left_out == 3
    assert isinstance(told.drain()[-1], LeftOut)


def test_a_level_left_out_of_a_book_leaves_the_book_unverified() -> None:
    processor, feed, _ = carrying()

    processor.take([left_out(BOOK, 1)])

    proof = processor.books.get(BTC).proof()
    assert proof.status is BookStatus.UNVERIFIED
    assert proof.reason == "1 row could not be read: no number"
    assert missing(feed) == {BOOK}


def test_no_later_number_vouches_for_a_level_left_out() -> None:
    processor, feed, _ = unchecked()
    feed.readiness.have(None)
    processor.take([snapshot(7)])

    processor.take([left_out(BOOK, 1), update(8), update(9)])

    assert processor.books.get(BTC).proof().status is BookStatus.UNVERIFIED
    assert missing(feed) == {BOOK}
    processor.take([structs.replace(snapshot(10), received_ns=9)])
    assert processor.books.get(BTC).proof().status is BookStatus.VALID
    assert not missing(feed)


def left_out(subscription: Subscription, count: int) -> LeftOut:
    return LeftOut(
        venue="toy",
        subscription=subscription,
        count=count,
        reason="no number",
        sample="x",
        received_ns=4,
    )


def trade(trade_id: str) -> Trade:
    return Trade(
        venue="toy",
        symbol=BTC,
        side=Side.BUY,
        price=Decimal(1),
        quantity=Decimal(1),
        trade_id=trade_id,
        received_ns=5,
    )


def ticker() -> Ticker:
    return Ticker(venue="toy", symbol=BTC, last=Decimal(1), received_ns=5)


def candle() -> Candle:
    one = Decimal(1)
    return Candle(
        venue="toy",
        symbol=BTC,
        interval_s=60,
        start_ns=0,
        end_ns=60 * 10**9,
        open=one,
        high=one,
        low=one,
        close=one,
        volume=one,
        received_ns=5,
    )


def fill() -> Fill:
    return Fill(
        venue="toy",
        symbol=BTC,
        order_id="O",
        fill_id="F",
        side=Side.BUY,
        price=Decimal(1),
        quantity=Decimal(1),
        venue_ns=5,
        received_ns=5,
    )


def instrument() -> Instrument:
    one = Decimal(1)
    return Instrument(
        venue="toy",
        symbol=BTC,
        venue_symbol="BTCUSD",
        base=Asset("BTC"),
        quote=Asset("USD"),
        status=InstrumentStatus.ONLINE,
        tick=one,
        lot=one,
        price_precision=0,
        quantity_precision=0,
        quantity_min=one,
        received_ns=5,
    )


def level3_snapshot(symbol: Symbol) -> Level3Snapshot:
    return Level3Snapshot(venue="toy", symbol=symbol, bids=(), asks=(), received_ns=5)


def test_what_is_withheld_is_counted_so_that_the_sums_close() -> None:
    """Of each kind that the intake carries, one event that is not asked for or told before."""
    processor, _, told = carrying()
    received, published = processor.counts.received, processor.bus.published
    strange = Symbol("XYZ/USD")
    orphans: list[Event] = [
        structs.replace(snapshot(1), symbol=strange),
        structs.replace(update(2), symbol=strange),
        structs.replace(trade("1"), symbol=strange),
        structs.replace(ticker(), symbol=strange),
        structs.replace(candle(), symbol=strange),
        fill(),
        instrument(),
        level3_snapshot(strange),
    ]

    for number, event in enumerate(orphans, 1):
        processor.take([event])
        assert processor.counts.withheld == number, event
    for number, event in enumerate([trade("9"), trade("9")]):
        processor.take([event])
        assert processor.counts.withheld == len(orphans) + number

    counts = processor.counts
    assert told.drain() == [trade("9")]
    assert counts.received - received == len(orphans) + 2
    assert counts.received + counts.own == processor.bus.published + counts.withheld
    assert processor.bus.published == published + 1


def test_what_was_refused_is_asked_for_anew_over_the_next_link() -> None:
    processor, feed, _ = carrying()
    processor.take([Refused(venue="toy", subscription=TICKER, message="no", received_ns=3)])
    assert processor.refused == {TICKER: "no"}

    processor.lose(feed, "cut", 4)

    assert processor.refused == {}


def test_a_stream_has_everything_to_prove_again_over_the_next_link() -> None:
    processor, feed, _ = carrying()
    processor.take([ticker()])
    processor.reject(feed, rejected(TICKER))
    stream = processor.streams[TICKER]
    assert (stream.has_data, stream.is_acknowledged, stream.is_uncertain) == (True, True, True)

    processor.lose(feed, "cut", 4)

    assert (stream.has_data, stream.is_acknowledged, stream.is_uncertain) == (False, False, False)
    assert (stream.due_s, stream.missed) == (None, "")


def test_an_acknowledgement_takes_back_no_doubt() -> None:
    processor, feed, _ = carrying()
    processor.reject(feed, rejected(TICKER))

    processor.take([Subscribed(venue="toy", subscription=TICKER, received_ns=4)])
    assert missing(feed) == {TICKER}
    processor.take([ticker()])

    assert missing(feed) == set()


def test_a_check_that_passes_settles_a_doubt_without_a_snapshot() -> None:
    processor, feed, _ = carrying()
    processor.reject(feed, rejected(is_named=False))
    stream = processor.streams[BOOK]
    assert stream.is_uncertain

    processor.take([update(2)])

    assert processor.books.get(BTC).proof().is_valid
    stream = processor.streams[BOOK]
    assert (stream.due_s, stream.is_uncertain) == (None, False)
    assert missing(feed) == set()


def test_a_call_that_fails_harms_nothing_that_is_there() -> None:
    processor, feed, _ = carrying()
    fetch = Fetch("GET", "/depth", "depth", subscription=BOOK)

    feed._note_call_failure(fetch, "timed out", 10**18, None)
    assert missing(feed) == set()
    processor.lose(feed, "cut", 4)
    feed.readiness.lack(BOOK, "not acknowledged")
    feed._note_call_failure(fetch, "timed out", 1_767_225_600 * 10**9, None)

    assert [str(one) for one in feed.readiness if one.subscription == BOOK] == [
        "book BTC/USD 10: GET /depth: timed out; next attempt at 2026-01-01T00:00:00Z"
    ]


NOON_NS = 1_767_268_800_000_000_000
AHEAD_S = st.sampled_from([*range(-2, 20), 61])  # how many seconds the venue is ahead
READS = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from([0, 0, 0, 0, 0, -3, -1, 2]),  # how many numbers are skipped before
            st.integers(1, 3),  # how many frames, of a trade each
            AHEAD_S,
        ),
        min_size=1,
        max_size=2,
    ),
    max_size=8,
)


def harm(processor: EventProcessor, feed: Feed, *, is_lost: bool, is_doubted: bool) -> None:
    """Lose the link's data so far, or doubt that its trades are subscribed."""
    if is_lost:
        processor.withdraw(feed, GapCause.LINK_LOST, "lost")
    if is_doubted:
        feed.readiness.lack(TRADES, "not acknowledged")


def outcome_of_trades(processor: EventProcessor, feed: Feed, told: Pipe[Event]) -> object:
    """All that taking trades may change: what was published, each count and each mark."""
    stream = processor.streams[TRADES]
    return (
        told.drain(),
        processor.counts,
        (processor.gaps.repeated, processor.gaps.followed, processor.gaps.counts),
        (stream.data_ns, stream.has_data, stream.is_uncertain),
        processor._context.offset.ns,
        missing(feed),
    )


def frames_of(first: int, count: int, ahead_s: int) -> list[bytes]:
    second = f"12:0{(60 + ahead_s) // 60}:{(60 + ahead_s) % 60:02d}"
    return [
        f'{{"channel":"trade","type":"update","data":[{{"symbol":"BTC/USD","side":"buy","price":1,'
        f'"qty":1,"ord_type":"market","trade_id":{number},'
        f'"timestamp":"2026-01-01T{second}.000000Z"}}]}}'.encode()
        for number in range(first, first + count)
    ]


@pytest.mark.skipif(not IS_COMPILED, reason="nothing was compiled: no C compiler here")
@given(READS, st.integers(0, 9), st.integers(0, 9))
def test_a_run_of_trades_is_processed_as_trade_by_trade(
    reads: list[list[tuple[int, int, int]]], lost_before: int, doubted_before: int
) -> None:
    scan = trade_scan(TRADE_FORM, {"BTC/USD": BTC})
    assert scan is not None
    outcomes: list[object] = []
    for is_together in (True, False):
        processor, feed, told = carrying()
        first = 10
        for number, runs in enumerate(reads):
            harm(
                processor, feed, is_lost=number == lost_before, is_doubted=number == doubted_before
            )
            frames: list[bytes] = []
            for skipped, count, ahead_s in runs:
                frames += frames_of(first + skipped, count, ahead_s)
                first += skipped + count
            at = 0
            while at < len(frames):
                received_ns = NOON_NS + 60_000_000_000 + number
                trades = scan(frames, at, received_ns)
                assert trades is not None
                at += trades.frames
                processor.take(trades if is_together else list(trades))
        outcomes.append(outcome_of_trades(processor, feed, told))

    assert outcomes[0] == outcomes[1]


def of_ids(ids: Sequence[int], ahead_s: int) -> bytes:
    """A frame of Bybit, whose trades have no numbers."""
    millis = NOON_NS // 1_000_000 + 60_000 + 1000 * ahead_s
    rows = ",".join(
        f'{{"T":{millis},"s":"BTCUSD","S":"Buy","v":"1","p":"1","i":"{one}"}}' for one in ids
    )
    return (f'{{"topic":"BTCUSD","type":"snapshot","ts":{millis},"data":[{rows}]}}').encode()


@pytest.mark.skipif(not IS_COMPILED, reason="nothing was compiled: no C compiler here")
@given(
    st.lists(
        st.lists(
            st.tuples(
                st.lists(st.sampled_from([0, 0, 0, 0, 0, 2]), min_size=1, max_size=3),  # ids ago
                AHEAD_S,
            ),
            min_size=1,
            max_size=4,
        ),
        max_size=8,
    ),
    st.integers(0, 9),
    st.integers(0, 9),
)
def test_a_run_of_trades_without_numbers_is_processed_as_trade_by_trade(
    reads: list[list[tuple[list[int], int]]], lost_before: int, doubted_before: int
) -> None:
    scan = trade_scan(bybit_trade_form("bybit"), {"BTCUSD": BTC})
    assert scan is not None
    outcomes: list[object] = []
    for is_together in (True, False):
        processor, feed, told = carrying()
        new = itertools.count(10)
        for number, read in enumerate(reads):
            harm(
                processor, feed, is_lost=number == lost_before, is_doubted=number == doubted_before
            )
            frames = [of_ids([next(new) - ago for ago in ids], ahead_s) for ids, ahead_s in read]
            trades = scan(frames, 0, NOON_NS + 60_000_000_000 + number)
            assert trades is not None
            assert trades.frames == len(frames)
            processor.take(trades if is_together else list(trades))
        outcomes.append(outcome_of_trades(processor, feed, told))

    assert outcomes[0] == outcomes[1]


@pytest.mark.skipif(not IS_COMPILED, reason="nothing was compiled: no C compiler here")
@pytest.mark.parametrize("is_numbered", [True, False])
def test_trades_of_a_ready_stream_that_follow_on_are_a_run(is_numbered: bool) -> None:
    form = TRADE_FORM if is_numbered else bybit_trade_form("bybit")
    scan = trade_scan(form, {"BTC/USD": BTC, "BTCUSD": BTC})
    assert scan is not None
    processor, feed, told = carrying()
    is_run: list[bool] = []
    for first in (1, 4, 7, 10, 15, 18):
        frames = frames_of(first, 3, 0) if is_numbered else [of_ids([first, first + 1], 0)]
        trades = scan(frames, 0, NOON_NS + 60_000_000_000)
        assert trades is not None
        harm(processor, feed, is_lost=first == 18, is_doubted=first == 7)
        stream, offset = processor.streams[TRADES], processor._context.offset
        is_run.append(follow(trades, stream, processor.gaps, offset.received))
        if not is_run[-1]:
            processor.take(list(trades))
    told.drain()

    # The first has nothing to follow on, the third is doubted, the fifth leaves out two numbers,
    # which ids do not show, and before the last some may be lost.
    assert is_run == [False, True, False, True, not is_numbered, False]


ETH = Symbol("ETH/USD")
MARKETS = {"BTC/USD": BTC, "ETH/USD": ETH}


def checked() -> tuple[EventProcessor, Pipe[Event], KrakenProtocol]:
    """The intake of two books of Kraken that have no snapshot yet, and who reads their frames."""
    processor, feed, told = unchecked(KRAKEN.checks)
    processor.add(Subscription(Channel.BOOK, ETH, 10), feed)
    feed.subscribe([Subscription(Channel.BOOK, ETH, 10)])
    protocol = KrakenProtocol()
    protocol.follow_passively()
    return processor, told, protocol


def books_of(changes: list[tuple[int, str]]) -> list[bytes]:
    """Frames of two markets: snapshots, then updates, some lost, false, or followed by another."""
    markets = [Market(1), Market(2, "ETH/USD")]
    frames = [one.snapshot(NOON_NS) for one in markets]
    for number, (of, change) in enumerate(changes):
        market = markets[of]
        frame = market.update(NOON_NS + number)
        if change == "false":
            frame = re.sub('"checksum":', '"checksum":1', frame)
        if change != "lost":
            frames.append(frame)
        if change == "snapshot":
            frames.append(market.snapshot(NOON_NS + number))
    return [one.encode() for one in frames]


@pytest.mark.skipif(not IS_COMPILED, reason="nothing was compiled: no C compiler here")
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 0, 0, 1]),
            st.sampled_from(["right"] * 9 + ["false", "lost", "snapshot"]),
        ),
        max_size=40,
    )
)
def test_a_run_of_book_updates_is_processed_as_update_by_update(
    changes: list[tuple[int, str]],
) -> None:
    frames = books_of(changes)
    scan = book_scan(BOOK_FORM, MARKETS)
    assert scan is not None
    outcomes: list[object] = []
    for is_together in (True, False):
        processor, told, protocol = checked()
        if not is_together:
            protocol.scan_books = None
        at = 0
        while at < len(frames):
            updates = scan(frames, at, NOON_NS) if is_together else None
            if updates is None:
                processor.take(list(protocol.receive(frames[at], NOON_NS)))
                at += 1
            else:
                taken = processor.take(updates)
                assert 0 < taken <= len(updates) == updates.frames
                at += taken
        books = [processor.books.get(one) for one in MARKETS.values()]
        keeper = processor.books
        outcomes.append(
            (
                told.drain(),
                processor.counts,
                (keeper.passed, keeper.failed, keeper.unverified, keeper.crossed),
                [(book.proof(), book.snapshot(), book.evidence.venue_ns) for book in books],
                [[level.text for level in (*book.bids, *book.asks)] for book in books],
            )
        )

    assert outcomes[0] == outcomes[1]


@pytest.mark.skipif(not IS_COMPILED, reason="nothing was compiled: no C compiler here")
def test_a_false_checksum_ends_its_run() -> None:
    frames = books_of([(0, "right"), (0, "false"), (0, "right"), (1, "right")])
    processor, told, protocol = checked()
    for frame in frames[:2]:
        processor.take(list(protocol.receive(frame, NOON_NS)))
    told.drain()
    assert protocol.scan_books is not None
    updates = protocol.scan_books(frames, 2, NOON_NS)
    assert updates is not None
    assert len(updates) == 4

    assert processor.take(updates) == 2

    assert [type(one) for one in told.drain()] == [BookUpdate, Desync]
    assert processor.books.get(BTC).proof().status is BookStatus.DESYNCED
    assert processor.books.get(ETH).proof().checks == 1
    assert (processor.counts.received, processor.counts.withheld) == (4, 1)
