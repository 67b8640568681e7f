"""A venue's public queries with complete answers: lists are read page by page, within limits."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from datetime import datetime
from typing import Protocol, TypeVar

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.event import Subscription, VenueStatus
from fluxum.model.instant import instant_of
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.interval import interval_of
from fluxum.model.market import BookSnapshot, Candle, Ticker, Trade
from fluxum.venues.queries import MarketQueries, Page, RestQuery
from fluxum.venues.rows import LeftOutRows
from fluxum.venues.venue import Venue

__all__ = ["History", "Instant", "SendQuery"]

T = TypeVar("T")
Item = TypeVar("Item")
Instant = int | datetime | str
"""An instant as ns since the epoch, as a datetime with a time zone, or as RFC 3339 text."""
_PAGES_MAX = 10_000
_ITEMS_MAX = 1_000_000


class SendQuery(Protocol):
    """Sends a query; see `RestClient.query` for what is raised."""

    def __call__(self, query: RestQuery[T]) -> Awaitable[T]:
        """The answer."""
        ...


class History:
    """Sends `venue.queries` and returns complete answers; `left_out` takes unreadable rows."""

    def __init__(
        self,
        venue: Venue,
        query: SendQuery,
        left_out: Callable[[LeftOutRows, Subscription | None], None],
    ) -> None:
        self._venue = venue
        self._query = query
        self._left_out = left_out

    @property
    def is_offered(self) -> bool:
        """Whether the venue offers queries at all."""
        return self._venue.queries is not None

    @property
    def queries(self) -> MarketQueries:
        """What the venue can be asked; raises BadInput if it offers no queries."""
        if self._venue.queries is None:
            raise BadInput(f"{self._venue.name} can be asked nothing over REST yet")
        return self._venue.queries()

    async def time(self) -> int:
        """The venue's clock, in ns since the epoch."""
        return await self._query(self.queries.time())

    async def status(self) -> VenueStatus:
        """The status of the venue's engine; raises BadInput if the venue has no call for it."""
        return await self._query(self.queries.status())

    async def instruments(self) -> tuple[Instrument, ...]:
        """Every market."""
        return await self._drain(self.queries.instruments())

    async def ticker(self, symbol: str) -> Ticker:
        """The last 24 hours of one market."""
        return await self._query(self.queries.ticker(Symbol(symbol)))

    async def book(self, symbol: str, depth: int) -> BookSnapshot:
        """The best levels of one market; not proved by a checksum."""
        if depth < 1:
            raise BadInput(f"a depth of at least 1 was expected, was {depth}")
        return await self._query(self.queries.book(Symbol(symbol), depth))

    async def trades(self, symbol: str, since: Instant | None) -> tuple[Trade, ...]:
        """Trades of one market, oldest first: the latest ones, or those since an instant."""
        since_ns = None if since is None else instant_of(since)
        return await self._drain(self.queries.trades(Symbol(symbol), since_ns))

    async def candles(
        self,
        symbol: str,
        interval: int | str,
        since: Instant | None,
        until: Instant | None,
    ) -> tuple[Candle, ...]:
        """Candles of one market, oldest first, each once; see `Session.fetch_candles`."""
        pages = self.candle_pages(symbol, interval, since, until)
        return await _whole(pages, self._venue.name)

    async def candle_pages(
        self,
        symbol: str,
        interval: int | str,
        since: Instant | None,
        until: Instant | None,
    ) -> AsyncGenerator[tuple[Candle, ...]]:
        """The same candles, page by page; see `Session.candle_pages`."""
        interval_s = interval_of(interval)
        since_ns = None if since is None else instant_of(since)
        until_ns = None if until is None else instant_of(until)
        if until_ns is not None and (since_ns is None or until_ns <= since_ns):
            raise BadInput(f"until needs a since before it, was {since!r} and {until!r}")
        query = self.queries.candles(Symbol(symbol), interval_s, since_ns, until_ns)
        next_ns = 0 if since_ns is None else since_ns
        async for items in self.pages(query):
            by_start = {candle.start_ns: candle for candle in items}
            page = tuple(
                by_start[start_ns]
                for start_ns in sorted(by_start)
                if next_ns <= start_ns and (until_ns is None or start_ns < until_ns)
            )
            next_ns = page[-1].start_ns + 1 if page else next_ns
            yield page

    async def pages(self, query: RestQuery[Page[Item]]) -> AsyncGenerator[tuple[Item, ...]]:
        """The pages of a list; raises RemoteProtocolError if the list does not end."""
        following: RestQuery[Page[Item]] | None = query
        for _ in range(_PAGES_MAX):
            assert following is not None
            page = await self._query(following)
            if page.left_out is not None:
                self._left_out(page.left_out, following.fetch.subscription)
            is_end = page.next is None or page.next.fetch == following.fetch
            following = page.next
            yield page.items
            if is_end:
                return
        raise RemoteProtocolError(f"{query.fetch.purpose} has no end after {_PAGES_MAX} pages")

    async def _drain(self, query: RestQuery[Page[Item]]) -> tuple[Item, ...]:
        """All items of a list; raises RemoteProtocolError if the list does not end."""
        return await _whole(self.pages(query), query.fetch.purpose)


async def _whole(pages: AsyncGenerator[tuple[Item, ...]], purpose: str) -> tuple[Item, ...]:
    """The items of all pages; raises RemoteProtocolError if they are too many for one answer."""
    items: list[Item] = []
    async with aclosing(pages):
        async for page in pages:
            items += page
            if len(items) > _ITEMS_MAX:
                raise RemoteProtocolError(f"{purpose} has no end after {_ITEMS_MAX} rows")
    return tuple(items)
