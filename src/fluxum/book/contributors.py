"""Which venues' books are part of a consolidated one: those that are proved now.

Every read begins with `refresh`. So a book that is not valid has left before the next read, and the
event about it is published before that read returns.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal

from fluxum.book.book import Book
from fluxum.book.ladder import Ladder
from fluxum.book.proof import BookStatus
from fluxum.model.event import VenueRemoved, VenueReturned
from fluxum.model.instant import format_second
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import Side

__all__ = ["Contributor", "Contributors", "MarketFacts"]

_VALID, _UNVERIFIED = BookStatus.VALID, BookStatus.UNVERIFIED
_ONE = Decimal(1)
Membership = VenueRemoved | VenueReturned


class MarketFacts:
    """What a consolidated book has to know of a venue's market, beside its book.

    `instrument` returns the market's rules, `None` while they are unknown. `clock_offset_ns`
    returns how far the venue's clock is ahead of this machine's, `None` until it was measured.
    """

    def __init__(
        self,
        instrument: Callable[[], Instrument | None] = lambda: None,
        clock_offset_ns: Callable[[], int | None] = lambda: None,
    ) -> None:
        self.instrument = instrument
        self.clock_offset_ns = clock_offset_ns


class Contributor:
    """One venue's book; `haircut` is the fraction by which the prices of an alias are worsened."""

    __slots__ = ("_generation", "book", "facts", "haircut", "is_in", "since_ns", "venue")

    def __init__(self, book: Book, haircut: Decimal, facts: MarketFacts) -> None:
        self.book = book
        self.venue = book.venue
        self.haircut = haircut
        self.facts = facts
        self.is_in = False
        self._generation = book.evidence.generation
        self.since_ns: int | None = None
        """When the book came or left last; `None` if it never was part of the whole."""

    @property
    def is_valid(self) -> bool:
        """Whether a passed check proves the book now."""
        return self.book.evidence.status is _VALID

    def ladder(self, side: Side) -> Ladder:
        """The bids (BUY) or asks (SELL)."""
        return self.book.bids if side is Side.BUY else self.book.asks

    def price(self, side: Side, price: Decimal) -> Decimal:
        """A price with the haircut: bids are lower and asks higher."""
        if not self.haircut:
            return price
        return price * (_ONE - self.haircut if side is Side.BUY else _ONE + self.haircut)

    def age_ns(self, now_ns: int) -> int:
        """The time since the last message for this book was received."""
        updated_ns = self.book.updated_ns
        return now_ns if updated_ns is None else now_ns - updated_ns

    def renew(self) -> bool:
        """Whether the book has a new generation since the last call."""
        before, self._generation = self._generation, self.book.evidence.generation
        return before != self._generation

    def turn(self, *, is_in: bool, now_ns: int) -> None:
        """The book is part of the whole from now on, or is not."""
        self.is_in = is_in
        self.since_ns = now_ns

    @property
    def reason(self) -> str:
        """Why the book is no part of the whole now."""
        evidence = self.book.evidence
        since = "" if self.since_ns is None else f" since {format_second(self.since_ns)}"
        return f"{evidence.status.value}{since}: {evidence.reason or 'not proved'}"


class Contributors:
    """The books of one symbol at all venues, and which of them can be trusted now.

    `publish` is given every event before the read that it concerns returns. Books of the venues
    named in `unverified` may also be unverified.
    """

    def __init__(
        self,
        symbol: Symbol,
        now_ns: Callable[[], int],
        publish: Callable[[Membership], None],
        unverified: Collection[str] = (),
    ) -> None:
        self.symbol = symbol
        self.generation = 0
        """Changes whenever a venue leaves or returns, and with the generation of any book."""
        self.now_ns = now_ns
        self._publish = publish
        self._unverified = frozenset(unverified)
        self._every: dict[tuple[str, Symbol], Contributor] = {}

    def __iter__(self) -> Iterator[Contributor]:
        """The books that can be trusted now, in the order they were added."""
        self.refresh()
        return iter([one for one in self._every.values() if one.is_in])

    def put(
        self, book: Book, haircut: Decimal = Decimal(0), facts: MarketFacts | None = None
    ) -> None:
        """Add a book, or replace the one of the same venue and market."""
        key = book.venue, book.symbol
        known = self._every.get(key)
        if known is not None and known.book is book and known.haircut == haircut:
            return
        self.drop(*key)
        self._every[key] = Contributor(book, haircut, facts or MarketFacts())

    def drop(self, venue: str, market: Symbol) -> None:
        """Remove a book, if it is there."""
        known = self._every.get((venue, market))
        if known is not None:
            if known.is_in:
                self._remove(known, "it is not subscribed any more")
            del self._every[venue, market]

    def keys(self) -> Collection[tuple[str, Symbol]]:
        """The venues and markets of all books."""
        return list(self._every)

    def refresh(self) -> None:
        """Check every book's proof; publish which venues left and which returned."""
        for one in self._every.values():
            status = one.book.evidence.status
            is_in = status is _VALID or (status is _UNVERIFIED and one.venue in self._unverified)
            if is_in is not one.is_in:
                one.renew()
                if is_in:
                    self._readmit(one)
                else:
                    self._remove(one, "")
            elif one.renew():
                self.generation += 1

    def out(self) -> list[Contributor]:
        """The books that cannot be trusted now."""
        return [one for one in self._every.values() if not one.is_in]

    @property
    def removed(self) -> Mapping[str, str]:
        """The venues that are no part of the whole now, with their reasons.

        The market is named as well if it is an alias.
        """
        self.refresh()
        return {
            one.venue if one.book.symbol == self.symbol else f"{one.venue} {one.book.symbol}": (
                one.reason
            )
            for one in self.out()
        }

    def _readmit(self, one: Contributor) -> None:
        now_ns = self.now_ns()
        one.turn(is_in=True, now_ns=now_ns)
        self.generation += 1
        self._publish(
            VenueReturned(
                venue=one.venue,
                symbol=self.symbol,
                market=one.book.symbol,
                generation=self.generation,
                received_ns=now_ns,
            )
        )

    def _remove(self, one: Contributor, reason: str) -> None:
        evidence = one.book.evidence
        now_ns = self.now_ns()
        one.turn(is_in=False, now_ns=now_ns)
        self.generation += 1
        self._publish(
            VenueRemoved(
                venue=one.venue,
                symbol=self.symbol,
                market=one.book.symbol,
                generation=self.generation,
                reason=reason or f"{evidence.status.value}: {evidence.reason or 'not proved'}",
                received_ns=now_ns,
            )
        )
