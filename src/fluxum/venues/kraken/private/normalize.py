"""Kraken's account messages as facts: one small function a message."""

from decimal import Decimal

from fluxum.errors import RemoteProtocolError
from fluxum.model.account import Balance, EntryKind, Fee, Fill, LedgerEntry, Liquidity, Wallet
from fluxum.model.instrument import Asset
from fluxum.model.market import Side
from fluxum.model.order import OrderFragment, OrderUpdate
from fluxum.venues.kraken.normalize import VENUE, instant, parse_instant, symbol
from fluxum.venues.kraken.private import native
from fluxum.venues.kraken.private.words import ENTRY_KINDS, order_type, status, time_in_force

__all__ = ["balance", "entry", "fill", "fragment", "order"]

_ZERO = Decimal(0)
_LIQUIDITY = {"t": Liquidity.TAKER, "m": Liquidity.MAKER}


def balance(wire: native.BalanceRow, received_ns: int) -> Balance:
    """One holding; the channel tells totals only, not what orders hold."""
    wallets = tuple(Wallet(one.type, one.id, _finite(one.balance)) for one in wire.wallets)
    return Balance(
        venue=VENUE,
        asset=Asset(wire.asset),
        total=_finite(wire.balance),
        wallets=wallets,
        received_ns=received_ns,
    )


def entry(wire: native.EntryRow, raw: bytes, received_ns: int) -> LedgerEntry:
    """One line of the account, with the row it was made from."""
    return LedgerEntry(
        venue=VENUE,
        entry_id=wire.ledger_id,
        reference_id=wire.ref_id,
        kind=ENTRY_KINDS.get(wire.type, EntryKind.OTHER),
        venue_kind=wire.type,
        asset=Asset(wire.asset),
        amount=_finite(wire.amount),
        fee=_finite(wire.fee),
        balance=_finite(wire.balance),
        wallet="/".join(filter(None, (wire.wallet_type, wire.wallet_id))),
        venue_ns=parse_instant(wire.timestamp),
        received_ns=received_ns,
        raw=raw,
    )


def fill(
    wire: native.Report, known: OrderUpdate | None, received_ns: int, *, backfilled: bool
) -> Fill:
    """The execution in a report of type `trade`; what it leaves out is that of the known order."""
    market = wire.symbol if wire.symbol is not None or known is None else str(known.symbol)
    side = wire.side if wire.side is not None or known is None else known.side.value
    if market is None or side is None or wire.exec_id is None:
        raise RemoteProtocolError(f"a fill of {wire.order_id!r} names no market, side or id")
    if wire.last_qty is None or wire.last_price is None or wire.timestamp is None:
        raise RemoteProtocolError(f"fill {wire.exec_id!r} lacks quantity, price or time")
    name = wire.cl_ord_id or (known.client_order_id if known is not None else "")
    return Fill(
        venue=VENUE,
        symbol=symbol(market),
        side=_side(side),
        price=_positive(wire.last_price),
        quantity=_positive(wire.last_qty),
        fees=tuple(Fee(Asset(one.asset), _finite(one.qty)) for one in wire.fees),
        liquidity=_LIQUIDITY.get(wire.liquidity_ind or ""),
        fill_id=wire.exec_id,
        order_id=wire.order_id,
        client_order_id=name,
        backfilled=backfilled,
        venue_ns=parse_instant(wire.timestamp),
        received_ns=received_ns,
    )


def order(wire: native.Report, known: OrderUpdate | None, received_ns: int) -> OrderUpdate:
    """The whole order after a report: what the report leaves out stays as it was known.

    Raises RemoteProtocolError for a part of an order that nothing is known of.
    """
    if known is None:
        known = _first(wire, received_ns)
    trigger = _trigger(wire)
    filled = known.filled if wire.cum_qty is None else _finite(wire.cum_qty)
    quantity = known.quantity if wire.order_qty is None else _finite(wire.order_qty)
    average = known.average_price if wire.avg_price is None else _finite(wire.avg_price)
    return OrderUpdate(
        venue=VENUE,
        order_id=wire.order_id,
        client_order_id=wire.cl_ord_id or known.client_order_id,
        user_reference=wire.order_userref or known.user_reference,
        symbol=known.symbol,
        side=known.side,
        order_type=known.order_type,
        status=known.status if wire.order_status is None else status(wire.order_status),
        quantity=max(quantity, filled),  # of an order in the quote asset there is none at first
        filled=filled,
        cost=known.cost if wire.cum_cost is None else _finite(wire.cum_cost),
        average_price=average if filled else None,
        limit_price=known.limit_price if wire.limit_price is None else _finite(wire.limit_price),
        trigger_price=known.trigger_price if not trigger else _finite(trigger),
        display_quantity=known.display_quantity if wire.display_qty is None else wire.display_qty,
        time_in_force=known.time_in_force
        if wire.time_in_force is None
        else time_in_force(wire.time_in_force),
        post_only=known.post_only if wire.post_only is None else wire.post_only,
        reduce_only=known.reduce_only if wire.reduce_only is None else wire.reduce_only,
        reason=wire.reason or "",
        opened_ns=known.opened_ns,
        venue_ns=known.venue_ns if wire.timestamp is None else parse_instant(wire.timestamp),
        received_ns=received_ns,
    )


def _trigger(wire: native.Report) -> Decimal | None:
    """The price a trigger waits for, which need not be how it was asked for."""
    triggers = wire.triggers
    if triggers is None:
        return wire.stop_price
    if triggers.actual_price is not None:
        return triggers.actual_price
    return triggers.price if triggers.price_type in {None, "static"} else None


def fragment(wire: native.Report, received_ns: int) -> OrderFragment:
    """What a part of an order says, alone."""
    return OrderFragment(
        venue=VENUE,
        order_id=wire.order_id,
        client_order_id=wire.cl_ord_id or "",
        status=None if wire.order_status is None else status(wire.order_status),
        quantity=wire.order_qty,
        filled=wire.cum_qty,
        cost=wire.cum_cost,
        limit_price=wire.limit_price,
        reason=wire.reason or "",
        venue_ns=instant(wire.timestamp),
        received_ns=received_ns,
    )


def _first(wire: native.Report, received_ns: int) -> OrderUpdate:
    """What a whole report says of an order that was not known."""
    if wire.symbol is None or wire.side is None or wire.order_type is None:
        raise RemoteProtocolError(
            f"a report of the unknown order {wire.order_id!r} names no market, side or type"
        )
    opened_ns = instant(wire.timestamp)
    return OrderUpdate(
        venue=VENUE,
        order_id=wire.order_id,
        symbol=symbol(wire.symbol),
        side=_side(wire.side),
        order_type=order_type(wire.order_type),
        status=status(wire.order_status or wire.exec_type),
        quantity=_ZERO,
        opened_ns=opened_ns,
        venue_ns=opened_ns or received_ns,
        received_ns=received_ns,
    )


def _side(word: str) -> Side:
    try:
        return Side(word)
    except ValueError:
        raise RemoteProtocolError(f"a side was expected, was {word!r}") from None


def _finite(value: Decimal) -> Decimal:
    if not value.is_finite() or not -40 < value.adjusted() < 40:
        raise RemoteProtocolError(f"a number was expected, was {value}")
    return value


def _positive(value: Decimal) -> Decimal:
    if _finite(value) <= 0:
        raise RemoteProtocolError(f"a number above zero was expected, was {value}")
    return value
