"""One link's conversation with OKX: requests, their answers, data, and new snapshots.

Each topic of a request is answered by itself, with the request's `id`. A refused one takes no other
with it, but its refusal names it in the text only
(https://www.okx.com/docs-v5/en/#overview-websocket-subscribe). Data acknowledge a request as well.
Data of a closed subscription are late and passed over; data that were never requested are the
venue's fault. A contract is requested once its size is known.

All data of a subscription begin with the same bytes, its `arg` as it was requested. So most frames
find their reader before they are decoded. A frame that is spelled otherwise, or does not fit, is
read twice. What cannot be read harms the subscription that its `arg` names.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial

from fluxum.errors import RemoteProtocolError, VenueRefused
from fluxum.model.event import (
    Channel,
    Event,
    Subscribed,
    Subscription,
    Unsubscribed,
    VenueNotice,
)
from fluxum.model.instrument import Symbol
from fluxum.venues.book_scan import book_scan
from fluxum.venues.conversation import UNREADABLE, UnreadableStream
from fluxum.venues.followed import FollowedRequests
from fluxum.venues.instrument_list import InstrumentList
from fluxum.venues.okx import listing, native, readers, topics
from fluxum.venues.okx.books import ChainedBook, WholeBook
from fluxum.venues.okx.chained import BOOKS
from fluxum.venues.okx.contracts import ContractSizes
from fluxum.venues.okx.normalize import VENUE
from fluxum.venues.okx.trades import TRADES
from fluxum.venues.rivals import check_rival, follow
from fluxum.venues.stream_readers import StreamReader, read_frame
from fluxum.venues.subscriptions import Request, RequestLimits, Subscriptions
from fluxum.venues.trade_scan import acknowledged_trade_scan
from fluxum.venues.venue import Effect, Fetch, Handover, Send, SequenceCounts

__all__ = ["OkxProtocol"]

_PING = b"ping"
_PONG = b"pong"
# Arguments of one request: they may have 64 KB, and the longest are below 100 bytes.
_ARGS_MAX = 400
_UPGRADE = "64008"
# The same request can succeed later, so it stays unanswered: the link is replaced if it stays so.
_PASSING = frozenset({"60014", "60023", "63999", "64007"})
_IGNORED = frozenset({"login", "channel-conn-count"})
_NAMED = re.compile(r"channel:\s*([^\s,]+),\s*instId:\s*([^\s,]+) doesn't exist")


class OkxProtocol:
    """OKX v5 public data; see VenueProtocol for what each call promises."""

    def __init__(self) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()
        # A subscription without a reader waits for the size of its contract.
        self._readers: dict[str, StreamReader] = {}
        self._by_prefix: dict[bytes, StreamReader] = {}
        self._chained: dict[str, ChainedBook] = {}  # of the channel `books`, by their instruments
        self.scan_books = book_scan(BOOKS, self._chained)
        self._accepted_ns: dict[str, int] = {}  # of trades, until the first
        self._subscriptions = Subscriptions(
            VENUE,
            self.outbox,
            RequestLimits(topics=_ARGS_MAX),
            _write,
            opened=self._opened,
            closed=self._closed,
        )
        self._followed = FollowedRequests(self._subscriptions)
        # Markets of the channel `trades` whose first frame after an acknowledgement has come.
        self._trade_symbols: dict[str, Symbol] = {}
        self.scan_trades = acknowledged_trade_scan(TRADES, self._trade_symbols, self._subscriptions)
        self._sizes = ContractSizes(self.outbox)
        self._list = InstrumentList(
            VENUE, self.outbox, listing.LISTS, listing.page, listing.market, self._sizes.learn
        )
        # The list and what waits for a size are not among these: no other link gets them sooner.
        self.unanswered = self._subscriptions.unanswered

    # Requests

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue requests, as few as possible; the list of instruments is fetched.

        A contract waits for its size, which is fetched.
        """
        fresh: list[str] = []
        for subscription in wanted:
            symbol = subscription.symbol
            if symbol is None:
                self._list.open(subscription)
                continue
            topic = topics.topic_of(subscription)
            check_rival(self._subscriptions, subscription)
            if not self._subscriptions.open(topic, subscription):
                continue
            if topic in self._readers:
                fresh.append(topic)
            else:
                self._sizes.look_up(symbol, subscription)
        self._subscriptions.request("subscribe", fresh)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue requests that end subscriptions; one that waits for a size was never requested."""
        ending = list(unwanted)
        if self._list.subscription in ending:
            self._list.close()
        for subscription in ending:
            topic = self._subscriptions.topic(subscription)
            if topic is not None and topic not in self._readers:
                self._subscriptions.close(topic)
        self._subscriptions.unsubscribe(ending)

    def resync(self, subscription: Subscription) -> None:
        """Queue an end and a new beginning of one subscription: OKX answers with a snapshot."""
        if subscription == self._list.subscription:
            self._list.request()
        topic = self._subscriptions.topic(subscription)
        if topic in self._readers:
            self._subscriptions.resubscribe(topic)

    def ping(self) -> None:
        """Queue the text `ping`, which is answered by the text `pong`."""
        self.outbox.append(Send(_PING))
        self._subscriptions.pinged()

    def follow_passively(self, depth: int | None = None) -> None:  # noqa: ARG002 - channels name theirs
        """Accept answers to another client's requests; the lists on a tape name its markets."""
        self._subscriptions.is_passive = True
        self._list.open(Subscription(Channel.INSTRUMENT))

    def follow_request(self, frame: bytes) -> None:
        """Open what another client requests.

        A contract whose size is not known is looked up first, as it may be on the tape.
        """
        try:
            request = native.decode_request(frame)
        except UNREADABLE:
            return
        if request.op not in {"subscribe", "unsubscribe"}:
            return
        self._followed.request(request.op, map(topics.topic, request.args))
        for arg in request.args if request.op == "subscribe" else ():
            with suppress(RemoteProtocolError):
                unsized = self._unsized(arg)
                if unsized is None:
                    self._follow(arg, 0)
                else:
                    self._sizes.look_up(unsized)

    # Frames and answers

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The events of a frame; raises RemoteProtocolError when it makes no sense."""
        reader = self._by_prefix.get(frame[: frame.find(b"}")])
        if reader is not None:
            try:
                return reader.read(frame, received_ns)
            except UNREADABLE:
                pass  # not data after all, or some of them cannot be read
        if frame == _PONG:
            return ()
        try:
            message = native.decode_envelope(frame)
        except UNREADABLE as error:
            raise self._unreadable(frame, str(error)) from error
        if message.event is not None:
            return self._answer(message.event, message, received_ns)
        if message.arg is not None and bytes(message.data):
            return self._data(message.arg, frame, received_ns)
        if message.op is not None:
            return ()  # the answer to an order, on another client's tape
        raise self._unreadable(frame, "neither an answer nor data")

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        """A list of instruments, or one; raises RemoteProtocolError when it makes no sense."""
        if not self._sizes.owns(fetch):
            return self._list.answered(fetch, body, received_ns)
        waiting = self._waiting(fetch)
        try:
            symbol = self._sizes.answered(fetch, body)
        except VenueRefused as error:
            return self.receive_refusal(fetch, str(error), received_ns)
        except RemoteProtocolError as error:
            reason = f"no {fetch.purpose}: {error}"
            raise UnreadableStream(reason, tuple(waiting.values())) from error
        events: list[Event] = []
        sized = [topic for topic, one in waiting.items() if one.symbol == symbol]
        for topic in sized:
            self._opened(topic, waiting.pop(topic))
        for topic in waiting:
            reason = f"{topics.format_symbol(symbol)} is {symbol}, by its currencies and kind"
            events += self._subscriptions.end(topic, reason, received_ns)
        self._subscriptions.request("subscribe", sized)
        return events

    def receive_refusal(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:
        """The venue refused a list or a size: subscriptions that wait for it are refused."""
        if not self._sizes.owns(fetch):
            return self._list.refused(fetch, reason, received_ns)
        self._sizes.refused(fetch)
        message = f"no {fetch.purpose}: {reason}"
        return [
            event
            for topic in self._waiting(fetch)
            for event in self._subscriptions.end(topic, message, received_ns)
        ]

    def _data(self, arg: native.Arg, frame: bytes, received_ns: int) -> Sequence[Event]:
        topic = topics.topic(arg)
        notices: Sequence[Event] = ()
        if self._subscriptions.is_passive and not self._subscriptions.is_closed(topic):
            try:
                notices = self._follow(arg, received_ns)
            except RemoteProtocolError as error:
                raise UnreadableStream(str(error), ()) from error
        subscription = self._subscriptions.owner(topic, lambda _: None)
        reader = self._readers.get(topic)
        if subscription is None or reader is None:
            return notices
        return [*notices, *read_frame(reader, frame, received_ns, (subscription,))]

    def _unreadable(self, frame: bytes, reason: str) -> RemoteProtocolError:
        """The error for a frame: of the subscription it names, if it can be read so far."""
        try:
            topic = topics.topic(native.decode_named(frame).arg)
        except UNREADABLE:
            return RemoteProtocolError(reason)
        named = self._subscriptions.by_topic.get(topic)
        return UnreadableStream(reason, () if named is None else (named,))

    # Answers

    def _answer(self, event: str, message: native.Envelope, received_ns: int) -> Sequence[Event]:
        if event == "error":
            return self._refused(message, received_ns)
        if event in {"subscribe", "unsubscribe"}:
            if message.arg is None:
                raise RemoteProtocolError(f"an answer to {event} that does not name which")
            if event == "subscribe":
                return self._subscribed(message.arg, received_ns)
            return self._unsubscribed(topics.topic(message.arg), received_ns)
        if event in _IGNORED:
            return ()
        if event == "notice" and message.code == _UPGRADE:
            self.outbox.append(Handover(message.msg or "the venue will close this link"))
        parts = (message.code, message.msg, message.channel, message.connCount)
        text = " ".join(part for part in parts if part)
        return (VenueNotice(venue=VENUE, message=f"{event}: {text}", received_ns=received_ns),)

    def _subscribed(self, arg: native.Arg, received_ns: int) -> Sequence[Event]:
        topic = topics.topic(arg)
        request = self._subscriptions.oldest("subscribe", topic)
        if request is None and not self._subscriptions.is_passive:
            return ()
        events = [] if request is not None else [*self._follow(arg, received_ns)]
        subscription = self._subscriptions.by_topic.get(topic)
        if subscription is not None and subscription.channel is Channel.TRADE:
            self._accepted_ns[topic] = received_ns
            self._trade_symbols.pop(topics.arg(topic).instId, None)
        if request is not None:
            return self._subscriptions.accepted(request, received_ns, [topic])
        if subscription is not None and not self._followed.is_renewed(topic):
            events.append(
                Subscribed(venue=VENUE, subscription=subscription, received_ns=received_ns)
            )
        return events

    def _unsubscribed(self, topic: str, received_ns: int) -> Sequence[Event]:
        request = self._subscriptions.oldest("unsubscribe", topic)
        if request is not None or not self._subscriptions.is_passive:
            return self._subscriptions.accepted(request, received_ns, [topic])
        subscription = self._followed.end(topic)
        if subscription is None:
            return ()
        return (Unsubscribed(venue=VENUE, subscription=subscription, received_ns=received_ns),)

    def _refused(self, message: native.Envelope, received_ns: int) -> Sequence[Event]:
        """A refusal of the topic that its text names, else of all that its request waits for."""
        reason = f"{message.code} {message.msg}".strip()
        if message.code in _PASSING:
            return (VenueNotice(venue=VENUE, message=reason, received_ns=received_ns),)
        refused = self._subscriptions.refused
        named = _NAMED.search(message.msg)
        if named is not None:
            topic = f"{named[1]} {named[2]}"
            request = self._subscriptions.oldest("subscribe", topic)
            return refused(request, reason, received_ns, topics=[topic])
        number = message.id
        is_number = number.isascii() and number.isdecimal() and len(number) <= 15
        request = self._subscriptions.sent(int(number) if is_number else None)
        return refused(request, reason, received_ns, () if request is None else [*request.pending])

    # Bookkeeping

    def _opened(self, topic: str, subscription: Subscription) -> None:
        reader = self._reader(topic, subscription)
        if reader is not None:
            self._readers[topic] = self._by_prefix[topics.prefix(topic)] = reader
            if isinstance(reader, ChainedBook) and topics.arg(topic).channel == "books":
                self._chained[topics.arg(topic).instId] = reader

    def _closed(self, topic: str, _subscription: Subscription) -> None:
        self._readers.pop(topic, None)
        self._by_prefix.pop(topics.prefix(topic), None)
        if topics.arg(topic).channel == "books":
            self._chained.pop(topics.arg(topic).instId, None)
        if topics.arg(topic).channel == "trades":
            self._trade_symbols.pop(topics.arg(topic).instId, None)
        self._accepted_ns.pop(topic, None)

    def _reader(self, topic: str, subscription: Subscription) -> StreamReader | None:
        """The reader of a subscription, None while the size of its contract is not known."""
        acknowledge = partial(self._subscriptions.data, topic)
        if subscription.symbol is None:
            return readers.InstrumentReader(subscription, acknowledge, self._sizes.learn)
        size = self._sizes.of(subscription.symbol)
        if size is None:
            return None
        if subscription.channel is not Channel.BOOK:
            accepted_ns: Callable[[], int | None] = partial(self._accepted_ns.pop, topic, None)
            arg = topics.arg(topic)
            if self.scan_trades is not None and arg.channel == "trades" and size == 1:
                accepted_ns = partial(self._let_scan, topic, arg.instId, subscription.symbol)
            return readers.row_reader(subscription, size, acknowledge, accepted_ns)
        if topics.is_chained(topic):
            return ChainedBook(subscription, self.sequence, acknowledge, size)
        return WholeBook(subscription, acknowledge, size)

    def _let_scan(self, topic: str, name: str, symbol: Symbol) -> int | None:
        """A frame of a market's trades has come; see `row_reader` for what is returned."""
        self._trade_symbols[name] = symbol
        return self._accepted_ns.pop(topic, None)

    def _waiting(self, fetch: Fetch) -> dict[str, Subscription]:
        """The subscriptions, by topic, that wait for the size that a call fetches."""
        name = listing.sized_name(fetch)
        return {
            topic: subscription
            for topic, subscription in self._subscriptions.by_topic.items()
            if topic not in self._readers and topics.arg(topic).instId == name
        }

    def _unsized(self, arg: native.Arg) -> Symbol | None:
        """The market of a topic if it is a contract whose size is not known."""
        if not topics.is_known(arg.channel):
            return None
        symbol = self._sizes.by_name(arg.instId).symbol
        return symbol if symbol.counts_contracts else None

    def _follow(self, arg: native.Arg, received_ns: int) -> Sequence[Event]:
        """On a tape, open what another client requested, if its channel is known.

        Returns the notice that a market is counted in contracts, as its size is not known. Raises
        RemoteProtocolError for a name that is none of a market.
        """
        topic = topics.topic(arg)
        if topic in self._subscriptions.by_topic:
            return ()
        if arg.channel == topics.INSTRUMENTS:
            follow(self._subscriptions, topic, Subscription(Channel.INSTRUMENT))
            return ()
        if not topics.is_known(arg.channel):
            return ()
        symbol = self._sizes.by_name(arg.instId).symbol
        is_new = follow(self._subscriptions, topic, topics.parse_channel(arg.channel, symbol))
        if not is_new or not symbol.counts_contracts:
            return ()
        message = f"{arg.instId} is counted in contracts, as {symbol}: no list has their size"
        return (VenueNotice(venue=VENUE, message=message, received_ns=received_ns),)


def _write(request: Request) -> Send:
    args = tuple(map(topics.arg, request.streams))
    return Send(native.encode(native.Request(str(request.number), request.op, args)))
