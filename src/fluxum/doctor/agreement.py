"""How far a live book agrees with a snapshot: levels that are equal, and the worst difference.

Pure. A level agrees if both have it with the same quantity. What is compared of each side are the
best `count` levels of the snapshot, and all levels of the book that would stand among them.
"""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from fluxum.ledger.arithmetic import EXACT
from fluxum.model.market import BookSnapshot, Level, Side

__all__ = ["Comparison", "Difference", "compare"]

_ZERO = Decimal(0)


class Difference(Struct, frozen=True, kw_only=True):
    """A level that differs: its quantity in the live book and in the snapshot, 0 for none."""

    side: Side
    price: Decimal
    live: Decimal
    snapshot: Decimal

    @property
    def notional(self) -> Decimal:
        """How much the difference is worth, price by quantity."""
        return EXACT.multiply(self.price, EXACT.abs(EXACT.subtract(self.live, self.snapshot)))

    def __str__(self) -> str:
        """Short text for the user."""
        name = "bid" if self.side is Side.BUY else "ask"
        return f"{name} {self.price}: {self.live} live, {self.snapshot} in the snapshot"


class Comparison(Struct, frozen=True, kw_only=True):
    """One snapshot compared with one state of a live book.

    `at_ns` is when the snapshot was received. `by_sequence` is true if the venue's own number
    proves that both are of the same moment. `worst` is the level that differs by most money.
    """

    at_ns: int
    levels: int
    equal: int
    by_sequence: bool
    worst: Difference | None

    @property
    def percent(self) -> float:
        """How many of 100 levels are equal."""
        return 100.0 * self.equal / self.levels if self.levels else 100.0


def compare(
    live: BookSnapshot, snapshot: BookSnapshot, count: int, *, by_sequence: bool = False
) -> Comparison:
    """Compare the best `count` levels a side of a snapshot with a state of the live book."""
    levels = equal = 0
    differences: list[Difference] = []
    for side, ours, theirs in (
        (Side.BUY, live.bids, snapshot.bids[:count]),
        (Side.SELL, live.asks, snapshot.asks[:count]),
    ):
        found = _differences(side, ours, theirs)
        compared = len(found)
        wrong = [one for one in found if one.live != one.snapshot]
        levels, equal = levels + compared, equal + compared - len(wrong)
        differences += wrong
    return Comparison(
        at_ns=snapshot.received_ns,
        levels=levels,
        equal=equal,
        by_sequence=by_sequence,
        worst=max(differences, key=lambda one: one.notional, default=None),
    )


def _differences(side: Side, ours: Sequence[Level], theirs: Sequence[Level]) -> list[Difference]:
    """Every level that is compared, equal or not."""
    expected = {one.price: one.quantity for one in theirs}
    among = ours
    if theirs:
        last = theirs[-1].price
        is_bid = side is Side.BUY
        among = [one for one in ours if (one.price >= last if is_bid else one.price <= last)]
    actual = {one.price: one.quantity for one in among}
    return [
        Difference(
            side=side,
            price=price,
            live=actual.get(price, _ZERO),
            snapshot=expected.get(price, _ZERO),
        )
        for price in dict.fromkeys((*expected, *actual))
    ]
