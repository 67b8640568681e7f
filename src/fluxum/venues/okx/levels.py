"""Levels from rows of text, exactly, with the number of orders at each."""

from collections.abc import Callable, Iterable, Sequence

from fluxum.model.levels import Level
from fluxum.venues import rows as plain
from fluxum.venues.okx.native import Row
from fluxum.venues.rows import exact

__all__ = ["Reader", "changes", "levels", "levels_with_text"]

Reader = Callable[[Sequence[Row]], Sequence[Level]]


def levels(rows: Iterable[Row]) -> tuple[Level, ...]:
    """A level of each row, in the order given; raises RemoteProtocolError."""
    return tuple([Level(exact(price), exact(size), orders) for price, size, _, orders in rows])


def levels_with_text(rows: Iterable[Row]) -> tuple[Level, ...]:
    """The same with what a checksum reads of each level, `price:size` as it was written."""
    return tuple(
        [
            Level(exact(price), exact(size), orders, f"{price}:{size}".encode())
            for price, size, _, orders in rows
        ]
    )


def changes(rows: Iterable[Row]) -> Sequence[Level]:
    """Levels of an update, without that text; raises RemoteProtocolError."""
    return plain.changes([(price, size, orders) for price, size, _, orders in rows])
