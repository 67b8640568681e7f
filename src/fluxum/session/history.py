"""A venue's public queries with complete answers: lists are read page by page, within limits."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol, TypeVar

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.event import Subscription
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
_PAGES_MAX = 1000
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

    async def time(self) -> int:
        """The venue's clock, in ns since the epoch."""
        return await self._query(self._queries.time())

    async def instruments(self) -> tuple[Instrument, ...]:
        """Every market."""
        return await self._drain(self._queries.instruments())

    async def ticker(self, symbol: str) -> Ticker:
        """The last 24 hours of one market."""
        return await self._query(self._queries.ticker(Symbol(symbol)))

    async def book(self, symbol: str, depth: int) -> BookSnapshot:
        """The best levels of one market; not proved by a checksum."""
        if depth < 1:
            raise BadInput(f"a depth of at least 1 was expected, was {depth}")
        return await self._query(self._queries.book(Symbol(symbol), depth))

    async def trades(self, symbol: str, since: Instant | None) -> tuple[Trade, ...]:
        """Trades of one market, oldest first: the latest ones, or those since an instant."""
        since_ns = None if since is None else instant_of(since)
        return await self._drain(self._queries.trades(Symbol(symbol), since_ns))

    async def candles(
        self,
        symbol: str,
        interval: int | str,
        since: Instant | None,
        until: Instant | None,
    ) -> tuple[Candle, ...]:
        """Candles of one market, oldest first, each once; see `Session.fetch_candles`."""
        interval_s = interval_of(interval)
        since_ns = None if since is None else instant_of(since)
        until_ns = None if until is None else instant_of(until)
        if until_ns is not None and (since_ns is None or until_ns <= since_ns):
            raise BadInput(f"until needs a since before it, was {since!r} and {until!r}")
        query = self._queries.candles(Symbol(symbol), interval_s, since_ns, until_ns)
        found = await self._drain(query)
        by_start = {candle.start_ns: candle for candle in found}
        return tuple(
            by_start[start_ns]
            for start_ns in sorted(by_start)
            if (since_ns is None or start_ns >= since_ns)
            and (until_ns is None or start_ns < until_ns)
        )

    async def _drain(self, query: RestQuery[Page[Item]]) -> tuple[Item, ...]:
        """All items of a list; raises RemoteProtocolError if the list does not end."""
        items: list[Item] = []
        following: RestQuery[Page[Item]] | None = query
        for _ in range(_PAGES_MAX):
            assert following is not None
            page = await self._query(following)
            items += page.items
            if page.left_out is not None:
                self._left_out(page.left_out, following.fetch.subscription)
            is_end = page.next is None or page.next.fetch == following.fetch
            following = page.next
            if is_end:
                return tuple(items)
            if len(items) > _ITEMS_MAX:
                break
        raise RemoteProtocolError(
            f"{query.fetch.purpose} has no end after {_PAGES_MAX} pages or {_ITEMS_MAX} rows"
        )

    @property
    def _queries(self) -> MarketQueries:
        if self._venue.queries is None:
            raise BadInput(f"{self._venue.name} can be asked nothing over REST yet")
        return self._venue.queries()
