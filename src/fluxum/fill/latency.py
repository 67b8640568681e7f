"""How long a command takes to the venue, and its answer back: constant, or as was measured.

The delays of a latency are a function of its seed alone: the same seed and the same sequence of
calls return the same delays on every machine.
"""

from collections.abc import Sequence
from typing import Protocol

from fluxum.errors import BadInput

__all__ = ["ConstantLatency", "Latency", "MeasuredLatency"]

_MASK = (1 << 64) - 1


class Latency(Protocol):
    """The delays of orders; each call is about the next command or the next answer."""

    def order_ns(self) -> int:
        """How long the next command takes to the venue, in nanoseconds."""
        ...

    def answer_ns(self) -> int:
        """How long the next answer or account event takes back, in nanoseconds."""
        ...


class ConstantLatency:
    """Always the same delays, in nanoseconds. Raises BadInput for one below zero."""

    __slots__ = ("_answer_ns", "_order_ns")

    def __init__(self, order_ns: int = 0, answer_ns: int | None = None) -> None:
        """`answer_ns` is `order_ns` if it is not given."""
        self._order_ns = order_ns
        self._answer_ns = order_ns if answer_ns is None else answer_ns
        _check([self._order_ns, self._answer_ns])

    def __repr__(self) -> str:
        """Both delays."""
        return f"ConstantLatency(order_ns={self._order_ns}, answer_ns={self._answer_ns})"

    def __str__(self) -> str:
        """Both delays, for people."""
        return f"{self._order_ns / 1e6:g} ms for orders, {self._answer_ns / 1e6:g} ms for answers"

    def order_ns(self) -> int:
        """How long the next command takes to the venue, in nanoseconds."""
        return self._order_ns

    def answer_ns(self) -> int:
        """How long the next answer takes back, in nanoseconds."""
        return self._answer_ns


class MeasuredLatency:
    """Delays drawn from measured ones, each as likely as any other, in nanoseconds.

    Raises BadInput if there are none, or for one below zero.
    """

    __slots__ = ("_answers", "_draws", "_orders", "_seed")

    def __init__(self, orders_ns: Sequence[int], answers_ns: Sequence[int], seed: int = 0) -> None:
        for measured in (orders_ns, answers_ns):
            if not measured:
                raise BadInput("measured delays were expected, was none")
            _check(measured)
        self._orders = tuple(orders_ns)
        self._answers = tuple(answers_ns)
        self._seed = seed
        self._draws = 0

    def __repr__(self) -> str:
        """How many delays there are, and the seed."""
        counts = f"{len(self._orders)} orders, {len(self._answers)} answers"
        return f"MeasuredLatency({counts}, seed={self._seed})"

    def __str__(self) -> str:
        """How many delays there are, for people."""
        return f"drawn from {len(self._orders)} of orders and {len(self._answers)} of answers"

    def order_ns(self) -> int:
        """How long the next command takes to the venue, in nanoseconds."""
        return self._orders[self._draw() % len(self._orders)]

    def answer_ns(self) -> int:
        """How long the next answer takes back, in nanoseconds."""
        return self._answers[self._draw() % len(self._answers)]

    def _draw(self) -> int:
        """The next pseudo-random number of 64 bits: SplitMix64, Steele and others, 2014."""
        self._draws += 1
        state = (self._seed + self._draws * 0x9E3779B97F4A7C15) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        return state ^ (state >> 31)


def _check(delays_ns: Sequence[int]) -> None:
    for delay_ns in delays_ns:
        if delay_ns < 0:
            raise BadInput(f"a delay of 0 ns or more was expected, was {delay_ns}")
