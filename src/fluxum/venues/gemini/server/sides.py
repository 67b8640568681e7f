"""Gemini's simulated half, by the name of the venue's constant."""

from fluxum.venues.gemini.server.link import GeminiServer
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
    match dialled.endpoint:
        case "events":
            return events_server(view, dialled)
        case "trade":
            return order_server(view, dialled)
        case _:
            return GeminiServer(view)


GEMINI = ServerSide(link=_link, rest=GeminiRest)
GEMINI_V2 = ServerSide(link=by_endpoint(GeminiV2Server), rest=GeminiRest)
