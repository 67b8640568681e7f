"""Which fills were counted already: the one memory of fills, for every package that needs one."""

from collections import deque
from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from fluxum.errors import BadInput
from fluxum.model.account import Fee, Fill, FillIdentity
from fluxum.model.enumeration import Enumeration
from fluxum.model.instrument import Asset
from fluxum.model.market import Side

__all__ = ["SeenFills", "Sighting"]

_Charged = tuple[tuple[Asset, Decimal], ...]


class Sighting(Enumeration):
    """What is known of a fill.

    NEW: nothing yet. REPEATED: the same. COMPLETED: the same but for its fees, which were not
    known until now. CONTRADICTED: its identity with other numbers, another side or other fees.
    """

    NEW = "new"
    REPEATED = "repeated"
    COMPLETED = "completed"
    CONTRADICTED = "contradicted"


class _Known(Struct, gc=False):
    """The content of a fill; `fees` is `None` until they are known."""

    price: Decimal
    quantity: Decimal
    side: Side
    fees: _Charged | None


class SeenFills:
    """The identities of the last `capacity` fills, with the content of each.

    The first content stays, until its fees become known. If a fill is repeated after it was
    forgotten, it counts as new: `capacity` has to exceed what is requested a second time of an
    account's history.
    """

    __slots__ = ("_capacity", "_order", "_seen", "forgotten")

    def __init__(self, capacity: int = 100_000) -> None:
        if capacity < 1:
            raise BadInput(f"a capacity above zero was expected, was {capacity}")
        self._capacity = capacity
        self._seen: dict[FillIdentity, _Known] = {}
        self._order: deque[FillIdentity] = deque()  # a dictionary finds its first slowly
        self.forgotten = 0
        """How many fills were forgotten."""

    def __len__(self) -> int:
        """How many fills are known."""
        return len(self._seen)

    def look(self, fill: Fill) -> Sighting:
        """What is known of a fill; a new one is remembered from now on."""
        identity = fill.identity
        fees = None if fill.fees is None else _charged(fill.fees)
        known = self._seen.get(identity)
        if known is None:
            self._remember(identity, _Known(fill.price, fill.quantity, fill.side, fees))
            return Sighting.NEW
        numbers = (known.price, known.quantity, known.side)
        if numbers != (fill.price, fill.quantity, fill.side):
            return Sighting.CONTRADICTED
        if fees is None or fees == known.fees:
            return Sighting.REPEATED
        if known.fees is not None:
            return Sighting.CONTRADICTED
        known.fees = fees
        return Sighting.COMPLETED

    def _remember(self, identity: FillIdentity, known: _Known) -> None:
        if len(self._seen) == self._capacity:
            del self._seen[self._order.popleft()]
            self.forgotten += 1
        self._seen[identity] = known
        self._order.append(identity)


def _charged(fees: Iterable[Fee]) -> _Charged:
    """Fees by asset, so that neither their order nor fees of zero make a difference."""
    return tuple(sorted((fee.asset, fee.amount) for fee in fees if fee.amount))
