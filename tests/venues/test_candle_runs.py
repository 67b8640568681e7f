"""Tests of when candles close, at a venue that never says so."""

from decimal import Decimal

from fluxum.model.instrument import Symbol
from fluxum.model.market import Candle
from fluxum.venues.candle_runs import CandleRuns

BTC = Symbol("BTC/USD")
SECOND = 1_000_000_000


def candle(minute: int, close: str = "10", received_ns: int = 7) -> Candle:
    return Candle(
        venue="toy",
        symbol=BTC,
        interval_s=60,
        start_ns=minute * 60 * SECOND,
        end_ns=(minute + 1) * 60 * SECOND,
        open=Decimal(10),
        high=Decimal(11),
        low=Decimal(9),
        close=Decimal(close),
        volume=Decimal(1),
        received_ns=received_ns,
    )


def told(candles: list[Candle]) -> list[tuple[int, str, str]]:
    """Minute, close, and what is said of each: running, closed, history or correction."""
    said: list[tuple[int, str, str]] = []
    for one in candles:
        words = ["closed" if one.closed else "running"]
        words += ["history"] if one.backfilled else []
        words += ["correction"] if one.is_correction else []
        said.append((one.start_ns // SECOND // 60, str(one.close), " ".join(words)))
    return said


def test_history_is_closed_and_marked_but_for_the_candle_that_runs() -> None:
    runs = CandleRuns()

    assert told(runs.take(BTC, [candle(3), candle(1), candle(2)], is_history=True)) == [
        (1, "10", "closed history"),
        (2, "10", "closed history"),
        (3, "10", "running"),
    ]


def test_a_later_interval_closes_the_running_candle_as_it_was_last() -> None:
    runs = CandleRuns()
    runs.take(BTC, [candle(1, "10")])
    runs.take(BTC, [candle(1, "12")])

    closed, running = runs.take(BTC, [candle(2, "13", received_ns=9)])

    assert told([closed, running]) == [(1, "12", "closed"), (2, "13", "running")]
    assert closed.received_ns == 9


def test_history_that_is_told_again_is_no_news() -> None:
    runs = CandleRuns()
    runs.take(BTC, [candle(1), candle(2)], is_history=True)

    assert told(runs.take(BTC, [candle(1), candle(2), candle(3)], is_history=True)) == [
        (2, "10", "closed history"),
        (3, "10", "running"),
    ]
    assert told(runs.take(BTC, [candle(1), candle(2)])) == []


def test_a_candle_closes_once_and_then_is_corrected() -> None:
    runs = CandleRuns()
    runs.take(BTC, [candle(1)])
    runs.take(BTC, [candle(2)])

    assert told(runs.take(BTC, [candle(1)])) == []
    assert told(runs.take(BTC, [candle(1, "12")])) == [(1, "12", "closed correction")]
    assert told(runs.take(BTC, [candle(1, "12"), candle(2)], is_history=True)) == [
        (2, "10", "running")
    ]
    assert told(runs.take(BTC, [candle(1, "13")], is_history=True)) == [
        (1, "13", "closed history correction")
    ]


def test_a_candle_that_may_lack_trades_is_closed_by_no_memory() -> None:
    runs = CandleRuns()
    runs.take(BTC, [candle(1)])
    runs.take("other", [candle(1)])

    runs.doubt(BTC)

    assert told(runs.take(BTC, [candle(2)])) == [(2, "10", "running")]
    assert told(runs.take(BTC, [candle(1, "12"), candle(2)], is_history=True)) == [
        (1, "12", "closed history"),
        (2, "10", "running"),
    ]
    runs.doubt_all()
    assert told(runs.take("other", [candle(2)])) == [(2, "10", "running")]


def test_a_stream_that_ended_is_another_story() -> None:
    runs = CandleRuns()
    runs.take(BTC, [candle(1), candle(2)])

    runs.forget(BTC)

    assert told(runs.take(BTC, [candle(1), candle(2)])) == [
        (1, "10", "closed"),
        (2, "10", "running"),
    ]
    assert runs.take(BTC, []) == []
