"""Prices, quantities, times and ages as text of a fixed width.

The width of a market's numbers only grows: by the digits of its prices and quantities so far, as
the venue wrote them (a venue writes its tick and its lot). So columns stand still, and no digit is
cut.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from fluxum.view.facts import MarketView

__all__ = ["Digits", "Widths", "age_text", "clock_text", "count_text", "lag_text"]

_SECOND_NS = 1_000_000_000


class Digits:
    """How many digits the numbers of one column have had, before the point and behind it."""

    def __init__(self) -> None:
        self.whole = 1
        self.decimals = 0
        self._like = Decimal(0)  # the last number with the most decimals

    @property
    def width(self) -> int:
        """The width of every number of the column."""
        return self.whole + (self.decimals + 1 if self.decimals else 0)

    def take(self, value: Decimal) -> None:
        """Make room for a number."""
        if not value.same_quantum(self._like):  # most of a column have as many decimals
            exponent = value.as_tuple().exponent
            assert isinstance(exponent, int), "prices and quantities are finite"
            if -exponent > self.decimals:
                self.decimals, self._like = -exponent, value
        self.whole = max(self.whole, value.adjusted() + 1 + (value < 0))

    def text(self, value: Decimal | None) -> str:
        """A number with all decimals of its column; a dash for `None`."""
        return ("-" if value is None else f"{value:.{self.decimals}f}").rjust(self.width)


class Widths:
    """The columns of one market."""

    def __init__(self) -> None:
        self.price = Digits()
        self.quantity = Digits()

    def take(self, market: MarketView) -> None:
        """Make room for all that a market shows."""
        if market.book is not None:
            for level in (*market.book.bids, *market.book.asks):
                self._pair(level.price, level.quantity)
        for trade in market.trades:
            self._pair(trade.price, trade.quantity)

    def take_levels(self, levels: Iterable[tuple[Decimal, Decimal]]) -> None:
        """Make room for levels, as price and quantity."""
        for price, quantity in levels:
            self._pair(price, quantity)

    def _pair(self, price: Decimal, quantity: Decimal) -> None:
        self.price.take(price)
        self.quantity.take(quantity)


def clock_text(at_ns: int) -> str:
    """The time of day in UTC, to the second."""
    return datetime.fromtimestamp(at_ns // _SECOND_NS, UTC).strftime("%H:%M:%S")


def age_text(age_s: float | None) -> str:
    """An age in five characters at most, such as `0.5 s`."""
    if age_s is None:
        return "never"
    for limit, unit_s, unit in ((100, 1, "s"), (6000, 60, "m"), (360_000, 3600, "h")):
        if age_s < limit:
            value = max(age_s, 0.0) / unit_s
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"
    return f"{age_s / 86_400:.0f} d"


def lag_text(lag_ns: int | None) -> str:
    """A duration in the unit that suits it, such as `3 ms`."""
    if lag_ns is None:
        return "-"
    for unit_ns, unit in ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")):
        if abs(lag_ns) >= unit_ns:
            return f"{lag_ns / unit_ns:.3g} {unit}"
    return f"{lag_ns} ns"


def count_text(count: int, one: str, many: str) -> str:
    """A count with its noun."""
    return f"{count:,} {one if count == 1 else many}"
