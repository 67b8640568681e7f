"""Transfers that a venue publishes without an id, and lists with one: which are the same."""

from collections import deque
from decimal import Decimal

from msgspec import Struct

from fluxum.model.account import EntrySource, LedgerEntry
from fluxum.model.instrument import Asset

__all__ = ["Transfers"]

_KEPT_MAX = 1000
_APART_NS = 600 * 1_000_000_000


class _Single(Struct, frozen=True):
    asset: Asset
    change: Decimal
    at_ns: int
    is_listed: bool


class Transfers:
    """The last transfers of one account that were published, of which no twin has come.

    One of the stream and one of the list are twins if both changed the same asset by the same
    amount, at most ten minutes apart; each has one twin at most. At most a thousand are kept.
    """

    def __init__(self) -> None:
        self._singles: deque[_Single] = deque(maxlen=_KEPT_MAX)

    def has_twin(self, entry: LedgerEntry) -> bool:
        """Whether an entry is a transfer that was published already, from the other source."""
        if entry.source is not EntrySource.TRANSFER:
            return False
        one = _Single(entry.asset, entry.change, entry.venue_ns, entry.backfilled)
        for known in self._singles:
            if _are_twins(one, known):
                self._singles.remove(known)
                return True
        self._singles.append(one)
        return False


def _are_twins(one: _Single, other: _Single) -> bool:
    return (
        one.is_listed is not other.is_listed
        and (one.asset, one.change) == (other.asset, other.change)
        and abs(one.at_ns - other.at_ns) <= _APART_NS
    )
