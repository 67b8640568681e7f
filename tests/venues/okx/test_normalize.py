"""Facts from messages, beyond what the captures say."""

from decimal import Decimal

import msgspec
import pytest

from fluxum.errors import RemoteProtocolError
from fluxum.model.instrument import InstrumentStatus, Symbol
from fluxum.venues.okx import native, normalize

BTC = Symbol("BTC/USDT")

TRADE = native.Trade("BTC-USDT", "130639474", "42219.9", "0.12060306", "buy", "1630048897897")
SPOT = native.Instrument("SPOT", "BTC-USDT", "BTC", "USDT", "0.10", "0.00000001", "0.00001", "live")


@pytest.mark.parametrize("text", ["", "-1", "1.5", "x", "15970263830855", "١٢٣"])
def test_a_time_is_milliseconds_in_digits(text: str) -> None:
    with pytest.raises(RemoteProtocolError, match="milliseconds were expected"):
        normalize.instant(text)


def test_a_trade_of_no_side_is_nonsense() -> None:
    wire = msgspec.structs.replace(TRADE, side="both")

    with pytest.raises(RemoteProtocolError, match="buy or sell was expected, was 'both'"):
        normalize.trade(wire, BTC, None, 1)


def test_a_change_is_told_only_where_both_prices_are() -> None:
    wire = native.Ticker(
        "OPTION", "BTC-USDT", "", "", "", "", "", "", "", "", "", "", "", "", "", "1"
    )

    ticker = normalize.ticker(wire, BTC, 5)

    assert (ticker.last, ticker.change, ticker.volume) == (None, None, None)
    assert ticker.venue_ns == 1_000_000


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("live", InstrumentStatus.ONLINE),
        ("post_only", InstrumentStatus.POST_ONLY),
        ("suspend", InstrumentStatus.MAINTENANCE),
        ("rebase", InstrumentStatus.MAINTENANCE),
        ("preopen", InstrumentStatus.OTHER),
        ("something new", InstrumentStatus.OTHER),
    ],
)
def test_states_of_an_instrument(state: str, status: InstrumentStatus) -> None:
    wire = msgspec.structs.replace(SPOT, state=state)

    assert normalize.instrument(wire, 1).status is status


@pytest.mark.parametrize(("step", "precision"), [("0.10", 1), ("1", 0), ("10", 0), ("0.0005", 4)])
def test_precision_is_how_many_decimals_a_step_needs(step: str, precision: int) -> None:
    wire = msgspec.structs.replace(SPOT, tickSz=step, lotSz=step)

    told = normalize.instrument(wire, 1)

    assert (told.price_precision, told.quantity_precision) == (precision, precision)
    assert told.tick == told.lot == Decimal(step)


def test_a_derivative_takes_its_currencies_from_its_name() -> None:
    wire = msgspec.structs.replace(SPOT, instId="UNI-USD-SWAP", baseCcy="", quoteCcy="")

    told = normalize.instrument(wire, 1)

    assert (told.symbol, told.base, told.quote) == ("UNI/USD:PERP", "UNI", "USD")
