"""Bybit's simulated half, by the name of the venue's constant."""

from fluxum.venues.bybit.category import LINEAR, SPOT, Category
from fluxum.venues.bybit.server.link import BybitServer
from fluxum.venues.bybit.server.rest import BybitRest
from fluxum.venues.server.contract import ServerSide

__all__ = ["BYBIT", "BYBIT_LINEAR"]


def _side(category: Category) -> ServerSide:
    return ServerSide(
        link=lambda view, dialled: BybitServer(view, category),  # noqa: ARG005 - there is one
        rest=lambda view: BybitRest(view, category),
    )


BYBIT = _side(SPOT)
BYBIT_LINEAR = _side(LINEAR)
