"""What a publisher reads: a session, or a hub with all of its sessions.

A feed is one session's half: which streams an event belongs to, and the books that checkpoints are
taken from. A source is the pipe of events, of one feed or of several.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from fluxum.book.book import Book
from fluxum.book.level3 import Level3Book
from fluxum.errors import BadInput, FluxumError, NotSubscribed
from fluxum.flow.pipe import Overflow
from fluxum.hub.hub import Hub
from fluxum.model.event import Channel, Dropped, Event, Subscription, Unsubscribed
from fluxum.model.instrument import Symbol
from fluxum.model.market import Level3Snapshot
from fluxum.session.session import Session
from fluxum.sink.names import BOOKS, StreamName, place_of
from fluxum.sink.routes import Routes
from fluxum.sink.wire import Checkpoint, orders_of
from fluxum.trader import Trader

__all__ = ["PublishSource", "Source", "Wanted", "require_sources", "sources_of"]

PublishSource = Session | Trader | Hub | Mapping[str, Session | Trader]
"""A session, a trader's, a hub's, or sessions by labels: several of one venue need them."""


class Wanted(Protocol):
    """What a policy says about sources; see `PublishPolicy`."""

    @property
    def capacity(self) -> int:
        """How many events of a session may wait."""
        ...

    @property
    def streams(self) -> tuple[str, ...]:
        """Patterns of what is published."""
        ...

    @property
    def has_account(self) -> bool:
        """Whether the account's streams are published."""
        ...


class Source(Protocol):
    """Events of one session or several, and where they go."""

    async def wait(self) -> bool:
        """Wait for an event; false when the source has ended."""
        ...

    @property
    def waiting(self) -> int:
        """How many events wait."""
        ...

    def take(self) -> Iterator[Event]:
        """The events that wait, in their order; those that are not reached go on waiting."""
        ...

    def ended(self, now_ns: int) -> list[Event]:
        """Events for what has left the source since the last call; when none waits."""
        ...

    def streams(self, event: Event) -> Sequence[str]:
        """The streams that an event belongs to."""
        ...

    def turn(self, turn: int, turns: int) -> list[str]:
        """The streams of books whose turn it is."""
        ...

    def own(self, streams: Collection[str]) -> set[str]:
        """Those of these streams that are of this source."""
        ...

    def checkpoint(self, stream: str, now_ns: int) -> Checkpoint | None:
        """The book of a stream; `None` if it is no stream of a book, or the book is withdrawn."""
        ...

    def cancel(self) -> None:
        """Read no more."""
        ...


def require_sources(wanted: Collection[PublishSource]) -> None:
    """Raise BadInput unless there are sources, and no two have streams of the same names."""
    sessions, hubs = _sorted(wanted)
    places = [place for place, _ in sessions] + [one for it in hubs for one in it.venues]
    if not sessions and not hubs:
        raise BadInput("a session or a hub to publish was expected, was none")
    if len(set(places)) < len(places) or len(hubs) > 1:
        raise BadInput(
            "one session of each venue was expected, or sessions by labels such as "
            f"{{'main': session}}, were {', '.join(places)}"
        )


def sources_of(wanted: Collection[PublishSource], policy: Wanted) -> list[Source]:
    """The sources of a publisher, from now on."""
    sessions, hubs = _sorted(wanted)
    found: list[Source] = [_OfSession(place, one, policy) for place, one in sessions]
    return found + [_OfHub(one, policy) for one in hubs]


def _sorted(wanted: Collection[PublishSource]) -> tuple[list[tuple[str, Session]], list[Hub]]:
    sessions: list[tuple[str, Session]] = []
    hubs: list[Hub] = []
    for one in wanted:
        if isinstance(one, Hub):
            hubs.append(one)
        elif isinstance(one, Mapping):
            sessions += [_placed(session, label) for label, session in one.items()]
        else:
            sessions.append(_placed(one))
    return sessions, hubs


def _placed(one: Session | Trader, label: str = "") -> tuple[str, Session]:
    session = one.session if isinstance(one, Trader) else one
    return place_of(session.venue.name, label), session


class _Feed:
    """One session's streams and books; `find` returns the session, as long as it is there."""

    def __init__(self, place: str, find: Callable[[], Session | None], policy: Wanted) -> None:
        self.place = place
        self._find = find
        self._last: Session | None = None
        self._had: Sequence[Subscription] = ()  # those of the last session
        routes = Routes(
            place,
            self._subscribed,
            self._carries,
            has_account=policy.has_account,
            patterns=policy.streams,
        )
        self.streams, self._name = routes.streams, routes.name

    def _subscribed(self) -> Collection[Subscription]:
        session = self._find()
        return () if session is None else session.subscriptions

    def _carries(self, link: str, one: Subscription) -> bool:
        session = self._find()
        return session is not None and session.carries(link, one)

    def ended(self) -> list[Subscription]:
        """The subscriptions that ended with a session since the last call."""
        had, self._had = self._had, tuple(self._subscribed())
        last, self._last = self._last, self._find()
        return [] if last is self._last else [one for one in had if one not in self._had]

    def turn(self, turn: int, turns: int) -> list[str]:
        books = [one for one in self._subscribed() if one.channel in BOOKS]
        return [stream for one in books[turn::turns] for stream in self._name(one)]

    def checkpoint(self, wanted: Subscription | None, now_ns: int) -> Checkpoint | None:
        session = self._find()
        if session is None or wanted is None or wanted.symbol is None:
            return None
        try:
            return _checkpoint(session, wanted.channel, wanted.symbol, now_ns)
        except NotSubscribed:
            return None


class _OfSession:
    """One session; see Source."""

    def __init__(self, place: str, session: Session, policy: Wanted) -> None:
        self._feed = _Feed(place, lambda: session, policy)
        self._taken: deque[Event] = deque()  # from the pipe, and not by the publisher yet
        self._events = session.events(capacity=policy.capacity, overflow=Overflow.DROP_OLDEST)
        self.cancel = self._events.cancel
        self.streams, self.turn = self._feed.streams, self._feed.turn

    async def wait(self) -> bool:
        return bool(self._taken) or await self._events.wait()

    @property
    def waiting(self) -> int:
        return len(self._taken) + self._events.waiting

    def take(self) -> Iterator[Event]:
        return _take(self._taken, self._events.drain)

    def ended(self, now_ns: int) -> list[Event]:
        """A session reports all of it itself."""
        del now_ns
        return []

    def own(self, streams: Collection[str]) -> set[str]:
        return {one for one in streams if StreamName.parse(one).place == self._feed.place}

    def checkpoint(self, stream: str, now_ns: int) -> Checkpoint | None:
        return self._feed.checkpoint(StreamName.parse(stream).subscription, now_ns)


class _OfHub:
    """All sessions of a hub, those of venues that are added later too; see Source."""

    def __init__(self, hub: Hub, policy: Wanted) -> None:
        self._hub = hub
        self._policy = policy
        self._feeds: dict[str, _Feed] = {}
        self._taken: deque[Event] = deque()  # from the pipes, and not by the publisher yet
        self._events = hub.events(capacity=policy.capacity, overflow=Overflow.DROP_OLDEST)
        for venue in hub.venues:
            self._feed(venue)
        self.cancel = self._events.cancel

    async def wait(self) -> bool:
        if not self._taken:
            try:
                event = await anext(self._events)
            except StopAsyncIteration:
                return False
            self._taken.append(event)  # what was taken meanwhile came before
        return True

    @property
    def waiting(self) -> int:
        return len(self._taken) + self._events.waiting

    def take(self) -> Iterator[Event]:
        return _take(self._taken, self._events.drain)

    def ended(self, now_ns: int) -> list[Event]:
        """A venue was removed: its subscriptions have ended, which its session cannot report."""
        for venue in self._hub.venues:
            self._feed(venue)
        return [
            Unsubscribed(venue=venue, subscription=one, received_ns=now_ns)
            for venue, feed in self._feeds.items()
            for one in feed.ended()
        ]

    def streams(self, event: Event) -> Sequence[str]:
        if isinstance(event, Dropped) and event.venue not in self._feeds:  # of the hub's own
            return [name for feed in self._feeds.values() for name in feed.streams(event)]
        return self._feed(event.venue).streams(event)

    def turn(self, turn: int, turns: int) -> list[str]:
        return [name for feed in self._feeds.values() for name in feed.turn(turn, turns)]

    def own(self, streams: Collection[str]) -> set[str]:
        return {one for one in streams if StreamName.parse(one).place in self._feeds}

    def checkpoint(self, stream: str, now_ns: int) -> Checkpoint | None:
        name = StreamName.parse(stream)
        return self._feed(name.place).checkpoint(name.subscription, now_ns)

    def _feed(self, venue: str) -> _Feed:
        feed = self._feeds.get(venue)
        if feed is None:
            feed = self._feeds[venue] = _Feed(venue, lambda: self._session(venue), self._policy)
        return feed

    def _session(self, venue: str) -> Session | None:
        with suppress(FluxumError):  # it is not open, has failed, or was removed
            return self._hub.session(venue)
        return None


def _take(taken: deque[Event], drain: Callable[[], list[Event]]) -> Iterator[Event]:
    """What was taken from a pipe before, then what waits in it, which its bound is for."""
    while True:
        if not taken:
            taken += drain()
        if not taken:
            return
        yield taken.popleft()


def _checkpoint(
    session: Session, channel: Channel, symbol: Symbol, now_ns: int
) -> Checkpoint | None:
    book: Book | Level3Book
    if channel is Channel.BOOK:
        book = session.book(symbol)
    elif channel is Channel.LEVEL3:
        book = session.level3(symbol)
    else:
        return None
    evidence = book.evidence
    if not evidence.live:
        return None
    return Checkpoint(
        book=book.snapshot() if isinstance(book, Book) else _snapshot(book),
        status=evidence.status,
        reason=evidence.reason,
        generation=evidence.generation,
        checks=evidence.checks,
        bid_floor=evidence.bid_floor,
        ask_ceiling=evidence.ask_ceiling,
        sent_ns=now_ns,
    )


def _snapshot(book: Level3Book) -> Level3Snapshot:
    evidence = book.evidence
    return Level3Snapshot(
        venue=book.venue,
        symbol=book.symbol,
        bids=tuple(orders_of(book.bids)),
        asks=tuple(orders_of(book.asks)),
        depth=book.bids.depth,
        venue_ns=evidence.venue_ns,
        received_ns=evidence.updated_ns or 0,
        checksum=evidence.checksum,
    )
