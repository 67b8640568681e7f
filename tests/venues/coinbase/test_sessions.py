"""A session and the simulated exchange in virtual time: what one link loses is found and healed.

The cards every exchange is dealt are in test_conformance.py; here is what is Coinbase's own.
"""

import pytest
from worlds import World, play, world

from fluxum.model.event import Channel, Desync, Gap, LinkLost, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.venues.coinbase.venue import COINBASE, COINBASE_EXCHANGE
from fluxum.venues.venue import Venue

BTC, ETH = Symbol("BTC/USD"), Symbol("ETH/USD")
KINDS = (Channel.BOOK, Channel.TRADE, Channel.TICKER)
WANTED = [Subscription(kind, symbol) for symbol in (BTC, ETH) for kind in KINDS]


def assert_books_are_the_exchanges(now: World) -> None:
    for symbol in (BTC, ETH):
        book, truth = now.session.book(symbol), now.exchange.top(symbol)
        for ladder, side in ((book.bids, truth.bids), (book.asks, truth.asks)):
            assert tuple((one.price, one.quantity) for one in ladder.top(10)) == side


def test_one_lost_frame_makes_a_hole_in_every_stream_and_all_heal() -> None:
    async def story() -> None:
        async with world(*WANTED, venue=COINBASE, faults="drop@20s") as now:
            await now.session.wait_ready(60)
            await now.live(60)
            desynced = [one.subscription for one in now.events if isinstance(one, Desync)]
            assert set(desynced) == set(WANTED)
            assert len(desynced) == len(WANTED)
            holes = {one.subscription for one in now.events if isinstance(one, Gap)}
            assert holes == set(WANTED)
            assert not [one for one in now.events if isinstance(one, LinkLost)]
            for symbol in (BTC, ETH):
                assert now.session.book(symbol).proof().is_valid
            assert_books_are_the_exchanges(now)

    play(story)


def test_an_unproved_book_follows_the_exchange_all_the_same() -> None:
    async def story() -> None:
        async with world(*WANTED, venue=COINBASE_EXCHANGE, rate_per_s=0.0) as now:
            await now.session.wait_ready(60)
            for _ in range(200):
                now.exchange.step(BTC)
                now.exchange.step(ETH)
            await now.live(1)
            assert_books_are_the_exchanges(now)
            books = [e for e in now.events if isinstance(e, BookSnapshot | BookUpdate)]
            assert len(books) > 100
            assert not now.session.book(BTC).proof().is_valid

    play(story)


@pytest.mark.parametrize("venue", [COINBASE, COINBASE_EXCHANGE], ids=["advanced", "exchange"])
def test_a_list_of_markets_alone_keeps_its_link(venue: Venue) -> None:
    async def story() -> None:
        async with world(Subscription(Channel.INSTRUMENT), venue=venue) as now:
            await now.session.wait_ready(60)
            await now.live(120)
            assert not [event for event in now.events if isinstance(event, LinkLost)]

    play(story)
