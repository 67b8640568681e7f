"""What an unreadable frame or row means for the stream that it was of."""

from collections.abc import Callable

from fluxum.book.proof import BookStatus
from fluxum.model.event import Channel, GapCause, Subscription
from fluxum.session.candles import Candles
from fluxum.session.carried import Carried
from fluxum.session.gaps import GapLedger
from fluxum.session.subscription_state import Stream

__all__ = ["Damage"]

# How long a book may stay in doubt after an unreadable frame before a snapshot is asked for.
_DOUBT_S = 5.0


class Damage:
    """Withdraws trust from streams. `begin_desync` has an account's stream begin anew."""

    def __init__(
        self,
        carried: Carried,
        candles: Candles,
        gaps: GapLedger,
        now_s: Callable[[], float],
        begin_desync: Callable[[Stream, str, int], None],
    ) -> None:
        self._carried = carried
        self._candles = candles
        self._gaps = gaps
        self._now_s = now_s
        self._begin_desync = begin_desync

    def note(self, subscription: Subscription, reason: str, now_ns: int, *, is_named: bool) -> None:
        """A stream may have missed something: its book is not proved, its next data may skip.

        Streams without a book are missing until their next data if the frame named them, and are
        asked for anew if that does not come.
        """
        stream = self._carried.streams[subscription]
        readiness = stream.feed.readiness
        if subscription.channel.is_private:
            if self._carried.is_of_account(subscription):
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
                stream.doubt(self._now_s(), _DOUBT_S)
                readiness.lack(subscription, reason)
            return
        evidence = self._carried.evidence(subscription)
        if evidence is None or not evidence.live:
            if is_named:
                readiness.lack(subscription, reason)
            return
        self._carried.keeper(subscription).doubt(subscription.symbol, BookStatus.UNVERIFIED, reason)
        readiness.lack(subscription, reason)
        stream.doubt(self._now_s(), _DOUBT_S)
