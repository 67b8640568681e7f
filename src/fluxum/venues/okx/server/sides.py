"""OKX's simulated half, by the name of the venue's constant."""

from fluxum.venues.okx.server.business import BusinessServer
from fluxum.venues.okx.server.link import OkxServer
from fluxum.venues.okx.server.private.link import account_server
from fluxum.venues.okx.server.rest import OkxRest
from fluxum.venues.server.contract import ExchangeView, ServerSide, VenueServer, by_endpoint

__all__ = ["OKX"]


def _link(view: ExchangeView, endpoint: str) -> VenueServer:
    if endpoint == "private":
        return account_server(view)
    if endpoint == "public":
        return OkxServer(view, endpoint)
    return BusinessServer(view)


OKX = ServerSide(link=by_endpoint(_link), rest=OkxRest)
