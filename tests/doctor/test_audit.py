"""A live book against REST: right ones agree whenever they are asked, wrong ones are found."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random

import pytest

import fluxum
from fluxum import BadInput, BookSnapshot, BookUpdate, Session, Symbol, VenueRefused
from fluxum.book.book import Book
from fluxum.doctor import BookStates, Comparison, audit_book
from fluxum.flow.background import background
from fluxum.model.market import Level
from fluxum.runtime import Reach
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.faults import FaultPlan, parse_faults
from fluxum.sim.loop import SimulatedClock, run
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.transport.http import Http
from fluxum.venues.register import find_venue
from fluxum.venues.venue import Venue

BTC = Symbol("BTC/USDT")


class Refusing:
    """REST calls for books are refused."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        if "depth" in url.lower():
            raise VenueRefused("451 not in this country", "451")
        return await self._http.call(method, url, headers, body)


class RefusingRuntime(SimulatedRuntime):
    @asynccontextmanager
    async def reach(self, venue: Venue) -> AsyncGenerator[Reach]:
        async with super().reach(venue) as reach:
            yield Reach(reach.dial, Refusing(reach.http))


@asynccontextmanager
async def live(
    name: str,
    faults: str = "",
    rate_per_s: float = 5.0,
    kind: type[SimulatedRuntime] = SimulatedRuntime,
) -> AsyncGenerator[tuple[Session, str]]:
    """A session with one live book, and its symbol."""
    clock, venue = SimulatedClock(), find_venue(name)
    symbol = venue.sample_symbols[0]
    plan = FaultPlan(parse_faults(faults), Random(7))
    async with (
        SimulatedExchange(
            venue,
            [symbol],
            seed=7,
            clock=clock,
            rate_per_s=rate_per_s,
            faults=plan,
            resolution_ns=1_000_000,
        ) as exchange,
        fluxum.connect(name, [symbol], runtime=kind(exchange, clock=clock)) as session,
    ):
        await session.wait_ready(60)
        yield session, symbol


@pytest.mark.parametrize("name", ["kraken", "binance", "bybit", "okx", "coinbase", "gemini"])
def test_a_right_book_agrees_with_every_snapshot(name: str) -> None:
    """The simulated answers are up to a third of a second late, at twenty moves a second."""

    async def story() -> None:
        async with live(name) as (session, symbol):
            audit = await audit_book(session, symbol, seconds=60)

        assert audit.percent == 100.0, audit.worst
        assert audit.wrong_in_a_row == audit.skipped == 0
        assert 9 <= len(audit.comparisons) <= 12
        assert audit.levels == audit.equal >= 20 * len(audit.comparisons) * 0.8
        assert audit.worst is None

    run(story())


def test_a_venue_that_numbers_its_books_is_compared_by_number() -> None:
    async def story() -> None:
        async with live("okx") as (session, symbol):
            audit = await audit_book(session, symbol, seconds=60)

        assert sum(one.by_sequence for one in audit.comparisons) > 5

    run(story())


def test_a_level_that_was_corrupted_on_the_way_is_found() -> None:
    """The exchange numbers its messages but sends no checksum, so the book counts as valid."""

    async def story() -> None:
        noted: list[tuple[bool, float]] = []
        async with live("binance", "corrupt=0.2", rate_per_s=1) as (session, symbol):

            def note(one: Comparison) -> None:
                noted.append((session.book(symbol).proof().is_valid, one.percent))

            audit = await audit_book(session, symbol, seconds=60, note=note)

        assert audit.percent is not None
        assert audit.percent < 100
        assert audit.wrong_in_a_row >= 1
        assert audit.worst is not None
        assert audit.worst.live != audit.worst.snapshot
        assert [percent for _, percent in noted] == [one.percent for one in audit.comparisons]
        assert any(percent < 100 for is_valid, percent in noted if is_valid)

    run(story())


def test_a_live_book_that_is_changed_by_mistake_is_found() -> None:
    """Not on the way, but here: the audit reads the book that programs read."""

    async def story() -> None:
        async with live("binance") as (session, symbol):
            book = session.book(symbol)

            async def spoil() -> None:
                async for _ in session.books(symbol):
                    fifth = book.bids.top(5)[-1]
                    book.bids.lay((Level(fifth.price, Decimal(777)),))

            async with background(spoil()):
                audit = await audit_book(session, symbol, seconds=12)

        assert audit.wrong_in_a_row > 1
        assert audit.worst is not None
        assert audit.worst.live == 777

    run(story())


def test_snapshots_that_cannot_be_had_are_counted_with_the_reason() -> None:
    async def story() -> None:
        async with live("kraken", kind=RefusingRuntime) as (session, symbol):
            audit = await audit_book(session, symbol, seconds=12)

        assert (audit.percent, audit.comparisons, audit.worst) == (None, (), None)
        assert audit.skipped == 3
        assert audit.skip_reason == "no snapshot: 451 not in this country"

    run(story())


def test_a_withdrawn_book_is_not_compared() -> None:
    async def story() -> None:
        async with live("kraken", "refuse@14s+60s,hangup@15s") as (session, symbol):
            await asyncio.sleep(20)
            audit = await audit_book(session, symbol, seconds=4)

        assert audit.skipped == 1
        assert audit.percent is None

    run(story())


@pytest.mark.parametrize(("seconds", "every_s", "levels"), [(0, 5, 10), (5, 0, 10), (5, 5, 0)])
def test_times_and_levels_that_make_no_sense_are_refused(
    seconds: float, every_s: float, levels: int
) -> None:
    async def story() -> None:
        async with live("kraken") as (session, symbol):
            with pytest.raises(BadInput, match="above zero were expected, was"):
                await audit_book(session, symbol, seconds=seconds, every_s=every_s, levels=levels)

    run(story())


def level(price: str, quantity: str) -> Level:
    return Level(Decimal(price), Decimal(quantity))


def test_states_between_two_readings_are_rebuilt() -> None:
    """Three updates came in one burst: the live book shows the last alone."""
    start = BookSnapshot(
        venue="toy",
        symbol=BTC,
        bids=(level("9", "1"),),
        asks=(level("11", "1"),),
        venue_ns=None,
        received_ns=10,
    )
    updates = [
        BookUpdate(
            venue="toy",
            symbol=BTC,
            bids=(level("10", text),),
            asks=(),
            venue_ns=None,
            received_ns=at_ns,
        )
        for text, at_ns in (("1", 20), ("2", 21), ("0", 22))
    ]
    book = Book("toy", BTC)
    book.replace(start)
    book.evidence.live, book.evidence.updated_ns = True, 10
    states = BookStates(book, 5, 10)
    for update in updates:
        book.apply(update)
        book.evidence.updated_ns = update.received_ns

    states.take(updates, 23)

    found = [one for one in states.during(0, 100) if one is not None]
    assert [[str(bid.quantity) for bid in one.bids] for one in found] == [
        ["1"],
        ["2", "1"],
        ["1", "1"],
        ["1"],
    ]
    assert [one.received_ns for one in states.during(21, 21) if one is not None] == [21]
    assert len(list(states.during(15, 20))) == 2  # that of 10 was still the book's
