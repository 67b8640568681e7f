"""OKX's rows about an account as facts: one small function a row.

Contracts are counted in units of `market.size`; fees and balances below zero are as OKX signs them.
A row that makes no sense raises RemoteProtocolError, so that it is left out.
"""

from decimal import Decimal

from msgspec import Raw

from fluxum.errors import RemoteProtocolError
from fluxum.model.account import Balance, EntryKind, Fee, Fill, LedgerEntry, Liquidity
from fluxum.model.instrument import Asset
from fluxum.model.market import Side
from fluxum.model.numbers import product
from fluxum.model.order import OrderStatus, OrderType, OrderUpdate, TimeInForce
from fluxum.venues.okx.normalize import VENUE, instant
from fluxum.venues.okx.private import native, words
from fluxum.venues.okx.private.markets import Market
from fluxum.venues.queries import require_instant
from fluxum.venues.rows import exact, exact_or_none, positive, price_or_none

__all__ = ["balance", "entry", "fill", "last_fill", "order"]

_ZERO = Decimal(0)
_ORDINARY = frozenset({"", "normal"})
_OTHER = (OrderType.OTHER, TimeInForce.OTHER, False)
_SIDES = {word: side for side, word in words.SIDES.items()}
_LIQUIDITY = {"M": Liquidity.MAKER, "T": Liquidity.TAKER}


def order(market: Market, wire: native.OrderRow, received_ns: int) -> OrderUpdate:
    """An order, open or ended; `reason` is why it was canceled, or by what it was made."""
    side = _side(wire.side)
    kind, in_force, post_only = words.KINDS.get(wire.ordType, _OTHER)
    status = words.STATUSES.get(wire.state, OrderStatus.OTHER)
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
        reason=_reason(wire),
        venue_type="" if is_known else wire.ordType,
        venue_status="" if wire.state in words.STATUSES else wire.state,
        venue_time_in_force="" if is_known else wire.ordType,
        opened_ns=opened_ns,
        venue_ns=require_instant(instant(wire.uTime), wire.uTime),
        received_ns=received_ns,
    )


def last_fill(market: Market, wire: native.OrderRow, received_ns: int) -> Fill | None:
    """The fill that an update of an order is about, if it is about one."""
    if not wire.tradeId or not exact_or_none(wire.fillSz):
        return None
    row = native.FillRow(
        instType=wire.instType,
        instId=wire.instId,
        ordId=wire.ordId,
        side=wire.side,
        fillPx=wire.fillPx,
        fillSz=wire.fillSz,
        tradeId=wire.tradeId,
        billId="",
        ts=wire.uTime,
        fillTime=wire.fillTime,
        fee=wire.fillFee,
        feeCcy=wire.fillFeeCcy,
        clOrdId=wire.clOrdId,
        execType=wire.execType,
    )
    return fill(market, row, received_ns)


def fill(
    market: Market, wire: native.FillRow, received_ns: int, *, backfilled: bool = False
) -> Fill:
    """A fill; its fees are not known where their asset is not named."""
    fees = None
    if wire.feeCcy:
        charged = _ZERO - _signed(wire.fee or "0")
        fees = (Fee(Asset(wire.feeCcy), charged),) if charged else ()
    return Fill(
        venue=VENUE,
        symbol=market.symbol,
        side=_side(wire.side),
        price=positive(wire.fillPx),
        quantity=product(positive(wire.fillSz), market.size),
        fees=fees,
        liquidity=_LIQUIDITY.get(wire.execType),
        fill_id=wire.tradeId,
        order_id=wire.ordId,
        client_order_id=wire.clOrdId,
        backfilled=backfilled,
        venue_ns=require_instant(instant(wire.fillTime) or instant(wire.ts), wire.ts),
        received_ns=received_ns,
    )


def balance(raw: Raw, received_ns: int) -> Balance:
    """What is held of an asset: profit that is not realized is no part of it."""
    wire = native.decode_detail(raw)
    return Balance(
        venue=VENUE,
        asset=Asset(wire.ccy),
        total=_signed(wire.cashBal),
        held=exact_or_none(wire.frozenBal),
        venue_ns=instant(wire.uTime),
        received_ns=received_ns,
    )


def entry(raw: Raw, received_ns: int) -> LedgerEntry:
    """A bill: `balChg` is after the fee, the amount of an entry before it."""
    wire = native.decode_bill(raw)
    fee = _ZERO - _signed(wire.fee or "0")
    return LedgerEntry(
        venue=VENUE,
        entry_id=wire.billId,
        reference_id=wire.tradeId or wire.billId,
        kind=words.ENTRY_KINDS.get(wire.type, EntryKind.OTHER),
        venue_kind=f"{wire.type}/{wire.subType}" if wire.subType else wire.type,
        asset=Asset(wire.ccy),
        amount=_signed(wire.balChg) + fee,
        fee=fee,
        balance=_signed(wire.bal) if wire.bal else None,
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


def _side(word: str) -> Side:
    side = _SIDES.get(word)
    if side is None:
        raise RemoteProtocolError(f"buy or sell was expected, was {word[:40]!r}")
    return side


def _signed(text: str) -> Decimal:
    """A number that may be below zero, such as a fee or a debt."""
    if text.startswith("-"):
        return _ZERO - exact(text[1:])
    return exact(text)
