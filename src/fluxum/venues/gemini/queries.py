"""The queries that anybody can make of Gemini over REST, and how the answers are read.

Source: https://docs.gemini.com/rest/market-data, 2026-03. Both feeds make the same calls, each with
its own name of the venue. Candles cannot be requested by time.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import partial

import msgspec
from msgspec import Raw, Struct, structs

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.event import VenueStatus
from fluxum.model.instant import plausible_ns
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import BookSnapshot, Candle, Level, Side, Ticker, Trade
from fluxum.venues.candle_history import CandleSeries, candle_history, starting_within
from fluxum.venues.conversation import Fetch
from fluxum.venues.gemini.instruments import DETAILS, LIST, market, names
from fluxum.venues.gemini.symbols import lower
from fluxum.venues.queries import (
    Page,
    RestQuery,
    ceil_ms,
    check_levels,
    get,
    interval_word,
    listed_book,
    page_of,
    rest_query,
)
from fluxum.venues.rows import best_first, exact, finite, joined, levels, price_or_none, read_rows

__all__ = ["TIME_FRAMES", "Book", "DayTicker", "GeminiQueries", "PriceLevel", "TradeRow"]

_LEVELS_MAX = 1_000_000
_TRADES_MAX = 500
_MILLISECOND = 1_000_000
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
TIME_FRAMES = {
    60: "1m",
    300: "5m",
    900: "15m",
    1800: "30m",
    3600: "1hr",
    21_600: "6hr",
    86_400: "1day",
}
"""The venue's names of the intervals of candles, in seconds."""


class PriceLevel(Struct):
    """`{"price":"3607.85","amount":"6.643373","timestamp":"1547147541"}`."""

    price: str
    amount: str


class Book(Struct):
    """`{"bids":[...],"asks":[...]}`, best first."""

    bids: tuple[PriceLevel, ...]
    asks: tuple[PriceLevel, ...]


class DayTicker(Struct):
    """The last 24 hours, without a volume.

    `{"symbol":"BTCUSD","open":"9121.76","high":"9440.66","low":"9106.51","close":"9347.66",
    "changes":["9365.1"],"bid":"9345.70","ask":"9347.67"}`
    """

    open: str | None = None
    high: str | None = None
    low: str | None = None
    close: str | None = None
    bid: str | None = None
    ask: str | None = None


class TradeRow(Struct):
    """A trade; `type` is the taker's side, or names why there was none: `auction`, `block`.

    `{"timestamp":1547146811,"timestampms":1547146811357,"tid":5335307668,"price":"3610.85",
    "amount":"0.27413495","exchange":"gemini","type":"buy","broken":true}`
    """

    tid: int
    price: str
    amount: str
    type: str
    timestampms: int | None = None
    broken: bool | None = None


CandleRow = tuple[int, Decimal, Decimal, Decimal, Decimal, Decimal]
"""Start in ms, open, high, low, close, volume.

`[1559755800000,7781.6,7820.23,7776.56,7819.39,34.7624802159]`
"""


class GeminiQueries:
    """Queries about Gemini and its markets; see MarketQueries.

    `venue` is the name that answers are given; `format_symbol` is how its feed names a market.
    """

    def __init__(self, venue: str, format_symbol: Callable[[Symbol], str]) -> None:
        self._venue = venue
        self._format_symbol = format_symbol

    def time(self) -> RestQuery[int]:
        """Raises BadInput: the venue has no call for its clock."""
        raise BadInput(f"{self._venue} has no call for its time")

    def status(self) -> RestQuery[VenueStatus]:
        """Raises BadInput: the status of its engine is that of each market."""
        raise BadInput(f"{self._venue} has no call for the status of its engine")

    def instruments(self) -> RestQuery[Page[Instrument]]:
        """Every market, one page for each: the first page is of their names alone."""

        def read(body: bytes, _received_ns: int) -> Page[Instrument]:
            listed = names(body)
            return Page((), left_out=listed.left_out, next=self._market(listed.items))

        return RestQuery(Fetch("GET", LIST, "symbols"), read)

    def book(self, symbol: Symbol, count: int) -> RestQuery[BookSnapshot]:
        """The best levels a side."""
        check_levels(count, _LEVELS_MAX)

        def read(book: Book, received_ns: int) -> BookSnapshot:
            sides = best_first(_levels(book.bids), _levels(book.asks))
            return listed_book(self._venue, symbol, sides, count, received_ns)

        call = get(f"/v1/book/{lower(symbol)}", "book", limit_bids=count, limit_asks=count)
        return rest_query(call, _decode_book, read)

    def ticker(self, symbol: Symbol) -> RestQuery[Ticker]:
        """The last 24 hours of one market, without a volume."""

        def read(wire: DayTicker, received_ns: int) -> Ticker:
            last, opened = price_or_none(wire.close), price_or_none(wire.open)
            return Ticker(
                venue=self._venue,
                symbol=symbol,
                bid=price_or_none(wire.bid),
                ask=price_or_none(wire.ask),
                last=last,
                low=price_or_none(wire.low),
                high=price_or_none(wire.high),
                open=opened,
                change=None if last is None or opened is None else last - opened,
                received_ns=received_ns,
            )

        return rest_query(get(f"/v2/ticker/{lower(symbol)}", "ticker"), _decode_ticker, read)

    def trades(self, symbol: Symbol, since_ns: int | None = None) -> RestQuery[Page[Trade]]:
        """The last 500 trades, or those since an instant of the last seven days, 500 a page."""
        return self._trades(
            symbol, since_ns, timestamp=None if since_ns is None else ceil_ms(since_ns)
        )

    def candles(
        self,
        symbol: Symbol,
        interval_s: int,
        since_ns: int | None = None,
        until_ns: int | None = None,
    ) -> RestQuery[Page[Candle]]:
        """The candles that the venue lists, in one page; earlier ones cannot be had."""
        series = CandleSeries(self._venue, symbol, interval_s)
        name = interval_word(interval_s, TIME_FRAMES)

        def read(rows: list[Raw], received_ns: int) -> Page[Candle]:
            listed = read_rows(rows, partial(_candle, series, received_ns))
            candles = candle_history(listed, received_ns)
            wanted = filter(starting_within(since_ns, until_ns), candles)
            return Page(tuple(wanted), left_out=listed.left_out)

        return rest_query(get(f"/v2/candles/{lower(symbol)}/{name}", "candles"), _decode_rows, read)

    def _market(self, left: tuple[str, ...]) -> RestQuery[Page[Instrument]] | None:
        if not left:
            return None
        path = DETAILS + left[0].lower()

        def read(body: bytes, received_ns: int) -> Page[Instrument]:
            rows = read_rows(
                (Raw(body),),
                lambda raw: market(path, raw, self._venue, self._format_symbol, received_ns),
            )
            return page_of(rows, self._market(left[1:]))

        return RestQuery(Fetch("GET", path, "details"), read)

    def _trades(
        self,
        symbol: Symbol,
        since_ns: int | None,
        *,
        timestamp: int | None = None,
        since_tid: int | None = None,
    ) -> RestQuery[Page[Trade]]:
        def read(rows: list[Raw], received_ns: int) -> Page[Trade]:
            listed = read_rows(rows, _decode_trade)
            made = read_rows(listed.items, lambda row: self._trade(row, symbol, received_ns))
            trades = [one for one in reversed(made.items) if not _is_before(one, since_ns)]
            page = Page(tuple(trades), left_out=joined(listed.left_out, made.left_out))
            if since_ns is None or len(rows) < _TRADES_MAX or not listed.items:
                return page
            newest = max(row.tid for row in listed.items)
            if newest == since_tid:
                return page
            return structs.replace(page, next=self._trades(symbol, since_ns, since_tid=newest))

        call = get(
            f"/v1/trades/{lower(symbol)}",
            "trades",
            limit_trades=_TRADES_MAX,
            timestamp=timestamp,
            since_tid=since_tid,
        )
        return rest_query(call, _decode_rows, read)

    def _trade(self, row: TradeRow, symbol: Symbol, received_ns: int) -> Trade | None:
        """One trade; none for one that was cancelled. Raises for one that had no taker."""
        if row.broken:
            return None
        side = _SIDES.get(row.type)
        if side is None:
            raise RemoteProtocolError(f"trade {row.tid} has no taker: {row.type!r}")
        time_ms = row.timestampms
        return Trade(
            venue=self._venue,
            symbol=symbol,
            side=side,
            price=exact(row.price),
            quantity=exact(row.amount),
            trade_id=str(row.tid),
            backfilled=True,
            venue_ns=None if time_ms is None else plausible_ns(time_ms * _MILLISECOND),
            received_ns=received_ns,
        )


def _candle(series: CandleSeries, received_ns: int, row: Raw) -> Candle:
    start_ms, *numbers = _decode_candle(row)
    return series.candle(start_ms * _MILLISECOND, map(finite, numbers), received_ns)


def _levels(rows: Iterable[PriceLevel]) -> Sequence[Level]:
    return levels((one.price, one.amount) for one in rows)


def _is_before(trade: Trade, instant_ns: int | None) -> bool:
    return instant_ns is not None and trade.venue_ns is not None and trade.venue_ns < instant_ns


_decode_book = msgspec.json.Decoder(Book).decode
_decode_ticker = msgspec.json.Decoder(DayTicker).decode
_decode_rows = msgspec.json.Decoder(list[Raw]).decode
_decode_trade = msgspec.json.Decoder(TradeRow).decode
_decode_candle = msgspec.json.Decoder(CandleRow).decode
