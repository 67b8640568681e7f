"""What is kept of each order of a back-test: when, at which prices, and its fills by world."""

from fluxum.back.lane import Lane
from fluxum.back.money import Charge
from fluxum.fill.queue import QueuePlace
from fluxum.model.order import OrderRequest, OrderStatus

__all__ = ["RunFill", "RunOrder"]

_WORLDS = 3


class RunFill:
    """A fill in one world, in units; `marks` is the number of its instant (`watching.Marks`)."""

    __slots__ = ("at_ns", "charge", "is_maker", "key", "marks", "units", "world")

    def __init__(
        self,
        world: int,
        at_ns: int,
        key: int,
        units: int,
        charge: Charge,
        marks: int,
        *,
        is_maker: bool,
    ) -> None:
        self.world = world
        self.at_ns = at_ns
        self.key = key
        self.units = units
        self.is_maker = is_maker
        self.charge = charge
        self.marks = marks


class RunOrder:
    """An order from its decision on; quantities are in units of its market."""

    __slots__ = (
        "arrival_mid",
        "arrived_ns",
        "decided_ns",
        "decision_mid",
        "filled",
        "fills",
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
        self.status = OrderStatus.PENDING
        self.filled = [0] * _WORLDS
        """How much is filled in each world."""
        self.fills: list[RunFill] = []
        self.decided_ns = decided_ns
        self.decision_mid = lane.twice_mid
        self.arrived_ns: int | None = None
        self.arrival_mid: int | None = None
        self.was_alone = False
        self.was_in_gap = False
