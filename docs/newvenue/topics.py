"""Topics: the venue's names of markets and streams, both ways."""

from fluxum.errors import BadInput
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol

__all__ = ["DEPTHS", "format_symbol", "parse_topic", "topic_of"]

DEPTHS = (50, 10, 200)
"""Levels a side; the first is the default."""


def format_symbol(symbol: Symbol) -> str:
    """Newvenue's own name of a symbol."""
    return str(symbol).replace("/", "-")


def topic_of(subscription: Subscription) -> str:
    """The topic of a stream of one market."""
    assert subscription.symbol is not None, subscription
    name = format_symbol(subscription.symbol)
    if subscription.channel is Channel.BOOK:
        return f"book.{subscription.depth or DEPTHS[0]}.{name}"
    return f"trade.{name}"


def parse_topic(topic: str) -> Subscription | None:
    """The subscription of a topic; None for a topic that is not offered."""
    kind, _, rest = topic.partition(".")
    depth, _, name = rest.rpartition(".")
    try:
        symbol = Symbol(name.replace("-", "/"))
    except BadInput:
        return None
    if kind == "trade" and not depth:
        return Subscription(Channel.TRADE, symbol)
    if kind == "book" and depth in map(str, DEPTHS):
        return Subscription(Channel.BOOK, symbol, int(depth))
    return None
