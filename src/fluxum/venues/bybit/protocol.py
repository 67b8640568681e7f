"""One link's conversation with Bybit: requests, their answers, data, and new snapshots.

One request at a time: on futures an acknowledgement repeats no number, and one bad topic refuses
its whole request. A refusal mostly names the bad topic in its text
(https://bybit-exchange.github.io/docs/v5/ws/connect; the texts as users report them).

Data may come before the acknowledgement of their request, and acknowledge it as well. Data of a
closed topic are late and passed over; data that were never requested are the venue's fault. Most
frames begin with their topic, so they find their reader before they are decoded. A frame that does
not fit is read again loosely; what cannot be read harms the subscriptions of its topic.

The ticker of a spot market takes two topics, its own and the best bid and ask (`tickers`).
"""

import re
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, Event, Subscription, VenueNotice
from fluxum.model.instrument import Instrument, Symbol
from fluxum.venues.book_scan import book_scan
from fluxum.venues.bybit import listing, native, topics
from fluxum.venues.bybit.books import NumberedBook
from fluxum.venues.bybit.category import SPOT, Category
from fluxum.venues.bybit.deltas import book_form
from fluxum.venues.bybit.readers import row_reader
from fluxum.venues.bybit.tickers import LineReader, QuotedBook, SpotTicker
from fluxum.venues.bybit.trades import trade_form
from fluxum.venues.conversation import UNREADABLE, UnreadableStream
from fluxum.venues.instrument_list import InstrumentList
from fluxum.venues.rivals import check_rival, follow
from fluxum.venues.stream_readers import StreamReader, read_frame
from fluxum.venues.subscriptions import Request, RequestLimits, Subscriptions
from fluxum.venues.trade_scan import acknowledged_trade_scan
from fluxum.venues.venue import Effect, Send, SequenceCounts

__all__ = ["BybitProtocol"]

_TOPIC = b'{"topic":"'
_PING = Send(b'{"op":"ping"}')
_ACTIVE_ALREADY = "already subscribed"
_NO_REASON = "refused without a reason"
_CHARACTERS_MAX = 20_000
_BETWEEN_WORDS = re.compile(r"[\s,\[\]]+")


class BybitProtocol:
    """Bybit v5 public data of one category; see VenueProtocol for what each call promises."""

    def __init__(self, category: Category) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()
        self._category = category
        self._venue = category.venue
        self._readers: dict[str, StreamReader] = {}  # of active subscriptions
        self._by_prefix: dict[bytes, StreamReader] = {}
        self._numbered: dict[str, NumberedBook] = {}  # those that are read for themselves alone
        self.scan_books = book_scan(book_form(category.venue), self._numbered)
        self._quotes: dict[str, SpotTicker] = {}  # by the topic of their best bid and ask
        self._subscriptions = Subscriptions(
            category.venue,
            self.outbox,
            RequestLimits(topics=category.args_max, characters=_CHARACTERS_MAX, in_flight=1),
            _write,
            opened=self._opened,
            closed=self._closed,
            extra=self._quotes,
        )
        self._trade_symbols: dict[str, Symbol] = {}  # of active subscriptions, by topic
        self.scan_trades = acknowledged_trade_scan(
            trade_form(category.venue), self._trade_symbols, self._subscriptions
        )
        self._list = InstrumentList(
            category.venue,
            self.outbox,
            (listing.call(category),),
            lambda _fetch, body: listing.page(category, body),
            partial(listing.market, category),
            self._learn,
        )
        self._names: dict[str, Symbol] = {}  # as the list has them
        # The list of markets is not among these: no other link gets it sooner.
        self.unanswered = self._subscriptions.unanswered
        self.receive_response = self._list.answered
        self.receive_refusal = self._list.refused

    # Requests

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue requests for streams, as few as possible; the list of markets is fetched."""
        fresh: dict[str, None] = {}
        again: list[str] = []
        for subscription in wanted:
            if subscription.symbol is None:
                self._list.open(subscription)
                continue
            topic = topics.topic_of(subscription, self._category)
            runs_for_ticker = topic in self._quotes and topic not in fresh
            check_rival(self._subscriptions, subscription)
            if not self._subscriptions.open(topic, subscription):
                continue
            if runs_for_ticker:  # requested anew it begins with a snapshot
                again.append(topic)
            quote = topics.quote_of(subscription, self._category)
            if quote is not None and quote not in self._subscriptions.by_topic:
                fresh[quote] = None
            fresh[topic] = None
        self._subscriptions.request("unsubscribe", again, is_internal=True)
        self._subscriptions.request("subscribe", fresh)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue requests that end streams, and the best bid and ask of tickers that end."""
        ending = list(unwanted)
        if self._list.subscription in ending:
            self._list.close()
        active = [one for one in ending if self._subscriptions.topic(one) is not None]
        gone = self._subscriptions.unsubscribe(active)
        quotes = [topics.quote_of(one, self._category) or "" for one in active]
        used = {"", *gone, *self._subscriptions.by_topic}
        unused = [quote for quote in quotes if quote not in used]
        self._subscriptions.request("unsubscribe", unused, is_internal=True)
        again = [topic for topic in gone if topic in self._quotes]  # still those of a ticker
        self._subscriptions.request("subscribe", again, is_internal=True)

    def resync(self, subscription: Subscription) -> None:
        """Queue an end and a new beginning of one stream: Bybit answers with a snapshot."""
        if subscription == self._list.subscription:
            self._list.request()
        topic = self._subscriptions.topic(subscription)
        if topic is None:
            return
        book = self._readers.get(topic)
        if self._subscriptions.resubscribe(topic) and isinstance(book, NumberedBook):
            book.renew()

    def ping(self) -> None:
        """Queue a ping; a request whose answer is lost holds up the others no longer."""
        self.outbox.append(_PING)
        self._subscriptions.pinged()

    def follow_passively(self, depth: int | None = None) -> None:  # noqa: ARG002 - topics name theirs
        """Accept answers to another's requests; a list on the tape names its markets."""
        self._subscriptions.is_passive = True
        self._list.open(Subscription(Channel.INSTRUMENT))

    def follow_request(self, frame: bytes) -> None:
        """Open what another client requests; a book that it requests again begins anew."""
        try:
            request = native.decode_request(frame)
        except UNREADABLE:
            return
        if request.op == "subscribe":
            for topic in request.args:
                with suppress(RemoteProtocolError):
                    self._follow(topic)
                book = self._readers.get(topic)
                if isinstance(book, NumberedBook):
                    book.renew()

    # Frames and answers

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The events of a frame; raises RemoteProtocolError when it makes no sense."""
        if frame.startswith(_TOPIC):
            reader = self._by_prefix.get(frame[10 : frame.find(b'"', 10)])
            if reader is not None:
                try:
                    return reader.read(frame, received_ns)
                except UNREADABLE:
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

    def _data(self, topic: str, frame: bytes, received_ns: int) -> Sequence[Event]:
        reader = self._by_prefix.get(topic.encode())
        if reader is None:
            if self._subscriptions.is_closed(topic) and topic not in self._quotes:
                return ()
            if not self._subscriptions.is_passive:
                raise UnreadableStream(f"data that was not requested, was of {topic[:80]!r}", ())
            try:
                self._follow(topic)
            except RemoteProtocolError as error:
                raise UnreadableStream(str(error), ()) from error
            reader = self._by_prefix.get(topic.encode())
        if reader is None:
            return ()
        return read_frame(reader, frame, received_ns, self._named(topic))

    def _unreadable(self, frame: bytes, reason: str) -> RemoteProtocolError:
        """The error for a frame: of the streams of its topic, if it can be read so far."""
        try:
            topic = native.decode_named(frame).topic
        except UNREADABLE:
            return RemoteProtocolError(reason)
        return UnreadableStream(reason, self._named(topic))

    def _named(self, topic: str) -> tuple[Subscription, ...]:
        """The streams that data of a topic are for."""
        own, ticker = self._subscriptions.by_topic.get(topic), self._quotes.get(topic)
        ours = () if own is None else (own,)
        return ours if ticker is None else (*ours, ticker.subscription)

    # Answers

    def _answer(self, op: str, message: native.Envelope, received_ns: int) -> Sequence[Event]:
        if op in {"ping", "pong"}:
            return ()
        if op not in {"subscribe", "unsubscribe"} or message.success is None:
            raise RemoteProtocolError(f"an answer to nothing we say, was to {op[:40]!r}")
        request = self._subscriptions.oldest(op)
        if request is not None and message.req_id and str(message.req_id) != str(request.number):
            request = None
        if message.success or (op == "unsubscribe" and request is not None):
            return self._subscriptions.accepted(request, received_ns)
        return self._refused(request, message.ret_msg or _NO_REASON, received_ns)

    def _refused(self, request: Request | None, reason: str, received_ns: int) -> Sequence[Event]:
        """One bad topic takes its whole request with it: the others are requested again."""
        if request is None:
            return self._subscriptions.refused(None, reason, received_ns)
        bad = _named(request.topics, reason) or (request.topics if len(request.topics) == 1 else [])
        events: list[Event] = []
        if _ACTIVE_ALREADY in reason:
            events += [one for topic in bad for one in self._subscriptions.data(topic, received_ns)]
        events += self._subscriptions.refused(request, reason, received_ns, bad)
        for topic in bad:
            ticker = self._quotes.get(topic)
            if ticker is not None and topic not in self._subscriptions.by_topic:
                message = f"'{ticker.subscription}' has no bid and ask: {reason}"
                events.append(
                    VenueNotice(venue=self._venue, message=message, received_ns=received_ns)
                )
        return events

    # Bookkeeping

    def _opened(self, topic: str, subscription: Subscription) -> None:
        reader = self._readers[topic] = self._reader(topic, subscription)
        quote = topics.quote_of(subscription, self._category)
        if quote is not None and isinstance(reader, SpotTicker):
            self._quotes[quote] = reader
            self._route(quote)
        if subscription.channel is Channel.TRADE and subscription.symbol is not None:
            self._trade_symbols[topic] = subscription.symbol
        self._route(topic)

    def _closed(self, topic: str, subscription: Subscription) -> None:
        self._readers.pop(topic, None)
        self._trade_symbols.pop(topic, None)
        quote = topics.quote_of(subscription, self._category)
        if quote is not None:
            self._quotes.pop(quote, None)
            self._route(quote)
        self._route(topic)

    def _reader(self, topic: str, subscription: Subscription) -> StreamReader:
        venue, acknowledge = self._venue, partial(self._subscriptions.data, topic)
        match subscription.channel:
            case Channel.BOOK:
                return NumberedBook(venue, subscription, self.sequence, acknowledge)
            case Channel.TICKER if self._category is SPOT:
                return SpotTicker(venue, subscription, acknowledge)
            case Channel.TICKER:
                renew = partial(self.resync, subscription)
                is_passive = self._subscriptions.is_passive
                return LineReader(venue, subscription, acknowledge, renew, is_passive=is_passive)
            case _:
                return row_reader(venue, subscription, acknowledge)

    def _route(self, topic: str) -> None:
        """Read the frames of a topic for its stream, and for the ticker it is joined with.

        On a tape the book of such a topic is opened first, when its first frame comes.
        """
        own, ticker = self._readers.get(topic), self._quotes.get(topic)
        reader = own if ticker is None else QuotedBook(ticker, own)
        if isinstance(reader, NumberedBook):
            self._numbered[topic] = reader
        else:
            self._numbered.pop(topic, None)
        if reader is None or (own is None and self._subscriptions.is_passive):
            self._by_prefix.pop(topic.encode(), None)
        else:
            self._by_prefix[topic.encode()] = reader

    def _learn(self, markets: Sequence[Instrument]) -> None:
        self._names |= {one.venue_symbol: one.symbol for one in markets}

    def _follow(self, topic: str) -> None:
        """On a tape, open what another client requested, if the topic is known.

        Best bid and ask of a book that is shallower than an active one are still the ticker's.
        """
        requested = topics.parse_topic(topic, self._parse_symbol)
        if requested is None or follow(self._subscriptions, topic, requested):
            return
        ticker = self._quotes.get(topic)
        if ticker is not None and topic not in self._subscriptions.by_topic:
            self._by_prefix[topic.encode()] = QuotedBook(ticker, None)

    def _parse_symbol(self, name: str) -> Symbol:
        """The market of a name: as listed, else by its spelling. Raises RemoteProtocolError."""
        return self._names.get(name) or self._category.parse_symbol(name)


def _write(request: Request) -> Send:
    args = tuple(request.streams)
    return Send(native.encode(native.Request(request.op, args, str(request.number))))


def _named(topics: Iterable[str], reason: str) -> list[str]:
    """Those topics that a refusal names.

    `error:handler not found,topic:orderbook.500.BTCUSDT`, `Invalid symbol :[publicTrade.NOPEUSDT]`:
    whole words only, as one topic may begin like another.
    """
    words = _BETWEEN_WORDS.split(reason)
    return [
        topic
        for topic in topics
        if any(word == topic or word.endswith(f":{topic}") for word in words)
    ]
