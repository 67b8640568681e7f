"""Symbols, and a market's grids for prices and quantities."""

import pickle
from decimal import ROUND_HALF_EVEN, ROUND_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxum.errors import BadInput
from fluxum.model.instrument import Asset, Instrument, InstrumentStatus, Symbol


def instrument(tick: str = "0.1", lot: str = "0.00000001") -> Instrument:
    return Instrument(
        venue="kraken",
        symbol=Symbol("BTC/USD"),
        venue_symbol="BTC/USD",
        base=Asset("BTC"),
        quote=Asset("USD"),
        status=InstrumentStatus.ONLINE,
        tick=Decimal(tick),
        lot=Decimal(lot),
        price_precision=1,
        quantity_precision=8,
        quantity_min=Decimal("0.0001"),
        received_ns=1,
    )


def test_a_symbol_is_text_that_knows_its_parts() -> None:
    symbol = Symbol("AAPLx/USD")

    assert (symbol.base, symbol.quote) == ("AAPLx", "USD")
    assert symbol == "AAPLx/USD"
    assert hash(symbol) == hash("AAPLx/USD")
    assert f"{symbol}" == "AAPLx/USD"
    assert {symbol: 1}["AAPLx/USD"] == 1  # type: ignore[index]
    assert Symbol(symbol) == symbol


def test_case_and_quote_are_never_guessed() -> None:
    assert Symbol("BTC/USD") != Symbol("BTC/USDT")
    assert Symbol("btc/usd") != Symbol("BTC/USD")


@pytest.mark.parametrize(
    "text", ["", "/", "BTC", "BTC/", "/USD", "BTC-USD", "BTC/USD/X", "BTC /USD", " BTC/USD", "B/\n"]
)
def test_text_of_another_form_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        Symbol(text)
    assert f"was {text!r}" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "is_inverse", "counts_contracts"),
    [
        ("BTC/USD:PERP-INVERSE", True, False),
        ("BTC/USD:261225-INVERSE", True, False),
        ("BTC/USDT:PERP-CONTRACTS", False, True),
        ("BTC/USD:220325-40000-C-CONTRACTS", False, True),
        ("BTC/USDT:PERP", False, False),
        ("X/A-INVERSE", False, False),
        ("X/A-CONTRACTS", False, False),
    ],
)
def test_a_contract_names_its_unit_unless_that_is_the_base_asset(
    text: str, is_inverse: bool, counts_contracts: bool
) -> None:
    symbol = Symbol(text)

    assert (symbol.is_inverse, symbol.counts_contracts) == (is_inverse, counts_contracts)


def test_a_symbol_survives_pickling() -> None:
    symbol = pickle.loads(pickle.dumps(Symbol("BTC/USD")))

    assert isinstance(symbol, Symbol)
    assert symbol.base == "BTC"


def test_prices_and_quantities_are_rounded_to_the_grid() -> None:
    market = instrument(tick="0.5", lot="0.001")

    assert market.round_price(Decimal("10.74")) == Decimal("10.5")
    assert market.round_price(Decimal("10.74"), ROUND_UP) == Decimal("11.0")
    assert market.round_price(Decimal("10.75"), ROUND_HALF_EVEN) == Decimal("11.0")
    assert market.round_price(Decimal("-10.74")) == Decimal("-10.5")
    assert market.round_quantity(Decimal("1.2345")) == Decimal("1.234")
    assert market.round_quantity(Decimal("0.0009")) == 0


def test_a_price_on_the_grid_stays() -> None:
    assert instrument().round_price(Decimal("45283.5")) == Decimal("45283.5")


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="finite"):
        instrument().round_price(Decimal(text))


def test_a_grid_without_a_step_is_refused() -> None:
    with pytest.raises(BadInput, match="positive step"):
        instrument(tick="0").round_price(Decimal(1))


@given(
    st.decimals(-(10**9), 10**9, places=8),
    st.sampled_from(["0.00000001", "0.05", "0.1", "1", "25"]),
)
def test_rounding_is_on_the_grid_not_away_from_zero_and_stable(value: Decimal, tick: str) -> None:
    market = instrument(tick=tick)

    rounded = market.round_price(value)

    assert rounded % Decimal(tick) == 0
    assert abs(rounded) <= abs(value)
    assert abs(value - rounded) < Decimal(tick)
    assert market.round_price(rounded) == rounded


@pytest.mark.parametrize(
    ("text", "is_inverse"),
    [
        ("BTC/USD:PERP-INVERSE", True),
        ("BTC/USD:261225-INVERSE", True),
        ("BTC/USD:PERP", False),
        ("BTC/USD", False),
        ("X-INVERSE/USD", False),
    ],
)
def test_an_inverse_contract_is_one_by_its_symbol(text: str, is_inverse: bool) -> None:
    assert Symbol(text).is_inverse is is_inverse
