"""Which intervals of a period a list of candles leaves out."""

from collections.abc import Iterable

from msgspec import Struct

from fluxum.model.instant import format_second
from fluxum.model.interval import interval_least_s
from fluxum.model.market import Candle

__all__ = ["CandleGaps", "Missing"]

_SECOND_NS = 1_000_000_000
_SHOWN_MAX = 5


class Missing(Struct, frozen=True):
    """A part of a period without candles, from one instant and before another."""

    since_ns: int
    until_ns: int

    def __str__(self) -> str:
        return f"{format_second(self.since_ns)} to {format_second(self.until_ns)}"


class CandleGaps:
    """Takes candles, oldest first; keeps the first gaps, and counts all.

    A venue may leave out an interval without trades, and it may have no candles that old: a list
    does not distinguish these from a loss.
    """

    def __init__(self, interval_s: int, since_ns: int | None) -> None:
        self._least_ns = interval_least_s(interval_s) * _SECOND_NS
        self._next_ns = since_ns
        self._first: list[Missing] = []
        self.count = 0
        """How many gaps there are."""
        self.candles = 0
        """How many candles there were."""

    @property
    def reached(self) -> str:
        """The end of the last candle, or the begin of the period, in UTC."""
        return "now" if self._next_ns is None else format_second(self._next_ns)

    def add(self, candles: Iterable[Candle]) -> None:
        """Take the candles that follow."""
        for candle in candles:
            self.candles += 1
            self._note(candle.start_ns)
            self._next_ns = candle.end_ns

    def end(self, until_ns: int) -> str:
        """The period ends there; returns what is missing, in one line, or ""."""
        self._note(until_ns)
        if not self.count:
            return ""
        shown = ", ".join(map(str, self._first))
        more = self.count - len(self._first)
        return f"no candles from {shown}" + (f", and in {more} more gaps" if more else "")

    def _note(self, start_ns: int) -> None:
        """A candle starts there, or the period ends; the interval before it may be cut."""
        if self._next_ns is None or start_ns - self._next_ns < self._least_ns:
            return
        self.count += 1
        if len(self._first) < _SHOWN_MAX:
            self._first.append(Missing(self._next_ns, start_ns))
