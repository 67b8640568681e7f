"""The queries that anybody can make of the Exchange over REST, and how the answers are read.

Source: https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/products and the pages of
each call, 2026-06. The side of a trade is the maker's; numbers of candles are JSON numbers.
"""

from decimal import Decimal
from functools import partial
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct

from fluxum.errors import BadInput
from fluxum.model.event import VenueStatus
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import BookSnapshot, Candle, Ticker, Trade
from fluxum.venues.candle_history import CandleSeries, candle_history
from fluxum.venues.coinbase.exchange import native, normalize
from fluxum.venues.coinbase.instants import instant_text, read_instant
from fluxum.venues.coinbase.pages import CandleWindows, TradePages
from fluxum.venues.coinbase.symbols import EXCHANGE, format_symbol
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
    require_instant,
    rest_query,
)
from fluxum.venues.rows import Rows, exact_or_none, finite, price_or_none, read_rows

__all__ = ["INTERVALS_S", "Book", "DayTicker", "ExchangeQueries", "Time", "TradeRow"]

_LEVELS_MAX = 1_000_000
_TRADES_MAX = 1000
_CANDLES_MAX = 300
_SECOND = 1_000_000_000
INTERVALS_S = (60, 300, 900, 3600, 21_600, 86_400)
"""The intervals of candles, in seconds."""


class Time(Struct):
    """`{"iso":"2015-01-07T23:47:25.201Z","epoch":1420674445.201}`.

    https://docs.cdp.coinbase.com/exchange/rest-api/requests
    """

    iso: str


class Book(Struct):
    """Levels of price, size and number of orders, best first.

    `{"sequence":13051505638,"bids":[["6247.58","6.3578146",2]],"asks":[["6251.52","2",1]],
    "time":"2021-02-12T01:09:23.334Z"}`
    """

    bids: tuple[tuple[str, str, int], ...]
    asks: tuple[tuple[str, str, int], ...]
    time: str | None = ""


class DayTicker(Struct):
    """The last trade, the best bid and ask, and the volume of 24 hours.

    `{"trade_id":86326522,"price":"6268.48","size":"0.00698254","time":"2020-03-20T00:22:57.833897Z",
    "bid":"6265.15","ask":"6267.71","volume":"53602.03940154"}`
    (https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/products/get-product-ticker)
    """

    price: str | None = None
    size: str | None = None
    time: str | None = ""
    bid: str | None = None
    ask: str | None = None
    volume: str | None = None


class TradeRow(Struct):
    """One trade.

    `{"trade_id":74,"side":"sell","size":"0.01000000","price":"10.00000000",
    "time":"2014-11-07T22:19:28.578544Z"}`
    (https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/products/get-product-trades)
    """

    trade_id: native.Number
    side: native.Side
    size: str
    price: str
    time: str | None = ""


CandleRow = tuple[int, Decimal, Decimal, Decimal, Decimal, Decimal]
"""Start in seconds, low, high, open, close, volume: `[1415398768,0.32,4.2,0.35,4.2,12.3]`."""


class ExchangeQueries:
    """Queries about the Exchange and its markets; see MarketQueries."""

    def time(self) -> RestQuery[int]:
        """The venue's clock, by the millisecond."""

        def read(time: Time, _received_ns: int) -> int:
            return require_instant(read_instant(time.iso), time.iso)

        return rest_query(get("/time", "time"), _decode_time, read)

    def status(self) -> RestQuery[VenueStatus]:
        """Raises BadInput: the status of its engine is that of each product."""
        raise BadInput(f"{EXCHANGE} has no call for the status of its engine")

    def instruments(self) -> RestQuery[Page[Instrument]]:
        """Every market."""

        def read(products: list[Raw], received_ns: int) -> Page[Instrument]:
            return page_of(read_rows(products, lambda row: normalize.market_of(row, received_ns)))

        return rest_query(get("/products", "products"), native.decode_products, read)

    def book(self, symbol: Symbol, count: int) -> RestQuery[BookSnapshot]:
        """The best levels a side: the venue lists one, or all of them."""
        check_levels(count, _LEVELS_MAX)

        def read(book: Book, received_ns: int) -> BookSnapshot:
            bids, asks = normalize.snapshot_sides(
                [(price, size) for price, size, _ in book.bids],
                [(price, size) for price, size, _ in book.asks],
            )
            best, at_ns = (bids[:count], asks[:count]), read_instant(book.time or "")
            return listed_book(EXCHANGE, symbol, best, count, received_ns, at_ns)

        call = _product(symbol, "book", level=1 if count == 1 else 2)
        return rest_query(call, _decode_book, read)

    def ticker(self, symbol: Symbol) -> RestQuery[Ticker]:
        """The best bid and ask, the last trade, and the volume of 24 hours."""

        def read(wire: DayTicker, received_ns: int) -> Ticker:
            last = price_or_none(wire.price)
            return Ticker(
                venue=EXCHANGE,
                symbol=symbol,
                bid=price_or_none(wire.bid),
                ask=price_or_none(wire.ask),
                last=last,
                last_quantity=None if last is None else exact_or_none(wire.size),
                volume=exact_or_none(wire.volume),
                venue_ns=read_instant(wire.time or ""),
                received_ns=received_ns,
            )

        return rest_query(_product(symbol, "ticker"), _decode_ticker, read)

    def trades(self, symbol: Symbol, since_ns: int | None = None) -> RestQuery[Page[Trade]]:
        """The last thousand trades, or all since an instant."""

        def call(before: Trade | None) -> Fetch:
            after = None if before is None else before.trade_id
            return _product(symbol, "trades", limit=_TRADES_MAX, after=after)

        def read(body: bytes, received_ns: int) -> Rows[Trade]:
            rows = decoded(_decode_rows, body)
            return read_rows(rows, lambda row: _trade(row, symbol, received_ns))

        return TradePages(call, read, _TRADES_MAX).query(since_ns)

    def candles(
        self,
        symbol: Symbol,
        interval_s: int,
        since_ns: int | None = None,
        until_ns: int | None = None,
    ) -> RestQuery[Page[Candle]]:
        """Candles by windows of 300; the last ones may come from a cache of five minutes."""
        granularity = interval_word(interval_s, {one: str(one) for one in INTERVALS_S})
        series = CandleSeries(EXCHANGE, symbol, interval_s)

        def call(start: str | None = None, end: str | None = None) -> Fetch:
            return _product(symbol, "candles", granularity=granularity, start=start, end=end)

        def read(body: bytes, received_ns: int) -> Rows[Candle]:
            return read_rows(decoded(_decode_rows, body), partial(_candle, series, received_ns))

        def last(body: bytes, received_ns: int) -> Page[Candle]:
            rows = read(body, received_ns)
            return Page(candle_history(rows, received_ns), left_out=rows.left_out)

        windows = CandleWindows(
            series, lambda start, end: call(_instant(start), _instant(end)), read, _CANDLES_MAX
        )
        return windows.query(since_ns, until_ns, RestQuery(call(), last))


def _product(symbol: Symbol, part: str, **query: object) -> Fetch:
    path = f"/products/{quote(format_symbol(symbol), safe='')}/{part}"
    return get(path, part, **query)


def _instant(second: int) -> str:
    return instant_text(second * _SECOND)


def _trade(row: Raw, symbol: Symbol, received_ns: int) -> Trade:
    wire = _decode_trade(row)
    match = native.LastMatch(format_symbol(symbol), wire.trade_id, wire.side, wire.size, wire.price)
    return normalize.trade(match, symbol, read_instant(wire.time or ""), received_ns)


def _candle(series: CandleSeries, received_ns: int, row: Raw) -> Candle:
    start_s, low, high, opened, close, volume = _decode_candle(row)
    values = map(finite, (opened, high, low, close, volume))
    return series.candle(start_s * _SECOND, values, received_ns)


_decode_time = msgspec.json.Decoder(Time).decode
_decode_book = msgspec.json.Decoder(Book).decode
_decode_ticker = msgspec.json.Decoder(DayTicker).decode
_decode_rows = msgspec.json.Decoder(list[Raw]).decode
_decode_trade = msgspec.json.Decoder(TradeRow).decode
_decode_candle = msgspec.json.Decoder(CandleRow).decode
