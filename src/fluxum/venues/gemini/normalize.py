"""The sequenced feed's messages as facts: one function a message."""

from fluxum.errors import RemoteProtocolError
from fluxum.model.fast import recurring
from fluxum.model.instant import plausible_ns
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, Side, Ticker, Trade
from fluxum.venues.gemini import native
from fluxum.venues.rows import best_first, exact, exact_or_none, levels, price_or_none

__all__ = ["VENUE", "instant", "snapshot", "ticker", "trade"]

VENUE = "gemini"


def snapshot(wire: native.DepthUpdate, symbol: Symbol, received_ns: int) -> BookSnapshot:
    """The first message of a book; its rows are put in order, as none is promised."""
    bids, asks = best_first(levels(wire.b), levels(wire.a))
    return BookSnapshot(
        venue=VENUE,
        symbol=symbol,
        bids=bids,
        asks=asks,
        venue_ns=instant(wire.E),
        received_ns=received_ns,
        sequence=wire.u,
    )


def ticker(wire: native.Message, symbol: Symbol, received_ns: int) -> Ticker:
    """The best bid and ask; a side without orders is left out.

    Live frames have two more members, `c` and `C`, which no document explains.
    """
    if isinstance(wire.b, tuple) or isinstance(wire.a, tuple):
        raise RemoteProtocolError(f"the best prices of {wire.s!r} were expected, were levels")
    bid, ask = price_or_none(wire.b), price_or_none(wire.a)
    return Ticker(
        venue=VENUE,
        symbol=symbol,
        bid=bid,
        bid_quantity=None if bid is None else exact_or_none(wire.B),
        ask=ask,
        ask_quantity=None if ask is None else exact_or_none(wire.A),
        venue_ns=instant(wire.E),
        received_ns=received_ns,
    )


def trade(wire: native.Message, symbol: Symbol, received_ns: int) -> Trade:
    """One trade: where the buyer was the maker, the taker sold. Ids leave numbers out."""
    if wire.p is None or wire.q is None or wire.m is None or wire.t is None:
        raise RemoteProtocolError(f"a trade has t, p, q and m, was one of {wire.s!r} without")
    return Trade(
        venue=VENUE,
        symbol=symbol,
        side=Side.SELL if wire.m else Side.BUY,
        price=recurring(wire.p),
        quantity=exact(wire.q),
        trade_id=str(wire.t),
        venue_ns=instant(wire.E),
        received_ns=received_ns,
    )


def instant(instant_ns: int | None) -> int | None:
    """A time of the wire, `None` where it is none."""
    return None if instant_ns is None else plausible_ns(instant_ns)
