"""The public queries of OKX's REST API, and how the answers are read.

https://www.okx.com/docs-v5/en/#order-book-trading-market-data and #public-data-rest-api. Lists are
newest first. `after` lists what is older than an instant and `before` what is newer, both together
what is between. Quantities of derivatives are counted in contracts, so a query of one fetches its
size first.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeVar

from msgspec import Raw, Struct, structs

from fluxum.errors import VenueRefused
from fluxum.model.event import VenueStatus
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.interval import interval_least_s
from fluxum.model.market import BookSnapshot, Candle, Ticker, Trade
from fluxum.venues.candle_history import starting_within
from fluxum.venues.conversation import Fetch
from fluxum.venues.okx import native, normalize, topics
from fluxum.venues.okx.contracts import find_contract
from fluxum.venues.okx.levels import LevelReader
from fluxum.venues.okx.listing import LISTS, market, rows, size_call
from fluxum.venues.okx.normalize import VENUE
from fluxum.venues.queries import (
    Page,
    RestQuery,
    after,
    ceil_ms,
    check_levels,
    get,
    interval_word,
    listed_book,
    only,
    page_of,
    require_instant,
    rest_query,
)
from fluxum.venues.rows import read_rows

__all__ = ["OkxQueries"]

Result = TypeVar("Result")
Rows = Sequence[Raw]

_MILLI = 1_000_000
_SECOND = 1_000_000_000
_ONE = Decimal(1)
_LEVELS_MAX = 400
_TRADES_MAX = 500
_CANDLES_MAX = 300
# The call for recent candles has no older ones than these; another has.
_RECENT_BARS = 1440


class OkxQueries:
    """Queries of the venue and its markets; see MarketQueries."""

    def time(self) -> RestQuery[int]:
        """The venue's clock, by the millisecond."""

        def read(rows: Rows, _received_ns: int) -> int:
            text = only(rows, native.decode_time).ts
            return require_instant(normalize.instant(text), text)

        return rest_query(_call("public/time"), rows, read)

    def status(self) -> RestQuery[VenueStatus]:
        """Whether a maintenance is going on."""

        def read(rows: Rows, _received_ns: int) -> VenueStatus:
            listed = read_rows(rows, native.decode_maintenance)
            is_ongoing = any(one.state == "ongoing" for one in listed.items)
            return VenueStatus.MAINTENANCE if is_ongoing else VenueStatus.ONLINE

        return rest_query(_call("system/status", state="ongoing"), rows, read)

    def instruments(self) -> RestQuery[Page[Instrument]]:
        """Spot markets; perpetuals and futures follow. Options are not listed."""
        return _instruments(LISTS)

    def book(self, symbol: Symbol, count: int) -> RestQuery[BookSnapshot]:
        """The best levels a side, at most 400; nothing proves them."""
        check_levels(count, _LEVELS_MAX)

        def read(rows: Rows, size: Decimal, received_ns: int) -> BookSnapshot:
            book, levels = only(rows, native.decode_book_data), LevelReader(size).levels
            sides = levels(book.bids), levels(book.asks)
            venue_ns = None if book.ts is None else book.ts * _MILLI
            return listed_book(VENUE, symbol, sides, count, received_ns, venue_ns, book.seqId)

        return _asked("market/books", symbol, read, sz=count)

    def ticker(self, symbol: Symbol) -> RestQuery[Ticker]:
        """The last 24 hours of one market in one line."""

        def read(rows: Rows, size: Decimal, received_ns: int) -> Ticker:
            line = only(rows, native.decode_ticker)
            return normalize.ticker(line, symbol, size, received_ns)

        return _asked("market/ticker", symbol, read)

    def trades(self, symbol: Symbol, since_ns: int | None = None) -> RestQuery[Page[Trade]]:
        """The last 500 trades, or those of them since an instant: the venue lists none forwards."""

        def read(rows: Rows, size: Decimal, received_ns: int) -> Page[Trade]:
            listed = read_rows(
                rows,
                lambda row: normalize.trade(
                    native.decode_trade(row), symbol, size, received_ns, backfilled=True
                ),
            )
            wanted = listed.where(lambda one: (one.venue_ns or 0) >= (since_ns or 0))
            return page_of(wanted.reversed())

        return _asked("market/trades", symbol, read, limit=_TRADES_MAX)

    def candles(
        self,
        symbol: Symbol,
        interval_s: int,
        since_ns: int | None = None,
        until_ns: int | None = None,
    ) -> RestQuery[Page[Candle]]:
        """Candles, 300 a page; see MarketQueries.candles."""
        bar = interval_word(interval_s, topics.BARS)

        def sized(size: Decimal) -> RestQuery[Page[Candle]]:
            pages = _Candles(symbol, bar, interval_s, size, until_ns)
            return pages.last() if since_ns is None else pages.since(since_ns)

        return _sized(symbol, sized)


class _Candles(Struct, frozen=True):
    """A query of candles, page by page."""

    symbol: Symbol
    bar: str
    interval_s: int
    size: Decimal
    until_ns: int | None

    def last(self) -> RestQuery[Page[Candle]]:
        """The last ones in one page."""
        until_ns = self.until_ns
        until = {} if until_ns is None else {"after": ceil_ms(until_ns)}
        return rest_query(
            self._call("candles", **until), rows, lambda rows, ns: self._read(0, until_ns, rows, ns)
        )

    def since(self, since_ns: int, *, is_history: bool = False) -> RestQuery[Page[Candle]]:
        """Those of one window of time; the windows behind it follow, to the end or the present."""
        bar_ns = interval_least_s(self.interval_s) * _SECOND
        end_ns = since_ns + _CANDLES_MAX * bar_ns
        if self.until_ns is not None:
            end_ns = min(end_ns, self.until_ns)

        def read(rows: Rows, received_ns: int) -> Page[Candle]:
            oldest_ns = received_ns - (_RECENT_BARS - 1) * bar_ns
            if since_ns < oldest_ns and not is_history:  # too old for this call
                return Page((), next=self.since(since_ns, is_history=True))
            page = self._read(since_ns, end_ns, rows, received_ns)
            if end_ns > received_ns or end_ns == self.until_ns:
                return page
            return structs.replace(page, next=self.since(end_ns, is_history=end_ns < oldest_ns))

        path = "history-candles" if is_history else "candles"
        call = self._call(path, before=ceil_ms(since_ns) - 1, after=ceil_ms(end_ns))
        return rest_query(call, rows, read)

    def _call(self, path: str, **more: int) -> Fetch:
        name = topics.format_symbol(self.symbol)
        return _call(f"market/{path}", instId=name, bar=self.bar, limit=_CANDLES_MAX, **more)

    def _read(
        self, since_ns: int, until_ns: int | None, rows: Rows, received_ns: int
    ) -> Page[Candle]:
        listed = read_rows(
            rows,
            lambda row: normalize.candle(
                native.decode_candle(row),
                self.symbol,
                self.interval_s,
                self.size,
                received_ns,
                backfilled=True,
            ),
        )
        return page_of(listed.where(starting_within(since_ns, until_ns)).reversed())


def _instruments(calls: Sequence[Fetch]) -> RestQuery[Page[Instrument]]:
    call, *others = calls

    def read(rows: Rows, received_ns: int) -> Page[Instrument]:
        listed = read_rows(rows, lambda row: market(row, received_ns))
        return page_of(listed, _instruments(others) if others else None)

    return rest_query(call, rows, read)


def _asked(
    path: str, symbol: Symbol, read: Callable[[Rows, Decimal, int], Result], **query: object
) -> RestQuery[Result]:
    """A query of one market, whose answer is read with the size of its contract."""
    call = _call(path, instId=topics.format_symbol(symbol), **query)
    return _sized(
        symbol, lambda size: rest_query(call, rows, lambda rows, ns: read(rows, size, ns))
    )


def _sized(symbol: Symbol, sized: Callable[[Decimal], RestQuery[Result]]) -> RestQuery[Result]:
    """A query that needs the size of a contract, which is fetched first."""
    if not symbol.contract or symbol.counts_contracts:
        return sized(_ONE)
    call, name = size_call(symbol), topics.format_symbol(symbol)

    def read(body: bytes, _received_ns: int) -> Decimal:
        found = find_contract(body, name)
        if found.symbol != symbol:
            raise VenueRefused(f"{name} is {found.symbol}, by its currencies and kind")
        return found.size

    return after(RestQuery(call, read), sized)


def _call(path: str, **query: object) -> Fetch:
    return get(f"/api/v5/{path}", path, **query)
