"""Kraken's simulated half, by the name of the venue's constant."""

from fluxum.venues.kraken.server.private import KrakenPrivateServer
from fluxum.venues.kraken.server.public import KrakenServer
from fluxum.venues.kraken.server.rest import KrakenRest
from fluxum.venues.server.contract import ExchangeView, ServerSide, VenueServer, by_endpoint

__all__ = ["KRAKEN"]


def _link(view: ExchangeView, endpoint: str) -> VenueServer:
    return KrakenPrivateServer(view) if endpoint == "private" else KrakenServer(view, endpoint)


KRAKEN = ServerSide(link=by_endpoint(_link), rest=KrakenRest)
