"""Random and mutated frames: only typed errors, never a crash, and the session lives on."""

import pytest
from worlds import BOOK, BTC, TRADES, play, world

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, State, Subscription
from fluxum.model.instrument import Symbol
from fluxum.venues.register import VENUES
from nonsense import FRAMES, babbling, nonsense


@pytest.mark.parametrize("frames", [10_000, pytest.param(FRAMES, marks=pytest.mark.slow)])
@pytest.mark.parametrize("venue", sorted(VENUES))
def test_a_protocol_answers_nonsense_with_typed_errors_only(venue: str, frames: int) -> None:
    protocol = VENUES[venue].protocol()
    protocol.follow_passively()
    understood = refused = 0

    for number, frame in enumerate(nonsense(venue, frames)):
        if number % 1000 == 0:  # the memory of what was overheard is the tape's, not a link's
            protocol = VENUES[venue].protocol()
            protocol.follow_passively()
        try:
            protocol.receive(frame, number)
        except RemoteProtocolError:
            refused += 1
        else:
            understood += 1

    assert understood + refused == frames
    assert refused > frames / 2
    assert understood > frames / 100


def test_a_session_lives_on_between_nonsense() -> None:
    async def story() -> None:
        candles = Subscription(Channel.CANDLE, BTC, interval_s=60)
        wrap = babbling("kraken")
        async with world(BOOK, TRADES, candles, wrap=wrap, rate_per_s=20) as now:
            await now.live(600)
            statistics = now.session.statistics()

            assert statistics.rejected > 1000
            assert statistics.sums_close
            assert statistics.reconnects == 0
            assert State.READY in now.states()
            assert now.session.book(Symbol("BTC/USD")).proof().checks > 0

    play(story)
