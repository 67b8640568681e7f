"""One side of a book: levels by price, their prices sorted, cut to a depth.

A dictionary finds a level and a sorted list of prices orders them: most updates are of prices
that are there already and touch the dictionary alone, and only a price that comes or goes is
searched for. Bids have their best price last, asks first.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from decimal import Decimal

from fluxum.model.levels import Level
from fluxum.model.market import Side

__all__ = ["Ladder"]


class Ladder:
    """The levels of one side. Best means highest for bids, lowest for asks."""

    __slots__ = ("_is_asks", "_levels", "depth", "joined_text", "prices", "side")

    def __init__(self, side: Side, depth: int | None = None) -> None:
        self.side = side
        self.depth = depth
        self.prices: list[Decimal] = []
        """All prices, ascending; read only."""
        self._is_asks = side is Side.SELL
        self._levels: dict[Decimal, Level] = {}
        self.joined_text: bytes | None = None
        """The last result of `joined`, `None` since the side changed: saves the call."""

    def __len__(self) -> int:
        """How many levels there are."""
        return len(self.prices)

    def __iter__(self) -> Iterator[Level]:
        """All levels, best first."""
        prices = self.prices
        return map(self._levels.__getitem__, prices if self._is_asks else reversed(prices))

    @property
    def best(self) -> Level | None:
        """The best level; `None` while the side is empty."""
        prices = self.prices
        return self._levels[prices[0 if self._is_asks else -1]] if prices else None

    def top(self, count: int) -> list[Level]:
        """The best `count` levels, best first."""
        prices = self.prices[:count] if self._is_asks else self.prices[: -count - 1 : -1]
        return list(map(self._levels.__getitem__, prices))

    def at(self, price: Decimal) -> Level | None:
        """The level at a price; `None` if there is none."""
        return self._levels.get(price)

    def reach(self, price: Decimal) -> int:
        """How many levels are as good as this price or better."""
        prices = self.prices
        if self._is_asks:
            return bisect_right(prices, price)
        return len(prices) - bisect_left(prices, price)

    def crosses(self, asks: "Ladder") -> bool:
        """Whether these bids begin no lower than the asks do; false while a side is empty."""
        bids, others = self.prices, asks.prices
        return True if bids and others and bids[-1] >= others[0] else False  # noqa: SIM210 - no call

    def put(self, level: Level) -> Level | None:
        """Set a level to its absolute quantity, or remove it; returns the level before."""
        before = self._levels.get(level.price)
        self.lay((level,))
        return before

    def lay(self, changes: Iterable[Level]) -> None:
        """Set levels to their absolute quantities in the order given; `cut` is the caller's."""
        levels, prices = self._levels, self.prices
        self.joined_text = None
        count = len(prices)
        for level in changes:
            if level.quantity:
                levels[level.price] = level
                if len(levels) != count:  # cheaper than a check before
                    count += 1
                    insort(prices, level.price)
            elif levels.pop(level.price, None) is not None:
                count -= 1
                del prices[bisect_left(prices, level.price)]

    def replace(self, levels: Iterable[Level]) -> None:
        """Replace all levels by these; those without a quantity are skipped."""
        self._levels = {level.price: level for level in levels if level.quantity}
        self.prices = sorted(self._levels)
        self.joined_text = None

    def cut(self) -> list[Level]:
        """Remove the levels deeper than `depth`; returns them."""
        depth = self.depth
        if depth is None or len(self.prices) <= depth:
            return []
        self.joined_text = None
        excess = slice(depth, None) if self._is_asks else slice(None, -depth)
        dropped = [self._levels.pop(price) for price in self.prices[excess]]
        del self.prices[excess]
        return dropped

    def trim(self) -> None:
        """Remove the levels deeper than `depth`."""
        self.cut()

    def clear(self) -> None:
        """Remove every level."""
        self.prices.clear()
        self._levels.clear()
        self.joined_text = None

    def joined(self, count: int) -> bytes:
        """The checksum texts of the best `count` levels, best first, joined.

        Kept in `joined_text` until the side changes; always call it with the same `count`.
        """
        if self.joined_text is None:
            prices = self.prices
            best = prices[:count] if self._is_asks else prices[: -count - 1 : -1]
            levels = self._levels
            self.joined_text = b"".join([levels[price].text for price in best])
        return self.joined_text
