"""Commands as OKX takes them over its link: the operation and its arguments, checked by its pages.

https://www.okx.com/docs-v5/en/#order-book-trading-trade-ws-place-order, -ws-place-multiple-orders,
-ws-amend-order, -ws-cancel-order, -ws-cancel-multiple-orders. An order is named with its market. A
spot market buy is of an amount of the quote asset by default, so every market order on spot names
which it is. Orders that wait for a price are of another kind at OKX: see `algos`.
"""

from collections.abc import Iterator
from decimal import Context, Decimal, Inexact

from msgspec import Struct, structs

from fluxum.errors import BadInput
from fluxum.model.instrument import Symbol
from fluxum.model.order import (
    Amend,
    Cancel,
    CancelBatch,
    OrderRequest,
    OrderType,
    TimeInForce,
)
from fluxum.venues.okx.normalize import VENUE
from fluxum.venues.okx.private.markets import Market, Markets
from fluxum.venues.okx.private.words import SELF_TRADES, SIDES, TYPES
from fluxum.venues.order_commands import Members
from fluxum.venues.order_offers import NameRule, OrderOffers, named_orders, plain, written

__all__ = [
    "BATCH_MAX",
    "NAMES",
    "Mode",
    "amendment",
    "named",
    "order",
    "size",
    "trade_mode",
]

BATCH_MAX = 20
"""How many orders a batch may have."""
NAMES = NameRule(r"[A-Za-z0-9]{1,32}", "up to 32 letters and digits")
"""What OKX takes as a client order id."""
_SPOT, _FUTURES = "1", "2"
_EXACT = Context(prec=60, traps=[Inexact])


class Mode(Struct, frozen=True):
    """What kind of account it is: OKX's level of it, and whether it holds both sides at once."""

    level: str = _SPOT
    is_hedged: bool = False


_SPOT_OFFERS = OrderOffers(
    venue=VENUE,
    types=frozenset({OrderType.LIMIT, OrderType.MARKET}),
    times_in_force=frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK}),
    fields=frozenset({"post_only", "margin", "quote_quantity", "self_trade"}),
    changes=frozenset({"quantity", "limit_price"}),
    names=NAMES,
)
_CONTRACT_OFFERS = structs.replace(
    _SPOT_OFFERS, fields=frozenset({"post_only", "reduce_only", "margin", "self_trade"})
)


def order(markets: Markets, mode: Mode, request: OrderRequest) -> tuple[str, Members]:
    """An order; raises BadInput for one that OKX does not take of such an account."""
    is_contract = bool(request.symbol.contract)
    (_CONTRACT_OFFERS if is_contract else _SPOT_OFFERS).check(request)
    market, spent = markets.of(request.symbol), request.quote_quantity
    is_market = not request.order_type.has_limit
    order: Members = {
        **markets.order_id(market.name),
        "tdMode": trade_mode(mode, request),
        "side": SIDES[request.side],
        "ordType": _type(request, is_contract=is_contract),
        "sz": size(market, request.quantity) if spent is None else plain(spent),
        **written(request, limit_price="px", client_order_id="clOrdId", reduce_only="reduceOnly"),
    }
    if is_market and not is_contract:
        order["tgtCcy"] = "base_ccy" if spent is None else "quote_ccy"
    if request.self_trade is not None:
        order["stpMode"] = SELF_TRADES[request.self_trade]
    return "order", order


def _type(request: OrderRequest, *, is_contract: bool) -> str:
    """A market order never rests: on spot there is one word for it, for contracts there are two."""
    in_force = request.time_in_force
    is_spot_market = request.order_type is OrderType.MARKET and not is_contract
    if is_spot_market and in_force is TimeInForce.IOC:
        in_force = TimeInForce.GTC
    word = TYPES.get((request.order_type, in_force, request.post_only))
    if word is None:
        kind = f"{request.order_type.value} orders, {in_force.value}"
        raise BadInput(f"{VENUE} has no {kind}{', post-only' if request.post_only else ''}")
    return word


def trade_mode(mode: Mode, request: OrderRequest) -> str:
    """By the kind of account: https://www.okx.com/docs-v5/en/#overview-account-mode.

    Raises BadInput for an order that such an account cannot place.
    """
    is_simple = mode.level in {_SPOT, _FUTURES}
    if not request.symbol.contract:
        if request.margin and is_simple:
            raise BadInput(f"{VENUE} has margin orders for accounts of several currencies alone")
        return "cash" if is_simple else "cross"
    if mode.level == _SPOT:
        raise BadInput(f"a spot account at {VENUE} has no contracts: change its mode there first")
    if mode.is_hedged:
        raise BadInput(f"a position of one side is expected: set net mode at {VENUE} first")
    return "cross"


def amendment(markets: Markets, command: Amend) -> tuple[str, Members]:
    """A change of an order; raises BadInput for one that OKX does not make."""
    symbol = _SPOT_OFFERS.check_amend(command)
    named = _name(markets, symbol, command.order_id, command.client_order_id)
    order = {**named, **written(command, limit_price="newPx")}
    if command.quantity is not None:
        order["newSz"] = size(markets.of(symbol), command.quantity)
    return "amend-order", order


def named(markets: Markets, command: Cancel | CancelBatch) -> Iterator[Members]:
    """The market and id of each order."""
    for one in named_orders(VENUE, command):
        yield _name(markets, *one)


def _name(markets: Markets, symbol: Symbol, order_id: str, name: str) -> Members:
    """What names an order: its market, and either id."""
    ids = {"ordId": order_id} if order_id else {"clOrdId": name}
    return {**markets.order_id(markets.of(symbol).name), **ids}


def size(market: Market, quantity: Decimal | None) -> str:
    """A quantity in OKX's units; raises BadInput for a part of one that cannot be written."""
    if quantity is None:
        raise BadInput("a quantity was expected, was none")
    try:
        return plain(_EXACT.divide(quantity, market.size))
    except Inexact as error:
        raise BadInput(
            f"contracts of {market.size} {market.symbol.base} expected, was {quantity}"
        ) from error
