"""The simulated half of a venue, found by the venue's name."""

from fluxum.venues.register import constant_of
from fluxum.venues.server.contract import ServerSide

__all__ = ["find_side"]


def find_side(name: str) -> ServerSide:
    """The simulated half of a registered venue; raises KeyError for an unknown name."""
    side: ServerSide = constant_of(name, "server.sides")
    return side
