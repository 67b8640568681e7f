from collections.abc import Sequence

from fluxum.book.ladder import Ladder
from fluxum.model.levels import Level, Row

__all__ = ["FastLadder", "changes"]

class FastLadder(Ladder): ...  # in fact not its child, but the same to whoever uses it

def changes(rows: Sequence[Row]) -> Sequence[Level]: ...
