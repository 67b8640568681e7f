"""Orders of the channel `user`, put together: each message says only what has changed.

https://docs.cdp.coinbase.com/exchange/websocket-feed/channels#full-channel. An order is `received`,
then rests (`open`), trades (`match`), changes, and is `done`; one with a trigger is first to be
`activate`d. What was open before the link is listed. The messages have no numbers of their own, so
that one could be lost: what is filled is published when the list of fills agrees, and the end of an
order when its trades do, or else as the venue lists it. A message about an order that is not known
raises RemoteProtocolError: then something was missed.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from decimal import Decimal, localcontext

from msgspec import Raw, Struct, structs

from fluxum.errors import RemoteProtocolError
from fluxum.ledger.arithmetic import EXACT
from fluxum.model.account import Fill, Liquidity
from fluxum.model.event import Event
from fluxum.model.numbers import product
from fluxum.model.order import OrderStatus, OrderUpdate
from fluxum.venues.coinbase.exchange.private import native, normalize, words
from fluxum.venues.coinbase.exchange.private.commands import name_of
from fluxum.venues.coinbase.symbols import EXCHANGE, symbol_of
from fluxum.venues.rows import exact, exact_or_none, positive, price_or_none

__all__ = ["StreamedOrders"]

_ZERO = Decimal(0)
_KEPT_MAX = 10_000
_SECOND_NS = 1_000_000_000


class _Live(Struct):
    """An order that has not ended, and its trades by their numbers: quantity and cost."""

    update: OrderUpdate
    trades: dict[str, tuple[Decimal, Decimal]] = {}
    is_begun: bool = True
    """Whether all its trades are known: it was received over this link, or they were listed."""

    @property
    def traded(self) -> tuple[Decimal, Decimal]:
        """The quantity and the cost of the trades."""
        with localcontext(EXACT):
            return (
                sum((quantity for quantity, _ in self.trades.values()), _ZERO),
                sum((cost for _, cost in self.trades.values()), _ZERO),
            )


class StreamedOrders:
    """The orders of one link; ten thousand are known, and as many that ended, by their ids."""

    def __init__(self) -> None:
        self._live: OrderedDict[str, _Live] = OrderedDict()
        self._ended: OrderedDict[str, None] = OrderedDict()

    def learn(self, orders: Iterable[OrderUpdate]) -> None:
        """Orders that a list has, which may be older than what is known."""
        for order in orders:
            if not order.status.is_final and order.order_id not in self._live:
                self._begin(_Live(order, is_begun=False))

    def traded(self, wire: native.UserFrame) -> list[str]:
        """The ids of the orders that a message says to have traded, as far as they are known."""
        if wire.type != "match":
            return []
        return [one for one in (wire.maker_order_id, wire.taker_order_id) if one in self._live]

    def is_doubtful(self, wire: native.UserFrame) -> bool:
        """Whether a message says that an order ended, and not all its trades are known."""
        live = self._live.get(wire.order_id)
        return wire.type == "done" and live is not None and _ending(wire, live) is None

    def read(self, wire: native.UserFrame, received_ns: int) -> Sequence[Event]:
        """The order as it is since a message, or the fills of a trade."""
        if wire.type == "match":
            return self._matched(wire, received_ns)
        if wire.order_id in self._ended:
            return ()
        live = self._live.get(wire.order_id)
        match wire.type:
            case "activate" | "received":
                if live is not None and live.update.status is not OrderStatus.PENDING:
                    return ()  # it came before
                order = _begun(wire, None if live is None else live.update, received_ns)
                self._begin(_Live(order))
                return (order,)
            case "open" | "change" | "done":
                if live is None:
                    raise RemoteProtocolError(f"order {wire.order_id!r} is not known")
                return self._changed(wire, live, received_ns)
            case _:
                raise RemoteProtocolError(f"a known message was expected, was {wire.type[:40]!r}")

    def listed(self, row: Raw, received_ns: int) -> Sequence[Event]:
        """A fill of the list of an order's, and the order as it is with it."""
        fill = normalize.fill(row, received_ns, backfilled=False)
        live = self._live.get(fill.order_id)
        if live is None:
            return (fill,)
        fill = structs.replace(fill, client_order_id=live.update.client_order_id)
        live.trades[fill.fill_id] = fill.quantity, product(fill.price, fill.quantity)
        return (fill,)

    def agreed(self, order_id: str, received_ns: int, *, are_all: bool) -> Sequence[Event]:
        """The order as it is with the fills that were listed, if these are more than before.

        `are_all` is whether the list had every fill of the order.
        """
        live = self._live.get(order_id)
        if live is None:
            return ()
        live.is_begun |= are_all
        if not live.is_begun:
            return ()
        filled, cost = live.traded
        if filled <= live.update.filled:
            return ()
        status = OrderStatus.PARTIALLY_FILLED
        live.update = _with(live.update, status, filled, cost, live.update.venue_ns, received_ns)
        return (live.update,)

    def looked_up(self, row: Raw, received_ns: int) -> Sequence[Event]:
        """An order as the venue lists it."""
        order = normalize.order(row, received_ns)
        if order.status.is_final:
            self._end(order.order_id)
        return (order,)

    def _matched(self, wire: native.UserFrame, received_ns: int) -> Sequence[Event]:
        ours = self.traded(wire)
        ids = wire.maker_order_id, wire.taker_order_id
        if not ours and not any(one in self._ended for one in ids):
            raise RemoteProtocolError(f"a trade of an order that is not known, was {ids}")
        fills: list[Event] = []
        for order_id in ours:
            live = self._live[order_id]
            is_maker = order_id == wire.maker_order_id
            fill = _fill(wire, live.update, received_ns, is_maker=is_maker)
            live.trades[fill.fill_id] = fill.quantity, product(fill.price, fill.quantity)
            fills.append(fill)
        return fills

    def _changed(
        self, wire: native.UserFrame, live: _Live, received_ns: int
    ) -> Sequence[OrderUpdate]:
        """An order that rests, was changed, or has ended."""
        order, venue_ns = live.update, normalize.instant(wire.time)
        if wire.type == "done":
            ending = _ending(wire, live)
            if ending is None:
                return ()
            self._end(order.order_id)
            status, filled, cost = ending
            ended = _with(order, status, filled, cost, venue_ns, received_ns)
            return (structs.replace(ended, reason=wire.cancel_reason),)
        if wire.type == "change":
            order = structs.replace(
                order,
                quantity=order.filled + exact(wire.new_size),
                limit_price=price_or_none(wire.new_price) or order.limit_price,
            )
        status = OrderStatus.PARTIALLY_FILLED if order.filled else OrderStatus.OPEN
        live.update = structs.replace(
            order, status=status, venue_ns=venue_ns, received_ns=received_ns
        )
        return (live.update,)

    def _begin(self, live: _Live) -> None:
        self._live[live.update.order_id] = live
        if len(self._live) > _KEPT_MAX:
            self._live.popitem(last=False)

    def _end(self, order_id: str) -> None:
        self._live.pop(order_id, None)
        self._ended[order_id] = None
        if len(self._ended) > _KEPT_MAX:
            self._ended.popitem(last=False)


def _ending(wire: native.UserFrame, live: _Live) -> tuple[OrderStatus, Decimal, Decimal] | None:
    """How an order ended, with what is filled and its cost; `None` if trades are not known."""
    quantity, left = live.update.quantity, exact_or_none(wire.remaining_size)
    is_filled = wire.reason == "filled"
    filled, cost = live.traded if live.is_begun else (live.update.filled, live.update.cost)
    if left is not None:
        wanted = quantity - left
    elif is_filled and quantity:
        wanted = quantity
    else:  # of an order at the market, and of an amount to spend
        return None
    if filled != wanted:
        return None
    return OrderStatus.FILLED if is_filled else OrderStatus.CANCELED, filled, cost


def _with(
    order: OrderUpdate,
    status: OrderStatus,
    filled: Decimal,
    cost: Decimal,
    venue_ns: int,
    received_ns: int,
) -> OrderUpdate:
    return structs.replace(
        order,
        status=status,
        quantity=max(order.quantity, filled),
        filled=filled,
        cost=cost,
        average_price=cost / filled if filled else None,
        venue_ns=venue_ns,
        received_ns=received_ns,
    )


def _begun(wire: native.UserFrame, known: OrderUpdate | None, received_ns: int) -> OrderUpdate:
    """An order that the venue received, or that waits for its trigger."""
    venue_ns = normalize.instant(wire.time) if wire.time else _seconds(wire.timestamp)
    if known is not None:  # its trigger was reached
        return structs.replace(
            known, status=OrderStatus.OPEN, venue_ns=venue_ns, received_ns=received_ns
        )
    side, waits = words.SIDES.read(wire.side), wire.type == "activate"
    kind, venue_type = words.TYPES.known(wire.order_type)
    if waits:
        kind = words.stop_type(side, wire.stop_type, has_limit=True)
    return OrderUpdate(
        venue=EXCHANGE,
        order_id=wire.order_id,
        client_order_id=name_of(wire.client_oid),
        symbol=symbol_of(wire.product_id),
        side=side,
        order_type=kind,
        status=OrderStatus.PENDING if waits else OrderStatus.OPEN,
        quantity=exact_or_none(wire.size) or _ZERO,
        limit_price=price_or_none(wire.limit_price or wire.price),
        trigger_price=price_or_none(wire.stop_price),
        venue_type=venue_type,
        opened_ns=venue_ns,
        venue_ns=venue_ns,
        received_ns=received_ns,
    )


def _seconds(text: str) -> int:
    """`1483736448.299000` in nanoseconds."""
    seconds, _, fraction = text.partition(".")
    if not (seconds + fraction).isdecimal() or len(seconds) > 12:
        raise RemoteProtocolError(f"seconds were expected, was {text[:40]!r}")
    return int(seconds) * _SECOND_NS + int(fraction[:9].ljust(9, "0"))


def _fill(wire: native.UserFrame, order: OrderUpdate, received_ns: int, *, is_maker: bool) -> Fill:
    """The fill of an order; its fee is in the list of fills alone."""
    if wire.trade_id is None:
        raise RemoteProtocolError("the number of a trade was expected, was none")
    return Fill(
        venue=EXCHANGE,
        symbol=order.symbol,
        side=order.side,
        price=positive(wire.price),
        quantity=positive(wire.size),
        fees=None,
        liquidity=Liquidity.MAKER if is_maker else Liquidity.TAKER,
        fill_id=str(wire.trade_id),
        order_id=order.order_id,
        client_order_id=order.client_order_id,
        venue_ns=normalize.instant(wire.time),
        received_ns=received_ns,
    )
