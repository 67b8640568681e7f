"""Readers of one market's `l2` stream: a whole book with the last trades, then changes, and trades.

Rows are read one by one; a trade without a taker is no trade of the market and is published as
text, once.
"""

from collections.abc import Iterable, Sequence

from msgspec import Raw

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Event, Subscribed, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookUpdate
from fluxum.venues.conversation import UnreadableStream
from fluxum.venues.early_deltas import EarlyDeltas
from fluxum.venues.gemini.v2 import native, normalize
from fluxum.venues.gemini.v2.normalize import VENUE
from fluxum.venues.reading import Reading
from fluxum.venues.rows import Rows, checked, exact, read_rows, sides

__all__ = ["L2Reader", "Market"]

_PUBLISHED_KEPT = 1000


class Market:
    """One market's `l2` stream: its subscriptions, and whether its book is held."""

    __slots__ = ("awaiting", "book", "holds_book", "symbol", "trades")

    def __init__(self, symbol: Symbol) -> None:
        self.symbol = symbol
        self.book: Subscription | None = None
        self.trades: Subscription | None = None
        self.holds_book = False
        self.awaiting: list[Subscription] = []

    def leave(self, subscription: Subscription) -> None:
        """One of the two subscriptions ended."""
        if subscription == self.book:
            self.book, self.holds_book = None, False
        else:
            self.trades = None
        self.awaiting = [one for one in self.awaiting if one != subscription]


class L2Reader:
    """Reads the `l2` streams of one link. On a tape a book may begin anywhere (`is_tape`)."""

    def __init__(self) -> None:
        self.is_tape = False
        self.early = EarlyDeltas(VENUE)
        self._published: dict[tuple[Symbol, int], None] = {}  # of those without a taker

    def read(
        self,
        market: Market,
        rows: Iterable[native.Change | Raw],
        trades: Iterable[native.Trade | Raw] | None,
        received_ns: int,
    ) -> Sequence[Event]:
        """Changes of a book, or with `trades` the whole of it.

        Raises UnreadableStream where nothing of it can be read.
        """
        reading = Reading(VENUE, received_ns)
        changes = read_rows(rows, _change)
        if changes.left_out is not None and market.book is not None:
            reading.leave_out(changes.left_out, (market.book,))
        if trades is not None:
            self._whole(reading, market, changes, trades)
        elif market.holds_book:
            if changes.items:
                bids, asks = sides(changes.items, "buy")
                update = BookUpdate(VENUE, market.symbol, bids, asks, None, received_ns)
                reading.events.append(update)
        elif market.book is not None and not self.is_tape:
            sample = f"changes of {market.symbol}"
            reading.events += self.early.add(market.book, sample, received_ns)
        return reading.finish()

    def trade(self, market: Market, wire: native.Trade, received_ns: int) -> Sequence[Event]:
        """One trade, as it happens; raises UnreadableStream for one that cannot be read."""
        if market.trades is None:
            return ()
        try:
            trade = _trade(wire)
        except RemoteProtocolError as error:
            raise UnreadableStream(str(error), (market.trades,)) from error
        if not normalize.is_sided(trade):
            return self._without_taker([trade], market.symbol, received_ns)
        return (normalize.trade(trade, market.symbol, received_ns),)

    def _whole(
        self,
        reading: Reading,
        market: Market,
        changes: Rows[native.Change],
        trades: Iterable[native.Trade | Raw],
    ) -> None:
        """The answer to the requests of the book and the trades; no book where no level is one."""
        has_book = bool(changes.items) or changes.left_out is None
        if market.book is not None and not has_book:
            return
        reading.events += [
            Subscribed(venue=VENUE, subscription=one, received_ns=reading.received_ns)
            for one in market.awaiting
        ]
        market.awaiting.clear()
        if market.book is not None:
            reading.events += self.early.settle(market.book, reading.received_ns)
            snapshot = normalize.snapshot(changes.items, market.symbol, reading.received_ns)
            reading.events.append(snapshot)
        market.holds_book = market.book is not None
        if market.trades is not None:
            self._history(reading, market.trades, market.symbol, trades)

    def _history(
        self,
        reading: Reading,
        stream: Subscription,
        symbol: Symbol,
        trades: Iterable[native.Trade | Raw],
    ) -> None:
        """Recent trades, oldest first; in 2021 they came newest first."""
        read = read_rows(trades, _trade)
        if read.left_out is not None:
            reading.leave_out(read.left_out, (stream,))
        unsided = [wire for wire in read.items if not normalize.is_sided(wire)]
        reading.events += self._without_taker(unsided, symbol, reading.received_ns)
        for wire in sorted(read.items, key=_age):
            if normalize.is_sided(wire):
                trade = normalize.trade(wire, symbol, reading.received_ns, backfilled=True)
                reading.events.append(trade)

    def _without_taker(
        self, wires: Sequence[native.Trade], symbol: Symbol, received_ns: int
    ) -> Sequence[Event]:
        """Those that were not published before, as text."""
        fresh = [wire for wire in wires if (symbol, normalize.number(wire)) not in self._published]
        self._published.update(dict.fromkeys((symbol, normalize.number(wire)) for wire in fresh))
        while len(self._published) > _PUBLISHED_KEPT:
            del self._published[next(iter(self._published))]
        return (normalize.without_taker(fresh, symbol, received_ns),) if fresh else ()


def _change(row: native.Change | Raw) -> native.Change:
    return checked(native.decode_change(row) if isinstance(row, Raw) else row)


def _trade(row: native.Trade | Raw) -> native.Trade:
    """A trade whose numbers can be read; raises RemoteProtocolError or MsgspecError."""
    wire = native.decode_trade(row) if isinstance(row, Raw) else row
    exact(wire.price)
    exact(wire.quantity)
    return wire


def _age(wire: native.Trade) -> tuple[int, int]:
    return wire.event_id, wire.tid or 0
