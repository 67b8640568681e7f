"""Durations as a histogram: any range, a bounded size, exact counts.

Theory of operation. Buckets are linear within a power of two and double with it, as those of
HdrHistogram: the bucket of a number is its length in bits and its next six bits. So a quantile is
at most 1/64 above the true value, from a nanosecond to over an hour, in 2,368 counters. To record
is to shift, add and count: about a tenth of a microsecond.
"""

from math import ceil

from msgspec import Struct

from fluxum.errors import BadInput

__all__ = ["Histogram", "Latency"]

_BITS = 6
_SUB = 1 << _BITS
_MOST_BITS = 42  # 2^42 ns are 73 minutes; longer durations are counted as that
_MOST = (1 << _MOST_BITS) - 1
_SHIFT = _BITS + 1


class Latency(Struct, frozen=True, kw_only=True):
    """A histogram in short: how many durations, and their quantiles in ns.

    A quantile is the largest duration of its bucket, at most 1/64 above the true one; `max_ns` is
    exact. All are `None` if nothing was measured. `is_foreign` is true if two clocks were compared,
    so that it is wrong by their difference; of those `below_zero` were negative, counted as zero.
    """

    count: int
    p50_ns: int | None
    p99_ns: int | None
    p999_ns: int | None
    max_ns: int | None
    below_zero: int = 0
    is_foreign: bool = False


class Histogram:
    """Counts durations in ns."""

    __slots__ = ("below_zero", "count", "counts", "max_ns", "sum_ns")

    def __init__(self) -> None:
        self.count = 0
        self.below_zero = 0
        """How many were negative, and counted as zero: a clock was set, or two were compared."""
        self.max_ns = 0
        self.sum_ns = 0
        self.counts = [0] * _bucket(_MOST + 1)
        """How many are in each bucket; read only."""

    def record(self, ns: int) -> None:
        """Count a duration."""
        if ns < 0:
            self.below_zero += 1
            ns = 0
        if ns > self.max_ns:
            self.max_ns = ns
        self.count += 1
        self.sum_ns += ns
        shift = ns.bit_length() - _SHIFT
        if shift <= 0:
            self.counts[ns] += 1
        elif ns <= _MOST:
            self.counts[(shift << _BITS) + (ns >> shift)] += 1
        else:
            self.counts[-1] += 1

    def add(self, other: "Histogram") -> None:
        """Count all durations of another histogram as well."""
        self.count += other.count
        self.below_zero += other.below_zero
        self.max_ns = max(self.max_ns, other.max_ns)
        self.sum_ns += other.sum_ns
        self.counts = [
            mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)
        ]

    def quantile(self, share: float) -> int | None:
        """The duration that this share of all does not exceed, in ns; `None` if there are none.

        Raises BadInput for a share outside 0 to 1.
        """
        if not 0 <= share <= 1:
            raise BadInput(f"a share between 0 and 1 was expected, was {share}")
        if not self.count:
            return None
        wanted = max(1, ceil(share * self.count - 1e-9))
        seen = 0
        for bucket, count in enumerate(self.counts):
            seen += count
            if seen >= wanted:
                return min(_highest(bucket), self.max_ns)
        raise AssertionError("the counts add up to the whole")

    def below(self, bits: int) -> int:
        """How many durations are less than two to the power of `bits` in ns, exactly.

        Raises BadInput for less than 0 and more than 42.
        """
        if not 0 <= bits <= _MOST_BITS:
            raise BadInput(f"0 to {_MOST_BITS} bits were expected, was {bits}")
        return sum(self.counts[: _bucket(1 << bits)])

    def latency(self, *, is_foreign: bool = False) -> Latency:
        """The histogram in short."""
        return Latency(
            count=self.count,
            p50_ns=self.quantile(0.5),
            p99_ns=self.quantile(0.99),
            p999_ns=self.quantile(0.999),
            max_ns=self.max_ns if self.count else None,
            below_zero=self.below_zero,
            is_foreign=is_foreign,
        )


def _bucket(ns: int) -> int:
    shift = max(0, ns.bit_length() - _SHIFT)
    return (shift << _BITS) + (ns >> shift)


def _highest(bucket: int) -> int:
    """The largest duration of a bucket."""
    shift = max(0, (bucket >> _BITS) - 1)
    return ((bucket - (shift << _BITS) + 1) << shift) - 1
