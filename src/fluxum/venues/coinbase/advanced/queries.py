"""The queries that anybody can make of Advanced Trade over REST, and how the answers are read.

Source: https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/public and the pages
of each call, 2026-06. Public answers may be a second old. The side of a trade is the maker's, as on
the stream: in captured answers those at the best ask are sells.
"""

from functools import partial
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.event import VenueStatus
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import BookSnapshot, Candle, Ticker, Trade
from fluxum.venues.candle_history import CandleSeries
from fluxum.venues.coinbase.advanced import native, normalize
from fluxum.venues.coinbase.instants import read_instant
from fluxum.venues.coinbase.pages import CandleWindows, TradePages
from fluxum.venues.coinbase.symbols import ADVANCED, format_symbol
from fluxum.venues.conversation import Fetch
from fluxum.venues.queries import (
    Page,
    RestQuery,
    check_levels,
    decoded,
    get,
    interval_word,
    listed_book,
    page_of,
    rest_query,
)
from fluxum.venues.rows import Rows, exact, price_or_none, read_rows

__all__ = [
    "GRANULARITIES",
    "AdvancedQueries",
    "Book",
    "CandleRow",
    "Candles",
    "PriceBook",
    "PriceLevel",
    "Time",
    "Trades",
]


_ROOT = "/api/v3/brokerage"
_MARKET = f"{_ROOT}/market"
_LEVELS_MAX = 100_000
_TRADES_MAX = 1000
_CANDLES_MAX = 350
_SECOND = 1_000_000_000
GRANULARITIES = {
    60: "ONE_MINUTE",
    300: "FIVE_MINUTE",
    900: "FIFTEEN_MINUTE",
    1800: "THIRTY_MINUTE",
    3600: "ONE_HOUR",
    7200: "TWO_HOUR",
    14_400: "FOUR_HOUR",
    21_600: "SIX_HOUR",
    86_400: "ONE_DAY",
}
"""The venue's names of the intervals of candles, in seconds."""


class Time(Struct):
    """`{"iso":"2026-04-07T00:28:59Z","epochSeconds":"1775521739","epochMillis":"1775521739662"}`.

    https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/public/get-server-time
    """

    epochMillis: str  # noqa: N815 - the venue's own name


class PriceLevel(Struct):
    """`{"price":"68923.66","size":"0.17189468"}`."""

    price: str
    size: str


class PriceBook(Struct):
    """`{"product_id":"BTC-USD","bids":[...],"asks":[...],"time":"2026-04-07T00:28:59.662782Z"}`."""

    bids: tuple[PriceLevel, ...]
    asks: tuple[PriceLevel, ...]
    time: str | None = ""


class Book(Struct):
    """`{"pricebook":{...},"last":"68923.665","spread_bps":"0.001450880372"}`; it has no number."""

    pricebook: PriceBook


class Trades(Struct):
    """The last trades, newest first, and the best bid and ask.

    `{"trades":[{"trade_id":"995098663","product_id":"BTC-USD","price":"68923.67",
    "size":"0.00064","time":"2026-04-07T00:28:58.544778Z","side":"SELL","bid":"","ask":"",
    "exchange":"coinbase"}],"best_bid":"68923.66","best_ask":"68923.67"}`
    """

    trades: list[Raw]
    best_bid: str | None = None
    best_ask: str | None = None


class Candles(Struct):
    """Candles, newest first.

    `{"candles":[{"start":"1712192400","low":"66055.14","high":"66331.99","open":"66312.4",
    "close":"66181.6","volume":"355.82896243"}]}`
    """

    candles: list[Raw]


class CandleRow(Struct):
    """One candle; `start` is in UNIX seconds."""

    start: str
    high: str
    low: str
    open: str
    close: str
    volume: str


class AdvancedQueries:
    """Queries about Advanced Trade and its markets; see MarketQueries."""

    def time(self) -> RestQuery[int]:
        """The venue's clock, by the millisecond."""
        return rest_query(get(f"{_ROOT}/time", "time"), _decode_time, lambda time, _: _nanos(time))

    def status(self) -> RestQuery[VenueStatus]:
        """Raises BadInput: the status of its engine is that of each product."""
        raise BadInput(f"{ADVANCED} has no call for the status of its engine")

    def instruments(self) -> RestQuery[Page[Instrument]]:
        """Every spot market."""
        return self._products("")

    def book(self, symbol: Symbol, count: int) -> RestQuery[BookSnapshot]:
        """The best levels a side."""
        check_levels(count, _LEVELS_MAX)
        call = get(f"{_MARKET}/product_book", "book", product_id=format_symbol(symbol), limit=count)

        def read(book: Book, received_ns: int) -> BookSnapshot:
            wire = book.pricebook
            rows = [native.Row("bid", one.price, one.size) for one in wire.bids]
            rows += [native.Row("offer", one.price, one.size) for one in wire.asks]
            sides, at_ns = normalize.snapshot_sides(rows), read_instant(wire.time or "")
            return listed_book(ADVANCED, symbol, sides, count, received_ns, at_ns)

        return rest_query(call, _decode_book, read)

    def ticker(self, symbol: Symbol) -> RestQuery[Ticker]:
        """The best bid and ask, and the last trade; the day's figures are on the stream alone."""

        def read(wire: Trades, received_ns: int) -> Ticker:
            rows = _trades(wire, symbol, received_ns)
            last = rows.items[0] if rows.items else None
            return Ticker(
                venue=ADVANCED,
                symbol=symbol,
                bid=price_or_none(wire.best_bid),
                ask=price_or_none(wire.best_ask),
                last=None if last is None else last.price,
                last_quantity=None if last is None else last.quantity,
                received_ns=received_ns,
            )

        return rest_query(_product(symbol, "ticker", limit=1), _decode_trades, read)

    def trades(self, symbol: Symbol, since_ns: int | None = None) -> RestQuery[Page[Trade]]:
        """The last thousand trades, or all since an instant."""

        def call(before: Trade | None) -> Fetch:
            end = None if before is None else _second_after(before)
            return _product(symbol, "ticker", limit=_TRADES_MAX, end=end)

        def read(body: bytes, received_ns: int) -> Rows[Trade]:
            return _trades(decoded(_decode_trades, body), symbol, received_ns)

        return TradePages(call, read, _TRADES_MAX).query(since_ns)

    def candles(
        self,
        symbol: Symbol,
        interval_s: int,
        since_ns: int | None = None,
        until_ns: int | None = None,
    ) -> RestQuery[Page[Candle]]:
        """Candles by windows of 350; the last ones begin with a call for the venue's time."""
        granularity = interval_word(interval_s, GRANULARITIES)
        series = CandleSeries(ADVANCED, symbol, interval_s)

        def call(start_s: int, end_s: int) -> Fetch:
            window = {"start": start_s, "end": end_s, "limit": _CANDLES_MAX}
            return _product(symbol, "candles", granularity=granularity, **window)

        def read(body: bytes, received_ns: int) -> Rows[Candle]:
            rows = decoded(_decode_candles, body).candles
            return read_rows(rows, partial(_candle, series, received_ns))

        windows = CandleWindows(series, call, read, _CANDLES_MAX)
        now = self.time()
        last: RestQuery[Page[Candle]] = RestQuery(
            now.fetch,
            lambda body, received_ns: Page((), next=windows.last(now.read(body, received_ns) + 1)),
        )
        return windows.query(since_ns, until_ns, last)

    def _products(self, cursor: str) -> RestQuery[Page[Instrument]]:
        call = get(f"{_MARKET}/products", "products", cursor=cursor or None)

        def read(answer: native.Products, received_ns: int) -> Page[Instrument]:
            rows = read_rows(answer.products, lambda row: normalize.market_of(row, received_ns))
            following = native.next_cursor(answer)
            more = self._products(following) if following and following != cursor else None
            return page_of(rows, more)

        return rest_query(call, native.decode_products, read)


def _product(symbol: Symbol, part: str, **query: object) -> Fetch:
    path = f"{_MARKET}/products/{quote(format_symbol(symbol), safe='')}/{part}"
    return get(path, part, **query)


def _nanos(time: Time) -> int:
    text = time.epochMillis
    if not text.isascii() or not text.isdecimal() or len(text) > 13:
        raise RemoteProtocolError(f"milliseconds were expected, were {text[:40]!r}")
    return int(text) * 1_000_000


def _trades(wire: Trades, symbol: Symbol, received_ns: int) -> Rows[Trade]:

    def read(row: Raw) -> Trade:
        one = native.TRADES.decode(row)
        venue_ns = read_instant(one.time or "")
        return normalize.trade(one, symbol, "snapshot", venue_ns, received_ns)

    return read_rows(wire.trades, read)


def _candle(series: CandleSeries, received_ns: int, row: Raw) -> Candle:
    one = _decode_candle(row)
    values = map(exact, (one.open, one.high, one.low, one.close, one.volume))
    return series.candle(normalize.start_s(one.start) * _SECOND, values, received_ns)


def _second_after(trade: Trade) -> int:
    """The first whole second after a trade, so that all others of its own second are listed."""
    if trade.venue_ns is None:
        raise RemoteProtocolError(f"a trade with a time was expected, was {trade.trade_id}")
    return trade.venue_ns // _SECOND + 1


_decode_time = msgspec.json.Decoder(Time).decode
_decode_book = msgspec.json.Decoder(Book).decode
_decode_trades = msgspec.json.Decoder(Trades).decode
_decode_candle = msgspec.json.Decoder(CandleRow).decode
_decode_candles = msgspec.json.Decoder(Candles).decode
