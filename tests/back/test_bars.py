"""Candles alone: next-open fills equal another program's trade list; bounds where a candle is mute.

The expected trades are those of backtesting.py 0.6.6 (https://kernc.github.io/backtesting.py) over
the same candles: simple averages of 20 and 50, one unit, commission 0.001, fills at the next open.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from hashlib import sha256
from random import Random

import pytest
from msgspec import structs

from fluxum.back.bars import BarFill, backtest_candles
from fluxum.bot import BotEvent, Intent, Market, Place, Remembered, Strategy, Target, View, Want
from fluxum.errors import BadInput
from fluxum.fill.fees import Fees
from fluxum.model.instrument import Symbol
from fluxum.model.market import Candle
from fluxum.report.run import World

BTC = Symbol("BTC/USD")
MARKET = Market("kraken", BTC)
ZERO = Decimal(0)
MINUTE_NS = 60 * 10**9
T0 = 1_767_225_600 * 10**9


def candle(number: int, open_: int, high: int, low: int, close: int) -> Candle:
    """Prices in cents."""
    prices = (Decimal(cents).scaleb(-2) for cents in (open_, high, low, close))
    first, top, bottom, last = prices
    return Candle(
        venue="kraken", symbol=BTC, interval_s=60, start_ns=T0 + number * MINUTE_NS,
        end_ns=T0 + (number + 1) * MINUTE_NS, open=first, high=top, low=bottom, close=last,
        volume=Decimal(1), trades=1, closed=True, received_ns=T0 + (number + 1) * MINUTE_NS,
    )  # fmt: skip


def walk(count: int, seed: int = 3) -> Iterator[Candle]:
    random, price = Random(seed), 10_000
    for number in range(count):
        path = [price]
        for _ in range(4):
            path.append(max(100, path[-1] + random.randrange(-40, 41)))
        price = path[-1]
        yield candle(number, path[0], max(path), min(path), price)


class Cross(Strategy, kw_only=True):
    """One unit while the average of 20 closes is above that of 50; both are sums, so exact."""

    closes: Remembered[list[Decimal]] = []  # noqa: RUF012 - a Struct copies it
    fast: Remembered[Decimal] = Decimal(0)
    slow: Remembered[Decimal] = Decimal(0)
    seen: Remembered[int] = 0

    def wants(self) -> Iterable[Want]:
        return [Want(MARKET, "candle", 60)]

    def on_event(self, event: BotEvent, view: View) -> Iterable[Intent]:
        if not isinstance(event, Candle):
            return ()
        self.seen += 1
        self.closes.append(event.close)
        self.fast += event.close - (self.closes[-21] if self.seen > 20 else ZERO)
        self.slow += event.close - (self.closes[-51] if self.seen > 50 else ZERO)
        if self.seen > 51:
            del self.closes[0]
        if self.seen < 51:  # the other program decides from bar 50 on, counted from 0
            return ()
        is_up = self.fast * 50 > self.slow * 20
        if is_up is (view.position(MARKET) > 0):
            return ()
        return [Target(MARKET, Decimal(1 if is_up else 0))]


def trades(fills: Iterable[BarFill]) -> list[tuple[int, int, int, int]]:
    """Entry and exit bars and prices in cents."""
    found: list[tuple[int, int, int, int]] = []
    entry: BarFill | None = None
    for fill in fills:
        if entry is None:
            entry = fill
        else:
            found.append((entry.bar, fill.bar, int(entry.price * 100), int(fill.price * 100)))
            entry = None
    return found


def test_a_cross_of_averages_on_100_000_candles_is_the_trade_list_of_backtesting_py() -> None:
    result = backtest_candles(Cross(), walk(100_000), fees=Fees.flat("0.001", "0.001"))

    assert not result.failed
    made = trades(result.of(World.EXPECTED))
    assert len(made) == 1100
    assert made[:3] == [
        (51, 81, 10574, 10406), (120, 145, 10699, 10532), (164, 190, 10692, 10533)
    ]  # fmt: skip
    assert made[-3:] == [
        (99822, 99882, 22582, 22578), (99930, 99940, 22389, 22281), (99967, 99997, 22494, 22232)
    ]  # fmt: skip
    digest = "696590e163bf101274c5dfd414c5032bfd9ac8440cfc4ee65aa2c598ff326dad"
    assert sha256(repr(made).encode()).hexdigest() == digest
    fees = sum((fill.fee for fill in result.of(World.EXPECTED)), ZERO)
    assert fees == Decimal("384.43313")
    gross = Decimal(sum(after - before for _, _, before, after in made)) / 100
    assert gross - fees == Decimal("-244.36313")
    assert trades(result.of(World.PESSIMISTIC)) == trades(result.of(World.OPTIMISTIC)) == made


class Bracket(Strategy, kw_only=True):
    """Buys one at the first candle, with a stop at 95 and a target at 105, which only reduce."""

    target: Decimal = Decimal(105)
    stop: Decimal = Decimal(95)
    seen: Remembered[int] = 0

    def wants(self) -> Iterable[Want]:
        return [Want(MARKET, "candle", 60)]

    def on_event(self, event: BotEvent, view: View) -> Iterable[Intent]:
        if not isinstance(event, Candle):
            return ()
        self.seen += 1
        if self.seen == 1:
            return [Place(MARKET, "buy", 1)]
        if self.seen == 2:
            return [
                Place(MARKET, "sell", 1, trigger=self.stop, reduce_only=True),
                Place(MARKET, "sell", 1, self.target, reduce_only=True),
            ]
        return ()


def exits(*candles: Candle, strategy: Strategy | None = None) -> dict[str, list[Decimal]]:
    result = backtest_candles(strategy or Bracket(), candles)
    assert not result.failed
    return {
        world.value: [fill.price for fill in result.of(world) if fill.side.value == "sell"]
        for world in World
    }


QUIET = (candle(0, 10_000, 10_010, 9_990, 10_000), candle(1, 10_000, 10_010, 9_990, 10_000))


def test_stop_and_target_in_one_candle_are_two_worlds() -> None:
    found = exits(*QUIET, candle(2, 10_000, 10_600, 9_400, 10_000))

    assert found == {"pessimistic": [95], "expected": [95], "optimistic": [105]}


def test_a_limit_that_is_only_touched_is_filled_in_the_best_world() -> None:
    found = exits(*QUIET, candle(2, 10_000, 10_500, 9_900, 10_000))
    assert found == {"pessimistic": [], "expected": [], "optimistic": [105]}

    found = exits(*QUIET, candle(2, 10_000, 10_501, 9_900, 10_000))
    assert set(map(tuple, found.values())) == {(Decimal(105),)}


def test_an_open_beyond_a_price_fills_at_the_open() -> None:
    found = exits(*QUIET, candle(2, 9_200, 9_300, 9_100, 9_200))
    assert set(map(tuple, found.values())) == {(Decimal(92),)}

    found = exits(*QUIET, candle(2, 10_700, 10_800, 10_600, 10_700))
    assert set(map(tuple, found.values())) == {(Decimal(107),)}


def test_candles_out_of_order_running_or_of_another_market_are_refused() -> None:
    first, second = QUIET
    with pytest.raises(BadInput, match="was expected, was"):
        backtest_candles(Bracket(), [second, first])
    running = structs.replace(first, closed=False)
    with pytest.raises(BadInput, match="closed candles were expected"):
        backtest_candles(Bracket(), [running])
