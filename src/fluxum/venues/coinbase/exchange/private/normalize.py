"""The Exchange's rows about an account as facts: one small function a row.

A row that makes no sense raises RemoteProtocolError, so that it is left out.
"""

from decimal import Decimal

from msgspec import Raw
from msgspec.json import decode

from fluxum.model.account import Balance, EntryKind, Fee, Fill, LedgerEntry
from fluxum.model.instrument import Asset
from fluxum.model.order import OrderStatus, OrderUpdate
from fluxum.venues.coinbase.exchange.private import native, words
from fluxum.venues.coinbase.exchange.private.commands import name_of
from fluxum.venues.coinbase.instants import read_instant
from fluxum.venues.coinbase.symbols import EXCHANGE, symbol_of
from fluxum.venues.queries import require_instant
from fluxum.venues.rows import exact, exact_or_none, positive, price_or_none, signed

__all__ = ["account", "balance", "entry", "fill", "instant", "order"]

_ZERO = Decimal(0)
_TRANSFERS = {"deposit": EntryKind.DEPOSIT, "withdraw": EntryKind.WITHDRAWAL}


def instant(text: str) -> int:
    """Nanoseconds since the epoch; raises RemoteProtocolError for no time."""
    return require_instant(read_instant(text), text)


def order(row: Raw, received_ns: int) -> OrderUpdate:
    """An order of a list. Of one by an amount to spend the quantity is what is filled."""
    wire = decode(row, type=native.OrderRow)
    side, kind = words.SIDES.read(wire.side), words.TYPES.known(wire.type)[0]
    if wire.stop:
        kind = words.stop_type(side, wire.stop, has_limit=kind.has_limit)
    status, venue_status = words.STATUSES.known(wire.status)
    filled, quantity = exact(wire.filled_size), exact_or_none(wire.size)
    if wire.status == "done" and wire.done_reason == "canceled":
        status = OrderStatus.CANCELED
    elif status is OrderStatus.OPEN and filled:
        status = OrderStatus.PARTIALLY_FILLED
    cost, opened_ns = exact(wire.executed_value), instant(wire.created_at)
    return OrderUpdate(
        venue=EXCHANGE,
        order_id=wire.id,
        client_order_id=name_of(wire.client_oid),
        symbol=symbol_of(wire.product_id),
        side=side,
        order_type=kind,
        status=status,
        quantity=filled if quantity is None else max(quantity, filled),
        filled=filled,
        cost=cost,
        average_price=cost / filled if cost and filled else None,
        limit_price=price_or_none(wire.price) if kind.has_limit else None,
        trigger_price=price_or_none(wire.stop_price),
        display_quantity=price_or_none(wire.max_floor),
        time_in_force=words.TIMES_IN_FORCE.known(wire.time_in_force)[0],
        post_only=wire.post_only,
        reason=wire.cancel_reason or wire.reject_reason,
        venue_status=venue_status,
        opened_ns=opened_ns,
        venue_ns=instant(wire.done_at) if wire.done_at else opened_ns,
        received_ns=received_ns,
    )


def fill(row: Raw, received_ns: int, *, backfilled: bool) -> Fill:
    """An execution of a list; the fee is in the quote asset."""
    wire = decode(row, type=native.FillRow)
    symbol, fee = symbol_of(wire.product_id), signed(wire.fee)
    return Fill(
        venue=EXCHANGE,
        symbol=symbol,
        side=words.SIDES.read(wire.side),
        price=positive(wire.price),
        quantity=positive(wire.size),
        fees=(Fee(Asset(symbol.quote), fee),) if fee else (),
        liquidity=words.LIQUIDITY.read(wire.liquidity),
        fill_id=str(wire.trade_id),
        order_id=wire.order_id,
        backfilled=backfilled,
        venue_ns=instant(wire.created_at),
        received_ns=received_ns,
    )


def account(row: Raw, received_ns: int) -> Balance:
    """What is held of an asset, of the list of accounts."""
    wire = decode(row, type=native.AccountRow)
    return Balance(
        venue=EXCHANGE,
        asset=Asset(wire.currency),
        total=signed(wire.balance),
        held=exact(wire.hold),
        received_ns=received_ns,
    )


def balance(wire: native.BalanceFrame, received_ns: int) -> Balance:
    """What is held of an asset that has changed."""
    held = exact(wire.holds)
    return Balance(
        venue=EXCHANGE,
        asset=Asset(wire.currency),
        total=signed(wire.available) + held,
        held=held,
        venue_ns=read_instant(wire.updated),
        received_ns=received_ns,
    )


def entry(asset: Asset, row: Raw, received_ns: int) -> LedgerEntry:
    """An entry of an asset's account, or the entries of a trade and of its fee, as one."""
    text = bytes(row).lstrip()
    wires = (
        decode(text, type=list[native.LedgerRow])
        if text.startswith(b"[")
        else [decode(text, type=native.LedgerRow)]
    )
    wire, last = wires[0], wires[-1]
    kind, details = words.ENTRIES.known(wire.type)[0], wire.details
    return LedgerEntry(
        venue=EXCHANGE,
        entry_id=wire.id,
        reference_id=str(details.trade_id) or details.order_id or wire.id,
        kind=_TRANSFERS.get(details.transfer_type, kind),
        venue_kind=wire.type,
        asset=asset,
        amount=signed(wire.amount),
        fee=_ZERO if last is wire else -signed(last.amount),
        balance=signed(last.balance),
        backfilled=True,
        venue_ns=instant(wire.created_at),
        received_ns=received_ns,
        raw=bytes(row),
    )
