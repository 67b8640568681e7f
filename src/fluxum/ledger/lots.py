"""Open quantity and its cost, by one method of choosing which part is closed first.

Each fill that opens adds a lot; each that closes takes from the lots: the oldest first (FIFO), the
newest first (LIFO), or a share of all of them (AVERAGE, which is one lot that all others are merged
into). Quantities and costs of a short are negative, so that one formula serves both sides:

    realised   += price x quantity taken - cost taken
    unrealised  = mark x quantity open   - cost open

A lot's cost is an exact amount. If lots are merged, their price is a quotient and may be rounded.
It shares the cost out while parts of the lot are taken, and the last part takes the rest. So
nothing drifts: what was paid is, to the last digit, in what was realised and what is open, and when
nothing is open the cost is zero.

Fees are no part of any cost; positions report them separately.
"""

from collections import deque
from collections.abc import Iterator
from decimal import Decimal

from msgspec import Struct

from fluxum.errors import BadInput
from fluxum.ledger.arithmetic import quotient
from fluxum.model.enumeration import Enumeration

__all__ = ["CostBasis", "Lot", "Method"]

_ZERO = Decimal(0)


class Method(Enumeration):
    """Which part of a position is closed first: a share of all, the oldest, the newest."""

    AVERAGE = "average"
    FIFO = "fifo"
    LIFO = "lifo"


class Lot(Struct, frozen=True, gc=False):
    """A part of a position that was opened at one price; of a short, below zero.

    `cost` and `price` are `None` if they are unknown. For lots that were merged into one, `fills`
    counts them, and `opened_ns` and `fill_id` are those of the oldest.
    """

    quantity: Decimal
    cost: Decimal | None
    price: Decimal | None
    opened_ns: int
    fill_id: str
    fills: int = 1


class CostBasis:
    """The open lots of one position by one method. Calls are made within the exact context.

    At most `lots_max` lots are kept: beyond, the two oldest are merged at their common price, and
    `melted` counts that. Neighbours of one price are merged uncounted, as nothing is lost.
    """

    __slots__ = (
        "_is_counted",
        "_lots",
        "_lots_max",
        "_put_back",
        "_take",
        "cost_known",
        "melted",
        "method",
        "realised",
        "unpriced",
        "unpriced_closed",
    )

    def __init__(self, method: Method, lots_max: int) -> None:
        if lots_max < 1:
            raise BadInput(f"a number of lots above zero was expected, was {lots_max}")
        self.method = method
        self._lots: deque[Lot] = deque()
        is_last_first = method is Method.LIFO
        self._take = self._lots.pop if is_last_first else self._lots.popleft
        self._put_back = self._lots.append if is_last_first else self._lots.appendleft
        self._is_counted = method is not Method.AVERAGE  # AVERAGE always merges
        self._lots_max = lots_max if self._is_counted else 1
        self.cost_known = _ZERO
        """The cost of the open lots whose cost is known."""
        self.realised = _ZERO
        """What closing earned, without fees; parts of unknown cost are not in it."""
        self.unpriced = _ZERO
        """The open quantity whose cost is unknown."""
        self.unpriced_closed = _ZERO
        """The closed quantity whose cost was unknown, without sign."""
        self.melted = 0

    def __len__(self) -> int:
        """How many lots are open."""
        return len(self._lots)

    @property
    def lots(self) -> tuple[Lot, ...]:
        """The open lots, oldest first."""
        return tuple(self._lots)

    @property
    def cost(self) -> Decimal | None:
        """The cost of the open lots; below zero for a short, `None` if a part of it is unknown."""
        return None if self.unpriced else self.cost_known

    def open(self, lot: Lot) -> None:
        """Add a lot, of the sign of the open ones."""
        lots = self._lots
        if lot.cost is None:
            self.unpriced += lot.quantity
        else:
            self.cost_known += lot.cost
        if lots and lots[-1].price == lot.price:
            lots.append(self._melt(lots.pop(), lot))
            return
        lots.append(lot)
        if len(lots) > self._lots_max:
            lots.appendleft(self._melt(lots.popleft(), lots.popleft()))
            self.melted += self._is_counted

    def close(self, quantity: Decimal, price: Decimal) -> None:
        """Close a quantity, of the sign of the open ones and no more than that, at a price."""
        for taken, cost in self._taken(quantity):
            if cost is None:
                self.unpriced_closed += abs(taken)
            else:
                self.realised += price * taken - cost

    def remove(self, quantity: Decimal) -> None:
        """Remove such a quantity with its cost, as coins that leave without being sold."""
        for _ in self._taken(quantity):
            pass

    def begin(self) -> None:
        """Count what closing earns from now on; open lots stay."""
        self.realised = self.unpriced_closed = _ZERO

    def _taken(self, quantity: Decimal) -> Iterator[tuple[Decimal, Decimal | None]]:
        """Remove a quantity, in parts of one lot each: how much, and its cost."""
        while quantity:
            lot = self._take()
            taken, cost = lot.quantity, lot.cost
            if abs(taken) > abs(quantity):
                taken, cost = quantity, None if lot.price is None else lot.price * quantity
                self._put_back(_rest(lot, taken, cost))
            quantity -= taken
            if cost is None:
                self.unpriced -= taken
            else:
                self.cost_known -= cost
            yield taken, cost

    def shrink(self, fill_id: str, quantity: Decimal, price: Decimal) -> bool:
        """Remove a quantity from the lot that a fill at a price opened, as if it was never in it.

        Returns false if there is no such lot any more; then nothing has changed.
        """
        index = self._lot_of(fill_id, quantity, price)
        if index is None:
            return False
        lot = self._lots[index]
        left = lot.quantity - quantity
        cost: Decimal | None = None
        if lot.cost is None:
            self.unpriced -= quantity
        else:
            self.cost_known -= price * quantity
            cost = lot.cost - price * quantity
        same = cost is None or lot.price == price
        each = lot.price if same or cost is None else quotient(cost, left)
        self._lots[index] = Lot(left, cost, each, lot.opened_ns, lot.fill_id, lot.fills)
        return True

    def _lot_of(self, fill_id: str, quantity: Decimal, price: Decimal) -> int | None:
        """The lot that a fill opened, or one of its price, that is larger than a quantity."""
        found: int | None = None
        for index, lot in enumerate(self._lots):
            if abs(lot.quantity) <= abs(quantity) or (lot.quantity > 0) is not (quantity > 0):
                continue
            if lot.cost is not None and abs(lot.cost) <= abs(price * quantity):
                continue
            if lot.fill_id == fill_id or not self._is_counted:
                return index
            if lot.price == price:
                found = index
        return found

    def _melt(self, older: Lot, newer: Lot) -> Lot:
        """One lot of two; its cost is unknown if either's is."""
        quantity = older.quantity + newer.quantity
        cost: Decimal | None = None
        price: Decimal | None = None
        if older.cost is not None and newer.cost is not None:
            cost = older.cost + newer.cost
            price = quotient(cost, quantity)
        else:
            for lot in (older, newer):
                if lot.cost is not None:
                    self.cost_known -= lot.cost
                    self.unpriced += lot.quantity
        fills = older.fills + newer.fills
        return Lot(quantity, cost, price, older.opened_ns, older.fill_id, fills)


def _rest(lot: Lot, quantity: Decimal, cost: Decimal | None) -> Lot:
    """The rest of a lot of which a part is taken."""
    left = None if lot.cost is None or cost is None else lot.cost - cost
    return Lot(lot.quantity - quantity, left, lot.price, lot.opened_ns, lot.fill_id, lot.fills)
