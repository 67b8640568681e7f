"""The rules that an order has to meet before funds and the book are checked."""

from collections.abc import Mapping
from decimal import Decimal

from fluxum.fill.refusal import CommandRefused, Refusal
from fluxum.fill.triggers import is_trailing
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import Side
from fluxum.model.order import (
    CloseOrder,
    OrderRequest,
    OrderType,
    PriceKind,
    TimeInForce,
    Trigger,
    TriggerReference,
)

__all__ = ["check_price", "check_request", "check_size"]

_MONTH_NS = 31 * 86_400 * 1_000_000_000
_PARTS_MAX = 15
"""The least part of itself that an iceberg order shows."""
_AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})


def check_request(
    request: OrderRequest,
    instruments: Mapping[Symbol, Instrument],
    last_price: Decimal | None,
    now_ns: int,
) -> Instrument:
    """The market of a request; raises CommandRefused if the request is invalid."""
    instrument = instruments.get(request.symbol)
    if instrument is None:
        raise CommandRefused(Refusal.UNKNOWN_SYMBOL, str(request.symbol))
    _check_kind(request)
    _check_prices(request, instrument)
    _check_times(request, now_ns)
    _check_quantities(request, instrument)
    _check_cost(request, instrument, last_price)
    if request.close is not None:
        _check_close(request.close, instrument)
    return instrument


def check_size(quantity: Decimal, instrument: Instrument) -> None:
    """Raise CommandRefused for a quantity off the lots or below the minimum."""
    if not quantity.is_finite() or quantity <= 0 or quantity % instrument.lot:
        raise CommandRefused(Refusal.INVALID_QUANTITY, "order_qty")
    if quantity < instrument.quantity_min:
        raise CommandRefused(Refusal.QUANTITY_MINIMUM)


def check_price(price: Decimal, instrument: Instrument) -> None:
    """Raise CommandRefused for a price that is not positive, or off the ticks."""
    if not price.is_finite() or price <= 0:
        raise CommandRefused(Refusal.INVALID_PRICE)
    if price % Decimal((0, (1,), -instrument.price_precision)):
        raise CommandRefused(Refusal.TOO_PRECISE, str(instrument.symbol))
    if price % instrument.tick:
        raise CommandRefused(Refusal.OFF_TICK)


def _check_kind(request: OrderRequest) -> None:
    kind = request.order_type
    is_spot = not request.symbol.contract
    if kind is OrderType.SETTLE_POSITION or (request.reduce_only and is_spot):
        raise CommandRefused(Refusal.NO_POSITION)
    if request.margin and is_spot:
        raise CommandRefused(Refusal.NO_MARGIN)
    if request.post_only and (not kind.has_limit or request.time_in_force in _AT_ONCE):
        raise CommandRefused(Refusal.UNSUPPORTED, "post_only")
    if request.time_in_force in _AT_ONCE and not kind.has_limit and kind is not OrderType.MARKET:
        raise CommandRefused(Refusal.UNSUPPORTED, "time_in_force")
    watched = TriggerReference.LAST if request.trigger is None else request.trigger.reference
    if watched is TriggerReference.INDEX or (is_spot and watched is TriggerReference.MARK):
        raise CommandRefused(Refusal.NO_INDEX, watched.value)


def _check_prices(request: OrderRequest, instrument: Instrument) -> None:
    kind = request.order_type
    if (request.limit_price is not None) is not kind.has_limit:
        raise CommandRefused(Refusal.UNSUPPORTED, "limit_price")
    if (request.trigger is not None) is not kind.is_triggered:
        raise CommandRefused(Refusal.UNSUPPORTED, "triggers")
    if request.limit_price is not None:
        _check_price(request.limit_price, request.limit_price_kind, instrument)
    if request.trigger is not None:
        _check_trigger(request.trigger, kind, instrument)


def _check_trigger(trigger: Trigger, kind: OrderType, instrument: Instrument) -> None:
    if not trigger.price.is_finite() or (is_trailing(kind) and trigger.price <= 0):
        raise CommandRefused(Refusal.INVALID_TRIGGER, "triggers")
    if trigger.kind is PriceKind.STATIC and not is_trailing(kind):
        _check_price(trigger.price, None, instrument)


def _check_price(price: Decimal, kind: PriceKind | None, instrument: Instrument) -> None:
    if not price.is_finite():
        raise CommandRefused(Refusal.INVALID_PRICE)
    if kind in (None, PriceKind.STATIC):
        check_price(price, instrument)


def _check_times(request: OrderRequest, now_ns: int) -> None:
    expires_ns = request.expires_ns
    if (expires_ns is not None) is not (request.time_in_force is TimeInForce.GTD):
        raise CommandRefused(Refusal.INVALID_EXPIRY, "expire_time")
    if expires_ns is not None and not now_ns < expires_ns <= now_ns + _MONTH_NS:
        raise CommandRefused(Refusal.INVALID_EXPIRY, "expire_time")
    if request.effective_ns is not None and request.effective_ns > now_ns + _MONTH_NS:
        raise CommandRefused(Refusal.INVALID_EXPIRY, "effective_time")


def _check_quantities(request: OrderRequest, instrument: Instrument) -> None:
    spends = request.quote_quantity
    if spends is not None:
        can_spend = request.order_type is OrderType.MARKET and request.side is Side.BUY
        if not can_spend or request.quantity is not None or request.close is not None:
            raise CommandRefused(Refusal.UNSUPPORTED, "cash_order_qty")
        if not spends.is_finite() or spends <= 0:
            raise CommandRefused(Refusal.INVALID_QUANTITY, "cash_order_qty")
    elif request.quantity is None:
        raise CommandRefused(Refusal.INVALID_QUANTITY, "order_qty")
    else:
        check_size(request.quantity, instrument)
    shown = request.display_quantity
    if (shown is not None) is not (request.order_type is OrderType.ICEBERG):
        raise CommandRefused(Refusal.INVALID_DISPLAY, "display_qty")
    if shown is not None:
        assert request.quantity is not None, "only market orders spend an amount"
        is_part = shown.is_finite() and 0 < shown <= request.quantity
        if not is_part or shown % instrument.lot or shown * _PARTS_MAX < request.quantity:
            raise CommandRefused(Refusal.INVALID_DISPLAY, "display_qty")


def _check_cost(request: OrderRequest, instrument: Instrument, last_price: Decimal | None) -> None:
    least = instrument.notional_min
    if least is None:
        return
    cost = request.quote_quantity
    if cost is None:
        price = request.limit_price if request.limit_price_kind is None else None
        price = last_price if price is None else price
        if price is None or request.quantity is None:
            return
        cost = price * request.quantity
    if cost < least:
        raise CommandRefused(Refusal.COST_MINIMUM)


def _check_close(close: CloseOrder, instrument: Instrument) -> None:
    kind = close.order_type
    is_known = kind.is_triggered or kind is OrderType.LIMIT
    has_prices = (close.limit_price is not None) is kind.has_limit and (
        close.trigger_price is not None
    ) is kind.is_triggered
    if not is_known or not has_prices:
        raise CommandRefused(Refusal.INVALID_CLOSE, "conditional")
    if close.limit_price is not None:
        _check_price(close.limit_price, close.limit_price_kind, instrument)
    if close.trigger_price is not None:
        trigger = Trigger(close.trigger_price, close.trigger_price_kind or PriceKind.STATIC)
        _check_trigger(trigger, kind, instrument)
