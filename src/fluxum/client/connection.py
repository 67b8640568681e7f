"""A client's session and trader, and the one task that takes the session's events.

The task keeps the last values and puts items into the callbacks' pipes. It never waits for a
callback. A question first takes the events that wait, so that the answer is as new as the session.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from fluxum.balances import BalanceManager
from fluxum.board import Board
from fluxum.client.callbacks import Callbacks
from fluxum.client.dispatch import Dispatch
from fluxum.connect import connect
from fluxum.credentials import find_credentials
from fluxum.errors import BadInput, FluxumError, TransportError
from fluxum.flow.background import detached
from fluxum.flow.opening import Opening
from fluxum.flow.pipe import Pipe
from fluxum.model.account import Credentials
from fluxum.model.event import Channel, Event, Subscription
from fluxum.model.input import counted
from fluxum.orders.journal import OrderJournal
from fluxum.orders.risk import RiskLimits
from fluxum.runtime import LiveRuntime, Runtime
from fluxum.session.account_config import AccountConfig
from fluxum.session.session import Session
from fluxum.trader import Trader, open_journal, trader_of
from fluxum.venues.venue import Venue

__all__ = ["ClientConnection", "ClientOptions"]

_CAPACITY = 100_000


class ClientOptions(Struct, frozen=True, kw_only=True):
    """What a client was made with; see `Client`."""

    venue: Venue
    keys: str | Credentials | AccountConfig | None = None
    journal: str | Path | OrderJournal | None = None
    limits: RiskLimits | None = None
    tier: str = ""
    can_trade: bool = True
    endpoint: str | None = None
    proxy: str | None = None

    def account_config(self) -> AccountConfig | None:
        """The account, whose keys are found; `None` without one. Raises BadInput."""
        keys = self.keys
        if keys is None or isinstance(keys, AccountConfig):
            return keys
        if not isinstance(keys, Credentials):
            keys = find_credentials(self.venue.name, keys)
        return AccountConfig(keys, tier=self.tier)


class ClientConnection:
    """One client's connection, from `open` to `close`, again and again."""

    def __init__(
        self,
        options: ClientOptions,
        runtime: Runtime | None,
        callbacks: Callbacks,
        kept: int,
    ) -> None:
        self.options = options
        self.runtime = LiveRuntime(proxy=options.proxy) if runtime is None else runtime
        self.callbacks = callbacks
        counted(kept, "kept")
        self.board = Board(self.runtime.clock.now_ns, trades_kept=kept, candles_kept=kept)
        """The last values, whether they can be trusted now or not; see `reason`."""
        self.loop: asyncio.AbstractEventLoop | None = None
        """The loop it is open in; `None` while it is closed."""
        self.trader: Trader | None = None
        self.balances: BalanceManager | None = None
        self.dispatch = Dispatch(callbacks, self.board)
        self._session: Session | None = None
        self._events: Pipe[Event] | None = None
        self._task: asyncio.Task[None] | None = None
        self._error: FluxumError | None = None
        self._news: asyncio.Future[None] | None = None
        self._begun_s = 0.0

    # Life

    @property
    def session(self) -> Session:
        """The session; raises BadInput while the client is not connected."""
        if self._session is None:
            raise BadInput("the client is not connected: call connect first")
        return self._session

    @property
    def is_open(self) -> bool:
        """Whether there is a session."""
        return self._session is not None

    @property
    def uptime_s(self) -> float:
        """Seconds since it was opened; zero while it is closed."""
        return 0.0 if self.loop is None else self.loop.time() - self._begun_s

    async def open(self, timeout_s: float) -> bool:
        """Open a session and wait for its link; after a time-out nothing is left open.

        Raises BadInput, and the session's error if it fails for good.
        """
        if self._session is None:
            await self._open()
        try:
            if await self.wait(lambda: self.dispatch.is_up, timeout_s):
                return True
            missing = "; ".join(map(str, self.session.missing())) or "no link"
            self.callbacks.report(TransportError(f"not connected after {timeout_s:g} s: {missing}"))
        except BaseException:
            await self.close()
            raise
        await self.close()
        return False

    async def open_private(self, timeout_s: float) -> bool:
        """Subscribe to the account's orders and open the trader; false after a time-out."""
        session, options = self.session, self.options
        if options.keys is None:
            raise BadInput("keys were expected for private channels, were none")
        session.subscribe(Subscription(Channel.EXECUTION))
        try:
            if not options.can_trade:
                await session.wait_ready(timeout_s)
            elif self.trader is None:
                self.trader = await Opening(lambda: self._trading(session, timeout_s))
        except TimeoutError as error:
            self.callbacks.report(TransportError(str(error)))
            return False
        return True

    async def open_balances(self) -> None:
        """Open the balance manager, once."""
        session = self.session
        if self.balances is None:
            self.balances = await Opening(lambda: BalanceManager(session))

    async def close(self) -> None:
        """Close the trader and the session; what waits is delivered to the callbacks first."""
        session, self._session = self._session, None
        trader, self.trader = self.trader, None
        balances, self.balances = self.balances, None
        task, self._task = self._task, None
        if session is None:
            return
        try:
            for resource in (balances, trader, session):
                if resource is not None:
                    await self._end(resource)
            if task is not None:
                await task
        finally:
            self.dispatch.end()
            await self.callbacks.close()
            self.loop = self._events = None

    # Requests

    async def subscribe(self, wanted: list[Subscription], timeout_s: float) -> bool:
        """Subscribe, and wait until all of these streams have begun.

        What the venue refuses is reported and unsubscribed; then the answer is false, as it is
        after a time-out. Raises BadInput.
        """
        session, refusals = self.session, self.dispatch.refused
        complete = session.subscribe(*wanted)
        for one in complete:
            refusals.pop(one, None)
        is_ready = await self.wait(
            lambda: all(one in refusals or not self.reason(one) for one in complete),
            timeout_s,
        )
        refused = [one for one in complete if one in refusals]
        if refused and self._session is session:
            session.unsubscribe(*(one for one in refused if one in session.subscriptions))
        return is_ready and not refused

    def unsubscribe(self, channel: Channel, symbols: list[str] | None) -> bool:
        """End all subscriptions of a channel, or those of some markets; false if there is none."""
        self.catch_up()
        gone = [
            one
            for one in self.session.subscriptions
            if one.channel is channel and (symbols is None or one.symbol in symbols)
        ]
        if gone:
            self.session.unsubscribe(*gone)
            for one in gone:
                self.board.forget(self.options.venue.name, one)
        return bool(gone)

    async def wait(self, is_done: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until something is true; false after a time-out. Raises the session's error."""
        try:
            async with asyncio.timeout(timeout_s):
                while not is_done():
                    if self._error is not None:
                        raise self._error
                    if self._session is None:
                        return False
                    await self._next_news()
        except TimeoutError:
            return False
        return True

    # State

    def find(self, channel: Channel, symbol: str | None = None) -> list[Subscription]:
        """The subscriptions of a channel, to one market or to all."""
        return [
            one
            for one in (() if self._session is None else self._session.subscriptions)
            if one.channel is channel and symbol in (None, one.symbol)
        ]

    def reason(self, subscription: Subscription) -> str:
        """Why a stream is not followed now; empty if it is."""
        if self._session is None:
            return "the client is not connected"
        if self._error is not None:
            return str(self._error)
        for one in self._session.missing():
            if one.subscription is not None:
                if self._session.venue.whole(one.subscription) == subscription:
                    return one.reason
            elif self._session.venue.endpoint_of(subscription) == one.link.rpartition("-")[0]:
                return one.reason
        gap = self._session.gaps.open.get(subscription)
        return "" if gap is None else gap.detail

    def catch_up(self) -> None:
        """Take all events that wait."""
        if self._events is not None:
            self._take(self._events.drain())

    # Pieces

    async def _open(self) -> None:
        options = self.options
        session = await connect(
            options.venue,
            endpoint=options.endpoint,
            account_config=options.account_config(),
            runtime=self.runtime,
        )
        self.loop = asyncio.get_running_loop()
        self._begun_s = self.loop.time()
        self._session, self._error = session, None
        self.dispatch.begin(session)
        self._events = session.events(capacity=_CAPACITY)
        self.callbacks.open()
        self._task = detached(self._follow(self._events), name=f"{options.venue.name} client")
        session.subscribe(Subscription(Channel.INSTRUMENT))  # so that there is a link

    @asynccontextmanager
    async def _trading(self, session: Session, timeout_s: float) -> AsyncGenerator[Trader]:
        options = self.options
        account = options.account_config()
        assert account is not None
        with open_journal(options.venue, options.journal, account, options.endpoint) as journal:
            await session.wait_ready(timeout_s)
            async with trader_of(
                session, journal, self.runtime, options.limits, ready_s=timeout_s
            ) as trader:
                yield trader

    async def _end(self, resource: BalanceManager | Trader | Session) -> None:
        try:
            await resource.close()
        except FluxumError as error:
            self.callbacks.report(error)

    async def _follow(self, events: Pipe[Event]) -> None:
        try:
            async for batch in events.batches():
                self._take(batch)
        except FluxumError as error:
            self._error = error
            self.callbacks.report(error)
        finally:
            self.dispatch.end()
            self._wake()

    def _take(self, batch: list[Event]) -> None:
        self.dispatch.take(batch)
        self._wake()

    async def _next_news(self) -> None:
        if self._news is None or self._news.done():
            self._news = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._news)

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)
