"""The way in to a hub: which venues, symbols, channels and accounts."""

from collections.abc import AsyncGenerator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import chain

from fluxum.errors import BadInput
from fluxum.flow.background import background
from fluxum.flow.opening import Opening
from fluxum.flow.pipe import ReaderPolicy
from fluxum.hub.hub import Account, Hub
from fluxum.hub.wanted import HOLD_S, Channels, HubPlan, HubVenue
from fluxum.model.event import Channel
from fluxum.model.instrument import Symbol
from fluxum.runtime import LiveRuntime, Runtime

__all__ = ["hub"]


def hub(
    markets: Mapping[str, Iterable[str] | HubVenue],
    channels: Iterable[Channel | str] = (Channel.BOOK,),
    *,
    accounts: Mapping[str, Account] | None = None,
    depth: int | None = None,
    interval_s: int | None = None,
    endpoints: Mapping[str, str] | None = None,
    proxy: str | None = None,
    runtime: Runtime | None = None,
    readers: ReaderPolicy | None = None,
    quorum: int | None = None,
    failover: Mapping[str, Sequence[str]] | None = None,
    hold_s: float = HOLD_S,
) -> Opening[Hub]:
    """Several venues as one, subscribed but not yet ready: enter it, or await and close it.

    `markets` are the symbols of each venue, or a `HubVenue`; every channel is subscribed for every
    symbol, the channels of accounts only where there is one. `depth` is the least depth of books,
    `interval_s` is for candles. `accounts` are the accounts by venue: a source of keys (see
    `find_credentials`), keys, or a `HubAccount`. `endpoints` replaces the hosts of venues (see
    `connect`), as simulated exchanges need it; `proxy` is for the live runtime. `readers` are for
    readers of events whose call names no others. `quorum` is how many venues have to be ready;
    `None`: all. `failover` are the venues of a symbol in order, and `hold_s` when the first is used
    again (see `Hub.failover`). Raises BadInput for what no venue could understand: an unknown venue
    or channel, a malformed symbol or endpoint, an account without keys. What a single venue does
    not offer is missing there.
    """
    world = LiveRuntime(proxy=proxy) if runtime is None else runtime
    accounts, endpoints, orders = accounts or {}, endpoints or {}, failover or {}
    _check(markets, [*accounts, *endpoints, *chain(*orders.values())], quorum)
    plan = HubPlan(
        channels=Channels.parsed(channels, depth, interval_s),
        quorum=quorum,
        failover={Symbol(symbol): order for symbol, order in orders.items()},
        hold_s=hold_s,
        readers=readers,
    )
    made = Hub(plan, world)
    for venue, wanted in markets.items():
        own = wanted if isinstance(wanted, HubVenue) else HubVenue(symbols=wanted)
        made.enlist(venue, own, account=accounts.get(venue), endpoint=endpoints.get(venue))
    return Opening(lambda: _opened(made))


@asynccontextmanager
async def _opened(made: Hub) -> AsyncGenerator[Hub]:
    try:
        async with background() as work:
            await made.open(work)
            yield made
    finally:
        made.end()


def _check(venues: Collection[str], named: Iterable[str], quorum: int | None) -> None:
    """Raise BadInput for a venue that is not part of the hub, and an impossible quorum."""
    unknown = sorted(set(named) - set(venues))
    if unknown:
        raise BadInput(f"a venue of this hub was expected ({', '.join(venues)}), was {unknown[0]}")
    if quorum is not None and not 1 <= quorum <= len(venues):
        raise BadInput(f"a quorum of 1 to {len(venues)} venues was expected, was {quorum}")
