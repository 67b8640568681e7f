"""Bybit's rows about an account as facts: one small function a row.

A row that makes no sense raises RemoteProtocolError, so that it is left out.
"""

from decimal import Decimal

from msgspec import Raw, structs
from msgspec.json import decode

from fluxum.errors import RemoteProtocolError
from fluxum.model.account import Balance, EntryKind, Fee, Fill, LedgerEntry, Liquidity
from fluxum.model.instrument import Asset
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus, OrderUpdate
from fluxum.model.position import MarginMode, PositionUpdate
from fluxum.venues.bybit import normalize
from fluxum.venues.bybit.category import SPOT, Category
from fluxum.venues.bybit.private import native, words
from fluxum.venues.queries import require_instant
from fluxum.venues.rows import digits, exact, exact_or_none, positive, price_or_none, signed

__all__ = ["balance", "entry", "fill", "is_of", "order", "position"]

_ZERO = Decimal(0)
_NO_REASON = frozenset({"", "EC_NoError"})


def is_of(category: Category, row: native.OrderRow | native.Execution | native.PositionRow) -> bool:
    """Whether a row is about a market of a category; lists do not repeat the category."""
    return row.category in {"", category.name}


def order(category: Category, wire: native.OrderRow, received_ns: int) -> OrderUpdate:
    """An order, open or ended.

    A market buy by value ends as PartiallyFilledCanceled: what is left is dust of the amount, so
    that it is filled (https://github.com/ccxt/ccxt/issues/18685).
    """
    side = normalize.side(wire.side)
    kind, venue_type = words.order_type(
        wire.orderType, wire.stopOrderType, side, wire.triggerDirection
    )
    status, venue_status = words.STATUSES.known(wire.orderStatus)
    in_force, venue_in_force = words.TIMES_IN_FORCE.known(wire.timeInForce)
    filled = exact_or_none(wire.cumExecQty) or _ZERO
    spends = _spends(category, wire, side)
    if spends and filled and wire.orderStatus == "PartiallyFilledCanceled":
        status = OrderStatus.FILLED
    opened_ns = normalize.instant(digits(wire.createdTime))
    return OrderUpdate(
        venue=category.venue,
        order_id=wire.orderId,
        client_order_id=wire.orderLinkId,
        symbol=category.parse_symbol(wire.symbol),
        side=side,
        order_type=kind,
        status=status,
        quantity=filled if spends else max(exact(wire.qty), filled),
        filled=filled,
        cost=exact_or_none(wire.cumExecValue) or _ZERO,
        average_price=price_or_none(wire.avgPrice),
        limit_price=price_or_none(wire.price) if kind.has_limit else None,
        trigger_price=price_or_none(wire.triggerPrice),
        time_in_force=in_force,
        post_only=wire.timeInForce == "PostOnly",
        reduce_only=wire.reduceOnly,
        forced=words.FORCED_ORDERS.get(wire.createType),
        reason="" if wire.rejectReason in _NO_REASON else wire.rejectReason,
        venue_type=venue_type,
        venue_status=venue_status,
        venue_time_in_force=venue_in_force,
        opened_ns=opened_ns,
        venue_ns=normalize.instant(digits(wire.updatedTime)) or opened_ns or received_ns,
        received_ns=received_ns,
    )


def fill(
    category: Category, wire: native.Execution, received_ns: int, *, backfilled: bool = False
) -> Fill | None:
    """An execution; None for one that moves money alone, such as funding."""
    if wire.execType in words.NO_FILLS:
        return None
    if wire.execType not in words.FILLS:
        raise RemoteProtocolError(f"a kind of execution was expected, was {wire.execType[:40]!r}")
    liquidity = None
    if wire.isMaker is not None:
        liquidity = Liquidity.MAKER if wire.isMaker else Liquidity.TAKER
    one = Fill(
        venue=category.venue,
        symbol=category.parse_symbol(wire.symbol),
        side=normalize.side(wire.side),
        price=positive(wire.execPrice),
        quantity=positive(wire.execQty),
        liquidity=liquidity,
        fill_id=wire.execId,
        order_id=wire.orderId,
        client_order_id=wire.orderLinkId,
        forced=words.FORCED_FILLS.get(wire.execType),
        backfilled=backfilled,
        venue_ns=_instant(wire.execTime),
        received_ns=received_ns,
    )
    return structs.replace(one, fees=_fees(one, wire))


def position(
    category: Category, wire: native.PositionRow, received_ns: int, mode: MarginMode | None = None
) -> PositionUpdate:
    """A position; `mode` is the account's margin mode, if it is known.

    `tradeMode` is always 0 in a unified account, so that only 1, isolated margin, counts.
    """
    if wire.side not in words.POSITION_SIDES or wire.positionIdx not in words.LEGS:
        what = f"{wire.side!r} and {wire.positionIdx}"[:60]
        raise RemoteProtocolError(f"a side and an index of a position were expected, was {what}")
    quantity = exact(wire.size)
    return PositionUpdate(
        venue=category.venue,
        symbol=category.parse_symbol(wire.symbol),
        side=words.POSITION_SIDES[wire.side] if quantity else None,
        quantity=quantity,
        leg=words.LEGS[wire.positionIdx],
        entry_price=price_or_none(wire.entryPrice or wire.avgPrice),
        mark_price=price_or_none(wire.markPrice),
        liquidation_price=price_or_none(wire.liqPrice),
        margin_mode=MarginMode.ISOLATED if wire.tradeMode == 1 else mode,
        unrealised=signed(wire.unrealisedPnl) if wire.unrealisedPnl else None,
        forced=words.FORCED_POSITIONS.get(wire.positionStatus),
        venue_ns=normalize.instant(digits(wire.updatedTime)),
        received_ns=received_ns,
    )


def balance(category: Category, wire: native.Coin, venue_ns: int | None, now_ns: int) -> Balance:
    """What is held of an asset: `locked` is bound by spot orders, `totalOrderIM` by others."""
    held = (exact_or_none(wire.locked) or _ZERO) + (exact_or_none(wire.totalOrderIM) or _ZERO)
    return Balance(
        venue=category.venue,
        asset=Asset(wire.coin),
        total=signed(wire.walletBalance),
        held=held,
        venue_ns=venue_ns,
        received_ns=now_ns,
    )


def entry(category: Category, raw: Raw, received_ns: int) -> LedgerEntry:
    """A row of the transaction log; `change` is after the fee, the amount of an entry before it."""
    wire = decode(raw, type=native.Entry)
    fee = signed(wire.fee or "0")
    return LedgerEntry(
        venue=category.venue,
        entry_id="/".join(filter(None, (wire.id, wire.tradeId, wire.type, wire.currency))),
        reference_id=wire.tradeId or wire.id,
        kind=words.ENTRY_KINDS.get(wire.type, EntryKind.OTHER),
        venue_kind=wire.type,
        asset=Asset(wire.currency),
        amount=signed(wire.change) + fee,
        fee=fee,
        balance=signed(wire.cashBalance) if wire.cashBalance else None,
        backfilled=True,
        venue_ns=_instant(wire.transactionTime),
        received_ns=received_ns,
        raw=bytes(raw),
    )


def _spends(category: Category, wire: native.OrderRow, side: Side) -> bool:
    """Whether `qty` is an amount of the quote asset, as of spot market buys by default."""
    is_buy = wire.orderType == "Market" and side is Side.BUY
    return category is SPOT and is_buy and wire.marketUnit != "baseCoin"


def _fees(one: Fill, wire: native.Execution) -> tuple[Fee, ...]:
    """Fees in their assets.

    Where the asset is not named, a spot buy pays in the base asset and a sale in the quote asset,
    and the other way round for a maker's rebate; contracts pay in the quote asset
    (https://bybit-exchange.github.io/docs/v5/enum#spot-fee-currency-instruction).
    """
    amount = signed(wire.execFee or "0")
    is_rebate = amount < 0 and one.liquidity is Liquidity.MAKER
    pays_base = not one.symbol.contract and (one.side is Side.BUY) is not is_rebate
    asset = wire.feeCurrency or (one.symbol.base if pays_base else one.symbol.quote)
    fees = [Fee(Asset(asset), amount)] if amount else []
    if not bytes(wire.extraFees).startswith(b'"'):
        extra = decode(wire.extraFees, type=tuple[native.ExtraFee, ...])
        fees += [Fee(Asset(each.feeCoin), signed(each.fee)) for each in extra]
    return tuple(fees)


def _instant(text: str) -> int:
    return require_instant(normalize.instant(digits(text)), text)
