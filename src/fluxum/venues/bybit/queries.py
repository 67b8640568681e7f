"""What anybody can ask of Bybit over REST, and how the answers are read.

https://bybit-exchange.github.io/docs/v5/market and /v5/system-status. Lists are newest first.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeVar
from urllib.parse import urlencode

from msgspec import MsgspecError, Raw, structs

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.event import VenueStatus
from fluxum.model.instant import plausible_ns
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.interval import interval_least_s
from fluxum.model.market import BookSnapshot, Candle, Ticker, Trade
from fluxum.venues.bybit import listing, native, normalize, topics
from fluxum.venues.bybit.category import SPOT, Category
from fluxum.venues.conversation import Fetch
from fluxum.venues.queries import Page, RestQuery, interval_word
from fluxum.venues.rows import changes, read_rows

__all__ = ["BybitQueries"]

Said = TypeVar("Said")
Item = TypeVar("Item")

_MILLI = 1_000_000
_SECOND = 1_000_000_000
_LEVELS_MAX = 1000
_CANDLES_MAX = 1000


class BybitQueries:
    """Questions about the markets of one category; see MarketQuestions."""

    def __init__(self, category: Category) -> None:
        self._category = category

    def time(self) -> RestQuery[int]:
        """The venue's clock, by the nanosecond."""

        def read(said: native.Time, _venue_ns: int | None, _received_ns: int) -> int:
            text = said.timeNano
            is_number = text.isascii() and text.isdecimal() and len(text) < 20
            instant_ns = plausible_ns(int(text)) if is_number else None
            if instant_ns is None:
                raise RemoteProtocolError(f"a time was expected, was {text[:40]!r}")
            return instant_ns

        return _asked("market/time", native.decode_time, read)

    def status(self) -> RestQuery[VenueStatus]:
        """Whether a maintenance of this category's product is going on."""
        product = 2 if self._category is SPOT else 1

        def read(said: native.Listed, _venue_ns: int | None, _received_ns: int) -> VenueStatus:
            ongoing = [
                one
                for one in read_rows(said.list, native.decode_maintenance).items
                if one.state == "ongoing" and product in (one.product or (product,))
            ]
            return VenueStatus.MAINTENANCE if ongoing else VenueStatus.ONLINE

        return _asked("system/status", native.decode_listed, read)

    def instruments(self) -> RestQuery[Page[Instrument]]:
        """Every market of the category, in pages of a thousand."""
        return self._instruments(listing.call(self._category))

    def book(self, symbol: Symbol, count: int) -> RestQuery[BookSnapshot]:
        """The best levels a side, at most 1000; nothing proves them."""
        if not 1 <= count <= _LEVELS_MAX:
            raise BadInput(f"1 to {_LEVELS_MAX} levels were expected, was {count}")

        def read(said: native.ListedBook, _venue_ns: int | None, received_ns: int) -> BookSnapshot:
            return BookSnapshot(
                venue=self._category.venue,
                symbol=symbol,
                bids=tuple(changes(said.b)),
                asks=tuple(changes(said.a)),
                venue_ns=normalize.instant(said.cts or said.ts),
                received_ns=received_ns,
                sequence=said.u,
                cut_at=count,
            )

        return self._asked("orderbook", symbol, native.decode_listed_book, read, limit=count)

    def ticker(self, symbol: Symbol) -> RestQuery[Ticker]:
        """The last 24 hours of one market in one line."""
        venue = self._category.venue

        def read(said: native.Listed, venue_ns: int | None, received_ns: int) -> Ticker:
            if len(said.list) != 1:
                raise RemoteProtocolError(f"one line was expected, was {len(said.list)}")
            line = native.decode_line(said.list[0])
            ticker = normalize.ticker(venue, line, symbol, None, received_ns)
            return structs.replace(ticker, venue_ns=venue_ns)

        return self._asked("tickers", symbol, native.decode_listed, read)

    def trades(self, symbol: Symbol, since_ns: int | None = None) -> RestQuery[Page[Trade]]:
        """The last trades (60 on spot, 1000 else), or those of them since an instant."""
        limit = 60 if self._category is SPOT else 1000
        venue = self._category.venue

        def read(said: native.Listed, _venue_ns: int | None, received_ns: int) -> Page[Trade]:
            found = read_rows(
                said.list,
                lambda row: normalize.listed_trade(
                    venue, native.decode_listed_trade(row), symbol, received_ns
                ),
            )
            wanted = [
                one for one in found.items if since_ns is None or (one.venue_ns or 0) >= since_ns
            ]
            return Page(tuple(reversed(wanted)), left_out=found.left_out)

        return self._asked("recent-trade", symbol, native.decode_listed, read, limit=limit)

    def candles(
        self,
        symbol: Symbol,
        interval_s: int,
        since_ns: int | None = None,
        until_ns: int | None = None,
    ) -> RestQuery[Page[Candle]]:
        """Candles, a thousand a page; see MarketQuestions.candles."""
        bar = interval_word(interval_s, topics.BARS)
        if since_ns is not None:
            return self._candles(symbol, interval_s, since_ns, until_ns)
        until = {} if until_ns is None else {"end": _millis(until_ns) - 1}
        read = partial(self._read_candles, symbol, interval_s)
        return self._asked(
            "kline",
            symbol,
            native.decode_listed,
            read,
            interval=bar,
            limit=_CANDLES_MAX,
            **until,
        )

    def _candles(
        self, symbol: Symbol, interval_s: int, since_ns: int, until_ns: int | None
    ) -> RestQuery[Page[Candle]]:
        """Those of one window of time; the windows behind it follow, to the end or the present."""
        end_ns = since_ns + _CANDLES_MAX * interval_least_s(interval_s) * _SECOND
        if until_ns is not None:
            end_ns = min(end_ns, until_ns)

        def read(said: native.Listed, venue_ns: int | None, received_ns: int) -> Page[Candle]:
            page = self._read_candles(symbol, interval_s, said, venue_ns, received_ns)
            if end_ns > received_ns or end_ns == until_ns:
                return page
            following = self._candles(symbol, interval_s, end_ns, until_ns)
            return Page(page.items, left_out=page.left_out, next=following)

        return self._asked(
            "kline",
            symbol,
            native.decode_listed,
            read,
            interval=topics.BARS[interval_s],
            limit=_CANDLES_MAX,
            start=_millis(since_ns),
            end=_millis(end_ns) - 1,
        )

    def _read_candles(
        self,
        symbol: Symbol,
        interval_s: int,
        said: native.Listed,
        venue_ns: int | None,
        received_ns: int,
    ) -> Page[Candle]:
        venue = self._category.venue
        found = read_rows(
            said.list,
            lambda row: normalize.listed_candle(
                venue,
                native.decode_listed_candle(row),
                symbol,
                interval_s,
                venue_ns,
                received_ns,
            ),
        )
        return Page(tuple(reversed(found.items)), left_out=found.left_out)

    def _instruments(self, call: Fetch) -> RestQuery[Page[Instrument]]:
        def read(body: bytes, received_ns: int) -> Page[Instrument]:
            page = native.decode_instrument_page(listing.checked(body).result)
            found = read_rows(
                page.list, lambda row: listing.market(self._category, row, received_ns)
            )
            cursor = page.nextPageCursor
            following = listing.call(self._category, cursor) if cursor and page.list else None
            is_new = following is not None and following.path != call.path
            return Page(
                found.items,
                left_out=found.left_out,
                next=self._instruments(following) if following is not None and is_new else None,
            )

        return RestQuery(call, _typed(read))

    def _asked(
        self,
        path: str,
        symbol: Symbol,
        decode: Callable[[Raw], Said],
        read: Callable[[Said, int | None, int], Item],
        **more: object,
    ) -> RestQuery[Item]:
        category = self._category
        return _asked(
            f"market/{path}",
            decode,
            read,
            category=category.name,
            symbol=category.format_symbol(symbol),
            **more,
        )


def _asked(
    path: str,
    decode: Callable[[Raw], Said],
    read: Callable[[Said, int | None, int], Item],
    **parameters: object,
) -> RestQuery[Item]:
    """A question whose answer is decoded, then read with the times it was sent and received."""
    query = f"?{urlencode(parameters)}" if parameters else ""

    def answered(body: bytes, received_ns: int) -> Item:
        answer = listing.checked(body)
        return read(decode(answer.result), normalize.instant(answer.time), received_ns)

    return RestQuery(Fetch("GET", f"/v5/{path}{query}", path), _typed(answered))


def _typed(read: Callable[[bytes, int], Item]) -> Callable[[bytes, int], Item]:
    """The same, with RemoteProtocolError for what cannot be decoded."""

    def typed(body: bytes, received_ns: int) -> Item:
        try:
            return read(body, received_ns)
        except MsgspecError as error:
            raise RemoteProtocolError(str(error)) from error

    return typed


def _millis(instant_ns: int) -> int:
    """Milliseconds since the epoch, rounded up."""
    return -(-instant_ns // _MILLI)
