"""Checks a session once a second: streams whose data is due, books that need a snapshot."""

from collections.abc import Callable

from fluxum.book.proof import BookStatus
from fluxum.model.event import Channel, DataStale
from fluxum.session.active_subscriptions import Stream
from fluxum.session.candle_run import MARGIN_NS
from fluxum.session.feed import FeedContext
from fluxum.session.processor import EventProcessor

__all__ = ["Patrol"]

# If a book is known less deep than requested, it may have a new snapshot this often.
_REFRESH_S = 30.0
# A stream without a book is missing for so long after its last unreadable frame.
_READABLE_S = 60.0
_DOUBLINGS_MAX = 5
# Frames are counted this often, so the last one may be older than it seems by as much.
_CHECK_NS = 1_000_000_000


class Patrol:
    """Checks every stream of a session; `now_s` is the loop's clock."""

    def __init__(
        self, context: FeedContext, processor: EventProcessor, now_s: Callable[[], float]
    ) -> None:
        self._context = context
        self._processor = processor
        self._now_s = now_s

    def check(self, now_ns: int) -> None:
        """Once a second: repeat requests that are due, and publish which streams are silent."""
        now_s = self._now_s()
        for feed in {stream.feed: None for stream in self._processor.streams.values()}:
            feed.note_frames(now_ns)
        for stream in list(self._processor.streams.values()):
            if not stream.feed.is_connected or stream.subscription in self._processor.refused:
                continue
            if stream.due_s is not None and now_s >= stream.due_s:
                self._request_again(stream, now_ns)
            if stream.is_uncertain and not stream.subscription.channel.is_book:
                self._check_uncertain(stream, now_s)
            elif self._processor.active.awaits_data(stream):
                self._check_awaited(stream, now_s, now_ns)
            else:
                self._check_silence(stream, now_s, now_ns)
            self._check_depth(stream, now_s)
            if stream.subscription.channel is Channel.CANDLE and stream.is_acknowledged:
                self._close_candles(stream, now_s, now_ns)

    def _request_again(self, stream: Stream, now_ns: int) -> None:
        """Request a stream again, as that is due; does nothing if it has recovered meanwhile."""
        stream.due_s = None
        if not stream.feed.readiness.lacks(stream.subscription):
            return
        evidence = self._processor.active.evidence(stream.subscription)
        if stream.missed and evidence is not None and evidence.live:
            self._processor.give_up(stream, now_ns)
        else:
            self._processor.resync(stream)

    def _check_uncertain(self, stream: Stream, now_s: float) -> None:
        """If a stream without a book had no bad frame for a minute, it is trusted again."""
        if now_s - stream.uncertain_s >= _READABLE_S:
            stream.trust()
            if stream.is_acknowledged and not self._processor.active.awaits_data(stream):
                self._processor.have(stream.subscription)

    def _check_awaited(self, stream: Stream, now_s: float, now_ns: int) -> None:
        """An acknowledged stream has no data yet: request it again, more and more slowly."""
        subscription = stream.subscription
        if stream.feed.serves_by_call(subscription):  # its snapshot waits, or has a reason
            stream.since_s = None
            return
        patience_s = self._context.limits.answer_timeout_s
        limit_s = patience_s * 2 ** min(stream.requests, _DOUBLINGS_MAX)
        silent_s = stream.silent_s(self._processor.active.data_ns(stream), now_s)
        if silent_s < limit_s:
            return
        stream.requests += 1
        stream.since_s = None  # counted from the next check
        self._publish_stale(stream, silent_s, now_ns)
        evidence = self._processor.active.evidence(subscription)
        why = "acknowledged"
        if evidence is not None and evidence.status is BookStatus.DESYNCED:
            why = f"desynced: {evidence.reason}"
        why = stream.missed or why
        reason = f"{why}, but no data for {silent_s:.0f} s; asked for again"
        stream.feed.readiness.lack(subscription, reason)
        stream.feed.update_state()
        self._processor.resync(stream)

    def _check_silence(self, stream: Stream, now_s: float, now_ns: int) -> None:
        processor = self._processor
        subscription = stream.subscription
        limit_s = self._context.limits.data_silence_s.get(subscription.channel)
        silent_s = stream.silent_s(processor.active.data_ns(stream), now_s)
        if limit_s is None or silent_s < limit_s:
            return
        stream.since_s = None  # counted from the next check
        self._publish_stale(stream, silent_s, now_ns)
        evidence = processor.active.evidence(subscription)
        if evidence is not None and evidence.live and subscription.symbol is not None:
            reason = f"silent for {silent_s:.0f} s"
            processor.active.keeper(subscription).mark_uncertain(
                subscription.symbol, BookStatus.STALE, reason
            )
            stream.feed.readiness.lack(subscription, reason)
            stream.feed.update_state()
        if subscription.channel is Channel.CANDLE:
            processor.candles.check(stream, now_ns)
        processor.resync(stream)

    def _publish_stale(self, stream: Stream, silent_s: float, now_ns: int) -> None:
        self._processor.publish(
            DataStale(
                venue=self._context.venue.name,
                subscription=stream.subscription,
                silent_s=silent_s,
                received_ns=now_ns,
            )
        )

    def _close_candles(self, stream: Stream, now_s: float, now_ns: int) -> None:
        """Close candles that are over, if frames came since; else one may still be on its way."""
        candles, subscription = self._processor.candles, stream.subscription
        due_ns = candles.due_ns(subscription)
        if due_ns is None or now_ns < due_ns:
            return
        if stream.feed.received_ns >= due_ns - MARGIN_NS + _CHECK_NS:
            candles.pass_time(subscription, now_ns)
        else:
            stream.feed.ping(now_s)

    def _check_depth(self, stream: Stream, now_s: float) -> None:
        """If the market has moved away from a book that was cut, request a new snapshot."""
        subscription = stream.subscription
        if subscription.channel is not Channel.BOOK or subscription.depth is None:
            return
        assert subscription.symbol is not None
        book = self._processor.books.get(subscription.symbol)
        known = book.depth_known
        if known is None or not book.evidence.live or known >= subscription.depth // 2:
            return
        if now_s - stream.refreshed_s >= _REFRESH_S:
            stream.refreshed_s = now_s
            stream.feed.resync(subscription)
