"""Filters: which subscriptions are allowed, which events a reader gets, which replace others."""

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
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Candle, Ticker
from fluxum.venues.venue import Venue

__all__ = [
    "decides_readiness",
    "is_of_account",
    "is_rule_or_end",
    "latest_key",
    "refuse_unsuited",
    "wants_of_book",
    "wants_of_channel",
]

_ACCOUNT_KINDS = (*AccountEvent.__args__, LinkLost, Gap, StateChange)


def decides_readiness(event: Event) -> bool:
    """Whether this event may make a session ready, or refuse it for good."""
    return isinstance(event, StateChange | Refused)


def is_rule_or_end(event: Event) -> bool:
    """Whether this event is the rules of a market, or may end the wait for them."""
    return isinstance(event, Instrument) or decides_readiness(event)


def is_of_account(event: Event) -> bool:
    """Whether a reader of an account gets this event: its own, those of links, and gaps."""
    return isinstance(event, _ACCOUNT_KINDS)


def refuse_unsuited(
    venue: Venue,
    subscription: Subscription,
    active: Iterable[Subscription],
    *,
    has_account: bool,
) -> None:
    """Raise BadInput for a stream that needs keys, without them, or a second depth of a book.

    Books of one symbol in two depths cannot be distinguished on the wire.
    """
    if subscription.channel in venue.needs_token and not has_account:
        raise BadInput(
            f"{subscription.channel.value} at {venue.name} needs a login; was '{subscription}'"
        )
    for known in active:
        is_same_book = (
            known.channel is subscription.channel
            and known.symbol == subscription.symbol
            and known.channel.is_book
        )
        if is_same_book and known != subscription:
            raise BadInput(f"'{known}' is carried already; was '{subscription}'")


def wants_of_channel(
    kind: type | tuple[type, ...],
    channel: Channel,
    symbol: Symbol | None,
    carries: Callable[[str], bool],
) -> Callable[[Event], bool]:
    """One kind of event of one market, the losses that may concern it, and the venue's refusal.

    If `symbol` is `None`, it is of every market. `carries` returns whether the link of that name
    carries the market.
    """

    def wants(event: Event) -> bool:
        if isinstance(event, kind):
            return symbol is None or getattr(event, "symbol", None) == symbol
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
    """Every event that changes a market's book or its proof, and the venue's refusal of it.

    `carries` returns whether the link of that name carries the market.
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


def _is_of(subscription: Subscription | None, channel: Channel, symbol: Symbol | None) -> bool:
    return (
        subscription is not None
        and subscription.channel is channel
        and (symbol is None or subscription.symbol == symbol)
    )


def latest_key(event: Event) -> Hashable | None:
    """The key under which a newer event replaces this one: books, tickers, running candles."""
    if isinstance(event, BookUpdate | BookSnapshot):
        return Channel.BOOK, event.symbol
    if isinstance(event, Ticker):
        return Channel.TICKER, event.symbol
    if isinstance(event, Candle):
        return Channel.CANDLE, event.symbol, event.interval_s, event.start_ns
    return None
