"""Books of a reader, kept and proved as a session keeps them, from a stream and its checkpoints.

The venue's own check runs on every update: a checksum over the levels where there is one, else the
numbering. A number that is missing withdraws the book, until the next snapshot or checkpoint. A
checkpoint of a book that is not withdrawn must equal it level by level, or order by order.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from msgspec import structs

from fluxum.book.book import Book
from fluxum.book.keeper import BookKeeper, Verdict
from fluxum.book.level3 import Level3Book
from fluxum.book.proof import BookStatus
from fluxum.errors import BadInput, NotSubscribed
from fluxum.model.event import (
    Channel,
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
from fluxum.model.market import BookSnapshot, BookUpdate, Level3Snapshot, Level3Update
from fluxum.sink.names import StreamName
from fluxum.sink.wire import Checkpoint, orders_of
from fluxum.venues.register import find_venue
from fluxum.venues.venue import Checks

__all__ = ["Mirrors"]

_DETAIL_MAX = 500
_Message = BookSnapshot | BookUpdate | Level3Snapshot | Level3Update
AnyBook = TypeVar("AnyBook", Book, Level3Book)


class Mirrors:
    """All books of a reader."""

    def __init__(self) -> None:
        self.checkpoints_passed = 0
        self.checkpoints_failed = 0
        self._books: dict[str, BookKeeper[Book]] = {}  # by place
        self._level3: dict[str, BookKeeper[Level3Book]] = {}
        self._holes: dict[StreamName, Gap] = {}

    def book(self, place: str, symbol: Symbol) -> Book:
        """The book of a market; raises NotSubscribed."""
        return _found(self._books, place).get(symbol)

    def level3(self, place: str, symbol: Symbol) -> Level3Book:
        """The book of single orders of a market; raises NotSubscribed."""
        return _found(self._level3, place).get(symbol)

    def lose(self, name: StreamName, gap: Gap) -> list[Event]:
        """Something of a book's stream is missing: withdraw the book."""
        known = self._holes.get(name)
        self._holes[name] = gap if known is None else _joined(known, gap)
        return self._withdraw(name, gap.detail, gap.received_ns)

    def follow(self, name: StreamName, item: Event | Checkpoint, now_ns: int) -> Sequence[Event]:
        """What a reader gets for an event of a book's stream; nothing if it is withheld."""
        symbol, keeper = _symbol(name), self._keeper(name)
        match item:
            case BookUpdate() | Level3Update():
                return self._judged(name, keeper.update(item), item)
            case BookSnapshot() | Level3Snapshot():
                verdict = keeper.snapshot(item)
                return [
                    *self._end_hole(name, item.received_ns, now_ns),
                    *self._judged(name, verdict, item),
                ]
            case Checkpoint():
                return self._checkpoint(name, item, now_ns)
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

    def _keeper(self, name: StreamName) -> BookKeeper[Book] | BookKeeper[Level3Book]:
        assert name.subscription is not None
        is_level3 = name.subscription.channel is Channel.LEVEL3
        keeper = (self._level3 if is_level3 else self._books).get(name.place)
        if keeper is not None:
            return keeper
        try:
            checks = find_venue(name.venue).checks
        except BadInput:  # a venue that only the publisher knows
            checks = Checks()
        if is_level3:
            made = BookKeeper(name.venue, Level3Book, checks.level3, checks.depth)
            return self._level3.setdefault(name.place, made)
        kept = BookKeeper(name.venue, Book, checks.book, checks.depth)
        return self._books.setdefault(name.place, kept)

    def _judged(self, name: StreamName, verdict: Verdict, message: _Message) -> list[Event]:
        if verdict is Verdict.WITHHELD:
            return []
        if verdict is not Verdict.FAILED:
            return [message]
        evidence = self._keeper(name).get(message.symbol).evidence
        return [
            Desync(
                venue=message.venue,
                subscription=_subscription(name),
                generation=evidence.generation,
                reason=evidence.reason,
                expected=message.checksum,
                computed=evidence.checksum,
                venue_ns=message.venue_ns,
                received_ns=message.received_ns,
            )
        ]

    def _checkpoint(self, name: StreamName, theirs: Checkpoint, now_ns: int) -> list[Event]:
        """Compare a book with the publisher's, or begin with it."""
        keeper, symbol = self._keeper(name), _symbol(name)
        ours = keeper.open(symbol)
        events: list[Event] = []
        if ours.evidence.live:
            if _is_same(ours, theirs.book):
                self.checkpoints_passed += 1
                return []
            self.checkpoints_failed += 1
            events += self._withdraw(name, "the book differs from the publisher's", now_ns)
        verdict = keeper.snapshot(theirs.book)
        evidence = ours.evidence
        evidence.bid_floor, evidence.ask_ceiling = theirs.bid_floor, theirs.ask_ceiling
        if theirs.status is not BookStatus.VALID:
            keeper.flaw(symbol, theirs.reason, theirs.book.received_ns)
        events += self._end_hole(name, theirs.book.received_ns, now_ns)
        return [*events, *self._judged(name, verdict, theirs.book)]

    def _withdraw(self, name: StreamName, reason: str, now_ns: int) -> list[Event]:
        keeper, symbol = self._keeper(name), _symbol(name)
        book = keeper.open(symbol)
        if not book.evidence.live:
            return []
        keeper.withdraw(symbol, BookStatus.DESYNCED, reason)
        return [
            Desync(
                venue=name.venue,
                subscription=_subscription(name),
                generation=book.evidence.generation,
                reason=reason,
                received_ns=now_ns,
            )
        ]

    def _end_hole(self, name: StreamName, until_ns: int, now_ns: int) -> list[Event]:
        """The gap that ends with a snapshot, and that the book is there again."""
        gap = self._holes.pop(name, None)
        if gap is None:
            return []
        ended = structs.replace(gap, repair=Repair.SNAPSHOT, until_ns=until_ns, received_ns=now_ns)
        resynced = Resynced(
            venue=name.venue,
            subscription=_subscription(name),
            generation=self._keeper(name).get(_symbol(name)).evidence.generation,
            received_ns=now_ns,
        )
        return [ended, resynced]


def _found(keepers: Mapping[str, BookKeeper[AnyBook]], place: str) -> BookKeeper[AnyBook]:
    if place not in keepers:
        known = ", ".join(keepers) or "none"
        raise NotSubscribed(f"no book of {place!r} was received; venues: {known}")
    return keepers[place]


def _is_same(ours: Book | Level3Book, theirs: BookSnapshot | Level3Snapshot) -> bool:
    if isinstance(ours, Book):
        return (*ours.bids,) == theirs.bids and (*ours.asks,) == theirs.asks
    return (*orders_of(ours.bids),) == theirs.bids and (*orders_of(ours.asks),) == theirs.asks


def _joined(first: Gap, second: Gap) -> Gap:
    """Two gaps without a snapshot between them."""
    sizes = first.missing, second.missing
    return structs.replace(
        first,
        until_ns=second.until_ns,
        missing=None if None in sizes else sum(one or 0 for one in sizes),
        detail=f"{first.detail}; {second.detail}"[:_DETAIL_MAX],
    )


def _subscription(name: StreamName) -> Subscription:
    assert name.subscription is not None
    return name.subscription


def _symbol(name: StreamName) -> Symbol:
    symbol = _subscription(name).symbol
    assert symbol is not None
    return symbol
