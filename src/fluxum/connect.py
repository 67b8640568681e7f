"""The short way in: a session over real WebSockets, with this machine's clock."""

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from random import SystemRandom

from fluxum.clock import SystemClock
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.pacing import AttemptBudget
from fluxum.session.session import Session
from fluxum.transport.http import http
from fluxum.transport.link import Dial
from fluxum.transport.websocket import websockets
from fluxum.venues.register import find_venue

__all__ = ["connect", "subscriptions"]

# Venues count attempts by address, so all sessions of this process share one budget a venue.
_budgets: dict[str, AttemptBudget] = {}


@asynccontextmanager
async def connect(
    exchange: str,
    symbols: Iterable[str] = (),
    channels: Iterable[Channel] = (Channel.BOOK,),
    *,
    depth: int | None = None,
    interval_s: int | None = None,
    endpoint: str | None = None,
    proxy: str | None = None,
    through: Callable[[Dial], Dial] | None = None,
) -> AsyncGenerator[Session]:
    """A session with an exchange for the length of a block, subscribed but not yet ready.

    Every channel is subscribed for every symbol; `depth` is for books, `interval_s` for candles.
    `endpoint` replaces the URLs of the exchange; `through` wraps the dial, as a recorder does.
    Raises BadInput.
    """
    venue = find_venue(exchange)
    limits = venue.limits
    budget = _budgets.setdefault(
        venue.name, AttemptBudget(limits.attempts, limits.attempt_window_s)
    )
    async with (
        websockets(proxy=proxy, frame_bytes_max=limits.frame_bytes_max) as dial,
        http() as calls,
        Session(
            venue,
            dial=dial if through is None else through(dial),
            clock=SystemClock(),
            random=SystemRandom(),
            endpoints=None if endpoint is None else dict.fromkeys(venue.endpoints, endpoint),
            budget=budget,
            http=calls,
        ) as session,
    ):
        session.subscribe(*subscriptions(symbols, channels, depth=depth, interval_s=interval_s))
        yield session


def subscriptions(
    symbols: Iterable[str],
    channels: Iterable[Channel],
    *,
    depth: int | None = None,
    interval_s: int | None = None,
) -> list[Subscription]:
    """Every channel for every symbol; `depth` goes to books, `interval_s` to candles."""
    wanted: list[Subscription] = []
    markets = [Symbol(symbol) for symbol in symbols]
    for channel in channels:
        if channel is Channel.INSTRUMENT:
            wanted.append(Subscription(channel))
            continue
        wanted += [
            Subscription(
                channel,
                market,
                depth if channel.is_book else None,
                interval_s if channel is Channel.CANDLE else None,
            )
            for market in markets
        ]
    return wanted
