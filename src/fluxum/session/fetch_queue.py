"""The REST calls of one link: paced, a few at a time, repeated until the venue answers.

Only queries are made here, so repeating them is harmless. If a call fails, it goes to the back of
the queue with its own back-off, and blocks no other. A refusal is an answer: the protocol gets it.
If the answers to a call did not help, the call is repeated more and more slowly.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from random import Random

from msgspec import Struct, field

from fluxum.clock import Clock
from fluxum.errors import (
    FluxumError,
    LocalProtocolError,
    RateLimited,
    RemoteProtocolError,
    TransportError,
    VenueRefused,
)
from fluxum.flow.background import background
from fluxum.model.event import CallFailed, Event, Rejected, Subscription
from fluxum.pacing import (
    SLOW,
    Backoff,
    BackoffPolicy,
    BreakerPolicy,
    CallCounter,
    bounded_wait_s,
)
from fluxum.session.authenticator import Authenticator
from fluxum.transport.call import Http
from fluxum.venues.conversation import UNREADABLE, Auth
from fluxum.venues.venue import Fetch, VenueProtocol

__all__ = ["FetchCounts", "FetchQueue", "Rest"]

_log = logging.getLogger(__name__)
_SAMPLE_BYTES = 200
# A command that has waited longer is not sent: it might arrive when it is not expected any more.
_COMMAND_WAIT_S = 5.0
_WAITING_MAX = 10_000
# One call that hangs until its timeout leaves room for the others.
_FLYING_MAX = 4
# So many answers to the same call, within `_PATIENCE_S`, do not slow it down.
_ANSWERS_FREE = 3
_PATIENCE_S = 60.0
_REPEAT = BackoffPolicy(quick_tries=0, floor_s=0.5, first_s=1.0, ceiling_s=30.0)
_KEPT = 10_000
_TOO_MANY = frozenset({"418", "429"})


class Rest(Struct, frozen=True):
    """What all links of a session share for REST calls: base URLs by endpoint, one call counter.

    `answered` are the URLs that were answered in this session: if one is refused later, it may
    recover.
    """

    http: Http | None
    endpoints: Mapping[str, str]
    counter: CallCounter
    backoff: BackoffPolicy
    random: Random
    breaker: BreakerPolicy = BreakerPolicy()
    answered: dict[str, None] = field(default_factory=dict)


class FetchCounts(Struct):
    """What became of calls: requested = answered + refused + abandoned + waiting.

    A failure is followed by another try. Calls that wait when the link is lost are abandoned.
    """

    requested: int = 0
    answered: int = 0
    refused: int = 0
    abandoned: int = 0
    failures: int = 0


class _Call(Struct, eq=False):
    """A call that waits or is being made: when it is due, and how often it failed in a row.

    `since_s` is when it was first requested. `slow` is the back-off after failures that seldom
    recover: a refusal, a redirect.
    """

    fetch: Fetch
    due_s: float
    backoff: Backoff
    slow: Backoff
    failures: int = 0
    since_s: float = 0.0


class _Answers(Struct):
    """How often and when a call was answered lately, and the back-off for repeating it."""

    backoff: Backoff
    at_s: float
    count: int = 0


class FetchQueue:
    """Makes the calls that a link's protocol requests, oldest first.

    `deliver` takes the events of answers. `failed` is given each failure: the call, the reason,
    when it is repeated in ns, and the event to publish, if one is due. `after_answer` is called
    after each answer.
    """

    def __init__(
        self,
        venue: str,
        protocol: VenueProtocol,
        rest: Rest,
        clock: Clock,
        counts: FetchCounts,
        deliver: Callable[[Sequence[Event]], None],
        failed: Callable[[Fetch, str, int, Event | None], None],
        after_answer: Callable[[], None],
        authenticator: Authenticator | None = None,
    ) -> None:
        self._venue = venue
        self._protocol = protocol
        self._rest = rest
        self._clock = clock
        self._counts = counts
        self._deliver = deliver
        self._failed = failed
        self._after_answer = after_answer
        self._authenticator = authenticator
        self._waiting: dict[str, _Call] = {}
        self._flying: set[_Call] = set()
        self._answers: dict[str, _Answers] = {}
        self._changed = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many calls wait for an answer."""
        return len(self._waiting) + len(self._flying)

    def serves(self, subscription: Subscription) -> bool:
        """Whether a call for this stream waits for an answer, or a new call without a stream."""
        return any(
            call.fetch.subscription == subscription
            or (call.fetch.subscription is None and not call.failures)
            for call in (*self._waiting.values(), *self._flying)
        )

    def add(self, fetch: Fetch) -> None:
        """Make this call when its turn comes; raises LocalProtocolError if there is no HTTP.

        If the same call waits already, the later one replaces it.
        """
        if self._rest.http is None:
            raise LocalProtocolError(f"{fetch.path} was asked for, but no HTTP was handed in")
        waiting = self._waiting.get(_url(fetch))
        if waiting is not None:
            waiting.fetch = fetch
            return
        self._counts.requested += 1
        if self.waiting >= _WAITING_MAX:
            self._refuse(fetch, f"{_WAITING_MAX} calls wait already")
            return
        rest = self._rest
        slow = Backoff(SLOW, rest.random)
        backoff = Backoff(rest.backoff, rest.random)
        call = _Call(fetch, self._due_s(fetch), backoff, slow, since_s=_now_s())
        self._waiting[_url(fetch)] = call
        self._changed.set()

    async def run(self) -> None:
        """Make calls until cancelled."""
        try:
            async with background() as work:
                while True:
                    call = self._waiting.pop(await self._next())
                    waited_s = _now_s() - call.since_s
                    if call.fetch.is_once and waited_s > _COMMAND_WAIT_S:
                        self._refuse(call.fetch, f"not sent: it waited for {waited_s:.0f} s")
                        continue
                    self._flying.add(call)
                    work.start(self._make(call), name=f"{self._venue} {call.fetch.path}")
        finally:
            self._counts.abandoned += self.waiting
            self._waiting.clear()
            self._flying.clear()

    async def _next(self) -> str:
        """The first call that is due, once the venue's rate limit has room for it."""
        while True:
            now_s = _now_s()
            is_full = len(self._flying) >= _FLYING_MAX
            due = (url for url, call in self._waiting.items() if call.due_s <= now_s)
            url = None if is_full else next(due, None)
            if url is not None:
                await self._have_room(self._waiting[url].fetch.cost)
                return url
            self._changed.clear()
            soonest_s = min((call.due_s for call in self._waiting.values()), default=None)
            try:
                async with asyncio.timeout_at(None if is_full else soonest_s):
                    await self._changed.wait()
            except TimeoutError:
                pass  # the soonest is due now

    async def _have_room(self, cost: float) -> None:
        """Wait for the rate limit, and while the venue accepts no calls."""
        counter = self._rest.counter
        wait_s = counter.take(cost, _now_s())
        while wait_s > 0:
            await asyncio.sleep(wait_s)
            wait_s = counter.held_s(_now_s())

    async def _make(self, call: _Call) -> None:
        fetch = call.fetch
        try:
            events = await self._fetch_events(fetch)
        except (TransportError, RateLimited, RemoteProtocolError) as error:
            if fetch.is_once:
                self._end_command(call, error)
            else:
                self._put_back(call, error)
        except VenueRefused as error:
            if not fetch.is_once and _url(fetch) in self._rest.answered:
                self._put_back(call, error)
            else:
                self._flying.discard(call)
                self._refuse(fetch, str(error))
        else:
            self._flying.discard(call)
            self._counts.answered += 1
            self._note_answer(fetch)
            self._give(events)
        self._changed.set()

    async def _fetch_events(self, fetch: Fetch) -> Sequence[Event]:
        """The events of the answer; raises RemoteProtocolError if it makes no sense."""
        assert self._rest.http is not None
        body = await self._call(self._rest.http, fetch)
        try:
            return self._protocol.receive_response(fetch, body, self._clock.now_ns())
        except UNREADABLE as error:
            sample = body[:_SAMPLE_BYTES].decode("utf-8", "replace")
            raise _UnreadableAnswer(str(error) or type(error).__name__, sample) from error

    async def _call(self, http: Http, fetch: Fetch) -> bytes:
        url = self._rest.endpoints[fetch.endpoint]
        if fetch.auth is Auth.NONE:
            return await http.call(fetch.method, url + fetch.path, fetch.headers, fetch.body)
        if self._authenticator is None:
            raise LocalProtocolError(f"{fetch.path} needs keys, and there are none")
        async with self._authenticator.turn:
            return await self._authenticator.call(fetch, url)

    def _put_back(self, call: _Call, error: FluxumError) -> None:
        """The call failed: repeat it after the others, and report the reason."""
        now_s, url = _now_s(), _url(call.fetch)
        floor_s = bounded_wait_s(getattr(error, "retry_after_s", None))
        backoff = call.backoff if error.retryable else call.slow
        delay_s = backoff.next_delay(floor_s)
        if delay_s is None:
            delay_s = max(floor_s, self._rest.backoff.ceiling_s)
        call.due_s = now_s + delay_s
        call.failures += 1
        self._counts.failures += 1
        self._flying.discard(call)
        repeated = self._waiting.pop(url, None)
        if repeated is not None:
            call.fetch = repeated.fetch
            self._counts.abandoned += 1
        self._waiting[url] = call
        self._report(call, error, int(delay_s * 1e9))
        if isinstance(error, RateLimited):
            self._hold(error, floor_s)

    def _end_command(self, call: _Call, error: FluxumError) -> None:
        """A command failed: do not repeat it, as the venue may have executed it.

        If the venue refused the call for its rate, it did not execute it.
        """
        self._flying.discard(call)
        if isinstance(error, RateLimited):
            self._hold(error, bounded_wait_s(error.retry_after_s))
            if error.code in _TOO_MANY:
                self._refuse(call.fetch, str(error))
                return
        self._counts.abandoned += 1
        call.failures = 1
        self._report(call, error, 0)

    def _hold(self, error: RateLimited, for_s: float) -> None:
        """The venue accepts no calls at all for a while."""
        self._rest.counter.exhausted(for_s, _now_s())
        again_ns = self._clock.now_ns() + int(for_s * 1e9)
        for call in self._waiting.values():
            if not call.failures:
                self._failed(call.fetch, str(error), again_ns, None)

    def _report(self, call: _Call, error: FluxumError, delay_ns: int) -> None:
        """Report the failure; publish the first in a row, the second, the fourth, and so on."""
        now_ns = self._clock.now_ns()
        fetch, failures = call.fetch, call.failures
        reason = str(error)
        event: Event | None = None
        if failures & (failures - 1) == 0:
            _log.warning("%s %s failed (%d): %s", self._venue, fetch.path, failures, reason)
            event = CallFailed(
                venue=self._venue,
                subscription=fetch.subscription,
                call=f"{fetch.method} {fetch.path}",
                reason=reason,
                failures=failures,
                again_ns=now_ns + delay_ns,
                received_ns=now_ns,
            )
            if isinstance(error, _UnreadableAnswer):
                event = Rejected(
                    venue=self._venue,
                    reason=f"{fetch.path}: {reason}",
                    sample=error.sample,
                    subscriptions=() if fetch.subscription is None else (fetch.subscription,),
                    received_ns=now_ns,
                )
        self._failed(fetch, reason, now_ns + delay_ns, event)

    def _refuse(self, fetch: Fetch, reason: str) -> None:
        self._counts.refused += 1
        self._give(self._protocol.receive_refusal(fetch, reason, self._clock.now_ns()))

    def _give(self, events: Sequence[Event]) -> None:
        if events:
            self._deliver(events)
        self._after_answer()

    # Answers that do not help

    def _note_answer(self, fetch: Fetch) -> None:
        url, now_s = _url(fetch), _now_s()
        _remember(self._rest.answered, url)
        answers = self._answers.get(url)
        if answers is None or now_s - answers.at_s > _PATIENCE_S:
            self._answers.pop(url, None)
            answers = self._answers[url] = _Answers(Backoff(_REPEAT, self._rest.random), now_s)
            if len(self._answers) > _KEPT:
                del self._answers[next(iter(self._answers))]
        answers.at_s = now_s
        answers.count += 1

    def _due_s(self, fetch: Fetch) -> float:
        """When to make a call: at once, unless it was answered a few times just now."""
        now_s = _now_s()
        answers = self._answers.get(_url(fetch))
        if answers is None or now_s - answers.at_s > _PATIENCE_S or fetch.is_polled:
            return now_s
        if answers.count < _ANSWERS_FREE:
            return now_s
        delay_s = answers.backoff.next_delay() or 0.0
        reason = f"{fetch.path} was answered {answers.count} times, which did not help"
        self._failed(fetch, reason, self._clock.now_ns() + int(delay_s * 1e9), None)
        return now_s + delay_s


class _UnreadableAnswer(RemoteProtocolError):
    """An answer that makes no sense, with its first bytes as a sample."""

    def __init__(self, message: str, sample: str) -> None:
        super().__init__(message)
        self.sample = sample


def _url(fetch: Fetch) -> str:
    once = fetch.purpose if fetch.is_once else ""
    return f"{fetch.method} {fetch.endpoint} {fetch.path} {fetch.body!r} {once}"


def _remember(known: dict[str, None], url: str) -> None:
    known[url] = None
    if len(known) > _KEPT:
        del known[next(iter(known))]


def _now_s() -> float:
    return asyncio.get_running_loop().time()
