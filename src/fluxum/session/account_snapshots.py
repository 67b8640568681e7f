"""Snapshots of account channels that the venue begins without one.

The session requests open orders and balances when the venue acknowledges such a channel. Updates
may arrive before the answer, and the answer may be older than they are. Of each order and each
asset, the newer one counts.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from fluxum.errors import FluxumError, RateLimited, VenueRefused
from fluxum.flow.background import Background
from fluxum.model.account import Balance, Balances
from fluxum.model.event import Channel, Event, Refused, Subscription
from fluxum.model.instrument import Asset
from fluxum.model.order import OpenOrders, OrderUpdate
from fluxum.session.account_context import AccountContext

__all__ = ["AccountSnapshots"]

_log = logging.getLogger(__name__)


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
        self._tasks: dict[Channel, asyncio.Task[None]] = {}
        self._orders: dict[str, OrderUpdate] = {}  # that arrived since a snapshot was requested
        self._balances: dict[Asset, Balance] = {}

    def are_requested(self, channel: Channel) -> bool:
        """Whether the session requests the snapshot of a channel."""
        return channel not in self._native

    def request(self, channel: Channel, work: Background) -> None:
        """Request the snapshot of a channel again."""
        self.cancel(channel)
        make = self._open_orders if channel is Channel.EXECUTION else self._all_balances
        name = f"{self._venue} {channel.value} snapshot"
        self._tasks[channel] = work.start(self._repeat(channel, make), name=name)

    def cancel(self, channel: Channel) -> None:
        """The link of a channel is gone: drop its snapshot request."""
        task = self._tasks.pop(channel, None)
        if task is not None:
            task.cancel()
        (self._orders if channel is Channel.EXECUTION else self._balances).clear()

    def note(self, event: OrderUpdate | Balance) -> None:
        """Keep what arrives while a snapshot is requested."""
        if isinstance(event, OrderUpdate):
            if Channel.EXECUTION in self._tasks:
                self._orders[event.order_id] = event
        elif Channel.BALANCE in self._tasks:
            self._balances[event.asset] = event

    async def _repeat(self, channel: Channel, make: Callable[[], Awaitable[Event]]) -> None:
        """Request until the venue answers, while the link is open; a refusal is final."""
        subscription = Subscription(channel)
        backoff = self._backoff()
        while True:
            try:
                snapshot = await make()
            except FluxumError as error:
                _log.warning("%s %s has no snapshot: %s", self._venue, channel.value, error)
                if isinstance(error, VenueRefused) and not error.retryable:
                    self._tasks.pop(channel, None)
                    self._session().deliver([self._refused(subscription, error)])
                    return
                self._session().lack(subscription, f"no snapshot: {error}")
                floor_s = (error.retry_after_s or 0.0) if isinstance(error, RateLimited) else 0.0
                await asyncio.sleep(backoff.next_delay(floor_s) or 1.0)
                continue
            self._tasks.pop(channel, None)
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

    def _refused(self, subscription: Subscription, error: FluxumError) -> Refused:
        return Refused(
            venue=self._venue,
            subscription=subscription,
            message=f"its snapshot: {error}",
            received_ns=self._clock.now_ns(),
        )
