"""What is known of a paper order beside its state: its fills in each of the three histories."""

from decimal import Decimal

from msgspec import Struct

from fluxum.fill.order import LiveOrder
from fluxum.fill.queue import WORLDS, QueuePlace, World
from fluxum.model.market import Side

__all__ = ["FillBounds", "OrderRecord", "PaperOrder", "WorldFill"]

_ZERO = Decimal(0)


class FillBounds(Struct, frozen=True):
    """How much of an order was filled: at worst, as expected, and at best."""

    pessimistic: Decimal
    expected: Decimal
    optimistic: Decimal

    @property
    def is_exact(self) -> bool:
        """Whether the three are the same."""
        return self.pessimistic == self.optimistic


class WorldFill(Struct, frozen=True):
    """A fill of an order in one history; the account follows one of them."""

    world: World
    at_ns: int
    price: Decimal
    quantity: Decimal
    is_maker: bool


class OrderRecord(Struct, frozen=True, kw_only=True):
    """The fills of one order in all histories, as long as it was at the venue.

    `was_alone`: it was alone with the best price, so more may have been filled than `bounds` says.
    `was_in_gap`: market data was lost while it rested.
    """

    order_id: str
    client_order_id: str
    arrived_ns: int
    arrival_mid: Decimal | None
    bounds: FillBounds
    fills: tuple[WorldFill, ...]
    was_alone: bool
    was_in_gap: bool


class PaperOrder:
    """An order at the paper venue: what the account knows, and its place in the queue."""

    def __init__(self, live: LiveOrder, number: int, now_ns: int, mid: Decimal | None) -> None:
        self.live = live
        self.number = number
        self.place: QueuePlace | None = None
        self.was_alone = False
        self.was_in_gap = False
        self.fills: list[WorldFill] = []
        self._arrived_ns = now_ns
        self._mid = mid

    @property
    def side(self) -> Side:
        """The side of the order."""
        return self.live.side

    def note(self, index: int, at_ns: int, price: Decimal, quantity: Decimal) -> None:
        """Note a fill of a resting order in one history."""
        self.fills.append(WorldFill(WORLDS[index], at_ns, price, quantity, is_maker=True))

    def note_taking(self, at_ns: int, price: Decimal, quantity: Decimal) -> None:
        """Note that the order took, in every history."""
        for world in WORLDS:
            self.fills.append(WorldFill(world, at_ns, price, quantity, is_maker=False))

    def record(self) -> OrderRecord:
        """The fills until now."""
        sums = dict.fromkeys(WORLDS, _ZERO)
        for fill in self.fills:
            sums[fill.world] += fill.quantity
        return OrderRecord(
            order_id=self.live.order_id,
            client_order_id=self.live.request.client_order_id,
            arrived_ns=self._arrived_ns,
            arrival_mid=self._mid,
            bounds=FillBounds(*sums.values()),
            fills=tuple(self.fills),
            was_alone=self.was_alone or (self.place is not None and self.place.was_alone),
            was_in_gap=self.was_in_gap,
        )
