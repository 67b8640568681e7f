"""The contract of a new exchange: a pure conversation, and the facts about the venue.

The conversation itself is in `conversation`, its private half in `private`; what is needed of
both is named here again, so that a venue's room has one place to look.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct, structs

from fluxum.book.book import Book
from fluxum.book.level3 import Level3Book
from fluxum.errors import BadInput
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.pacing import BackoffPolicy, BreakerPolicy
from fluxum.venues.conversation import (
    Effect,
    Fetch,
    Handover,
    Hangup,
    Reauthenticate,
    Send,
    SequenceCounts,
    VenueProtocol,
)
from fluxum.venues.private import OrderLink, Private
from fluxum.venues.queries import MarketQueries

__all__ = [
    "ACCOUNT",
    "MARKETS",
    "ORDERS",
    "QUOTES",
    "STREAMS",
    "Checks",
    "Effect",
    "Fetch",
    "Handover",
    "Hangup",
    "Limits",
    "Reauthenticate",
    "Send",
    "SequenceCounts",
    "Venue",
    "VenueProtocol",
    "routes",
    "silence_s",
]


MARKETS = (Channel.BOOK, Channel.TICKER, Channel.TRADE, Channel.CANDLE, Channel.INSTRUMENT)
"""The channels of markets that most venues have."""
ACCOUNT = (Channel.BALANCE, Channel.EXECUTION)
"""The channels of an account."""


def routes(**carried: Iterable[Channel]) -> Mapping[Channel, str]:
    """The endpoint of each channel, given the channels that each endpoint carries."""
    return {channel: endpoint for endpoint, some in carried.items() for channel in some}


def silence_s(book: float, ticker: float, trade: float) -> Mapping[Channel, float]:
    """How long streams of markets may be silent; candles as long as the trades they are made of."""
    by_channel = {Channel.BOOK: book, Channel.TICKER: ticker, Channel.TRADE: trade}
    return {**by_channel, Channel.CANDLE: trade}


class Checks(Struct, frozen=True):
    """How a venue's books are proved: a checksum over the best levels, and how deep it reaches."""

    book: Callable[[Book], int] | None = None
    level3: Callable[[Level3Book], int] | None = None
    depth: int | None = None


class Limits(Struct, frozen=True, kw_only=True):
    """A venue's numbers, each with its source in the venue's folder; all can be overridden.

    `link_silence_s` is how long a healthy link may send nothing at all; `data_silence_s` how long
    one subscription may, heartbeats not counting. `attempts` per `attempt_window_s` are shared
    by all links of the venue from this process; the back-off begins anew once a link has been
    ready for `stable_s`. A link is replaced by a new one, made before the old is broken, after
    `link_age_s` or when the venue announces that it will close it. REST calls count
    their cost, one unless the venue weighs them: up to `fetch_cost_max` at once, and
    `fetch_cost_per_s` in the long run. `breaker` is for queries that keep failing. A link that is
    not open `dial_timeout_s` after it was dialled, TLS and upgrade included, has failed.
    """

    link_silence_s: float
    ping_interval_s: float
    answer_timeout_s: float = 10.0
    data_silence_s: Mapping[Channel, float]
    backoff: BackoffPolicy
    maintenance_delay_s: float = 5.0
    attempts: int
    attempt_window_s: float
    stable_s: float = 30.0
    sends_per_s: float
    send_burst: int
    symbols_per_link: int
    frame_bytes_max: int | None = None
    link_age_s: float | None = None
    fetch_cost_per_s: float = 2.0
    fetch_cost_max: float = 4.0
    breaker: BreakerPolicy = BreakerPolicy()
    dial_timeout_s: float = 15.0


QUOTES = 1
"""The depth of a subscription to the best bid and ask of a ticker alone, see `Venue.quotes`."""
ORDERS = 1
"""The depth of a subscription to the link of orders alone, see `Private.order_link`."""
STREAMS = 2
"""The depth of one to further streams of orders alone, see `Private.stream_link`."""


class Venue(Struct, frozen=True, kw_only=True):
    """All that the other modules need of an exchange.

    `endpoints` maps an endpoint's name to its URL, `rest` being the one of REST calls; `routes`
    maps a channel to the endpoint that carries it. A capability the venue lacks is a channel that
    is missing from `routes`. `quotes` is the endpoint that carries the best bid and ask of tickers,
    where the one of tickers does not. Of `depths` and `intervals_s` the first is the default.
    `format_symbol` gives the venue's own name of a symbol; `sample_symbols` are well-known markets
    there, for demos and tests. `queries` are the public ones over REST. `markets_with_keys` are
    channels of markets that need an account's keys as well. `recorded_hosts` are older hosts of the
    same conversation, as recordings name them. Closing with a code of `fatal_closes` means that
    dialling again cannot help. `snapshots` are the channels, books and accounts apart, of which
    every stream begins with data at once: one that does not is asked for again.
    """

    name: str
    endpoints: Mapping[str, str]
    routes: Mapping[Channel, str]
    quotes: str | None = None
    depths: Mapping[Channel, Sequence[int]]
    intervals_s: Sequence[int]
    limits: Limits
    checks: Checks = Checks()
    protocol: Callable[[], VenueProtocol]
    sample_symbols: tuple[Symbol, ...]
    format_symbol: Callable[[Symbol], str] = str
    queries: Callable[[], MarketQueries] | None = None
    private: Private | None = None
    recorded_hosts: frozenset[str] = frozenset()
    markets_with_keys: frozenset[Channel] = frozenset()
    fatal_closes: frozenset[int] = frozenset()
    snapshots: frozenset[Channel] = frozenset()

    @property
    def needs_token(self) -> frozenset[Channel]:
        """The channels that need an account's keys."""
        return self.markets_with_keys | self.routes.keys() & frozenset(ACCOUNT)

    @property
    def channels(self) -> frozenset[Channel]:
        """What the venue can stream."""
        return frozenset(self.routes)

    def parts(self, subscription: Subscription) -> Sequence[Subscription]:
        """A subscription as links carry it: itself, and what is carried for its sake.

        That is the quotes of a ticker that lacks them, and the further links of an account for
        executions.
        """
        if self.quotes is not None and subscription.channel is Channel.TICKER:
            return (subscription, structs.replace(subscription, depth=QUOTES))
        if subscription.channel is Channel.EXECUTION:
            further = self._further_links
            return (subscription, *(structs.replace(subscription, depth=one) for one in further))
        return (subscription,)

    @property
    def commanded(self) -> Subscription:
        """The subscription, or the part of one, whose link commands go over."""
        has_own = ORDERS in self._further_links
        return Subscription(Channel.EXECUTION, depth=ORDERS if has_own else None)

    def is_part(self, subscription: Subscription) -> bool:
        """Whether a subscription is carried for another one's sake, without events of its own."""
        match subscription.channel:
            case Channel.TICKER:
                return subscription.depth == QUOTES
            case Channel.EXECUTION:
                return subscription.depth in {ORDERS, STREAMS}
            case _:
                return False

    def whole(self, subscription: Subscription) -> Subscription:
        """What a part is carried for; any other subscription itself."""
        if self.is_part(subscription):
            return structs.replace(subscription, depth=None)
        return subscription

    def endpoint_of(self, subscription: Subscription) -> str:
        """The endpoint that carries a subscription, or a part of one."""
        route = self.routes[subscription.channel]
        if not self.is_part(subscription):
            return route
        if subscription.channel is Channel.TICKER:
            return self.quotes or route
        link = self._further_links.get(subscription.depth)
        return route if link is None else link.endpoint

    @property
    def _further_links(self) -> Mapping[int | None, OrderLink]:
        """The further links of an account, by the depth of the part that each carries."""
        if self.private is None:
            return {}
        links = {STREAMS: self.private.stream_link, ORDERS: self.private.order_link}
        return {depth: link for depth, link in links.items() if link is not None}

    def depth_for(self, wanted: int | None) -> int | None:
        """The smallest depth of books offered that is at least the wanted one.

        `None` is the venue's default, and the whole book at a venue without depths. Raises BadInput
        if the venue offers less.
        """
        offer = self.depths.get(Channel.BOOK, ())
        if wanted is None or not offer:
            return None
        enough = [depth for depth in offer if depth >= wanted]
        if not enough:
            raise BadInput(f"{self.name} shows at most {max(offer)} levels a side, was {wanted}")
        return min(enough)

    def with_defaults(self, subscription: Subscription) -> Subscription:
        """The same subscription with the venue's defaults filled in.

        Raises BadInput for what the venue does not offer; the message lists what it does.
        """
        channel = subscription.channel
        if channel not in self.routes:
            offered = ", ".join(sorted(one.value for one in self.routes))
            raise BadInput(f"{self.name} offers {offered}; was {channel.value!r}")
        if (subscription.symbol is not None) != channel.has_symbol:
            wanted = "one symbol" if channel.has_symbol else "no symbol"
            raise BadInput(f"{channel.value} needs {wanted}; was '{subscription}'")
        depths = self.depths.get(channel, ())
        intervals_s = self.intervals_s if channel is Channel.CANDLE else ()
        return Subscription(
            channel,
            subscription.symbol,
            _offered(f"{self.name} {channel.value} depth", subscription.depth, depths),
            _offered(f"{self.name} interval in seconds", subscription.interval_s, intervals_s),
        )


def _offered(name: str, wish: int | None, offer: Sequence[int]) -> int | None:
    if wish is None:
        return offer[0] if offer else None
    if wish not in offer:
        known = ", ".join(map(str, offer)) or "none"
        raise BadInput(f"{name} can be {known}; was {wish}")
    return wish
