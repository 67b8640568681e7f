"""Tests of `sim.listing`: rules of known and of any other markets."""

from decimal import Decimal

from fluxum.model.instrument import Symbol
from fluxum.sim.instruments import listing
from fluxum.venues.kraken.venue import KRAKEN


def test_bitcoin_has_the_grid_that_kraken_lists() -> None:
    one = listing(KRAKEN, Symbol("BTC/USD"), 5).instrument

    # https://docs.kraken.com/api/docs/websocket-v2/instrument
    assert (one.tick, one.lot) == (Decimal("0.1"), Decimal("0.00000001"))
    assert (one.price_precision, one.quantity_precision) == (1, 8)
    assert one.quantity_min == Decimal("0.0001")
    assert (one.base, one.quote, one.received_ns) == ("BTC", "USD", 5)


def test_any_symbol_can_be_listed_and_its_price_is_on_its_grid() -> None:
    one = listing(KRAKEN, Symbol("FOO/BAR"), 0)

    assert one.start_price == one.instrument.round_price(one.start_price)
    assert one.start_price.as_tuple().exponent == -one.instrument.price_precision
    assert (one.instrument.base, one.instrument.quote) == ("FOO", "BAR")
