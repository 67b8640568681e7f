"""What anybody can ask of Kraken over REST, and how the answers are read.

Public calls are limited by address; about one a second is safe
(https://docs.kraken.com/api/docs/guides/spot-rest-ratelimits). Markets are asked for by their v2
names, which every call takes; the answer may be keyed by another name, so the key is not read.
"""

from collections.abc import Sequence
from decimal import Decimal
from urllib.parse import urlencode

from msgspec import MsgspecError, Raw

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.event import VenueStatus
from fluxum.model.instant import plausible_ns
from fluxum.model.instrument import Asset, Instrument, InstrumentStatus, Symbol
from fluxum.model.market import BookSnapshot, Candle, Level, Side, Ticker, Trade
from fluxum.venues.conversation import Fetch
from fluxum.venues.kraken import native_rest as rest
from fluxum.venues.kraken.envelope import asked
from fluxum.venues.kraken.normalize import VENUE, symbol
from fluxum.venues.queries import Page, RestQuery
from fluxum.venues.rows import read_rows

__all__ = ["KrakenMarketQueries"]

_SECOND = 1_000_000_000
_SIDES = {"b": Side.BUY, "s": Side.SELL}
_TYPES = {"m": "market", "l": "limit"}
# The only names that differ between REST and v2 (https://docs.kraken.com/api/docs/guides/
# spot-ws-intro, the questions at its end).
_RENAMED = {"XBT": "BTC", "XDG": "DOGE"}
_COUNT_MAX = 500
# https://docs.kraken.com/api/docs/rest-api/get-ohlc-data, `interval` in minutes
_INTERVALS_S = tuple(60 * minutes for minutes in (1, 5, 15, 30, 60, 240, 1440, 10_080, 21_600))


class KrakenMarketQueries:
    """Questions about the venue and its markets; see MarketQuestions."""

    def time(self) -> RestQuery[int]:
        """The venue's clock, by the second."""
        return asked(_get("Time"), rest.decode_time, lambda said, _: said.unixtime * _SECOND)

    def status(self) -> RestQuery[VenueStatus]:
        """What the engine does now."""
        return asked(_get("SystemStatus"), rest.decode_status, _status)

    def instruments(self) -> RestQuery[Page[Instrument]]:
        """Every market; those of another name on the wire are called by that."""

        def read(pairs: dict[str, Raw], received_ns: int) -> Page[Instrument]:
            rows = read_rows(pairs.values(), lambda raw: _instrument(raw, received_ns))
            return Page(rows.items, left_out=rows.left_out)

        return asked(_get("AssetPairs"), rest.decode_keyed, read)

    def book(self, symbol: Symbol, count: int) -> RestQuery[BookSnapshot]:
        """The best levels a side, at most 500; nothing proves them."""
        if not 1 <= count <= _COUNT_MAX:
            raise BadInput(f"1 to {_COUNT_MAX} levels were expected, was {count}")

        def read(results: dict[str, Raw], received_ns: int) -> BookSnapshot:
            book = rest.decode_depth(_only(results))
            return BookSnapshot(
                venue=VENUE,
                symbol=symbol,
                bids=_levels(book.bids, is_falling=True),
                asks=_levels(book.asks, is_falling=False),
                received_ns=received_ns,
                cut_at=count,
            )

        return asked(_get("Depth", pair=symbol, count=count), rest.decode_keyed, read)

    def ticker(self, symbol: Symbol) -> RestQuery[Ticker]:
        """The last 24 hours of one market in one line."""

        def read(results: dict[str, Raw], received_ns: int) -> Ticker:
            return _ticker(rest.decode_ticker(_only(results)), symbol, received_ns)

        return asked(_get("Ticker", pair=symbol), rest.decode_keyed, read)

    def trades(self, symbol: Symbol, since_ns: int | None = None) -> RestQuery[Page[Trade]]:
        """Trades, oldest first: the last thousand, or the first thousand since an instant."""

        def read(results: dict[str, Raw], received_ns: int) -> Page[Trade]:
            rows = read_rows(
                rest.decode_rows(_only(results)), lambda raw: _trade(raw, symbol, received_ns)
            )
            return Page(rows.items, left_out=rows.left_out)

        since = {} if since_ns is None else {"since": since_ns}
        return asked(_get("Trades", pair=symbol, **since), rest.decode_keyed, read)

    def candles(
        self,
        symbol: Symbol,
        interval_s: int,
        since_ns: int | None = None,
        until_ns: int | None = None,
    ) -> RestQuery[Page[Candle]]:
        """The last 720 candles, oldest first; earlier ones cannot be had (.../get-ohlc-data)."""
        if interval_s not in _INTERVALS_S:
            known = ", ".join(map(str, _INTERVALS_S))
            raise BadInput(f"an interval in seconds was expected ({known}), was {interval_s}")

        def read(results: dict[str, Raw], received_ns: int) -> Page[Candle]:
            committed_s = _cursor_s(results.get("last", Raw(b"0")))

            def wanted(raw: Raw) -> Candle | None:
                candle = _candle(raw, symbol, interval_s, committed_s, received_ns)
                is_early = since_ns is not None and candle.start_ns < since_ns
                is_late = until_ns is not None and candle.start_ns >= until_ns
                return None if is_early or is_late else candle

            rows = read_rows(rest.decode_rows(_only(results)), wanted)
            return Page(rows.items, left_out=rows.left_out)

        query: dict[str, object] = {"pair": symbol, "interval": interval_s // 60}
        if since_ns is not None:  # what begins at the cursor itself is not listed
            query["since"] = max(0, since_ns // _SECOND - 1)
        return asked(_get("OHLC", **query), rest.decode_keyed, read)


def _get(call: str, **query: object) -> Fetch:
    text = f"?{urlencode({name: str(value) for name, value in query.items()})}" if query else ""
    return Fetch("GET", f"/0/public/{call}{text}", call)


def _only(results: dict[str, Raw]) -> bytes:
    """The result of the one market there is, whatever it is called."""
    found = [raw for name, raw in results.items() if name != "last"]
    if len(found) != 1:
        raise RemoteProtocolError(f"the result of one market was expected, was {len(found)}")
    return bytes(found[0])


def _status(said: rest.StatusResult, _received_ns: int) -> VenueStatus:
    try:
        return VenueStatus(said.status)
    except ValueError:
        raise RemoteProtocolError(f"a status was expected, was {said.status!r}") from None


def _cursor_s(raw: bytes) -> int:
    """The begin of the last candle that does not change any more; zero where it is not said."""
    try:
        return rest.decode_cursor(raw)
    except MsgspecError:
        return 0


def _instrument(raw: Raw, received_ns: int) -> Instrument:
    row = rest.decode_pair(raw)
    base, _, quote = row.wsname.partition("/")
    base, quote = _RENAMED.get(base, base), _RENAMED.get(quote, quote)
    try:
        status = InstrumentStatus(row.status)
    except ValueError:
        status = InstrumentStatus.OTHER
    tick = row.tick_size or Decimal(1).scaleb(-row.pair_decimals)
    return Instrument(
        venue=VENUE,
        symbol=symbol(f"{base}/{quote}"),
        venue_symbol=f"{base}/{quote}",
        base=Asset(base),
        quote=Asset(quote),
        status=status,
        tick=_positive(tick),
        lot=_positive(Decimal(1).scaleb(-row.lot_decimals)),
        price_precision=row.pair_decimals,
        quantity_precision=row.lot_decimals,
        quantity_min=_number(row.ordermin),
        notional_min=None if row.costmin is None else _number(row.costmin),
        received_ns=received_ns,
    )


def _levels(rows: Sequence[rest.DepthRow], *, is_falling: bool) -> tuple[Level, ...]:
    levels = [Level(_positive(price), _positive(quantity)) for price, quantity, _ in rows]
    return tuple(sorted(levels, key=_price, reverse=is_falling))


def _price(level: Level) -> Decimal:
    return level.price


def _trade(raw: Raw, symbol: Symbol, received_ns: int) -> Trade:
    row = rest.decode_trade(raw)
    return Trade(
        venue=VENUE,
        symbol=symbol,
        side=_side(row.side),
        price=_positive(row.price),
        quantity=_positive(row.volume),
        trade_id=str(row.number),
        sequence=row.number,
        order_type=_TYPES.get(row.kind, row.kind),
        backfilled=True,
        venue_ns=plausible_ns(int(_number(row.time) * _SECOND)),
        received_ns=received_ns,
    )


def _ticker(row: rest.TickerRow, symbol: Symbol, received_ns: int) -> Ticker:
    """The last of each pair of figures covers the last 24 hours; those before, today."""
    return Ticker(
        venue=VENUE,
        symbol=symbol,
        bid=_number(row.b[0]) or None,
        bid_quantity=_number(row.b[2]),
        ask=_number(row.a[0]) or None,
        ask_quantity=_number(row.a[2]),
        last=_number(row.c[0]) or None,
        last_quantity=_number(row.c[1]),
        volume=_number(row.v[1]),
        vwap=_number(row.p[1]) or None,
        low=_number(row.l[1]) or None,
        high=_number(row.h[1]) or None,
        open=_number(row.o) or None,
        trades=row.t[1],
        received_ns=received_ns,
    )


def _candle(
    raw: Raw, symbol: Symbol, interval_s: int, committed_s: int, received_ns: int
) -> Candle:
    row = rest.decode_candle(raw)
    start_ns = plausible_ns(row.time * _SECOND)
    if start_ns is None:
        raise RemoteProtocolError(f"a time in seconds was expected, was {row.time}")
    return Candle(
        venue=VENUE,
        symbol=symbol,
        interval_s=interval_s,
        start_ns=start_ns,
        end_ns=start_ns + interval_s * _SECOND,
        open=_positive(row.open),
        high=_positive(row.high),
        low=_positive(row.low),
        close=_positive(row.close),
        volume=_number(row.volume),
        vwap=_number(row.vwap) or None,
        trades=row.count,
        closed=row.time <= committed_s,
        backfilled=True,
        venue_ns=None,
        received_ns=received_ns,
    )


def _side(word: str) -> Side:
    try:
        return _SIDES[word]
    except KeyError:
        raise RemoteProtocolError(f"a side was expected, was {word!r}") from None


def _number(value: Decimal) -> Decimal:
    if not value.is_finite() or not 0 <= value < 10**18:
        raise RemoteProtocolError(f"a number was expected, was {value}")
    return value


def _positive(value: Decimal) -> Decimal:
    if not _number(value):
        raise RemoteProtocolError(f"a number above zero was expected, was {value}")
    return value
