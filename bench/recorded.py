"""What the benches of exchanges share: a simulated exchange's frames, and a session for them.

The frames are recorded once and then given to every way of reading them. Times are CPU time of this
process, so that other work on the machine counts as little as possible.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from random import Random
from typing import Any

from msgspec import Struct

from fluxum.clock import SystemClock
from fluxum.errors import LinkClosed, TransportError
from fluxum.model.event import Channel, Event, Subscription
from fluxum.model.market import BookUpdate, Candle, Ticker, Trade
from fluxum.session.session import Session
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.sim.sides import find_side
from fluxum.transport.link import Link
from fluxum.venues.server.contract import Dialled
from fluxum.venues.venue import Fetch, Send, Venue

__all__ = ["DEEP", "KINDS", "Take", "TapeHttp", "TapeLink", "product", "record"]

DEEP = 1000
"""Levels a side of the simulated book."""
KINDS: Mapping[Channel, type] = {
    Channel.BOOK: BookUpdate,
    Channel.TRADE: Trade,
    Channel.TICKER: Ticker,
    Channel.CANDLE: Candle,
}
"""What a bench counts of each channel."""


class Take(Struct):
    """One conversation about one stream: what answers the requests, and the stream's frames.

    `before` is how many events of the stream's kind come with the answers, `events` how many with
    the frames.
    """

    subscription: Subscription
    answers: list[bytes]
    bodies: dict[str, bytes]
    frames: list[bytes]
    before: int = 0
    events: int = 0


def record(venue: Venue, channel: Channel, count: int, moves: int) -> Take:
    """Let an exchange move, and keep what one client is sent."""
    kind = KINDS[channel]

    def found(events: Sequence[Event]) -> int:
        return sum(isinstance(event, kind) for event in events)

    async def main() -> Take:
        clock = SimulatedClock(start_ns=time.time_ns())  # as plausible as a live one
        symbol = venue.sample_symbols[0]
        exchange = SimulatedExchange(
            venue,
            [symbol],
            seed=1,
            clock=clock,
            rate_per_s=0.0,
            depth=DEEP,
            resolution_ns=1_000_000,
        )
        side = find_side(venue.name)
        server = side.link(exchange, Dialled(venue.routes[channel]))
        rest = None if side.rest is None else side.rest(exchange)
        protocol = venue.protocol()
        subscription = Subscription(channel, symbol)
        protocol.subscribe([venue.with_defaults(subscription)])
        now_ns = clock.now_ns()
        take = Take(subscription, of_bytes(server.opened(now_ns)), {}, [])
        while protocol.outbox:
            effect = protocol.outbox.popleft()
            if isinstance(effect, Send):
                answers = of_bytes(server.receive(effect.frame, now_ns))
                take.answers += answers
                for frame in answers:
                    take.before += found(protocol.receive(frame, now_ns))
            elif isinstance(effect, Fetch) and rest is not None:
                body = take.bodies[effect.path] = rest.answer(effect, now_ns).body
                take.before += found(protocol.receive_response(effect, body, now_ns))
        while len(take.frames) < count:
            for _ in range(moves):
                now_ns = exchange.step(symbol)
            for frame in of_bytes(server.publish(symbol, now_ns)):
                events = found(protocol.receive(frame, now_ns))
                if events:
                    take.frames.append(frame)
                    take.events += events
        return take

    return run(main())


def of_bytes(words: Sequence[Any]) -> list[bytes]:
    return [word for word in words if isinstance(word, bytes)]


class TapeLink:
    """A link that has everything in its buffer once the calls were made, and then is silent."""

    start = 0.0
    """When the first frame of the stream was received."""

    def __init__(self, take: Take, called: asyncio.Event) -> None:
        self._now = iter(take.answers)
        self._later = iter(take.frames)
        self._called = called

    async def send(self, frame: bytes) -> None:
        pass

    async def receive(self) -> bytes:
        for frame in self._now:
            return frame
        if self._now is self._later:
            await asyncio.sleep(3600)
            raise LinkClosed("never")
        await self._called.wait()
        self._now = self._later
        self.start = time.process_time()
        return next(self._now)

    def waiting(self, most: int) -> list[bytes]:
        """The next frames of the burst: one read of a socket is up to 256 KiB."""
        return list(islice(self._now, most))


class TapeHttp:
    """Calls answered from a take."""

    def __init__(self, take: Take, called: asyncio.Event) -> None:
        self._bodies = dict(take.bodies)
        self._called = called
        self._settle()

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        path = next((path for path in self._bodies if url.endswith(path)), None)
        if path is None:  # such as the venue's clock
            raise TransportError(f"{url} is not on the take")
        answer = self._bodies.pop(path)
        self._settle()
        return answer

    def _settle(self) -> None:
        if not self._bodies:
            self._called.set()


async def product(venue: Venue, take: Take) -> float:
    """Seconds from the first frame of the stream to the last event delivered to one reader.

    The reader of a book looks at its best bid and ask after every frame.
    """
    called = asyncio.Event()
    link = TapeLink(take, called)
    kind, is_book = KINDS[take.subscription.channel], take.subscription.channel is Channel.BOOK

    @asynccontextmanager
    async def dial(_url: str, headers: Mapping[str, str] = {}, /) -> AsyncGenerator[Link]:
        yield link

    session = Session(
        venue, dial=dial, clock=SystemClock(), random=Random(1), http=TapeHttp(take, called)
    )
    async with session:
        session.subscribe(take.subscription)
        events = session.events(capacity=1_000_000)
        book = session.book(venue.sample_symbols[0]) if is_book else None
        seen, wanted = 0, take.before + take.events
        async for batch in events.batches():
            for event in batch:
                if type(event) is kind:
                    seen += 1
                    if book is not None:
                        assert book.bid is not None
                        assert book.ask is not None
            if seen >= wanted:
                break
        elapsed = time.process_time() - link.start
        assert session.statistics().desyncs == 0
        assert session.statistics().sums_close
        return elapsed
