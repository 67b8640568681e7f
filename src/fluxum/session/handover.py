"""Replaces a link before the venue closes it: a new link is made ready, then the old one is closed.

While the old link goes on, a standby feed dials, subscribes and proves its books; it publishes
nothing. Once it is ready, the old link is closed and the state of the new one is published: a
snapshot of each book, and the trades since the standby feed began. Trades that were published
before are recognised by number or id. So nothing is lost, and nothing is published twice.
"""

import asyncio
from collections.abc import Callable, Iterable
from random import Random

from fluxum.book.book import Book
from fluxum.errors import FluxumError
from fluxum.flow.pipe import Overflow, Pipe
from fluxum.model.event import Event, Rejected, Subscription
from fluxum.model.market import Trade
from fluxum.session.feed import Feed, FeedContext
from fluxum.session.processor import EventProcessor

__all__ = ["StandbyFeed", "next_try_s"]

_TRADES_MAX = 10_000
_LOOK_S = 0.05
_TRY_AGAIN_S = (5.0, 15.0)


class StandbyFeed:
    """A feed that publishes nothing yet, and the books it has proved.

    It is the `FeedOwner` of its feed until the feed takes over.
    """

    def __init__(self, feed: Feed, url: str, context: FeedContext, now_s: Callable[[], float]):
        self.processor = EventProcessor(context, now_s)
        self.feed = Feed(feed.name, feed.endpoint, url, context, self.processor.take, self)
        self.error: FluxumError | None = None
        self._trades: Pipe[Event] = self.processor.bus.subscribe(
            lambda event: isinstance(event, Trade),
            capacity=_TRADES_MAX,
            overflow=Overflow.DROP_OLDEST,
        )
        self.follow(feed.wanted)

    def follow(self, wanted: Iterable[Subscription]) -> None:
        """Subscribe to what the feed that is to be replaced subscribes to."""
        targets = dict.fromkeys(wanted)
        for subscription in [one for one in self.feed.wanted if one not in targets]:
            self.processor.drop(subscription)
            self.feed.unsubscribe([subscription])
        fresh = [one for one in targets if one not in self.feed.wanted]
        for subscription in fresh:
            self.processor.add(subscription, self.feed)
        self.feed.subscribe(fresh)

    async def wait_ready(self, feed: Feed) -> bool:
        """Wait until all is proved; false if there is nothing to replace, or the feed failed."""
        links = feed.links
        while self.error is None and feed.is_connected and feed.links == links:
            self.follow(feed.wanted)
            if self.feed.readiness.is_ready:
                return True
            await asyncio.sleep(_LOOK_S)
        return False

    def books(self) -> list[Book]:
        """Every live book."""
        return [book for book in self.processor.books if book.evidence.live]

    def trades(self) -> list[Event]:
        """The trades received since the standby feed began, oldest first; at most 10,000."""
        return self._trades.drain()

    # What happens to the feed; nothing of it is published

    def reject(self, feed: Feed, rejected: Rejected) -> None:
        """A frame made no sense."""
        self.processor.reject(feed, rejected)

    def publish(self, event: Event) -> None:
        """The feed's own events are not published."""

    def moved(self, feed: Feed, *, attempt: int, delay_s: float, reason: str) -> None:
        """The feed's state is polled, not published."""

    def lost(self, feed: Feed, reason: str) -> None:
        """The new link was lost before it was ready; the feed dials again."""
        self.processor.lose(feed, reason, 0)

    def failed(self, feed: Feed, error: FluxumError) -> None:  # noqa: ARG002
        """There will be no new link; the old one is used until the venue closes it."""
        self.error = error

    def cut_announced(self, feed: Feed, reason: str) -> None:
        """The new link will be closed as well: the venue announces it again after the handover."""


def next_try_s(random: Random) -> float:
    """Seconds until the next standby feed is tried after one that failed."""
    return random.uniform(*_TRY_AGAIN_S)
