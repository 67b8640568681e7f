"""What a candle that comes means, by those that came before it."""

from decimal import Decimal

from fluxum.model.instrument import Symbol
from fluxum.model.market import Candle
from fluxum.venues.kraken.candles import CandleRun

MINUTE_NS = 60_000_000_000


def candle(minute: int, close: str = "1", *, sent_s: int | None = None) -> Candle:
    """The candle of a minute; `sent_s` is the venue's time of its frame, in seconds."""
    return Candle(
        venue="kraken",
        symbol=Symbol("ADA/USD"),
        interval_s=60,
        start_ns=minute * MINUTE_NS,
        end_ns=(minute + 1) * MINUTE_NS,
        open=Decimal(1),
        high=Decimal(2),
        low=Decimal(1),
        close=Decimal(close),
        volume=Decimal(1),
        venue_ns=None if sent_s is None else sent_s * 1_000_000_000,
        received_ns=0,
    )


def marks(candles: list[Candle]) -> list[tuple[int, str, str]]:
    """Minute, close and what is said of it."""
    return [
        (
            one.start_ns // MINUTE_NS,
            str(one.close),
            " ".join(
                word
                for word, is_so in (
                    ("closed", one.closed),
                    ("backfilled", one.backfilled),
                    ("correction", one.is_correction),
                )
                if is_so
            ),
        )
        for one in candles
    ]


def test_a_candle_is_closed_once_by_the_first_of_a_later_interval() -> None:
    run = CandleRun()

    assert marks(run.update(candle(0, "1.2"))) == [(0, "1.2", "")]
    assert marks(run.update(candle(5, "1.3"))) == [(0, "1.2", "closed"), (5, "1.3", "")]
    # A late trade of the minute that was closed: a correction, and no second end of it.
    assert marks(run.update(candle(0, "1.25"))) == [(0, "1.25", "closed correction")]
    assert marks(run.update(candle(5, "1.4"))) == [(5, "1.4", "")]
    assert marks(run.update(candle(0, "1.25"))) == []
    assert marks(run.update(candle(6, "1.5"))) == [(5, "1.4", "closed"), (6, "1.5", "")]


def test_a_snapshot_is_history_that_is_told_once_and_the_one_that_runs() -> None:
    run = CandleRun()
    last = [candle(0, "1.1"), candle(1, "1.2"), candle(2, "1.3")]

    assert marks(run.snapshot(last)) == [
        (0, "1.1", "closed backfilled"),
        (1, "1.2", "closed backfilled"),
        (2, "1.3", ""),
    ]
    assert marks(run.snapshot(last)) == [(2, "1.3", "")]


def test_a_snapshot_after_a_hole_closes_what_ran_with_its_last_state() -> None:
    run = CandleRun()
    run.update(candle(0, "1.1"))

    again = [candle(0, "1.15"), candle(1, "1.2"), candle(2, "1.3")]

    assert marks(run.snapshot(again)) == [
        (0, "1.15", "closed backfilled"),
        (1, "1.2", "closed backfilled"),
        (2, "1.3", ""),
    ]
    assert marks(run.update(candle(3))) == [(2, "1.3", "closed"), (3, "1", "")]


def test_a_closed_candle_that_differs_in_a_snapshot_is_a_correction() -> None:
    run = CandleRun()
    run.update(candle(0, "1.1"))
    run.update(candle(1, "1.2"))

    assert marks(run.snapshot([candle(0, "1.15"), candle(1, "1.2")])) == [
        (0, "1.15", "closed backfilled correction"),
        (1, "1.2", ""),
    ]


def test_the_last_candle_of_a_snapshot_that_came_after_its_end_is_history() -> None:
    run = CandleRun()

    assert marks(run.snapshot([candle(0, "1.1", sent_s=59)])) == [(0, "1.1", "")]
    run = CandleRun()
    assert marks(run.snapshot([candle(0, "1.1", sent_s=60)])) == [(0, "1.1", "closed backfilled")]
    assert marks(run.update(candle(4))) == [(4, "1", "")]


def test_a_candle_before_the_one_that_runs_is_closed_and_no_correction_if_it_is_news() -> None:
    run = CandleRun()
    run.update(candle(5))

    assert marks(run.update(candle(3))) == [(3, "1", "closed")]


def test_a_thousand_closed_candles_are_remembered() -> None:
    run = CandleRun()
    for minute in range(1100):
        run.update(candle(minute))

    assert marks(run.update(candle(100, "1"))) == []
    assert marks(run.update(candle(50, "1"))) == [(50, "1", "closed")]
