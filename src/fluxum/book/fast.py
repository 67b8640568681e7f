"""The parts of a book that run on every frame: compiled if possible, else in Python.

Both do the same, which the tests prove by running everything with both. If there was no compiler
when Fluxum was installed, books are right and slower (docs/decisions/010).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from fluxum.book.ladder import Ladder
from fluxum.model.fast import exact, recurring
from fluxum.model.levels import Level, RawLevel, Row

__all__ = ["IS_COMPILED", "BookLadder", "changes", "digited", "eager_changes", "follow"]


def eager_changes(rows: Sequence[Row]) -> Sequence[Level]:
    """A level of each row, in the order given; raises RemoteProtocolError."""
    if not rows:
        return ()
    return tuple(
        [Level(recurring(row[0]), exact(row[1]), row[2] if len(row) == 3 else None) for row in rows]
    )


def _digited_by_caller(_levels: Iterable[RawLevel]) -> Sequence[Level] | None:
    return None


def _follows_none(
    _books: Mapping[Any, Any], _updates: Sequence[Any], _at: int, _joined: int
) -> tuple[int, bool]:
    return 0, False


BookLadder: type[Ladder]
changes: Callable[[Sequence[Row]], Sequence[Level]]
"""Levels of a frame's rows, checked to have numbers; raises RemoteProtocolError."""
digited: Callable[[Iterable[RawLevel]], Sequence[Level] | None]
"""Levels with their digits as text: price, then quantity, no point and no leading zeros.

`None` if a number is not plain, as with an exponent, and without a compiler: then the caller reads
them itself.
"""
follow: Callable[[Mapping[Any, Any], Sequence[Any], int, int], tuple[int, bool]]
"""Apply scanned updates to books by their symbols, from a place on, while each is proved.

Returns how many were applied and proved, as the keeper does it, and whether the one behind them was
applied too: that one did not pass, and the keeper judges it. The checksum is over the best `joined`
levels; 0 is a checksum that only the caller can compute, and below that there is none. Without a
compiler no update is applied.
"""
try:
    from fluxum.book._fast import FastLadder as BookLadder
    from fluxum.book._fast import changes, digited, follow
except ImportError:
    BookLadder, changes, digited, follow = Ladder, eager_changes, _digited_by_caller, _follows_none

IS_COMPILED = BookLadder is not Ladder
