"""With single orders the fills are exact: the matching engine with our order is the judge."""

from collections.abc import Iterator
from decimal import Decimal
from random import Random

import pytest

from fluxum.fill.exact import ExactSide
from fluxum.fill.queue import NO_KEY
from fluxum.model.market import RestingOrder, Side
from queue_truth import Flow, Ours, apply, opened

ORDERS = 150


def test_an_order_that_leaves_from_behind_changes_nothing() -> None:
    """Any deletion by a stranger zeroed the queue ahead in nautilus_trader#4370."""
    side = ExactSide()
    place = side.enter(1, 100, 10, [("a", 30), ("b", 20)])

    side.change(100, "stranger", 0)
    side.change(99, "a", 0)
    assert place.ahead == 50
    side.change(100, "a", 0)
    assert place.ahead == 20
    side.change(100, "b", 5)
    side.trade(100, 8)

    assert (place.ahead, place.filled) == (0, 3)
    assert side.news == [(place, 3)]


def test_a_trade_is_not_subtracted_again_by_the_changes_it_causes() -> None:
    side = ExactSide()
    place = side.enter(1, 100, 10, [("a", 30), ("b", 20)])

    side.trade(100, 35)
    side.change(100, "a", 0)
    side.change(100, "b", 15)

    assert (place.ahead, place.others) == (15, {"b": 15})


def test_a_trade_that_comes_after_the_change_it_caused_is_not_subtracted_again() -> None:
    side = ExactSide()
    place = side.enter(1, 100, 10, [("a", 30), ("b", 20)])

    side.change(100, "a", 0, 7)  # level 3 has a link of its own
    side.change(100, "b", 0, 8)  # canceled
    side.trade(100, 30, 7)
    assert (place.ahead, place.filled) == (0, 0)
    side.trade(100, 4, 8)  # of another quantity: not what "b" lost
    side.trade(100, 3, 9)

    assert (place.ahead, place.filled) == (0, 7)


def test_trades_below_and_new_asks_fill_what_they_bring() -> None:
    side = ExactSide()
    first = side.enter(1, 100, 10, [("a", 30)])
    second = side.enter(2, 99, 10, [("b", 5)])

    side.trade(99, 12)  # our order at 100 would have had 10 of it, 2 are for b
    assert (first.filled, second.filled, second.ahead) == (10, 0, 3)
    side.leave(first)
    side.arrive(100, 4)
    assert second.filled == 0
    side.arrive(99, 4)
    assert second.filled == 4
    side.leave(second)

    assert side.top == NO_KEY


class Watched:
    """The tape's single orders of one side, compared before and after each step."""

    def __init__(self, seed: int, side: Side) -> None:
        self.random = Random(seed)
        self.side = side
        self.sign = 1 if side is Side.BUY else -1
        self.tape, self.truth, self.traders = opened(self.random, Flow())
        self.exact = ExactSide()
        self.is_exact = True

    def queue(self, side: Side, price: Decimal) -> list[RestingOrder]:
        book = self.tape.book.bids if side is Side.BUY else self.tape.book.asks
        return [one for orders in book.queues() for one in orders if one.price == price]

    def all(self, side: Side) -> dict[str, RestingOrder]:
        book = self.tape.book.bids if side is Side.BUY else self.tape.book.asks
        return {one.order_id: one for orders in book.queues() for one in orders}

    def step(self, ours: Ours) -> None:
        before, across = self.all(self.side), self.all(self.side.opposite)
        op = self.traders.next(self.tape)
        executions = apply(self.tape, op)
        ours.see(apply(self.truth, op))
        for one in executions:
            if one.side is self.side.opposite:
                self.exact.trade(self.sign * int(one.price), int(one.quantity))
        after = self.all(self.side)
        for name, order in before.items():
            if after.get(name) != order:
                quantity = int(after[name].quantity) if name in after else 0
                self.exact.change(self.sign * int(order.price), name, quantity)
        for name, order in self.all(self.side.opposite).items():
            if name not in across:
                self.exact.arrive(self.sign * int(order.price), int(order.quantity))

    def fills(self) -> Iterator[tuple[int, int]]:
        """What is filled in the truth and by the tape, after each step while it is exact."""
        book = self.tape.bids if self.side is Side.BUY else self.tape.asks
        best = book.best
        assert best is not None
        price = int(best.price) - self.sign * self.random.choice((0, 0, 1, 2, 4))
        quantity = self.random.choice((1, 5, 20, 50))
        ours = Ours(self.truth, self.side, price, quantity)
        queue = [(one.order_id, int(one.quantity)) for one in self.queue(self.side, Decimal(price))]
        place = self.exact.enter(1, self.sign * price, quantity, queue)
        for _ in range(40):
            self.step(ours)
            if not place.is_exact:
                self.is_exact = False
                return
            yield ours.filled, place.filled
            if ours.is_over:
                return


@pytest.mark.parametrize("side", list(Side), ids=lambda side: side.value)
def test_orders_are_filled_exactly_as_in_the_truth(side: Side) -> None:
    filled = inexact = 0
    for seed in range(ORDERS):
        watched, truth = Watched(seed, side), 0
        for truth, found in watched.fills():
            assert truth == found, f"seed {seed}"
        filled += truth > 0
        inexact += not watched.is_exact

    assert filled > ORDERS / 5
    assert inexact < ORDERS / 10, "hardly any order meets an order of the other side that rests"
