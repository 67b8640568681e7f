"""A candle closes once; what comes later is late, the same, or a correction."""

from decimal import Decimal

from fluxum.model.instrument import Symbol
from fluxum.model.market import Candle
from fluxum.venues.closed_candles import ClosedCandles

MINUTE = 60_000_000_000


def candle(minute: int, close: int, *, closed: bool) -> Candle:
    return Candle(
        venue="okx",
        symbol=Symbol("BTC/USDT"),
        interval_s=60,
        start_ns=minute * MINUTE,
        end_ns=(minute + 1) * MINUTE,
        open=Decimal(1),
        high=Decimal(9),
        low=Decimal(1),
        close=Decimal(close),
        volume=Decimal(3),
        closed=closed,
        received_ns=1,
    )


def admitted(memory: ClosedCandles, minute: int, close: int, *, closed: bool) -> str:
    published = memory.admit(candle(minute, close, closed=closed))
    if published is None:
        return "no news"
    return "correction" if published.is_correction else "closed" if published.closed else "running"


def test_a_running_candle_is_news_each_time_until_it_is_closed() -> None:
    memory = ClosedCandles()

    assert [admitted(memory, 1, close, closed=False) for close in (2, 2, 3)] == ["running"] * 3
    assert admitted(memory, 1, 3, closed=True) == "closed"
    assert admitted(memory, 1, 3, closed=False) == "no news"


def test_a_candle_closes_once_and_a_change_is_a_correction() -> None:
    memory = ClosedCandles()

    assert [admitted(memory, 1, 2, closed=True) for _ in range(3)] == ["closed", *["no news"] * 2]
    assert [admitted(memory, 1, 4, closed=True) for _ in range(2)] == ["correction", "no news"]


def test_a_candle_may_close_after_the_next_has_begun_but_runs_no_more() -> None:
    memory = ClosedCandles()
    admitted(memory, 1, 2, closed=False)
    admitted(memory, 2, 2, closed=False)

    assert admitted(memory, 1, 3, closed=False) == "no news"
    assert admitted(memory, 1, 3, closed=True) == "closed"
    assert admitted(memory, 2, 5, closed=False) == "running"


def test_only_the_last_hundred_are_remembered() -> None:
    memory = ClosedCandles()
    for minute in range(200):
        assert admitted(memory, minute, 2, closed=True) == "closed"

    assert admitted(memory, 150, 2, closed=True) == "no news"
    assert admitted(memory, 150, 3, closed=True) == "correction"
    assert admitted(memory, 50, 3, closed=True) == "no news"
