"""The past books of a simulated exchange: the best levels at each of their last moves."""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from decimal import Decimal
from operator import itemgetter

from msgspec import Struct

from fluxum.errors import BadInput
from fluxum.model.instrument import Symbol
from fluxum.model.market import Level

__all__ = ["BookHistory", "Levels", "Top"]

_HISTORY_MAX = 5000

Levels = tuple[tuple[Decimal, Decimal], ...]
Moment = tuple[int, Sequence[Level], Sequence[Level]]


class Top(Struct, frozen=True):
    """The best levels of a book at an instant, as (price, quantity), best first."""

    venue_ns: int
    bids: Levels
    asks: Levels


class BookHistory:
    """The last five thousand moves of each market."""

    def __init__(self, symbols: Iterable[Symbol]) -> None:
        self._history: dict[Symbol, deque[Moment]] = {
            symbol: deque(maxlen=_HISTORY_MAX) for symbol in symbols
        }

    def add(self, symbol: Symbol, moment: Moment) -> None:
        """Record the book from an instant on: the instant, bids and asks."""
        self._history[symbol].append(moment)

    def last(self, symbol: Symbol) -> Moment:
        """The book now."""
        return self._history[symbol][-1]

    def at(self, symbol: Symbol, venue_ns: int) -> Top:
        """The book at an instant; raises BadInput if that is too long ago."""
        history = self._history[symbol]
        index = bisect_right(history, venue_ns, key=itemgetter(0)) - 1
        if index < 0:
            raise BadInput(f"an instant since {history[0][0]} was expected, was {venue_ns}")
        moved_ns, bids, asks = history[index]
        return Top(moved_ns, _pairs(bids), _pairs(asks))

    def has_shown(self, symbol: Symbol, bids: Levels, asks: Levels) -> bool:
        """Whether these were the best levels at any of the last moves."""
        best_bids, best_asks = len(bids), len(asks)
        return any(
            _pairs(moment[1][:best_bids]) == bids and _pairs(moment[2][:best_asks]) == asks
            for moment in reversed(self._history[symbol])
        )


def _pairs(levels: Sequence[Level]) -> Levels:
    return tuple((level.price, level.quantity) for level in levels)
