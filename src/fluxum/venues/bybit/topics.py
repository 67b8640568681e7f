"""Topics: the venue's names of streams, and the subscriptions they stand for.

https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook, /trade, /ticker, /kline.
"""

from collections.abc import Callable

from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.interval import MONTH_S
from fluxum.venues.bybit.category import SPOT, Category

__all__ = ["BARS", "DEPTHS", "INTERVALS_S", "parse_topic", "quote_of", "topic_of"]

DEPTHS = (50, 1, 200, 1000)
"""Levels a side; the first is the default."""
INTERVALS_S = {
    "1": 60,
    "3": 180,
    "5": 300,
    "15": 900,
    "30": 1800,
    "60": 3600,
    "120": 7200,
    "240": 14_400,
    "360": 21_600,
    "720": 43_200,
    "D": 86_400,
    "W": 604_800,
    "M": MONTH_S,
}
"""Seconds of each interval."""
BARS = {interval_s: bar for bar, interval_s in INTERVALS_S.items()}
"""Bybit's word for each interval."""


def topic_of(subscription: Subscription, category: Category) -> str:
    """The topic of a stream of one market."""
    symbol = subscription.symbol
    assert symbol is not None, subscription
    name = category.format_symbol(symbol)
    match subscription.channel:
        case Channel.BOOK:
            return f"orderbook.{subscription.depth or DEPTHS[0]}.{name}"
        case Channel.TRADE:
            return f"publicTrade.{name}"
        case Channel.TICKER:
            return f"tickers.{name}"
        case channel:
            assert channel is Channel.CANDLE, channel
            return f"kline.{BARS[subscription.interval_s or 60]}.{name}"


def quote_of(subscription: Subscription, category: Category) -> str | None:
    """The topic of the best bid and ask that a ticker is joined with, `None` where it has both."""
    if subscription.channel is not Channel.TICKER or category is not SPOT:
        return None
    return topic_of(Subscription(Channel.BOOK, subscription.symbol, 1), category)


def parse_topic(topic: str, parse_symbol: Callable[[str], Symbol]) -> Subscription | None:
    """The subscription of a topic on a tape, `None` for a topic that is not known."""
    kind, _, rest = topic.partition(".")
    if kind == "publicTrade":
        return Subscription(Channel.TRADE, parse_symbol(rest))
    if kind == "tickers":
        return Subscription(Channel.TICKER, parse_symbol(rest))
    word, _, name = rest.partition(".")
    if kind == "orderbook" and word.isascii() and word.isdecimal() and int(word) in DEPTHS:
        return Subscription(Channel.BOOK, parse_symbol(name), int(word))
    if kind == "kline" and word in INTERVALS_S:
        return Subscription(Channel.CANDLE, parse_symbol(name), None, INTERVALS_S[word])
    return None
