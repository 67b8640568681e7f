"""The book that a subscriber was sent last, and the changes since.

For the servers of venues whose clients do not cut their books themselves: a level that left the
window, for any reason, is sent as gone.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Literal

from fluxum.model.instrument import Symbol
from fluxum.model.market import Level, Side
from fluxum.venues.server.contract import MarketView

__all__ = ["BookWindow", "ChangeStream"]

_ZERO = Decimal(0)
_EVERYTHING = 1_000_000

Sides = tuple[Sequence[Level], Sequence[Level]]
Kind = Literal["snapshot", "update"]


class BookWindow:
    """The best `depth` levels a side of one market, or all of them, as one client last saw them.

    `revision` is the state that was sent last.
    """

    def __init__(self, view: MarketView, symbol: Symbol, depth: int | None = None) -> None:
        self._view = view
        self._symbol = symbol
        self._depth = depth or _EVERYTHING
        self._bids: dict[Decimal, Level] = {}
        self._asks: dict[Decimal, Level] = {}
        self.revision = 0

    def whole(self) -> Sides:
        """Bids and asks as they are now, best first; changes count from here on."""
        bids = self._view.levels(self._symbol, Side.BUY, self._depth)
        asks = self._view.levels(self._symbol, Side.SELL, self._depth)
        self._bids = {level.price: level for level in bids}
        self._asks = {level.price: level for level in asks}
        self.revision = self._view.revision(self._symbol)
        return bids, asks

    def changes(self) -> Sides | None:
        """The levels that differ from those sent last, zero for those gone; `None` if none do."""
        old_bids, old_asks = self._bids, self._asks
        bids, asks = self.whole()
        changed = (_changes(old_bids, bids, self._bids), _changes(old_asks, asks, self._asks))
        return changed if changed[0] or changed[1] else None


class ChangeStream:
    """A whole book, then the levels that differ from those sent last; see Stream.

    `frame` writes the sides of a snapshot, or the changes of an update.
    """

    def __init__(self, window: BookWindow, frame: Callable[[Kind, Sides, int], bytes]) -> None:
        self._window = window
        self._frame = frame

    def begin(self, now_ns: int) -> Sequence[bytes]:
        """The whole book."""
        return (self._frame("snapshot", self._window.whole(), now_ns),)

    def update(self, now_ns: int) -> Sequence[bytes]:
        """The levels that changed."""
        changes = self._window.changes()
        return () if changes is None else (self._frame("update", changes, now_ns),)


def _changes(
    old: dict[Decimal, Level], levels: Sequence[Level], new: dict[Decimal, Level]
) -> list[Level]:
    """Those gone first, best first within each kind."""
    gone = [Level(price, _ZERO) for price in old if price not in new]
    return gone + [level for level in levels if old.get(level.price) is not level]
