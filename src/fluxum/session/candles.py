"""The candles of a session's streams: closed by the venue's clock, completed after an outage.

If the next candle of an interrupted stream is of the interval that was running, nothing is missing,
as a candle covers all of its interval. Otherwise the missing candles are looked up in the venue's
history, and newer ones wait for that. The candles found are published first, marked as backfilled,
then the gap as a `Gap`, then those that waited. If no history is available, the gap is LOST, and an
interval that was cut is never published as closed.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct, field, structs

from fluxum.model.event import GapCause, Repair, Subscription
from fluxum.model.instant import format_second
from fluxum.model.market import Candle
from fluxum.session.active_subscriptions import Stream
from fluxum.session.candle_run import MARGIN_NS, CandleRun
from fluxum.session.gaps import GapLedger
from fluxum.session.offset import ClockOffsetKeeper
from fluxum.session.publisher import Publisher

__all__ = ["Candles", "LookUp", "Missed"]

_HELD_MAX = 1000
_LOOKED_UP = "its history is being looked up"


class Missed(Struct, frozen=True):
    """Candles to look up: those that start at or after `since_ns`.

    `ready_ns` is when the venue's history contains all of them, by this machine's clock.
    """

    subscription: Subscription
    since_ns: int
    ready_ns: int


LookUp = Callable[[Missed], bool]
"""Starts to look up candles, to be given to `Candles.found`; false if there is no history."""


class _Follower(Struct, eq=False):
    """One stream: its run, and the candles that wait while its history is looked up."""

    stream: Stream
    run: CandleRun = field(default_factory=CandleRun)
    held: dict[int, Candle] = field(default_factory=dict)
    missed: Missed | None = None
    is_check: bool = False  # nothing is known to be missing, and nothing waits


class Candles:
    """Follows all candle streams of one session. `look_up` is set by the session."""

    def __init__(self, publisher: Publisher, gaps: GapLedger, offset: ClockOffsetKeeper) -> None:
        self.look_up: LookUp | None = None
        self._publisher = publisher
        self._gaps = gaps
        self._offset = offset
        self._followers: dict[Subscription, _Follower] = {}
        self._due_ns: int | None = None  # the soonest end, by the venue's clock
        self._is_due_known = True  # until a stream changes

    def open(self, stream: Stream) -> None:
        """Follow a stream from its first candle."""
        self._is_due_known = False
        self._followers[stream.subscription] = _Follower(stream)

    def close(self, subscription: Subscription) -> None:
        """Stop following a stream."""
        self._is_due_known = False
        self._followers.pop(subscription, None)

    def take(self, stream: Stream, candle: Candle) -> None:
        """Publish a candle, after those that it closes, or hold it until history is known."""
        self._is_due_known = False
        follower = self._followers[stream.subscription]
        run = follower.run
        if self.is_waiting(stream.subscription):
            self._hold(follower, candle)
            return
        if run.leaves_hole(candle):
            self._hold(follower, candle)
            self._begin(follower, candle.start_ns, candle.received_ns)
            return
        if run.is_broken and run.expected_ns is not None and candle.start_ns < run.expected_ns:
            candle = structs.replace(candle, backfilled=True)  # from before the outage
        else:
            run.is_broken = False
            gap = self._gaps.end(stream.subscription, candle.received_ns)
            if gap is not None:
                self._publisher.publish(gap)
        published = self._publish(follower, candle, candle.received_ns, is_received=True)
        self._follow_up(follower, published, candle.received_ns)

    def is_waiting(self, subscription: Subscription) -> bool:
        """Whether newer candles wait for missing ones."""
        follower = self._followers[subscription]
        return follower.missed is not None and not follower.is_check

    def interrupt(self, stream: Stream) -> None:
        """A stream may have missed a candle or the end of one: a lost link, an unreadable frame."""
        self._is_due_known = False
        follower = self._followers[stream.subscription]
        follower.run.is_broken = follower.run.expected_ns is not None
        if not stream.feed.is_connected:
            follower.held.clear()
            follower.missed = None

    def check(self, stream: Stream, now_ns: int) -> None:
        """A stream was silent for long: confirm by history that nothing happened."""
        self._is_due_known = False
        follower = self._followers[stream.subscription]
        since_ns = follower.run.last_received_ns
        if since_ns is None or follower.missed is not None or self.look_up is None:
            return
        missed = Missed(stream.subscription, since_ns, now_ns)
        if self.look_up(missed):
            follower.missed, follower.is_check = missed, True

    @property
    def soonest_ns(self) -> int | None:
        """When the first interval of any stream is over, by this machine's clock."""
        if not self._is_due_known:
            due = [one.run.due_ns for one in self._followers.values() if one.missed is None]
            self._due_ns = min((one for one in due if one is not None), default=None)
            self._is_due_known = True
        return None if self._due_ns is None else self._due_ns - self._offset.ns

    def due_ns(self, subscription: Subscription) -> int | None:
        """When an interval is over, by this machine's clock; `None` if none is running."""
        follower = self._followers[subscription]
        if follower.missed is not None:
            return None
        due_ns = follower.run.due_ns
        return None if due_ns is None else due_ns - self._offset.ns

    def pass_time(self, subscription: Subscription, now_ns: int) -> None:
        """Close what is over by now; frames have arrived over the stream's link since."""
        follower = self._followers[subscription]
        due_ns = self.due_ns(subscription)
        if due_ns is None or now_ns < due_ns:
            return
        self._is_due_known = False
        if follower.run.is_broken:
            over_ns = now_ns + self._offset.ns - MARGIN_NS
            self._begin(follower, follower.run.start_at(over_ns), now_ns)
            return
        for closed in follower.run.advance(now_ns + self._offset.ns, now_ns):
            self._publisher.publish(closed)

    def found(self, missed: Missed, candles: Sequence[Candle], now_ns: int) -> None:
        """Publish the missing candles that history has, oldest first; ignored if out of date."""
        follower = self._follower_of(missed)
        if follower is None:
            return
        self._is_due_known = False
        if follower.is_check:
            self._finish_check(follower, candles, now_ns)
            return
        run = follower.run
        if run.running is not None and all(one.start_ns != run.running.start_ns for one in candles):
            start = format_second(run.running.start_ns)
            self.not_found(missed, f"the venue's history has no candle of {start}", now_ns)
            return
        run.is_broken = False
        over_ns = now_ns + self._offset.ns - MARGIN_NS
        over = [candle for candle in candles if candle.closed or candle.end_ns <= over_ns]
        count = self._publish_late(follower, over, now_ns)
        for candle in candles[len(over) :]:  # it is running; the stream's own is newer
            follower.held.setdefault(candle.start_ns, structs.replace(candle, backfilled=True))
        detail = f"{count} candles came from the venue's history"
        self._finish(follower, Repair.BACKFILLED, detail, now_ns)

    def not_found(self, missed: Missed, reason: str, now_ns: int) -> None:
        """No history has the missing candles: publish them as lost, from when to when."""
        follower = self._follower_of(missed)
        if follower is None:
            return
        self._is_due_known = False
        if follower.is_check:
            follower.missed, follower.is_check = None, False
            return
        goal_ns = min(follower.held, default=follower.run.start_at(now_ns + self._offset.ns))
        follower.run.skip_to(goal_ns)
        since, until = format_second(missed.since_ns), format_second(goal_ns)
        detail = f"the candles from {since} to {until} are lost: {reason}"
        self._finish(follower, Repair.LOST, detail, now_ns)

    # Pieces

    def _follower_of(self, missed: Missed) -> _Follower | None:
        follower = self._followers.get(missed.subscription)
        return follower if follower is not None and follower.missed is missed else None

    def _hold(self, follower: _Follower, candle: Candle) -> None:
        self._publisher.withhold()
        follower.held[candle.start_ns] = candle
        if len(follower.held) > _HELD_MAX:
            del follower.held[min(follower.held)]

    def _begin(self, follower: _Follower, goal_ns: int, now_ns: int) -> None:
        """Look up candles before `goal_ns`, once the venue's history is sure to have them."""
        since_ns = follower.run.expected_ns
        assert since_ns is not None, "a stream without a candle has missed none"
        stream = follower.stream
        ready_ns = max(now_ns, goal_ns + MARGIN_NS - self._offset.ns)
        missed = Missed(stream.subscription, since_ns, ready_ns)
        follower.missed, follower.is_check = missed, False
        last_received_ns = now_ns if stream.data_ns is None else stream.data_ns
        self._gaps.begin(
            stream.subscription, GapCause.VENUE, last_received_ns, "candles are missing"
        )
        stream.feed.readiness.lack(stream.subscription, _LOOKED_UP)
        stream.feed.update_state()
        if self.look_up is None or not self.look_up(missed):
            self.not_found(missed, "no history can be asked for", now_ns)

    def _publish(
        self, follower: _Follower, candle: Candle, now_ns: int, *, is_received: bool
    ) -> list[Candle]:
        """Publish a candle and those that it closes before it; return what was published."""
        publisher = self._publisher
        before, news = follower.run.take(candle, now_ns + self._offset.ns)
        for closed in before:
            publisher.publish(closed)
        if news is None:
            publisher.counts.withheld += is_received
            return before
        publisher.counts.own += not is_received
        publisher.bus.put(news)
        return [*before, news]

    def _publish_late(self, follower: _Follower, candles: Sequence[Candle], now_ns: int) -> int:
        """Publish the candles of a history that are new; returns how many."""
        published: list[Candle] = []
        for candle in candles:
            late = structs.replace(candle, backfilled=True)
            published += self._publish(follower, late, now_ns, is_received=False)
        self._follow_up(follower, published, now_ns)
        return len(published)

    def _follow_up(self, follower: _Follower, published: Sequence[Candle], now_ns: int) -> None:
        """Correct the empty candles after a corrected one: their price has changed."""
        if published and published[-1].is_correction:
            for empty in follower.run.follow_empty(published[-1], now_ns):
                self._publisher.publish(empty)

    def _finish(self, follower: _Follower, repair: Repair, detail: str, now_ns: int) -> None:
        """The gap is closed: publish it, then the candles that waited."""
        follower.missed = None
        gap = self._gaps.end(follower.stream.subscription, now_ns, repair, more=detail)
        if gap is not None:
            self._publisher.publish(gap)
        held, follower.held = follower.held, {}
        for start_ns in sorted(held):
            self._publish(follower, held[start_ns], now_ns, is_received=False)
        stream = follower.stream
        if stream.feed.readiness.lacks(stream.subscription):
            stream.feed.readiness.have(stream.subscription)
            stream.feed.update_state()

    def _finish_check(self, follower: _Follower, candles: Sequence[Candle], now_ns: int) -> None:
        """Publish where history differs from the closed candles of a silent stream."""
        follower.missed, follower.is_check = None, False
        subscription, expected_ns = follower.stream.subscription, follower.run.expected_ns or 0
        over = [candle for candle in candles if candle.start_ns < expected_ns]
        count = self._publish_late(follower, over, now_ns)
        if count:
            self._gaps.begin(subscription, GapCause.VENUE, now_ns, "the stream was silent")
            more = f"{count} candles were not as they had been closed"
            gap = self._gaps.end(subscription, now_ns, Repair.BACKFILLED, more=more)
            assert gap is not None, "a gap that has just begun can be ended"
            self._publisher.publish(gap)
