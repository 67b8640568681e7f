"""What a session looks for once a second: streams that owe data, and books that need a snapshot."""

from collections.abc import Callable

from fluxum.book.proof import BookStatus
from fluxum.model.event import Channel, DataStale
from fluxum.session.candle_run import MARGIN_NS
from fluxum.session.feed import FeedContext
from fluxum.session.processor import EventProcessor
from fluxum.session.subscription_state import Stream

__all__ = ["Patrol"]

# How often a book that is known less deep than asked for may have a new snapshot.
_REFRESH_S = 30.0
# How long a stream without a book is missing after its last frame that could not be read.
_READABLE_S = 60.0
_DOUBLINGS_MAX = 5
# Frames are looked for this often, so that the last one may be as much older than it seems.
_LOOK_NS = 1_000_000_000


class Patrol:
    """Looks at every stream of an intake; `now_s` is the loop's clock."""

    def __init__(
        self, context: FeedContext, processor: EventProcessor, now_s: Callable[[], float]
    ) -> None:
        self._context = context
        self._processor = processor
        self._now_s = now_s

    def check(self, now_ns: int) -> None:
        """Once a second: ask again where it is due, and publish which stream is silent too long."""
        now_s = self._now_s()
        for feed in {stream.feed: None for stream in self._processor.streams.values()}:
            feed.note_frames(now_ns)
        for stream in list(self._processor.streams.values()):
            if not stream.feed.is_connected or stream.subscription in self._processor.refused:
                continue
            if stream.due_s is not None and now_s >= stream.due_s:
                self._ask_anew(stream, now_ns)
            if stream.is_doubted and not stream.subscription.channel.is_book:
                self._check_doubt(stream, now_s)
            elif self._processor.carried.owes_data(stream):
                self._check_owed(stream, now_s, now_ns)
            else:
                self._check_silence(stream, now_s, now_ns)
            self._check_depth(stream, now_s)
            if stream.subscription.channel is Channel.CANDLE and stream.is_acknowledged:
                self._close_candles(stream, now_s, now_ns)

    def _ask_anew(self, stream: Stream, now_ns: int) -> None:
        """The time to ask for a stream anew has come; nothing, if it has healed meanwhile."""
        stream.due_s = None
        if not stream.feed.readiness.lacks(stream.subscription):
            return
        evidence = self._processor.carried.evidence(stream.subscription)
        if stream.missed and evidence is not None and evidence.live:
            self._processor.give_up(stream, now_ns)
        else:
            self._processor.resync(stream)

    def _check_doubt(self, stream: Stream, now_s: float) -> None:
        """A stream without a book may be quiet: after a minute without a bad frame it is there."""
        if now_s - stream.doubted_s >= _READABLE_S:
            stream.trust()
            if stream.is_acknowledged and not self._processor.carried.owes_data(stream):
                self._processor.have(stream.subscription)

    def _check_owed(self, stream: Stream, now_s: float, now_ns: int) -> None:
        """An acknowledged stream has not begun: it is missing, and asked for ever more slowly."""
        subscription = stream.subscription
        if stream.feed.serves_by_call(subscription):  # its snapshot waits its turn, or is named
            stream.since_s = None
            return
        patience_s = self._context.limits.answer_timeout_s
        limit_s = patience_s * 2 ** min(stream.asked, _DOUBLINGS_MAX)
        silent_s = stream.silent_s(self._processor.carried.heard_ns(stream), now_s)
        if silent_s < limit_s:
            return
        stream.asked += 1
        stream.since_s = None  # counted anew from the next look
        self._tell_stale(stream, silent_s, now_ns)
        evidence = self._processor.carried.evidence(subscription)
        why = "acknowledged"
        if evidence is not None and evidence.status is BookStatus.DESYNCED:
            why = f"desynced: {evidence.reason}"
        why = stream.missed or why
        reason = f"{why}, but no data for {silent_s:.0f} s; asked for again"
        stream.feed.readiness.lack(subscription, reason)
        stream.feed.settle()
        self._processor.resync(stream)

    def _check_silence(self, stream: Stream, now_s: float, now_ns: int) -> None:
        processor = self._processor
        subscription = stream.subscription
        limit_s = self._context.limits.data_silence_s.get(subscription.channel)
        silent_s = stream.silent_s(processor.carried.heard_ns(stream), now_s)
        if limit_s is None or silent_s < limit_s:
            return
        stream.since_s = None  # counted anew from the next look
        self._tell_stale(stream, silent_s, now_ns)
        evidence = processor.carried.evidence(subscription)
        if evidence is not None and evidence.live and subscription.symbol is not None:
            reason = f"silent for {silent_s:.0f} s"
            processor.carried.keeper(subscription).doubt(
                subscription.symbol, BookStatus.STALE, reason
            )
            stream.feed.readiness.lack(subscription, reason)
            stream.feed.settle()
        if subscription.channel is Channel.CANDLE:
            processor.candles.check(stream, now_ns)
        processor.resync(stream)

    def _tell_stale(self, stream: Stream, silent_s: float, now_ns: int) -> None:
        self._processor.tell(
            DataStale(
                venue=self._context.venue.name,
                subscription=stream.subscription,
                silent_s=silent_s,
                received_ns=now_ns,
            )
        )

    def _close_candles(self, stream: Stream, now_s: float, now_ns: int) -> None:
        """Close what is over, if the link has been heard since: else a candle may be on its way."""
        candles, subscription = self._processor.candles, stream.subscription
        due_ns = candles.due_ns(subscription)
        if due_ns is None or now_ns < due_ns:
            return
        if stream.feed.heard_ns >= due_ns - MARGIN_NS + _LOOK_NS:
            candles.pass_time(subscription, now_ns)
        else:
            stream.feed.ping(now_s)

    def _check_depth(self, stream: Stream, now_s: float) -> None:
        """Ask for a new snapshot of a book whose market has moved away from a cut one."""
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
