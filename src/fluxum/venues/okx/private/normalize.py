"""OKX's rows about an account as facts: one small function a row.

Contracts are counted in units of `market.size`; fees and balances below zero are as OKX signs them.
A row that makes no sense raises RemoteProtocolError, so that it is left out.
"""

from decimal import Decimal

from msgspec import Raw, structs
from msgspec.json import decode

from fluxum.errors import RemoteProtocolError
from fluxum.model.account import Balance, EntryKind, Fee, Fill, LedgerEntry, Liquidity
from fluxum.model.instrument import Asset
from fluxum.model.market import Side
from fluxum.model.numbers import product
from fluxum.model.order import OrderStatus, OrderType, OrderUpdate, TimeInForce
from fluxum.model.position import MarginMode, PositionSide, PositionUpdate
from fluxum.venues.okx.normalize import VENUE, instant
from fluxum.venues.okx.private import native, words
from fluxum.venues.okx.private.algos import algo_order_id
from fluxum.venues.okx.private.markets import Market
from fluxum.venues.queries import require_instant
from fluxum.venues.rows import exact, exact_or_none, positive, price_or_none, signed
from fluxum.venues.triggers import triggered_type

__all__ = ["balance", "entry", "fill", "order", "position", "stopped", "waiting"]

_ZERO = Decimal(0)
_ORDINARY = frozenset({"", "normal"})
_OTHER = (OrderType.OTHER, TimeInForce.OTHER, False)
_LIQUIDITY = {"M": Liquidity.MAKER, "T": Liquidity.TAKER}


def order(market: Market, wire: native.OrderRow, received_ns: int) -> OrderUpdate:
    """An order, open or ended; `reason` is why it was canceled, or by what it was made."""
    side = words.SIDES.read(wire.side)
    kind, in_force, post_only = words.KINDS.get(wire.ordType, _OTHER)
    status, venue_status = words.STATUSES.known(wire.state)
    filled = product(exact_or_none(wire.accFillSz) or _ZERO, market.size)
    average = price_or_none(wire.avgPx)
    is_known = kind is not OrderType.OTHER
    quantity = filled
    if not _spends(wire, side):
        quantity = max(product(exact(wire.sz), market.size), filled)
    opened_ns = instant(wire.cTime)
    return OrderUpdate(
        venue=VENUE,
        order_id=wire.ordId,
        client_order_id=_name(wire),
        symbol=market.symbol,
        side=side,
        order_type=kind,
        status=status,
        quantity=quantity,
        filled=filled,
        cost=_ZERO if average is None else product(average, filled),
        average_price=average,
        limit_price=price_or_none(wire.px) if kind.has_limit or not is_known else None,
        time_in_force=in_force,
        post_only=post_only,
        reduce_only=wire.reduceOnly == "true",
        forced=words.FORCED_ORDERS.get(wire.category),
        reason=_reason(wire),
        venue_type="" if is_known else wire.ordType,
        venue_status=venue_status,
        venue_time_in_force="" if is_known else wire.ordType,
        opened_ns=opened_ns,
        venue_ns=require_instant(instant(wire.uTime), wire.uTime),
        received_ns=received_ns,
    )


def waiting(market: Market, wire: native.WaitingRow, received_ns: int) -> OrderUpdate:
    """An order that waits for its price, or did; then `reason` is what goes on for it."""
    side = words.SIDES.read(wire.side)
    kind, trigger, limit = _waits_for(wire, side)
    status, venue_status = words.WAITING.known(wire.state)
    opened_ns, went_on_as = instant(wire.cTime), ", ".join(wire.went_on_as)
    is_amount = wire.tgtCcy == "quote_ccy" or not wire.sz
    failed = wire.failCode if wire.state.endswith("failed") else ""
    return OrderUpdate(
        venue=VENUE,
        order_id=algo_order_id(wire.algoId),
        client_order_id=wire.algoClOrdId,
        symbol=market.symbol,
        side=side,
        order_type=kind,
        status=status,
        quantity=_ZERO if is_amount else product(exact(wire.sz), market.size),
        limit_price=limit,
        trigger_price=trigger,
        reduce_only=wire.reduceOnly == "true",
        reason=failed or (_went_on(went_on_as) if went_on_as else ""),
        venue_type=wire.ordType if kind is OrderType.OTHER else "",
        venue_status=venue_status,
        opened_ns=opened_ns,
        venue_ns=require_instant(instant(wire.uTime or wire.pTime) or opened_ns, wire.cTime),
        received_ns=received_ns,
    )


def _waits_for(
    wire: native.WaitingRow, side: Side
) -> tuple[OrderType, Decimal | None, Decimal | None]:
    """The type of an algo order, its trigger and its limit; an order price of -1 is no limit.

    A stop counts where a `conditional` order names a take-profit as well. Whether a `trigger` order
    waits for a rising price follows from the last price when it was placed, if it is there.
    """
    match wire.ordType:
        case "move_order_stop":
            return OrderType.TRAILING_STOP, price_or_none(wire.moveTriggerPx), None
        case "conditional":
            is_stop = bool(exact_or_none(wire.slTriggerPx))
            price, then = (
                (wire.slTriggerPx, wire.slOrdPx) if is_stop else (wire.tpTriggerPx, wire.tpOrdPx)
            )
            is_rising = (side is Side.BUY) is is_stop
        case "trigger":
            price, then = wire.triggerPx, wire.ordPx
            if not wire.last:
                return OrderType.OTHER, price_or_none(price), None
            is_rising = positive(price) > positive(wire.last)
        case _:
            return OrderType.OTHER, None, None
    limit = None if then.startswith("-") else price_or_none(then)
    kind = triggered_type(side, is_rising=is_rising, has_limit=limit is not None)
    return kind, price_or_none(price), limit


def stopped(wire: native.OrderRow, order: OrderUpdate) -> OrderUpdate | None:
    """The end of the order that waited for a price, of one that goes on for it; else `None`.

    What it was is in its own updates; it ended an instant before the other one began.
    """
    if wire.source not in words.TRIGGERED or not wire.algoId:
        return None
    return structs.replace(
        order,
        order_id=algo_order_id(wire.algoId),
        order_type=OrderType.OTHER,
        status=OrderStatus.EXPIRED,
        filled=_ZERO,
        cost=_ZERO,
        average_price=None,
        limit_price=None,
        reason=_went_on(wire.ordId),
        venue_type="algo",
        venue_status="",
        opened_ns=None,
        venue_ns=(order.opened_ns or order.venue_ns) - 1,
    )


def _went_on(order_id: str) -> str:
    return f"it goes on as {order_id}"


def fill(
    market: Market,
    wire: native.OrderRow | native.FillRow,
    received_ns: int,
    *,
    backfilled: bool = False,
) -> Fill | None:
    """A fill of a list, or the one that an update of an order is about, None if it is about none.

    Its fees are not known where their asset is not named.
    """
    if not wire.tradeId or not exact_or_none(wire.fillSz):
        return None
    if isinstance(wire, native.OrderRow):
        paid, asset, time = wire.fillFee, wire.fillFeeCcy, wire.uTime
        forced = words.FORCED_ORDERS.get(wire.category)
    else:
        paid, asset, time = wire.fee, wire.feeCcy, wire.ts
        forced = words.FORCED_FILLS.get(wire.subType)
    charged = _ZERO - signed(paid or "0")
    return Fill(
        venue=VENUE,
        symbol=market.symbol,
        side=words.SIDES.read(wire.side),
        price=positive(wire.fillPx),
        quantity=product(positive(wire.fillSz), market.size),
        fees=((Fee(Asset(asset), charged),) if charged else ()) if asset else None,
        liquidity=_LIQUIDITY.get(wire.execType),
        fill_id=wire.tradeId,
        order_id=wire.ordId,
        client_order_id=_name(wire),
        forced=forced,
        backfilled=backfilled,
        venue_ns=require_instant(instant(wire.fillTime) or instant(time), time),
        received_ns=received_ns,
    )


def position(market: Market, wire: native.PositionRow, received_ns: int) -> PositionUpdate:
    """A position, in units of the base asset; a leg has no sign of its own."""
    if wire.posSide not in words.LEGS:
        raise RemoteProtocolError(f"net, long or short was expected, was {wire.posSide[:40]!r}")
    leg = words.LEGS[wire.posSide]
    held = _held(market, wire)
    side = leg or (PositionSide.SHORT if held < 0 else PositionSide.LONG)
    mode = words.MARGIN_MODES.get(wire.mgnMode, MarginMode.OTHER)
    return PositionUpdate(
        venue=VENUE,
        symbol=market.symbol,
        side=side if held else None,
        quantity=abs(held),
        leg=leg,
        position_id=wire.posId,
        entry_price=price_or_none(wire.avgPx),
        mark_price=price_or_none(wire.markPx),
        liquidation_price=price_or_none(wire.liqPx),
        margin_mode=mode,
        unrealised=signed(wire.upl) if wire.upl else None,
        venue_ns=instant(wire.uTime),
        received_ns=received_ns,
    )


def _held(market: Market, wire: native.PositionRow) -> Decimal:
    """How much of the base asset: on margin what is held of it, or what is owed of it."""
    if wire.instType != "MARGIN":
        return product(signed(wire.pos), market.size)
    if not exact_or_none(wire.pos) or wire.posCcy == market.symbol.base:
        return signed(wire.pos or "0")
    if wire.liabCcy == market.symbol.base:
        return signed(wire.liab)
    what = f"{wire.posCcy[:20]} and {wire.liabCcy[:20]}"
    raise RemoteProtocolError(f"{market.symbol.base} held or owed was expected, was {what}")


def balance(raw: Raw, received_ns: int) -> Balance:
    """What is held of an asset: profit that is not realized is no part of it."""
    wire = decode(raw, type=native.Detail)
    return Balance(
        venue=VENUE,
        asset=Asset(wire.ccy),
        total=signed(wire.cashBal),
        held=exact_or_none(wire.frozenBal),
        venue_ns=instant(wire.uTime),
        received_ns=received_ns,
    )


def entry(raw: Raw, received_ns: int) -> LedgerEntry:
    """A bill: `balChg` is after the fee, the amount of an entry before it."""
    wire = decode(raw, type=native.Bill)
    fee = _ZERO - signed(wire.fee or "0")
    return LedgerEntry(
        venue=VENUE,
        entry_id=wire.billId,
        reference_id=wire.tradeId or wire.billId,
        kind=words.ENTRY_KINDS.get(wire.type, EntryKind.OTHER),
        venue_kind=f"{wire.type}/{wire.subType}" if wire.subType else wire.type,
        asset=Asset(wire.ccy),
        amount=signed(wire.balChg) + fee,
        fee=fee,
        balance=signed(wire.bal) if wire.bal else None,
        backfilled=True,
        venue_ns=require_instant(instant(wire.ts), wire.ts),
        received_ns=received_ns,
        raw=bytes(raw),
    )


def _name(wire: native.OrderRow | native.FillRow) -> str:
    """Our name of an order: that of the algo order that it goes on for, if there is one."""
    named = wire.algoClOrdId if isinstance(wire, native.OrderRow) else ""
    return named or wire.clOrdId


def _reason(wire: native.OrderRow) -> str:
    if wire.category not in _ORDINARY:
        return wire.category  # such as a liquidation
    source = wire.cancelSource
    return wire.cancelSourceReason or words.CANCEL_SOURCES.get(source, source)


def _spends(wire: native.OrderRow, side: Side) -> bool:
    """Whether `sz` is an amount of the quote asset, as of spot market buys by default."""
    if wire.ordType != "market" or wire.instType not in {"SPOT", "MARGIN"}:
        return False
    return wire.tgtCcy == "quote_ccy" or (not wire.tgtCcy and side is Side.BUY)
