"""Compares an account's state with the venue's lists, and looks up what a stream may have missed.

A gap in a numbered stream shows with its next message, so that only open orders are compared, as
the stream may be quiet. A message that is lost from a stream without numbers never shows: there
the audit compares balances as well, and looks up fills and entries. It does not interrupt the
account: only a lasting difference makes a stream begin again.

Where the venue publishes balances without their entries, entries are looked up after each change.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal

from fluxum.errors import FluxumError, VenueRefused
from fluxum.model.event import Channel, Desync, Subscription
from fluxum.model.order import OrderUpdate
from fluxum.model.position import PositionUpdate
from fluxum.session.account_context import AccountContext

__all__ = ["AccountAudit"]

_log = logging.getLogger(__name__)
_SECOND_CHECK_S = 5.0
_ENTRIES_DELAY_S = 2.0
_OVERLAP_NS = 60 * 1_000_000_000
_CLOCKS_APART_NS = 300 * 1_000_000_000

Difference = tuple[Channel, str, str, str]
"""A channel, the id of an order or an asset, what the session knows of it, what the venue lists."""


class AccountAudit:
    """Audits one account. `numbered` are the channels whose gaps show by themselves."""

    def __init__(self, context: AccountContext, numbered: Collection[Channel]) -> None:
        self._context = context
        self._venue = context.venue
        self._history = context.history
        self._state = context.state
        self._session = context.session
        self._numbered = numbered
        self._has_entries = context.queries.entries is not None
        self._has_positions = context.queries.positions is not None
        # Fills and entries are known up to these instants of the venue's clock.
        self._filled_ns = self._entered_ns = context.clock.now_ns() - _CLOCKS_APART_NS
        self._changed = asyncio.Event()

    def note_balance(self) -> None:
        """A balance changed, and its entry is not known."""
        if self._has_entries:
            self._changed.set()

    async def run(self, every_s: float | None, is_following: Callable[[], bool]) -> None:
        """Audit until cancelled, or refused for good; `None` disables the audit."""
        while every_s is not None:
            await asyncio.sleep(every_s)
            try:
                if is_following():
                    await self._audit(is_following)
            except FluxumError as error:
                if isinstance(error, VenueRefused) and error.is_final:
                    _log.error("%s account is compared no more: %s", self._venue, error)
                    return
                _log.warning("%s account is not compared: %s", self._venue, error)

    async def follow_entries(self) -> None:
        """Look up entries after changes of balances, until cancelled or refused for good."""
        delays = self._context.backoff()
        while True:
            await self._changed.wait()
            await asyncio.sleep(_ENTRIES_DELAY_S)
            self._changed.clear()
            try:
                await self._find_entries()
            except FluxumError as error:
                _log.warning("%s entries are not known yet: %s", self._venue, error)
                if isinstance(error, VenueRefused) and error.is_final:
                    return
                self._changed.set()
                await asyncio.sleep(delays.next_delay() or 1.0)
            else:
                delays = self._context.backoff()

    async def _audit(self, is_following: Callable[[], bool]) -> None:
        self._state.counts.audits += 1
        if Channel.EXECUTION not in self._numbered:
            await self._find_fills()
        if Channel.BALANCE not in self._numbered:
            await self._find_entries()
        first = await self._differing()
        if not first:
            return
        await asyncio.sleep(_SECOND_CHECK_S)  # a message may have been on its way
        lasting = sorted(first & await self._differing(), key=lambda one: one[1:])
        if not is_following():
            return
        self._state.counts.missed += len(lasting)
        for channel in (Channel.EXECUTION, Channel.BALANCE):
            names = dict.fromkeys(one[1] for one in lasting if one[0] is channel)
            if names:
                self._session().deliver([self._desync(channel, ", ".join(list(names)[:5]))])

    # What was missed

    async def _find_fills(self) -> None:
        began_ns = self._context.venue_now_ns
        fills = await self._history.fills(self._filled_ns - _OVERLAP_NS)
        self._session().deliver(fills)
        self._filled_ns = began_ns

    async def _find_entries(self) -> None:
        began_ns = self._context.venue_now_ns
        since_ns = self._entered_ns - _OVERLAP_NS
        await self._history.hand_over_entries(since_ns, self._state.moved, self._session().deliver)
        self._entered_ns = began_ns

    # What differs

    async def _differing(self) -> set[Difference]:
        page = await self._history.open_orders()
        orders = {one.order_id: _standing(one) for one in page}
        held = {name: _standing(one) for name, one in self._state.orders.items()}
        # If a row of the list could not be read, an order that is missing from it may be that row.
        names = orders.keys() if page.left_out is not None else orders.keys() | held.keys()
        found = _compared(Channel.EXECUTION, names, held, orders)
        if Channel.BALANCE in self._numbered or not self._state.is_balances_valid:
            return found
        balances = await self._history.balances()
        listed = {str(one.asset): _amount(one.total) for one in balances}
        totals = {str(asset): _amount(one.total) for asset, one in self._state.balances.items()}
        assets = listed.keys() if balances.left_out is not None else listed.keys() | totals.keys()
        found |= _compared(Channel.BALANCE, assets, totals, listed)
        return found | await self._differing_positions()

    async def _differing_positions(self) -> set[Difference]:
        if not (self._has_positions and self._state.is_positions_valid):
            return set()
        page = await self._history.positions()
        listed = {_position(one): _amount(one.signed_quantity) for one in page}
        held = {
            _position(one): _amount(one.signed_quantity) for one in self._state.positions.values()
        }
        names = listed.keys() if page.left_out is not None else listed.keys() | held.keys()
        return _compared(Channel.BALANCE, names, held, listed)

    def _desync(self, channel: Channel, names: str) -> Desync:
        """Makes the stream begin again, with a snapshot and a search of history."""
        return Desync(
            venue=self._venue,
            subscription=Subscription(channel),
            generation=0,
            reason=f"the venue lists otherwise {names}",
            received_ns=self._context.clock.now_ns(),
        )


def _compared(
    channel: Channel, names: Collection[str], ours: Mapping[str, str], theirs: Mapping[str, str]
) -> set[Difference]:
    pairs = {name: (ours.get(name, ""), theirs.get(name, "")) for name in names}
    return {(channel, name, *pair) for name, pair in pairs.items() if pair[0] != pair[1]}


def _standing(order: OrderUpdate) -> str:
    """What is compared of an open order."""
    return f"{_amount(order.filled)} of {_amount(order.quantity)}"


def _position(one: PositionUpdate) -> str:
    leg = "" if one.leg is None else f"{one.leg.value} "
    return f"{leg}position in {one.symbol}"


def _amount(value: Decimal) -> str:
    """An amount as text, empty for none: some lists leave out assets that are not held."""
    return f"{value.normalize():f}" if value else ""
