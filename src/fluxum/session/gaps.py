"""Every gap is an event, and the sums close.

A gap opens when a link is lost, a book fails its check or a numbered stream skips. It closes with
the first newer data of that subscription, and the `Gap` event is published before that. Numbered
trades are followed by number: repeated ones are withheld, late ones still count. Of trades without
numbers, only repetitions can be recognised, by their ids.
"""

from collections import Counter, deque
from collections.abc import Sequence
from enum import Enum

from msgspec import Struct, structs

from fluxum.model.event import Channel, Gap, GapCause, Repair, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import Trade

__all__ = ["GapLedger", "OpenGap", "RecentIds", "Step", "TradeRun"]

_CLOSED_KEPT = 1000
_SEEN_KEPT = 1000
_MISSING_KEPT = 1000
_NO_NUMBER = -(1 << 63)


class OpenGap(Struct, frozen=True, kw_only=True):
    """A gap after which nothing newer has come yet."""

    subscription: Subscription
    cause: GapCause
    since_ns: int
    detail: str


class Step(Enum):
    """How a number relates to those before it."""

    ON = "on"
    LATE = "late"
    REPEATED = "repeated"
    BACK = "back"


class TradeRun:
    """One market's numbered trades: the last number, those seen lately, those still missing.

    Numbers that follow on are remembered as a range, from `_first` to `last`. The range is added
    to those seen one by one when a number comes that does not follow on.
    """

    __slots__ = ("_first", "_greatest", "_missing", "_order", "_seen", "last", "next")

    def __init__(self, first: int) -> None:
        self.last: int = first
        self.next: int = first + 1
        """The only number that follows on for certain; `_NO_NUMBER` after a step back."""
        self._first: int = first + 1
        self._greatest: int = first
        self._missing: set[int] = set()
        self._seen: set[int] = {first}
        self._order: deque[int] = deque((first,))

    def take(self, number: int) -> Step:
        """Remember a number, and return how it follows."""
        if number == self.next:
            self.last = number
            self.next = number + 1
            return Step.ON
        self._remember_range()
        step = self._take_other(number)
        self._greatest = max(self._greatest, number)
        self._first = self.last + 1
        # A number above all others was neither seen nor missed.
        self.next = self._first if self.last == self._greatest else _NO_NUMBER
        return step

    def _remember_range(self) -> None:
        for number in range(max(self._first, self.last - _SEEN_KEPT + 1), self.last + 1):
            self._remember(number)
        self._greatest = max(self._greatest, self.last)

    def _remember(self, number: int) -> None:
        self._seen.add(number)
        self._order.append(number)
        if len(self._order) > _SEEN_KEPT:
            self._seen.discard(self._order.popleft())

    def _take_other(self, number: int) -> Step:
        if number in self._seen:
            return Step.REPEATED
        self._remember(number)
        if number > self.last:
            skipped = range(self.last + 1, number)
            self._missing.update(skipped[-_MISSING_KEPT:])
            if len(self._missing) > 2 * _MISSING_KEPT:
                self._missing.clear()  # so many will not come later
            self.last = number
            return Step.ON
        if number in self._missing:
            self._missing.discard(number)
            return Step.LATE
        self.last = number
        return Step.BACK


class RecentIds:
    """The ids of what was published lately; the last `kept` are remembered."""

    __slots__ = ("_kept", "_order", "_seen")

    def __init__(self, kept: int = _SEEN_KEPT) -> None:
        self._kept = kept
        self._order: deque[str] = deque()
        self._seen: set[str] = set()

    def take(self, trade_id: str) -> bool:
        """Remember an id; false when it is remembered already."""
        if trade_id in self._seen:
            return False
        self._seen.add(trade_id)
        self._order.append(trade_id)
        if len(self._order) > self._kept:
            self._seen.discard(self._order.popleft())
        return True

    def take_all(self, trade_ids: Sequence[str]) -> bool:
        """Remember ids of which none is remembered and none comes twice; false if one is or does.

        Then nothing was remembered, and `take` has to decide about each.
        """
        fresh = set(trade_ids)
        if len(fresh) < len(trade_ids) or not self._seen.isdisjoint(fresh):
            return False
        self._seen |= fresh
        self._order.extend(trade_ids)
        for _ in range(len(self._order) - self._kept):
            self._seen.discard(self._order.popleft())
        return True


class GapLedger:
    """The open gaps, the last thousand closed ones, and the number of all."""

    def __init__(self, venue: str) -> None:
        self._venue = venue
        self._open: dict[Subscription, OpenGap] = {}
        self._runs: dict[Symbol, TradeRun] = {}
        self._ids: dict[Symbol, RecentIds] = {}
        self.followed = 0
        """How many trades had the number after the one before."""
        self.closed: list[Gap] = []
        self.count = 0
        self.counts: Counter[tuple[Channel, GapCause, Repair]] = Counter()
        """How many gaps there were of each kind; together they are `count`."""
        self.repeated = 0

    @property
    def open(self) -> dict[Subscription, OpenGap]:
        """The open gaps by subscription; read only."""
        return self._open

    def begin(
        self, subscription: Subscription, cause: GapCause, since_ns: int, detail: str
    ) -> None:
        """Open a gap; if it is open already, it continues."""
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
        more: str = "",
    ) -> Gap | None:
        """Newer data has come: close the gap and return its event, or `None` if none was open.

        `more` is appended to the detail that the gap began with.
        """
        opened = self._open.pop(subscription, None) if self._open else None
        if opened is None:
            return None
        detail = "; ".join(filter(None, (opened.detail, more)))
        opened = structs.replace(opened, detail=detail)
        return self._record(opened, received_ns, repair, missing)

    def forget(self, subscription: Subscription) -> None:
        """The user unsubscribed: later data is not compared with earlier data."""
        self._open.pop(subscription, None)
        if subscription.channel is Channel.TRADE and subscription.symbol is not None:
            self._runs.pop(subscription.symbol, None)
            self._ids.pop(subscription.symbol, None)

    def admit(self, subscription: Subscription, trade: Trade) -> tuple[Trade | None, Gap | None]:
        """The trade to publish, `None` for a repeated one, and the gap to publish before it.

        A trade is a repetition only if its number, or its id where the venue has no numbers, was
        seen lately. If the venue begins to count again, or one number is wrong, the trades after
        that must not be withheld.
        """
        number = trade.sequence
        run = self._runs.get(trade.symbol)
        if run is not None and number is not None and number == run.next and not self._open:
            run.last = number
            run.next = number + 1
            self.followed += 1
            return trade, None
        if number is None:
            ids = self._ids.get(trade.symbol)
            if ids is None:
                ids = self._ids[trade.symbol] = RecentIds()
            if not ids.take(trade.trade_id):
                self.repeated += 1
                return None, None
            return trade, self.end(subscription, trade.received_ns)
        if run is None:
            run = self._runs[trade.symbol] = TradeRun(number)
            return trade, self.end(subscription, trade.received_ns, Repair.LOST)
        last = run.last
        match run.take(number):
            case Step.REPEATED:
                self.repeated += 1
                return None, None
            case Step.LATE:
                return structs.replace(trade, backfilled=True), None
            case Step.BACK:
                detail = f"trade numbers go back from {last} to {number}"
                return trade, self._trade_gap(subscription, trade, None, detail)
            case Step.ON:
                skipped = number - last - 1
                self.followed += not skipped
                detail = f"trade numbers skip from {last} to {number}" if skipped else ""
                return trade, self._trade_gap(subscription, trade, skipped, detail)

    def follow(self, symbol: Symbol, first: int, last: int) -> bool:
        """Admit trades whose numbers run from `first` to `last`; false if one may be unusual.

        Then nothing was noted, and `admit` has to decide about each.
        """
        run = self._runs.get(symbol)
        if run is None or first != run.next or self._open:
            return False
        run.last = last
        run.next = last + 1
        self.followed += last - first + 1
        return True

    def follow_ids(self, trades: Sequence[Trade]) -> bool:
        """Admit trades of one market that have no numbers; false if one may be unusual.

        Then nothing was noted, and `admit` has to decide about each.
        """
        ids = self._ids.get(trades[0].symbol)
        return ids is not None and not self._open and ids.take_all([one.trade_id for one in trades])

    def _trade_gap(
        self, subscription: Subscription, trade: Trade, missing: int | None, detail: str
    ) -> Gap | None:
        repair = Repair.LOST if detail else Repair.BACKFILLED
        gap = self.end(subscription, trade.received_ns, repair, missing)
        if gap is not None or not detail:
            return gap
        now_ns = trade.received_ns
        opened = OpenGap(
            subscription=subscription, cause=GapCause.VENUE, since_ns=now_ns, detail=detail
        )
        return self._record(opened, now_ns, repair, missing)

    def _record(
        self, opened: OpenGap, received_ns: int, repair: Repair, missing: int | None
    ) -> Gap:
        gap = Gap(
            venue=self._venue,
            subscription=opened.subscription,
            cause=opened.cause,
            repair=repair,
            since_ns=opened.since_ns,
            until_ns=received_ns,
            missing=missing,
            detail=opened.detail,
            received_ns=received_ns,
        )
        self.count += 1
        self.counts[gap.subscription.channel, gap.cause, gap.repair] += 1
        self.closed.append(gap)
        if len(self.closed) > _CLOSED_KEPT:
            del self.closed[0]
        return gap
