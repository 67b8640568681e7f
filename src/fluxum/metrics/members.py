"""The sessions and traders that sources consist of: those of hubs and clients too."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from fluxum.client.client import Client
from fluxum.errors import FluxumError
from fluxum.hub.hub import Hub
from fluxum.metrics.sources import Source
from fluxum.session.session import Session
from fluxum.trader import Trader

__all__ = ["members_of", "session_of", "sessions_of", "traders_of"]


def sessions_of(sources: Iterable[Source]) -> list[Session]:
    """Every session that is open, once."""
    return list(
        dict.fromkeys(
            one.session if isinstance(one, Trader) else one
            for source in sources
            for one in members_of(source)
        )
    )


def traders_of(sources: Iterable[Source]) -> list[Trader]:
    """Every trader that is open, once."""
    found = (one for source in sources for one in members_of(source) if isinstance(one, Trader))
    return list({id(one): one for one in found}.values())


def members_of(source: Source) -> Iterator[Session | Trader]:
    """The traders of one source, and its sessions without one."""
    if isinstance(source, Hub):
        for venue in source.venues:
            member = _trader_of(source, venue) or session_of(source, venue)
            if member is not None:
                yield member
    elif isinstance(source, Client):
        if source.is_running:
            yield source.trader if source.can_trade else source.session
    elif isinstance(source, Session | Trader):
        yield source


def _trader_of(hub: Hub, venue: str) -> Trader | None:
    """The trader of a hub's venue; `None` if there is none, or it is not ready."""
    with suppress(FluxumError):
        return hub.trader(venue)
    return None


def session_of(hub: Hub, venue: str) -> Session | None:
    """The session of a hub's venue; `None` if it could not be opened."""
    with suppress(FluxumError):
        return hub.session(venue)
    return None
