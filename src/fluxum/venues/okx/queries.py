"""What anybody can ask of OKX over REST, and how the answers are read.

https://www.okx.com/docs-v5/en/#order-book-trading-market-data and #public-data-rest-api. Lists are
newest first; `after` asks for what is older than an instant and `before` for what is newer, both
together for what is between. Quantities of derivatives are told in contracts, so a question about
one asks for its size first.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import TypeVar
from urllib.parse import urlencode

from msgspec import MsgspecError, Raw, Struct

from fluxum.errors import BadInput, RemoteProtocolError, VenueRefused
from fluxum.model.event import VenueStatus
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.interval import interval_least_s
from fluxum.model.market import BookSnapshot, Candle, Ticker, Trade
from fluxum.venues.conversation import Fetch
from fluxum.venues.okx import native, normalize, topics
from fluxum.venues.okx.contracts import find_contract
from fluxum.venues.okx.levels import LevelReader
from fluxum.venues.okx.listing import LISTS, call_of, market, rows
from fluxum.venues.okx.normalize import VENUE
from fluxum.venues.queries import Page, RestQuery, interval_word
from fluxum.venues.rows import Rows, read_rows

__all__ = ["OkxQueries"]

Said = TypeVar("Said")
Item = TypeVar("Item")

_MILLI = 1_000_000
_SECOND = 1_000_000_000
_ONE = Decimal(1)
_LEVELS_MAX = 400
_TRADES_MAX = 500
_CANDLES_MAX = 300
# The call for recent candles has no older ones than these; another has.
_RECENT_BARS = 1440


class OkxQueries:
    """Questions about the venue and its markets; see MarketQuestions."""

    def time(self) -> RestQuery[int]:
        """The venue's clock, by the millisecond."""

        def read(body: bytes, _received_ns: int) -> int:
            instant_ns = normalize.instant(_only(body, native.decode_time).ts)
            if instant_ns is None:
                raise RemoteProtocolError(f"a time was expected, was {body[:80]!r}")
            return instant_ns

        return RestQuery(_get("public/time"), read)

    def status(self) -> RestQuery[VenueStatus]:
        """Whether a maintenance is going on."""

        def read(body: bytes, _received_ns: int) -> VenueStatus:
            read = read_rows(rows(body), native.decode_maintenance)
            is_ongoing = any(one.state == "ongoing" for one in read.items)
            return VenueStatus.MAINTENANCE if is_ongoing else VenueStatus.ONLINE

        return RestQuery(_get("system/status", state="ongoing"), read)

    def instruments(self) -> RestQuery[Page[Instrument]]:
        """Spot markets; perpetuals and futures follow. Options are not listed."""
        return _instruments(LISTS)

    def book(self, symbol: Symbol, count: int) -> RestQuery[BookSnapshot]:
        """The best levels a side, at most 400; nothing proves them."""
        if not 1 <= count <= _LEVELS_MAX:
            raise BadInput(f"1 to {_LEVELS_MAX} levels were expected, was {count}")

        def sized(size: Decimal) -> RestQuery[BookSnapshot]:
            def read(body: bytes, received_ns: int) -> BookSnapshot:
                book, levels = _only(body, native.decode_book_data), LevelReader(size).levels
                return BookSnapshot(
                    venue=VENUE,
                    symbol=symbol,
                    bids=levels(book.bids),
                    asks=levels(book.asks),
                    venue_ns=None if book.ts is None else book.ts * _MILLI,
                    received_ns=received_ns,
                    sequence=book.seqId,
                    cut_at=count,
                )

            return RestQuery(
                _get("market/books", instId=topics.format_symbol(symbol), sz=count), read
            )

        return _sized(symbol, sized)

    def ticker(self, symbol: Symbol) -> RestQuery[Ticker]:
        """The last 24 hours of one market in one line."""

        def sized(size: Decimal) -> RestQuery[Ticker]:
            def read(body: bytes, received_ns: int) -> Ticker:
                line = _only(body, native.decode_ticker)
                return normalize.ticker(line, symbol, size, received_ns)

            return RestQuery(_get("market/ticker", instId=topics.format_symbol(symbol)), read)

        return _sized(symbol, sized)

    def trades(self, symbol: Symbol, since_ns: int | None = None) -> RestQuery[Page[Trade]]:
        """The last 500 trades, or those of them since an instant: the venue lists none forwards."""

        def sized(size: Decimal) -> RestQuery[Page[Trade]]:
            def read(body: bytes, received_ns: int) -> Page[Trade]:
                read = read_rows(
                    rows(body),
                    lambda row: normalize.trade(
                        native.decode_trade(row), symbol, size, received_ns, backfilled=True
                    ),
                )
                return _page(read, lambda one: since_ns is None or (one.venue_ns or 0) >= since_ns)

            name = topics.format_symbol(symbol)
            return RestQuery(_get("market/trades", instId=name, limit=_TRADES_MAX), read)

        return _sized(symbol, sized)

    def candles(
        self,
        symbol: Symbol,
        interval_s: int,
        since_ns: int | None = None,
        until_ns: int | None = None,
    ) -> RestQuery[Page[Candle]]:
        """Candles, 300 a page; see MarketQuestions.candles."""
        bar = interval_word(interval_s, topics.BARS)

        def sized(size: Decimal) -> RestQuery[Page[Candle]]:
            asked = _Candles(symbol, bar, interval_s, size, until_ns)
            return asked.last() if since_ns is None else asked.since(since_ns)

        return _sized(symbol, sized)


class _Candles(Struct, frozen=True):
    """What is asked of candles, page by page."""

    symbol: Symbol
    bar: str
    interval_s: int
    size: Decimal
    until_ns: int | None

    def last(self) -> RestQuery[Page[Candle]]:
        """The last ones in one page."""
        until = {} if self.until_ns is None else {"after": _millis(self.until_ns)}
        return RestQuery(self._call("candles", **until), partial(self._read, 0, self.until_ns))

    def since(self, since_ns: int, *, is_history: bool = False) -> RestQuery[Page[Candle]]:
        """Those of one window of time; the windows behind it follow, to the end or the present."""
        end_ns = since_ns + _CANDLES_MAX * self._bar_ns
        if self.until_ns is not None:
            end_ns = min(end_ns, self.until_ns)

        def read(body: bytes, received_ns: int) -> Page[Candle]:
            oldest_ns = received_ns - (_RECENT_BARS - 1) * self._bar_ns
            if since_ns < oldest_ns and not is_history:  # too old for this call
                return Page((), next=self.since(since_ns, is_history=True))
            page = self._read(since_ns, end_ns, body, received_ns)
            is_last = end_ns > received_ns or end_ns == self.until_ns
            following = None if is_last else self.since(end_ns, is_history=end_ns < oldest_ns)
            return Page(page.items, left_out=page.left_out, next=following)

        path = "history-candles" if is_history else "candles"
        call = self._call(path, before=_millis(since_ns) - 1, after=_millis(end_ns))
        return RestQuery(call, read)

    @property
    def _bar_ns(self) -> int:
        """No more than the length of a bar."""
        return interval_least_s(self.interval_s) * _SECOND

    def _call(self, path: str, **more: int) -> Fetch:
        name = topics.format_symbol(self.symbol)
        return _get(f"market/{path}", instId=name, bar=self.bar, limit=_CANDLES_MAX, **more)

    def _read(
        self, since_ns: int, until_ns: int | None, body: bytes, received_ns: int
    ) -> Page[Candle]:
        read = read_rows(
            rows(body),
            lambda row: normalize.candle(
                native.decode_candle(row),
                self.symbol,
                self.interval_s,
                self.size,
                received_ns,
                backfilled=True,
            ),
        )
        return _page(
            read,
            lambda one: since_ns <= one.start_ns and (until_ns is None or one.start_ns < until_ns),
        )


def _instruments(calls: Sequence[Fetch]) -> RestQuery[Page[Instrument]]:
    call, *others = calls

    def read(body: bytes, received_ns: int) -> Page[Instrument]:
        read = read_rows(rows(body), lambda row: market(row, received_ns))
        following = _instruments(others) if others else None
        return Page(read.items, left_out=read.left_out, next=following)

    return RestQuery(call, read)


def _sized(symbol: Symbol, sized: Callable[[Decimal], RestQuery[Said]]) -> RestQuery[Said]:
    """A question that needs the size of a contract, which is asked for first."""
    if not symbol.contract or symbol.counts_contracts:
        return sized(_ONE)
    call, name = call_of(symbol), topics.format_symbol(symbol)

    def then(body: bytes, _received_ns: int) -> RestQuery[Said]:
        found = find_contract(body, name)
        if found.symbol != symbol:
            raise VenueRefused(f"{name} is {found.symbol}, by its currencies and kind")
        return sized(found.size)

    def read(_body: bytes, _received_ns: int) -> Said:
        raise RemoteProtocolError(f"the {call.purpose} was expected first")

    return RestQuery(call, read, then)


def _page(read: Rows[Item], is_wanted: Callable[[Item], bool]) -> Page[Item]:
    """The rows of an answer, oldest first."""
    return Page(
        tuple(one for one in reversed(read.items) if is_wanted(one)), left_out=read.left_out
    )


def _only(body: bytes, decode: Callable[[Raw], Said]) -> Said:
    """The one row of an answer; raises RemoteProtocolError for any other number of them."""
    found = rows(body)
    if len(found) != 1:
        raise RemoteProtocolError(f"one row was expected, was {len(found)}")
    try:
        return decode(found[0])
    except MsgspecError as error:
        raise RemoteProtocolError(str(error)) from error


def _millis(instant_ns: int) -> int:
    """Milliseconds since the epoch, rounded up."""
    return -(-instant_ns // _MILLI)


def _get(path: str, **parameters: object) -> Fetch:
    query = f"?{urlencode(parameters)}" if parameters else ""
    return Fetch("GET", f"/api/v5/{path}{query}", path)
