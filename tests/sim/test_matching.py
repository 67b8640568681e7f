"""Tests of `sim.matching`: worked examples of price-time priority, and laws over random flows."""

from decimal import Decimal
from random import Random

import pytest

from fluxum.errors import BadInput
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.sim.instruments import listing
from fluxum.sim.matching import Execution, MatchingEngine
from fluxum.venues.kraken.venue import KRAKEN

BUY, SELL = Side.BUY, Side.SELL


def engine() -> MatchingEngine:
    """A market with a tick of 0.01 and a lot of 0.00000001."""
    return MatchingEngine(listing(KRAKEN, Symbol("FOO/USD"), 0).instrument)


def d(text: str) -> Decimal:
    return Decimal(text)


def with_asks(*orders: tuple[str, str, str]) -> MatchingEngine:
    market = engine()
    for index, (order_id, price, quantity) in enumerate(orders):
        market.limit(order_id, SELL, d(price), d(quantity), index)
    return market


def asks(market: MatchingEngine) -> list[tuple[str, str, int | None]]:
    return [(str(one.price), str(one.quantity), one.orders) for one in market.levels(SELL, 9)]


def queue(market: MatchingEngine) -> list[list[str]]:
    return [[order.order_id for order in level] for level in market.book.asks.queues()]


def test_the_better_price_trades_first_even_if_it_came_later() -> None:
    market = with_asks(("late price", "10.02", "1"), ("early price", "10.01", "1"))

    outcome = market.market("taker", BUY, d("1.5"))

    assert outcome.executions == (
        Execution(BUY, d("10.01"), d("1"), "early price", "taker"),
        Execution(BUY, d("10.02"), d("0.5"), "late price", "taker"),
    )
    assert outcome.left == 0
    assert asks(market) == [("10.02", "0.5", 1)]


def test_at_one_price_the_older_order_trades_first_and_a_part_keeps_its_place() -> None:
    market = with_asks(("a", "10.01", "2"), ("b", "10.01", "3"), ("c", "10.01", "1"))

    first = market.market("x", BUY, d("0.5"))
    second = market.market("y", BUY, d("2"))

    assert [(one.maker_id, str(one.quantity)) for one in first.executions] == [("a", "0.5")]
    assert [(one.maker_id, str(one.quantity)) for one in second.executions] == [
        ("a", "1.5"),
        ("b", "0.5"),
    ]
    assert queue(market) == [["b", "c"]]
    assert asks(market) == [("10.01", "3.5", 2)]


def test_a_limit_order_trades_at_the_resting_price_and_rests_with_the_remainder() -> None:
    market = with_asks(("a", "10.00", "1"), ("b", "10.05", "1"))

    outcome = market.limit("taker", BUY, d("10.03"), d("4"), 7)

    assert outcome.executions == (Execution(BUY, d("10.00"), d("1"), "a", "taker"),)
    assert outcome.resting is not None
    assert (outcome.resting.price, outcome.resting.quantity) == (d("10.03"), d("3"))
    assert outcome.resting.venue_ns == 7
    assert [(str(one.price), str(one.quantity)) for one in market.levels(BUY, 9)] == [
        ("10.03", "3")
    ]
    assert not market.book.is_crossed


def test_a_limit_order_at_the_touch_trades() -> None:
    market = with_asks(("a", "10.00", "1"))

    outcome = market.limit("taker", BUY, d("10.00"), d("1"), 7)

    assert len(outcome.executions) == 1
    assert outcome.resting is None
    assert asks(market) == []


def test_a_seller_takes_the_highest_bid_first() -> None:
    market = engine()
    market.limit("low", BUY, d("9.98"), d("1"), 0)
    market.limit("high", BUY, d("9.99"), d("1"), 1)

    outcome = market.limit("taker", SELL, d("9.99"), d("2"), 2)

    assert [one.maker_id for one in outcome.executions] == ["high"]
    assert market.book.asks.best == d("9.99")
    assert market.book.bids.best == d("9.98")


def test_a_market_order_that_finds_too_little_leaves_the_rest_and_does_not_rest() -> None:
    market = with_asks(("a", "10.00", "1"))

    outcome = market.market("taker", BUY, d("3"))

    assert outcome.left == d("2")
    assert outcome.resting is None
    assert market.levels(BUY, 9) == []
    assert market.levels(SELL, 9) == []


def test_a_cancelled_order_is_gone_and_its_neighbours_stay() -> None:
    market = with_asks(("a", "10.01", "2"), ("b", "10.01", "3"))

    gone = market.cancel("a")

    assert gone is not None
    assert gone.quantity == d("2")
    assert asks(market) == [("10.01", "3", 1)]
    assert market.cancel("a") is None
    assert market.order("a") is None


def test_a_level_that_did_not_change_is_the_same_object() -> None:
    market = with_asks(("a", "10.01", "2"), ("b", "10.02", "3"))
    before = market.levels(SELL, 2)

    market.market("taker", BUY, d("1"))
    after = market.levels(SELL, 2)

    assert after[0] is not before[0]
    assert after[1] is before[1]


def test_an_iceberg_shows_its_next_part_behind_those_who_came_meanwhile() -> None:
    market = engine()
    market.rest("iceberg", Side.SELL, d("100.1"), d("2.5"), 0, d("1"))
    market.rest("other", Side.SELL, d("100.1"), d("1"), 0)
    assert asks(market) == [("100.1", "2", 2)]

    executions = market.take("taker", Side.BUY, d("1"), d("100.1"))

    assert executions == (
        Execution(Side.BUY, d("100.1"), d("1"), "iceberg", "taker", is_refilled=True),
    )
    assert queue(market) == [["other", "iceberg"]]
    assert market.hidden("iceberg") == d("0.5")


def test_a_great_order_eats_through_an_iceberg_part_by_part() -> None:
    market = engine()
    market.rest("iceberg", Side.SELL, d("100.1"), d("2.5"), 0, d("1"))

    executions = market.take("taker", Side.BUY, d("9"), None)

    assert [(one.quantity, one.is_refilled) for one in executions] == [
        (d("1"), True),
        (d("1"), True),
        (d("0.5"), False),
    ]
    assert asks(market) == []
    assert market.order("iceberg") is None


def test_an_order_shrinks_in_its_place_the_hidden_part_first() -> None:
    market = engine()
    market.rest("iceberg", Side.SELL, d("100.1"), d("2.5"), 0, d("1"))
    market.rest("other", Side.SELL, d("100.1"), d("1"), 0)

    market.reduce("iceberg", d("1.2"))
    assert (asks(market), market.hidden("iceberg")) == ([("100.1", "2", 2)], d("0.3"))
    market.reduce("iceberg", d("0.8"))

    assert (asks(market), market.hidden("iceberg")) == ([("100.1", "1.5", 2)], d("0"))
    assert queue(market) == [["iceberg", "other"]]


@pytest.mark.parametrize("quantity", ["0", "1", "2"])
def test_an_order_never_shrinks_to_nothing(quantity: str) -> None:
    market = with_asks(("one", "100.1", "1"))

    with pytest.raises(BadInput, match="a part of a resting order"):
        market.reduce("one", d(quantity))


def test_what_would_trade_cannot_be_put_to_rest() -> None:
    market = with_asks(("one", "100.1", "1"))

    with pytest.raises(BadInput, match="trades with nothing"):
        market.rest("two", Side.BUY, d("100.1"), d("1"), 0)


@pytest.mark.parametrize("price", ["10.005", "0", "-1", "NaN"])
def test_a_price_off_the_grid_is_refused(price: str) -> None:
    with pytest.raises(BadInput, match=price):
        engine().limit("a", BUY, d(price), d("1"), 0)


@pytest.mark.parametrize("quantity", ["0.000000001", "0", "-1"])
def test_a_quantity_off_the_grid_is_refused(quantity: str) -> None:
    with pytest.raises(BadInput, match="quantity"):
        engine().market("a", BUY, d(quantity))


def test_an_id_that_rests_already_is_refused() -> None:
    market = with_asks(("a", "10.01", "2"))

    with pytest.raises(BadInput, match="'a'"):
        market.limit("a", SELL, d("10.02"), d("1"), 1)
    assert asks(market) == [("10.01", "2", 1)]


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_created_or_lost_and_the_sums_match_the_queues(seed: int) -> None:
    """Against a naive model: a list of orders, sorted for every match."""
    random = Random(seed)
    market = engine()
    model: list[tuple[Side, Decimal, int, str, Decimal]] = []  # side, price, time, id, quantity
    for now in range(400):
        side = random.choice((BUY, SELL))
        price = d("0.01") * random.randrange(990, 1010)
        quantity = d("0.1") * random.randrange(1, 40)
        if random.random() < 0.25 and model:
            victim = random.choice(model)
            assert market.cancel(victim[3]) is not None
            model.remove(victim)
            continue
        outcome = market.limit(str(now), side, price, quantity, now)
        expected, left = naive_match(model, side, price, quantity)
        assert [(one.maker_id, one.quantity) for one in outcome.executions] == expected
        assert outcome.left == left
        if left:
            model.append((side, price, now, str(now), left))
        check_book(market, model)


def naive_match(
    model: list[tuple[Side, Decimal, int, str, Decimal]],
    side: Side,
    price: Decimal,
    quantity: Decimal,
) -> tuple[list[tuple[str, Decimal]], Decimal]:
    sign = 1 if side is BUY else -1
    against = sorted(
        (one for one in model if one[0] is not side and sign * (price - one[1]) >= 0),
        key=lambda one: (sign * one[1], one[2]),
    )
    fills: list[tuple[str, Decimal]] = []
    for one in against:
        if not quantity:
            break
        traded = min(quantity, one[4])
        quantity -= traded
        fills.append((one[3], traded))
        place = model.index(one)
        if traded == one[4]:
            model.remove(one)
        else:
            model[place] = (*one[:4], one[4] - traded)
    return fills, quantity


def check_book(
    market: MatchingEngine, model: list[tuple[Side, Decimal, int, str, Decimal]]
) -> None:
    assert not market.book.is_crossed
    for side, sign in ((BUY, -1), (SELL, 1)):
        mine = sorted((one for one in model if one[0] is side), key=lambda o: (sign * o[1], o[2]))
        ladder = market.book.bids if side is BUY else market.book.asks
        assert [o.order_id for level in ladder.queues() for o in level] == [o[3] for o in mine]
        sums: dict[Decimal, Decimal] = {}
        for one in mine:
            sums[one[1]] = sums.get(one[1], Decimal(0)) + one[4]
        levels = market.levels(side, 1000)
        assert [(level.price, level.quantity) for level in levels] == list(sums.items())
        assert market.level_count(side) == len(sums)
