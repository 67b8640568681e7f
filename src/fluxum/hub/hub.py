"""Many venues as one.

    async with fluxum.hub({VENUE: ["BTC/USD"], OTHER: ["BTC/USD"]}) as hub:
        await hub.wait_ready(quorum=1, timeout_s=20)
        async for event in hub.events(): ...

Each venue has one session, in a task of its own; the session spreads its subscriptions over as
many links as the venue's limits require. A venue that fails, or cannot be opened, is in `missing`
and `health` with its reason, and harms no other.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar
from weakref import WeakKeyDictionary

from msgspec import structs

from fluxum.connect import endpoints_at
from fluxum.errors import BadInput, FluxumError, NotSubscribed, VenueRefused
from fluxum.flow.background import Background, background
from fluxum.flow.bus import Bus
from fluxum.flow.merge import Merged
from fluxum.flow.opening import Opening
from fluxum.flow.pipe import Overflow, Pipe
from fluxum.hub.health import HubHealth, hub_health, venue_health
from fluxum.hub.member import HubContext, HubMissing, Member
from fluxum.hub.statistics import HubCounts, HubStatistics, add, counts_of, total
from fluxum.hub.streams import HubBookStream, book_source
from fluxum.hub.wanted import Channels, HubAccount, find_keys
from fluxum.model.account import Credentials
from fluxum.model.event import Channel, Dropped, Event, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import Candle, Ticker, Trade
from fluxum.runtime import LiveRuntime, Runtime
from fluxum.session.session import Session
from fluxum.session.streams import Stream
from fluxum.trader import Trader
from fluxum.venues.register import find_venue

__all__ = ["Hub", "hub"]

T = TypeVar("T")
_CAPACITY = 10_000
_OWN_WAITING = 10_000
_SAMPLE_S = 1.0
Account = HubAccount | Credentials | str
Source = Callable[[Session], Pipe[Event]]


def hub(
    markets: Mapping[str, Iterable[str]],
    channels: Iterable[Channel | str] = (Channel.BOOK,),
    *,
    accounts: Mapping[str, Account] | None = None,
    depth: int | None = None,
    interval_s: int | None = None,
    endpoints: Mapping[str, str] | None = None,
    proxy: str | None = None,
    runtime: Runtime | None = None,
) -> Opening["Hub"]:
    """Several venues as one, subscribed but not yet ready: enter it, or await and close it.

    `markets` are the symbols of each venue; every channel is subscribed for every symbol, the
    channels of accounts only where there is one. `depth` is the least depth of books, `interval_s`
    is for candles. `accounts` are the accounts by venue: a source of keys (see `find_credentials`),
    keys, or a `HubAccount`. `endpoints` replaces the hosts of venues (see `connect`), as simulated
    exchanges need it. Raises BadInput for what no venue could understand: an unknown venue or
    channel, a malformed symbol or endpoint, an account without keys. What a single venue does not
    offer is missing there.
    """
    world = LiveRuntime(proxy=proxy) if runtime is None else runtime
    made = Hub(Channels.parsed(channels, depth, interval_s), world, proxy, endpoints or {})
    unknown = sorted({*(accounts or {}), *(endpoints or {})} - set(markets))
    if unknown:
        raise BadInput(f"a venue of this hub was expected ({', '.join(markets)}), was {unknown[0]}")
    for venue, symbols in markets.items():
        made.enlist(venue, symbols, account=(accounts or {}).get(venue))

    @asynccontextmanager
    async def opened() -> AsyncGenerator[Hub]:
        try:
            async with background() as work:
                await made.open(work)
                yield made
        finally:
            made.end()

    return Opening(opened)


class Hub:
    """Many venues behind one interface; made by `hub`."""

    def __init__(
        self,
        channels: Channels,
        runtime: Runtime,
        proxy: str | None,
        endpoints: Mapping[str, str],
    ) -> None:
        self._channels = channels
        self._runtime = runtime
        self._endpoints = dict(endpoints)
        self._bus: Bus[Event] = Bus()
        self._context = HubContext(runtime, proxy, self._bus.put, self._note_move)
        self._members: dict[str, Member] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._merged: WeakKeyDictionary[Merged[Event], Source] = WeakKeyDictionary()
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
            await member.opened.wait()

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
        if endpoint is not None:
            self._endpoints[venue] = endpoint
        member = self.enlist(venue, symbols, channels, account=account)
        self._start(member)
        await member.opened.wait()
        if member.session is not None:
            for merged, source in list(self._merged.items()):
                merged.add(source(member.session))

    async def remove(self, venue: str) -> None:
        """Close a venue's links and forget it; its counts stay in `statistics`. Raises BadInput."""
        member = self._member(venue)
        task = self._running.pop(venue)
        member.close()
        await asyncio.wait({task})
        del self._members[venue]
        if member.session is not None:
            counts = structs.replace(member.session.statistics(), readers=())
            self._removed = add((self._removed, counts_of(counts)))
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

    def unsubscribe(
        self,
        markets: Mapping[str, Iterable[str]],
        channels: Iterable[Channel | str] | None = None,
    ) -> None:
        """End subscriptions: of these channels, or all of these symbols.

        Raises BadInput as `subscribe` does, and NotSubscribed if a symbol has no such subscription.
        """
        kinds = None if channels is None else set(Channels.parsed(channels, None, None).channels)

        for member, symbols in [(self._member(one), of) for one, of in markets.items()]:
            for symbol in map(Symbol, symbols):

                def is_unwanted(one: Subscription, symbol: Symbol = symbol) -> bool:
                    return one.symbol == symbol and (kinds is None or one.channel in kinds)

                if not member.unsubscribe(is_unwanted):
                    raise NotSubscribed(f"{symbol} is not subscribed at {member.name}")

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

    def trader(self, venue: str) -> Trader:
        """The trader of a venue with an account.

        Raises BadInput without an account and while it is not ready, and the account's error if it
        failed for good.
        """
        member = self._member(venue)
        if member.account is None:
            raise BadInput(f"there is no account at {venue} in this hub")
        if member.trader is None:
            reasons = "; ".join(map(str, member.missing()))
            raise member.account_error or member.error or BadInput(f"not ready: {reasons}")
        return member.trader

    def missing(self) -> list[HubMissing]:
        """What is missing before every venue is ready, where, and why; empty when all are."""
        return [one for member in self._members.values() for one in member.missing()]

    async def wait_ready(self, quorum: int | None = None, timeout_s: float | None = None) -> None:
        """Wait until all venues are ready, or as many as `quorum`: until nothing is missing there.

        Raises BadInput for a quorum that is no number of venues, VenueRefused as soon as too many
        venues have failed or refused something, and TimeoutError with what is missing.
        """
        count = len(self._members)
        needed = count if quorum is None else quorum
        if not 1 <= needed <= count:
            raise BadInput(f"a quorum of 1 to {count} venues was expected, was {needed}")
        try:
            async with asyncio.timeout(timeout_s):
                while not self._check_ready(needed):
                    await self._moved.wait()
        except TimeoutError:
            missing = "; ".join(map(str, self.missing()))
            raise TimeoutError(f"not ready after {timeout_s} s: {missing}") from None

    def health(self) -> HubHealth:
        """The state of every venue and of the hub, with reasons."""
        now_ns, now_s = self._runtime.clock.now_ns(), asyncio.get_running_loop().time()
        members = self._members.values()
        return hub_health({one.name: venue_health(one, now_ns, now_s) for one in members})

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
        self, *, capacity: int = _CAPACITY, overflow: Overflow = Overflow.DROP_OLDEST
    ) -> Merged[Event]:
        """All events of all venues in the order of arrival, and the hub's own.

        If this reader is behind, the venues take turns: each has its own `capacity`, so a busy
        venue costs a quiet one nothing. A reader that is too slow gets `Dropped` in place of lost
        events. A venue that fails does not end the stream: `VenueFailed` is in it.
        """

        def source(session: Session) -> Pipe[Event]:
            return session.events(capacity=capacity, overflow=overflow)

        return self._merge(source, lambda _event: True)

    def trades(self, symbol: str | None = None, *, capacity: int = _CAPACITY) -> Stream[Trade]:
        """The trades of all venues, of one symbol or all.

        What may be missing is counted, see `Stream`. Raises NotSubscribed if no venue has it.
        """
        return self._stream(Trade, Channel.TRADE, symbol, capacity, Overflow.DROP_OLDEST)

    def tickers(self, symbol: str | None = None, *, capacity: int = 1000) -> Stream[Ticker]:
        """The latest tickers of all venues; a slow reader skips to the last. As `trades`."""
        return self._stream(Ticker, Channel.TICKER, symbol, capacity, Overflow.CONFLATE)

    def candles(self, symbol: str | None = None, *, capacity: int = _CAPACITY) -> Stream[Candle]:
        """The candles of all venues, of one symbol or all. As `trades`."""
        return self._stream(Candle, Channel.CANDLE, symbol, capacity, Overflow.DROP_OLDEST)

    def books(self, symbol: str, depth: int = 10) -> HubBookStream:
        """The book of a symbol at each venue after each of its changes, with its proof.

        A slow reader skips to the latest of each venue. Raises NotSubscribed if no venue has it.
        """
        self._require(Channel.BOOK, symbol)
        return HubBookStream(self._merge(book_source(symbol), _none), self.session, symbol, depth)

    # Pieces

    def enlist(
        self,
        venue: str,
        symbols: Iterable[str],
        channels: Iterable[Channel | str] | None = None,
        *,
        account: Account | None = None,
    ) -> Member:
        """A venue of this hub that is not open yet; raises BadInput. Called by `hub` and `add`."""
        known = find_venue(venue)
        endpoint = self._endpoints.get(venue)
        if endpoint is not None:
            endpoints_at(known, endpoint)
        wanted = [
            one
            for one in self._wanted(channels).of(symbols)
            if account is not None or not one.channel.is_private
        ]
        keyed = None if account is None else find_keys(known, account)
        member = Member(known, wanted, self._context, account=keyed, endpoint=endpoint)
        self._members[venue] = member
        return member

    def _start(self, member: Member) -> None:
        assert self._work is not None, "venues are started in the hub's block"
        self._running[member.name] = self._work.start(member.run(), name=f"hub {member.name}")

    def _wanted(
        self,
        channels: Iterable[Channel | str] | None,
        depth: int | None = None,
        interval_s: int | None = None,
    ) -> Channels:
        """The given channels, with the hub's own settings for what is not given."""
        own = self._channels
        depth = own.depth if depth is None else depth
        interval_s = own.interval_s if interval_s is None else interval_s
        return Channels.parsed(own.channels if channels is None else channels, depth, interval_s)

    def _member(self, venue: str) -> Member:
        member = self._members.get(venue)
        if member is None:
            known = ", ".join(self._members) or "none"
            raise BadInput(f"a venue of this hub was expected ({known}), was {venue!r}")
        return member

    def _check_ready(self, needed: int) -> bool:
        members = self._members.values()
        if sum(one.is_ready for one in members) >= needed:
            return True
        reasons = [reason for reason in (one.hopeless() for one in members) if reason]
        if len(members) - len(reasons) < needed:
            raise VenueRefused(f"{needed} ready venues cannot be had: {'; '.join(reasons)}")
        return False

    def _require(self, channel: Channel, symbol: str | None) -> None:
        market = None if symbol is None else Symbol(symbol)
        for member in self._members.values():
            if member.session is not None and any(
                one.channel is channel and market in (None, one.symbol)
                for one in member.session.subscriptions
            ):
                return
        what = channel.value if symbol is None else f"{channel.value} {symbol}"
        raise NotSubscribed(f"'{what}' is subscribed at no venue of {', '.join(self._members)}")

    def _stream(
        self, kind: type[T], channel: Channel, symbol: str | None, capacity: int, overflow: Overflow
    ) -> Stream[T]:
        self._require(channel, symbol)

        def source(session: Session) -> Pipe[Event]:
            return session.events_of(kind, channel, symbol, capacity=capacity, overflow=overflow)

        return Stream(self._merge(source, _none), kind)

    def _merge(self, source: Source, wants_own: Callable[[Event], bool]) -> Merged[Event]:
        """The pipes of all venues as one, those of venues that come later included.

        It ends with the hub, not with its venues.
        """
        own = self._bus.subscribe(
            wants_own,
            capacity=_OWN_WAITING,
            overflow=Overflow.DROP_OLDEST,
            notice=self._dropped,
        )
        sessions = [one.session for one in self._members.values() if one.session is not None]
        merged = Merged([own, *map(source, sessions)], _pass_over)
        if self._work is not None:
            self._merged[merged] = source
        return merged

    def _dropped(self, count: int) -> Event:
        now_ns = self._runtime.clock.now_ns()
        return Dropped(venue="hub", count=count, received_ns=now_ns)

    def _note_move(self) -> None:
        """Wake those who wait for the hub to become ready."""
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def _sample(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            for member in self._members.values():
                member.sample(loop.time())
            await asyncio.sleep(_SAMPLE_S)


def _none(_event: Event) -> bool:
    return False


def _pass_over(_error: FluxumError) -> None:
    """A venue failed: the hub publishes VenueFailed itself, and its streams go on."""
