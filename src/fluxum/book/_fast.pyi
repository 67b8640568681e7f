from collections.abc import Iterable, Sequence

from fluxum.book.ladder import Ladder
from fluxum.model.levels import Level, RawLevel, Row

__all__ = ["FastLadder", "changes", "digited"]

class FastLadder(Ladder): ...  # in fact not its child, but used in the same way

def changes(rows: Sequence[Row]) -> Sequence[Level]: ...
def digited(levels: Iterable[RawLevel]) -> Sequence[Level] | None: ...
