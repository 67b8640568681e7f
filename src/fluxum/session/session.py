"""Session: one venue, kept connected, behind one interface.

    async with Session(venue, dial=dial, clock=clock, random=random) as session:
        session.subscribe(Subscription(Channel.BOOK, Symbol("BTC/USD")))
        await session.wait_ready()

Subscriptions are spread over as many links as the venue's limits require. All events come out of
one ordered stream, `events()`; every other stream is a part of it. When the session fails for
good, every stream ends with that error. When its block ends, nothing of it is left running.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from random import Random
from types import TracebackType
from typing import Self, TypeVar

from fluxum.clock import Clock
from fluxum.errors import BadInput, FluxumError, NotSubscribed, VenueRefused
from fluxum.flow.background import Background, background
from fluxum.flow.pipe import Overflow, Pipe, ReaderPolicy
from fluxum.model.event import (
    AccountEvent,
    Channel,
    Event,
    State,
    StateChange,
    Subscription,
)
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import Candle, Ticker, Trade
from fluxum.pacing import AttemptBudget, CallCounter
from fluxum.session.account_config import AccountConfig, owner_of
from fluxum.session.backfill import Backfill
from fluxum.session.books import BookStream, ChangeStream
from fluxum.session.clock_watch import ClockWatch
from fluxum.session.connection import RawFrame
from fluxum.session.feed import Feed, FeedContext
from fluxum.session.fetch_queue import Rest
from fluxum.session.filters import (
    decides_readiness,
    is_of_account,
    is_rule_or_end,
    latest_key,
    refuse_unsuited,
)
from fluxum.session.history import History
from fluxum.session.links import Links
from fluxum.session.outlet import Outlet
from fluxum.session.patrol import Patrol
from fluxum.session.processor import EventProcessor
from fluxum.session.queries import Queries
from fluxum.session.readiness import is_lawful, least_ready
from fluxum.session.rest_client import RestClient
from fluxum.session.session_readings import SessionReadings
from fluxum.session.streams import Stream
from fluxum.transport.call import Http
from fluxum.transport.link import Dial
from fluxum.transport.network import NameCounts
from fluxum.venues.rows import LeftOutRows
from fluxum.venues.venue import Limits, Venue

__all__ = ["Session"]

T = TypeVar("T")
_CAPACITY = 10_000


class Session(Queries, SessionReadings):
    """One venue: its feeds, its books, and one ordered stream of all events.

    `endpoints` overrides URLs by endpoint name, `limits` the venue's numbers. Sessions of one
    venue that share an address should share a `budget` of attempts and a `counter` of public
    REST calls. With an `account_config` the session has an `account`, and channels that need a
    token can be subscribed. `readers` are for the readers of events whose call names no others;
    its capacity is also that of trades, candles, changes and raw frames. `names` counts how names
    are resolved, for the statistics. A session without subscriptions opens no link.
    """

    _work: Background | None = None
    _error: FluxumError | None = None
    _close: Callable[[], Awaitable[None]] | None = None

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
        counter: CallCounter | None = None,
        http: Http | None = None,
        account_config: AccountConfig | None = None,
        readers: ReaderPolicy | None = None,
        names: NameCounts | None = None,
    ) -> None:
        limits = limits or venue.limits
        self._readers = readers or ReaderPolicy()
        self.venue = venue
        self.state = State.DISCONNECTED
        self._endpoints = _endpoints_of(venue, endpoints or {})
        budget = budget or AttemptBudget(limits.attempts, limits.attempt_window_s)
        counter = counter or CallCounter(limits.fetch_cost_max, limits.fetch_cost_per_s)
        rest = Rest(http, self._endpoints, counter, limits.backoff, random, limits.breaker)
        self._rest_client = RestClient(
            http, self._endpoints.get("rest", ""), clock, random, counter, breaker=limits.breaker
        )
        account = None if account_config is None else account_config.account(venue, rest, clock)
        authenticator = None if account is None else account.authenticator
        self._context = FeedContext(venue, limits, dial, clock, random, budget, rest, authenticator)
        self._context.names = names
        self._processor = EventProcessor(self._context, _now_s)
        self._outlet = Outlet(venue.name, self._processor, clock)
        self._patrol = Patrol(self._context, self._processor, _now_s)
        if account is not None:
            self._processor.account = account
            account.attach(owner_of(venue, self._processor, self._account_events))
        self._links = Links(
            self._context, self._endpoints, self._processor, self._feed_moved, self._fail
        )
        self._history = History(venue, self.query, self._leave_out)
        self._processor.candles.look_up = Backfill(
            venue.name, self._history, self._processor.candles, clock, lambda: self._work
        ).look_up
        self._clock_watch = ClockWatch(
            venue, rest, clock, self._context.offset, self._note_offset, self._processor.publish
        )
        self._scope = background()

    async def __aenter__(self) -> Self:
        self._work = await self._scope.__aenter__()
        self._work.start(self._watch(), name=f"{self.venue.name} watch")
        if self._links.feeds or self._processor.account is not None:
            self._clock_watch.start(self._work)
        if self._processor.account is not None:
            self._processor.account.open(self._work)
        self._links.open(self._work)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        self._work = None
        if self._processor.account is not None:
            self._processor.account.close()
        self._links.close()
        try:
            return await self._scope.__aexit__(kind, error, traceback)
        finally:
            self._move(State.CLOSED)
            self._processor.bus.close(self._error)
            self._context.raw.close(self._error)

    async def close(self) -> None:
        """End a session that was awaited; one that was entered ends with its block."""
        if self._close is None:
            raise BadInput("this session was entered: it ends with its block")
        await self._close()

    def closed_by(self, close: Callable[[], Awaitable[None]]) -> None:
        """The session was awaited; `close` ends it."""
        self._close = close

    # Requests

    def subscribe(self, *wanted: Subscription) -> tuple[Subscription, ...]:
        """Subscribe to these streams, now and after every reconnect; returns them with defaults.

        Raises BadInput for a stream that the venue does not offer, and for a book of a symbol that
        is already subscribed at another depth: on the wire the two cannot be distinguished.
        """
        if self.state is State.CLOSED:
            raise BadInput("the session is closed and carries nothing any more")
        complete = tuple(self.venue.with_defaults(one) for one in wanted)
        for number, subscription in enumerate(complete):
            active = (*self._processor.streams, *complete[:number])
            has_account = self._processor.account is not None
            refuse_unsuited(self.venue, subscription, active, has_account=has_account)
        if complete and self._work is not None:
            self._clock_watch.start(self._work)
        self._links.subscribe(
            dict.fromkeys(one for one in complete if one not in self._processor.streams)
        )
        return complete

    def unsubscribe(self, *unwanted: Subscription) -> None:
        """End these subscriptions; raises NotSubscribed for one that the session does not have."""
        complete = [self.venue.with_defaults(one) for one in unwanted]
        for subscription in complete:
            if subscription not in self._processor.streams:
                raise NotSubscribed(f"'{subscription}' is not carried by this session")
        self._links.unsubscribe(dict.fromkeys(complete))
        for subscription in dict.fromkeys(complete):
            self._outlet.end(subscription)

    async def connect(self) -> None:
        """Connect again after `disconnect`; entering the block connects the first time."""
        if self._work is None:
            raise BadInput("a session connects inside its block: async with session")
        self._links.start()

    async def disconnect(self) -> None:
        """Close the links until `connect`; subscriptions are kept."""
        await self._links.release()

    async def wait_ready(self, timeout_s: float | None = None) -> None:
        """Wait until all subscriptions have data and all books are proved.

        Raises VenueRefused if the venue refused a subscription, the session's error if it failed
        for good, and TimeoutError with what is missing.
        """
        if not self._links.feeds:
            raise BadInput("nothing is subscribed, so there is nothing to wait for")
        try:
            await self._wait(self._check_ready, decides_readiness, timeout_s)
        except TimeoutError:
            missing = "; ".join(map(str, self.missing()))
            raise TimeoutError(f"not ready after {timeout_s} s: {missing}") from None

    async def wait_instruments(
        self, symbols: Iterable[str], timeout_s: float | None = None
    ) -> tuple[Instrument, ...]:
        """Wait for the rules of markets, which some venues send after the session is ready.

        Raises NotSubscribed without a subscription to instruments, VenueRefused and the session's
        error as `wait_ready` does, and TimeoutError with the markets that are missing.
        """
        wanted = [Symbol(one) for one in symbols]
        known = self._processor.instruments
        if wanted and Subscription(Channel.INSTRUMENT) not in self._processor.streams:
            raise NotSubscribed("a subscription to instruments was expected, was none")

        def is_known() -> bool:
            self._check_ready()
            return known.keys() >= set(wanted)

        try:
            await self._wait(is_known, is_rule_or_end, timeout_s)
        except TimeoutError:
            names = ", ".join(one for one in wanted if one not in known)
            raise TimeoutError(
                f"no rules of {names} after {timeout_s} s: does {self.venue.name} list it?"
            ) from None
        return tuple(known[one] for one in wanted)

    def publish(self, event: AccountEvent) -> None:
        """Publish an event of an account that is only simulated, as one of the session's own."""
        self._processor.publish(event)

    # Streams; each call opens its own, which closes itself when no reference to it is left

    def events(
        self,
        wants: Callable[[Event], bool] | None = None,
        *,
        capacity: int | None = None,
        overflow: Overflow | None = None,
    ) -> Pipe[Event]:
        """All events in order, or those for which `wants` is true.

        A reader that is too slow gets `Dropped` in place of lost ones.
        """
        overflow = self._readers.overflow if overflow is None else overflow
        key = latest_key if overflow is Overflow.CONFLATE else None
        return self._outlet.pipe(wants, self._room(capacity), overflow, key)

    def events_of(
        self,
        kind: type | tuple[type, ...],
        channel: Channel,
        symbol: str | None = None,
        *,
        capacity: int | None = None,
        overflow: Overflow | None = None,
    ) -> Pipe[Event]:
        """The events of one kind, of one market or all, and the losses that may concern them.

        It needs no subscription, and goes on when one is refused or ends.
        """
        market = None if symbol is None else Symbol(symbol)
        return self._outlet.kind(
            kind, channel, market, self._room(capacity), overflow or self._readers.overflow
        )

    def trades(self, symbol: str, *, capacity: int | None = None) -> Stream[Trade]:
        """The trades of a symbol. Raises NotSubscribed, and VenueRefused if it was refused."""
        room = self._room(capacity)
        return self._outlet.stream(Trade, Channel.TRADE, symbol, room, Overflow.DROP_OLDEST)

    def tickers(self, symbol: str, *, capacity: int = 100) -> Stream[Ticker]:
        """The latest ticker of a symbol; a slow reader skips to the last. Raises as `trades`."""
        return self._outlet.stream(Ticker, Channel.TICKER, symbol, capacity, Overflow.CONFLATE)

    def candles(self, symbol: str, *, capacity: int | None = None) -> Stream[Candle]:
        """The candles of a symbol, of every interval subscribed. Raises as `trades`."""
        room = self._room(capacity)
        return self._outlet.stream(Candle, Channel.CANDLE, symbol, room, Overflow.DROP_OLDEST)

    def books(self, symbol: str, depth: int = 10) -> BookStream:
        """The book of a symbol after each change; a slow reader skips to the latest.

        Raises as `trades`.
        """
        return self._outlet.books(symbol, depth)

    def changes(self, symbol: str, *, capacity: int | None = None) -> ChangeStream:
        """The changes of each level of a symbol's book; a slow reader gets ConsumerTooSlow.

        Raises as `trades`.
        """
        return self._outlet.changes(symbol, self._room(capacity))

    def states(self) -> Stream[StateChange]:
        """The session's changes of state."""
        return self._outlet.states()

    def raw(self, *, capacity: int | None = None) -> Pipe[RawFrame]:
        """Every frame of every link as it was on the wire, sent ones included."""
        room = self._room(capacity)
        return self._context.raw.subscribe(capacity=room, overflow=Overflow.DROP_OLDEST)

    # Pieces

    def _room(self, capacity: int | None) -> int:
        return self._readers.capacity if capacity is None else capacity

    async def _wait(
        self, is_done: Callable[[], bool], wants: Callable[[Event], bool], timeout_s: float | None
    ) -> None:
        """Wait until something is done, looking after each event that `wants` accepts."""
        async with asyncio.timeout(timeout_s):
            with self._outlet.pipe(wants, 100, Overflow.DROP_OLDEST) as changes:
                while not is_done():
                    if not await changes.wait():
                        raise self._error or BadInput("the session is closed")
                    changes.drain()

    def _check_ready(self) -> bool:
        if self._error is not None:
            raise self._error
        for subscription, message in self._processor.refused.items():
            raise VenueRefused(f"{self.venue.name} refused '{subscription}': {message}")
        return self.state is State.READY

    def _feed_moved(self, feed: Feed, attempt: int, delay_s: float, reason: str) -> None:
        """Take the state of the least ready feed; one that begins next is connecting."""
        states = [one.state if one.has_begun else State.CONNECTING for one in self._links.feeds]
        self._move(
            least_ready(states),
            attempt=attempt,
            delay_s=delay_s,
            reason=reason,
            is_again=feed.state is State.RECONNECTING,
        )

    def _fail(self, error: FluxumError) -> None:
        """A feed failed for good: end every stream with its error, so that no reader waits."""
        self._error = error
        self._processor.bus.close(error)
        self._context.raw.close(error)

    def _note_offset(self, offset_ns: int) -> None:
        """Pass the offset to the account: deadlines of orders are instants of the venue's clock."""
        if self._processor.account is not None:
            self._processor.account.clock_offset_ns = offset_ns

    def _leave_out(self, rows: LeftOutRows, subscription: Subscription | None) -> None:
        self._processor.publish(
            rows.event(self.venue.name, subscription, self._context.clock.now_ns())
        )

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self._patrol.check(self._context.clock.now_ns())

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
        if new is State.READY and (lists := self.incomplete()):
            reason = f"incomplete: {'; '.join(map(str, lists))}"
        self._processor.publish(
            StateChange(
                venue=self.venue.name,
                old=old,
                new=new,
                attempt=attempt,
                delay_s=delay_s,
                reason=reason,
                received_ns=self._context.clock.now_ns(),
            )
        )

    def _account_events(self) -> Pipe[Event]:
        """Callers of orders wait for these events, so their readers are the first."""
        bus, capacity = self._processor.bus, 10 * _CAPACITY
        return bus.subscribe(
            is_of_account, capacity=capacity, overflow=Overflow.RAISE, is_first=True
        )


def _endpoints_of(venue: Venue, given: Mapping[str, str]) -> dict[str, str]:
    """The venue's URLs, those given in place of its own; raises BadInput for an unknown name."""
    unknown = sorted(set(given) - set(venue.endpoints))
    if unknown:
        known = ", ".join(venue.endpoints)
        raise BadInput(f"{venue.name} has the endpoints {known}; was {unknown[0]!r}")
    return {**venue.endpoints, **given}


def _now_s() -> float:
    return asyncio.get_running_loop().time()
