"""How positions are kept."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from fluxum.ledger.lots import Method
from fluxum.model.enumeration import Enumeration
from fluxum.model.input import Take, choice_of, counted, several, take_all

__all__ = ["MarkBy", "Policy"]


class MarkBy(Enumeration):
    """How a book values a position: where it could be closed at once, or half way between."""

    TOUCH = "touch"
    MID = "mid"


class Policy(Struct, frozen=True, kw_only=True):
    """How positions are kept. The first method is used if none is named.

    `lots_max` bounds the lots of each method, `fills_seen` the ids by which a repeated fill is
    recognised, `orders_ended` the orders of a market that are remembered after their end.
    """

    methods: tuple[Method, ...] = (Method.AVERAGE, Method.FIFO, Method.LIFO)
    mark_by: MarkBy = MarkBy.TOUCH
    lots_max: int = 10_000
    fills_seen: int = 100_000
    orders_ended: int = 1_000

    if TYPE_CHECKING:  # the accepted types, which are more than the final ones

        def __init__(
            self,
            *,
            methods: Sequence[Method | str] = tuple(Method),
            mark_by: MarkBy | str = MarkBy.TOUCH,
            lots_max: int = 10_000,
            fills_seen: int = 100_000,
            orders_ended: int = 1_000,
        ) -> None: ...

    def __post_init__(self) -> None:
        """Accept text as well; raise BadInput for values that make no sense."""
        take_all(self, _POLICY)


_POLICY: Mapping[str, Take] = {
    "methods": several(choice_of(Method)),
    "mark_by": choice_of(MarkBy),
    "lots_max": counted,
    "fills_seen": counted,
    "orders_ended": counted,
}
