"""Advanced Trade's messages as facts: one small function a message."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import Raw

from fluxum.errors import RemoteProtocolError
from fluxum.model import market
from fluxum.model.fast import recurring
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.levels import Row
from fluxum.model.market import Side
from fluxum.venues.coinbase.advanced import native
from fluxum.venues.coinbase.symbols import ADVANCED, market_status
from fluxum.venues.instrument_list import spot_or_linear
from fluxum.venues.rows import (
    Sides,
    WholeSides,
    best_first,
    changes,
    exact,
    exact_or_none,
    of_currencies,
    price_or_none,
)

__all__ = [
    "INTERVAL_S",
    "by_product",
    "candle",
    "checked",
    "instrument",
    "market_of",
    "oldest_first",
    "sides",
    "snapshot_sides",
    "start_s",
    "ticker",
    "trade",
]

INTERVAL_S = 300
"""Candles are of five minutes only."""

_TAKERS = {"BUY": Side.SELL, "SELL": Side.BUY}  # the wire has the maker's side
_LAST_S = 4_102_444_800  # the year 2100


def sides(rows: Iterable[native.Row]) -> Sides:
    """Bids and asks in the order given."""
    bids: list[Row] = []
    asks: list[Row] = []
    for row in rows:
        (bids if row.side == "bid" else asks).append((row.price_level, row.new_quantity))
    return changes(bids), changes(asks)


def checked(row: native.Row) -> native.Row:
    """The row itself; raises RemoteProtocolError where it holds no numbers, or an absurd price."""
    changes([(row.price_level, row.new_quantity)])
    return row


def snapshot_sides(rows: Iterable[native.Row]) -> WholeSides:
    """Bids and asks of a whole book, best first: so it is in live frames, but nowhere promised."""
    return best_first(*sides(rows))


def trade(
    wire: native.Trade, symbol: Symbol, kind: native.Kind, venue_ns: int | None, received_ns: int
) -> market.Trade:
    """One trade.

    The side on the wire is the maker's. Ids count up by one in each product: seen in every
    recording, not promised by the venue.
    """
    number = wire.trade_id
    return market.Trade(
        venue=ADVANCED,
        symbol=symbol,
        side=_TAKERS[wire.side],
        price=recurring(wire.price),
        quantity=exact(wire.size),
        trade_id=number,
        sequence=_number(number),
        backfilled=kind == "snapshot",
        venue_ns=venue_ns,
        received_ns=received_ns,
    )


def oldest_first(trades: Sequence[native.Trade]) -> Sequence[native.Trade]:
    """Trades of one frame by their ids; live frames have the newest first."""
    if len(trades) < 2:
        return trades
    return sorted(trades, key=lambda one: _number(one.trade_id) or 0)


def ticker(
    wire: native.Ticker, symbol: Symbol, venue_ns: int | None, received_ns: int
) -> market.Ticker:
    """One market's ticker; what the wire leaves out, empty or at a price of zero is none."""
    bid, ask = price_or_none(wire.best_bid), price_or_none(wire.best_ask)
    return market.Ticker(
        venue=ADVANCED,
        symbol=symbol,
        bid=bid,
        bid_quantity=None if bid is None else exact_or_none(wire.best_bid_quantity),
        ask=ask,
        ask_quantity=None if ask is None else exact_or_none(wire.best_ask_quantity),
        last=price_or_none(wire.price),
        volume=exact_or_none(wire.volume_24_h),
        low=price_or_none(wire.low_24_h),
        high=price_or_none(wire.high_24_h),
        change_percent=_signed_or_none(wire.price_percent_chg_24_h),
        venue_ns=venue_ns,
        received_ns=received_ns,
    )


def candle(
    wire: native.Candle, symbol: Symbol, venue_ns: int | None, received_ns: int
) -> market.Candle:
    """One candle, taken for running; only what follows shows that it is closed."""
    begin_s = start_s(wire.start)
    return market.Candle(
        venue=ADVANCED,
        symbol=symbol,
        interval_s=INTERVAL_S,
        start_ns=begin_s * 1_000_000_000,
        end_ns=(begin_s + INTERVAL_S) * 1_000_000_000,
        open=exact(wire.open),
        high=exact(wire.high),
        low=exact(wire.low),
        close=exact(wire.close),
        volume=exact(wire.volume),
        venue_ns=venue_ns,
        received_ns=received_ns,
    )


def start_s(text: str) -> int:
    """When a candle starts, in seconds; raises RemoteProtocolError for what is no time."""
    second = _number(text)
    if second is None or second > _LAST_S:
        raise RemoteProtocolError(f"a time in seconds was expected, was {text[:40]!r}")
    return second


def by_product(candles: Iterable[native.Candle]) -> dict[str, list[native.Candle]]:
    """The candles of one frame, by product."""
    grouped: dict[str, list[native.Candle]] = {}
    for one in candles:
        grouped.setdefault(one.product_id, []).append(one)
    return grouped


def market_of(row: object, received_ns: int) -> Instrument | None:
    """The market of one row of the list; none for a future, which trades elsewhere."""
    assert isinstance(row, bytes | Raw)
    if native.decode_product_kind(row).product_type != "SPOT":
        return None
    return instrument(native.decode_product(row), received_ns)


def instrument(wire: native.Product, received_ns: int) -> Instrument:
    """One market's rules."""
    is_open = not (wire.is_disabled or wire.trading_disabled or wire.view_only)
    return spot_or_linear(
        ADVANCED,
        of_currencies(wire.base_currency_id, wire.quote_currency_id),
        wire.product_id,
        market_status(
            wire.status, wire.cancel_only, wire.post_only, wire.limit_only, is_open=is_open
        ),
        tick=exact(wire.price_increment),
        lot=exact(wire.base_increment),
        quantity_min=exact(wire.base_min_size),
        notional_min=exact_or_none(wire.quote_min_size),
        received_ns=received_ns,
    )


def _signed_or_none(text: str | None) -> Decimal | None:
    return -exact(text[1:]) if text and text.startswith("-") else exact_or_none(text)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
