"""What is kept of each order of a back-test: when, at which prices, and its fills by world."""

from msgspec import Struct

from fluxum.back.lane import Lane
from fluxum.fill.queue import QueuePlace
from fluxum.model.order import OrderRequest, OrderStatus

__all__ = ["RunFill", "RunOrder"]

_WORLDS = 3
_PENDING = OrderStatus.PENDING  # to look up a member costs a call


class RunFill(Struct, frozen=True, gc=False):
    """A fill in one world, in units.

    `charge` is the number of what it was charged in (`money.Accounts.charges`), and `marks` that
    of its instant (`watching.Marks`).
    """

    world: int
    at_ns: int
    key: int
    units: int
    charge: int
    marks: int
    is_maker: bool


_FIELDS = len(RunFill.__struct_fields__)


class RunOrder:
    """An order from its decision on; quantities are in units of its market."""

    __slots__ = (
        "_fills",
        "arrival_mid",
        "arrived_ns",
        "decided_ns",
        "decision_mid",
        "filled",
        "key",
        "lane",
        "name",
        "number",
        "place",
        "quantity",
        "request",
        "side",
        "status",
        "was_alone",
        "was_in_gap",
    )

    def __init__(
        self, number: int, lane: Lane, request: OrderRequest, side: int, decided_ns: int
    ) -> None:
        self.number = number
        self.lane = lane
        self.request = request
        self.name = request.client_order_id
        self.side = side
        self.quantity = 0
        self.key: int | None = None
        self.place: QueuePlace | None = None
        self.status = _PENDING
        self.filled = [0] * _WORLDS
        """How much is filled in each world."""
        self._fills: list[int] = []  # the numbers of each, one after the other
        self.decided_ns = decided_ns
        self.decision_mid = lane.twice_mid
        self.arrived_ns: int | None = None
        self.arrival_mid: int | None = None
        self.was_alone = False
        self.was_in_gap = False

    def fill(
        self,
        world: int,
        at_ns: int,
        key: int,
        units: int,
        charge: int,
        marks: int,
        *,
        is_maker: bool,
    ) -> None:
        """Take in a fill; see `RunFill`."""
        self._fills += (world, at_ns, key, units, charge, marks, is_maker)
        self.filled[world] += units

    @property
    def fills(self) -> list[RunFill]:
        """The fills in all worlds, in the order in which they happened."""
        numbers = iter(self._fills)
        return [
            RunFill(world, at_ns, key, units, charge, marks, bool(is_maker))
            for world, at_ns, key, units, charge, marks, is_maker in zip(
                *[numbers] * _FIELDS, strict=True
            )
        ]
