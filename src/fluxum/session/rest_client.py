"""REST queries to a venue, signed if they are about an account.

They are paced by the venue's own rate limit and repeated where that helps.

Only queries are sent here. They change nothing, so repeating one is harmless. If the venue refuses
a query for the moment, or the transport fails, the query is signed and sent again, a few times. If
a nonce came too late, the query is sent once more. A final refusal is raised at once, and so is a
long wait that the venue demands. For each kind of query, a circuit breaker stops queries that keep
failing.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

from msgspec import Struct, structs

from fluxum.clock import Clock
from fluxum.errors import (
    BadInput,
    FluxumError,
    NonceRefused,
    RateLimited,
    RemoteProtocolError,
    TransportError,
    VenueRefused,
)
from fluxum.model.breaker import BreakerState
from fluxum.pacing import (
    Backoff,
    BackoffPolicy,
    BreakerPolicy,
    CallCounter,
    CircuitBreaker,
    bounded_wait_s,
)
from fluxum.session.authenticator import Authenticator
from fluxum.transport.call import Http
from fluxum.venues.conversation import UNREADABLE, Auth, Fetch
from fluxum.venues.queries import RestQuery
from fluxum.venues.rows import LeftOutRows

__all__ = ["QueryStatistics", "RestClient", "RestUsage"]

_log = logging.getLogger(__name__)
T = TypeVar("T")
_TRIES_MAX = 6
_LEFT_OUT_KEPT = 100
# A longer wait is raised, so that the caller can report when it ends.
_WAIT_MAX_S = 30.0
_BACKOFF = BackoffPolicy(quick_tries=1, quick_s=0.5, first_s=2.0, ceiling_s=15.0)


class QueryStatistics(Struct):
    """What became of queries: requested = answered + refused + failed.

    `repeated` counts retries.
    """

    requested: int = 0
    answered: int = 0
    refused: int = 0
    failed: int = 0
    repeated: int = 0


class RestUsage(Struct, frozen=True, kw_only=True):
    """The queries so far, and what limits the next one.

    `breakers_open` is how many kinds of queries are stopped now because they keep failing,
    `stopped` how many were not sent for that reason. `cost` is how much of the venue's rate limit,
    `cost_max`, is used now; it falls with time.
    """

    queries: QueryStatistics
    breakers_open: int
    stopped: int
    cost: float
    cost_max: float


def _nothing(_now_ns: int) -> Sequence[RestQuery[LeftOutRows | None]]:
    return ()


class RestClient:
    """Sends queries, one call at a time, as venues require rising nonces.

    `counter` models the venue's rate limit. `authenticator` signs the calls that need it.
    `preparations` are sent once, before the first query. If an answer contains names that are not
    known, `renewals` are sent, and then that answer is read again. `breaker` is the policy of the
    breakers, one for each kind of query.
    """

    def __init__(
        self,
        http: Http | None,
        url: str,
        clock: Clock,
        random: Random,
        counter: CallCounter,
        authenticator: Authenticator | None = None,
        preparations: Callable[[], Sequence[RestQuery[LeftOutRows | None]]] = tuple,
        renewals: Callable[[int], Sequence[RestQuery[LeftOutRows | None]]] = _nothing,
        breaker: BreakerPolicy | None = None,
    ) -> None:
        self.statistics = QueryStatistics()
        self.left_out: deque[LeftOutRows] = deque(maxlen=_LEFT_OUT_KEPT)
        """Rows of the preparations that could not be read; the reader removes them."""
        self._http = http
        self._url = url
        self._clock = clock
        self._random = random
        self._counter = counter
        self._authenticator = authenticator
        self._preparations = preparations
        self._renewals = renewals
        self._policy = breaker or BreakerPolicy()
        self._breakers: dict[str, CircuitBreaker] = {}
        self._answered: set[str] = set()  # kinds of queries, by purpose
        self._turn = asyncio.Lock() if authenticator is None else authenticator.turn
        self._preparation = asyncio.Lock()
        self._is_prepared = False
        self._renewed = 0

    def usage(self) -> RestUsage:
        """The queries so far, and what limits the next one."""
        breakers = self._breakers.values()
        return RestUsage(
            queries=structs.replace(self.statistics),
            breakers_open=sum(one.state is not BreakerState.CLOSED for one in breakers),
            stopped=sum(one.refused for one in breakers),
            cost=self._counter.count(self._now_s()),
            cost_max=self._counter.most,
        )

    async def query(self, query: RestQuery[T]) -> T:
        """The answer. Raises VenueRefused for a refusal, CircuitOpen, and the last failure."""
        await self._prepare()
        while query.first is not None:
            _, _, query = await self._send_with_retries(query.first)
        renewed = self._renewed
        body, received_ns, answer = await self._send_with_retries(query)
        await self._renew(received_ns)
        is_read_again = body and self._renewed != renewed
        return query.read(body, received_ns) if is_read_again else answer

    async def _prepare(self) -> None:
        if self._is_prepared:
            return
        async with self._preparation:
            if not self._is_prepared:
                await self._load(self._preparations())
                self._is_prepared = True

    async def _renew(self, now_ns: int) -> None:
        """Request what the last answer needs; if that fails, the answer stays as it was read."""
        renewals = self._renewals(now_ns)
        if not renewals:
            return
        async with self._preparation:
            try:
                await self._load(renewals)
            except FluxumError as error:
                _log.warning("the lists of names were not renewed: %s", error)
        self._renewed += 1

    async def _load(self, queries: Sequence[RestQuery[LeftOutRows | None]]) -> None:
        for query in queries:
            _, _, left_out = await self._send_with_retries(query)
            if left_out is not None:
                self.left_out.append(left_out)

    async def _send_with_retries(self, query: RestQuery[T]) -> tuple[bytes, int, T]:
        """The body, when it was received, and the answer read from it."""
        statistics = self.statistics
        statistics.requested += 1
        backoff = Backoff(_BACKOFF, self._random)
        is_overtaken = False
        for left in range(_TRIES_MAX - 1, -1, -1):
            try:
                answer = await self._try(query)
            except NonceRefused as error:
                if is_overtaken or not left:
                    self._note_refusal(error, query.fetch)
                    raise
                is_overtaken, floor_s = True, 0.0
            except (TransportError, RateLimited, RemoteProtocolError) as error:
                floor_s = bounded_wait_s(getattr(error, "retry_after_s", None))
                if not left or not error.retryable or floor_s > _WAIT_MAX_S:
                    statistics.failed += 1
                    raise
                if isinstance(error, RateLimited):
                    self._counter.exhausted(floor_s, self._now_s())
                _log.warning("%s: %s; asked again", query.fetch.purpose, error)
            except FluxumError as error:
                self._note_refusal(error, query.fetch)
                raise
            except BaseException:
                statistics.failed += 1
                raise
            else:
                statistics.answered += 1
                self._answered.add(query.fetch.purpose)
                return answer
            statistics.repeated += 1
            await asyncio.sleep(backoff.next_delay(floor_s) or 0.0)
        raise AssertionError("the last try returns or raises")

    def _note_refusal(self, error: FluxumError, fetch: Fetch) -> None:
        self.statistics.refused += 1
        if isinstance(error, VenueRefused):
            error.was_answered = fetch.purpose in self._answered

    async def _try(self, query: RestQuery[T]) -> tuple[bytes, int, T]:
        """One attempt; a refusal that is an answer has no body."""
        if self._http is None:
            raise BadInput(f"{query.fetch.purpose} needs REST calls, but no HTTP was handed in")
        fetch = query.fetch
        async with self._turn:  # nonces have to arrive in order
            wait_s = self._counter.take(query.fetch.cost, self._now_s())
            if wait_s:
                await asyncio.sleep(wait_s)
            breaker = self._breaker(fetch.purpose)
            breaker.enter(self._now_s())
            try:
                body = await self._call(self._http, fetch)
            except TransportError as error:
                breaker.failed(self._now_s(), str(error))
                raise
            except VenueRefused as error:
                breaker.succeeded()
                if query.refused is None or isinstance(error, RateLimited):
                    raise
                return b"", self._clock.now_ns(), query.refused(error)
            except BaseException:
                breaker.succeeded()  # the venue answered, or the caller was cancelled
                raise
            breaker.succeeded()
        received_ns = self._clock.now_ns()
        try:
            return body, received_ns, query.read(body, received_ns)
        except FluxumError:
            raise
        except UNREADABLE as error:
            raise RemoteProtocolError(f"{fetch.purpose} cannot be read: {error}") from error

    async def _call(self, http: Http, fetch: Fetch) -> bytes:
        if fetch.auth is Auth.NONE:
            url = self._url + fetch.path
            return await http.call(fetch.method, url, fetch.headers, fetch.body)
        if self._authenticator is None:
            raise BadInput(f"{fetch.purpose} needs the keys of an account, and there are none")
        return await self._authenticator.call(fetch, self._url)

    def _breaker(self, purpose: str) -> CircuitBreaker:
        if purpose not in self._breakers:
            self._breakers[purpose] = CircuitBreaker(purpose, self._policy)
        return self._breakers[purpose]

    @staticmethod
    def _now_s() -> float:
        return asyncio.get_running_loop().time()
