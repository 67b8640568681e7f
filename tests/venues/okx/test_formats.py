"""Numbers as OKX writes them, and what its contracts come to in the simulation."""

from decimal import Decimal

import pytest

from fluxum.model.instrument import Symbol
from fluxum.model.market import Level
from fluxum.venues.okx.server.formats import contract_size, level_rows, levels_text
from fluxum.venues.server.formats import number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("8477.10", "8477.1"),
        ("8477.00", "8477"),
        ("100", "100"),
        ("1E+2", "100"),
        ("1E-8", "0.00000001"),
        ("0E-8", "0"),
        ("0.50", "0.5"),
    ],
)
def test_a_number_has_no_exponent_and_no_zeros_at_its_end(value: str, text: str) -> None:
    assert number(Decimal(value)) == text


def test_what_there_is_not_is_empty() -> None:
    assert number(None) == ""


@pytest.mark.parametrize(
    ("symbol", "size"),
    [
        ("BTC/USDT", "1"),
        ("BTC/USDT:PERP", "0.01"),
        ("BTC/USD:220527-INVERSE", "100"),
        ("BTC/USDT:PERP-CONTRACTS", "1"),
    ],
)
def test_a_contract_has_a_size(symbol: str, size: str) -> None:
    assert contract_size(Symbol(symbol)) == Decimal(size)


def test_levels_are_rows_of_text() -> None:
    levels = (Level(Decimal("8476.90"), Decimal("415.0"), 13), Level(Decimal(8477), Decimal(0), 0))

    assert levels_text(levels) == b'["8476.9","415","0","13"],["8477","0","0","0"]'
    assert level_rows(levels) == [["8476.9", "415", "0", "13"], ["8477", "0", "0", "0"]]
    assert levels_text(levels[:1], Decimal(100)) == b'["8476.9","4.15","0","13"]'
    assert level_rows(levels[:1], Decimal("0.01")) == [["8476.9", "41500", "0", "13"]]
