"""A matching engine for one market: best price first, then first come, first served.

Orders trade at the resting order's price. What is left of a limit order rests at the back of its
level; what is left of a market order is gone. A partly filled order keeps its place. The engine
knows neither venue nor time: ids and instants are handed in.
"""

from decimal import Decimal

from msgspec import Struct

from fluxum.book.ladder import Ladder
from fluxum.book.level3 import Level3Book, OrderLadder
from fluxum.errors import BadInput
from fluxum.model.instrument import Instrument
from fluxum.model.market import Level, RestingOrder, Side

__all__ = ["Execution", "MatchingEngine", "Outcome"]

_ZERO = Decimal(0)


class Execution(Struct, frozen=True, gc=False):
    """A trade of a resting order, the maker, with one that came; `side` is the taker's."""

    side: Side
    price: Decimal
    quantity: Decimal
    maker_id: str
    taker_id: str


class Outcome(Struct, frozen=True, gc=False):
    """What became of an order: its trades in order, and what of it rests or is left over."""

    executions: tuple[Execution, ...]
    resting: RestingOrder | None
    left: Decimal


class MatchingEngine:
    """The resting orders of one market and the rules by which they trade."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.book = Level3Book(instrument.venue, instrument.symbol)
        # The same book summed up by level, kept beside it because it is read far more often.
        self.bids = Ladder(Side.BUY)
        """The bids, summed up by level."""
        self.asks = Ladder(Side.SELL)
        """The asks, summed up by level."""
        self.bid_count = 0
        """How many levels the bids have."""
        self.ask_count = 0
        """How many levels the asks have."""
        self._sides: dict[str, Side] = {}

    def levels(self, side: Side, count: int) -> list[Level]:
        """The best levels of one side, best first; an unchanged level is the same object."""
        return self._levels(side).top(count)

    def level(self, side: Side, price: Decimal) -> Level | None:
        """What rests at one price."""
        return self._levels(side).at(price)

    def level_count(self, side: Side) -> int:
        """How many levels one side has."""
        return self.bid_count if side is Side.BUY else self.ask_count

    def order(self, order_id: str) -> RestingOrder | None:
        """A resting order by its id."""
        side = self._sides.get(order_id)
        return None if side is None else self._orders(side).order(order_id)

    def side(self, order_id: str) -> Side | None:
        """The side an order rests on."""
        return self._sides.get(order_id)

    def limit(
        self, order_id: str, side: Side, price: Decimal, quantity: Decimal, now_ns: int
    ) -> Outcome:
        """Trade as far as the price allows, and rest with what is left.

        Raises BadInput for a price or quantity off the grid and for an id that rests already.
        """
        self._check_price(price)
        self._check(order_id, quantity)
        executions, left = self._match(order_id, side, quantity, price)
        if not left:
            return Outcome(executions, None, left)
        resting = RestingOrder(order_id, price, left, now_ns)
        self._orders(side).add(resting)
        self._sides[order_id] = side
        self._shift(side, price, left, 1)
        return Outcome(executions, resting, left)

    def market(self, order_id: str, side: Side, quantity: Decimal) -> Outcome:
        """Trade at any price; what finds no counterpart is left over and does not rest.

        Raises BadInput for a quantity off the grid and for an id that rests already.
        """
        self._check(order_id, quantity)
        executions, left = self._match(order_id, side, quantity, None)
        return Outcome(executions, None, left)

    def cancel(self, order_id: str) -> RestingOrder | None:
        """Take a resting order out and return it; none when there is no such order."""
        order = self.order(order_id)
        if order is None:
            return None
        side = self._sides.pop(order_id)
        self._orders(side).remove(order_id)
        self._shift(side, order.price, -order.quantity, -1)
        return order

    def _match(
        self, taker_id: str, side: Side, quantity: Decimal, limit: Decimal | None
    ) -> tuple[tuple[Execution, ...], Decimal]:
        against = self._orders(side.opposite)
        executions: list[Execution] = []
        while quantity and _crosses(side, limit, against.best):
            maker = _first(against)
            traded = min(quantity, maker.quantity)
            quantity -= traded
            executions.append(Execution(side, maker.price, traded, maker.order_id, taker_id))
            self._fill(side.opposite, maker, traded)
        return tuple(executions), quantity

    def _fill(self, side: Side, maker: RestingOrder, traded: Decimal) -> None:
        left = maker.quantity - traded
        if left:
            rest = RestingOrder(maker.order_id, maker.price, left, maker.venue_ns, maker.text)
            self._orders(side).modify(rest)
        else:
            self._orders(side).remove(maker.order_id)
            del self._sides[maker.order_id]
        self._shift(side, maker.price, -traded, 0 if left else -1)

    def _shift(self, side: Side, price: Decimal, quantity: Decimal, orders: int) -> None:
        """Carry a change of a level's total over to the summed book."""
        ladder = self._levels(side)
        before = ladder.at(price)
        total, count = (_ZERO, 0) if before is None else (before.quantity, before.orders or 0)
        ladder.put(Level(price, total + quantity, count + orders))
        if not count or not count + orders:
            self.bid_count = len(self.bids)
            self.ask_count = len(self.asks)

    def _orders(self, side: Side) -> OrderLadder:
        return self.book.bids if side is Side.BUY else self.book.asks

    def _levels(self, side: Side) -> Ladder:
        return self.bids if side is Side.BUY else self.asks

    def _check_price(self, price: Decimal) -> None:
        if not price.is_finite() or price <= 0 or price % self.instrument.tick:
            raise BadInput(
                f"a price on the grid of {self.instrument.tick} was expected, was {price}"
            )

    def _check(self, order_id: str, quantity: Decimal) -> None:
        if order_id in self._sides:
            raise BadInput(f"a new order id was expected, was {order_id!r}")
        lot = self.instrument.lot
        if not quantity.is_finite() or quantity <= 0 or quantity % lot:
            raise BadInput(f"a quantity on the grid of {lot} was expected, was {quantity}")


def _first(ladder: OrderLadder) -> RestingOrder:
    """The order that trades next: the oldest of the best level."""
    return next(ladder.queues(1))[0]


def _crosses(side: Side, limit: Decimal | None, best: Decimal | None) -> bool:
    """Whether an order of this side and limit (none: any price) trades with the best opposite."""
    if best is None or limit is None:
        return best is not None
    return limit >= best if side is Side.BUY else limit <= best
