"""Gemini's simulated half, by the name of the venue's constant."""

from fluxum.venues.gemini.server.link import GeminiServer
from fluxum.venues.gemini.server.private.access import is_keyed
from fluxum.venues.gemini.server.private.links import events_server, order_server
from fluxum.venues.gemini.server.rest import GeminiRest
from fluxum.venues.gemini.server.v2 import GeminiV2Server
from fluxum.venues.server.contract import (
    Dialled,
    ExchangeView,
    ServerSide,
    VenueServer,
    by_endpoint,
)

__all__ = ["GEMINI", "GEMINI_V2"]


def _link(view: ExchangeView, dialled: Dialled) -> VenueServer:
    """Markets and accounts have one URL at ws.gemini.com: a key makes the difference."""
    if dialled.endpoint == "events":
        return events_server(view, dialled)
    if dialled.endpoint == "trade" or is_keyed(dialled.headers):
        return order_server(view, dialled)
    return GeminiServer(view)


GEMINI = ServerSide(link=_link, rest=GeminiRest)
GEMINI_V2 = ServerSide(link=by_endpoint(GeminiV2Server), rest=GeminiRest)
