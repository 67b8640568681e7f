"""Binance's rows about an account as facts: one small function a row.

A row that makes no sense raises RemoteProtocolError, so that it is left out.
"""

from decimal import Decimal

from fluxum.errors import RemoteProtocolError
from fluxum.model.account import Balance, EntryKind, EntrySource, Fee, Fill, LedgerEntry, Liquidity
from fluxum.model.instrument import Asset
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus, OrderUpdate
from fluxum.venues.binance.normalize import nanos, signed
from fluxum.venues.binance.private import native, words
from fluxum.venues.binance.private.names import Names, order_id
from fluxum.venues.queries import require_instant
from fluxum.venues.rows import exact, exact_or_none, positive, price_or_none

__all__ = ["balance", "entry", "fees", "fill", "order", "trade"]

_ZERO = Decimal(0)


def order(venue: str, names: Names, wire: native.OrderReport, received_ns: int) -> OrderUpdate:
    """An order, open or ended. Of one by an amount to spend the quantity is what is filled."""
    shown, trigger = price_or_none(wire.F), price_or_none(wire.P)
    kind, venue_type = words.order_type(
        wire.o, is_iceberg=shown is not None, is_trailing=bool(wire.d and wire.d > 0)
    )
    status, venue_status = words.status(wire.X, is_working=wire.w)
    in_force, venue_in_force = words.TIMES_IN_FORCE.known(wire.f)
    filled, cost = exact_or_none(wire.z) or _ZERO, _cost(wire)
    if status is OrderStatus.OPEN and filled:
        status = OrderStatus.PARTIALLY_FILLED
    is_canceled = wire.x == "CANCELED"
    opened_ns = nanos(wire.O)
    return OrderUpdate(
        venue=venue,
        order_id=order_id(wire.s, wire.i),
        client_order_id=(is_canceled and wire.C) or wire.c,
        symbol=names.symbol(wire.s),
        side=words.SIDES.read(wire.S),
        order_type=kind,
        status=status,
        quantity=filled if price_or_none(wire.Q) else max(exact(wire.q), filled),
        filled=filled,
        cost=cost,
        average_price=cost / filled if cost and filled else None,
        limit_price=price_or_none(wire.p) if kind.has_limit else None,
        trigger_price=trigger if kind.is_triggered else None,
        display_quantity=shown,
        time_in_force=in_force,
        post_only=wire.o == words.POST_ONLY,
        reason=wire.eR or ("" if wire.r == "NONE" else wire.r),
        venue_type=venue_type,
        venue_status=venue_status,
        venue_time_in_force=venue_in_force,
        opened_ns=opened_ns,
        venue_ns=nanos(wire.T) or opened_ns or received_ns,
        received_ns=received_ns,
    )


def fill(venue: str, names: Names, wire: native.OrderReport, received_ns: int) -> Fill | None:
    """The execution of a report; None for a report of another kind."""
    if wire.x != "TRADE":
        return None
    return Fill(
        venue=venue,
        symbol=names.symbol(wire.s),
        side=words.SIDES.read(wire.S),
        price=positive(wire.L),
        quantity=positive(wire.l),
        fees=fees(wire.n, wire.N),
        liquidity=Liquidity.MAKER if wire.m else Liquidity.TAKER,
        fill_id=_trade_id(wire.t) if wire.a is None else f"allocation {wire.a}",
        order_id=order_id(wire.s, wire.i),
        client_order_id=wire.c,
        venue_ns=require_instant(nanos(wire.T), wire.T),
        received_ns=received_ns,
    )


def trade(venue: str, names: Names, wire: native.MyTrade, received_ns: int) -> Fill:
    """An execution of a list."""
    return Fill(
        venue=venue,
        symbol=names.symbol(wire.symbol),
        side=Side.BUY if wire.isBuyer else Side.SELL,
        price=positive(wire.price),
        quantity=positive(wire.qty),
        fees=fees(wire.commission, wire.commissionAsset),
        liquidity=Liquidity.MAKER if wire.isMaker else Liquidity.TAKER,
        fill_id=_trade_id(wire.id),
        order_id=order_id(wire.symbol, wire.orderId),
        backfilled=True,
        venue_ns=require_instant(nanos(wire.time), wire.time),
        received_ns=received_ns,
    )


def balance(venue: str, wire: native.BalanceRow, venue_ms: int, received_ns: int) -> Balance:
    """What is held of an asset; `l` is locked, by orders or otherwise."""
    held = exact(wire.l)
    return Balance(
        venue=venue,
        asset=Asset(wire.a),
        total=exact(wire.f) + held,
        held=held,
        venue_ns=nanos(venue_ms),
        received_ns=received_ns,
    )


def entry(venue: str, wire: native.BalanceUpdate, raw: bytes, received_ns: int) -> LedgerEntry:
    """A deposit, a withdrawal or a transfer: the venue does not send which, and gives no id."""
    amount = signed(wire.d)
    if amount is None:
        raise RemoteProtocolError("an amount was expected, was empty")
    name = f"{wire.a}/{wire.T}/{wire.d}"
    return LedgerEntry(
        venue=venue,
        entry_id=name,
        reference_id=name,
        kind=EntryKind.TRANSFER,
        venue_kind="balanceUpdate",
        asset=Asset(wire.a),
        amount=amount,
        fee=_ZERO,
        balance=None,
        venue_ns=require_instant(nanos(wire.T), wire.T),
        received_ns=received_ns,
        raw=raw,
        source=EntrySource.TRANSFER,
    )


def _cost(wire: native.OrderReport) -> Decimal:
    """What was traded in the quote asset; it is negative for old orders of which it is not known.

    https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md#all-orders-user_data
    """
    cost = signed(wire.Z) or _ZERO
    return max(cost, _ZERO)


def _trade_id(number: int) -> str:
    if number < 0:
        raise RemoteProtocolError(f"the number of a trade was expected, was {number}")
    return str(number)


def fees(amount: str | None, asset: str | None) -> tuple[Fee, ...]:
    """The fee in its asset, which may be another one than those of the market."""
    fee = signed(amount)
    if not fee:
        return ()
    if not asset:
        raise RemoteProtocolError(f"the asset of a fee was expected, which is {fee}")
    return (Fee(Asset(asset), fee),)
