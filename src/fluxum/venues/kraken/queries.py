"""What can be queried of Kraken over REST without keys, and how the answers are read.

Public calls are limited by address; about one a second is safe
(https://docs.kraken.com/api/docs/guides/spot-rest-ratelimits). Markets are named by their v2
names, which every call takes; the answer may be keyed by another name, so the key is not read.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import TypeVar

from msgspec import MsgspecError, Raw

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import VenueStatus
from fluxum.model.instant import plausible_ns
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import BookSnapshot, Candle, Level, Side, Ticker, Trade
from fluxum.venues.candle_history import CandleSeries, starting_within
from fluxum.venues.kraken import native, normalize
from fluxum.venues.kraken import native_rest as rest
from fluxum.venues.kraken.envelope import query
from fluxum.venues.kraken.normalize import VENUE, positive, price_or_none
from fluxum.venues.queries import (
    Page,
    RestQuery,
    check_levels,
    get,
    interval_word,
    listed_book,
    page_of,
)
from fluxum.venues.rows import best_first, finite, read_rows

__all__ = ["KrakenMarketQueries"]

Answer = TypeVar("Answer")
Result = TypeVar("Result")

_PATH = "/0/public/"
_SECOND = 1_000_000_000
_TYPES = {"m": "market", "l": "limit"}
# The only names that differ between REST and v2 (https://docs.kraken.com/api/docs/guides/
# spot-ws-intro, the list at its end).
_RENAMED = {"XBT": "BTC", "XDG": "DOGE"}
_LEVELS_MAX = 500
_TRADES_MAX = 1000
# https://docs.kraken.com/api/docs/rest-api/get-ohlc-data, `interval` in minutes
_INTERVALS = {
    60 * minutes: str(minutes) for minutes in (1, 5, 15, 30, 60, 240, 1440, 10_080, 21_600)
}


class KrakenMarketQueries:
    """Queries about the venue and its markets; see MarketQueries."""

    def time(self) -> RestQuery[int]:
        """The venue's clock, by the second."""
        fetch = get(f"{_PATH}Time", "Time")
        return query(fetch, rest.decode_time, lambda result, _: result.unixtime * _SECOND)

    def status(self) -> RestQuery[VenueStatus]:
        """The status of the venue's engine."""
        return query(get(f"{_PATH}SystemStatus", "SystemStatus"), rest.decode_status, _status)

    def instruments(self) -> RestQuery[Page[Instrument]]:
        """Every market; those of another name on the wire have that of v2."""

        def read(pairs: dict[str, Raw], received_ns: int) -> Page[Instrument]:
            return page_of(read_rows(pairs.values(), partial(_instrument, received_ns)))

        return query(get(f"{_PATH}AssetPairs", "AssetPairs"), rest.decode_keyed, read)

    def book(self, symbol: Symbol, count: int) -> RestQuery[BookSnapshot]:
        """The best levels a side, at most 500; nothing proves them."""
        check_levels(count, _LEVELS_MAX)

        def read(book: rest.Depth, received_ns: int) -> BookSnapshot:
            sides = best_first(_levels(book.bids), _levels(book.asks))
            return listed_book(VENUE, symbol, sides, count, received_ns)

        return _market_query("Depth", symbol, rest.decode_depth, read, count=count)

    def ticker(self, symbol: Symbol) -> RestQuery[Ticker]:
        """The last 24 hours of one market in one line."""
        return _market_query("Ticker", symbol, rest.decode_ticker, partial(_ticker, symbol))

    def trades(self, symbol: Symbol, since_ns: int | None = None) -> RestQuery[Page[Trade]]:
        """Trades, oldest first: the last thousand, or all since an instant, thousand by thousand.

        An answer names the instant of its last trade, and lists what is later than an instant
        (.../get-recent-trades). Trades of one order share an instant, so a page begins just before
        that of the last one, and leaves out the trades that are known.
        """
        return self._trades(symbol, since_ns)

    def candles(
        self,
        symbol: Symbol,
        interval_s: int,
        since_ns: int | None = None,
        until_ns: int | None = None,
    ) -> RestQuery[Page[Candle]]:
        """The last 720 candles, oldest first; earlier ones cannot be had (.../get-ohlc-data)."""
        series = CandleSeries(VENUE, symbol, interval_s)

        def read(results: dict[str, Raw], received_ns: int) -> Page[Candle]:
            committed_s = _cursor_s(results.get("last", Raw(b"0")))
            rows = rest.decode_rows(_only(results))
            found = read_rows(rows, partial(_candle, series, committed_s, received_ns))
            return page_of(found.where(starting_within(since_ns, until_ns)))

        fetch = get(
            f"{_PATH}OHLC",
            "OHLC",
            pair=symbol,
            interval=interval_word(interval_s, _INTERVALS),
            # What begins at the cursor itself is not listed.
            since=None if since_ns is None else max(0, since_ns // _SECOND - 1),
        )
        return query(fetch, rest.decode_keyed, read)

    def _trades(
        self, symbol: Symbol, since_ns: int | None, known: int | None = None
    ) -> RestQuery[Page[Trade]]:
        """The trades since an instant with a number above `known`, and those that follow."""

        def read(results: dict[str, Raw], received_ns: int) -> Page[Trade]:
            rows = rest.decode_rows(_only(results))
            found = read_rows(rows, partial(_trade, symbol, received_ns))
            fresh = found.where(lambda one: known is None or (one.sequence or 0) > known)
            last_ns = _cursor_ns(results.get("last", Raw(b"0"))) - 1
            if since_ns is None or len(rows) < _TRADES_MAX or last_ns <= since_ns:
                return page_of(fresh)
            newest = max([known or 0, *(one.sequence or 0 for one in fresh.items)])
            return page_of(fresh, self._trades(symbol, last_ns, newest))

        call = get(f"{_PATH}Trades", "Trades", pair=symbol, since=since_ns)
        return query(call, rest.decode_keyed, read)


def _market_query(
    call: str,
    symbol: Symbol,
    decode: Callable[[bytes], Answer],
    read: Callable[[Answer, int], Result],
    **parameters: object,
) -> RestQuery[Result]:
    """A query about one market, whatever name its result is keyed by."""
    return query(
        get(_PATH + call, call, pair=symbol, **parameters),
        lambda body: decode(_only(rest.decode_keyed(body))),
        read,
    )


def _only(results: dict[str, Raw]) -> bytes:
    """The result of the one market there is, whatever its key is."""
    found = [raw for name, raw in results.items() if name != "last"]
    if len(found) != 1:
        raise RemoteProtocolError(f"the result of one market was expected, was {len(found)}")
    return bytes(found[0])


def _status(result: rest.StatusResult, _received_ns: int) -> VenueStatus:
    try:
        return VenueStatus(result.status)
    except ValueError:
        raise RemoteProtocolError(f"a status was expected, was {result.status!r}") from None


def _cursor_ns(raw: Raw) -> int:
    """The instant of the last trade of an answer, which is text; zero if it is missing."""
    try:
        return int(rest.decode_text(raw))
    except (MsgspecError, ValueError):
        return 0


def _cursor_s(raw: bytes) -> int:
    """The begin of the last candle that does not change any more; zero where it is missing."""
    try:
        return rest.decode_cursor(raw)
    except (MsgspecError, UnicodeDecodeError):
        return 0


def _instrument(received_ns: int, raw: Raw) -> Instrument:
    row = rest.decode_pair(raw)
    base, _, quote = row.wsname.partition("/")
    base, quote = _RENAMED.get(base, base), _RENAMED.get(quote, quote)
    pair = native.Pair(
        symbol=f"{base}/{quote}",
        base=base,
        quote=quote,
        status=row.status,
        qty_precision=row.lot_decimals,
        qty_increment=Decimal(1).scaleb(-row.lot_decimals),
        price_precision=row.pair_decimals,
        price_increment=row.tick_size or Decimal(1).scaleb(-row.pair_decimals),
        qty_min=row.ordermin,
        cost_min=row.costmin,
    )
    return normalize.instrument(pair, received_ns)


def _levels(rows: Sequence[rest.DepthRow]) -> Sequence[Level]:
    return [Level(positive(price), positive(quantity)) for price, quantity, _ in rows]


def _trade(symbol: Symbol, received_ns: int, raw: Raw) -> Trade:
    row = rest.decode_trade(raw)
    return Trade(
        venue=VENUE,
        symbol=symbol,
        side=Side.BUY if row.side == "b" else Side.SELL,
        price=positive(row.price),
        quantity=positive(row.volume),
        trade_id=str(row.number),
        sequence=row.number,
        order_type=_TYPES.get(row.kind, row.kind),
        backfilled=True,
        venue_ns=plausible_ns(int(finite(row.time) * _SECOND)),
        received_ns=received_ns,
    )


def _ticker(symbol: Symbol, row: rest.TickerRow, received_ns: int) -> Ticker:
    """The last of each pair of figures covers the last 24 hours; those before, today."""
    return Ticker(
        venue=VENUE,
        symbol=symbol,
        bid=price_or_none(row.b[0]),
        bid_quantity=finite(row.b[2]),
        ask=price_or_none(row.a[0]),
        ask_quantity=finite(row.a[2]),
        last=price_or_none(row.c[0]),
        last_quantity=finite(row.c[1]),
        volume=finite(row.v[1]),
        vwap=price_or_none(row.p[1]),
        low=price_or_none(row.l[1]),
        high=price_or_none(row.h[1]),
        open=price_or_none(row.o),
        trades=row.t[1],
        received_ns=received_ns,
    )


def _candle(series: CandleSeries, committed_s: int, received_ns: int, raw: Raw) -> Candle:
    row = rest.decode_candle(raw)
    return series.candle(
        row.time * _SECOND,
        (*map(positive, (row.open, row.high, row.low, row.close)), finite(row.volume)),
        received_ns,
        closed=row.time <= committed_s,
        trades=row.count,
        vwap=price_or_none(row.vwap),
    )
