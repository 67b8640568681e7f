"""One link's conversation with Gemini's sequenced feed.

Streams have names (`btcusd@depth@100ms`), their frames have not: a symbol's first `depthUpdate`
is its whole book, known by being the first and by `U` equal to `u`, and it comes before the
answer to the request (https://developer.gemini.com/websocket/streams). Later updates overlap: `U`
is the `u` of the one before, so that

    u <= last        was heard before and is passed over
    U <= last < u    follows on
    U > last         leaves a hole: the book is withdrawn until its next snapshot.

One bad name makes the venue refuse a whole request, so a refused request is asked again in halves
until the bad ones stand alone. Two errors are no answer at all (-1000, the venue's own failure, and
-1003, too many requests): those questions are repeated with the next ping.
"""

from collections import deque
from collections.abc import Collection, Iterable, Sequence

from msgspec import MsgspecError

from fluxum.errors import LocalProtocolError, RemoteProtocolError
from fluxum.model.event import (
    Channel,
    Desync,
    Event,
    Refused,
    Subscribed,
    Subscription,
    Unsubscribed,
    VenueNotice,
)
from fluxum.model.instant import plausible_ns
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookUpdate
from fluxum.venues.conversation import UnreadableStream
from fluxum.venues.early_deltas import EarlyDeltas
from fluxum.venues.gemini import depths, native, normalize
from fluxum.venues.gemini.depths import DEPTH, TICKER, TRADE
from fluxum.venues.gemini.instruments import InstrumentList
from fluxum.venues.gemini.normalize import VENUE
from fluxum.venues.gemini.symbols import guess, lower
from fluxum.venues.rows import LeftOutRows, changes, joined
from fluxum.venues.streams import Ask, Streams
from fluxum.venues.venue import Effect, Fetch, Send, SequenceCounts

__all__ = ["GeminiProtocol"]

_DEPTH_UPDATE = b'{"e":"depthUpdate"'
_SUFFIXES = {Channel.BOOK: DEPTH, Channel.TICKER: TICKER, Channel.TRADE: TRADE}
# What another client may have asked for; both depth streams tell the same in the same form.
_OVERHEARD = {
    "depth@100ms": Channel.BOOK,
    "depth": Channel.BOOK,
    "bookTicker": Channel.TICKER,
    "trade": Channel.TRADE,
}
# Ours, no number is documented; a refused request costs a few more of half its size.
_NAMES_PER_REQUEST = 50
_OK = 200
_UNREADABLE = (MsgspecError, UnicodeDecodeError, RecursionError)
_TRY_AGAIN = frozenset({-1000, -1003})


class _Book:
    """Where one market's numbering stands. `last` is none while no snapshot is held.

    `is_desynced` is true once the loss of one was published.
    """

    __slots__ = ("awaits_snapshot", "is_desynced", "last", "subscription", "symbol")

    def __init__(self, subscription: Subscription, symbol: Symbol) -> None:
        self.subscription = subscription
        self.symbol = symbol
        self.last: int | None = None
        self.awaits_snapshot = True
        self.is_desynced = False


class GeminiProtocol:
    """The sequenced feed; see VenueProtocol for what each call promises."""

    def __init__(self) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()
        self._streams = Streams()
        self._books: dict[str, _Book] = {}  # by the venue's name of the market
        self._instruments = InstrumentList(VENUE, lower, self.outbox)
        self._early = EarlyDeltas(VENUE)
        self._leaving: dict[str, Subscription] = {}
        self._quietly_ended: list[Subscription] = []
        self._postponed: list[Ask] = []
        self._is_overheard = False

    # What we say

    def follow_passively(self, depth: int | None = None) -> None:  # noqa: ARG002 - books are whole here
        """Accept data that another asked for."""
        self._is_overheard = True

    def follow_request(self, frame: bytes) -> None:
        """Learn from another client's request; a book that is asked for anew begins anew."""
        try:
            request = native.decode_request(frame)
        except _UNREADABLE:
            return
        method = request.method.lower()
        if method not in {"subscribe", "unsubscribe"} or not isinstance(request.params, list):
            return
        for text in request.params:
            name, _, stream = text.partition("@")
            channel = _OVERHEARD.get(stream)
            if channel is None:
                continue
            try:
                subscription = Subscription(channel, guess(name))
            except RemoteProtocolError:
                continue
            if method == "subscribe":
                self._begin(subscription)
                self._await_snapshot(subscription)
            else:
                self._end(name.lower() + _SUFFIXES[channel])

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue requests for streams, as few as can say it."""
        topics: list[str] = []
        for subscription in wanted:
            if subscription.channel is Channel.INSTRUMENT:
                self._instruments.begin(subscription)
                continue
            topic = self._begin(subscription)
            if topic is not None:
                topics.append(topic)
        self._ask("subscribe", topics)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue requests that end streams."""
        topics: list[str] = []
        for subscription in unwanted:
            if subscription.channel is Channel.INSTRUMENT:
                if self._instruments.end():
                    self._quietly_ended.append(subscription)
                continue
            topic = self._streams.topic(subscription)
            if topic is not None:
                self._end(topic)
                self._leaving[topic] = subscription
                topics.append(topic)
        self._ask("unsubscribe", topics)

    def resync(self, subscription: Subscription) -> None:
        """Queue an end and a new beginning of one stream: the venue answers with a snapshot."""
        if subscription.channel is Channel.INSTRUMENT:
            self._instruments.again()
            return
        topic = self._streams.topic(subscription)
        if topic is None or subscription in self.unanswered():
            return
        self._await_snapshot(subscription)
        self._ask("unsubscribe", [topic], quiet=True)
        self._ask("subscribe", [topic], quiet=True)

    def ping(self) -> None:
        """Queue a ping, and what the venue wanted to be asked later."""
        self._send("ping", self._streams.next_number(), None)
        self._instruments.nudge()
        postponed, self._postponed = self._postponed, []
        for ask in postponed:
            self._ask(ask.method, self._still_meant(ask), quiet=ask.quiet)

    def unanswered(self) -> Collection[Subscription]:
        """The subscriptions of every request still without an answer."""
        if not self._postponed:
            return self._streams.unanswered()
        by_topic = self._streams.by_topic
        later = [
            by_topic[topic] for ask in self._postponed for topic in ask.topics if topic in by_topic
        ]
        return [*self._streams.unanswered(), *later]

    # What we hear

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """What a frame says; raises RemoteProtocolError when it makes no sense."""
        try:
            if frame.startswith(_DEPTH_UPDATE):
                return self._depth(native.decode_depth(frame), received_ns)
            message = native.decode_message(frame)
            if message.e == "depthUpdate":
                return self._depth(native.decode_depth(frame), received_ns)
        except _UNREADABLE as error:
            return self._salvage(frame, received_ns, str(error))
        if message.id is not None:
            return self._answer(message, received_ns)
        if message.e:
            return ()  # a private stream's event
        if message.t is not None:
            return self._trade(message, received_ns)
        if message.u is not None and message.s:
            return self._ticker(message, received_ns)
        if message.lastUpdateId is not None and self._is_overheard:
            return ()  # a partial book, which does not say of which market
        return self._salvage(
            frame, received_ns, f"a frame of this feed was expected: {frame[:80]!r}"
        )

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        """What the list of markets, or the rules of one, say."""
        return self._instruments.receive(fetch, body, received_ns)

    def receive_refusal(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:
        """The venue does not tell its markets, or the rules of one."""
        return self._instruments.refuse(fetch, reason, received_ns)

    def _salvage(self, frame: bytes, received_ns: int, reason: str) -> Sequence[Event]:
        """What can be read of a frame of which something cannot be.

        Raises UnreadableStream where that is nothing, naming the streams it may be of.
        """
        try:
            loose = native.decode_loose(frame)
        except _UNREADABLE:
            raise RemoteProtocolError(reason) from None
        if native.is_there(loose.id) or (loose.e and loose.e != "depthUpdate"):
            raise UnreadableStream(reason, ())  # an answer, or a private stream's event
        if not loose.s:
            raise RemoteProtocolError(reason)
        suffixes = depths.suffixes(loose)
        update = depths.salvaged(loose) if suffixes == (DEPTH,) else None
        if update is None:
            raise UnreadableStream(reason, self._named(loose.s, suffixes))
        return self._depth(update.wire, received_ns, update.left_out)

    def _named(self, name: str, suffixes: Iterable[str]) -> tuple[Subscription, ...]:
        by_topic = self._streams.by_topic
        topics = [name + suffix for suffix in suffixes]
        return tuple(by_topic[topic] for topic in topics if topic in by_topic)

    def _depth(
        self,
        update: native.DepthUpdate,
        received_ns: int,
        left_out: LeftOutRows | None = None,
    ) -> Sequence[Event]:
        book = self._books.get(update.s)
        if book is None:
            book = self._adopt_book(update.s)
            if book is None:
                return ()
        first, final, last = update.U, update.u, book.last
        if first > final:
            error = f"U is at most u, was {first} and {final}"
            raise UnreadableStream(error, (book.subscription,))
        is_snapshot = book.awaits_snapshot and first == final
        if not is_snapshot:
            if last is None:
                return self._without_snapshot(book, received_ns)
            if final <= last:
                return ()
            if first > last:
                book.last, book.awaits_snapshot, book.is_desynced = None, True, True
                return (self._desync(book, last, update, received_ns),)
        try:
            bids, asks = changes(update.b), changes(update.a)
        except RemoteProtocolError:
            checked = depths.checked(update)
            left_out = joined(left_out, checked.left_out)
            update = checked.wire
            bids, asks = changes(update.b), changes(update.a)
        if left_out is not None and not bids and not asks:  # the next one does not follow on
            raise UnreadableStream(left_out.reason, (book.subscription,))
        book.last = final
        if is_snapshot:
            return self._snapshot(book, update, received_ns, left_out)
        self.sequence.steps += 1
        at_ns = None if update.E is None else plausible_ns(update.E)
        told = BookUpdate(VENUE, book.symbol, bids, asks, at_ns, received_ns, None, final)
        if left_out is None:
            return (told,)
        return left_out.event(VENUE, book.subscription, received_ns), told

    def _snapshot(
        self,
        book: _Book,
        update: native.DepthUpdate,
        received_ns: int,
        left_out: LeftOutRows | None,
    ) -> Sequence[Event]:
        one = book.subscription
        book.awaits_snapshot = book.is_desynced = False
        return [
            *([] if left_out is None else [left_out.event(VENUE, one, received_ns)]),
            *self._settle(update.s + DEPTH, received_ns),
            *self._early.settle(one, received_ns),
            normalize.snapshot(update, book.symbol, received_ns),
        ]

    def _without_snapshot(self, book: _Book, received_ns: int) -> Sequence[Event]:
        """An update that has nothing to change; its book is known to lack a snapshot, or is now."""
        if book.is_desynced or self._is_overheard:
            return ()
        sample = f"an update of {lower(book.symbol)}"
        return self._early.add(book.subscription, sample, received_ns)

    def _desync(
        self, book: _Book, last: int, update: native.DepthUpdate, received_ns: int
    ) -> Desync:
        self.sequence.breaks += 1
        return Desync(
            venue=VENUE,
            subscription=book.subscription,
            generation=0,
            reason=f"an update from at most {last} was expected, was from {update.U}",
            expected=last,
            computed=update.U,
            venue_ns=normalize.instant(update.E),
            received_ns=received_ns,
        )

    def _trade(self, message: native.Message, received_ns: int) -> Sequence[Event]:
        subscription = self._carried(Channel.TRADE, message.s, TRADE)
        if subscription is None or subscription.symbol is None:
            return ()
        try:
            trade = normalize.trade(message, subscription.symbol, received_ns)
        except RemoteProtocolError as error:
            raise UnreadableStream(str(error), (subscription,)) from error
        return [*self._settle(message.s + TRADE, received_ns), trade]

    def _ticker(self, message: native.Message, received_ns: int) -> Sequence[Event]:
        subscription = self._carried(Channel.TICKER, message.s, TICKER)
        if subscription is None or subscription.symbol is None:
            return ()
        try:
            ticker = normalize.ticker(message, subscription.symbol, received_ns)
        except RemoteProtocolError as error:
            raise UnreadableStream(str(error), (subscription,)) from error
        return [*self._settle(message.s + TICKER, received_ns), ticker]

    def _answer(self, message: native.Message, received_ns: int) -> Sequence[Event]:
        ended = self._farewells(received_ns)
        number = message.id
        ask = self._streams.answered(number) if isinstance(number, int) else None
        if message.status == _OK:
            return [*ended, *([] if ask is None else self._accepted(ask, received_ns))]
        if message.error is None:
            error = f"an answer has status 200 or an error, was {message.status}"
            raise UnreadableStream(error, ())
        if ask is None:
            refused = Refused(venue=VENUE, message=message.error.msg, received_ns=received_ns)
            return [*ended, refused]
        return [*ended, *self._refused(ask, message.error, received_ns)]

    def _accepted(self, ask: Ask, received_ns: int) -> list[Event]:
        if ask.method == "unsubscribe":
            return [] if ask.quiet else self._left(ask.topics, received_ns)
        if ask.quiet:
            return []
        by_topic = self._streams.by_topic
        return [
            Subscribed(venue=VENUE, subscription=by_topic[topic], received_ns=received_ns)
            for topic in ask.topics
            if topic in by_topic
        ]

    def _refused(self, ask: Ask, error: native.Error, received_ns: int) -> list[Event]:
        topics = self._still_meant(ask)
        if error.code in _TRY_AGAIN:
            self._postponed.append(ask)
            return [VenueNotice(venue=VENUE, message=error.msg, received_ns=received_ns)]
        if len(ask.topics) > 1:
            middle = (len(topics) + 1) // 2
            self._ask(ask.method, topics[:middle], quiet=ask.quiet)
            self._ask(ask.method, topics[middle:], quiet=ask.quiet)
            return []
        if ask.method == "unsubscribe":  # nothing to end: the stream is gone either way
            return [] if ask.quiet else self._left(ask.topics, received_ns)
        gone = [self._end(topic) for topic in topics]
        return [
            Refused(venue=VENUE, subscription=one, message=error.msg, received_ns=received_ns)
            for one in gone
            if one is not None
        ]

    # Bookkeeping

    def _begin(self, subscription: Subscription) -> str | None:
        """Carry a stream; its topic, or none if it is carried already."""
        symbol, suffix = subscription.symbol, _SUFFIXES.get(subscription.channel)
        if symbol is None or suffix is None:
            raise LocalProtocolError(f"'{subscription}' is no stream of this feed")
        name = lower(symbol)
        if not self._streams.begin(name + suffix, subscription):
            return None
        if subscription.channel is Channel.BOOK:
            self._books[name] = _Book(subscription, symbol)
        return name + suffix

    def _end(self, topic: str) -> Subscription | None:
        """Carry a stream no longer."""
        if topic.endswith(DEPTH):
            self._books.pop(topic.removesuffix(DEPTH), None)
        return self._streams.end(topic)

    def _await_snapshot(self, subscription: Subscription) -> None:
        """Take the next message that looks like a snapshot for one; until then go on as before."""
        if subscription.channel is Channel.BOOK and subscription.symbol is not None:
            book = self._books.get(lower(subscription.symbol))
            if book is not None:
                book.awaits_snapshot = True

    def _adopt_book(self, name: str) -> _Book | None:
        """The book of a market nobody was heard to ask for; none if its data is only late."""
        if self._carried(Channel.BOOK, name, DEPTH) is None:
            return None
        return self._books[name]

    def _carried(self, channel: Channel, name: str, suffix: str) -> Subscription | None:
        """A stream of ours, or on a tape of another's; none if it was ended."""
        subscription = self._streams.by_topic.get(name + suffix)
        if subscription is not None:
            return subscription
        if self._streams.is_ended(name + suffix):
            return None
        if not self._is_overheard or not name.islower():
            error = f"{channel.value} data that nobody asked for, was of {name[:40]!r}"
            raise UnreadableStream(error, ())
        subscription = Subscription(channel, guess(name))
        self._begin(subscription)
        return subscription

    def _settle(self, topic: str, received_ns: int) -> list[Event]:
        """Data answers its request as well as the venue's own answer does."""
        ask = self._streams.settled("subscribe", topic)
        if ask is None:
            return []
        events: list[Event] = []
        # What was asked before it is done as well, should the answer be lost.
        before = self._streams.settled("unsubscribe", topic)
        if before is not None and not before.quiet:
            events += self._left([topic], received_ns)
        if not ask.quiet:
            subscription = self._streams.by_topic[topic]
            events.append(
                Subscribed(venue=VENUE, subscription=subscription, received_ns=received_ns)
            )
        return events

    def _left(self, topics: Iterable[str], received_ns: int) -> list[Event]:
        gone = [self._leaving.pop(topic, None) for topic in topics]
        return [
            Unsubscribed(venue=VENUE, subscription=one, received_ns=received_ns)
            for one in gone
            if one is not None
        ]

    def _farewells(self, received_ns: int) -> list[Event]:
        """What ended without a request, told with the next answer to anything."""
        ended, self._quietly_ended = self._quietly_ended, []
        return [
            Unsubscribed(venue=VENUE, subscription=one, received_ns=received_ns) for one in ended
        ]

    def _still_meant(self, ask: Ask) -> list[str]:
        """The topics of a request that are still wanted, or still to be ended."""
        by_topic = self._streams.by_topic
        if ask.method == "unsubscribe" and not ask.quiet:
            return [topic for topic in ask.topics if topic not in by_topic]
        return [topic for topic in ask.topics if topic in by_topic]

    def _ask(self, method: str, topics: list[str], *, quiet: bool = False) -> None:
        for start in range(0, len(topics), _NAMES_PER_REQUEST):
            ask = self._streams.ask(method, topics[start : start + _NAMES_PER_REQUEST], quiet=quiet)
            self._send(method, ask.number, list(ask.topics))

    def _send(self, method: str, number: int, params: list[str] | None) -> None:
        self.outbox.append(Send(native.encode(native.Request(method, number, params))))
