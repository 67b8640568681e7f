"""Rows to levels: exact, with their orders, and never nonsense."""

from decimal import Decimal

import pytest

from fluxum.errors import RemoteProtocolError
from fluxum.model.market import Level
from fluxum.venues.okx.levels import LevelReader
from fluxum.venues.okx.native import Row


def test_a_row_keeps_every_digit_and_its_number_of_orders() -> None:
    (level,) = LevelReader().levels((Row("0.00000166", "637.04056847", "0", 3),))

    assert level == Level(Decimal("0.00000166"), Decimal("637.04056847"), 3, b"")


def test_a_level_that_is_gone_has_no_orders() -> None:
    (level,) = LevelReader().levels((Row("30249.4", "0", "0", 0),))

    assert level == Level(Decimal("30249.4"), Decimal(0), 0)


def test_text_is_what_was_written() -> None:
    (level,) = LevelReader().levels_with_text((Row("8477.10", "0.50", "0", 1),))

    assert level == Level(Decimal("8477.10"), Decimal("0.50"), 1, b"8477.10:0.50")


@pytest.mark.parametrize("text", ["", "x", "-1", "NaN", "Infinity", "1e40", "1" * 41, "sNaN"])
def test_what_is_no_number_is_shown(text: str) -> None:
    for row in (Row(text, "1", "0", 1), Row("1", text, "0", 1)):
        with pytest.raises(RemoteProtocolError):
            LevelReader().levels((row,))
        with pytest.raises(RemoteProtocolError):
            LevelReader().levels_with_text((row,))


def test_the_memory_of_prices_is_bounded() -> None:
    reader = LevelReader()
    for price in range(40_000):
        (level,) = reader.levels((Row(str(price), "1", "0", 1),))
        assert level.price == price

    assert reader.emptied == 2  # of 16,384 prices each
