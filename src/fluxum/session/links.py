"""The links of one session: as many as its subscriptions need, each kept alive, some replaced.

Make before break: a link that is to be cut is replaced by another, proved first (see `handover`).
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

_REHEARSAL_S = 60.0


class Links:
    """The feeds of one session; it is the `FeedOwner` of each.

    `moved` is given the feed whose state changed, with the attempt, the delay and the reason;
    `failed` the error of a feed that gave up.
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

    # What is asked of them

    def open(self, work: Background) -> None:
        """The session's block was entered: reach for the venue."""
        self._work = work
        self.start()

    def close(self) -> None:
        """The session's block ends: let every link go, in their order."""
        self._work = None
        self._is_wanted = False
        for task in self._running.values():  # in their order, so that a day can be lived again
            task.cancel()

    def start(self) -> None:
        """Keep every link that is not kept yet."""
        self._is_wanted = True
        for feed in self.feeds:
            self._start(feed)

    async def release(self) -> None:
        """Let every link go until `start`; what is wanted of them is kept."""
        self._is_wanted = False
        running, self._running = self._running, {}
        for task in running.values():
            task.cancel()
        await asyncio.wait(running.values()) if running else None
        for feed in running:
            if feed.state is not State.FAILED:
                feed.rest()

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Carry streams over links with room, or over further ones."""
        fresh: dict[Feed, list[Subscription]] = {}
        for part in self._parts(wanted):
            feed = self._feed_for(part, fresh)
            self._processor.carry(part, feed)
            fresh.setdefault(feed, []).append(part)
        for feed, subscriptions in fresh.items():
            feed.subscribe(subscriptions)  # together, so that few requests say it
            self._start(feed)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Carry streams no longer."""
        gone: dict[Feed, list[Subscription]] = {}
        for part in self._parts(unwanted):
            gone.setdefault(self._processor.streams[part].feed, []).append(part)
            self._processor.drop(part)
        for feed, subscriptions in gone.items():
            feed.unsubscribe(subscriptions)
            feed.settle()

    def _parts(self, subscriptions: Iterable[Subscription]) -> Iterator[Subscription]:
        """The streams on the wire that subscriptions are made of."""
        return (part for one in subscriptions for part in self._context.venue.parts(one))

    # What happens to a feed

    def moved(self, feed: Feed, *, attempt: int, delay_s: float, reason: str) -> None:
        """A feed's state changed."""
        self._moved(feed, attempt, delay_s, reason)

    def reject(self, feed: Feed, rejected: Rejected) -> None:
        """Count a frame that made no sense, and doubt what it may have been of."""
        self._processor.reject(feed, rejected)

    def tell(self, event: Event) -> None:
        """Publish what a feed has to say of itself."""
        self._processor.tell(event)

    def lost(self, feed: Feed, reason: str) -> None:
        """Withdraw what came over a link that is gone."""
        self._processor.lose(feed, reason, self._context.clock.now_ns())

    def failed(self, feed: Feed, error: FluxumError) -> None:
        """A feed gave up for good, and the session with it."""
        for other, task in self._running.items():
            if other is not feed:
                task.cancel()
        self._failed(error)

    def cut_announced(self, feed: Feed, reason: str) -> None:
        """Replace a link before it is cut."""
        if self._work is not None and feed in self._running and feed not in self._replacing:
            self._replacing.add(feed)
            self._work.start(self._replace(feed, reason), name=f"{self._name(feed)} replacement")

    # Make before break

    async def _replace(self, feed: Feed, reason: str) -> None:
        """Try until another link has taken over, or the old one is gone anyway."""
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
            async with asyncio.timeout(_REHEARSAL_S):
                is_ready = await standby_feed.wait_ready(feed)
            if is_ready:
                is_done = True
                feed.retire()
                old = self._running.pop(feed)
                old.cancel()
                await asyncio.wait({old})  # the old link speaks to the end, the new one listens
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
        self._processor.tell(
            LinkReplaced(venue=venue, link=standby.name, reason=reason, received_ns=now_ns)
        )
        self._processor.replace(standby, standby_feed.books(), standby_feed.trades())
        if not self._is_wanted:
            task.cancel()
            return
        self._running[standby] = task
        if not standby.is_connected:  # it died in that very moment
            self.lost(standby, "the new link was lost at once")
        self.moved(standby, attempt=0, delay_s=0.0, reason=reason)

    # Pieces

    def _feed_for(
        self, subscription: Subscription, fresh: Mapping[Feed, Sequence[Subscription]]
    ) -> Feed:
        """The link that carries this symbol already, else one with room, else a new one.

        `fresh` is what the links are about to carry besides.
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
