"""One link's conversation with Gemini's market data v2.

One stream, `l2`, brings a market's book and its trades, so a book and trades of the same market
share it: the one that is requested second makes the stream begin anew, and it ends with the last of
them. A message with the members `trades` or `auction_events` is the whole book; those without are
changes. A second whole book replaces the first one. Nothing is numbered, so no book can be proved:
a lost change leaves no sign.

The venue acknowledges nothing: a stream's first data are the answer to its request, and a refusal
names neither request nor symbol (https://developer.gemini.com/websocket/archived/v2). So the next
request waits until every stream of the one before has answered; a refusal can only be of that one.
Of a request for several streams the venue may pass over the bad ones: those that have not answered
after two heartbeats, or whose request was refused, are requested each alone.
"""

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress

from msgspec import Raw

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, Event, Refused, Subscription, Unsubscribed
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookUpdate
from fluxum.venues.book_scan import book_scan
from fluxum.venues.conversation import UnreadableStream
from fluxum.venues.followed import FollowedRequests
from fluxum.venues.gemini.instruments import instrument_list
from fluxum.venues.gemini.symbols import upper
from fluxum.venues.gemini.v2 import native
from fluxum.venues.gemini.v2.candles import CandleReader
from fluxum.venues.gemini.v2.l2 import L2Reader, Market
from fluxum.venues.gemini.v2.normalize import VENUE
from fluxum.venues.gemini.v2.topics import (
    CANDLE_KINDS,
    CHANNELS,
    L2,
    L2_PARTS,
    parse_topic,
    stream_of,
    topic_of,
    write_request,
)
from fluxum.venues.gemini.v2.trades import TRADES
from fluxum.venues.gemini.v2.updates import BOOKS
from fluxum.venues.members import Members
from fluxum.venues.queries import UNDECODABLE
from fluxum.venues.rows import sides
from fluxum.venues.subscriptions import Request, RequestLimits, Subscriptions
from fluxum.venues.trade_scan import trade_scan
from fluxum.venues.venue import Effect, Send, SequenceCounts

__all__ = ["GeminiV2Protocol"]

# Auctions' prices are no orders of a book, and what they traded comes as trades.
_PASSED_OVER = frozenset({"auction_open", "auction_indicative", "auction_result"})
_LIMITS = RequestLimits(topics=10_000, in_flight=1)  # the first is not documented
_HEARTBEATS_MAX = 2
_BOTH_ORDERS = (b'{"type":"l2_updates"', b'"type":"l2_updates"}')


class GeminiV2Protocol:
    """Market data v2; see VenueProtocol for what each call promises.

    A stream on the wire is a name and a market, `l2 BTCUSD`, and may serve several subscriptions;
    the topic of each of these has its channel before it, `trade l2 BTCUSD`.
    """

    def __init__(self) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()  # stays as it is: nothing is numbered
        self._served: dict[str, list[Subscription]] = {}  # by the stream on the wire
        self._alone: set[str] = set()  # streams that are requested without others
        self._subscriptions = Subscriptions(
            VENUE,
            self.outbox,
            _LIMITS,
            self._write,
            opened=self._opened,
            closed=self._closed,
            group=lambda topic, _: topic if topic in self._alone else None,
            extra=self._served,
        )
        self._followed = FollowedRequests(self._subscriptions)
        self._markets: dict[str, Market] = {}  # by the venue's name
        self._begun: dict[str, Symbol] = {}  # those whose book is held, by the same
        self.scan_books = book_scan(BOOKS, self._begun)
        self._trade_symbols: dict[str, Symbol] = {}  # those whose trades are subscribed to
        self.scan_trades = trade_scan(TRADES, self._trade_symbols)
        self._reader = L2Reader()
        self._candles = CandleReader()
        self._list = instrument_list(VENUE, upper, self.outbox, lambda: self._markets)
        self.receive_response = self._list.answered
        self.receive_refusal = self._list.refused
        self._ended: list[Subscription] = []
        self._heartbeats = 0

    # Requests

    def follow_passively(self, depth: int | None = None) -> None:  # noqa: ARG002 - books are whole here
        """Accept data that another client requested, and the list of markets on its tape."""
        self._subscriptions.is_passive = self._reader.is_tape = True
        self._list.open(Subscription(Channel.INSTRUMENT))
        self.scan_books = self._followed.settling(self.scan_books)
        self.scan_trades = self._followed.settling(self.scan_trades)

    def follow_request(self, frame: bytes) -> None:
        """Learn from another client's request."""
        try:
            request = native.decode_request(frame)
        except UNDECODABLE:
            return
        for stream in request.subscriptions:
            for market in stream.symbols:
                for channel in CHANNELS.get(stream.name, ()):
                    topic = f"{channel.value} {stream.name} {market}"
                    self._followed.request(request.type, [topic])
                    if request.type == "subscribe":
                        with suppress(RemoteProtocolError):
                            self._subscriptions.track(topic, parse_topic)

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue a request for all streams; one that brings more already begins anew."""
        fresh: dict[str, None] = {}
        shared: dict[str, None] = {}
        for one in wanted:
            if one.channel is Channel.INSTRUMENT:
                self._list.open(one)
                continue
            stream = stream_of(one)
            is_shared = stream in self._served and stream not in fresh
            if self._subscriptions.open(topic_of(one), one):
                self._await(one)
                (shared if is_shared else fresh)[stream] = None
        self._request(fresh)
        self._request(shared, again=True)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue a request that ends the streams that serve no subscription any more."""
        ended: list[str] = []
        for one in unwanted:
            topic = self._subscriptions.topic(one)
            if one.channel is Channel.INSTRUMENT and self._list.close():
                self._ended.append(one)
            elif topic is not None:
                self._subscriptions.close(topic)
                self._ended.append(one)
                if stream_of(one) not in self._served:
                    ended.append(stream_of(one))
        if ended:
            self.outbox.append(write_request("unsubscribe", ended))
        for stream in ended:  # the venue does not answer
            self._subscriptions.drop(stream)

    def resync(self, subscription: Subscription) -> None:
        """Queue an end and a new beginning of one stream, unless its answer is due already."""
        if subscription.channel is Channel.INSTRUMENT:
            self._list.request()
        elif self._subscriptions.topic(subscription) is not None:
            self._request([stream_of(subscription)], again=True)

    def ping(self) -> None:
        """Queue nothing: the venue's heartbeat comes every five seconds in any case."""

    def unanswered(self) -> Collection[Subscription]:
        """The subscriptions of the streams that were requested and have not answered yet.

        A request that waits for the answer to another one is not sent, so its time begins later.
        """
        requests = self._subscriptions.requests()
        return [
            one
            for request in requests
            for stream in request.pending
            for one in self._serves(stream)
        ]

    def _request(self, streams: Iterable[str], *, again: bool = False) -> None:
        """Request streams whose answer is not due; `again` ends them first."""
        fresh = [one for one in streams if not self._subscriptions.is_unacknowledged(one)]
        self._subscriptions.request("subscribe", fresh, is_internal=again)

    def _write(self, request: Request) -> Send:
        if request.is_internal:
            self.outbox.append(write_request("unsubscribe", request.topics))
        return write_request("subscribe", request.topics)

    # Frames

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The events of a frame; raises RemoteProtocolError for one that makes no sense."""
        if self._followed.has_ends:
            self._followed.end_unanswered()
        first, last = _BOTH_ORDERS
        name = ""
        try:
            if frame.startswith(first) or frame.endswith(last):
                return self._l2(native.decode_l2(frame), received_ns)
            kind = native.decode_kind(frame)
            name = kind.type
            match name:
                case "l2_updates":
                    return self._l2(native.decode_l2(frame), received_ns)
                case "trade":
                    return self._trade(native.decode_trade(frame), received_ns)
                case "heartbeat":
                    return self._heartbeat(received_ns)
                case "" if kind.result == "error":
                    return self._refused(kind.reason, received_ns)
                case _ if name in CANDLE_KINDS:
                    wire = native.decode_candles(frame)
                    return self._candle(CANDLE_KINDS[name], wire.symbol, wire.changes, received_ns)
                case _ if name in _PASSED_OVER:
                    return ()
                case "":
                    raise RemoteProtocolError(
                        f"a message of this feed was expected: {frame[:80]!r}"
                    )
                case _:
                    pass
        except UNDECODABLE as error:
            return self._read_loosely(frame, name, received_ns, str(error))
        raise UnreadableStream(f"a message of this feed was expected, was {name[:40]!r}", ())

    def _read_loosely(
        self, frame: bytes, kind: str, received_ns: int, reason: str
    ) -> Sequence[Event]:
        """What can be read of a frame of a known kind, row by row.

        Raises UnreadableStream where that is nothing, naming the streams it may be of.
        """
        kind = kind or native.kind_of(frame)
        if not kind:
            raise RemoteProtocolError(reason)
        name = CANDLE_KINDS.get(kind, L2)
        try:
            loose = Members(frame)
            symbol = loose.text("symbol")
        except UNDECODABLE:
            raise UnreadableStream(reason, self._of_name(name)) from None
        stream = f"{name} {symbol}"
        streams = self._serves(stream)
        if kind == "trade":
            streams = [one for one in streams if one.channel is Channel.TRADE]
            raise UnreadableStream(reason, tuple(streams))
        is_whole = not {"trades", "auction_events"}.isdisjoint(loose.names)
        try:
            rows = loose.rows("changes")
            trades = loose.rows("trades") if "trades" in loose.names else []
        except UNDECODABLE:
            if name != L2 or is_whole:
                self._acknowledge(stream)
            raise UnreadableStream(reason, tuple(streams)) from None
        if name != L2:
            return self._candle(name, symbol, rows, received_ns)
        return self._l2_rows(symbol, rows, trades if is_whole else None, received_ns)

    def _of_name(self, name: str) -> tuple[Subscription, ...]:
        """The subscriptions of all streams of one name."""
        found = [one for key, one in self._served.items() if key.startswith(f"{name} ")]
        return tuple(one for streams in found for one in streams)

    def _l2(self, wire: native.L2Updates, received_ns: int) -> Sequence[Event]:
        market = self._markets.get(wire.symbol)
        is_whole = wire.trades is not None or wire.auction_events is not None
        if market is not None and market.holds_book and not is_whole:
            try:
                bids, asks = sides(wire.changes, "buy")
            except RemoteProtocolError:
                pass  # row by row
            else:
                return (BookUpdate(VENUE, market.symbol, bids, asks, None, received_ns),)
        trades = wire.trades or () if is_whole else None
        return self._l2_rows(wire.symbol, wire.changes, trades, received_ns)

    def _l2_rows(
        self,
        name: str,
        rows: Sequence[native.Change | Raw],
        trades: Sequence[native.Trade | Raw] | None,
        received_ns: int,
    ) -> Sequence[Event]:
        market = self._market(name)
        if market is None:
            return ()
        if trades is not None:
            self._acknowledge(f"{L2} {name}")
        events = self._reader.read(market, rows, trades, received_ns)
        if market.holds_book:
            self._begun[name] = market.symbol
        return events

    def _trade(self, wire: native.Trade, received_ns: int) -> Sequence[Event]:
        market = self._market(wire.symbol)
        return () if market is None else self._reader.trade(market, wire, received_ns)

    def _candle(
        self,
        name: str,
        market: str,
        rows: Sequence[native.CandleRow | Raw],
        received_ns: int,
    ) -> Sequence[Event]:
        stream = f"{name} {market}"
        topic = f"{Channel.CANDLE.value} {stream}"
        subscription = self._subscriptions.owner(topic, parse_topic)
        if subscription is None:
            return ()
        is_answer = self._acknowledge(stream)
        return self._candles.read(subscription, rows, received_ns, is_answer=is_answer).finish()

    def _heartbeat(self, received_ns: int) -> Sequence[Event]:
        """Five seconds have passed: what was to end has ended, as the venue gives no other sign."""
        for request in self._subscriptions.requests():
            request.pings += 1
            if request.pings == _HEARTBEATS_MAX and len(request.topics) > 1:
                self._request_alone(request)
        self._heartbeats += 1
        if self._heartbeats % _HEARTBEATS_MAX == 0:
            self._list.pinged()
        ended, self._ended = self._ended, []
        return [
            Unsubscribed(venue=VENUE, subscription=one, received_ns=received_ns) for one in ended
        ]

    def _refused(self, reason: str, received_ns: int) -> Sequence[Event]:
        """A refusal names nothing: it is about the one request that was sent."""
        requests = self._subscriptions.requests()
        if not requests:
            return (Refused(venue=VENUE, message=reason, received_ns=received_ns),)
        streams = list(requests[0].pending)
        if len(streams) > 1:
            self._request_alone(requests[0])
            return ()
        gone = list(self._serves(streams[0]))
        for one in gone:
            self._subscriptions.close(topic_of(one))
        self._subscriptions.drop(streams[0])
        return [
            Refused(venue=VENUE, subscription=one, message=reason, received_ns=received_ns)
            for one in gone
        ]

    def _request_alone(self, request: Request) -> None:
        """Request each stream that has not answered by itself; one at a time as ever."""
        self._alone.update(request.pending)
        self._subscriptions.repeat(request)

    def _acknowledge(self, stream: str) -> bool:
        """Data that answer a request came; return whether one was due."""
        if not self._subscriptions.is_unacknowledged(stream):
            return False
        self._alone.discard(stream)
        self._subscriptions.drop(stream)
        return True

    # Active streams

    def _opened(self, _topic: str, subscription: Subscription) -> None:
        self._served.setdefault(stream_of(subscription), []).append(subscription)
        symbol = subscription.symbol
        if symbol is None or subscription.channel not in L2_PARTS:
            return
        name = upper(symbol)
        market = self._markets.setdefault(name, Market(symbol))
        if subscription.channel is Channel.BOOK:
            market.book = subscription
        else:
            market.trades = subscription
            self._trade_symbols[name] = symbol

    def _closed(self, _topic: str, subscription: Subscription) -> None:
        self._candles.forget(subscription)
        self._reader.early.forget(subscription)
        stream = stream_of(subscription)
        name = stream.partition(" ")[2]
        if subscription.channel is Channel.BOOK:
            self._begun.pop(name, None)
        elif subscription.channel is Channel.TRADE:
            self._trade_symbols.pop(name, None)
        served = [one for one in self._served[stream] if one != subscription]
        if served:
            self._served[stream] = served
            self._markets[name].leave(subscription)
        else:
            del self._served[stream]
            if subscription.channel in L2_PARTS:
                del self._markets[name]

    def _await(self, subscription: Subscription) -> None:
        """Remember to publish that it was accepted."""
        if subscription.channel is Channel.CANDLE:
            self._candles.wait(subscription)
        else:
            self._markets[stream_of(subscription).partition(" ")[2]].awaiting.append(subscription)

    def _market(self, name: str) -> Market | None:
        """The market of an `l2` stream; None if its data are late."""
        market = self._markets.get(name)
        if market is not None:
            return market
        topics = [f"{part.value} {L2} {name}" for part in L2_PARTS]
        if any(map(self._subscriptions.is_closed, topics)):
            return None
        for topic in topics:
            self._subscriptions.owner(topic, parse_topic)
        return self._markets[name]

    def _serves(self, stream: str) -> Sequence[Subscription]:
        """The subscriptions that a stream on the wire serves."""
        return self._served.get(stream, ())
