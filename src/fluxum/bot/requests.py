"""Orders of a bot as requests to a venue. Pure.

What a plan or an order has was checked already, numbers apart. So a request is the copy of another
in which some fields differ: to check all twenty would take longer than all else of a plan.
"""

from decimal import Decimal
from typing import TypeVar

from msgspec import structs

from fluxum.bot.account import BotOrder
from fluxum.bot.intent import Leg
from fluxum.bot.intent import Place as PlaceOrder
from fluxum.bot.market import Market
from fluxum.bot.planner import New
from fluxum.bot.view import OrderRole
from fluxum.model.input import positive
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import Amend, OrderRequest, OrderType, TimeInForce, Trigger

__all__ = ["amend_of", "changed", "of_leg", "of_new", "of_order", "of_place"]

_T = TypeVar("_T", OrderRequest, Amend)
# By whether there is a limit, and whether there is a trigger.
_TYPES = {
    (False, False): OrderType.MARKET,
    (True, False): OrderType.LIMIT,
    (False, True): OrderType.STOP_LOSS,
    (True, True): OrderType.STOP_LOSS_LIMIT,
}


def of_new(market: Market, new: New, name: str) -> OrderRequest:
    """The order of a plan."""
    request = _plain(market.symbol, new.side, new.quantity, new.price)
    if new.at_once and new.price is not None:
        _set(request, "time_in_force", TimeInForce.IOC)
    if new.post_only:
        _set(request, "post_only", True)
    _set(request, "client_order_id", name)
    return request


def of_leg(leg: Leg, name: str) -> OrderRequest:
    """The order of a leg, which never rests."""
    new = New(
        side=leg.side, quantity=leg.quantity, price=leg.limit, role=OrderRole.LEG, at_once=True
    )
    return of_new(leg.market, new, name)


def of_place(wanted: PlaceOrder, name: str) -> OrderRequest:
    """A single order; raises BadInput for one that makes no sense."""
    trigger = wanted.trigger
    return OrderRequest(
        symbol=wanted.market.symbol,
        side=wanted.side,
        order_type=_TYPES[wanted.limit is not None, trigger is not None],
        quantity=wanted.quantity,
        limit_price=wanted.limit,
        trigger=None if trigger is None else Trigger(trigger),
        time_in_force=wanted.time_in_force,
        post_only=wanted.post_only,
        reduce_only=wanted.reduce_only,
        client_order_id=name,
    )


def of_order(order: BotOrder) -> OrderRequest:
    """An order as it is now, for what a change makes of it."""
    return _as(order.market.symbol, order.side, order.quantity, order.price)


def changed(request: OrderRequest, quantity: Decimal | None, price: Decimal | None) -> OrderRequest:
    """A request with another quantity and limit price, where these are given."""
    after = _copy(request)
    if quantity is not None:
        _set(after, "quantity", positive(quantity, "quantity"))
    if price is not None:
        _set(after, "limit_price", positive(price, "limit_price"))
    return after


def amend_of(order: BotOrder, quantity: Decimal | None, price: Decimal | None) -> Amend:
    """The command that changes an order; the numbers are those of a request, so checked."""
    amend = _copy(_AMEND)
    _set(amend, "order_id", order.order_id)
    _set(amend, "client_order_id", order.name)
    _set(amend, "symbol", order.market.symbol)
    _set(amend, "quantity", quantity)
    _set(amend, "limit_price", price)
    return amend


# Pieces


def _plain(symbol: Symbol, side: Side, quantity: Decimal, price: Decimal | None) -> OrderRequest:
    """A market or limit order; raises BadInput for numbers that make no sense."""
    if price is not None:
        positive(price, "limit_price")
    return _as(symbol, side, positive(quantity, "quantity"), price)


def _as(symbol: Symbol, side: Side, quantity: Decimal, price: Decimal | None) -> OrderRequest:
    """The same of numbers that were checked."""
    request = _copy(_MARKET if price is None else _LIMIT)
    _set(request, "symbol", symbol)
    if side is _SELL:
        _set(request, "side", side)
    _set(request, "quantity", quantity)
    if price is not None:
        _set(request, "limit_price", price)
    return request


def _copy(request: _T) -> _T:
    return request.__copy__()  # type: ignore[attr-defined,no-any-return]  # as every Struct has


_set = structs.force_setattr
_SELL = Side.SELL  # to look up a member costs a call
_MARKET, _LIMIT = (
    OrderRequest(symbol="X/Y", side=Side.BUY, order_type=kind)
    for kind in (OrderType.MARKET, OrderType.LIMIT)
)
_AMEND = Amend()
