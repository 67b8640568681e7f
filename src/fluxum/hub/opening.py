"""The way in to a hub: which venues, symbols, channels and accounts."""

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager

from fluxum.errors import BadInput
from fluxum.flow.background import background
from fluxum.flow.opening import Opening
from fluxum.hub.hub import Account, Hub
from fluxum.hub.wanted import Channels
from fluxum.model.event import Channel
from fluxum.runtime import LiveRuntime, Runtime

__all__ = ["hub"]


def hub(
    markets: Mapping[str, Iterable[str]],
    channels: Iterable[Channel | str] = (Channel.BOOK,),
    *,
    accounts: Mapping[str, Account] | None = None,
    depth: int | None = None,
    interval_s: int | None = None,
    endpoints: Mapping[str, str] | None = None,
    proxy: str | None = None,
    runtime: Runtime | None = None,
) -> Opening[Hub]:
    """Several venues as one, subscribed but not yet ready: enter it, or await and close it.

    `markets` are the symbols of each venue; every channel is subscribed for every symbol, the
    channels of accounts only where there is one. `depth` is the least depth of books, `interval_s`
    is for candles. `accounts` are the accounts by venue: a source of keys (see `find_credentials`),
    keys, or a `HubAccount`. `endpoints` replaces the hosts of venues (see `connect`), as simulated
    exchanges need it. Raises BadInput for what no venue could understand: an unknown venue or
    channel, a malformed symbol or endpoint, an account without keys. What a single venue does not
    offer is missing there.
    """
    world = LiveRuntime(proxy=proxy) if runtime is None else runtime
    made = Hub(Channels.parsed(channels, depth, interval_s), world, proxy, endpoints or {})
    unknown = sorted({*(accounts or {}), *(endpoints or {})} - set(markets))
    if unknown:
        raise BadInput(f"a venue of this hub was expected ({', '.join(markets)}), was {unknown[0]}")
    for venue, symbols in markets.items():
        made.enlist(venue, symbols, account=(accounts or {}).get(venue))

    @asynccontextmanager
    async def opened() -> AsyncGenerator[Hub]:
        try:
            async with background() as work:
                await made.open(work)
                yield made
        finally:
            made.end()

    return Opening(opened)
