"""How much of a resting order would have been filled, from the single orders of a book.

With level 3 it is known who stands ahead, so there is one history and not three. An order that
leaves changes the place of those behind it and of no others: what stands ahead is known by ids.

A trade is given before the changes of orders that it causes; changes are absolute, so what a trade
took is not subtracted twice. If a venue publishes the two on links of their own, they may come in
either order: then both are given the venue's time `at_ns`, and a trade is known to have caused a
change of before if time and quantity are the same. Of the other side, new orders at one's own price
or beyond it are given to `arrive`: one's own order would have traded with them.

It is exact as long as market data shows what the order did not change. It ends to be (see
`ExactPlace.is_exact`) when a new order of the other side fills a part of it: in market data that
order rests and is taken by others, who would have found nothing and stand somewhere else. Moved
orders, takers that swept the whole book, and immediate orders where no other was cannot be exact
either. Numbers are those of `fluxum.fill.queue`.
"""

from collections import deque
from collections.abc import Iterable

from fluxum.fill.queue import NO_KEY

__all__ = ["ExactPlace", "ExactSide"]

_EARLY_MAX = 64


class ExactPlace:
    """One's own order among known ones; made by `ExactSide.enter`, read only."""

    __slots__ = ("ahead", "early", "filled", "is_exact", "key", "order_id", "others", "quantity")

    def __init__(
        self, order_id: int, key: int, quantity: int, ahead: Iterable[tuple[str, int]]
    ) -> None:
        self.order_id = order_id
        self.key = key
        self.quantity = quantity
        self.others = dict(ahead)
        """The orders that stand ahead, in their order, with their quantities."""
        self.ahead = sum(self.others.values())
        """How much stands ahead."""
        self.early: deque[tuple[int, int]] = deque(maxlen=_EARLY_MAX)
        """When and by how much orders ahead became smaller last, without a trade that shows it."""
        self.filled = 0
        self.is_exact = True
        """Whether market data shows all that the fills of the order depend on."""

    @property
    def left(self) -> int:
        """How much is not filled."""
        return max(self.quantity - self.filled, 0)

    def change(self, order_id: str, quantity: int, at_ns: int | None = None) -> None:
        """An order has another quantity, zero if it left; of one that is not ahead, nothing."""
        before = self.others.get(order_id, 0)
        if at_ns is not None and quantity < before:
            self.early.append((at_ns, before - quantity))
        if before:
            self._set(order_id, before, quantity)

    def trade(self, quantity: int, at_ns: int | None = None) -> int:
        """Let a trade at its price go through those ahead; returns what reaches the order."""
        if at_ns is not None and (at_ns, quantity) in self.early:
            self.early.remove((at_ns, quantity))
            return 0
        for order_id, theirs in list(self.others.items()):
            if not quantity:
                return 0
            taken = min(theirs, quantity)
            self._set(order_id, theirs, theirs - taken)
            quantity -= taken
        return quantity

    def clear(self) -> None:
        """All that stood ahead is gone."""
        self.others.clear()
        self.ahead = 0

    def _set(self, order_id: str, before: int, quantity: int) -> None:
        self.ahead += quantity - before
        if quantity:
            self.others[order_id] = quantity
        else:
            del self.others[order_id]


class ExactSide:
    """One's own resting orders of one side of one market, with level 3.

    Fills are appended to `news` as (place, quantity); the caller reads and clears it.
    """

    __slots__ = ("news", "places", "top")

    def __init__(self) -> None:
        self.places: list[ExactPlace] = []
        """Best price first, then in the order they were entered; read only."""
        self.top = NO_KEY
        """The best key of the places; while it is NO_KEY no call is needed."""
        self.news: list[tuple[ExactPlace, int]] = []

    def enter(
        self, order_id: int, key: int, quantity: int, queue: Iterable[tuple[str, int]]
    ) -> ExactPlace:
        """Enter an order behind the others at its price: their ids and quantities, in order."""
        place = ExactPlace(order_id, key, quantity, queue)
        index = len(self.places)
        while index and self.places[index - 1].key < key:
            index -= 1
        self.places.insert(index, place)
        self.top = self.places[0].key
        return place

    def leave(self, place: ExactPlace) -> None:
        """Remove an order that was canceled or filled."""
        self.places.remove(place)
        self.top = self.places[0].key if self.places else NO_KEY

    def change(self, key: int, order_id: str, quantity: int, at_ns: int | None = None) -> None:
        """Process that another order at a price has this quantity now, zero if it left."""
        if key > self.top:
            return
        for place in self.places:
            if place.key == key:
                place.change(order_id, quantity, at_ns)

    def trade(self, key: int, quantity: int, at_ns: int | None = None) -> None:
        """Process a trade whose taker was of the other side."""
        if key > self.top:
            return
        for place in self.places:
            if place.key < key:
                return
            if place.key == key:
                reached = place.trade(quantity, at_ns)
            else:
                place.clear()  # the trade went on to a worse price
                reached = quantity
            quantity -= self._fill(place, reached)

    def arrive(self, key: int, quantity: int) -> None:
        """Process a new order of the other side, with the key its price has on this side."""
        if key > self.top:
            return
        for place in self.places:
            if place.key < key:
                return
            place.clear()
            quantity -= self._fill(place, quantity)
            place.is_exact &= not place.left

    def _fill(self, place: ExactPlace, reached: int) -> int:
        filled = min(place.left, reached)
        if filled:
            place.filled += filled
            self.news.append((place, filled))
        return filled
