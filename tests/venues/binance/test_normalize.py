"""Rules of markets and odd numbers; whole messages are in the captures."""

from decimal import Decimal

import pytest
from msgspec import structs

from fluxum.errors import RemoteProtocolError
from fluxum.model.instrument import InstrumentStatus
from fluxum.venues.binance import native, normalize
from venues.binance.wire import BTC, NOW

MARKET = native.Market(
    "BTCUSDT",
    "BTC",
    "USDT",
    "TRADING",
    baseAssetPrecision=6,
    quotePrecision=8,
    filters=(
        native.Filter("PRICE_FILTER", tickSize="0.01000000"),
        native.Filter("LOT_SIZE", stepSize="10.00000000", minQty="0.00000000"),
        native.Filter("NOTIONAL", minNotional="5.00000000"),
    ),
)
TICKER = native.Ticker(E=1, s="BTCUSDT", p="-0.5", P="-1.25", w="1", c="2", Q="3")


def test_a_markets_steps_are_its_filters_and_its_precisions_their_digits() -> None:
    one = normalize.instrument(MARKET, BTC, "binance", 1, NOW)

    assert (one.tick, one.lot) == (Decimal("0.01"), Decimal(10))
    assert (one.price_precision, one.quantity_precision) == (2, 0)
    assert (one.quantity_min, one.notional_min) == (Decimal(10), Decimal(5))


def test_a_step_that_is_not_checked_is_the_assets_precision() -> None:
    unchecked = (native.Filter("PRICE_FILTER", tickSize="0.00000000"),)

    one = normalize.instrument(structs.replace(MARKET, filters=unchecked), BTC, "binance", 1, NOW)

    assert (one.tick, one.lot) == (Decimal("1E-8"), Decimal("1E-6"))
    assert (one.price_precision, one.quantity_precision) == (8, 6)
    assert one.notional_min is None


@pytest.mark.parametrize("precision", [-1, 31, 10**9])
def test_a_precision_that_is_none_makes_no_sense(precision: int) -> None:
    with pytest.raises(RemoteProtocolError, match="precision"):
        normalize.instrument(
            structs.replace(MARKET, quotePrecision=precision), BTC, "binance", 1, NOW
        )


@pytest.mark.parametrize(
    ("status", "ours"),
    [
        ("TRADING", InstrumentStatus.ONLINE),
        ("BREAK", InstrumentStatus.MAINTENANCE),
        ("HALT", InstrumentStatus.MAINTENANCE),
        ("CANCEL_ONLY", InstrumentStatus.CANCEL_ONLY),
        ("CLOSE", InstrumentStatus.DELISTED),
        ("SETTLING", InstrumentStatus.OTHER),
        ("something new", InstrumentStatus.OTHER),
    ],
)
def test_a_status_is_one_of_ours(status: str, ours: InstrumentStatus) -> None:
    wire = structs.replace(MARKET, status=status)

    one = normalize.instrument(wire, BTC, "binance", 1, NOW)

    assert one.status is ours


def test_a_change_may_be_negative_and_nothing_else_may() -> None:
    ticker = normalize.ticker(TICKER, "binance", BTC, NOW)

    assert (ticker.change, ticker.change_percent) == (Decimal("-0.5"), Decimal("-1.25"))
    with pytest.raises(RemoteProtocolError):
        normalize.ticker(structs.replace(TICKER, c="-2"), "binance", BTC, NOW)
    with pytest.raises(RemoteProtocolError):
        normalize.ticker(structs.replace(TICKER, p="--2"), "binance", BTC, NOW)
