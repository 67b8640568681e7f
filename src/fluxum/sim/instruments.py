"""The markets a simulated exchange can list: their rules, and their start prices.

Precisions are those a large exchange publishes (2026) for the markets it lists; any other symbol
gets a plain default, so that every name can be simulated.
"""

from decimal import Decimal

from msgspec import Struct

from fluxum.model.instrument import Asset, Instrument, InstrumentStatus, Symbol
from fluxum.venues.venue import Venue

__all__ = ["Listing", "decimals", "listing"]


class Listing(Struct, frozen=True):
    """A market's rules and its start price."""

    instrument: Instrument
    start_price: Decimal


def listing(venue: Venue, symbol: Symbol, now_ns: int) -> Listing:
    """The listing of any symbol at a venue; a derivative is listed like its underlying."""
    spot = symbol.partition(":")[0]
    price, price_precision, quantity_precision, quantity_min = _KNOWN.get(spot, _OTHER)
    start = Decimal(price)
    return Listing(
        Instrument(
            venue=venue.name,
            symbol=symbol,
            venue_symbol=venue.format_symbol(symbol),
            base=symbol.base,
            quote=symbol.quote,
            status=InstrumentStatus.ONLINE,
            tick=_step(price_precision),
            lot=_step(quantity_precision),
            price_precision=price_precision,
            quantity_precision=quantity_precision,
            quantity_min=Decimal(quantity_min),
            notional_min=Decimal("0.5"),
            venue_ns=now_ns,
            received_ns=now_ns,
        ),
        start.quantize(_step(price_precision)),
    )


def decimals(asset: Asset) -> int:
    """The number of decimal places of amounts of an asset."""
    return _DECIMALS.get(asset, 10)


def _step(precision: int) -> Decimal:
    return Decimal((0, (1,), -precision))


# Start price, price decimals, quantity decimals, least quantity.
_KNOWN: dict[str, tuple[str, int, int, str]] = {
    "BTC/USD": ("84000", 1, 8, "0.0001"),
    "BTC/EUR": ("72000", 1, 8, "0.0001"),
    "BTC/USDT": ("84010", 1, 8, "0.0001"),
    "ETH/USDT": ("3201", 2, 8, "0.001"),
    "SOL/USDT": ("150.1", 2, 8, "0.02"),
    "ETH/USD": ("3200", 2, 8, "0.001"),
    "ETH/EUR": ("2750", 2, 8, "0.001"),
    "ETH/BTC": ("0.0381", 5, 8, "0.001"),
    "SOL/USD": ("150", 2, 8, "0.02"),
    "XRP/USD": ("2.2", 5, 8, "1"),
    "ADA/USD": ("0.61", 6, 8, "5"),
    "DOGE/USD": ("0.17", 7, 8, "20"),
    "MATIC/USD": ("0.5667", 4, 8, "5"),
    "ALGO/USD": ("0.10035", 5, 8, "20"),
}
_OTHER = ("100", 2, 8, "0.01")

_DECIMALS = {
    "USD": 4,
    "EUR": 4,
    "GBP": 4,
    "USDT": 8,
    "USDC": 8,
    "XRP": 8,
    "ADA": 8,
    "DOGE": 8,
    "ALGO": 8,
}
