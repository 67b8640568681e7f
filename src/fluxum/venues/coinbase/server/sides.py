"""Coinbase's simulated half, by the name of the venue's constant."""

from uuid import NAMESPACE_OID, uuid5

from fluxum.model.instrument import Symbol
from fluxum.venues.coinbase.server.advanced import AdvancedServer
from fluxum.venues.coinbase.server.advanced_rest import AdvancedRest
from fluxum.venues.coinbase.server.exchange import ExchangeServer
from fluxum.venues.coinbase.server.exchange_private.link import account_server
from fluxum.venues.coinbase.server.exchange_rest import ExchangeRest
from fluxum.venues.server.contract import ExchangeView, ServerSide, VenueServer, by_endpoint

__all__ = ["COINBASE", "COINBASE_EXCHANGE"]

COINBASE = ServerSide(link=by_endpoint(AdvancedServer), rest=AdvancedRest)


def _exchange_link(view: ExchangeView, endpoint: str) -> VenueServer:
    return account_server(view) if endpoint == "private" else ExchangeServer(view)


def _order_id(symbol: Symbol, number: int) -> str:
    """A UUID as every order has one, which no other market has."""
    return str(uuid5(NAMESPACE_OID, f"{symbol} {number}"))


COINBASE_EXCHANGE = ServerSide(
    link=by_endpoint(_exchange_link), rest=ExchangeRest, order_id=_order_id
)
