"""Rows of price and quantity as text, exactly: `["0.0024", "10"]` becomes a level.

For venues that quote their numbers. Of an update the rows are handed on as they came (see
`fluxum.model.levels`); a snapshot's become levels at once.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from fluxum.book.fast import changes
from fluxum.model.levels import Level, Row
from fluxum.model.numbers import exact

__all__ = [
    "Sides",
    "WholeSides",
    "changes",
    "decimals",
    "exact",
    "exact_or_none",
    "levels",
    "sides",
]

Sides = tuple[Sequence[Level], Sequence[Level]]
WholeSides = tuple[tuple[Level, ...], tuple[Level, ...]]


def exact_or_none(text: str | None) -> Decimal | None:
    """The number of a field that may be left out or empty; raises RemoteProtocolError."""
    return exact(text) if text else None


def decimals(step: Decimal) -> int:
    """How many digits behind the point a finite step has: two for 0.01 and for 0.010."""
    exponent = step.normalize().as_tuple().exponent
    assert isinstance(exponent, int), step
    return max(0, -exponent)


def levels(rows: Iterable[tuple[str, str]]) -> tuple[Level, ...]:
    """A level of each pair of texts, in the order given; raises RemoteProtocolError."""
    return tuple([Level(exact(price), exact(quantity)) for price, quantity in rows])


def sides(rows: Iterable[tuple[str, str, str]], bid: str) -> Sides:
    """Bids and asks of rows of side, price and quantity, each in the order given.

    `bid` is the venue's word for the side of the bids; any other is that of the asks. Raises
    RemoteProtocolError.
    """
    bids: list[Row] = []
    asks: list[Row] = []
    for side, price, quantity in rows:
        (bids if side == bid else asks).append((price, quantity))
    return changes(bids), changes(asks)
