"""Orders of a bot as requests to a venue. Pure."""

from fluxum.bot.account import BotOrder
from fluxum.bot.intent import Leg
from fluxum.bot.intent import Place as PlaceOrder
from fluxum.bot.market import Market
from fluxum.bot.planner import New
from fluxum.bot.view import OrderRole
from fluxum.model.order import OrderRequest, OrderType, TimeInForce, Trigger

__all__ = ["of_leg", "of_new", "of_order", "of_place"]

# By whether there is a limit, and whether there is a trigger.
_TYPES = {
    (False, False): OrderType.MARKET,
    (True, False): OrderType.LIMIT,
    (False, True): OrderType.STOP_LOSS,
    (True, True): OrderType.STOP_LOSS_LIMIT,
}


def of_new(market: Market, new: New, name: str) -> OrderRequest:
    """The order of a plan."""
    is_market = new.price is None
    return OrderRequest(
        symbol=market.symbol,
        side=new.side,
        order_type=OrderType.MARKET if is_market else OrderType.LIMIT,
        quantity=new.quantity,
        limit_price=new.price,
        time_in_force=TimeInForce.IOC if new.at_once and not is_market else TimeInForce.GTC,
        post_only=new.post_only,
        client_order_id=name,
    )


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
    return OrderRequest(
        symbol=order.market.symbol,
        side=order.side,
        order_type=OrderType.MARKET if order.price is None else OrderType.LIMIT,
        quantity=order.quantity,
        limit_price=order.price,
    )
