"""One venue of a hub: its session, its account, and why it is not ready.

A member runs in a task of its own. What fails there is recorded here and ends here: the hub and
the other members go on.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping

from msgspec import Struct

from fluxum.connect import connect
from fluxum.errors import (
    BadInput,
    FluxumError,
    NotSubscribed,
    OrderJournalError,
    VenueRefused,
)
from fluxum.flow.background import background
from fluxum.flow.histogram import Histogram
from fluxum.flow.opening import Opening
from fluxum.flow.pipe import ReaderPolicy
from fluxum.hub.wanted import HubAccount, Suited, account_config
from fluxum.model.event import (
    Channel,
    Event,
    LinkEvent,
    State,
    StateChange,
    Subscription,
    VenueFailed,
)
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.orders.journal import OrderJournal
from fluxum.runtime import Runtime
from fluxum.session.session import Session
from fluxum.trader import ACCOUNT_CHANNELS, Trader, open_journal, trader_of
from fluxum.venues.venue import Venue

__all__ = ["HubContext", "HubMissing", "Member", "Sample", "has_quorum"]

_log = logging.getLogger(__name__)
_STEERING: frozenset[type] = frozenset((*LinkEvent.__args__, BookSnapshot))
_HINTS_WAITING = 1000
_ACCOUNT_CHECK_S = 0.25
_SAMPLES = 11


class HubMissing(Struct, frozen=True, kw_only=True):
    """One reason why a hub is not ready: of a venue, or of a subscription there."""

    venue: str
    subscription: Subscription | None = None
    link: str = ""
    reason: str

    def __str__(self) -> str:
        """Short text for the user."""
        subject = self.link if self.subscription is None else str(self.subscription)
        return f"{self.venue} {subject}".rstrip() + f": {self.reason}"


class Sample(Struct, frozen=True):
    """A member's counts at one second, for its rates."""

    at_s: float
    frames: int
    published: int


class HubContext(Struct, frozen=True):
    """What all members of a hub share.

    `readers` are for readers of events whose call names no others. `publish` publishes an event of
    the hub itself. `moved` is called when something may have changed: a readiness, a failure, the
    proof of a book.
    """

    runtime: Runtime
    readers: ReaderPolicy | None
    publish: Callable[[Event], None]
    moved: Callable[[], None]


class Member:
    """One venue of a hub; `run` keeps it until `close` is called."""

    def __init__(
        self,
        venue: Venue,
        wanted: Iterable[Subscription],
        context: HubContext,
        *,
        account: HubAccount | None = None,
    ) -> None:
        self.venue = venue
        self.name = venue.name
        self.account = account
        self.session: Session | None = None
        self.trader: Trader | None = None
        self.error: FluxumError | None = None
        """Why the venue failed for good."""
        self.account_error: FluxumError | None = None
        self.refused: dict[Subscription, str] = {}
        """What the venue does not offer, so that it was never requested."""
        self.attempt = 0
        """Attempts to connect since the last that succeeded."""
        self.reason = ""
        self.opened = asyncio.Event()
        self.withdrawn: set[Symbol] = set()
        """Markets whose updates can return them to a consolidated book."""
        self.delivered = Histogram()
        """From the receipt of an event until a reader of the hub has it; some are measured."""
        self.samples: deque[Sample] = deque(maxlen=_SAMPLES)
        self._wanted = tuple(wanted)
        self._context = context
        self._closing = asyncio.Event()

    # Its life

    async def run(self) -> None:
        """Open the session, and keep it until `close`; raises nothing but a cancellation."""
        try:
            async with self._connect() as session:
                self.session = session
                self.subscribe(self._wanted)
                self.opened.set()
                async with background(self._follow(session)) as work:
                    if self.account is not None:
                        work.start(self._trade(session, self.account))
                    await self._closing.wait()
        except FluxumError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - a defect at one venue must not end the others
            _log.exception("%s failed unexpectedly", self.name)
            self._fail(FluxumError(f"unexpected: {error!r}"))
        finally:
            self.opened.set()
            self._context.moved()

    def close(self) -> None:
        """Let `run` end."""
        self._closing.set()

    # Requests

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Subscribe to what the venue offers of this; the rest is in `refused` with its reason."""
        suited = Suited.to(self.venue, wanted)
        self.refused.update(suited.refused)
        session = self.session
        if session is None:
            return
        try:
            session.subscribe(*suited.offered)
        except BadInput:  # one of them is wrong: the others are subscribed all the same
            for one in suited.offered:
                try:
                    session.subscribe(one)
                except BadInput as error:
                    self.refused[one] = str(error)
        self._context.moved()

    def unsubscribe(self, symbol: Symbol, channels: Collection[Channel] | None) -> None:
        """End the subscriptions of a symbol: all, or of these channels; raises NotSubscribed."""

        def is_unwanted(one: Subscription) -> bool:
            return one.symbol == symbol and (channels is None or one.channel in channels)

        refused = [one for one in self.refused if is_unwanted(one)]
        for one in refused:
            del self.refused[one]
        subscribed = () if self.session is None else self.session.subscriptions
        active = [one for one in subscribed if is_unwanted(one)]
        if not refused and not active:
            raise NotSubscribed(f"{symbol} is not subscribed at {self.name}")
        if self.session is not None:
            self.session.unsubscribe(*active)
        self._context.moved()

    # State

    @property
    def state(self) -> State:
        """The state of the session; FAILED if the venue failed for good."""
        if self.error is not None:
            return State.FAILED
        return State.DISCONNECTED if self.session is None else self.session.state

    @property
    def is_ready(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing()

    def missing(self) -> list[HubMissing]:
        """Why the venue is not ready; empty when it is."""
        if self.error is not None:
            return [HubMissing(venue=self.name, reason=f"failed: {self.error}")]
        if self.session is None:
            return [HubMissing(venue=self.name, reason="not open")]
        missing = [
            HubMissing(venue=self.name, subscription=one, reason=reason)
            for one, reason in self.refused.items()
        ]
        missing += [
            HubMissing(
                venue=self.name, subscription=one.subscription, link=one.link, reason=one.reason
            )
            for one in self.session.missing()
        ]
        if self.account is not None and self.trader is None:
            reason = "not reconciled" if self.account_error is None else str(self.account_error)
            missing.append(HubMissing(venue=self.name, reason=f"account: {reason}"))
        return missing

    def require_trader(self) -> Trader:
        """The trader, if it is ready; raises as `Hub.trader` does."""
        if self.account is None:
            raise BadInput(f"there is no account at {self.name} in this hub")
        if self.trader is None:
            reasons = "; ".join(map(str, self.missing()))
            raise self.account_error or self.error or BadInput(f"not ready: {reasons}")
        return self.trader

    def hopeless(self) -> str:
        """Why waiting cannot make the venue ready; empty if it can."""
        if self.error is not None:
            return f"{self.name} failed: {self.error}"
        refused = dict(self.refused)
        if self.session is not None:
            refused.update(self.session.refused)
        if refused:
            return "; ".join(f"{self.name} refused '{one}': {why}" for one, why in refused.items())
        return "" if self.account_error is None else f"{self.name} account: {self.account_error}"

    def histograms(self) -> Mapping[str, Histogram]:
        """How long frames take by hop: those of the session, and `delivered`."""
        if self.session is None:
            return {"delivered": self.delivered}
        return {**self.session.histograms(), "delivered": self.delivered}

    def sample(self, now_s: float) -> None:
        """Note the counts now; called once a second."""
        if self.session is not None:
            counts = self.session.statistics()
            self.samples.append(Sample(now_s, counts.frames, counts.published))

    # Pieces

    def _connect(self) -> Opening[Session]:
        return connect(
            self.venue,
            account_config=None if self.account is None else account_config(self.account),
            runtime=self._context.runtime,
            readers=self._context.readers,
        )

    async def _follow(self, session: Session) -> None:
        """Note what happens to the session, until it fails for good or its block ends."""
        try:
            with session.events(self._steers, capacity=_HINTS_WAITING) as events:
                async for batch in events.batches():
                    for event in batch:
                        if isinstance(event, StateChange):
                            self.attempt, self.reason = event.attempt, event.reason
                    self._context.moved()
        except FluxumError as error:
            self._fail(error)

    def _steers(self, event: Event) -> bool:
        """Whether an event may change the readiness or the proof of a book."""
        if isinstance(event, BookUpdate):
            return bool(self.withdrawn) and event.symbol in self.withdrawn
        return type(event) in _STEERING

    async def _trade(self, session: Session, account: HubAccount) -> None:
        """Keep a trader over the session, until the block ends or the account fails for good."""
        try:
            session.subscribe(*map(Subscription, ACCOUNT_CHANNELS))
            with open_journal(self.venue, account.journal, account_config(account)) as journal:
                while True:
                    await _wait_account(session)
                    await self._trade_until_late(session, account, journal)
        except (FluxumError, OSError) as error:  # the latter is of the journal's folder
            _log.error("%s account failed: %s", self.name, error)
            self.account_error = error if isinstance(error, FluxumError) else _journal_error(error)
            self._context.moved()

    async def _trade_until_late(
        self, session: Session, account: HubAccount, journal: OrderJournal
    ) -> None:
        """Open a trader and keep it; returns if the orders are not reconciled in time."""
        try:
            async with trader_of(
                session,
                journal,
                self._context.runtime,
                limits=account.limits,
                ledger=account.ledger,
            ) as trader:
                self.trader = trader
                self._context.moved()
                await asyncio.Event().wait()
        except TimeoutError as error:
            _log.warning("%s account: %s", self.name, error)
        finally:
            self.trader = None

    def _fail(self, error: FluxumError) -> None:
        if self.error is None:
            self.error = error
            now_ns = self._context.runtime.clock.now_ns()
            _log.error("%s failed: %s", self.name, error)
            self._context.publish(
                VenueFailed(venue=self.name, reason=str(error), received_ns=now_ns)
            )
            self._context.moved()


def _journal_error(error: OSError) -> OrderJournalError:
    return OrderJournalError(f"the journal of orders cannot be used: {error}")


def has_quorum(members: Iterable[Member], needed: int) -> bool:
    """Whether so many venues are ready; raises VenueRefused if that cannot come any more."""
    every = list(members)
    if sum(one.is_ready for one in every) >= needed:
        return True
    reasons = [reason for reason in (one.hopeless() for one in every) if reason]
    if len(every) - len(reasons) < needed:
        raise VenueRefused(f"{needed} ready venues cannot be had: {'; '.join(reasons)}")
    return False


async def _wait_account(session: Session) -> None:
    """Wait until the account's channels lack nothing; other subscriptions may."""
    while any(  # noqa: ASYNC110 - no event reports that a channel is complete
        one.subscription is None or one.subscription.channel in ACCOUNT_CHANNELS
        for one in session.missing()
    ):
        await asyncio.sleep(_ACCOUNT_CHECK_S)
