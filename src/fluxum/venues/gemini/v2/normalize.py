"""Market data v2 as facts: one small function a message."""

from collections.abc import Iterable, Sequence

from fluxum.model.event import VenueNotice
from fluxum.model.instant import plausible_ns
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, Candle, Side, Trade
from fluxum.venues.gemini import normalize
from fluxum.venues.gemini.v2 import native
from fluxum.venues.rows import best_first, exact, finite, sides

__all__ = ["VENUE", "candle", "is_sided", "number", "snapshot", "trade", "without_taker"]

VENUE = f"{normalize.VENUE}-v2"

_SIDES = {"buy": Side.BUY, "sell": Side.SELL}


def snapshot(rows: Iterable[native.Change], symbol: Symbol, received_ns: int) -> BookSnapshot:
    """A whole book; neither a time nor anything to check it by comes with it."""
    bids, asks = best_first(*sides(rows, "buy"))
    return BookSnapshot(venue=VENUE, symbol=symbol, bids=bids, asks=asks, received_ns=received_ns)


def is_sided(wire: native.Trade) -> bool:
    """Whether a trade had a taker, and so a side."""
    return wire.side in _SIDES


def number(wire: native.Trade) -> int:
    """A trade's id, as over REST: events number more than trades."""
    return wire.event_id if wire.tid is None else wire.tid


def trade(
    wire: native.Trade, symbol: Symbol, received_ns: int, *, backfilled: bool = False
) -> Trade:
    """One trade that had a taker."""
    return Trade(
        venue=VENUE,
        symbol=symbol,
        side=_SIDES[wire.side],
        price=exact(wire.price),
        quantity=exact(wire.quantity),
        trade_id=str(number(wire)),
        backfilled=backfilled,
        venue_ns=None if wire.timestamp is None else plausible_ns(wire.timestamp * 1_000_000),
        received_ns=received_ns,
    )


def without_taker(wires: Sequence[native.Trade], symbol: Symbol, received_ns: int) -> VenueNotice:
    """Block trades and auctions, as text.

    No taker took from the book, so either side would be an invention, and counting such a trade
    as bought or sold would falsify the flow of orders. Leaving it out without a sign would be no
    better.
    """
    trades = ", ".join(
        f"{wire.side} {number(wire)}: {exact(wire.quantity)} @ {exact(wire.price)}"
        for wire in wires
    )
    return VenueNotice(
        venue=VENUE,
        message=f"trades of {symbol} without a taker: {trades}",
        received_ns=received_ns,
    )


def candle(row: native.CandleRow, symbol: Symbol, interval_s: int, received_ns: int) -> Candle:
    """One candle, taken for running; only what follows shows that it is closed."""
    start_ms, first, high, low, last, volume = row
    start_ns = start_ms * 1_000_000
    return Candle(
        venue=VENUE,
        symbol=symbol,
        interval_s=interval_s,
        start_ns=start_ns,
        end_ns=start_ns + interval_s * 1_000_000_000,
        open=finite(first),
        high=finite(high),
        low=finite(low),
        close=finite(last),
        volume=finite(volume),
        received_ns=received_ns,
    )
