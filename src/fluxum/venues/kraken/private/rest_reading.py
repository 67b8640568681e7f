"""Rows of Kraken's REST lists about an account as facts: one method a kind of row.

A row is its id and its text; one that makes no sense raises, so that it is left out. Words the
venue has added since are kept as they are (https://docs.kraken.com/api/docs/rest-api/ followed by
`get-extended-balance`, `get-open-orders`, `get-closed-orders`, `get-trade-history`,
`get-ledgers`).
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation

from fluxum.errors import RemoteProtocolError
from fluxum.model.account import Balance, EntryKind, Fee, Fill, LedgerEntry, Liquidity, Wallet
from fluxum.model.instant import plausible_ns
from fluxum.model.instrument import Asset
from fluxum.model.order import OrderType, OrderUpdate
from fluxum.venues.kraken.normalize import VENUE
from fluxum.venues.kraken.private import native_rest as rest
from fluxum.venues.kraken.private.names import Names
from fluxum.venues.kraken.private.normalize import finite, number_or_none, positive
from fluxum.venues.kraken.private.words import (
    ENTRY_KINDS,
    order_type,
    rest_status,
    side,
    time_in_force,
)

__all__ = ["RowReader", "balances"]

Holding = tuple[Asset, Wallet, Decimal]
"""A wallet of an asset, and how much of it orders hold."""

_ZERO = Decimal(0)


class RowReader:
    """Reads rows whose assets and markets have the names that REST gives them."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def holding(self, row: rest.Row) -> Holding:
        """A wallet of an asset."""
        wire = rest.decode_holding(row.raw)
        asset, wallet = self._names.asset(row.name)
        kind, _, label = wallet.partition("/")
        return asset, Wallet(kind, label, finite(wire.balance)), finite(wire.hold_trade)

    def order(self, row: rest.Row, received_ns: int) -> OrderUpdate:
        """An order, open or ended."""
        wire = rest.decode_order(row.raw)
        kind, venue_type = order_type(wire.descr.ordertype)
        filled, quantity = finite(wire.vol_exec), finite(wire.vol)
        status, venue_status = rest_status(wire.status, is_filled=bool(filled))
        in_force, venue_in_force = time_in_force(wire.timeinforce)
        flags = wire.oflags.split(",")
        opened_ns = _instant(wire.opentm)
        closed_ns = None if wire.closetm is None else _instant(wire.closetm)
        return OrderUpdate(
            venue=VENUE,
            order_id=row.name,
            client_order_id=wire.cl_ord_id or "",
            user_reference=wire.userref or None,
            symbol=self._names.market(wire.descr.pair),
            side=side(wire.descr.type),
            order_type=kind,
            status=status,
            # An amount to spend is not a quantity: what it buys is known when it is bought.
            quantity=filled if "viqc" in flags else max(quantity, filled),
            filled=filled,
            cost=finite(wire.cost),
            average_price=finite(wire.price) if filled else None,
            limit_price=_limit_price(kind, wire),
            trigger_price=_trigger_price(kind, wire),
            time_in_force=in_force,
            post_only="post" in flags,
            reason=wire.reason or "",
            venue_type=venue_type,
            venue_status=venue_status,
            venue_time_in_force=venue_in_force,
            opened_ns=opened_ns,
            venue_ns=closed_ns or opened_ns or received_ns,
            received_ns=received_ns,
        )

    def fill(self, row: rest.Row, received_ns: int) -> Fill:
        """An execution.

        Its fee is known to be that number only if it is zero: the asset it was charged in is
        in the account's lines alone.
        """
        wire = rest.decode_trade(row.raw)
        market = self._names.market(wire.pair)
        venue_ns = _instant(wire.time)
        if venue_ns is None:
            raise RemoteProtocolError(f"a time in seconds was expected, was {wire.time}")
        liquidity = None
        if wire.maker is not None:
            liquidity = Liquidity.MAKER if wire.maker else Liquidity.TAKER
        return Fill(
            venue=VENUE,
            symbol=market,
            side=side(wire.type),
            price=positive(wire.price),
            quantity=positive(wire.vol),
            fees=None if finite(wire.fee) else (Fee(market.quote, wire.fee),),
            liquidity=liquidity,
            fill_id=row.name,
            order_id=wire.ordertxid,
            backfilled=True,
            venue_ns=venue_ns,
            received_ns=received_ns,
        )

    def entry(self, row: rest.Row, received_ns: int) -> LedgerEntry:
        """A line of the account."""
        wire = rest.decode_line(row.raw)
        asset, wallet = self._names.asset(wire.asset)
        venue_ns = _instant(wire.time)
        if venue_ns is None:
            raise RemoteProtocolError(f"a time in seconds was expected, was {wire.time}")
        return LedgerEntry(
            venue=VENUE,
            entry_id=row.name,
            reference_id=wire.refid,
            kind=ENTRY_KINDS.get(wire.type, EntryKind.OTHER),
            venue_kind=wire.type,
            asset=asset,
            amount=finite(wire.amount),
            fee=finite(wire.fee),
            balance=number_or_none(wire.balance),
            wallet=wallet,
            backfilled=True,
            venue_ns=venue_ns,
            received_ns=received_ns,
            raw=bytes(row.raw),
        )


def balances(holdings: Iterable[Holding], received_ns: int) -> Sequence[Balance]:
    """What is held of each asset: its wallets summed up, in the order they came."""
    by_asset: dict[Asset, dict[tuple[str, str], Decimal]] = {}
    held: dict[Asset, Decimal] = {}
    for asset, wallet, bound in holdings:
        wallets = by_asset.setdefault(asset, {})
        key = wallet.kind, wallet.name
        wallets[key] = wallets.get(key, _ZERO) + wallet.total
        held[asset] = held.get(asset, _ZERO) + bound
    return [
        Balance(
            venue=VENUE,
            asset=asset,
            total=sum(wallets.values(), _ZERO),
            held=held[asset],
            wallets=tuple(Wallet(kind, name, total) for (kind, name), total in wallets.items()),
            received_ns=received_ns,
        )
        for asset, wallets in by_asset.items()
    ]


def _instant(seconds: Decimal) -> int | None:
    """Nanoseconds since the epoch; zero, and what no exchange can mean, is none."""
    return plausible_ns(int(finite(seconds) * 1_000_000_000))


def _limit_price(kind: OrderType, row: rest.OrderRow) -> Decimal | None:
    """Of triggered orders `price` is the trigger and `price2` the limit."""
    if not kind.has_limit:
        return None
    text = row.descr.price2 if kind.is_triggered else row.descr.price
    return _static(text) or finite(row.limitprice) or None


def _trigger_price(kind: OrderType, row: rest.OrderRow) -> Decimal | None:
    """Of trailing orders the trigger moves, and is named beside the distance."""
    if not kind.is_triggered:
        return None
    return finite(row.stopprice) or _static(row.descr.price)


def _static(text: str) -> Decimal | None:
    """A price that is one; distances (`+50.0000%`, `#5`) are none."""
    if text[:1] in "+-#" or text.endswith("%"):
        return None
    try:
        price = Decimal(text)
    except InvalidOperation:
        raise RemoteProtocolError(f"a price was expected, was {text[:40]!r}") from None
    return finite(price) or None
