"""Which prices an order names for itself; distances from a market's price are none."""

from decimal import Decimal

from fluxum.model.order import OrderRequest, OrderType, PriceKind

__all__ = ["TRAILING", "limit_of", "price_of", "trigger_of"]

TRAILING = frozenset({OrderType.TRAILING_STOP, OrderType.TRAILING_STOP_LIMIT})
"""Types whose prices are distances, whatever they are called."""


def price_of(request: OrderRequest) -> Decimal | None:
    """The price an order is worth at, as far as it says: its limit, else its trigger."""
    limit = limit_of(request)
    return trigger_of(request) if limit is None else limit


def limit_of(request: OrderRequest) -> Decimal | None:
    """The worst price an order trades at, if it names one."""
    is_price = request.limit_price_kind in (None, PriceKind.STATIC)
    return request.limit_price if is_price and request.order_type not in TRAILING else None


def trigger_of(request: OrderRequest) -> Decimal | None:
    """The price an order waits for, if it names one."""
    trigger = request.trigger
    if trigger is None or trigger.kind is not PriceKind.STATIC or request.order_type in TRAILING:
        return None
    return trigger.price
