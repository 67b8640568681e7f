"""One link's conversation with OKX: requests, their answers, data, and new snapshots.

Each argument of a request is answered by itself, with the request's `id`; one that is refused
takes no other with it, but its refusal names it in the text only
(https://www.okx.com/docs-v5/en/#overview-websocket-subscribe). Data answer a request as well as
an acknowledgement does. Data of a stream we ended are late and passed over; data of one we never
asked for are the venue's fault.

All data of a stream begin with the same bytes, its `arg` as it was asked for; so most frames find
who understands them before they are read. One that is spelled otherwise is read twice.
"""

import re
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial

from msgspec import MsgspecError

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
from fluxum.venues.okx import native, normalize, topics
from fluxum.venues.okx.books import ChainedBook, WholeBook
from fluxum.venues.okx.listing import InstrumentLists, instruments
from fluxum.venues.okx.normalize import VENUE
from fluxum.venues.okx.topics import INSTRUMENTS
from fluxum.venues.streams import Streams
from fluxum.venues.venue import Effect, Fetch, Handover, Send, SequenceCounts

__all__ = ["OkxProtocol"]

Hear = Callable[[bytes, int], Sequence[Event]]

_PING = b"ping"
_PONG = b"pong"
# Arguments of one request: they may have 64 KB, and the longest are below 100 bytes.
_ARGS_MAX = 400
_UPGRADE = "64008"
# Asking again later can help, so what was asked stays open: the link is replaced if it stays so.
_PASSING = frozenset({"60014", "60023", "63999", "64007"})
_IGNORED = frozenset({"login", "channel-conn-count"})
_NAMED = re.compile(r"channel:\s*([^\s,]+),\s*instId:\s*([^\s,]+) doesn't exist")
_UNREADABLE = (MsgspecError, UnicodeDecodeError, RecursionError)


class OkxProtocol:
    """OKX v5 public data; see VenueProtocol for what each call promises."""

    def __init__(self) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()
        self._streams = Streams()
        self._by_prefix: dict[bytes, Hear] = {}
        self._by_topic: dict[str, tuple[bytes, Hear]] = {}
        self._ending: dict[str, Subscription] = {}
        self._accepted_ns: dict[str, int] = {}  # of trades, until the first
        self._lists = InstrumentLists(self._streams, self.outbox)
        self._is_overhearing = False

    # What we say

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue requests for streams, as few as can say it; the list of instruments is fetched."""
        args: list[native.Arg] = []
        for subscription in wanted:
            if subscription.channel is Channel.INSTRUMENT:
                self._lists.begin(subscription)
                continue
            arg = topics.arg_of(subscription)
            rival = self._rival(subscription)
            if rival is not None and rival != topics.topic(arg):
                known = self._streams.by_topic[rival]
                raise LocalProtocolError(
                    f"'{subscription}' cannot be told apart from '{known}' on one link"
                )
            if self._begin(arg, subscription):
                args.append(arg)
        self._ask(args, quiet=False)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue requests that end streams."""
        args: list[native.Arg] = []
        for subscription in unwanted:
            topic = self._streams.topic(subscription)
            if topic == INSTRUMENTS:
                self._streams.end(INSTRUMENTS)
            elif topic is not None:
                arg = topics.arg_of(subscription)
                self._end(topic)
                self._ending[topic] = subscription
                args.append(arg)
        for group in _groups(args):
            self._send("unsubscribe", self._streams.next_number(), group)

    def resync(self, subscription: Subscription) -> None:
        """Queue an end and a new beginning of one stream: OKX answers with a snapshot."""
        topic = self._streams.topic(subscription)
        if topic == INSTRUMENTS:
            self._lists.ask()
        elif topic is not None and subscription not in self._streams.unanswered():
            arg = topics.arg_of(subscription)
            self._send("unsubscribe", self._streams.next_number(), [arg])
            self._ask([arg], quiet=True)

    def ping(self) -> None:
        """Queue the text `ping`, which is answered by the text `pong`."""
        self.outbox.append(Send(_PING))

    def unanswered(self) -> Collection[Subscription]:
        """The subscriptions of every request still without an answer."""
        return self._streams.unanswered()

    def overhear(self, depth: int | None = None) -> None:  # noqa: ARG002 - channels name theirs
        """Accept answers to another's questions."""
        self._is_overhearing = True

    def overhear_request(self, frame: bytes) -> None:
        """Learn from another client's subscribe what its link carries."""
        try:
            request = native.decode_request(frame)
        except _UNREADABLE:
            return
        if request.op == "subscribe":
            for arg in request.args:
                try:
                    self._adopt(arg)
                except RemoteProtocolError:
                    continue

    # What we hear

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """What a frame says; raises RemoteProtocolError when it makes no sense."""
        hear = self._by_prefix.get(frame[: frame.find(b"}")])
        if hear is not None:
            try:
                return hear(frame, received_ns)
            except _UNREADABLE:
                pass  # not data after all, or nothing that makes sense
        if frame == _PONG:
            return ()
        try:
            return self._receive_slowly(frame, received_ns)
        except _UNREADABLE as error:
            raise RemoteProtocolError(str(error)) from error

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        """One of the lists of instruments; raises RemoteProtocolError when it makes no sense."""
        return self._lists.answered(fetch, body, received_ns)

    def receive_refusal(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:
        """The venue does not give one of its lists."""
        return self._lists.refused(fetch, reason, received_ns)

    def _receive_slowly(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        message = native.decode_envelope(frame)
        arg = message.arg
        if message.event is not None:
            return self._answer(message.event, message, received_ns)
        if arg is None or not bytes(message.data):
            if message.op is not None:
                return ()  # the answer to an order, on another's tape
            raise RemoteProtocolError("neither an answer nor data")
        topic = topics.topic(arg)
        if topic not in self._by_topic:
            if self._streams.is_ended(topic):
                return ()
            if not self._is_overhearing:
                raise RemoteProtocolError(f"data that nobody asked for, was of {topic[:80]!r}")
            self._adopt(arg)
            if topic not in self._by_topic:
                return ()
        _, hear = self._by_topic[topic]
        return hear(frame, received_ns)

    def _trades(
        self, topic: str, subscription: Subscription, frame: bytes, received_ns: int
    ) -> Sequence[Event]:
        data = native.decode_trades(frame).data
        symbol = subscription.symbol
        assert symbol is not None, subscription
        # The first message after the acknowledgement repeats the last trade, however old it is.
        accepted_ns = self._accepted_ns.get(topic)
        trades = [normalize.trade(wire, symbol, accepted_ns, received_ns) for wire in data]
        self._accepted_ns.pop(topic, None)
        return [*self._settle(topic, received_ns), *trades]

    def _tickers(
        self, topic: str, subscription: Subscription, frame: bytes, received_ns: int
    ) -> Sequence[Event]:
        data = native.decode_tickers(frame).data
        symbol = subscription.symbol
        assert symbol is not None, subscription
        tickers = [normalize.ticker(wire, symbol, received_ns) for wire in data]
        return [*self._settle(topic, received_ns), *tickers]

    def _candles(
        self, topic: str, subscription: Subscription, frame: bytes, received_ns: int
    ) -> Sequence[Event]:
        data = native.decode_candles(frame).data
        symbol, interval_s = subscription.symbol, subscription.interval_s
        assert symbol is not None, subscription
        assert interval_s is not None, subscription
        candles = [normalize.candle(wire, symbol, interval_s, received_ns) for wire in data]
        return [*self._settle(topic, received_ns), *candles]

    @staticmethod
    def _instruments(frame: bytes, received_ns: int) -> Sequence[Event]:
        return instruments(native.decode_instruments(frame).data, received_ns)

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
        if self._is_overhearing and ask is None:
            self._adopt(arg)
        subscription = self._streams.by_topic.get(topic)
        if subscription is None or (ask is None and not self._is_overhearing):
            return ()
        if subscription.channel is Channel.TRADE:
            self._accepted_ns[topic] = received_ns
        if ask is not None and ask.quiet:
            return ()
        return (Subscribed(venue=VENUE, subscription=subscription, received_ns=received_ns),)

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

    def _begin(self, arg: native.Arg, subscription: Subscription) -> bool:
        topic = topics.topic(arg)
        if not self._streams.begin(topic, subscription):
            return False
        prefix = topics.prefix(arg)
        hear = self._hearer(arg.channel, topic, subscription)
        self._by_topic[topic] = prefix, hear
        self._by_prefix[prefix] = hear
        return True

    def _hearer(self, name: str, topic: str, subscription: Subscription) -> Hear:
        match subscription.channel:
            case Channel.BOOK:
                settle = partial(self._settle, topic)
                if name in topics.CHAINED:
                    counts = self.sequence
                    return ChainedBook(subscription, counts, settle).hear
                return WholeBook(subscription, settle).hear
            case Channel.TRADE:
                return partial(self._trades, topic, subscription)
            case Channel.TICKER:
                return partial(self._tickers, topic, subscription)
            case Channel.CANDLE:
                return partial(self._candles, topic, subscription)
            case channel:
                assert channel is Channel.INSTRUMENT, channel
                return self._instruments

    def _end(self, topic: str) -> Subscription | None:
        prefix, _ = self._by_topic.pop(topic, (b"", None))
        self._by_prefix.pop(prefix, None)
        self._accepted_ns.pop(topic, None)
        return self._streams.end(topic)

    def _adopt(self, arg: native.Arg) -> None:
        """Carry what another asked for, unless it tells the same as a stream that is carried.

        Of two books of one market the deeper one is carried: events do not tell them apart.
        """
        topic = topics.topic(arg)
        subscription = topics.heard(arg)
        if subscription is None or topic in self._streams.by_topic:
            return
        rival = self._rival(subscription)
        if rival is not None:
            known = self._streams.by_topic[rival]
            if (subscription.depth or 0) <= (known.depth or 0):
                return
            self._end(rival)
        self._begin(arg, subscription)

    def _rival(self, wanted: Subscription) -> str | None:
        """The topic of a stream whose events cannot be told from those of this one."""
        for topic, known in self._streams.by_topic.items():
            if (known.channel, known.symbol, known.interval_s) == (
                wanted.channel,
                wanted.symbol,
                wanted.interval_s,
            ):
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


def _groups(args: Sequence[native.Arg]) -> Sequence[Sequence[native.Arg]]:
    return [args[at : at + _ARGS_MAX] for at in range(0, len(args), _ARGS_MAX)]
