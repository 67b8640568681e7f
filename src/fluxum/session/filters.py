"""What readers may ask of a session, want of its one stream, and which events supersede others."""

from collections.abc import Callable, Hashable, Iterable

from fluxum.errors import BadInput
from fluxum.model.event import (
    AccountEvent,
    Channel,
    Dropped,
    Event,
    Gap,
    LinkLost,
    Loss,
    Refused,
    Rejected,
    StateChange,
    Subscription,
)
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Candle, Ticker
from fluxum.venues.venue import Venue

__all__ = [
    "decides_readiness",
    "is_of_account",
    "latest_key",
    "refuse_unsuited",
    "wants_of_book",
    "wants_of_channel",
]

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


def wants_of_channel(
    kind: type, channel: Channel, symbol: Symbol, carries: Callable[[str], bool]
) -> Callable[[Event], bool]:
    """One kind of event of one market, what may be missing from it, and the venue's refusal.

    `carries` tells whether the link of a name carries the market.
    """

    def wants(event: Event) -> bool:
        if isinstance(event, kind):
            return getattr(event, "symbol", None) == symbol
        if isinstance(event, LinkLost):
            return carries(event.link)
        if isinstance(event, Rejected):
            named = event.subscriptions
            return named is None or any(_is_of(one, channel, symbol) for one in named)
        if isinstance(event, Loss | Refused) and not isinstance(event, Dropped):
            return _is_of(event.subscription, channel, symbol)
        return False

    return wants


def wants_of_book(
    kinds: tuple[type, ...], symbol: Symbol, carries: Callable[[str], bool]
) -> Callable[[Event], bool]:
    """Whatever changes a market's book or its proof, and the venue's refusal of it.

    `carries` tells whether the link of a name carries the market.
    """

    def wants(event: Event) -> bool:
        if isinstance(event, kinds):
            return getattr(event, "symbol", None) == symbol
        if isinstance(event, LinkLost):
            return carries(event.link)
        if isinstance(event, Rejected):
            return True
        subscription: Subscription | None = getattr(event, "subscription", None)
        return _is_of(subscription, Channel.BOOK, symbol)

    return wants


def _is_of(subscription: Subscription | None, channel: Channel, symbol: Symbol) -> bool:
    return (
        subscription is not None
        and subscription.channel is channel
        and subscription.symbol == symbol
    )


def latest_key(event: Event) -> Hashable | None:
    """What a newer event makes pointless: books and tickers as a whole, running candles."""
    if isinstance(event, BookUpdate | BookSnapshot):
        return Channel.BOOK, event.symbol
    if isinstance(event, Ticker):
        return Channel.TICKER, event.symbol
    if isinstance(event, Candle):
        return Channel.CANDLE, event.symbol, event.interval_s, event.start_ns
    return None
