"""Many venues as one.

    async with fluxum.hub({VENUE: ["BTC/USD"], OTHER: ["BTC/USD"]}) as hub:
        await hub.wait_ready(quorum=1, timeout_s=20)
        async for event in hub.events(): ...

Each venue has one session, in a task of its own; the session spreads its subscriptions over as
many links as the venue's limits require. A venue that fails, or cannot be opened, is in `missing`
and `health` with its reason, and harms no other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence

from msgspec import structs

from fluxum.board import Board
from fluxum.book.consolidated import ConsolidatedBook
from fluxum.book.failover import Failover
from fluxum.connect import endpoints_at
from fluxum.errors import BadInput
from fluxum.flow.background import Background
from fluxum.flow.bus import Bus
from fluxum.flow.histogram import Histogram
from fluxum.flow.merge import Merged
from fluxum.flow.pipe import Overflow, Pipe
from fluxum.hub.consolidation import Consolidation
from fluxum.hub.health import HubHealth, hub_health
from fluxum.hub.member import HubContext, HubMissing, Member, has_quorum
from fluxum.hub.statistics import HubCounts, HubStatistics, add, counts_of, total
from fluxum.hub.streams import ConsolidatedStream, HubBookStream, HubStreams
from fluxum.hub.wanted import Channels, HubAccount, HubPlan, HubVenue, find_keys
from fluxum.model.account import Credentials
from fluxum.model.event import Channel, Event, State
from fluxum.model.input import Number
from fluxum.model.instrument import Symbol
from fluxum.model.market import Candle, Ticker, Trade
from fluxum.runtime import Runtime
from fluxum.session.account_config import AccountConfig
from fluxum.session.session import Session
from fluxum.session.streams import Stream
from fluxum.trader import Trader
from fluxum.venues.register import find_venue
from fluxum.venues.venue import Venue

__all__ = ["Account", "Hub"]

_CAPACITY = 10_000
_SAMPLE_S = 1.0
Account = HubAccount | Credentials | AccountConfig | str
"""An account at a venue: a source of keys (see `find_credentials`), keys, or more of it."""


class Hub:
    """Many venues behind one interface; made by `hub`."""

    def __init__(self, plan: HubPlan, runtime: Runtime) -> None:
        self._plan = plan
        self._runtime = runtime
        self._known: dict[str, Venue] = {}  # with the endpoints and limits that they have here
        self._bus: Bus[Event] = Bus()
        self._context = HubContext(runtime, plan.readers, self._bus.put, self._note_move)
        self._members: dict[str, Member] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._streams = HubStreams(self._bus, runtime.clock, self._members)
        self._consolidation = Consolidation(runtime.clock, self._bus.put, self._members)
        self._removed = HubCounts()
        self._moved = asyncio.Event()
        self._work: Background | None = None
        self._close: Callable[[], Awaitable[None]] | None = None

    async def open(self, work: Background) -> None:
        """Open every venue's session; called by `hub`."""
        self._work = work
        work.start(self._sample(), name="hub samples")
        for member in self._members.values():
            self._start(member)
        for member in list(self._members.values()):
            await self._wait_opened(member)

    def end(self) -> None:
        """End every stream; called by `hub`."""
        self._work = None
        self._bus.close()

    async def close(self) -> None:
        """End a hub that was awaited; one that was entered ends with its block."""
        if self._close is None:
            raise BadInput("this hub was entered: it ends with its block")
        await self._close()

    def closed_by(self, close: Callable[[], Awaitable[None]]) -> None:
        """The hub was awaited; `close` ends it."""
        self._close = close

    # Venues and subscriptions

    async def add(
        self,
        venue: str,
        symbols: Iterable[str] = (),
        channels: Iterable[Channel | str] | None = None,
        *,
        account: Account | None = None,
        endpoint: str | None = None,
    ) -> None:
        """Add a venue, or open one again that failed; streams that are open get its events too.

        The channels are those of the hub unless given. Raises BadInput as `hub` does, and if the
        venue is there already.
        """
        if self._work is None:
            raise BadInput("the hub is closed")
        before = self._members.get(venue)
        if before is not None:
            if before.error is None:
                raise BadInput(f"{venue} is part of this hub already")
            await self.remove(venue)
        wanted = HubVenue(symbols=symbols, channels=channels)
        member = self.enlist(venue, wanted, account=account, endpoint=endpoint)
        self._start(member)
        await self._wait_opened(member)

    async def remove(self, venue: str) -> None:
        """Close a venue's links and forget it; its counts stay in `statistics`. Raises BadInput."""
        member = self._member(venue)
        member.close()
        await asyncio.wait({self._running[venue]})
        if self._members.get(venue) is not member:
            return  # another task has removed it meanwhile
        del self._members[venue], self._running[venue]
        self._streams.leave(venue)
        if member.session is not None:
            counts = structs.replace(member.session.statistics(), readers=())
            self._removed = add((self._removed, counts_of(counts)))
        self._consolidation.enlist()
        self._note_move()

    def subscribe(
        self,
        markets: Mapping[str, Iterable[str]],
        channels: Iterable[Channel | str] | None = None,
        *,
        depth: int | None = None,
        interval_s: int | None = None,
    ) -> None:
        """Subscribe to more, now and after every reconnect; the channels default to the hub's.

        What a venue does not offer is missing there. Raises BadInput for a venue that is not part
        of the hub, an unknown channel and a malformed symbol.
        """
        wanted = self._wanted(channels, depth, interval_s)
        for member, symbols in [(self._member(one), of) for one, of in markets.items()]:
            member.subscribe(wanted.of(symbols))
        self._consolidation.enlist()

    def unsubscribe(
        self,
        markets: Mapping[str, Iterable[str]],
        channels: Iterable[Channel | str] | None = None,
    ) -> None:
        """End subscriptions: of these channels, or all of these symbols.

        Raises BadInput as `subscribe` does, and NotSubscribed if a symbol has no such subscription.
        """
        kinds = None if channels is None else Channels.parsed(channels, None, None).channels
        for member, symbols in [(self._member(one), of) for one, of in markets.items()]:
            for symbol in symbols:
                member.unsubscribe(Symbol(symbol), kinds)
        self._consolidation.enlist()

    # State

    @property
    def venues(self) -> tuple[str, ...]:
        """The names of the venues, in the order they were added."""
        return tuple(self._members)

    def session(self, venue: str) -> Session:
        """A venue's session. Raises BadInput, and the venue's error if it could not be opened."""
        member = self._member(venue)
        if member.session is None:
            raise member.error or BadInput(f"{venue} is not open")
        return member.session

    def now_ns(self) -> int:
        """The hub's clock."""
        return self._runtime.clock.now_ns()

    def state(self, venue: str) -> State:
        """The state of a venue's session; FAILED if the venue failed for good. Raises BadInput."""
        return self._member(venue).state

    def trader(self, venue: str) -> Trader:
        """The trader of a venue with an account.

        Raises BadInput without an account and while it is not ready, and the account's error if it
        failed for good.
        """
        return self._member(venue).require_trader()

    def missing(self) -> list[HubMissing]:
        """What is missing before every venue is ready, where, and why; empty when all are."""
        return [one for member in self._members.values() for one in member.missing()]

    @property
    def quorum(self) -> int:
        """How many venues have to be ready: as opened with, and at most all of them."""
        count = len(self._members)
        return count if self._plan.quorum is None else min(self._plan.quorum, count)

    async def wait_ready(self, quorum: int | None = None, timeout_s: float | None = None) -> None:
        """Wait until as many venues are ready as `quorum`: until nothing is missing there.

        Without one it is the hub's own, see `quorum`.

        Raises BadInput for a quorum that is no number of venues, VenueRefused as soon as too many
        venues have failed or refused something, and TimeoutError with what is missing.
        """
        count = len(self._members)
        needed = self.quorum if quorum is None else quorum
        if not 1 <= needed <= count:
            raise BadInput(f"a quorum of 1 to {count} venues was expected, was {needed}")
        try:
            async with asyncio.timeout(timeout_s):
                while not has_quorum(self._members.values(), needed):
                    await self._moved.wait()
        except TimeoutError:
            missing = "; ".join(map(str, self.missing()))
            raise TimeoutError(f"not ready after {timeout_s} s: {missing}") from None

    def health(self) -> HubHealth:
        """The state of every venue and of the hub, with reasons."""
        now_ns, now_s = self._runtime.clock.now_ns(), asyncio.get_running_loop().time()
        return hub_health(self._members.values(), self.quorum, now_ns, now_s)

    def histograms(self) -> Mapping[str, Mapping[str, Histogram]]:
        """What `health().latencies` are the short form of, by venue and hop; read only."""
        return {name: member.histograms() for name, member in self._members.items()}

    def statistics(self) -> HubStatistics:
        """All counts at this moment: the sum over the sessions, and each of them."""
        venues = {
            name: member.session.statistics()
            for name, member in self._members.items()
            if member.session is not None
        }
        return total(venues, self._removed, self._bus.statistics())

    # Streams; each call opens its own, which closes itself when no reference to it is left

    def events(
        self,
        wants: Callable[[Event], bool] | None = None,
        *,
        capacity: int | None = None,
        overflow: Overflow | None = None,
    ) -> Merged[Event]:
        """All events of all venues in the order of arrival, and the hub's own.

        With `wants` only those for which it is true.

        If this reader is behind, the venues take turns: each has its own `capacity`, so a busy
        venue costs a quiet one nothing. A reader that is too slow gets `Dropped` in place of lost
        events. A venue that fails does not end the stream: `VenueFailed` is in it.
        """

        def source(session: Session) -> Pipe[Event]:
            return session.events(wants, capacity=capacity, overflow=overflow)

        return self._streams.merge(source, wants or (lambda _event: True))

    def trades(self, symbol: str | None = None, *, capacity: int = _CAPACITY) -> Stream[Trade]:
        """The trades of all venues, of one symbol or all.

        What may be missing is counted, see `Stream`. Raises NotSubscribed if no venue has it.
        """
        return self._streams.stream(Trade, Channel.TRADE, symbol, capacity, Overflow.DROP_OLDEST)

    def tickers(self, symbol: str | None = None, *, capacity: int = 1000) -> Stream[Ticker]:
        """The latest tickers of all venues; a slow reader skips to the last. As `trades`."""
        return self._streams.stream(Ticker, Channel.TICKER, symbol, capacity, Overflow.CONFLATE)

    def candles(self, symbol: str | None = None, *, capacity: int = _CAPACITY) -> Stream[Candle]:
        """The candles of all venues, of one symbol or all. As `trades`."""
        return self._streams.stream(Candle, Channel.CANDLE, symbol, capacity, Overflow.DROP_OLDEST)

    def books(self, symbol: str, depth: int = 10) -> HubBookStream:
        """The book of a symbol at each venue after each of its changes, with its proof.

        A slow reader skips to the latest of each venue. Raises NotSubscribed if no venue has it.
        """
        return self._streams.books(symbol, self.session, depth)

    def consolidated(
        self,
        symbol: str,
        depth: int = 10,
        *,
        fees: Mapping[str, Number] | None = None,
        unverified: Collection[str] = (),
    ) -> ConsolidatedStream:
        """The consolidated book after each change, and who leaves and returns; see `book`."""
        book = self.book(symbol, fees=fees, unverified=unverified)
        return self._streams.consolidated(book, self._consolidation.markets(symbol), depth)

    def board(self, *, trades_kept: int = 100, candles_kept: int = 100) -> Board:
        """The last ticker, trades, candles and balances of each venue, from now on.

        Each has its age and is valid until its link is lost. The board follows the hub until no
        reference to it is left. Raises BadInput if the hub is closed.
        """
        if self._work is None:
            raise BadInput("the hub is closed")
        return self._streams.board(self._work, trades_kept, candles_kept)

    # Consolidated books

    def book(
        self,
        symbol: str,
        *,
        fees: Mapping[str, Number] | None = None,
        unverified: Collection[str] = (),
    ) -> ConsolidatedBook:
        """The live book of a symbol over all venues that have it, and its aliases.

        Only books that are proved are part of it, and unverified ones of the venues in
        `unverified`. `fees` are rates of takers by venue, as fractions. Raises NotSubscribed if no
        venue has it, and BadInput for a venue that is not part of the hub.
        """
        self._streams.require(Channel.BOOK, *self._consolidation.markets(symbol))
        return ConsolidatedBook(self._consolidation.contributors(symbol, unverified), fees)

    def alias(self, symbol: str, other: str, *, haircut_bps: Number) -> None:
        """Take books of `other` as books of `symbol` in consolidated books.

        A dollar and a token of it are not the same, so nothing is merged by itself. Bids of `other`
        are lowered and asks raised by `haircut_bps` hundredths of a per cent. Raises BadInput for
        another base asset or contract, and for a negative haircut.
        """
        self._consolidation.alias(symbol, other, haircut_bps)

    def failover(
        self, symbol: str, venues: Sequence[str] | None = None, *, hold_s: float | None = None
    ) -> Failover:
        """Quotes and marks of a symbol from the first of these venues whose book is proved.

        A venue earlier in the list is used again once its book has been proved for `hold_s` seconds
        without a break. Both are as the hub was opened with unless given. Each change is a
        `FailedOver` in `events`. Raises BadInput for a venue that is not part of the hub and for a
        symbol without venues, and NotSubscribed if no venue has the symbol.
        """
        self._streams.require(Channel.BOOK, symbol)
        order = self._plan.failover.get(Symbol(symbol)) if venues is None else venues
        if order is None:
            raise BadInput(f"venues to fail over between were expected for {symbol}, were none")
        return self._consolidation.failover(
            symbol, order, self._plan.hold_s if hold_s is None else hold_s
        )

    # Pieces

    def enlist(
        self,
        venue: str,
        wanted: HubVenue,
        *,
        account: Account | None = None,
        endpoint: str | None = None,
    ) -> Member:
        """A venue of this hub that is not open yet; raises BadInput. Called by `hub` and `add`."""
        known = wanted.venue or self._known.get(venue) or find_venue(venue)
        if endpoint is not None:
            known = structs.replace(known, endpoints=endpoints_at(known, endpoint))
        streams = self._wanted(wanted.channels, wanted.depth, wanted.interval_s)
        offered = [
            one
            for one in streams.of(wanted.symbols)
            if account is not None or not one.channel.is_private
        ]
        keyed = None if account is None else find_keys(known, account)
        member = Member(known, offered, self._context, account=keyed)
        self._members[venue], self._known[venue] = member, known
        return member

    def _start(self, member: Member) -> None:
        assert self._work is not None, "venues are started in the hub's block"
        self._running[member.name] = self._work.start(member.run(), name=f"hub {member.name}")

    async def _wait_opened(self, member: Member) -> None:
        await member.opened.wait()
        if member.session is not None:
            self._streams.join(member.name, member.session)
        self._consolidation.enlist()

    def _wanted(
        self,
        channels: Iterable[Channel | str] | None,
        depth: int | None = None,
        interval_s: int | None = None,
    ) -> Channels:
        """The given channels, with the hub's own settings for the others."""
        own = self._plan.channels
        return Channels.parsed(
            own.channels if channels is None else channels,
            own.depth if depth is None else depth,
            own.interval_s if interval_s is None else interval_s,
        )

    def _member(self, venue: str) -> Member:
        member = self._members.get(venue)
        if member is None:
            known = ", ".join(self._members) or "none"
            raise BadInput(f"a venue of this hub was expected ({known}), was {venue!r}")
        return member

    def _note_move(self) -> None:
        """Something may have changed: publish who left a book, wake those who wait."""
        self._consolidation.refresh()
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def _sample(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            for member in self._members.values():
                member.sample(loop.time())
            self._consolidation.refresh()
            await asyncio.sleep(_SAMPLE_S)
