"""Books of a reader, kept and proved as a session keeps them, from a stream and its checkpoints.

The venue's own check runs on every update: a checksum over the levels where there is one, else the
numbering. A number that is missing withdraws the book, until the next snapshot or checkpoint. A
checkpoint of a book that is not withdrawn must equal it level by level.
"""

from collections.abc import Sequence

from msgspec import structs

from fluxum.book.book import Book
from fluxum.book.keeper import BookKeeper, Verdict
from fluxum.book.proof import BookStatus
from fluxum.errors import BadInput, NotSubscribed
from fluxum.model.event import (
    DataStale,
    Desync,
    Dropped,
    Event,
    Gap,
    LeftOut,
    LinkLost,
    Rejected,
    Repair,
    Resynced,
    Subscription,
    Unsubscribed,
)
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.sink.wire import Checkpoint
from fluxum.venues.register import find_venue
from fluxum.venues.venue import Checks

__all__ = ["Mirrors"]

_DETAIL_MAX = 500


class Mirrors:
    """All books of a reader."""

    def __init__(self) -> None:
        self.checkpoints_passed = 0
        self.checkpoints_failed = 0
        self._keepers: dict[str, BookKeeper[Book]] = {}
        self._holes: dict[tuple[str, Subscription], Gap] = {}

    def book(self, venue: str, symbol: Symbol) -> Book:
        """The book of a market; raises NotSubscribed."""
        if venue not in self._keepers:
            known = ", ".join(self._keepers) or "none"
            raise NotSubscribed(f"no book of {venue!r} was received; venues: {known}")
        return self._keepers[venue].get(symbol)

    def lose(self, gap: Gap) -> list[Event]:
        """Something of a book's stream is missing: withdraw the book."""
        symbol = gap.subscription.symbol
        assert symbol is not None
        key = gap.venue, gap.subscription
        known = self._holes.get(key)
        self._holes[key] = gap if known is None else _joined(known, gap)
        return self._withdraw(gap.venue, gap.subscription, symbol, gap.detail, gap.received_ns)

    def follow(
        self, venue: str, subscription: Subscription, item: Event | Checkpoint, now_ns: int
    ) -> Sequence[Event]:
        """What a reader gets for an event of a book's stream; nothing if it is withheld."""
        symbol = subscription.symbol
        assert symbol is not None
        keeper = self._keeper(venue)
        match item:
            case BookUpdate():
                return self._judged(keeper.update(item), subscription, item)
            case BookSnapshot():
                verdict = keeper.snapshot(item)
                return [
                    *self._end_hole(venue, subscription, item.received_ns, now_ns),
                    *self._judged(verdict, subscription, item),
                ]
            case Checkpoint():
                return self._checkpoint(venue, subscription, item, now_ns)
            case Unsubscribed():
                keeper.close(symbol)
            case LinkLost():
                keeper.withdraw(symbol, BookStatus.SYNCING, f"link lost: {item.reason}")
            case Desync():
                keeper.withdraw(symbol, BookStatus.DESYNCED, item.reason)
            case Dropped():
                reason = f"{item.count} events were dropped"
                keeper.withdraw(symbol, BookStatus.DESYNCED, reason)
            case DataStale():
                reason = f"silent for {item.silent_s:.0f} s"
                keeper.mark_uncertain(symbol, BookStatus.STALE, reason)
            case Rejected():
                reason = f"a frame could not be read: {item.reason}"
                keeper.mark_uncertain(symbol, BookStatus.UNVERIFIED, reason)
            case LeftOut():
                keeper.flaw(symbol, item.reason, item.received_ns)
            case _:
                pass
        return [item]

    def _keeper(self, venue: str) -> BookKeeper[Book]:
        keeper = self._keepers.get(venue)
        if keeper is None:
            try:
                checks = find_venue(venue).checks
            except BadInput:  # a venue that only the publisher knows
                checks = Checks()
            keeper = self._keepers[venue] = BookKeeper(venue, Book, checks.book, checks.depth)
        return keeper

    def _judged(
        self, verdict: Verdict, subscription: Subscription, message: BookSnapshot | BookUpdate
    ) -> list[Event]:
        if verdict is Verdict.WITHHELD:
            return []
        if verdict is not Verdict.FAILED:
            return [message]
        evidence = self._keeper(message.venue).get(message.symbol).evidence
        return [
            Desync(
                venue=message.venue,
                subscription=subscription,
                generation=evidence.generation,
                reason=evidence.reason,
                expected=message.checksum,
                computed=evidence.checksum,
                venue_ns=message.venue_ns,
                received_ns=message.received_ns,
            )
        ]

    def _checkpoint(
        self, venue: str, subscription: Subscription, theirs: Checkpoint, now_ns: int
    ) -> list[Event]:
        """Compare a book with the publisher's, or begin with it."""
        keeper, symbol = self._keeper(venue), theirs.book.symbol
        ours = keeper.open(symbol)
        events: list[Event] = []
        if ours.evidence.live:
            same = (*ours.bids,) == theirs.book.bids and (*ours.asks,) == theirs.book.asks
            if same:
                self.checkpoints_passed += 1
                return []
            self.checkpoints_failed += 1
            reason = "the book differs from the publisher's"
            events += self._withdraw(venue, subscription, symbol, reason, now_ns)
        verdict = keeper.snapshot(theirs.book)
        evidence = ours.evidence
        evidence.bid_floor, evidence.ask_ceiling = theirs.bid_floor, theirs.ask_ceiling
        if theirs.status is not BookStatus.VALID:
            keeper.flaw(symbol, theirs.reason, theirs.book.received_ns)
        events += self._end_hole(venue, subscription, theirs.book.received_ns, now_ns)
        return [*events, *self._judged(verdict, subscription, theirs.book)]

    def _withdraw(
        self, venue: str, subscription: Subscription, symbol: Symbol, reason: str, now_ns: int
    ) -> list[Event]:
        keeper = self._keeper(venue)
        book = keeper.open(symbol)
        if not book.evidence.live:
            return []
        keeper.withdraw(symbol, BookStatus.DESYNCED, reason)
        return [
            Desync(
                venue=venue,
                subscription=subscription,
                generation=book.evidence.generation,
                reason=reason,
                received_ns=now_ns,
            )
        ]

    def _end_hole(
        self, venue: str, subscription: Subscription, until_ns: int, now_ns: int
    ) -> list[Event]:
        """The gap that ends with a snapshot, and that the book is there again."""
        gap = self._holes.pop((venue, subscription), None)
        if gap is None:
            return []
        generation = self._keeper(venue).get(_symbol(subscription)).evidence.generation
        ended = structs.replace(gap, repair=Repair.SNAPSHOT, until_ns=until_ns, received_ns=now_ns)
        resynced = Resynced(
            venue=venue, subscription=subscription, generation=generation, received_ns=now_ns
        )
        return [ended, resynced]


def _joined(first: Gap, second: Gap) -> Gap:
    """Two gaps without a snapshot between them."""
    sizes = first.missing, second.missing
    return structs.replace(
        first,
        until_ns=second.until_ns,
        missing=None if None in sizes else sum(one or 0 for one in sizes),
        detail=f"{first.detail}; {second.detail}"[:_DETAIL_MAX],
    )


def _symbol(subscription: Subscription) -> Symbol:
    assert subscription.symbol is not None
    return subscription.symbol
