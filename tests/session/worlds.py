"""A session and a simulated exchange in virtual time, for the tests of this folder."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any

from msgspec import structs
from newvenue.server.sides import NEWVENUE as NEWVENUE_SIDE
from newvenue.venue import NEWVENUE

from fluxum.flow.pipe import Pipe
from fluxum.model.event import Channel, Event, State, StateChange, Subscription
from fluxum.model.instrument import Symbol
from fluxum.session.session import Session
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.faults import FaultPlan, parse_faults
from fluxum.sim.loop import SimulatedClock, run
from fluxum.transport.link import Dial, Link
from fluxum.venues.kraken.venue import KRAKEN
from fluxum.venues.venue import Venue

BTC, ETH = Symbol("BTC/USD"), Symbol("ETH/USD")
BOOK = KRAKEN.with_defaults(Subscription(Channel.BOOK, BTC))
TRADES = KRAKEN.with_defaults(Subscription(Channel.TRADE, BTC))


class World:
    """The exchange, the session with it, and everything the session has told."""

    def __init__(self, exchange: SimulatedExchange, session: Session, told: Pipe[Event]) -> None:
        self.exchange = exchange
        self.session = session
        self._told = told
        self.events: list[Event] = []

    async def live(self, seconds: float) -> list[Event]:
        """Let time pass; returns what was told meanwhile."""
        await asyncio.sleep(seconds)
        fresh = self._told.drain()
        self.events += fresh
        return fresh

    def states(self) -> list[State]:
        """Every state the session has moved to so far."""
        self.events += self._told.drain()
        return [event.new for event in self.events if isinstance(event, StateChange)]


@asynccontextmanager
async def world(
    *subscriptions: Subscription,
    faults: str = "",
    rate_per_s: float = 5.0,
    symbols: Sequence[Symbol] = (),
    venue: Venue = KRAKEN,
    wrap: Callable[[Dial], Dial] | None = None,
    **limits: Any,
) -> AsyncGenerator[World]:
    clock = SimulatedClock()
    plan = FaultPlan(parse_faults(faults), Random(7))
    exchange = SimulatedExchange(
        venue,
        symbols or venue.sample_symbols[:2],
        seed=7,
        clock=clock,
        rate_per_s=rate_per_s,
        faults=plan,
        resolution_ns=1_000 if venue is KRAKEN else 1_000_000,
        side=NEWVENUE_SIDE if venue is NEWVENUE else None,
    )
    async with exchange:
        session = Session(
            venue,
            dial=exchange.dial if wrap is None else wrap(exchange.dial),
            clock=clock,
            random=Random(7),
            limits=structs.replace(venue.limits, **limits),
            http=exchange,
        )
        told = session.events(capacity=1_000_000)
        async with session:
            session.subscribe(*subscriptions)
            yield World(exchange, session, told)
        assert session.state is State.CLOSED
        assert session.statistics().sums_close
    assert exchange.connections == 0


class Wire:
    """What a session sends and receives, both of which can be looked at and altered.

    `alter` is given each received frame; `None` means it never arrives. Its `wrap` goes to `world`.
    """

    def __init__(self, alter: Callable[[bytes], bytes | None] = lambda frame: frame) -> None:
        self.alter = alter
        self.sent: list[tuple[float, bytes]] = []

    def wrap(self, dial: Dial) -> Dial:
        @asynccontextmanager
        async def altered(url: str, headers: Mapping[str, str] = {}, /) -> AsyncGenerator[Link]:
            async with dial(url, headers) as link:
                yield _AlteredLink(self, link)

        return altered

    def times(self, *parts: bytes) -> list[float]:
        """When frames with these parts were sent."""
        return [at for at, frame in self.sent if all(part in frame for part in parts)]


class _AlteredLink:
    def __init__(self, wire: Wire, link: Link) -> None:
        self._wire = wire
        self._link = link

    async def send(self, frame: bytes) -> None:
        self._wire.sent.append((asyncio.get_running_loop().time(), frame))
        await self._link.send(frame)

    async def receive(self) -> bytes:
        while True:
            frame = self._wire.alter(await self._link.receive())
            if frame is not None:
                return frame


def play(story: Callable[[], Awaitable[None]]) -> None:
    """Run a story in virtual time; a task that is left behind fails it."""

    async def main() -> None:
        await story()

    run(main())
