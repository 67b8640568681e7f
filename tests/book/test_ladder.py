"""One side of a book: order, depth, and the checksum text beside each level."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from fluxum.book.fast import BookLadder
from fluxum.book.ladder import Ladder
from fluxum.model.market import Level, Side

BUY, SELL = Side.BUY, Side.SELL
KIND: list[type[Ladder]] = []


@pytest.fixture(autouse=True, params=[Ladder, BookLadder], ids=["plain", "compiled"])
def kind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test is about both; where nothing is compiled the second is the first once more."""
    KIND.append(request.param)
    yield
    KIND.pop()


def level(price: str, quantity: str = "1") -> Level:
    return Level(Decimal(price), Decimal(quantity), None, f"<{price}x{quantity}>".encode())


def ladder(side: Side, *prices: str, depth: int | None = None) -> Ladder:
    made = KIND[-1](side, depth)
    for price in prices:
        made.put(level(price))
    return made


def prices(levels: object) -> list[str]:
    return [str(one.price) for one in levels]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("side", "best_first"), [(BUY, ["12", "11", "9"]), (SELL, ["9", "11", "12"])]
)
def test_levels_are_read_best_first(side: Side, best_first: list[str]) -> None:
    made = ladder(side, "11", "9", "12")

    assert prices(made) == best_first
    assert prices(made.top(2)) == best_first[:2]
    assert prices(made.top(99)) == best_first
    assert made.best is not None
    assert str(made.best.price) == best_first[0]
    assert len(made) == 3


@pytest.mark.parametrize("side", Side)
def test_an_empty_side_has_nothing(side: Side) -> None:
    made = ladder(side)

    assert made.best is None
    assert made.top(5) == []
    assert list(made) == []
    assert made.at(Decimal(1)) is None
    assert made.cut() == []
    assert made.joined(10) == b""
    assert made.put(level("5", "0")) is None
    assert len(made) == 0


def test_one_message_removes_changes_and_adds_levels() -> None:
    made = ladder(BUY, "100", "99", "98")

    made.lay([level("99", "0"), level("98", "5"), level("97"), level("100", "2")])

    assert list(made) == [level("100", "2"), level("98", "5"), level("97")]


def test_prices_are_compared_by_value_not_by_digits() -> None:
    made = ladder(SELL, "10.50")

    before = made.put(level("10.5", "3"))

    assert before == level("10.50")
    assert list(made) == [level("10.5", "3")]
    assert made.at(Decimal("10.500")) == level("10.5", "3")


def test_putting_tells_what_stood_there() -> None:
    made = ladder(BUY, "10")

    assert made.put(level("11")) is None
    assert made.put(level("10", "7")) == level("10")
    assert made.put(level("10", "0.000")) == level("10", "7")
    assert made.put(level("10", "0")) is None
    assert prices(made) == ["11"]


@pytest.mark.parametrize(
    ("side", "kept", "dropped"),
    [(BUY, ["14", "13"], {"12", "11"}), (SELL, ["11", "12"], {"13", "14"})],
)
def test_cutting_drops_the_deepest(side: Side, kept: list[str], dropped: set[str]) -> None:
    made = ladder(side, "11", "12", "13", "14", depth=2)

    assert set(prices(made.cut())) == dropped
    assert prices(made) == kept
    assert made.cut() == []


def test_without_a_depth_nothing_is_cut() -> None:
    made = ladder(SELL, "1", "2", "3")

    assert made.cut() == []
    assert len(made) == 3


def test_the_joined_text_follows_every_change() -> None:
    bids, asks = ladder(BUY, "1", "2", "3"), ladder(SELL, "1", "2", "3")
    assert bids.joined(2) == b"<3x1><2x1>"
    assert asks.joined(2) == b"<1x1><2x1>"

    bids.put(level("3", "5"))
    asks.put(level("1", "0"))
    assert bids.joined(2) == b"<3x5><2x1>"
    assert asks.joined(2) == b"<2x1><3x1>"

    bids.depth = 1
    bids.cut()
    assert bids.joined(2) == b"<3x5>"

    bids.clear()
    assert bids.joined(2) == b""
    assert list(bids) == []


def test_the_joined_text_of_a_level_that_changes_its_digits_only_is_new() -> None:
    made = ladder(SELL, "1.0")
    assert made.joined(1) == b"<1.0x1>"

    made.put(level("1.00", "1.0"))
    assert made.joined(1) == b"<1.00x1.0>"
