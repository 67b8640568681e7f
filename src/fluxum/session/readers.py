"""What readers of a session's one stream want of it, and which events supersede each other."""

from collections.abc import Callable, Hashable

from fluxum.model.event import (
    AccountEvent,
    Channel,
    Event,
    Gap,
    LinkLost,
    Refused,
    Rejected,
    StateChange,
    Subscription,
)
from fluxum.model.market import BookSnapshot, BookUpdate, Candle, Ticker

__all__ = ["decides_readiness", "is_of_account", "latest_key", "wants_of"]

_ACCOUNT_KINDS = (*AccountEvent.__args__, LinkLost, Gap, StateChange)


def decides_readiness(event: Event) -> bool:
    """Whether a session may be ready, or never, because of this."""
    return isinstance(event, StateChange | Refused)


def is_of_account(event: Event) -> bool:
    """Whether a reader of an account wants this: its events, and words of links and holes."""
    return isinstance(event, _ACCOUNT_KINDS)


def wants_of(
    kinds: type | tuple[type, ...], symbol: str, carries: Callable[[str], bool]
) -> Callable[[Event], bool]:
    """These kinds of event of one symbol, and what is told of its links and holes.

    `carries` tells whether the link of a name carries the symbol.
    """

    def wants(event: Event) -> bool:
        if isinstance(event, kinds):
            return getattr(event, "symbol", None) == symbol
        if isinstance(event, LinkLost):
            return carries(event.link)
        if isinstance(event, Rejected):
            return True
        subscription: Subscription | None = getattr(event, "subscription", None)
        return subscription is not None and subscription.symbol == symbol

    return wants


def latest_key(event: Event) -> Hashable | None:
    """What a newer event makes pointless: books and tickers as a whole, running candles."""
    if isinstance(event, BookUpdate | BookSnapshot):
        return Channel.BOOK, event.symbol
    if isinstance(event, Ticker):
        return Channel.TICKER, event.symbol
    if isinstance(event, Candle):
        return Channel.CANDLE, event.symbol, event.interval_s, event.start_ns
    return None
