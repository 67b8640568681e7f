"""What a back-test watches in the books of a tape: levels where orders rest, and trades.

A key is a price in units of its market, that of an ask negated: greater is better.
"""

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from fluxum.back.columns import KIND_SNAPSHOT, KIND_UPDATE
from fluxum.book.book import Book
from fluxum.book.ladder import Ladder

__all__ = [
    "BUY",
    "DUE",
    "END_NS",
    "KIND_LEVEL",
    "NO_KEY",
    "SELL",
    "TOUCHED",
    "UNSEEN",
    "Signal",
    "Touch",
    "Watching",
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


class Watching:
    """The books of some markets, and what touches the keys that are watched in them.

    `units` are the decimal places of each market's prices and quantities.
    """

    def __init__(self, books: Sequence[Book], units: Sequence[tuple[int, int]]) -> None:
        self.books = books
        """A book of each market, in the order of the file; read only."""
        self._units = units
        self._watched: dict[int, tuple[Collection[int], Collection[int]]] = {}
        self._awake: dict[int, int] = {}
        self._unseen: set[tuple[int, int, int]] = set()  # watched keys that are too deep
        self._touches: list[Touch] = []

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

    def wake(self, market: int, messages: int) -> None:
        """Have at least so many more messages of a market's book among the touches."""
        self._awake[market] = max(self._awake.get(market, 0), messages)

    def touches(self) -> list[Touch]:
        """What the last event had of watched markets, in its order; empty when read again."""
        touches, self._touches = self._touches, []
        return touches

    def best(self, market: int, side: int) -> int:
        """The best key of a side; NO_KEY while it is empty."""
        level = self._ladder(market, side).best
        return NO_KEY if level is None else self._key(level.price, market, side)

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

    def _touch(self, touch: Touch) -> None:
        if touch.market in self._watched:
            self._touches.append(touch)

    def _note(self, market: int, changed: Collection[tuple[int, int]], *, is_update: bool) -> None:
        """Note what a message changed at watched keys: sides and keys, or all by a snapshot."""
        watched = self._watched.get(market)
        if watched is None:
            return
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
