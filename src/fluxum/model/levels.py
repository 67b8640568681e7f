"""Levels of a book, and those of a frame, which are made when they are read.

A frame of ten changed levels would become twenty decimals and ten levels, most of which are
replaced before they are read. So an update may keep the rows of its frame, and a book reads only
the price of a level and whether it is removed. The numbers stay the text that came, and become
decimals when a level is read.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Protocol, overload

from msgspec import Raw, Struct

__all__ = ["DigitedRow", "Level", "Levels", "RawLevel", "Row", "level_of"]


class Level(Struct, frozen=True, gc=False):
    """A price and the total quantity there; zero quantity means the level is removed.

    `orders` is how many orders rest there, if the venue sends that. `text` is the input of the
    venue's checksum for this level, kept from the wire so that it is never formatted again; it is
    empty if the venue has no checksum, and is no part of the fact's JSON.
    """

    price: Decimal
    quantity: Decimal
    orders: int | None = None
    text: bytes = b""

    def __repr__(self) -> str:
        """The level without the input of its checksum."""
        orders = "" if self.orders is None else f", orders={self.orders}"
        return f"Level(price={self.price!r}, quantity={self.quantity!r}{orders})"


Row = tuple[str, str] | tuple[str, str, int]
"""A level as on the wire: price, quantity and, if the venue sends it, the number of orders."""
DigitedRow = tuple[str, str] | tuple[str, str, bytes]
"""A level as on the wire: price, quantity and, unless that is zero, `Level.text`."""


class RawLevel(Protocol):
    """A level whose numbers are not quoted on the wire, and stay as they came."""

    price: Raw
    qty: Raw


class Levels(Sequence[Level]):
    """Levels in the order of the wire, made when one is read; equal to their tuple.

    `rows` are as they came; the caller has checked that they have numbers. Read only.
    """

    __slots__ = ("_made", "rows")

    def __init__(self, rows: Sequence[Row | DigitedRow]) -> None:
        self.rows = rows
        self._made: tuple[Level, ...] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Level]:
        return iter(self._all())

    @overload
    def __getitem__(self, at: int) -> Level: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Level, ...]: ...
    def __getitem__(self, at: int | slice) -> Level | tuple[Level, ...]:
        return self._all()[at]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Levels):
            return self._all() == other._all()
        return self._all() == other if isinstance(other, tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._all())

    def __repr__(self) -> str:
        return repr(self._all())

    def _all(self) -> tuple[Level, ...]:
        if self._made is None:
            self._made = tuple(map(level_of, self.rows))
        return self._made


def level_of(row: Row | DigitedRow) -> Level:
    """The level of a row of numbers."""
    price, quantity = Decimal(row[0]), Decimal(row[1])
    more = row[2] if len(row) == 3 else None
    if isinstance(more, bytes):
        return Level(price, quantity, None, more)
    return Level(price, quantity, more)
