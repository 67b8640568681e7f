"""The readers' side of a hub: the streams of all its venues as one, and books as streams."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Self, TypeVar
from weakref import WeakKeyDictionary, ref

from fluxum.board import Board
from fluxum.book.consolidated import ConsolidatedBook, ConsolidatedReading
from fluxum.clock import Clock
from fluxum.errors import FluxumError, NotSubscribed
from fluxum.flow.background import Background
from fluxum.flow.bus import Bus
from fluxum.flow.merge import Merged
from fluxum.flow.pipe import Overflow, Pipe
from fluxum.hub.member import Member
from fluxum.model.event import (
    AccountEvent,
    Channel,
    Dropped,
    Event,
    MarketEvent,
    Subscription,
    VenueRemoved,
    VenueReturned,
)
from fluxum.model.input import counted
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.session.books import BookReading
from fluxum.session.session import Session
from fluxum.session.streams import Stream

__all__ = ["ConsolidatedStream", "HubBookStream", "HubStreams", "Source", "book_source"]

T = TypeVar("T")
Source = Callable[[Session], Pipe[Event]]
"""Opens a pipe of a session's events."""
_DATA: frozenset[type] = frozenset((*MarketEvent.__args__, *AccountEvent.__args__))
_BOOKS_WAITING = 100
_OWN_WAITING = 10_000


class HubStreams:
    """Opens streams of all venues, those of venues that come later included.

    `bus` has the hub's own events; the streams end with it, not with their venues.
    """

    def __init__(self, bus: Bus[Event], clock: Clock, members: Mapping[str, Member]) -> None:
        self._bus = bus
        self._clock = clock
        self._members = members
        self._sessions: dict[str, Session] = {}  # those that every stream has a pipe of
        self._merged: WeakKeyDictionary[Merged[Event], Source] = WeakKeyDictionary()

    def merge(self, source: Source, wants_own: Callable[[Event], bool]) -> Merged[Event]:
        """The pipes of all venues, and the hub's own events of these, as one."""
        own = self._bus.subscribe(
            wants_own, capacity=_OWN_WAITING, overflow=Overflow.DROP_OLDEST, notice=self._dropped
        )
        pipes = [own, *map(source, self._sessions.values())]
        merged = Merged(pipes, _pass_over, self._look)
        self._merged[merged] = source
        return merged

    def join(self, venue: str, session: Session) -> None:
        """A venue was opened: its events are in every stream, those that are open included."""
        self._sessions[venue] = session
        for merged, source in list(self._merged.items()):
            merged.add(source(session))

    def leave(self, venue: str) -> None:
        """A venue was closed, and its pipes with it."""
        self._sessions.pop(venue, None)

    def stream(
        self, kind: type[T], channel: Channel, symbol: str | None, capacity: int, overflow: Overflow
    ) -> Stream[T]:
        """The events of one kind, of one symbol or all; raises NotSubscribed."""
        self.require(channel, symbol)

        def source(session: Session) -> Pipe[Event]:
            return session.events_of(kind, channel, symbol, capacity=capacity, overflow=overflow)

        return Stream(self.merge(source, _no_event), kind)

    def books(self, symbol: str, session: Callable[[str], Session], depth: int) -> "HubBookStream":
        """The book of a symbol at each venue; raises NotSubscribed and BadInput."""
        self.require(Channel.BOOK, symbol)
        events = self.merge(book_source(symbol), _no_event)
        return HubBookStream(events, session, symbol, counted(depth, "depth"))

    def consolidated(
        self, book: ConsolidatedBook, markets: Iterable[Symbol], depth: int
    ) -> "ConsolidatedStream":
        """A consolidated book of these markets as a stream; raises BadInput."""

        def wants(event: Event) -> bool:
            return isinstance(event, VenueRemoved | VenueReturned) and event.symbol == book.symbol

        events = self.merge(book_source(*markets), wants)
        return ConsolidatedStream(events, book, counted(depth, "depth"))

    def board(self, work: Background, trades_kept: int, candles_kept: int) -> Board:
        """A board that a task keeps up to date as long as it is referenced; raises BadInput."""
        events = self.merge(lambda session: session.events(Board.wants), Board.wants)
        board = Board(
            self._clock.now_ns,
            carries=self._carries,
            waiting=events.drain,
            trades_kept=trades_kept,
            candles_kept=candles_kept,
        )
        work.start(_keep(ref(board), events), name="hub board")
        return board

    def _carries(self, venue: str, link: str, subscription: Subscription) -> bool:
        member = self._members.get(venue)
        session = None if member is None else member.session
        return session is None or session.carries(link, subscription)

    def require(self, channel: Channel, symbol: str | None, *others: str) -> None:
        """Raise NotSubscribed unless a venue has this symbol, or one of the others."""
        wanted = {None if symbol is None else Symbol(symbol), *map(Symbol, others)}
        for member in self._members.values():
            if member.session is not None and any(
                one.channel is channel and (None in wanted or one.symbol in wanted)
                for one in member.session.subscriptions
            ):
                return
        what = channel.value if symbol is None else f"{channel.value} {symbol}"
        raise NotSubscribed(f"'{what}' is subscribed at no venue of {', '.join(self._members)}")

    def _look(self, event: Event) -> None:
        """Measure how long an event took from its receipt until a reader has it."""
        member = self._members.get(event.venue)
        if member is not None and type(event) in _DATA:
            member.delivered.record(self._clock.now_ns() - event.received_ns)

    def _dropped(self, count: int) -> Event:
        return Dropped(venue="hub", count=count, received_ns=self._clock.now_ns())


def _no_event(_event: Event) -> bool:
    """No event of the hub itself."""
    return False


def book_source(*symbols: str) -> Source:
    """Opens the events of a session that change these books or their proofs; the last waits."""
    wanted = frozenset(map(Symbol, symbols))

    def source(session: Session) -> Pipe[Event]:
        if len(wanted) > 1:
            return session.events_of(
                (BookUpdate, BookSnapshot),
                Channel.BOOK,
                capacity=_BOOKS_WAITING,
                overflow=Overflow.CONFLATE,
            )
        return session.events_of(
            (BookUpdate, BookSnapshot),
            Channel.BOOK,
            next(iter(wanted)),
            capacity=_BOOKS_WAITING,
            overflow=Overflow.CONFLATE,
        )

    return source


async def _keep(kept: "ref[Board]", events: Merged[Event]) -> None:
    """Keep a board up to date until it is dropped, or the hub ends."""
    with events:
        async for event in events:
            board = kept()
            if board is None:
                return
            board.take(event)
            del board  # otherwise it would never be dropped


def _pass_over(_error: FluxumError) -> None:
    """A venue failed: the hub publishes VenueFailed itself, and its streams go on."""


class HubBookStream:
    """Readings of one symbol's book at every venue; iterate with `async for`.

    Each is as fresh as the moment it is read and has its venue in `snapshot.venue`. The venues
    take turns, and losses are followed by a reading of a book that is withdrawn.
    """

    def __init__(
        self, events: Merged[Event], session: Callable[[str], Session], symbol: str, depth: int
    ) -> None:
        self._events = events
        self._session = session
        self._symbol = symbol
        self._depth = depth

    def __aiter__(self) -> Self:
        """The stream itself; it has one reader."""
        return self

    async def __anext__(self) -> BookReading:
        """Wait for a change of one of the books, then read that book."""
        async for event in self._events:
            try:
                book = self._session(event.venue).book(self._symbol)
            except FluxumError:  # the venue or the subscription is gone meanwhile
                continue
            return BookReading(book.snapshot(self._depth), book.proof())
        raise StopAsyncIteration

    def close(self) -> None:
        """Stop reading."""
        self._events.cancel()


class ConsolidatedStream:
    """Readings of a consolidated book after each change of one of its books.

    Iterate with `async for`. Before the first reading without a venue comes its `VenueRemoved`,
    before the first one with it its `VenueReturned`. A slow reader skips to the latest reading.
    """

    def __init__(self, events: Merged[Event], book: ConsolidatedBook, depth: int) -> None:
        self._events = events
        self._book = book
        self._depth = depth
        self._changes: deque[VenueRemoved | VenueReturned] = deque()
        self._is_due = True

    def __aiter__(self) -> Self:
        """The stream itself; it has one reader."""
        return self

    async def __anext__(self) -> ConsolidatedReading | VenueRemoved | VenueReturned:
        """The next change of who takes part, or reading."""
        if not self._changes and not self._is_due:
            self._take(await anext(self._events))
        self._take(*self._events.drain())
        if not self._changes:
            reading = self._book.read(self._depth)
            self._take(*self._events.drain())  # what this reading found out comes before it
            if not self._changes:
                self._is_due = False
                return reading
        return self._changes.popleft()

    def close(self) -> None:
        """Stop reading."""
        self._events.cancel()

    def _take(self, *events: Event) -> None:
        for event in events:
            self._is_due = True
            if isinstance(event, VenueRemoved | VenueReturned):
                self._changes.append(event)
