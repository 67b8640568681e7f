"""Coinbase's simulated half, by the name of the venue's constant."""

from fluxum.venues.coinbase.server.advanced import AdvancedServer
from fluxum.venues.coinbase.server.advanced_rest import AdvancedRest
from fluxum.venues.coinbase.server.exchange import ExchangeServer
from fluxum.venues.coinbase.server.exchange_rest import ExchangeRest
from fluxum.venues.server.contract import ServerSide, by_endpoint

__all__ = ["COINBASE", "COINBASE_EXCHANGE"]

COINBASE = ServerSide(link=by_endpoint(AdvancedServer), rest=AdvancedRest)
COINBASE_EXCHANGE = ServerSide(link=by_endpoint(ExchangeServer), rest=ExchangeRest)
