"""A matching engine for one market: price first, then time.

Orders trade at the resting order's price. The rest of a limit order goes to the back of its level;
the rest of a market order is gone. A partly filled order keeps its place; an iceberg order goes to
the back each time it shows more. The engine has no venue and no clock: ids and instants are
arguments.
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
    """A trade of a resting order, the maker, with an incoming one; `side` is the taker's."""

    side: Side
    price: Decimal
    quantity: Decimal
    maker_id: str
    taker_id: str
    is_refilled: bool = False
    """Whether the maker then showed another part of its hidden quantity."""


class _Iceberg(Struct, gc=False):
    """How much an iceberg order shows at a time, and how much it still hides."""

    shown: Decimal
    hidden: Decimal


class Outcome(Struct, frozen=True, gc=False):
    """The result of an order: its trades in order, and what rests or is left over."""

    executions: tuple[Execution, ...]
    resting: RestingOrder | None
    left: Decimal


class MatchingEngine:
    """The resting orders of one market and the rules by which they trade."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.book = Level3Book(instrument.venue, instrument.symbol)
        # The same book summed up by level, kept because it is read far more often.
        self.bids = Ladder(Side.BUY)
        """The bids, summed up by level."""
        self.asks = Ladder(Side.SELL)
        """The asks, summed up by level."""
        self.bid_count = 0
        """How many levels the bids have."""
        self.ask_count = 0
        """How many levels the asks have."""
        self._sides: dict[str, Side] = {}
        self._icebergs: dict[str, _Iceberg] = {}

    def levels(self, side: Side, count: int) -> list[Level]:
        """The best levels of one side, best first; an unchanged level is the same object."""
        return self._levels(side).top(count)

    def level(self, side: Side, price: Decimal) -> Level | None:
        """The total quantity at one price."""
        return self._levels(side).at(price)

    def level_count(self, side: Side) -> int:
        """How many levels one side has."""
        return self.bid_count if side is Side.BUY else self.ask_count

    def order(self, order_id: str) -> RestingOrder | None:
        """A resting order by its id."""
        side = self._sides.get(order_id)
        return None if side is None else self._orders(side).order(order_id)

    def side(self, order_id: str) -> Side | None:
        """The side of a resting order."""
        return self._sides.get(order_id)

    def limit(
        self, order_id: str, side: Side, price: Decimal, quantity: Decimal, now_ns: int
    ) -> Outcome:
        """Trade as far as the price allows; the rest goes to the book.

        Raises BadInput for a price or quantity off the grid and for an id that rests already.
        """
        self._check_price(price)
        self._check(order_id, quantity)
        executions, left = self._match(order_id, side, quantity, price)
        if not left:
            return Outcome(executions, None, left)
        resting = self._put(side, RestingOrder(order_id, price, left, now_ns))
        return Outcome(executions, resting, left)

    def market(self, order_id: str, side: Side, quantity: Decimal) -> Outcome:
        """Trade at any price; what finds no counterpart is left over and does not rest.

        Raises BadInput for a quantity off the grid and for an id that rests already.
        """
        self._check(order_id, quantity)
        executions, left = self._match(order_id, side, quantity, None)
        return Outcome(executions, None, left)

    def first(self, side: Side) -> RestingOrder | None:
        """The order of one side that trades next."""
        orders = self._orders(side)
        return None if orders.best is None else _first(orders)

    def take(
        self, order_id: str, side: Side, quantity: Decimal, limit: Decimal | None
    ) -> tuple[Execution, ...]:
        """Trade as far as the price allows (`None`: at any price); the rest is left to the caller.

        Raises BadInput for a quantity off the grid and for an id that rests already.
        """
        self._check(order_id, quantity)
        return self._match(order_id, side, quantity, limit)[0]

    def rest(
        self,
        order_id: str,
        side: Side,
        price: Decimal,
        quantity: Decimal,
        now_ns: int,
        shown: Decimal | None = None,
    ) -> RestingOrder:
        """Add an order that trades with nothing at the back of its level.

        It shows no more than `shown` at a time. Raises BadInput as `limit` does, and for an order
        that would trade.
        """
        self._check_price(price)
        self._check(order_id, quantity)
        if _crosses(side, price, self._orders(side.opposite).best):
            raise BadInput(f"a price that trades with nothing was expected, was {price}")
        if shown is not None and shown < quantity:
            self._icebergs[order_id] = _Iceberg(shown, quantity - shown)
            quantity = shown
        return self._put(side, RestingOrder(order_id, price, quantity, now_ns))

    def hidden(self, order_id: str) -> Decimal:
        """The hidden quantity of an order."""
        iceberg = self._icebergs.get(order_id)
        return _ZERO if iceberg is None else iceberg.hidden

    def reduce(self, order_id: str, quantity: Decimal) -> RestingOrder:
        """Reduce a resting order by a quantity, the hidden part first; it keeps its place.

        Raises BadInput unless something is left of it.
        """
        order = self.order(order_id)
        if order is None or not 0 < quantity < order.quantity + self.hidden(order_id):
            raise BadInput(f"a part of a resting order was expected, was {quantity} of {order}")
        iceberg = self._icebergs.get(order_id)
        if iceberg is not None:
            unseen = min(quantity, iceberg.hidden)
            iceberg.hidden -= unseen
            quantity -= unseen
            if not iceberg.hidden:
                del self._icebergs[order_id]
        if not quantity:
            return order
        side = self._sides[order_id]
        left = order.quantity - quantity
        rest = RestingOrder(order_id, order.price, left, order.venue_ns, order.text)
        self._orders(side).modify(rest)
        self._shift(side, order.price, -quantity, 0)
        return rest

    def cancel(self, order_id: str) -> RestingOrder | None:
        """Remove a resting order and return it; `None` if there is no such order."""
        order = self.order(order_id)
        if order is None:
            return None
        side = self._sides.pop(order_id)
        self._icebergs.pop(order_id, None)
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
            is_refilled = self._fill(side.opposite, maker, traded)
            executions.append(
                Execution(side, maker.price, traded, maker.order_id, taker_id, is_refilled)
            )
        return tuple(executions), quantity

    def _put(self, side: Side, order: RestingOrder) -> RestingOrder:
        self._orders(side).add(order)
        self._sides[order.order_id] = side
        self._shift(side, order.price, order.quantity, 1)
        return order

    def _fill(self, side: Side, maker: RestingOrder, traded: Decimal) -> bool:
        """Reduce the maker of a trade; returns whether it then shows another part."""
        left = maker.quantity - traded
        if left:
            rest = RestingOrder(maker.order_id, maker.price, left, maker.venue_ns, maker.text)
            self._orders(side).modify(rest)
        else:
            self._orders(side).remove(maker.order_id)
            del self._sides[maker.order_id]
        self._shift(side, maker.price, -traded, 0 if left else -1)
        iceberg = None if left else self._icebergs.get(maker.order_id)
        if iceberg is None:
            return False
        slice_ = min(iceberg.shown, iceberg.hidden)
        iceberg.hidden -= slice_
        if not iceberg.hidden:
            del self._icebergs[maker.order_id]
        self._put(side, RestingOrder(maker.order_id, maker.price, slice_, maker.venue_ns))
        return True

    def _shift(self, side: Side, price: Decimal, quantity: Decimal, orders: int) -> None:
        """Apply a change of a level's total to the summed book."""
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
    """Whether an order of this side and limit (`None`: any price) would trade at the best price."""
    if best is None or limit is None:
        return best is not None
    return limit >= best if side is Side.BUY else limit <= best
