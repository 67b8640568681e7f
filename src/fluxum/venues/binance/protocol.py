"""One link with Binance as a pure conversation: frames and REST answers in, events out.

Requests have a number and are answered as a whole. An acknowledgement proves little: a stream that
does not exist is acknowledged too, and stays silent. So the venue's list of markets is fetched
after the first one, once for each link, and a stream of a market that is not in it is refused
(`markets`). Data acknowledge nothing: a book takes its events from its acknowledgement on, as an
event before that may be of the stream that was there before.

Every link is a combined one, so that each event names its stream; answers are not wrapped. Links
are not numbered: an event that cannot be read harms its own stream alone. A stream that the venue
has forgotten cannot be distinguished from a quiet one: one that has sent nothing since its last
resync is requested again, which does no harm.

A market of another kind, such as a contract on spot, has a name that no market can have, and one
such name would have its whole request refused. A request for such names is sent as one that names
nothing (`LIST_SUBSCRIPTIONS`), whose answer refuses them.
"""

from collections import deque
from collections.abc import Iterable, Sequence

from msgspec import UNSET

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import (
    Channel,
    Event,
    Subscribed,
    Subscription,
    Unsubscribed,
    VenueNotice,
)
from fluxum.model.instrument import Symbol
from fluxum.venues.binance import native
from fluxum.venues.binance.books import Books
from fluxum.venues.binance.diffs import book_form
from fluxum.venues.binance.markets import Markets
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.readers import Reader, ignore_book, stream_reader
from fluxum.venues.binance.symbols import is_possible
from fluxum.venues.binance.topics import (
    REQUEST_LIMITS,
    parse_topic,
    topic_of,
    topic_of_event,
    topic_start,
)
from fluxum.venues.binance.trades import trade_form
from fluxum.venues.book_scan import book_scan
from fluxum.venues.conversation import UnreadableStream
from fluxum.venues.followed import FollowedRequests, NumberedRequests
from fluxum.venues.queries import UNDECODABLE
from fluxum.venues.subscriptions import Op, Request, Subscriptions
from fluxum.venues.trade_scan import trade_scan
from fluxum.venues.venue import Effect, Fetch, Handover, Send, SequenceCounts

__all__ = ["BinanceProtocol"]

_UNFIT = (RemoteProtocolError, *UNDECODABLE)
_METHODS: dict[Op, str] = {"subscribe": "SUBSCRIBE", "unsubscribe": "UNSUBSCRIBE"}
_OPS = {method: op for op, method in _METHODS.items()}
_LIST = "LIST_SUBSCRIPTIONS"
_MARKETS = "/markets"  # stands for the list of markets, as a topic that no stream can have
_SHUTDOWN = "the server will shut down"


class BinanceProtocol:
    """Public data of one of Binance's markets; see VenueProtocol for what each call promises."""

    def __init__(self, policy: Policy) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()
        self._policy = policy
        self._venue = policy.venue
        self._readers: dict[str, Reader] = {}  # of active subscriptions, by topic
        self._trade_symbols: dict[str, Symbol] = {}  # the same, of trades
        self.scan_trades = trade_scan(
            trade_form(policy.venue, policy.trade_stream), self._trade_symbols
        )
        self._books = Books(policy, self.outbox, self.sequence)
        self.scan_books = book_scan(
            book_form(policy.venue, is_futures=policy.is_futures), self._books.by_topic
        )
        self._markets = Markets(policy, self.outbox)
        self._subscriptions = Subscriptions(
            policy.venue,
            self.outbox,
            REQUEST_LIMITS,
            _write,
            opened=self._opened,
            closed=self._closed,
            group=lambda topic, _subscription: is_possible(topic),
        )
        self._followed = FollowedRequests(self._subscriptions)
        self._followed_requests = NumberedRequests[native.Request]()
        self.unanswered = self._subscriptions.unanswered
        self._passive_depth = policy.depths[0]

    # Requests

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue requests for streams, as few as the limits allow; the list is fetched."""
        streams: list[tuple[str, Subscription]] = []
        for one in wanted:
            if one.symbol is None:
                self._markets.list.open(one)
            else:
                streams.append((topic_of(self._policy, one), one))
        self._subscriptions.subscribe(streams)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue requests that end streams; the next answer ends the list."""
        ending = list(unwanted)
        for one in ending:
            if one.symbol is None and self._markets.list.close() is not None:
                self._subscriptions.open(_MARKETS, one)
        self._subscriptions.unsubscribe(ending)

    def resync(self, subscription: Subscription) -> None:
        """Fetch a book's snapshot anew; request a stream again that is silent.

        The stream of a book is unbroken for the venue, so that it is not ended first.
        """
        if subscription == self._markets.list.subscription:
            self._markets.list.request()
        topic = self._subscriptions.topic(subscription)
        if topic is not None and self._books.resync(topic):
            self._subscriptions.resubscribe(topic, ends_first=False)

    def ping(self) -> None:
        """Queue a request that any healthy link answers; there is no ping in JSON."""
        request = native.Request(_LIST, None, self._subscriptions.next_number())
        self.outbox.append(Send(native.encode(request)))
        self._subscriptions.pinged()

    def follow_passively(self, depth: int | None = None) -> None:
        """Accept data of another client's streams; a book begins with its first event."""
        self._subscriptions.is_passive = True
        self._markets.list.open(Subscription(Channel.INSTRUMENT))
        self._passive_depth = depth or self._passive_depth

    def follow_request(self, frame: bytes) -> None:
        """Learn streams from another client's request, once it is answered.

        A stream that has ended is open from the request on, as its answer may be lost.
        """
        try:
            request = native.decode_request(frame)
        except UNDECODABLE:
            return
        op = _OPS.get(request.method)
        if request.id is None or op is None:
            return
        self._followed_requests.keep(request.id, request)
        topics = _named_topics(request)
        self._followed.request(op, topics)
        if op == "subscribe":
            for topic in filter(self._subscriptions.is_closed, topics):
                self._subscriptions.track(topic, self._parse_topic)

    # Frames

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The events of a frame; raises RemoteProtocolError when it makes no sense."""
        try:
            message = native.decode_frame(frame)
        except UNDECODABLE as error:
            return self._other(frame, received_ns, str(error))
        reader = self._readers.get(message.stream)
        try:
            if reader is None:
                return self._data(message.stream, message.data, received_ns)
            return reader(message.data, received_ns)
        except UnreadableStream:
            raise
        except RemoteProtocolError as error:
            data = bytes(native.decode_outline(frame).data)
            return self._odd(message.stream, data, received_ns, str(error))

    def _data(self, topic: str, event: native.Event, received_ns: int) -> Sequence[Event]:
        """The events of any stream, which on a tape may be its first."""
        if type(event) is native.ServerShutdown:
            self.outbox.append(Handover(_SHUTDOWN))
            return (VenueNotice(venue=self._venue, message=_SHUTDOWN, received_ns=received_ns),)
        owner = self._subscriptions.owner(topic, self._parse_topic)
        return () if owner is None else self._readers[topic](event, received_ns)

    def _odd(self, topic: str, data: bytes, received_ns: int, reason: str) -> Sequence[Event]:
        """An event whose stream is known and which cannot be read, unless without some levels."""
        try:
            events = self._books.read_loosely(topic, data, received_ns)
        except _UNFIT as error:
            raise UnreadableStream(str(error), self._named(topic)) from error
        if events is None:
            raise UnreadableStream(reason, self._named(topic))
        return events

    def _other(self, frame: bytes, received_ns: int, reason: str) -> Sequence[Event]:
        """An answer, an event that is not wrapped or of another kind, or nonsense."""
        try:
            outline = native.decode_outline(frame)
        except UNDECODABLE:
            raise RemoteProtocolError(reason) from None
        if outline.stream is not None:
            return self._unusual(outline.stream, bytes(outline.data), received_ns, reason)
        if outline.result is not UNSET or outline.error is not None or outline.code is not None:
            return self._answer(outline, received_ns)
        return self._unwrapped(frame, outline, received_ns)

    def _unusual(self, topic: str, data: bytes, received_ns: int, reason: str) -> Sequence[Event]:
        """Wrapped data of no kind that is known, or the best levels, without a tag on spot."""
        named = self._named(topic)
        try:
            kind = "" if data.startswith(b"[") else native.decode_tag(data).e
            if kind in native.EVENTS:
                return self._odd(topic, data, received_ns, reason)
            if topic.endswith("@bookTicker"):
                return self._data(topic, native.decode_book_ticker(data), received_ns)
        except UnreadableStream:
            raise
        except _UNFIT as error:
            raise UnreadableStream(str(error), named) from error
        if not kind and (named or not self._subscriptions.is_passive):
            raise UnreadableStream(reason, named)
        # There may be more kinds at any time, and a tape holds another client's streams, such as
        # `btcusdt@depth20` or `!miniTicker@arr`.
        return ()

    def _unwrapped(
        self, frame: bytes, outline: native.Outline, received_ns: int
    ) -> Sequence[Event]:
        """An event as on a link that is not combined: its content names its stream."""
        kind = outline.e
        if kind is not None and kind not in native.EVENTS:
            return ()
        try:
            decode = native.decode_book_ticker if kind is None else native.decode_event
            event = decode(frame)
            return self._data(topic_of_event(event), event, received_ns)
        except UnreadableStream:
            raise
        except _UNFIT as error:
            start = topic_start(outline.s, kind)
            if start is None:
                raise RemoteProtocolError(str(error)) from error
            active = self._subscriptions.by_topic.items()
            named = tuple(one for topic, one in active if topic.startswith(start))
            raise UnreadableStream(str(error), named) from error

    # Answers

    def _answer(self, outline: native.Outline, received_ns: int) -> Sequence[Event]:
        """An answer to a request, ours or another client's on a tape."""
        fault = outline.error
        if fault is None and outline.code is not None:
            fault = native.Fault(outline.code, outline.msg)
        number = outline.id if isinstance(outline.id, int) else None
        request = self._subscriptions.sent(number)
        if fault is not None:
            return self._refused(request, fault.msg, received_ns)
        if request is not None:
            return self._accepted(request, received_ns)
        followed = self._followed_requests.answer(outline.id)
        return () if followed is None else self._accepted_of_tape(followed, received_ns)

    def _refused(self, request: Request | None, reason: str, received_ns: int) -> Sequence[Event]:
        """A whole request is refused, however many of its topics are to blame.

        A stream that was requested again is active all the same, and one that was to end is gone.
        """
        if request is not None and (request.is_internal or request.op == "unsubscribe"):
            self._subscriptions.accepted(request, received_ns)
            return ()
        return self._subscriptions.refused(request, reason, received_ns) or ()

    def _accepted(self, request: Request, received_ns: int) -> Sequence[Event]:
        """A whole request is accepted, as far as there are markets of these names."""
        topics = request.topics
        if request.op == "subscribe" and not is_possible(topics[0]):
            message = f"no market of {self._venue} can have this name"
            return self._subscriptions.refused(request, message, received_ns, topics)
        known = [
            one for one in topics if self._markets.knows(self._subscriptions.by_topic.get(one))
        ]
        events = self._refuse_unlisted(known, received_ns)
        accepted = self._subscriptions.accepted(request, received_ns)
        begun = [one.subscription for one in accepted if isinstance(one, Subscribed)]
        for subscription in begun:
            self._listen(subscription)
        if not all(map(self._markets.knows, begun)):
            self._markets.list.request()
        return [*events, *accepted] or ()

    def _accepted_of_tape(self, request: native.Request, received_ns: int) -> Sequence[Event]:
        """The venue accepted another client's request."""
        if not self._subscriptions.is_passive:
            return ()
        topics = _named_topics(request)
        if _OPS[request.method] == "subscribe":
            event: type[Subscribed | Unsubscribed] = Subscribed
            found = [self._subscriptions.track(topic, self._parse_topic) for topic in topics]
        else:
            event = Unsubscribed
            found = [self._followed.end(topic) for topic in topics]
        return [
            event(venue=self._venue, subscription=one, received_ns=received_ns)
            for one in found
            if one is not None
        ]

    # REST answers

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        """A snapshot or the list of markets; raises UnreadableStream when it is neither.

        A snapshot that is too old a second time raises it too: the call has to wait.
        """
        if not self._markets.list.owns(fetch):
            return self._books.answered(fetch, body, received_ns)
        events = self._markets.answered(fetch, body, received_ns)
        return [*events, *self._refuse_unlisted(self._subscriptions.by_topic, received_ns)]

    def receive_refusal(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:
        """A book whose snapshot is refused cannot be had; one that is live goes on without."""
        if self._markets.list.owns(fetch):
            return self._markets.list.refused(fetch, reason, received_ns)
        topic = self._books.refused(fetch)
        return () if topic is None else self._subscriptions.end(topic, reason, received_ns)

    # Streams

    def _opened(self, topic: str, subscription: Subscription) -> None:
        if subscription.channel is Channel.BOOK:
            self._readers[topic] = ignore_book
            if self._subscriptions.is_passive:
                self._listen(subscription)
        elif subscription.symbol is not None:
            self._readers[topic] = stream_reader(self._policy, topic, subscription)
            if subscription.channel is Channel.TRADE:
                self._trade_symbols[topic] = subscription.symbol

    def _closed(self, topic: str, _subscription: Subscription) -> None:
        self._readers.pop(topic, None)
        self._trade_symbols.pop(topic, None)
        self._books.close(topic)

    def _listen(self, subscription: Subscription) -> None:
        """A stream is acknowledged: the events of a book count from now on."""
        topic = self._subscriptions.topic(subscription)
        if topic is not None and subscription.channel is Channel.BOOK:
            self._readers[topic] = self._books.open(topic, subscription).read

    def _refuse_unlisted(self, topics: Iterable[str], received_ns: int) -> list[Event]:
        """End the streams of markets that the list rules out."""
        by_topic = self._subscriptions.by_topic
        objections = {topic: self._markets.objection(by_topic.get(topic)) for topic in topics}
        return [
            event
            for topic, message in objections.items()
            if message
            for event in self._subscriptions.end(topic, message, received_ns)
        ]

    def _named(self, topic: str) -> tuple[Subscription, ...]:
        """The subscription of a stream, if it is active."""
        active = self._subscriptions.by_topic.get(topic)
        return () if active is None else (active,)

    def _parse_topic(self, topic: str) -> Subscription | None:
        return parse_topic(self._policy, topic, self._passive_depth)


def _named_topics(request: native.Request) -> list[str]:
    return [one for one in request.params or () if isinstance(one, str)]


def _write(request: Request) -> Send:
    topics = list[str | bool](request.streams)
    message = native.Request(_METHODS[request.op], topics, request.number)
    if not is_possible(request.topics[0]):
        message = native.Request(_LIST, None, request.number)
    return Send(native.encode(message))
