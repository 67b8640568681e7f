"""Questions to simulated exchanges that list page by page, against their own truth."""

from collections.abc import Sequence
from typing import TypeVar

import pytest
from worlds import World, play, world

from fluxum.model.event import Channel, Subscription
from fluxum.model.market import Candle
from fluxum.venues.coinbase.venue import COINBASE, COINBASE_EXCHANGE
from fluxum.venues.gemini.venue import GEMINI, GEMINI_V2
from fluxum.venues.queries import MarketQueries, Page, RestQuery
from fluxum.venues.venue import Venue

Item = TypeVar("Item")
SECOND = 1_000_000_000
HOURS = 6.5

venues = pytest.mark.parametrize(
    "venue", [COINBASE, COINBASE_EXCHANGE, GEMINI, GEMINI_V2], ids=lambda venue: venue.name
)


def queries(venue: Venue) -> MarketQueries:
    assert venue.queries is not None
    return venue.queries()


async def whole(now: World, question: RestQuery[Page[Item]]) -> list[Item]:
    """Every item of a list, page by page."""
    items: list[Item] = []
    following: RestQuery[Page[Item]] | None = question
    while following is not None:
        page = await now.session.query(following)
        assert page.left_out is None
        items += page.items
        following = page.next
    return items


def figures(candles: Sequence[Candle]) -> list[tuple[object, ...]]:
    return [(one.start_ns, one.open, one.high, one.low, one.close, one.volume) for one in candles]


@venues
def test_every_answer_is_the_exchanges_own(venue: Venue) -> None:
    async def story() -> None:
        symbol = venue.sample_symbols[0]
        books = Subscription(Channel.BOOK, symbol)
        async with world(books, venue=venue, rate_per_s=0.0) as now:
            await now.session.wait_ready(60)
            ask, truth = queries(venue), now.exchange
            book = await now.session.query(ask.book(symbol, 5))
            for told, side in (
                (book.bids, truth.top(symbol).bids),
                (book.asks, truth.top(symbol).asks),
            ):
                assert [(one.price, one.quantity) for one in told] == list(side[:5])
            ticker = await now.session.query(ask.ticker(symbol))
            known = truth.ticker(symbol)
            assert (ticker.bid, ticker.ask, ticker.last) == (known.bid, known.ask, known.last)
            listed = await whole(now, ask.instruments())
            assert {one.symbol for one in listed} == set(truth.symbols)
            assert {one.venue_symbol for one in listed} == {
                venue.format_symbol(one) for one in truth.symbols
            }

    play(story)


@venues
def test_trades_are_told_each_once_and_oldest_first(venue: Venue) -> None:
    async def story() -> None:
        symbol = venue.sample_symbols[0]
        async with world(Subscription(Channel.BOOK, symbol), venue=venue, rate_per_s=0.0) as now:
            await now.session.wait_ready(60)
            for _ in range(4000):
                now.exchange.step(symbol)
            made = now.exchange.trades(symbol, 1_000_000)
            since = made[100]
            assert since.venue_ns is not None
            ask = queries(venue)

            found = await whole(now, ask.trades(symbol, since.venue_ns))
            last = await whole(now, ask.trades(symbol))

            assert len(made) > 900
            assert [one.trade_id for one in found] == [one.trade_id for one in made[100:]]
            assert [(e.side, e.price, e.quantity) for e in found] == [
                (e.side, e.price, e.quantity) for e in made[100:]
            ]
            assert [one.trade_id for one in last] == [one.trade_id for one in made[-len(last) :]]
            assert len(last) >= 500

    play(story)


@venues
def test_candles_are_told_each_once_and_oldest_first(venue: Venue) -> None:
    async def story() -> None:
        symbol = venue.sample_symbols[0]
        async with world(Subscription(Channel.BOOK, symbol), venue=venue, rate_per_s=0.05) as now:
            await now.session.wait_ready(60)
            await now.live(HOURS * 3600)
            truth = now.exchange.candles(symbol, 60, 1_000_000)
            since_ns, until_ns = truth[3].start_ns, truth[-3].start_ns
            ask = queries(venue)

            found = await whole(now, ask.candles(symbol, 60, since_ns, until_ns))
            last = await whole(now, ask.candles(symbol, 300))

            wanted = [one for one in truth if since_ns <= one.start_ns < until_ns]
            assert len(wanted) > 100
            assert figures(found) == figures(wanted)
            assert all(one.closed and one.backfilled for one in found)
            known = now.exchange.candles(symbol, 300, 1_000_000)
            assert figures(last) == figures(known[-len(last) :])
            assert not last[-1].closed

    play(story)


@pytest.mark.parametrize("venue", [COINBASE, COINBASE_EXCHANGE], ids=lambda venue: venue.name)
def test_the_time_is_the_exchanges_own(venue: Venue) -> None:
    async def story() -> None:
        listing = Subscription(Channel.INSTRUMENT)
        async with world(listing, venue=venue, rate_per_s=0.0) as now:
            await now.session.wait_ready(60)

            told = await now.session.query(queries(venue).time())

            assert abs(told - now.exchange._clock.now_ns()) < SECOND

    play(story)
