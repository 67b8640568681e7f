"""Looks up in the venue's history what an account missed while its link was down.

After each snapshot the session looks for fills, for ends of orders that are not open any more, and
for account entries, all since the last known instant. Each is published once, marked as backfilled.
Only then is the channel reconciled. What is checked between snapshots is in `account_audit`.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence

from fluxum.errors import FluxumError, RateLimited, VenueRefused
from fluxum.flow.background import Background
from fluxum.model.account import Fill, LedgerEntry
from fluxum.model.event import (
    Channel,
    Gap,
    GapCause,
    Refused,
    Repair,
    Subscription,
    VenueNotice,
)
from fluxum.model.order import OrderUpdate, opened_ns
from fluxum.pacing import Backoff
from fluxum.session.account_context import AccountContext
from fluxum.session.charges import Charges

__all__ = ["Reconciliation"]

_log = logging.getLogger(__name__)
_OVERLAP_NS = 60 * 1_000_000_000
_LOOKS_MAX = 3


class Reconciliation:
    """Reconciles the channels of one account."""

    def __init__(self, context: AccountContext) -> None:
        self._venue = context.venue
        self._history = context.history
        self._has_entries = context.queries.entries is not None
        self._state = context.state
        self._clock = context.clock
        self._backoff = context.backoff
        self._session = context.session
        self._tasks: dict[Channel, asyncio.Task[None]] = {}
        self._charges = Charges(context.queries.charged)
        self._ended: dict[str, OrderUpdate] = {}
        self._unknown_ns: dict[Channel, int] = {}

    def begin(self, channel: Channel, known_ns: int | None, work: Background) -> None:
        """Look up what happened since `known_ns`; `None` if nothing can have been missed."""
        self.cancel(channel)
        self.note_unknown(channel, known_ns)
        name = f"{self._venue} {channel.value} reconciliation"
        self._tasks[channel] = work.start(self._reconcile(channel), name=name)

    def note_unknown(self, channel: Channel, known_ns: int | None) -> None:
        """What happened since then has to be looked up; of several instants the first counts."""
        if known_ns is not None:
            self._unknown_ns[channel] = min(known_ns, self._unknown_ns.get(channel, known_ns))

    def cancel(self, channel: Channel) -> None:
        """The link of a channel is gone, or a message of it was missed."""
        task = self._tasks.pop(channel, None)
        if task is not None:
            task.cancel()

    def note_fill(self, fill: Fill) -> None:
        """Note a fill: if it has no fees, it waits for the entries that name them."""
        self._charges.note(fill)

    def note_entry(self, entry: LedgerEntry) -> None:
        """Note an account entry, and publish the fills that it completes."""
        whole = self._charges.take([entry])
        if whole:
            self._session().deliver(whole)

    def note_ended(self, orders: dict[str, OrderUpdate]) -> None:
        """Note orders that are not open any more and whose end is not known."""
        self._ended.update(orders)

    async def _reconcile(self, channel: Channel) -> None:
        """Search until all is found, the link is lost or the venue refuses for good."""
        backoff = self._backoff()
        while True:
            try:
                if channel is Channel.EXECUTION:
                    await self._find_fills()
                    await self._find_ends()
                    self._state.is_orders_valid = True
                else:
                    await self._find_entries()
                    self._state.is_balances_valid = True
            except FluxumError as error:
                if not await self._wait_after(error, channel, backoff):
                    return
                continue
            self._unknown_ns.pop(channel, None)
            self._state.counts.reconciled += 1
            self._session().have(Subscription(channel))
            if channel is Channel.EXECUTION:
                await self._find_fees()
            self._tasks.pop(channel, None)
            return

    async def _wait_after(self, error: FluxumError, channel: Channel, backoff: Backoff) -> bool:
        """Report what is missing and why; if a retry can help, wait and return true."""
        _log.warning("%s %s is not reconciled: %s", self._venue, channel.value, error)
        subscription = Subscription(channel)
        if isinstance(error, VenueRefused) and error.is_final:
            refused = Refused(
                venue=self._venue,
                subscription=subscription,
                message=f"its history: {error}",
                received_ns=self._clock.now_ns(),
            )
            self._session().deliver([refused])
            return False
        self._session().lack(subscription, f"not reconciled: {error}")
        floor_s = (error.retry_after_s or 0.0) if isinstance(error, RateLimited) else 0.0
        await asyncio.sleep(backoff.next_delay(floor_s) or 1.0)
        return True

    async def _find_fills(self) -> None:
        known_ns = self._unknown_ns.get(Channel.EXECUTION)
        if known_ns is not None:
            fills = await self._history.fills(known_ns - _OVERLAP_NS)
            if fills:
                self._session().deliver(fills)

    async def _find_fees(self) -> None:
        """Complete fills for which only the value of the fee was listed; entries may come late."""
        if not self._has_entries:
            return
        backoff, looks = self._backoff(), 0
        while self._charges.waiting and looks < _LOOKS_MAX:
            try:
                charged = await self._charges.look_up(self._charges.waiting, self._history.entries)
            except FluxumError as error:
                if isinstance(error, VenueRefused) and error.is_final:
                    self._session().deliver([self._notice(f"fees of fills stay unknown: {error}")])
                    return
                _log.warning("%s fees are not known yet: %s", self._venue, error)
            else:
                looks += 1
                self._session().deliver(charged)
            await asyncio.sleep(backoff.next_delay() or 1.0)

    async def _find_ends(self) -> None:
        """Publish the ends of orders that are not open any more."""
        for _ in range(_LOOKS_MAX):
            if not self._ended:
                return
            placed_ns = map(opened_ns, self._ended.values())
            since_ns = min(placed_ns) - _OVERLAP_NS  # some lists go by when orders were placed
            closed = await self._history.closed_orders(since_ns, is_enough=self._explains_all)
            went_on = self._successors(closed)
            ends = [
                order
                for order in reversed(closed.items)
                if self._ended.pop(order.order_id, None) is not None
            ]
            if ends:  # what went on for an order is known before that one ends
                self._session().deliver([*went_on, *ends])
            if self._ended:
                await asyncio.sleep(1.0)  # a venue's history may lag behind
        for order in self._ended.values():
            self._session().deliver([self._lost(order)])
        self._ended.clear()

    async def _find_entries(self) -> None:
        known_ns = self._unknown_ns.get(Channel.BALANCE)
        if known_ns is None:
            return
        since_ns = max(0, known_ns - _OVERLAP_NS)
        await self._history.hand_over_entries(since_ns, self._state.moved, self._session().deliver)

    # Pieces

    def _explains_all(self, closed: Sequence[OrderUpdate]) -> bool:
        return self._ended.keys() <= {order.order_id for order in closed}

    def _successors(self, closed: Iterable[OrderUpdate]) -> list[OrderUpdate]:
        """Orders that went on under the name of one whose end was missed, and ended as well."""
        began_ns = {
            one.client_order_id: opened_ns(one)
            for one in self._ended.values()
            if one.client_order_id and one.order_type.is_triggered
        }
        return [
            one
            for one in closed
            if one.client_order_id in began_ns
            and one.order_id not in self._ended
            and opened_ns(one) >= began_ns[one.client_order_id]
        ]

    def _notice(self, message: str) -> VenueNotice:
        return VenueNotice(venue=self._venue, message=message, received_ns=self._clock.now_ns())

    def _lost(self, order: OrderUpdate) -> Gap:
        """No history has the end of an order: the event states that, and nothing is guessed."""
        now_ns = self._clock.now_ns()
        return Gap(
            venue=self._venue,
            subscription=Subscription(Channel.EXECUTION),
            cause=GapCause.VENUE,
            repair=Repair.LOST,
            since_ns=order.venue_ns,
            until_ns=now_ns,
            missing=1,
            detail=f"order {order.order_id} is open no longer, and no history says why",
            received_ns=now_ns,
        )
