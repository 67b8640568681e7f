"""Totals of the orders of one market: ordered, filled, remaining, ended."""

from collections import OrderedDict
from collections.abc import Iterable
from decimal import Decimal, localcontext

from msgspec import Struct

from fluxum.errors import BadInput
from fluxum.ledger.arithmetic import EXACT, checked
from fluxum.model.order import OrderStatus, OrderUpdate

__all__ = ["OrderTally", "OrderTotals"]

_ZERO = Decimal(0)


class OrderTotals(Struct, frozen=True, kw_only=True):
    """Sums over the orders of one market, buys and sells alike, in the base asset.

    `original` is the ordered quantity, `executed` the filled one, `remaining` the one still open,
    `ended` the one that will not be filled any more: the last three add up to the first. Orders
    that the venue refused are not among them.
    """

    orders: int = 0
    open: int = 0
    original: Decimal = _ZERO
    executed: Decimal = _ZERO
    remaining: Decimal = _ZERO
    ended: Decimal = _ZERO


class _Row(Struct, frozen=True, gc=False):
    """The counted figures of one order. One that is `final` cannot become open again."""

    original: Decimal
    executed: Decimal
    orders: int
    final: bool

    @property
    def remaining(self) -> Decimal:
        return self.original - self.executed


class OrderTally:
    """The orders of one market by their updates, and the sums over them.

    An order never has less filled than before, and one that ended stays ended: an update that
    contradicts this is late, is counted in `stale`, and changes nothing. Of orders that ended, the
    last `ended_max` are remembered one by one, so that a late fill finds its own; of older ones
    only the sums are left. If there are more than `open_max` open orders, the oldest is counted as
    ended.
    """

    __slots__ = (
        "_ended",
        "_ended_max",
        "_executed",
        "_open",
        "_open_max",
        "_orders",
        "_original",
        "_remaining",
        "stale",
    )

    def __init__(self, ended_max: int = 1_000, open_max: int = 10_000) -> None:
        if min(ended_max, open_max) < 1:
            raise BadInput(f"orders above zero were expected, were {ended_max} and {open_max}")
        self._ended_max = ended_max
        self._open_max = open_max
        self._open: OrderedDict[str, _Row] = OrderedDict()
        self._ended: OrderedDict[str, _Row] = OrderedDict()
        self._orders = 0
        self._original = self._executed = self._remaining = _ZERO
        self.stale = 0

    @property
    def is_empty(self) -> bool:
        """Whether there never was an order."""
        return not self._orders

    def totals(self) -> OrderTotals:
        """The sums now."""
        with localcontext(EXACT):
            return OrderTotals(
                orders=self._orders,
                open=len(self._open),
                original=self._original,
                executed=self._executed,
                remaining=self._remaining,
                ended=self._original - self._executed - self._remaining,
            )

    def update(self, order: OrderUpdate) -> bool:
        """Count an update of an order; returns whether the sums changed."""
        with localcontext(EXACT):
            row = _row(order)
            key = order.order_id or order.client_order_id
            # Before the venue has named it, an order is known by our client order id alone.
            name = next(filter(self._knows, (order.order_id, order.client_order_id)), "")
            known, was_open = self._open.get(name) or self._ended.get(name), name in self._open
            if known is not None:
                if row.executed < known.executed or (known.final and not row.final):
                    self.stale += 1
                    return False
                self._forget(name)
            self._keep(key, row, is_open=not row.final)
            return known != row or was_open is row.final

    def keep_only(self, orders: Iterable[OrderUpdate]) -> bool:
        """Count all open orders; orders that are not among them are not open any more.

        The remaining quantity of such an order counts as ended until its own update corrects that.
        """
        changed = False
        still: set[str] = set()
        for order in orders:
            changed = self.update(order) or changed
            still.add(order.order_id or order.client_order_id)
        with localcontext(EXACT):
            for key in [key for key in self._open if key not in still]:
                row = self._open[key]
                self._forget(key)
                self._keep(key, row, is_open=False)
                changed = True
        return changed

    def _knows(self, name: str) -> bool:
        return name in self._open or name in self._ended

    def _keep(self, key: str, row: _Row, *, is_open: bool) -> None:
        self._orders += row.orders
        self._original += row.original
        self._executed += row.executed
        if is_open:
            self._open[key] = row
            self._remaining += row.remaining
            if len(self._open) > self._open_max:
                oldest, left = self._open.popitem(last=False)
                self._remaining -= left.remaining
                self._ended[oldest] = left
        else:
            self._ended[key] = row
        if len(self._ended) > self._ended_max:
            self._ended.popitem(last=False)

    def _forget(self, key: str) -> None:
        row = self._open.pop(key, None)
        if row is not None:
            self._remaining -= row.remaining
        else:
            row = self._ended.pop(key)
        self._orders -= row.orders
        self._original -= row.original
        self._executed -= row.executed


def _row(order: OrderUpdate) -> _Row:
    quantity = checked(order.quantity, "the quantity of an order")
    filled = checked(order.filled, "what is filled of an order")
    if not (order.order_id or order.client_order_id):
        raise BadInput(f"an order with an id was expected, was {order!r:.200}")
    if quantity < 0 or filled < 0:
        raise BadInput(f"an order of zero or more was expected, was {filled} of {quantity}")
    if order.status is OrderStatus.REFUSED:
        return _Row(_ZERO, _ZERO, 0, final=True)
    # An order by an amount to spend has no quantity before it is filled.
    return _Row(max(quantity, filled), filled, 1, final=order.status.is_final)
