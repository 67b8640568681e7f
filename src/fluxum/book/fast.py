"""The parts of a book that run on every frame: compiled if possible, else in Python.

Both do the same, which the tests prove by running everything with both. If there was no compiler
when Fluxum was installed, books are right and slower (docs/decisions/010).
"""

from collections.abc import Callable, Iterable, Sequence

from fluxum.book.ladder import Ladder
from fluxum.model.fast import exact, recurring
from fluxum.model.levels import Level, RawLevel, Row

__all__ = ["IS_COMPILED", "BookLadder", "changes", "digited", "eager_changes"]


def eager_changes(rows: Sequence[Row]) -> Sequence[Level]:
    """A level of each row, in the order given; raises RemoteProtocolError."""
    if not rows:
        return ()
    return tuple(
        [Level(recurring(row[0]), exact(row[1]), row[2] if len(row) == 3 else None) for row in rows]
    )


def _digited_by_caller(_levels: Iterable[RawLevel]) -> Sequence[Level] | None:
    return None


BookLadder: type[Ladder]
changes: Callable[[Sequence[Row]], Sequence[Level]]
"""Levels of a frame's rows, checked to have numbers; raises RemoteProtocolError."""
digited: Callable[[Iterable[RawLevel]], Sequence[Level] | None]
"""Levels with their digits as text: price, then quantity, no point and no leading zeros.

`None` if a number is not plain, as with an exponent, and without a compiler: then the caller reads
them itself.
"""
try:
    from fluxum.book._fast import FastLadder as BookLadder
    from fluxum.book._fast import changes, digited
except ImportError:
    BookLadder, changes, digited = Ladder, eager_changes, _digited_by_caller

IS_COMPILED = BookLadder is not Ladder
