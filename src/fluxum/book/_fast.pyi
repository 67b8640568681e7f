from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fluxum.book.ladder import Ladder
from fluxum.model.levels import Level, RawLevel, Row

__all__ = ["FastLadder", "WireRow", "changes", "digited", "follow"]

class FastLadder(Ladder): ...  # in fact not its child, but used in the same way

class WireRow:
    def __len__(self) -> int: ...
    def __getitem__(self, at: int, /) -> str | bytes: ...

def changes(rows: Sequence[Row]) -> Sequence[Level]: ...
def digited(levels: Iterable[RawLevel]) -> Sequence[Level] | None: ...
def follow(
    books: Mapping[Any, Any], updates: Sequence[Any], at: int, joined: int, /
) -> tuple[int, bool]: ...
