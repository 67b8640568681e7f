"""Candles that were missed are looked up when the venue's history has them, in a bounded time."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from test_candle_run import candle
from worlds import BTC, play

from fluxum.errors import FluxumError, TransportError, VenueRefused
from fluxum.flow.background import background
from fluxum.model.event import Channel, Subscription
from fluxum.model.market import Candle
from fluxum.session.backfill import Backfill
from fluxum.session.candles import Missed
from fluxum.sim.loop import SimulatedClock

S = 10**9
CANDLES = Subscription(Channel.CANDLE, BTC, interval_s=60)


class History:
    """Answers as it is told, after a while."""

    def __init__(self, answer: Sequence[Candle] | FluxumError, takes_s: float = 0.1) -> None:
        self.is_offered = True
        self.asked: list[tuple[float, tuple[Any, ...]]] = []
        self._answer = answer
        self._takes_s = takes_s

    async def candles(self, *what: Any) -> Sequence[Candle]:
        self.asked.append((asyncio.get_running_loop().time(), what))
        await asyncio.sleep(self._takes_s)
        if isinstance(self._answer, FluxumError):
            raise self._answer
        return self._answer


class Found:
    """What was found, or why nothing was."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def found(self, missed: Missed, candles: Sequence[Candle], now_ns: int) -> None:
        self.told.append(candles)

    def not_found(self, missed: Missed, reason: str, now_ns: int) -> None:
        self.told.append(reason)


async def looked_up(history: History, after_s: float = 0.0) -> list[Any]:
    clock, found = SimulatedClock(), Found()
    async with background() as work:
        backfill = Backfill("toy", history, found, clock, lambda: work)  # type: ignore[arg-type]
        missed = Missed(CANDLES, 60 * S, clock.now_ns() + int(after_s * S))
        assert backfill.look_up(missed) == history.is_offered
        await asyncio.sleep(300)
    return found.told


def test_history_is_asked_when_it_is_sure_to_have_what_is_missing() -> None:
    async def story() -> None:
        history = History([candle(1)])

        assert await looked_up(history, after_s=5.0) == [[candle(1)]]

        assert history.asked == [(5.0, (BTC, 60, 60 * S, None))]

    play(story)


@pytest.mark.parametrize(
    ("answer", "takes_s", "reason"),
    [
        (TransportError("no route"), 0.1, "no route"),
        (VenueRefused("no such market", "400"), 0.1, "no such market"),
        ([candle(1)], 100.0, "no answer in 60 s"),
    ],
)
def test_what_cannot_be_had_is_not_found_and_says_why(
    answer: list[Candle] | FluxumError, takes_s: float, reason: str
) -> None:
    async def story() -> None:
        assert await looked_up(History(answer, takes_s)) == [reason]

    play(story)


def test_a_venue_without_history_is_not_asked() -> None:
    async def story() -> None:
        history = History([])
        history.is_offered = False

        assert await looked_up(history) == []

    play(story)


def test_nothing_is_looked_up_outside_the_block_of_a_session() -> None:
    async def story() -> None:
        clock, found = SimulatedClock(), Found()
        backfill = Backfill("toy", History([]), found, clock, lambda: None)  # type: ignore[arg-type]

        assert not backfill.look_up(Missed(CANDLES, 0, 0))

    play(story)
