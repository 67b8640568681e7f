"""Market data v2 as facts: one small function a message."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import VenueNotice
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, Candle, Level, Side, Trade
from fluxum.venues.gemini import normalize
from fluxum.venues.gemini.v2 import native
from fluxum.venues.rows import exact, sides

__all__ = ["VENUE", "candles", "is_sided", "snapshot", "trade", "without_taker"]

VENUE = f"{normalize.VENUE}-v2"

_HUGE = Decimal(10) ** 30
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}


def snapshot(wire: native.L2Updates, symbol: Symbol, received_ns: int) -> BookSnapshot:
    """A whole book; neither a time nor anything to check it by comes with it."""
    bids, asks = sides(wire.changes, "buy")
    return BookSnapshot(
        venue=VENUE,
        symbol=symbol,
        bids=tuple(sorted(bids, key=_price, reverse=True)),
        asks=tuple(sorted(asks, key=_price)),
        received_ns=received_ns,
    )


def is_sided(wire: native.Trade) -> bool:
    """Whether a trade had a taker, and so a side that our facts can tell."""
    return wire.side in _SIDES


def trade(
    wire: native.Trade, symbol: Symbol, received_ns: int, *, backfilled: bool = False
) -> Trade:
    """One trade that had a taker. Its id is `tid`, as over REST; events number more than trades."""
    return Trade(
        venue=VENUE,
        symbol=symbol,
        side=_SIDES[wire.side],
        price=exact(wire.price),
        quantity=exact(wire.quantity),
        trade_id=str(wire.event_id if wire.tid is None else wire.tid),
        backfilled=backfilled,
        venue_ns=wire.timestamp * 1_000_000,
        received_ns=received_ns,
    )


def without_taker(wires: Sequence[native.Trade], symbol: Symbol, received_ns: int) -> VenueNotice:
    """Block trades and auctions, told in words.

    Nobody took from the book there, so that either side would be an invention, and counting such
    a trade as bought or sold would spoil whatever is made of the flow of orders. Leaving it out in
    silence would be no better.
    """
    told = ", ".join(
        f"{wire.side} {wire.event_id if wire.tid is None else wire.tid}: "
        f"{exact(wire.quantity)} @ {exact(wire.price)}"
        for wire in wires
    )
    return VenueNotice(
        venue=VENUE, message=f"trades of {symbol} without a taker: {told}", received_ns=received_ns
    )


def candles(
    wire: native.Candles, symbol: Symbol, interval_s: int, received_ns: int
) -> Iterable[Candle]:
    """Candles, oldest first; all but the last are closed, as a later one has begun."""
    span_ns = interval_s * 1_000_000_000
    ordered = sorted(wire.changes, key=_start)
    for index, (start_ms, first, high, low, last, volume) in enumerate(ordered, 1):
        start_ns = start_ms * 1_000_000
        yield Candle(
            venue=VENUE,
            symbol=symbol,
            interval_s=interval_s,
            start_ns=start_ns,
            end_ns=start_ns + span_ns,
            open=_number(first),
            high=_number(high),
            low=_number(low),
            close=_number(last),
            volume=_number(volume),
            closed=index < len(ordered),
            received_ns=received_ns,
        )


def _price(level: Level) -> Decimal:
    return level.price


def _start(row: tuple[int, Decimal, Decimal, Decimal, Decimal, Decimal]) -> int:
    return row[0]


def _number(value: Decimal) -> Decimal:
    if not value.is_finite() or not 0 <= value < _HUGE or value.adjusted() < -30:
        raise RemoteProtocolError(f"a number from 0 to 1e30 was expected, was {value}")
    return value
