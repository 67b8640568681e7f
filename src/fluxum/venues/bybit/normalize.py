"""Bybit's messages as facts: one small function a message."""

from decimal import Decimal, InvalidOperation

from msgspec import structs

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model import market
from fluxum.model.instrument import Asset, Instrument, InstrumentStatus, Symbol
from fluxum.model.interval import interval_end
from fluxum.model.market import Side
from fluxum.venues.bybit import category as categories
from fluxum.venues.bybit import native
from fluxum.venues.bybit.category import Category
from fluxum.venues.rows import decimals, exact, exact_or_none

__all__ = ["MILLI", "candle", "instrument", "merged", "ticker", "trade"]

MILLI = 1_000_000
"""Nanoseconds in a millisecond."""

_SIDES = {"Buy": Side.BUY, "Sell": Side.SELL}
_STATUS = {
    "Trading": InstrumentStatus.ONLINE,
    "PreLaunch": InstrumentStatus.MAINTENANCE,
    "Delivering": InstrumentStatus.REDUCE_ONLY,
    "Closed": InstrumentStatus.DELISTED,
}


def trade(venue: str, wire: native.Trade, symbol: Symbol, received_ns: int) -> market.Trade:
    """One trade; its side is the taker's. Ids do not follow on, so it has no number."""
    side = _SIDES.get(wire.S)
    if side is None:
        raise RemoteProtocolError(f"Buy or Sell was expected, was {wire.S[:20]!r}")
    return market.Trade(
        venue=venue,
        symbol=symbol,
        side=side,
        price=exact(wire.p),
        quantity=exact(wire.v),
        trade_id=wire.i,
        venue_ns=wire.T * MILLI,
        received_ns=received_ns,
    )


def merged(before: native.Ticker | None, delta: native.Ticker) -> native.Ticker:
    """A line with what changed of it; left out means unchanged."""
    if before is None:
        return delta
    changed = {name: value for name, value in structs.asdict(delta).items() if value is not None}
    return structs.replace(before, **changed)


def ticker(
    venue: str, wire: native.Ticker, symbol: Symbol, ts: int, received_ns: int
) -> market.Ticker:
    """A market's line; `price24hPcnt` is a part of one, ours a percentage."""
    last, before = exact_or_none(wire.lastPrice), exact_or_none(wire.prevPrice24h)
    volume, turnover = exact_or_none(wire.volume24h), exact_or_none(wire.turnover24h)
    return market.Ticker(
        venue=venue,
        symbol=symbol,
        bid=exact_or_none(wire.bid1Price),
        bid_quantity=exact_or_none(wire.bid1Size),
        ask=exact_or_none(wire.ask1Price),
        ask_quantity=exact_or_none(wire.ask1Size),
        last=last,
        volume=volume,
        vwap=turnover / volume if volume and turnover is not None else None,
        low=exact_or_none(wire.lowPrice24h),
        high=exact_or_none(wire.highPrice24h),
        open=before,
        change=None if last is None or before is None else last - before,
        change_percent=_percent(wire.price24hPcnt),
        venue_ns=ts * MILLI,
        received_ns=received_ns,
    )


def candle(
    venue: str, wire: native.Candle, symbol: Symbol, interval_s: int, received_ns: int
) -> market.Candle:
    """A candle, closed when the venue confirms it."""
    start_ns = wire.start * MILLI
    return market.Candle(
        venue=venue,
        symbol=symbol,
        interval_s=interval_s,
        start_ns=start_ns,
        end_ns=interval_end(start_ns, interval_s),
        open=exact(wire.open),
        high=exact(wire.high),
        low=exact(wire.low),
        close=exact(wire.close),
        volume=exact(wire.volume),
        closed=wire.confirm,
        venue_ns=wire.timestamp * MILLI,
        received_ns=received_ns,
    )


def instrument(category: Category, wire: native.ListedMarket, received_ns: int) -> Instrument:
    """A market's rules; of a contract quantities are in the base asset as well."""
    lots = wire.lotSizeFilter
    tick = exact(wire.priceFilter.tickSize)
    lot = exact(lots.qtyStep or lots.basePrecision)
    try:
        symbol = categories.market(
            wire.symbol, wire.baseCoin, wire.quoteCoin, is_contract=bool(wire.contractType)
        )
    except BadInput as error:
        raise RemoteProtocolError(str(error)) from error
    return Instrument(
        venue=category.venue,
        symbol=symbol,
        venue_symbol=wire.symbol,
        base=Asset(wire.baseCoin),
        quote=Asset(wire.quoteCoin),
        status=_STATUS.get(wire.status, InstrumentStatus.OTHER),
        tick=tick,
        lot=lot,
        price_precision=decimals(tick),
        quantity_precision=decimals(lot),
        quantity_min=exact(lots.minOrderQty),
        notional_min=exact_or_none(lots.minNotionalValue or lots.minOrderAmt),
        received_ns=received_ns,
    )


def _percent(text: str | None) -> Decimal | None:
    """A part of one, which may be below zero, as a percentage."""
    if not text:
        return None
    try:
        value = Decimal(text)
        if abs(value) < 10**12:
            return value * 100
    except InvalidOperation:
        pass
    raise RemoteProtocolError(f"a part of one was expected, was {text[:40]!r}")
