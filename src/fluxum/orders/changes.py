"""What an order becomes: by an amendment, by an edit, by rounding to its market's grid."""

from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal
from typing import TypeVar

from msgspec import structs

from fluxum.errors import BadInput
from fluxum.model.instrument import Instrument
from fluxum.model.market import Side
from fluxum.model.order import (
    Amend,
    Edit,
    OrderRequest,
    OrderType,
    OrderUpdate,
    PriceKind,
    Trigger,
    TriggerReference,
)
from fluxum.orders.prices import TRAILING

__all__ = ["after_amend", "after_edit", "present", "rounded"]

T = TypeVar("T")


def after_amend(request: OrderRequest, amend: Amend) -> OrderRequest:
    """What an order becomes by an amendment; raises BadInput for one that changes nothing."""
    numbers = (amend.quantity, amend.limit_price, amend.display_quantity, amend.trigger_price)
    if all(number is None for number in numbers):
        raise BadInput("an amendment of a quantity or a price was expected, was none")
    changed = request
    if amend.quantity is not None:
        changed = structs.replace(changed, quantity=amend.quantity)
    if amend.limit_price is not None:
        kind = None if amend.limit_price_kind is PriceKind.STATIC else amend.limit_price_kind
        changed = structs.replace(changed, limit_price=amend.limit_price, limit_price_kind=kind)
    if amend.display_quantity is not None:
        changed = structs.replace(changed, display_quantity=amend.display_quantity)
    if amend.trigger_price is not None:
        if request.trigger is None:
            raise BadInput(f"a {request.order_type.value} order has no trigger to be moved")
        trigger = Trigger(
            amend.trigger_price,
            amend.trigger_price_kind or PriceKind.STATIC,
            request.trigger.reference,
        )
        changed = structs.replace(changed, trigger=trigger)
    if amend.post_only is not None:
        changed = structs.replace(changed, post_only=amend.post_only)
    return changed


def after_edit(request: OrderRequest, edit: Edit) -> OrderRequest:
    """What the order is asked to be that an edit puts in the place of another."""
    if edit.symbol != request.symbol:
        raise BadInput(f"an edit of an order for {request.symbol} was expected, was {edit.symbol}")
    changed = structs.replace(
        request,
        quantity=_or(edit.quantity, request.quantity),
        trigger=_or(edit.trigger, request.trigger),
        display_quantity=_or(edit.display_quantity, request.display_quantity),
        fee_asset=_or(edit.fee_asset, request.fee_asset),
        post_only=_or(edit.post_only, request.post_only),
        reduce_only=_or(edit.reduce_only, request.reduce_only),
        user_reference=_or(edit.user_reference, request.user_reference),
    )
    if edit.limit_price is not None:
        changed = structs.replace(changed, limit_price=edit.limit_price, limit_price_kind=None)
    return changed


def present(request: OrderRequest | None, update: OrderUpdate | None) -> OrderRequest:
    """What an order is asked to be now, changes included; of orders of others as far as is told."""
    if update is None:
        assert request is not None, "an order is ours or was heard of"
        return request
    if request is None:
        if update.order_type is OrderType.OTHER:
            raise BadInput(
                f"order {update.order_id} is of a type that is not known ({update.venue_type}): "
                f"it can be canceled, and not changed"
            )
        request = OrderRequest(
            symbol=update.symbol,
            side=update.side,
            order_type=update.order_type,
            display_quantity=update.display_quantity,
            post_only=update.post_only,
            reduce_only=update.reduce_only,
            user_reference=update.user_reference,
            client_order_id=update.client_order_id,
        )
    trigger = request.trigger
    if update.trigger_price is not None and request.order_type not in TRAILING:
        reference = TriggerReference.LAST if trigger is None else trigger.reference
        trigger = Trigger(update.trigger_price, PriceKind.STATIC, reference)
    is_limited = update.limit_price is not None and request.order_type not in TRAILING
    return structs.replace(
        request,
        quantity=update.quantity,
        quote_quantity=None,
        limit_price=update.limit_price if is_limited else request.limit_price,
        limit_price_kind=None if is_limited else request.limit_price_kind,
        trigger=trigger,
    )


def rounded(request: OrderRequest, instrument: Instrument) -> OrderRequest:
    """The same order on the market's grid, so that it never costs more than was asked for.

    Prices of buys are rounded down and of sells up, quantities down; what an iceberg shows is
    rounded up, so that it stays large enough. Percentages and amounts to spend stay.
    """
    rounding = ROUND_FLOOR if request.side is Side.BUY else ROUND_CEILING

    def price(value: Decimal | None, kind: PriceKind | None) -> Decimal | None:
        if value is None or kind is PriceKind.PERCENT:
            return value
        return instrument.round_price(value, rounding)

    def quantity(value: Decimal | None, direction: str) -> Decimal | None:
        return None if value is None else instrument.round_quantity(value, direction)

    trigger = request.trigger
    if trigger is not None:
        moved = price(trigger.price, trigger.kind)
        trigger = trigger if moved is None else structs.replace(trigger, price=moved)
    return structs.replace(
        request,
        quantity=quantity(request.quantity, ROUND_DOWN),
        display_quantity=quantity(request.display_quantity, ROUND_CEILING),
        limit_price=price(request.limit_price, request.limit_price_kind),
        trigger=trigger,
    )


def _or(wanted: T | None, known: T) -> T:
    return known if wanted is None else wanted
