"""The last values of a session's streams, as they are published. Pure.

Whether they can be trusted now is the session's to say; see `answers`.
"""

from collections import deque

from fluxum.errors import BadInput
from fluxum.model.event import Channel, Event, Gap, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import Candle, Ticker, Trade

__all__ = ["LastValues"]

_GAPS_KEPT = 1_000


class LastValues:
    """The last ticker of each market, its last trades, and its last candles of each interval.

    At most `kept` trades of a market and `kept` candles of an interval are kept.
    """

    def __init__(self, kept: int) -> None:
        if kept < 1:
            raise BadInput(f"kept: 1 or more was expected, was {kept}")
        self._kept = kept
        self._tickers: dict[Symbol, Ticker] = {}
        self._trades: dict[Symbol, deque[Trade]] = {}
        self._candles: dict[tuple[Symbol, int], dict[int, Candle]] = {}
        self._gaps: dict[Subscription, deque[Gap]] = {}

    def take(self, event: Event) -> None:
        """Keep what an event brings; other events are ignored."""
        match event:
            case Ticker():
                self._tickers[event.symbol] = event
            case Trade():
                held = self._trades.get(event.symbol)
                if held is None:
                    held = self._trades[event.symbol] = deque(maxlen=self._kept)
                held.append(event)
            case Candle():
                self._take_candle(event)
            case Gap():
                gaps = self._gaps.setdefault(event.subscription, deque(maxlen=_GAPS_KEPT))
                gaps.append(event)
            case _:
                pass

    def forget(self, subscription: Subscription) -> None:
        """The subscription has ended."""
        symbol = subscription.symbol
        self._gaps.pop(subscription, None)
        if symbol is None:
            return
        match subscription.channel:
            case Channel.TICKER:
                self._tickers.pop(symbol, None)
            case Channel.TRADE:
                self._trades.pop(symbol, None)
            case Channel.CANDLE:
                self._candles.pop((symbol, subscription.interval_s or 0), None)
            case _:
                pass

    def ticker(self, symbol: Symbol) -> Ticker | None:
        """The last ticker of a market; `None` before the first."""
        return self._tickers.get(symbol)

    def trades(self, symbol: Symbol, limit: int) -> tuple[Trade, ...]:
        """The last trades of a market, at most `limit`, oldest first."""
        return tuple(self._trades.get(symbol, ()))[-limit:]

    def candles(self, symbol: Symbol, interval_s: int, limit: int) -> tuple[Candle, ...]:
        """The last candles of a market, at most `limit`, oldest first, each start once."""
        held = self._candles.get((symbol, interval_s), {})
        return tuple(held[start_ns] for start_ns in sorted(held)[-limit:])

    def gaps(self, subscription: Subscription, since_ns: int) -> int:
        """How many gaps of a stream ended after an instant of received time."""
        return sum(one.until_ns > since_ns for one in self._gaps.get(subscription, ()))

    def _take_candle(self, candle: Candle) -> None:
        held = self._candles.setdefault((candle.symbol, candle.interval_s), {})
        held[candle.start_ns] = candle
        if len(held) > self._kept:
            del held[min(held)]
