"""Rate limits as data, and how much of one was used; the same for orders, simulators and calls.

Sums are exact. Times are ns of any clock; one that is set back gives nothing away. Pure.
"""

from collections import deque
from decimal import Decimal
from math import ceil

from msgspec import Struct

from fluxum.ledger.arithmetic import EXACT

__all__ = ["Decaying", "Rate", "RateCounter", "Windowed"]

_ZERO = Decimal(0)
_NANOS = Decimal(1_000_000_000)


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
    """What was used of one rate. `most` is the rate's, unless the venue publishes another."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self.most = rate.most
        self._costs: deque[tuple[int, Decimal]] = deque()  # of a window: when, and how much
        self._used = _ZERO
        self._at_ns = 0

    def used(self, now_ns: int) -> Decimal:
        """Where the counter stands."""
        now_ns = max(now_ns, self._at_ns)
        if isinstance(self.rate, Decaying):
            elapsed_s = (now_ns - self._at_ns) / _NANOS
            decayed = EXACT.multiply(elapsed_s, self.rate.per_s)
            self._used = max(_ZERO, EXACT.subtract(self._used, decayed))
        else:
            while self._costs and self._costs[0][0] + self._window_ns(self.rate) <= now_ns:
                self._used = EXACT.subtract(self._used, self._costs.popleft()[1])
        self._at_ns = now_ns
        return self._used

    def add(self, cost: Decimal, now_ns: int) -> None:
        """Count what was done, however high that makes the counter."""
        self._used = EXACT.add(self.used(now_ns), cost)
        if isinstance(self.rate, Windowed):
            self._costs.append((self._at_ns, cost))

    def replace(self, used: Decimal, now_ns: int) -> None:
        """The venue published where its counter stands."""
        self._costs.clear()
        self._used, self._at_ns = _ZERO, max(now_ns, self._at_ns)
        self.add(used, now_ns)

    def wait_ns(self, cost: Decimal, now_ns: int) -> int | None:
        """How long until so much more has room, zero if it has; None if it never has."""
        over = EXACT.subtract(EXACT.add(self.used(now_ns), cost), self.most)
        if over <= 0:
            return 0
        if cost > self.most:
            return None
        if isinstance(self.rate, Decaying):
            return ceil(over / self.rate.per_s * _NANOS)
        for at_ns, one in self._costs:
            over -= one
            if over <= 0:
                return at_ns + self._window_ns(self.rate) - self._at_ns
        raise AssertionError("a window that has passed is empty")

    @staticmethod
    def _window_ns(rate: Windowed) -> int:
        return int(rate.window_s * _NANOS)
