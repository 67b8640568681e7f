"""Rows to levels: exact, with their orders, and never nonsense."""

from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest

from fluxum.book.fast import IS_COMPILED
from fluxum.errors import RemoteProtocolError
from fluxum.model.market import Level
from fluxum.venues.okx.levels import LevelReader
from fluxum.venues.okx.native import Row

Reader = Callable[[list[Row]], Sequence[Level]]
PLAIN, HUNDREDTHS = LevelReader(), LevelReader(Decimal("0.01"))
READERS = [PLAIN.levels, PLAIN.changes, PLAIN.levels_with_text]
CONVERTERS = [HUNDREDTHS.levels, HUNDREDTHS.changes, HUNDREDTHS.levels_with_text]


@pytest.mark.parametrize("read", READERS)
def test_a_row_keeps_every_digit_and_its_number_of_orders(read: Reader) -> None:
    (level,) = read([("0.00000166", "637.04056847", "0", 3)])

    assert (str(level.price), str(level.quantity)) == ("0.00000166", "637.04056847")
    assert level.orders == 3


@pytest.mark.parametrize("read", READERS)
def test_a_level_that_is_gone_has_no_orders(read: Reader) -> None:
    (level,) = read([("30249.4", "0", "0", 0)])

    assert level == Level(Decimal("30249.4"), Decimal(0), 0, level.text)


def test_text_is_what_was_written() -> None:
    (level,) = PLAIN.levels_with_text([("8477.10", "0.50", "0", 1)])

    assert level == Level(Decimal("8477.10"), Decimal("0.50"), 1, b"8477.10:0.50")


@pytest.mark.parametrize("read", CONVERTERS)
@pytest.mark.parametrize(
    ("contracts", "quantity"), [("12", "0.12"), ("0", "0"), ("0.5", "0.005"), ("100", "1.00")]
)
def test_contracts_become_an_asset_exactly(read: Reader, contracts: str, quantity: str) -> None:
    (level,) = read([("65010.0", contracts, "0", 2)])

    assert (str(level.price), str(level.quantity), level.orders) == ("65010.0", quantity, 2)


def test_the_text_of_a_contract_is_what_was_written() -> None:
    (level,) = HUNDREDTHS.levels_with_text([("8477.10", "50", "0", 1)])

    assert level == Level(Decimal("8477.10"), Decimal("0.50"), 1, b"8477.10:50")


def test_no_digit_is_lost_on_the_way_to_an_asset() -> None:
    (level,) = LevelReader(Decimal("0.0000001")).changes([("1", "123456789012345678.9", "0", 1)])

    assert str(level.quantity) == "12345678901.23456789"


@pytest.mark.parametrize("read", [*READERS, *CONVERTERS])
@pytest.mark.parametrize("text", ["", "x", "-1", "NaN", "Infinity", "1e40", "1" * 41, "sNaN"])
def test_what_is_no_number_is_shown(text: str, read: Reader) -> None:
    for price, size in ((text, "1"), ("1", text)):
        with pytest.raises(RemoteProtocolError):
            read([(price, size, "0", 1)])


def test_no_rows_are_no_levels() -> None:
    assert [read([]) for read in (*READERS, *CONVERTERS)] == [()] * 6


@pytest.mark.skipif(not IS_COMPILED, reason="the plain ladder places every price")
@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("price", ["1e25", "0.1234567890123456789"])
def test_a_price_without_a_place_in_a_book_is_no_level(read: Reader, price: str) -> None:
    with pytest.raises(RemoteProtocolError):
        read([(price, "1", "0", 1)])
