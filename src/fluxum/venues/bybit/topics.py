"""Topics: what a stream is called on the wire, and what we call it.

https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook, /trade, /ticker, /kline.
"""

from fluxum.model.event import Channel, Subscription
from fluxum.model.interval import MONTH_S
from fluxum.venues.bybit.category import Category

__all__ = ["BARS", "DEPTHS", "INSTRUMENTS", "INTERVALS_S", "heard", "topic_of"]

INSTRUMENTS = "instruments"
"""Stands for the list of instruments, which is fetched and has no topic."""
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
    """The topic of a stream."""
    symbol = subscription.symbol
    if symbol is None:
        return INSTRUMENTS
    name = category.spell(symbol)
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


def heard(topic: str, category: Category) -> Subscription | None:
    """What a topic on a tape stands for; none if we know no such topic."""
    kind, _, rest = topic.partition(".")
    if kind == "publicTrade":
        return Subscription(Channel.TRADE, category.read(rest))
    if kind == "tickers":
        return Subscription(Channel.TICKER, category.read(rest))
    word, _, name = rest.partition(".")
    if kind == "orderbook" and word.isascii() and word.isdecimal() and int(word) in DEPTHS:
        return Subscription(Channel.BOOK, category.read(name), int(word))
    if kind == "kline" and word in INTERVALS_S:
        return Subscription(Channel.CANDLE, category.read(name), None, INTERVALS_S[word])
    return None
