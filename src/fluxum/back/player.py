"""Plays a prepared tape: applies each event to its book, then returns it.

`FastPlayer` (`back/_fast.pyx`) does the same, many times as fast, and is tested against this one.
"""

from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Final, NamedTuple

from fluxum.back.columns import (
    KIND_BUY,
    KIND_SELL,
    KIND_SNAPSHOT,
    KIND_STATUS,
    KIND_UPDATE,
    Columns,
)
from fluxum.back.rows import Rows, begin, set_status
from fluxum.book.book import Book
from fluxum.book.ladder import Ladder
from fluxum.model.event import Event
from fluxum.model.market import BookSnapshot, BookUpdate

__all__ = [
    "BUY",
    "DUE",
    "END_NS",
    "KIND_LEVEL",
    "NO_KEY",
    "SELL",
    "TOUCHED",
    "UNSEEN",
    "Player",
    "Signal",
    "Touch",
]

END_NS = (1 << 63) - 1
"""Later than every frame."""
NO_KEY = -(1 << 62)
"""A key that is worse than every price."""
KIND_LEVEL = 7
"""A level that is watched; beside the kinds of a file's events."""
UNSEEN = -1
"""The quantity at a price that is deeper than the book is known."""
BUY, SELL = 0, 1
"""The sides of a book by their numbers."""


class Signal:
    """What a player returns instead of an event."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        """Its name."""
        return self._name


DUE: Final = Signal("DUE")
"""The next frame was received at `alarm_ns` or later; it is not applied yet."""
TOUCHED: Final = Signal("TOUCHED")
"""An event was applied that is of a watched market; it follows."""


class Touch(NamedTuple):
    """Something of a watched market in one event.

    `kind` is KIND_BUY or KIND_SELL for a trade: `side` is that of the book that it took from.
    It is KIND_LEVEL for a watched key that the book's message changed, with the quantity that is
    there now (UNSEEN: the book does not reach so deep any more). After these, KIND_UPDATE or
    KIND_SNAPSHOT ends the message. KIND_STATUS means that the book's status has changed.
    """

    market: int
    kind: int
    side: int = 0
    key: int = 0
    quantity: int = 0


class Player:
    """Plays a file from its beginning to its end.

    `delivers` is asked once for each kind and market number which events are given; KIND_OTHER
    has the market 0. A key is a price in units of its market, that of an ask negated: greater is
    better.
    """

    def __init__(
        self, columns: Columns, delivers: Callable[[int, int], bool] | None = None
    ) -> None:
        self.books = [Book(market.venue, market.name, ladder=Ladder) for market in columns.markets]
        """A book of each market, in the order of the file; read only."""
        self.now_ns = 0
        """When the frame that was applied last was received."""
        self.frame = -1
        """The number of that frame in the file."""
        self.alarm_ns = END_NS
        """Before a frame of this instant or later is applied, `next` returns DUE."""
        self._columns = columns
        self._rows = Rows(columns)
        self._delivers = delivers or _everything
        self._frame_ns = columns.column("frame_ns")
        self._first = columns.column("frame_event")
        self._kinds = columns.column("event_kind")
        self._markets = columns.column("event_market")
        self._units = [(market.price_places, market.quantity_places) for market in columns.markets]
        self._event = self._end = 0
        self._ready: Event | None = None
        self._watched: dict[int, tuple[Collection[int], Collection[int]]] = {}
        self._awake: dict[int, int] = {}
        self._unseen: set[tuple[int, int, int]] = set()  # watched keys that are too deep
        self._touches: list[Touch] = []

    @property
    def next_ns(self) -> int:
        """When the next frame was received; END_NS after the last."""
        number = self.frame + 1
        return self._frame_ns[number] if number < self._columns.frames else END_NS

    def next(self) -> Event | Signal | None:
        """Apply the next event and return it, or a signal; `None` at the end.

        Events that are not delivered are applied and passed over.
        """
        while True:
            if self._ready is not None:
                event, self._ready = self._ready, None
                return event
            if self._event == self._end:
                next_ns = self.next_ns
                if next_ns >= self.alarm_ns:
                    return None if self.alarm_ns == END_NS else DUE
                self.frame += 1
                self.now_ns = next_ns
                self._end = self._first[self.frame + 1]
                continue
            self._apply()
            if self._touches:
                return TOUCHED

    def skip(self, until_ns: int) -> None:
        """Apply what is before an instant, and return none of it."""
        while self.next_ns < until_ns:
            self.frame += 1
            self.now_ns = self._frame_ns[self.frame]
            self._end = self._first[self.frame + 1]
            while self._event < self._end:
                self._apply()
            self._ready = None
            self._touches.clear()

    def watch(self, market: int, bids: Collection[int], asks: Collection[int]) -> None:
        """Watch these keys of a market, and its trades; without keys the market is not watched."""
        self._unseen = {one for one in self._unseen if one[0] != market}
        if bids or asks:
            self._watched[market] = (tuple(bids), tuple(asks))
            self._unseen |= {
                (market, side, key)
                for side, keys in enumerate((bids, asks))
                for key in keys
                if self.shown(market, side, key) == UNSEEN
            }
        else:
            self._watched.pop(market, None)

    def touches(self) -> list[Touch]:
        """What the last event had of watched markets, in its order; empty when read again."""
        touches, self._touches = self._touches, []
        return touches

    def best(self, market: int, side: int) -> int:
        """The best key of a side; NO_KEY while it is empty."""
        prices = self._ladder(market, side).prices
        return self._key(prices[-1 if side == BUY else 0], market, side) if prices else NO_KEY

    def levels(self, market: int, side: int, worst: int) -> list[tuple[int, int]]:
        """The keys of a side and their quantities in units, best first, down to `worst`."""
        places = self._units[market][1]
        found: list[tuple[int, int]] = []
        for level in self._ladder(market, side):
            key = self._key(level.price, market, side)
            if key < worst:
                break
            found.append((key, int(level.quantity.scaleb(places))))
        return found

    def shown(self, market: int, side: int, key: int) -> int:
        """The quantity at a key, in units; UNSEEN if it is deeper than the book is known."""
        ladder = self._ladder(market, side)
        price_places, places = self._units[market]
        price = Decimal(abs(key)).scaleb(-price_places)
        level = ladder.at(price)
        if level is not None:
            return int(level.quantity.scaleb(places))
        is_cut = ladder.depth is not None and len(ladder) >= ladder.depth
        return UNSEEN if is_cut and ladder.reach(price) == len(ladder) else 0

    # Pieces

    def _apply(self) -> None:
        """Apply the next event, and the statuses that books have after it."""
        number = self._event
        event = self._rows.event(number, self.now_ns)
        kind, market = self._kinds[number], self._markets[number]
        if isinstance(event, BookUpdate | BookSnapshot):
            self._lay(number, market, event)
        elif kind in (KIND_BUY, KIND_SELL) and (units := self._rows.units(number)) is not None:
            price, quantity = units
            side, key = (SELL, -price) if kind == KIND_BUY else (BUY, price)
            self._touch(Touch(market, kind, side, key, quantity))
        self._event += 1
        while self._event < self._end and self._kinds[self._event] == KIND_STATUS:
            changed = self._markets[self._event]
            set_status(self.books[changed], *self._rows.status(self._event))
            self._touch(Touch(changed, KIND_STATUS))
            self._event += 1
        if self._delivers(kind, market):
            self._ready = event

    def wake(self, market: int, messages: int) -> None:
        """Have at least so many more messages of a market's book among the touches."""
        self._awake[market] = max(self._awake.get(market, 0), messages)

    def _touch(self, touch: Touch) -> None:
        if touch.market in self._watched:
            self._touches.append(touch)

    def _lay(self, number: int, market: int, event: BookUpdate | BookSnapshot) -> None:
        """Lay a message over its book, and note what it changed at watched keys."""
        book = self.books[market]
        if isinstance(event, BookUpdate):
            book.apply(event)
            book.evidence.updated_ns = event.received_ns
        else:
            book.replace(event)
            begin(book, event.depth, event.cut_at, event.received_ns)
        watched = self._watched.get(market)
        if watched is None:
            return
        is_update = isinstance(event, BookUpdate)
        changed = {(side, key) for side, key, _ in self._rows.changes(number)}
        touches = [
            Touch(market, KIND_LEVEL, side, key, self.shown(market, side, key))
            for side, keys in enumerate(watched)
            for key in keys
            if not is_update or (side, key) in changed or self._is_cut(market, side, key)
        ]
        awake = self._awake.get(market, 0)
        if awake:
            self._awake[market] = awake - 1
        is_crossed = any(
            keys and -self.best(market, 1 - side) <= max(keys)
            for side, keys in enumerate(watched)
            if self.best(market, 1 - side) != NO_KEY
        )
        if touches or awake or is_crossed or not is_update:
            self._touches += touches
            self._touches.append(Touch(market, KIND_UPDATE if is_update else KIND_SNAPSHOT))

    def _is_cut(self, market: int, side: int, key: int) -> bool:
        """Whether the book has ceased to reach a key since it was watched or last shown."""
        is_unseen = self.shown(market, side, key) == UNSEEN
        before = self._unseen
        if is_unseen == ((market, side, key) in before):
            return False
        (before.add if is_unseen else before.discard)((market, side, key))
        return is_unseen

    def _ladder(self, market: int, side: int) -> Ladder:
        book = self.books[market]
        return book.bids if side == BUY else book.asks

    def _key(self, price: Decimal, market: int, side: int) -> int:
        units = int(price.scaleb(self._units[market][0]))
        return units if side == BUY else -units


def _everything(_kind: int, _market: int) -> bool:
    return True
