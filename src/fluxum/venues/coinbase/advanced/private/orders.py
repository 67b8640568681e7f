"""The orders of one link: what was wanted of each, and the fills that are still to be listed.

The stream sends what is filled in total, and no fills. When that grows, the trades of the order are
listed until they sum up to it. Their list may lag, and may have trades that are known: each is
given once. What was traded before the link began is marked as backfilled.
"""

from decimal import Decimal

from msgspec import Raw, Struct, field, structs
from msgspec.json import decode

from fluxum.model.account import Fill
from fluxum.model.order import Command, OrderRequest, OrderType, OrderUpdate, Place, PlaceBatch
from fluxum.venues.coinbase.advanced.private import native, normalize
from fluxum.venues.coinbase.advanced.private.queries import fills_call
from fluxum.venues.conversation import Fetch
from fluxum.venues.rows import Rows, read_rows

__all__ = ["StreamedOrders"]

_ZERO = Decimal(0)
_ORDERS_KEPT = _ENDED_KEPT = 10_000
_REQUESTS_KEPT = 1000
_AT_ONCE = 20
_LOOKS_MAX = 10


class _Order(Struct):
    """An order: the number of the frame that had it last, how much it is for, and what is filled.

    `listed` are the trades of it that were listed, `looks` how often too few of them were.
    """

    name: str
    number: int
    quantity: Decimal
    filled: Decimal
    is_over: bool = False
    listed: dict[str, Decimal] = field(default_factory=dict)
    looks: int = 0

    @property
    def is_listed(self) -> bool:
        """Whether all of its trades are known."""
        return sum(self.listed.values(), _ZERO) >= self.filled


class StreamedOrders:
    """Orders that are open, or of which fills are to be listed; at most one call at a time."""

    def __init__(self) -> None:
        self.begun_ns: int | None = None
        """When the first frame with orders was sent, by the venue's clock."""
        self.is_waiting = False
        """Whether the last list lacked something, so that the next one waits for a heartbeat."""
        self._orders: dict[str, _Order] = {}
        self._ids: dict[str, str] = {}  # of open orders, by client order id
        self._ended: dict[str, None] = {}
        self._requests: dict[str, OrderRequest] = {}  # that are sent, by client order id
        self._wanted: dict[str, None] = {}
        self._asked: tuple[str, ...] = ()

    def note(self, command: Command) -> None:
        """A command is sent: of some orders the stream says neither how much nor which way."""
        placed = [command.request] if isinstance(command, Place) else []
        for request in command.requests if isinstance(command, PlaceBatch) else placed:
            if request.order_type is not OrderType.LIMIT:
                self._requests[request.client_order_id] = request
                if len(self._requests) > _REQUESTS_KEPT:
                    del self._requests[next(iter(self._requests))]

    def order_id_of(self, name: str) -> str | None:
        """The venue's id of an open order by its client order id."""
        return self._ids.get(name)

    def take(
        self,
        wire: native.UserOrder,
        number: int,
        venue_ns: int | None,
        received_ns: int,
        *,
        is_snapshot: bool,
    ) -> OrderUpdate | None:
        """Note a row of a frame; return the order, `None` for an outdated row."""
        name, order_id = wire.client_order_id, wire.order_id
        known, request = self._orders.get(order_id), self._requests.get(name)
        if order_id in self._ended or (known is not None and number < known.number):
            return None
        size = None if request is None else request.quantity
        size = size if known is None else known.quantity
        update = normalize.streamed_order(wire, size, venue_ns, received_ns)
        if request is not None and request.order_type.is_triggered:
            update = structs.replace(update, order_type=request.order_type)
        before = known.filled if known is not None else update.filled if is_snapshot else _ZERO
        order = known or _Order(name, number, update.quantity, update.filled)
        order.number, order.quantity, order.filled = number, update.quantity, update.filled
        order.is_over = update.status.is_final
        self._orders[order_id] = order
        if len(self._orders) > _ORDERS_KEPT:
            self._forget(next(iter(self._orders)))
        if name:
            self._ids[name] = order_id
        if order.filled > before:
            order.looks = 0
            self._wanted[order_id] = None
        self._let_go(order_id)
        return update

    # Fills

    def call(self) -> Fetch | None:
        """The next list of trades, `None` while there is nothing to list or a call is under way."""
        if self._asked or self.is_waiting or not self._wanted:
            return None
        self._asked = tuple(self._wanted)[:_AT_ONCE]
        return fills_call(self._asked)

    def answered(self, body: bytes, received_ns: int) -> tuple[Rows[Fill], Fetch | None]:
        """The trades of an answer that are new, and the call for its next page, if there is one."""
        answer = decode(body, type=native.Fills)
        rows = read_rows(answer.fills, lambda row: self._fill(row, received_ns))
        if answer.cursor and rows.items:
            return rows, fills_call(self._asked, answer.cursor)
        self.failed()
        return rows, None

    def failed(self) -> None:
        """The call is over: orders that still lack trades are listed again, if that may help."""
        asked, self._asked = self._asked, ()
        for order_id in [one for one in asked if one in self._wanted]:
            order = self._orders[order_id]
            order.looks += 1
            if order.is_listed or order.looks >= _LOOKS_MAX:  # an audit finds what is missing
                self._wanted.pop(order_id, None)
                self._let_go(order_id)
        self.is_waiting = any(order_id in self._wanted for order_id in asked)

    # Pieces

    def _fill(self, row: Raw, received_ns: int) -> Fill | None:
        fill = normalize.fill(row, received_ns)
        order = self._orders.get(fill.order_id)
        if order is None or fill.fill_id in order.listed:
            return None
        order.listed[fill.fill_id] = fill.quantity
        return structs.replace(fill, backfilled=fill.venue_ns < (self.begun_ns or 0))

    def _let_go(self, order_id: str) -> None:
        """Forget an order that is over, unless fills of it are to be listed."""
        if not self._orders[order_id].is_over or order_id in self._wanted:
            return
        self._forget(order_id)
        self._ended[order_id] = None
        if len(self._ended) > _ENDED_KEPT:
            del self._ended[next(iter(self._ended))]

    def _forget(self, order_id: str) -> None:
        order = self._orders.pop(order_id)
        self._wanted.pop(order_id, None)
        self._ids.pop(order.name, None)
        self._requests.pop(order.name, None)
