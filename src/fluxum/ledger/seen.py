"""Which fills were counted already."""

from collections import deque
from enum import Enum

from fluxum.errors import BadInput
from fluxum.model.account import Fill
from fluxum.model.market import Side

__all__ = ["SeenFills", "Sighting"]

_BUY = Side.BUY


class Sighting(Enum):
    """What is known of a fill: nothing yet, the same, or its id with other numbers."""

    NEW = "new"
    REPEATED = "repeated"
    CONTRADICTED = "contradicted"


_NEW = Sighting.NEW


class SeenFills:
    """The ids of the last `capacity` fills, with a digest of what each said.

    An older one that is told again counts as new: `capacity` has to outlast whatever is asked of
    an account's history a second time.
    """

    __slots__ = ("_capacity", "_order", "_seen", "forgotten")

    def __init__(self, capacity: int = 100_000) -> None:
        if capacity < 1:
            raise BadInput(f"a capacity above zero was expected, was {capacity}")
        self._capacity = capacity
        self._seen: dict[tuple[str, str, str], int] = {}
        self._order: deque[tuple[str, str, str]] = deque()  # a dictionary finds its first slowly
        self.forgotten = 0
        """How many ids were let go."""

    def __len__(self) -> int:
        """How many ids are known."""
        return len(self._seen)

    def look(self, fill: Fill) -> Sighting:
        """What is known of a fill; one that is new is remembered from now on."""
        # The market is part of the key: some venues count the fills of each by themselves.
        key = (fill.venue, fill.symbol, fill.fill_id)
        digest = hash((fill.price, fill.quantity, fill.side is _BUY))
        known = self._seen.get(key)
        if known is not None:
            return Sighting.REPEATED if known == digest else Sighting.CONTRADICTED
        if len(self._seen) == self._capacity:
            del self._seen[self._order.popleft()]
            self.forgotten += 1
        self._seen[key] = digest
        self._order.append(key)
        return _NEW
