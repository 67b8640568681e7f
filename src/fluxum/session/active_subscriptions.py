"""The active subscriptions of a session, their books, and the stream of each kind of event."""

from typing import Any

from fluxum.book.book import Book
from fluxum.book.keeper import BookKeeper
from fluxum.book.level3 import Level3Book
from fluxum.book.proof import BookStatus, Evidence
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.session.feed import Feed
from fluxum.session.kinds import Key, keys_of
from fluxum.session.subscription_state import Stream
from fluxum.venues.venue import Venue

__all__ = ["ActiveSubscriptions"]


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
        self._by_symbol: dict[Key, Stream] = {}

    def open(self, subscription: Subscription, feed: Feed) -> Stream:
        """Add a stream, carried by this feed."""
        stream = self.streams[subscription] = Stream(subscription, feed)
        self._by_symbol.update(dict.fromkeys(keys_of(subscription), stream))
        if subscription.symbol is not None and subscription.channel.is_book:
            self.keeper(subscription).open(subscription.symbol)
        return stream

    def close(self, subscription: Subscription) -> None:
        """Remove a stream."""
        del self.streams[subscription]
        for key in keys_of(subscription):
            del self._by_symbol[key]
        if subscription.symbol is not None and subscription.channel.is_book:
            self.keeper(subscription).close(subscription.symbol)

    def find(self, kind: type, symbol: Symbol | None, apart: int | None = None) -> Stream | None:
        """The stream that events of a kind and market belong to; `None` if there is none.

        `apart` is the interval of a candle or the part of a ticker.
        """
        return self._by_symbol.get((kind, symbol, apart))

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
        is_of_account = self.is_of_account(stream.subscription)
        return (is_of_account or channel in self._snapshots) and not stream.has_data

    def is_of_account(self, subscription: Subscription) -> bool:
        """Whether a subscription has data of the account; that of a link of orders has none."""
        return subscription.channel.is_private and not self._is_part(subscription)
