"""What an unreadable frame or row means for its stream."""

from collections.abc import Callable

from fluxum.book.proof import BookStatus
from fluxum.model.event import Channel, GapCause, Subscription
from fluxum.session.active_subscriptions import ActiveSubscriptions, Stream
from fluxum.session.candles import Candles
from fluxum.session.gaps import GapLedger

__all__ = ["Damage"]

# How long a book may stay uncertain after an unreadable frame before a snapshot is requested.
_UNCERTAIN_S = 5.0


class Damage:
    """Marks streams as uncertain. `begin_desync` makes an account's stream begin again."""

    def __init__(
        self,
        active: ActiveSubscriptions,
        candles: Candles,
        gaps: GapLedger,
        now_s: Callable[[], float],
        begin_desync: Callable[[Stream, str, int], None],
    ) -> None:
        self._active = active
        self._candles = candles
        self._gaps = gaps
        self._now_s = now_s
        self._begin_desync = begin_desync

    def note(self, subscription: Subscription, reason: str, now_ns: int, *, is_named: bool) -> None:
        """A stream may have missed something: its book is not proved, its next data may skip.

        If the frame named a stream without a book, that stream is missing until its next data, and
        is requested again if no data comes.
        """
        stream = self._active.streams[subscription]
        readiness = stream.feed.readiness
        if subscription.channel.is_private:
            if self._active.is_of_account(subscription):
                self._begin_desync(stream, reason, now_ns)
            return
        if subscription.symbol is None:
            return
        if not subscription.channel.is_book:
            if subscription.channel is Channel.CANDLE:
                self._candles.interrupt(stream)
            if is_named:
                if subscription.channel in {Channel.TRADE, Channel.CANDLE}:
                    self._gaps.begin(subscription, GapCause.REJECTED, now_ns, reason)
                stream.mark_uncertain(self._now_s(), _UNCERTAIN_S)
                readiness.lack(subscription, reason)
            return
        evidence = self._active.evidence(subscription)
        if evidence is None or not evidence.live:
            if is_named:
                readiness.lack(subscription, reason)
            return
        self._active.keeper(subscription).mark_uncertain(
            subscription.symbol, BookStatus.UNVERIFIED, reason
        )
        readiness.lack(subscription, reason)
        stream.mark_uncertain(self._now_s(), _UNCERTAIN_S)
