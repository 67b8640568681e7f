"""Candles from trades: closed at the first event at or after their end, never before."""

from decimal import Decimal

from fluxum.back.candles import CandleBuilder
from fluxum.model.instrument import Symbol
from fluxum.model.interval import MONTH_S
from fluxum.model.market import Candle, Side, Trade

S = 10**9
T0 = 1_767_225_600 * S  # 2026-01-01T00:00:00Z
BTC = Symbol("BTC/USD")


def trade(at_s: float, price: int, quantity: int = 1, received_s: float | None = None) -> Trade:
    return Trade(
        venue="kraken",
        symbol=BTC,
        side=Side.BUY,
        price=Decimal(price),
        quantity=Decimal(quantity),
        trade_id="1",
        venue_ns=T0 + int(at_s * S),
        received_ns=T0 + int((at_s if received_s is None else received_s) * S),
    )


def fed(builder: CandleBuilder, *trades: Trade) -> list[Candle]:
    closed: list[Candle] = []
    for one in trades:
        closed += builder.advance(one.received_ns)
        builder.take(one)
    return closed


def prices(candle: Candle) -> tuple[int, ...]:
    numbers = (candle.open, candle.high, candle.low, candle.close, candle.volume)
    return tuple(map(int, numbers))


def test_a_candle_is_closed_at_its_end_and_not_a_nanosecond_before() -> None:
    builder = CandleBuilder("kraken", BTC, 60)
    fed(builder, trade(59, 9), trade(60, 10), trade(75, 14, 2), trade(110, 7), trade(119, 8, 3))

    assert builder.due_ns == T0 + 120 * S
    assert list(builder.advance(T0 + 120 * S - 1)) == []
    (closed,) = builder.advance(T0 + 120 * S)
    assert prices(closed) == (10, 14, 7, 8, 7)
    assert (closed.start_ns, closed.end_ns, closed.trades) == (T0 + 60 * S, T0 + 120 * S, 4)
    assert closed.closed
    assert closed.received_ns == T0 + 120 * S


def test_the_first_interval_is_not_told_as_its_beginning_was_not_seen() -> None:
    builder = CandleBuilder("kraken", BTC, 60)

    assert fed(builder, trade(59, 9), trade(61, 10)) == []


def test_an_interval_without_trades_is_a_candle_of_volume_0_at_the_close_before() -> None:
    builder = CandleBuilder("kraken", BTC, 60)

    closed = fed(builder, trade(30, 9), trade(60, 10), trade(100, 12), trade(250, 11))

    empty = (12, 12, 12, 12, 0)
    assert [prices(one) for one in closed] == [(10, 12, 10, 12, 2), empty, empty]
    assert [one.trades for one in closed] == [2, 0, 0]
    assert [(one.end_ns - T0) // S for one in closed] == [120, 180, 240]


def test_a_trade_that_comes_after_its_candle_was_closed_corrects_it() -> None:
    builder = CandleBuilder("kraken", BTC, 60)
    fed(builder, trade(30, 9), trade(60, 10))
    list(builder.advance(T0 + 120 * S))

    corrected = builder.take(trade(119, 15, received_s=121))

    assert corrected is not None
    assert corrected.is_correction
    assert prices(corrected) == (10, 15, 10, 15, 2)
    builder.take(trade(125, 16))
    list(builder.advance(T0 + 180 * S))
    assert builder.take(trade(119, 15, received_s=181)) is None
    assert builder.late == 1


def test_months_are_those_of_the_calendar_in_utc() -> None:
    builder = CandleBuilder("kraken", BTC, MONTH_S)
    january_s, february_s, march_s = 0, 31 * 86_400, (31 + 28) * 86_400

    closed = fed(
        builder, trade(january_s + 5, 1), trade(february_s, 2), trade(march_s - 1, 3),
        trade(march_s, 4),
    )  # fmt: skip

    assert [prices(one) for one in closed] == [(2, 3, 2, 3, 2)]
    assert (closed[0].end_ns - closed[0].start_ns) // (86_400 * S) == 28


def test_days_of_23_and_25_hours_do_not_exist() -> None:
    builder = CandleBuilder("kraken", BTC, 86_400)
    days = [trade(day * 86_400 + 43_200, day + 1) for day in range(120)]  # across 29 March 2026

    closed = fed(builder, *days)

    assert len(closed) == 118
    assert {one.end_ns - one.start_ns for one in closed} == {86_400 * S}
    assert {one.start_ns % (86_400 * S) for one in closed} == {0}
