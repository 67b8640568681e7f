"""Whether an order makes sense at its market, before anything is sent.

The rules are those every venue of this kind has: prices on the tick, quantities on the lot and not
below the least, each type with the fields it needs and no others. What is special to a venue is
checked when the command is written for it.
"""

from decimal import Decimal
from math import ceil

from msgspec import structs

from fluxum.errors import BadInput
from fluxum.ledger.arithmetic import EXACT, checked, positive
from fluxum.model.instrument import Instrument, InstrumentStatus
from fluxum.model.market import Side
from fluxum.model.order import (
    Amend,
    CloseOrder,
    Edit,
    OrderRequest,
    OrderType,
    OrderUpdate,
    PriceKind,
    TimeInForce,
    Trigger,
    TriggerReference,
)

__all__ = [
    "TRAILING",
    "Grid",
    "after_amend",
    "after_edit",
    "check",
    "check_change",
    "limit_of",
    "present",
    "price_of",
    "trigger_of",
]
_ZERO = Decimal(0)
# To look up a member of an enumeration costs a call.
_LIMIT, _GTC, _ONLINE = OrderType.LIMIT, TimeInForce.GTC, InstrumentStatus.ONLINE
_STATIC = PriceKind.STATIC
_MONTH_NS = 31 * 86_400 * 1_000_000_000
_PARTS_MAX = Decimal(15)
_AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})
_CLOSED = frozenset(
    {InstrumentStatus.CANCEL_ONLY, InstrumentStatus.MAINTENANCE, InstrumentStatus.DELISTED}
)

TRAILING = frozenset({OrderType.TRAILING_STOP, OrderType.TRAILING_STOP_LIMIT})
"""Types whose prices are distances, whatever they are called."""


def price_of(request: OrderRequest) -> Decimal | None:
    """The price an order is worth at, if it has one: its limit, else its trigger."""
    limit = limit_of(request)
    return trigger_of(request) if limit is None else limit


def limit_of(request: OrderRequest) -> Decimal | None:
    """The worst price an order trades at, if it names one."""
    kind = request.limit_price_kind
    is_price = (kind is None or kind is _STATIC) and request.order_type not in TRAILING
    return request.limit_price if is_price else None


def trigger_of(request: OrderRequest) -> Decimal | None:
    """The price an order waits for, if it names one."""
    trigger = request.trigger
    if trigger is None or trigger.kind is not PriceKind.STATIC or request.order_type in TRAILING:
        return None
    return trigger.price


class Grid:
    """The rules of a market as integers, in which most orders are found good at one look.

    Prices and quantities are in units of the last digit of tick and lot, amounts of their product.
    """

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        digits = [len(f"{one:f}".partition(".")[2]) for one in (instrument.tick, instrument.lot)]
        self._price_digits, self._quantity_digits = digits
        self._tick = _in_units(instrument.tick, self._price_digits)
        self._lot = _in_units(instrument.lot, self._quantity_digits)
        self._least = _in_units(instrument.quantity_min, self._quantity_digits)
        self._amount = _in_units(instrument.notional_min or _ZERO, sum(digits))

    def is_plain_and_good(self, request: OrderRequest) -> bool:
        """Whether it is a limit order without anything special that its market takes.

        If not, `check` goes through rule by rule.
        """
        if (
            request.order_type is not _LIMIT
            or request.time_in_force is not _GTC
            or self.instrument.status is not _ONLINE
            or request.symbol != self.instrument.symbol
            or request.limit_price_kind is not None
            or request.trigger is not None
            or request.effective_ns is not None
            or request.expires_ns is not None
            or request.display_quantity is not None
            or request.quote_quantity is not None
            or request.close is not None
            or request.reduce_only
        ):
            return False
        price = _units(request.limit_price, self._price_digits)
        quantity = _units(request.quantity, self._quantity_digits)
        return (
            price > 0
            and 0 < quantity >= self._least
            and not price % self._tick
            and not quantity % self._lot
            and price * quantity >= self._amount
        )


def _in_units(value: Decimal, digits: int) -> int:
    """A number of a market in units of that many digits behind the point, rounded up."""
    return ceil(value.scaleb(digits))


def _units(value: Decimal | None, digits: int) -> int:
    """A number in units, or zero if it is none of them or is not written plainly."""
    whole, _, rest = str(value).partition(".")
    text = whole + rest
    if len(rest) > digits or not (text.isascii() and text.isdecimal()):
        return 0
    return int(text + "0" * (digits - len(rest)))


def check_change(
    changed: OrderRequest, filled: Decimal, instrument: Instrument, now_ns: int
) -> None:
    """Raise BadInput for what an order would become by a change, of which so much is filled.

    An order that becomes smaller than what is filled is a way to end it, so that is no error.
    """
    if changed.quantity is not None and changed.quantity <= filled:
        positive(changed.quantity, "a quantity")
    else:
        check(changed, instrument, now_ns, filled)


def check(
    request: OrderRequest, instrument: Instrument, now_ns: int, filled: Decimal = _ZERO
) -> None:
    """Raise BadInput for an order its market would not take; the message shows what is wrong.

    `filled` is how much of it is filled already.
    """
    if request.symbol != instrument.symbol:
        raise BadInput(f"an order for {instrument.symbol} was expected, was {request.symbol}")
    _check_market(request, instrument)
    _check_fields(request)
    _check_quantities(request, instrument, filled)
    if request.limit_price is not None:
        _check_limit(request.limit_price, request.limit_price_kind, request.order_type, instrument)
    if request.trigger is not None:
        _check_trigger(request.trigger, request.order_type, instrument)
    _check_times(request, now_ns)
    _check_notional(request, instrument)
    if request.close is not None:
        _check_close(request.close, instrument)


def _check_market(request: OrderRequest, instrument: Instrument) -> None:
    status, kind = instrument.status, request.order_type
    if status in _CLOSED:
        expected = "takes no orders"
    elif status is InstrumentStatus.POST_ONLY and not request.post_only:
        expected = "takes post-only orders alone"
    elif status is InstrumentStatus.LIMIT_ONLY and not kind.has_limit:
        expected = "takes orders with a limit alone"
    elif status is InstrumentStatus.REDUCE_ONLY and not request.reduce_only:
        expected = "takes reduce-only orders alone"
    else:
        return
    raise BadInput(f"{instrument.symbol} is {status.value} and {expected}, was {_name(request)}")


def _check_fields(request: OrderRequest) -> None:
    """Which fields a type needs, and which it must not have."""
    kind = request.order_type
    _need(request, "a limit price", request.limit_price is not None, wanted=kind.has_limit)
    _need(request, "a trigger", request.trigger is not None, wanted=kind.is_triggered)
    is_iceberg = kind is OrderType.ICEBERG
    shown = request.display_quantity
    _need(request, "a display quantity", shown is not None, wanted=is_iceberg)
    if request.limit_price is None and request.limit_price_kind is not None:
        raise BadInput(f"a kind of limit price needs one, was {request.limit_price_kind.value}")
    if request.post_only and kind is not OrderType.LIMIT:
        raise BadInput(f"only a limit order can be post-only, was {_name(request)}")
    in_force = request.time_in_force
    if request.post_only and in_force in _AT_ONCE:
        raise BadInput(f"a post-only order waits in the book, was {in_force.value}")
    if in_force in _AT_ONCE and not (kind.has_limit or kind is OrderType.MARKET):
        raise BadInput(f"{in_force.value} is for limit and market orders, was {_name(request)}")
    if in_force is TimeInForce.FOK and not kind.has_limit:
        raise BadInput(f"whole or not at all needs a limit, was {_name(request)}")
    has_position = bool(request.symbol.contract) or request.margin
    if request.reduce_only and not has_position and kind is not OrderType.SETTLE_POSITION:
        raise BadInput("a reduce-only order is one on margin or of a contract, was neither")


def _need(request: OrderRequest, what: str, has: bool, *, wanted: bool) -> None:
    if has is not wanted:
        verb = "needs" if wanted else "takes no"
        what = what if wanted else what.removeprefix("a ")
        raise BadInput(f"{_name(request)} {verb} {what}, was {'none' if wanted else 'one'}")


def _check_quantities(request: OrderRequest, instrument: Instrument, filled: Decimal) -> None:
    spend, quantity = request.quote_quantity, request.quantity
    if spend is not None:
        can_spend = request.order_type is OrderType.MARKET and request.side is Side.BUY
        if not can_spend or request.margin or request.close is not None:
            raise BadInput(f"only plain market buys spend an amount, was {_name(request)}")
        if quantity is not None:
            raise BadInput(f"a quantity or an amount to spend was expected, was both ({quantity})")
        positive(spend, "an amount to spend")
        return
    if quantity is None:
        if request.order_type is not OrderType.SETTLE_POSITION:
            raise BadInput(f"{_name(request)} needs a quantity, was none")
        return
    _on_grid(positive(quantity, "a quantity"), instrument.lot, "lots", "quantity")
    if quantity < instrument.quantity_min:
        raise BadInput(f"a quantity of at least {instrument.quantity_min} expected, was {quantity}")
    shown = request.display_quantity
    if shown is None:
        return
    _on_grid(positive(shown, "a display quantity"), instrument.lot, "lots", "display quantity")
    left = EXACT.subtract(quantity, filled)
    if shown > quantity or EXACT.multiply(shown, _PARTS_MAX) < left:
        raise BadInput(
            f"a display quantity from 1/{_PARTS_MAX} of {left} to {quantity} "
            f"was expected, was {shown}"
        )


def _check_limit(
    price: Decimal, kind: PriceKind | None, order_type: OrderType, instrument: Instrument
) -> None:
    if kind in (None, PriceKind.STATIC):
        if order_type in TRAILING and kind is None:  # venues take it for a distance there
            _check_distance(price, instrument, PriceKind.QUOTE)
            return
        _on_grid(positive(price, "a limit price"), instrument.tick, "ticks", "limit price")
        return
    if not order_type.is_triggered:
        raise BadInput(f"a {order_type.value} order has a price for its limit, was {kind.value}")
    _check_distance(price, instrument, kind)


def _check_trigger(trigger: Trigger, order_type: OrderType, instrument: Instrument) -> None:
    if order_type in TRAILING:
        positive(trigger.price, "a distance to trail at")
    if trigger.kind is PriceKind.STATIC:
        _on_grid(positive(trigger.price, "a trigger"), instrument.tick, "ticks", "trigger")
    else:
        _check_distance(trigger.price, instrument, trigger.kind)


def _check_distance(value: Decimal, instrument: Instrument, kind: PriceKind) -> None:
    checked(value, "a distance")
    if kind is PriceKind.QUOTE:
        _on_grid(value, instrument.tick, "ticks", "distance")
    elif value <= -100:
        raise BadInput(f"a distance above -100 percent was expected, was {value}")


def _check_times(request: OrderRequest, now_ns: int) -> None:
    expires_ns = request.expires_ns
    if (expires_ns is not None) is not (request.time_in_force is TimeInForce.GTD):
        raise BadInput(
            f"gtd and an expiry go together, "
            f"was {request.time_in_force.value} with {'none' if expires_ns is None else 'one'}"
        )
    for what, instant_ns in (("an expiry", expires_ns), ("a start", request.effective_ns)):
        if instant_ns is not None and instant_ns > now_ns + _MONTH_NS:
            days = (instant_ns - now_ns) // (_MONTH_NS // 31)
            raise BadInput(f"{what} at most a month ahead was expected, was {days} days ahead")
    if expires_ns is None:
        return
    if expires_ns <= max(now_ns, request.effective_ns or 0):
        late_s = (now_ns - expires_ns) / 1e9
        raise BadInput(f"an expiry after its start and now was expected, was {late_s:.3f} s before")
    if request.order_type is OrderType.MARKET:
        raise BadInput("a market order trades at once and needs no expiry, was gtd")


def _check_notional(request: OrderRequest, instrument: Instrument) -> None:
    least = instrument.notional_min
    notional = request.quote_quantity
    if notional is None:
        price = price_of(request)
        if price is None or request.quantity is None:
            return
        notional = EXACT.multiply(price, request.quantity)
    if least is not None and notional < least:
        raise BadInput(f"{least} {instrument.quote} at least were expected, was {notional}")


def _check_close(close: CloseOrder, instrument: Instrument) -> None:
    kind = close.order_type
    if not kind.is_triggered and kind is not OrderType.LIMIT:
        raise BadInput(f"a close order is a limit or waits for a price, was {kind.value}")
    if (close.limit_price is not None) is not kind.has_limit:
        raise BadInput(f"a close order's limit price does not suit its type, {kind.value}")
    if (close.trigger_price is not None) is not kind.is_triggered:
        raise BadInput(f"a close order's trigger does not suit its type, {kind.value}")
    if close.limit_price is not None:
        # Without a kind venues take it for a distance from the price of the fill, or for a price.
        limit_kind = close.limit_price_kind or PriceKind.QUOTE
        if limit_kind is PriceKind.STATIC:
            price = positive(close.limit_price, "a limit price")
            _on_grid(price, instrument.tick, "ticks", "limit price")
        else:
            _check_distance(close.limit_price, instrument, limit_kind)
    if close.trigger_price is not None:
        trigger = Trigger(close.trigger_price, close.trigger_price_kind or PriceKind.STATIC)
        _check_trigger(trigger, kind, instrument)


def _on_grid(value: Decimal, step: Decimal, steps: str, what: str) -> None:
    if EXACT.remainder(value, step):
        raise BadInput(f"{what} in {steps} of {step} expected, was {value}")


def _name(request: OrderRequest) -> str:
    return f"a {request.order_type.value.replace('_', ' ')} {request.side.value}"


# What an order becomes by a change


def after_amend(request: OrderRequest, amend: Amend) -> OrderRequest:
    """What an order becomes by an amendment; raises BadInput for one that changes nothing."""
    numbers = (amend.quantity, amend.limit_price, amend.display_quantity, amend.trigger_price)
    if all(number is None for number in numbers):
        raise BadInput("an amendment of a quantity or a price was expected, was none")
    changes = _given(amend, "quantity", "limit_price", "display_quantity", "post_only")
    if amend.limit_price is not None:
        is_static = amend.limit_price_kind is PriceKind.STATIC
        changes["limit_price_kind"] = None if is_static else amend.limit_price_kind
    if amend.trigger_price is not None:
        if request.trigger is None:
            raise BadInput(f"a {request.order_type.value} order has no trigger to be moved")
        kind = amend.trigger_price_kind or PriceKind.STATIC
        changes["trigger"] = Trigger(amend.trigger_price, kind, request.trigger.reference)
    return structs.replace(request, **changes)


def after_edit(request: OrderRequest, edit: Edit) -> OrderRequest:
    """What the order is asked to be that an edit puts in the place of another."""
    if edit.symbol != request.symbol:
        raise BadInput(f"an edit of an order for {request.symbol} was expected, was {edit.symbol}")
    changes = _given(edit, "quantity", "limit_price", "trigger", "display_quantity", "fee_asset")
    changes |= _given(edit, "post_only", "reduce_only", "user_reference")
    if edit.limit_price is not None:
        changes["limit_price_kind"] = None
    return structs.replace(request, **changes)


def present(request: OrderRequest | None, update: OrderUpdate | None) -> OrderRequest:
    """What an order is asked to be now, changes included; as far as known for orders of others."""
    if update is None:
        assert request is not None, "an order is ours or has an update"
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


def _given(change: Amend | Edit, *names: str) -> dict[str, object]:
    """The fields of a change that are not left as they are."""
    values = {name: getattr(change, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}
