"""Commands as OKX takes them over its link: the operation and its arguments, checked by its pages.

https://www.okx.com/docs-v5/en/#order-book-trading-trade-ws-place-order, -ws-place-multiple-orders,
-ws-amend-order, -ws-cancel-order, -ws-cancel-multiple-orders. An order is named with its market. A
spot market buy is of an amount of the quote asset by default, so every market order on spot names
which it is. Orders that wait for a price are of another kind at OKX, and are not offered.
"""

import re
from collections.abc import Iterator, Sequence
from decimal import Context, Decimal, Inexact

from msgspec import Struct

from fluxum.errors import BadInput
from fluxum.model.order import (
    Amend,
    Cancel,
    CancelBatch,
    Command,
    OrderRequest,
    OrderType,
    Place,
    PlaceBatch,
    PriceKind,
    TimeInForce,
)
from fluxum.venues.okx.normalize import VENUE
from fluxum.venues.okx.private.markets import Market, Markets
from fluxum.venues.okx.private.words import SELF_TRADES, SIDES, TYPES

__all__ = ["BATCH_MAX", "Mode", "Operation", "is_client_id", "operations"]

Arguments = dict[str, object]
Operation = tuple[str, Sequence[Arguments]]
"""The name of an operation, and the arguments of each of its orders."""

BATCH_MAX = 20
"""How many orders a batch may have."""
_CLIENT_ID = re.compile(r"[A-Za-z0-9]{1,32}")
_SPOT, _FUTURES = "1", "2"
_EXACT = Context(prec=60, traps=[Inexact])


class Mode(Struct, frozen=True):
    """What kind of account it is: OKX's level of it, and whether it holds both sides at once."""

    level: str = _SPOT
    is_hedged: bool = False


def is_client_id(name: str) -> bool:
    """Whether OKX takes this as a client order id."""
    return _CLIENT_ID.fullmatch(name) is not None


def operations(markets: Markets, mode: Mode, command: Command) -> Sequence[Operation]:
    """The operations of a command, in their order; raises BadInput for what OKX cannot do."""
    match command:
        case Place(request=request, validate=False):
            return [("order", [_order(markets, mode, request)])]
        case PlaceBatch(requests=requests, validate=False):
            if not 1 <= len(requests) <= BATCH_MAX:
                raise BadInput(f"a batch of 1 to 20 orders was expected, was {len(requests)}")
            return [("batch-orders", [_order(markets, mode, request) for request in requests])]
        case Amend():
            return [("amend-order", [_amend(markets, command)])]
        case Cancel(user_references=()):
            return [("cancel-order", [one]) for one in _named(markets, command)]
        case CancelBatch():
            named = list(_named(markets, command))
            return [
                ("batch-cancel-orders", named[at : at + BATCH_MAX])
                for at in range(0, len(named), BATCH_MAX)
            ]
        case _:
            raise BadInput(
                f"{VENUE} cannot do this: {type(command).__name__}, was {command!r:.200}"
            )


def _order(markets: Markets, mode: Mode, request: OrderRequest) -> Arguments:
    market = markets.of(request.symbol)
    is_contract = bool(request.symbol.contract)
    _check(request, is_contract=is_contract)
    is_market = not request.order_type.has_limit
    spent = request.quote_quantity
    order: Arguments = {
        **markets.order_id(market.name),
        "tdMode": _trade_mode(mode, request, is_contract=is_contract),
        "side": SIDES[request.side],
        "ordType": _type(request, is_contract=is_contract),
        "sz": _size(market, request.quantity) if spent is None else _number(spent),
    }
    if request.limit_price is not None:
        order["px"] = _number(request.limit_price)
    if is_market and not is_contract:
        order["tgtCcy"] = "base_ccy" if spent is None else "quote_ccy"
    if request.client_order_id:
        order["clOrdId"] = request.client_order_id
    if request.reduce_only:
        order["reduceOnly"] = True
    if request.self_trade is not None:
        order["stpMode"] = SELF_TRADES[request.self_trade]
    return order


def _type(request: OrderRequest, *, is_contract: bool) -> str:
    """A market order never rests: on spot there is one word for it, for contracts there are two."""
    in_force = request.time_in_force
    if request.order_type is OrderType.MARKET and not is_contract:
        in_force = TimeInForce.GTC
    return TYPES[request.order_type, in_force, request.post_only]


def _trade_mode(mode: Mode, request: OrderRequest, *, is_contract: bool) -> str:
    """By the kind of account: https://www.okx.com/docs-v5/en/#overview-account-mode."""
    is_simple = mode.level in {_SPOT, _FUTURES}
    if not is_contract:
        if request.margin and is_simple:
            raise BadInput(f"{VENUE} has margin orders for accounts of several currencies alone")
        return "cash" if is_simple else "cross"
    if mode.level == _SPOT:
        raise BadInput(f"a spot account at {VENUE} has no contracts: change its mode there first")
    if mode.is_hedged:
        raise BadInput(f"a position of one side is expected: set net mode at {VENUE} first")
    return "cross"


def _check(request: OrderRequest, *, is_contract: bool) -> None:
    """Raise BadInput for what OKX has no field for."""
    name = request.client_order_id
    if name and not is_client_id(name):
        raise BadInput(f"a client order id is up to 32 letters and digits at {VENUE}, was {name!r}")
    kind, in_force = request.order_type, request.time_in_force
    missing = {
        f"orders of type {kind.value}": kind not in {OrderType.LIMIT, OrderType.MARKET},
        f"time in force {in_force.value}": in_force is TimeInForce.GTD,
        "market orders that are whole or nothing": kind is OrderType.MARKET
        and in_force is TimeInForce.FOK,
        "distances as prices": request.limit_price_kind not in {None, PriceKind.STATIC},
        "a time to begin": request.effective_ns is not None,
        "icebergs": request.display_quantity is not None,
        "a choice of the fee's asset": request.fee_asset is not None,
        "close orders": request.close is not None,
        "user references": request.user_reference is not None,
        "reduce-only orders on spot": request.reduce_only and not is_contract,
        "amounts to spend on contracts": request.quote_quantity is not None and is_contract,
    }
    lacking = [what for what, is_missing in missing.items() if is_missing]
    if lacking:
        raise BadInput(f"{VENUE} has no {', '.join(lacking)}: nothing was sent")


def _amend(markets: Markets, command: Amend) -> Arguments:
    if command.symbol is None:
        raise BadInput(f"{VENUE} names an order with its market, was none in {command!r}")
    market = markets.of(command.symbol)
    others = (command.display_quantity, command.post_only, command.trigger_price)
    is_distance = command.limit_price_kind not in {None, PriceKind.STATIC}
    if any(one is not None for one in others) or is_distance:
        raise BadInput(f"{VENUE} amends quantity and price alone, was {command!r:.300}")
    by_id = bool(command.order_id)
    order = {
        **markets.order_id(market.name),
        "ordId" if by_id else "clOrdId": command.order_id or command.client_order_id,
    }
    if command.quantity is not None:
        order["newSz"] = _size(market, command.quantity)
    if command.limit_price is not None:
        order["newPx"] = _number(command.limit_price)
    return order


def _named(markets: Markets, command: Cancel | CancelBatch) -> Iterator[Arguments]:
    """The market and id of each order; raises BadInput where there is none, or no market."""
    if not command.order_ids and not command.client_order_ids:
        raise BadInput("a cancel needs at least one id, was none")
    for field, names in (("ordId", command.order_ids), ("clOrdId", command.client_order_ids)):
        for name in names:
            symbol = command.symbols.get(name)
            if symbol is None:
                raise BadInput(
                    f"{VENUE} names an order with its market, which is not known of {name!r}"
                )
            yield {**markets.order_id(markets.of(symbol).name), field: name}


def _size(market: Market, quantity: Decimal | None) -> str:
    """A quantity in OKX's units; raises BadInput for a part of one that cannot be written."""
    if quantity is None:
        raise BadInput("a quantity was expected, was none")
    try:
        return _number(_EXACT.divide(quantity, market.size))
    except Inexact as error:
        raise BadInput(
            f"contracts of {market.size} {market.symbol.base} expected, was {quantity}"
        ) from error


def _number(value: Decimal) -> str:
    if not value.is_finite() or value <= 0 or not -30 < value.adjusted() < 30:
        raise BadInput(f"a number above zero was expected, was {value}")
    return f"{value:f}"
