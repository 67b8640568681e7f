"""The contract a new exchange signs: a pure conversation, and the facts the house must know.

The conversation itself is in `conversation`, its private half in `private`; what is needed of
both is named here again, so that a venue's room has one place to look.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct, structs

from fluxum.book.book import Book
from fluxum.book.level3 import Level3Book
from fluxum.errors import BadInput
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import Candle, Level, Side, Ticker, Trade
from fluxum.pacing import BackoffPolicy
from fluxum.venues.accounts import Accounts
from fluxum.venues.conversation import (
    Effect,
    Fetch,
    Handover,
    Hangup,
    Renew,
    Send,
    SequenceCounts,
    VenueProtocol,
)
from fluxum.venues.private import Private
from fluxum.venues.questions import MarketQuestions

__all__ = [
    "QUOTES",
    "Answer",
    "Checks",
    "Close",
    "Dialled",
    "Effect",
    "ExchangeView",
    "Fetch",
    "Handover",
    "Hangup",
    "Limits",
    "MarketView",
    "Renew",
    "RestServer",
    "Send",
    "SequenceCounts",
    "Venue",
    "VenueProtocol",
    "VenueServer",
    "Word",
    "by_endpoint",
]


class MarketView(Protocol):
    """What a venue's server may see of a simulated exchange; it can change nothing."""

    def instruments(self) -> Sequence[Instrument]:
        """Every market of the exchange."""
        ...

    def book(self, symbol: Symbol) -> Level3Book:
        """Every resting order of one market."""
        ...

    def levels(self, symbol: Symbol, side: Side, count: int) -> Sequence[Level]:
        """The best levels of one side, best first; an unchanged level is the same object."""
        ...

    def revision(self, symbol: Symbol) -> int:
        """A number that grows with every move of this market; a state's own."""
        ...

    def trades(self, symbol: Symbol, count: int) -> Sequence[Trade]:
        """The last trades, oldest first."""
        ...

    def ticker(self, symbol: Symbol) -> Ticker:
        """The last 24 hours in one line."""
        ...

    def candles(self, symbol: Symbol, interval_s: int, count: int) -> Sequence[Candle]:
        """The last candles, oldest first; the last one is running."""
        ...


class ExchangeView(MarketView, Protocol):
    """What a server sees that also serves accounts: what can be done, it does through them."""

    @property
    def status(self) -> str:
        """The engine's status, by its name in VenueStatus."""
        ...

    @property
    def accounts(self) -> Accounts:
        """Who has money here."""
        ...


class Close(Struct, frozen=True):
    """A server hangs up, with a WebSocket close code."""

    code: int
    reason: str


Word = bytes | Close


class VenueServer(Protocol):
    """The same conversation from the venue's chair, for the simulator; one for each client.

    What it says is a sequence of frames, in which a `Close` is the last word.
    """

    def opened(self, now_ns: int) -> Sequence[Word]:
        """What the venue says first."""
        ...

    def receive(self, frame: bytes, now_ns: int) -> Sequence[Word]:
        """The answers to a client's frame, whatever is in it."""
        ...

    def publish(self, symbol: Symbol, now_ns: int) -> Sequence[Word]:
        """What this client is told after `symbol`'s market moved."""
        ...

    def tick(self, now_ns: int) -> Sequence[Word]:
        """What is said because time passed (heartbeats); called about five times a second."""
        ...

    def status(self, status: str, now_ns: int) -> Sequence[Word]:
        """The engine's new status, by its name in VenueStatus."""
        ...

    def going_away(self, now_ns: int) -> Sequence[Word]:
        """The venue's notice that it will close this link, or nothing where it gives none."""
        ...


class Answer(Struct, frozen=True):
    """An answer to a REST call: the HTTP status, the body, and headers worth telling."""

    status: int
    body: bytes
    headers: Mapping[str, str] = {}


class RestServer(Protocol):
    """The venue's REST half, for the simulator; one for the whole exchange."""

    def answer(self, call: Fetch, now_ns: int) -> Answer:
        """The answer to any call, sensible or not; `call.purpose` is empty."""
        ...


class Checks(Struct, frozen=True):
    """How a venue's books are proved: a checksum over the best levels, and how deep it reaches."""

    book: Callable[[Book], int] | None = None
    level3: Callable[[Level3Book], int] | None = None
    depth: int | None = None


class Limits(Struct, frozen=True, kw_only=True):
    """A venue's numbers, each with its source in the venue's folder; all can be overridden.

    `link_silence_s` is how long a healthy link may say nothing at all; `data_silence_s` how long
    one subscription may, heartbeats not counting. `attempts` per `attempt_window_s` are shared
    by all links of the venue from this process; the back-off begins anew once a link has been
    ready for `stable_s`. A link is replaced by a new one, made before the old is broken, after
    `link_age_s` or when the venue announces that it will close it. REST calls count
    their cost, one unless the venue weighs them: up to `fetch_cost_max` at once, and
    `fetch_cost_per_s` in the long run.
    """

    link_silence_s: float
    ping_interval_s: float
    answer_timeout_s: float
    data_silence_s: Mapping[Channel, float]
    backoff: BackoffPolicy
    maintenance_delay_s: float
    attempts: int
    attempt_window_s: float
    stable_s: float
    sends_per_s: float
    send_burst: int
    symbols_per_link: int
    frame_bytes_max: int | None = None
    link_age_s: float | None = None
    fetch_cost_per_s: float = 2.0
    fetch_cost_max: float = 4.0


class Dialled(Struct, frozen=True):
    """What a client dialled: an endpoint by its name, and the path and query of the URL as sent."""

    endpoint: str
    path: str = ""
    query: str = ""


def by_endpoint(
    make: Callable[[ExchangeView, str], VenueServer],
) -> Callable[[ExchangeView, Dialled], VenueServer]:
    """A venue's servers that need to know no more of an URL than whose endpoint it is."""
    return lambda view, dialled: make(view, dialled.endpoint)


QUOTES = 1
"""The depth of a subscription to the best bid and ask of a ticker alone, see `Venue.quotes`."""


class Venue(Struct, frozen=True, kw_only=True):
    """All that the rest of the house may know about an exchange.

    `endpoints` maps an endpoint's name to its URL, `rest` being the one of REST calls; `routes`
    says which endpoint carries which channel. A capability the venue lacks is a channel that is
    missing from `routes`. `quotes` is the endpoint that carries the best bid and ask of tickers,
    where the one of tickers does not. Of `depths` and `intervals_s` the first is the default.
    `server` makes the simulated half of a link; it raises VenueRefused, with the HTTP status as its
    code, for a URL that is not served. `spell` gives the venue's own name of a symbol; `popular`
    are markets everybody knows there, for demos and tests. `questions` are what anybody can ask
    over REST. `recorded_hosts` are older hosts of the same conversation, as recordings name them.
    Closing with a code of `fatal_closes` means that dialling again cannot help. `snapshots` are the
    channels, books and accounts apart, of which every stream begins with data at once: one that
    does not is asked for again.
    """

    name: str
    endpoints: Mapping[str, str]
    routes: Mapping[Channel, str]
    quotes: str | None = None
    depths: Mapping[Channel, Sequence[int]]
    intervals_s: Sequence[int]
    limits: Limits
    checks: Checks
    protocol: Callable[[], VenueProtocol]
    server: Callable[[ExchangeView, Dialled], VenueServer]
    popular: tuple[Symbol, ...]
    spell: Callable[[Symbol], str] = str
    rest: Callable[[ExchangeView], RestServer] | None = None
    questions: Callable[[], MarketQuestions] | None = None
    private: Private | None = None
    recorded_hosts: frozenset[str] = frozenset()
    needs_token: frozenset[Channel] = frozenset()
    fatal_closes: frozenset[int] = frozenset()
    snapshots: frozenset[Channel] = frozenset()

    @property
    def channels(self) -> frozenset[Channel]:
        """What the venue can stream."""
        return frozenset(self.routes)

    def parts(self, subscription: Subscription) -> Sequence[Subscription]:
        """A subscription as links carry it: itself, and the quotes of a ticker that lacks them."""
        if self.quotes is None or subscription.channel is not Channel.TICKER:
            return (subscription,)
        return (subscription, structs.replace(subscription, depth=QUOTES))

    def is_part(self, subscription: Subscription) -> bool:
        """Whether a subscription is carried for another one's sake, without events of its own."""
        return subscription.channel is Channel.TICKER and subscription.depth == QUOTES

    def whole(self, subscription: Subscription) -> Subscription:
        """What a part is carried for; any other subscription itself."""
        if self.is_part(subscription):
            return structs.replace(subscription, depth=None)
        return subscription

    def endpoint_of(self, subscription: Subscription) -> str:
        """The endpoint that carries a subscription, or a part of one."""
        if self.quotes is not None and self.is_part(subscription):
            return self.quotes
        return self.routes[subscription.channel]

    def complete(self, subscription: Subscription) -> Subscription:
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
