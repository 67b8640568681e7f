"""One link's conversation with Bybit: requests, their answers, data, and new snapshots.

Data may come before the acknowledgement of their request, and answer it as well. Data of a topic
we ended is late and passed over; data of one we never asked for is the venue's fault. Most frames
begin with their topic, so they find who understands them before they are read.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial

from msgspec import MsgspecError, structs

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import (
    Channel,
    Event,
    Refused,
    Subscribed,
    Subscription,
    Unsubscribed,
    VenueNotice,
)
from fluxum.model.market import Candle
from fluxum.venues.bybit import native, normalize, topics
from fluxum.venues.bybit.books import NumberedBook
from fluxum.venues.bybit.category import Category
from fluxum.venues.bybit.listing import Listing
from fluxum.venues.bybit.requests import Asked, Requests, halves, named
from fluxum.venues.bybit.topics import INSTRUMENTS
from fluxum.venues.streams import Streams
from fluxum.venues.venue import Effect, Fetch, Send, SequenceCounts

__all__ = ["BybitProtocol"]

Hear = Callable[[bytes, int], Sequence[Event]]

_TOPIC = b'{"topic":"'
_PING = Send(b'{"op":"ping"}')
_CARRIED_ALREADY = "error:already subscribed"
_UNREADABLE = (MsgspecError, UnicodeDecodeError, RecursionError)


class BybitProtocol:
    """Bybit v5 public data of one category; see VenueProtocol for what each call promises."""

    def __init__(self, category: Category) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()
        self._category = category
        self._venue = category.venue
        self._streams = Streams()
        self._requests = Requests(self.outbox, category.args_max)
        self._listing = Listing(category, self._streams, self.outbox)
        self._hearers: dict[str, Hear] = {}
        self._by_prefix: dict[bytes, Hear] = {}
        self._books: dict[str, NumberedBook] = {}
        self._unsettled: set[str] = set()  # asked for aloud, and neither accepted nor heard of
        self._ending: dict[str, Subscription] = {}
        self._tickers: dict[str, native.Ticker] = {}
        self._candles: dict[str, Candle] = {}
        self._is_overhearing = False

    # What we say

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue requests for streams, as few as can say it; the list of markets is fetched."""
        fresh: list[str] = []
        for subscription in wanted:
            if subscription.channel is Channel.INSTRUMENT:
                self._listing.begin(subscription)
                continue
            topic = topics.topic_of(subscription, self._category)
            if self._begin(topic, subscription):
                self._unsettled.add(topic)
                fresh.append(topic)
        self._requests.add("subscribe", fresh)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue requests that end streams."""
        gone: list[str] = []
        for subscription in unwanted:
            topic = self._streams.topic(subscription)
            if topic is None:
                continue
            self._end(topic)
            if topic != INSTRUMENTS:
                self._ending[topic] = subscription
                gone.append(topic)
        self._requests.add("unsubscribe", gone)

    def resync(self, subscription: Subscription) -> None:
        """Queue an end and a new beginning of one stream: Bybit answers with a snapshot."""
        topic = self._streams.topic(subscription)
        if topic is None:
            return
        if topic == INSTRUMENTS:
            self._listing.ask()
            return
        book = self._books.get(topic)
        is_asked = topic in self._requests.outstanding("subscribe")
        if is_asked and (book is None or book.is_awaited):
            return
        if book is not None:
            book.renew()
        self._requests.add("unsubscribe", [topic], quiet=True)
        self._requests.add("subscribe", [topic], quiet=True)

    def ping(self) -> None:
        """Queue a ping; a request whose answer is lost holds up the others no longer."""
        self.outbox.append(_PING)
        current = self._requests.current
        if current is not None and self._requests.time_passed():
            if current.op == "unsubscribe" and not current.quiet:
                for topic in current.topics:
                    self._ending.pop(topic, None)
            self._requests.answered()

    def unanswered(self) -> Collection[Subscription]:
        """What was asked for aloud and is neither accepted nor refused yet.

        What waits for the answer to another request is not asked yet: its time begins later.
        """
        if not self._unsettled:
            return ()
        by_topic = self._streams.by_topic
        return [by_topic[topic] for topic in self._unsettled - self._requests.waiting()]

    def overhear(self, depth: int | None = None) -> None:  # noqa: ARG002 - topics name theirs
        """Accept answers to another's questions."""
        self._is_overhearing = True

    def overhear_request(self, frame: bytes) -> None:
        """Learn from another client's subscribe what its link carries."""
        try:
            request = native.decode_request(frame)
        except _UNREADABLE:
            return
        if request.op == "subscribe":
            for topic in request.args:
                try:
                    self._adopt(topic)
                except RemoteProtocolError:
                    continue

    # What we hear

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """What a frame says; raises RemoteProtocolError when it makes no sense."""
        try:
            if frame.startswith(_TOPIC):
                hear = self._by_prefix.get(frame[10 : frame.find(b'"', 10)])
                if hear is not None:
                    return hear(frame, received_ns)
            message = native.decode_envelope(frame)
            if message.topic is not None:
                return self._data(message.topic, frame, received_ns)
        except _UNREADABLE as error:
            raise RemoteProtocolError(str(error)) from error
        if message.op is None:
            raise RemoteProtocolError("neither an answer nor data")
        return self._answer(message.op, message, received_ns)

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        """A page of the list of markets; raises RemoteProtocolError when it makes no sense."""
        return self._listing.answered(fetch, body, received_ns)

    def receive_refusal(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:  # noqa: ARG002
        """The venue does not give its list."""
        return self._listing.refused(reason, received_ns)

    def _data(self, topic: str, frame: bytes, received_ns: int) -> Sequence[Event]:
        hear = self._hearers.get(topic)
        if hear is None:
            if self._streams.is_ended(topic):
                return ()
            if not self._is_overhearing:
                raise RemoteProtocolError(f"data that nobody asked for, was of {topic[:80]!r}")
            self._adopt(topic)
            hear = self._hearers.get(topic)
        return () if hear is None else hear(frame, received_ns)

    def _hear_trades(
        self, topic: str, subscription: Subscription, frame: bytes, received_ns: int
    ) -> Sequence[Event]:
        symbol = subscription.symbol
        assert symbol is not None, subscription
        trades = [
            normalize.trade(self._venue, wire, symbol, received_ns)
            for wire in native.decode_trades(frame).data
        ]
        return [*self._settle(topic, received_ns), *trades]

    def _hear_ticker(
        self, topic: str, subscription: Subscription, frame: bytes, received_ns: int
    ) -> Sequence[Event]:
        message = native.decode_ticker(frame)
        before = None if message.type == "snapshot" else self._tickers.get(topic)
        if before is None and message.type != "snapshot" and not self._is_overhearing:
            return ()  # a change of what is not known yet
        line = normalize.merged(before, message.data)
        symbol = subscription.symbol
        assert symbol is not None, subscription
        ticker = normalize.ticker(self._venue, line, symbol, message.ts, received_ns)
        self._tickers[topic] = line
        return [*self._settle(topic, received_ns), ticker]

    def _hear_candles(
        self, topic: str, subscription: Subscription, frame: bytes, received_ns: int
    ) -> Sequence[Event]:
        symbol, interval_s = subscription.symbol, subscription.interval_s
        assert symbol is not None, subscription
        assert interval_s is not None, subscription
        events: list[Event] = [*self._settle(topic, received_ns)]
        for wire in native.decode_candles(frame).data:
            fresh = normalize.candle(self._venue, wire, symbol, interval_s, received_ns)
            before = self._candles.get(topic)
            # Confirmations may be missing, repeated or late; each candle is closed once. A later
            # candle closes the one before.
            if before is not None:
                if fresh.start_ns < before.start_ns:
                    continue
                if fresh.start_ns == before.start_ns and before.closed:
                    continue
                if fresh.start_ns > before.start_ns and not before.closed:
                    events.append(structs.replace(before, closed=True, received_ns=received_ns))
            self._candles[topic] = fresh
            events.append(fresh)
        return events

    # Answers

    def _answer(self, op: str, message: native.Envelope, received_ns: int) -> Sequence[Event]:
        if op in {"ping", "pong"}:
            return ()
        if op not in {"subscribe", "unsubscribe"} or message.success is None:
            raise RemoteProtocolError(f"an answer to nothing we say, was to {op[:40]!r}")
        current = self._requests.current
        is_ours = current is not None and current.op == op
        if is_ours and self._category.echoes and message.req_id:
            is_ours = current is not None and message.req_id == str(current.number)
        asked = self._requests.answered() if is_ours else None
        if asked is None:
            if message.success:
                return ()
            return (self._refusal(None, message.ret_msg, received_ns),)
        if op == "unsubscribe":
            return self._unsubscribed(asked, received_ns)
        if message.success:
            accepted = [self._settle(topic, received_ns) for topic in asked.topics]
            return [event for events in accepted for event in events]
        return self._refused(asked, message.ret_msg, received_ns)

    def _unsubscribed(self, asked: Asked, received_ns: int) -> Sequence[Event]:
        if asked.quiet:
            return ()
        gone = [self._ending.pop(topic, None) for topic in asked.topics]
        return [
            Unsubscribed(venue=self._venue, subscription=one, received_ns=received_ns)
            for one in gone
            if one is not None
        ]

    def _refused(self, asked: Asked, reason: str, received_ns: int) -> Sequence[Event]:
        """One bad topic takes its whole request with it: the others are asked for again."""
        bad = named(asked.topics, reason) or (asked.topics if len(asked.topics) == 1 else [])
        by_topic, again = self._streams.by_topic, self._requests.outstanding("subscribe")
        others = [
            topic
            for topic in asked.topics
            if topic not in bad and topic in by_topic and topic not in again
        ]
        for group in [others] if bad else halves(others):
            self._requests.add("subscribe", group, quiet=asked.quiet)
        if reason.startswith(_CARRIED_ALREADY):
            accepted = [self._settle(topic, received_ns) for topic in bad]
            return [event for events in accepted for event in events]
        ended = [self._end(topic) for topic in bad]
        return [self._refusal(one, reason, received_ns) for one in ended if one is not None]

    def _refusal(
        self, subscription: Subscription | None, reason: str, received_ns: int
    ) -> Refused | VenueNotice:
        message = reason or "refused without a reason"
        return Refused(
            venue=self._venue, subscription=subscription, message=message, received_ns=received_ns
        )

    # Bookkeeping

    def _settle(self, topic: str, received_ns: int) -> Sequence[Event]:
        """Data answer a request as well as an acknowledgement does, unless they are late ones."""
        if topic not in self._unsettled or topic in self._ending:
            return ()
        self._unsettled.discard(topic)
        subscription = self._streams.by_topic[topic]
        return (Subscribed(venue=self._venue, subscription=subscription, received_ns=received_ns),)

    def _begin(self, topic: str, subscription: Subscription) -> bool:
        if not self._streams.begin(topic, subscription):
            return False
        self._hearers[topic] = self._by_prefix[topic.encode()] = self._hearer(topic, subscription)
        return True

    def _hearer(self, topic: str, subscription: Subscription) -> Hear:
        match subscription.channel:
            case Channel.BOOK:
                settle = partial(self._settle, topic)
                book = NumberedBook(self._venue, subscription, self.sequence, settle)
                self._books[topic] = book
                return book.hear
            case Channel.TRADE:
                return partial(self._hear_trades, topic, subscription)
            case Channel.TICKER:
                return partial(self._hear_ticker, topic, subscription)
            case channel:
                assert channel is Channel.CANDLE, channel
                return partial(self._hear_candles, topic, subscription)

    def _end(self, topic: str) -> Subscription | None:
        self._hearers.pop(topic, None)
        self._by_prefix.pop(topic.encode(), None)
        self._books.pop(topic, None)
        self._unsettled.discard(topic)
        self._tickers.pop(topic, None)
        self._candles.pop(topic, None)
        return self._streams.end(topic)

    def _adopt(self, topic: str) -> None:
        """Carry what another asked for, if we know what it is."""
        subscription = topics.heard(topic, self._category)
        if subscription is not None and self._streams.topic(subscription) is None:
            self._begin(topic, subscription)
