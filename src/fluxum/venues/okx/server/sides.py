"""OKX's simulated half, by the name of the venue's constant."""

from fluxum.venues.okx.server.link import OkxServer
from fluxum.venues.okx.server.rest import OkxRest
from fluxum.venues.server.contract import ServerSide, by_endpoint

__all__ = ["OKX"]

OKX = ServerSide(link=by_endpoint(OkxServer), rest=OkxRest)
