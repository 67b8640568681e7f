"""What a session does with every event, before any queue: keep books, tell holes, judge trust.

No waiting here: events come in with the frame that carried them and leave on the bus in order.
A hole is told before the first newer event of its subscription, a failed check in place of the
update that failed it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from fluxum.book.book import Book
from fluxum.book.keeper import Verdict
from fluxum.book.proof import BookStatus
from fluxum.model.account import Balance, Balances, Fill, LedgerEntry
from fluxum.model.event import (
    AccountEvent,
    Channel,
    Desync,
    Event,
    GapCause,
    LeftOut,
    LinkLost,
    MarketEvent,
    Refused,
    Rejected,
    Resynced,
    Subscribed,
    Subscription,
    Unsubscribed,
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
from fluxum.session.candles import Candles
from fluxum.session.carried import Carried
from fluxum.session.damage import Damage
from fluxum.session.feed import Feed, FeedContext
from fluxum.session.gaps import GapLedger
from fluxum.session.publisher import Publisher
from fluxum.session.subscription_state import Stream
from fluxum.session.tickers import JoinedTickers
from fluxum.venues.venue import QUOTES

__all__ = ["EventProcessor"]

_AS_BEFORE = Verdict.AS_BEFORE
_PASSED = Verdict.PASSED  # an Enum's member costs as much as a call to look up
_SNAPSHOT_AWAITED = "waiting for its snapshot"


class EventProcessor:
    """Takes what feeds hear, and publishes what is to be told."""

    def __init__(self, context: FeedContext, now_s: Callable[[], float]) -> None:
        self._context = context
        self._venue = venue = context.venue
        self._limits = context.limits
        self._now_s = now_s
        self._publisher = Publisher()
        self.bus = self._publisher.bus
        self.counts = self._publisher.counts
        self.tell = self._publisher.tell
        """Publish a word of the session's own."""
        self.carried = Carried(venue)
        self.books = self.carried.books
        self.level3 = self.carried.level3
        self.streams = self.carried.streams
        """Every stream by its subscription; look, do not change."""
        self.gaps = GapLedger(venue.name)
        self.candles = Candles(self._publisher, self.gaps, context.offset)
        self._tickers = JoinedTickers()
        self.refused: dict[Subscription, str] = {}
        self.account: Account | None = None
        """What follows the account, in a session with credentials."""
        self.instruments: dict[Symbol, Instrument] = {}
        """The rules of every market that was told; look, do not change."""
        self._damage = Damage(self.carried, self.candles, self.gaps, now_s, self._begin_desync)
        self._handlers: dict[type, Callable[[Any], None]] = {
            BookSnapshot: self._snapshot,
            Level3Update: self._level3_update,
            Level3Snapshot: self._snapshot,
            Trade: self._trade,
            Ticker: self._ticker,
            Candle: self._candle,
            Instrument: self._instrument,
            OpenOrders: self._account,
            OrderUpdate: self._account,
            Fill: self._account,
            Balances: self._account,
            Balance: self._account,
            LedgerEntry: self._account,
            Subscribed: self._subscribed,
            Unsubscribed: self._acknowledged,
            Refused: self._refused,
            VenueNotice: self._notice,
            Desync: self._desync,
            LeftOut: self._left_out,
        }

    # What is carried

    def carry(self, subscription: Subscription, feed: Feed) -> None:
        """Expect this subscription's events from a feed."""
        stream = self.carried.open(subscription, feed)
        if subscription.channel is Channel.CANDLE:
            self.candles.open(stream)

    def drop(self, subscription: Subscription) -> None:
        """Expect nothing of it any more."""
        self.carried.close(subscription)
        self.refused.pop(subscription, None)
        self._tickers.forget(subscription)
        self.gaps.forget(subscription)
        self.candles.close(subscription)

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

    def lose(self, feed: Feed, reason: str, now_ns: int) -> None:
        """A feed's link is gone: withdraw what it carried, remember the holes, and say so."""
        self.withdraw(feed, GapCause.LINK_LOST, f"link lost: {reason}")
        venue = self._venue.name
        self.tell(LinkLost(venue=venue, link=feed.name, reason=reason, received_ns=now_ns))

    def withdraw(self, feed: Feed, cause: GapCause, reason: str) -> None:
        """Something of all that a feed carries is missing from now on."""
        for subscription in feed.wanted:
            stream = self.streams[subscription]
            stream.begin()
            self.refused.pop(subscription, None)  # asked again over the next link
            heard_ns = self.carried.heard_ns(stream)
            if heard_ns is not None:
                self.gaps.begin(self._venue.whole(subscription), cause, heard_ns, reason)
            self._lose_account(subscription)
            self._tickers.forget(subscription)
            if subscription.channel is Channel.CANDLE:
                self.candles.interrupt(stream)
            self.carried.withdraw(subscription, BookStatus.SYNCING, reason)

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
        """A feed's frame made no sense, so the streams it names may have missed something.

        A frame that names none may have been of any stream of its link.
        """
        self.tell(rejected)
        reason = f"a frame could not be read: {rejected.reason}"
        named = feed.wanted if rejected.subscriptions is None else rejected.subscriptions
        for subscription in named:
            if subscription in feed.wanted:
                is_named = rejected.subscriptions is not None
                self._damage.note(subscription, reason, rejected.received_ns, is_named=is_named)
                if is_named:
                    self.streams[subscription].missed = reason
        feed.settle()

    def _left_out(self, event: LeftOut) -> None:
        """Rows could not be read: a list is incomplete, a stream may have missed something."""
        self.counts.left_out += event.count
        self.bus.put(event)
        subscription = event.subscription
        if subscription is None or subscription not in self.streams:
            return
        feed = self.streams[subscription].feed
        rows = "1 row" if event.count == 1 else f"{event.count} rows"
        reason = f"{rows} could not be read: {event.reason}"
        if subscription.channel is Channel.INSTRUMENT or subscription.channel.is_private:
            feed.readiness.note_incomplete(subscription, reason)
        else:
            if subscription.symbol is not None and subscription.channel.is_book:
                self.carried.keeper(subscription).flaw(
                    subscription.symbol, reason, event.received_ns
                )
            self._damage.note(subscription, reason, event.received_ns, is_named=True)
            feed.settle()

    # Books

    def _level3_update(self, update: Level3Update) -> None:
        self._judged(self.level3.update(update), update)

    def _snapshot(self, snapshot: BookSnapshot | Level3Snapshot) -> None:
        stream = self.carried.find(type(snapshot), snapshot.symbol)
        if stream is None:
            self.counts.withheld += 1
            return
        subscription = stream.subscription
        evidence = self.carried.evidence(subscription)
        was_desynced = evidence is not None and evidence.status is BookStatus.DESYNCED
        verdict = self.carried.keeper(subscription).snapshot(snapshot)
        if verdict is Verdict.FAILED:
            self._judged(verdict, snapshot)
            return
        stream.trust()
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
        stream = self.carried.find(type(message), message.symbol)
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
        evidence = self.carried.evidence(subscription)
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

    def _desync(self, event: Desync, *, is_ours: bool = False) -> None:
        """A broken sequence, found by the venue's own protocol or by the session itself."""
        self.counts.own += is_ours
        self.bus.put(event)
        stream = self.streams.get(event.subscription)
        if stream is not None:
            self.carried.withdraw(event.subscription, BookStatus.DESYNCED, event.reason)
            self._begin_desync(stream, event.reason, event.received_ns)

    def give_up(self, stream: Stream, now_ns: int) -> None:
        """Withdraw a book that surely missed updates, and that nothing has proved since."""
        evidence = self.carried.evidence(stream.subscription)
        assert evidence is not None
        self._desync(
            Desync(
                venue=self._venue.name,
                subscription=stream.subscription,
                generation=evidence.generation,
                reason=stream.missed,
                received_ns=now_ns,
            ),
            is_ours=True,
        )

    def _begin_desync(self, stream: Stream, reason: str, now_ns: int) -> None:
        self.counts.desyncs += 1
        stream.has_data = False
        subscription = stream.subscription
        self._lose_account(subscription)
        self.gaps.begin(subscription, GapCause.DESYNC, now_ns, reason)
        stream.feed.readiness.lack(subscription, f"desynced: {reason}")
        wait_s = stream.next_resync_s(self._now_s())
        if wait_s == 0.0:
            self.resync(stream)
        else:
            stream.due_s = self._now_s() + wait_s
        stream.feed.settle()

    def resync(self, stream: Stream) -> None:
        """Have a stream begin anew, with its snapshot."""
        channel = stream.subscription.channel
        if channel.is_private and self.account is not None and self.account.resync(channel):
            return
        stream.feed.resync(stream.subscription)

    def _trust(self, stream: Stream) -> None:
        """A message of a book was applied: it counts as there unless a doubt remains."""
        evidence = self.carried.evidence(stream.subscription)
        if evidence is None or not evidence.live:
            return
        can_be_proved = self._venue.checks.book is not None or evidence.sequence is not None
        if evidence.status is BookStatus.VALID:
            stream.trust()
        if evidence.status is BookStatus.VALID or not (can_be_proved or stream.is_doubted):
            self._have(stream)
        else:
            stream.lack(evidence.reason)

    # The account

    def _account(
        self, event: OrderUpdate | Fill | LedgerEntry | OpenOrders | Balances | Balance
    ) -> None:
        stream = self.carried.find(type(event), None)
        if stream is None or self.account is None or not self.account.receive(event):
            self.counts.withheld += 1
            return
        self._note_data(stream, event)
        if isinstance(event, OpenOrders | Balances):
            stream.due_s = None
            self._end_gap(stream.subscription, event.received_ns)
            self.lack(stream.subscription, "its history is being looked up")
        self.bus.put(event)

    def have(self, subscription: Subscription) -> None:
        """Nothing of an account's channel is missing any more."""
        if subscription in self.streams:
            self.refused.pop(subscription, None)
            self._have(self.streams[subscription])

    def lack(self, subscription: Subscription, reason: str) -> None:
        """Something of an account's channel is still missing."""
        if subscription in self.streams:
            self.streams[subscription].lack(reason)

    def _lose_account(self, subscription: Subscription) -> None:
        if self.account is not None and self.carried.is_of_account(subscription):
            self.account.lose(subscription.channel)

    # Everything else

    def _instrument(self, event: Instrument) -> None:
        self.instruments[event.symbol] = event
        self._plain(event)

    def _ticker(self, event: Ticker) -> None:
        stream = self.carried.find(Ticker, event.symbol)
        if self._venue.quotes is not None:
            part = QUOTES if event.is_quote else None
            stream = self.carried.find(Ticker, event.symbol, part) or stream
            event = self._tickers.take(event)
        self._publish(stream, event)

    def _plain(self, event: Instrument) -> None:
        self._publish(self.carried.find(Instrument, None), event)

    def _candle(self, candle: Candle) -> None:
        stream = self.carried.find(Candle, candle.symbol, candle.interval_s)
        if stream is None:
            self.counts.withheld += 1
            return
        self._note_data(stream, candle)
        self.candles.take(stream, candle)
        if not self.candles.is_waiting(stream.subscription):
            self._have(stream)

    def _publish(self, stream: Stream | None, event: Ticker | Instrument) -> None:
        if stream is None:
            self.counts.withheld += 1
            return
        self._note_data(stream, event)
        if self.gaps.open:
            self._end_gap(self._venue.whole(stream.subscription), event.received_ns)
        self.bus.put(event)
        self._have(stream)

    def _trade(self, trade: Trade) -> None:
        stream = self.carried.find(Trade, trade.symbol)
        if stream is None:
            self.counts.withheld += 1
            return
        self._note_data(stream, trade)
        news, gap = self.gaps.admit(stream.subscription, trade)
        if gap is not None:
            self.tell(gap)
        if news is None:
            self.counts.withheld += 1
        else:
            self.bus.put(news)
        self._have(stream)

    def _acknowledged(self, event: Subscribed | Unsubscribed) -> None:
        """Publish it, unless it is of a part, which has no events of its own."""
        if self._venue.is_part(event.subscription):
            self.counts.withheld += 1
        else:
            self.bus.put(event)

    def _subscribed(self, event: Subscribed) -> None:
        self._acknowledged(event)
        stream = self.streams.get(event.subscription)
        if stream is not None:
            self.refused.pop(event.subscription, None)
            stream.is_acknowledged = True
            if self._venue.is_part(event.subscription):
                self._have(stream)
            elif event.subscription.channel.is_private:  # there when its history is known
                if self.account is not None:
                    self.account.acknowledged(event.subscription.channel)
                if stream.feed.readiness.lacks(event.subscription):
                    stream.lack(_SNAPSHOT_AWAITED)
            elif self.carried.owes_data(stream):
                stream.lack(_SNAPSHOT_AWAITED)
            elif not stream.is_doubted:
                self._have(stream)

    def _notice(self, event: VenueNotice) -> None:
        if event.status is not None:
            self._context.status = event.status
        self.bus.put(event)

    def _refused(self, event: Refused) -> None:
        self.bus.put(event)
        if event.subscription is not None:
            stream = self.streams.get(event.subscription)
            if stream is not None:
                self.refused[event.subscription] = event.message
                reason = f"refused: {event.message}"
                self.carried.withdraw(event.subscription, BookStatus.SYNCING, reason)
                stream.lack(reason)

    # Pieces

    def _note_data(self, stream: Stream, event: MarketEvent | AccountEvent) -> None:
        """Data of a stream without a book: it is there, and what was doubted has gone on."""
        stream.heard_ns = event.received_ns
        if isinstance(event, _TIMED) and event.venue_ns is not None:
            self._context.offset.heard(event.venue_ns, event.received_ns)
        stream.has_data = True
        stream.asked = 0
        if stream.is_doubted:
            stream.trust()

    def _have(self, stream: Stream) -> None:
        if stream.feed.readiness.lacks(stream.subscription):
            stream.feed.readiness.have(stream.subscription)
            stream.feed.settle()

    def _end_gap(self, subscription: Subscription, now_ns: int) -> None:
        gap = self.gaps.end(subscription, now_ns)
        if gap is not None:
            self.tell(gap)


_TIMED = (Trade, Ticker, Candle)
_OfAccount = OrderUpdate | Fill | LedgerEntry | OpenOrders | Balances | Balance
