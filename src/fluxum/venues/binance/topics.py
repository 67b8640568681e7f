"""Names of streams: `btcusdt@kline_1m` and the subscription it stands for."""

from collections.abc import Iterable, Sequence

from fluxum.model.event import Channel, Subscription
from fluxum.venues.binance.policy import Policy
from fluxum.venues.venue import QUOTES

__all__ = ["batches", "read_topic", "topic_of"]

# A frame of more than about 4 KiB is not answered, which is 200 to 300 names:
# https://github.com/binance/binance-connector-rust/issues/27
_FRAME_BYTES_MAX = 4000
_FRAME_BYTES_EMPTY = 80
_NAMES_MAX = 200

# What stands behind the first `@`, by channel; the first is what we ask for. Futures have bid and
# ask in the second of tickers alone.
_DEPTHS = ("depth@100ms", "depth", "depth@500ms", "depth@250ms")
_TICKERS = ("ticker", "bookTicker")
_TRADES = ("trade", "aggTrade")
_KLINE = "kline_"


def topic_of(policy: Policy, subscription: Subscription) -> str:
    """The stream that carries a subscription to one market."""
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


def read_topic(policy: Policy, topic: str, depth: int) -> Subscription | None:
    """What another client's stream stands for, none for a stream of a kind we do not read.

    Raises RemoteProtocolError for a market whose name cannot be read.
    """
    name, _, kind = topic.partition("@")
    subscription = _kind(policy, kind, depth)
    if subscription is None:
        return None
    symbol = policy.read_name(name.upper())
    return Subscription(subscription.channel, symbol, subscription.depth, subscription.interval_s)


def batches(topics: Iterable[str]) -> Sequence[list[str]]:
    """The topics in as few requests as can say them."""
    found: list[list[str]] = []
    size = _FRAME_BYTES_MAX
    for topic in topics:
        size += len(topic.encode()) + 3  # quotes and a comma
        if size > _FRAME_BYTES_MAX or len(found[-1]) == _NAMES_MAX:
            found.append([])
            size = _FRAME_BYTES_EMPTY + len(topic.encode()) + 3
        found[-1].append(topic)
    return found


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
