"""Bybit's simulated half, by the name of the venue's constant."""

from fluxum.venues.bybit.category import LINEAR, SPOT, Category
from fluxum.venues.bybit.server.link import BybitServer
from fluxum.venues.bybit.server.private.link import account_server, order_server
from fluxum.venues.bybit.server.rest import BybitRest
from fluxum.venues.server.contract import ExchangeView, ServerSide, VenueServer, by_endpoint

__all__ = ["BYBIT", "BYBIT_LINEAR"]


def _side(category: Category) -> ServerSide:
    def link(view: ExchangeView, endpoint: str) -> VenueServer:
        match endpoint:
            case "private":
                return account_server(view, category)
            case "trade":
                return order_server(view, category)
            case _:
                return BybitServer(view, category)

    return ServerSide(
        link=by_endpoint(link),
        rest=lambda view: BybitRest(view, category),
    )


BYBIT = _side(SPOT)
BYBIT_LINEAR = _side(LINEAR)
