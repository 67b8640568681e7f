"""Bybit's messages as facts: one small function a message."""

from decimal import Decimal, InvalidOperation

from msgspec import structs

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model import market
from fluxum.model.fast import recurring
from fluxum.model.instant import plausible_ns
from fluxum.model.instrument import Asset, Instrument, InstrumentStatus, Symbol
from fluxum.model.market import Side
from fluxum.venues.bybit import category as categories
from fluxum.venues.bybit import native
from fluxum.venues.bybit.category import Category
from fluxum.venues.candle_history import CandleSeries
from fluxum.venues.rows import (
    decimals,
    digits,
    exact,
    exact_or_none,
    positive,
    price_or_none,
)

__all__ = [
    "candle",
    "instant",
    "instrument",
    "listed_candle",
    "listed_trade",
    "merged",
    "side",
    "ticker",
    "trade",
]

_MILLI = 1_000_000
_SIDES = {"Buy": Side.BUY, "Sell": Side.SELL}
_STATUS = {
    "Trading": InstrumentStatus.ONLINE,
    "PreLaunch": InstrumentStatus.MAINTENANCE,
    "Delivering": InstrumentStatus.REDUCE_ONLY,
    "Closed": InstrumentStatus.DELISTED,
}


def trade(venue: str, wire: native.Trade, symbol: Symbol, received_ns: int) -> market.Trade:
    """One trade; its side is the taker's. Ids do not follow on, so it has no number.

    A block trade was agreed upon elsewhere and is no trade at the market: its `order_type` is
    `block`.
    """
    return market.Trade(
        venue=venue,
        symbol=symbol,
        side=side(wire.S),
        price=recurring(wire.p),
        quantity=exact(wire.v),
        trade_id=wire.i,
        order_type="block" if wire.BT else "",
        venue_ns=instant(wire.T),
        received_ns=received_ns,
    )


def side(word: str) -> Side:
    """The side of a word; raises RemoteProtocolError."""
    found = _SIDES.get(word)
    if found is None:
        raise RemoteProtocolError(f"Buy or Sell was expected, was {word[:20]!r}")
    return found


def merged(before: native.Ticker | None, delta: native.Ticker) -> native.Ticker:
    """A line with what changed of it; left out means unchanged."""
    if before is None:
        return delta
    changed = {name: value for name, value in structs.asdict(delta).items() if value is not None}
    return structs.replace(before, **changed)


def ticker(
    venue: str,
    wire: native.Ticker,
    symbol: Symbol,
    ts: int | None,
    received_ns: int,
    quote: native.Ticker | None = None,
) -> market.Ticker:
    """A market's line; `price24hPcnt` is a part of one, ours a percentage.

    Bid and ask are those of `quote` where the line has none of its own.
    """
    best = quote or wire
    last, before = price_or_none(wire.lastPrice), price_or_none(wire.prevPrice24h)
    bid, ask = price_or_none(best.bid1Price), price_or_none(best.ask1Price)
    volume, turnover = exact_or_none(wire.volume24h), exact_or_none(wire.turnover24h)
    return market.Ticker(
        venue=venue,
        symbol=symbol,
        bid=bid,
        bid_quantity=None if bid is None else exact_or_none(best.bid1Size),
        ask=ask,
        ask_quantity=None if ask is None else exact_or_none(best.ask1Size),
        last=last,
        volume=volume,
        vwap=turnover / volume if volume and turnover is not None else None,
        low=price_or_none(wire.lowPrice24h),
        high=price_or_none(wire.highPrice24h),
        open=before,
        change=None if last is None or before is None else last - before,
        change_percent=_percent(wire.price24hPcnt),
        venue_ns=instant(ts),
        received_ns=received_ns,
    )


def candle(
    venue: str, wire: native.Candle, symbol: Symbol, interval_s: int, received_ns: int
) -> market.Candle:
    """A candle, closed when the venue confirms it. Its start has to be an instant."""
    return CandleSeries(venue, symbol, interval_s).candle(
        wire.start * _MILLI,
        map(exact, (wire.open, wire.high, wire.low, wire.close, wire.volume)),
        received_ns,
        closed=wire.confirm,
        venue_ns=instant(wire.timestamp),
        backfilled=False,
    )


def listed_trade(
    venue: str, wire: native.ListedTrade, symbol: Symbol, received_ns: int
) -> market.Trade:
    """A trade as REST lists it: backfilled."""
    streamed = native.Trade(
        S=wire.side,
        v=wire.size,
        p=wire.price,
        i=wire.execId,
        T=digits(wire.time),
        BT=wire.isBlockTrade,
    )
    return structs.replace(trade(venue, streamed, symbol, received_ns), backfilled=True)


def listed_candle(
    series: CandleSeries, wire: native.ListedCandle, listed_ns: int, received_ns: int
) -> market.Candle:
    """A candle as REST lists it; it is closed if it had ended when it was listed."""
    values = map(exact, (wire.open, wire.high, wire.low, wire.close, wire.volume))
    one = series.candle(wire.start * _MILLI, values, received_ns)
    return structs.replace(one, closed=one.end_ns <= listed_ns)


def instrument(category: Category, wire: native.ListedMarket, received_ns: int) -> Instrument:
    """A market's rules; of a contract quantities are in the base asset as well.

    Raises VenueRefused for a kind of contract that is new, and RemoteProtocolError.
    """
    lots = wire.lotSizeFilter
    tick, lot = positive(wire.priceFilter.tickSize), positive(lots.qtyStep or lots.basePrecision)
    try:
        symbol = categories.market(category, wire)
    except BadInput as error:
        raise RemoteProtocolError(str(error)) from error
    return Instrument(
        venue=category.venue,
        symbol=symbol,
        venue_symbol=wire.symbol,
        base=Asset(wire.baseCoin),
        quote=Asset(wire.quoteCoin),
        status=_STATUS.get(wire.status or "", InstrumentStatus.OTHER),
        tick=tick,
        lot=lot,
        price_precision=decimals(tick),
        quantity_precision=decimals(lot),
        quantity_min=exact_or_none(lots.minOrderQty) or lot,
        notional_min=exact_or_none(lots.minNotionalValue or lots.minOrderAmt),
        received_ns=received_ns,
    )


def instant(millis: int | None) -> int | None:
    """Nanoseconds since the epoch, `None` where that is no instant of an exchange."""
    return None if millis is None else plausible_ns(millis * _MILLI)


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
