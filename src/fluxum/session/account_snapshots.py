"""Snapshots of account channels that the venue begins without one.

The session requests open orders and balances when the venue acknowledges such a channel. Updates
may arrive before the answer, and the answer may be older than they are. Of each order, each asset
and each position, the newer one counts. Open positions are always requested, where the venue lists
them.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

from fluxum.errors import FluxumError, RateLimited, VenueRefused
from fluxum.flow.background import Background
from fluxum.model.account import Balance, Balances
from fluxum.model.event import Channel, Event, Refused, Subscription, VenueNotice
from fluxum.model.instrument import Asset
from fluxum.model.order import OpenOrders, OrderUpdate
from fluxum.model.position import OpenPositions, PositionKey, PositionUpdate
from fluxum.session.account_context import AccountContext

__all__ = ["AccountSnapshots"]

_log = logging.getLogger(__name__)
_Make = Callable[[], Awaitable[Event]]


class AccountSnapshots:
    """Requests the snapshots of account channels; the venue itself sends those in `native`.

    If the row of an order that was open may be among those that could not be read, the order stays
    open. The session takes a snapshot as if the stream had begun with it.
    """

    def __init__(self, context: AccountContext, native: frozenset[Channel]) -> None:
        self._venue = context.venue
        self._native = native
        self._history = context.history
        self._state = context.state
        self._clock = context.clock
        self._backoff = context.backoff
        self._session = context.session
        self._has_positions = context.queries.positions is not None
        self._tasks: dict[type[Event], asyncio.Task[None]] = {}
        self._orders: dict[str, OrderUpdate] = {}  # that arrived since a snapshot was requested
        self._balances: dict[Asset, Balance] = {}
        self._positions: dict[PositionKey, PositionUpdate] = {}
        self._arrived: dict[type[Event], MutableMapping[Any, Any]] = {
            OpenOrders: self._orders,
            Balances: self._balances,
            OpenPositions: self._positions,
        }

    def are_requested(self, channel: Channel) -> bool:
        """Whether the session requests the snapshot of a channel."""
        return channel not in self._native

    def request(self, channel: Channel, work: Background) -> None:
        """Request the snapshots of a channel again, those that the venue does not send itself."""
        for kind, make in self._made_for(channel):
            self.cancel(kind)
            name = f"{self._venue} {kind.__name__} snapshot"
            self._tasks[kind] = work.start(self._repeat(channel, kind, make), name=name)

    def cancel(self, kind: type[Event]) -> None:
        """Drop the request of a kind of snapshot, which is here, or whose link is gone."""
        task = self._tasks.pop(kind, None)
        if task is not None:
            task.cancel()
        self._arrived[kind].clear()

    def note(self, event: OrderUpdate | Balance | PositionUpdate) -> None:
        """Keep what arrives while a snapshot is requested."""
        match event:
            case OrderUpdate() if OpenOrders in self._tasks:
                self._orders[event.order_id] = event
            case Balance() if Balances in self._tasks:
                self._balances[event.asset] = event
            case PositionUpdate() if OpenPositions in self._tasks:
                self._positions[event.key] = event
            case _:
                pass

    def _made_for(self, channel: Channel) -> Iterator[tuple[type[Event], _Make]]:
        if channel is Channel.EXECUTION and self.are_requested(channel):
            yield OpenOrders, self._open_orders
        if channel is Channel.BALANCE and self._has_positions:
            yield OpenPositions, self._open_positions
        if channel is Channel.BALANCE and self.are_requested(channel):
            yield Balances, self._all_balances

    async def _repeat(self, channel: Channel, kind: type[Event], make: _Make) -> None:
        """Request until the venue answers or refuses for good, while the link is open."""
        subscription = Subscription(channel)
        backoff = self._backoff()
        while True:
            try:
                snapshot = await make()
            except FluxumError as error:
                _log.warning("%s %s are not known: %s", self._venue, kind.__name__, error)
                if isinstance(error, VenueRefused) and error.is_final:
                    self._tasks.pop(kind, None)
                    self._session().deliver([self._refused(subscription, kind, error)])
                    return
                self._session().lack(subscription, f"no snapshot: {error}")
                floor_s = (error.retry_after_s or 0.0) if isinstance(error, RateLimited) else 0.0
                await asyncio.sleep(backoff.next_delay(floor_s) or 1.0)
                continue
            self._tasks.pop(kind, None)
            self._session().deliver([snapshot])
            return

    async def _open_orders(self) -> OpenOrders:
        page = await self._history.open_orders()
        orders = {one.order_id: one for one in page}
        for name, update in self._orders.items():
            known = orders.get(name)
            if known is not None and known.venue_ns > update.venue_ns:
                continue
            if update.status.is_final:
                orders.pop(name, None)
            else:
                orders[name] = update
        self._orders.clear()
        unread = [name for name in self._state.orders if name not in orders]
        return OpenOrders(
            venue=self._venue,
            orders=tuple(orders.values()),
            unread=tuple(unread) if page.left_out is not None else (),
            received_ns=self._clock.now_ns(),
        )

    async def _all_balances(self) -> Balances:
        page = await self._history.balances()
        balances = {one.asset: one for one in page}
        for asset, update in self._balances.items():
            known = balances.get(asset)
            if known is None or (known.venue_ns or 0) <= (update.venue_ns or update.received_ns):
                balances[asset] = update
        self._balances.clear()
        return Balances(
            venue=self._venue,
            balances=tuple(balances.values()),
            received_ns=self._clock.now_ns(),
        )

    async def _open_positions(self) -> OpenPositions:
        page = await self._history.positions()
        positions = {one.key: one for one in page}
        if page.left_out is not None:  # one that is missing may be in a row that is unreadable
            positions = {**self._state.positions, **positions}
        for key, update in self._positions.items():
            known = positions.get(key)
            if known is None or (known.venue_ns or 0) <= (update.venue_ns or update.received_ns):
                positions[key] = update
        self._positions.clear()
        return OpenPositions(
            venue=self._venue,
            positions=tuple(one for one in positions.values() if one.quantity),
            received_ns=self._clock.now_ns(),
        )

    def _refused(
        self, subscription: Subscription, kind: type[Event], error: FluxumError
    ) -> Refused | VenueNotice:
        """Balances go on without positions, which some keys may not read."""
        now_ns = self._clock.now_ns()
        if kind is OpenPositions:
            message = f"positions are not known: {error}"
            return VenueNotice(venue=self._venue, message=message, received_ns=now_ns)
        return Refused(
            venue=self._venue,
            subscription=subscription,
            message=f"its snapshot: {error}",
            received_ns=now_ns,
        )
