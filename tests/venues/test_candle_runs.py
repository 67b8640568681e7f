"""Tests of when candles close, at a venue that never publishes that."""

from decimal import Decimal

from msgspec import structs

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


def marks(candles: list[Candle]) -> list[tuple[int, str, str]]:
    """Minute, close, and marks of each: running, closed, history or correction."""
    rows: list[tuple[int, str, str]] = []
    for one in candles:
        words = ["closed" if one.closed else "running"]
        words += ["history"] if one.backfilled else []
        words += ["correction"] if one.is_correction else []
        rows.append((one.start_ns // SECOND // 60, str(one.close), " ".join(words)))
    return rows


def test_history_is_closed_and_marked_but_for_the_candle_that_runs() -> None:
    runs = CandleRuns()

    assert marks(runs.take(BTC, [candle(3), candle(1), candle(2)], is_history=True)) == [
        (1, "10", "closed history"),
        (2, "10", "closed history"),
        (3, "10", "running"),
    ]


def test_a_later_interval_closes_the_running_candle_as_it_was_last() -> None:
    runs = CandleRuns()
    runs.take(BTC, [candle(1, "10")])
    runs.take(BTC, [candle(1, "12")])

    closed, running = runs.take(BTC, [candle(2, "13", received_ns=9)])

    assert marks([closed, running]) == [(1, "12", "closed"), (2, "13", "running")]
    assert closed.received_ns == 9


def test_history_that_is_sent_again_is_not_published_again() -> None:
    runs = CandleRuns()
    runs.take(BTC, [candle(1), candle(2)], is_history=True)

    assert marks(runs.take(BTC, [candle(1), candle(2), candle(3)], is_history=True)) == [
        (2, "10", "closed history"),
        (3, "10", "running"),
    ]
    assert marks(runs.take(BTC, [candle(1), candle(2)])) == []


def test_a_candle_closes_once_and_then_is_corrected() -> None:
    runs = CandleRuns()
    runs.take(BTC, [candle(1)])
    runs.take(BTC, [candle(2)])

    assert marks(runs.take(BTC, [candle(1)])) == []
    assert marks(runs.take(BTC, [candle(1, "12")])) == [(1, "12", "closed correction")]
    assert marks(runs.take(BTC, [candle(1, "12"), candle(2)], is_history=True)) == [
        (2, "10", "running")
    ]
    assert marks(runs.take(BTC, [candle(1, "13")], is_history=True)) == [
        (1, "13", "closed history correction")
    ]


def test_a_late_trade_corrects_a_closed_candle_and_ends_no_other() -> None:
    runs = CandleRuns()
    runs.take(BTC, [candle(0, "1.2")])

    assert marks(runs.take(BTC, [candle(5, "1.3")])) == [
        (0, "1.2", "closed"),
        (5, "1.3", "running"),
    ]
    assert marks(runs.take(BTC, [candle(0, "1.25")])) == [(0, "1.25", "closed correction")]
    assert marks(runs.take(BTC, [candle(5, "1.4")])) == [(5, "1.4", "running")]
    assert marks(runs.take(BTC, [candle(0, "1.25")])) == []
    assert marks(runs.take(BTC, [candle(6, "1.5")])) == [
        (5, "1.4", "closed"),
        (6, "1.5", "running"),
    ]


def test_a_history_after_a_hole_closes_what_ran_with_its_last_state() -> None:
    runs = CandleRuns()
    runs.take(BTC, [candle(0, "1.1")])
    again = [candle(0, "1.15"), candle(1, "1.2"), candle(2, "1.3")]

    assert marks(runs.take(BTC, again, is_history=True)) == [
        (0, "1.15", "closed history"),
        (1, "1.2", "closed history"),
        (2, "1.3", "running"),
    ]
    assert marks(runs.take(BTC, [candle(3)])) == [(2, "1.3", "closed"), (3, "10", "running")]


def test_a_closed_candle_that_differs_in_a_history_is_a_correction() -> None:
    runs = CandleRuns()
    runs.take(BTC, [candle(0, "1.1")])
    runs.take(BTC, [candle(1, "1.2")])

    assert marks(runs.take(BTC, [candle(0, "1.15"), candle(1, "1.2")], is_history=True)) == [
        (0, "1.15", "closed history correction"),
        (1, "1.2", "running"),
    ]


def test_a_last_candle_that_the_caller_knows_as_closed_does_not_run() -> None:
    runs = CandleRuns()
    over = structs.replace(candle(0, "1.1"), closed=True)

    assert marks(runs.take(BTC, [over], is_history=True)) == [(0, "1.1", "closed history")]
    assert marks(runs.take(BTC, [candle(0, "1.1")])) == []
    assert marks(runs.take(BTC, [candle(4)])) == [(4, "10", "running")]


def test_a_candle_before_the_one_that_runs_is_closed_and_no_correction_if_it_is_news() -> None:
    runs = CandleRuns()
    runs.take(BTC, [candle(5)])

    assert marks(runs.take(BTC, [candle(3)])) == [(3, "10", "closed")]


def test_as_many_closed_candles_are_remembered_as_are_kept() -> None:
    runs = CandleRuns(kept=1000)
    for minute in range(1100):
        runs.take(BTC, [candle(minute)])

    assert marks(runs.take(BTC, [candle(100)])) == []
    assert marks(runs.take(BTC, [candle(50)])) == [(50, "10", "closed")]


def test_a_candle_that_may_lack_trades_is_closed_by_no_memory() -> None:
    runs = CandleRuns()
    runs.take(BTC, [candle(1)])
    runs.take("other", [candle(1)])

    runs.doubt(BTC)

    assert marks(runs.take(BTC, [candle(2)])) == [(2, "10", "running")]
    assert marks(runs.take(BTC, [candle(1, "12"), candle(2)], is_history=True)) == [
        (1, "12", "closed history"),
        (2, "10", "running"),
    ]
    runs.doubt_all()
    assert marks(runs.take("other", [candle(2)])) == [(2, "10", "running")]


def test_a_stream_that_ended_is_forgotten() -> None:
    runs = CandleRuns()
    runs.take(BTC, [candle(1), candle(2)])

    assert BTC in runs
    runs.forget(BTC)

    assert BTC not in runs
    assert marks(runs.take(BTC, [candle(1), candle(2)])) == [
        (1, "10", "closed"),
        (2, "10", "running"),
    ]
    assert runs.take(BTC, []) == []
