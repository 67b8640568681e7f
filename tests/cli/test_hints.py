"""What may have been meant: a slip of the pen, another way to spell a pair."""

import pytest

from fluxum.cli.hints import near, near_symbol, unexpected
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


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["kraken"], "'kraken' was not expected; did you mean --exchange kraken?"),
        (["btcusd"], "'btcusd' was not expected; did you mean --symbol BTC/USD?"),
        (["10"], "'10' was not expected"),
        (
            ["kraken", "10"],
            "'kraken' was not expected; did you mean --exchange kraken?\n'10' was not expected",
        ),
    ],
)
def test_a_word_too_many_is_named_with_its_option(words: list[str], text: str) -> None:
    assert unexpected(words, ("--symbol", "--exchange"), ("kraken",)) == text


def test_an_option_that_the_command_has_not_is_not_suggested() -> None:
    assert unexpected(["kraken"], ("--symbol",), ("kraken",)) == "'kraken' was not expected"
