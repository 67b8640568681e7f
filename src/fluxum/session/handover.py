"""A link replaced before it is cut: the new one is made and proved, then the old one is broken.

While the old link goes on, a feed of its own dials, subscribes and proves its books out of sight
(a rehearsal). Once it is ready the old link is let go, and what the new one holds is told: a
snapshot of each book, and the trades since the rehearsal began, of which those told before are
recognised by number or id. So nothing is lost, and nothing is told twice.
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
    """A feed that speaks to nobody yet, and the books it has proved.

    It is the `FeedOwner` of its feed until that takes over.
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
        """Want what the feed wants that is to be replaced."""
        wishes = dict.fromkeys(wanted)
        for subscription in [one for one in self.feed.wanted if one not in wishes]:
            self.processor.drop(subscription)
            self.feed.unsubscribe([subscription])
        fresh = [one for one in wishes if one not in self.feed.wanted]
        for subscription in fresh:
            self.processor.carry(subscription, self.feed)
        self.feed.subscribe(fresh)

    async def wait_ready(self, feed: Feed) -> bool:
        """Wait until all is proved; false once there is nothing left to replace or to hope."""
        links = feed.links
        while self.error is None and feed.is_connected and feed.links == links:
            self.follow(feed.wanted)
            if self.feed.readiness.is_ready:
                return True
            await asyncio.sleep(_LOOK_S)
        return False

    def books(self) -> list[Book]:
        """Every book it holds."""
        return [book for book in self.processor.books if book.evidence.live]

    def trades(self) -> list[Event]:
        """The trades heard since the rehearsal began, oldest first; at most 10,000."""
        return self._trades.drain()

    # What happens to the feed; nobody is to know

    def reject(self, feed: Feed, rejected: Rejected) -> None:
        """A frame made no sense."""
        self.processor.reject(feed, rejected)

    def tell(self, event: Event) -> None:
        """What it has to say of itself is not published."""

    def moved(self, feed: Feed, *, attempt: int, delay_s: float, reason: str) -> None:
        """Its state is looked at, not told."""

    def lost(self, feed: Feed, reason: str) -> None:
        """The new link died before it was of use; it is dialled again."""
        self.processor.lose(feed, reason, 0)

    def failed(self, feed: Feed, error: FluxumError) -> None:  # noqa: ARG002
        """There will be no new link; the old one has to do until it is cut."""
        self.error = error

    def cut_announced(self, feed: Feed, reason: str) -> None:
        """The new link is to be cut as well: whoever takes it over will hear of that again."""


def next_try_s(random: Random) -> float:
    """Seconds until a rehearsal that failed is tried again."""
    return random.uniform(*_TRY_AGAIN_S)
