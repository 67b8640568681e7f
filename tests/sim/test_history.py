"""Tests of `sim.history`: candles and statistics, worked out by hand."""

from decimal import Decimal

import pytest

from fluxum.model.instrument import Symbol
from fluxum.model.market import Level, Side, Trade
from fluxum.sim.history import History
from fluxum.sim.instruments import listing
from fluxum.venues.kraken.venue import KRAKEN

SECOND = 1_000_000_000
START = 1_767_225_600 * SECOND  # a full day, hour and minute


def trade(at_s: float, price: str, quantity: str, number: int) -> Trade:
    at_ns = START + int(at_s * SECOND)
    return Trade(
        venue="kraken",
        symbol=Symbol("FOO/USD"),
        side=Side.BUY,
        price=Decimal(price),
        quantity=Decimal(quantity),
        trade_id=str(number),
        venue_ns=at_ns,
        received_ns=at_ns,
    )


def history() -> History:
    """Four trades, in the minutes 0, 0, 1 and 3."""
    one = History(listing(KRAKEN, Symbol("FOO/USD"), START).instrument)
    for number, (at_s, price, quantity) in enumerate(
        [(10, "10.00", "1"), (50, "10.50", "3"), (60, "10.20", "2"), (200, "9.00", "4")]
    ):
        one.add(trade(at_s, price, quantity, number))
    return one


def test_candles_are_made_of_the_trades_of_their_interval() -> None:
    candles = history().candles(60, 10, START + 200 * SECOND)

    assert [(one.start_ns - START) // SECOND for one in candles] == [0, 60, 180]
    first = candles[0]
    assert (first.open, first.high, first.low, first.close) == (
        Decimal("10.00"),
        Decimal("10.50"),
        Decimal("10.00"),
        Decimal("10.50"),
    )
    assert first.volume == 4
    assert first.vwap == Decimal("10.38")  # (10.00 * 1 + 10.50 * 3) / 4 = 10.375, half to even
    assert first.trades == 2
    assert [one.closed for one in candles] == [True, True, False]


@pytest.mark.parametrize("interval_s", [120, 300, 7])
def test_candles_asked_for_late_are_those_of_one_who_asked_at_once(interval_s: int) -> None:
    early, late = history(), history()
    early.candles(interval_s, 1, START)
    for one in (early, late):
        one.add(trade(201, "9.10", "1", 5))
        one.add(trade(400, "9.20", "1", 6))

    now_ns = START + 400 * SECOND
    assert early.candles(interval_s, 99, now_ns) == late.candles(interval_s, 99, now_ns)


def test_wider_candles_sum_up_their_minutes() -> None:
    (candle,) = history().candles(300, 10, START + 200 * SECOND)

    assert (candle.open, candle.high, candle.low, candle.close) == (
        Decimal("10.00"),
        Decimal("10.50"),
        Decimal("9.00"),
        Decimal("9.00"),
    )
    assert candle.volume == 10
    assert candle.vwap == Decimal("9.79")  # (10 + 31.5 + 20.4 + 36) / 10 = 9.79
    assert candle.trades == 4


def test_the_last_candle_alone_is_the_running_one() -> None:
    (candle,) = history().candles(60, 1, START + 200 * SECOND)

    assert candle.start_ns == START + 180 * SECOND
    assert candle.trades == 1


def test_the_ticker_is_the_sum_of_all_trades_beside_the_best_levels() -> None:
    bid, ask = Level(Decimal("8.99"), Decimal(5)), Level(Decimal("9.01"), Decimal(7))

    ticker = history().ticker(bid, ask, START + 200 * SECOND)

    assert (ticker.bid, ticker.bid_quantity) == (Decimal("8.99"), Decimal(5))
    assert (ticker.ask, ticker.ask_quantity) == (Decimal("9.01"), Decimal(7))
    assert (ticker.last, ticker.last_quantity) == (Decimal("9.00"), Decimal(4))
    assert (ticker.volume, ticker.trades) == (Decimal(10), 4)
    assert (ticker.low, ticker.high, ticker.open) == (
        Decimal("9.00"),
        Decimal("10.50"),
        Decimal("10.00"),
    )
    assert ticker.vwap == Decimal("9.79")
    assert (ticker.change, ticker.change_percent) == (Decimal("-1.00"), Decimal("-10.00"))


def test_before_the_first_trade_there_are_only_levels() -> None:
    empty = History(listing(KRAKEN, Symbol("FOO/USD"), START).instrument)

    ticker = empty.ticker(None, Level(Decimal("9.01"), Decimal(7)), START)

    assert (ticker.bid, ticker.ask) == (None, Decimal("9.01"))
    assert (ticker.last, ticker.volume, ticker.trades) == (None, None, None)
    assert list(empty.trades(5)) == []
    assert list(empty.candles(60, 5, START)) == []


def test_no_trade_is_asked_for_and_none_comes() -> None:
    assert list(history().trades(0)) == []
    assert [one.trade_id for one in history().trades(2)] == ["2", "3"]
