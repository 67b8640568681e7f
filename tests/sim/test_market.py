"""Tests of `sim.market`: a lively, exact and consistent market."""

from collections.abc import Iterator
from decimal import Decimal
from random import Random

import pytest

from fluxum.model.instrument import Symbol
from fluxum.model.market import Side, Trade
from fluxum.sim.instruments import listing
from fluxum.sim.market import SimulatedMarket
from fluxum.venues.kraken.venue import KRAKEN

SECOND = 1_000_000_000
START = 1_767_225_600 * SECOND  # a full day, hour and minute


def market(symbol: str = "BTC/USD", seed: int = 1, depth: int = 30) -> SimulatedMarket:
    return SimulatedMarket(listing(KRAKEN, Symbol(symbol), START), Random(seed), START, depth)


def steps(one: SimulatedMarket, count: int) -> Iterator[list[Trade]]:
    for index in range(count):
        yield list(one.step(START + (index + 1) * SECOND // 5))


@pytest.mark.parametrize("symbol", ["BTC/USD", "MATIC/USD", "DOGE/USD", "FOO/BAR"])
@pytest.mark.parametrize("depth", [30, 120])
def test_it_is_never_crossed_and_keeps_its_depth(symbol: str, depth: int) -> None:
    one = market(symbol, depth=depth)

    for _ in steps(one, 3000):
        assert not one.engine.book.is_crossed
        assert one.engine.level_count(Side.BUY) >= depth
        assert one.engine.level_count(Side.SELL) >= depth
    assert one.engine.level_count(Side.BUY) < 3 * depth
    assert one.engine.level_count(Side.SELL) < 3 * depth


def test_every_price_and_quantity_is_written_with_the_precision_of_the_market() -> None:
    one = market("MATIC/USD")

    for _ in steps(one, 500):
        for side in Side:
            for level in one.levels(side, 100):
                assert level.price.as_tuple().exponent == -4
                assert level.quantity.as_tuple().exponent == -8
                assert level.quantity > 0


def test_it_is_alive() -> None:
    one = market()
    prices: set[Decimal] = set()
    sides: set[Side] = set()
    kinds: set[str] = set()
    sizes: set[Decimal] = set()
    for trades in steps(one, 5000):
        for trade in trades:
            prices.add(trade.price)
            sides.add(trade.side)
            kinds.add(trade.order_type)
            sizes.add(trade.quantity)

    assert len(prices) > 100
    assert sides == {Side.BUY, Side.SELL}
    assert kinds == {"limit", "market"}
    assert max(sizes) > 20 * min(sizes)


def test_trade_ids_are_contiguous_and_a_thousand_trades_are_kept() -> None:
    one = market()
    ids = [int(trade.trade_id) for trades in steps(one, 6000) for trade in trades]

    assert ids == list(range(1, len(ids) + 1))
    assert len(ids) > 1000
    assert [int(trade.trade_id) for trade in one.trades(5000)] == ids[-1000:]
    assert [int(trade.trade_id) for trade in one.trades(3)] == ids[-3:]


def test_the_ticker_agrees_with_the_book_and_with_every_trade() -> None:
    one = market()
    trades = [trade for made in steps(one, 2000) for trade in made]

    ticker = one.ticker()

    assert ticker.bid == one.levels(Side.BUY, 1)[0].price
    assert ticker.ask_quantity == one.levels(Side.SELL, 1)[0].quantity
    assert ticker.last == trades[-1].price
    assert ticker.volume == sum(trade.quantity for trade in trades)
    assert ticker.low == min(trade.price for trade in trades)
    assert ticker.high == max(trade.price for trade in trades)
    assert ticker.open == trades[0].price
    assert ticker.change == trades[-1].price - trades[0].price
    assert ticker.trades == len(trades)
    assert ticker.volume is not None
    assert ticker.vwap is not None
    exact = sum(trade.price * trade.quantity for trade in trades) / ticker.volume
    assert abs(ticker.vwap - exact) <= Decimal("0.05")


def test_a_seed_gives_the_same_market_and_another_seed_another_one() -> None:
    def story(seed: int) -> list[Trade]:
        return [trade for made in steps(market(seed=seed), 500) for trade in made]

    assert story(1) == story(1)
    assert story(1) != story(2)


def test_a_warm_up_gives_it_a_past() -> None:
    one = market()

    one.warm_up(START + 3600 * SECOND, 500, 1800.0)

    times = [trade.received_ns for trade in one.trades(1000)]
    assert len(times) > 50
    assert times == sorted(times)
    assert START + 1800 * SECOND <= times[0] < times[-1] < START + 3600 * SECOND
    assert len(one.candles(60, 100)) > 10


def test_orders_can_be_entered_by_hand() -> None:
    one = market()
    bid = one.levels(Side.BUY, 1)[0]
    inside = bid.price + Decimal("0.1")
    if inside >= one.levels(Side.SELL, 1)[0].price:
        inside = bid.price

    outcome = one.limit(Side.BUY, inside, Decimal("0.5"), START + 1)
    assert outcome.resting is not None
    resting = one.engine.order(outcome.resting.order_id)
    assert one.cancel(outcome.resting.order_id, START + 2) == resting
    sold = one.market(Side.SELL, Decimal("0.00000001"), START + 3)

    assert one.trades(1)[0].price == sold.executions[0].price == bid.price
    assert one.moved_ns == START + 3
