"""Numbers as OKX writes them, and what it counts a market among."""

from decimal import Decimal

import pytest

from fluxum.model.instrument import Symbol
from fluxum.model.market import Level
from fluxum.venues.okx.plaintext import instrument_type, level_rows, levels_text
from fluxum.venues.plaintext import number


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
    ("symbol", "kind"),
    [
        ("BTC/USDT", "SPOT"),
        ("BTC/USD:PERP", "SWAP"),
        ("BTC/USD:220527", "FUTURES"),
        ("BTC/USD:220325-40000-C", "OPTION"),
    ],
)
def test_a_contract_tells_what_a_market_is(symbol: str, kind: str) -> None:
    assert instrument_type(Symbol(symbol)) == kind


def test_levels_are_rows_of_text() -> None:
    levels = (Level(Decimal("8476.90"), Decimal("415.0"), 13), Level(Decimal(8477), Decimal(0), 0))

    assert levels_text(levels) == b'["8476.9","415","0","13"],["8477","0","0","0"]'
    assert level_rows(levels) == [["8476.9", "415", "0", "13"], ["8477", "0", "0", "0"]]
