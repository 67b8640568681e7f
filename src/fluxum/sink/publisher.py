"""The publisher: events of sessions to an engine, through one outbox.

    async with fluxum.connect(EXCHANGE, ["BTC/USD"], ["book", "trade"]) as session:
        async with fluxum.publish("nats://127.0.0.1:4222", session) as publisher:
            ...
            print(publisher.statistics())

It reads each session's bus as any other reader does, and lets the others go first: it looks for
events fifty times a second, waits for a turn of the loop in which none came, and puts a hundred at
once into the outbox. If the engine fails, hangs or refuses, the same batches are written again
after the product's back-off, for as long as the block lasts; meanwhile the outbox holds what its
bounds allow, and counts the rest. Nothing that an engine or its library does ends a session.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Coroutine, Iterable
from contextlib import asynccontextmanager, suppress
from itertools import islice
from math import inf
from random import Random, SystemRandom

from msgspec import Struct

from fluxum.clock import Clock, SystemClock
from fluxum.errors import BadInput
from fluxum.flow.background import background
from fluxum.flow.opening import Opening
from fluxum.logs import masked
from fluxum.model.event import Event
from fluxum.pacing import Backoff, BackoffPolicy
from fluxum.sink.engine import BatchWriter, EngineUrl, disconnect, writer_of
from fluxum.sink.outbox import Outbox, OutboxPolicy, OutboxSums
from fluxum.sink.sources import PublishSource, Source, require_sources, sources_of
from fluxum.sink.wire import encode_event_line, encode_notice

__all__ = ["PublishPolicy", "PublishSource", "Publisher", "PublisherStatistics", "publish"]

_log = logging.getLogger(__name__)
_TURNS = 20
_QUICK_S = 0.1
# Events of so long are taken together, between these: a wake-up for each would cost more.
_GATHER_LEAST_S, _GATHER_MOST_S = 0.005, 0.02
# A step takes so many events, or that part of what waits, and ends after so many bytes.
_STEP_EVENTS, _STEP_SHARE, _STEP_BYTES = 100, 16, 64_000
_STEPS_MOST = 1_000  # to take all; then the sources are faster than that, and the rest is one
_ASIDE_MOST = 4


class PublishPolicy(Struct, frozen=True, kw_only=True):
    """How a publisher writes.

    `capacity` is how many events of a session may wait to be put into the outbox. A write that is
    not acknowledged after `write_timeout_s` has failed. It is tried again after a random time of up
    to `retry_first_s`, doubled each time up to `retry_ceiling_s`. Tallies and checkpoints of books
    are published every `tally_s` and `checkpoint_s`. At its end a publisher waits up to `close_s`
    for the engine. `streams` are patterns of what is published (see `subscribe`); with
    `has_account` the account's streams are published too.
    """

    outbox: OutboxPolicy = OutboxPolicy()
    streams: tuple[str, ...] = ("*",)
    retry_first_s: float = 0.5
    retry_ceiling_s: float = 5.0
    capacity: int = 100_000
    write_timeout_s: float = 5.0
    tally_s: float = 5.0
    checkpoint_s: float = 10.0
    close_s: float = 5.0
    has_account: bool = False

    def __post_init__(self) -> None:
        """Raise BadInput for a policy that makes no sense."""
        _backoff(self)
        times_s = (self.write_timeout_s, self.tally_s, self.checkpoint_s)
        if self.capacity < 1 or min(times_s) <= 0 or self.close_s < 0:
            raise BadInput(
                f"a capacity of at least 1 and times above 0 s were expected, was {self}"
            )


class PublisherStatistics(Struct, frozen=True, kw_only=True):
    """A publisher's counts at one moment: offered = acknowledged + dropped + waiting.

    `written` batches were acknowledged, `failures` writes failed and were tried again. `trouble` is
    why the last write failed, empty once one has succeeded. `lag_s` is how long the oldest event
    has waited. `streams` are the sums of each stream.
    """

    epoch: int
    offered: int
    acknowledged: int
    dropped: int
    waiting: int
    waiting_bytes: int
    lag_s: float
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
        self,
        engine: BatchWriter,
        policy: PublishPolicy,
        clock: Clock,
        random: Random,
        *,
        name: str = "sink",
    ) -> None:
        self.name = name
        """The name of the sink in metrics and reports."""
        self._now_s = asyncio.get_running_loop().time
        self._engine = engine
        self._policy = policy
        self._clock = clock
        self._outbox = Outbox(clock.now_ns(), policy.outbox)
        self._backoff = Backoff(_backoff(policy), random)
        self._gather_s = min(_GATHER_MOST_S, max(_GATHER_LEAST_S, policy.outbox.batch_s))
        self._sources: list[Source] = []
        self._news = asyncio.Event()
        self._is_open = False
        self._is_torn = False
        """Whether a write was cancelled in its middle: the next one needs another link."""
        self._written = self._failures = 0
        self._trouble = ""

    @property
    def trouble(self) -> str:
        """Why the last write failed; empty once one has succeeded."""
        return self._trouble

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
            lag_s=self._outbox.lag_s(self._now_s()),
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

    def add(self, *sources: Source) -> None:
        """Take all events of some sources from now on."""
        self._sources += sources
        for source in sources:
            self._checkpoint(source, source.turn(0, 1))

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
                due_s = self._outbox.due_s(self._now_s())
                if due_s is None:
                    self._news.clear()
                    await self._news.wait()
                elif due_s > 0:
                    await asyncio.sleep(due_s)
                else:
                    await self._step_aside()
                    await self._write()

    async def _finish(self) -> None:
        try:
            for source in self._sources:
                self._take_rest(source)
                source.cancel()
            self._outbox.close(self._now_s(), self._clock.now_ns())
            until_s = self._now_s() + self._policy.close_s
            with suppress(TimeoutError):
                async with asyncio.timeout(self._policy.close_s):
                    while not self._outbox.is_empty and self._now_s() < until_s:
                        await self._write()
        finally:
            await self._disconnect()

    async def _follow(self, source: Source) -> None:
        while await source.wait():
            await asyncio.sleep(self._gather_s)
            while source.waiting:  # while events come it is not woken by them, but looks
                await self._take(source)
                await asyncio.sleep(self._gather_s)

    async def _beat(self) -> None:
        """Publish tallies and checkpoints; thousands of them take turns, and hold up nothing."""
        tick_s = self._policy.tally_s / _TURNS
        turns = max(1, round(self._policy.checkpoint_s / tick_s))
        tick = 0
        while True:
            await asyncio.sleep(tick_s)
            self._outbox.tally(self._now_s(), self._clock.now_ns(), tick % _TURNS, _TURNS)
            for source in self._sources:
                await self._take(source)
                self._put(source, source.ended(self._clock.now_ns()), self._now_s())
                for stream in source.turn(tick % turns, turns):
                    await self._take(source)
                    self._checkpoint(source, (stream,))
            self._news.set()
            tick += 1

    async def _take(self, source: Source) -> None:
        """Put all events that wait into the outbox, in steps; then the books are what it has."""
        for _ in range(_STEPS_MOST):
            await self._step_aside()
            waiting, since_s = source.waiting, self._now_s()
            if waiting <= _STEP_EVENTS:  # else batches shall fill up with those of later steps
                since_s -= self._gather_s
            events = islice(source.take(), max(_STEP_EVENTS, waiting // _STEP_SHARE))
            self._put(source, events, since_s, _STEP_BYTES)
            if not source.waiting:
                break
        self._take_rest(source)

    def _take_rest(self, source: Source) -> None:
        self._put(source, source.take(), self._now_s() - self._gather_s)
        if self._outbox.refilled:
            refilled = source.own(self._outbox.refilled)
            self._outbox.refilled -= refilled
            self._checkpoint(source, refilled)
        self._news.set()

    def _put(
        self, source: Source, events: Iterable[Event], since_s: float, bytes_most: float = inf
    ) -> None:
        """Put events into the outbox, up to the one that makes it so many bytes."""
        streams, lines = source.streams, defaultdict[str, list[bytes]](list)
        for event in events:
            names = streams(event)
            if names:
                line = encode_event_line(event)
                for stream in names:
                    lines[stream].append(line)
                bytes_most -= len(line)
                if bytes_most <= 0:
                    break
        now_ns = self._clock.now_ns()
        for stream, these in lines.items():
            self._outbox.put_all(stream, these, since_s, now_ns)

    async def _step_aside(self) -> None:
        """Let other readers of the sources have first what has just come."""
        for _ in range(_ASIDE_MOST):
            waiting = self._waiting
            await asyncio.sleep(0)
            if self._waiting == waiting:
                break

    @property
    def _waiting(self) -> int:
        return sum(one.waiting for one in self._sources)

    def _checkpoint(self, source: Source, streams: Collection[str]) -> None:
        """Publish books as they are: all events of the source are in the outbox."""
        for stream in streams:
            checkpoint = source.checkpoint(stream, self._clock.now_ns())
            if checkpoint is not None:
                self._outbox.put_notice(stream, encode_notice(checkpoint), self._now_s())

    async def _write(self) -> None:
        """Write what is due once; if it fails, wait for the back-off."""
        try:
            async with asyncio.timeout(self._policy.write_timeout_s):
                if self._is_torn:
                    await self._disconnect()
                if not self._is_open:
                    await self._engine.open()
                    self._is_open = True
                batches = self._outbox.take(self._now_s())
                await self._engine.write(batches)
        except asyncio.CancelledError:
            self._is_torn = True  # what the link carries now may not be what is acknowledged next
            raise
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
        self._is_open = self._is_torn = False
        await disconnect(self._engine)


def publish(
    engine: str | BatchWriter,
    *sources: PublishSource,
    policy: PublishPolicy | None = None,
    name: str = "",
    clock: Clock | None = None,
    random: Random | None = None,
) -> Opening[Publisher]:
    """Publish all events of sessions to an engine, by its URL (see `sink.engine`), while it lasts.

    Sources are sessions, traders, and a hub: those venues are published that it has at any time.
    Several sessions of one venue are given by labels, `{"main": session, "other": session}`, and
    their streams are `VENUE@LABEL/...`. Enter it, or await and close it. The account's streams are
    left out unless the policy has them. `name` is the sink's in metrics, by default the engine's.
    Raises BadInput for a URL of no engine, one whose library is not installed, no sources, and two
    sessions of one venue without labels: their streams would have the same names.
    """
    made = writer_of(engine) if isinstance(engine, str) else engine
    plan = policy or PublishPolicy()
    found = name or (EngineUrl.parse(engine).engine if isinstance(engine, str) else "sink")
    require_sources(sources)

    @asynccontextmanager
    async def opened() -> AsyncGenerator[Publisher]:
        publisher = Publisher(
            made, plan, clock or SystemClock(), random or SystemRandom(), name=found
        )
        publisher.add(*sources_of(sources, plan))
        try:
            async with background(publisher.run()):
                yield publisher
        finally:
            await publisher.finish()

    return Opening(opened)


def _backoff(policy: PublishPolicy) -> BackoffPolicy:
    """How failed writes are tried again; raises BadInput."""
    return BackoffPolicy(
        quick_tries=1,
        quick_s=min(_QUICK_S, policy.retry_first_s),
        first_s=policy.retry_first_s,
        ceiling_s=policy.retry_ceiling_s,
    )


def _text(error: Exception) -> str:
    """The error in a line; some libraries' errors have no text."""
    return masked(str(error)) or type(error).__name__
