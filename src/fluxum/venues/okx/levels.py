"""Levels from rows of text, exactly, with the number of orders at each.

Sizes of derivatives are counted in contracts: a reader converts them by the size of a contract.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from fluxum.model.levels import Level
from fluxum.model.numbers import product
from fluxum.venues import rows as plain
from fluxum.venues.okx.native import Row
from fluxum.venues.rows import exact

__all__ = ["LevelReader"]

_ONE = Decimal(1)


class LevelReader:
    """Reads the levels of one market, a contract of which is `size` of an asset.

    All levels that are read may change a book; each method raises RemoteProtocolError for a row
    that is no level.
    """

    def __init__(self, size: Decimal = _ONE) -> None:
        self._size = size
        self.changes: Callable[[Iterable[Row]], Sequence[Level]] = (
            _changes if size == _ONE else self._converted
        )
        """Levels of an update, in the order given."""

    def levels(self, rows: Iterable[Row]) -> tuple[Level, ...]:
        """The same, made at once."""
        return tuple(self.changes(rows))

    def levels_with_text(self, rows: Sequence[Row]) -> tuple[Level, ...]:
        """The same with what a checksum reads of each level: `price:size` as it was written."""
        return tuple(
            [
                Level(one.price, one.quantity, one.orders, f"{row[0]}:{row[1]}".encode())
                for one, row in zip(self.changes(rows), rows, strict=True)
            ]
        )

    def _converted(self, rows: Iterable[Row]) -> Sequence[Level]:
        return plain.changes(
            [(price, self._in_asset(size), orders) for price, size, _, orders in rows]
        )

    def _in_asset(self, size: str) -> str:
        return "0" if size == "0" else f"{product(exact(size), self._size):f}"


def _changes(rows: Iterable[Row]) -> Sequence[Level]:
    return plain.changes([(price, size, orders) for price, size, _, orders in rows])
