"""Binance's simulated half, by the name of the venue's constant."""

from functools import partial

from fluxum.venues.binance.policy import SPOT, USDM, Policy
from fluxum.venues.binance.server.link import BinanceServer
from fluxum.venues.binance.server.rest import BinanceRest
from fluxum.venues.binance.server.snapshots import Snapshots
from fluxum.venues.server.contract import ServerSide

__all__ = ["BINANCE", "BINANCE_USDM"]


def _side(policy: Policy) -> ServerSide:
    snapshots = Snapshots()
    return ServerSide(
        link=partial(BinanceServer, policy, snapshots), rest=partial(BinanceRest, policy, snapshots)
    )


BINANCE = _side(SPOT)
BINANCE_USDM = _side(USDM)
