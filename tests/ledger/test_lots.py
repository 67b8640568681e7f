"""Lots by three methods: worked examples, and a slow model in fractions."""

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxum.errors import BadInput
from fluxum.ledger.arithmetic import EXACT
from fluxum.ledger.lots import CostBasis, Lot, Method

AVERAGE, FIFO, LIFO = Method.AVERAGE, Method.FIFO, Method.LIFO
methods = pytest.mark.parametrize("method", Method, ids=lambda method: method.value)


def values(*found: object) -> tuple[object, ...]:
    """Side by side, to be compared with what was worked out."""
    return found


def lot(quantity: str, price: str | None, at_ns: int = 1, fill_id: str = "T1") -> Lot:
    with localcontext(EXACT):
        if price is None:
            return Lot(Decimal(quantity), None, None, at_ns, fill_id)
        cost = Decimal(quantity) * Decimal(price)
        return Lot(Decimal(quantity), cost, Decimal(price), at_ns, fill_id)


def basis(method: Method, *lots: Lot, lots_max: int = 100) -> CostBasis:
    made = CostBasis(method, lots_max)
    with localcontext(EXACT):
        for one in lots:
            made.open(one)
    return made


def close(held: CostBasis, quantity: str, price: str) -> None:
    with localcontext(EXACT):
        held.close(Decimal(quantity), Decimal(price))


THREE = (lot("1", "10", 1, "T1"), lot("2", "20", 2, "T2"), lot("1", "30", 3, "T3"))


def test_fifo_takes_the_oldest_and_keeps_the_rest_of_a_lot() -> None:
    held = basis(FIFO, *THREE)

    close(held, "1.5", "40")

    # 1 at 10 and 0.5 at 20 went for 40: 30 + 10.
    assert held.realised == 40
    assert held.lots == (lot("1.5", "20", 2, "T2"), lot("1", "30", 3, "T3"))
    assert held.cost == 60


def test_lifo_takes_the_newest_and_keeps_the_rest_of_a_lot() -> None:
    held = basis(LIFO, *THREE)

    close(held, "1.5", "40")

    # 1 at 30 and 0.5 at 20 went for 40: 10 + 10.
    assert held.realised == 20
    assert held.lots == (lot("1", "10", 1, "T1"), lot("1.5", "20", 2, "T2"))
    assert held.cost == 40


def test_average_is_one_lot() -> None:
    held = basis(AVERAGE, *THREE)

    # 10 + 40 + 30 for 4.
    assert held.lots == (Lot(Decimal(4), Decimal(80), Decimal(20), 1, "T1", 3),)
    assert held.melted == 0

    close(held, "1.5", "40")
    assert held.realised == 30
    assert held.cost == 50


def test_neighbours_of_one_price_melt() -> None:
    held = basis(FIFO, lot("1", "10"), lot("2", "10.0", 2, "T2"), lot("1", "11", 3, "T3"))

    assert held.lots == (
        Lot(Decimal(3), Decimal(30), Decimal(10), 1, "T1", 2),
        lot("1", "11", 3, "T3"),
    )
    assert held.melted == 0


@pytest.mark.parametrize("method", [FIFO, LIFO])
def test_too_many_lots_melt_the_oldest_and_it_is_counted(method: Method) -> None:
    held = basis(method, *THREE, lots_max=2)

    # 1 at 10 and 2 at 20: 50 for 3, which is 16.666...; the sum stays exact.
    assert [one.cost for one in held.lots] == [50, 30]
    assert held.lots[0].fills == 2
    assert held.melted == 1


def test_an_average_that_does_not_divide_leaves_nothing_behind() -> None:
    held = basis(AVERAGE, lot("1", "100"), lot("2", "101"))

    for _ in range(3):
        close(held, "1", "102")

    # 306 came in, 302 had gone out.
    assert held.realised == 4
    assert held.cost == 0
    assert held.lots == ()


@methods
def test_a_short_is_the_same_with_the_other_sign(method: Method) -> None:
    held = basis(method, lot("-1", "100"), lot("-1", "100", 2))

    close(held, "-1.5", "90")

    assert held.realised == 15
    assert held.cost == -50


def test_what_is_closed_of_unknown_cost_earns_nothing_that_is_known() -> None:
    held = basis(FIFO, lot("1", None), lot("1", "20"))
    assert held.cost is None

    close(held, "1.5", "30")

    # The first is of unknown cost; half of the second earned 5.
    assert values(held.realised, held.unpriced, held.unpriced_closed) == (5, 0, 1)
    assert held.cost == 10


def test_an_average_with_a_part_of_unknown_cost_is_unknown() -> None:
    held = basis(AVERAGE, lot("1", "10"), lot("1", None), lot("2", "20"))
    assert values(held.cost, held.unpriced) == (None, 4)

    close(held, "3", "30")
    assert values(held.realised, held.unpriced, held.unpriced_closed) == (0, 1, 3)

    close(held, "1", "30")
    assert values(held.cost, held.unpriced, held.unpriced_closed) == (0, 0, 4)


def shrink(held: CostBasis, fill_id: str, quantity: str, price: str) -> bool:
    with localcontext(EXACT):
        return held.shrink(fill_id, Decimal(quantity), Decimal(price))


def test_a_fills_own_lot_shrinks_and_no_other_of_its_price() -> None:
    same = (lot("1", "10", 1, "T1"), lot("2", "20", 2, "T2"), lot("1", "10", 3, "T3"))
    held = basis(FIFO, *same)

    assert shrink(held, "T1", "0.5", "10")

    assert held.lots == (lot("0.5", "10", 1, "T1"), *same[1:])
    assert values(held.cost, held.realised) == (55, 0)


def test_what_has_melted_with_a_neighbour_shrinks_there() -> None:
    held = basis(FIFO, lot("1", "10", 1, "T1"), lot("1", "10", 2, "T2"), lot("1", "20", 3, "T3"))

    assert shrink(held, "T2", "0.5", "10")

    assert [one.quantity for one in held.lots] == [Decimal("1.5"), 1]
    assert held.cost == 35


def test_what_has_melted_with_another_price_takes_its_cost_along() -> None:
    held = basis(FIFO, lot("1", "10", 1, "T1"), lot("1", "20", 2, "T2"), lots_max=1)

    assert shrink(held, "T1", "0.5", "10")

    # 1.5 are left, which cost 30 - 5.
    (left,) = held.lots
    assert values(left.quantity, left.cost, held.cost) == (Decimal("1.5"), 25, 25)
    assert left.price == Decimal("16.66666666666666666666666666666666666667")


@pytest.mark.parametrize(
    ("method", "quantity", "price"),
    [
        (FIFO, "1", "10"),  # all of it
        (FIFO, "1.5", "10"),  # more than there is
        (FIFO, "-0.5", "10"),  # of the other side
        (AVERAGE, "2", "40"),  # what is left would have cost less than nothing
    ],
)
def test_what_is_not_there_shrinks_nothing(method: Method, quantity: str, price: str) -> None:
    lots = (lot("1", "10", 1, "T1"), lot("3", "20", 2, "T2"))
    held = basis(method, *lots)
    before = held.lots

    assert not shrink(held, "T1", quantity, price)

    assert values(held.lots, held.cost, held.realised) == (before, 70, 0)


def test_a_lot_of_unknown_cost_shrinks_as_well() -> None:
    held = basis(FIFO, lot("1", None, 1, "T1"), lot("1", "20", 2, "T2"))

    assert shrink(held, "T1", "0.4", "10")

    assert values(held.unpriced, held.cost_known) == (Decimal("0.6"), 20)
    assert not shrink(held, "T1", "0.6", "10")
    assert held.unpriced == Decimal("0.6")


def test_what_is_removed_takes_its_cost_along_and_earns_nothing() -> None:
    held = basis(FIFO, *THREE)

    with localcontext(EXACT):
        held.remove(Decimal("1.5"))

    assert held.lots == (lot("1.5", "20", 2, "T2"), lot("1", "30", 3, "T3"))
    assert values(held.cost, held.realised, held.unpriced_closed) == (60, 0, 0)


def test_a_period_begins_with_what_is_open_and_nothing_earned() -> None:
    held = basis(FIFO, lot("1", None, 1, "T1"), *THREE)
    close(held, "2", "40")
    assert values(held.realised, held.unpriced_closed) == (30, 1)

    held.begin()

    assert values(held.realised, held.unpriced_closed, held.cost) == (0, 0, 70)


def test_no_room_for_lots_is_refused() -> None:
    with pytest.raises(BadInput, match="was 0"):
        CostBasis(FIFO, 0)


# The slow way: every unit a fraction

sizes = st.integers(1, 40).map(lambda units: Decimal(units).scaleb(-1))
prices = st.integers(1, 500).map(lambda cents: Decimal(cents).scaleb(-2))
steps = st.lists(st.tuples(st.booleans(), sizes, prices), max_size=30)


class Model:
    def __init__(self, method: Method) -> None:
        self.method = method
        self.lots: list[tuple[Fraction, Fraction]] = []
        self.realised = Fraction(0)

    @property
    def quantity(self) -> Fraction:
        return sum((quantity for quantity, _ in self.lots), Fraction(0))

    @property
    def cost(self) -> Fraction:
        return sum((quantity * price for quantity, price in self.lots), Fraction(0))

    def open(self, quantity: Fraction, price: Fraction) -> None:
        self.lots.append((quantity, price))
        if self.method is AVERAGE:
            self.lots = [(self.quantity, self.cost / self.quantity)]

    def close(self, quantity: Fraction, price: Fraction) -> None:
        while quantity:
            held, paid = self.lots.pop(-1 if self.method is LIFO else 0)
            taken = min(held, quantity)
            self.realised += taken * (price - paid)
            quantity -= taken
            if held > taken:
                self.lots.insert(len(self.lots) if self.method is LIFO else 0, (held - taken, paid))


@methods
@given(steps=steps, sign=st.sampled_from([1, -1]))
def test_it_agrees_with_a_slow_model(
    method: Method, steps: list[tuple[bool, Decimal, Decimal]], sign: int
) -> None:
    held, model, quantity = CostBasis(method, 100), Model(method), Decimal(0)

    with localcontext(EXACT):
        for is_open, size, price in steps:
            if is_open:
                held.open(Lot(sign * size, sign * size * price, price, 1, "T"))
                model.open(Fraction(size), Fraction(price))
                quantity += size
            else:
                taken = min(size, quantity)
                quantity -= taken
                held.close(sign * taken, price)
                model.close(Fraction(taken), Fraction(price))

    slack = Fraction(1, 10**30) if method is AVERAGE else 0
    assert abs(Fraction(held.realised) - sign * model.realised) <= slack
    assert abs(Fraction(held.cost_known) - sign * model.cost) <= slack
    assert sum(Fraction(one.quantity) for one in held.lots) == sign * model.quantity


@methods
@given(steps=steps, lots_max=st.integers(1, 3))
def test_what_was_paid_is_found_again_however_few_lots_there_are(
    method: Method, steps: list[tuple[bool, Decimal, Decimal]], lots_max: int
) -> None:
    held = CostBasis(method, lots_max)
    quantity = cash = Decimal(0)

    with localcontext(EXACT):
        for is_open, size, price in steps:
            if is_open:
                held.open(Lot(size, size * price, price, 1, "T"))
                quantity, cash = quantity + size, cash - size * price
            else:
                taken = min(size, quantity)
                held.close(taken, price)
                quantity, cash = quantity - taken, cash + taken * price

            assert held.realised - held.cost_known == cash
            assert sum(one.cost or 0 for one in held.lots) == held.cost_known
            assert len(held) <= lots_max
            assert quantity or held.cost_known == 0
