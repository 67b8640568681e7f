"""Equal levels, counted by hand."""

from decimal import Decimal

import pytest

from fluxum.doctor import compare
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, Level, Side


def book(bids: str, asks: str) -> BookSnapshot:
    """A book of levels like `100:2 99:1`."""

    def levels(text: str) -> tuple[Level, ...]:
        pairs = (one.split(":") for one in text.split())
        return tuple(Level(Decimal(price), Decimal(quantity)) for price, quantity in pairs)

    return BookSnapshot(
        venue="toy", symbol=Symbol("BTC/USD"), bids=levels(bids), asks=levels(asks), received_ns=7
    )


SNAPSHOT = book("100:2 99:1 98:5", "101:3 102:1 103:4")


def test_an_equal_book_agrees_whatever_its_depth_and_its_zeros() -> None:
    deeper = book("100:2.0 99:1 98:5.00 97:9", "101:3 102:1 103:4 104:1")

    found = compare(deeper, SNAPSHOT, 3)

    assert (found.equal, found.levels, found.percent, found.worst) == (6, 6, 100.0, None)
    assert (found.at_ns, found.by_sequence) == (7, False)


@pytest.mark.parametrize(
    ("bids", "asks", "equal", "levels", "worst"),
    [
        # another quantity: 99 * 0.5
        ("100:2 99:1.5 98:5", "101:3 102:1 103:4", 5, 6, (Side.BUY, "99", "1.5", "1")),
        # a level is missing, so that deeper ones have moved up
        ("100:2 98:5 97:1", "101:3 102:1 103:4", 5, 6, (Side.BUY, "99", "0", "1")),
        # a level that the exchange has not, at the top: it is one more that is compared
        ("100:2 99:1 98:5", "100.5:1 101:3 102:1", 5, 7, (Side.SELL, "103", "0", "4")),
        # nothing at all
        ("", "", 0, 6, (Side.BUY, "98", "0", "5")),
    ],
)
def test_differences_are_counted_and_the_worst_is_that_of_most_money(
    bids: str, asks: str, equal: int, levels: int, worst: tuple[Side, str, str, str]
) -> None:
    found = compare(book(bids, asks), SNAPSHOT, 3)

    assert (found.equal, found.levels) == (equal, levels)
    assert found.worst is not None
    side, price, live, snapshot = worst
    assert (found.worst.side, found.worst.price) == (side, Decimal(price))
    assert (found.worst.live, found.worst.snapshot) == (Decimal(live), Decimal(snapshot))


def test_what_is_worst_is_said_in_words() -> None:
    found = compare(book("100:2 99:1.5 98:5", "101:3 102:1 103:4"), SNAPSHOT, 3)

    assert found.worst is not None
    assert found.worst.notional == Decimal("49.5")
    assert str(found.worst) == "bid 99: 1.5 live, 1 in the snapshot"
    assert round(found.percent, 2) == 83.33


def test_only_the_best_levels_are_compared() -> None:
    deep = book("100:2 99:9", "101:3 102:9")

    assert compare(deep, SNAPSHOT, 1).levels == 2
    assert compare(deep, SNAPSHOT, 1).percent == 100.0


def test_an_empty_snapshot_agrees_with_an_empty_book_alone() -> None:
    empty = book("", "")

    assert compare(empty, empty, 5).percent == 100.0
    assert compare(SNAPSHOT, empty, 5).equal == 0
