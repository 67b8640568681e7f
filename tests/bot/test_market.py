"""A market is a value: hashed, ordered, and checked when it is made."""

import pytest

from fluxum.bot import Market
from fluxum.errors import BadInput
from fluxum.model.instrument import Symbol


def test_text_becomes_a_symbol() -> None:
    assert isinstance(Market("one", "BTC/USD").symbol, Symbol)
    assert Market("one", "BTC/USD") == Market("one", Symbol("BTC/USD"))


def test_markets_are_keys_and_are_sorted_by_venue_first() -> None:
    markets = {Market("two", "BTC/USD"): 1, Market("one", "ETH/USD"): 2}

    assert [str(one) for one in sorted(markets)] == ["one ETH/USD", "two BTC/USD"]


def test_a_malformed_symbol_is_refused() -> None:
    with pytest.raises(BadInput, match="a symbol like BTC/USD was expected, was 'BTCUSD'"):
        Market("one", "BTCUSD")
