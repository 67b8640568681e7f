"""Streams of market data v2 and their topics.

A stream on the wire is a name and a market, `l2 BTCUSD`. The topic of a subscription has its
channel before the stream that brings it, `trade l2 BTCUSD`.
"""

from collections.abc import Iterable

from fluxum.errors import LocalProtocolError
from fluxum.model.event import Channel, Subscription
from fluxum.venues.conversation import Send, UnreadableStream
from fluxum.venues.gemini.symbols import guess, upper
from fluxum.venues.gemini.v2 import native
from fluxum.venues.subscriptions import Op

__all__ = [
    "CANDLES",
    "CANDLE_KINDS",
    "CHANNELS",
    "L2",
    "L2_PARTS",
    "parse_topic",
    "stream_of",
    "topic_of",
    "write_request",
]

CANDLES = {
    "candles_1m": 60,
    "candles_5m": 300,
    "candles_15m": 900,
    "candles_30m": 1800,
    "candles_1h": 3600,
    "candles_6h": 21_600,
    "candles_1d": 86_400,
}
"""The venue's names of candle streams, and their intervals in seconds."""

_CANDLE_NAMES = {interval_s: name for name, interval_s in CANDLES.items()}
CANDLE_KINDS = {f"{name}_updates": name for name in CANDLES}
L2 = "l2"
"""The stream of a book and trades."""
L2_PARTS = (Channel.BOOK, Channel.TRADE)
CHANNELS = {L2: L2_PARTS, **dict.fromkeys(CANDLES, (Channel.CANDLE,))}


def stream_of(subscription: Subscription) -> str:
    """The stream that brings it, and its market: `l2 BTCUSD`."""
    symbol, channel = subscription.symbol, subscription.channel
    if symbol is not None:
        if channel in L2_PARTS:
            return f"{L2} {upper(symbol)}"
        name = _CANDLE_NAMES.get(subscription.interval_s or 0)
        if channel is Channel.CANDLE and name is not None:
            return f"{name} {upper(symbol)}"
    raise LocalProtocolError(f"'{subscription}' is no stream of this feed")


def topic_of(subscription: Subscription) -> str:
    """The topic of a subscription."""
    return f"{subscription.channel.value} {stream_of(subscription)}"


def parse_topic(topic: str) -> Subscription:
    """The subscription of a topic, as on a tape; raises RemoteProtocolError for no market."""
    channel, name, market = topic.split(" ", 2)
    if not market.isupper():
        raise UnreadableStream(f"a market like BTCUSD was expected, was {market[:40]!r}", ())
    return Subscription(Channel(channel), guess(market), interval_s=CANDLES.get(name))


def write_request(op: Op, streams: Iterable[str]) -> Send:
    """A request for streams on the wire."""
    by_name: dict[str, list[str]] = {}
    for stream in streams:
        name, _, market = stream.partition(" ")
        by_name.setdefault(name, []).append(market)
    wire = [native.Stream(name, markets) for name, markets in by_name.items()]
    return Send(native.encode(native.Request(op, wire)))
