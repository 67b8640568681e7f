"""A live book against snapshots over REST, as an agreement over time.

Theory of operation. A snapshot and a stream come by different ways, so they are never of the same
moment by themselves. The states that the live book had lately are kept. If the venue numbers its
books and one state has the number of the snapshot, the two must be equal. Otherwise the snapshot is
of some moment around its call, and is compared with the state that agrees best among those that the
book had from `_BEFORE_S` before the call until `_AFTER_S` after the answer. A book that is wrong is
wrong in all of them; one that is right has a state in which every level agrees. If the book was
withdrawn meanwhile, the snapshot cannot be compared and is skipped.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from fluxum.book.book import Book
from fluxum.doctor.agreement import Comparison, Difference, compare
from fluxum.errors import BadInput, FluxumError, RemoteProtocolError
from fluxum.flow.background import background
from fluxum.flow.pipe import Overflow
from fluxum.model.event import Dropped, Event
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.session.session import Session

__all__ = ["BookAudit", "BookStates", "audit_book"]

_BEFORE_S, _AFTER_S = 2.0, 1.0
_EVERY_S = 5.0
_STATES_MAX = 5000
_COMPARISONS_MAX = 10_000
_CAPACITY = 100_000
_SECOND_NS = 1_000_000_000


class BookAudit(Struct, frozen=True, kw_only=True, tag="audit"):
    """How a live book agreed with snapshots over REST.

    `skipped` are the snapshots that were not compared, as the call failed or the book was withdrawn
    at that time, with the last reason. Of very long audits the latest 10,000 comparisons are kept.
    """

    exchange: str
    symbol: str
    comparisons: tuple[Comparison, ...]
    skipped: int
    skip_reason: str

    @property
    def levels(self) -> int:
        """How many levels were compared."""
        return sum(one.levels for one in self.comparisons)

    @property
    def equal(self) -> int:
        """How many levels were equal."""
        return sum(one.equal for one in self.comparisons)

    @property
    def percent(self) -> float | None:
        """How many of 100 levels were equal; `None` if none was compared."""
        return 100.0 * self.equal / self.levels if self.levels else None

    @property
    def worst(self) -> Difference | None:
        """The level that differed by most money."""
        found = (one.worst for one in self.comparisons if one.worst is not None)
        return max(found, key=lambda one: one.notional, default=None)

    @property
    def wrong_in_a_row(self) -> int:
        """The longest run of snapshots with which the book did not agree completely."""
        longest = run = 0
        for one in self.comparisons:
            run = 0 if one.equal == one.levels else run + 1
            longest = max(longest, run)
        return longest


class BookStates:
    """The states that a live book had lately, `depth` levels a side; the latest 5,000.

    A state ends when the next begins. A withdrawn book has the state `None`.
    """

    def __init__(self, book: Book, depth: int, now_ns: int) -> None:
        self._book = book
        self._depth = depth
        self._states: deque[tuple[int, BookSnapshot | None]] = deque(maxlen=_STATES_MAX)
        self._noted: tuple[bool, int | None] | None = None
        self._note(now_ns)

    def take(self, events: Sequence[Event], now_ns: int) -> None:
        """Note the book's states after these events, which it has taken already, all of them.

        Only the last state can be read from the live book. Those before it are rebuilt from the
        state before the events.
        """
        for state in self._between(events):
            self._states.append((state.received_ns, state))
        self._note(now_ns)

    def during(self, since_ns: int, until_ns: int) -> Iterator[BookSnapshot | None]:
        """The states that the book had in an interval, latest first."""
        for began_ns, state in reversed(self._states):
            if began_ns <= until_ns:
                yield state
            if began_ns <= since_ns:
                return

    def _between(self, events: Sequence[Event]) -> Iterator[BookSnapshot]:
        if any(isinstance(one, Dropped) for one in events):
            return  # the audit itself was too slow; what came between is not known
        changes = [one for one in events if isinstance(one, BookSnapshot | BookUpdate)]
        before = self._states[-1][1]
        shadow = Book(self._book.venue, self._book.symbol, self._depth)
        if before is not None:
            shadow.replace(before)
        is_known = before is not None
        for change in changes[:-1]:
            try:
                if isinstance(change, BookSnapshot):
                    shadow.replace(change)
                    is_known = True
                elif is_known:
                    shadow.apply(change)
            except RemoteProtocolError:  # it will have withdrawn the live book too
                is_known = False
            if is_known:
                shadow.evidence.updated_ns = change.received_ns
                shadow.evidence.sequence = change.sequence
                yield shadow.snapshot(self._depth)

    def _note(self, now_ns: int) -> None:
        evidence = self._book.evidence
        is_live, updated_ns = evidence.live, evidence.updated_ns
        if (is_live, updated_ns) == self._noted:
            return
        self._noted = is_live, updated_ns
        state = self._book.snapshot(self._depth) if is_live else None
        at_ns = now_ns if state is None or updated_ns is None else updated_ns
        self._states.append((at_ns, state))


async def audit_book(
    session: Session,
    symbol: str,
    *,
    seconds: float,
    every_s: float = _EVERY_S,
    levels: int = 10,
    note: Callable[[Comparison], None] = lambda _comparison: None,
) -> BookAudit:
    """Compare a live book of a session with a snapshot every few seconds, for some seconds.

    `note` is given every comparison at once. Raises NotSubscribed, and BadInput for times and
    levels that make no sense.
    """
    if seconds <= 0 or every_s <= 0 or levels < 1:
        raise BadInput(
            "seconds, every_s and levels above zero were expected, "
            f"was {seconds}, {every_s} and {levels}"
        )
    auditor = _Auditor(session, symbol, levels, note)
    async with background(auditor.follow()):
        loop = asyncio.get_running_loop()
        end_s = loop.time() + seconds
        while True:
            began_s = loop.time()
            await auditor.compare()
            wait_s = max(0.0, began_s + every_s - loop.time())
            if loop.time() + wait_s >= end_s:
                return auditor.audit()
            await asyncio.sleep(wait_s)


class _Auditor:
    """One book's states, and its comparisons."""

    def __init__(
        self, session: Session, symbol: str, levels: int, note: Callable[[Comparison], None]
    ) -> None:
        self._session = session
        self._book = session.book(symbol)
        self._symbol = symbol
        self._levels = levels if self._book.depth is None else min(levels, self._book.depth)
        self._note = note
        # Twice as many, so that states can be rebuilt after levels have gone.
        self._states = BookStates(self._book, 2 * self._levels, session.now_ns())
        self._events = session.events(capacity=_CAPACITY, overflow=Overflow.DROP_OLDEST)
        self._comparisons: deque[Comparison] = deque(maxlen=_COMPARISONS_MAX)
        self._skipped = 0
        self._skip_reason = ""

    async def follow(self) -> None:
        """Keep the book's states until cancelled, or until the session ends."""
        async for batch in self._events.batches():
            mine = [one for one in batch if getattr(one, "symbol", self._symbol) == self._symbol]
            if mine:
                self._states.take(mine, self._session.now_ns())

    async def compare(self) -> None:
        """Fetch one snapshot and compare it."""
        requested_ns = self._session.now_ns()
        try:
            snapshot = await self._session.fetch_book(self._symbol, self._levels)
        except FluxumError as error:
            self._skip(f"no snapshot: {error}")
            return
        received_ns = self._session.now_ns()
        await asyncio.sleep(_AFTER_S)  # the stream may be later than the call
        since_ns = requested_ns - int(_BEFORE_S * _SECOND_NS)
        until_ns = received_ns + int(_AFTER_S * _SECOND_NS)
        states = list(self._states.during(since_ns, until_ns))
        best = _best(states, snapshot, self._known())
        if best is None:
            self._skip(f"the book was withdrawn meanwhile {self._book.evidence.reason}".rstrip())
            return
        self._comparisons.append(best)
        self._note(best)

    def audit(self) -> BookAudit:
        """What was found."""
        return BookAudit(
            exchange=self._session.venue.name,
            symbol=self._symbol,
            comparisons=tuple(self._comparisons),
            skipped=self._skipped,
            skip_reason=self._skip_reason,
        )

    def _known(self) -> int:
        """How many levels of the live book are known without gaps, at most those wanted."""
        known = self._book.depth_known
        return self._levels if known is None else min(self._levels, known)

    def _skip(self, reason: str) -> None:
        self._skipped += 1
        self._skip_reason = reason


def _best(
    states: Sequence[BookSnapshot | None], snapshot: BookSnapshot, count: int
) -> Comparison | None:
    """The comparison with the state of the same number, else the one that agrees best.

    `None` if the book was withdrawn for a part of the time, which may have been the snapshot's.
    """
    known = [one for one in states if one is not None and count]
    if snapshot.sequence is not None:
        for state in known:
            if state.sequence == snapshot.sequence:
                return compare(state, snapshot, count, by_sequence=True)
    if len(known) < len(states):
        return None
    best: Comparison | None = None
    for state in known:
        found = compare(state, snapshot, count)
        if best is None or found.percent > best.percent:
            best = found
        if best.equal == best.levels:
            break
    return best
