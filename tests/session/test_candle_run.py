"""One stream's candles: closed once, empty where nothing traded, corrected where they change."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from fluxum.model.instrument import Symbol
from fluxum.model.interval import MONTH_S
from fluxum.model.market import Candle
from fluxum.session.candle_run import MARGIN_NS, CandleRun

S = 10**9
MINUTE = 60 * S


def candle(minute: int, close: int = 100, volume: int = 1, **more: object) -> Candle:
    values: dict[str, object] = {
        "venue": "toy",
        "symbol": Symbol("BTC/USD"),
        "interval_s": 60,
        "start_ns": minute * MINUTE,
        "end_ns": (minute + 1) * MINUTE,
        "open": Decimal(100),
        "high": Decimal(max(100, close)),
        "low": Decimal(min(100, close)),
        "close": Decimal(close),
        "volume": Decimal(volume),
        "trades": volume,
        "received_ns": 7,
    }
    return Candle(**(values | more))  # type: ignore[arg-type]


def shown(candles: list[Candle]) -> list[tuple[int, int, int, bool]]:
    """Minute, close, trades, and whether it is a correction; all of them have to be closed."""
    assert all(one.closed for one in candles)
    return [
        (one.start_ns // MINUTE, int(one.close), one.trades or 0, one.is_correction)
        for one in candles
    ]


def test_a_candle_closes_by_the_clock_a_margin_after_its_end_and_once() -> None:
    run = CandleRun()
    assert run.take(candle(0, 101), 30 * S) == ([], candle(0, 101))
    assert run.due_ns == MINUTE + MARGIN_NS

    assert run.advance(MINUTE + MARGIN_NS - 1, 8) == []
    (closed,) = run.advance(MINUTE + MARGIN_NS, 8)

    assert closed == candle(0, 101, closed=True, received_ns=8)
    assert run.advance(MINUTE + MARGIN_NS, 9) == []
    # The venue says the same a moment later, and then a later interval does.
    assert run.take(candle(0, 101, closed=True), MINUTE + 4 * S) == ([], None)
    assert run.take(candle(1, 102), 62 * S) == ([], candle(1, 102))


def test_intervals_without_trades_are_empty_candles_at_the_last_close() -> None:
    run = CandleRun()
    run.take(candle(0, 101, volume=5, vwap=Decimal(100)), 30 * S)

    told = run.advance(4 * MINUTE, 8)

    assert shown(told) == [(0, 101, 5, False), (1, 101, 0, False), (2, 101, 0, False)]
    empty = told[1]
    price = Decimal(101)
    assert (empty.open, empty.high, empty.low, empty.close) == (price, price, price, price)
    assert (empty.volume, empty.trades, empty.vwap) == (Decimal(0), 0, None)
    assert (empty.start_ns, empty.end_ns) == (MINUTE, 2 * MINUTE)
    assert (empty.received_ns, empty.venue_ns, empty.backfilled) == (8, None, False)


def test_a_later_interval_closes_what_comes_before_it() -> None:
    run = CandleRun()
    run.take(candle(0, 101), 30 * S)

    before, told = run.take(candle(3, 105), 181 * S)

    assert shown(before) == [(0, 101, 1, False), (1, 101, 0, False), (2, 101, 0, False)]
    assert told == candle(3, 105)


def test_what_the_venue_closes_is_closed() -> None:
    run = CandleRun()

    _, told = run.take(candle(0, 101, closed=True), 60 * S)

    assert told == candle(0, 101, closed=True)
    assert run.expected_ns == MINUTE
    assert run.take(candle(0, 101, closed=True), 61 * S) == ([], None)


def test_a_closed_candle_that_changes_is_a_correction_and_takes_the_empty_ones_along() -> None:
    run = CandleRun()
    run.take(candle(0, 101), 30 * S)
    run.advance(4 * MINUTE, 8)

    before, told = run.take(candle(0, 103, volume=6), 4 * MINUTE)

    assert before == []
    assert told is not None
    assert told == candle(0, 103, volume=6, closed=True, is_correction=True)
    corrected = run.follow_empty(told, 9)
    assert shown(corrected) == [(1, 103, 0, True), (2, 103, 0, True)]
    assert all(one.backfilled for one in corrected)
    assert run.follow_empty(told, 9) == []
    # A trade in one that had seemed to be empty.
    _, late = run.take(candle(1, 99), 4 * MINUTE)
    assert late is not None
    assert shown([late]) == [(1, 99, 1, True)]
    assert shown(run.follow_empty(late, 9)) == [(2, 99, 0, True)]
    # That one stands for itself now: what comes before it changes nothing.
    _, again = run.take(candle(0, 104, volume=7), 4 * MINUTE)
    assert again is not None
    assert run.follow_empty(again, 9) == []


def test_a_number_of_trades_that_history_does_not_know_is_no_correction() -> None:
    run = CandleRun()
    run.take(candle(0, 101, closed=True), 60 * S)

    assert run.take(candle(0, 101, closed=True, trades=None), 70 * S) == ([], None)


def test_history_is_closed_where_it_is_over_and_repeated_only_once() -> None:
    run = CandleRun()
    rows = [candle(minute, 100 + minute, backfilled=True) for minute in (0, 1, 3)]

    told = [one for row in rows for one in _all(run.take(row, 3 * MINUTE + 30 * S))]

    assert shown(told[:-1]) == [(0, 100, 1, False), (1, 101, 1, False), (2, 101, 0, False)]
    assert all(one.backfilled for one in told)
    assert not told[-1].closed
    assert [run.take(row, 3 * MINUTE + 30 * S) for row in rows] == [([], None)] * 3


def test_nothing_is_closed_while_a_stream_is_broken() -> None:
    run = CandleRun()
    run.take(candle(0, 101), 30 * S)
    run.is_broken = True

    assert run.advance(10 * MINUTE, 8) == []
    assert not run.leaves_hole(candle(0, 102))
    assert run.leaves_hole(candle(1, 102))
    run.skip_to(5 * MINUTE)
    assert not run.is_broken
    assert run.expected_ns is None
    assert run.take(candle(5, 101), 5 * MINUTE) == ([], candle(5, 101))
    assert run.take(candle(0, 101, closed=True), 5 * MINUTE) == ([], None)  # given up


def test_months_are_those_of_the_calendar() -> None:
    january, february, march = 1_767_225_600 * S, 1_769_904_000 * S, 1_772_323_200 * S
    run = CandleRun()
    month = candle(0, 101, interval_s=MONTH_S, start_ns=january, end_ns=february)
    run.take(month, february)

    told = run.advance(march + MARGIN_NS, 8)

    assert [(one.start_ns, one.end_ns) for one in told] == [
        (january, february),
        (february, march),
    ]
    assert run.start_at(march + 45 * 24 * 3600 * S) == 1_775_001_600 * S  # the first of April


def test_intervals_are_counted_from_those_of_the_venue() -> None:
    week_s = 7 * 24 * 3600
    monday = 1_767_571_200 * S  # 2026-01-05; weeks counted from 1970 begin on Thursdays
    run = CandleRun()
    run.take(candle(0, interval_s=week_s, start_ns=monday, end_ns=monday + week_s * S), monday)

    assert run.start_at(monday + 20 * 24 * 3600 * S) == monday + 2 * week_s * S
    assert run.start_at(monday - 1) == monday


def test_a_run_without_a_candle_has_nothing_to_close() -> None:
    run = CandleRun()

    assert run.advance(10 * MINUTE, 8) == []
    assert (run.due_ns, run.expected_ns, run.last_received_ns) == (None, None, None)
    assert not run.leaves_hole(candle(5))


def test_a_very_long_hole_is_not_filled_with_empty_candles() -> None:
    run = CandleRun()
    run.take(candle(0, 101), 30 * S)

    before, told = run.take(candle(10_000, 105), 10_000 * MINUTE)

    assert len(before) <= 100
    assert told == candle(10_000, 105)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 8), st.integers(95, 105), st.integers(1, 3), st.booleans(), st.booleans()
        ),
        max_size=30,
    )
)
def test_every_interval_is_closed_once_in_order_and_only_corrections_repeat(
    steps: list[tuple[int, int, int, bool, bool]],
) -> None:
    run = CandleRun()
    closed: dict[int, Candle] = {}
    last_ns = 0
    for minute, close, volume, is_closed, passes in steps:
        last_ns = max(last_ns, minute * MINUTE)
        told = _all(run.take(candle(minute, close, volume, closed=is_closed), last_ns))
        if told and told[-1].is_correction:
            told += run.follow_empty(told[-1], 9)
        if passes:
            last_ns += 90 * S
            told += run.advance(last_ns, 9)
        for one in told:
            known = closed.get(one.start_ns)
            assert (known is not None) == one.is_correction
            assert known is None or one.closed
            if one.closed:
                closed[one.start_ns] = one
    minutes = {start // MINUTE for start in closed}
    if minutes:  # none is missing between the first received and the last closed
        assert minutes >= set(range(steps[0][0], max(minutes)))


def _all(taken: tuple[list[Candle], Candle | None]) -> list[Candle]:
    before, told = taken
    return before if told is None else [*before, told]
