"""The contract a new exchange signs: a pure conversation, and the facts the house must know.

A protocol is made anew for every link. Frames and responses go in with the time they were
received; events come out at once; what must be written, fetched or closed is queued as effects
and performed by the connection. Nothing here waits, dials, counts attempts or reads a clock.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from fluxum.book.book import Book
from fluxum.book.level3 import Level3Book
from fluxum.errors import BadInput
from fluxum.model.event import Channel, Event, Subscription
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import Candle, Level, Side, Ticker, Trade
from fluxum.pacing import BackoffPolicy

__all__ = [
    "Checks",
    "Effect",
    "Fetch",
    "Hangup",
    "Limits",
    "MarketView",
    "Send",
    "Venue",
    "VenueProtocol",
    "VenueServer",
]


class Send(Struct, frozen=True):
    """Write this as one message."""

    frame: bytes


class Fetch(Struct, frozen=True):
    """Make this REST call; give the body back through `receive_response`.

    `purpose` lets the venue know its own question again.
    """

    method: str
    path: str
    purpose: str
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Hangup(Struct, frozen=True):
    """Close the link; the feed will dial again."""

    reason: str


Effect = Send | Fetch | Hangup


class VenueProtocol(Protocol):
    """One link's conversation: frames in, events out, effects queued.

    `outbox` holds what is to be done, oldest first; whoever performs an effect pops it.
    """

    outbox: deque[Effect]

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue the requests for these streams; raises LocalProtocolError for impossible ones."""
        ...

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue the requests that end these streams; late data for them is no error."""
        ...

    def resync(self, subscription: Subscription) -> None:
        """Queue whatever this venue needs to send one stream's snapshot again."""
        ...

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """What a frame says; raises only RemoteProtocolError, when it makes no sense."""
        ...

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        """What the answer to a `Fetch` says; raises RemoteProtocolError when it makes no sense."""
        ...

    def ping(self) -> None:
        """Queue the venue's own ping."""
        ...

    def unanswered(self) -> Collection[Subscription]:
        """What was asked and has been neither accepted nor refused yet."""
        ...

    def overhear(self, depth: int | None = None) -> None:
        """From now on accept answers to questions this protocol did not ask, as on a tape.

        `depth` is that of books of which neither request nor acknowledgement is on the tape.
        """
        ...

    def overhear_request(self, frame: bytes) -> None:
        """Learn from another client's frame what it asked for; nonsense is passed over."""
        ...


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

    def trades(self, symbol: Symbol, count: int) -> Sequence[Trade]:
        """The last trades, oldest first."""
        ...

    def ticker(self, symbol: Symbol) -> Ticker:
        """The last 24 hours in one line."""
        ...

    def candles(self, symbol: Symbol, interval_s: int, count: int) -> Sequence[Candle]:
        """The last candles, oldest first; the last one is running."""
        ...


class VenueServer(Protocol):
    """The same conversation from the venue's chair, for the simulator; one for each client."""

    def opened(self, now_ns: int) -> Sequence[bytes]:
        """What the venue says first."""
        ...

    def receive(self, frame: bytes, now_ns: int) -> Sequence[bytes]:
        """The answers to a client's frame, whatever is in it."""
        ...

    def publish(self, symbol: Symbol, now_ns: int) -> Sequence[bytes]:
        """What this client is told after `symbol`'s market moved."""
        ...

    def tick(self, now_ns: int) -> Sequence[bytes]:
        """What is said because time passed (heartbeats); called about ten times a second."""
        ...

    def status(self, status: str, now_ns: int) -> Sequence[bytes]:
        """The engine's new status, by its name in VenueStatus."""
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
    ready for `stable_s`.
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


class Venue(Struct, frozen=True, kw_only=True):
    """All that the rest of the house may know about an exchange.

    `endpoints` maps an endpoint's name to its URL; `routes` says which endpoint carries which
    channel. A capability the venue lacks is a channel that is missing from `routes`. Of `depths`
    and `intervals_s` the first is the default. Closing with a code of `fatal_closes` means that
    dialling again cannot help.
    """

    name: str
    endpoints: Mapping[str, str]
    routes: Mapping[Channel, str]
    depths: Mapping[Channel, Sequence[int]]
    intervals_s: Sequence[int]
    limits: Limits
    checks: Checks
    protocol: Callable[[], VenueProtocol]
    server: Callable[[MarketView, str], VenueServer]
    needs_token: frozenset[Channel] = frozenset()
    fatal_closes: frozenset[int] = frozenset()

    @property
    def channels(self) -> frozenset[Channel]:
        """What the venue can stream."""
        return frozenset(self.routes)

    def complete(self, subscription: Subscription) -> Subscription:
        """The same subscription with the venue's defaults filled in.

        Raises BadInput for what the venue does not offer; the message lists what it does.
        """
        channel = subscription.channel
        if channel not in self.routes:
            offered = ", ".join(sorted(one.value for one in self.routes))
            raise BadInput(f"{self.name} offers {offered}; was {channel.value!r}")
        if (subscription.symbol is None) != (channel is Channel.INSTRUMENT):
            raise BadInput(f"one symbol is needed, for instruments none; was '{subscription}'")
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
