"""One side of a book: levels sorted by price, cut to a depth, with their checksum text beside.

Three parallel lists, ascending by price, searched by bisection: for the sizes venues publish this
beats trees and dictionaries (a lookup among ten levels costs four comparisons). Bids have their
best level last, asks first.
"""

from bisect import bisect_left
from collections.abc import Iterator
from decimal import Decimal

from fluxum.model.market import Level, Side

__all__ = ["Ladder"]


class Ladder:
    """The levels of one side. Best means highest for bids, lowest for asks."""

    __slots__ = ("_is_asks", "_levels", "_texts", "depth", "joined_text", "prices", "side")

    def __init__(self, side: Side, depth: int | None = None) -> None:
        self.side = side
        self.depth = depth
        self.prices: list[Decimal] = []
        """All prices, ascending; look, do not change."""
        self._is_asks = side is Side.SELL
        self._levels: list[Level] = []
        self._texts: list[bytes] = []
        self.joined_text: bytes | None = None
        """What `joined` gave last, or none since the side changed: saves the call."""

    def __len__(self) -> int:
        """How many levels there are."""
        return len(self.prices)

    def __iter__(self) -> Iterator[Level]:
        """All levels, best first."""
        return iter(self._levels) if self._is_asks else reversed(self._levels)

    @property
    def best(self) -> Level | None:
        """The best level, or none while the side is empty."""
        if not self._levels:
            return None
        return self._levels[0] if self._is_asks else self._levels[-1]

    def top(self, count: int) -> list[Level]:
        """The best `count` levels, best first."""
        if self._is_asks:
            return self._levels[:count]
        return self._levels[: -count - 1 : -1]

    def at(self, price: Decimal) -> Level | None:
        """The level at a price, if anything rests there."""
        index = bisect_left(self.prices, price)
        if index < len(self.prices) and self.prices[index] == price:
            return self._levels[index]
        return None

    def put(self, level: Level) -> Level | None:
        """Set a level to its absolute quantity, or remove it; returns what stood there before."""
        prices = self.prices
        index = bisect_left(prices, level.price)
        self.joined_text = None
        if index < len(prices) and prices[index] == level.price:
            before = self._levels[index]
            if level.quantity:
                self._levels[index] = level
                self._texts[index] = level.text
            else:
                del prices[index], self._levels[index], self._texts[index]
            return before
        if level.quantity:
            prices.insert(index, level.price)
            self._levels.insert(index, level)
            self._texts.insert(index, level.text)
        return None

    def cut(self) -> list[Level]:
        """Drop what lies deeper than `depth`; returns the dropped levels."""
        depth = self.depth
        if depth is None or len(self.prices) <= depth:
            return []
        self.joined_text = None
        excess = slice(depth, None) if self._is_asks else slice(None, -depth)
        dropped = self._levels[excess]
        del self.prices[excess], self._levels[excess], self._texts[excess]
        return dropped

    def clear(self) -> None:
        """Forget every level."""
        self.prices.clear()
        self._levels.clear()
        self._texts.clear()
        self.joined_text = None

    def joined(self, count: int) -> bytes:
        """The checksum texts of the best `count` levels, best first, as one.

        Kept in `joined_text` until the side changes; always ask with the same `count`.
        """
        if self.joined_text is None:
            texts = self._texts
            best = texts[:count] if self._is_asks else texts[: -count - 1 : -1]
            self.joined_text = b"".join(best)
        return self.joined_text
