"""Binance's simulated half, by the name of the venue's constant."""

from weakref import WeakKeyDictionary

from fluxum.model.instrument import Symbol
from fluxum.venues.binance.policy import SPOT, USDM
from fluxum.venues.binance.private.names import order_id
from fluxum.venues.binance.server.link import BinanceServer
from fluxum.venues.binance.server.private.futures.calls import CALLS
from fluxum.venues.binance.server.private.futures.keys import ListenKeys
from fluxum.venues.binance.server.private.futures.link import stream_server
from fluxum.venues.binance.server.private.futures.requests import FuturesRequests
from fluxum.venues.binance.server.private.link import account_server, request_server
from fluxum.venues.binance.server.private.orders import SpotAccounts
from fluxum.venues.binance.server.private.rest import SPOT_CALLS, AccountRest, gone
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
        account = AccountRest(view, SpotAccounts(SPOT, view), SPOT_CALLS, SPOT.rest, gone)
        return BinanceRest(SPOT, snapshots, view, account)

    def name(symbol: Symbol, number: int) -> str:
        return order_id(SPOT.format_symbol(symbol), number)

    return ServerSide(link=link, rest=rest, order_id=name)


def _futures() -> ServerSide:
    snapshots = Snapshots()
    keys = WeakKeyDictionary[ExchangeView, ListenKeys]()

    def link(view: ExchangeView, dialled: Dialled) -> VenueServer:
        match dialled.endpoint:
            case "private":
                return stream_server(USDM, view, keys[view], dialled)
            case "trade":
                return request_server(USDM, view, FuturesRequests(USDM, view))
            case _:
                return BinanceServer(USDM, snapshots, view, dialled)

    def rest(view: ExchangeView) -> RestServer:
        keys[view] = ListenKeys(view.accounts)
        requests = FuturesRequests(USDM, view)
        account = AccountRest(view, requests, CALLS, "/fapi/", keys[view].answer)
        return BinanceRest(USDM, snapshots, view, account)

    def name(symbol: Symbol, number: int) -> str:
        return order_id(USDM.format_symbol(symbol), number)

    return ServerSide(link=link, rest=rest, order_id=name, entry_id=str)


BINANCE = _spot()
BINANCE_USDM = _futures()
