"""The request of an order after an amendment or an edit, and when that is refused."""

from decimal import Decimal

from msgspec import structs

from fluxum.fill.order import LiveOrder
from fluxum.fill.refusal import CommandRefused, Refusal
from fluxum.fill.rules import check_price, check_size
from fluxum.model.order import Amend, Edit, OrderRequest, OrderType, PriceKind, Trigger

__all__ = ["amended", "check_amended", "edited"]

_PARTS_MAX = 15


def amended(order: LiveOrder, command: Amend) -> OrderRequest:
    """The request of an order after an amendment; fields that are not amended stay."""
    request = order.request
    if request.quantity is None:
        raise CommandRefused(Refusal.UNSUPPORTED, "order_qty")
    if command.quantity is not None:
        request = structs.replace(request, quantity=command.quantity)
    if command.display_quantity is not None:
        request = structs.replace(request, display_quantity=command.display_quantity)
    if command.limit_price is not None:
        kind = command.limit_price_kind
        kind = None if kind is PriceKind.STATIC else kind
        request = structs.replace(request, limit_price=command.limit_price, limit_price_kind=kind)
    if command.trigger_price is not None:
        if request.trigger is None or not order.is_waiting:
            raise CommandRefused(Refusal.INVALID_TRIGGER, "trigger_price")
        kind = command.trigger_price_kind or PriceKind.STATIC
        trigger = Trigger(command.trigger_price, kind, request.trigger.reference)
        request = structs.replace(request, trigger=trigger)
    return request


def check_amended(order: LiveOrder, request: OrderRequest, last_price: Decimal | None) -> None:
    """Raise CommandRefused for an amendment that makes no sense."""
    instrument = order.instrument
    assert request.quantity is not None, "an amount to spend is never amended"
    if (request.limit_price is not None) is not request.order_type.has_limit:
        raise CommandRefused(Refusal.UNSUPPORTED, "limit_price")
    prices = [] if request.limit_price_kind is not None else [request.limit_price]
    if request.trigger is not None and request.trigger.kind is PriceKind.STATIC:
        prices.append(request.trigger.price)
    for price in prices:
        if price is not None:
            check_price(price, instrument)
    if request.quantity > order.filled or not request.quantity.is_finite():
        check_size(request.quantity, instrument)
    shown, left = request.display_quantity, request.quantity - order.filled
    if shown is not None and left > 0 and shown != order.request.display_quantity:
        is_lots = shown.is_finite() and shown > 0 and not shown % instrument.lot
        if request.order_type is not OrderType.ICEBERG or not is_lots or shown * _PARTS_MAX < left:
            raise CommandRefused(Refusal.INVALID_DISPLAY, "display_qty")
    price = last_price if request.limit_price_kind is not None else request.limit_price
    least = instrument.notional_min
    if left > 0 and price is not None and least is not None and price * request.quantity < least:
        raise CommandRefused(Refusal.COST_MINIMUM)


def edited(order: LiveOrder, command: Edit) -> OrderRequest:
    """The request of the order that replaces another, for what the other has not filled yet.

    An order that was triggered, has a close order or has a client order id cannot be edited.
    """
    request = order.request
    if command.symbol != request.symbol:
        raise CommandRefused(Refusal.UNKNOWN_SYMBOL, str(command.symbol))
    is_editable = request.quantity is not None and not request.client_order_id
    if not is_editable or order.is_triggered or request.close is not None:
        raise CommandRefused(Refusal.NOT_EDITABLE)
    quantity = request.quantity if command.quantity is None else command.quantity
    assert quantity is not None, "an amount to spend is not edited"
    if quantity <= order.filled:
        raise CommandRefused(Refusal.INVALID_QUANTITY, "order_qty")
    request = structs.replace(request, quantity=quantity - order.filled)
    if command.limit_price is not None:
        request = structs.replace(request, limit_price=command.limit_price, limit_price_kind=None)
    if command.trigger is not None:
        request = structs.replace(request, trigger=command.trigger)
    if command.display_quantity is not None:
        request = structs.replace(request, display_quantity=command.display_quantity)
    if command.fee_asset is not None:
        request = structs.replace(request, fee_asset=command.fee_asset)
    if command.post_only is not None:
        request = structs.replace(request, post_only=command.post_only)
    if command.reduce_only is not None:
        request = structs.replace(request, reduce_only=command.reduce_only)
    if command.user_reference is not None:
        request = structs.replace(request, user_reference=command.user_reference)
    return request
