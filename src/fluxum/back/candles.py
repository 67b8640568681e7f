"""Candles from the trades of a tape that has none: closed only once their end has passed.

A trade belongs to the interval of its venue's time (of its reception, if it has none), counted in
UTC. A candle is closed by the first event at or after its end, never before, and an interval
without trades is a candle of volume 0 whose prices are the close before it. A trade that comes
after its candle was closed corrects it, if that was the last one; older ones are counted.
"""

from collections.abc import Iterator
from decimal import Decimal

from msgspec import structs

from fluxum.bot.market import Market
from fluxum.model.instrument import Symbol
from fluxum.model.interval import interval_end, interval_start
from fluxum.model.market import Candle, Trade

__all__ = ["CandleBuilder"]

_EMPTY_MAX = 100_000


class CandleBuilder:
    """The candles of one market and one interval.

    The first one begins with the first trade, so it may lack the trades before: it is built and
    not returned. After a gap longer than `_EMPTY_MAX` intervals the candles begin anew.
    """

    def __init__(self, venue: str, symbol: Symbol, interval_s: int) -> None:
        self.late = 0
        """Trades of an interval before the last closed one; they are in no candle."""
        self.market = Market(venue, symbol)
        self._key = (venue, symbol, interval_s)
        self._running: Candle | None = None
        self._closed: Candle | None = None
        self._is_whole = False

    def is_of(self, trade: Trade) -> bool:
        """Whether a trade is of this market."""
        return (trade.venue, trade.symbol) == self._key[:2]

    @property
    def due_ns(self) -> int | None:
        """The end of the running interval; `None` before the first trade."""
        return None if self._running is None else self._running.end_ns

    def advance(self, now_ns: int) -> Iterator[Candle]:
        """The candles that are over at an instant, oldest first, each closed."""
        count = 0
        while self._running is not None and self._running.end_ns <= now_ns:
            closed = structs.replace(self._running, closed=True, received_ns=now_ns)
            is_whole, self._is_whole = self._is_whole, True
            self._closed = closed
            self._running = _empty_after(closed)
            count += 1
            if count > _EMPTY_MAX:
                self._running, self._closed, self._is_whole = None, None, False
                return
            if is_whole:
                yield closed

    def take(self, trade: Trade) -> Candle | None:
        """Count a trade in, after `advance` to its reception; returns the candle it changes."""
        at_ns = trade.received_ns if trade.venue_ns is None else trade.venue_ns
        if self._running is None:
            self._running = self._first(trade, at_ns)
            return None
        closed = self._closed
        if at_ns < self._running.start_ns:
            if closed is None or at_ns < closed.start_ns:
                self.late += 1
                return None
            is_empty_after = not self._running.trades
            self._closed = structs.replace(_with(closed, trade), is_correction=True)
            if is_empty_after:
                self._running = _empty_after(self._closed)
            return self._closed
        # The venue's clock may be ahead: what it dates after the end counts as the interval's.
        self._running = _with(self._running, trade)
        return self._running if self._is_whole else None

    def _first(self, trade: Trade, at_ns: int) -> Candle:
        venue, symbol, interval_s = self._key
        start_ns = interval_start(at_ns, interval_s)
        return Candle(
            venue=venue,
            symbol=symbol,
            interval_s=interval_s,
            start_ns=start_ns,
            end_ns=interval_end(start_ns, interval_s),
            open=trade.price,
            high=trade.price,
            low=trade.price,
            close=trade.price,
            volume=trade.quantity,
            trades=1,
            received_ns=trade.received_ns,
        )


def _empty_after(last: Candle) -> Candle:
    return Candle(
        venue=last.venue,
        symbol=last.symbol,
        interval_s=last.interval_s,
        start_ns=last.end_ns,
        end_ns=interval_end(last.end_ns, last.interval_s),
        open=last.close,
        high=last.close,
        low=last.close,
        close=last.close,
        volume=Decimal(0),
        trades=0,
        received_ns=last.received_ns,
    )


def _with(candle: Candle, trade: Trade) -> Candle:
    """A candle with one more trade; the first one of an interval sets all four prices."""
    is_first = not candle.trades
    return structs.replace(
        candle,
        open=trade.price if is_first else candle.open,
        high=trade.price if is_first else max(candle.high, trade.price),
        low=trade.price if is_first else min(candle.low, trade.price),
        close=trade.price,
        volume=candle.volume + trade.quantity,
        trades=(candle.trades or 0) + 1,
        received_ns=trade.received_ns,
    )
