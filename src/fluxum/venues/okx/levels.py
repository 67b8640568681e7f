"""Levels from rows of text, exactly, with the number of orders at each.

Prices recur all the time, so their texts are remembered; so is what a level that is gone comes
to, as it has nothing but its price.
"""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from fluxum.errors import RemoteProtocolError
from fluxum.model.market import Level
from fluxum.venues.okx.native import Row
from fluxum.venues.rows import exact

__all__ = ["LevelReader"]

_REMEMBERED_MAX = 1 << 14
_ZERO = Decimal(0)
_HUGE = Decimal(10) ** 30


class LevelReader:
    """Reads rows; one for each link.

    At most 16,384 prices are remembered; a full memory is emptied and counted in `emptied`.
    """

    def __init__(self) -> None:
        self._gone: dict[str, Level] = {}  # by the text of its price
        self.emptied = 0

    def levels(self, rows: Iterable[Row]) -> tuple[Level, ...]:
        """A level of each row, in the order given; raises RemoteProtocolError."""
        gone_at = self._gone.get
        levels: list[Level] = []
        try:
            for row in rows:
                gone = gone_at(row.price) or self._learn(row.price)
                size = row.size
                if size == "0":
                    levels.append(gone)
                    continue
                quantity = Decimal(size)
                if not _ZERO <= quantity < _HUGE:
                    exact(size)
                levels.append(Level(gone.price, quantity, row.orders))
        except (ValueError, InvalidOperation) as error:
            raise RemoteProtocolError(f"rows of price and size were expected: {error}") from error
        return tuple(levels)

    def levels_with_text(self, rows: Iterable[Row]) -> tuple[Level, ...]:
        """The same with what a checksum reads of each level, `price:size` as it was written."""
        return tuple(
            Level(
                (self._gone.get(row.price) or self._learn(row.price)).price,
                exact(row.size),
                row.orders,
                f"{row.price}:{row.size}".encode(),
            )
            for row in rows
        )

    def _learn(self, text: str) -> Level:
        if len(self._gone) >= _REMEMBERED_MAX:
            self._gone.clear()
            self.emptied += 1
        level = self._gone[text] = Level(exact(text), _ZERO, 0)
        return level
