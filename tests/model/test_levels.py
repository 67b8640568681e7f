"""Levels that are made when somebody reads them."""

from decimal import Decimal

from fluxum.model.codec import decode_event, encode_event
from fluxum.model.instrument import Symbol
from fluxum.model.levels import Level, Levels
from fluxum.model.market import BookUpdate

ROWS = (("84008.70", "0.500"), ("84008.6", "0"), ("84000", "3", 7))
LEVELS = (
    Level(Decimal("84008.70"), Decimal("0.500")),
    Level(Decimal("84008.6"), Decimal(0)),
    Level(Decimal(84000), Decimal(3), 7),
)


def test_they_are_what_their_tuple_is() -> None:
    made = Levels(ROWS)

    assert len(made) == 3
    assert list(made) == list(LEVELS)
    assert (made[0], made[-1], made[1:]) == (LEVELS[0], LEVELS[2], LEVELS[1:])
    assert LEVELS[2] in made
    assert list(reversed(made)) == list(reversed(LEVELS))
    assert made == LEVELS
    assert made == LEVELS
    assert made == Levels(list(ROWS))
    assert made != LEVELS[:2]
    assert made != list(LEVELS)
    assert hash(made) == hash(LEVELS)
    assert repr(made) == repr(LEVELS)


def test_every_digit_of_the_wire_is_kept() -> None:
    assert [(str(one.price), str(one.quantity)) for one in Levels(ROWS)] == [
        ("84008.70", "0.500"),
        ("84008.6", "0"),
        ("84000", "3"),
    ]


def test_a_row_may_have_the_text_of_a_checksum() -> None:
    (level,) = Levels([("0.0100", "2.50", b"100250")])

    assert (level.quantity, level.orders, level.text) == (Decimal("2.50"), None, b"100250")


def test_they_are_made_once() -> None:
    made = Levels(ROWS)

    assert made[0] is made[0]


def test_an_update_of_them_is_the_same_update_and_the_same_line() -> None:
    symbol = Symbol("BTC/USDT")
    lazy = BookUpdate("binance", symbol, Levels(ROWS), (), 1, 2, None, 3)
    eager = BookUpdate("binance", symbol, LEVELS, (), 1, 2, None, 3)

    assert lazy == eager
    assert encode_event(lazy) == encode_event(eager)
    assert decode_event(encode_event(lazy)) == lazy


def test_a_level_is_shown_without_the_text_of_its_checksum() -> None:
    one = Level(Decimal("1.50"), Decimal(2), text=b"15020")

    assert repr(one) == "Level(price=Decimal('1.50'), quantity=Decimal('2'))"
    assert repr(Level(Decimal(1), Decimal(2), 3)).endswith("quantity=Decimal('2'), orders=3)")
