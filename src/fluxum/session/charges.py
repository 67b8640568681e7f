"""Fills whose fees a venue's history does not name, and the account's entries that name them.

A history may give the value of a fee and not the asset it was charged in. The account's entries of
the same reference have both. They may arrive before or after the fill, one by one.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence

from fluxum.model.account import Fill, FillIdentity, LedgerEntry
from fluxum.venues.private import EntryQuery

__all__ = ["Charges"]

_WAITING_MAX = 10_000
# How far a fill's entries may be from it in time, and how many fills are looked up at once.
_LINES_APART_NS = 5 * 1_000_000_000
_CHARGED_AT_ONCE = 1000

Charged = Callable[[Fill, Sequence[LedgerEntry]], Fill | None]


class Charges:
    """Remembers fills without fees until their entries arrive; at most 10,000 of them.

    `charged` returns the complete fill for its entries, or `None` while entries are missing. If
    `charged` is `None`, the venue names the fees of every fill, and no fill waits.
    """

    def __init__(self, charged: Charged | None) -> None:
        self._charged = charged
        self._waiting: dict[FillIdentity, Fill] = {}
        self._by_reference: dict[str, set[FillIdentity]] = {}
        self._lines: dict[str, dict[str, LedgerEntry]] = {}

    @property
    def waiting(self) -> Sequence[Fill]:
        """The fills whose fees are not known yet, oldest first."""
        return sorted(self._waiting.values(), key=_venue_ns)

    def note(self, fill: Fill) -> None:
        """Process a fill: one without fees waits, one with fees does not wait any more."""
        if fill.fees is not None or self._charged is None:
            self._forget(fill.identity)
            return
        self._waiting[fill.identity] = fill
        self._by_reference.setdefault(fill.fill_id, set()).add(fill.identity)
        if len(self._waiting) > _WAITING_MAX:
            self._forget(next(iter(self._waiting)))

    def take(self, lines: Iterable[LedgerEntry]) -> list[Fill]:
        """The fills that these entries, together with earlier ones, complete."""
        whole: list[Fill] = []
        for line in lines:
            identities = self._by_reference.get(line.reference_id)
            if identities is None:
                continue
            seen = self._lines.setdefault(line.reference_id, {})
            seen[line.entry_id] = line
            for identity in list(identities):
                fill = self._charge(self._waiting[identity], list(seen.values()))
                if fill is not None:
                    self._forget(identity)
                    whole.append(fill)
        return whole

    async def look_up(
        self,
        fills: Sequence[Fill],
        entries: Callable[[EntryQuery], Awaitable[Sequence[LedgerEntry]]],
    ) -> list[Fill]:
        """These fills as far as entries complete them, oldest first; `entries` queries those."""
        charged: list[Fill] = []
        for start in range(0, len(fills), _CHARGED_AT_ONCE):
            some = fills[start : start + _CHARGED_AT_ONCE]
            for fill in some:
                self.note(fill)
            span = EntryQuery(
                since_ns=some[0].venue_ns - _LINES_APART_NS,
                until_ns=some[-1].venue_ns + _LINES_APART_NS,
            )
            charged += self.take(await entries(span))
        return charged

    def _charge(self, fill: Fill, lines: Sequence[LedgerEntry]) -> Fill | None:
        return None if self._charged is None else self._charged(fill, lines)

    def _forget(self, identity: FillIdentity) -> None:
        fill = self._waiting.pop(identity, None)
        if fill is None:
            return
        identities = self._by_reference[fill.fill_id]
        identities.discard(identity)
        if not identities:
            del self._by_reference[fill.fill_id]
            self._lines.pop(fill.fill_id, None)


def _venue_ns(fill: Fill) -> int:
    return fill.venue_ns
