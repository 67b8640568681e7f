"""The reader of an engine: the same events as a session's, and the same honesty about losses.

async with fluxum.subscribe("nats://127.0.0.1:4222") as events:
    async for event in events:
        print(event)
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random, SystemRandom
from typing import Self

from fluxum.book.book import Book
from fluxum.book.level3 import Level3Book
from fluxum.clock import Clock, SystemClock
from fluxum.errors import BadInput, TransportError
from fluxum.flow.opening import Opening
from fluxum.logs import masked
from fluxum.model.event import Event
from fluxum.model.instrument import Symbol
from fluxum.pacing import Backoff, BackoffPolicy
from fluxum.sink.engine import BatchReader, disconnect, reader_of
from fluxum.sink.intake import Intake, SubscriberStatistics

__all__ = ["Subscriber", "subscribe"]

_log = logging.getLogger(__name__)
_BACKOFF = BackoffPolicy(quick_tries=1, quick_s=0.1, first_s=0.5, ceiling_s=5.0)
_READ_S = 1.0
_ANSWER_S = 5.0  # longer than a read may wait


class Subscriber:
    """Events of an engine in their order; made by `subscribe`. It has one reader.

    The reader's pace is the pace at which batches are read, so nothing is dropped here. If the
    engine fails, the subscriber connects again, at the place where it was. `book` is the book after
    the last event that was read.
    """

    _close: Callable[[], Awaitable[None]] | None = None

    def __init__(
        self, source: BatchReader, clock: Clock, random: Random, *, is_whole: bool
    ) -> None:
        self._source = source
        self._intake = Intake(is_whole=is_whole, joined_ns=clock.now_ns())
        self._clock = clock
        self._backoff = Backoff(_BACKOFF, random)
        self._payloads: deque[bytes] = deque()
        self._events: deque[Event] = deque()
        self._is_open = False
        self._is_torn = False
        """Whether a read was cancelled in its middle: the next one needs another link."""
        self._opened = 0
        self._trouble = ""

    def __aiter__(self) -> Self:
        """The subscriber itself."""
        return self

    async def __anext__(self) -> Event:
        """The next event, or the gap before it; waits for as long as none comes."""
        while not self._events:
            if not self._payloads:
                await self._read()
            self._unpack()
        return self._events.popleft()

    async def stored(self, quiet_s: float = 1.0) -> AsyncGenerator[Event]:
        """All events until none comes for `quiet_s`: what is stored now, if no publisher runs.

        Raises TransportError if the engine cannot be read.
        """
        while True:
            while self._payloads or self._events:
                while self._events:
                    yield self._events.popleft()
                self._unpack()
            try:
                self._payloads.extend(await self._read_once(quiet_s))
            except Exception as error:
                raise TransportError(f"the engine cannot be read: {_text(error)}") from error
            if not self._payloads:
                return

    def book(self, venue: str, symbol: str) -> Book:
        """The book of a market as of the last event read: do not keep it. Raises NotSubscribed.

        A session that was published by a label has its books as `VENUE@LABEL`.
        """
        return self._intake.mirrors.book(venue, Symbol(symbol))

    def level3(self, venue: str, symbol: str) -> Level3Book:
        """The same of single orders."""
        return self._intake.mirrors.level3(venue, Symbol(symbol))

    def statistics(self) -> SubscriberStatistics:
        """All counts so far."""
        return self._intake.statistics(reconnects=max(0, self._opened - 1))

    @property
    def trouble(self) -> str:
        """Why the engine could not be read the last time; empty if it could."""
        return self._trouble

    async def close(self) -> None:
        """End a subscriber that was awaited; one that was entered ends with its block."""
        if self._close is None:
            raise BadInput("this subscriber was entered: it ends with its block")
        await self._close()

    def closed_by(self, close: Callable[[], Awaitable[None]]) -> None:
        """The subscriber was awaited; `close` ends it."""
        self._close = close

    async def disconnect(self) -> None:
        """Disconnect; reading connects again."""
        self._is_open = self._is_torn = False
        await disconnect(self._source)

    def _unpack(self) -> None:
        if self._payloads:
            self._events.extend(self._intake.take(self._payloads.popleft(), self._clock.now_ns()))

    async def _read(self) -> None:
        """Read once; after a failure connect again, after the back-off."""
        task = asyncio.current_task()
        assert task is not None
        cancels = task.cancelling()
        try:
            self._payloads.extend(await self._read_once(_READ_S))
        except Exception as error:  # noqa: BLE001 - whatever its library raises: it may come back
            if task.cancelling() == cancels:
                await self._recover(error)
        if task.cancelling() > cancels:  # some libraries turn a cancellation into something else
            raise asyncio.CancelledError

    async def _recover(self, error: Exception) -> None:
        if not self._trouble:
            _log.warning("sink: not read, and tried again: %s", _text(error))
        self._trouble = _text(error)
        await self.disconnect()
        await asyncio.sleep(self._backoff.next_delay() or 0.0)

    async def _read_once(self, wait_s: float) -> list[bytes]:
        try:
            async with asyncio.timeout(wait_s + _ANSWER_S):
                if self._is_torn:
                    await self.disconnect()
                if not self._is_open:
                    await self._source.open()
                    self._is_open = True
                    self._opened += 1
                payloads = list(await self._source.read(wait_s))
        except asyncio.CancelledError:
            self._is_torn = True  # the link may have taken batches that were not returned
            raise
        self._backoff.reset()
        self._trouble = ""
        return payloads


def subscribe(
    engine: str | BatchReader,
    streams: str = "*",
    *,
    is_whole: bool = False,
    clock: Clock | None = None,
    random: Random | None = None,
) -> Opening[Subscriber]:
    """Read what publishers write to an engine, by its URL (see `sink.engine`).

    `streams` is a pattern such as `VENUE/*/trade`; by default all are read. With `is_whole` it
    begins with the first that the engine still has, else with the next that comes. Enter it, or
    await and close it. Raises BadInput for a URL of no engine, or whose library is not installed.
    """
    source = reader_of(engine, streams, is_whole=is_whole) if isinstance(engine, str) else engine

    @asynccontextmanager
    async def opened() -> AsyncGenerator[Subscriber]:
        made = Subscriber(
            source, clock or SystemClock(), random or SystemRandom(), is_whole=is_whole
        )
        try:
            yield made
        finally:
            await made.disconnect()

    return Opening(opened)


def _text(error: Exception) -> str:
    """The error in a line; some libraries' errors have no text."""
    return masked(str(error)) or type(error).__name__
