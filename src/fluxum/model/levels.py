"""Levels of a book, and those of a frame, which are made when somebody reads them.

A frame of ten changed levels would become twenty decimals and ten levels, most of which are laid
over before anyone has looked. So an update may keep the rows of its frame, and a book reads no more
of them than it needs: where a level stands, and whether there is one. The numbers stay the text
that came, and become decimals when a level is read.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import overload

from msgspec import Struct

__all__ = ["Level", "Levels", "Row", "level_of"]


class Level(Struct, frozen=True, gc=False):
    """A price and all that rests there; zero quantity means the level is gone.

    `orders` is how many orders rest there, where the venue says. `text` is what the venue's
    checksum reads of this level, kept from the wire so that it is never formatted again; it is
    empty where the venue has no checksum, and is no part of the fact's JSON.
    """

    price: Decimal
    quantity: Decimal
    orders: int | None = None
    text: bytes = b""


Row = tuple[str, str] | tuple[str, str, int]
"""A level as the wire has it: price, quantity and, where the venue says, the number of orders."""


class Levels(Sequence[Level]):
    """Levels in the order of the wire, made when one is read; equal to their tuple.

    `rows` are as they came and hold numbers, which whoever makes this has proved; look, do not
    change them.
    """

    __slots__ = ("_made", "rows")

    def __init__(self, rows: Sequence[Row]) -> None:
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


def level_of(row: Row) -> Level:
    """The level that a row of numbers tells."""
    return Level(Decimal(row[0]), Decimal(row[1]), row[2] if len(row) == 3 else None)
