"""A frame nobody can read may have held an update: its book is in doubt until that is settled."""

import pytest
from worlds import play, world

from fluxum.model.event import Channel, Rejected, Subscription
from fluxum.venues.register import VENUES


@pytest.mark.parametrize("name", ["gemini", "gemini-v2"])
def test_a_book_that_lost_an_update_unread_is_right_again_soon(name: str) -> None:
    venue = VENUES[name]
    symbol = venue.sample_symbols[0]
    book = venue.with_defaults(Subscription(Channel.BOOK, symbol))

    async def story() -> None:
        async with world(book, venue=venue, faults="cut@30s") as now:
            await now.session.wait_ready(20)
            await now.live(29.5)
            assert now.session.book(symbol).epoch == 1

            await now.live(30)

            assert any(isinstance(event, Rejected) for event in now.events)
            held, truth = now.session.book(symbol), now.exchange.top(symbol)
            assert held.epoch == 2
            assert tuple((one.price, one.quantity) for one in held.bids.top(10)) == truth.bids
            assert tuple((one.price, one.quantity) for one in held.asks.top(10)) == truth.asks
            assert now.session.missing() == []

    play(story)
