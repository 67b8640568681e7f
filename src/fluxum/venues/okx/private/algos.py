"""Orders that wait for a price, which OKX keeps as algo orders: commands, and their ids.

https://www.okx.com/docs-v5/en/#order-book-trading-algo-trading-post-place-algo-order,
-post-cancel-algo-order, -post-amend-algo-order. They have ids of their own, and client ids as well
(`algoClOrdId`); all of them go over REST. A stop or a take-profit is a `conditional` order, whose
names say which of the two it is; an order price of -1 is the market's. A trailing stop trades at
the market, and is not amended. Once the price is reached an ordinary order goes on, with an id of
its own. An order that waits has an id here that says so, `algo-1836487817828872192`.
"""

from collections.abc import Iterator

from msgspec import structs

from fluxum.errors import BadInput
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import (
    Amend,
    Cancel,
    CancelBatch,
    OrderRequest,
    OrderType,
    PriceKind,
    TimeInForce,
    Trigger,
    TriggerReference,
)
from fluxum.venues.okx.normalize import VENUE
from fluxum.venues.okx.private.commands import NAMES, Mode, size, trade_mode
from fluxum.venues.okx.private.markets import Markets
from fluxum.venues.okx.private.words import REFERENCES, SIDES
from fluxum.venues.order_commands import Members
from fluxum.venues.order_offers import OrderOffers, named_orders, plain, written

__all__ = [
    "AMEND",
    "CANCEL",
    "CANCELS_MAX",
    "KINDS",
    "LISTED",
    "PLACE",
    "algo_number",
    "algo_order_id",
    "amendment",
    "named",
    "order",
]

PLACE, CANCEL, AMEND = "order-algo", "cancel-algos", "amend-algos"
"""The calls, by the last part of their paths."""
CANCELS_MAX = 10
"""How many orders one call cancels."""
KINDS = ("conditional,oco", "trigger", "move_order_stop")
"""The kinds of algo orders that are listed; each list is of one kind, the first of two."""
LISTED = frozenset(",".join(KINDS).split(","))
"""The same, each by itself; others, such as those that are placed in slices, are passed over."""
_PREFIX = "algo-"
_MARKET = "-1"
_SIDES_OF_PRICE = {  # by what the members of each type begin with
    OrderType.STOP_LOSS: "sl",
    OrderType.STOP_LOSS_LIMIT: "sl",
    OrderType.TAKE_PROFIT: "tp",
    OrderType.TAKE_PROFIT_LIMIT: "tp",
}
_SPOT_OFFERS = OrderOffers(
    venue=VENUE,
    types=frozenset({*_SIDES_OF_PRICE, OrderType.TRAILING_STOP}),
    times_in_force=frozenset({TimeInForce.GTC}),
    fields=frozenset({"margin"}),
    changes=frozenset({"quantity", "limit_price", "trigger_price"}),
    names=NAMES,
)
_CONTRACT_OFFERS = structs.replace(
    _SPOT_OFFERS,
    fields=frozenset({"margin", "reduce_only"}),
    references=frozenset(REFERENCES),
)


def algo_order_id(number: str) -> str:
    """The id of an order that waits for its price, by the venue's number."""
    return f"{_PREFIX}{number}"


def algo_number(order_id: str) -> str:
    """The venue's number of such an order, empty for the id of another."""
    return order_id.removeprefix(_PREFIX) if order_id.startswith(_PREFIX) else ""


def order(markets: Markets, mode: Mode, request: OrderRequest) -> tuple[str, Members]:
    """An order; raises BadInput for one that OKX does not take of such an account."""
    is_contract = bool(request.symbol.contract)
    is_trailing = request.order_type is OrderType.TRAILING_STOP
    offers = _CONTRACT_OFFERS if is_contract else _SPOT_OFFERS
    offers.check(structs.replace(request, trigger=None) if is_trailing else request)
    if request.trigger is None:
        raise BadInput(f"a trigger was expected, was none in {request!r:.300}")
    watched = request.trigger.reference
    if is_trailing and watched is not TriggerReference.LAST:
        raise BadInput(f"{VENUE} triggers trailing stops by last prices, was {watched.value}")
    market, is_buy = markets.of(request.symbol), request.side is Side.BUY
    if is_trailing and is_buy and not is_contract:
        raise BadInput(
            f"{VENUE} does not document whether a trailing buy of {request.symbol} is of its base "
            f"or its quote asset: a sale, or another type, was expected"
        )
    order: Members = {
        "instId": market.name,
        "tdMode": trade_mode(mode, request),
        "side": SIDES[request.side],
        "ordType": "move_order_stop" if is_trailing else "conditional",
        "sz": size(market, request.quantity),
        **written(request, client_order_id="algoClOrdId", reduce_only="reduceOnly"),
    }
    if is_buy and not is_contract and not request.order_type.has_limit:
        order["tgtCcy"] = "base_ccy"
    if is_trailing:
        return PLACE, order | _distance(request.trigger)
    return PLACE, order | _prices(request, request.trigger)


def _distance(trigger: Trigger) -> Members:
    """How far a trailing stop is from the best price: a ratio, or an amount of the quote asset."""
    if trigger.kind is PriceKind.PERCENT:
        return {"callbackRatio": plain(trigger.price / 100)}
    return {"callbackSpread": plain(trigger.price)}


def _prices(request: OrderRequest, trigger: Trigger) -> dict[str, str]:
    """What a stop or take-profit waits for, and its price then."""
    begin = _SIDES_OF_PRICE[request.order_type]
    return {
        f"{begin}TriggerPx": plain(trigger.price),
        f"{begin}TriggerPxType": REFERENCES[trigger.reference],
        f"{begin}OrdPx": plain(request.limit_price) if request.order_type.has_limit else _MARKET,
    }


def amendment(markets: Markets, command: Amend) -> tuple[str, Members]:
    """A change of an order; raises BadInput for one that OKX does not make."""
    symbol, becomes = _SPOT_OFFERS.check_amend(command), command.becomes
    trigger = None if becomes is None else becomes.trigger
    if becomes is None or trigger is None or becomes.order_type not in _SIDES_OF_PRICE:
        raise BadInput(
            f"{VENUE} amends stops and take-profits that are known, was {command!r:.300}"
        )
    order = _name(markets, symbol, command.order_id, command.client_order_id)
    if command.quantity is not None:
        order["newSz"] = size(markets.of(symbol), command.quantity)
    if command.trigger_price is not None or command.limit_price is not None:
        prices = _prices(becomes, trigger)
        order |= {f"new{name[0].upper()}{name[1:]}": value for name, value in prices.items()}
    return AMEND, order


def named(markets: Markets, command: Cancel | CancelBatch) -> Iterator[Members]:
    """The market and number, or client order id, of each order."""
    for one in named_orders(VENUE, command):
        yield _name(markets, *one)


def _name(markets: Markets, symbol: Symbol, order_id: str, name: str) -> Members:
    ids = {"algoId": algo_number(order_id)} if order_id else {"algoClOrdId": name}
    return {"instId": markets.of(symbol).name, **ids}
