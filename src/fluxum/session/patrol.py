"""What a session looks for once a second: streams that owe data, and books that need a snapshot."""

from collections.abc import Callable

from fluxum.book.proof import BookStatus
from fluxum.model.event import Channel, DataStale
from fluxum.session.feed import Surroundings
from fluxum.session.intake import Intake
from fluxum.session.stream import Stream

__all__ = ["Patrol"]

# How often a book that is known less deep than asked for may have a new snapshot.
_REFRESH_S = 30.0


class Patrol:
    """Looks at every stream of an intake; `now_s` is the loop's clock."""

    def __init__(self, around: Surroundings, intake: Intake, now_s: Callable[[], float]) -> None:
        self._around = around
        self._intake = intake
        self._now_s = now_s

    def check(self, now_ns: int) -> None:
        """Once a second: ask again where it is due, and publish which stream is silent too long."""
        now_s = self._now_s()
        for stream in list(self._intake.streams.values()):
            if not stream.feed.is_connected or stream.subscription in self._intake.refused:
                continue
            if stream.due_s is not None and now_s >= stream.due_s:
                stream.due_s = None
                if stream.feed.readiness.lacks(stream.subscription):
                    stream.feed.resync(stream.subscription)
            self._check_silence(stream, now_s, now_ns)
            self._check_depth(stream, now_s)

    def _check_silence(self, stream: Stream, now_s: float, now_ns: int) -> None:
        intake, limits = self._intake, self._around.limits
        subscription = stream.subscription
        limit_s = limits.data_silence_s.get(subscription.channel)
        evidence = intake.evidence(subscription)
        is_awaited = evidence is not None and not evidence.live
        if is_awaited:
            limit_s = limits.answer_timeout_s
        silent_s = stream.silent_s(intake.heard_ns(stream), now_s)
        if limit_s is None or silent_s < limit_s:
            return
        if is_awaited and stream.feed.is_fetching:  # its snapshot may have to wait its turn
            return
        stream.since_s = None  # counted anew from the next look
        intake.tell(
            DataStale(
                venue=self._around.venue.name,
                subscription=subscription,
                silent_s=silent_s,
                received_ns=now_ns,
            )
        )
        if not is_awaited and evidence is not None and subscription.symbol is not None:
            reason = f"silent for {silent_s:.0f} s"
            intake.keeper(subscription).doubt(subscription.symbol, BookStatus.STALE, reason)
            stream.feed.readiness.lack(subscription, reason)
            stream.feed.settle()
        stream.feed.resync(subscription)

    def _check_depth(self, stream: Stream, now_s: float) -> None:
        """Ask for a new snapshot of a book whose market has moved away from a cut one."""
        subscription = stream.subscription
        if subscription.channel is not Channel.BOOK or subscription.depth is None:
            return
        assert subscription.symbol is not None
        book = self._intake.books.get(subscription.symbol)
        known = book.depth_known
        if known is None or not book.evidence.live or known >= subscription.depth // 2:
            return
        if now_s - stream.refreshed_s >= _REFRESH_S:
            stream.refreshed_s = now_s
            stream.feed.resync(subscription)
