"""Bybit's simulated half, by the name of the venue's constant."""

from fluxum.venues.bybit.category import LINEAR, SPOT, Category
from fluxum.venues.bybit.server.link import BybitServer
from fluxum.venues.bybit.server.private.link import BybitAccountServer
from fluxum.venues.bybit.server.private.order_link import BybitOrderServer
from fluxum.venues.bybit.server.rest import BybitRest
from fluxum.venues.server.contract import ExchangeView, ServerSide, VenueServer, by_endpoint

__all__ = ["BYBIT", "BYBIT_LINEAR"]


def _side(category: Category) -> ServerSide:
    def link(view: ExchangeView, endpoint: str) -> VenueServer:
        match endpoint:
            case "private":
                return BybitAccountServer(view, category)
            case "trade":
                return BybitOrderServer(view, category)
            case _:
                return BybitServer(view, category)

    return ServerSide(
        link=by_endpoint(link),
        rest=lambda view: BybitRest(view, category),
    )


BYBIT = _side(SPOT)
BYBIT_LINEAR = _side(LINEAR)
