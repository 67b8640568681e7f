"""What readers may ask of a session, want of its one stream, and which events supersede others."""

from collections.abc import Callable, Hashable, Iterable

from fluxum.errors import BadInput
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
from fluxum.venues.venue import Venue

__all__ = ["decides_readiness", "is_of_account", "latest_key", "refuse_unsuited", "wants_of"]

_ACCOUNT_KINDS = (*AccountEvent.__args__, LinkLost, Gap, StateChange)


def decides_readiness(event: Event) -> bool:
    """Whether a session may be ready, or never, because of this."""
    return isinstance(event, StateChange | Refused)


def is_of_account(event: Event) -> bool:
    """Whether a reader of an account wants this: its events, and words of links and holes."""
    return isinstance(event, _ACCOUNT_KINDS)


def refuse_unsuited(
    venue: Venue,
    subscription: Subscription,
    carried: Iterable[Subscription],
    *,
    has_account: bool,
) -> None:
    """Raise BadInput for a stream that needs a login there is not, or a book of another depth.

    Books of one symbol in two depths could not be told apart on the wire.
    """
    if subscription.channel in venue.needs_token and not has_account:
        raise BadInput(
            f"{subscription.channel.value} at {venue.name} needs a login; was '{subscription}'"
        )
    for known in carried:
        is_same_book = (
            known.channel is subscription.channel
            and known.symbol == subscription.symbol
            and known.channel.is_book
        )
        if is_same_book and known != subscription:
            raise BadInput(f"'{known}' is carried already; was '{subscription}'")


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
