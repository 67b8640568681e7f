"""The topics of Coinbase's streams, a channel and a product: `level2 BTC-USD`."""

from collections.abc import Collection, Mapping

from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.venues.coinbase.symbols import format_symbol, symbol_of
from fluxum.venues.subscriptions import Request

__all__ = [
    "Topics",
    "channel_of",
    "product_of",
    "product_of_stream",
    "symbol_of_stream",
    "wire_request",
]


class Topics:
    """The topics of one feed; `wire` names our channels there.

    `interval_s` is that of candles whose request is not known, as on a tape.
    """

    def __init__(self, wire: Mapping[Channel, str], interval_s: int | None = None) -> None:
        self._wire = wire
        self._interval_s = interval_s
        self._channels = {name: channel for channel, name in wire.items()}

    @property
    def channels(self) -> Collection[str]:
        """The wire's names of all channels."""
        return self._channels.keys()

    def of(self, subscription: Subscription) -> str:
        """The topic of a subscription, which has a symbol."""
        return f"{self.channel(subscription.channel)} {product_of_stream(subscription)}"

    def channel(self, channel: Channel) -> str:
        """The wire's name of a channel."""
        return self._wire[channel]

    def is_known(self, channel: str) -> bool:
        """Whether a channel of the wire is known here."""
        return channel in self._channels

    def parse(self, topic: str) -> Subscription:
        """The subscription of a topic; raises RemoteProtocolError for what is no spot market."""
        channel, product = channel_of(topic), product_of(topic)
        kind = self._channels[channel]
        interval_s = self._interval_s if kind is Channel.CANDLE else None
        return Subscription(kind, symbol_of(product), None, interval_s)


def channel_of(topic: str) -> str:
    """The channel of a topic."""
    return topic.partition(" ")[0]


def product_of(topic: str) -> str:
    """The product of a topic."""
    return topic.partition(" ")[2]


def symbol_of_stream(subscription: Subscription) -> Symbol:
    """The market of a stream."""
    assert subscription.symbol is not None, subscription
    return subscription.symbol


def product_of_stream(subscription: Subscription) -> str:
    """The product of a stream."""
    return format_symbol(symbol_of_stream(subscription))


def wire_request(request: Request) -> tuple[str, list[str]]:
    """The channel of a request and its products."""
    return channel_of(request.topics[0]), list(map(product_of, request.topics))
