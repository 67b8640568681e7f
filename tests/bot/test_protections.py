"""Pauses after bad trades; instants and sums by hand."""

from decimal import Decimal

import pytest

from bot.bots import ETH, ONE, at
from fluxum.bot import Market
from fluxum.bot.profit import Trip
from fluxum.bot.protections import (
    Cooldown,
    DrawdownPause,
    LossStreak,
    LowProfit,
    Pause,
    Protection,
    Protections,
)
from fluxum.errors import BadInput


def trip(seconds: float, profit: int, market: Market = ONE) -> Trip:
    return Trip(
        market=market, opened_ns=at(seconds - 1), closed_ns=at(seconds), profit=Decimal(profit)
    )


def pauses(protection: Protection, *trips: Trip) -> list[tuple[float, Market | None]]:
    """After how many seconds a pause ends, and of which market; of the last trip."""
    guard = Protections([protection])
    begun: list[Pause] = []
    for one in trips:
        begun = guard.take(one)
    return [((one.until_ns - at(0)) / 1e9, one.market) for one in begun]


def test_a_cooldown_pauses_the_market_of_each_trip() -> None:
    assert pauses(Cooldown(pause_s=30), trip(10, 5)) == [(40, ONE)]


def test_losses_in_a_row_pause_all_markets() -> None:
    streak = LossStreak(losses=2, within_s=100, pause_s=30)

    assert pauses(streak, trip(10, -1)) == []
    assert pauses(streak, trip(10, -1), trip(20, 1), trip(30, -1)) == []
    assert pauses(streak, trip(10, -1), trip(20, -1, ETH)) == [(50, None)]
    assert pauses(streak, trip(10, -1), trip(111, -1)) == []  # not within 100 s


def test_a_drawdown_of_the_sum_pauses_all_markets() -> None:
    guard = DrawdownPause(drawdown=Decimal(5), within_s=100, pause_s=30)

    # The sum is 10, then 6 (4 below its high), then 5.
    assert pauses(guard, trip(10, 10), trip(20, -4)) == []
    assert pauses(guard, trip(10, 10), trip(20, -4), trip(30, -1)) == [(60, None)]


def test_low_profit_pauses_its_market_after_enough_trips() -> None:
    guard = LowProfit(profit_min=Decimal(1), trades_min=2, within_s=100, pause_s=30)

    assert pauses(guard, trip(10, -5)) == []
    assert pauses(guard, trip(10, -5), trip(20, -5, ETH)) == []
    assert pauses(guard, trip(10, -5), trip(20, 5)) == [(50, ONE)]
    assert pauses(guard, trip(10, -5), trip(20, 6)) == []


def test_a_pause_holds_until_its_instant() -> None:
    guard = Protections([Cooldown(pause_s=30)])
    guard.take(trip(10, 5))

    assert guard.paused(ONE, at(39.9)) is not None
    assert guard.paused(ETH, at(20)) is None
    assert guard.paused(ONE, at(40)) is None


def test_a_protection_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(BadInput, match="pause_s: 1 or more was expected, was 0"):
        Cooldown(pause_s=0)
