"""What anybody can ask of Kraken over REST, and how the answers are read.

Public calls are limited by address; about one a second is safe
(https://docs.kraken.com/api/docs/guides/spot-rest-ratelimits). Markets are asked for by their v2
names, which every call takes; the answer may be keyed by another name, so the key is not read.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar
from urllib.parse import urlencode

from msgspec import Raw

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.event import VenueStatus
from fluxum.model.instrument import Asset, Instrument, InstrumentStatus, Symbol
from fluxum.model.market import BookSnapshot, Candle, Level, Side, Ticker, Trade
from fluxum.venues.conversation import Fetch
from fluxum.venues.kraken import rest
from fluxum.venues.kraken.envelope import asked
from fluxum.venues.kraken.normalize import VENUE, symbol
from fluxum.venues.questions import Page, Question

__all__ = ["KrakenMarketQuestions"]

Said = TypeVar("Said")

_SECOND = 1_000_000_000
_SIDES = {"b": Side.BUY, "s": Side.SELL}
_TYPES = {"m": "market", "l": "limit"}
# The only names that differ between REST and v2 (https://docs.kraken.com/api/docs/guides/
# spot-ws-intro, the questions at its end).
_RENAMED = {"XBT": "BTC", "XDG": "DOGE"}
_COUNT_MAX = 500


class KrakenMarketQuestions:
    """Questions about the venue and its markets; see MarketQuestions."""

    def time(self) -> Question[int]:
        """The venue's clock, by the second."""
        return asked(_get("Time"), rest.decode_time, lambda said, _: said.unixtime * _SECOND)

    def status(self) -> Question[VenueStatus]:
        """What the engine does now."""
        return asked(_get("SystemStatus"), rest.decode_status, _status)

    def instruments(self) -> Question[Page[Instrument]]:
        """Every market; those of another name on the wire are called by that."""

        def read(pairs: dict[str, rest.PairRow], received_ns: int) -> Page[Instrument]:
            return Page(tuple(_instrument(row, received_ns) for row in pairs.values()))

        return asked(_get("AssetPairs"), rest.decode_pairs, read)

    def book(self, symbol: Symbol, count: int) -> Question[BookSnapshot]:
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

    def ticker(self, symbol: Symbol) -> Question[Ticker]:
        """The last 24 hours of one market in one line."""

        def read(results: dict[str, Raw], received_ns: int) -> Ticker:
            return _ticker(rest.decode_ticker(_only(results)), symbol, received_ns)

        return asked(_get("Ticker", pair=symbol), rest.decode_keyed, read)

    def trades(self, symbol: Symbol, since_ns: int | None = None) -> Question[Page[Trade]]:
        """Trades, oldest first: the last thousand, or the first thousand since an instant."""

        def read(results: dict[str, Raw], received_ns: int) -> Page[Trade]:
            rows = rest.decode_trades(_only(results))
            return Page(tuple(_trade(row, symbol, received_ns) for row in rows))

        since = {} if since_ns is None else {"since": since_ns}
        return asked(_get("Trades", pair=symbol, **since), rest.decode_keyed, read)

    def candles(
        self,
        symbol: Symbol,
        interval_s: int,
        since_ns: int | None = None,
        until_ns: int | None = None,
    ) -> Question[Page[Candle]]:
        """The last 720 candles, oldest first; earlier ones cannot be had."""
        if interval_s % 60:
            raise BadInput(f"an interval of whole minutes was expected, was {interval_s} s")

        def read(results: dict[str, Raw], received_ns: int) -> Page[Candle]:
            rows = rest.decode_candles(_only(results))
            committed_s = int(bytes(results.get("last", Raw(b"0"))))
            candles = [_candle(row, symbol, interval_s, committed_s, received_ns) for row in rows]
            return Page(
                tuple(
                    one
                    for one in candles
                    if (since_ns is None or since_ns <= one.start_ns)
                    and (until_ns is None or one.start_ns < until_ns)
                )
            )

        return asked(_get("OHLC", pair=symbol, interval=interval_s // 60), rest.decode_keyed, read)


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


def _instrument(row: rest.PairRow, received_ns: int) -> Instrument:
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
        lot=Decimal(1).scaleb(-row.lot_decimals),
        price_precision=row.pair_decimals,
        quantity_precision=row.lot_decimals,
        quantity_min=_number(row.ordermin),
        notional_min=row.costmin,
        received_ns=received_ns,
    )


def _levels(rows: Sequence[rest.DepthRow], *, is_falling: bool) -> tuple[Level, ...]:
    levels = [Level(_positive(price), _positive(quantity)) for price, quantity, _ in rows]
    return tuple(sorted(levels, key=_price, reverse=is_falling))


def _price(level: Level) -> Decimal:
    return level.price


def _trade(row: rest.TradeRow, symbol: Symbol, received_ns: int) -> Trade:
    price, quantity, seconds, side, kind, _, number = row
    return Trade(
        venue=VENUE,
        symbol=symbol,
        side=_known(_SIDES, side, "a side"),
        price=_positive(price),
        quantity=_positive(quantity),
        trade_id=str(number),
        sequence=number,
        order_type=_known(_TYPES, kind, "an order type"),
        backfilled=True,
        venue_ns=int(_number(seconds) * _SECOND),
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
        vwap=_number(row.p[1]),
        low=_number(row.l[1]),
        high=_number(row.h[1]),
        open=_number(row.o),
        trades=row.t[1],
        received_ns=received_ns,
    )


def _candle(
    row: rest.CandleRow, symbol: Symbol, interval_s: int, committed_s: int, received_ns: int
) -> Candle:
    begin_s = row[0]
    opened, high, low, close, average, volume = map(_number, row[1:7])
    return Candle(
        venue=VENUE,
        symbol=symbol,
        interval_s=interval_s,
        start_ns=begin_s * _SECOND,
        end_ns=(begin_s + interval_s) * _SECOND,
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=volume,
        vwap=average,
        trades=row[7],
        closed=begin_s <= committed_s,
        backfilled=True,
        venue_ns=None,
        received_ns=received_ns,
    )


def _known(words: dict[str, Said], word: str, what: str) -> Said:
    try:
        return words[word]
    except KeyError:
        raise RemoteProtocolError(f"{what} was expected, was {word!r}") from None


def _number(value: Decimal) -> Decimal:
    if not value.is_finite() or not 0 <= value < 10**18:
        raise RemoteProtocolError(f"a number was expected, was {value}")
    return value


def _positive(value: Decimal) -> Decimal:
    if not _number(value):
        raise RemoteProtocolError(f"a number above zero was expected, was {value}")
    return value
