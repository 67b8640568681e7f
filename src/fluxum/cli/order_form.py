"""The options of an order on the command line, and what a person reads of it before it is sent."""

from collections.abc import Iterator
from decimal import Decimal
from enum import Enum
from typing import Annotated, TypeVar

import typer
from msgspec import structs

from fluxum.cli.hints import near
from fluxum.cli.lines import number_text, time_text
from fluxum.cli.options import parse_instant
from fluxum.clock import SystemClock
from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.numbers import exact
from fluxum.model.order import (
    OrderRequest,
    OrderType,
    PriceKind,
    TimeInForce,
    Trigger,
    TriggerReference,
)

__all__ = [
    "ClientOrderId",
    "Display",
    "Expires",
    "Force",
    "Kind",
    "Market",
    "PostOnly",
    "Price",
    "Quantity",
    "ReduceOnly",
    "SideName",
    "Spend",
    "TriggerBy",
    "TriggerPrice",
    "parse_conditions",
    "parse_number",
    "parse_request",
    "request_text",
]

_LEAST = Decimal("1E-30")
_TYPES = [one.value for one in OrderType if one is not OrderType.OTHER]
_Choice = TypeVar("_Choice", bound=Enum)

Market = Annotated[str, typer.Option("--symbol", "-s", help="The market, such as BTC/USD.")]
SideName = Annotated[str, typer.Option("--side", help="buy or sell.")]
Quantity = Annotated[str, typer.Option("--quantity", "-q", help="How much, in the base asset.")]
Spend = Annotated[
    str,
    typer.Option(
        "--spend", help="Instead of a quantity: how much of the quote asset a market buy spends."
    ),
]
Price = Annotated[str, typer.Option("--price", "-p", help="The worst price, for limit orders.")]
Kind = Annotated[str, typer.Option("--type", help=f"One of {', '.join(_TYPES)}.")]
TriggerPrice = Annotated[
    str,
    typer.Option(
        "--trigger",
        help="The price that a stop or a take-profit waits for; of a trailing stop how far it "
        "trails, such as 2%.",
    ),
]
TriggerBy = Annotated[
    str, typer.Option("--trigger-by", help="Which price it watches: last, index or mark.")
]
Force = Annotated[str, typer.Option("--time-in-force", help="gtc, ioc, fok or gtd.")]
Expires = Annotated[
    str,
    typer.Option(
        "--expires", help="When a gtd order ends: in 30m, 2h or 7d, or at 2026-12-31T12:00:00Z."
    ),
]
PostOnly = Annotated[
    bool, typer.Option("--post-only", help="Refuse the order if it would take from the book.")
]
ReduceOnly = Annotated[
    bool, typer.Option("--reduce-only", help="Only make a position smaller, never open one.")
]
Display = Annotated[
    str, typer.Option("--display", help="How much of its quantity an iceberg order shows.")
]
ClientOrderId = Annotated[
    str, typer.Option("--client-id", help="Your own name of the order; without: a new one.")
]


def parse_request(
    market: Symbol, side: str, kind: str, quantity: str, spend: str, price: str
) -> OrderRequest:
    """An order without conditions; raises BadInput for options that make no sense."""
    if bool(quantity) is bool(spend):
        given = f"{quantity} and {spend}" if quantity else "neither"
        raise BadInput(f"either --quantity or --spend was expected, was {given}")
    return OrderRequest(
        symbol=market,
        side=_choice(Side, "a side", side),
        order_type=_choice(OrderType, "an order type", kind),
        quantity=_optional("a quantity", quantity),
        quote_quantity=_optional("an amount to spend", spend),
        limit_price=_optional("a price", price),
    )


def parse_conditions(
    request: OrderRequest, trigger: str, trigger_by: str, force: str, expires: str, display: str
) -> OrderRequest:
    """The order with when it begins and ends and what of it shows; raises BadInput."""
    force = force or (TimeInForce.GTD if expires else TimeInForce.GTC).value
    return structs.replace(
        request,
        trigger=_trigger(trigger, trigger_by) if trigger else None,
        time_in_force=_choice(TimeInForce, "a time in force", force),
        expires_ns=_expiry_ns(expires),
        display_quantity=_optional("a quantity to display", display),
    )


def parse_number(what: str, text: str) -> Decimal:
    """A number above zero, exactly as it is written; raises BadInput that names `what` it is."""
    try:
        value = exact(text.strip())
    except RemoteProtocolError:
        value = Decimal(0)
    if value == 0 or value < _LEAST:
        raise BadInput(f"{what} above zero was expected, was {text!r}")
    return value


def request_text(request: OrderRequest) -> str:
    """`buy 0.01 BTC/USD limit @ 50000 (500.00 USD), gtc, post-only`."""
    return ", ".join((f"{_what_text(request)}", *_conditions(request)))


def _what_text(request: OrderRequest) -> str:
    side, symbol, kind = request.side.value, request.symbol, request.order_type.value
    if request.quantity is None:
        amount = number_text(request.quote_quantity)
        return f"{side} {symbol} for {amount} {symbol.quote} {kind}"
    price, cost = "", ""
    if request.limit_price is not None:
        worth = request.limit_price * request.quantity
        price, cost = f" @ {request.limit_price:f}", f" ({worth:f} {symbol.quote})"
    trigger = "" if request.trigger is None else _trigger_text(request.trigger)
    return f"{side} {number_text(request.quantity)} {symbol} {kind}{price}{cost}{trigger}"


def _conditions(request: OrderRequest) -> Iterator[str]:
    until = "" if request.expires_ns is None else f" until {time_text(request.expires_ns)}"
    yield f"{request.time_in_force.value}{until}"
    if request.post_only:
        yield "post-only"
    if request.reduce_only:
        yield "reduce-only"
    if request.display_quantity is not None:
        yield f"showing {number_text(request.display_quantity)}"


def _trigger(text: str, watched: str) -> Trigger:
    """A price, or a distance in percent, and the price that is watched."""
    kind = PriceKind.PERCENT if text.endswith("%") else PriceKind.STATIC
    price = parse_number("a trigger", text.removesuffix("%"))
    return Trigger(price, kind, _choice(TriggerReference, "a price to watch", watched))


def _trigger_text(trigger: Trigger) -> str:
    by = "" if trigger.reference is TriggerReference.LAST else f" by the {trigger.reference.value}"
    if trigger.kind is PriceKind.PERCENT:
        return f" when it turned by {trigger.price:f}%{by}"
    return f" when {trigger.price:f} is reached{by}"


def _optional(what: str, text: str) -> Decimal | None:
    return parse_number(what, text) if text else None


def _expiry_ns(text: str) -> int | None:
    """An instant to come; raises BadInput for one that has passed."""
    now_ns = SystemClock().now_ns()
    expires_ns = parse_instant(text, now_ns, is_ahead=True)
    if expires_ns is not None and expires_ns <= now_ns:
        raise BadInput(f"a time to come was expected for --expires, was {text!r}")
    return expires_ns


def _choice(kind: type[_Choice], what: str, text: str) -> _Choice:
    try:
        return kind(text.lower().replace("-", "_"))
    except ValueError:
        known = [str(one.value) for one in kind]
        hint = near(text, known)
        raise BadInput(f"{what} was expected ({', '.join(known)}), was {text!r}{hint}") from None
