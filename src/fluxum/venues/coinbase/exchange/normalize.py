"""The Exchange feed's messages as facts: one small function a message."""

from collections.abc import Sequence

from msgspec import Raw

from fluxum.model import market
from fluxum.model.fast import recurring
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import Side
from fluxum.venues.coinbase.exchange import native
from fluxum.venues.coinbase.symbols import EXCHANGE, market_status
from fluxum.venues.instrument_list import spot_or_linear
from fluxum.venues.rows import (
    WholeSides,
    best_first,
    exact,
    exact_or_none,
    levels,
    of_currencies,
    price_or_none,
)

__all__ = [
    "instrument",
    "market_of",
    "snapshot_sides",
    "ticker",
    "trade",
]

_TAKERS = {"buy": Side.SELL, "sell": Side.BUY}  # the wire has the maker's side


def snapshot_sides(bids: Sequence[native.Level], asks: Sequence[native.Level]) -> WholeSides:
    """Bids and asks of a book, best first: so it is in live frames, but nowhere promised."""
    return best_first(levels(bids), levels(asks))


def trade(
    wire: native.Match | native.LastMatch, symbol: Symbol, venue_ns: int | None, received_ns: int
) -> market.Trade:
    """One trade; the side on the wire is the maker's, and ids leave none out."""
    return market.Trade(
        venue=EXCHANGE,
        symbol=symbol,
        side=_TAKERS[wire.side],
        price=recurring(wire.price),
        quantity=exact(wire.size),
        trade_id=str(wire.trade_id),
        sequence=wire.trade_id,
        backfilled=isinstance(wire, native.LastMatch),
        venue_ns=venue_ns,
        received_ns=received_ns,
    )


def ticker(
    wire: native.Ticker, symbol: Symbol, venue_ns: int | None, received_ns: int
) -> market.Ticker:
    """One market's ticker; any field may be missing or empty where nothing was traded yet."""
    last, opened = price_or_none(wire.price), price_or_none(wire.open_24h)
    bid, ask = price_or_none(wire.best_bid), price_or_none(wire.best_ask)
    return market.Ticker(
        venue=EXCHANGE,
        symbol=symbol,
        bid=bid,
        bid_quantity=None if bid is None else exact_or_none(wire.best_bid_size),
        ask=ask,
        ask_quantity=None if ask is None else exact_or_none(wire.best_ask_size),
        last=last,
        last_quantity=None if last is None else exact_or_none(wire.last_size),
        volume=exact_or_none(wire.volume_24h),
        low=price_or_none(wire.low_24h),
        high=price_or_none(wire.high_24h),
        open=opened,
        change=None if last is None or opened is None else last - opened,
        venue_ns=venue_ns,
        received_ns=received_ns,
    )


def market_of(row: object, received_ns: int) -> Instrument:
    """The market of one row of the list."""
    assert isinstance(row, bytes | Raw)
    return instrument(native.decode_product(row), received_ns)


def instrument(wire: native.Product, received_ns: int) -> Instrument:
    """One market's rules; the least quantity is one lot, as only a least value is published."""
    lot = exact(wire.base_increment)
    return spot_or_linear(
        EXCHANGE,
        of_currencies(wire.base_currency, wire.quote_currency),
        wire.id,
        market_status(
            wire.status,
            wire.cancel_only,
            wire.post_only,
            wire.limit_only,
            is_open=not wire.trading_disabled,
        ),
        tick=exact(wire.quote_increment),
        lot=lot,
        quantity_min=lot,
        notional_min=exact_or_none(wire.min_market_funds),
        received_ns=received_ns,
    )
