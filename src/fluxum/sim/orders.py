"""Orders of simulated accounts as servers see them, and the smallest amounts of assets."""

from decimal import Decimal

from fluxum.fill.order import LiveOrder
from fluxum.model.instrument import Asset
from fluxum.sim.instruments import decimals
from fluxum.venues.server.accounts import OrderState

__all__ = ["quantum", "state_of"]


def quantum(asset: Asset) -> Decimal:
    """The smallest amount of an asset."""
    return Decimal((0, (1,), -decimals(asset)))


def state_of(order: LiveOrder, shown: Decimal | None = None) -> OrderState:
    """The state of an order now; `shown` is what an iceberg order shows."""
    return OrderState(
        request=order.request,
        update=order.update(),
        fee_asset=order.fee_asset,
        fee=order.fee,
        is_triggered=order.is_triggered,
        triggered_ns=order.triggered_ns,
        is_amended=order.is_amended,
        peak_price=None if order.watch is None else order.watch.peak,
        display_left=shown,
        origin_id=order.origin_id,
        fill_ids=tuple(order.fill_ids),
        changed_ns=order.changed_ns,
        closed_ns=order.closed_ns,
    )
