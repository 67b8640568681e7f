"""Facts from messages, beyond what the captures say."""

from decimal import Decimal

import msgspec
import pytest

from fluxum.errors import RemoteProtocolError, VenueRefused
from fluxum.model.instrument import Instrument, InstrumentStatus, Symbol
from fluxum.venues.okx import native, normalize

BTC = Symbol("BTC/USDT")

ONE, HUNDREDTH = Decimal(1), Decimal("0.01")
TRADE = native.Trade("BTC-USDT", "130639474", "42219.9", "0.12060306", "buy", "1630048897897")
SPOT = native.Instrument("SPOT", "BTC-USDT", "BTC", "USDT", "0.10", "0.00000001", "0.00001", "live")
# nautilus_trader crates/adapters/okx/test_data/http_get_instruments_swap.json
LINEAR = native.Instrument(
    "SWAP",
    "BTC-USDT-SWAP",
    tickSz="0.1",
    lotSz="0.01",
    minSz="0.01",
    state="live",
    ctType="linear",
    ctVal="0.01",
    ctMult="1",
    ctValCcy="BTC",
    settleCcy="USDT",
)
INVERSE = msgspec.structs.replace(
    LINEAR,
    instId="BTC-USD-SWAP",
    lotSz="1",
    minSz="1",
    ctType="inverse",
    ctVal="100",
    ctValCcy="USD",
    settleCcy="BTC",
)


def listed(wire: native.Instrument) -> Instrument:
    market = normalize.instrument(wire, 1)
    assert market is not None
    return market


@pytest.mark.parametrize("text", [None, "", "-1", "1.5", "x", "15970263830855", "١٢٣", "0", "1"])
def test_what_is_no_instant_of_an_exchange_is_none(text: str | None) -> None:
    assert normalize.instant(text) is None


def test_an_instant_is_milliseconds_in_digits() -> None:
    assert normalize.instant("1597026383085") == 1_597_026_383_085_000_000


def test_a_trade_of_no_side_is_nonsense() -> None:
    wire = msgspec.structs.replace(TRADE, side="both")

    with pytest.raises(RemoteProtocolError, match="buy or sell was expected, was 'both'"):
        normalize.trade(wire, BTC, ONE, 1)


def test_a_trade_of_contracts_is_one_of_the_base_asset() -> None:
    """12 contracts of 0.01 BTC: cryptofeed-rs adapters/okx/tests/fixtures/swap_trade.json."""
    wire = native.Trade("BTC-USDT-SWAP", "305455", "65010.0", "12", "buy", "1700000000123", "1")

    trade = normalize.trade(wire, Symbol("BTC/USDT:PERP"), HUNDREDTH, 1)

    assert (str(trade.quantity), str(trade.price)) == ("0.12", "65010.0")


def test_what_a_ticker_does_not_say_is_none() -> None:
    ticker = normalize.ticker(native.Ticker(), BTC, ONE, 5)

    assert (ticker.last, ticker.change, ticker.volume, ticker.venue_ns) == (None,) * 4


def test_zero_is_no_price_and_has_no_quantity() -> None:
    """As tardis-dev/tardis-node test/mappers.test.ts has it of a market that does not trade."""
    wire = native.Ticker(
        "SPOT", "ACT-USDT", last="", askPx="0", askSz="0", bidPx="0", bidSz="0", open24h=""
    )

    ticker = normalize.ticker(wire, BTC, ONE, 5)

    assert (ticker.bid, ticker.ask, ticker.mid, ticker.spread) == (None, None, None, None)
    assert (ticker.bid_quantity, ticker.ask_quantity) == (None, None)


def test_a_ticker_of_contracts_is_in_the_base_asset() -> None:
    wire = native.Ticker(
        "SWAP", last="50000", lastSz="7", askPx="50000", askSz="100", bidPx="49990", bidSz="3",
        vol24h="1000000", open24h="49000",
    )  # fmt: skip

    ticker = normalize.ticker(wire, Symbol("BTC/USDT:PERP"), HUNDREDTH, 5)

    assert str(ticker.last_quantity) == "0.07"
    assert str(ticker.ask_quantity) == "1.00"
    assert str(ticker.bid_quantity) == "0.03"
    assert str(ticker.volume) == "10000.00"
    assert ticker.change == 1000


def test_a_candle_of_contracts_is_in_the_base_asset() -> None:
    wire = native.Candle("1597026383085", "1", "3", "1", "2", "45247", "529.58", "5529.58", "1")

    candle = normalize.candle(wire, Symbol("BTC/USDT:PERP"), 60, HUNDREDTH, 5)

    assert (str(candle.volume), candle.closed) == ("452.47", True)


def test_a_candle_has_a_start() -> None:
    wire = native.Candle("1", "1", "3", "1", "2", "5")

    with pytest.raises(RemoteProtocolError, match="a time was expected, was '1'"):
        normalize.candle(wire, BTC, 60, ONE, 5)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("live", InstrumentStatus.ONLINE),
        ("post_only", InstrumentStatus.POST_ONLY),
        ("suspend", InstrumentStatus.MAINTENANCE),
        ("rebase", InstrumentStatus.MAINTENANCE),
        ("preopen", InstrumentStatus.OTHER),
        ("something new", InstrumentStatus.OTHER),
        (None, InstrumentStatus.OTHER),
    ],
)
def test_states_of_an_instrument(state: str | None, status: InstrumentStatus) -> None:
    assert listed(msgspec.structs.replace(SPOT, state=state)).status is status


@pytest.mark.parametrize(("step", "precision"), [("0.10", 1), ("1", 0), ("10", 0), ("0.0005", 4)])
def test_precision_is_how_many_decimals_a_step_needs(step: str, precision: int) -> None:
    market = listed(msgspec.structs.replace(SPOT, tickSz=step, lotSz=step))

    assert (market.price_precision, market.quantity_precision) == (precision, precision)
    assert market.tick == market.lot == Decimal(step)


def test_a_spot_market_is_named_by_its_currencies_and_not_by_its_name() -> None:
    market = listed(msgspec.structs.replace(SPOT, instId="XBT-USDT"))

    assert (market.symbol, market.base, market.quote) == ("BTC/USDT", "BTC", "USDT")
    assert (str(market.contract_size), market.contract_asset, market.is_inverse) == (
        "1",
        None,
        False,
    )


def test_a_linear_contract_is_counted_in_its_base_asset() -> None:
    market = listed(LINEAR)

    assert (market.symbol, market.base, market.quote) == ("BTC/USDT:PERP", "BTC", "USDT")
    assert (market.contract_size, market.contract_asset) == (HUNDREDTH, "BTC")
    assert not market.is_inverse
    # A lot of 0.01 contracts of 0.01 BTC.
    assert (str(market.lot), str(market.quantity_min), market.quantity_precision) == (
        "0.0001",
        "0.0001",
        4,
    )


def test_an_inverse_contract_is_counted_in_what_it_is_worth() -> None:
    market = listed(INVERSE)

    assert (market.symbol, market.base, market.quote) == (
        "BTC/USD:PERP-INVERSE",
        "BTC",
        "USD",
    )
    assert (str(market.contract_size), market.contract_asset) == ("100", "USD")
    assert market.is_inverse
    assert market.lot == market.quantity_min == 100


def test_a_multiplier_is_part_of_the_size() -> None:
    market = listed(msgspec.structs.replace(LINEAR, ctMult="0.1"))

    assert (str(market.contract_size), str(market.lot)) == ("0.001", "0.00001")


@pytest.mark.parametrize(
    ("name", "kind", "symbol"),
    [
        ("BTC-USDT-261225", "linear", "BTC/USDT:261225"),
        ("BTC-USD-261225", "inverse", "BTC/USD:261225-INVERSE"),
    ],
)
def test_a_future_is_named_by_its_day(name: str, kind: str, symbol: str) -> None:
    wire = LINEAR if kind == "linear" else INVERSE

    assert listed(msgspec.structs.replace(wire, instType="FUTURES", instId=name)).symbol == symbol


@pytest.mark.parametrize(
    ("kind", "name", "symbol"),
    [
        ("SWAP", "BTC-USD_UM-SWAP", "BTC/USD:UM-PERP"),
        ("FUTURES", "BTC-USD_UM-260710", "BTC/USD:UM-260710"),
        ("FUTURES", "BTC-USD_UM_XPERP-310404", "BTC/USD:UM_XPERP-310404"),
    ],
)
def test_a_family_of_its_own_is_named(kind: str, name: str, symbol: str) -> None:
    """Linear and settled in USD, beside the inverse contracts of the same pair and day."""
    market = listed(msgspec.structs.replace(LINEAR, instType=kind, instId=name, settleCcy="USD"))

    assert (market.symbol, market.base, market.quote) == (symbol, "BTC", "USD")
    assert not market.is_inverse


@pytest.mark.parametrize(
    "odd",
    [
        {"ctVal": ""},
        {"ctVal": None},
        {"ctVal": "0"},
        {"ctVal": "-0.01"},
        {"ctVal": "x"},
        {"ctMult": ""},
        {"ctMult": "0"},
        {"ctValCcy": ""},
        {"settleCcy": None},
        {"instId": "ETH-USDT-SWAP"},  # a name that does not fit its currencies
        {"instId": "BTC-USD_UM-SWAP"},
        {"instId": "BTC-USDT"},
        {"instId": "BTC-USDT-"},
        {"instId": "BTC-USDTSWAP"},
    ],
)
def test_a_contract_whose_size_or_name_is_odd_is_no_instrument(odd: dict[str, str]) -> None:
    with pytest.raises(RemoteProtocolError):
        normalize.instrument(msgspec.structs.replace(LINEAR, **odd), 1)


@pytest.mark.parametrize("odd", [{"ctType": "quanto"}, {"ctType": ""}, {"instType": "EVENTS"}])
def test_a_new_kind_of_contract_is_not_offered(odd: dict[str, str]) -> None:
    with pytest.raises(VenueRefused, match="a linear or inverse contract was expected"):
        normalize.instrument(msgspec.structs.replace(LINEAR, **odd), 1)


def test_an_option_is_passed_over() -> None:
    assert normalize.instrument(native.Instrument("OPTION", "BTC-USD-261225-9-C"), 1) is None
