"""The one stream: subscriptions, what happens to links, and the union of all events."""

from msgspec import Struct

from fluxum.errors import BadInput
from fluxum.model.account import Balance, Balances, Fill, LedgerEntry
from fluxum.model.enumeration import Enumeration
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Level3Snapshot,
    Level3Update,
    Ticker,
    Trade,
)
from fluxum.model.order import (
    Accepted,
    Declined,
    OpenOrders,
    OrderFragment,
    OrderUpdate,
    TradingCount,
)
from fluxum.model.position import OpenPositions, PositionUpdate

__all__ = [
    "AccountEvent",
    "CallFailed",
    "Channel",
    "ClockOffset",
    "DataStale",
    "Desync",
    "Dropped",
    "Event",
    "FailedOver",
    "Gap",
    "GapCause",
    "HubEvent",
    "LeftOut",
    "LinkEvent",
    "LinkLost",
    "LinkReplaced",
    "Loss",
    "MarketEvent",
    "Refused",
    "Rejected",
    "Repair",
    "Resynced",
    "State",
    "StateChange",
    "Subscribed",
    "Subscription",
    "Unsubscribed",
    "VenueFailed",
    "VenueNotice",
    "VenueRemoved",
    "VenueReturned",
    "VenueStatus",
    "parse_channel",
]


class Channel(Enumeration):
    """A kind of data: of the market, or of the account.

    `balance` is what the account holds (balances, entries, positions), `execution` its orders and
    fills.
    """

    BOOK = "book"
    LEVEL3 = "level3"
    TICKER = "ticker"
    TRADE = "trade"
    CANDLE = "candle"
    INSTRUMENT = "instrument"
    BALANCE = "balance"
    EXECUTION = "execution"

    @property
    def is_private(self) -> bool:
        """Whether it is about the account, so that credentials are needed."""
        return self is Channel.BALANCE or self is Channel.EXECUTION

    @property
    def has_symbol(self) -> bool:
        """Whether it needs a market; the others are about the whole venue."""
        return not (self is Channel.INSTRUMENT or self.is_private)

    @property
    def is_book(self) -> bool:
        """Whether its updates build on each other, so that a lost one makes the state wrong."""
        return self is Channel.BOOK or self is Channel.LEVEL3


class Subscription(Struct, frozen=True, gc=False, cache_hash=True):
    """One stream at a venue.

    `symbol` is `None` for channels that cover the whole venue; `depth` is levels a side, for books;
    `interval_s` is for candles; a month is `MONTH_S` of `model.interval`. If a field is left out,
    the venue's default is used.
    """

    channel: Channel
    symbol: Symbol | None = None
    depth: int | None = None
    interval_s: int | None = None

    def __str__(self) -> str:
        """Short text for the user: `book BTC/USD 10`."""
        parts = (self.channel.value, self.symbol, self.depth, self.interval_s)
        return " ".join(str(part) for part in parts if part is not None)


class State(Enumeration):
    """The state of a session; see `session.readiness` for the allowed changes."""

    DISCONNECTED = "disconnected"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    AUTHENTICATED = "authenticated"
    SUBSCRIBING = "subscribing"
    READY = "ready"
    RECONNECTING = "reconnecting"
    FAILED = "failed"
    CLOSED = "closed"


class StateChange(Struct, frozen=True, kw_only=True, tag="state_change"):
    """A session's state changed. `delay_s` is the wait before attempt number `attempt`."""

    venue: str
    old: State
    new: State
    attempt: int = 0
    delay_s: float = 0.0
    reason: str = ""
    received_ns: int


class Subscribed(Struct, frozen=True, kw_only=True, tag="subscribed"):
    """The venue accepted a subscription."""

    venue: str
    subscription: Subscription
    warnings: tuple[str, ...] = ()
    received_ns: int


class Unsubscribed(Struct, frozen=True, kw_only=True, tag="unsubscribed"):
    """The venue ended a subscription at our request."""

    venue: str
    subscription: Subscription
    received_ns: int


class Refused(Struct, frozen=True, kw_only=True, tag="refused"):
    """The venue refused a request; its own words are in `message`."""

    venue: str
    subscription: Subscription | None = None
    message: str
    received_ns: int


class VenueStatus(Enumeration):
    """The status of the venue's engine."""

    ONLINE = "online"
    POST_ONLY = "post_only"
    CANCEL_ONLY = "cancel_only"
    MAINTENANCE = "maintenance"


class VenueNotice(Struct, frozen=True, kw_only=True, tag="venue_notice"):
    """The venue's own news: its status, an announced maintenance, a rate warning."""

    venue: str
    status: VenueStatus | None = None
    message: str = ""
    received_ns: int


class LinkLost(Struct, frozen=True, kw_only=True, tag="link_lost"):
    """A link is lost. All its streams are withdrawn until the venue sends data again."""

    venue: str
    link: str
    reason: str
    received_ns: int


class LinkReplaced(Struct, frozen=True, kw_only=True, tag="link_replaced"):
    """A link that would be closed was replaced by another, proved first; nothing was lost.

    The new link's snapshot of each book follows.
    """

    venue: str
    link: str
    reason: str
    received_ns: int


class Desync(Struct, frozen=True, kw_only=True, tag="desync"):
    """A book failed its check and is withdrawn; published instead of the update that failed."""

    venue: str
    subscription: Subscription
    generation: int
    reason: str
    expected: int | None = None
    computed: int | None = None
    venue_ns: int | None = None
    received_ns: int


class Resynced(Struct, frozen=True, kw_only=True, tag="resynced"):
    """A book is valid again, as a new generation; the snapshot follows."""

    venue: str
    subscription: Subscription
    generation: int
    received_ns: int


class DataStale(Struct, frozen=True, kw_only=True, tag="data_stale"):
    """A subscription was silent for longer than expected, although its link is open."""

    venue: str
    subscription: Subscription
    silent_s: float
    received_ns: int


class Rejected(Struct, frozen=True, kw_only=True, tag="rejected"):
    """A frame made no sense and was counted as lost; `sample` is its beginning.

    `subscriptions` are the streams that may have lost something by it; `None` means every stream
    of the link.
    """

    venue: str
    reason: str
    sample: str
    subscriptions: tuple[Subscription, ...] | None = None
    received_ns: int


class CallFailed(Struct, frozen=True, kw_only=True, tag="call_failed"):
    """A REST call failed `failures` times in a row and is made again at `again_ns`.

    `subscription` is the stream that waits for the answer; `None` if no single stream does.
    The first failure in a row is published, the second, the fourth, the eighth, and so on.
    """

    venue: str
    subscription: Subscription | None = None
    call: str
    reason: str
    failures: int
    again_ns: int
    received_ns: int


class ClockOffset(Struct, frozen=True, kw_only=True, tag="clock_offset"):
    """The venue's clock is now more than a second away from this machine's, or not any more.

    `offset_s` is positive if the venue's is ahead; it is right within `uncertainty_s`.
    """

    venue: str
    offset_s: float
    uncertainty_s: float
    received_ns: int


class LeftOut(Struct, frozen=True, kw_only=True, tag="left_out"):
    """Rows of a list or frame that could not be read; its other rows were read.

    `count` rows were left out; `reason` is what is wrong with the first of them, and `sample` is
    its beginning.
    """

    venue: str
    subscription: Subscription | None = None
    count: int
    reason: str
    sample: str
    received_ns: int


class GapCause(Enumeration):
    """What lost the data.

    VENUE: the venue's own numbers skip. REJECTED: a frame or row of the stream could not be read.
    ENGINE: the message engine between a publisher and this reader lost it.
    """

    LINK_LOST = "link_lost"
    DESYNC = "desync"
    VENUE = "venue"
    REJECTED = "rejected"
    RECORDER = "recorder"
    ENGINE = "engine"


class Repair(Enumeration):
    """How a gap ended, once the stream continues."""

    SNAPSHOT = "snapshot"
    BACKFILLED = "backfilled"
    LOST = "lost"


class Gap(Struct, frozen=True, kw_only=True, tag="gap"):
    """A gap in one subscription, published before the first newer data.

    It lasts from `since_ns` (the last thing received) to `until_ns`. `missing` counts what is
    known to be lost, if the venue numbers its messages.
    """

    venue: str
    subscription: Subscription
    cause: GapCause
    repair: Repair
    since_ns: int
    until_ns: int
    missing: int | None = None
    detail: str = ""
    received_ns: int


class Dropped(Struct, frozen=True, kw_only=True, tag="dropped"):
    """This reader was too slow and lost `count` events at this place."""

    venue: str
    count: int
    received_ns: int


class VenueFailed(Struct, frozen=True, kw_only=True, tag="venue_failed"):
    """A venue of a hub failed for good: another attempt cannot help. The other venues go on."""

    venue: str
    reason: str
    received_ns: int


class VenueRemoved(Struct, frozen=True, kw_only=True, tag="venue_removed"):
    """A venue left the consolidated book of `symbol`, as its own book cannot be trusted now.

    `market` is the venue's market, which differs from `symbol` if it is an alias. `generation` is
    that of the consolidated book from now on.
    """

    venue: str
    symbol: Symbol
    market: Symbol
    generation: int
    reason: str
    received_ns: int


class VenueReturned(Struct, frozen=True, kw_only=True, tag="venue_returned"):
    """A venue is part of the consolidated book of `symbol`, as its own book is proved now."""

    venue: str
    symbol: Symbol
    market: Symbol
    generation: int
    received_ns: int


class FailedOver(Struct, frozen=True, kw_only=True, tag="failed_over"):
    """The quotes of `symbol` come from `venue` from now on, before from the venue `before`.

    Either is empty if no venue of the list has a valid quote.
    """

    venue: str
    symbol: Symbol
    before: str
    reason: str
    received_ns: int


MarketEvent = (
    Ticker | Trade | Candle | BookSnapshot | BookUpdate | Level3Snapshot | Level3Update | Instrument
)
AccountEvent = (
    Balance
    | Balances
    | LedgerEntry
    | PositionUpdate
    | OpenPositions
    | OrderUpdate
    | OrderFragment
    | OpenOrders
    | Fill
    | Accepted
    | Declined
    | TradingCount
)
LinkEvent = (
    Subscribed
    | Unsubscribed
    | Refused
    | VenueNotice
    | StateChange
    | LinkLost
    | LinkReplaced
    | Desync
    | Resynced
    | DataStale
    | Rejected
    | CallFailed
    | ClockOffset
    | LeftOut
    | Gap
    | Dropped
)
HubEvent = VenueFailed | VenueRemoved | VenueReturned | FailedOver
"""Events of a hub itself, about one of its venues."""
Loss = LinkLost | Desync | DataStale | Rejected | LeftOut | Gap | Dropped
"""Events after which a reader may have missed something."""
Event = MarketEvent | AccountEvent | LinkEvent | HubEvent


def parse_channel(text: str) -> Channel:
    """The channel by its name or a usual alias; raises BadInput that lists the names."""
    name = _ALIASES.get(text, text)
    try:
        return Channel(name)
    except ValueError as error:
        names = ", ".join(channel.value for channel in Channel)
        raise BadInput(f"a channel was expected ({names}), was {text!r}") from error


_ALIASES = {
    "ohlc": "candle",
    "candles": "candle",
    "trades": "trade",
    "orderbook": "book",
    "books": "book",
    "tickers": "ticker",
    "balances": "balance",
    "executions": "execution",
    "instruments": "instrument",
}
