"""The publisher: events of sessions to an engine, through one outbox.

    async with fluxum.connect(EXCHANGE, ["BTC/USD"], ["book", "trade"]) as session:
        async with fluxum.publish("nats://127.0.0.1:4222", session) as publisher:
            ...
            print(publisher.statistics())

It reads each session's bus as any other reader does, so it slows none. If the engine fails, hangs
or refuses, the same batches are written again after the product's back-off, for as long as the
block lasts; meanwhile the outbox holds what its bounds allow, and counts the rest. Nothing that an
engine or its library does ends a session.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Coroutine
from contextlib import asynccontextmanager, suppress
from random import Random, SystemRandom

from msgspec import Struct

from fluxum.clock import Clock, SystemClock
from fluxum.errors import BadInput, NotSubscribed
from fluxum.flow.background import background
from fluxum.flow.opening import Opening
from fluxum.flow.pipe import Overflow, Pipe
from fluxum.logs import masked
from fluxum.model.event import Channel, Event
from fluxum.pacing import Backoff, BackoffPolicy
from fluxum.session.session import Session
from fluxum.sink.engine import BatchWriter, disconnect, writer_of
from fluxum.sink.names import StreamName
from fluxum.sink.outbox import Outbox, OutboxPolicy, OutboxSums
from fluxum.sink.routes import Routes
from fluxum.sink.wire import Checkpoint, encode_event_line, encode_notice

__all__ = ["PublishPolicy", "Publisher", "PublisherStatistics", "publish"]

_log = logging.getLogger(__name__)
_TURNS = 20
_GATHER_S = 0.005  # events of so long are taken together: a wake-up for each would cost more


class PublishPolicy(Struct, frozen=True, kw_only=True):
    """How a publisher writes.

    `capacity` is how many events of a session may wait to be put into the outbox. A write that is
    not acknowledged after `write_timeout_s` has failed. It is tried again after a random time of up
    to `retry_first_s`, doubled each time up to `retry_ceiling_s`. Tallies and checkpoints of books
    are published every `tally_s` and `checkpoint_s`. At its end a publisher waits up to `close_s`
    for the engine. With `has_account` the account's streams are published too.
    """

    outbox: OutboxPolicy = OutboxPolicy()
    retry_first_s: float = 0.5
    retry_ceiling_s: float = 5.0
    capacity: int = 100_000
    write_timeout_s: float = 5.0
    tally_s: float = 5.0
    checkpoint_s: float = 10.0
    close_s: float = 5.0
    has_account: bool = False


class PublisherStatistics(Struct, frozen=True, kw_only=True):
    """A publisher's counts at one moment: offered = acknowledged + dropped + waiting.

    `written` batches were acknowledged, `failures` writes failed and were tried again. `trouble` is
    why the last write failed, empty once one has succeeded. `streams` are the sums of each stream.
    """

    epoch: int
    offered: int
    acknowledged: int
    dropped: int
    waiting: int
    waiting_bytes: int
    written: int
    failures: int
    trouble: str
    streams: tuple[OutboxSums, ...]

    @property
    def is_up(self) -> bool:
        """Whether the last write was acknowledged."""
        return not self.trouble

    @property
    def sums_close(self) -> bool:
        """Whether the sums of every stream close."""
        return self.offered == self.acknowledged + self.dropped + self.waiting and all(
            one.sums_close for one in self.streams
        )


class Publisher:
    """Writes events of sessions to an engine; made by `publish`."""

    _close: Callable[[], Awaitable[None]] | None = None

    def __init__(
        self, engine: BatchWriter, policy: PublishPolicy, clock: Clock, random: Random
    ) -> None:
        self._engine = engine
        self._policy = policy
        self._clock = clock
        self._outbox = Outbox(clock.now_ns(), policy.outbox)
        self._backoff = Backoff(
            BackoffPolicy(
                quick_tries=1,
                quick_s=0.1,
                first_s=policy.retry_first_s,
                ceiling_s=policy.retry_ceiling_s,
            ),
            random,
        )
        self._sources: list[_Followed] = []
        self._news = asyncio.Event()
        self._is_open = False
        self._written = self._failures = 0
        self._trouble = ""

    def statistics(self) -> PublisherStatistics:
        """All counts at this moment."""
        streams = tuple(self._outbox.sums())
        return PublisherStatistics(
            epoch=self._outbox.epoch,
            offered=sum(one.offered for one in streams),
            acknowledged=sum(one.acknowledged for one in streams),
            dropped=sum(one.dropped for one in streams),
            waiting=sum(one.waiting for one in streams),
            waiting_bytes=self._outbox.waiting_bytes,
            written=self._written,
            failures=self._failures,
            trouble=self._trouble,
            streams=streams,
        )

    async def close(self) -> None:
        """End a publisher that was awaited; one that was entered ends with its block."""
        if self._close is None:
            raise BadInput("this publisher was entered: it ends with its block")
        await self._close()

    def closed_by(self, close: Callable[[], Awaitable[None]]) -> None:
        """The publisher was awaited; `close` ends it."""
        self._close = close

    # For `publish`

    def add(self, session: Session) -> None:
        """Take all events of a session from now on."""
        followed = _Followed(session, self._policy)
        self._sources.append(followed)
        self._checkpoint(followed, followed.turn(0, 1))

    async def run(self) -> None:
        """Write until cancelled."""
        await self._guarded(self._run())

    async def finish(self) -> None:
        """Publish what waits and the last tallies, for as long as the policy allows."""
        await self._guarded(self._finish())

    # Pieces

    async def _guarded(self, work: Coroutine[object, object, None]) -> None:
        """A fault in here ends the publisher, not the sessions."""
        try:
            await work
        except Exception as error:  # noqa: BLE001 - whatever it is: it is logged and shown
            self._trouble = f"the publisher failed: {_text(error)}"
            _log.exception("sink: the publisher failed, and publishes nothing any more")

    async def _run(self) -> None:
        task = asyncio.current_task()
        async with background(*(self._follow(one) for one in self._sources), self._beat()):
            # Some libraries turn a cancellation into an error of their own.
            while task is None or not task.cancelling():
                due_s = self._outbox.due_s(_now_s())
                if due_s is None:
                    self._news.clear()
                    await self._news.wait()
                elif due_s > 0:
                    await asyncio.sleep(due_s)
                else:
                    await self._write()

    async def _finish(self) -> None:
        try:
            for followed in self._sources:
                self._take(followed)
                followed.events.cancel()
            self._outbox.close(_now_s(), self._clock.now_ns())
            until_s = _now_s() + self._policy.close_s
            with suppress(TimeoutError):
                async with asyncio.timeout(self._policy.close_s):
                    while not self._outbox.is_empty and _now_s() < until_s:
                        await self._write()
        finally:
            await self._disconnect()

    async def _follow(self, followed: "_Followed") -> None:
        while await followed.events.wait():
            await asyncio.sleep(_GATHER_S)
            self._take(followed)

    async def _beat(self) -> None:
        """Publish tallies and checkpoints; thousands of them take turns, and hold up nothing."""
        tick_s = self._policy.tally_s / _TURNS
        turns = max(1, round(self._policy.checkpoint_s / tick_s))
        tick = 0
        while True:
            await asyncio.sleep(tick_s)
            self._outbox.tally(_now_s(), self._clock.now_ns(), tick % _TURNS, _TURNS)
            for followed in self._sources:
                self._take(followed)
                self._checkpoint(followed, followed.turn(tick % turns, turns))
            self._news.set()
            tick += 1

    def _take(self, followed: "_Followed") -> None:
        """Put all events that wait into the outbox, so that the books are what it has."""
        events = followed.events.drain()
        if not events:
            return
        put, streams = self._outbox.put, followed.routes.streams
        now_s, now_ns = _now_s() - _GATHER_S, self._clock.now_ns()
        for event in events:
            line = encode_event_line(event)
            for stream in streams(event):
                put(stream, line, now_s, now_ns)
        if self._outbox.refilled:
            refilled = followed.own(self._outbox.refilled)
            self._outbox.refilled -= refilled
            self._checkpoint(followed, refilled)
        self._news.set()

    def _checkpoint(self, followed: "_Followed", streams: Collection[str]) -> None:
        """Publish books as they are: all events of the session are in the outbox."""
        for stream in streams:
            checkpoint = followed.checkpoint(stream, self._clock.now_ns())
            if checkpoint is not None:
                self._outbox.put_notice(stream, encode_notice(checkpoint), _now_s())

    async def _write(self) -> None:
        """Write what is due once; if it fails, wait for the back-off."""
        try:
            async with asyncio.timeout(self._policy.write_timeout_s):
                if not self._is_open:
                    await self._engine.open()
                    self._is_open = True
                batches = self._outbox.take(_now_s())
                await self._engine.write(batches)
        except Exception as error:  # noqa: BLE001 - whatever its library raises, the session goes on
            self._failures += 1
            if not self._trouble:
                _log.warning("sink: not written, and tried again: %s", _text(error))
            self._trouble = _text(error)
            await self._disconnect()
            await asyncio.sleep(self._backoff.next_delay() or 0.0)
        else:
            self._outbox.acknowledge()
            self._written += len(batches)
            self._backoff.reset()
            if self._trouble:
                _log.info("sink: written again")
            self._trouble = ""

    async def _disconnect(self) -> None:
        self._is_open = False
        await disconnect(self._engine)


class _Followed:
    """A session, what waits of its events, and where they go."""

    def __init__(self, session: Session, policy: PublishPolicy) -> None:
        self._session = session
        self.events: Pipe[Event] = session.events(
            capacity=policy.capacity, overflow=Overflow.DROP_OLDEST
        )
        self.routes = Routes(
            session.venue.name,
            lambda: session.subscriptions,
            session.carries,
            has_account=policy.has_account,
        )

    def turn(self, turn: int, turns: int) -> list[str]:
        """The streams of books whose turn it is."""
        books = [one for one in self._session.subscriptions if one.channel is Channel.BOOK]
        return [stream for one in books[turn::turns] for stream in self.routes.name(one)]

    def own(self, streams: Collection[str]) -> set[str]:
        """Those of these streams that are of this session's venue."""
        venue = self._session.venue.name
        return {one for one in streams if StreamName.parse(one).venue == venue}

    def checkpoint(self, stream: str, now_ns: int) -> Checkpoint | None:
        """The book of a stream; `None` if it is no stream of a book, or the book is withdrawn."""
        found = StreamName.parse(stream).subscription
        if found is None or found.channel is not Channel.BOOK or found.symbol is None:
            return None
        try:
            book = self._session.book(found.symbol)
        except NotSubscribed:
            return None
        evidence = book.evidence
        if not evidence.live:
            return None
        return Checkpoint(
            book=book.snapshot(),
            status=evidence.status,
            reason=evidence.reason,
            generation=evidence.generation,
            checks=evidence.checks,
            bid_floor=evidence.bid_floor,
            ask_ceiling=evidence.ask_ceiling,
            sent_ns=now_ns,
        )


def publish(
    engine: str | BatchWriter,
    *sessions: Session,
    policy: PublishPolicy | None = None,
    clock: Clock | None = None,
    random: Random | None = None,
) -> Opening[Publisher]:
    """Publish all events of sessions to an engine, by its URL (see `sink.engine`), while it lasts.

    Enter it, or await and close it. The account's streams are left out unless the policy has them.
    Raises BadInput for a URL of no engine, one whose library is not installed, no sessions, and two
    of one venue: their streams have the same names.
    """
    if not sessions:
        raise BadInput("a session to publish was expected, was none")
    venues = [one.venue.name for one in sessions]
    if len(set(venues)) < len(venues):
        raise BadInput(f"one session of each venue was expected, were {', '.join(venues)}")
    made = writer_of(engine) if isinstance(engine, str) else engine

    @asynccontextmanager
    async def opened() -> AsyncGenerator[Publisher]:
        publisher = Publisher(
            made, policy or PublishPolicy(), clock or SystemClock(), random or SystemRandom()
        )
        for session in sessions:
            publisher.add(session)
        try:
            async with background(publisher.run()):
                yield publisher
        finally:
            await publisher.finish()

    return Opening(opened)


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _text(error: Exception) -> str:
    """The error in a line; some libraries' errors have no text."""
    return masked(str(error)) or type(error).__name__
