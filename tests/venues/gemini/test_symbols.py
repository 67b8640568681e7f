"""Names of markets, written and read."""

import pytest

from fluxum.errors import RemoteProtocolError
from fluxum.model.instrument import Symbol
from fluxum.venues.gemini.symbols import guess, lower, upper
from fluxum.venues.rows import of_currencies


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("BTC/USD", "BTCUSD"),
        ("BTC/USDC:PERP", "BTCUSDCPERP"),
        ("AMP/RLUSD", "AMPRLUSD"),
        ("LINKS/USD", "LINKSUSD"),
        ("2Z/GUSD", "2ZGUSD"),
        ("USD1/USD", "USD1USD"),
        ("GUSD/USD", "GUSDUSD"),
        ("EFIL/FIL", "EFILFIL"),
        ("JITOSOL/SOL", "JITOSOLSOL"),
        ("LTC/BCH", "LTCBCH"),
    ],
)
def test_a_name_is_written_and_read_back(symbol: str, name: str) -> None:
    assert upper(Symbol(symbol)) == name
    assert lower(Symbol(symbol)) == name.lower()
    assert guess(name) == guess(name.lower()) == Symbol(symbol)


def test_a_base_that_ends_in_g_is_read_where_it_is_known() -> None:
    assert guess("usdgusd") == Symbol("USDG/USD")
    assert guess("PAXGUSD") == Symbol("PAXG/USD")
    assert guess("paxgbtc") == Symbol("PAXG/BTC")
    assert of_currencies("USDG", "USD") == Symbol("USDG/USD")


@pytest.mark.parametrize("name", ["", "usd", "perp", "btc", "btc usd", "gemi-x-usd", "ßusd"])
def test_what_is_no_market_is_refused(name: str) -> None:
    with pytest.raises(RemoteProtocolError, match="a market like BTCUSD was expected"):
        guess(name)


def test_currencies_of_another_form_are_refused() -> None:
    with pytest.raises(RemoteProtocolError):
        of_currencies("BTC/X", "USD")
