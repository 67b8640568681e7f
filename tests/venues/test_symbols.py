import pytest

from fluxum import RemoteProtocolError, Symbol
from fluxum.venues.symbols import of_currencies, split_name, symbol_of


def test_two_currencies_and_a_contract_make_a_symbol() -> None:
    assert of_currencies("BTC", "USDC") == Symbol("BTC/USDC")
    assert of_currencies("BTC", "USDC", "PERP") == Symbol("BTC/USDC:PERP")


@pytest.mark.parametrize(("base", "quote"), [("", "USD"), ("BTC/X", "USD"), ("BTC", "USD:PERP")])
def test_what_is_no_currency_is_the_venues_fault(base: str, quote: str) -> None:
    with pytest.raises(RemoteProtocolError, match="expected"):
        of_currencies(base, quote)


def test_a_text_that_is_no_symbol_is_the_venues_fault() -> None:
    assert symbol_of("ETH/USD") == Symbol("ETH/USD")
    with pytest.raises(RemoteProtocolError, match="BTCUSD"):
        symbol_of("BTCUSD")


def test_a_name_is_divided_before_the_first_quote_that_ends_it() -> None:
    assert split_name("XTUSD", ("TUSD", "USD")) == ("X", "TUSD")
    assert split_name("BTCUSD", ("TUSD", "USD")) == ("BTC", "USD")
    assert split_name("USD", ("USD",)) is None  # without a base
    assert split_name("BTCEUR", ("USD",)) is None
