"""Names of assets, wallets and markets, with lists as mixed as the venue's own.

Rows of assets and pairs are those that https://api.kraken.com/0/public/Assets and /AssetPairs have
had at one time or other, as quoted by the documentation, ccxt, nautilus_trader and rotki.
"""

import pytest

from fluxum.errors import RemoteProtocolError
from fluxum.model.instrument import Asset, Symbol
from fluxum.venues.kraken.private.names import Names, wallet_name
from fluxum.venues.kraken.private.native_rest import AssetRow, PairRow

ASSETS = {
    "XXBT": "XBT",
    "XBT.M": "XBT.M",
    "XBT.F": "XBT.F",
    "XXDG": "XDG",
    "XETH": "ETH",
    "ETH.F": "ETH.F",
    "ETH2": "ETH2",
    "ETH2.S": "ETH2.S",
    "XXRP": "XRP",
    "XXLM": "XLM",
    "XLTC": "LTC",
    "XXMR": "XMR",
    "XZEC": "ZEC",
    "XTZ": "XTZ",
    "XTZ.S": "XTZ.S",
    "ZRX": "ZRX",
    "ATOM": "ATOM",
    "ATOM.S": "ATOM.S",
    "ATOM21.S": "ATOM21.S",
    "DOT": "DOT",
    "DOT.S": "DOT.S",
    "DOT28.S": "DOT28.S",
    "DOT.P": "DOT.P",
    "SOL": "SOL",
    "SOL03.S": "SOL03.S",
    "SOL.B": "SOL.B",
    "FLOW": "FLOW",
    "FLOWH": "FLOWH",
    "FLOWH.S": "FLOWH.S",
    "C98": "C98",
    "1INCH": "1INCH",
    "LUNA": "LUNA",
    "LUNA2": "LUNA2",
    "USDT": "USDT",
    "USDT.M": "USDT.M",
    "USDC": "USDC",
    "T": "T",
    "TUSD": "TUSD",
    "KFEE": "FEE",
    "ZUSD": "USD",
    "USD.M": "USD.M",
    "USD.HOLD": "USD.HOLD",
    "ZEUR": "EUR",
    "ZGBP": "GBP",
    "ZJPY": "JPY",
    "CHF": "CHF",
}
PAIRS = {
    "XXBTZUSD": ("XBTUSD", "XXBT", "ZUSD"),
    "XXBTZEUR": ("XBTEUR", "XXBT", "ZEUR"),
    "XETHXXBT": ("ETHXBT", "XETH", "XXBT"),
    "ETH2.SETH": ("ETH2.SETH", "ETH2.S", "XETH"),
    "XDGUSD": ("XDGUSD", "XXDG", "ZUSD"),
    "XBTUSDT": ("XBTUSDT", "XXBT", "USDT"),
    "DOTUSD": ("DOTUSD", "DOT", "ZUSD"),
    "TUSD": ("TUSD", "T", "ZUSD"),
    "TUSDUSD": ("TUSDUSD", "TUSD", "ZUSD"),
    "AAPLxUSD": ("AAPLxUSD", "AAPLx", "ZUSD"),
}


@pytest.fixture(name="names")
def learned() -> Names:
    names = Names()
    for name, altname in ASSETS.items():
        names.learn_asset(name, AssetRow(altname))
    for name, (altname, base, quote) in PAIRS.items():
        names.learn_pair(name, PairRow(altname, base, quote))
    return names


@pytest.mark.parametrize(
    ("name", "asset", "wallet"),
    [
        ("XXBT", "BTC", "spot/main"),
        ("XBT", "BTC", "spot/main"),
        ("XBT.M", "BTC", "earn/liquid"),
        ("XBT.F", "BTC", "earn/flexible"),
        ("XXBT.F", "BTC", "earn/flexible"),
        ("XBT.B", "BTC", "earn/bonded"),  # on no list
        ("XXDG", "DOGE", "spot/main"),
        ("XETH", "ETH", "spot/main"),
        ("ETH.F", "ETH", "earn/flexible"),
        ("ETH2", "ETH2", "spot/main"),  # an asset of its own, which had a market with ETH
        ("ETH2.S", "ETH2", "earn/staked"),
        ("XTZ", "XTZ", "spot/main"),
        ("XTZ.S", "XTZ", "earn/staked"),
        ("ATOM.S", "ATOM", "earn/staked"),
        ("ATOM21.S", "ATOM", "earn/staked21"),
        ("DOT28.S", "DOT", "earn/staked28"),
        ("DOT.P", "DOT", "earn/parachain"),
        ("SOL03.S", "SOL", "earn/staked03"),
        ("SOL.B", "SOL", "earn/bonded"),
        ("FLOWH.S", "FLOWH", "earn/staked"),
        ("FLOW14.S", "FLOW", "earn/staked14"),
        ("C98", "C98", "spot/main"),  # digits that are no days
        ("C98.F", "C98", "earn/flexible"),
        ("LUNA2", "LUNA2", "spot/main"),
        ("USD.M", "USD", "earn/liquid"),
        ("USD.HOLD", "USD", "spot/hold"),
        ("ZUSD", "USD", "spot/main"),
        ("KFEE", "FEE", "spot/main"),
        ("AAPLx", "AAPLx", "spot/main"),
        ("AAPLx.T", "AAPLx", "spot/main"),
        ("XICN", "XICN", "spot/main"),  # listed no longer: as it is
        ("SOL.X", "SOL", "earn/X"),  # a suffix that is new
    ],
)
def test_a_suffix_is_a_wallet_and_the_stem_is_looked_up(
    names: Names, name: str, asset: str, wallet: str
) -> None:
    assert names.asset(name) == (asset, wallet)


@pytest.mark.parametrize(
    ("kind", "name", "wallet"),
    [
        ("spot", "main", "spot/main"),
        ("earn", "flex", "earn/flexible"),
        ("earn", "flexible", "earn/flexible"),
        ("earn", "bonded", "earn/bonded"),
        ("", "", ""),
    ],
)
def test_a_wallet_has_the_same_name_on_both_roads(kind: str, name: str, wallet: str) -> None:
    assert wallet_name(kind, name) == wallet


@pytest.mark.parametrize(
    ("name", "market"),
    [
        ("XXBTZUSD", "BTC/USD"),
        ("XBTUSD", "BTC/USD"),
        ("BTC/USD", "BTC/USD"),
        ("XXBTZUSD.d", "BTC/USD"),  # a dark pool
        ("XBTUSD.d", "BTC/USD"),
        ("ETH2.SETH", "ETH2/ETH"),
        ("AAPLxUSD", "AAPLx/USD"),
        ("TUSDUSD", "TUSD/USD"),
    ],
)
def test_a_market_on_a_list_is_known_by_all_its_names(names: Names, name: str, market: str) -> None:
    assert names.market(name) == Symbol(market)
    assert names.is_listed(name) or "/" in name


@pytest.mark.parametrize(
    ("name", "market"),
    [
        ("LUNAEUR", "LUNA/EUR"),  # delisted, of two known assets
        ("XXRPZJPY", "XRP/JPY"),
        ("ATOMXBT", "ATOM/BTC"),
        ("XICNXXBT", "XICN/BTC"),  # an asset that is on no list keeps its raw name
        ("NEWUSDT", "NEW/USDT"),
        ("GLXYxUSD", "GLXYx/USD"),
    ],
)
def test_a_market_on_no_list_is_put_together_and_noted(
    names: Names, name: str, market: str
) -> None:
    assert names.market(name) == Symbol(market)
    assert names.unknown == {name}


def test_a_name_that_can_be_no_market_is_refused_with_its_raw_name(names: Names) -> None:
    with pytest.raises(RemoteProtocolError, match="was 'WHATEVER'"):
        names.market("WHATEVER")

    assert names.unknown == {"WHATEVER"}


def test_a_market_that_was_listed_since_is_known_once_its_list_was_read(names: Names) -> None:
    names.market("NEWZUSD")

    names.learn_pair("NEWZUSD", PairRow("NEWUSD", "NEWCOIN", "ZUSD"))

    assert names.market("NEWZUSD") == Symbol("NEWCOIN/USD")
    assert names.is_listed("NEWZUSD")


def test_an_asset_is_asked_for_with_every_wallet_that_is_listed(names: Names) -> None:
    names.learn_asset("XXBT.S", AssetRow("XBT.S"))

    assert names.format_symbol(Asset("BTC")) == "XXBT,XBT.M,XBT.F,XXBT.S"
    assert names.format_symbol(Asset("DOT")) == "DOT,DOT.S,DOT28.S,DOT.P"
    assert names.format_symbol(Asset("SOL")) == "SOL,SOL03.S,SOL.B"
    assert names.format_symbol(Asset("NEW")) == "NEW"
