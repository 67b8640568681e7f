"""Rows about an account on USD-M futures as facts: one small function a row.

A row that makes no sense raises RemoteProtocolError, so that it is left out.
"""

from decimal import Decimal

from msgspec import Raw
from msgspec.json import decode

from fluxum.errors import RemoteProtocolError
from fluxum.model.account import Balance, EntryKind, Fill, LedgerEntry, Liquidity
from fluxum.model.instrument import Asset
from fluxum.model.order import OrderStatus, OrderUpdate
from fluxum.model.position import Forced, MarginMode, PositionSide, PositionUpdate
from fluxum.venues.binance.normalize import nanos, signed
from fluxum.venues.binance.private.futures import native, words
from fluxum.venues.binance.private.names import Names, conditional_id, order_id
from fluxum.venues.binance.private.normalize import fees
from fluxum.venues.binance.private.words import SIDES, STATUSES
from fluxum.venues.queries import require_instant
from fluxum.venues.rows import exact, exact_or_none, positive, price_or_none

__all__ = ["balance", "conditional", "entry", "fill", "holding", "order", "position", "trade"]

_ZERO = Decimal(0)
_CALCULATED = "CALCULATED"  # an execution of a liquidation


def order(venue: str, names: Names, wire: native.OrderReport, received_ns: int) -> OrderUpdate:
    """An order, open or ended."""
    kind, venue_type = words.TYPES.known(wire.o)
    status, venue_status = STATUSES.known(wire.X)
    in_force, venue_in_force = words.TIMES_IN_FORCE.known(wire.f)
    filled, average = exact_or_none(wire.z) or _ZERO, price_or_none(wire.ap)
    cost = exact(wire.cost) if wire.cost else (average or _ZERO) * filled
    if status is OrderStatus.OPEN and filled:
        status = OrderStatus.PARTIALLY_FILLED
    opened_ns, forced = nanos(wire.O), words.forced(wire.c)
    return OrderUpdate(
        venue=venue,
        order_id=order_id(wire.s, wire.i),
        client_order_id="" if forced else wire.c,  # which several of them share
        symbol=names.symbol(wire.s),
        side=SIDES.read(wire.S),
        order_type=kind,
        status=status,
        quantity=max(exact(wire.q), filled),
        filled=filled,
        cost=cost,
        average_price=average,
        limit_price=price_or_none(wire.p) if kind.has_limit else None,
        time_in_force=in_force,
        post_only=wire.f == words.POST_ONLY,
        reduce_only=wire.R,
        forced=forced,
        reason="" if wire.er == "0" else words.EXPIRIES.get(wire.er, wire.er),
        venue_type=venue_type,
        venue_status=venue_status,
        venue_time_in_force=venue_in_force,
        opened_ns=opened_ns,
        venue_ns=nanos(wire.T) or opened_ns or received_ns,
        received_ns=received_ns,
    )


def conditional(
    venue: str, names: Names, wire: native.ConditionalOrder, received_ns: int
) -> OrderUpdate:
    """An order that waits for a price; once that is reached, another order goes on for it."""
    kind, venue_type = words.TYPES.known(wire.o)
    status, venue_status = words.WAITING.known(wire.X)
    in_force, venue_in_force = words.TIMES_IN_FORCE.known(wire.f)
    opened_ns, is_gone_on = nanos(wire.O), wire.ai not in {"", "0"}
    return OrderUpdate(
        venue=venue,
        order_id=conditional_id(wire.s, wire.aid),
        client_order_id=wire.caid,
        symbol=names.symbol(wire.s),
        side=SIDES.read(wire.S),
        order_type=kind,
        status=status,
        quantity=exact(wire.q),
        limit_price=price_or_none(wire.p) if kind.has_limit else None,
        trigger_price=price_or_none(wire.tp),
        time_in_force=in_force,
        post_only=wire.f == words.POST_ONLY,
        reduce_only=wire.R,
        reason=wire.rm or (f"it goes on as {wire.s}:{wire.ai}" if is_gone_on else ""),
        venue_type=venue_type,
        venue_status=venue_status,
        venue_time_in_force=venue_in_force,
        opened_ns=opened_ns,
        venue_ns=nanos(wire.T) or opened_ns or received_ns,
        received_ns=received_ns,
    )


def fill(venue: str, names: Names, wire: native.OrderReport, received_ns: int) -> Fill | None:
    """The execution of a report; `None` for a report of another kind."""
    is_execution = wire.x == "TRADE" or (wire.x == _CALCULATED and exact_or_none(wire.l))
    if not is_execution:
        return None
    forced = words.forced(wire.c) or (Forced.LIQUIDATION if wire.x == _CALCULATED else None)
    return Fill(
        venue=venue,
        symbol=names.symbol(wire.s),
        side=SIDES.read(wire.S),
        price=positive(wire.L),
        quantity=positive(wire.l),
        fees=fees(wire.n, wire.N),
        liquidity=Liquidity.MAKER if wire.m else Liquidity.TAKER,
        fill_id=_trade_id(wire.t),
        order_id=order_id(wire.s, wire.i),
        client_order_id="" if forced else wire.c,
        forced=forced,
        venue_ns=require_instant(nanos(wire.T), wire.T),
        received_ns=received_ns,
    )


def trade(
    venue: str, names: Names, wire: native.UserTrade, received_ns: int, closed: Forced | None
) -> Fill:
    """An execution of a list, which does not say that it was `closed` by the exchange."""
    return Fill(
        venue=venue,
        symbol=names.symbol(wire.symbol),
        side=SIDES.read(wire.side),
        price=positive(wire.price),
        quantity=positive(wire.qty),
        fees=fees(wire.commission, wire.commissionAsset),
        liquidity=Liquidity.MAKER if wire.maker else Liquidity.TAKER,
        fill_id=_trade_id(wire.id),
        order_id=order_id(wire.symbol, wire.orderId),
        forced=closed,
        backfilled=True,
        venue_ns=require_instant(nanos(wire.time), wire.time),
        received_ns=received_ns,
    )


def balance(venue: str, wire: native.BalanceRow, venue_ms: int, received_ns: int) -> Balance:
    """What is held of an asset; the stream does not say how much orders hold of it."""
    return Balance(
        venue=venue,
        asset=Asset(wire.a),
        total=_amount(wire.wb),
        venue_ns=nanos(venue_ms),
        received_ns=received_ns,
    )


def holding(venue: str, wire: native.AssetRow, received_ns: int) -> Balance:
    """The same of a list, and what the margin of open orders holds of it."""
    return Balance(
        venue=venue,
        asset=Asset(wire.asset),
        total=_amount(wire.walletBalance),
        held=exact_or_none(wire.openOrderInitialMargin),
        venue_ns=nanos(wire.updateTime) if wire.updateTime else None,
        received_ns=received_ns,
    )


def position(
    venue: str, names: Names, wire: native.PositionRow, venue_ms: int | None, received_ns: int
) -> PositionUpdate:
    """A position. A list does not name its margin mode: an isolated one has a wallet."""
    if wire.ps not in words.LEGS:
        raise RemoteProtocolError(f"a position of BOTH sides or one, was of {wire.ps[:40]!r}")
    amount, mode = _amount(wire.pa), wire.mt
    if not mode:
        mode = "isolated" if signed(wire.iw) else "cross"
    side = PositionSide.LONG if amount > 0 else PositionSide.SHORT
    return PositionUpdate(
        venue=venue,
        symbol=names.symbol(wire.s),
        side=side if amount else None,
        quantity=abs(amount),
        leg=words.LEGS[wire.ps],
        entry_price=price_or_none(wire.ep),
        mark_price=price_or_none(wire.mp),
        liquidation_price=price_or_none(wire.lp),
        margin_mode=words.MARGIN_MODES.get(mode, MarginMode.OTHER),
        unrealised=signed(wire.up),
        venue_ns=nanos(venue_ms),
        received_ns=received_ns,
    )


def entry(venue: str, raw: Raw, received_ns: int) -> LedgerEntry:
    """A line of the account. A commission is a fee: below zero in the list where it was paid."""
    wire = decode(raw, type=native.Income)
    change, is_fee = _amount(wire.income), wire.incomeType == "COMMISSION"
    return LedgerEntry(
        venue=venue,
        entry_id=f"{wire.tranId}/{wire.incomeType}/{wire.asset}",
        reference_id=f"{wire.symbol}:{wire.tradeId}" if wire.tradeId else str(wire.tranId),
        kind=words.ENTRY_KINDS.get(wire.incomeType, EntryKind.OTHER),
        venue_kind=wire.incomeType,
        asset=Asset(wire.asset),
        amount=_ZERO if is_fee else change,
        fee=_ZERO - change if is_fee else _ZERO,
        balance=None,
        backfilled=True,
        venue_ns=require_instant(nanos(wire.time), wire.time),
        received_ns=received_ns,
        raw=bytes(raw),
    )


def _amount(text: str) -> Decimal:
    amount = signed(text)
    if amount is None:
        raise RemoteProtocolError("an amount was expected, was empty")
    return amount


def _trade_id(number: int) -> str:
    if number <= 0:
        raise RemoteProtocolError(f"the number of a trade was expected, was {number}")
    return str(number)
