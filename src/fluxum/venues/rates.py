"""Rate limits as data, and how much of one was used; the same for orders, simulators and calls.

Sums are exact. Times are ns of any clock; one that is set back gives nothing away. Pure.
"""

from collections import deque
from decimal import Decimal
from math import ceil

from msgspec import Struct

from fluxum.ledger.arithmetic import EXACT

__all__ = ["Decaying", "Rate", "RateCounter", "Windowed", "units_of"]

_NANOS = Decimal(1_000_000_000)
_UNITS = Decimal(10) ** 18


class Decaying(Struct, frozen=True):
    """A counter that rises by the cost of all that is done, and falls with time; up to `most`."""

    most: Decimal
    per_s: Decimal


class Windowed(Struct, frozen=True):
    """A cost of at most `most` in any `window_s`: 50 in 10 s, 160,000 in a day."""

    most: Decimal
    window_s: Decimal


Rate = Decaying | Windowed


class RateCounter:
    """What was used of one rate. `most` is the rate's, unless the venue publishes another.

    It counts in integers: units of 10 to the power of -18, which are exact for any cost and share
    of a second that a venue names. `units_of` converts a cost for `has_room` and `count`.
    """

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self.most = rate.most
        self._costs: deque[tuple[int, int]] = deque()  # of a window: when, and how much
        self._used = self._at_ns = self._per_ns = self._window_ns = 0
        if isinstance(rate, Decaying):
            self._per_ns = int(EXACT.multiply(rate.per_s, _NANOS))
        else:
            self._window_ns = int(rate.window_s * _NANOS)

    @property
    def most(self) -> Decimal:
        """How high it may rise."""
        return self._most

    @most.setter
    def most(self, most: Decimal) -> None:
        self._most, self._most_units = most, units_of(most)

    # In units

    def has_room(self, cost: int, now_ns: int) -> bool:
        """Whether so many units more fit below `most` now."""
        used, elapsed_ns = self._used, now_ns - self._at_ns
        if elapsed_ns > 0:
            self._at_ns = now_ns
            if self._per_ns:
                used -= elapsed_ns * self._per_ns
                used = self._used = max(used, 0)
            else:
                used = self._pass(now_ns)
        return used + cost <= self._most_units

    def count(self, cost: int, now_ns: int) -> None:
        """Count units that were used, however high that makes the counter."""
        self.has_room(cost, now_ns)
        self._used += cost
        if self._window_ns:
            self._costs.append((self._at_ns, cost))

    # In the venue's figures

    def used(self, now_ns: int) -> Decimal:
        """Where the counter stands."""
        self.has_room(0, now_ns)
        return EXACT.divide(self._used, _UNITS)

    def add(self, cost: Decimal, now_ns: int) -> None:
        """Count what was done, however high that makes the counter."""
        self.count(units_of(cost), now_ns)

    def replace(self, used: Decimal, now_ns: int) -> None:
        """The venue published where its counter stands."""
        self._costs.clear()
        self._used, self._at_ns = 0, max(now_ns, self._at_ns)
        self.add(used, now_ns)

    def wait_ns(self, cost: Decimal, now_ns: int) -> int | None:
        """How long until so much more has room, zero if it has; None if it never has."""
        units = units_of(cost)
        if self.has_room(units, now_ns):
            return 0
        over = self._used + units - self._most_units
        if units > self._most_units:
            return None
        if self._per_ns:
            return -(-over // self._per_ns)
        for at_ns, one in self._costs:
            over -= one
            if over <= 0:
                return at_ns + self._window_ns - self._at_ns
        raise AssertionError("a window that has passed is empty")

    def _pass(self, now_ns: int) -> int:
        """Drop what the window has passed."""
        costs, used = self._costs, self._used
        while costs and costs[0][0] + self._window_ns <= now_ns:
            used -= costs.popleft()[1]
        self._used = used
        return used


def units_of(cost: Decimal) -> int:
    """A cost in the units of a counter, rounded up."""
    return ceil(EXACT.multiply(cost, _UNITS))
