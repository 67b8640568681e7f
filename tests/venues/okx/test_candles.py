"""Candles by bars; those without `utc` begin at 16:00 UTC."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from fluxum.book.level3 import Level3Book
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import Candle, Level, Side, Ticker, Trade
from fluxum.venues.okx.server.candles import candles

BTC = Symbol("BTC/USDT")
HOUR_NS = 3600 * 10**9
MIDNIGHT_NS = 1_790_294_400 * 10**9  # 2026-09-25T00:00:00Z


class View:
    """A market of which only candles of two hours are known, from 12:00 UTC on."""

    def __init__(self, prices: Sequence[int]) -> None:
        self.pieces = [
            Candle(
                venue="okx",
                symbol=BTC,
                interval_s=7200,
                start_ns=MIDNIGHT_NS + (12 + 2 * number) * HOUR_NS,
                end_ns=MIDNIGHT_NS + (14 + 2 * number) * HOUR_NS,
                open=Decimal(price),
                high=Decimal(price + 3),
                low=Decimal(price - 3),
                close=Decimal(price + 1),
                volume=Decimal(1),
                received_ns=1,
            )
            for number, price in enumerate(prices)
        ]

    def candles(self, symbol: Symbol, interval_s: int, count: int) -> Sequence[Candle]:
        assert interval_s == 7200
        return self.pieces[-count:]

    def instruments(self) -> Sequence[Instrument]:
        raise NotImplementedError

    def book(self, symbol: Symbol) -> Level3Book:
        raise NotImplementedError

    def levels(self, symbol: Symbol, side: Side, count: int) -> Sequence[Level]:
        raise NotImplementedError

    def revision(self, symbol: Symbol) -> int:
        raise NotImplementedError

    def trades(self, symbol: Symbol, count: int) -> Sequence[Trade]:
        raise NotImplementedError

    def ticker(self, symbol: Symbol) -> Ticker:
        raise NotImplementedError


def prices(candle: Candle) -> list[Decimal]:
    return [candle.open, candle.high, candle.low, candle.close]


def test_a_day_ends_at_16_utc_unless_its_bar_says_otherwise() -> None:
    before, after = candles(View([10, 20, 30, 25]), BTC, "1D", 2)

    assert (before.start_ns, before.end_ns) == (
        MIDNIGHT_NS - 8 * HOUR_NS,
        MIDNIGHT_NS + 16 * HOUR_NS,
    )
    assert after.start_ns == before.end_ns
    assert prices(before) == [10, 23, 7, 21]
    assert prices(after) == [30, 33, 22, 26]
    assert [before.volume, after.volume] == [2, 2]
    assert before.interval_s == 86_400


@pytest.mark.parametrize(("bar", "hours"), [("6H", (10, 16)), ("12H", (4, 16))])
def test_half_and_quarter_days_begin_with_it(bar: str, hours: tuple[int, int]) -> None:
    sent = candles(View([10, 20, 30]), BTC, bar, 9)

    assert [one.start_ns for one in sent] == [MIDNIGHT_NS + hour * HOUR_NS for hour in hours]


def test_a_month_ends_at_16_utc_as_well() -> None:
    (month,) = candles(View([10, 20]), BTC, "1M", 9)

    august_ns, september_ns = MIDNIGHT_NS - 25 * 24 * HOUR_NS, MIDNIGHT_NS + 5 * 24 * HOUR_NS
    assert (month.start_ns, month.end_ns) == (august_ns + 16 * HOUR_NS, september_ns + 16 * HOUR_NS)


def test_as_many_as_were_requested_are_sent() -> None:
    assert len(candles(View(range(10, 40)), BTC, "1D", 1)) == 1
    assert len(candles(View(range(10, 40)), BTC, "6H", 5)) == 5


def test_shorter_bars_are_the_exchanges_own() -> None:
    assert [one.open for one in candles(View([10, 20, 30]), BTC, "2H", 2)] == [20, 30]
