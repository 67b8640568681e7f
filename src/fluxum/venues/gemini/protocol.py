"""One link's conversation with Gemini's sequenced feed.

Streams have names (`btcusd@depth@100ms`), their frames have not: a symbol's first `depthUpdate`
is its whole book, known by being the first and by `U` equal to `u`, and it comes before the
answer to the request (https://developer.gemini.com/websocket/streams). Later updates overlap: `U`
is the `u` of the one before, so that

    u <= last        came before and is passed over
    U <= last < u    follows on
    U > last         leaves a hole: the book is withdrawn until its next snapshot.

One bad name makes the venue refuse a whole request, so a refused request is repeated in halves
until the bad ones stand alone. Two errors are no answer (-1000, the venue's own failure, and
-1003, too many requests): those requests are repeated with the next ping.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence

from fluxum.errors import LocalProtocolError, RemoteProtocolError
from fluxum.model.event import (
    Channel,
    Event,
    Subscription,
    Unsubscribed,
    VenueNotice,
)
from fluxum.model.instant import plausible_ns
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookUpdate, Ticker, Trade
from fluxum.venues.book_scan import book_scan
from fluxum.venues.conversation import UnreadableStream
from fluxum.venues.early_deltas import EarlyDeltas
from fluxum.venues.followed import FollowedRequests
from fluxum.venues.gemini import depths, native, normalize
from fluxum.venues.gemini.depths import DEPTH, TICKER, TRADE
from fluxum.venues.gemini.instruments import instrument_list
from fluxum.venues.gemini.normalize import VENUE
from fluxum.venues.gemini.symbols import guess, lower
from fluxum.venues.gemini.trades import TRADES
from fluxum.venues.gemini.updates import BOOKS
from fluxum.venues.members import Members
from fluxum.venues.queries import UNDECODABLE
from fluxum.venues.rows import LeftOutRows, changes
from fluxum.venues.sequenced import BookSequence
from fluxum.venues.subscriptions import Request, RequestLimits, Subscriptions
from fluxum.venues.trade_scan import acknowledged_trade_scan
from fluxum.venues.venue import Effect, Send, SequenceCounts

__all__ = ["GeminiProtocol"]

_DEPTH_UPDATE = b'{"e":"depthUpdate"'
_SUFFIXES = {Channel.BOOK: DEPTH, Channel.TICKER: TICKER, Channel.TRADE: TRADE}
# The streams of other clients that are read; both of depth have the same data in the same form.
_CHANNELS = {
    "depth@100ms": Channel.BOOK,
    "depth": Channel.BOOK,
    "bookTicker": Channel.TICKER,
    "trade": Channel.TRADE,
}
# Not documented; a refused request costs a few more of half its size.
_LIMITS = RequestLimits(topics=50)
_OK = 200
_TRY_AGAIN = frozenset({-1000, -1003})


class _Book:
    """One market's book: its numbers, and whether the next snapshot replaces it."""

    __slots__ = ("awaits_snapshot", "name", "sequence", "subscription", "symbol")

    def __init__(self, subscription: Subscription, symbol: Symbol, counts: SequenceCounts) -> None:
        self.subscription = subscription
        self.symbol, self.name = symbol, ""
        self.sequence = BookSequence(VENUE, subscription, counts)
        self.awaits_snapshot = True

    def due(self) -> int | None:
        """The number that the next update has to follow on, to be scanned; see FollowedBook."""
        return None if self.awaits_snapshot else self.sequence.due()

    def followed(self, last: int, _before: int, frames: int) -> None:
        """Updates were scanned that follow on, up to this number."""
        self.sequence.followed(last, frames)


class GeminiProtocol:
    """The sequenced feed; see VenueProtocol for what each call promises."""

    def __init__(self) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()
        self._subscriptions = Subscriptions(
            VENUE, self.outbox, _LIMITS, _write, opened=self._opened, closed=self._closed
        )
        self._books: dict[str, _Book] = {}  # by the venue's name of the market
        self.scan_books = book_scan(BOOKS, self._books)
        self._trade_symbols: dict[str, Symbol] = {}  # of active subscriptions, by the same
        self.scan_trades = acknowledged_trade_scan(TRADES, self._trade_symbols, self._subscriptions)
        self._list = instrument_list(VENUE, lower, self.outbox, self._active_names)
        self.receive_response = self._list.answered
        self.receive_refusal = self._list.refused
        self.unanswered = self._subscriptions.unanswered
        self._followed = FollowedRequests(self._subscriptions)
        self._early = EarlyDeltas(VENUE)
        self._ended: list[Subscription] = []  # without a request

    # Requests

    def follow_passively(self, depth: int | None = None) -> None:  # noqa: ARG002 - books are whole here
        """Accept data that another client requested, and the list of markets on its tape."""
        self._subscriptions.is_passive = True
        self._list.open(Subscription(Channel.INSTRUMENT))
        self.scan_books = self._followed.settling(self.scan_books)
        self.scan_trades = self._followed.settling(self.scan_trades)

    def follow_request(self, frame: bytes) -> None:
        """Learn from another client's request; a book that is requested anew begins anew."""
        try:
            request = native.decode_request(frame)
        except UNDECODABLE:
            return
        method = request.method.lower()
        if method not in {"subscribe", "unsubscribe"} or not isinstance(request.params, list):
            return
        for text in request.params:
            name, _, stream = text.partition("@")
            topic = name.lower() + _SUFFIXES.get(_CHANNELS.get(stream, Channel.INSTRUMENT), "")
            self._followed.request(method, [topic])
            if method == "unsubscribe":
                continue
            try:
                subscription = self._subscriptions.track(topic, _parse_topic)
            except RemoteProtocolError:
                continue
            if subscription is not None:
                self._await_snapshot(subscription)

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue requests for streams, as few as the limits allow."""
        streams: list[tuple[str, Subscription]] = []
        for one in wanted:
            if one.channel is Channel.INSTRUMENT:
                self._list.open(one)
            else:
                streams.append((_topic(one), one))
        self._subscriptions.subscribe(streams)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue requests that end streams."""
        ending = list(unwanted)
        for one in ending:
            if one.channel is Channel.INSTRUMENT and self._list.close():
                self._ended.append(one)
        self._subscriptions.unsubscribe(ending)

    def resync(self, subscription: Subscription) -> None:
        """Queue an end and a new beginning of one stream: the venue answers with a snapshot."""
        if subscription.channel is Channel.INSTRUMENT:
            self._list.request()
            return
        topic = self._subscriptions.topic(subscription)
        if topic is not None and self._subscriptions.resubscribe(topic):
            self._await_snapshot(subscription)

    def ping(self) -> None:
        """Queue a ping, and the requests that the venue wanted later."""
        ping = native.Request("ping", self._subscriptions.next_number())
        self.outbox.append(Send(native.encode(ping)))
        self._list.pinged()
        self._subscriptions.pinged()

    # Frames

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The events of a frame; raises RemoteProtocolError for one that makes no sense."""
        if self._followed.has_ends:
            self._followed.end_unanswered()
        try:
            if frame.startswith(_DEPTH_UPDATE):
                return self._depth(frame, native.decode_depth(frame), received_ns)
            message = native.decode_message(frame)
            if message.e == "depthUpdate":
                return self._depth(frame, native.decode_depth(frame), received_ns)
        except UNDECODABLE as error:
            return self._read_loosely(frame, received_ns, str(error))
        if message.id is not None:
            return self._answer(message, received_ns)
        if message.e:
            return ()  # a private stream's event
        if message.t is not None:
            return self._fact(message, TRADE, normalize.trade, received_ns)
        if message.u is not None and message.s:
            return self._fact(message, TICKER, normalize.ticker, received_ns)
        if message.lastUpdateId is not None and self._subscriptions.is_passive:
            return ()  # a partial book, which does not name its market
        return self._read_loosely(
            frame, received_ns, f"a frame of this feed was expected: {frame[:80]!r}"
        )

    def _read_loosely(self, frame: bytes, received_ns: int, reason: str) -> Sequence[Event]:
        """What can be read of a frame of which something cannot be.

        Raises UnreadableStream where that is nothing, naming the streams it may be of.
        """
        try:
            loose = Members(frame)
            kind, name = (loose.text(one) if one in loose.names else "" for one in "es")
        except UNDECODABLE:
            raise RemoteProtocolError(reason) from None
        if loose.has("id") or (kind and kind != "depthUpdate"):
            raise UnreadableStream(reason, ())  # an answer, or a private stream's event
        if not name:
            raise RemoteProtocolError(reason)
        suffixes = depths.suffixes(loose)
        if suffixes == (DEPTH,):
            try:
                update, left_out = depths.read_loosely(frame)
            except UNDECODABLE:
                pass
            else:
                return self._depth(frame, update, received_ns, left_out)
        active = self._subscriptions.by_topic
        topics = [name + suffix for suffix in suffixes if name + suffix in active]
        raise UnreadableStream(reason, tuple(active[topic] for topic in topics))

    def _fact(
        self,
        message: native.Message,
        suffix: str,
        read: Callable[[native.Message, Symbol, int], Trade | Ticker],
        received_ns: int,
    ) -> Sequence[Event]:
        topic = message.s + suffix
        subscription = self._subscriptions.owner(topic, _parse_topic)
        if subscription is None or subscription.symbol is None:
            return ()
        try:
            fact = read(message, subscription.symbol, received_ns)
        except RemoteProtocolError as error:
            raise UnreadableStream(str(error), (subscription,)) from error
        return [*self._subscriptions.data(topic, received_ns), fact]

    # Books

    def _depth(
        self,
        frame: bytes,
        update: native.DepthUpdate,
        received_ns: int,
        left_out: LeftOutRows | None = None,
    ) -> Sequence[Event]:
        book = self._books.get(update.s)
        if book is None:
            if self._subscriptions.owner(update.s + DEPTH, _parse_topic) is None:
                return ()
            book = self._books[update.s]
        first, final, sequence = update.U, update.u, book.sequence
        last = sequence.last
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
                book.awaits_snapshot = True
                reason = f"an update from at most {last} was expected, was from {first}"
                at_ns = normalize.instant(update.E)
                return (sequence.gap(reason, last, first, at_ns, received_ns),)
        try:
            bids, asks = changes(update.b), changes(update.a)
        except RemoteProtocolError:
            update, left_out = depths.read_loosely(frame)
            bids, asks = changes(update.b), changes(update.a)
        if left_out is not None and not bids and not asks:  # the next one does not follow on
            raise UnreadableStream(left_out.reason, (book.subscription,))
        if is_snapshot:
            return self._snapshot(book, update, received_ns, left_out)
        sequence.follow(final)
        at_ns = None if update.E is None else plausible_ns(update.E)
        event = BookUpdate(VENUE, book.symbol, bids, asks, at_ns, received_ns, None, final)
        if left_out is None:
            return (event,)
        return left_out.event(VENUE, book.subscription, received_ns), event

    def _snapshot(
        self,
        book: _Book,
        update: native.DepthUpdate,
        received_ns: int,
        left_out: LeftOutRows | None,
    ) -> Sequence[Event]:
        one = book.subscription
        book.sequence.begin(update.u)
        book.awaits_snapshot = False
        return [
            *([] if left_out is None else [left_out.event(VENUE, one, received_ns)]),
            *self._subscriptions.data(update.s + DEPTH, received_ns),
            *self._early.settle(one, received_ns),
            normalize.snapshot(update, book.symbol, received_ns),
        ]

    def _without_snapshot(self, book: _Book, received_ns: int) -> Sequence[Event]:
        """An update without a book to change; that the book lacks a snapshot is published once."""
        if book.sequence.is_broken or self._subscriptions.is_passive:
            return ()
        sample = f"an update of {lower(book.symbol)}"
        return self._early.add(book.subscription, sample, received_ns)

    def _await_snapshot(self, subscription: Subscription) -> None:
        """Take the next message that looks like a snapshot for one; until then go on as before."""
        if subscription.channel is Channel.BOOK and subscription.symbol is not None:
            self._books[lower(subscription.symbol)].awaits_snapshot = True

    # Answers

    def _answer(self, message: native.Message, received_ns: int) -> Sequence[Event]:
        ended, self._ended = self._ended, []
        events: list[Event] = [
            Unsubscribed(venue=VENUE, subscription=one, received_ns=received_ns) for one in ended
        ]
        number, error = message.id, message.error
        request = self._subscriptions.sent(number) if isinstance(number, int) else None
        if message.status == _OK:
            return events + self._subscriptions.accepted(request, received_ns)
        if error is None:
            text = f"an answer has status 200 or an error, was {message.status}"
            raise UnreadableStream(text, ())
        if request is not None and error.code in _TRY_AGAIN:
            self._subscriptions.postponed(request)
            return [*events, VenueNotice(venue=VENUE, message=error.msg, received_ns=received_ns)]
        return events + self._subscriptions.refused(request, error.msg, received_ns)

    # Active streams

    def _active_names(self) -> set[str]:
        """The venue's names of markets of which something is subscribed to."""
        return {topic.partition("@")[0] for topic in self._subscriptions.by_topic}

    def _opened(self, topic: str, subscription: Subscription) -> None:
        symbol = subscription.symbol
        if subscription.channel is Channel.BOOK and symbol is not None:
            self._books[topic.removesuffix(DEPTH)] = _Book(subscription, symbol, self.sequence)
        elif subscription.channel is Channel.TRADE and symbol is not None:
            self._trade_symbols[topic.removesuffix(TRADE)] = symbol

    def _closed(self, topic: str, _subscription: Subscription) -> None:
        self._books.pop(topic.removesuffix(DEPTH), None)
        self._trade_symbols.pop(topic.removesuffix(TRADE), None)


def _topic(subscription: Subscription) -> str:
    symbol, suffix = subscription.symbol, _SUFFIXES.get(subscription.channel)
    if symbol is None or suffix is None:
        raise LocalProtocolError(f"'{subscription}' is no stream of this feed")
    return lower(symbol) + suffix


def _parse_topic(topic: str) -> Subscription:
    """The stream of a name; raises RemoteProtocolError for what is none."""
    name, _, stream = topic.partition("@")
    if stream not in _CHANNELS or not name.islower():
        raise UnreadableStream(f"a stream of this feed was expected, was {topic[:80]!r}", ())
    return Subscription(_CHANNELS[stream], guess(name))


def _write(request: Request) -> Send:
    return Send(native.encode(native.Request(request.op, request.number, request.topics)))
