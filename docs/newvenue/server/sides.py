"""Newvenue's simulated half, by the name of the venue's constant."""

from fluxum.venues.server.contract import ServerSide, by_endpoint
from newvenue.server.link import NewvenueServer

__all__ = ["NEWVENUE"]

NEWVENUE = ServerSide(link=by_endpoint(NewvenueServer))
