"""Whole answers to what anybody can ask: drained page by page, bounded, each candle once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from msgspec import structs
from test_candle_run import MINUTE, S, candle
from worlds import BOOK, BTC, play, world

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.event import LeftOut, Subscription
from fluxum.model.market import Candle
from fluxum.session.history import History, Instant
from fluxum.sim.loop import START_NS
from fluxum.venues.conversation import Fetch
from fluxum.venues.kraken.venue import KRAKEN
from fluxum.venues.queries import Page, RestQuery
from fluxum.venues.rows import LeftOutRows
from fluxum.venues.venue import Venue

Said = TypeVar("Said")


def question(page: int, pages: int, rows: int = 2) -> RestQuery[Page[Candle]]:
    """A list in pages of two candles; the last row of one is the first of the next."""

    def read(body: bytes, received_ns: int) -> Page[Candle]:
        items = tuple(candle(page + row, 100 + page + row) for row in range(rows))
        left_out = LeftOutRows(1, "odd", "x") if page == 1 else None
        following = question(page + 1, pages, rows) if page + 1 < pages else None
        return Page(items, left_out=left_out, next=following)

    return RestQuery(Fetch("GET", f"/candles?page={page}", "candles"), read)


class Questions:
    def __init__(self, pages: int) -> None:
        self.pages = pages
        self.asked: list[tuple[Any, ...]] = []

    def candles(self, *what: Any) -> RestQuery[Page[Candle]]:
        self.asked.append(what)
        return question(0, self.pages)


def history(queries: Any) -> tuple[History, list[LeftOutRows]]:
    venue: Venue = structs.replace(KRAKEN, queries=None if queries is None else lambda: queries)
    left_out: list[LeftOutRows] = []

    async def ask(query: RestQuery[Said]) -> Said:
        await asyncio.sleep(0.1)
        return query.read(b"", 7)

    def leave_out(rows: LeftOutRows, subscription: Subscription | None) -> None:
        left_out.append(rows)

    return History(venue, ask, leave_out), left_out


def test_pages_are_drained_and_each_candle_is_listed_once_in_order() -> None:
    async def story() -> None:
        queries = Questions(pages=5)
        asked, left_out = history(queries)

        found = await asked.candles("BTC/USD", "1m", None, None)

        assert [one.start_ns // MINUTE for one in found] == [0, 1, 2, 3, 4, 5]
        assert [rows.count for rows in left_out] == [1]
        assert queries.asked == [("BTC/USD", 60, None, None)]

    play(story)


def test_instants_may_be_given_in_three_ways_and_bound_the_answer() -> None:
    async def story() -> None:
        ways: list[tuple[Instant, Instant]] = [
            (START_NS, START_NS + 60 * S),
            ("2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"),
            (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 1, tzinfo=UTC)),
        ]
        for since, until in ways:
            queries = Questions(pages=3)
            asked, _ = history(queries)
            assert await asked.candles("BTC/USD", 60, since, until) == ()  # none is so young
            assert queries.asked == [("BTC/USD", 60, START_NS, START_NS + 60 * S)]

    play(story)


@pytest.mark.parametrize(
    ("interval", "since", "until"),
    [
        ("1x", None, None),
        ("", None, None),
        (0, None, None),
        (-60, None, None),
        (True, None, None),
        ("1m", 1_767_225_600, None),  # seconds
        ("1m", datetime(2026, 1, 1), None),  # noqa: DTZ001 - of no time zone
        ("1m", "yesterday", None),
        ("1m", START_NS, START_NS),
        ("1m", None, START_NS),
    ],
)
def test_what_makes_no_sense_is_bad_input(interval: Any, since: Any, until: Any) -> None:
    async def story() -> None:
        asked, _ = history(Questions(pages=1))
        with pytest.raises(BadInput):
            await asked.candles("BTC/USD", interval, since, until)

    play(story)


def test_a_list_without_an_end_is_an_error() -> None:
    async def story() -> None:
        asked, _ = history(Questions(pages=10**9))
        with pytest.raises(RemoteProtocolError, match="no end"):
            await asked.candles("BTC/USD", 60, None, None)

    play(story)


def test_a_venue_that_can_be_asked_nothing_says_so() -> None:
    async def story() -> None:
        asked, _ = history(None)
        assert not asked.is_offered
        with pytest.raises(BadInput, match="kraken can be asked nothing"):
            await asked.time()

    play(story)


def test_a_session_fetches_whole_answers() -> None:
    async def story() -> None:
        async with world(BOOK, symbols=KRAKEN.sample_symbols[:2]) as now:
            await now.live(130)
            session = now.session
            assert abs(await session.fetch_time() - START_NS - 130 * S) < 2 * S
            assert {one.symbol for one in await session.fetch_instruments()} == {
                str(symbol) for symbol in KRAKEN.sample_symbols[:2]
            }
            book = await session.fetch_book(BTC, 5)
            assert len(book.bids) == len(book.asks) == 5
            ticker = await session.fetch_ticker(BTC)
            assert ticker.symbol == BTC
            trades = await session.fetch_trades(BTC)
            assert trades
            assert all(one.backfilled for one in trades)
            candles = await session.fetch_candles(
                BTC, "1m", datetime.fromtimestamp(START_NS / S, UTC)
            )
            assert [(one.start_ns - START_NS) // MINUTE for one in candles] == [0, 1, 2]
            assert all(one.backfilled for one in candles)
            first = datetime.fromtimestamp(START_NS / S, UTC)
            some = await session.fetch_candles(BTC, 60, first, first + timedelta(minutes=2))
            assert [(one.start_ns - START_NS) // MINUTE for one in some] == [0, 1]
            with pytest.raises(BadInput):
                await session.fetch_book(BTC, 0)

    play(story)


def test_rows_that_could_not_be_read_are_told() -> None:
    async def story() -> None:
        async with world(BOOK) as now:
            now.session._leave_out(LeftOutRows(2, "odd", "x"), None)
            events = await now.live(1)
            [left_out] = [event for event in events if isinstance(event, LeftOut)]
            assert (left_out.count, left_out.subscription) == (2, None)

    play(story)
