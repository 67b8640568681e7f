"""How far the venue's clock is ahead of this machine's, and how certain that is.

Theory of operation. Each piece of evidence bounds the offset. An answer with the venue's time was
made between the call and its receipt, which bounds the offset from both sides; if the venue sends
whole seconds, its clock may be up to a second later than the answer. A message with the venue's
time was received after that instant, which bounds the offset from below. The interval that
satisfies all recent bounds is kept; the offset is its middle. Clocks drift, so evidence expires.
If a measurement contradicts the interval, a new one begins.
"""

from collections import deque

from msgspec import Struct

__all__ = ["ClockOffsetKeeper", "Measured"]

_KEPT = 8
_SECOND_NS = 1_000_000_000
_MILLISECOND_NS = 1_000_000
_AGE_MAX_NS = 3600 * _SECOND_NS
# Before any measurement, a message may put the clocks at most so far apart.
_UNMEASURED_MAX_NS = 600 * _SECOND_NS


class Measured(Struct, frozen=True):
    """An offset in ns, positive where the venue's clock is ahead; right within `uncertainty_ns`."""

    offset_ns: int
    uncertainty_ns: int


class ClockOffsetKeeper:
    """Collects evidence of one venue's clock."""

    def __init__(self) -> None:
        self._answers: deque[tuple[int, int, int]] = deque(maxlen=_KEPT)  # at, least, most
        self._least_ns: int | None = None  # of messages
        self._least_at_ns = 0

    @property
    def ns(self) -> int:
        """The best estimate of the offset: this machine's time plus it is the venue's time."""
        measured = self.measured
        if measured is not None:
            return measured.offset_ns
        return 0 if self._least_ns is None else self._least_ns

    @property
    def measured(self) -> Measured | None:
        """The offset as bounded by the venue's answers; `None` before the first."""
        if not self._answers:
            return None
        least = max(one[1] for one in self._answers)
        most = min(one[2] for one in self._answers)
        if self._least_ns is not None:
            least = min(most, max(least, self._least_ns))
        return Measured((least + most) // 2, (most - least + 1) // 2)

    def answered(self, venue_ns: int, requested_ns: int, received_ns: int) -> None:
        """The venue answered with its time, between a call and its receipt."""
        least = venue_ns - received_ns
        most = venue_ns + _resolution_ns(venue_ns) - requested_ns
        while self._answers and received_ns - self._answers[0][0] > _AGE_MAX_NS:
            self._answers.popleft()
        is_contradicted = any(most < one[1] or one[2] < least for one in self._answers)
        if is_contradicted:  # one of the clocks was set
            self._answers.clear()
            self._least_ns = None
        self._answers.append((received_ns, least, most))

    def received(self, venue_ns: int, received_ns: int) -> None:
        """A message has the venue's time, which was before its receipt."""
        least = venue_ns - received_ns
        is_old = received_ns - self._least_at_ns > _AGE_MAX_NS
        if self._least_ns is not None and least <= self._least_ns and not is_old:
            return
        if abs(least) <= _UNMEASURED_MAX_NS:
            self._least_ns = least
            self._least_at_ns = received_ns


def _resolution_ns(venue_ns: int) -> int:
    """How much later the venue's clock may be than the time it sent, for its resolution."""
    if venue_ns % _SECOND_NS == 0:
        return _SECOND_NS
    return _MILLISECOND_NS if venue_ns % _MILLISECOND_NS == 0 else 1
