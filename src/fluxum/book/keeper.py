"""The books of one venue: no update before a snapshot, no book after a failed check."""

from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import Generic, TypeVar, cast

from fluxum.book.book import Book
from fluxum.book.checksum import JoinedChecksum
from fluxum.book.fast import follow
from fluxum.book.level3 import Level3Book
from fluxum.book.proof import BookStatus, Evidence
from fluxum.errors import NotSubscribed, RemoteProtocolError
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Level3Snapshot, Level3Update

__all__ = ["BookKeeper", "Verdict"]

# Looking up a member of an Enum costs as much as a call; the frame path does not.
_VALID = BookStatus.VALID
_UNVERIFIED = BookStatus.UNVERIFIED
AnyBook = TypeVar("AnyBook", Book, Level3Book)


class Verdict(Enum):
    """What a message did to a book.

    PASSED: applied and proved. RESTORED: the same, and the book is valid again. UNVERIFIED:
    applied, without a proof. AS_BEFORE: the same, as for the message before and for the same
    reason. FAILED: the check failed and the book was withdrawn; the evidence has the reason.
    WITHHELD: not applied, as there is no snapshot to apply it to.
    """

    PASSED = "passed"
    RESTORED = "restored"
    UNVERIFIED = "unverified"
    AS_BEFORE = "as before"
    FAILED = "failed"
    WITHHELD = "withheld"


_PASSED = Verdict.PASSED
_AS_BEFORE = Verdict.AS_BEFORE


class BookKeeper(Generic[AnyBook]):
    """Keeps books of one kind, level 2 or level 3.

    `checksum` computes the venue's checksum of a book, over `depth_proved` levels a side. Without
    one, a message is its own proof if it has a sequence number: the venue's protocol passes on
    only messages whose numbers are unbroken.
    """

    def __init__(
        self,
        venue: str,
        make: Callable[[str, Symbol], AnyBook],
        checksum: Callable[[AnyBook], int] | None,
        depth_proved: int | None,
    ) -> None:
        self._venue = venue
        self._make: Callable[[str, Symbol], AnyBook] = make
        self._checksum: Callable[[AnyBook], int] | None = checksum
        if isinstance(checksum, JoinedChecksum):
            # A bound method costs less to call than an object.
            self._checksum = cast("Callable[[AnyBook], int]", checksum.__call__)
        self._joined = _joined_depth(checksum)
        self._depth_proved = depth_proved
        self._books: dict[Symbol, AnyBook] = {}
        self.passed = 0
        self.failed = 0
        self.unverified = 0
        self.crossed = 0

    def __iter__(self) -> Iterator[AnyBook]:
        """Every book."""
        return iter(self._books.values())

    def open(self, symbol: Symbol) -> AnyBook:
        """Add a book, or return the one that is there."""
        book = self._books.get(symbol)
        if book is None:
            book = self._books[symbol] = self._make(self._venue, symbol)
        return book

    def close(self, symbol: Symbol) -> None:
        """Remove a book; a reader that still has it sees it empty."""
        book = self._books.pop(symbol, None)
        if book is not None:
            self._withdraw(book, BookStatus.SYNCING, "unsubscribed")

    def get(self, symbol: Symbol) -> AnyBook:
        """The book of a symbol; raises NotSubscribed."""
        try:
            return self._books[symbol]
        except KeyError:
            kept = ", ".join(sorted(self._books)) or "none"
            raise NotSubscribed(f"no book of {symbol!r} at {self._venue}; kept: {kept}") from None

    def snapshot(self, snapshot: BookSnapshot | Level3Snapshot) -> Verdict:
        """Begin a new generation of a book and check it."""
        book = self.open(snapshot.symbol)
        evidence = book.evidence
        try:
            book.replace(snapshot)  # type: ignore[arg-type]  # one keeper is fed one kind
        except RemoteProtocolError as error:  # a price outside the accepted range
            return self._fail(book, str(error))
        evidence.generation += 1
        evidence.checks = 0
        evidence.proved_ns = None
        evidence.checksum = evidence.sequence = None
        evidence.live = True
        evidence.status = BookStatus.UNVERIFIED
        evidence.reason = "no check yet"
        evidence.depth_proved = 0
        evidence.bid_floor = evidence.ask_ceiling = None
        if evidence.flawed_ns != snapshot.received_ns:
            evidence.flaw = ""
        if isinstance(snapshot, BookSnapshot) and snapshot.cut_at is not None:
            if len(snapshot.bids) >= snapshot.cut_at:
                evidence.bid_floor = snapshot.bids[-1].price
            if len(snapshot.asks) >= snapshot.cut_at:
                evidence.ask_ceiling = snapshot.asks[-1].price
        return self._judge(book, evidence, snapshot)

    def update(self, update: BookUpdate | Level3Update) -> Verdict:
        """Apply an update to its book and check it."""
        book = self._books.get(update.symbol)
        if book is None:
            return self._withhold()
        evidence = book.evidence
        if not evidence.live:
            return self._withhold()
        try:
            book.apply(update)  # type: ignore[arg-type]  # one keeper is fed one kind
        except RemoteProtocolError as error:  # a price outside the accepted range
            return self._fail(book, str(error))
        return self._judge(book, evidence, update)

    def follow(self, updates: Sequence[BookUpdate], at: int) -> tuple[int, Verdict | None]:
        """Apply scanned updates from a place on, up to one that is more or less than PASSED.

        Returns how many passed, and the verdict of the one behind them; `None` if all passed.
        """
        passed, is_applied = follow(self._books, updates, at, self._joined)
        self.passed += passed
        if at + passed == len(updates):
            return passed, None
        update = updates[at + passed]
        if not is_applied:
            return passed, self.update(update)
        book = self._books[update.symbol]
        return passed, self._judge(book, book.evidence, update)

    def withdraw(self, symbol: Symbol, status: BookStatus, reason: str) -> None:
        """Empty one book, if it is there, until its next snapshot."""
        book = self._books.get(symbol)
        if book is not None:
            self._withdraw(book, status, reason)

    def mark_uncertain(self, symbol: Symbol, status: BookStatus, reason: str) -> None:
        """Mark a book as unproved, until its next check passes."""
        book = self._books.get(symbol)
        if book is not None and book.evidence.live:
            book.evidence.status = status
            book.evidence.reason = reason
            book.evidence.depth_proved = 0

    def flaw(self, symbol: Symbol, reason: str, received_ns: int) -> None:
        """Note that a frame had levels that could not be read.

        Its book is unverified from then on, until a checksum passes or a whole snapshot comes in a
        later frame.
        """
        book = self._books.get(symbol)
        if book is not None:
            book.evidence.flaw, book.evidence.flawed_ns = reason, received_ns
            self.mark_uncertain(symbol, BookStatus.UNVERIFIED, reason)

    def _withhold(self) -> Verdict:
        self.unverified += 1
        return Verdict.WITHHELD

    def _judge(
        self,
        book: AnyBook,
        evidence: Evidence,
        message: BookSnapshot | BookUpdate | Level3Snapshot | Level3Update,
    ) -> Verdict:
        evidence.updated_ns = message.received_ns
        evidence.venue_ns = message.venue_ns
        expected = message.checksum
        if self._checksum is not None and expected is not None:
            computed = self._checksum(book)
            if computed != expected:
                verdict = self._fail(book, f"checksum {computed} is not the venue's {expected}")
                evidence.checksum = computed
                return verdict
            evidence.checksum = computed
            evidence.flaw = ""
        elif (sequence := getattr(message, "sequence", None)) is not None:
            evidence.sequence = sequence  # level 3 has none
        elif book.is_crossed:
            self.crossed += 1
            return self._unverified(book, "the book is crossed, and nothing to check it by is sent")
        else:
            return self._unverified(book, "the venue sends nothing to check it by")
        if book.is_crossed:
            self.crossed += 1
            return self._unverified(book, "the check passed, but the book is crossed")
        if evidence.flaw:
            return self._unverified(book, evidence.flaw)
        self.passed += 1
        evidence.checks += 1
        evidence.proved_ns = message.received_ns
        if evidence.status is _VALID:
            return _PASSED
        self._validate(book)
        return Verdict.RESTORED

    def _fail(self, book: AnyBook, reason: str) -> Verdict:
        self.failed += 1
        self._withdraw(book, BookStatus.DESYNCED, reason)
        return Verdict.FAILED

    def _validate(self, book: AnyBook) -> None:
        evidence = book.evidence
        evidence.status = BookStatus.VALID
        evidence.reason = ""
        # A checksum proves its own depth, an unbroken sequence all levels.
        by_checksum = self._depth_proved if evidence.checksum is not None else None
        depths = [depth for depth in (by_checksum, book.bids.depth) if depth is not None]
        evidence.depth_proved = min(depths, default=None)

    def _unverified(self, book: AnyBook, reason: str) -> Verdict:
        self.unverified += 1
        evidence = book.evidence
        if evidence.status is _UNVERIFIED and evidence.reason == reason:
            return _AS_BEFORE
        evidence.status = BookStatus.UNVERIFIED
        evidence.reason = reason
        evidence.depth_proved = 0
        return Verdict.UNVERIFIED

    @staticmethod
    def _withdraw(book: AnyBook, status: BookStatus, reason: str) -> None:
        book.clear()
        book.evidence.withdraw(status, reason)


def _joined_depth(checksum: object) -> int:
    """The depth of a checksum that `follow` computes; 0 for another one, -1 without one."""
    if checksum is None:
        return -1
    return checksum.depth if isinstance(checksum, JoinedChecksum) else 0
