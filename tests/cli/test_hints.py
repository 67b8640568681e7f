"""What may have been meant: a slip of the pen, another way to spell a pair."""

import pytest

from fluxum.cli.hints import near, near_symbol
from fluxum.model.instrument import Symbol

POPULAR = (Symbol("BTC/USDT"), Symbol("ETH/USDT"))


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("krakn", "; did you mean 'kraken'?"),
        ("Kraken", "; did you mean 'kraken'?"),
        ("bybit-liner", "; did you mean 'bybit-linear'?"),
        ("mtgox", ""),
        ("", ""),
    ],
)
def test_a_word_that_is_near_is_named(word: str, hint: str) -> None:
    assert near(word, ("kraken", "bybit", "bybit-linear")) == hint


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("btcusd", "BTC/USD"),
        ("BTCUSDT", "BTC/USDT"),
        ("XBT/USD", "BTC/USD"),
        ("xbtusd", "BTC/USD"),
        ("BTC-USD", "BTC/USD"),
        ("btc_usdc", "BTC/USDC"),
        ("btc/usd", "BTC/USD"),
        ("eth.btc", "ETH/BTC"),
        ("btcusdt:PERP", "BTC/USDT:PERP"),
        ("XDG/EUR", "DOGE/EUR"),
    ],
)
def test_other_spellings_of_a_pair_are_known(text: str, meant: str) -> None:
    assert near_symbol(text) == f"; did you mean {meant!r}?"


def test_a_pair_that_is_well_spelled_is_compared_with_those_that_are_known() -> None:
    assert near_symbol("BTC/USD", POPULAR) == "; did you mean 'BTC/USDT'?"
    assert near_symbol("DOGE/USDT", POPULAR) == ""
    assert near_symbol("BTC/USDT", POPULAR) == ""


@pytest.mark.parametrize("text", ["", "/", "bitcoin", "USD", "a b", "/USD", "\n", ":", "BTC/"])
def test_what_is_no_pair_gets_no_hint(text: str) -> None:
    assert near_symbol(text) == ""
