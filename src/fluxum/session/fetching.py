"""The REST calls of one link: one at a time, paced, repeated until the venue says yes or no.

Only questions are asked here, so repeating them is harmless. What fails on the way is asked again
after a back-off for as long as the link lives; a no is handed to the protocol, as it is an answer.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from random import Random

from msgspec import Struct

from fluxum.clock import Clock
from fluxum.errors import (
    LocalProtocolError,
    RateLimited,
    RemoteProtocolError,
    TransportError,
    VenueRefused,
)
from fluxum.model.event import Event, Rejected
from fluxum.pacing import Backoff, BackoffPolicy, CallCounter
from fluxum.transport.http import Http
from fluxum.venues.venue import Fetch, VenueProtocol

__all__ = ["FetchCounts", "Fetching", "Rest"]

_log = logging.getLogger(__name__)
_SAMPLE_BYTES = 200
_WAITING_MAX = 10_000


class Rest(Struct, frozen=True):
    """What all links of a session share to make calls: base URLs by endpoint, one allowance."""

    http: Http | None
    endpoints: Mapping[str, str]
    counter: CallCounter
    backoff: BackoffPolicy
    random: Random


class FetchCounts(Struct):
    """What became of calls: asked = answered + refused + waiting, each failure one more try."""

    asked: int = 0
    answered: int = 0
    refused: int = 0
    failures: int = 0


class Fetching:
    """Makes the calls a link's protocol asks for, oldest first."""

    def __init__(
        self,
        venue: str,
        protocol: VenueProtocol,
        rest: Rest,
        clock: Clock,
        counts: FetchCounts,
        deliver: Callable[[Sequence[Event]], None],
        reject: Callable[[Rejected], None],
        spoke: Callable[[], None],
    ) -> None:
        self._venue = venue
        self._protocol = protocol
        self._rest = rest
        self._clock = clock
        self._counts = counts
        self._deliver = deliver
        self._reject = reject
        self._spoke = spoke
        self._waiting: deque[Fetch] = deque()
        self._asked = asyncio.Event()
        self._moved_s = 0.0  # when a call was last answered, or the first one asked for

    def is_moving(self, within_s: float) -> bool:
        """Whether calls wait their turn, and one of them was answered not long ago."""
        return bool(self._waiting) and _now_s() - self._moved_s < within_s

    def ask(self, fetch: Fetch) -> None:
        """Make this call when its turn comes; raises LocalProtocolError where none can be made."""
        if self._rest.http is None:
            raise LocalProtocolError(f"{fetch.path} was asked for, but no HTTP was handed in")
        if len(self._waiting) >= _WAITING_MAX:
            raise LocalProtocolError(f"{_WAITING_MAX} calls wait already, was {fetch.path}")
        self._counts.asked += 1
        if not self._waiting:
            self._moved_s = _now_s()
        self._waiting.append(fetch)
        self._asked.set()

    async def run(self) -> None:
        """Make calls until cancelled."""
        while True:
            await self._asked.wait()
            while self._waiting:
                await self._fetch(self._waiting[0])
                self._waiting.popleft()
                self._moved_s = _now_s()
            self._asked.clear()

    async def _fetch(self, fetch: Fetch) -> None:
        backoff = Backoff(self._rest.backoff, self._rest.random)
        while True:
            wait_s = self._rest.counter.take(fetch.cost, _now_s())
            if wait_s:
                await asyncio.sleep(wait_s)
            floor_s = 0.0
            try:
                if await self._try(fetch):
                    return
            except (TransportError, RateLimited) as error:
                if isinstance(error, RateLimited):
                    floor_s = error.retry_after_s or 0.0
                    self._rest.counter.exhausted(floor_s, _now_s())
                _log.warning("%s %s failed: %s", self._venue, fetch.path, error)
            self._counts.failures += 1
            delay_s = backoff.next_delay(floor_s)
            await asyncio.sleep(self._rest.backoff.ceiling_s if delay_s is None else delay_s)

    async def _try(self, fetch: Fetch) -> bool:
        """Whether there was an answer that makes sense."""
        rest = self._rest
        assert rest.http is not None
        url = rest.endpoints[fetch.endpoint] + fetch.path
        try:
            body = await rest.http.call(fetch.method, url, fetch.headers, fetch.body)
        except RateLimited:
            raise
        except VenueRefused as error:
            self._counts.refused += 1
            now_ns = self._clock.now_ns()
            self._give(self._protocol.receive_refusal(fetch, str(error), now_ns))
            return True
        now_ns = self._clock.now_ns()
        try:
            events = self._protocol.receive_response(fetch, body, now_ns)
        except RemoteProtocolError as error:
            sample = body[:_SAMPLE_BYTES].decode("utf-8", "replace")
            self._reject(
                Rejected(
                    venue=self._venue,
                    reason=f"{fetch.path}: {error}",
                    sample=sample,
                    received_ns=now_ns,
                )
            )
            return False
        self._counts.answered += 1
        self._give(events)
        return True

    def _give(self, events: Sequence[Event]) -> None:
        if events:
            self._deliver(events)
        self._spoke()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
