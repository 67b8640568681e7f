"""Behaviours: what they intend at each moment, by hand."""

from decimal import Decimal
from typing import Any

import pytest

from bot.bots import ONE, TWO, at, instrument, level, resting, snapshot
from fluxum.bot import (
    Barrier,
    Cancel,
    CancelAll,
    Dca,
    Grid,
    Hedge,
    Market,
    OpenOrder,
    OrderRole,
    Place,
    Target,
    Twap,
)
from fluxum.bot.books import Books
from fluxum.bot.view import BookView
from fluxum.errors import BadInput
from fluxum.model.instrument import Instrument


class Seen:
    """A view with what a test sets."""

    def __init__(self, seconds: float = 0, **held: Any) -> None:
        self.now_ns = at(seconds)
        self.is_warming = False
        self.held = {ONE: Decimal(held.get("one", 0)), TWO: Decimal(held.get("two", 0))}
        self.orders: list[OpenOrder] = held.get("orders", [])
        self._books = Books([ONE, TWO])
        bid, ask = held.get("book", (99, 101))
        self._books.take(snapshot(0, bid=bid, ask=ask))

    def book(self, market: Market) -> BookView:
        return self._books.book(market)

    def position(self, market: Market) -> Decimal:
        return self.held[market]

    def open_orders(self, market: Market) -> list[OpenOrder]:
        return self.orders

    def instrument(self, market: Market) -> Instrument:
        return instrument(market)


def seen(seconds: float = 0, **held: Any) -> Any:
    return Seen(seconds, **held)


def test_twap_moves_the_target_slice_by_slice() -> None:
    twap = Twap(market=ONE, begins_with=1, ends_with=3, begins_ns=at(10), lasts_s=40, slices=4)

    assert twap.intents(seen(9.9)) == ()
    assert twap.intents(seen(10)) == (Target(ONE, "1.5"),)
    assert twap.intents(seen(29.9)) == (Target(ONE, 2),)
    assert twap.intents(seen(40)) == (Target(ONE, 3),)
    assert twap.intents(seen(4000)) == (Target(ONE, 3),)


def test_dca_buys_what_the_amount_pays_for_at_each_due_time() -> None:
    dca = Dca(market=ONE, amount=50, begins_ns=at(0), every_s=60, times=2)

    # 50 at the ask of 101 is 0.4950..., down to the lot of 0.01.
    assert dca.intents(seen(0), done=0) == (Place(ONE, "buy", "0.49"),)
    assert dca.intents(seen(59), done=1) == ()
    assert dca.intents(seen(60), done=1) == (Place(ONE, "buy", "0.49"),)
    assert dca.intents(seen(600), done=2) == ()


def test_a_grid_buys_below_and_sells_what_it_bought_one_price_higher() -> None:
    grid = Grid(market=ONE, prices=(Decimal(102), Decimal(100), Decimal(98)), size=Decimal(1))

    buys = (Place(ONE, "buy", 1, 100, label="buy 1"), Place(ONE, "buy", 1, 98, label="buy 2"))
    assert grid.intents(seen()) == buys
    # One is bought at 100: it is sold at 102, and the order at 98 stays.
    stays = resting("b", price=98, label="buy 2", role=OrderRole.PLACE)
    assert grid.intents(seen(one=1, orders=[stays])) == (
        Place(ONE, "sell", 1, 102, label="sell 0"),
    )
    # It is sold: back to the beginning.
    sold = resting("c", "sell", 102, label="sell 0", role=OrderRole.PLACE)
    assert grid.intents(seen(orders=[stays, sold])) == (Cancel(ONE, "sell 0"), buys[0])


def test_a_grid_needs_falling_prices() -> None:
    with pytest.raises(BadInput, match="two falling prices or more were expected"):
        Grid(market=ONE, prices=(Decimal(98), Decimal(100)), size=Decimal(1))


END = (CancelAll(ONE), Target(ONE, 0))


@pytest.mark.parametrize(
    ("book", "held", "seconds", "reached"),
    [
        ((101, 103), 1, 0, "take_profit"),  # 102 is 2 percent above 100
        ((100, 103), 1, 0, ""),
        ((98, 100), 1, 0, "stop_loss"),
        ((101, 103), -1, 0, "stop_loss"),
        ((97, 99), -1, 0, "take_profit"),
        ((99, 101), 1, 60, "time"),
        ((99, 101), 0, 60, ""),
    ],
)
def test_a_barrier_ends_the_position_at_the_first_that_is_reached(
    book: tuple[int, int], held: int, seconds: int, reached: str
) -> None:
    barrier = Barrier(market=ONE, take_profit_percent=2, stop_loss_percent=1, lasts_s=60)
    view = seen(seconds, one=held, book=book)

    assert barrier.reached(view, Decimal(100), at(0)) == reached
    assert barrier.intents(view, Decimal(100), at(0)) == (END if reached else ())


def test_a_hedge_holds_the_opposite_once_it_is_far_enough() -> None:
    hedge = Hedge(market=TWO, of=ONE, ratio="0.5", band="0.2")

    assert hedge.intents(seen(one="0.3")) == ()
    assert hedge.intents(seen(one=1)) == (Target(TWO, "-0.5"),)
    assert hedge.intents(seen(one=1, two="-0.5")) == ()


def test_a_book_of_a_level_is_seen() -> None:
    assert seen().book(ONE).bid == level(99, 10)
