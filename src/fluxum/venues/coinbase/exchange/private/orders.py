"""Orders of the channel `user`, put together: each message says only what has changed.

https://docs.cdp.coinbase.com/exchange/websocket-feed/channels#full-channel. An order is `received`,
then rests (`open`), trades (`match`), changes, and is `done`; one with a trigger is first to be
`activate`d. What was open before the link is listed. A message about any other order, or one that
does not fit what is known, raises RemoteProtocolError: then something was missed.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import Raw, structs
from msgspec.json import decode

from fluxum.errors import RemoteProtocolError
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


class StreamedOrders:
    """The orders of one link; the last ten thousand that ended are remembered by their ids."""

    def __init__(self) -> None:
        self._orders: dict[str, OrderUpdate] = {}
        self._ended: OrderedDict[str, None] = OrderedDict()

    def learn(self, orders: Iterable[OrderUpdate]) -> None:
        """Orders that a list has, which may be older than what is known."""
        for order in orders:
            if not order.status.is_final and order.order_id not in self._ended:
                self._orders.setdefault(order.order_id, order)

    def traded(self, row: Raw) -> list[str]:
        """The ids of the orders that a message says to have traded, as far as they are known."""
        wire = decode(row, type=native.UserFrame)
        if wire.type != "match":
            return []
        return [one for one in (wire.maker_order_id, wire.taker_order_id) if one in self._orders]

    def read(self, row: Raw, received_ns: int) -> Sequence[Event]:
        """The order as it is since a message, and the fills of a trade."""
        wire = decode(row, type=native.UserFrame)
        match wire.type:
            case "activate":
                return [self._keep(_activated(wire, received_ns))]
            case "received":
                return [self._keep(self._received(wire, received_ns))]
            case "match":
                return self._matched(wire, received_ns)
            case _:
                return [self._changed(wire, received_ns)]

    def _received(self, wire: native.UserFrame, received_ns: int) -> OrderUpdate:
        venue_ns = normalize.instant(wire.time)
        known = self._orders.get(wire.order_id)
        if known is not None:  # its trigger was reached
            return structs.replace(
                known, status=OrderStatus.OPEN, venue_ns=venue_ns, received_ns=received_ns
            )
        kind, venue_type = words.TYPES.known(wire.order_type)
        return OrderUpdate(
            venue=EXCHANGE,
            order_id=wire.order_id,
            client_order_id=name_of(wire.client_oid),
            symbol=symbol_of(wire.product_id),
            side=words.SIDES.read(wire.side),
            order_type=kind,
            status=OrderStatus.OPEN,
            quantity=exact_or_none(wire.size) or _ZERO,
            limit_price=price_or_none(wire.price),
            venue_type=venue_type,
            opened_ns=venue_ns,
            venue_ns=venue_ns,
            received_ns=received_ns,
        )

    def _matched(self, wire: native.UserFrame, received_ns: int) -> Sequence[Event]:
        ids = [wire.maker_order_id, wire.taker_order_id]
        ours = [one for one in ids if one in self._orders]
        if not ours:
            raise RemoteProtocolError(f"a trade of an order that is not known, was {ids}")
        events: list[Event] = []
        for order_id in ours:
            order, size, price = self._orders[order_id], positive(wire.size), positive(wire.price)
            venue_ns = normalize.instant(wire.time)
            filled, cost = order.filled + size, order.cost + product(size, price)
            changed = structs.replace(
                order,
                status=OrderStatus.PARTIALLY_FILLED,
                quantity=max(order.quantity, filled),
                filled=filled,
                cost=cost,
                average_price=cost / filled,
                venue_ns=venue_ns,
                received_ns=received_ns,
            )
            is_maker = order_id == wire.maker_order_id
            events += [self._keep(changed), _fill(wire, order, received_ns, is_maker=is_maker)]
        return events

    def _changed(self, wire: native.UserFrame, received_ns: int) -> OrderUpdate:
        """An order that rests, was changed, or has ended."""
        order = self._orders.get(wire.order_id)
        if order is None:
            raise RemoteProtocolError(f"an order that is known was expected, was {wire.order_id!r}")
        venue_ns = normalize.instant(wire.time)
        order = structs.replace(order, venue_ns=venue_ns, received_ns=received_ns)
        if wire.type == "change":
            price = price_or_none(wire.new_price) or order.limit_price
            quantity = order.filled + exact(wire.new_size)
            return self._keep(structs.replace(order, quantity=quantity, limit_price=price))
        left = exact_or_none(wire.remaining_size)
        if left is not None and order.filled + left != order.quantity:
            raise RemoteProtocolError(
                f"order {order.order_id} has {left} left, and {order.filled} of {order.quantity} "
                f"are known to be filled"
            )
        if wire.type == "open":
            status = OrderStatus.PARTIALLY_FILLED if order.filled else OrderStatus.OPEN
            return self._keep(structs.replace(order, status=status))
        if wire.type != "done":
            raise RemoteProtocolError(f"a known kind of message was expected, was {wire.type!r}")
        is_filled = wire.reason == "filled"
        status = OrderStatus.FILLED if is_filled else OrderStatus.CANCELED
        self._forget(order.order_id)
        return structs.replace(order, status=status, reason="" if is_filled else wire.cancel_reason)

    def _keep(self, order: OrderUpdate) -> OrderUpdate:
        self._orders[order.order_id] = order
        return order

    def _forget(self, order_id: str) -> None:
        del self._orders[order_id]
        self._ended[order_id] = None
        if len(self._ended) > _KEPT_MAX:
            self._ended.popitem(last=False)


def _activated(wire: native.UserFrame, received_ns: int) -> OrderUpdate:
    """An order that waits for its trigger."""
    side, limit = words.SIDES.read(wire.side), price_or_none(wire.limit_price)
    seconds, _, fraction = wire.timestamp.partition(".")
    if not (seconds + fraction).isdecimal():
        raise RemoteProtocolError(f"seconds were expected, was {wire.timestamp[:40]!r}")
    venue_ns = int(seconds) * _SECOND_NS + int(fraction[:9].ljust(9, "0"))
    return OrderUpdate(
        venue=EXCHANGE,
        order_id=wire.order_id,
        client_order_id=name_of(wire.client_oid),
        symbol=symbol_of(wire.product_id),
        side=side,
        order_type=words.stop_type(side, wire.stop_type, has_limit=True),
        status=OrderStatus.PENDING,
        quantity=exact_or_none(wire.size) or _ZERO,
        limit_price=limit,
        trigger_price=positive(wire.stop_price),
        opened_ns=venue_ns,
        venue_ns=venue_ns,
        received_ns=received_ns,
    )


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
