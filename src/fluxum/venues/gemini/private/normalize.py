"""Gemini's rows about an account as facts: one small function a row.

A row that makes no sense raises RemoteProtocolError, so that it is left out.
"""

from decimal import Decimal

from fluxum.model.account import (
    Balance,
    EntryKind,
    EntrySource,
    Fee,
    Fill,
    LedgerEntry,
    Liquidity,
)
from fluxum.model.instant import plausible_ns
from fluxum.model.instrument import Asset
from fluxum.model.numbers import product
from fluxum.model.order import OrderStatus, OrderType, OrderUpdate
from fluxum.venues.gemini.normalize import VENUE
from fluxum.venues.gemini.private import native, words
from fluxum.venues.gemini.symbols import guess
from fluxum.venues.queries import require_instant
from fluxum.venues.rows import exact, exact_or_none, positive, price_or_none, signed

__all__ = ["balance", "event_fill", "fill", "instant", "order", "transfer"]

_ZERO = Decimal(0)
_MILLISECOND = 1_000_000
_DONE = frozenset({"Advanced", "Complete"})
_KINDS = {
    "Deposit": EntryKind.DEPOSIT,
    "Withdrawal": EntryKind.WITHDRAWAL,
    "Reward": EntryKind.REWARD,
    "AdminCredit": EntryKind.ADJUSTMENT,
    "AdminDebit": EntryKind.ADJUSTMENT,
}
_TAKEN = frozenset({"Withdrawal", "AdminDebit"})
_LIQUIDITIES = {"maker": Liquidity.MAKER, "taker": Liquidity.TAKER}


def order(wire: native.Order, received_ns: int, opened_ns: int | None = None) -> OrderUpdate:
    """An order of an event or of a list, open or ended; a list has the time it was placed.

    A market buy of an amount to spend has no quantity but what is filled.
    """
    word = wire.order_type or wire.type
    kind, venue_type = words.ORDER_TYPES.known(word)
    option = wire.behavior or next(iter(wire.options), "")
    in_force, venue_in_force = words.OPTIONS.known(option)
    filled = exact(wire.executed_amount or wire.total_executed_amount or "0")
    average = price_or_none(wire.avg_execution_price)
    quantity = exact_or_none(wire.original_amount)
    status, venue_status = _status(wire, filled, kind)
    venue_ns = instant(wire)
    return OrderUpdate(
        venue=VENUE,
        order_id=str(wire.order_id),
        client_order_id=wire.client_order_id,
        symbol=guess(wire.symbol),
        side=words.SIDES.read(wire.side),
        order_type=kind,
        status=status,
        quantity=filled if quantity is None else max(quantity, filled),
        filled=filled,
        cost=_ZERO if average is None else product(average, filled),
        average_price=average,
        limit_price=price_or_none(wire.price or wire.original_price) if kind.has_limit else None,
        trigger_price=price_or_none(wire.stop_price),
        time_in_force=in_force,
        post_only=option == words.MAKER,
        reason=wire.reason,
        venue_type=venue_type,
        venue_status=venue_status,
        venue_time_in_force=venue_in_force,
        opened_ns=opened_ns if wire.order_type else venue_ns,
        venue_ns=venue_ns,
        received_ns=received_ns,
    )


def transfer(wire: native.Transfer, raw: bytes, received_ns: int) -> LedgerEntry | None:
    """What came in or went out; `None` for what is not in the balance yet.

    https://docs.gemini.com/rest/fund-management#list-past-transfers
    """
    if wire.status not in _DONE:
        return None
    amount = exact(wire.amount)
    name = f"transfer/{wire.eid}"
    is_charged = wire.feeCurrency in {"", wire.currency}
    return LedgerEntry(
        venue=VENUE,
        entry_id=name,
        reference_id=name,
        kind=_KINDS.get(wire.type, EntryKind.OTHER),
        venue_kind=wire.type,
        asset=Asset(wire.currency),
        amount=-amount if wire.type in _TAKEN else amount,
        fee=exact(wire.feeAmount or "0") if is_charged else _ZERO,
        balance=None,
        backfilled=True,
        venue_ns=require_instant(plausible_ns(wire.timestampms * _MILLISECOND), wire.timestampms),
        received_ns=received_ns,
        raw=raw,
        source=EntrySource.TRANSFER,
    )


def instant(wire: native.Order) -> int:
    """The time of an event, or when an order of a list was placed."""
    given = wire.timestampms if wire.timestampMs is None else wire.timestampMs
    return _instant(given)


def event_fill(wire: native.Order, received_ns: int) -> Fill | None:
    """The fill of an event, None for an event of another kind."""
    one = wire.fill
    if one is None:
        return None
    return Fill(
        venue=VENUE,
        symbol=guess(wire.symbol),
        side=words.SIDES.read(wire.side),
        price=positive(one.price),
        quantity=positive(one.amount),
        fees=_fees(one.fee, one.fee_currency),
        liquidity=_LIQUIDITIES.get(one.liquidity.lower()),
        fill_id=str(one.trade_id),
        order_id=str(wire.order_id),
        client_order_id=wire.client_order_id,
        venue_ns=instant(wire),
        received_ns=received_ns,
    )


def fill(wire: native.Trade, received_ns: int) -> Fill | None:
    """A fill of the list, None for one that counts no more."""
    if wire.broken == "full":
        return None
    liquidity = None
    if wire.aggressor is not None:
        liquidity = Liquidity.TAKER if wire.aggressor else Liquidity.MAKER
    return Fill(
        venue=VENUE,
        symbol=guess(wire.symbol),
        side=words.SIDES.read(wire.type.lower()),
        price=positive(wire.price),
        quantity=positive(wire.amount),
        fees=_fees(wire.fee_amount, wire.fee_currency),
        liquidity=liquidity,
        fill_id=str(wire.tid),
        order_id=str(wire.order_id),
        client_order_id=wire.client_order_id,
        backfilled=True,
        venue_ns=_instant(wire.timestampms),
        received_ns=received_ns,
    )


def balance(wire: native.Funds, received_ns: int) -> Balance:
    """What is held of an asset; what cannot be traded now is held by orders, or on its way out."""
    total = exact(wire.amount)
    return Balance(
        venue=VENUE,
        asset=Asset(wire.currency),
        total=total,
        held=max(total - exact(wire.available), _ZERO) if wire.available else None,
        received_ns=received_ns,
    )


def _status(wire: native.Order, filled: Decimal, kind: OrderType) -> tuple[OrderStatus, str]:
    """The status by flags, and by the kind of event: a fill may be the last and not the end.

    Of a stop-limit order that was accepted, but not booked, the price has not come.
    """
    is_event = bool(wire.order_type)
    is_whole = exact(wire.remaining_amount) == 0 if wire.remaining_amount else bool(filled)
    if wire.is_cancelled:
        return OrderStatus.CANCELED, ""
    if is_event and wire.type == "rejected":
        return OrderStatus.REFUSED, ""
    if is_event and wire.type == "accepted" and kind.is_triggered:
        return OrderStatus.PENDING, ""
    if wire.is_live or (is_event and wire.type in {"accepted", "fill"} and not is_whole):
        return (OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.OPEN), ""
    if is_whole:
        return OrderStatus.FILLED, ""
    return OrderStatus.OTHER, "not live"


def _instant(given_ms: int | None) -> int:
    found = None if given_ms is None else plausible_ns(given_ms * _MILLISECOND)
    return require_instant(found, given_ms)


def _fees(amount: str, asset: str) -> tuple[Fee, ...] | None:
    """The fee, which is below zero for a rebate; None where its asset is not named."""
    fee = signed(amount or "0")
    if not fee:
        return ()
    return (Fee(Asset(asset), fee),) if asset else None
