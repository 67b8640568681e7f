"""One link's conversation with Advanced Trade: numbered frames, lists for answers, and resyncs.

Every frame of a link is numbered, and its number counts before anything else of it is read, so
that a frame which cannot be read harms no stream but those it names. A break means that something
is lost, of unknown streams: then each stream is out of step, and requested again. A request is
answered by a list of all subscriptions, after the snapshots it requested.

The venue takes eight messages a second, so streams of one channel share the requests of a resync.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, Desync, Event, Subscription
from fluxum.model.instrument import Symbol
from fluxum.venues.book_scan import ScannedBooks
from fluxum.venues.coinbase.advanced import native, normalize
from fluxum.venues.coinbase.advanced.data import BOOKS, CANDLES, TICKERS, TRADES, AdvancedData
from fluxum.venues.coinbase.advanced.numbering import Numbering, Step
from fluxum.venues.coinbase.names import decode_aliases
from fluxum.venues.coinbase.streams import Streams
from fluxum.venues.coinbase.symbols import ADVANCED
from fluxum.venues.coinbase.topics import Topics, symbol_of_stream, wire_request
from fluxum.venues.conversation import UNREADABLE, UnreadableStream
from fluxum.venues.fast import IS_COMPILED
from fluxum.venues.instrument_list import InstrumentList, ListPage
from fluxum.venues.queries import decoded
from fluxum.venues.reading import missed
from fluxum.venues.rows import LeftOutRows, read_rows
from fluxum.venues.subscriptions import Request
from fluxum.venues.trade_scan import ScannedTrades
from fluxum.venues.venue import Effect, Fetch, Send, SequenceCounts

__all__ = ["AdvancedProtocol"]

_HEARTBEATS = "heartbeats"
_TOPICS = Topics(
    {
        Channel.BOOK: BOOKS,
        Channel.TICKER: TICKERS,
        Channel.TRADE: TRADES,
        Channel.CANDLE: CANDLES,
    },
    normalize.INTERVAL_S,
)
_KNOWN = frozenset({"l2_data", "market_trades", "ticker", "candles", _HEARTBEATS, "subscriptions"})
_PATH = "/api/v3/brokerage/market/products"
_PRODUCTS = Fetch("GET", _PATH, "products", subscription=Subscription(Channel.INSTRUMENT))


class AdvancedProtocol:
    """Advanced Trade's public data; see VenueProtocol for what each call promises."""

    def __init__(self) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()
        self._numbering = Numbering()
        self._list = InstrumentList(
            ADVANCED, self.outbox, (_PRODUCTS,), self._page, normalize.market_of
        )
        self._streams = Streams(ADVANCED, self.outbox, _TOPICS, _write, self._closed, self._list)
        self._data = AdvancedData(self._streams)
        self.scan_trades = self._scan_trades if IS_COMPILED else None
        self.scan_books = self._scan_books if IS_COMPILED else None
        self.unanswered = self._streams.subscriptions.unanswered
        self._moved: list[Subscription] = []  # those that the list of products gives another name
        self._heartbeats: int | None = None  # since the last ping; None until they are requested
        self._handlers: dict[type, Callable[[Any, int], Sequence[Event]]] = {
            native.BookFrame: self._data.book,
            native.TradeFrame: self._data.trades,
            native.TickerFrame: self._data.facts,
            native.CandleFrame: self._data.facts,
            native.HeartbeatFrame: self._heartbeat,
            native.SubscriptionsFrame: self._subscriptions,
        }

    # Requests

    def follow_passively(self, depth: int | None = None) -> None:  # noqa: ARG002 - books have no depth
        """Accept answers to another client's requests, and numbers that begin anywhere."""
        self._streams.subscriptions.is_passive = True
        self._list.open(Subscription(Channel.INSTRUMENT))
        self._numbering.is_tape = True

    def follow_request(self, frame: bytes) -> None:
        """Learn from another client's request what its link is subscribed to."""
        try:
            request = native.decode_request(frame)
        except UNREADABLE:
            return
        self._streams.follow_request(request.type, request.channel, request.product_ids)

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue requests for streams, one for each channel; heartbeats are the first."""
        if self._heartbeats is None:
            self._request_heartbeats()
        self._streams.subscribe(wanted)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue requests that end streams."""
        self._streams.unsubscribe(unwanted)

    def resync(self, subscription: Subscription) -> None:
        """Queue an end and a new beginning of one stream: it is answered with a snapshot."""
        self._streams.resync(subscription)

    def ping(self) -> None:
        """Request heartbeats again, if there was none since the last ping."""
        if not self._heartbeats:
            self._request_heartbeats()
        self._heartbeats = 0
        self._streams.pinged()

    def _request_heartbeats(self) -> None:
        """They are listed as a product of their own: `"heartbeats":["heartbeats"]`."""
        self._heartbeats = 0
        self._streams.request_heartbeats(_HEARTBEATS, [_HEARTBEATS])

    def _closed(self, channel: str, symbol: Symbol) -> None:
        self._data.forget(channel, symbol)

    # Frames

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The events of a frame; raises RemoteProtocolError for one that makes no sense."""
        try:
            message = native.decode_frame(frame)
        except UNREADABLE as error:
            return self._receive_other(frame, received_ns, str(error))
        numbering = self._numbering
        number = message.sequence_num
        handler = self._handlers[type(message)]
        if number != numbering.due:
            return self._receive_out_of_step(
                number, received_ns, lambda: handler(message, received_ns)
            )
        numbering.due = number + 1
        self.sequence.steps += 1
        return handler(message, received_ns)

    def _scan_trades(
        self, frames: list[bytes], at: int, received_ns: int, _due: int = 0
    ) -> ScannedTrades | None:
        """See `TradeScan`: frames whose numbers follow on."""
        numbering = self._numbering
        if self._data.scan is None or numbering.due < 0:
            return None
        trades = self._data.scan(frames, at, received_ns, numbering.due)
        if trades is not None:
            numbering.due += trades.frames
            self.sequence.steps += trades.frames
        return trades

    def _scan_books(
        self, frames: list[bytes], at: int, received_ns: int, _due: int = 0
    ) -> ScannedBooks | None:
        """See `BookScan`: frames whose numbers follow on."""
        numbering = self._numbering
        if numbering.due < 0:
            return None
        updates = self._data.scan_books(frames, at, received_ns, numbering.due)
        if updates is not None:
            numbering.due += updates.frames
            self.sequence.steps += updates.frames
        return updates

    def _receive_other(self, frame: bytes, received_ns: int, reason: str) -> Sequence[Event]:
        """An error has no channel; a channel that is unknown here is numbered all the same."""
        try:
            envelope = native.decode_envelope(frame)
        except UNREADABLE:
            return self._failed(frame, received_ns, reason)
        if envelope.channel not in _KNOWN:
            return self._receive_out_of_step(envelope.sequence_num, received_ns, tuple)
        return self._receive_out_of_step(
            envelope.sequence_num,
            received_ns,
            lambda: self._data.read_loosely(frame, envelope, received_ns, reason),
        )

    def _receive_out_of_step(
        self, number: int, received_ns: int, read: Callable[[], Sequence[Event]]
    ) -> Sequence[Event]:
        """A frame whose number may not follow on: the number counts, then the frame is read."""
        numbering = self._numbering
        step = numbering.judge(number)
        events = self._lose(number, received_ns) if step is Step.BREAK else []
        numbering.take(number, step)
        if step is Step.AGAIN:
            return ()
        self.sequence.steps += step is Step.ON or step is Step.LATE
        self.sequence.breaks += step is Step.BREAK
        self._data.is_doubtful = step is Step.BREAK or step is Step.LATE
        try:
            events += read()
        except UnreadableStream as error:
            if not events:
                raise
            rows = LeftOutRows(1, str(error), "")
            events += [rows.event(ADVANCED, one, received_ns) for one in error.subscriptions]
        finally:
            self._data.is_doubtful = False
        return events

    def _lose(self, number: int, received_ns: int) -> list[Event]:
        """Frames are missing, of whichever streams."""
        self._data.lose()
        self._streams.subscriptions.doubt()
        expected = self._numbering.expected
        reason = f"frame {expected} of the link was expected, was {number}"
        return [
            missed(ADVANCED, one, reason, received_ns, expected, number)
            for one in self._streams.owners.active()
        ]

    # Answers

    def _heartbeat(self, _frame: native.HeartbeatFrame, received_ns: int) -> Sequence[Event]:
        self._heartbeats = (self._heartbeats or 0) + 1
        ended = self._streams.heartbeat(_HEARTBEATS, _HEARTBEATS, received_ns)
        return [*ended, *self._data.delivery.released(received_ns)]

    def _subscriptions(self, frame: native.SubscriptionsFrame, received_ns: int) -> Sequence[Event]:
        events: list[Event] = []
        for event in frame.events:
            # As lists are numbered, one that accepts no request refuses the oldest.
            events += self._streams.omitted(event.subscriptions, received_ns)
            events += self._streams.listed(event.subscriptions, received_ns)
        events += self._data.delivery.released(received_ns)
        if self._streams.owners.is_unsure:
            self._list.request()  # it has what products stand for
        return events

    def _failed(self, frame: bytes, received_ns: int, reason: str) -> Sequence[Event]:
        """A request failed; errors name none, and answer in order."""
        try:
            error = native.decode_error(frame)
        except UNREADABLE:
            raise RemoteProtocolError(reason) from None
        request = self._streams.oldest("subscribe", BOOKS if "L2" in error.message else "")
        return self._streams.failed(request, error.message, error.reason, received_ns)

    # The list of products

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        """The list of products, as far as it is subscribed to, and its names."""
        markets = self._list.answered(fetch, body, received_ns)
        moved, self._moved = self._moved, []
        desyncs = [self._move(one, received_ns) for one in moved]
        return [*markets, *desyncs, *self._data.delivery.released(received_ns)]

    def receive_refusal(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:
        """The venue refused its list of products."""
        self._streams.owners.assume_names()
        refused = self._list.refused(fetch, reason, received_ns)
        return [*refused, *self._data.delivery.released(received_ns)]

    def _page(self, _fetch: Fetch, body: bytes) -> ListPage:
        answer = decoded(native.decode_products, body)
        self._moved += self._streams.owners.take_names(
            read_rows(answer.products, decode_aliases).items
        )
        cursor = native.next_cursor(answer)
        again = f"{_PATH}?{urlencode({'cursor': cursor})}"
        return ListPage(answer.products, Fetch("GET", again, "products") if cursor else None)

    def _move(self, one: Subscription, received_ns: int) -> Desync:
        """A stream was taken for another product's, and is not: it begins anew under its name."""
        self._closed(_TOPICS.channel(one.channel), symbol_of_stream(one))
        self._streams.request_again(one)
        return missed(ADVANCED, one, "by the list, its data is of another product", received_ns)


def _write(request: Request) -> Send:
    channel, products = wire_request(request)
    products = [] if channel == _HEARTBEATS else products
    return Send(native.encode(native.Request(request.op, channel, products)))
