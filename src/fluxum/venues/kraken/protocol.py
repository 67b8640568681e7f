"""One link's conversation with Kraken: requests, their answers, data, and new snapshots.

A subscribe is answered once for each symbol, in any order, each succeeding or failing by itself;
an answer that names no symbol is about all that are left
(https://docs.kraken.com/api/docs/guides/spot-ws-intro). A snapshot acknowledges its stream too, as
the answer may be lost. Data of a stream that has ended are late and passed over; data of one that
was never requested harm no other. Frames are read whole; one that cannot be is read row by row
(see `loose`).
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

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
from fluxum.model.instrument import Symbol
from fluxum.model.market import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Level3Snapshot,
    Level3Update,
)
from fluxum.venues.book_scan import book_scan
from fluxum.venues.candle_runs import CandleRuns
from fluxum.venues.conversation import UNREADABLE, UnreadableStream, VenueTime
from fluxum.venues.followed import FollowedRequests, NumberedRequests
from fluxum.venues.kraken import native, normalize, topics
from fluxum.venues.kraken.books import BOOKS
from fluxum.venues.kraken.loose import LooseReader
from fluxum.venues.kraken.normalize import VENUE, Numbers
from fluxum.venues.kraken.trades import TRADES
from fluxum.venues.reading import Reading
from fluxum.venues.rows import read_rows
from fluxum.venues.subscriptions import Subscriptions
from fluxum.venues.trade_scan import trade_scan
from fluxum.venues.venue import Effect, Fetch, Send, SequenceCounts

__all__ = ["KrakenProtocol"]

_NO_REASON = "refused without a reason"


class KrakenProtocol:
    """Kraken v2 public data; see VenueProtocol for what each call promises."""

    def __init__(self) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()
        self.venue_time: VenueTime | None = None
        self._subscriptions = Subscriptions(
            VENUE,
            self.outbox,
            topics.LIMITS,
            topics.write,
            opened=self._opened,
            closed=self._closed,
            group=topics.group,
        )
        self._by_topic = self._subscriptions.by_topic
        self.unanswered = self._subscriptions.unanswered
        self._trade_symbols: dict[str, Symbol] = {}  # of active subscriptions, as on the wire
        self._book_symbols: dict[str, Symbol] = {}  # the same
        self._symbols_of = {
            Channel.TRADE: self._trade_symbols,
            Channel.BOOK: self._book_symbols,
        }
        self.scan_books = book_scan(BOOKS, self._book_symbols)
        self.scan_trades = trade_scan(TRADES, self._trade_symbols)
        self._loose = LooseReader(self._by_topic, self._owner)
        self._candles = CandleRuns(kept=1000)
        self._numbers = Numbers()
        self._status = ""
        self._passive_depth: int | None = None
        self._followed = FollowedRequests(self._subscriptions)
        self._followed_params = NumberedRequests[native.Params]()
        self._handlers: dict[type, Callable[[Any, int], Sequence[Event]]] = {
            native.BookFrame: self._book,
            native.Heartbeat: self._heartbeat,
            native.TradeFrame: self._trade,
            native.TickerFrame: self._ticker,
            native.OhlcFrame: self._ohlc,
            native.Level3Frame: self._level3,
            native.InstrumentFrame: self._instrument,
            native.StatusFrame: self._venue_status,
        }

    # Requests

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue requests for streams, as few as the venue allows."""
        self._subscriptions.subscribe((topics.topic_of(one), one) for one in wanted)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue requests that end streams."""
        self._subscriptions.unsubscribe(unwanted)

    def resync(self, subscription: Subscription) -> None:
        """Queue an end and a new beginning of one stream: Kraken answers with a snapshot."""
        topic = self._subscriptions.topic(subscription)
        if topic is not None:
            self._subscriptions.resubscribe(topic)

    def ping(self) -> None:
        """Queue a ping; its pong needs no token and works on every host."""
        number = self._subscriptions.next_number()
        self.outbox.append(Send(native.encode(native.Request("ping", None, number))))
        self._subscriptions.pinged()

    def follow_passively(self, depth: int | None = None) -> None:
        """Accept answers to another's requests; books of unknown depth have this one, or 10."""
        self._subscriptions.is_passive = True
        self._passive_depth = depth or 10

    def follow_request(self, frame: bytes) -> None:
        """Learn depths and intervals from another client's subscribe."""
        try:
            request = native.decode_request(frame)
            params = request.params
            if params is None or request.method not in {"subscribe", "unsubscribe"}:
                return
            if request.req_id is not None:
                self._followed_params.keep(request.req_id, params)
            for text in params.symbol or (None,):
                subscription = topics.subscription_of(params, text)
                if subscription is None:
                    continue
                self._followed.request(request.method, [topics.topic_of(subscription)])
                if request.method == "subscribe":
                    self._follow(subscription)
        except UNREADABLE:
            return

    # Frames

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The events of a frame; raises RemoteProtocolError when it makes no sense."""
        if self.scan_books is not None:
            updates = self.scan_books([frame], 0, received_ns)
            if updates is not None:
                return updates
        try:
            message = native.decode_frame(frame)
        except UNREADABLE as error:
            return self._receive_other(frame, received_ns, str(error))
        try:
            return self._handlers[type(message)](message, received_ns)
        except RemoteProtocolError as error:
            return self._receive_loosely(frame, received_ns, str(error))

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:  # noqa: ARG002
        """Kraken's market data needs no REST call, so none was queued."""
        raise LocalProtocolError(f"no call was queued, was {fetch.path!r}")

    def receive_refusal(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:  # noqa: ARG002
        """No call was queued."""
        raise LocalProtocolError(f"no call was queued, was {fetch.path!r}")

    def _receive_other(self, frame: bytes, received_ns: int, reason: str) -> Sequence[Event]:
        """An answer has a method and no tag; all else is an odd frame, or a complaint."""
        try:
            response = native.decode_response(frame)
        except UNREADABLE:
            pass
        else:
            return self._answer(response, received_ns)
        try:
            error = native.decode_rate_error(frame).error
        except UNREADABLE:
            return self._receive_loosely(frame, received_ns, reason)
        return (VenueNotice(venue=VENUE, message=error, received_ns=received_ns),)

    def _receive_loosely(self, frame: bytes, received_ns: int, reason: str) -> Sequence[Event]:
        """Handle the readable part of a frame as if it were all of it."""
        reading = Reading(VENUE, received_ns)
        rest = self._loose.read(frame, reason, reading)
        try:
            reading.events += self._handlers[type(rest)](rest, received_ns)
        except RemoteProtocolError as error:  # data that were not requested
            raise UnreadableStream(str(error), ()) from error
        return reading.finish()

    # Data

    def _book(self, frame: native.BookFrame, received_ns: int) -> Sequence[Event]:
        data = frame.data[0]
        topic = "book " + data.symbol
        subscription = self._by_topic.get(topic) or self._owner(topic)
        if subscription is None:
            return ()
        symbol = subscription.symbol
        assert symbol is not None, subscription
        time = data.timestamp
        venue_ns = None if time is None else normalize.instant(time)
        levels = self._numbers.levels
        bids = levels(data.bids) if data.bids else ()  # most updates are of one side
        asks = levels(data.asks) if data.asks else ()
        if frame.type == "update":
            return (BookUpdate(VENUE, symbol, bids, asks, venue_ns, received_ns, data.checksum),)
        snapshot = BookSnapshot(
            venue=VENUE,
            symbol=symbol,
            bids=tuple(bids),
            asks=tuple(asks),
            depth=subscription.depth,
            venue_ns=venue_ns,
            received_ns=received_ns,
            checksum=data.checksum,
        )
        return [*self._subscriptions.data(topic, received_ns), snapshot]

    def _level3(self, frame: native.Level3Frame, received_ns: int) -> Sequence[Event]:
        data = frame.data[0]
        topic = "level3 " + data.symbol
        subscription = self._owner(topic)
        if subscription is None:
            return ()
        symbol = subscription.symbol
        assert symbol is not None, subscription
        venue_ns = normalize.instant(data.timestamp)
        if frame.type == "update":
            return (
                Level3Update(
                    venue=VENUE,
                    symbol=symbol,
                    bids=self._numbers.changes(data.bids),
                    asks=self._numbers.changes(data.asks),
                    venue_ns=venue_ns,
                    received_ns=received_ns,
                    checksum=data.checksum,
                ),
            )
        snapshot = Level3Snapshot(
            venue=VENUE,
            symbol=symbol,
            bids=self._numbers.orders(data.bids),
            asks=self._numbers.orders(data.asks),
            depth=subscription.depth,
            venue_ns=venue_ns,
            received_ns=received_ns,
            checksum=data.checksum,
        )
        return [*self._subscriptions.data(topic, received_ns), snapshot]

    def _trade(self, frame: native.TradeFrame, received_ns: int) -> Sequence[Event]:
        kind = frame.type
        symbols = self._trade_symbols
        events: list[Event] = []
        for row in frame.data:
            symbol = symbols.get(row.symbol) or self._symbol(f"trade {row.symbol}")
            if symbol is not None:
                events.append(normalize.trade(row, symbol, kind, received_ns))
        return self._with_acknowledged(kind, "trade", frame.data, events, received_ns)

    def _ticker(self, frame: native.TickerFrame, received_ns: int) -> Sequence[Event]:
        events: list[Event] = []
        for row in frame.data:
            symbol = self._symbol(f"ticker {row.symbol}")
            if symbol is not None:
                events.append(normalize.ticker(row, symbol, received_ns))
        return self._with_acknowledged(frame.type, "ticker", frame.data, events, received_ns)

    def _ohlc(self, frame: native.OhlcFrame, received_ns: int) -> Sequence[Event]:
        kind, venue_ns = frame.type, normalize.instant(frame.timestamp)
        by_topic: dict[str, list[Candle]] = {}
        for row in frame.data:
            topic = f"ohlc {row.symbol} {row.interval}"
            symbol = self._symbol(topic)
            if symbol is not None:
                candle = normalize.candle(row, symbol, kind, venue_ns, received_ns)
                by_topic.setdefault(topic, []).append(candle)
        events = self._acknowledged(kind, by_topic, received_ns)
        for topic, candles in by_topic.items():
            events += self._candles.take(topic, candles, is_history=kind == "snapshot")
        return events

    def _instrument(self, frame: native.InstrumentFrame, received_ns: int) -> Sequence[Event]:
        subscription = self._owner("instrument")
        if subscription is None:
            return ()
        rows = read_rows(
            frame.data.pairs,
            lambda raw: normalize.instrument(native.decode_pair(raw), received_ns),
        )
        events = self._acknowledged(frame.type, ("instrument",), received_ns)
        if rows.left_out is not None:
            events.append(rows.left_out.event(VENUE, subscription, received_ns))
        return [*events, *rows.items]

    def _heartbeat(self, frame: native.Heartbeat, _received_ns: int) -> Sequence[Event]:
        if frame.method is not None:
            raise RemoteProtocolError(f"a heartbeat has no method, was {frame.method!r}")
        return ()

    def _venue_status(self, frame: native.StatusFrame, received_ns: int) -> Sequence[Event]:
        data = frame.data[0]
        items = data.upcoming_maintenance
        planned = ", ".join(bytes(item).decode("utf-8", "replace") for item in items)
        status = f"{data.system} {planned}"
        if status == self._status:
            return ()  # repeated about every second by some hosts
        self._status = status
        return (normalize.status_notice(data.system, planned, received_ns),)

    def _with_acknowledged(
        self,
        kind: native.Kind,
        channel: str,
        rows: Iterable[native.Trade | native.Ticker],
        events: list[Event],
        received_ns: int,
    ) -> Sequence[Event]:
        """The events of rows, behind what the rows of a snapshot acknowledge."""
        if kind == "update":
            return events
        return (
            self._acknowledged(kind, (f"{channel} {row.symbol}" for row in rows), received_ns)
            + events
        )

    def _symbol(self, topic: str) -> Symbol | None:
        """The market of a topic; None for late data, of a stream that has ended."""
        subscription = self._by_topic.get(topic) or self._owner(topic)
        if subscription is None:
            return None
        symbol = subscription.symbol
        assert symbol is not None, subscription
        return symbol

    def _acknowledged(
        self, kind: native.Kind, named: Iterable[str], received_ns: int
    ) -> list[Event]:
        """What the rows of a snapshot acknowledge; those of an update may be older."""
        if kind == "update":
            return []
        data = self._subscriptions.data
        return [event for topic in dict.fromkeys(named) for event in data(topic, received_ns)]

    def _opened(self, _topic: str, subscription: Subscription) -> None:
        symbols = self._symbols_of.get(subscription.channel)
        if symbols is not None and subscription.symbol is not None:
            symbols[subscription.symbol] = subscription.symbol

    def _closed(self, topic: str, subscription: Subscription) -> None:
        self._candles.forget(topic)
        symbols = self._symbols_of.get(subscription.channel)
        if symbols is not None and subscription.symbol is not None:
            symbols.pop(subscription.symbol, None)

    def _owner(self, topic: str) -> Subscription | None:
        return self._subscriptions.owner(topic, self._parse)

    def _parse(self, topic: str) -> Subscription:
        return topics.parse_topic(topic, self._passive_depth)

    # Answers

    def _answer(self, response: native.Response, received_ns: int) -> Sequence[Event]:
        self.venue_time = normalize.venue_time(response.time_out, received_ns) or self.venue_time
        if response.method not in {"subscribe", "unsubscribe"}:
            return self._answer_to_other(response, received_ns)
        request = self._subscriptions.sent(response.req_id)
        is_success = response.success is True
        if request is None and is_success:
            return self._answer_to_another(response, received_ns)
        about = topics.topics_about(request, response)
        # What the venue does not end is gone either way.
        if is_success or (request is not None and request.op == "unsubscribe"):
            result = response.result or native.Ack()
            warnings = (*response.warnings, *result.warnings)
            return self._subscriptions.accepted(request, received_ns, about, warnings)
        reason = response.error or _NO_REASON
        return self._subscriptions.refused(request, reason, received_ns, about, topics=about)

    def _answer_to_other(self, response: native.Response, received_ns: int) -> Sequence[Event]:
        if response.method == "pong" and response.error is None:
            return ()
        message = f"{response.method}: {response.error or 'an answer that was not expected'}"
        return (Refused(venue=VENUE, message=message, received_ns=received_ns),)

    def _answer_to_another(self, response: native.Response, received_ns: int) -> Sequence[Event]:
        """An answer to no request of this link: a duplicate, or on a tape another client's."""
        result = response.result
        if not self._subscriptions.is_passive or result is None:
            return ()
        asked = self._followed_params.find(response.req_id)
        followed = topics.subscription_of(result if asked is None else asked, result.symbol)
        if followed is None:
            return ()
        topic = topics.topic_of(followed)
        if response.method == "unsubscribe":
            if self._followed.end(topic) is None:
                return ()
            return (Unsubscribed(venue=VENUE, subscription=followed, received_ns=received_ns),)
        self._follow(followed)
        if self._followed.is_renewed(topic):
            return ()
        return (
            Subscribed(
                venue=VENUE,
                subscription=followed,
                warnings=result.warnings,
                received_ns=received_ns,
            ),
        )

    def _follow(self, subscription: Subscription) -> None:
        """Open what another client requested, in the place of what it requested before."""
        topic = topics.topic_of(subscription)
        if self._subscriptions.by_topic.get(topic) != subscription:
            self._subscriptions.close(topic)
            self._subscriptions.open(topic, subscription)
