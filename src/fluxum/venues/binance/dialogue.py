"""What one link carries and what was asked for: requests, their answers, and the list of markets.

Requests have a number and are answered as a whole. An acknowledgement proves little: a stream that
does not exist is acknowledged too, and stays silent. So after the first one the venue's list of
markets is fetched, once for each link, and what is not in it is refused (`markets`). A stream the
venue has forgotten cannot be told from a quiet one either: one that has said nothing since it was
last in doubt is asked for again, which does no harm.
"""

from collections import deque
from collections.abc import Iterable, Sequence

from fluxum.model.event import Channel, Event, Refused, Subscribed, Subscription, Unsubscribed
from fluxum.venues.binance import native
from fluxum.venues.binance.depth import DepthBook
from fluxum.venues.binance.markets import Markets
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.symbols import is_possible
from fluxum.venues.binance.topics import batches, read_topic, topic_of
from fluxum.venues.closed_candles import ClosedCandles
from fluxum.venues.conversation import UnreadableStream
from fluxum.venues.streams import Ask, Streams
from fluxum.venues.venue import Effect, Fetch, Send, SequenceCounts

__all__ = ["Dialogue"]

_SUBSCRIBE, _UNSUBSCRIBE, _LIST = "SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS"


class Dialogue:
    """The streams of one link and the requests that begin and end them.

    `books` are those that listen, by topic: from their acknowledgement on, as an event before that
    may be of the stream that was there before. `candles` are those that closed, by topic; `spent`
    are the topics of which it was published that some of their ids have no trade. `overheard` is
    the depth of books on a tape, `None` on a live link.
    """

    def __init__(self, policy: Policy) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()
        self.books: dict[str, DepthBook] = {}
        self.candles: dict[str, ClosedCandles] = {}
        self.spent: set[str] = set()
        self.overheard: int | None = None
        self.markets = Markets(policy, self.outbox)
        self._policy = policy
        self._streams = Streams()
        self._names: dict[str, str] = {}  # the venue's names of markets, by topic
        self._asked: dict[str, int] = {}  # which request began a topic
        self._ending: dict[int, list[Subscription]] = {}
        self._again: set[str] = set()  # topics asked for again, not answered yet
        self._heard: dict[int | str, native.Request] = {}

    # What we say

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue requests for streams, as few as can say it."""
        fresh: list[str] = []
        impossible: list[str] = []
        for subscription in wanted:
            if subscription.symbol is None:
                self.markets.list.open(subscription)
                continue
            topic = topic_of(self._policy, subscription)
            if self._streams.begin(topic, subscription):
                name = self._names[topic] = self._policy.format_symbol(subscription.symbol)
                (fresh if is_possible(name) else impossible).append(topic)
        for batch in batches(fresh):
            self._ask(_SUBSCRIBE, batch)
        if impossible:  # one such name would have the whole request refused
            self._ask(_LIST, impossible)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue requests that end streams."""
        ending: dict[str, Subscription] = {}
        unsaid: list[Subscription] = []
        for subscription in unwanted:
            if subscription.symbol is None and self.markets.list.close() is not None:
                unsaid.append(subscription)
            topic = self._streams.topic(subscription)
            if topic is None:
                continue
            if is_possible(self._names.get(topic, "/")):
                ending[topic] = subscription
            else:
                unsaid.append(subscription)
            self.end(topic)
        for batch in batches(ending):
            ask = self._ask(_UNSUBSCRIBE, batch)
            self._ending[ask.number] = [ending[topic] for topic in batch]
        if unsaid:  # the venue does not know them; its next answer ends them
            self._ending[self._ask(_LIST, ()).number] = unsaid

    def resync(self, subscription: Subscription) -> None:
        """Fetch a book's snapshot anew; ask again for a stream that said nothing since last time.

        The stream of a book is unbroken for the venue, so that it is not ended first.
        """
        if subscription == self.markets.list.subscription:
            self.markets.list.request()
        topic = self._streams.topic(subscription)
        if topic is None or not is_possible(self._names.get(topic, "/")):
            return
        book = self.books.get(topic)
        if book is not None and not book.asked:
            self.fetch_depth(topic, book)
        is_silent = subscription.channel is not Channel.BOOK if book is None else book.was_silent()
        if is_silent and topic not in self._again:
            self._again.add(topic)
            self._ask(_SUBSCRIBE, [topic], quiet=True)

    def ping(self) -> None:
        """Queue a question that any healthy link answers; there is no ping in JSON."""
        self._send(native.Request(_LIST, None, self._streams.next_number()))

    def unanswered(self) -> Sequence[Subscription]:
        """The streams of every request still without an answer."""
        return self._streams.unanswered()

    def follow_request(self, request: native.Request) -> None:
        """Another client's request; the venue's answer to it has its `id`."""
        if request.id is not None and request.method in {_SUBSCRIBE, _UNSUBSCRIBE}:
            self._heard[request.id] = request

    # What we hear

    def answer(self, outline: native.Outline, received_ns: int) -> Sequence[Event]:
        """What an answer means for the streams of its request."""
        fault = outline.error
        if fault is None and outline.code is not None:
            fault = native.Fault(outline.code, outline.msg)
        number = outline.id if isinstance(outline.id, int) else None
        ask = None if number is None else self._streams.answered(number)
        if ask is not None:
            if fault is not None:
                return self._denied(ask, fault, received_ns)
            return self._accepted(ask, received_ns)
        if fault is not None:
            venue = self._policy.venue
            return (Refused(venue=venue, message=fault.msg, received_ns=received_ns),)
        heard = None if outline.id is None else self._heard.pop(outline.id, None)
        return () if heard is None else self._answer_overheard(heard, received_ns)

    def listed(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        """The list of markets: what is not in it is refused; raises UnreadableStream."""
        events = list(self.markets.answered(fetch, body, received_ns))
        for topic, name in list(self._names.items()):
            if is_possible(name):
                message = self.markets.objection(name, self._streams.by_topic[topic].symbol)
                events += self.refuse(topic, message, received_ns) if message else ()
        return events

    def carried(self, topic: str) -> Subscription | None:
        """The subscription of a stream; none for one that we ended or that is of no use.

        Raises UnreadableStream for one that was not requested.
        """
        carried = self._streams.by_topic.get(topic)
        if carried is not None or self._streams.is_ended(topic):
            return carried
        if self.overheard is None:
            raise UnreadableStream(f"data that was not requested, was of {topic!r}", ())
        return self._adopt(topic, self.overheard)

    def named(self, topic: str) -> tuple[Subscription, ...]:
        """The subscription of a stream, if it is carried."""
        carried = self._streams.by_topic.get(topic)
        return () if carried is None else (carried,)

    def named_like(self, beginning: str) -> tuple[Subscription, ...]:
        """The subscriptions of the streams whose names begin like this."""
        carried = self._streams.by_topic
        return tuple(one for topic, one in carried.items() if topic.startswith(beginning))

    def awaiting(self, fetch: Fetch) -> tuple[str, DepthBook | None]:
        """The book a snapshot is for, by its topic; none if it is not waited for any more."""
        topic = fetch.purpose.partition(" ")[0]
        book = self.books.get(topic)
        return topic, book if book is not None and book.asked == fetch.purpose else None

    def fetch_depth(self, topic: str, book: DepthBook) -> None:
        """Queue the fetch of a book's snapshot."""
        purpose = f"{topic} {self._streams.next_number()}"
        path = f"{self._policy.rest}depth?symbol={book.name}&limit={book.limit}"
        book.ask(purpose)
        cost = self._policy.depth_weight(book.limit)
        self.outbox.append(Fetch("GET", path, purpose, cost=cost, subscription=book.subscription))

    def end(self, topic: str) -> Subscription | None:
        """Carry a stream no longer; returns what it was."""
        self.books.pop(topic, None)
        self.candles.pop(topic, None)
        self.spent.discard(topic)
        self._names.pop(topic, None)
        self._asked.pop(topic, None)
        return self._streams.end(topic)

    def refuse(self, topic: str, message: str, received_ns: int) -> list[Event]:
        """A stream cannot be had; nothing if it is not carried any more."""
        subscription = self.end(topic)
        if subscription is None:
            return []
        venue = self._policy.venue
        return [
            Refused(
                venue=venue, subscription=subscription, message=message, received_ns=received_ns
            )
        ]

    # Answers

    def _accepted(self, ask: Ask, received_ns: int) -> Sequence[Event]:
        """A yes. A stream that was ended and begun again counts from its last request on."""
        if ask.quiet:
            self._again.difference_update(ask.topics)
            return ()
        events: list[Event] = [
            self._unsubscribed(one, received_ns) for one in self._ending.pop(ask.number, ())
        ]
        if ask.method == _LIST:
            message = f"no market of {self._policy.venue} can have this name"
            for topic in ask.topics:
                events += self.refuse(topic, message, received_ns)
        if ask.method != _SUBSCRIBE:
            return events
        return [*events, *self._begun(ask, received_ns)]

    def _begun(self, ask: Ask, received_ns: int) -> list[Event]:
        """The streams of a request are there, as far as markets of these names are."""
        events: list[Event] = []
        is_known = True
        for topic in ask.topics:
            subscription = self._streams.by_topic.get(topic)
            if subscription is None or self._asked.get(topic) != ask.number:
                continue
            name = self._names[topic]
            is_listed = self.markets.knows(name)
            message = self.markets.objection(name, subscription.symbol) if is_listed else ""
            is_known = is_known and is_listed
            if message:
                events += self.refuse(topic, message, received_ns)
            else:
                events.append(self._subscribed(subscription, received_ns))
                self._listen(topic, subscription)
        if not is_known:
            self.markets.list.request()
        return events

    def _denied(self, ask: Ask, fault: native.Fault, received_ns: int) -> Sequence[Event]:
        """A no is to the whole request, however many of its names are to blame."""
        self._ending.pop(ask.number, None)
        if ask.quiet:
            self._again.difference_update(ask.topics)
        if ask.method != _SUBSCRIBE or ask.quiet:
            return ()  # nothing to end: the stream is gone either way
        topics = [topic for topic in ask.topics if self._asked.get(topic) == ask.number]
        if len(topics) > 1:
            half = len(topics) // 2
            self._ask(_SUBSCRIBE, topics[:half])
            self._ask(_SUBSCRIBE, topics[half:])
            return ()
        return [one for topic in topics for one in self.refuse(topic, fault.msg, received_ns)]

    def _answer_overheard(self, request: native.Request, received_ns: int) -> Sequence[Event]:
        """The venue's yes to another client, on a tape."""
        events: list[Event] = []
        for topic in request.params or ():
            if self.overheard is None or not isinstance(topic, str):
                continue
            if request.method == _SUBSCRIBE:
                begun = self._adopt(topic, self.overheard)
                if begun is not None:
                    events.append(self._subscribed(begun, received_ns))
            else:
                ended = self.end(topic)
                if ended is not None:
                    events.append(self._unsubscribed(ended, received_ns))
        return events

    # Pieces

    def _adopt(self, topic: str, depth: int) -> Subscription | None:
        """Carry another client's stream; none if it is of no use.

        Where two streams of a tape tell of the same, as `@trade` and `@aggTrade` do, the first
        one counts: their numbers have nothing to do with each other.
        """
        subscription = read_topic(self._policy, topic, depth)
        if subscription is None or subscription.symbol is None:
            return None
        if self._streams.topic(subscription) not in {None, topic}:
            return None
        if self._streams.begin(topic, subscription):
            self._names[topic] = self._policy.format_symbol(subscription.symbol)
            self._listen(topic, subscription)
        return subscription

    def _listen(self, topic: str, subscription: Subscription) -> None:
        """A stream is there; a book's events count from now on, and its snapshot is fetched."""
        symbol = subscription.symbol
        if subscription.channel is Channel.BOOK and symbol is not None:
            book = self.books[topic] = DepthBook(self._policy, subscription, symbol, self.sequence)
            self.fetch_depth(topic, book)

    def _subscribed(self, subscription: Subscription, received_ns: int) -> Subscribed:
        venue = self._policy.venue
        return Subscribed(venue=venue, subscription=subscription, received_ns=received_ns)

    def _unsubscribed(self, subscription: Subscription, received_ns: int) -> Unsubscribed:
        venue = self._policy.venue
        return Unsubscribed(venue=venue, subscription=subscription, received_ns=received_ns)

    def _ask(self, method: str, topics: Sequence[str], *, quiet: bool = False) -> Ask:
        ask = self._streams.ask(method, topics, quiet=quiet)
        if not quiet and method == _SUBSCRIBE:
            self._asked.update(dict.fromkeys(topics, ask.number))
        params = None if method == _LIST else list[str | bool](topics)
        self._send(native.Request(method, params, ask.number))
        return ask

    def _send(self, request: native.Request) -> None:
        self.outbox.append(Send(native.encode(request)))
