"""Questions to a venue, signed where they are about an account.

They are paced by the venue's own counter and repeated where that helps.

Only questions pass here, which change nothing, so repeating one is harmless. What the venue
refuses for the moment and what fails on the way is asked again, signed anew, a few times; a no is
raised at once. A breaker for each kind of question stops asking what keeps failing.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

from msgspec import Struct

from fluxum.clock import Clock
from fluxum.errors import (
    BadInput,
    FluxumError,
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
from fluxum.transport.http import Http
from fluxum.venues.conversation import UNREADABLE, Fetch
from fluxum.venues.private import Signed
from fluxum.venues.questions import Question

__all__ = ["AskStatistics", "Asking", "Nonces", "unsigned"]

_log = logging.getLogger(__name__)
Said = TypeVar("Said")
_TRIES_MAX = 6
_BACKOFF = BackoffPolicy(quick_tries=1, quick_s=0.5, first_s=2.0, ceiling_s=15.0)


class Nonces:
    """Numbers that only grow: microseconds of the clock, or one more than the last.

    Two processes under one key stay apart as far as their clocks agree; a number that came too
    late is refused by the venue and the question asked again with another.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    def next(self) -> int:
        """A number greater than any before."""
        self._last = max(self._last + 1, self._clock.now_ns() // 1000)
        return self._last


class AskStatistics(Struct):
    """What became of questions: asked = answered + refused + failed; a repeat is one try more."""

    asked: int = 0
    answered: int = 0
    refused: int = 0
    failed: int = 0
    repeated: int = 0


def unsigned(fetch: Fetch, _nonce: int) -> Signed:
    """A call as it is, for what anybody may ask."""
    return Signed(fetch.headers, fetch.body)


class Asking:
    """Asks questions, one call at a time, as venues want rising numbers.

    `counter` is the venue's own, followed; `sign` is given each call and a number that only
    grows; `preparations` are asked once, before the first question.
    """

    def __init__(
        self,
        http: Http | None,
        url: str,
        clock: Clock,
        random: Random,
        counter: CallCounter,
        sign: Callable[[Fetch, int], Signed] = unsigned,
        preparations: Callable[[], Sequence[Question[None]]] = tuple,
    ) -> None:
        self.statistics = AskStatistics()
        self._http = http
        self._url = url
        self._clock = clock
        self._random = random
        self._nonces = Nonces(clock)
        self._counter = counter
        self._sign = sign
        self._preparations = preparations
        self._breakers: dict[str, CircuitBreaker] = {}
        self._turn = asyncio.Lock()
        self._preparation = asyncio.Lock()
        self._is_prepared = False

    async def ask(self, question: Question[Said]) -> Said:
        """The answer. Raises VenueRefused for a no, CircuitOpen, and what failed to the last."""
        await self._prepare()
        return await self._ask(question)

    async def _prepare(self) -> None:
        if self._is_prepared:
            return
        async with self._preparation:
            if not self._is_prepared:
                for question in self._preparations():
                    await self._ask(question)
                self._is_prepared = True

    async def _ask(self, question: Question[Said]) -> Said:
        statistics = self.statistics
        statistics.asked += 1
        backoff = Backoff(_BACKOFF, self._random)
        for left in range(_TRIES_MAX - 1, -1, -1):
            try:
                said = await self._try(question)
            except (TransportError, RateLimited, RemoteProtocolError) as error:
                if not left or not error.retryable:
                    statistics.failed += 1
                    raise
                floor_s = bounded_wait_s(getattr(error, "retry_after_s", None))
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
                return said
            statistics.repeated += 1
            await asyncio.sleep(backoff.next_delay(floor_s) or 0.0)
        raise AssertionError("the last try returns or raises")

    async def _try(self, question: Question[Said]) -> Said:
        if self._http is None:
            raise BadInput(f"{question.fetch.purpose} needs REST calls, but no HTTP was handed in")
        fetch = question.fetch
        async with self._turn:  # numbers have to arrive in their order
            wait_s = self._counter.take(question.fetch.cost, self._now_s())
            if wait_s:
                await asyncio.sleep(wait_s)
            breaker = self._breaker(fetch.purpose)
            breaker.enter(self._now_s())
            signed = self._sign(fetch, self._nonces.next())
            try:
                url = self._url + fetch.path
                body = await self._http.call(fetch.method, url, signed.headers, signed.body)
            except TransportError as error:
                breaker.failed(self._now_s(), str(error))
                raise
            except BaseException:
                breaker.succeeded()  # it answered, or nobody waited for it any more
                raise
            breaker.succeeded()
        try:
            return question.read(body, self._clock.now_ns())
        except FluxumError:
            raise
        except UNREADABLE as error:
            raise RemoteProtocolError(f"{fetch.purpose} cannot be read: {error}") from error

    def _breaker(self, purpose: str) -> CircuitBreaker:
        if purpose not in self._breakers:
            self._breakers[purpose] = CircuitBreaker(purpose, BreakerPolicy())
        return self._breakers[purpose]

    @staticmethod
    def _now_s() -> float:
        return asyncio.get_running_loop().time()
