"""What can be asked of Binance over REST without keys, and how the answers are read.

Sources: https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md and
https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api. Trades
are numbered as those of the stream are: on spot single matches, on futures aggregated ones.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeVar
from urllib.parse import urlencode

from msgspec import MsgspecError, Raw, structs

from fluxum.errors import BadInput, RateLimited, RemoteProtocolError, VenueRefused
from fluxum.model.event import VenueStatus
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.interval import interval_end
from fluxum.model.market import BookSnapshot, Candle, Ticker, Trade
from fluxum.venues.binance import answers, native, normalize
from fluxum.venues.binance.markets import read_market
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.symbols import is_possible
from fluxum.venues.conversation import Fetch
from fluxum.venues.queries import Page, RestQuery
from fluxum.venues.rows import exact, levels, read_rows

__all__ = ["BinanceQueries"]

Answer = TypeVar("Answer")
Said = TypeVar("Said")

_MILLISECOND = 1_000_000
_ROWS_MAX = 1000
_UNREADABLE = (MsgspecError, UnicodeDecodeError, RecursionError)
_TOO_MANY = -1003  # https://github.com/binance/binance-spot-api-docs/blob/master/errors.md
_STATUSES = {0: VenueStatus.ONLINE, 1: VenueStatus.MAINTENANCE}


class BinanceQueries:
    """Questions about one of Binance's markets; see MarketQuestions."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._venue = policy.venue

    def time(self) -> RestQuery[int]:
        """The venue's clock, by the millisecond."""

        def read(said: answers.TimeAnswer, _received_ns: int) -> int:
            instant_ns = normalize.nanos(said.serverTime)
            if instant_ns is None:
                raise RemoteProtocolError(f"a time was expected, was {said.serverTime}")
            return instant_ns

        return _asked(self._call("time"), answers.decode_time, read)

    def status(self) -> RestQuery[VenueStatus]:
        """What the exchange does; of futures only that their half of it answers."""
        path = self._policy.status
        if path is None:
            return _asked(
                self._call("ping"), answers.decode_ping, lambda _said, _ns: VenueStatus.ONLINE
            )
        return _asked(Fetch("GET", path, "system/status"), answers.decode_status, _status)

    def instruments(self) -> RestQuery[Page[Instrument]]:
        """Every market."""
        policy = self._policy

        def read(info: native.ExchangeInfo, received_ns: int) -> Page[Instrument]:
            venue_ns = normalize.nanos(info.serverTime)
            rows = read_rows(
                info.symbols, lambda row: read_market(policy, row, venue_ns, received_ns)
            )
            return Page(rows.items, left_out=rows.left_out)

        fetch = Fetch("GET", policy.listing, "exchangeInfo", cost=policy.weight("exchangeInfo"))
        return _asked(fetch, native.decode_exchange_info, read)

    def book(self, symbol: Symbol, count: int) -> RestQuery[BookSnapshot]:
        """The best levels a side, at most as many as a book is offered with."""
        policy, most = self._policy, max(self._policy.depths)
        if not 1 <= count <= most:
            raise BadInput(f"1 to {most} levels were expected, was {count}")
        allowed = policy.depth_limits or (count,)
        limit = min(one for one in allowed if one >= count)

        def read(wire: native.Depth, received_ns: int) -> BookSnapshot:
            return BookSnapshot(
                venue=policy.venue,
                symbol=symbol,
                bids=levels(wire.bids[:count]),
                asks=levels(wire.asks[:count]),
                venue_ns=normalize.nanos(wire.T),
                received_ns=received_ns,
                sequence=wire.lastUpdateId,
                cut_at=count,
            )

        cost = policy.depth_weight(limit)
        fetch = self._call("depth", cost, symbol=self._name(symbol), limit=limit)
        return _asked(fetch, native.decode_depth, read)

    def ticker(self, symbol: Symbol) -> RestQuery[Ticker]:
        """The last 24 hours; of futures in two calls, as their bid and ask are told apart."""
        name = self._name(symbol)
        day = _asked(
            self._call("ticker/24hr", symbol=name),
            answers.decode_ticker,
            partial(_ticker, self._venue, symbol),
        )
        if not self._policy.is_futures:
            return day
        best = _asked(
            self._call("ticker/bookTicker", symbol=name),
            answers.decode_book_ticker,
            partial(_best, self._venue, symbol),
        )

        def then(body: bytes, received_ns: int) -> RestQuery[Ticker]:
            quotes = best.read(body, received_ns)
            return RestQuery(day.fetch, lambda body, ns: _quoted(day.read(body, ns), quotes))

        return RestQuery(best.fetch, best.read, then)

    def trades(self, symbol: Symbol, since_ns: int | None = None) -> RestQuery[Page[Trade]]:
        """The last thousand trades, or all since an instant, thousand by thousand."""
        name = self._name(symbol)
        if self._policy.is_futures:
            since = {} if since_ns is None else {"startTime": _millis(since_ns)}
            return self._trades("aggTrades", symbol, is_followed=bool(since), **since)
        if since_ns is None:
            return self._trades("trades", symbol, is_followed=False)

        def then(body: bytes, received_ns: int) -> RestQuery[Page[Trade]]:
            first = found.read(body, received_ns)
            if first is None:
                return _asked(self._call("ping"), answers.decode_ping, _no_trades)
            return self._trades("historicalTrades", symbol, is_followed=True, fromId=first)

        fetch = self._call("aggTrades", symbol=name, startTime=_millis(since_ns), limit=1)
        found = _asked(fetch, answers.decode_list, _first_match)
        return RestQuery(fetch, lambda _body, _ns: Page[Trade](()), then)

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
        interval = self._policy.intervals.get(interval_s)
        if interval is None:
            known = ", ".join(map(str, self._policy.intervals))
            raise BadInput(f"{self._venue} interval in seconds can be {known}; was {interval_s}")
        bounds: dict[str, int] = {}
        if since_ns is not None:
            bounds["startTime"] = _millis(since_ns)
        if until_ns is not None:
            bounds["endTime"] = _millis(until_ns) - 1  # the venue counts it in
        fetch = self._call(
            "klines", symbol=self._name(symbol), interval=interval, **bounds, limit=_ROWS_MAX
        )

        def read(rows: list[Raw], received_ns: int) -> Page[Candle]:
            read_row = partial(_candle, self._venue, symbol, interval_s, received_ns)
            found = read_rows(rows, read_row)
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

        return _asked(fetch, answers.decode_list, read)

    # Pieces

    def _trades(
        self, call: str, symbol: Symbol, *, is_followed: bool, **query: int
    ) -> RestQuery[Page[Trade]]:
        """Trades as the stream numbers them: a page, and those that follow where they are meant."""
        fetch = self._call(call, symbol=self._name(symbol), **query, limit=_ROWS_MAX)
        read_row = _agg_trade if self._policy.is_futures else _match

        def read(rows: list[Raw], received_ns: int) -> Page[Trade]:
            found = read_rows(rows, partial(read_row, self._venue, symbol, received_ns))
            more = None
            if is_followed and len(rows) >= _ROWS_MAX and found.items:
                first = (found.items[-1].sequence or 0) + 1
                more = self._trades(call, symbol, is_followed=True, fromId=first)
            return Page(found.items, left_out=found.left_out, next=more)

        return _asked(fetch, answers.decode_list, read)

    def _call(self, call: str, cost: int | None = None, **query: str | int) -> Fetch:
        text = f"?{urlencode(query)}" if query else ""
        weight = self._policy.weight(call, of_all="symbol" not in query)
        return Fetch("GET", f"{self._policy.rest}{call}{text}", call, cost=cost or weight)

    def _name(self, symbol: Symbol) -> str:
        name = self._policy.format_symbol(symbol)
        if not is_possible(name):
            raise BadInput(f"{self._venue} can have no market {symbol}")
        return name


def _asked(
    fetch: Fetch, decode: Callable[[bytes], Answer], read: Callable[[Answer, int], Said]
) -> RestQuery[Said]:
    def answered(body: bytes, received_ns: int) -> Said:
        if body.startswith(b'{"code":'):
            _refuse(fetch.purpose, body)
        try:
            return read(decode(body), received_ns)
        except _UNREADABLE as error:
            raise RemoteProtocolError(f"{fetch.purpose}: {error}") from error

    return RestQuery(fetch, answered)


def _refuse(call: str, body: bytes) -> None:
    """Raise the venue's no, if that is what an answer is: `{"code":-1121,"msg":"..."}`."""
    try:
        fault = native.decode_fault(body)
    except _UNREADABLE:
        return
    kind = RateLimited if fault.code == _TOO_MANY else VenueRefused
    raise kind(f"{call} was refused: {fault.msg}", str(fault.code))


def _millis(instant_ns: int) -> int:
    """The first millisecond at or after an instant."""
    return -(-instant_ns // _MILLISECOND)


def _status(said: answers.StatusAnswer, _received_ns: int) -> VenueStatus:
    try:
        return _STATUSES[said.status]
    except KeyError:
        raise RemoteProtocolError(f"a status was expected, was {said.status}") from None


def _ticker(venue: str, symbol: Symbol, said: answers.TickerAnswer, received_ns: int) -> Ticker:
    wire = native.Ticker(
        E=said.closeTime,
        p=said.priceChange,
        P=said.priceChangePercent,
        w=said.weightedAvgPrice,
        c=said.lastPrice,
        Q=said.lastQty,
        b=said.bidPrice,
        B=said.bidQty,
        a=said.askPrice,
        A=said.askQty,
        o=said.openPrice,
        h=said.highPrice,
        l=said.lowPrice,
        v=said.volume,
        n=said.count,
    )
    return normalize.ticker(wire, venue, symbol, received_ns)


def _best(venue: str, symbol: Symbol, said: answers.BookTickerAnswer, received_ns: int) -> Ticker:
    wire = native.BookTicker(b=said.bidPrice, B=said.bidQty, a=said.askPrice, A=said.askQty)
    return normalize.book_ticker(wire, venue, symbol, received_ns)


def _quoted(day: Ticker, best: Ticker) -> Ticker:
    return structs.replace(
        day,
        bid=best.bid,
        bid_quantity=best.bid_quantity,
        ask=best.ask,
        ask_quantity=best.ask_quantity,
    )


def _no_trades(_said: object, _received_ns: int) -> Page[Trade]:
    return Page(())


def _first_match(rows: list[Raw], _received_ns: int) -> int | None:
    """The first match of the first aggregated trade, if there is one."""
    if not rows:
        return None
    row = answers.decode_agg_trade(rows[0])
    if row.f is None:
        raise RemoteProtocolError("an aggregated trade with its first match was expected")
    return row.f


def _match(venue: str, symbol: Symbol, received_ns: int, raw: Raw) -> Trade | None:
    row = answers.decode_trade(raw)
    wire = native.Trade(t=row.id, p=row.price, q=row.qty, T=row.time, m=row.isBuyerMaker)
    trade = normalize.trade(wire, venue, symbol, received_ns)
    return None if trade is None else structs.replace(trade, backfilled=True)


def _agg_trade(venue: str, symbol: Symbol, received_ns: int, raw: Raw) -> Trade:
    wire = answers.decode_agg_trade(raw)
    trade = normalize.agg_trade(wire, venue, symbol, received_ns)
    return structs.replace(trade, backfilled=True)


def _candle(venue: str, symbol: Symbol, interval_s: int, received_ns: int, raw: Raw) -> Candle:
    row = answers.decode_candle(raw)
    start_ns = row.start * _MILLISECOND
    end_ns = interval_end(start_ns, interval_s)
    return Candle(
        venue=venue,
        symbol=symbol,
        interval_s=interval_s,
        start_ns=start_ns,
        end_ns=end_ns,
        open=exact(row.open),
        high=exact(row.high),
        low=exact(row.low),
        close=exact(row.close),
        volume=exact(row.volume),
        trades=row.trades,
        closed=end_ns <= received_ns,
        backfilled=True,
        received_ns=received_ns,
    )
