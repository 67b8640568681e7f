"""What a session can be asked over REST, once, beside its streams."""

from collections.abc import AsyncGenerator
from typing import TypeVar

from fluxum.model.event import VenueStatus
from fluxum.model.instrument import Instrument
from fluxum.model.market import BookSnapshot, Candle, Ticker, Trade
from fluxum.session.history import History, Instant
from fluxum.session.rest_client import RestClient
from fluxum.venues.queries import MarketQueries, Page, RestQuery

__all__ = ["Queries"]

T = TypeVar("T")


class Queries:
    """The one-shot queries of a session; each is one REST call or several, within the limits."""

    _rest_client: RestClient
    _history: History

    async def query(self, query: RestQuery[T]) -> T:
        """The venue's answer to a query of `venue.queries`; see `RestClient.query`."""
        return await self._rest_client.query(query)

    async def fetch_time(self) -> int:
        """The venue's clock, in ns since the epoch. Raises as `query` does, as do all of these."""
        return await self._history.time()

    async def fetch_status(self) -> VenueStatus:
        """The status of the venue's engine; raises BadInput if the venue has no call for it."""
        return await self._history.status()

    async def fetch_instruments(self) -> tuple[Instrument, ...]:
        """Every market of the venue."""
        return await self._history.instruments()

    async def fetch_ticker(self, symbol: str) -> Ticker:
        """The last 24 hours of one market."""
        return await self._history.ticker(symbol)

    async def fetch_book(self, symbol: str, depth: int = 10) -> BookSnapshot:
        """The best levels of one market at this moment; not proved by a checksum."""
        return await self._history.book(symbol, depth)

    async def fetch_trades(self, symbol: str, since: Instant | None = None) -> tuple[Trade, ...]:
        """Trades of one market, oldest first: the latest ones, or those since an instant.

        An instant is ns since the epoch, a datetime with a time zone, or RFC 3339 text.
        """
        return await self._history.trades(symbol, since)

    async def fetch_candles(
        self,
        symbol: str,
        interval: int | str,
        since: Instant | None = None,
        until: Instant | None = None,
    ) -> tuple[Candle, ...]:
        """Candles of one market, oldest first, each once, marked as backfilled.

        `interval` is seconds or text such as `1m`. The candles start at or after `since` and
        before `until`; without `since` they are the last ones that the venue lists in one answer.
        The last one may still be running: then its `closed` is false.
        """
        return await self._history.candles(symbol, interval, since, until)

    @property
    def queries(self) -> MarketQueries:
        """The public queries that the venue offers, for `query` and `pages`; raises BadInput."""
        return self._history.queries

    def pages(self, query: RestQuery[Page[T]]) -> AsyncGenerator[tuple[T, ...]]:
        """A list page by page: each is requested when the reader asks for it; it may be empty."""
        return self._history.pages(query)

    def candle_pages(
        self,
        symbol: str,
        interval: int | str,
        since: Instant | None = None,
        until: Instant | None = None,
    ) -> AsyncGenerator[tuple[Candle, ...]]:
        """The candles of `fetch_candles`, page by page as `pages`."""
        return self._history.candle_pages(symbol, interval, since, until)
