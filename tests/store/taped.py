"""A tape of a simulated hour or less, and what the live session gave its reader meanwhile."""

import asyncio
from pathlib import Path
from random import Random

from fluxum.model.event import Channel, Event, Subscription
from fluxum.session.session import Session
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.faults import FaultPlan, parse_faults
from fluxum.sim.loop import SimulatedClock, run
from fluxum.tape import TapeWriter, recording, recording_calls
from fluxum.venues.register import VENUES

CHANNELS = (Channel.BOOK, Channel.TRADE, Channel.TICKER, Channel.CANDLE)


def taped(
    path: Path,
    seconds: float,
    *,
    venue: str = "kraken",
    faults: str = "",
    rate_per_s: float = 10.0,
    is_kept: bool = True,
) -> list[Event]:
    """Record all channels of two markets.

    The events are those of a reader of the live session; unless they are kept there are none.
    """
    events: list[Event] = []

    async def story() -> None:
        one, clock = VENUES[venue], SimulatedClock()
        symbols = one.sample_symbols[:2]
        exchange = SimulatedExchange(
            one,
            symbols,
            seed=5,
            clock=clock,
            rate_per_s=rate_per_s,
            faults=FaultPlan(parse_faults(faults), Random(5)),
        )
        with TapeWriter(path, venue, clock) as tape:
            async with (
                exchange,
                Session(
                    one,
                    dial=recording(exchange.dial, tape),
                    clock=clock,
                    random=Random(5),
                    http=recording_calls(exchange, tape),
                ) as session,
            ):
                reader = session.events(capacity=1_000_000) if is_kept else None
                session.subscribe(
                    *[
                        one.with_defaults(Subscription(channel, symbol))
                        for channel in CHANNELS
                        for symbol in symbols
                        if channel in one.routes
                    ]
                )
                await session.wait_ready(60)
                await asyncio.sleep(seconds)
                if reader is not None:
                    events.extend(reader.drain())

    run(story())
    return events
