"""Session: a venue kept within reach, behind one door.

    async with Session(venue, dial=dial, clock=clock, random=random) as session:
        session.subscribe(Subscription(Channel.BOOK, Symbol("BTC/USD")))
        await session.wait_ready()

Subscriptions are spread over as many links as the venue's limits ask for. All events come out of
one ordered stream, `events()`, of which every other stream is a part. When the session fails for
good, every stream ends with that error; when its block ends, nothing of it is left running.
"""

import asyncio
from collections.abc import Callable, Hashable, Mapping, Sequence
from random import Random
from types import TracebackType
from typing import Self, TypeVar

from fluxum.book.book import Book
from fluxum.book.level3 import Level3Book
from fluxum.clock import Clock
from fluxum.errors import BadInput, FluxumError, NotSubscribed, VenueRefused
from fluxum.flow.background import Background, background
from fluxum.flow.pipe import Overflow, Pipe
from fluxum.model.event import (
    Dropped,
    Event,
    LinkReplaced,
    Rejected,
    State,
    StateChange,
    Subscription,
)
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Candle, Ticker, Trade
from fluxum.pacing import AttemptBudget, CallCounter
from fluxum.session.account import Account
from fluxum.session.asking import Asking
from fluxum.session.books import BookStream, ChangeStream
from fluxum.session.connection import RawFrame
from fluxum.session.feed import Feed, Surroundings, find_feed
from fluxum.session.fetching import Rest
from fluxum.session.gaps import GapLedger
from fluxum.session.handover import Rehearsal, next_try_s
from fluxum.session.intake import Intake
from fluxum.session.login import Login, owner_of
from fluxum.session.patrol import Patrol
from fluxum.session.readers import (
    decides_readiness,
    is_of_account,
    latest_key,
    refuse_unsuited,
    wants_of,
)
from fluxum.session.readiness import Missing
from fluxum.session.state import is_lawful, least_ready
from fluxum.session.statistics import Retired, SessionStatistics, gather
from fluxum.transport.http import Http
from fluxum.transport.link import Dial
from fluxum.venues.questions import Question
from fluxum.venues.venue import Limits, Venue

__all__ = ["Session"]

Said = TypeVar("Said")
_CAPACITY = 10_000
_REHEARSAL_S = 60.0


class Session:
    """One venue: its feeds, its books, and one ordered stream of all that happens.

    `endpoints` overrides URLs by endpoint name, `limits` the venue's numbers. Sessions of one
    venue that share an address should share a `budget` of attempts. With a `login` there is an
    `account`, and what needs a token can be subscribed to.
    """

    def __init__(
        self,
        venue: Venue,
        *,
        dial: Dial,
        clock: Clock,
        random: Random,
        endpoints: Mapping[str, str] | None = None,
        limits: Limits | None = None,
        budget: AttemptBudget | None = None,
        http: Http | None = None,
        login: Login | None = None,
    ) -> None:
        limits = limits or venue.limits
        unknown = sorted(set(endpoints or ()) - set(venue.endpoints))
        if unknown:
            known = ", ".join(venue.endpoints)
            raise BadInput(f"{venue.name} has the endpoints {known}; was {unknown[0]!r}")
        self.venue = venue
        self.state = State.DISCONNECTED
        self._endpoints = {**venue.endpoints, **(endpoints or {})}
        budget = budget or AttemptBudget(limits.attempts, limits.attempt_window_s)
        counter = CallCounter(limits.fetch_cost_max, limits.fetch_cost_per_s)
        rest = Rest(http, self._endpoints, counter, limits.backoff, random)
        self._asking = Asking(http, self._endpoints.get("rest", ""), clock, random, counter)
        account = None if login is None else login.account(venue, rest, clock)
        tokens = None if account is None else account.tokens
        self._around = Surroundings(venue, limits, dial, clock, random, budget, rest, tokens)
        self._intake = Intake(self._around, lambda: asyncio.get_running_loop().time())
        self._patrol = Patrol(self._around, self._intake, lambda: asyncio.get_running_loop().time())
        if account is not None:
            self._intake.account = account
            account.attach(owner_of(self._intake, self._account_events))
        self._feeds: list[Feed] = []
        self._running: dict[Feed, asyncio.Task[None]] = {}
        self._replacing: set[Feed] = set()
        self._retired = Retired()
        self._scope = background()
        self._work: Background | None = None
        self._is_wanted = True  # whether the user wants links, once the block is entered
        self._error: FluxumError | None = None

    async def __aenter__(self) -> Self:
        self._work = await self._scope.__aenter__()
        self._work.start(self._watch(), name=f"{self.venue.name} watch")
        if self._intake.account is not None:
            self._intake.account.open(self._work)
        for feed in self._feeds:
            self._start(feed)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        self._work = None
        self._is_wanted = False
        if self._intake.account is not None:
            self._intake.account.close()
        for task in self._running.values():  # in their order, so that a day can be lived again
            task.cancel()
        try:
            return await self._scope.__aexit__(kind, error, traceback)
        finally:
            self._move(State.CLOSED)
            self._intake.bus.close(self._error)
            self._around.raw.close(self._error)

    # What is asked of it

    def subscribe(self, *wanted: Subscription) -> tuple[Subscription, ...]:
        """Want these streams, now and after every reconnect; returns them with defaults filled in.

        Raises BadInput for what the venue does not offer, and for a book of a symbol that is
        already carried at another depth: on the wire the two could not be told apart.
        """
        if self.state is State.CLOSED:
            raise BadInput("the session is closed and carries nothing any more")
        complete = tuple(self.venue.complete(one) for one in wanted)
        for number, subscription in enumerate(complete):
            carried = (*self._intake.streams, *complete[:number])
            has_account = self._intake.account is not None
            refuse_unsuited(self.venue, subscription, carried, has_account=has_account)
        fresh: dict[Feed, list[Subscription]] = {}
        for subscription in complete:
            if subscription not in self._intake.streams:
                for part in self.venue.parts(subscription):
                    feed = self._feed_for(part, fresh)
                    self._intake.carry(part, feed)
                    fresh.setdefault(feed, []).append(part)
        for feed, subscriptions in fresh.items():
            feed.subscribe(subscriptions)  # together, so that few requests say it
            self._start(feed)
        return complete

    def unsubscribe(self, *unwanted: Subscription) -> None:
        """Want these streams no longer; raises NotSubscribed for one that is not carried."""
        complete = [self.venue.complete(one) for one in unwanted]
        for subscription in complete:
            if subscription not in self._intake.streams:
                raise NotSubscribed(f"'{subscription}' is not carried by this session")
        gone: dict[Feed, list[Subscription]] = {}
        for subscription in dict.fromkeys(complete):
            for part in self.venue.parts(subscription):
                gone.setdefault(self._intake.streams[part].feed, []).append(part)
                self._intake.drop(part)
        for feed, subscriptions in gone.items():
            feed.unsubscribe(subscriptions)
            feed.settle()

    async def connect(self) -> None:
        """Reach for the venue again after `disconnect`; entering the block does it at first."""
        if self._work is None:
            raise BadInput("a session connects inside its block: async with session")
        self._is_wanted = True
        for feed in self._feeds:
            self._start(feed)

    async def disconnect(self) -> None:
        """Let the links go until `connect`; subscriptions are kept."""
        self._is_wanted = False
        running, self._running = self._running, {}
        for task in running.values():
            task.cancel()
        await asyncio.wait(running.values()) if running else None
        for feed in running:
            if feed.state is not State.FAILED:
                feed.rest()

    async def wait_ready(self, timeout_s: float | None = None) -> None:
        """Wait until all that was asked for is there and proved.

        Raises VenueRefused when the venue refused a subscription, the session's error when it
        failed for good, and TimeoutError with what is missing.
        """
        if not self._feeds:
            raise BadInput("nothing is subscribed, so there is nothing to wait for")
        try:
            async with asyncio.timeout(timeout_s):
                with self._pipe(decides_readiness, 100, Overflow.DROP_OLDEST) as changes:
                    while not self._check_ready():
                        if not await changes.wait():
                            raise self._error or BadInput("the session is closed")
                        changes.drain()
        except TimeoutError:
            missing = "; ".join(map(str, self.missing()))
            raise TimeoutError(f"not ready after {timeout_s} s: {missing}") from None

    async def ask(self, question: Question[Said]) -> Said:
        """The venue's answer to a question of `venue.questions`; see `Asking.ask`."""
        return await self._asking.ask(question)

    # What it knows

    def missing(self) -> list[Missing]:
        """Why the session is not ready; empty when it is."""
        return [one for feed in self._feeds for one in feed.readiness]

    def incomplete(self) -> list[Missing]:
        """Lists of which some rows could not be read; a session is ready without these rows."""
        return [one for feed in self._feeds for one in feed.readiness.incomplete()]

    def book(self, symbol: str) -> Book:
        """The live book of a symbol: look at it, do not keep it. Raises NotSubscribed."""
        return self._intake.books.get(Symbol(symbol))

    def level3(self, symbol: str) -> Level3Book:
        """The live book of single orders of a symbol. Raises NotSubscribed."""
        return self._intake.level3.get(Symbol(symbol))

    @property
    def account(self) -> Account:
        """One's own account; raises BadInput in a session without a login."""
        if self._intake.account is None:
            raise BadInput(f"this session has no login at {self.venue.name}, so no account")
        return self._intake.account

    def instrument(self, symbol: str) -> Instrument | None:
        """A market's rules, once the venue told them on the channel of instruments."""
        return self._intake.instruments.get(Symbol(symbol))

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """All that is wanted, in the order it was asked for."""
        return tuple(one for one in self._intake.streams if not self.venue.is_part(one))

    @property
    def gaps(self) -> GapLedger:
        """Every hole so far, open and closed."""
        return self._intake.gaps

    def statistics(self) -> SessionStatistics:
        """All counts at this moment."""
        return gather(self.venue.name, self.state, self._feeds, self._retired, self._intake)

    # Its streams; each call opens a pipe of its own

    def events(
        self, *, capacity: int = _CAPACITY, overflow: Overflow = Overflow.DROP_OLDEST
    ) -> Pipe[Event]:
        """Everything, in order. A reader that is too slow is told with `Dropped`."""
        key = latest_key if overflow is Overflow.CONFLATE else None
        return self._pipe(None, capacity, overflow, key)

    def trades(self, symbol: str, *, capacity: int = _CAPACITY) -> Pipe[Event]:
        """The trades of a symbol, and all that is told of links and holes between them."""
        return self._pipe(self._wants(Trade, symbol), capacity, Overflow.DROP_OLDEST)

    def tickers(self, symbol: str, *, capacity: int = 100) -> Pipe[Event]:
        """The latest ticker of a symbol: the slow reader skips to the last one."""
        return self._pipe(self._wants(Ticker, symbol), capacity, Overflow.CONFLATE, latest_key)

    def candles(self, symbol: str, *, capacity: int = _CAPACITY) -> Pipe[Event]:
        """The candles of a symbol, of every interval that is subscribed."""
        return self._pipe(self._wants(Candle, symbol), capacity, Overflow.DROP_OLDEST)

    def books(self, symbol: str, depth: int = 10) -> BookStream:
        """The book of a symbol each time it changed; a slow reader skips to the latest.

        Raises NotSubscribed.
        """
        pipe = self._pipe(
            self._wants((BookUpdate, BookSnapshot), symbol), 100, Overflow.CONFLATE, latest_key
        )
        return BookStream(self.book(symbol), pipe, depth)

    def changes(self, symbol: str, *, capacity: int = _CAPACITY) -> ChangeStream:
        """What becomes of each level of a symbol's book; a slow reader gets ConsumerTooSlow.

        Raises NotSubscribed.
        """
        wants = self._wants((BookUpdate, BookSnapshot), symbol)
        return ChangeStream(self.book(symbol), self._pipe(wants, capacity, Overflow.RAISE))

    def states(self, *, capacity: int = 1000) -> Pipe[Event]:
        """The session's changes of state."""
        return self._pipe(lambda event: type(event) is StateChange, capacity, Overflow.DROP_OLDEST)

    def raw(self, *, capacity: int = _CAPACITY) -> Pipe[RawFrame]:
        """Every frame of every link, ours included, as it was on the wire."""
        return self._around.raw.subscribe(capacity=capacity, overflow=Overflow.DROP_OLDEST)

    # What its feeds tell it

    def moved(self, feed: Feed, *, attempt: int, delay_s: float, reason: str) -> None:
        """Become what the least ready feed is."""
        self._move(
            least_ready(one.state for one in self._feeds),
            attempt=attempt,
            delay_s=delay_s,
            reason=reason,
            is_again=feed.state is State.RECONNECTING,
        )

    def reject(self, feed: Feed, rejected: Rejected) -> None:
        """Count a frame that made no sense, and doubt the books of its link."""
        self._intake.reject(feed, rejected)

    def lost(self, feed: Feed, reason: str) -> None:
        """Withdraw what came over a link that is gone."""
        self._intake.lose(feed, reason, self._around.clock.now_ns())

    def cut_announced(self, feed: Feed, reason: str) -> None:
        """Replace a link before it is cut."""
        if self._work is not None and feed in self._running and feed not in self._replacing:
            self._replacing.add(feed)
            name = f"{self.venue.name} {feed.name} replacement"
            self._work.start(self._replace(feed, reason), name=name)

    def failed(self, feed: Feed, error: FluxumError) -> None:
        """End every stream with the error of a feed that gave up: nobody waits for the dead."""
        self._error = error
        for other, task in self._running.items():
            if other is not feed:
                task.cancel()
        self._intake.bus.close(error)
        self._around.raw.close(error)

    # Make before break

    async def _replace(self, feed: Feed, reason: str) -> None:
        """Try until another link has taken over, or the old one is gone anyway."""
        links = feed.links
        try:
            while self._is_wanted and feed.is_connected and feed.links == links:
                if await self._rehearse(feed, reason):
                    return
                await asyncio.sleep(next_try_s(self._around.random))
        finally:
            self._replacing.discard(feed)

    async def _rehearse(self, feed: Feed, reason: str) -> bool:
        assert self._work is not None
        url = self._endpoints[feed.endpoint]
        rehearsal = Rehearsal(feed, url, self._around, asyncio.get_running_loop().time)
        heir = rehearsal.feed
        task = self._work.start(heir.run(), name=f"{self.venue.name} {feed.name}")
        is_done = False
        try:
            async with asyncio.timeout(_REHEARSAL_S):
                is_ready = await rehearsal.wait_ready(feed)
            if is_ready:
                is_done = True
                feed.retire()
                old = self._running.pop(feed)
                old.cancel()
                await asyncio.wait({old})  # the old link speaks to the end, the new one listens
                self._take_over(feed, rehearsal, task, reason)
        except TimeoutError:
            pass
        finally:
            if not is_done:
                task.cancel()
        return is_done

    def _take_over(
        self, feed: Feed, rehearsal: Rehearsal, task: asyncio.Task[None], reason: str
    ) -> None:
        heir = rehearsal.feed
        rehearsal.follow(feed.wanted)
        heir.take_over(self._intake.take, self)
        self._feeds[self._feeds.index(feed)] = heir
        self._retired.add(feed)
        now_ns = self._around.clock.now_ns()
        self._intake.tell(
            LinkReplaced(venue=self.venue.name, link=heir.name, reason=reason, received_ns=now_ns)
        )
        self._intake.replace(heir, rehearsal.books(), rehearsal.trades())
        if not self._is_wanted:
            task.cancel()
            return
        self._running[heir] = task
        if not heir.is_connected:  # it died in that very moment
            self.lost(heir, "the new link was lost at once")
        self.moved(heir, attempt=0, delay_s=0.0, reason=reason)

    # Pieces

    def _check_ready(self) -> bool:
        if self._error is not None:
            raise self._error
        for subscription, message in self._intake.refused.items():
            raise VenueRefused(f"{self.venue.name} refused '{subscription}': {message}")
        return self.state is State.READY

    def _feed_for(
        self, subscription: Subscription, fresh: Mapping[Feed, Sequence[Subscription]]
    ) -> Feed:
        """The link that carries this symbol already, else one with room, else a new one.

        `fresh` is what the links are about to carry besides.
        """
        endpoint = self.venue.endpoint_of(subscription)
        feeds = [feed for feed in self._feeds if feed.endpoint == endpoint]
        with_room = find_feed(feeds, subscription, fresh, self._around.limits.symbols_per_link)
        if with_room is not None:
            return with_room
        name = f"{endpoint}-{len(feeds) + 1}"
        url = self._endpoints[endpoint]
        feed = Feed(name, endpoint, url, self._around, self._intake.take, self)
        self._feeds.append(feed)
        return feed

    def _start(self, feed: Feed) -> None:
        if self._work is not None and self._is_wanted and feed not in self._running:
            name = f"{self.venue.name} {feed.name}"
            self._running[feed] = self._work.start(feed.run(), name=name)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self._patrol.check(self._around.clock.now_ns())

    def _move(
        self,
        new: State,
        *,
        attempt: int = 0,
        delay_s: float = 0.0,
        reason: str = "",
        is_again: bool = False,
    ) -> None:
        old = self.state
        if old is new and not (is_again and new is State.RECONNECTING):
            return
        assert old is new or is_lawful(old, new), f"{self.venue.name}: {old} to {new}"
        self.state = new
        self._intake.tell(
            StateChange(
                venue=self.venue.name,
                old=old,
                new=new,
                attempt=attempt,
                delay_s=delay_s,
                reason=reason,
                received_ns=self._around.clock.now_ns(),
            )
        )

    def _wants(self, kinds: type | tuple[type, ...], symbol: str) -> Callable[[Event], bool]:
        def carries(link: str) -> bool:
            return any(feed.name == link and symbol in feed.symbols for feed in self._feeds)

        return wants_of(kinds, symbol, carries)

    def _pipe(
        self,
        wants: Callable[[Event], bool] | None,
        capacity: int,
        overflow: Overflow,
        key: Callable[[Event], Hashable | None] | None = None,
    ) -> Pipe[Event]:
        return self._intake.bus.subscribe(
            wants, capacity=capacity, overflow=overflow, key=key, notice=self._dropped
        )

    def _account_events(self) -> Pipe[Event]:
        return self._pipe(is_of_account, 10 * _CAPACITY, Overflow.RAISE)

    def _dropped(self, count: int) -> Event:
        now_ns = self._around.clock.now_ns()
        return Dropped(venue=self.venue.name, count=count, received_ns=now_ns)
