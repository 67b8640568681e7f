"""A paper account over the market data of a session: to an order desk it is as a real one.

    async with PaperGateway(session, PaperVenue(...), clock) as gateway:
        async with OrderDesk(gateway, MemoryOrderJournal(), random=random) as desk:
            await desk.place(OrderRequest(...))

The account's events come out of the session's own stream, `session.events()`, among market data
and in the order of their instants, so portfolios, ledgers and bots read them where they always do.
Nothing is sent to the venue.
"""

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from msgspec import structs

from fluxum.book.book import Book
from fluxum.clock import Clock
from fluxum.errors import BadInput, TransportError
from fluxum.flow.background import background
from fluxum.flow.pipe import Overflow, Pipe
from fluxum.model.account import Balance
from fluxum.model.event import Channel, DataStale, Desync, Event, LinkLost, Subscription
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Trade
from fluxum.model.order import Command, OrderUpdate
from fluxum.model.position import PositionUpdate
from fluxum.paper.venue import PaperVenue
from fluxum.session.filters import is_of_account
from fluxum.session.session import Session
from fluxum.venues.private import OrderQuery
from fluxum.venues.queries import Page
from fluxum.venues.trading import OrderRules

__all__ = ["PaperGateway"]

_CAPACITY = 1_000_000
_EVENTS_WAITING = 100_000
_SECOND_NS = 1_000_000_000
_KINDS = (BookSnapshot, BookUpdate, Trade, LinkLost, Desync, DataStale)


class PaperGateway:
    """A paper account, followed for the length of its block, inside the session's.

    The session has to have subscribed the books and the trades of the venue's markets: without
    trades nothing that rests is filled before the market has gone beyond its price.
    """

    def __init__(self, session: Session, venue: PaperVenue, clock: Clock) -> None:
        self.venue = venue
        self.rules = OrderRules()
        """The paper venue takes what the rules of the market allow, at any rate."""
        self._session = session
        self._clock = clock
        self._scope = background()
        self._changed = asyncio.Event()
        self._is_open = False

    async def __aenter__(self) -> Self:
        events = self._session.events(_is_wanted, capacity=_CAPACITY, overflow=Overflow.RAISE)
        work = await self._scope.__aenter__()
        self._is_open = True
        self._take_books()
        for event in self.venue.snapshot(self.now_ns()):
            self._session.publish(event)
        work.start(self._follow(events), name=f"{self.venue.venue} paper market")
        work.start(self._keep_time(), name=f"{self.venue.venue} paper time")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        self._is_open = False
        return await self._scope.__aexit__(kind, error, traceback)

    # What a desk uses

    @property
    def is_following(self) -> bool:
        """Whether the account takes commands: inside its block."""
        return self._is_open

    def command(self, command: Command) -> int:
        """Send a command; returns its number. Raises TransportError outside the block."""
        if not self._is_open:
            raise TransportError("the paper account is closed: nothing was sent")
        number = self.venue.command(command, self.now_ns())
        self._changed.set()
        return number

    async def open_orders(self) -> Page[OrderUpdate]:
        """Every open order of the account."""
        return Page(tuple(self.venue.open_orders()))

    async def find_order(self, query: OrderQuery) -> Sequence[OrderUpdate]:
        """The order that a query is about, open or ended; empty if there is none."""
        return [
            one
            for one in (*self.venue.open_orders(), *self.venue.closed_orders())
            if (query.order_id and one.order_id == query.order_id)
            or (query.client_order_id and one.client_order_id == query.client_order_id)
        ]

    async def closed_orders(
        self,
        since_ns: int,
        symbol: Symbol | None = None,
        is_enough: Callable[[Sequence[OrderUpdate]], bool] = lambda _orders: False,
    ) -> Page[OrderUpdate]:
        """Orders that ended since an instant, newest first, all at once."""
        found = tuple(
            one
            for one in self.venue.closed_orders()
            if one.venue_ns >= since_ns and symbol in (None, one.symbol)
        )
        is_enough(found)
        return Page(found)

    async def balances(self) -> Page[Balance]:
        """All balances of the account."""
        return Page(self.venue.account.balances(self.now_ns()))

    async def positions(self) -> Page[PositionUpdate]:
        """Raise BadInput: there are no contracts on paper."""
        raise BadInput("a paper account trades spot markets, which have no positions")

    def account_events(self) -> Pipe[Event]:
        """All about the account, in order; the pipe fails rather than drop one."""
        return self._session.events(
            is_of_account, capacity=_EVENTS_WAITING, overflow=Overflow.RAISE
        )

    def instrument(self, symbol: Symbol) -> Instrument | None:
        """A market's rules, if the paper venue has it."""
        market = self.venue.markets.get(symbol)
        return None if market is None else market.instrument

    def book(self, symbol: str) -> Book:
        """A market's live book; raises NotSubscribed."""
        return self._session.book(symbol)

    def now_ns(self) -> int:
        """The session's clock."""
        return self._clock.now_ns()

    def venue_now_ns(self) -> int:
        """The paper venue's clock, which is the session's."""
        return self._clock.now_ns()

    # Pieces

    def _take_books(self) -> None:
        """Begin with the books as they are: their snapshots came before."""
        for symbol in self.venue.markets:
            book = self._session.book(symbol)
            if book.evidence.live:
                known = book.depth_known
                snapshot = book.snapshot(known)
                depth, now_ns = book.depth, self.now_ns()
                self.venue.book(
                    structs.replace(snapshot, depth=depth, cut_at=known, received_ns=now_ns)
                )

    async def _follow(self, events: Pipe[Event]) -> None:
        async for batch in events.batches():
            for event in batch:
                self._take(event)
            self._publish_due()
            self._changed.set()

    def _take(self, event: Event) -> None:
        match event:
            case BookSnapshot() | BookUpdate():
                self.venue.book(event)
            case Trade():
                self.venue.trade(event)
            case LinkLost():
                carried = [
                    symbol
                    for symbol in self.venue.markets
                    if self._session.carries(event.link, Subscription(Channel.BOOK, symbol))
                ]
                self.venue.lost(event.received_ns, carried)
            case Desync() | DataStale():
                wanted = event.subscription
                if wanted.channel is Channel.BOOK and wanted.symbol is not None:
                    self.venue.lost(event.received_ns, [wanted.symbol])
            case _:
                pass

    def _publish_due(self) -> None:
        for event in self.venue.due(self.now_ns()):
            self._session.publish(event)

    async def _keep_time(self) -> None:
        """Publish what is due when no market data comes."""
        while True:
            self._changed.clear()
            self._publish_due()
            next_ns = self.venue.next_ns
            delay_s = None if next_ns is None else (next_ns - self.now_ns()) / _SECOND_NS
            try:
                async with asyncio.timeout(None if delay_s is None else max(delay_s, 1e-6)):
                    await self._changed.wait()
            except TimeoutError:
                pass


def _is_wanted(event: Event) -> bool:
    return isinstance(event, _KINDS)
