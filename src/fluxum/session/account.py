"""The user's account at a venue: its stream without gaps, its queries, and its commands.

After each (re)connection the session takes the account's snapshot, from the stream or by a query,
and looks up what was missed (see `reconciliation`). Only then is the link ready. Before that,
commands are refused.
"""

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from msgspec import Struct

from fluxum.book.book import Book
from fluxum.clock import Clock
from fluxum.errors import TransportError
from fluxum.flow.background import Background
from fluxum.flow.pipe import Pipe
from fluxum.ledger.made_entries import entries_of_fill
from fluxum.model.account import Balance, Balances, Fill, LedgerEntry
from fluxum.model.event import Channel, Event, Subscription
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.order import Command, OpenOrders, OrderUpdate, is_cancel
from fluxum.model.position import OpenPositions, PositionUpdate
from fluxum.pacing import Backoff
from fluxum.session.account_audit import AccountAudit
from fluxum.session.account_context import AccountContext
from fluxum.session.account_history import AccountHistory
from fluxum.session.account_session import AccountSession
from fluxum.session.account_snapshots import AccountSnapshots
from fluxum.session.account_state import AccountState
from fluxum.session.authenticator import Authenticator
from fluxum.session.gaps import RecentIds
from fluxum.session.reconciliation import Reconciliation
from fluxum.session.rest_client import RestClient
from fluxum.venues.private import AccountQueries, EntryQuery, OrderQuery
from fluxum.venues.queries import Page, RestQuery
from fluxum.venues.rows import LeftOutRows
from fluxum.venues.trading import OrderRules

__all__ = ["Account", "AccountOptions"]

T = TypeVar("T")


class AccountOptions(Struct, frozen=True, kw_only=True):
    """How the session follows an account.

    With `since_ns` the session first publishes the account's history from that instant on, and
    nothing earlier. Without it, the session publishes what happens from now on. Every `audit_s`
    seconds the account is compared with the venue's lists; `None` disables the comparison.
    `symbols` are the markets whose history is requested where the venue needs a market for that.
    `snapshots` are the channels for which the venue sends a snapshot first, `numbered` those of
    which a lost message shows by itself.
    """

    since_ns: int | None = None
    audit_s: float | None = None
    symbols: Collection[Symbol] = ()
    snapshots: frozenset[Channel] = frozenset({Channel.BALANCE, Channel.EXECUTION})
    numbered: frozenset[Channel] = frozenset()


class Account:
    """An account as a session with credentials knows it, and its queries and commands."""

    def __init__(
        self,
        venue: str,
        rest_client: RestClient,
        queries: AccountQueries,
        rules: OrderRules,
        authenticator: Authenticator,
        clock: Clock,
        backoff: Callable[[], Backoff],
        options: AccountOptions,
    ) -> None:
        self.authenticator = authenticator
        self.rest_client = rest_client
        self.rules = rules
        """The venue's rules of order entry, for the account's tier."""
        self.queries = queries
        """The queries that the venue offers, for `query`."""
        self.following = AccountState(
            options.since_ns, clock.now_ns(), has_entries=queries.entries is not None
        )
        self._venue = venue
        self._clock = clock
        self._audit_s = options.audit_s
        self._symbols = dict.fromkeys(options.symbols)
        self.instrument: Callable[[Symbol], Instrument | None]
        """A market's rules, if the session subscribed to instruments and has received them."""
        self.book: Callable[[Symbol], Book]
        """A market's live book; raises NotSubscribed."""
        self._owner: AccountSession | None = None
        self._is_ready: Callable[[], bool] = lambda: False  # of its session, and the next
        self._send: Callable[[int, Command], None]
        self._work: Background | None = None
        self._left_out = RecentIds()
        self._last_command = 0
        self._history = AccountHistory(
            venue, rest_client, queries, self._leave_out, self._symbols.keys()
        )
        context = AccountContext(
            venue, self._history, queries, self.following, clock, backoff, lambda: self._session
        )
        self._reconciliation = Reconciliation(context)
        self._snapshots = AccountSnapshots(context, options.snapshots)
        self._audit = AccountAudit(context, options.numbered)
        if options.since_ns is not None:
            self.following.executed_ns = self.following.entered_ns = options.since_ns
            for channel in (Channel.EXECUTION, Channel.BALANCE):
                self._reconciliation.note_unknown(channel, options.since_ns)

    # Queries

    async def query(self, query: RestQuery[T]) -> T:
        """The venue's answer to a query; see `RestClient.query` for what is raised."""
        return await self._history.query(query)

    async def balances(self) -> Page[Balance]:
        """All balances of the account as they are now, with what open orders hold."""
        return await self._history.balances()

    async def positions(self) -> Page[PositionUpdate]:
        """The open positions in contracts as the venue reports them now, in base units.

        Raises BadInput if the venue has no list of positions, as spot markets have none.
        """
        return await self._history.positions()

    async def open_orders(self) -> Page[OrderUpdate]:
        """Every open order of the account as it is now."""
        return await self._history.open_orders()

    async def find_order(self, query: OrderQuery) -> Sequence[OrderUpdate]:
        """The order that a query asks for, open or ended; empty if the venue has no such order.

        Raises RemoteProtocolError if a row that may be this order could not be read.
        """
        return await self._history.find_order(query)

    async def closed_orders(
        self,
        since_ns: int,
        symbol: Symbol | None = None,
        is_enough: Callable[[Sequence[OrderUpdate]], bool] = lambda _orders: False,
    ) -> Page[OrderUpdate]:
        """Orders that ended since an instant, newest first, until `is_enough` returns true."""
        return await self._history.closed_orders(since_ns, symbol, is_enough)

    async def history(self, since_ns: int | None = None) -> Sequence[Fill]:
        """The account's fills since an instant, oldest first, from the venue's history.

        If the venue's list of fills does not name a fee, it is looked up in the account's entries.
        If the entries cannot be fetched, the fee stays `None`.
        """
        return await self._history.charged_fills(since_ns)

    async def entries(self, query: EntryQuery, limit: int | None = None) -> Sequence[LedgerEntry]:
        """The account's entries that match a query, the newest `limit` of them, oldest first.

        If the venue lists none, they are made from fills, transfers and balances: `source` says
        from which. Raises BadInput if that needs markets and none is known.
        """
        return await self._history.entries(query, limit)

    @property
    def transfers_refused(self) -> str:
        """Why the venue refused to list deposits and withdrawals; empty if it did not."""
        return self._history.transfers_refused

    # Orders

    @property
    def is_following(self) -> bool:
        """Whether orders and fills are known without a gap, so that commands are accepted."""
        return self.following.is_orders_valid and self._is_ready()

    def command(self, command: Command) -> int:
        """Send a command and return its number, which the answers repeat.

        Raises TransportError while the account is not followed, and BadInput for a command that
        the venue does not offer. In both cases nothing was sent. Cancels are sent whenever there
        is a link.
        """
        if not ((self.following.is_orders_valid and self._is_ready()) or is_cancel(command)):
            raise TransportError(f"the account at {self._venue} is not followed: nothing was sent")
        number = self._last_command + 1
        self._send(number, command)
        self._last_command = number
        return number

    def account_events(self) -> Pipe[Event]:
        """All events of the account and its link, in order; the pipe fails rather than drop one."""
        return self._session.events()

    def now_ns(self) -> int:
        """The clock of the session."""
        return self._clock.now_ns()

    def venue_now_ns(self) -> int:
        """The venue's clock: this machine's, corrected by the known offset."""
        return self._clock.now_ns() + self.following.clock_offset_ns

    @property
    def clock_offset_ns(self) -> int:
        """How far the venue's clock is ahead of ours; 0 until that is measured."""
        return self.following.clock_offset_ns

    @clock_offset_ns.setter
    def clock_offset_ns(self, offset_ns: int) -> None:
        self.following.clock_offset_ns = offset_ns

    # Called by the session

    def attach(self, owner: AccountSession) -> None:
        """Attach the account to its session; called once, before anything else."""
        self._owner, self._is_ready, self._send = owner, owner.is_ready, owner.command
        self.instrument, self.book = owner.instrument, owner.book

    def open(self, work: Background) -> None:
        """The session's block was entered."""
        self._work = work
        tokens = self.authenticator.tokens
        if tokens is not None:
            work.start(tokens.run(), name=f"{self._venue} token")
        audit = self._audit.run(self._audit_s, lambda: self.is_following)
        work.start(audit, name=f"{self._venue} audit")
        work.start(self._audit.follow_entries(), name=f"{self._venue} entries")

    def close(self) -> None:
        """The session's block ends."""
        self._work = None
        if self.authenticator.tokens is not None:
            self.authenticator.tokens.close()

    def acknowledged(self, channel: Channel) -> None:
        """A channel was acknowledged: request its snapshot, unless the venue sends it."""
        self._snapshots.request(channel, self._background)

    def resync(self, channel: Channel) -> bool:
        """Request a channel's snapshot again.

        Returns false if the venue sends that snapshot itself, with a new subscription.
        """
        if not self._snapshots.are_requested(channel):
            return False
        self._snapshots.request(channel, self._background)
        return True

    def receive(self, event: Event) -> bool:
        """Process an event of the account; return whether to publish it."""
        match event:
            case Fill():
                self._symbols.setdefault(event.symbol)
                is_news = self.following.admit_fill(event)
                if is_news:
                    self._reconciliation.note_fill(event)
                return is_news
            case LedgerEntry():
                self._reconciliation.note_entry(event)
                return self.following.admit_entry(event)
            case OrderUpdate():
                self._symbols.setdefault(event.symbol)
                self._snapshots.note(event)
                self.following.update(event)
            case Balance():
                self._snapshots.note(event)
                self.following.change(event)
                self._audit.note_balance()
            case PositionUpdate():
                self._symbols.setdefault(event.symbol)
                self._snapshots.note(event)
                self.following.move_position(event)
            case OpenPositions():
                self.following.open_positions(event)
            case OpenOrders():
                known_ns = self.following.executed_ns
                self._reconciliation.note_ended(dict(self.following.open(event)))
                self._begin(Channel.EXECUTION, known_ns)
            case Balances():
                known_ns = self.following.entered_ns
                self.following.hold(event)
                self._begin(Channel.BALANCE, known_ns)
            case _:
                pass
        return True

    def made_of(self, event: Event) -> Sequence[LedgerEntry]:
        """The entries that a published fill becomes at a venue without entries of its own."""
        if self.queries.entries is not None or not isinstance(event, Fill):
            return ()
        return entries_of_fill(event)

    def lose(self, channel: Channel) -> None:
        """The link of a channel is gone, or a message of it was missed."""
        state = self.following
        is_of_orders = channel is Channel.EXECUTION
        # The stream goes on before its snapshot comes: what it sends then proves no history.
        known_ns = state.executed_ns if is_of_orders else state.entered_ns
        self._reconciliation.note_unknown(channel, known_ns)
        self._stop(channel)
        if not is_of_orders:
            state.is_positions_valid = False
            self._snapshots.cancel(OpenPositions)

    # Pieces

    def _begin(self, channel: Channel, known_ns: int | None) -> None:
        self._stop(channel)
        self._reconciliation.begin(channel, known_ns, self._background)

    def _stop(self, channel: Channel) -> None:
        """The channel's orders or balances are not valid, and what was being looked up is void."""
        if channel is Channel.EXECUTION:
            self.following.is_orders_valid = False
        else:
            self.following.is_balances_valid = False
        self._reconciliation.cancel(channel)
        self._snapshots.cancel(OpenOrders if channel is Channel.EXECUTION else Balances)

    def _leave_out(self, rows: LeftOutRows, subscription: Subscription | None) -> None:
        """Publish rows of a list that could not be read; the same rows only once."""
        if self._owner is not None and self._left_out.take(f"{rows.reason} {rows.sample}"):
            self._owner.deliver([rows.event(self._venue, subscription, self._clock.now_ns())])

    @property
    def _session(self) -> AccountSession:
        assert self._owner is not None, "an account is attached by its session"
        return self._owner

    @property
    def _background(self) -> Background:
        assert self._work is not None, "an account's link lives inside its session's block"
        return self._work
