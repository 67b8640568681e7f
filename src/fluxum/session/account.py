"""One's own account at a venue: its stream without holes, its questions, and the way to trade.

After each (re)connection the venue tells what is open and held. What happened while nobody
listened is then looked up in the account's history: fills, the ends of orders that are open no
longer, account entries. Each is told once, marked as backfilled. Only then is the stream
reconciled and the link ready; commands are refused before.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from msgspec import Struct

from fluxum.book.book import Book
from fluxum.clock import Clock
from fluxum.errors import (
    FluxumError,
    RateLimited,
    RemoteProtocolError,
    TransportError,
    VenueRefused,
)
from fluxum.flow.background import Background
from fluxum.flow.pipe import Pipe
from fluxum.model.account import Balances, Fill, LedgerEntry
from fluxum.model.event import (
    Channel,
    Desync,
    Event,
    Gap,
    GapCause,
    Refused,
    Repair,
    Subscription,
    VenueNotice,
)
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.order import Command, OpenOrders, OrderUpdate, ended, is_cancel
from fluxum.pacing import Backoff
from fluxum.session.account_state import AccountState
from fluxum.session.charges import Charges
from fluxum.session.gaps import RecentIds
from fluxum.session.rest_client import RestClient
from fluxum.session.token import TokenKeeper
from fluxum.venues.private import AccountQuestions, EntryQuery
from fluxum.venues.queries import Page, RestQuery
from fluxum.venues.rows import LeftOutRows
from fluxum.venues.trading import OrderRules

__all__ = ["Account", "AccountOwner"]

_log = logging.getLogger(__name__)
Said = TypeVar("Said")
Item = TypeVar("Item")
_OVERLAP_NS = 60 * 1_000_000_000
_PAGES_MAX = 400
_LOOKS_MAX = 3
_SECOND_LOOK_S = 5.0


class AccountOwner(Struct, frozen=True):
    """What an account needs of the session it belongs to."""

    deliver: Callable[[Sequence[Event]], None]
    have: Callable[[Subscription], None]
    lack: Callable[[Subscription, str], None]
    command: Callable[[int, Command], None]
    is_ready: Callable[[], bool]
    events: Callable[[], Pipe[Event]]
    book: Callable[[str], Book]
    instrument: Callable[[Symbol], Instrument | None]


class Account:
    """What a session with credentials knows of the account, and what it can ask of it.

    With `since_ns` the account's history from then on is told first, and nothing from before;
    without, what happens from now on. Every `audit_s` the open orders are asked for and compared,
    as a hole in a quiet stream shows only with its next message.
    """

    def __init__(
        self,
        venue: str,
        rest_client: RestClient,
        queries: AccountQuestions,
        terms: OrderRules,
        tokens: TokenKeeper,
        clock: Clock,
        backoff: Callable[[], Backoff],
        since_ns: int | None = None,
        audit_s: float | None = None,
    ) -> None:
        self.tokens = tokens
        self.rest_client = rest_client
        self.terms = terms
        """The venue's ways with orders, for the account's tier."""
        self.queries = queries
        """What can be asked, for `ask`."""
        self.following = AccountState(since_ns, clock.now_ns())
        if since_ns is not None:
            self.following.executed_ns = self.following.entered_ns = since_ns
        self.clock_offset_ns = 0
        """How far the venue's clock is ahead of ours, as the session has measured it."""
        self._venue = venue
        self._clock = clock
        self._backoff = backoff
        self._audit_s = audit_s
        self._owner: AccountOwner | None = None
        self._work: Background | None = None
        self._reconciling: dict[Channel, asyncio.Task[None]] = {}
        self._charges = Charges(queries.charged)
        self._left_out = RecentIds()
        self._ended: dict[str, OrderUpdate] = {}
        self._unknown_ns: dict[Channel, int] = {}
        self._last_command = 0

    # What is asked of it

    @property
    def is_following(self) -> bool:
        """Whether orders and fills are known without a hole now, so that commands are taken."""
        return self._session.is_ready() and self.following.is_orders_valid

    async def ask(self, question: RestQuery[Said]) -> Said:
        """The venue's answer to a question; see `RestClient.ask` for what is raised."""
        said = await self.rest_client.ask(question)
        while self.rest_client.left_out:
            self._leave_out(self.rest_client.left_out.popleft(), None)
        left_out = _left_out_of(said)
        if left_out is not None:
            self._leave_out(left_out, question.fetch.subscription)
        return said

    def command(self, command: Command) -> int:
        """Send a command and return its number, which the answers will carry.

        Raises TransportError while the account is not followed, and BadInput for a command the
        venue cannot be asked: then nothing was sent. Cancels are sent whenever there is a link.
        """
        if not (self.is_following or is_cancel(command)):
            raise TransportError(f"the account at {self._venue} is not followed: nothing was sent")
        number = self._last_command + 1
        self._session.command(number, command)
        self._last_command = number
        return number

    def account_events(self) -> Pipe[Event]:
        """All about the account and its link, in order; the pipe fails rather than drop one."""
        return self._session.events()

    def instrument(self, symbol: Symbol) -> Instrument | None:
        """A market's rules, if the session subscribed to instruments and has heard of it."""
        return self._session.instrument(symbol)

    def book(self, symbol: str) -> Book:
        """A market's live book; raises NotSubscribed."""
        return self._session.book(symbol)

    def now_ns(self) -> int:
        """The clock of the session."""
        return self._clock.now_ns()

    def venue_now_ns(self) -> int:
        """The venue's clock, as far as it is known how far it is ahead of ours."""
        return self._clock.now_ns() + self.clock_offset_ns

    @property
    def clock_offset_ns(self) -> int:
        """How far the venue's clock is ahead of ours; 0 until that is measured."""
        return self.following.clock_offset_ns

    @clock_offset_ns.setter
    def clock_offset_ns(self, offset_ns: int) -> None:
        self.following.clock_offset_ns = offset_ns

    async def history(self, since_ns: int | None = None) -> Sequence[Fill]:
        """The account's fills since an instant, oldest first, from the venue's memory.

        Fees that its list of fills does not name are looked up in the account's lines. They stay
        `None` if these cannot be had.
        """
        fills = await self._fills(since_ns)
        uncharged = [fill for fill in fills if fill.fees is None]
        try:
            charged = await Charges(self.queries.charged).look_up(uncharged, self.entries)
        except FluxumError as error:
            _log.warning("%s fees of fills are not known: %s", self._venue, error)
            return fills
        whole = {fill.identity: fill for fill in charged}
        return [whole.get(fill.identity, fill) for fill in fills]

    async def entries(self, query: EntryQuery, limit: int | None = None) -> Sequence[LedgerEntry]:
        """The account's entries that a query wants, the newest `limit` of them, oldest first."""

        def wanted(items: list[LedgerEntry]) -> list[LedgerEntry]:
            found = [one for one in items if query.kind is None or one.kind is query.kind]
            return found[:limit]

        entries = await self._list(
            lambda offset: self.queries.entries(query, offset),
            lambda items: limit is not None and len(wanted(items)) == limit,
        )
        return wanted(entries)[::-1]

    # What the session tells it

    def attach(self, owner: AccountOwner) -> None:
        """Belong to a session; once, before anything else."""
        self._owner = owner

    def open(self, work: Background) -> None:
        """The session's block was entered."""
        self._work = work
        work.start(self.tokens.run(), name=f"{self._venue} token")
        work.start(self._audit(), name=f"{self._venue} audit")

    def close(self) -> None:
        """The session's block has ended."""
        self._work = None
        self.tokens.close()

    def hear(self, event: Event) -> bool:
        """Take note of an event of the account; whether it is to be told."""
        match event:
            case Fill():
                is_news = self.following.admit_fill(event)
                if is_news:
                    self._charges.note(event)
                return is_news
            case LedgerEntry():
                self._charge([event])
                return self.following.admit_entry(event)
            case OrderUpdate():
                self.following.update(event)
            case OpenOrders():
                known_ns = self.following.executed_ns
                self._ended.update(self.following.open(event))
                self._begin(Channel.EXECUTION, known_ns)
            case Balances():
                known_ns = self.following.entered_ns
                self.following.hold(event)
                self._begin(Channel.BALANCE, known_ns)
            case _:
                pass
        return True

    def lose(self, channel: Channel) -> None:
        """The link of a channel is gone, or a message of it was missed."""
        if channel is Channel.EXECUTION:
            self.following.is_orders_valid = False
        else:
            self.following.is_balances_valid = False
        task = self._reconciling.pop(channel, None)
        if task is not None:
            task.cancel()

    # After a snapshot

    def _begin(self, channel: Channel, known_ns: int | None) -> None:
        """Look for what happened since `known_ns`; none means that nothing can have been missed."""
        assert self._work is not None, "an account's link lives inside its session's block"
        self.lose(channel)
        if known_ns is not None:  # what an earlier look did not find is still to be found
            self._unknown_ns[channel] = min(known_ns, self._unknown_ns.get(channel, known_ns))
        name = f"{self._venue} {channel.value} reconciliation"
        self._reconciling[channel] = self._work.start(self._reconcile(channel), name=name)

    async def _reconcile(self, channel: Channel) -> None:
        """Look until all is found, for as long as the link lives; what is refused stays missing."""
        backoff = self._backoff()
        while True:
            try:
                if channel is Channel.EXECUTION:
                    await self._find_fills()
                    await self._find_ends()
                    self.following.is_orders_valid = True
                else:
                    await self._find_entries()
                    self.following.is_balances_valid = True
            except FluxumError as error:
                if not await self._wait_after(error, channel, backoff):
                    return
                continue
            self._unknown_ns.pop(channel, None)
            self.following.counts.reconciled += 1
            self._session.have(Subscription(channel))
            if channel is Channel.EXECUTION:
                await self._find_fees()
            self._reconciling.pop(channel, None)
            return

    async def _wait_after(self, error: FluxumError, channel: Channel, backoff: Backoff) -> bool:
        """Name what is missing and why; wait if asking again can help, which it returns."""
        _log.warning("%s %s is not reconciled: %s", self._venue, channel.value, error)
        subscription = Subscription(channel)
        if isinstance(error, VenueRefused) and not error.retryable:
            refused = Refused(
                venue=self._venue,
                subscription=subscription,
                message=f"its history: {error}",
                received_ns=self._clock.now_ns(),
            )
            self._session.deliver([refused])
            return False
        self._session.lack(subscription, f"not reconciled: {error}")
        floor_s = (error.retry_after_s or 0.0) if isinstance(error, RateLimited) else 0.0
        await asyncio.sleep(backoff.next_delay(floor_s) or 1.0)
        return True

    async def _find_fills(self) -> None:
        known_ns = self._unknown_ns.get(Channel.EXECUTION)
        if known_ns is not None:
            fills = await self._fills(known_ns - _OVERLAP_NS)
            if fills:
                self._session.deliver(fills)

    async def _find_fees(self) -> None:
        """Complete fills of which only the worth of the fee was listed; their lines may lag."""
        backoff, looks = self._backoff(), 0
        while self._charges.waiting and looks < _LOOKS_MAX:
            try:
                charged = await self._charges.look_up(self._charges.waiting, self.entries)
            except FluxumError as error:
                if isinstance(error, VenueRefused) and not error.retryable:
                    self._session.deliver([self._notice(f"fees of fills stay unknown: {error}")])
                    return
                _log.warning("%s fees are not known yet: %s", self._venue, error)
            else:
                looks += 1
                self._session.deliver(charged)
            await asyncio.sleep(backoff.next_delay() or 1.0)

    def _charge(self, lines: Sequence[LedgerEntry]) -> None:
        whole = self._charges.take(lines)
        if whole:
            self._session.deliver(whole)

    async def _find_ends(self) -> None:
        """Tell what became of orders that are open no longer."""
        for _ in range(_LOOKS_MAX):
            if not self._ended:
                return
            since_ns = min(order.venue_ns for order in self._ended.values()) - _OVERLAP_NS
            closed = await self._list(self._closed_since(since_ns), self._explains_all)
            for order in reversed(closed):
                if self._ended.pop(order.order_id, None) is not None:
                    self._session.deliver([ended(order)])
            if self._ended:
                await asyncio.sleep(1.0)  # a venue's history may lag behind
        for order in self._ended.values():
            self._session.deliver([self._lost(order)])
        self._ended.clear()

    async def _find_entries(self) -> None:
        known_ns = self._unknown_ns.get(Channel.BALANCE)
        if known_ns is not None:
            entries = await self.entries(EntryQuery(since_ns=known_ns - _OVERLAP_NS))
            if entries:
                self._session.deliver(entries)

    # While nothing happens

    async def _audit(self) -> None:
        """Compare what is followed with what the venue says when asked, for as long as it lasts."""
        while self._audit_s is not None:
            await asyncio.sleep(self._audit_s)
            try:
                first = await self._differing()
                if not first:
                    continue
                await asyncio.sleep(_SECOND_LOOK_S)  # a message may have been on its way
                second = await self._differing()
            except FluxumError as error:
                if isinstance(error, VenueRefused) and not error.retryable:
                    _log.error("%s account is compared no more: %s", self._venue, error)
                    return
                _log.warning("%s account is not compared: %s", self._venue, error)
                continue
            lasting = sorted(first & second)
            if lasting:
                self.following.counts.missed += len(lasting)
                names = ", ".join(sorted({name for name, _, _ in lasting})[:5])
                self._doubt(f"the venue says otherwise of {names}")

    async def _differing(self) -> set[tuple[str, str, str]]:
        """What is followed and what was answered, of each order in which they differ."""
        if not self.is_following:
            return set()
        self.following.counts.audits += 1
        listed = await self.ask(self.queries.open_orders())
        told = {one.order_id: one for one in listed}
        held = self.following.orders
        # What is missing from a list of which a row could not be read may be that row.
        names = told.keys() | held.keys() if listed.left_out is None else told.keys()
        return {
            (name, _state(held.get(name)), _state(told.get(name)))
            for name in names
            if _state(held.get(name)) != _state(told.get(name))
        }

    def _doubt(self, reason: str) -> None:
        """Have the stream begin anew, with a snapshot and a look at history."""
        if self.is_following:
            desync = Desync(
                venue=self._venue,
                subscription=Subscription(Channel.EXECUTION),
                generation=0,
                reason=reason,
                received_ns=self._clock.now_ns(),
            )
            self._session.deliver([desync])

    # Pieces

    def _notice(self, message: str) -> VenueNotice:
        return VenueNotice(venue=self._venue, message=message, received_ns=self._clock.now_ns())

    def _closed_since(self, since_ns: int) -> Callable[[int], RestQuery[Page[OrderUpdate]]]:
        return lambda offset: self.queries.closed_orders(since_ns=since_ns, offset=offset)

    def _explains_all(self, closed: list[OrderUpdate]) -> bool:
        return self._ended.keys() <= {order.order_id for order in closed}

    def _lost(self, order: OrderUpdate) -> Gap:
        """Nobody knows what became of an order: that is said, not guessed."""
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

    def _leave_out(self, rows: LeftOutRows, subscription: Subscription | None) -> None:
        """Publish rows of a list that could not be read; the same ones once, however often met."""
        if self._owner is not None and self._left_out.take(f"{rows.reason} {rows.sample}"):
            self._owner.deliver([rows.event(self._venue, subscription, self._clock.now_ns())])

    async def _fills(self, since_ns: int | None) -> list[Fill]:
        """Fills since an instant, oldest first, as the venue's list has them."""
        fills = await self._list(lambda offset: self.queries.fills(since_ns, offset=offset))
        return fills[::-1]

    async def _list(
        self,
        question: Callable[[int], RestQuery[Page[Item]]],
        is_enough: Callable[[list[Item]], bool] = lambda _items: False,
    ) -> list[Item]:
        """The items of a list, newest first, page by page until it is enough.

        What arrives meanwhile moves the others on, so that items may be met twice, but none is
        missed. Raises RemoteProtocolError for a list without an end.
        """
        items: list[Item] = []
        rows = 0
        for _ in range(_PAGES_MAX):
            page = await self.ask(question(rows))
            items += page.items
            rows += page.rows
            is_end = page.total is not None and rows >= page.total
            if not page.rows or is_end or is_enough(items):
                return items
        raise RemoteProtocolError(f"a history of {_PAGES_MAX} pages has no end")

    @property
    def _session(self) -> AccountOwner:
        assert self._owner is not None, "an account is attached by its session"
        return self._owner


def _left_out_of(said: object) -> LeftOutRows | None:
    return said.left_out if isinstance(said, Page) else None


def _state(order: OrderUpdate | None) -> str:
    """What both sides say of an open order: whether there is one, and how much of it is filled."""
    return "none" if order is None else f"{order.filled.normalize():f} filled"
