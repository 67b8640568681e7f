"""What a list of candles leaves out, said in one line."""

from decimal import Decimal

from fluxum.cli.candle_gaps import CandleGaps
from fluxum.model.instant import parse_rfc3339
from fluxum.model.instrument import Symbol
from fluxum.model.market import Candle

HOUR_S = 3600
ONE = Decimal(1)


def at(hour: int, day: int = 1) -> int:
    return parse_rfc3339(f"2026-01-{day:02}T{hour:02}:00:00Z")


def candle(start_ns: int, interval_s: int = HOUR_S, end_ns: int | None = None) -> Candle:
    return Candle(
        venue="v",
        symbol=Symbol("A/B"),
        interval_s=interval_s,
        start_ns=start_ns,
        end_ns=end_ns or start_ns + interval_s * 10**9,
        open=ONE,
        high=ONE,
        low=ONE,
        close=ONE,
        volume=ONE,
        received_ns=0,
    )


def test_a_whole_period_lacks_nothing() -> None:
    gaps = CandleGaps(HOUR_S, at(0))

    gaps.add([candle(at(0)), candle(at(1))])
    gaps.add([candle(at(2))])

    assert gaps.end(at(3)) == ""
    assert (gaps.count, gaps.candles) == (0, 3)


def test_what_is_missing_is_named_at_the_begin_in_between_and_at_the_end() -> None:
    gaps = CandleGaps(HOUR_S, at(0))

    gaps.add([candle(at(2)), candle(at(3)), candle(at(6))])

    assert gaps.end(at(10)) == (
        "no candles from 2026-01-01T00:00:00Z to 2026-01-01T02:00:00Z, "
        "2026-01-01T04:00:00Z to 2026-01-01T06:00:00Z, "
        "2026-01-01T07:00:00Z to 2026-01-01T10:00:00Z"
    )
    assert gaps.count == 3


def test_a_period_that_begins_or_ends_within_an_interval_lacks_nothing() -> None:
    half_ns = 1800 * 10**9
    gaps = CandleGaps(HOUR_S, at(0) + half_ns)

    gaps.add([candle(at(1))])

    assert gaps.end(at(2) + half_ns) == ""


def test_a_list_without_a_begin_is_judged_from_its_first_candle_on() -> None:
    gaps = CandleGaps(HOUR_S, None)
    assert gaps.end(at(5)) == ""

    gaps.add([candle(at(2)), candle(at(4))])

    assert gaps.end(at(5)) == "no candles from 2026-01-01T03:00:00Z to 2026-01-01T04:00:00Z"


def test_only_the_first_gaps_are_named_and_all_are_counted() -> None:
    gaps = CandleGaps(HOUR_S, at(0))

    gaps.add(candle(at(hour)) for hour in range(1, 16, 2))

    text = gaps.end(at(16))
    assert gaps.count == 8
    assert text.endswith("2026-01-01T08:00:00Z to 2026-01-01T09:00:00Z, and in 3 more gaps")


def test_months_follow_each_other_whatever_their_length() -> None:
    month_s = 30 * 86_400
    january, february = parse_rfc3339("2026-01-01T00:00:00Z"), parse_rfc3339("2026-02-01T00:00:00Z")
    march, april = parse_rfc3339("2026-03-01T00:00:00Z"), parse_rfc3339("2026-04-01T00:00:00Z")
    gaps = CandleGaps(month_s, january)

    gaps.add([candle(january, month_s, february), candle(february, month_s, march)])

    assert gaps.end(april - 1) == "no candles from 2026-03-01T00:00:00Z to 2026-03-31T23:59:59Z"
