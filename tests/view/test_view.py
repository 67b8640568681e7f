"""Views of venues that were written by hand, of live sessions and of hubs."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import fluxum
from fluxum import Channel
from fluxum.book.book import Book
from fluxum.book.proof import BookStatus
from fluxum.flow.histogram import Histogram
from fluxum.flow.pipe import PipeStatistics
from fluxum.model.event import Gap, GapCause, Repair, State, StateChange, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.levels import Level
from fluxum.model.market import Candle, Side, Ticker, Trade
from fluxum.session.gaps import OpenGap
from fluxum.session.statistics import LinkStatistics, SessionStatistics
from fluxum.sim.loop import run
from fluxum.view import Extent, View, ViewKeeper, encode_view, view
from fluxum.view.readings import VenueReadings
from fluxum.view.view import view_of
from hubs import BTC, KEYS, exchanges

SECOND = 1_000_000_000
NOW = 1_767_225_600 * SECOND
GOLDEN = Path(__file__).with_name("golden.json")
NO_READER = PipeStatistics(capacity=0, offered=0, delivered=0, conflated=0, dropped=0, waiting=0)


def ladder() -> Book:
    """Bids 100.1 and 100.0, asks 100.3 and 100.4; seven checks, the last 0.5 s ago."""
    book = Book("a", BTC, 10)
    for side, price, quantity in (
        (book.bids, "100.0", "2"),
        (book.bids, "100.1", "0.00000001"),
        (book.asks, "100.3", "0.5"),
        (book.asks, "100.4", "3"),
    ):
        side.put(Level(Decimal(price), Decimal(quantity)))
    evidence = book.evidence
    evidence.status, evidence.reason, evidence.live = BookStatus.VALID, "", True
    evidence.checks, evidence.generation, evidence.checksum = 7, 3, 1_408_038_839
    evidence.proved_ns = evidence.updated_ns = NOW - SECOND // 2
    evidence.depth_proved = 10
    return book


def statistics(**changed: int) -> SessionStatistics:
    fields: dict[str, Any] = {}
    fields.update(dict.fromkeys(SessionStatistics.__struct_fields__, 0))
    fields |= {"venue": "a", "state": State.READY, "readers": (), "departed": NO_READER}
    fields |= {"clock_offset_s": None, "clock_uncertainty_s": None, "names": None}
    fields |= {"frames": 100, "data": 90, "control": 8, "rejected": 2}
    fields.update(changed)
    return SessionStatistics(**fields)


def facts() -> tuple[VenueReadings, ViewKeeper]:
    """One venue with one market, everything set by hand."""
    kept = ViewKeeper(lambda: NOW)
    lag = Histogram()
    lag.record(5_000_000)
    trade = Subscription(Channel.TRADE, BTC)
    common: dict[str, Any] = {"venue": "a", "symbol": BTC, "received_ns": NOW - 2 * SECOND}
    kept.take(
        StateChange(
            venue="a",
            old=State.CONNECTING,
            new=State.READY,
            reason="all there",
            received_ns=NOW - 9 * SECOND,
        )
    )
    for number, backfilled in enumerate((True, False), 1):
        kept.take(
            Trade(
                side=Side.BUY,
                price=Decimal("100.3"),
                quantity=Decimal("0.0000002"),
                trade_id=str(number),
                backfilled=backfilled,
                **common,
            )
        )
    kept.take(Ticker(last=Decimal("100.3"), volume=Decimal("12.50"), **common))
    price = Decimal("100.3")
    kept.take(
        Candle(
            interval_s=60,
            start_ns=NOW - 60 * SECOND,
            end_ns=NOW,
            open=price,
            high=price,
            low=Decimal(100),
            close=price,
            volume=Decimal("1.5"),
            **common,
        )
    )
    kept.take(
        Gap(
            venue="a",
            subscription=trade,
            cause=GapCause.LINK_LOST,
            repair=Repair.BACKFILLED,
            since_ns=NOW - 8 * SECOND,
            until_ns=NOW - 5 * SECOND,
            missing=4,
            received_ns=NOW - 5 * SECOND,
        )
    )
    found = VenueReadings(
        venue="a",
        state=State.READY,
        links=(
            LinkStatistics(
                name="public",
                state=State.READY,
                is_connected=True,
                received_ns=NOW - SECOND,
                subscriptions=3,
            ),
        ),
        statistics=statistics(gaps=1, reconnects=1, checks_passed=7, links=1),
        subscriptions=(
            Subscription(Channel.BOOK, BTC, 10),
            trade,
            Subscription(Channel.CANDLE, BTC, None, 60),
        ),
        refused={Subscription(Channel.BOOK, Symbol("NO/USD"), 10): "unknown pair"},
        books={BTC: ladder()},
        gaps_open=(
            OpenGap(
                subscription=trade, cause=GapCause.VENUE, since_ns=NOW - SECOND, detail="5 skipped"
            ),
        ),
        exchange=lag,
    )
    return found, kept


def test_a_view_has_what_was_written_by_hand() -> None:
    found, kept = facts()

    made = view_of([found], kept, Extent(depth=2, trades=2, candles=5, losses=5))

    assert json.loads(encode_view(made)) == json.loads(GOLDEN.read_text())


def test_decimals_are_plain_text_and_the_bytes_are_a_view_again() -> None:
    found, kept = facts()

    line = encode_view(view_of([found], kept, Extent(candles=5)))

    assert b'["100.1","0.00000001"]' in line
    assert b'"quantity":"0.0000002"' in line
    assert b"E-" not in line


def test_without_candles_there_are_no_gaps_either() -> None:
    found, kept = facts()

    market = view_of([found], kept, Extent()).markets[0]

    assert (market.candles, market.gaps, market.interval_s) == ((), (), 60)


def test_a_withdrawn_book_is_empty_and_has_its_reason() -> None:
    found, kept = facts()
    book = found.books[BTC]
    book.bids.clear()
    book.asks.clear()
    book.evidence.withdraw(BookStatus.DESYNCED, "checksum 1 is not the venue's 2")

    shown = view_of([found], kept, Extent()).markets[0].book

    assert shown is not None
    assert (shown.bids, shown.asks, shown.spread, shown.mid) == ((), (), None, None)
    assert shown.proof.status is BookStatus.DESYNCED
    assert shown.proof.reason == "checksum 1 is not the venue's 2"


def test_sums_that_do_not_close_are_seen() -> None:
    found, kept = facts()
    torn = VenueReadings(venue="b", state=State.READY, statistics=statistics(frames=101))

    made = view_of([found, torn], kept, Extent())

    assert [one.sums_close for one in made.venues] == [True, False]
    assert not made.sums_close


def test_a_venue_that_could_not_be_opened_has_its_reason() -> None:
    _, kept = facts()
    gone = VenueReadings(venue="b", state=State.FAILED, missing=("failed: no route",))

    made = view_of([gone], kept, Extent())

    assert not made.is_ready
    assert made.venues[0].missing == ("failed: no route",)
    assert (made.venues[0].frames, made.markets) == (0, ())


def test_a_view_of_nothing_is_not_ready() -> None:
    assert not view_of([], ViewKeeper(lambda: NOW), Extent()).is_ready


# Live: virtual time, simulated exchanges


def test_a_live_session_with_a_corrupt_frame_and_a_cut() -> None:
    async def story() -> tuple[View, View, View]:
        markets = {"kraken": ["BTC/USD", "ETH/USD"]}
        faults = {"kraken": "corrupt@3s,hangup@6s"}
        async with (
            exchanges(markets, faults=faults) as world,
            fluxum.connect(
                "kraken",
                markets["kraken"],
                [Channel.BOOK, Channel.TRADE, Channel.TICKER, Channel.CANDLE],
                runtime=world.runtime,
            ) as session,
        ):
            kept = ViewKeeper(
                session.now_ns, carries=lambda _, link, one: session.carries(link, one)
            )
            events = session.events(ViewKeeper.wants)

            def now() -> View:
                for event in events.drain():
                    kept.take(event)
                return view(session, kept, Extent(candles=10))

            early = now()
            await session.wait_ready(10)
            await asyncio.sleep(2)
            ready = now()
            await asyncio.sleep(20)
            return early, ready, now()

    early, ready, late = run(story())

    assert not early.is_ready
    assert early.venues[0].missing
    assert ready.is_ready
    assert ready.losses_seen == len(ready.losses)
    for market in late.markets:
        assert market.book is not None
        assert market.book.proof.status is BookStatus.VALID
        assert len(market.book.bids) == len(market.book.asks) == 10
        assert market.book.mid is not None
        assert market.trades_seen >= len(market.trades) > 0
        assert market.candles
    (venue,) = late.venues
    assert venue.frames == venue.data + venue.control + venue.rejected
    assert (venue.desyncs, venue.reconnects) == (1, 1)
    assert late.sums_close
    kinds = {one.kind for one in late.losses}
    assert {"desync", "resynced", "link_lost", "gap"} <= kinds
    assert [one.number for one in late.losses] == list(
        range(late.losses_seen - len(late.losses) + 1, late.losses_seen + 1)
    )


def test_a_hub_has_all_venues_the_consolidated_book_and_the_positions_of_accounts() -> None:
    async def story() -> View:
        markets = {"kraken": ["BTC/USD"], "coinbase": ["BTC/USD"]}
        async with (
            exchanges(markets) as world,
            fluxum.hub(
                markets,
                [Channel.BOOK, Channel.TRADE],
                accounts={
                    "kraken": fluxum.HubAccount(keys=KEYS, journal=fluxum.MemoryOrderJournal())
                },
                runtime=world.runtime,
            ) as hub,
        ):
            kept = ViewKeeper(world.clock.now_ns)
            await hub.wait_ready(timeout_s=30)
            await hub.trader("kraken").buy("BTC/USD", "0.02")
            await asyncio.sleep(1)
            return view(hub, kept)

    made = run(story())

    assert made.is_ready
    assert [one.venue for one in made.venues] == ["kraken", "coinbase"]
    (both,) = made.consolidated
    assert set(both.venues) == {"kraken", "coinbase"}
    assert both.bids[0].price == max(
        one.book.bids[0].price for one in made.markets if one.book is not None
    )
    (account,) = made.accounts
    (position,) = account.positions
    assert (account.venue, position.symbol) == ("kraken", "BTC/USD")
    assert position.quantity == Decimal("0.02")
    assert position.mark is not None


def test_a_venue_of_a_hub_that_fails_is_shown_with_its_reason() -> None:
    async def story() -> View:
        markets = {"kraken": ["BTC/USD"], "gemini": ["NO/SUCH"]}
        async with (
            exchanges({"kraken": ["BTC/USD"], "gemini": ["BTC/USD"]}) as world,
            fluxum.hub(markets, [Channel.BOOK], runtime=world.runtime) as hub,
        ):
            await hub.wait_ready(quorum=1, timeout_s=30)
            await asyncio.sleep(5)
            return view(hub, ViewKeeper(world.clock.now_ns))

    made = run(story())

    assert [one.is_ready for one in made.venues] == [True, False]
    assert made.venues[1].missing
    assert not made.consolidated


def test_many_views_of_a_hub_report_each_venue_of_a_book_once() -> None:
    async def main() -> tuple[View, int]:
        markets = {"kraken": ["BTC/USD"], "coinbase": ["BTC/USD"]}
        async with (
            exchanges(markets) as world,
            fluxum.hub(markets, runtime=world.runtime) as hub,
        ):
            keeper = ViewKeeper(world.clock.now_ns)
            with hub.events(ViewKeeper.wants) as events:
                await hub.wait_ready(timeout_s=20)
                for _ in range(9):
                    view(hub, keeper)
                    await asyncio.sleep(0.1)
                made = view(hub, keeper)
                for event in events.drain():
                    keeper.take(event)
            return made, keeper.counts["venue_returned"]

    made, returned = run(main())

    (both,) = made.consolidated
    assert both.venues == ("kraken", "coinbase")
    assert returned == 2
