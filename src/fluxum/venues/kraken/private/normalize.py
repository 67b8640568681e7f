"""Kraken's account messages as facts: one small function a row.

Each raises for a row that makes no sense, so that it is left out.
"""

from decimal import Decimal

from msgspec import MsgspecError, Raw, json, structs

from fluxum.errors import RemoteProtocolError
from fluxum.model.account import Balance, EntryKind, Fee, Fill, LedgerEntry, Liquidity, Wallet
from fluxum.model.instrument import Asset
from fluxum.model.order import OrderFragment, OrderUpdate
from fluxum.venues.kraken.normalize import VENUE, instant
from fluxum.venues.kraken.private import native, words
from fluxum.venues.kraken.private.names import wallet_name
from fluxum.venues.rows import symbol_of

__all__ = [
    "balance",
    "entry",
    "fill",
    "finite",
    "fragment",
    "number_or_none",
    "order",
    "positive",
]

_ZERO = Decimal(0)
_decode_number = json.Decoder(Decimal).decode
_LIQUIDITY = {"t": Liquidity.TAKER, "m": Liquidity.MAKER}


def balance(wire: native.BalanceRow, received_ns: int) -> Balance:
    """One holding; the channel has totals only, not what orders hold."""
    return Balance(
        venue=VENUE,
        asset=Asset(wire.asset),
        total=finite(wire.balance),
        wallets=tuple(map(_wallet, wire.wallets)),
        received_ns=received_ns,
    )


def entry(wire: native.EntryRow, raw: bytes, received_ns: int) -> LedgerEntry:
    """One line of the account, with the row it was made from."""
    return LedgerEntry(
        venue=VENUE,
        entry_id=wire.ledger_id,
        reference_id=wire.ref_id,
        kind=words.ENTRY_KINDS.get(wire.type, EntryKind.OTHER),
        venue_kind=wire.type,
        asset=Asset(wire.asset),
        amount=finite(wire.amount),
        fee=finite(wire.fee),
        balance=number_or_none(wire.balance),
        wallet=wallet_name(wire.wallet_type, wire.wallet_id),
        venue_ns=_needed_instant(wire.timestamp),
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
        symbol=symbol_of(market),
        side=words.side(side),
        price=positive(wire.last_price),
        quantity=positive(wire.last_qty),
        fees=None if wire.fees is None else tuple(map(_fee, wire.fees)),
        liquidity=_LIQUIDITY.get(wire.liquidity_ind or ""),
        fill_id=wire.exec_id,
        order_id=wire.order_id,
        client_order_id=name,
        backfilled=backfilled,
        venue_ns=_needed_instant(wire.timestamp),
        received_ns=received_ns,
    )


def order(wire: native.Report, known: OrderUpdate | None, received_ns: int) -> OrderUpdate:
    """The whole order after a report: what the report leaves out stays as it was known.

    Raises RemoteProtocolError for a part of an order that nothing is known of.
    """
    if known is None:
        known = _first(wire, received_ns)
    trigger = _trigger(wire)
    filled = _or_known(wire.cum_qty, known.filled)
    quantity = _or_known(wire.order_qty, known.quantity)
    if not wire.order_qty:  # of an order in the quote asset there is none but what is filled
        quantity = max(quantity, filled)
    average = known.average_price if wire.avg_price is None else finite(wire.avg_price)
    status, venue_status = known.status, known.venue_status
    if wire.order_status is not None:
        status, venue_status = words.status(wire.order_status)
    in_force, venue_in_force = known.time_in_force, known.venue_time_in_force
    if wire.time_in_force is not None:
        in_force, venue_in_force = words.time_in_force(wire.time_in_force)
    return structs.replace(
        known,
        client_order_id=wire.cl_ord_id or known.client_order_id,
        user_reference=wire.order_userref or known.user_reference,
        status=status,
        quantity=quantity,
        filled=filled,
        cost=_or_known(wire.cum_cost, known.cost),
        average_price=average if filled else None,
        limit_price=known.limit_price if wire.limit_price is None else finite(wire.limit_price),
        trigger_price=known.trigger_price if not trigger else finite(trigger),
        display_quantity=known.display_quantity
        if wire.display_qty is None
        else finite(wire.display_qty),
        time_in_force=in_force,
        post_only=known.post_only if wire.post_only is None else wire.post_only,
        reduce_only=known.reduce_only if wire.reduce_only is None else wire.reduce_only,
        reason=wire.reason or "",
        venue_status=venue_status,
        venue_time_in_force=venue_in_force,
        venue_ns=instant(wire.timestamp) or known.venue_ns,
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
    """A part of an order, by itself."""
    status, venue_status = None, ""
    if wire.order_status is not None:
        status, venue_status = words.status(wire.order_status)
    return OrderFragment(
        venue=VENUE,
        order_id=wire.order_id,
        client_order_id=wire.cl_ord_id or "",
        status=status,
        venue_status=venue_status,
        quantity=_finite_or_none(wire.order_qty),
        filled=_finite_or_none(wire.cum_qty),
        cost=_finite_or_none(wire.cum_cost),
        limit_price=_finite_or_none(wire.limit_price),
        reason=wire.reason or "",
        venue_ns=instant(wire.timestamp),
        received_ns=received_ns,
    )


def _first(wire: native.Report, received_ns: int) -> OrderUpdate:
    """The order of a whole report, if it was not known."""
    if wire.symbol is None or wire.side is None or wire.order_type is None:
        raise RemoteProtocolError(
            f"a report of the unknown order {wire.order_id!r} names no market, side or type"
        )
    opened_ns = instant(wire.timestamp)
    kind, venue_type = words.order_type(wire.order_type)
    status, venue_status = words.status(wire.order_status or wire.exec_type)
    return OrderUpdate(
        venue=VENUE,
        order_id=wire.order_id,
        symbol=symbol_of(wire.symbol),
        side=words.side(wire.side),
        order_type=kind,
        status=status,
        quantity=_ZERO,
        venue_type=venue_type,
        venue_status=venue_status,
        opened_ns=opened_ns,
        venue_ns=opened_ns or received_ns,
        received_ns=received_ns,
    )


def finite(value: Decimal) -> Decimal:
    """The number; raises RemoteProtocolError for none and for one that no account can hold."""
    if not value.is_finite() or not -40 < value.adjusted() < 40:
        raise RemoteProtocolError(f"a number was expected, was {str(value)[:40]}")
    return value


def number_or_none(raw: Raw) -> Decimal | None:
    """A number that a row can do without, as `"balance":""` of old lines."""
    try:
        return finite(_decode_number(raw))
    except (MsgspecError, RemoteProtocolError):
        return None


def positive(value: Decimal) -> Decimal:
    """The number above zero; raises RemoteProtocolError."""
    if finite(value) <= 0:
        raise RemoteProtocolError(f"a number above zero was expected, was {value}")
    return value


def _or_known(value: Decimal | None, known: Decimal) -> Decimal:
    return known if value is None else finite(value)


def _finite_or_none(value: Decimal | None) -> Decimal | None:
    return None if value is None else finite(value)


def _wallet(wire: native.WalletRow) -> Wallet:
    kind, _, name = wallet_name(wire.type, wire.id).partition("/")
    return Wallet(kind, name, finite(wire.balance))


def _fee(wire: native.FeeRow) -> Fee:
    return Fee(Asset(wire.asset), finite(wire.qty))


def _needed_instant(text: str) -> int:
    instant_ns = instant(text)
    if instant_ns is None:
        raise RemoteProtocolError(f"an instant was expected, was {text!r}")
    return instant_ns
