"""The levels that the simulated REST half has listed lately, for the streams to go on from.

An event of a book names every level that was touched since the one before it, so that it can be
laid over a snapshot taken in between. The streams of a simulated venue only see a market when they
publish it: a level that came, was listed over REST and went meanwhile would be missed. So it is
kept here, and is in the next event.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from decimal import Decimal
from weakref import WeakKeyDictionary

from fluxum.model.instrument import Symbol
from fluxum.model.market import Level, Side
from fluxum.venues.server.contract import MarketView

__all__ = ["Snapshots"]

_KEPT = 100
_EVERYTHING = 1_000_000
_ZERO = Decimal(0)

# A state, and the prices of both sides that were listed of it.
_Listed = tuple[int, frozenset[Decimal], frozenset[Decimal]]


class Snapshots:
    """The last hundred snapshots of each market of each exchange; one for a venue."""

    def __init__(self) -> None:
        self._listed: WeakKeyDictionary[MarketView, dict[Symbol, deque[_Listed]]] = (
            WeakKeyDictionary()
        )

    def note(
        self, view: MarketView, symbol: Symbol, bids: Iterable[Level], asks: Iterable[Level]
    ) -> None:
        """Keep the levels that were listed of a market as it is now."""
        listed = self._listed.setdefault(view, {}).setdefault(symbol, deque(maxlen=_KEPT))
        prices = [frozenset(one.price for one in side) for side in (bids, asks)]
        listed.append((view.revision(symbol), prices[0], prices[1]))

    def complete(
        self,
        view: MarketView,
        symbol: Symbol,
        since: int,
        changes: tuple[Sequence[Level], Sequence[Level]] | None,
    ) -> tuple[Sequence[Level], Sequence[Level]] | None:
        """Changes since a state, together with the levels listed in between as they are now."""
        listed = self._listed.get(view, {}).get(symbol, ())
        now = view.revision(symbol)
        between = [one for one in listed if since < one[0] < now]
        if not between:
            return changes
        bids, asks = changes or ((), ())
        return (
            _extend(view.levels(symbol, Side.BUY, _EVERYTHING), bids, [one[1] for one in between]),
            _extend(view.levels(symbol, Side.SELL, _EVERYTHING), asks, [one[2] for one in between]),
        )


def _extend(
    levels: Iterable[Level], changes: Sequence[Level], listed: Iterable[frozenset[Decimal]]
) -> Sequence[Level]:
    now = {one.price: one for one in levels}
    changed = {one.price for one in changes}
    missing = sorted({price for prices in listed for price in prices} - changed)
    return [*changes, *(now.get(price) or Level(price, _ZERO) for price in missing)]
