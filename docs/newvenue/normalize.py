"""Newvenue's messages as facts: one small function a message."""

from fluxum.model.instant import plausible_ns
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Side, Trade
from fluxum.venues.rows import changes, exact
from newvenue import native

__all__ = ["VENUE", "instant", "snapshot", "trade", "update"]

VENUE = "newvenue"
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}


def snapshot(
    wire: native.Book, symbol: Symbol, depth: int | None, received_ns: int
) -> BookSnapshot:
    """A whole book, best first; raises RemoteProtocolError for a row that is no level."""
    return BookSnapshot(
        venue=VENUE,
        symbol=symbol,
        bids=tuple(changes(wire.bids)),
        asks=tuple(changes(wire.asks)),
        depth=depth,
        venue_ns=instant(wire.time),
        received_ns=received_ns,
        sequence=wire.number,
    )


def update(wire: native.Book, symbol: Symbol, received_ns: int) -> BookUpdate:
    """The levels that changed, zero for one that is gone; raises RemoteProtocolError."""
    return BookUpdate(
        venue=VENUE,
        symbol=symbol,
        bids=changes(wire.bids),
        asks=changes(wire.asks),
        venue_ns=instant(wire.time),
        received_ns=received_ns,
        sequence=wire.number,
    )


def trade(wire: native.Trade, symbol: Symbol, received_ns: int) -> Trade:
    """One trade; its side is the taker's. Raises RemoteProtocolError."""
    return Trade(
        venue=VENUE,
        symbol=symbol,
        side=_SIDES[wire.side],
        price=exact(wire.price),
        quantity=exact(wire.quantity),
        trade_id=wire.id,
        venue_ns=instant(wire.time),
        received_ns=received_ns,
    )


def instant(millis: int | None) -> int | None:
    """Nanoseconds since the epoch; None where that is no instant of an exchange."""
    return None if millis is None else plausible_ns(millis * 1_000_000)
