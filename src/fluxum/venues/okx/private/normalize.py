"""OKX's rows about an account as facts: one small function a row.

Contracts are counted in units of `market.size`; fees and balances below zero are as OKX signs them.
A row that makes no sense raises RemoteProtocolError, so that it is left out.
"""

from decimal import Decimal

from msgspec import Raw
from msgspec.json import decode

from fluxum.errors import RemoteProtocolError
from fluxum.model.account import Balance, EntryKind, Fee, Fill, LedgerEntry, Liquidity
from fluxum.model.instrument import Asset
from fluxum.model.market import Side
from fluxum.model.numbers import product
from fluxum.model.order import OrderType, OrderUpdate, TimeInForce
from fluxum.model.position import MarginMode, PositionSide, PositionUpdate
from fluxum.venues.okx.normalize import VENUE, instant
from fluxum.venues.okx.private import native, words
from fluxum.venues.okx.private.markets import Market
from fluxum.venues.queries import require_instant
from fluxum.venues.rows import exact, exact_or_none, positive, price_or_none, signed

__all__ = ["balance", "entry", "fill", "order", "position"]

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
        client_order_id=wire.clOrdId,
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
        client_order_id=wire.clOrdId,
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
