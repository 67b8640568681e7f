"""Processes every event of a session before any queue: books, gaps, and readiness.

Nothing waits here: events come in with their frame and leave on the bus in order. A gap is
published before the first newer event of its subscription. If an update fails its check, the
failure is published instead of the update.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from fluxum.book.book import Book
from fluxum.book.keeper import Verdict
from fluxum.book.proof import BookStatus
from fluxum.model.account import Balances, Fill, LedgerEntry
from fluxum.model.event import (
    AccountEvent,
    Channel,
    Desync,
    Event,
    GapCause,
    LeftOut,
    LinkLost,
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
from fluxum.model.order import OpenOrders
from fluxum.session.account import Account
from fluxum.session.active_subscriptions import OF_ACCOUNT, ActiveSubscriptions, Stream
from fluxum.session.book_runs import take_books
from fluxum.session.candles import Candles
from fluxum.session.damage import Damage
from fluxum.session.feed import Feed, FeedContext
from fluxum.session.gaps import GapLedger
from fluxum.session.publisher import Publisher
from fluxum.session.tickers import JoinedTickers
from fluxum.session.trade_runs import follow
from fluxum.venues.book_scan import ScannedBooks
from fluxum.venues.trade_scan import ScannedTrades
from fluxum.venues.venue import QUOTES

__all__ = ["EventProcessor"]

_AS_BEFORE, _PASSED = Verdict.AS_BEFORE, Verdict.PASSED  # to look up a member costs a call
_SNAPSHOT_AWAITED = "waiting for its snapshot"


class EventProcessor:
    """Takes the events of feeds, and publishes them."""

    def __init__(self, context: FeedContext, now_s: Callable[[], float]) -> None:
        self._context = context
        self._venue = venue = context.venue
        self._latencies = context.latencies
        self._offset_received = context.offset.received
        self._now_s = now_s
        self._publisher = Publisher()
        self.bus = self._publisher.bus
        self._put = self.bus.put
        self.counts = self._publisher.counts
        self.publish = self._publisher.publish
        """Publish an event of the session itself."""
        self.active = ActiveSubscriptions(venue)
        self.books = self.active.books
        self.level3 = self.active.level3
        self.streams = self.active.streams
        """Every stream by its subscription; read only."""
        self.gaps = GapLedger(venue.name)
        self.candles = Candles(self._publisher, self.gaps, context.offset)
        self._trade_streams = self.active.of_kind(Trade)
        self._tickers = JoinedTickers()
        self.refused: dict[Subscription, str] = {}
        self.account: Account | None = None
        """The account's state, in a session with credentials."""
        self.instruments: dict[Symbol, Instrument] = {}
        """The rules of every market that the venue has sent; read only."""
        self._damage = Damage(self.active, self.candles, self.gaps, now_s, self._begin_desync)
        self._handlers: dict[type, Callable[[Any], None]] = {
            BookSnapshot: self._snapshot,
            Level3Update: self._level3_update,
            Level3Snapshot: self._snapshot,
            Trade: self._trade,
            Ticker: self._ticker,
            Candle: self._candle,
            Instrument: self._instrument,
            **dict.fromkeys(OF_ACCOUNT, self._account),
            Subscribed: self._subscribed,
            Unsubscribed: self._acknowledged,
            Refused: self._refused,
            VenueNotice: self._notice,
            Desync: self._desync,
            LeftOut: self._left_out,
        }

    # Subscriptions

    def add(self, subscription: Subscription, feed: Feed) -> None:
        """Expect this subscription's events from a feed."""
        stream = self.active.open(subscription, feed)
        if subscription.channel is Channel.CANDLE:
            self.candles.open(stream)

    def drop(self, subscription: Subscription) -> None:
        """Expect no events of this subscription any more."""
        self.active.close(subscription)
        self.refused.pop(subscription, None)
        self._tickers.forget(subscription)
        self.gaps.forget(subscription)
        self.candles.close(subscription)

    # Events

    def take(self, events: Sequence[Event]) -> int:
        """Handle the events of a frame or of a run of frames; returns how many frames.

        A run of books ends behind a check that fails: what follows is read in another way.
        """
        is_measured, frames = self._latencies.is_measuring, 1
        self.counts.received += len(events)
        if type(events) is ScannedBooks:
            frames = take_books(events, self.books, self.bus, self.judged)
            self.counts.received -= len(events) - frames
            self._latencies.applied()
            events = ()
        elif type(events) is ScannedTrades:
            frames = events.frames
            stream = self._trade_streams.get(events.symbol)
            if follow(events, stream, self.gaps, self._offset_received):
                self.bus.put_all(events)
                events = ()
        handlers, put = self._handlers, self._put
        for event in events:
            if type(event) is not BookUpdate:  # nearly all are, so the others may cost a look-up
                handlers.get(type(event), put)(event)
                continue
            verdict = self.books.update(event)
            if is_measured:
                self._latencies.applied()
            if verdict is _PASSED or verdict is _AS_BEFORE:
                put(event)
            else:
                self.judged(verdict, event)
        if is_measured:
            self._latencies.published()
        return frames

    def lose(self, feed: Feed, reason: str, now_ns: int) -> None:
        """A feed's link is gone: withdraw its streams, open their gaps, and publish LinkLost."""
        self.withdraw(feed, GapCause.LINK_LOST, f"link lost: {reason}")
        venue = self._venue.name
        self.publish(LinkLost(venue=venue, link=feed.name, reason=reason, received_ns=now_ns))

    def withdraw(self, feed: Feed, cause: GapCause, reason: str) -> None:
        """From now on something is missing from all streams of a feed."""
        for subscription in feed.wanted:
            stream = self.streams[subscription]
            stream.begin()
            self.refused.pop(subscription, None)  # requested again over the next link
            data_ns = self.active.data_ns(self.active.whole(stream))
            if data_ns is not None:
                self.gaps.begin(self._venue.whole(subscription), cause, data_ns, reason)
            self._lose_account(subscription)
            self._tickers.forget(subscription)
            if subscription.channel is Channel.CANDLE:
                self.candles.interrupt(stream)
            self.active.withdraw(subscription, BookStatus.SYNCING, reason)

    def replace(self, feed: Feed, books: Iterable[Book], trades: Sequence[Event]) -> None:
        """Continue with a standby feed: with its books, and the trades it received so far."""
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
        """A feed's frame made no sense, so the streams that it names may have missed something.

        If the frame names none, it may have been of any stream of its link.
        """
        self.publish(rejected)
        reason = f"a frame could not be read: {rejected.reason}"
        named = feed.wanted if rejected.subscriptions is None else rejected.subscriptions
        for subscription in named:
            if subscription in feed.wanted:
                is_named = rejected.subscriptions is not None
                self._damage.note(subscription, reason, rejected.received_ns, is_named=is_named)
                if is_named:
                    self.streams[subscription].missed = reason
        feed.update_state()

    def _left_out(self, event: LeftOut) -> None:
        """Rows could not be read: a list is incomplete, or a stream may have missed something."""
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
                self.active.keeper(subscription).flaw(
                    subscription.symbol, reason, event.received_ns
                )
            self._damage.note(subscription, reason, event.received_ns, is_named=True)
            feed.update_state()

    # Books

    def _level3_update(self, update: Level3Update) -> None:
        self.judged(self.level3.update(update), update)

    def _snapshot(self, snapshot: BookSnapshot | Level3Snapshot) -> None:
        stream = self.active.find(type(snapshot), snapshot.symbol)
        if stream is None:
            self.counts.withheld += 1
            return
        subscription = stream.subscription
        evidence = self.active.evidence(subscription)
        was_desynced = evidence is not None and evidence.status is BookStatus.DESYNCED
        verdict = self.active.keeper(subscription).snapshot(snapshot)
        if verdict is Verdict.FAILED:
            self.judged(verdict, snapshot)
            return
        stream.trust()
        self._end_gap(subscription, snapshot.received_ns)
        if was_desynced and evidence is not None:
            self.publish(
                Resynced(
                    venue=self._venue.name,
                    subscription=subscription,
                    generation=evidence.generation,
                    received_ns=snapshot.received_ns,
                )
            )
        self.judged(verdict, snapshot)

    def judged(
        self,
        verdict: Verdict,
        message: BookUpdate | BookSnapshot | Level3Update | Level3Snapshot,
    ) -> None:
        """Publish a message that was applied, withhold one that was not, publish a failed check."""
        stream = self.active.find(type(message), message.symbol)
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
        evidence = self.active.evidence(subscription)
        assert evidence is not None
        self.publish(
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
        """A broken sequence, found by the venue's protocol or by the session itself."""
        self.counts.own += is_ours
        self.bus.put(event)
        stream = self.streams.get(event.subscription)
        if stream is not None:
            self.active.withdraw(event.subscription, BookStatus.DESYNCED, event.reason)
            self._begin_desync(stream, event.reason, event.received_ns)

    def give_up(self, stream: Stream, now_ns: int) -> None:
        """Withdraw a book that missed updates for certain and was not proved since."""
        evidence = self.active.evidence(stream.subscription)
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
        stream = self.active.whole(stream)
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
        stream.feed.update_state()

    def resync(self, stream: Stream) -> None:
        """Make a stream begin again, with its snapshot."""
        channel = stream.subscription.channel
        if channel.is_private and self.account is not None and self.account.resync(channel):
            return
        stream.feed.resync(stream.subscription)

    def _trust(self, stream: Stream) -> None:
        """A message of a book was applied: the book is ready unless it is uncertain."""
        evidence = self.active.evidence(stream.subscription)
        if evidence is None or not evidence.live:
            return
        can_be_proved = self._venue.checks.book is not None or evidence.sequence is not None
        if evidence.status is BookStatus.VALID:
            stream.trust()
        if evidence.status is BookStatus.VALID or not (can_be_proved or stream.is_uncertain):
            self._have(stream)
        else:
            stream.lack(evidence.reason)

    # The account

    def _account(self, event: AccountEvent) -> None:
        stream = self.active.find(type(event), None)
        if stream is None or self.account is None or not self.account.receive(event):
            self.counts.withheld += 1
            return
        stream.receive(event.received_ns)
        if isinstance(event, OpenOrders | Balances):
            stream.due_s = None
            self._end_gap(stream.subscription, event.received_ns)
            self.lack(stream.subscription, "its history is being looked up")
        self.bus.put(event)
        if isinstance(event, Fill) and self.active.find(LedgerEntry, None) is not None:
            self.take(self.account.made_of(event))

    def have(self, subscription: Subscription) -> None:
        """An account's channel is complete."""
        if subscription in self.streams:
            self.refused.pop(subscription, None)
            self._have(self.streams[subscription])

    def lack(self, subscription: Subscription, reason: str) -> None:
        """An account's channel still misses something."""
        if subscription in self.streams:
            self.streams[subscription].lack(reason)

    def _lose_account(self, subscription: Subscription) -> None:
        if self.account is not None and self.active.is_of_account(subscription):
            self.account.lose(subscription.channel)

    # Everything else

    def _instrument(self, event: Instrument) -> None:
        self.instruments[event.symbol] = event
        self._publish(self.active.find(Instrument, None), event)

    def _ticker(self, event: Ticker) -> None:
        stream = self.active.find(Ticker, event.symbol)
        if self._venue.quotes is not None:
            part = QUOTES if event.is_quote else None
            stream = self.active.find(Ticker, event.symbol, part) or stream
            event = self._tickers.take(event)
        if stream is not None and event.venue_ns is not None:
            self._offset_received(event.venue_ns, event.received_ns)
        self._publish(stream, event)

    def _candle(self, candle: Candle) -> None:
        stream = self.active.find(Candle, candle.symbol, candle.interval_s)
        if stream is None:
            self.counts.withheld += 1
            return
        if candle.venue_ns is not None:
            self._offset_received(candle.venue_ns, candle.received_ns)
        stream.receive(candle.received_ns)
        self.candles.take(stream, candle)
        if not self.candles.is_waiting(stream.subscription):
            self._have(stream)

    def _publish(self, stream: Stream | None, event: Ticker | Instrument) -> None:
        if stream is None:
            self.counts.withheld += 1
            return
        stream.receive(event.received_ns)
        if self.gaps.open:
            self._end_gap(self._venue.whole(stream.subscription), event.received_ns)
        self._put(event)
        if stream.feed.readiness.missing:
            self._have(stream)

    def _trade(self, trade: Trade) -> None:
        stream = self._trade_streams.get(trade.symbol)
        if stream is None:
            self.counts.withheld += 1
            return
        if trade.venue_ns is not None:
            self._offset_received(trade.venue_ns, trade.received_ns)
        stream.receive(trade.received_ns)
        news, gap = self.gaps.admit(stream.subscription, trade)
        if gap is not None:
            self.publish(gap)
        if news is None:
            self.counts.withheld += 1
        else:
            self._put(news)
        if stream.feed.readiness.missing:
            self._have(stream)

    def _acknowledged(self, event: Subscribed | Unsubscribed) -> None:
        """Publish the event, unless it is of a part: a part has no events of its own."""
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
                self._joined(stream)
            elif event.subscription.channel.is_private:  # ready when its history is known
                if self.account is not None:
                    self.account.acknowledged(event.subscription.channel)
                if stream.feed.readiness.lacks(event.subscription):
                    stream.lack(_SNAPSHOT_AWAITED)
            elif self.active.awaits_data(stream):
                stream.lack(_SNAPSHOT_AWAITED)
            elif not stream.is_uncertain:
                self._have(stream)

    def _joined(self, part: Stream) -> None:
        """A further stream of the account begins: what it missed is in another snapshot."""
        whole = self.active.whole(part)
        if self.account is not None and whole is not part and whole.is_acknowledged:
            whole.lack(_SNAPSHOT_AWAITED)
            self.account.acknowledged(whole.subscription.channel)

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
                self.active.withdraw(event.subscription, BookStatus.SYNCING, reason)
                stream.lack(reason)

    def _have(self, stream: Stream) -> None:
        if stream.feed.readiness.lacks(stream.subscription):
            stream.feed.readiness.have(stream.subscription)
            stream.feed.update_state()

    def _end_gap(self, subscription: Subscription, now_ns: int) -> None:
        gap = self.gaps.end(subscription, now_ns)
        if gap is not None:
            self.publish(gap)
