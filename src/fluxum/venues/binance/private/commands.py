"""Commands as Binance's WebSocket API takes them: the method and its parameters, checked.

https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-api.md#trading-requests. An
order is named with its market. There is no batch and no cancel of all markets: each order, and each
market, is a request. An order in place can become smaller, and nothing else. What replaces an order
is entered only if nothing of the first one was filled, so that no quantity is traded twice.
"""

from collections.abc import Callable, Iterator
from functools import partial

from msgspec import structs

from fluxum.errors import BadInput
from fluxum.model.order import (
    Amend,
    Cancel,
    CancelBatch,
    Command,
    Edit,
    OrderRequest,
    OrderType,
    PriceKind,
    Trigger,
    TriggerReference,
)
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.private.names import split_order_id
from fluxum.venues.binance.private.words import POST_ONLY, SELF_TRADES, SIDES, TIMES_IN_FORCE, TYPES
from fluxum.venues.conversation import Effect
from fluxum.venues.order_commands import Members, Operation, OrderCommands, cannot
from fluxum.venues.order_offers import NameRule, OrderOffers, plain, written

__all__ = ["NAMES", "order_commands"]

Send = Callable[[str, Operation, Command], Effect]

# https://github.com/binance/binance-spot-api-docs/blob/master/errors.md, -4015
NAMES = NameRule(r"[.A-Z:/a-z0-9_-]{1,36}", "up to 36 letters, digits and ._:/-")
"""What Binance takes as a client order id."""
_TIMELESS = {OrderType.MARKET, OrderType.STOP_LOSS, OrderType.TAKE_PROFIT, OrderType.TRAILING_STOP}
_BATCH_MAX = 50
_POINTS = 100  # in a percent


def order_commands(policy: Policy, send: Send) -> OrderCommands:
    """What Binance does with commands about orders."""
    return OrderCommands(
        venue=policy.venue,
        place=lambda request: ("order.place", _order(policy, request)),
        test="order.test",
        amend=lambda command: ("order.amend.keepPriority", _amend(policy, command)),
        edit=partial(_replacement, policy),
        cancel="order.cancel",
        named=partial(_named, policy),
        batch_max=_BATCH_MAX,
        send=send,
    )


def _offers(policy: Policy) -> OrderOffers:
    return OrderOffers(
        venue=policy.venue,
        types=frozenset({*TYPES, OrderType.ICEBERG, OrderType.TRAILING_STOP}),
        times_in_force=frozenset(TIMES_IN_FORCE),
        fields=frozenset({"post_only", "display_quantity", "quote_quantity", "self_trade"}),
        changes=frozenset({"quantity"}),
        names=NAMES,
    )


def _order(policy: Policy, request: OrderRequest) -> Members:
    kind, trigger = request.order_type, request.trigger
    is_trailing = kind is OrderType.TRAILING_STOP
    _offers(policy).check(structs.replace(request, trigger=None) if is_trailing else request)
    order: Members = {
        "symbol": policy.format_symbol(request.symbol),
        "side": SIDES[request.side],
        "type": POST_ONLY if request.post_only else _type(kind),
        "newOrderRespType": "ACK",
        **written(request, quantity="quantity", quote_quantity="quoteOrderQty"),
        **written(request, limit_price="price", display_quantity="icebergQty"),
        **written(request, client_order_id="newClientOrderId"),
    }
    if not request.post_only and kind not in _TIMELESS:
        order["timeInForce"] = TIMES_IN_FORCE[request.time_in_force]
    if request.self_trade is not None:
        order["selfTradePreventionMode"] = SELF_TRADES[request.self_trade]
    return order if trigger is None else order | _trigger(policy, trigger, is_trailing=is_trailing)


def _type(kind: OrderType) -> str:
    special = {OrderType.ICEBERG: OrderType.LIMIT, OrderType.TRAILING_STOP: OrderType.STOP_LOSS}
    return TYPES[special.get(kind, kind)]


def _trigger(policy: Policy, trigger: Trigger, *, is_trailing: bool) -> Members:
    """When an order begins: at a price, or a distance from the best one in hundredths of 1 %."""
    if trigger.reference is not TriggerReference.LAST:
        raise BadInput(f"{policy.venue} triggers by last prices, was {trigger.reference.value}")
    if not is_trailing:
        return {"stopPrice": plain(trigger.price)}
    points = trigger.price * _POINTS
    if trigger.kind is not PriceKind.PERCENT or points <= 0 or points % 1:
        raise BadInput(f"{policy.venue} trails by hundredths of a percent, was {trigger!r}")
    return {"trailingDelta": int(points)}


def _amend(policy: Policy, command: Amend) -> Members:
    """A smaller quantity; the order keeps its name, unlike by default."""
    market = policy.format_symbol(_offers(policy).check_amend(command))
    name = command.client_order_id or command.name
    kept: Members = {"newClientOrderId": name} if NAMES.allows(name) else {}
    named = _name(policy, market, command.order_id, command.client_order_id)
    return {**named, **kept, "newQty": plain(command.quantity)}


def _replacement(policy: Policy, command: Edit) -> tuple[str, Members]:
    becomes = command.becomes
    if not isinstance(becomes, OrderRequest):
        raise cannot(policy.venue, command)
    _, number = split_order_id(command.order_id, "-")
    rules = {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelRestrictions": "ONLY_NEW"}
    order = _order(policy, structs.replace(becomes, user_reference=None))
    return "order.cancelReplace", {**order, "cancelOrderId": number, **rules}


def _named(policy: Policy, command: Cancel | CancelBatch) -> Iterator[Members]:
    """The market and id of each order; raises BadInput where there is none, or no market."""
    if not command.order_ids and not command.client_order_ids:
        raise BadInput("a cancel needs at least one id, was none")
    markets = {name: policy.format_symbol(symbol) for name, symbol in command.symbols.items()}
    for one in command.order_ids:
        yield _name(policy, markets.get(one, ""), one, "")
    for one in command.client_order_ids:
        yield _name(policy, markets.get(one, ""), "", one)


def _name(policy: Policy, market: str, order_id: str, name: str) -> Members:
    """An order by its id, which names the market, or by ours with the market."""
    if order_id:
        market, number = split_order_id(order_id, market)
        return {"symbol": market, "orderId": number}
    if not market:
        raise BadInput(
            f"{policy.venue} names an order with its market, which is not known of {name!r}"
        )
    return {"symbol": market, "origClientOrderId": name}
