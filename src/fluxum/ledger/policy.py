"""How positions are kept."""

from enum import Enum

from msgspec import Struct

from fluxum.ledger.lots import Method

__all__ = ["MarkBy", "Policy"]


class MarkBy(Enum):
    """What of a book values a position: where it could be closed at once, or half way between."""

    TOUCH = "touch"
    MID = "mid"


class Policy(Struct, frozen=True, kw_only=True):
    """How positions are kept. The first method is the one meant where none is named.

    `lots_max` bounds the lots of each method, `fills_seen` the ids by which a repeated fill is
    known, `orders_ended` the orders of a market that are known after their end.
    """

    methods: tuple[Method, ...] = (Method.AVERAGE, Method.FIFO, Method.LIFO)
    mark_by: MarkBy = MarkBy.TOUCH
    lots_max: int = 10_000
    fills_seen: int = 100_000
    orders_ended: int = 1_000
