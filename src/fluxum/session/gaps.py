"""Every hole is an event, and the sums close.

A hole opens when a link dies, a book fails its check or a numbered stream skips, and closes with
the first newer data of that subscription, which the `Gap` event precedes. Trades that the venue
numbers are followed by number: repeated ones are withheld, late ones still count.
"""

from msgspec import Struct

from fluxum.model.event import Channel, Gap, GapCause, Repair, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import Trade

__all__ = ["GapLedger", "OpenGap", "TradeCounts"]

_CLOSED_KEPT = 1000
_MISSING_KEPT = 1000


class OpenGap(Struct, frozen=True, kw_only=True):
    """A hole that nothing newer has followed yet."""

    subscription: Subscription
    cause: GapCause
    since_ns: int
    detail: str


class TradeCounts(Struct):
    """One market's run of numbered trades: the highest number, and what is missing below it."""

    last: int
    missing: set[int]


class GapLedger:
    """The open holes, the last thousand closed ones, and how many there were in all."""

    def __init__(self, venue: str) -> None:
        self._venue = venue
        self._open: dict[Subscription, OpenGap] = {}
        self._trades: dict[Symbol, TradeCounts] = {}
        self.closed: list[Gap] = []
        self.count = 0
        self.repeated = 0

    @property
    def open(self) -> dict[Subscription, OpenGap]:
        """The holes that nothing newer has followed, by subscription; look, do not change."""
        return self._open

    def begin(
        self, subscription: Subscription, cause: GapCause, since_ns: int, detail: str
    ) -> None:
        """A hole begins; one that is open already only grows."""
        if subscription not in self._open:
            self._open[subscription] = OpenGap(
                subscription=subscription, cause=cause, since_ns=since_ns, detail=detail
            )

    def end(
        self,
        subscription: Subscription,
        received_ns: int,
        repair: Repair = Repair.SNAPSHOT,
        missing: int | None = None,
    ) -> Gap | None:
        """The first newer data is here: the hole as an event, or none if there was none."""
        hole = self._open.pop(subscription, None)
        if hole is None:
            return None
        return self._record(hole, received_ns, repair, missing)

    def forget(self, subscription: Subscription) -> None:
        """The subscription ended at the user's wish: what comes later is another story."""
        self._open.pop(subscription, None)
        if subscription.channel is Channel.TRADE and subscription.symbol is not None:
            self._trades.pop(subscription.symbol, None)

    def admit(self, subscription: Subscription, trade: Trade) -> tuple[bool, Gap | None]:
        """Whether a trade is news, and the hole to be told before it, if any."""
        number = trade.sequence
        if number is None:
            return True, self.end(subscription, trade.received_ns)
        counts = self._trades.get(trade.symbol)
        if counts is None:
            self._trades[trade.symbol] = TradeCounts(number, set())
            return True, self.end(subscription, trade.received_ns, Repair.LOST)
        if number <= counts.last:
            is_late = number in counts.missing
            counts.missing.discard(number)
            self.repeated += not is_late
            return is_late, None
        skipped = number - counts.last - 1
        gap = self._trade_gap(subscription, trade, skipped)
        for lost in range(max(counts.last + 1, number - _MISSING_KEPT), number):
            if len(counts.missing) >= _MISSING_KEPT:
                break
            counts.missing.add(lost)
        counts.last = number
        return True, gap

    def _trade_gap(self, subscription: Subscription, trade: Trade, skipped: int) -> Gap | None:
        repair = Repair.LOST if skipped else Repair.BACKFILLED
        gap = self.end(subscription, trade.received_ns, repair, skipped)
        if gap is not None or not skipped:
            return gap
        hole = OpenGap(
            subscription=subscription,
            cause=GapCause.VENUE,
            since_ns=trade.received_ns,
            detail=f"trade numbers skip to {trade.sequence}",
        )
        return self._record(hole, trade.received_ns, Repair.LOST, skipped)

    def _record(
        self, hole: OpenGap, received_ns: int, repair: Repair, missing: int | None
    ) -> Gap:
        gap = Gap(
            venue=self._venue,
            subscription=hole.subscription,
            cause=hole.cause,
            repair=repair,
            since_ns=hole.since_ns,
            until_ns=received_ns,
            missing=missing,
            detail=hole.detail,
            received_ns=received_ns,
        )
        self.count += 1
        self.closed.append(gap)
        if len(self.closed) > _CLOSED_KEPT:
            del self.closed[0]
        return gap
