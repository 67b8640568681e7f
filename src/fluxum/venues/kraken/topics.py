"""Topics: what makes one stream on the wire, and the requests for several of them.

Data frames name no depth and, but for the interval of candles, nothing besides the market: a topic
is `book BTC/USD`, `ohlc BTC/USD 5` or `instrument`.
"""

from collections.abc import Hashable

from fluxum.model.event import Channel, Subscription
from fluxum.venues.conversation import Auth, Send
from fluxum.venues.kraken import native
from fluxum.venues.private import TOKEN
from fluxum.venues.rows import symbol_of
from fluxum.venues.subscriptions import Request, RequestLimits

__all__ = [
    "CHANNELS",
    "LIMITS",
    "group",
    "parse_topic",
    "subscription_of",
    "topic_of",
    "topics_about",
    "write",
]

CHANNELS = {
    "book": Channel.BOOK,
    "level3": Channel.LEVEL3,
    "ticker": Channel.TICKER,
    "trade": Channel.TRADE,
    "ohlc": Channel.CANDLE,
    "instrument": Channel.INSTRUMENT,
}
"""Channels by Kraken's names of them."""
LIMITS = RequestLimits(topics=100)
_NAMES = {channel: name for name, channel in CHANNELS.items()}


def topic_of(subscription: Subscription) -> str:
    """The topic of a subscription."""
    words = [_NAMES[subscription.channel]]
    if subscription.symbol is not None:
        words.append(subscription.symbol)
    if subscription.interval_s is not None:
        words.append(str(subscription.interval_s // 60))
    return " ".join(words)


def parse_topic(topic: str, depth: int | None) -> Subscription:
    """The subscription of a topic, a book of this depth; raises RemoteProtocolError."""
    name, *words = topic.split(" ")
    channel = CHANNELS[name]
    return Subscription(
        channel,
        symbol_of(words[0]) if words else None,
        depth if channel.is_book else None,
        int(words[1]) * 60 if words[1:] else None,
    )


def subscription_of(wire: native.Params | native.Ack, text: str | None) -> Subscription | None:
    """The subscription that a request or its answer is about, `None` for a channel of others."""
    channel = CHANNELS.get(wire.channel)
    if channel is None:
        return None
    interval_s = None if wire.interval is None else wire.interval * 60
    return Subscription(channel, None if text is None else symbol_of(text), wire.depth, interval_s)


def topics_about(request: Request | None, response: native.Response) -> list[str]:
    """The topics of a request that an answer is about: all that are left if it names no symbol."""
    if request is None:
        return []
    named = response.symbol
    if named is None and response.result is not None:
        named = response.result.symbol
    return [topic for topic in request.pending if named is None or topic.split(" ")[1:2] == [named]]


def group(_topic: str, subscription: Subscription | None) -> Hashable:
    """What one request has in common: its subscriptions differ by their symbol only."""
    assert subscription is not None, "each topic is requested for its own sake"
    return subscription.channel, subscription.depth, subscription.interval_s


def write(request: Request) -> Send:
    """The frame of a request, with a placeholder for the token that level 3 needs."""
    subscriptions = [one for one in request.streams.values() if one is not None]
    first = subscriptions[0]
    needs_token = first.channel is Channel.LEVEL3
    params = native.Params(
        channel=_NAMES[first.channel],
        symbol=[str(one.symbol) for one in subscriptions if one.symbol is not None] or None,
        depth=first.depth,
        interval=None if first.interval_s is None else first.interval_s // 60,
        snapshot=True if request.op == "subscribe" else None,
        token=TOKEN if needs_token else None,
    )
    frame = native.encode(native.Request(request.op, params, request.number))
    return Send(frame, Auth.TOKEN if needs_token else Auth.NONE)
