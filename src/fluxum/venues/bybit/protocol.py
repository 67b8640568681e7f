"""One link's conversation with Bybit: requests, their answers, data, and new snapshots.

Data may come before the acknowledgement of their request, and answer it as well. Data of a topic
we ended is late and passed over; data of one we never asked for is the venue's fault. Most frames
begin with their topic, so they find who understands them before they are read; one that does not
fit is read again loosely, and what cannot be read harms the streams of its topic.

The ticker of a spot market takes two topics, its own and the best bid and ask (`tickers`).
"""

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from functools import partial

from fluxum.errors import LocalProtocolError, RemoteProtocolError
from fluxum.model.event import (
    Channel,
    Event,
    Refused,
    Subscribed,
    Subscription,
    Unsubscribed,
    VenueNotice,
)
from fluxum.model.instrument import Instrument, Symbol
from fluxum.venues.bybit import listing, native, readers, topics
from fluxum.venues.bybit.books import NumberedBook
from fluxum.venues.bybit.category import SPOT, Category
from fluxum.venues.bybit.listing import UNREADABLE
from fluxum.venues.bybit.requests import Asked, Requests, halves, named
from fluxum.venues.bybit.tickers import LineReader, QuotedBook, SpotTicker
from fluxum.venues.conversation import UnreadableStream
from fluxum.venues.instrument_list import InstrumentList
from fluxum.venues.stream_readers import StreamReader
from fluxum.venues.streams import Streams
from fluxum.venues.venue import Effect, Fetch, Send, SequenceCounts

__all__ = ["BybitProtocol"]

_TOPIC = b'{"topic":"'
_PING = Send(b'{"op":"ping"}')
_CARRIED_ALREADY = "already subscribed"
_UNFIT = (*UNREADABLE, RemoteProtocolError)


class BybitProtocol:
    """Bybit v5 public data of one category; see VenueProtocol for what each call promises."""

    def __init__(self, category: Category) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()
        self._category = category
        self._venue = category.venue
        self._streams = Streams()
        self._requests = Requests(self.outbox, category.args_max)
        self._list = InstrumentList(
            category.venue,
            self.outbox,
            (listing.call(category),),
            lambda _fetch, body: listing.page(category, body),
            partial(listing.market, category),
            self._learn,
        )
        self._names: dict[str, Symbol] = {}  # as the list has them
        self._readers: dict[str, StreamReader] = {}  # of the streams that are carried
        self._by_prefix: dict[bytes, StreamReader] = {}
        self._quotes: dict[str, SpotTicker] = {}  # by the topic of their best bid and ask
        self._unsettled: set[str] = set()  # asked for aloud, and neither accepted nor heard of
        self._ending: dict[str, Subscription] = {}
        self._is_overhearing = False

    # What we say

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue requests for streams, as few as can say it; the list of markets is fetched."""
        fresh: dict[str, None] = {}
        again: list[str] = []
        for subscription in wanted:
            if subscription.symbol is None:
                self._list.open(subscription)
                continue
            topic = topics.topic_of(subscription, self._category)
            is_carried = topic in self._quotes and topic not in fresh
            self._check_rival(subscription)
            if not self._begin(topic, subscription):
                continue
            self._unsettled.add(topic)
            if is_carried:  # for a ticker, so far: asked for anew it begins with a snapshot
                again.append(topic)
            quote = topics.quote_of(subscription, self._category)
            if quote is not None and quote not in self._streams.by_topic:
                fresh[quote] = None
            fresh[topic] = None
        self._requests.add("unsubscribe", again, quiet=True)
        self._requests.add("subscribe", fresh)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue requests that end streams."""
        gone: list[str] = []
        quotes: list[str] = []  # that have no reader any more
        again: list[str] = []  # that were those of a book, and still are those of a ticker
        for subscription in unwanted:
            if subscription == self._list.subscription:
                self._list.close()
            topic = self._streams.topic(subscription)
            if topic is None:
                continue
            self._end(topic)
            self._ending[topic] = subscription
            gone.append(topic)
            if topic in self._quotes:
                again.append(topic)
            quote = topics.quote_of(subscription, self._category)
            if quote is not None and quote not in self._streams.by_topic:
                quotes.append(quote)
        self._requests.add("unsubscribe", gone)
        self._requests.add("unsubscribe", [one for one in quotes if one not in gone], quiet=True)
        self._requests.add("subscribe", [one for one in again if one in self._quotes], quiet=True)

    def resync(self, subscription: Subscription) -> None:
        """Queue an end and a new beginning of one stream: Bybit answers with a snapshot."""
        topic = self._streams.topic(subscription)
        if subscription == self._list.subscription:
            self._list.request()
        if topic is None:
            return
        book = self._readers.get(topic)
        is_asked = topic in self._requests.outstanding("subscribe")
        if is_asked and not (isinstance(book, NumberedBook) and not book.is_awaited):
            return
        if isinstance(book, NumberedBook):
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

        What waits for the answer to another request is not asked yet: its time begins later. The
        list of markets is not among them: no other link gets it sooner.
        """
        if not self._unsettled:
            return ()
        by_topic = self._streams.by_topic
        return [by_topic[topic] for topic in self._unsettled - self._requests.waiting()]

    def overhear(self, depth: int | None = None) -> None:  # noqa: ARG002 - topics name theirs
        """Accept answers to another's questions; a list on the tape names its markets."""
        self._is_overhearing = True
        self._list.request()

    def overhear_request(self, frame: bytes) -> None:
        """Learn from another client's subscribe what its link carries."""
        try:
            request = native.decode_request(frame)
        except UNREADABLE:
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
        if frame.startswith(_TOPIC):
            reader = self._by_prefix.get(frame[10 : frame.find(b'"', 10)])
            if reader is not None:
                try:
                    return reader.read(frame, received_ns)
                except _UNFIT:
                    pass  # some of it cannot be read
        try:
            message = native.decode_envelope(frame)
        except UNREADABLE as error:
            raise self._unreadable(frame, str(error)) from error
        if message.topic is not None:
            return self._data(message.topic, frame, received_ns)
        if message.op is None:
            raise RemoteProtocolError("neither an answer nor data")
        return self._answer(message.op, message, received_ns)

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        """A page of the list of markets; raises RemoteProtocolError when it makes no sense."""
        return self._list.answered(fetch, body, received_ns)

    def receive_refusal(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:
        """The venue does not give its list."""
        return self._list.refused(fetch, reason, received_ns)

    def _data(self, topic: str, frame: bytes, received_ns: int) -> Sequence[Event]:
        reader = self._by_prefix.get(topic.encode())
        if reader is None:
            if self._streams.is_ended(topic) and topic not in self._quotes:
                return ()
            if not self._is_overhearing:
                raise UnreadableStream(f"data that nobody asked for, was of {topic[:80]!r}", ())
            try:
                self._adopt(topic)
            except RemoteProtocolError as error:
                raise UnreadableStream(str(error), ()) from error
            reader = self._by_prefix.get(topic.encode())
        if reader is None:
            return ()
        try:
            return reader.read(frame, received_ns)
        except _UNFIT:
            pass
        try:
            return reader.read_loosely(frame, received_ns)
        except _UNFIT as error:
            raise UnreadableStream(str(error), self._named(topic)) from error

    def _unreadable(self, frame: bytes, reason: str) -> RemoteProtocolError:
        """The error for a frame: of the streams of its topic, if it can be read so far."""
        try:
            topic = native.decode_named(frame).topic
        except UNREADABLE:
            return RemoteProtocolError(reason)
        return UnreadableStream(reason, self._named(topic))

    def _named(self, topic: str) -> tuple[Subscription, ...]:
        """The streams that data of a topic are for."""
        own, ticker = self._streams.by_topic.get(topic), self._quotes.get(topic)
        ours = () if own is None else (own,)
        return ours if ticker is None else (*ours, ticker.subscription)

    # Answers

    def _answer(self, op: str, message: native.Envelope, received_ns: int) -> Sequence[Event]:
        if op in {"ping", "pong"}:
            return ()
        if op not in {"subscribe", "unsubscribe"} or message.success is None:
            raise RemoteProtocolError(f"an answer to nothing we say, was to {op[:40]!r}")
        current = self._requests.current
        is_ours = current is not None and current.op == op
        if is_ours and message.req_id:
            is_ours = current is not None and str(message.req_id) == str(current.number)
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
        again = self._requests.outstanding("subscribe")
        others = [
            topic
            for topic in asked.topics
            if topic not in bad and self._is_carried(topic) and topic not in again
        ]
        for group in [others] if bad else halves(others):
            self._requests.add("subscribe", group, quiet=asked.quiet)
        if _CARRIED_ALREADY in reason:
            accepted = [self._settle(topic, received_ns) for topic in bad]
            return [event for events in accepted for event in events]
        events: list[Event] = []
        for topic in bad:
            ended = self._end(topic)
            ticker = self._quotes.get(topic)
            if ended is not None:
                events.append(self._refusal(ended, reason, received_ns))
            elif ticker is not None:
                message = f"'{ticker.subscription}' has no bid and ask: {reason}"
                events.append(
                    VenueNotice(venue=self._venue, message=message, received_ns=received_ns)
                )
        return events

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
        reader = self._readers[topic] = self._reader(topic, subscription)
        quote = topics.quote_of(subscription, self._category)
        if quote is not None and isinstance(reader, SpotTicker):
            self._quotes[quote] = reader
            self._route(quote)
        self._route(topic)
        return True

    def _reader(self, topic: str, subscription: Subscription) -> StreamReader:
        venue, settle = self._venue, partial(self._settle, topic)
        match subscription.channel:
            case Channel.BOOK:
                return NumberedBook(venue, subscription, self.sequence, settle)
            case Channel.TRADE:
                return readers.trades(venue, subscription, settle)
            case Channel.TICKER if self._category is SPOT:
                return SpotTicker(venue, subscription, settle)
            case Channel.TICKER:
                renew = partial(self.resync, subscription)
                is_passive = self._is_overhearing
                return LineReader(venue, subscription, settle, renew, is_passive=is_passive)
            case channel:
                assert channel is Channel.CANDLE, channel
                return readers.candles(venue, subscription, settle)

    def _route(self, topic: str) -> None:
        """Let the frames of a topic be read for its stream, and for the ticker it is joined with.

        On a tape such a topic is adopted as a book first, when its first frame comes.
        """
        own, ticker = self._readers.get(topic), self._quotes.get(topic)
        reader = own if ticker is None else QuotedBook(ticker, own)
        if reader is None or (own is None and self._is_overhearing):
            self._by_prefix.pop(topic.encode(), None)
        else:
            self._by_prefix[topic.encode()] = reader

    def _end(self, topic: str) -> Subscription | None:
        subscription = self._streams.end(topic)
        self._readers.pop(topic, None)
        self._unsettled.discard(topic)
        if subscription is not None:
            quote = topics.quote_of(subscription, self._category)
            if quote is not None:
                self._quotes.pop(quote, None)
                self._route(quote)
        self._route(topic)
        return subscription

    def _is_carried(self, topic: str) -> bool:
        return topic in self._streams.by_topic or topic in self._quotes

    def _check_rival(self, wanted: Subscription) -> None:
        """Raise LocalProtocolError for a second book of a market: events do not tell them apart."""
        rival = self._rival(wanted)
        if rival is not None and rival != wanted:
            raise LocalProtocolError(f"'{wanted}' cannot be told apart from '{rival}' on one link")

    def _rival(self, wanted: Subscription) -> Subscription | None:
        """The book of the same market that is carried, whatever its depth."""
        if wanted.channel is not Channel.BOOK:
            return None
        for depth in topics.DEPTHS:
            known = Subscription(Channel.BOOK, wanted.symbol, depth)
            if self._streams.topic(known) is not None:
                return known
        return None

    def _learn(self, markets: Sequence[Instrument]) -> None:
        self._names |= {one.venue_symbol: one.symbol for one in markets}

    def _adopt(self, topic: str) -> None:
        """Carry what another asked for, if we know what it is.

        Of two books of one market the deeper one is carried; best bid and ask of a shallower one
        are still those of the ticker.
        """
        subscription = topics.heard(topic, self._read_name)
        if subscription is None or self._streams.topic(subscription) is not None:
            return
        rival = self._rival(subscription)
        if rival is not None:
            if (subscription.depth or 0) < (rival.depth or 0):
                ticker = self._quotes.get(topic)
                if ticker is not None:
                    self._by_prefix[topic.encode()] = QuotedBook(ticker, None)
                return
            self._end(self._streams.topic(rival) or "")
        self._begin(topic, subscription)

    def _read_name(self, name: str) -> Symbol:
        """The market of a name: as listed, else by its spelling. Raises RemoteProtocolError."""
        return self._names.get(name) or self._category.read(name)
