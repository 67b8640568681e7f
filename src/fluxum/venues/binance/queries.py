"""What can be queried of Binance over REST without keys, and how the answers are read.

Sources: https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md and
https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api. Trades
are numbered as those of the stream are: on spot single matches, on futures aggregated ones.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from msgspec import Raw, structs

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.event import VenueStatus
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import BookSnapshot, Candle, Ticker, Trade
from fluxum.venues.binance import answers, native, normalize
from fluxum.venues.binance.markets import read_market
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.symbols import is_possible
from fluxum.venues.candle_history import CandleSeries
from fluxum.venues.conversation import Fetch
from fluxum.venues.queries import (
    UNDECODABLE,
    Page,
    RestQuery,
    after,
    ceil_ms,
    check_levels,
    get,
    interval_word,
    listed_book,
    page_of,
    refusal,
    require_instant,
    rest_query,
)
from fluxum.venues.rows import exact, levels, read_rows

__all__ = ["BinanceQueries"]

Answer = TypeVar("Answer")
Result = TypeVar("Result")

_MILLISECOND = 1_000_000
_ROWS_MAX = 1000
# Too many requests: https://github.com/binance/binance-spot-api-docs/blob/master/errors.md
_RETRYABLE = frozenset({"-1003"})
_STATUSES = {0: VenueStatus.ONLINE, 1: VenueStatus.MAINTENANCE}


class BinanceQueries:
    """Queries of one of Binance's markets; see MarketQueries."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._venue = policy.venue

    def time(self) -> RestQuery[int]:
        """The venue's clock, by the millisecond."""
        return _query(
            self._call("time"),
            answers.decode_time,
            lambda wire, _: require_instant(normalize.nanos(wire.serverTime), wire.serverTime),
        )

    def status(self) -> RestQuery[VenueStatus]:
        """The status of the whole exchange; of futures only that they answer."""
        path = self._policy.status
        if path is None:
            return _query(
                self._call("ping"), answers.decode_ping, lambda _, _ns: VenueStatus.ONLINE
            )
        return _query(get(path, "system/status"), answers.decode_status, _status)

    def instruments(self) -> RestQuery[Page[Instrument]]:
        """Every market."""
        policy = self._policy

        def read(info: native.ExchangeInfo, received_ns: int) -> Page[Instrument]:
            venue_ns = normalize.nanos(info.serverTime)
            return page_of(
                read_rows(info.symbols, lambda row: read_market(policy, row, venue_ns, received_ns))
            )

        fetch = get(policy.listing, "exchangeInfo", policy.weight("exchangeInfo"))
        return _query(fetch, native.decode_exchange_info, read)

    def book(self, symbol: Symbol, count: int) -> RestQuery[BookSnapshot]:
        """The best levels a side, at most as many as a book is offered with."""
        policy = self._policy
        check_levels(count, max(policy.depths))
        limit = min(one for one in policy.depth_limits or (count,) if one >= count)

        def read(wire: native.Depth, received_ns: int) -> BookSnapshot:
            sides = levels(wire.bids[:count]), levels(wire.asks[:count])
            at_ns, number = normalize.nanos(wire.T), wire.lastUpdateId
            return listed_book(policy.venue, symbol, sides, count, received_ns, at_ns, number)

        fetch = self._call("depth", symbol, cost=policy.depth_weight(limit), limit=limit)
        return _query(fetch, native.decode_depth, read)

    def ticker(self, symbol: Symbol) -> RestQuery[Ticker]:
        """The last 24 hours; of futures in two calls, as bid and ask have a call of their own."""
        venue = self._venue
        day = _query(
            self._call("ticker/24hr", symbol),
            answers.decode_day,
            lambda wire, received_ns: normalize.ticker(wire, venue, symbol, received_ns),
        )
        if not self._policy.is_futures:
            return day
        best = _query(
            self._call("ticker/bookTicker", symbol),
            answers.decode_best,
            lambda wire, received_ns: normalize.book_ticker(wire, venue, symbol, received_ns),
        )

        def then(quotes: Ticker) -> RestQuery[Ticker]:
            return RestQuery(day.fetch, lambda body, ns: _quoted(day.read(body, ns), quotes))

        return after(best, then)

    def trades(self, symbol: Symbol, since_ns: int | None = None) -> RestQuery[Page[Trade]]:
        """The last thousand trades, or all since an instant, thousand by thousand."""
        start = None if since_ns is None else ceil_ms(since_ns)
        if self._policy.is_futures:
            is_followed = start is not None
            return self._trades("aggTrades", symbol, is_followed=is_followed, startTime=start)
        if start is None:
            return self._trades("trades", symbol, is_followed=False)

        def then(first: int | None) -> RestQuery[Page[Trade]]:
            if first is None:
                return _query(
                    self._call("ping"), answers.decode_ping, lambda _, _ns: Page[Trade](())
                )
            return self._trades("historicalTrades", symbol, is_followed=True, fromId=first)

        fetch = self._call("aggTrades", symbol, startTime=start, limit=1)
        return after(_query(fetch, answers.decode_list, _first_match), then)

    def candles(
        self,
        symbol: Symbol,
        interval_s: int,
        since_ns: int | None = None,
        until_ns: int | None = None,
    ) -> RestQuery[Page[Candle]]:
        """Candles, the last thousand of them or a thousand a page.

        A candle is closed if another one follows it, or if it had ended when it was received.
        """
        fetch = self._call(
            "klines",
            symbol,
            interval=interval_word(interval_s, self._policy.intervals),
            startTime=None if since_ns is None else ceil_ms(since_ns),
            endTime=None if until_ns is None else ceil_ms(until_ns) - 1,  # the venue includes it
            limit=_ROWS_MAX,
        )
        series = CandleSeries(self._venue, symbol, interval_s)

        def read(rows: list[Raw], received_ns: int) -> Page[Candle]:
            found = read_rows(rows, partial(_candle, series, received_ns))
            candles = [
                structs.replace(one, closed=True) if follows is not None else one
                for one, follows in zip(found.items, [*found.items[1:], None], strict=True)
            ]
            more = None
            if since_ns is not None and len(rows) >= _ROWS_MAX and candles:
                next_ns = candles[-1].end_ns
                if next_ns > since_ns and (until_ns is None or next_ns < until_ns):
                    more = self.candles(symbol, interval_s, next_ns, until_ns)
            return Page(tuple(candles), left_out=found.left_out, next=more)

        return _query(fetch, answers.decode_list, read)

    # Pieces

    def _trades(
        self, call: str, symbol: Symbol, *, is_followed: bool, **bounds: int | None
    ) -> RestQuery[Page[Trade]]:
        """Trades as the stream numbers them: one page, and if `is_followed` those after it."""
        read_row = _agg_trade if self._policy.is_futures else _match

        def read(rows: list[Raw], received_ns: int) -> Page[Trade]:
            found = read_rows(rows, partial(read_row, self._venue, symbol, received_ns))
            if not is_followed or len(rows) < _ROWS_MAX or not found.items:
                return page_of(found)
            first = (found.items[-1].sequence or 0) + 1
            return page_of(found, self._trades(call, symbol, is_followed=True, fromId=first))

        fetch = self._call(call, symbol, **bounds, limit=_ROWS_MAX)
        return _query(fetch, answers.decode_list, read)

    def _call(
        self,
        call: str,
        symbol: Symbol | None = None,
        *,
        cost: int | None = None,
        **parameters: object,
    ) -> Fetch:
        """A call, of one market if there is a symbol; raises BadInput if that can be no market."""
        policy = self._policy
        name = None if symbol is None else policy.format_symbol(symbol)
        if name is not None and not is_possible(name):
            raise BadInput(f"{self._venue} can have no market {symbol}")
        weight = policy.weight(call, of_all=symbol is None)
        path = f"{policy.rest}{call}"
        return get(path, call, cost or weight, symbol=name, **parameters)


def _query(
    fetch: Fetch, decode: Callable[[bytes], Answer], read: Callable[[Answer, int], Result]
) -> RestQuery[Result]:
    """A query whose answer may be a refusal: `{"code":-1121,"msg":"..."}`."""

    def decode_answer(body: bytes) -> Answer:
        if body.startswith(b'{"code":'):
            _check_refusal(fetch.purpose, body)
        return decode(body)

    return rest_query(fetch, decode_answer, read)


def _check_refusal(call: str, body: bytes) -> None:
    """Raises VenueRefused if the answer is a refusal."""
    try:
        fault = native.decode_fault(body)
    except UNDECODABLE:
        return
    raise refusal(f"{call} was refused: {fault.msg}", str(fault.code), _RETRYABLE)


def _status(wire: answers.StatusAnswer, _received_ns: int) -> VenueStatus:
    try:
        return _STATUSES[wire.status]
    except KeyError:
        raise RemoteProtocolError(f"a status was expected, was {wire.status}") from None


def _quoted(day: Ticker, best: Ticker) -> Ticker:
    return structs.replace(
        day,
        bid=best.bid,
        bid_quantity=best.bid_quantity,
        ask=best.ask,
        ask_quantity=best.ask_quantity,
    )


def _first_match(rows: list[Raw], _received_ns: int) -> int | None:
    """The first match of the first aggregated trade, if there is one."""
    if not rows:
        return None
    row = answers.decode_agg_trade(rows[0])
    if row.f is None:
        raise RemoteProtocolError("an aggregated trade with its first match was expected")
    return row.f


def _match(venue: str, symbol: Symbol, received_ns: int, raw: Raw) -> Trade | None:
    trade = normalize.trade(answers.decode_match(raw), venue, symbol, received_ns)
    return None if trade is None else structs.replace(trade, backfilled=True)


def _agg_trade(venue: str, symbol: Symbol, received_ns: int, raw: Raw) -> Trade:
    wire = answers.decode_agg_trade(raw)
    trade = normalize.agg_trade(wire, venue, symbol, received_ns)
    return structs.replace(trade, backfilled=True)


def _candle(series: CandleSeries, received_ns: int, raw: Raw) -> Candle:
    row = answers.decode_candle(raw)
    values = map(exact, (row.open, row.high, row.low, row.close, row.volume))
    return series.candle(row.start * _MILLISECOND, values, received_ns, trades=row.trades)
