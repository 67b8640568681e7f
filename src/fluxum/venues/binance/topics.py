"""Names of streams: `btcusdt@kline_1m` and the subscription it stands for."""

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, Subscription
from fluxum.venues.binance import native
from fluxum.venues.binance.policy import Policy
from fluxum.venues.subscriptions import RequestLimits
from fluxum.venues.venue import QUOTES

__all__ = ["REQUEST_LIMITS", "parse_topic", "topic_of", "topic_of_event", "topic_start"]

REQUEST_LIMITS = RequestLimits(topics=200, characters=4000 - 80 - 3 * 200)
"""A frame of more than about 4 KiB is not answered, which is 200 to 300 topics.

https://github.com/binance/binance-connector-rust/issues/27. An empty request has 80 bytes, and
each topic two quotes and a comma.
"""

# What stands behind the first `@`, by channel; the first is what is requested. Futures have bid and
# ask in the second of tickers alone.
_DEPTHS = ("depth@100ms", "depth", "depth@500ms", "depth@250ms")
_TICKERS = ("ticker", "bookTicker")
_TRADES = ("trade", "aggTrade")
_KLINE = "kline_"
# The same by the kind of event, without what may follow.
_BEGINNINGS = {
    "depthUpdate": "depth",
    "trade": "trade",
    "aggTrade": "aggTrade",
    "kline": _KLINE,
    "24hrTicker": "ticker",
    "bookTicker": "bookTicker",
}


def topic_of(policy: Policy, subscription: Subscription) -> str:
    """The stream of a subscription to one market."""
    assert subscription.symbol is not None
    name = policy.format_symbol(subscription.symbol).lower()
    match subscription.channel:
        case Channel.BOOK:
            return f"{name}@{_DEPTHS[0]}"
        case Channel.TRADE:
            return f"{name}@{policy.trade_stream}"
        case Channel.TICKER:
            return f"{name}@{_TICKERS[subscription.depth == QUOTES]}"
        case channel:
            assert channel is Channel.CANDLE, channel
            interval_s = subscription.interval_s or next(iter(policy.intervals))
            return f"{name}@{_KLINE}{policy.intervals[interval_s]}"


def parse_topic(policy: Policy, topic: str, depth: int) -> Subscription | None:
    """The subscription of another client's stream, `None` for a kind that is not read.

    Raises RemoteProtocolError for a market whose name cannot be read.
    """
    name, _, kind = topic.partition("@")
    subscription = _kind(policy, kind, depth)
    if subscription is None:
        return None
    symbol = policy.parse_symbol(name.upper())
    return Subscription(subscription.channel, symbol, subscription.depth, subscription.interval_s)


def topic_of_event(event: native.Event) -> str:
    """The stream of an event that names only its market; raises RemoteProtocolError."""
    match event:
        case native.ServerShutdown():
            return "!serverShutdown"
        case native.DepthUpdate():
            kind = _DEPTHS[0]
        case native.Kline():
            kind = f"{_KLINE}{event.k.i}"
        case native.Ticker():
            kind = _TICKERS[0]
        case _:
            kind = str(type(event).__struct_config__.tag)
    if not event.s:
        raise RemoteProtocolError("an event with the name of its market was expected")
    return f"{event.s.lower()}@{kind}"


def topic_start(name: str | None, kind: str | None) -> str | None:
    """The beginning of the streams that an event of a market and a kind may be of, else `None`."""
    beginning = _BEGINNINGS.get(kind or "")
    return None if name is None or beginning is None else f"{name.lower()}@{beginning}"


def _kind(policy: Policy, kind: str, depth: int) -> Subscription | None:
    if kind in _DEPTHS:
        return Subscription(Channel.BOOK, depth=depth)
    if kind in _TICKERS:
        is_quote = policy.is_futures and kind == _TICKERS[1]
        return Subscription(Channel.TICKER, depth=QUOTES if is_quote else None)
    if kind in _TRADES:
        return Subscription(Channel.TRADE)
    interval = kind.removeprefix(_KLINE)
    for seconds, name in policy.intervals.items():
        if interval == name and interval != kind:
            return Subscription(Channel.CANDLE, interval_s=seconds)
    return None
