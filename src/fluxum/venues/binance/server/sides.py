"""Binance's simulated half, by the name of the venue's constant."""

from functools import partial

from fluxum.model.instrument import Symbol
from fluxum.venues.binance.policy import SPOT, USDM, Policy
from fluxum.venues.binance.private.names import order_id
from fluxum.venues.binance.server.link import BinanceServer
from fluxum.venues.binance.server.private.link import account_server
from fluxum.venues.binance.server.private.rest import AccountRest
from fluxum.venues.binance.server.rest import BinanceRest
from fluxum.venues.binance.server.snapshots import Snapshots
from fluxum.venues.server.contract import (
    Dialled,
    ExchangeView,
    RestServer,
    ServerSide,
    VenueServer,
)

__all__ = ["BINANCE", "BINANCE_USDM"]


def _spot() -> ServerSide:
    snapshots = Snapshots()

    def link(view: ExchangeView, dialled: Dialled) -> VenueServer:
        if dialled.endpoint == "private":
            return account_server(SPOT, view)
        return BinanceServer(SPOT, snapshots, view, dialled)

    def rest(view: ExchangeView) -> RestServer:
        return BinanceRest(SPOT, snapshots, view, AccountRest(SPOT, view))

    def name(symbol: Symbol, number: int) -> str:
        return order_id(SPOT.format_symbol(symbol), number)

    return ServerSide(link=link, rest=rest, order_id=name)


def _futures(policy: Policy) -> ServerSide:
    snapshots = Snapshots()
    return ServerSide(
        link=partial(BinanceServer, policy, snapshots), rest=partial(BinanceRest, policy, snapshots)
    )


BINANCE = _spot()
BINANCE_USDM = _futures(USDM)
