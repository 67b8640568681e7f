"""Questions to a venue, signed where they are about an account.

They are paced by the venue's own counter and repeated where that helps.

Only questions pass here, which change nothing, so repeating one is harmless. What the venue
refuses for the moment and what fails on the way is asked again, signed anew, a few times; a nonce
that came too late once more; a no is raised at once, as is a wait that the venue wants to be long.
A breaker for each kind of question stops asking what keeps failing.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

from msgspec import Struct

from fluxum.clock import Clock
from fluxum.errors import (
    BadInput,
    FluxumError,
    NonceRefused,
    RateLimited,
    RemoteProtocolError,
    TransportError,
)
from fluxum.pacing import (
    Backoff,
    BackoffPolicy,
    BreakerPolicy,
    CallCounter,
    CircuitBreaker,
    bounded_wait_s,
)
from fluxum.session.authenticator import Authenticator
from fluxum.transport.http import Http
from fluxum.venues.conversation import UNREADABLE, Auth, Fetch
from fluxum.venues.queries import RestQuery
from fluxum.venues.rows import LeftOutRows

__all__ = ["QueryStatistics", "RestClient"]

_log = logging.getLogger(__name__)
Said = TypeVar("Said")
_TRIES_MAX = 6
_LEFT_OUT_KEPT = 100
# The longest wait that is not reported to the caller, who may name it with its end.
_WAIT_MAX_S = 30.0
_BACKOFF = BackoffPolicy(quick_tries=1, quick_s=0.5, first_s=2.0, ceiling_s=15.0)


class QueryStatistics(Struct):
    """What became of questions: asked = answered + refused + failed; a repeat is one try more."""

    asked: int = 0
    answered: int = 0
    refused: int = 0
    failed: int = 0
    repeated: int = 0


def _nothing(_now_ns: int) -> Sequence[RestQuery[LeftOutRows | None]]:
    return ()


class RestClient:
    """Asks questions, one call at a time, as venues want rising numbers.

    `counter` is the venue's own, followed; `authenticator` signs the calls that need it;
    `preparations` are asked once, before the first question. `renewals` are asked after an
    answer that names what no answer to them has named; then that answer is read again.
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
    ) -> None:
        self.statistics = QueryStatistics()
        self.left_out: deque[LeftOutRows] = deque(maxlen=_LEFT_OUT_KEPT)
        """Rows of the preparations that could not be read; the reader takes them out."""
        self._http = http
        self._url = url
        self._clock = clock
        self._random = random
        self._counter = counter
        self._authenticator = authenticator
        self._preparations = preparations
        self._renewals = renewals
        self._breakers: dict[str, CircuitBreaker] = {}
        self._turn = asyncio.Lock() if authenticator is None else authenticator.turn
        self._preparation = asyncio.Lock()
        self._is_prepared = False
        self._renewed = 0

    async def query(self, question: RestQuery[Said]) -> Said:
        """The answer. Raises VenueRefused for a no, CircuitOpen, and what failed to the last."""
        await self._prepare()
        while question.then is not None:
            _, _, question = await self._ask(RestQuery(question.fetch, question.then))
        renewed = self._renewed
        body, received_ns, said = await self._ask(question)
        await self._renew(received_ns)
        return said if self._renewed == renewed else question.read(body, received_ns)

    async def _prepare(self) -> None:
        if self._is_prepared:
            return
        async with self._preparation:
            if not self._is_prepared:
                await self._learn(self._preparations())
                self._is_prepared = True

    async def _renew(self, now_ns: int) -> None:
        """Ask again for what the last answer lacked; without success it stays as it was read."""
        renewals = self._renewals(now_ns)
        if not renewals:
            return
        async with self._preparation:
            try:
                await self._learn(renewals)
            except FluxumError as error:
                _log.warning("the lists of names were not renewed: %s", error)
        self._renewed += 1

    async def _learn(self, queries: Sequence[RestQuery[LeftOutRows | None]]) -> None:
        for question in queries:
            _, _, left_out = await self._ask(question)
            if left_out is not None:
                self.left_out.append(left_out)

    async def _ask(self, question: RestQuery[Said]) -> tuple[bytes, int, Said]:
        """The body, when it was received, and what it says."""
        statistics = self.statistics
        statistics.asked += 1
        backoff = Backoff(_BACKOFF, self._random)
        is_overtaken = False
        for left in range(_TRIES_MAX - 1, -1, -1):
            try:
                answer = await self._try(question)
            except NonceRefused:
                if is_overtaken or not left:
                    statistics.refused += 1
                    raise
                is_overtaken, floor_s = True, 0.0
            except (TransportError, RateLimited, RemoteProtocolError) as error:
                floor_s = bounded_wait_s(getattr(error, "retry_after_s", None))
                if not left or not error.retryable or floor_s > _WAIT_MAX_S:
                    statistics.failed += 1
                    raise
                if isinstance(error, RateLimited):
                    self._counter.exhausted(floor_s, self._now_s())
                _log.warning("%s: %s; asked again", question.fetch.purpose, error)
            except FluxumError:
                statistics.refused += 1
                raise
            except BaseException:
                statistics.failed += 1
                raise
            else:
                statistics.answered += 1
                return answer
            statistics.repeated += 1
            await asyncio.sleep(backoff.next_delay(floor_s) or 0.0)
        raise AssertionError("the last try returns or raises")

    async def _try(self, question: RestQuery[Said]) -> tuple[bytes, int, Said]:
        if self._http is None:
            raise BadInput(f"{question.fetch.purpose} needs REST calls, but no HTTP was handed in")
        fetch = question.fetch
        async with self._turn:  # numbers have to arrive in their order
            wait_s = self._counter.take(question.fetch.cost, self._now_s())
            if wait_s:
                await asyncio.sleep(wait_s)
            breaker = self._breaker(fetch.purpose)
            breaker.enter(self._now_s())
            try:
                body = await self._call(self._http, fetch)
            except TransportError as error:
                breaker.failed(self._now_s(), str(error))
                raise
            except BaseException:
                breaker.succeeded()  # it answered, or nobody waited for it any more
                raise
            breaker.succeeded()
        received_ns = self._clock.now_ns()
        try:
            return body, received_ns, question.read(body, received_ns)
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
            self._breakers[purpose] = CircuitBreaker(purpose, BreakerPolicy())
        return self._breakers[purpose]

    @staticmethod
    def _now_s() -> float:
        return asyncio.get_running_loop().time()
