"""The active subscriptions of a session: the state of each, its book, and the events it brings."""

from collections.abc import Mapping
from typing import Any

from fluxum.book.book import Book
from fluxum.book.keeper import BookKeeper
from fluxum.book.level3 import Level3Book
from fluxum.book.proof import BookStatus, Evidence
from fluxum.model.account import Balance, Balances, Fill, LedgerEntry
from fluxum.model.event import Channel, Subscription
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
from fluxum.model.order import OpenOrders, OrderUpdate
from fluxum.model.position import OpenPositions, PositionUpdate
from fluxum.session.feed import Feed
from fluxum.venues.venue import ORDERS, Venue

__all__ = ["OF_ACCOUNT", "ActiveSubscriptions", "Stream"]

_PATIENCE_S = 60.0
_RESYNC_FIRST_S = 1.0
_RESYNC_CEILING_S = 30.0
_Key = Symbol | None | tuple[Symbol | None, int]
"""A market, with the interval of a candle or the part of a ticker."""
_KINDS: dict[Channel, tuple[type, ...]] = {
    Channel.BOOK: (BookUpdate, BookSnapshot),
    Channel.LEVEL3: (Level3Update, Level3Snapshot),
    Channel.TICKER: (Ticker,),
    Channel.TRADE: (Trade,),
    Channel.CANDLE: (Candle,),
    Channel.INSTRUMENT: (Instrument,),
    Channel.BALANCE: (Balances, Balance, LedgerEntry, PositionUpdate, OpenPositions),
    Channel.EXECUTION: (OpenOrders, OrderUpdate, Fill),
}
OF_ACCOUNT = (*_KINDS[Channel.BALANCE], *_KINDS[Channel.EXECUTION])
"""The kinds of events of an account's streams."""


class Stream:
    """A subscription and its state; times in `_s` are of the loop's clock.

    `data_ns` is when its last data was received; `has_data` is true after the first data over this
    link. `due_s` is when to request the stream again; `None` if there is no reason to.
    `is_uncertain` is true while an update may have been missed, until a check, a snapshot or the
    next data confirms the stream; `uncertain_s` is when that was last the case. `missed` is the
    reason if an update was missed for certain, else empty. `requests` counts the requests in a row
    because the first data did not come. `refreshed_s` is when a snapshot was last requested because
    the market had moved away from the one before.
    """

    __slots__ = (
        "_failed_s",
        "_failures",
        "data_ns",
        "due_s",
        "feed",
        "has_data",
        "is_acknowledged",
        "is_uncertain",
        "missed",
        "refreshed_s",
        "requests",
        "since_s",
        "subscription",
        "uncertain_s",
    )

    def __init__(self, subscription: Subscription, feed: Feed) -> None:
        self.subscription = subscription
        self.feed = feed
        self.data_ns: int | None = None
        self.since_s: tuple[int | None, float] | None = None
        self.due_s: float | None = None
        self.refreshed_s = 0.0
        self.is_acknowledged = False
        self.has_data = False
        self.is_uncertain = False
        self.uncertain_s = 0.0
        self.missed = ""
        self.requests = 0
        self._failures = 0
        self._failed_s = 0.0

    def begin(self) -> None:
        """Begin with a new link: nothing was received over it yet."""
        self.due_s = self.since_s = None
        self.is_acknowledged = self.has_data = self.is_uncertain = False
        self.missed = ""
        self.requests = 0

    def receive(self, received_ns: int) -> None:
        """Data of a stream without a book: nothing is missing or uncertain any more."""
        self.data_ns = received_ns
        self.has_data = True
        self.requests = 0
        if self.is_uncertain:
            self.trust()

    def mark_uncertain(self, now_s: float, first_s: float) -> None:
        """An update may be missing: request again after `first_s`, later after each failure."""
        self.is_uncertain = True
        self.uncertain_s = now_s
        if self.due_s is None:
            self.due_s = now_s + max(first_s, self.next_resync_s(now_s))

    def trust(self) -> None:
        """The stream is complete again, or has begun again."""
        self.due_s = None
        self.is_uncertain = False
        self.missed = ""

    def lack(self, reason: str) -> None:
        """The stream is missing for this reason, so its link is not ready."""
        self.feed.readiness.lack(self.subscription, reason)
        self.feed.update_state()

    def silent_s(self, data_ns: int | None, now_s: float) -> float:
        """For how long there was no data after `data_ns`, to be called once a second."""
        if self.since_s is None or self.since_s[0] != data_ns:
            self.since_s = (data_ns, now_s)
        return now_s - self.since_s[1]

    def next_resync_s(self, now_s: float) -> float:
        """Seconds to wait before the next resync: zero at first, then more after each failure.

        If the last failure was more than a minute ago, the count begins again.
        """
        if now_s - self._failed_s > _PATIENCE_S:
            self._failures = 0
        self._failed_s = now_s
        self._failures += 1
        if self._failures == 1:
            return 0.0
        return min(_RESYNC_CEILING_S, _RESYNC_FIRST_S * 2.0 ** min(self._failures - 2, 16))


class ActiveSubscriptions:
    """The streams of one session by subscription, and a book for each that has one."""

    def __init__(self, venue: Venue) -> None:
        checks = venue.checks
        self.books: BookKeeper[Book] = BookKeeper(venue.name, Book, checks.book, checks.depth)
        self.level3: BookKeeper[Level3Book] = BookKeeper(
            venue.name, Level3Book, checks.level3, checks.depth
        )
        self.streams: dict[Subscription, Stream] = {}
        self._snapshots = venue.snapshots
        self._is_part = venue.is_part
        self._whole = venue.whole
        self._by_kind: dict[type, dict[_Key, Stream]] = {
            kind: {} for kinds in _KINDS.values() for kind in kinds
        }

    def open(self, subscription: Subscription, feed: Feed) -> Stream:
        """Add a stream, carried by this feed."""
        stream = self.streams[subscription] = Stream(subscription, feed)
        for kind in _KINDS[subscription.channel]:
            self._by_kind[kind][_key_of(subscription)] = stream
        if subscription.symbol is not None and subscription.channel.is_book:
            self.keeper(subscription).open(subscription.symbol)
        return stream

    def close(self, subscription: Subscription) -> None:
        """Remove a stream."""
        del self.streams[subscription]
        for kind in _KINDS[subscription.channel]:
            del self._by_kind[kind][_key_of(subscription)]
        if subscription.symbol is not None and subscription.channel.is_book:
            self.keeper(subscription).close(subscription.symbol)

    def find(self, kind: type, symbol: Symbol | None, apart: int | None = None) -> Stream | None:
        """The stream that events of a kind and market belong to; `None` if there is none.

        `apart` is the interval of a candle or the part of a ticker.
        """
        return self._by_kind[kind].get(symbol if apart is None else (symbol, apart))

    def of_kind(self, kind: type) -> Mapping[Any, Stream]:
        """The streams of a kind of event by their market, where nothing else sets them apart."""
        return self._by_kind[kind]

    def keeper(self, subscription: Subscription) -> BookKeeper[Any]:
        """The keeper of a subscription's book."""
        return self.level3 if subscription.channel is Channel.LEVEL3 else self.books

    def evidence(self, subscription: Subscription) -> Evidence | None:
        """The evidence of a subscription's book; `None` if it has no book."""
        if subscription.symbol is None or not subscription.channel.is_book:
            return None
        book: Book | Level3Book = self.keeper(subscription).get(subscription.symbol)
        return book.evidence

    def withdraw(self, subscription: Subscription, status: BookStatus, reason: str) -> None:
        """Withdraw a subscription's book, if it has one."""
        if subscription.symbol is not None and subscription.channel.is_book:
            self.keeper(subscription).withdraw(subscription.symbol, status, reason)

    def data_ns(self, stream: Stream) -> int | None:
        """When a stream's last data was received; `None` if there was none."""
        evidence = self.evidence(stream.subscription)
        return stream.data_ns if evidence is None else evidence.updated_ns

    def awaits_data(self, stream: Stream) -> bool:
        """Whether the venue acknowledged a stream and has not sent its first data yet."""
        if not stream.is_acknowledged:
            return False
        evidence = self.evidence(stream.subscription)
        if evidence is not None:
            return not evidence.live
        channel = stream.subscription.channel
        has_snapshot = channel.is_private and not self._is_part(stream.subscription)
        return (has_snapshot or channel in self._snapshots) and not stream.has_data

    def is_of_account(self, subscription: Subscription) -> bool:
        """Whether a subscription has data of the account; that of a link of orders has none."""
        return subscription.channel.is_private and subscription.depth != ORDERS

    def whole(self, stream: Stream) -> Stream:
        """The account's stream that a part with its data is carried for; any other one itself."""
        if not self.is_of_account(stream.subscription):
            return stream
        return self.streams.get(self._whole(stream.subscription), stream)


def _key_of(subscription: Subscription) -> _Key:
    """The key of the events that a subscription brings."""
    channel = subscription.channel
    has_parts = channel is Channel.TICKER or channel is Channel.EXECUTION
    apart = subscription.depth if has_parts else subscription.interval_s
    return subscription.symbol if apart is None else (subscription.symbol, apart)
