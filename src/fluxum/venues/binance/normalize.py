"""Binance's messages as facts: one small pure function a message.

Times on the wire are whole milliseconds, numbers are quoted.
"""

from decimal import Decimal

from fluxum.errors import RemoteProtocolError
from fluxum.model import market
from fluxum.model.fast import recurring
from fluxum.model.instant import plausible_millis
from fluxum.model.instrument import Asset, Instrument, InstrumentStatus, Symbol
from fluxum.model.interval import interval_end
from fluxum.model.market import Side
from fluxum.venues.binance import native
from fluxum.venues.rows import decimals, exact, exact_or_none, price_or_none

__all__ = [
    "agg_trade",
    "book_ticker",
    "candle",
    "instrument",
    "nanos",
    "signed",
    "ticker",
    "trade",
]

_MILLISECOND = 1_000_000
_BUY, _SELL = Side  # a member costs as much as a call to look up
_MATCH = "MARKET"  # what futures call a trade of the book

_STATUSES = {
    # https://github.com/binance/binance-spot-api-docs/blob/master/enums.md#symbol-status
    "TRADING": InstrumentStatus.ONLINE,
    "CANCEL_ONLY": InstrumentStatus.CANCEL_ONLY,
    "END_OF_DAY": InstrumentStatus.MAINTENANCE,
    "HALT": InstrumentStatus.MAINTENANCE,
    "BREAK": InstrumentStatus.MAINTENANCE,
    # https://developers.binance.com/docs/derivatives/usds-margined-futures/common-definition
    "PENDING_TRADING": InstrumentStatus.MAINTENANCE,
    "DELIVERED": InstrumentStatus.DELISTED,
    "CLOSE": InstrumentStatus.DELISTED,
}


def nanos(millis: int | None) -> int | None:
    """Nanoseconds since the epoch of the venue's milliseconds, where they can be an instant."""
    return None if millis is None else plausible_millis(millis)


def trade(wire: native.Trade, venue: str, symbol: Symbol, received_ns: int) -> market.Trade | None:
    """One match, `None` for an id that no trade has. Ids count up by one in each market.

    That is how aggregated trades name them: in the recordings of 2021 each one's first id follows
    on the last id of the one before, 3,139 times of 3,139 on spot. Futures name the kind of a
    trade, as it may be no match in the book; `order_type` has it then.
    """
    kind = wire.X or ""
    price = recurring(wire.p)
    if not price and kind not in {"", _MATCH}:
        return None
    return market.Trade(
        venue=venue,
        symbol=symbol,
        side=_SELL if wire.m else _BUY,
        price=price or _above_zero(price),
        quantity=exact(wire.q),
        trade_id=str(wire.t),
        sequence=wire.t if not kind else None,  # some ids of futures have no trade
        order_type=kind.lower() if kind and kind != _MATCH else "",
        venue_ns=plausible_millis(wire.T or wire.E or 0),
        received_ns=received_ns,
    )


def agg_trade(wire: native.AggTrade, venue: str, symbol: Symbol, received_ns: int) -> market.Trade:
    """What one order took at one price, as one trade. Its own ids count up by one.

    Seen in every recording of 2021, 3,708 times of 3,708 on spot and futures. The ids of the
    matches in it are no substitute: futures leave out those of the insurance fund
    (https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams/Aggregate-Trade-Streams).
    """
    return market.Trade(
        venue=venue,
        symbol=symbol,
        side=_SELL if wire.m else _BUY,
        price=_above_zero(recurring(wire.p)),
        quantity=exact(wire.q),
        trade_id=str(wire.a),
        sequence=wire.a,
        venue_ns=plausible_millis(wire.T or wire.E or 0),
        received_ns=received_ns,
    )


def ticker(wire: native.Ticker, venue: str, symbol: Symbol, received_ns: int) -> market.Ticker:
    """The last 24 hours; a price of zero, of an empty side or without any trade, is `None`."""
    return market.Ticker(
        venue=venue,
        symbol=symbol,
        bid=price_or_none(wire.b),
        bid_quantity=exact_or_none(wire.B),
        ask=price_or_none(wire.a),
        ask_quantity=exact_or_none(wire.A),
        last=price_or_none(wire.c),
        last_quantity=exact_or_none(wire.Q),
        volume=exact_or_none(wire.v),
        vwap=price_or_none(wire.w),
        low=price_or_none(wire.l),
        high=price_or_none(wire.h),
        open=price_or_none(wire.o),
        change=signed(wire.p),
        change_percent=signed(wire.P),
        trades=wire.n,
        venue_ns=nanos(wire.E),
        received_ns=received_ns,
    )


def book_ticker(
    wire: native.BookTicker, venue: str, symbol: Symbol, received_ns: int
) -> market.Ticker:
    """The best levels and nothing else; on spot not even a time."""
    return market.Ticker(
        venue=venue,
        symbol=symbol,
        bid=price_or_none(wire.b),
        bid_quantity=exact_or_none(wire.B),
        ask=price_or_none(wire.a),
        ask_quantity=exact_or_none(wire.A),
        venue_ns=nanos(wire.E),
        received_ns=received_ns,
    )


def candle(
    wire: native.Kline, interval_s: int, venue: str, symbol: Symbol, received_ns: int
) -> market.Candle:
    """A candle; the venue marks the one that is closed."""
    bar = wire.k
    start_ns = bar.t * _MILLISECOND
    return market.Candle(
        venue=venue,
        symbol=symbol,
        interval_s=interval_s,
        start_ns=start_ns,
        end_ns=interval_end(start_ns, interval_s),
        open=exact(bar.o),
        high=exact(bar.h),
        low=exact(bar.l),
        close=exact(bar.c),
        volume=exact(bar.v),
        trades=bar.n,
        closed=bar.x,
        venue_ns=nanos(wire.E),
        received_ns=received_ns,
    )


def instrument(
    wire: native.Market, symbol: Symbol, venue: str, venue_ns: int | None, received_ns: int
) -> Instrument:
    """One market's rules; raises RemoteProtocolError for rules that cannot be read.

    A step of zero means that the venue does not check it; then the asset's precision counts.
    Source: https://github.com/binance/binance-spot-api-docs/blob/master/filters.md
    """
    rules = {one.filterType: one for one in wire.filters if isinstance(one.filterType, str)}
    nothing = native.Filter()
    lots = rules.get("LOT_SIZE", nothing)
    tick = _step(rules.get("PRICE_FILTER", nothing).tickSize, wire.quotePrecision)
    lot = _step(lots.stepSize, wire.baseAssetPrecision)
    least = rules.get("NOTIONAL") or rules.get("MIN_NOTIONAL") or nothing
    return Instrument(
        venue=venue,
        symbol=symbol,
        venue_symbol=wire.symbol,
        base=Asset(wire.baseAsset),
        quote=Asset(wire.quoteAsset),
        status=_STATUSES.get(wire.status or "", InstrumentStatus.OTHER),
        tick=tick,
        lot=lot,
        price_precision=decimals(tick),
        quantity_precision=decimals(lot),
        quantity_min=_number(lots.minQty) or lot,
        notional_min=_number(least.minNotional or least.notional),
        venue_ns=venue_ns,
        received_ns=received_ns,
    )


def signed(text: str | None) -> Decimal | None:
    """A number that may be negative or left out; raises RemoteProtocolError."""
    if not text:
        return None
    return -exact(text[1:]) if text.startswith("-") else exact(text)


def _above_zero(price: Decimal) -> Decimal:
    if not price:
        raise RemoteProtocolError("a price above zero was expected, was 0")
    return price


def _number(value: object) -> Decimal | None:
    """The number of a rule, whose fields may be anything where the rule is not known."""
    if value is not None and not isinstance(value, str):
        raise RemoteProtocolError(f"a number in text was expected, was {value!r}")
    return exact_or_none(value)


def _step(value: object, precision: int) -> Decimal:
    if not 0 <= precision <= 30:
        raise RemoteProtocolError(f"a precision was expected, was {precision}")
    return _number(value) or Decimal((0, (1,), -precision))
