"""What an amount is worth in another asset: over markets that exist, by arithmetic done by hand."""

from decimal import Decimal

import pytest

from fluxum.ledger.valuation import Routes, converted
from fluxum.model.instrument import Asset, Symbol

D = Decimal
MARKETS = [
    Symbol(text)
    for text in (
        "BTC/USD",
        "ETH/USD",
        "ETH/BTC",
        "USDT/USD",
        "SOL/USDT",
        "SOL/BTC",
        "USD/JPY",
        "OLD/SOL",
        "FAR/OLD",
        "XRP/USD:PERP",
        "LONE/PAIR",
    )
]


def routes(asset: str, target: str, markets: list[Symbol] = MARKETS) -> list[str]:
    return [
        " > ".join(leg.symbol for leg in route)
        for route in Routes(markets).between(Asset(asset), Asset(target))
    ]


def test_an_asset_is_worth_itself() -> None:
    assert routes("USD", "USD") == [""]
    assert converted(D("1.50"), (), {}) == D("1.50")


def test_the_market_of_both_comes_first_then_longer_ways() -> None:
    assert routes("ETH", "USD")[:2] == ["ETH/USD", "ETH/BTC > BTC/USD"]


def test_of_equal_ways_the_one_over_the_asset_with_most_markets_comes_first() -> None:
    # BTC is in three markets, USDT in two.
    assert routes("SOL", "USD")[:2] == ["SOL/BTC > BTC/USD", "SOL/USDT > USDT/USD"]


def test_a_market_is_gone_over_in_either_direction() -> None:
    (leg,) = next(Routes(MARKETS).between(Asset("JPY"), Asset("USD")))
    assert (leg.symbol, leg.is_sale, leg.gives) == ("USD/JPY", False, "USD")

    # 3000 JPY at 150 JPY a USD are 20 USD; 0.5 ETH at 2000 are 1000 USD, at 150 are 150000 JPY.
    assert converted(D(3000), (leg,), {Symbol("USD/JPY"): D(150)}) == D(20)
    route = next(Routes(MARKETS).between(Asset("ETH"), Asset("JPY")))
    assert [one.symbol for one in route] == ["ETH/USD", "USD/JPY"]
    prices = {Symbol("ETH/USD"): D(2000), Symbol("USD/JPY"): D(150)}
    assert converted(D("0.5"), route, prices) == D(150_000)


@pytest.mark.parametrize("asset", ["XRP", "LONE", "FAR", "NONE"])
def test_without_a_way_of_at_most_three_spot_markets_there_is_no_value(asset: str) -> None:
    assert routes(asset, "USD") == []


def test_three_markets_are_the_longest_way_and_no_asset_is_passed_twice() -> None:
    assert routes("OLD", "USD") == [
        "OLD/SOL > SOL/BTC > BTC/USD",
        "OLD/SOL > SOL/USDT > USDT/USD",
    ]


def test_a_quotient_has_twenty_eight_digits() -> None:
    (leg,) = next(Routes(MARKETS).between(Asset("JPY"), Asset("USD")))

    assert converted(D(1), (leg,), {Symbol("USD/JPY"): D(3)}) == D("0." + "3" * 28)
