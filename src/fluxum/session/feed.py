"""One endpoint and its link: dial, run, back off, dial again, as long as it can recover."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from random import Random
from typing import NoReturn, Protocol

from msgspec import structs

from fluxum.clock import Clock
from fluxum.errors import (
    BadInput,
    FluxumError,
    LinkClosed,
    LocalProtocolError,
    TapeError,
    TransportError,
)
from fluxum.flow.bus import Bus
from fluxum.model.event import Channel, Event, Rejected, State, Subscription, VenueStatus
from fluxum.model.instant import format_second
from fluxum.model.instrument import Symbol
from fluxum.model.order import Command
from fluxum.pacing import SLOW, AttemptBudget, Backoff, bounded_wait_s
from fluxum.session.authenticator import Authenticator
from fluxum.session.connection import Connection, LinkCounts, RawFrame
from fluxum.session.fetch_queue import Rest
from fluxum.session.latencies import Latencies
from fluxum.session.offset import ClockOffsetKeeper
from fluxum.session.readiness import Readiness, is_lawful
from fluxum.transport.link import Dial, Link
from fluxum.transport.network import NameCounts
from fluxum.venues.private import AccountProtocol
from fluxum.venues.venue import Fetch, Limits, Venue, VenueProtocol

__all__ = ["Feed", "FeedContext", "FeedOwner", "find_feed", "hide_query"]

_log = logging.getLogger(__name__)
_PING_EVERY_S = 5.0


class FeedContext:
    """What all feeds of one session share."""

    def __init__(
        self,
        venue: Venue,
        limits: Limits,
        dial: Dial,
        clock: Clock,
        random: Random,
        budget: AttemptBudget,
        rest: Rest,
        authenticator: Authenticator | None = None,
    ) -> None:
        self.venue = venue
        self.limits = limits
        self.dial = dial
        self.clock = clock
        self.random = random
        self.budget = budget
        self.rest = rest
        self.authenticator = authenticator
        self.names: NameCounts | None = None
        """How names are resolved, where there is a network."""
        self.raw: Bus[RawFrame] = Bus()
        self.latencies = Latencies(clock.now_ns)
        self.status = VenueStatus.ONLINE
        self.offset = ClockOffsetKeeper()
        self.proved: set[str] = set()
        """The endpoints over which a stream has come in this session: their URLs are right."""


class FeedOwner(Protocol):
    """Is called when something happens to a feed, at once and in order."""

    def reject(self, feed: "Feed", rejected: Rejected) -> None:
        """The venue sent something that made no sense."""
        ...

    def publish(self, event: Event) -> None:
        """Publish an event of the feed itself."""
        ...

    def moved(self, feed: "Feed", *, attempt: int, delay_s: float, reason: str) -> None:
        """The feed's state changed."""
        ...

    def lost(self, feed: "Feed", reason: str) -> None:
        """The link is gone, and all streams that it carried are stale."""
        ...

    def failed(self, feed: "Feed", error: FluxumError) -> None:
        """The feed gave up for good."""
        ...

    def cut_announced(self, feed: "Feed", reason: str) -> None:
        """The venue will close the feed's link soon."""
        ...


class Feed:
    """One endpoint and its subscriptions, over one link at a time.

    `take` is given the events of every frame; it is on the frame path, so it is called directly.
    `owner` is called for everything else.
    """

    def __init__(
        self,
        name: str,
        endpoint: str,
        url: str,
        context: FeedContext,
        take: Callable[[Sequence[Event]], int],
        owner: FeedOwner,
    ) -> None:
        self.name = name
        self.endpoint = endpoint
        self.state = State.DISCONNECTED
        self.wanted: dict[Subscription, None] = {}
        self.readiness = Readiness(name)
        self.counts = LinkCounts()
        self.links = 0
        self.has_begun = False
        """Whether it was run: a feed that is new was never disconnected."""
        self.received_ns = 0
        """When `note_frames` last found that frames had been received."""
        self._frames_noted = 0
        self._pinged_s = -_PING_EVERY_S
        self._url = url
        self._context = context
        self.take = take
        self.owner = owner
        self._is_retired = False
        self._backoff = Backoff(context.limits.backoff, context.random)
        self._slow = Backoff(SLOW, context.random)
        self._protocol: VenueProtocol | None = None
        self._trading: AccountProtocol | None = None  # the same, on a private link
        self._connection: Connection | None = None
        self._proved_s: float | None = None  # since when a stream has come over this link

    @property
    def symbols(self) -> set[Symbol]:
        """The symbols of this feed, for the venue's limit of them."""
        return {one.symbol for one in self.wanted if one.symbol is not None}

    @property
    def is_connected(self) -> bool:
        """Whether there is a link now."""
        return self._protocol is not None

    @property
    def calls_waiting(self) -> int:
        """How many REST calls of its link wait for an answer."""
        return 0 if self._connection is None else self._connection.calls_waiting

    def serves_by_call(self, subscription: Subscription) -> bool:
        """Whether a REST call for this stream waits for its turn or its answer."""
        return self._connection is not None and self._connection.serves_by_call(subscription)

    # Requests: sent at once when there is a link, and again after every reconnect

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Add subscriptions."""
        fresh = [one for one in wanted if one not in self.wanted]
        self.wanted.update(dict.fromkeys(fresh))
        for one in fresh:
            self.readiness.lack(one, "not acknowledged")
        if self._protocol is not None:
            self._protocol.subscribe(fresh)
            self._send_soon()

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Remove subscriptions."""
        gone = [one for one in unwanted if one in self.wanted]
        for one in gone:
            del self.wanted[one]
            self.readiness.forget(one)
        if self._protocol is not None:
            self._protocol.unsubscribe(gone)
            self._send_soon()

    def resync(self, subscription: Subscription) -> None:
        """Request a fresh snapshot of one stream, if there is a link."""
        if self._protocol is not None and subscription in self.wanted:
            self._protocol.resync(subscription)
            self._send_soon()

    def command(self, command_id: int, command: Command) -> None:
        """Send a command over a private link; raises TransportError where there is none now."""
        if self._trading is None or self._connection is None:
            raise TransportError(f"{self.name} has no link to trade over: nothing was sent")
        self._trading.command(command_id, command, self._context.clock.now_ns())
        self._connection.perform_soon()

    def ping(self, now_s: float) -> None:
        """Make the venue send something, at most every few seconds."""
        if self._protocol is not None and now_s - self._pinged_s >= _PING_EVERY_S:
            self._pinged_s = now_s
            self._protocol.ping()
            self._send_soon()

    def note_frames(self, now_ns: int) -> None:
        """Note whether frames were received since the last call."""
        if self.counts.frames != self._frames_noted:
            self._frames_noted = self.counts.frames
            self.received_ns = now_ns

    def update_state(self) -> None:
        """Move between SUBSCRIBING and READY, by the readiness."""
        if self._protocol is not None:
            if self._proved_s is None and not all(map(self.readiness.lacks, self.wanted)):
                self._proved_s = asyncio.get_running_loop().time()
                self._context.proved.add(self.endpoint)
            self._move(State.READY if self.readiness.is_ready else State.SUBSCRIBING)

    # Its links

    async def run(self) -> None:
        """Keep the endpoint connected until cancelled, or until it failed for good."""
        self.has_begun = True
        while True:
            await self._wait_for_budget()
            self._move(State.CONNECTING)
            error = await self._converse_until_error()
            delay_s = self._next_delay(error)
            if delay_s is None:
                self.readiness.lack(None, f"not connected: {error}")
                _log.error("%s %s gave up: %s", self._context.venue.name, self.name, error)
                self._move(State.FAILED, reason=str(error))
                self.owner.failed(self, error)
                return
            self._back_off(delay_s, str(error))
            await asyncio.sleep(delay_s)

    def take_over(self, take: Callable[[Sequence[Event]], int], owner: FeedOwner) -> None:
        """Use another `take` and owner from now on: this feed replaces one that retires."""
        self.take = take
        self.owner = owner
        if self._connection is not None:
            self._connection.deliver = take

    def retire(self) -> None:
        """Publish nothing when `run` is cancelled: another feed takes over."""
        self._is_retired = True

    def rest(self) -> None:
        """Called after `run` was cancelled because the user disconnected."""
        self._move(State.DISCONNECTED, reason="disconnected by the user")

    async def _wait_for_budget(self) -> None:
        wait_s = self._context.budget.take(asyncio.get_running_loop().time())
        if wait_s > 0:
            limits = self._context.limits
            reason = f"{limits.attempts} attempts in {limits.attempt_window_s:.0f} s are used up"
            self._back_off(wait_s, reason)
            await asyncio.sleep(wait_s)

    async def _converse_until_error(self) -> FluxumError:
        try:
            await self._converse()
        except FluxumError as error:
            return error

    async def _converse(self) -> NoReturn:
        context = self._context
        async with AsyncExitStack() as stack:
            link = await self._dial(stack)
            protocol = self._make_protocol()
            connection = Connection(
                context.venue.name,
                link,
                protocol,
                limits=self._limits(),
                clock=context.clock,
                rest=context.rest,
                counts=self.counts,
                raw=context.raw,
                latencies=context.latencies,
                deliver=self.take,
                reject=self._reject,
                call_failed=self._note_call_failure,
                hand_over=self._announce_cut,
                age_s=self._age_s(),
                authenticator=context.authenticator,
            )
            self._open(protocol, connection)
            try:
                await connection.run()
            except asyncio.CancelledError:
                self._lose("closed by us")
                raise
            except BaseException as error:
                reason = str(error) or type(error).__name__
                _log.warning("%s %s lost its link: %s", context.venue.name, self.name, reason)
                self._lose(reason)
                raise

    async def _dial(self, stack: AsyncExitStack) -> Link:
        """Open a link; fetches a token first if the endpoint needs one."""
        context, authenticator, url = self._context, self._context.authenticator, self._url
        headers: Mapping[str, str] = {}
        if authenticator is not None:
            headers = await authenticator.prepare(self.endpoint)
            url = authenticator.url(self.endpoint, url)
        timeout_s = context.limits.dial_timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                return await stack.enter_async_context(context.dial(url, headers))
        except TimeoutError as error:
            raise TransportError(f"{self._url} did not answer in {timeout_s:g} s") from error
        except FluxumError as error:
            hide_query(error, url.removeprefix(self._url))
            raise

    def _make_protocol(self) -> VenueProtocol:
        private = self._context.venue.private
        self._trading = None
        if private is not None:
            if self.endpoint == private.endpoint:
                self._trading = private.protocol()
            for link in (private.order_link, private.stream_link):
                if link is not None and self.endpoint == link.endpoint:
                    self._trading = link.protocol()
        return self._trading or self._context.venue.protocol()

    def _limits(self) -> Limits:
        """The venue's limits; frames of an account's link may have their own."""
        limits, private = self._context.limits, self._context.venue.private
        if self._trading is None or private is None:
            return limits
        return structs.replace(
            limits,
            sends_per_s=private.sends_per_s or limits.sends_per_s,
            send_burst=private.send_burst or limits.send_burst,
        )

    def _open(self, protocol: VenueProtocol, connection: Connection) -> None:
        self.links += 1
        self._protocol, self._connection = protocol, connection
        self.readiness.have(None)
        self._move(State.CONNECTED)
        for subscription in self.wanted:
            self.readiness.lack(subscription, "not acknowledged")
        protocol.subscribe(self.wanted)
        self._send_soon()

    def _lose(self, reason: str) -> None:
        if self._has_proved_itself():
            self._backoff.reset()
            self._slow.reset()
        self._protocol = self._trading = self._connection = self._proved_s = None
        self.readiness.lack(None, "not connected")
        if not self._is_retired:
            self.owner.lost(self, reason)

    def _reject(self, rejected: Rejected) -> None:
        self.owner.reject(self, rejected)

    def _note_call_failure(
        self, fetch: Fetch, reason: str, again_ns: int, event: Event | None
    ) -> None:
        """A REST call failed: the readiness gives that reason for the stream that needs the answer.

        If a list of markets is there without this answer, it is incomplete.
        """
        subscription = fetch.subscription
        again = format_second(again_ns)
        why = f"{fetch.method} {fetch.path}: {reason}; next attempt at {again}"
        if subscription is not None and self.readiness.lacks(subscription):
            self.readiness.lack(subscription, why)
        elif subscription in self.wanted and subscription.channel is Channel.INSTRUMENT:
            self.readiness.note_incomplete(subscription, why)
        if event is not None:
            self.owner.publish(event)

    def _announce_cut(self, reason: str) -> None:
        self.owner.cut_announced(self, reason)

    def _age_s(self) -> float | None:
        """When to replace the link: a little before the venue's limit, not all links at once."""
        age_s = self._context.limits.link_age_s
        return None if age_s is None else age_s * self._context.random.uniform(0.95, 1.0)

    def _send_soon(self) -> None:
        assert self._connection is not None
        self._connection.perform_soon()
        self.update_state()

    def _has_proved_itself(self) -> bool:
        since_s = self._proved_s
        now_s = asyncio.get_running_loop().time()
        return since_s is not None and now_s - since_s >= self._context.limits.stable_s

    def _next_delay(self, error: FluxumError) -> float | None:
        """Seconds before the next attempt; `None` if another attempt cannot help.

        If a stream has come from this endpoint before, a refusal may be temporary: a proxy before
        the venue fails for a minute, an address is banned for a while. The feed tries again,
        slowly.
        """
        context = self._context
        is_closed_for_good = (
            isinstance(error, LinkClosed) and error.code in context.venue.fatal_closes
        )
        if not error.retryable or is_closed_for_good:
            is_ours = isinstance(error, BadInput | LocalProtocolError | TapeError)
            if is_ours or self.endpoint not in context.proved:
                return None
            _log.error("%s %s is refused and tries on: %s", context.venue.name, self.name, error)
            return self._slow.next_delay()
        floor_s = bounded_wait_s(getattr(error, "retry_after_s", None))
        if context.status is not VenueStatus.ONLINE:
            floor_s = max(floor_s, context.limits.maintenance_delay_s)
        return self._backoff.next_delay(floor_s)

    def _back_off(self, delay_s: float, reason: str) -> None:
        again_ns = self._context.clock.now_ns() + int(delay_s * 1e9)
        reason = f"{reason}; next attempt at {format_second(again_ns)}"
        self.readiness.lack(None, f"not connected: {reason}")
        if self.state is not State.DISCONNECTED:
            attempt = max(self._backoff.attempt, self._slow.attempt)
            self._move(State.RECONNECTING, attempt=attempt, delay_s=delay_s, reason=reason)

    def _move(
        self, new: State, *, attempt: int = 0, delay_s: float = 0.0, reason: str = ""
    ) -> None:
        old = self.state
        if old is new and new is not State.RECONNECTING:
            return
        assert old is new or is_lawful(old, new), f"{self.name} cannot go from {old} to {new}"
        self.state = new
        _log.info("%s %s is %s %s", self._context.venue.name, self.name, new.value, reason)
        self.owner.moved(self, attempt=attempt, delay_s=delay_s, reason=reason)


def find_feed(
    feeds: Sequence[Feed],
    subscription: Subscription,
    fresh: Mapping[Feed, Sequence[Subscription]],
    symbols_max: int,
) -> Feed | None:
    """The link of this symbol, else one with room; `None` if there is none.

    `fresh` are the subscriptions that the links are about to get in addition.
    """

    def symbols(feed: Feed) -> set[Symbol | None]:
        return feed.symbols | {one.symbol for one in fresh.get(feed, ())}

    for feed in feeds:
        if subscription.symbol in symbols(feed):
            return feed
    for feed in feeds:
        if len(symbols(feed)) < symbols_max:
            return feed
    return None


def hide_query(error: FluxumError, query: str) -> None:
    """Take the query of a URL, which a token is in, out of an error and of what caused it."""
    if query:
        error.__cause__ = error.__context__ = None
        error.args = tuple(
            one.replace(query, "") if isinstance(one, str) else one for one in error.args
        )
