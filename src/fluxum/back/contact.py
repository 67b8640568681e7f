"""One market of a tape where it meets one's own orders: their queues, and what one has taken.

What one's own orders took is still on the tape. It is remembered, and not taken twice until the
level is gone. What a published trade took is not there for a taker either, although the book shows
it until its next message. The rules are those of `paper.market`. `_fast.pyx` has the same in C.

A key is a price in units of its market, that of an ask negated: greater is better.
"""

from collections.abc import Callable, Collection
from typing import Final, Protocol

from fluxum.fill.queue import QueueSide

__all__ = ["BUY", "NO_KEY", "SELL", "UNSEEN", "Contact", "Shows"]

NO_KEY = -(1 << 62)
"""A key that is worse than every price."""
UNSEEN = -1
"""The quantity at a price that is deeper than the book is known."""
BUY, SELL = 0, 1
"""The sides of a book by their numbers."""


class Shows(Protocol):
    """What a contact reads of its book; markets and sides are numbers."""

    def best(self, market: int, side: int) -> int:
        """The best key of a side; NO_KEY while it is empty."""
        ...

    def levels(self, market: int, side: int, worst: int) -> list[tuple[int, int]]:
        """The keys of a side and their quantities in units, best first, down to `worst`."""
        ...

    def shown(self, market: int, side: int, key: int) -> int:
        """The quantity at a key, in units; UNSEEN if it is deeper than the book is known."""
        ...


class Contact:
    """The queues of one market. Its player gives it all of the tape, its `Lane` the orders."""

    def __init__(self, shows: Shows, number: int) -> None:
        self.queues: Final = (QueueSide(), QueueSide())
        """One's own resting orders: buys, then sells."""
        self.taken: Final[tuple[dict[int, int], dict[int, int]]] = ({}, {})
        """What one has taken of each side, by key."""
        self.printed: Final[tuple[dict[int, int], dict[int, int]]] = ({}, {})
        """What trades took of each side since the last message of the book."""
        self.is_lost = False
        """Whether market data is lost, so that anything may have traded."""
        self.on_fill: Callable[[], None] = _nothing
        """Called at once when a queue has news."""
        self.on_loss: Callable[[], None] = _nothing
        """Called when market data is lost."""
        self._shows = shows
        self._number = number

    def trade(self, side: int, key: int, units: int) -> None:
        """Process a trade that took from a side."""
        if self._shows.best(self._number, side) != NO_KEY:
            printed = self.printed[side]
            printed[key] = printed.get(key, 0) + units
        self.queues[side].trade(key, units)
        self._tell()

    def message(self, changed: Collection[tuple[int, int]] | None) -> None:
        """Process a message of the book, which is laid: sides and keys, or `None`: all of it."""
        if changed is None and self.is_lost:
            self._resolve()
            self._tell()
        for side, queue in enumerate(self.queues):
            for key in list(queue.keys):
                units = self._shows.shown(self._number, side, key)
                if units == UNSEEN:
                    queue.hide(key)
                elif changed is None or (side, key) in changed:
                    queue.level(key, units)
            taken = self.taken[side]
            for key in list(taken):
                is_changed = changed is None or (side, key) in changed
                if is_changed and not self._shows.shown(self._number, side, key):
                    del taken[key]
            self.printed[side].clear()
        self._settle()
        self._tell()

    def status(self, *, is_valid: bool) -> None:
        """Process that the status of the book has changed."""
        self.is_lost = not is_valid
        if self.is_lost:
            self.on_loss()

    # Pieces

    def _tell(self) -> None:
        if self.queues[BUY].news or self.queues[SELL].news:
            self.on_fill()

    def _resolve(self) -> None:
        """Decide what happened in a gap, before the levels of the book that ends it."""
        for queue in self.queues:
            queue.lose()
        bid, ask = self._shows.best(self._number, BUY), self._shows.best(self._number, SELL)
        if NO_KEY in (bid, ask):
            return
        for side, queue in enumerate(self.queues):
            twice = bid - ask if side == BUY else ask - bid
            for place in list(queue.places):
                if twice < 2 * place.key:
                    queue.complete(place)

    def _settle(self) -> None:
        """End a message of the book."""
        for side, queue in enumerate(self.queues):
            top = queue.top
            if top == NO_KEY:
                continue
            if -self._shows.best(self._number, 1 - side) <= top:
                taken = self.taken[1 - side]
                for key, units in self._shows.levels(self._number, 1 - side, -top):
                    queue.opposite(-key, units - taken.get(key, 0))
            queue.settle(self._shows.best(self._number, side))


def _nothing() -> None:
    """Nobody waits for it."""
