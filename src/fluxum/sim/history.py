"""The history of a simulated market: its last trades, its candles, and its 24-hour ticker."""

from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from itertools import islice

from msgspec import Struct, structs

from fluxum.model.instrument import Instrument
from fluxum.model.interval import interval_end, interval_start
from fluxum.model.market import Candle, Level, Ticker, Trade

__all__ = ["History", "Span"]

_TRADES_MAX = 1000
_CANDLES_MAX = 1000
_MINUTE_S = 60
_MINUTES_MAX = 7 * 24 * 60
_ZERO = Decimal(0)


class Span(Struct):
    """Trades summed up over a period that starts at `start_ns`."""

    start_ns: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    notional: Decimal
    trades: int


class History:
    """Takes trades; returns the last trades, candles and statistics.

    Statistics go back to the first trade: an approximation of the last 24 hours that is exact
    for the first day. Candles of whole minutes are built from a week of minutes, others from the
    last thousand trades; after that, each interval that was requested is kept up to date.
    """

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._price_step = Decimal((0, (1,), -instrument.price_precision))
        self._trades: deque[Trade] = deque(maxlen=_TRADES_MAX)
        self._day: Span | None = None
        self._spans: dict[int, deque[Span]] = {_MINUTE_S: deque(maxlen=_MINUTES_MAX)}

    def add(self, trade: Trade) -> None:
        """Add a trade; trades come in the order of their time."""
        at_ns = trade.received_ns
        if not self._trades:
            self._day = _span(at_ns, trade)
        elif self._day is not None:
            _count(self._day, trade)
        self._trades.append(trade)
        for interval_s, spans in self._spans.items():
            _extend(spans, interval_s, trade)

    def trades(self, count: int) -> Sequence[Trade]:
        """The last trades, oldest first."""
        if count <= 1:
            return [self._trades[-1]] if self._trades and count == 1 else []
        return list(islice(self._trades, max(0, len(self._trades) - count), None))

    def candles(self, interval_s: int, count: int, now_ns: int) -> Sequence[Candle]:
        """The last candles that have trades, oldest first; the last may be running."""
        spans = self._spans.get(interval_s)
        if spans is None:
            spans = self._spans[interval_s] = self._build(interval_s)
        wanted = [spans[-1]] if count == 1 and spans else list(spans)[-count:]
        return [self._candle(span, interval_s, now_ns) for span in wanted]

    def ticker(self, bid: Level | None, ask: Level | None, now_ns: int) -> Ticker:
        """The ticker of the day, with the best levels of the book."""
        quiet = Ticker(
            venue=self._instrument.venue,
            symbol=self._instrument.symbol,
            bid=None if bid is None else bid.price,
            bid_quantity=None if bid is None else bid.quantity,
            ask=None if ask is None else ask.price,
            ask_quantity=None if ask is None else ask.quantity,
            venue_ns=now_ns,
            received_ns=now_ns,
        )
        day = self._day
        if day is None:
            return quiet
        last = self._trades[-1]
        change = day.close - day.open
        return structs.replace(
            quiet,
            last=last.price,
            last_quantity=last.quantity,
            volume=day.volume,
            vwap=self._vwap(day),
            low=day.low,
            high=day.high,
            open=day.open,
            change=change,
            change_percent=_percent(change, day.open),
            trades=day.trades,
        )

    def _vwap(self, span: Span) -> Decimal:
        return (span.notional / span.volume).quantize(self._price_step)

    def _candle(self, span: Span, interval_s: int, now_ns: int) -> Candle:
        end_ns = interval_end(span.start_ns, interval_s)
        return Candle(
            venue=self._instrument.venue,
            symbol=self._instrument.symbol,
            interval_s=interval_s,
            start_ns=span.start_ns,
            end_ns=end_ns,
            open=span.open,
            high=span.high,
            low=span.low,
            close=span.close,
            volume=span.volume,
            vwap=self._vwap(span),
            trades=span.trades,
            closed=end_ns <= now_ns,
            venue_ns=now_ns,
            received_ns=now_ns,
        )

    def _build(self, interval_s: int) -> deque[Span]:
        spans: deque[Span] = deque(maxlen=_CANDLES_MAX)
        if interval_s % _MINUTE_S:
            for trade in self._trades:
                _extend(spans, interval_s, trade)
            return spans
        for minute in self._spans[_MINUTE_S]:
            start_ns = interval_start(minute.start_ns, interval_s)
            if spans and spans[-1].start_ns == start_ns:
                _merge(spans[-1], minute)
            else:
                first = _merge(_empty(start_ns, minute.open), minute)
                spans.append(first)
        return spans


def _empty(start_ns: int, price: Decimal) -> Span:
    return Span(start_ns, price, price, price, price, _ZERO, _ZERO, 0)


def _span(start_ns: int, trade: Trade) -> Span:
    return _count(_empty(start_ns, trade.price), trade)


def _extend(spans: deque[Span], interval_s: int, trade: Trade) -> None:
    start_ns = interval_start(trade.received_ns, interval_s)
    if spans and spans[-1].start_ns == start_ns:
        _count(spans[-1], trade)
    else:
        spans.append(_span(start_ns, trade))


def _count(span: Span, trade: Trade) -> Span:
    price, quantity = trade.price, trade.quantity
    span.high = max(span.high, price)
    span.low = min(span.low, price)
    span.close = price
    span.volume += quantity
    span.notional += price * quantity
    span.trades += 1
    return span


def _merge(span: Span, later: Span) -> Span:
    span.high = max(span.high, later.high)
    span.low = min(span.low, later.low)
    span.close = later.close
    span.volume += later.volume
    span.notional += later.notional
    span.trades += later.trades
    return span


def _percent(change: Decimal, opened: Decimal) -> Decimal:
    return (change / opened * 100).quantize(Decimal("0.01")) + _ZERO  # no minus before zeros
