"""Readers of the events of one stream: trades, tickers and candles of one market.

An event of another kind than the stream's, and one that cannot be read, raise RemoteProtocolError.
"""

from collections.abc import Callable, Sequence
from functools import partial

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, Event, Subscription, VenueNotice
from fluxum.model.instrument import Symbol
from fluxum.venues.binance import native, normalize
from fluxum.venues.binance.policy import Policy
from fluxum.venues.closed_candles import ClosedCandles

__all__ = ["Reader", "ignore_book", "stream_reader", "unexpected"]

Reader = Callable[[native.Event, int], Sequence[Event]]
"""Reads an event with the time it was received."""


def stream_reader(policy: Policy, topic: str, subscription: Subscription) -> Reader:
    """The reader of one stream that is not a book."""
    symbol, interval_s = subscription.symbol, subscription.interval_s
    assert symbol is not None, subscription
    match subscription.channel:
        case Channel.TRADE:
            return _Trades(policy.venue, topic, symbol).read
        case Channel.TICKER:
            return partial(_ticker, policy.venue, symbol)
        case channel:
            assert channel is Channel.CANDLE, channel
            interval_s = interval_s or next(iter(policy.intervals))
            return _Candles(policy, symbol, interval_s).read


def ignore_book(event: native.Event, _received_ns: int) -> Sequence[Event]:
    """Read the events of a book that is not acknowledged yet."""
    if type(event) is not native.DepthUpdate:
        raise unexpected(event, Channel.BOOK)
    return ()


def unexpected(event: native.Event, channel: Channel) -> RemoteProtocolError:
    """The error for an event of another channel than its stream's."""
    kind = type(event).__name__
    return RemoteProtocolError(f"data of {channel.value} were expected, were {kind}")


_TRADE = native.Trade  # found sooner, for every frame


class _Trades:
    """The trades of one market; a notice, once, if some of its ids are no trade."""

    def __init__(self, venue: str, topic: str, symbol: Symbol) -> None:
        self._venue = venue
        self._topic = topic
        self._symbol = symbol
        self._is_noticed = False

    def read(self, event: native.Event, received_ns: int) -> Sequence[Event]:
        """A trade."""
        if type(event) is not _TRADE:
            if type(event) is native.AggTrade:
                return (normalize.agg_trade(event, self._venue, self._symbol, received_ns),)
            raise unexpected(event, Channel.TRADE)
        trade = normalize.trade(event, self._venue, self._symbol, received_ns)
        if trade is not None:
            return (trade,)
        if self._is_noticed:
            return ()
        self._is_noticed = True
        example = f"id {event.t} ({event.X})"
        message = f"{self._topic}: ids that no trade has are passed over, as {example}"
        return (VenueNotice(venue=self._venue, message=message, received_ns=received_ns),)


class _Candles:
    """The candles of one market and interval, each closed once."""

    def __init__(self, policy: Policy, symbol: Symbol, interval_s: int) -> None:
        self._venue = policy.venue
        self._symbol = symbol
        self._interval_s = interval_s
        self._interval = policy.intervals[interval_s]
        self._closed = ClosedCandles()

    def read(self, event: native.Event, received_ns: int) -> Sequence[Event]:
        """A candle, unless it was published before."""
        if type(event) is not native.Kline:
            raise unexpected(event, Channel.CANDLE)
        if event.k.i != self._interval:
            raise RemoteProtocolError(f"candles of {self._interval} were expected, of {event.k.i}")
        candle = normalize.candle(event, self._interval_s, self._venue, self._symbol, received_ns)
        news = self._closed.admit(candle)
        return () if news is None else (news,)


def _ticker(venue: str, symbol: Symbol, event: native.Event, received_ns: int) -> Sequence[Event]:
    """A day's ticker, or the best bid and ask."""
    if type(event) is native.Ticker:
        return (normalize.ticker(event, venue, symbol, received_ns),)
    if type(event) is native.BookTicker:
        return (normalize.book_ticker(event, venue, symbol, received_ns),)
    raise unexpected(event, Channel.TICKER)
