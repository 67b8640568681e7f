"""Tests of candles as venues list them over REST."""

from decimal import Decimal

from fluxum.model.instrument import Symbol
from fluxum.model.market import Candle
from fluxum.venues.candle_history import candle_history
from fluxum.venues.rows import Rows

MINUTE = 60 * 1_000_000_000


def candle(minute: int, close: str = "10") -> Candle:
    return Candle(
        venue="toy",
        symbol=Symbol("BTC/USD"),
        interval_s=60,
        start_ns=minute * MINUTE,
        end_ns=(minute + 1) * MINUTE,
        open=Decimal(10),
        high=Decimal(11),
        low=Decimal(9),
        close=Decimal(close),
        volume=Decimal(1),
        received_ns=7,
    )


def told(received_ns: int, *candles: Candle) -> list[tuple[int, str, bool]]:
    found = candle_history(Rows(candles), received_ns)
    assert all(one.backfilled for one in found)
    return [(one.start_ns // MINUTE, str(one.close), one.closed) for one in found]


def test_the_oldest_comes_first_and_the_newest_of_one_start_is_it() -> None:
    listed = (candle(3, "13"), candle(2, "12"), candle(2, "11"), candle(1, "10"))

    assert told(3 * MINUTE, *listed) == [(1, "10", True), (2, "12", True), (3, "13", False)]


def test_the_last_one_is_closed_once_no_clock_can_be_so_wrong() -> None:
    assert told(6 * MINUTE - 1, candle(3)) == [(3, "10", False)]
    assert told(6 * MINUTE, candle(3)) == [(3, "10", True)]


def test_nothing_listed_is_nothing() -> None:
    assert told(0) == []
