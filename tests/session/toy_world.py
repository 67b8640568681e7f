"""A session with the toy venue, in virtual time."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from random import Random

from msgspec import Struct
from toy import NS, Toy

from fluxum.flow.pipe import Overflow, Pipe
from fluxum.model.account import Credentials
from fluxum.model.event import Channel, Event, Subscription
from fluxum.model.instrument import Symbol
from fluxum.session.account_config import AccountConfig
from fluxum.session.session import Session
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock

START_S = 1_700_000_000
BOTH = frozenset({Channel.EXECUTION, Channel.BALANCE})


class World(Struct):
    """A session with the toy venue, and its events so far."""

    toy: Toy
    exchange: SimulatedExchange
    session: Session
    pipe: Pipe[Event]

    async def live(self, seconds: float) -> list[Event]:
        """What is published in the next seconds."""
        await asyncio.sleep(seconds)
        return self.pipe.drain()


@asynccontextmanager
async def world(
    toy: Toy,
    *,
    audit_s: float | None = 10.0,
    since_ns: int | None = None,
    over_rest: bool = False,
    wanted: Sequence[Channel] = (Channel.EXECUTION, Channel.BALANCE),
) -> AsyncGenerator[World]:
    """The account is followed, and its events wait to be read."""
    clock = SimulatedClock(start_ns=START_S * NS)
    venue = toy.venue(over_rest=over_rest)
    exchange = SimulatedExchange(
        venue, [Symbol("BTC/USD")], seed=1, clock=clock, rate_per_s=0.0, side=toy.side()
    )
    async with exchange:
        config = AccountConfig(Credentials("the-key", "secret"), audit_s=audit_s, since_ns=since_ns)
        session = Session(
            venue,
            dial=exchange.dial,
            clock=clock,
            random=Random(1),
            http=exchange,
            account_config=config,
        )
        pipe = session.events(capacity=1000, overflow=Overflow.RAISE)
        async with session:
            session.subscribe(*map(Subscription, wanted))
            yield World(toy, exchange, session, pipe)
