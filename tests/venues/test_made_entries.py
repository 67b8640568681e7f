"""The ledger of every exchange that lists no entries: made, and said to be."""

import asyncio
from decimal import Decimal

import pytest

import fluxum
from fluxum import Channel, EntryKind, EntryQuery, EntrySource, LedgerEntry, Subscription
from fluxum.venues.register import VENUES
from fluxum.venues.venue import Venue
from venues.accounts import LOT, play, trading

MADE = [
    venue
    for venue in VENUES.values()
    if venue.private is not None and venue.private.queries().entries is None
]
LISTING = [
    venue
    for venue in MADE
    if venue.private is not None and venue.private.queries().transfers is not None
]


def _named(venue: Venue) -> str:
    return venue.name


@pytest.mark.parametrize("venue", MADE, ids=_named)
def test_entries_explain_every_balance_but_for_what_is_told(venue: Venue) -> None:
    async def story() -> None:
        async with trading(venue) as one:
            account = one.trader.session.account
            await one.trader.buy(one.symbol, 3 * LOT)
            await asyncio.sleep(2)
            await one.trader.sell(one.symbol, LOT)
            await asyncio.sleep(5)

            entries = await account.entries(EntryQuery())
            trades = await account.entries(EntryQuery(kind="trade"), 1)

            sums: dict[str, Decimal] = {}
            for entry in entries:
                sums[entry.asset] = sums.get(entry.asset, Decimal(0)) + entry.change
                assert sums[entry.asset] == entry.balance
            assert sums == one.totals()
            sources = {entry.source for entry in entries}
            assert EntrySource.FILL in sources
            assert EntrySource.VENUE not in sources
            unexplained = {
                entry.asset: entry.amount
                for entry in entries
                if entry.kind is EntryKind.UNEXPLAINED
            }
            if venue in LISTING:  # what the exchange rounded its costs by is all that is left
                assert unexplained.keys() <= {one.symbol.quote}
                assert all(abs(amount) < Decimal("0.02") for amount in unexplained.values())
            else:  # deposits are not listed
                assert unexplained.keys() == {one.symbol.base, one.symbol.quote}
                assert unexplained[one.symbol.base] == 1
            last = [entry.entry_id for entry in entries if entry.kind is EntryKind.TRADE][-1:]
            assert [entry.entry_id for entry in trades] == last

    play(story)


@pytest.mark.parametrize("venue", LISTING, ids=_named)
def test_transfers_of_an_outage_are_found_and_published_once(venue: Venue) -> None:
    async def story() -> None:
        async with trading(venue) as one:
            session = one.trader.session
            events = session.events(capacity=10_000)
            session.subscribe(Subscription(Channel.BALANCE))
            await session.wait_ready(10)
            one.account.deposit({one.symbol.quote: Decimal(7)})
            await asyncio.sleep(5)

            one.exchange.hangup_all()
            one.account.deposit({one.symbol.quote: Decimal(11)})
            one.account.withdraw({one.symbol.base: Decimal("0.25")})
            await session.wait_ready(60)
            one.exchange.hangup_all()  # the same list once more
            await asyncio.sleep(120)

            told = [event for event in events.drain() if isinstance(event, LedgerEntry)]
            moved = [(one.asset, one.change) for one in told if one.source is EntrySource.TRANSFER]
            assert sorted(moved) == [
                (one.symbol.base, Decimal("-0.25")),
                (one.symbol.quote, Decimal(7)),
                (one.symbol.quote, Decimal(11)),
            ]

    play(story)


@pytest.mark.parametrize("venue", MADE, ids=_named)
def test_each_published_fill_is_published_as_entries(venue: Venue) -> None:
    async def story() -> None:
        async with trading(venue) as one:
            session = one.trader.session
            journal = fluxum.Journal()
            events = session.events(capacity=10_000)
            session.subscribe(Subscription(Channel.BALANCE))
            await session.wait_ready(10)
            await one.trader.buy(one.symbol, LOT)
            one.exchange.hangup_all()  # history has the fill as well
            await asyncio.sleep(90)

            for event in events.drain():
                journal.apply(event)
            entries = [one for one in journal.entries() if one.source is EntrySource.FILL]
            moved = {asset: Decimal(0) for asset in one.totals()}
            for entry in entries:
                moved[entry.asset] += entry.change
            fills = one.account.fills
            assert moved[one.symbol.base] == LOT - one.charged(one.symbol.base)
            cost = sum((fill.price * fill.quantity for fill in fills), Decimal(0))
            assert moved[one.symbol.quote] == -cost - one.charged(one.symbol.quote)
            assert session.statistics().sums_close

    play(story)
