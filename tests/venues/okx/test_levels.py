"""Rows to levels: exact, with their orders, and never nonsense."""

from decimal import Decimal

import pytest

from fluxum.errors import RemoteProtocolError
from fluxum.model.market import Level
from fluxum.venues.okx.levels import Reader, changes, levels, levels_with_text

READERS = [levels, changes, levels_with_text]


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
    (level,) = levels_with_text([("8477.10", "0.50", "0", 1)])

    assert level == Level(Decimal("8477.10"), Decimal("0.50"), 1, b"8477.10:0.50")


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("text", ["", "x", "-1", "NaN", "Infinity", "1e40", "1" * 41, "sNaN"])
def test_what_is_no_number_is_shown(text: str, read: Reader) -> None:
    for price, size in ((text, "1"), ("1", text)):
        with pytest.raises(RemoteProtocolError):
            read([(price, size, "0", 1)])


def test_no_rows_are_no_levels() -> None:
    assert [read([]) for read in READERS] == [(), (), ()]
