"""One market as the paper venue sees it: its book, one's own places in it, and what one has taken.

Prices and quantities are integers inside: ticks, and units of the market's smallest quantity. What
one's own orders took is still in the market data, as it was taken on paper alone; it is remembered
and not taken twice until the level is gone. What a published trade took is not there for a taker
either, although the book shows it until its next frame.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from fluxum.book.fast import BookLadder
from fluxum.book.ladder import Ladder
from fluxum.fill.queue import NO_KEY, UNSEEN, QueueSide
from fluxum.model.instrument import Instrument
from fluxum.model.market import BookSnapshot, BookUpdate, Level, Side, Trade

__all__ = ["PaperMarket"]


class PaperMarket:
    """The book and the queues of one market; `apart` is that of QueueSide."""

    def __init__(self, instrument: Instrument, apart: int = 0) -> None:
        self.instrument = instrument
        self.ladders: dict[Side, Ladder] = {side: BookLadder(side, None) for side in Side}
        self.queues = {side: QueueSide(apart) for side in Side}
        """One's own resting orders, by their side."""
        self.last_price: Decimal | None = None
        self.lost_ns: int | None = None
        """Since when market data is lost; `None` while it is known."""
        self._is_known = False
        self._last_known = dict.fromkeys(Side, NO_KEY)
        self._tick = instrument.tick
        self._unit = min(instrument.lot, Decimal((0, (1,), -instrument.quantity_precision)))
        self._taken: dict[Side, dict[int, int]] = {side: {} for side in Side}
        self._printed: dict[Side, dict[int, int]] = {side: {} for side in Side}

    # What others see

    @property
    def is_known(self) -> bool:
        """Whether the book is known now."""
        return self._is_known and self.lost_ns is None

    @property
    def mid(self) -> Decimal | None:
        """Half way between best bid and ask; `None` while a side is empty."""
        bid, ask = (self.ladders[side].best for side in (Side.BUY, Side.SELL))
        return None if bid is None or ask is None else (bid.price + ask.price) / 2

    @property
    def reference_price(self) -> Decimal | None:
        """The price of the last trade, or the mid before the first one."""
        return self.mid if self.last_price is None else self.last_price

    def units(self, quantity: Decimal) -> int:
        """A quantity in units."""
        return int(quantity / self._unit)

    def quantity(self, units: int) -> Decimal:
        """Units as a quantity."""
        return units * self._unit

    def key(self, side: Side, price: Decimal) -> int:
        """The key of a price among the orders of a side."""
        ticks = int(price / self._tick)
        return ticks if side is Side.BUY else -ticks

    def shown(self, side: Side, price: Decimal) -> int:
        """What others show at a price; UNSEEN beyond the levels that market data has."""
        ladder = self.ladders[side]
        level = ladder.at(price)
        if level is not None:
            return self.units(level.quantity)
        if self.key(side, price) < self._last_known[side]:
            return UNSEEN
        is_cut = ladder.depth is not None and len(ladder) >= ladder.depth
        return UNSEEN if is_cut and ladder.reach(price) == len(ladder) else 0

    def best_key(self, side: Side) -> int:
        """The key of the best level of a side."""
        best = self.ladders[side].best
        return NO_KEY if best is None else self.key(side, best.price)

    # Taking

    def offered(self, side: Side, limit: Decimal | None) -> Iterator[tuple[Decimal, int]]:
        """What a taker of this side can trade with, best first: price, and units not taken yet."""
        against = side.opposite
        taken, printed = self._taken[against], self._printed[against]
        for level in self.ladders[against]:
            price = level.price
            if limit is not None and (price > limit if side is Side.BUY else price < limit):
                return
            key = self.key(against, price)
            free = self.units(level.quantity) - taken.get(key, 0) - printed.get(key, 0)
            if free > 0:
                yield price, free

    def take(self, side: Side, price: Decimal, units: int) -> None:
        """Remember that a taker of this side traded."""
        taken, key = self._taken[side.opposite], self.key(side.opposite, price)
        taken[key] = taken.get(key, 0) + units

    # Market data

    def snapshot(self, book: BookSnapshot) -> None:
        """Process a whole book; `settle` is the caller's, once losses are dealt with."""
        for side, levels in ((Side.BUY, book.bids), (Side.SELL, book.asks)):
            ladder = self.ladders[side]
            ladder.depth = book.depth
            ladder.replace(levels)
            self._taken[side].clear()
            self._printed[side].clear()
            is_cut = book.cut_at is not None and len(levels) >= book.cut_at
            self._last_known[side] = self.key(side, levels[-1].price) if is_cut else NO_KEY
        self._is_known, self.lost_ns = True, None

    def show_all(self) -> None:
        """Give the queues the levels of their orders, after a whole book."""
        for side, queue in self.queues.items():
            for place in list(queue.places):
                ticks = place.key if side is Side.BUY else -place.key
                shown = self.shown(side, ticks * self._tick)
                if shown == UNSEEN:
                    queue.hide(place.key)
                else:
                    queue.level(place.key, shown)
            best = self.ladders[side.opposite].best
            if best is not None:
                queue.opposite(self.key(side, best.price), self.units(best.quantity))
        self._settle()

    def update(self, book: BookUpdate) -> None:
        """Process changes of levels."""
        for side, levels in ((Side.BUY, book.bids), (Side.SELL, book.asks)):
            if levels:
                self._lay(side, levels)
        self._settle()

    def trade(self, trade: Trade) -> None:
        """Process a trade: what it took is not there any more, and is in the queues' favour."""
        self.last_price = trade.price
        resting = trade.side.opposite
        key, units = self.key(resting, trade.price), self.units(trade.quantity)
        printed = self._printed[resting]
        printed[key] = printed.get(key, 0) + units
        self.queues[resting].trade(key, units)

    def _lay(self, side: Side, levels: Iterable[Level]) -> None:
        ladder, taken = self.ladders[side], self._taken[side]
        ladder.lay(levels)
        cut = ladder.cut()
        queue, across = self.queues[side], self.queues[side.opposite]
        if not taken and queue.top == across.top == NO_KEY:
            return
        for level in levels:
            key, units = self.key(side, level.price), self.units(level.quantity)
            if not units:
                taken.pop(key, None)
            queue.level(key, units)
            across.opposite(-key, units - taken.get(key, 0))
        for level in cut:
            queue.hide(self.key(side, level.price))

    def _settle(self) -> None:
        """End a frame of the book."""
        for side, queue in self.queues.items():
            self._printed[side].clear()
            if queue.top != NO_KEY:
                queue.settle(self.best_key(side))
