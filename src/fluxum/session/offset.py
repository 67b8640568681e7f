"""How far the venue's clock is ahead of this machine's, and how sure that is.

Theory of operation. Each piece of evidence bounds the offset. An answer that says what time it is
at the venue was made between the call and its receipt, which bounds it from both sides; where the
venue counts in whole seconds it may be up to a second later there than it says. A message that
carries the venue's time was received after that instant, which bounds the offset from below. What
satisfies all recent bounds is kept; the offset is its middle. Clocks drift, so evidence ages; a
measurement that contradicts what is kept begins anew.
"""

from collections import deque

from msgspec import Struct

__all__ = ["ClockOffsetKeeper", "Measured"]

_KEPT = 8
_SECOND_NS = 1_000_000_000
_MILLISECOND_NS = 1_000_000
_AGE_MAX_NS = 3600 * _SECOND_NS
# How far a message may put the clocks apart before anything was measured.
_UNMEASURED_MAX_NS = 600 * _SECOND_NS


class Measured(Struct, frozen=True):
    """An offset in ns, positive where the venue's clock is ahead; right within `uncertainty_ns`."""

    offset_ns: int
    uncertainty_ns: int


class ClockOffsetKeeper:
    """Gathers evidence of one venue's clock."""

    def __init__(self) -> None:
        self._answers: deque[tuple[int, int, int]] = deque(maxlen=_KEPT)  # at, least, most
        self._least_ns: int | None = None  # of messages
        self._least_at_ns = 0

    @property
    def ns(self) -> int:
        """What to add to this machine's time to have the venue's: the best guess there is."""
        measured = self.measured
        if measured is not None:
            return measured.offset_ns
        return 0 if self._least_ns is None else self._least_ns

    @property
    def measured(self) -> Measured | None:
        """The offset as answers of the venue bound it; `None` before the first."""
        if not self._answers:
            return None
        least = max(one[1] for one in self._answers)
        most = min(one[2] for one in self._answers)
        if self._least_ns is not None:
            least = min(most, max(least, self._least_ns))
        return Measured((least + most) // 2, (most - least + 1) // 2)

    def answered(self, venue_ns: int, asked_ns: int, received_ns: int) -> None:
        """The venue said what time it was, between a call and its receipt."""
        least = venue_ns - received_ns
        most = venue_ns + _resolution_ns(venue_ns) - asked_ns
        while self._answers and received_ns - self._answers[0][0] > _AGE_MAX_NS:
            self._answers.popleft()
        is_contradicted = any(most < one[1] or one[2] < least for one in self._answers)
        if is_contradicted:  # one of the clocks was set
            self._answers.clear()
            self._least_ns = None
        self._answers.append((received_ns, least, most))

    def heard(self, venue_ns: int, received_ns: int) -> None:
        """A message carries the venue's time, which was before its receipt."""
        least = venue_ns - received_ns
        if abs(least) > _UNMEASURED_MAX_NS:
            return
        is_old = received_ns - self._least_at_ns > _AGE_MAX_NS
        if self._least_ns is None or least > self._least_ns or is_old:
            self._least_ns = least
            self._least_at_ns = received_ns


def _resolution_ns(venue_ns: int) -> int:
    """How much later it may be than a venue says that counts in seconds or milliseconds."""
    if venue_ns % _SECOND_NS == 0:
        return _SECOND_NS
    return _MILLISECOND_NS if venue_ns % _MILLISECOND_NS == 0 else 1
