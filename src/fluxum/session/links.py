"""The links of one session: as many as its subscriptions need, kept connected, some replaced.

Make before break: if the venue will close a link, another one is proved first (see `handover`).
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from fluxum.errors import FluxumError
from fluxum.flow.background import Background
from fluxum.model.event import Event, LinkReplaced, Rejected, State, Subscription
from fluxum.session.feed import Feed, FeedContext, find_feed
from fluxum.session.handover import StandbyFeed, next_try_s
from fluxum.session.processor import EventProcessor
from fluxum.session.statistics import Retired

__all__ = ["Links"]

_STANDBY_S = 60.0


class Links:
    """The feeds of one session; it is the `FeedOwner` of each.

    `moved` is given the feed whose state changed, with the attempt, the delay and the reason.
    `failed` is given the error of a feed that failed for good.
    """

    def __init__(
        self,
        context: FeedContext,
        endpoints: Mapping[str, str],
        processor: EventProcessor,
        moved: Callable[[Feed, int, float, str], None],
        failed: Callable[[FluxumError], None],
    ) -> None:
        self.feeds: list[Feed] = []
        self.retired = Retired()
        self._context = context
        self._endpoints = endpoints
        self._processor = processor
        self._moved = moved
        self._failed = failed
        self._work: Background | None = None
        self._is_wanted = True  # whether the user wants links, once the block is entered
        self._running: dict[Feed, asyncio.Task[None]] = {}
        self._replacing: set[Feed] = set()

    # Requests

    def open(self, work: Background) -> None:
        """The session's block was entered: connect."""
        self._work = work
        self.start()

    def close(self) -> None:
        """The session's block ends: close every link, in order."""
        self._work = None
        self._is_wanted = False
        for task in self._running.values():  # in order, so that a simulated day can be repeated
            task.cancel()

    def start(self) -> None:
        """Start every feed that is not running."""
        self._is_wanted = True
        for feed in self.feeds:
            self._start(feed)

    async def release(self) -> None:
        """Close every link until `start`; the subscriptions are kept."""
        self._is_wanted = False
        running, self._running = self._running, {}
        for task in running.values():
            task.cancel()
        await asyncio.wait(running.values()) if running else None
        for feed in running:
            if feed.state is not State.FAILED:
                feed.rest()

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Add streams to links with room, or to new ones."""
        fresh: dict[Feed, list[Subscription]] = {}
        for part in self._parts(wanted):
            feed = self._feed_for(part, fresh)
            self._processor.add(part, feed)
            fresh.setdefault(feed, []).append(part)
        for feed, subscriptions in fresh.items():
            feed.subscribe(subscriptions)  # together, so that few requests are sent
            self._start(feed)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Remove streams."""
        gone: dict[Feed, list[Subscription]] = {}
        for part in self._parts(unwanted):
            gone.setdefault(self._processor.streams[part].feed, []).append(part)
            self._processor.drop(part)
        for feed, subscriptions in gone.items():
            feed.unsubscribe(subscriptions)
            feed.update_state()

    def _parts(self, subscriptions: Iterable[Subscription]) -> Iterator[Subscription]:
        """The streams on the wire that these subscriptions consist of."""
        return (part for one in subscriptions for part in self._context.venue.parts(one))

    # What happens to a feed

    def moved(self, feed: Feed, *, attempt: int, delay_s: float, reason: str) -> None:
        """A feed's state changed."""
        self._moved(feed, attempt, delay_s, reason)

    def reject(self, feed: Feed, rejected: Rejected) -> None:
        """Count a frame that made no sense, and mark its streams as uncertain."""
        self._processor.reject(feed, rejected)

    def publish(self, event: Event) -> None:
        """Publish an event of the feed itself."""
        self._processor.publish(event)

    def lost(self, feed: Feed, reason: str) -> None:
        """Withdraw all streams of a link that is lost."""
        self._processor.lose(feed, reason, self._context.clock.now_ns())

    def failed(self, feed: Feed, error: FluxumError) -> None:
        """A feed failed for good, and the session with it."""
        for other, task in self._running.items():
            if other is not feed:
                task.cancel()
        self._failed(error)

    def cut_announced(self, feed: Feed, reason: str) -> None:
        """Replace a link before the venue closes it."""
        if self._work is not None and feed in self._running and feed not in self._replacing:
            self._replacing.add(feed)
            self._work.start(self._replace(feed, reason), name=f"{self._name(feed)} replacement")

    # Make before break

    async def _replace(self, feed: Feed, reason: str) -> None:
        """Try until another link has taken over, or the old one is gone."""
        links = feed.links
        try:
            while self._is_wanted and feed.is_connected and feed.links == links:
                if await self._rehearse(feed, reason):
                    return
                await asyncio.sleep(next_try_s(self._context.random))
        finally:
            self._replacing.discard(feed)

    async def _rehearse(self, feed: Feed, reason: str) -> bool:
        assert self._work is not None
        url = self._endpoints[feed.endpoint]
        standby_feed = StandbyFeed(feed, url, self._context, asyncio.get_running_loop().time)
        standby = standby_feed.feed
        task = self._work.start(standby.run(), name=self._name(feed))
        is_done = False
        try:
            async with asyncio.timeout(_STANDBY_S):
                is_ready = await standby_feed.wait_ready(feed)
            if is_ready:
                is_done = True
                feed.retire()
                old = self._running.pop(feed)
                old.cancel()
                await asyncio.wait({old})  # the old link delivers to its end, the new one waits
                self._take_over(feed, standby_feed, task, reason)
        except TimeoutError:
            pass
        finally:
            if not is_done:
                task.cancel()
        return is_done

    def _take_over(
        self, feed: Feed, standby_feed: StandbyFeed, task: asyncio.Task[None], reason: str
    ) -> None:
        standby = standby_feed.feed
        standby_feed.follow(feed.wanted)
        standby.take_over(self._processor.take, self)
        self.feeds[self.feeds.index(feed)] = standby
        self.retired.add(feed)
        now_ns = self._context.clock.now_ns()
        venue = self._context.venue.name
        self._processor.publish(
            LinkReplaced(venue=venue, link=standby.name, reason=reason, received_ns=now_ns)
        )
        self._processor.replace(standby, standby_feed.books(), standby_feed.trades())
        if not self._is_wanted:
            task.cancel()
            return
        self._running[standby] = task
        if not standby.is_connected:  # it was lost at this moment
            self.lost(standby, "the new link was lost at once")
        self.moved(standby, attempt=0, delay_s=0.0, reason=reason)

    # Pieces

    def _feed_for(
        self, subscription: Subscription, fresh: Mapping[Feed, Sequence[Subscription]]
    ) -> Feed:
        """The link of this symbol, else one with room, else a new one.

        `fresh` are the subscriptions that the links are about to get in addition.
        """
        endpoint = self._context.venue.endpoint_of(subscription)
        feeds = [feed for feed in self.feeds if feed.endpoint == endpoint]
        with_room = find_feed(feeds, subscription, fresh, self._context.limits.symbols_per_link)
        if with_room is not None:
            return with_room
        name = f"{endpoint}-{len(feeds) + 1}"
        url = self._endpoints[endpoint]
        feed = Feed(name, endpoint, url, self._context, self._processor.take, self)
        self.feeds.append(feed)
        return feed

    def _start(self, feed: Feed) -> None:
        if self._work is not None and self._is_wanted and feed not in self._running:
            self._running[feed] = self._work.start(feed.run(), name=self._name(feed))

    def _name(self, feed: Feed) -> str:
        return f"{self._context.venue.name} {feed.name}"
