"""OKX's messages as facts: one small function a message.

Quantities of derivatives are told in contracts, and told on as they are: what a contract comes to
(`ctVal` of `ctValCcy`, in the list of instruments) is the reader's to apply.
"""

from fluxum.errors import RemoteProtocolError
from fluxum.model import market
from fluxum.model.instrument import Asset, Instrument, InstrumentStatus, Symbol
from fluxum.model.interval import interval_end
from fluxum.model.market import Side
from fluxum.venues.okx import native
from fluxum.venues.okx.topics import read
from fluxum.venues.rows import decimals, exact, exact_or_none

__all__ = ["VENUE", "candle", "instant", "instrument", "ticker", "trade"]

VENUE = "okx"

_MILLI = 1_000_000
_DIGITS_MAX = 13
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
_STATUS = {
    "live": InstrumentStatus.ONLINE,
    "post_only": InstrumentStatus.POST_ONLY,
    "suspend": InstrumentStatus.MAINTENANCE,
    "rebase": InstrumentStatus.MAINTENANCE,
}


def ticker(wire: native.Ticker, symbol: Symbol, received_ns: int) -> market.Ticker:
    """One market's ticker; the change is that since 24 hours ago.

    The volume is in the base asset for spot markets and in contracts for all others.
    """
    last, opened = exact_or_none(wire.last), exact_or_none(wire.open24h)
    return market.Ticker(
        venue=VENUE,
        symbol=symbol,
        bid=exact_or_none(wire.bidPx),
        bid_quantity=exact_or_none(wire.bidSz),
        ask=exact_or_none(wire.askPx),
        ask_quantity=exact_or_none(wire.askSz),
        last=last,
        last_quantity=exact_or_none(wire.lastSz),
        volume=exact_or_none(wire.vol24h),
        low=exact_or_none(wire.low24h),
        high=exact_or_none(wire.high24h),
        open=opened,
        change=None if last is None or opened is None else last - opened,
        venue_ns=instant(wire.ts),
        received_ns=received_ns,
    )


def trade(
    wire: native.Trade, symbol: Symbol, accepted_ns: int | None, received_ns: int
) -> market.Trade:
    """What one taker's order traded at one price, at once; the side is the taker's.

    It has no number to follow: ids count up by one in every recording, but a message stands for
    `count` of them, named by the last, and the venue promises no more than that. A trade from
    before the subscription was accepted, at `accepted_ns`, is from the venue's memory.
    """
    side = _SIDES.get(wire.side)
    if side is None:
        raise RemoteProtocolError(f"buy or sell was expected, was {wire.side[:40]!r}")
    venue_ns = instant(wire.ts)
    return market.Trade(
        venue=VENUE,
        symbol=symbol,
        side=side,
        price=exact(wire.px),
        quantity=exact(wire.sz),
        trade_id=wire.tradeId,
        backfilled=accepted_ns is not None and venue_ns < accepted_ns,
        venue_ns=venue_ns,
        received_ns=received_ns,
    )


def candle(wire: native.Candle, symbol: Symbol, interval_s: int, received_ns: int) -> market.Candle:
    """One candle; the venue says itself when it is closed."""
    start_ns = instant(wire.ts)
    return market.Candle(
        venue=VENUE,
        symbol=symbol,
        interval_s=interval_s,
        start_ns=start_ns,
        end_ns=interval_end(start_ns, interval_s),
        open=exact(wire.open),
        high=exact(wire.high),
        low=exact(wire.low),
        close=exact(wire.close),
        volume=exact(wire.vol),
        closed=wire.confirm == "1",
        received_ns=received_ns,
    )


def instrument(wire: native.Instrument, received_ns: int) -> Instrument:
    """One market's rules; lot and least quantity of a derivative are in contracts.

    A state that says nothing of trading (`preopen`, `test`) or is new is OTHER.
    """
    symbol = read(wire.instId)
    tick, lot = exact(wire.tickSz), exact(wire.lotSz)
    return Instrument(
        venue=VENUE,
        symbol=symbol,
        venue_symbol=wire.instId,
        base=Asset(wire.baseCcy) if wire.baseCcy else symbol.base,
        quote=Asset(wire.quoteCcy) if wire.quoteCcy else symbol.quote,
        status=_STATUS.get(wire.state, InstrumentStatus.OTHER),
        tick=tick,
        lot=lot,
        price_precision=decimals(tick),
        quantity_precision=decimals(lot),
        quantity_min=exact(wire.minSz),
        received_ns=received_ns,
    )


def instant(text: str) -> int:
    """Nanoseconds since the epoch of milliseconds in text; raises RemoteProtocolError."""
    if len(text) > _DIGITS_MAX or not (text.isascii() and text.isdecimal()):
        raise RemoteProtocolError(f"milliseconds were expected, was {text[:40]!r}")
    return int(text) * _MILLI
