"""Very many markets over few links: what has to wait its turn with us is not held against them."""

import pytest
from worlds import play, world

from fluxum.model.event import Channel, DataStale, Subscription
from fluxum.model.instrument import Symbol
from fluxum.venues.register import VENUES
from fluxum.venues.venue import Venue

COUNT = 60
REPEATS = {"okx"}
"""Exchanges that say of a quiet book, every minute, that it is as it was."""


@pytest.mark.parametrize("venue", list(VENUES.values()), ids=list(VENUES))
def test_sixty_quiet_books_are_asked_about_and_cost_no_link(venue: Venue) -> None:
    known = venue.sample_symbols[0]
    contract = known.contract and f":{known.contract}"
    symbols = [Symbol(f"COIN{number}/{known.quote}{contract}") for number in range(COUNT)]
    silence_s = venue.limits.data_silence_s[Channel.BOOK]

    async def story() -> None:
        wanted = [venue.with_defaults(Subscription(Channel.BOOK, symbol)) for symbol in symbols]
        async with world(*wanted, venue=venue, symbols=symbols, rate_per_s=0.0) as now:
            await now.session.wait_ready(300)
            events = await now.live(silence_s + 100)
            stale = {event.subscription for event in events if isinstance(event, DataStale)}
            assert len(stale) == (0 if venue.name in REPEATS else COUNT)
            assert now.session.statistics().reconnects == 0
            assert now.session.missing() == []

    play(story)
