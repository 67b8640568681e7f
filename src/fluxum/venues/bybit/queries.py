"""The public queries of Bybit's REST API, and how the answers are read.

https://bybit-exchange.github.io/docs/v5/market and /v5/system-status. Lists are newest first.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from msgspec import Raw

from fluxum.model.event import VenueStatus
from fluxum.model.instant import plausible_ns
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import BookSnapshot, Candle, Ticker, Trade
from fluxum.venues.bybit import listing, native, normalize, topics
from fluxum.venues.bybit.category import SPOT, Category
from fluxum.venues.candle_history import CandleSeries
from fluxum.venues.conversation import Fetch
from fluxum.venues.instrument_list import ListPage
from fluxum.venues.queries import (
    Page,
    RestQuery,
    ceil_ms,
    check_levels,
    decoded,
    get,
    interval_word,
    listed_book,
    only,
    page_of,
    require_instant,
    rest_query,
)
from fluxum.venues.rows import changes, read_rows

__all__ = ["BybitQueries"]

Wire = TypeVar("Wire")
Item = TypeVar("Item")
# How an answer is read: decoded, with the venue's time in milliseconds, and when it was received.
Read = Callable[[Wire, int | None, int], Item]

_LEVELS_MAX = 1000
_CANDLES_MAX = 1000


class BybitQueries:
    """Queries of the markets of one category; see MarketQueries."""

    def __init__(self, category: Category) -> None:
        self._category = category
        self._venue = category.venue

    def time(self) -> RestQuery[int]:
        """The venue's clock, by the nanosecond."""

        def read(wire: native.Time, _venue_ms: int | None, _received_ns: int) -> int:
            text = wire.timeNano
            is_number = text.isascii() and text.isdecimal() and len(text) < 20
            return require_instant(plausible_ns(int(text)) if is_number else None, text)

        return _asked("market/time", native.decode_time, read)

    def status(self) -> RestQuery[VenueStatus]:
        """Whether a maintenance of this category's product is going on."""
        product = 2 if self._category is SPOT else 1

        def read(wire: native.Listed, _venue_ms: int | None, _received_ns: int) -> VenueStatus:
            is_ongoing = any(
                one.state == "ongoing" and product in (one.product or (product,))
                for one in read_rows(wire.list, native.decode_maintenance).items
            )
            return VenueStatus.MAINTENANCE if is_ongoing else VenueStatus.ONLINE

        return _asked("system/status", native.decode_listed, read)

    def instruments(self) -> RestQuery[Page[Instrument]]:
        """Every market of the category, in pages of a thousand."""
        return self._instruments(listing.call(self._category))

    def book(self, symbol: Symbol, count: int) -> RestQuery[BookSnapshot]:
        """The best levels a side, at most 1000; nothing proves them."""
        check_levels(count, _LEVELS_MAX)

        def read(wire: native.ListedBook, _venue_ms: int | None, received_ns: int) -> BookSnapshot:
            sides = tuple(changes(wire.b)), tuple(changes(wire.a))
            venue_ns = normalize.instant(wire.cts or wire.ts)
            return listed_book(self._venue, symbol, sides, count, received_ns, venue_ns, wire.u)

        return self._asked("orderbook", symbol, native.decode_listed_book, read, limit=count)

    def ticker(self, symbol: Symbol) -> RestQuery[Ticker]:
        """The last 24 hours of one market in one line."""

        def read(wire: native.Listed, venue_ms: int | None, received_ns: int) -> Ticker:
            line = only(wire.list, native.decode_line)
            return normalize.ticker(self._venue, line, symbol, venue_ms, received_ns)

        return self._asked("tickers", symbol, native.decode_listed, read)

    def trades(self, symbol: Symbol, since_ns: int | None = None) -> RestQuery[Page[Trade]]:
        """The last trades (60 on spot, 1000 else), or those of them since an instant."""
        limit = 60 if self._category is SPOT else 1000

        def read(wire: native.Listed, _venue_ms: int | None, received_ns: int) -> Page[Trade]:
            listed = read_rows(
                wire.list,
                lambda row: normalize.listed_trade(
                    self._venue, native.decode_listed_trade(row), symbol, received_ns
                ),
            )
            wanted = listed.where(lambda one: (one.venue_ns or 0) >= (since_ns or 0))
            return page_of(wanted.reversed())

        return self._asked("recent-trade", symbol, native.decode_listed, read, limit=limit)

    def candles(
        self,
        symbol: Symbol,
        interval_s: int,
        since_ns: int | None = None,
        until_ns: int | None = None,
    ) -> RestQuery[Page[Candle]]:
        """Candles, a thousand a page; see MarketQueries.candles."""
        bar = interval_word(interval_s, topics.BARS)
        series = CandleSeries(self._venue, symbol, interval_s)

        def read(wire: native.Listed, venue_ms: int | None, received_ns: int) -> Page[Candle]:
            listed_ns = normalize.instant(venue_ms) or received_ns
            listed = read_rows(
                wire.list,
                lambda row: normalize.listed_candle(
                    series, native.decode_listed_candle(row), listed_ns, received_ns
                ),
            )
            return page_of(listed.reversed())

        def window(since_ns: int | None, until_ns: int | None) -> RestQuery[Page[Candle]]:
            """The last candles from one instant and before another, as far as these are given."""
            return self._asked(
                "kline",
                symbol,
                native.decode_listed,
                read,
                interval=bar,
                limit=_CANDLES_MAX,
                start=None if since_ns is None else ceil_ms(since_ns),
                end=None if until_ns is None else ceil_ms(until_ns) - 1,
            )

        if since_ns is None:
            return window(None, until_ns)
        return series.since(window, _CANDLES_MAX, since_ns, until_ns)

    def _instruments(self, call: Fetch) -> RestQuery[Page[Instrument]]:
        def read(page: ListPage, received_ns: int) -> Page[Instrument]:
            listed = read_rows(
                page.rows, lambda row: listing.market(self._category, row, received_ns)
            )
            is_last = page.next is None or not page.rows or page.next.path == call.path
            return page_of(
                listed, None if page.next is None or is_last else self._instruments(page.next)
            )

        return rest_query(call, partial(listing.page, self._category), read)

    def _asked(
        self,
        path: str,
        symbol: Symbol,
        decode: Callable[[Raw], Wire],
        read: Read[Wire, Item],
        **query: object,
    ) -> RestQuery[Item]:
        category = self._category
        name = category.format_symbol(symbol)
        return _asked(f"market/{path}", decode, read, category=category.name, symbol=name, **query)


def _asked(
    path: str, decode: Callable[[Raw], Wire], read: Read[Wire, Item], **query: object
) -> RestQuery[Item]:
    def answered(answer: native.Answer, received_ns: int) -> Item:
        return read(decoded(decode, answer.result), answer.time, received_ns)

    return rest_query(get(f"/v5/{path}", path, **query), listing.checked, answered)
