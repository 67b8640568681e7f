"""One venue's resting orders in one market: levels of queues, in time priority.

Within a level the order of arrival is the queue: an `add` goes to the back, a `modify` at the
same price keeps its place, one at another price goes to the back of its new level. Changes to
orders that were never shown, or were cut off, are ignored.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from decimal import Decimal

from fluxum.book.proof import BookProof, Evidence
from fluxum.model.instrument import Symbol
from fluxum.model.market import (
    Level,
    Level3Snapshot,
    Level3Update,
    OrderAction,
    OrderChange,
    RestingOrder,
    Side,
)

__all__ = ["Level3Book", "OrderLadder"]


class OrderLadder:
    """One side: queues of orders by price, cut to a number of levels."""

    __slots__ = ("_prices", "_queues", "_where", "depth", "side")

    def __init__(self, side: Side, depth: int | None = None) -> None:
        self.side = side
        self.depth = depth
        self._prices: list[Decimal] = []  # ascending
        self._queues: dict[Decimal, dict[str, RestingOrder]] = {}
        self._where: dict[str, Decimal] = {}

    def __len__(self) -> int:
        """How many levels there are."""
        return len(self._prices)

    def queues(self, count: int | None = None) -> Iterator[list[RestingOrder]]:
        """The best `count` levels, best first, each as its orders in queue order."""
        best_first = self._prices if self.side is Side.SELL else self._prices[::-1]
        for price in best_first[:count]:
            yield list(self._queues[price].values())

    def levels(self, count: int | None = None) -> list[Level]:
        """The best `count` levels, best first, summed up, with their number of orders."""
        return [
            Level(queue[0].price, sum((o.quantity for o in queue), Decimal(0)), len(queue))
            for queue in self.queues(count)
        ]

    @property
    def best(self) -> Decimal | None:
        """The best price; `None` while the side is empty."""
        if not self._prices:
            return None
        return self._prices[0 if self.side is Side.SELL else -1]

    def order(self, order_id: str) -> RestingOrder | None:
        """An order by the venue's id; `None` if it is not here."""
        price = self._where.get(order_id)
        return None if price is None else self._queues[price][order_id]

    def add(self, order: RestingOrder) -> None:
        """Put an order at the back of its level; a known one is moved there."""
        self.remove(order.order_id)
        queue = self._queues.get(order.price)
        if queue is None:
            queue = self._queues[order.price] = {}
            insort(self._prices, order.price)
        queue[order.order_id] = order
        self._where[order.order_id] = order.price

    def modify(self, order: RestingOrder) -> None:
        """Change an order in place, or move it when its price changed."""
        price = self._where.get(order.order_id)
        if price is None:
            return
        if price == order.price:
            self._queues[price][order.order_id] = order
        else:
            self.add(order)

    def remove(self, order_id: str) -> None:
        """Remove an order, and its level if it was the last one there."""
        price = self._where.pop(order_id, None)
        if price is None:
            return
        queue = self._queues[price]
        del queue[order_id]
        if not queue:
            self._drop(price)

    def cut(self) -> None:
        """Remove the levels deeper than `depth`."""
        if self.depth is None:
            return
        while len(self._prices) > self.depth:
            worst = self._prices[-1 if self.side is Side.SELL else 0]
            for order_id in self._queues[worst]:
                del self._where[order_id]
            self._drop(worst)

    def clear(self) -> None:
        """Remove every order."""
        self._prices.clear()
        self._queues.clear()
        self._where.clear()

    def _drop(self, price: Decimal) -> None:
        del self._queues[price]
        del self._prices[bisect_left(self._prices, price)]


class Level3Book:
    """Two sides of queues and the evidence that they are right; see Book."""

    __slots__ = ("asks", "bids", "evidence", "symbol", "venue")

    def __init__(self, venue: str, symbol: Symbol, depth: int | None = None) -> None:
        self.venue = venue
        self.symbol = symbol
        self.bids = OrderLadder(Side.BUY, depth)
        self.asks = OrderLadder(Side.SELL, depth)
        self.evidence = Evidence()

    def proof(self) -> BookProof:
        """Whether and why this book can be trusted now."""
        return self.evidence.proof(self.venue, self.symbol, self.bids.depth)

    @property
    def is_crossed(self) -> bool:
        """Whether the best bid is not below the best ask, which is impossible in a resting book."""
        bid, ask = self.bids.best, self.asks.best
        return bid is not None and ask is not None and bid >= ask

    def replace(self, snapshot: Level3Snapshot) -> None:
        """Replace all orders by the snapshot's, cut to its depth."""
        for ladder, orders in ((self.bids, snapshot.bids), (self.asks, snapshot.asks)):
            ladder.depth = snapshot.depth
            ladder.clear()
            for order in orders:
                ladder.add(order)
            ladder.cut()

    def apply(self, update: Level3Update) -> None:
        """Apply changes in the order given, then cut the book to its depth."""
        for ladder, changes in ((self.bids, update.bids), (self.asks, update.asks)):
            for change in changes:
                _apply(ladder, change)
            ladder.cut()

    def clear(self) -> None:
        """Remove all orders; for a book that is withdrawn."""
        self.bids.clear()
        self.asks.clear()


def _apply(ladder: OrderLadder, change: OrderChange) -> None:
    if change.action is OrderAction.ADD:
        ladder.add(change.order)
    elif change.action is OrderAction.MODIFY:
        ladder.modify(change.order)
    else:
        ladder.remove(change.order.order_id)
