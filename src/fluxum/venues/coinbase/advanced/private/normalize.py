"""Advanced Trade's rows about an account as facts: one small function a row.

A row that makes no sense raises RemoteProtocolError, so that it is left out. Rows about other
products than spot ones are `None`.
"""

from decimal import ROUND_HALF_EVEN, Decimal

from msgspec import Raw
from msgspec.json import decode

from fluxum.errors import RemoteProtocolError
from fluxum.model.account import Balance, Fee, Fill
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.order import OrderType, OrderUpdate
from fluxum.venues.coinbase.advanced.private import native, words
from fluxum.venues.coinbase.instants import read_instant
from fluxum.venues.coinbase.symbols import ADVANCED, symbol_of
from fluxum.venues.queries import require_instant
from fluxum.venues.rows import exact, exact_or_none, positive, price_or_none

__all__ = ["balance", "fill", "listed_order", "streamed_order"]

_ZERO = Decimal(0)
_STEP = Decimal("1e-8")  # no base asset is traded in smaller parts
_OTHER_PRODUCTS = frozenset({"FUTURE", "EQUITY", "PREDICTION"})


def streamed_order(
    wire: native.UserOrder, known: Decimal | None, venue_ns: int | None, received_ns: int
) -> OrderUpdate:
    """An order of the stream, for what is filled and what is left; `known` is for how much it was.

    Of an order that ended nothing may be left. What is left of a market order may be an amount of
    the quote asset, so that only what is filled counts, unless more is known.
    """
    way = words.SIDES.read(wire.order_side)
    kind, venue_type = words.order_type(wire.order_type, way)
    filled, average = exact(wire.cumulative_quantity), price_or_none(wire.avg_price)
    status, venue_status = words.status(wire.status, wire.trigger_status, is_part=bool(filled))
    in_force, venue_in_force = words.TIMES_IN_FORCE.known(wire.time_in_force)
    opened_ns = read_instant(wire.creation_time)
    cost, left = exact_or_none(wire.filled_value), exact_or_none(wire.leaves_quantity) or _ZERO
    is_vague = kind is OrderType.MARKET or (status.is_final and known is not None)
    return OrderUpdate(
        venue=ADVANCED,
        order_id=wire.order_id,
        client_order_id=wire.client_order_id,
        symbol=symbol_of(wire.product_id),
        side=way,
        order_type=kind,
        status=status,
        quantity=max(filled, known or _ZERO) if is_vague else filled + left,
        filled=filled,
        cost=filled * (average or _ZERO) if cost is None else cost,
        average_price=average,
        limit_price=price_or_none(wire.limit_price) if kind is not OrderType.MARKET else None,
        trigger_price=price_or_none(wire.stop_price),
        time_in_force=in_force,
        post_only=wire.post_only in {True, "true"},
        reason=words.reason(wire.cancel_reason, wire.reject_reason),
        venue_type=venue_type,
        venue_status=venue_status,
        venue_time_in_force=venue_in_force,
        opened_ns=opened_ns,
        venue_ns=venue_ns or opened_ns or received_ns,
        received_ns=received_ns,
    )


def listed_order(row: Raw, received_ns: int) -> OrderUpdate | None:
    """An order of a list, open or ended. The last of its changes counts, not what was placed."""
    wire = decode(row, type=native.OrderRow)
    if wire.product_type in _OTHER_PRODUCTS:
        return None
    placed = next(iter(wire.order_configuration.values()), native.Configuration())
    way = words.SIDES.read(wire.side)
    kind, venue_type = words.order_type(wire.order_type, way, placed.stop_direction)
    filled = exact_or_none(wire.filled_size) or _ZERO
    status, venue_status = words.status(wire.status, wire.trigger_status, is_part=bool(filled))
    in_force, venue_in_force = words.TIMES_IN_FORCE.known(wire.time_in_force)
    last = wire.edit_history[-1] if wire.edit_history else native.Edit()
    opened_ns = read_instant(wire.created_time)
    size = last.size or bytes(placed.base_size).decode().strip('"')
    times = (wire.last_update_time, wire.last_fill_time, last.replace_accept_timestamp)
    known_ns = [one for one in map(read_instant, filter(None, times)) if one is not None]
    return OrderUpdate(
        venue=ADVANCED,
        order_id=wire.order_id,
        client_order_id=wire.client_order_id,
        symbol=symbol_of(wire.product_id),
        side=way,
        order_type=kind,
        status=status,
        quantity=max(exact_or_none(size) or _ZERO, filled),
        filled=filled,
        cost=exact_or_none(wire.filled_value) or _ZERO,
        average_price=price_or_none(wire.average_filled_price),
        limit_price=price_or_none(last.price or placed.limit_price),
        trigger_price=price_or_none(placed.stop_price),
        time_in_force=in_force,
        post_only=placed.post_only or False,
        reason=words.reason(wire.reject_reason, wire.cancel_message),
        venue_type=venue_type,
        venue_status=venue_status,
        venue_time_in_force=venue_in_force,
        opened_ns=opened_ns,
        venue_ns=max([opened_ns or received_ns, *known_ns]),
        received_ns=received_ns,
    )


def fill(row: Raw, received_ns: int) -> Fill:
    """A trade of an order; raises RemoteProtocolError for another kind of row, as a reversal."""
    wire = decode(row, type=native.FillRow)
    if wire.trade_type != "FILL":
        raise RemoteProtocolError(f"a FILL was expected, was {wire.trade_type[:40]!r}")
    symbol, price, size = symbol_of(wire.product_id), positive(wire.price), positive(wire.size)
    if wire.size_in_quote:
        size = (size / price).quantize(_STEP, ROUND_HALF_EVEN)
    return Fill(
        venue=ADVANCED,
        symbol=symbol,
        side=words.SIDES.read(wire.side),
        price=price,
        quantity=size,
        fees=_fees(symbol, wire.commission),
        liquidity=words.LIQUIDITY.get(wire.liquidity_indicator),
        fill_id=wire.entry_id,
        order_id=wire.order_id,
        backfilled=True,
        venue_ns=require_instant(read_instant(wire.trade_time), wire.trade_time),
        received_ns=received_ns,
    )


def balance(row: Raw, received_ns: int) -> Balance:
    """What is held of an asset."""
    wire = decode(row, type=native.AccountRow)
    held = exact(wire.hold.value)
    return Balance(
        venue=ADVANCED,
        asset=Asset(wire.currency),
        total=exact(wire.available_balance.value) + held,
        held=held,
        received_ns=received_ns,
    )


def _fees(symbol: Symbol, commission: str) -> tuple[Fee, ...]:
    """The commission, which is below zero for a rebate."""
    amount = -exact(commission[1:]) if commission.startswith("-") else exact_or_none(commission)
    return (Fee(symbol.quote, amount),) if amount else ()
