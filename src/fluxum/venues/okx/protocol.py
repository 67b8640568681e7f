"""One link's conversation with OKX: requests, their answers, data, and new snapshots.

Each argument of a request is answered by itself, with the request's `id`; one that is refused
takes no other with it, but its refusal names it in the text only
(https://www.okx.com/docs-v5/en/#overview-websocket-subscribe). Data answer a request as well as
an acknowledgement does. Data of a stream we ended are late and passed over; data of one we never
asked for are the venue's fault. A stream of a contract is asked for once its size is known.

All data of a stream begin with the same bytes, its `arg` as it was asked for; so most frames find
who understands them before they are read. One that is spelled otherwise, or does not fit, is read
twice; what cannot be read harms the stream that its `arg` names.
"""

import re
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from functools import partial

from fluxum.errors import LocalProtocolError, RemoteProtocolError, VenueRefused
from fluxum.model.event import (
    Channel,
    Event,
    Refused,
    Subscribed,
    Subscription,
    Unsubscribed,
    VenueNotice,
)
from fluxum.model.instrument import Symbol
from fluxum.venues.conversation import UnreadableStream
from fluxum.venues.instrument_list import InstrumentList
from fluxum.venues.okx import listing, native, readers, topics
from fluxum.venues.okx.books import ChainedBook, WholeBook
from fluxum.venues.okx.contracts import ContractSizes
from fluxum.venues.okx.listing import UNREADABLE
from fluxum.venues.okx.normalize import VENUE
from fluxum.venues.stream_readers import StreamReader
from fluxum.venues.streams import Streams
from fluxum.venues.venue import Effect, Fetch, Handover, Send, SequenceCounts

__all__ = ["OkxProtocol"]

_PING = b"ping"
_PONG = b"pong"
# Arguments of one request: they may have 64 KB, and the longest are below 100 bytes.
_ARGS_MAX = 400
_UPGRADE = "64008"
# Asking again later can help, so what was asked stays open: the link is replaced if it stays so.
_PASSING = frozenset({"60014", "60023", "63999", "64007"})
_IGNORED = frozenset({"login", "channel-conn-count"})
_NAMED = re.compile(r"channel:\s*([^\s,]+),\s*instId:\s*([^\s,]+) doesn't exist")
_UNFIT = (*UNREADABLE, RemoteProtocolError)


class OkxProtocol:
    """OKX v5 public data; see VenueProtocol for what each call promises."""

    def __init__(self) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()
        self._streams = Streams()
        self._by_prefix: dict[bytes, StreamReader] = {}
        self._by_topic: dict[str, tuple[bytes, StreamReader]] = {}
        self._ending: dict[str, Subscription] = {}
        self._accepted_ns: dict[str, int] = {}  # of trades, until the first
        self._sizes = ContractSizes(self.outbox)
        self._list = InstrumentList(
            VENUE, self.outbox, listing.LISTS, listing.page, listing.market, self._sizes.learn
        )
        self._is_overhearing = False

    # What we say

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue requests for streams, as few as can say it; the list of instruments is fetched.

        A stream of a contract waits for its size, which is fetched.
        """
        sized: list[Subscription] = []
        for subscription in wanted:
            if subscription.symbol is None:
                self._list.open(subscription)
                continue
            self._check_rivals(subscription)
            if self._sizes.of(subscription.symbol) is None:
                self._sizes.wait(subscription)
            else:
                sized.append(subscription)
        self._begin_all(sized)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue requests that end streams."""
        args: list[native.Arg] = []
        for subscription in unwanted:
            if subscription == self._list.subscription:
                self._list.close()
            self._sizes.forget(subscription)
            topic = self._streams.topic(subscription)
            if topic is None:
                continue
            self._end(topic)
            self._ending[topic] = subscription
            args.append(topics.arg_of(subscription))
        for group in _groups(args):
            self._send("unsubscribe", self._streams.next_number(), group)

    def resync(self, subscription: Subscription) -> None:
        """Queue an end and a new beginning of one stream: OKX answers with a snapshot."""
        topic = self._streams.topic(subscription)
        if subscription == self._list.subscription:
            self._list.request()
        elif topic is not None and subscription not in self._streams.unanswered():
            arg = topics.arg_of(subscription)
            self._send("unsubscribe", self._streams.next_number(), [arg])
            self._ask([arg], quiet=True)

    def ping(self) -> None:
        """Queue the text `ping`, which is answered by the text `pong`."""
        self.outbox.append(Send(_PING))

    def unanswered(self) -> Collection[Subscription]:
        """The subscriptions of every request still without an answer.

        The list and what waits for a size are not among them: no other link gets them sooner.
        """
        return self._streams.unanswered()

    def follow_passively(self, depth: int | None = None) -> None:  # noqa: ARG002 - channels name theirs
        """Accept answers to another's questions; the lists on a tape name its markets."""
        self._is_overhearing = True
        self._list.request()

    def follow_request(self, frame: bytes) -> None:
        """Learn from another client's subscribe what its link carries.

        A contract whose size is not known is looked up first, as it may be on the tape.
        """
        try:
            request = native.decode_request(frame)
        except UNREADABLE:
            return
        if request.op != "subscribe":
            return
        for arg in request.args:
            try:
                unknown = self._unsized(arg)
                if unknown is None:
                    self._adopt(arg, 0)
                else:
                    self._sizes.look_up(unknown)
            except RemoteProtocolError:
                continue

    # What we hear

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """What a frame says; raises RemoteProtocolError when it makes no sense."""
        reader = self._by_prefix.get(frame[: frame.find(b"}")])
        if reader is not None:
            try:
                return reader.read(frame, received_ns)
            except _UNFIT:
                pass  # not data after all, or some of them cannot be read
        if frame == _PONG:
            return ()
        try:
            return self._receive_slowly(frame, received_ns)
        except UNREADABLE as error:
            raise self._unreadable(frame, str(error)) from error

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        """A list of instruments, or one; raises RemoteProtocolError when it makes no sense."""
        if not self._sizes.owns(fetch):
            return self._list.answered(fetch, body, received_ns)
        try:
            symbol, waiting = self._sizes.answered(fetch, body)
        except VenueRefused as error:
            return self.receive_refusal(fetch, str(error), received_ns)
        self._begin_all([one for one in waiting if one.symbol == symbol])
        others = [one for one in waiting if one.symbol != symbol]
        reason = f"{topics.format_symbol(symbol)} is {symbol}, by its currencies and kind"
        return [_refusal(one, reason, received_ns) for one in others]

    def receive_refusal(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:
        """The venue does not give one of its lists, or no size: what waits for it is refused."""
        if not self._sizes.owns(fetch):
            return self._list.refused(fetch, reason, received_ns)
        return [
            _refusal(one, f"no {fetch.purpose}: {reason}", received_ns)
            for one in self._sizes.refused(fetch)
        ]

    def _receive_slowly(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        message = native.decode_envelope(frame)
        arg = message.arg
        if message.event is not None:
            return self._answer(message.event, message, received_ns)
        if arg is None or not bytes(message.data):
            if message.op is not None:
                return ()  # the answer to an order, on another's tape
            raise self._unreadable(frame, "neither an answer nor data")
        topic = topics.topic(arg)
        told: Sequence[Event] = ()
        if topic not in self._by_topic:
            if self._streams.is_ended(topic):
                return ()
            if not self._is_overhearing:
                raise UnreadableStream(f"data that nobody asked for, was of {topic[:80]!r}", ())
            try:
                told = self._adopt(arg, received_ns)
            except RemoteProtocolError as error:
                raise UnreadableStream(str(error), ()) from error
            if topic not in self._by_topic:
                return told
        _, reader = self._by_topic[topic]
        try:
            return [*told, *reader.read(frame, received_ns)]
        except _UNFIT:
            pass
        try:
            return [*told, *reader.read_loosely(frame, received_ns)]
        except RemoteProtocolError as error:
            raise UnreadableStream(str(error), (self._streams.by_topic[topic],)) from error

    def _unreadable(self, frame: bytes, reason: str) -> RemoteProtocolError:
        """The error for a frame: of the stream it names, if it can be read so far."""
        try:
            topic = topics.topic(native.decode_named(frame).arg)
        except UNREADABLE:
            return RemoteProtocolError(reason)
        named = self._streams.by_topic.get(topic)
        return UnreadableStream(reason, () if named is None else (named,))

    # Answers

    def _answer(self, event: str, message: native.Envelope, received_ns: int) -> Sequence[Event]:
        if event == "error":
            return self._refused(message, received_ns)
        if event in {"subscribe", "unsubscribe"}:
            if message.arg is None:
                raise RemoteProtocolError(f"an answer to {event} that does not say to which")
            told = self._subscribed if event == "subscribe" else self._unsubscribed
            return told(message.arg, received_ns)
        if event in _IGNORED:
            return ()
        if event == "notice" and message.code == _UPGRADE:
            self.outbox.append(Handover(message.msg or "the venue will close this link"))
        parts = (message.code, message.msg, message.channel, message.connCount)
        said = " ".join(part for part in parts if part)
        return (VenueNotice(venue=VENUE, message=f"{event}: {said}", received_ns=received_ns),)

    def _subscribed(self, arg: native.Arg, received_ns: int) -> Sequence[Event]:
        topic = topics.topic(arg)
        ask = self._streams.settled("subscribe", topic)
        told: Sequence[Event] = ()
        if self._is_overhearing and ask is None:
            told = self._adopt(arg, received_ns)
        subscription = self._streams.by_topic.get(topic)
        if subscription is None or (ask is None and not self._is_overhearing):
            return told
        if subscription.channel is Channel.TRADE:
            self._accepted_ns[topic] = received_ns
        if ask is not None and ask.quiet:
            return ()
        subscribed = Subscribed(venue=VENUE, subscription=subscription, received_ns=received_ns)
        return (*told, subscribed)

    def _unsubscribed(self, arg: native.Arg, received_ns: int) -> Sequence[Event]:
        topic = topics.topic(arg)
        subscription = self._ending.pop(topic, None)
        if subscription is None and self._is_overhearing:
            subscription = self._end(topic)
        if subscription is None:
            return ()
        return (Unsubscribed(venue=VENUE, subscription=subscription, received_ns=received_ns),)

    def _refused(self, message: native.Envelope, received_ns: int) -> Sequence[Event]:
        said = f"{message.code} {message.msg}".strip()
        if message.code in _PASSING:
            return (VenueNotice(venue=VENUE, message=said, received_ns=received_ns),)
        events: list[Event] = []
        for topic in self._refused_topics(message):
            subscription = self._end(topic)
            if subscription is not None:
                events.append(
                    Refused(
                        venue=VENUE,
                        subscription=subscription,
                        message=said,
                        received_ns=received_ns,
                    )
                )
        return events or (Refused(venue=VENUE, message=said, received_ns=received_ns),)

    def _refused_topics(self, message: native.Envelope) -> Sequence[str]:
        """The one the text names, else all that its request still waits for."""
        named = _NAMED.search(message.msg)
        if named is not None:
            topic = f"{named[1]} {named[2]}"
            return (topic,) if self._streams.settled("subscribe", topic) is not None else ()
        number = message.id
        if not (number.isascii() and number.isdecimal()) or len(number) > 15:
            return ()
        ask = self._streams.answered(int(number))
        return () if ask is None else ask.topics

    # Bookkeeping

    def _settle(self, topic: str, received_ns: int) -> Sequence[Event]:
        """Data answer a request as well as an acknowledgement does."""
        ask = self._streams.settled("subscribe", topic)
        if ask is None or ask.quiet:
            return ()
        subscription = self._streams.by_topic[topic]
        return (Subscribed(venue=VENUE, subscription=subscription, received_ns=received_ns),)

    def _begin_all(self, subscriptions: Iterable[Subscription]) -> None:
        """Carry streams whose unit is known, and queue the requests for them."""
        args: list[native.Arg] = []
        for subscription in subscriptions:
            arg = topics.arg_of(subscription)
            if self._begin(arg, subscription):
                args.append(arg)
        self._ask(args, quiet=False)

    def _begin(self, arg: native.Arg, subscription: Subscription) -> bool:
        topic = topics.topic(arg)
        if not self._streams.begin(topic, subscription):
            return False
        prefix = topics.prefix(arg)
        reader = self._reader(arg.channel, topic, subscription)
        self._by_topic[topic] = prefix, reader
        self._by_prefix[prefix] = reader
        return True

    def _reader(self, channel: str, topic: str, subscription: Subscription) -> StreamReader:
        settle = partial(self._settle, topic)
        if subscription.symbol is None:
            return readers.InstrumentReader(subscription, settle, self._sizes.learn)
        size = self._sizes.of(subscription.symbol)
        assert size is not None, subscription
        match subscription.channel:
            case Channel.BOOK:
                if channel in topics.CHAINED:
                    return ChainedBook(subscription, self.sequence, settle, size)
                return WholeBook(subscription, settle, size)
            case Channel.TRADE:
                accepted_ns = partial(self._accepted_ns.pop, topic, None)
                return readers.trades(subscription, size, settle, accepted_ns)
            case Channel.TICKER:
                return readers.tickers(subscription, size, settle)
            case kind:
                assert kind is Channel.CANDLE, kind
                return readers.candles(subscription, size, settle)

    def _end(self, topic: str) -> Subscription | None:
        prefix, _ = self._by_topic.pop(topic, (b"", None))
        self._by_prefix.pop(prefix, None)
        self._accepted_ns.pop(topic, None)
        return self._streams.end(topic)

    def _unsized(self, arg: native.Arg) -> Symbol | None:
        """The market of a stream if it is a contract whose size is not known."""
        if not topics.is_known(arg.channel):
            return None
        symbol = self._sizes.by_name(arg.instId).symbol
        return symbol if symbol.counts_contracts else None

    def _adopt(self, arg: native.Arg, received_ns: int) -> Sequence[Event]:
        """Carry what another asked for, unless it tells the same as a stream that is carried.

        Of two books of one market the deeper one is carried: events do not tell them apart.
        Returns the notice that a market is counted in contracts, as its size is not known.
        """
        if topics.topic(arg) in self._streams.by_topic:
            return ()
        if arg.channel == topics.INSTRUMENTS:
            self._begin(arg, Subscription(Channel.INSTRUMENT))
            return ()
        if not topics.is_known(arg.channel):
            return ()
        symbol = self._sizes.by_name(arg.instId).symbol
        subscription = topics.heard(arg.channel, symbol)
        rival = self._rival(subscription)
        if rival is not None:
            known = self._streams.by_topic[rival]
            if (subscription.depth or 0) <= (known.depth or 0):
                return ()
            self._end(rival)
        self._begin(arg, subscription)
        if not symbol.counts_contracts:
            return ()
        message = f"{arg.instId} is counted in contracts, as {symbol}: no list says their size"
        return (VenueNotice(venue=VENUE, message=message, received_ns=received_ns),)

    def _check_rivals(self, subscription: Subscription) -> None:
        """Raise LocalProtocolError where data could not be told apart from another stream's."""
        arg = topics.arg_of(subscription)
        rival = self._rival(subscription)
        known = [] if rival is None else [self._streams.by_topic[rival]]
        for other in (*known, *self._sizes.waiting):
            is_alike = _is_alike(other, subscription) or topics.arg_of(other) == arg
            if is_alike and other != subscription:
                raise LocalProtocolError(
                    f"'{subscription}' cannot be told apart from '{other}' on one link"
                )

    def _rival(self, wanted: Subscription) -> str | None:
        """The topic of a stream whose events cannot be told from those of this one."""
        for topic, known in self._streams.by_topic.items():
            if _is_alike(known, wanted):
                return topic
        return None

    def _ask(self, args: list[native.Arg], *, quiet: bool) -> None:
        for group in _groups(args):
            named = [topics.topic(arg) for arg in group]
            ask = self._streams.ask("subscribe", named, quiet=quiet)
            self._send("subscribe", ask.number, group)

    def _send(self, op: str, number: int, args: Sequence[native.Arg]) -> None:
        request = native.Request(str(number), op, tuple(args))
        self.outbox.append(Send(native.encode(request)))


def _is_alike(one: Subscription, other: Subscription) -> bool:
    """Whether events do not say of which of the two they are."""
    return (one.channel, one.symbol, one.interval_s) == (
        other.channel,
        other.symbol,
        other.interval_s,
    )


def _refusal(subscription: Subscription, reason: str, received_ns: int) -> Refused:
    return Refused(venue=VENUE, subscription=subscription, message=reason, received_ns=received_ns)


def _groups(args: Sequence[native.Arg]) -> Sequence[Sequence[native.Arg]]:
    return [args[at : at + _ARGS_MAX] for at in range(0, len(args), _ARGS_MAX)]
