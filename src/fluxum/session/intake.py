"""What a session does with every event, before any queue: keep books, tell holes, judge trust.

No waiting here: events come in with the frame that carried them and leave on the bus in order.
A hole is told before the first newer event of its subscription, a failed check in place of the
update that failed it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec import Struct

from fluxum.book.book import Book
from fluxum.book.keeper import BookKeeper, Verdict
from fluxum.book.level3 import Level3Book
from fluxum.book.proof import BookStatus, Evidence
from fluxum.flow.bus import Bus
from fluxum.model.account import Balances, Fill, LedgerEntry
from fluxum.model.event import (
    Channel,
    DataStale,
    Desync,
    Event,
    GapCause,
    LinkLost,
    Refused,
    Rejected,
    Resynced,
    Subscribed,
    Subscription,
    VenueNotice,
)
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Level3Snapshot,
    Level3Update,
    Ticker,
    Trade,
)
from fluxum.model.order import OpenOrders, OrderUpdate
from fluxum.session.account import Account
from fluxum.session.feed import Feed, Surroundings
from fluxum.session.gaps import GapLedger
from fluxum.session.stream import Stream

__all__ = ["Intake", "IntakeCounts"]

# How long a book may stay in doubt after an unreadable frame before a snapshot is asked for.
_DOUBT_S = 5.0
# How often a book that is known less deep than asked for may have a new snapshot.
_REFRESH_S = 30.0
_AS_BEFORE = Verdict.AS_BEFORE
_PASSED = Verdict.PASSED  # an Enum's member costs as much as a call to look up
_SNAPSHOT_AWAITED = "waiting for its snapshot"


class IntakeCounts(Struct):
    """What became of events: heard + own = published + withheld.

    `own` are the session's words about holes and doubts; `withheld` are updates without a
    snapshot to lay them over, updates that failed their check, and trades told before.
    """

    heard: int = 0
    own: int = 0
    withheld: int = 0
    desyncs: int = 0


class Intake:
    """Takes what feeds hear, and publishes what is to be told."""

    def __init__(self, around: Surroundings, now_s: Callable[[], float]) -> None:
        self._around = around
        self._venue = venue = around.venue
        self._limits = around.limits
        self._now_s = now_s
        checks = venue.checks
        self.bus: Bus[Event] = Bus()
        self.books: BookKeeper[Book] = BookKeeper(venue.name, Book, checks.book, checks.depth)
        self.level3: BookKeeper[Level3Book] = BookKeeper(
            venue.name, Level3Book, checks.level3, checks.depth
        )
        self.gaps = GapLedger(venue.name)
        self.counts = IntakeCounts()
        self.refused: dict[Subscription, str] = {}
        self.account: Account | None = None
        """What follows the account, in a session with credentials."""
        self.instruments: dict[Symbol, Instrument] = {}
        """The rules of every market that was told; look, do not change."""
        self.streams: dict[Subscription, Stream] = {}
        self._by_symbol: dict[tuple[type, Symbol | None, int | None], Stream] = {}
        self._handlers: dict[type, Callable[[Any], None]] = {
            BookSnapshot: self._snapshot,
            Level3Update: self._level3_update,
            Level3Snapshot: self._snapshot,
            Trade: self._trade,
            Ticker: self._plain,
            Candle: self._plain,
            Instrument: self._instrument,
            OpenOrders: self._account,
            OrderUpdate: self._account,
            Fill: self._account,
            Balances: self._account,
            LedgerEntry: self._account,
            Subscribed: self._subscribed,
            Refused: self._refused,
            VenueNotice: self._notice,
            Desync: self._desync,
        }

    # What is carried

    def carry(self, subscription: Subscription, feed: Feed) -> None:
        """Expect this subscription's events from a feed."""
        stream = self.streams[subscription] = Stream(subscription, feed)
        for kind in _KINDS[subscription.channel]:
            self._by_symbol[kind, subscription.symbol, subscription.interval_s] = stream
        if subscription.symbol is not None and subscription.channel.is_book:
            self._keeper(subscription).open(subscription.symbol)

    def drop(self, subscription: Subscription) -> None:
        """Expect nothing of it any more."""
        del self.streams[subscription]
        self.refused.pop(subscription, None)
        for kind in _KINDS[subscription.channel]:
            del self._by_symbol[kind, subscription.symbol, subscription.interval_s]
        self.gaps.forget(subscription)
        if subscription.symbol is not None and subscription.channel.is_book:
            self._keeper(subscription).close(subscription.symbol)

    def evidence(self, subscription: Subscription) -> Evidence | None:
        """What speaks for a subscription's book, if it has one."""
        if subscription.symbol is None or not subscription.channel.is_book:
            return None
        book: Book | Level3Book = self._keeper(subscription).get(subscription.symbol)
        return book.evidence

    # What happens

    def take(self, events: Sequence[Event]) -> None:
        """Handle the events of one frame."""
        self.counts.heard += len(events)
        for event in events:
            if type(event) is not BookUpdate:  # nearly all are; the others find their way
                self._handlers.get(type(event), self.bus.put)(event)
                continue
            verdict = self.books.update(event)
            if verdict is _PASSED or verdict is _AS_BEFORE:
                self.bus.put(event)
            else:
                self._judged(verdict, event)

    def tell(self, event: Event) -> None:
        """Publish a word of the session's own."""
        self.counts.own += 1
        self.bus.put(event)

    def lose(self, feed: Feed, reason: str, now_ns: int) -> None:
        """A feed's link is gone: withdraw what it carried, remember the holes, and say so."""
        self.withdraw(feed, GapCause.LINK_LOST, f"link lost: {reason}")
        venue = self._venue.name
        self.tell(LinkLost(venue=venue, link=feed.name, reason=reason, received_ns=now_ns))

    def withdraw(self, feed: Feed, cause: GapCause, reason: str) -> None:
        """Something of all that a feed carries is missing from now on."""
        for subscription in feed.wanted:
            stream = self.streams[subscription]
            stream.due_s = stream.since_s = None
            self.refused.pop(subscription, None)  # asked again over the next link
            heard_ns = self._heard_ns(stream)
            if heard_ns is not None:
                self.gaps.begin(subscription, cause, heard_ns, reason)
            self._lose_account(subscription)
            self._withdraw(subscription, BookStatus.SYNCING, reason)

    def replace(self, feed: Feed, books: Iterable[Book], trades: Sequence[Event]) -> None:
        """Go on with a feed that was rehearsed: with its books, and the trades it heard so far."""
        for subscription in feed.wanted:
            stream = self.streams[subscription]
            stream.feed = feed
            stream.due_s = stream.since_s = None
        for theirs in books:
            self.take([theirs.snapshot()])
            ours = self.books.get(theirs.symbol).evidence
            ours.bid_floor = theirs.evidence.bid_floor
            ours.ask_ceiling = theirs.evidence.ask_ceiling
        self.take(trades)

    def reject(self, feed: Feed, rejected: Rejected) -> None:
        """A feed's frame made no sense, so any of its books may have missed an update."""
        self.tell(rejected)
        for subscription in feed.wanted:
            reason = f"a frame could not be read: {rejected.reason}"
            if subscription.channel.is_private:
                self._begin_desync(self.streams[subscription], reason, rejected.received_ns)
                continue
            evidence = self.evidence(subscription)
            if evidence is None or not evidence.live or subscription.symbol is None:
                continue
            keeper = self._keeper(subscription)
            keeper.doubt(subscription.symbol, BookStatus.UNVERIFIED, reason)
            feed.readiness.lack(subscription, reason)
            stream = self.streams[subscription]
            stream.is_doubted = True
            stream.due_s = stream.due_s or self._now_s() + _DOUBT_S
        feed.settle()

    def check(self, now_ns: int) -> None:
        """Once a second: ask again where it is due, and tell who has been silent too long."""
        now_s = self._now_s()
        for stream in list(self.streams.values()):
            if not stream.feed.is_connected or stream.subscription in self.refused:
                continue
            if stream.due_s is not None and now_s >= stream.due_s:
                stream.due_s = None
                if stream.feed.readiness.lacks(stream.subscription):
                    stream.feed.resync(stream.subscription)
            self._check_silence(stream, now_s, now_ns)
            self._check_depth(stream, now_s)

    def _check_silence(self, stream: Stream, now_s: float, now_ns: int) -> None:
        subscription = stream.subscription
        limit_s = self._limits.data_silence_s.get(subscription.channel)
        evidence = self.evidence(subscription)
        is_awaited = evidence is not None and not evidence.live
        if is_awaited:
            limit_s = self._limits.answer_timeout_s
        silent_s = stream.silent_s(self._heard_ns(stream), now_s)
        if limit_s is None or silent_s < limit_s:
            return
        if is_awaited and stream.feed.is_fetching:  # its snapshot may have to wait its turn
            return
        stream.since_s = None  # counted anew from the next look
        self.tell(
            DataStale(
                venue=self._venue.name,
                subscription=subscription,
                silent_s=silent_s,
                received_ns=now_ns,
            )
        )
        if not is_awaited and evidence is not None and subscription.symbol is not None:
            reason = f"silent for {silent_s:.0f} s"
            self._keeper(subscription).doubt(subscription.symbol, BookStatus.STALE, reason)
            stream.feed.readiness.lack(subscription, reason)
            stream.feed.settle()
        stream.feed.resync(subscription)

    def _check_depth(self, stream: Stream, now_s: float) -> None:
        """Ask for a new snapshot of a book whose market has moved away from a cut one."""
        subscription = stream.subscription
        if subscription.channel is not Channel.BOOK or subscription.depth is None:
            return
        assert subscription.symbol is not None
        book = self.books.get(subscription.symbol)
        known = book.depth_known
        if known is None or not book.evidence.live or known >= subscription.depth // 2:
            return
        if now_s - stream.refreshed_s >= _REFRESH_S:
            stream.refreshed_s = now_s
            stream.feed.resync(subscription)

    # Books

    def _level3_update(self, update: Level3Update) -> None:
        self._judged(self.level3.update(update), update)

    def _snapshot(self, snapshot: BookSnapshot | Level3Snapshot) -> None:
        stream = self._by_symbol.get((type(snapshot), snapshot.symbol, None))
        if stream is None:
            self.counts.withheld += 1
            return
        subscription = stream.subscription
        evidence = self.evidence(subscription)
        was_desynced = evidence is not None and evidence.status is BookStatus.DESYNCED
        verdict = self._keeper(subscription).snapshot(snapshot)
        if verdict is Verdict.FAILED:
            self._judged(verdict, snapshot)
            return
        stream.due_s = None
        stream.is_doubted = False
        self._end_gap(subscription, snapshot.received_ns)
        if was_desynced and evidence is not None:
            self.tell(
                Resynced(
                    venue=self._venue.name,
                    subscription=subscription,
                    generation=evidence.generation,
                    received_ns=snapshot.received_ns,
                )
            )
        self._judged(verdict, snapshot)

    def _judged(
        self,
        verdict: Verdict,
        message: BookUpdate | BookSnapshot | Level3Update | Level3Snapshot,
    ) -> None:
        """Publish a message that was applied, withhold one that was not, announce a failure."""
        stream = self._by_symbol.get((type(message), message.symbol, None))
        if stream is None or verdict is Verdict.WITHHELD:
            self.counts.withheld += 1
        elif verdict is Verdict.FAILED:
            self.counts.withheld += 1
            self._fail(stream, message)
        else:
            self.bus.put(message)
            self._trust(stream)

    def _fail(
        self, stream: Stream, message: BookUpdate | BookSnapshot | Level3Update | Level3Snapshot
    ) -> None:
        subscription = stream.subscription
        evidence = self.evidence(subscription)
        assert evidence is not None
        self.tell(
            Desync(
                venue=self._venue.name,
                subscription=subscription,
                generation=evidence.generation,
                reason=evidence.reason,
                expected=message.checksum,
                computed=evidence.checksum,
                venue_ns=message.venue_ns,
                received_ns=message.received_ns,
            )
        )
        self._begin_desync(stream, evidence.reason, message.received_ns)

    def _desync(self, event: Desync) -> None:
        """The venue's own protocol found a broken sequence."""
        self.bus.put(event)
        stream = self.streams.get(event.subscription)
        if stream is not None:
            self._withdraw(event.subscription, BookStatus.DESYNCED, event.reason)
            self._begin_desync(stream, event.reason, event.received_ns)

    def _begin_desync(self, stream: Stream, reason: str, now_ns: int) -> None:
        self.counts.desyncs += 1
        subscription = stream.subscription
        self._lose_account(subscription)
        self.gaps.begin(subscription, GapCause.DESYNC, now_ns, reason)
        stream.feed.readiness.lack(subscription, f"desynced: {reason}")
        wait_s = stream.next_resync_s(self._now_s())
        if wait_s == 0.0:
            stream.feed.resync(subscription)
        else:
            stream.due_s = self._now_s() + wait_s
        stream.feed.settle()

    def _trust(self, stream: Stream) -> None:
        """A message of a book was applied: it counts as there unless a doubt remains."""
        evidence = self.evidence(stream.subscription)
        if evidence is None or not evidence.live:
            return
        can_be_proved = self._venue.checks.book is not None or evidence.sequence is not None
        if evidence.status is BookStatus.VALID:
            stream.due_s = None
            stream.is_doubted = False
        if evidence.status is BookStatus.VALID or not (can_be_proved or stream.is_doubted):
            self._have(stream)
        else:
            stream.feed.readiness.lack(stream.subscription, evidence.reason)
            stream.feed.settle()

    # The account

    def _account(self, event: OrderUpdate | Fill | LedgerEntry | OpenOrders | Balances) -> None:
        stream = self._by_symbol.get((type(event), None, None))
        if stream is None or self.account is None or not self.account.hear(event):
            self.counts.withheld += 1
            return
        stream.heard_ns = event.received_ns
        if isinstance(event, OpenOrders | Balances):
            stream.due_s = None
            self._end_gap(stream.subscription, event.received_ns)
            self.lack(stream.subscription, "its history is being looked up")
        self.bus.put(event)

    def have(self, subscription: Subscription) -> None:
        """Nothing of an account's channel is missing any more."""
        if subscription in self.streams:
            self._have(self.streams[subscription])

    def lack(self, subscription: Subscription, reason: str) -> None:
        """Something of an account's channel is still missing."""
        if subscription in self.streams:
            feed = self.streams[subscription].feed
            feed.readiness.lack(subscription, reason)
            feed.settle()

    def _lose_account(self, subscription: Subscription) -> None:
        if self.account is not None and subscription.channel.is_private:
            self.account.lose(subscription.channel)

    # Everything else

    def _instrument(self, event: Instrument) -> None:
        self.instruments[event.symbol] = event
        self._plain(event)

    def _plain(self, event: Ticker | Candle | Instrument) -> None:
        interval_s = event.interval_s if isinstance(event, Candle) else None
        symbol = None if isinstance(event, Instrument) else event.symbol
        stream = self._by_symbol.get((type(event), symbol, interval_s))
        if stream is None:
            self.counts.withheld += 1
            return
        stream.heard_ns = event.received_ns
        if self.gaps.open:
            self._end_gap(stream.subscription, event.received_ns)
        self.bus.put(event)
        self._have(stream)

    def _trade(self, trade: Trade) -> None:
        stream = self._by_symbol.get((Trade, trade.symbol, None))
        if stream is None:
            self.counts.withheld += 1
            return
        stream.heard_ns = trade.received_ns
        is_news, gap = self.gaps.admit(stream.subscription, trade)
        if gap is not None:
            self.tell(gap)
        if is_news:
            self.bus.put(trade)
        else:
            self.counts.withheld += 1
        self._have(stream)

    def _subscribed(self, event: Subscribed) -> None:
        self.bus.put(event)
        stream = self.streams.get(event.subscription)
        if stream is not None:
            self.refused.pop(event.subscription, None)
            evidence = self.evidence(event.subscription)
            if event.subscription.channel.is_private:  # there when its history is known
                if stream.feed.readiness.lacks(event.subscription):
                    stream.feed.readiness.lack(event.subscription, _SNAPSHOT_AWAITED)
                stream.feed.settle()
            elif evidence is None or evidence.live:
                self._have(stream)
            else:
                stream.feed.readiness.lack(event.subscription, _SNAPSHOT_AWAITED)
                stream.feed.settle()

    def _notice(self, event: VenueNotice) -> None:
        if event.status is not None:
            self._around.status = event.status
        self.bus.put(event)

    def _refused(self, event: Refused) -> None:
        self.bus.put(event)
        if event.subscription is not None:
            stream = self.streams.get(event.subscription)
            if stream is not None:
                self.refused[event.subscription] = event.message
                stream.feed.readiness.lack(event.subscription, f"refused: {event.message}")
                stream.feed.settle()

    # Pieces

    def _have(self, stream: Stream) -> None:
        if stream.feed.readiness.lacks(stream.subscription):
            stream.feed.readiness.have(stream.subscription)
            stream.feed.settle()

    def _end_gap(self, subscription: Subscription, now_ns: int) -> None:
        gap = self.gaps.end(subscription, now_ns)
        if gap is not None:
            self.tell(gap)

    def _heard_ns(self, stream: Stream) -> int | None:
        evidence = self.evidence(stream.subscription)
        return stream.heard_ns if evidence is None else evidence.updated_ns

    def _keeper(self, subscription: Subscription) -> BookKeeper[Any]:
        return self.level3 if subscription.channel is Channel.LEVEL3 else self.books

    def _withdraw(self, subscription: Subscription, status: BookStatus, reason: str) -> None:
        if subscription.symbol is not None and subscription.channel.is_book:
            self._keeper(subscription).withdraw(subscription.symbol, status, reason)


_KINDS: dict[Channel, tuple[type, ...]] = {
    Channel.BOOK: (BookUpdate, BookSnapshot),
    Channel.LEVEL3: (Level3Update, Level3Snapshot),
    Channel.TICKER: (Ticker,),
    Channel.TRADE: (Trade,),
    Channel.CANDLE: (Candle,),
    Channel.INSTRUMENT: (Instrument,),
    Channel.BALANCE: (Balances, LedgerEntry),
    Channel.EXECUTION: (OpenOrders, OrderUpdate, Fill),
}
