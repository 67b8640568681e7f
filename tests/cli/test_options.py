"""What the text of options means, and what is said of text that means nothing."""

import pytest

from fluxum.cli.options import parse_endpoint, parse_endpoints, parse_market, parse_markets
from fluxum.errors import BadInput


@pytest.mark.parametrize(
    ("symbols", "exchanges", "markets"),
    [
        ("BTC/USD", "", {"kraken": ["BTC/USD"]}),
        ("BTC/USD,BTC/USD", "kraken", {"kraken": ["BTC/USD"]}),
        (
            "kraken:BTC/USD,binance:BTC/USDT",
            "",
            {"kraken": ["BTC/USD"], "binance": ["BTC/USDT"]},
        ),
        (
            "X/USD,Y/USD",
            "kraken,binance",
            {"kraken": ["X/USD", "Y/USD"], "binance": ["X/USD", "Y/USD"]},
        ),
        (
            "BTC/USD,okx:BTC/USDT:PERP",
            "kraken",
            {"kraken": ["BTC/USD"], "okx": ["BTC/USDT:PERP"]},
        ),
        ("binance-usdm:BTC/USDT:PERP", "", {"binance-usdm": ["BTC/USDT:PERP"]}),
        ("BTC/USDT:PERP", "okx", {"okx": ["BTC/USDT:PERP"]}),
        ("", "kraken,okx", {"kraken": [], "okx": []}),
        ("", "", {"kraken": []}),
    ],
)
def test_symbols_go_to_the_exchange_they_name_or_to_all(
    symbols: str, exchanges: str, markets: dict[str, list[str]]
) -> None:
    assert parse_markets(symbols, exchanges) == markets


@pytest.mark.parametrize(
    ("symbols", "exchanges", "message"),
    [
        ("krakn:BTC/USD", "", "was 'krakn'; did you mean 'kraken'"),
        ("kraken:BTCUSD", "", "was 'BTCUSD'; did you mean 'BTC/USD'"),
        ("kraken:", "", "a symbol like BTC/USD was expected, was 'kraken:'"),
        (":BTC/USD", "", "a symbol like BTC/USD was expected, was ':BTC/USD'"),
        ("kraken:BTC/USD", "kraken,okx", "a symbol was expected for okx, was 'kraken:BTC/USD'"),
        ("BTC/USD,", "", "was 'BTC/USD,'"),
        ("BTC/USD", "kraken,", "was 'kraken,'"),
    ],
)
def test_symbols_that_mean_nothing_are_refused(symbols: str, exchanges: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_markets(symbols, exchanges)
    assert message in str(caught.value)


def test_one_exchange_is_asked_where_there_can_be_only_one() -> None:
    assert parse_market("binance:BTC/USDT", "") == ("binance", ["BTC/USDT"])
    with pytest.raises(BadInput, match="one exchange was expected, was kraken, okx"):
        parse_market("BTC/USD,okx:BTC/USDT", "kraken")


def test_endpoints_are_those_of_the_exchanges_they_name() -> None:
    named = ["kraken=ws://a:1", "binance=wss://b:2/?x=y"]

    assert parse_endpoints(named, ["kraken", "binance"]) == {
        "kraken": "ws://a:1",
        "binance": "wss://b:2/?x=y",
    }
    assert parse_endpoints(["ws://a:1/?x=y"], ["kraken"]) == {"kraken": "ws://a:1/?x=y"}
    assert parse_endpoints(None, ["kraken"]) == {}
    assert parse_endpoint(["kraken=ws://a:1"], "kraken") == "ws://a:1"


@pytest.mark.parametrize(
    ("endpoints", "venues", "message"),
    [
        (["ws://a:1"], ["kraken", "okx"], "such as kraken=ws://a:1), was 'ws://a:1'"),
        (["krakn=ws://a:1"], ["kraken"], "did you mean 'kraken'"),
        (["okx=ws://a:1"], ["kraken"], "an endpoint of kraken was expected"),
        (["kraken=ws://a:1", "kraken=ws://b:1"], ["kraken"], "one endpoint for kraken"),
        (["ws://a:1", "ws://b:1"], ["kraken"], "was also 'ws://b:1'"),
        (["=ws://a:1"], ["kraken"], "was '=ws://a:1'"),
    ],
)
def test_endpoints_that_mean_nothing_are_refused(
    endpoints: list[str], venues: list[str], message: str
) -> None:
    with pytest.raises(BadInput) as caught:
        parse_endpoints(endpoints, venues)
    assert message in str(caught.value)
