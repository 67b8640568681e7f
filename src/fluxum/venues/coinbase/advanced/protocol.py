"""One link's conversation with Advanced Trade: numbered frames, lists for answers, and resyncs.

Every frame of a link is numbered, so a break means that something is lost and nobody knows of
which stream: then each stream is told to be out of step, and asked for again. A request is
answered by a list of all subscriptions, after the snapshots it asked for.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from msgspec import MsgspecError

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Desync, Event, Refused, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.venues.coinbase.advanced import native, normalize
from fluxum.venues.coinbase.advanced.candles import CandleRuns
from fluxum.venues.coinbase.advanced.numbering import Numbering, Step
from fluxum.venues.coinbase.advanced.requests import WIRE, Renewals, request
from fluxum.venues.coinbase.carried import LISTING, Carried, UnaskedError
from fluxum.venues.coinbase.instants import Instants
from fluxum.venues.coinbase.symbols import ADVANCED, spell
from fluxum.venues.venue import Effect, Fetch, Send, SequenceCounts

__all__ = ["AdvancedProtocol"]

_UNREADABLE = (MsgspecError, UnicodeDecodeError, RecursionError)
_BOOKS, _TRADES, _TICKERS, _CANDLES = "level2", "market_trades", "ticker", "candles"
_BEATS = "heartbeats"
_KNOWN = frozenset({"l2_data", _TRADES, _TICKERS, _CANDLES, _BEATS, "subscriptions"})
_PRODUCTS = Fetch("GET", "/api/v3/brokerage/market/products", LISTING)


class AdvancedProtocol:
    """Advanced Trade's public data; see VenueProtocol for what each call promises."""

    def __init__(self) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()
        self._numbering = Numbering()
        self._carried = Carried(ADVANCED, WIRE, normalize.INTERVAL_S)
        self._renewals = Renewals(self._carried.asks, self.outbox)
        self._books: dict[str, Symbol] = {}  # those whole and in step, by the wire's name
        self._is_doubtful = False  # whether a newer frame may have been heard already
        self._candles = CandleRuns()
        self._instant = Instants().read
        self._beats: int | None = None  # since the last ping; none until they are asked for
        self._is_fetching = False
        self._handlers: dict[type, Callable[[Any, int], Sequence[Event]]] = {
            native.BookFrame: self._book,
            native.TradeFrame: self._trade,
            native.TickerFrame: self._ticker,
            native.CandleFrame: self._candle,
            native.HeartbeatFrame: self._heartbeat,
            native.SubscriptionsFrame: self._subscriptions,
            native.Envelope: self._unknown,
        }

    # What we say

    def overhear(self, depth: int | None = None) -> None:  # noqa: ARG002 - books have no depth
        """Accept answers to another's questions, and numbers that begin anywhere."""
        self._carried.is_tape = self._numbering.is_tape = True

    def overhear_request(self, frame: bytes) -> None:
        """Learn from another client's request what it carries."""
        try:
            asked = native.decode_request(frame)
        except _UNREADABLE:
            return
        self._carried.overhear(asked.type, asked.channel, asked.product_ids)

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue requests for streams, one for each channel; heartbeats are the first."""
        fresh = self._carried.begin(wanted)
        if self._beats is None:
            self._ask_heartbeats()
        for channel, products in fresh.items():
            if channel == LISTING:
                self._fetch_products()
            else:
                self._ask("subscribe", channel, products)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue requests that end streams."""
        ending = [one for one in unwanted if self._carried.has(one)]
        for one in ending:
            self._forget(one)
        for channel, products in self._carried.end(ending).items():
            self._ask("unsubscribe", channel, products)

    def resync(self, subscription: Subscription) -> None:
        """Queue an end and a new beginning of one stream: it is answered with a snapshot."""
        if not self._carried.has(subscription):
            return
        if subscription.symbol is None:
            self._fetch_products()
        else:
            self._renewals.renew(self._carried.channel(subscription), spell(subscription.symbol))

    def ping(self) -> None:
        """Ask for heartbeats again, if there was none since the last ping."""
        if not self._beats:
            self._ask_heartbeats()
        self._beats = 0

    def unanswered(self) -> Collection[Subscription]:
        """The streams of every request still without an answer."""
        return self._carried.unanswered()

    def _ask(self, method: str, channel: str, products: list[str], *, quiet: bool = False) -> None:
        self._carried.asks.begin(method, channel, products, quiet=quiet)
        self.outbox.append(Send(request(method, channel, products)))

    def _ask_heartbeats(self) -> None:
        """They are listed as a product of their own: `"heartbeats":["heartbeats"]`."""
        self._beats = 0
        self._carried.asks.begin("subscribe", _BEATS, [_BEATS], quiet=True)
        self.outbox.append(Send(request("subscribe", _BEATS, ())))

    def _fetch_products(self) -> None:
        if not self._is_fetching:
            self._is_fetching = True
            self.outbox.append(_PRODUCTS)

    def _forget(self, one: Subscription) -> None:
        if one.symbol is not None and self._carried.channel(one) == _BOOKS:
            self._books = {name: book for name, book in self._books.items() if book != one.symbol}
        elif one.symbol is not None and self._carried.channel(one) == _CANDLES:
            self._candles.forget(one.symbol)

    # What we hear, frame by frame

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """What a frame says; raises RemoteProtocolError when it makes no sense."""
        try:
            message = native.decode_frame(frame)
        except _UNREADABLE as error:
            return self._receive_other(frame, received_ns, str(error))
        numbering = self._numbering
        number = message.sequence_num
        if number != numbering.due:
            return self._receive_out_of_step(message, number, received_ns)
        # What cannot be understood stays due, so that the next frame tells that it is missing.
        try:
            events = self._handlers[type(message)](message, received_ns)
        except UnaskedError:
            self._pass_unasked(message)
            raise
        numbering.due = number + 1
        self.sequence.steps += 1
        return events

    def _receive_out_of_step(
        self,
        message: native.Frame | native.Envelope,
        number: int,
        received_ns: int,
    ) -> Sequence[Event]:
        numbering = self._numbering
        step = numbering.judge(number)
        if step is Step.AGAIN:
            numbering.take(number, step)
            return ()
        told = self._lose(number, received_ns) if step is Step.BREAK else []
        self._is_doubtful = step is Step.BREAK or step is Step.LATE
        try:
            told += self._handlers[type(message)](message, received_ns)
        finally:
            self._is_doubtful = False
        numbering.take(number, step)
        self.sequence.steps += step is Step.ON or step is Step.LATE
        self.sequence.breaks += step is Step.BREAK
        return told

    def _lose(self, number: int, received_ns: int) -> list[Event]:
        """Frames are missing, of whichever streams: no book goes on before its next snapshot."""
        self._books.clear()
        self._carried.asks.doubt()
        expected = self._numbering.expected
        return [
            Desync(
                venue=ADVANCED,
                subscription=one,
                generation=0,
                reason=f"frame {expected} of the link was expected, was {number}",
                expected=expected,
                computed=number,
                received_ns=received_ns,
            )
            for one in self._carried.on_the_wire()
        ]

    def _pass_unasked(self, message: native.Frame) -> None:
        """A frame of one stream, and nobody's, was heard after all."""
        if len(message.events) == 1:
            self._numbering.due += 1
            self.sequence.steps += 1

    def _receive_other(self, frame: bytes, received_ns: int, reason: str) -> Sequence[Event]:
        """An error has no channel; a channel that nobody here knows is numbered all the same."""
        try:
            envelope = native.decode_envelope(frame)
        except _UNREADABLE:
            return self._failed(frame, received_ns, reason)
        if envelope.channel in _KNOWN:
            raise RemoteProtocolError(reason)
        return self._receive_out_of_step(envelope, envelope.sequence_num, received_ns)

    def _unknown(self, _frame: native.Envelope, _received_ns: int) -> Sequence[Event]:
        return ()

    # Data

    def _book(self, frame: native.BookFrame, received_ns: int) -> Sequence[Event]:
        venue_ns = self._instant(frame.timestamp)
        books, sides = self._books, normalize.sides
        told: list[Event] = []
        for event in frame.events:
            symbol = books.get(event.product_id)
            if event.type == "snapshot":
                told += self._book_snapshot(frame, event, venue_ns, received_ns)
                continue
            if symbol is None:
                symbol = self._begun_before(event.product_id)
                if symbol is None:
                    continue
            bids, asks = sides(event.updates)
            number = frame.sequence_num
            told.append(
                BookUpdate(ADVANCED, symbol, bids, asks, venue_ns, received_ns, None, number)
            )
        return told

    def _begun_before(self, product: str) -> Symbol | None:
        """None for an update that is late or waits for a snapshot; a tape may begin with one."""
        is_known = self._carried.find(_BOOKS, product) is not None
        owner = self._carried.owner(_BOOKS, product)
        may_begin = self._carried.is_tape and not self._is_doubtful
        if is_known or owner is None or owner.symbol is None or not may_begin:
            return None
        self._books[product] = owner.symbol
        return owner.symbol

    def _book_snapshot(
        self, frame: native.BookFrame, event: native.BookEvent, venue_ns: int, received_ns: int
    ) -> Sequence[Event]:
        owner = self._carried.owner(_BOOKS, event.product_id)
        if owner is None or owner.symbol is None or self._is_doubtful:
            return ()
        bids, asks = normalize.snapshot_sides(event.updates)
        self._books[event.product_id] = owner.symbol
        snapshot = BookSnapshot(
            venue=ADVANCED,
            symbol=owner.symbol,
            bids=bids,
            asks=asks,
            venue_ns=venue_ns,
            received_ns=received_ns,
            sequence=frame.sequence_num,
        )
        return [*self._carried.settle(_BOOKS, owner.symbol, received_ns), snapshot]

    def _trade(self, frame: native.TradeFrame, received_ns: int) -> Sequence[Event]:
        told: list[Event] = []
        for event in frame.events:
            for wire in normalize.oldest_first(event.trades):
                owner = self._carried.owner(_TRADES, wire.product_id)
                if owner is None or owner.symbol is None:
                    continue
                if event.type == "snapshot":
                    told += self._carried.settle(_TRADES, owner.symbol, received_ns)
                venue_ns = self._instant(wire.time)
                told.append(normalize.trade(wire, owner.symbol, event.type, venue_ns, received_ns))
        return told

    def _ticker(self, frame: native.TickerFrame, received_ns: int) -> Sequence[Event]:
        venue_ns = self._instant(frame.timestamp)
        told: list[Event] = []
        for event in frame.events:
            for wire in event.tickers:
                owner = self._carried.owner(_TICKERS, wire.product_id)
                if owner is None or owner.symbol is None:
                    continue
                if event.type == "snapshot":
                    told += self._carried.settle(_TICKERS, owner.symbol, received_ns)
                told.append(normalize.ticker(wire, owner.symbol, venue_ns, received_ns))
        return told

    def _candle(self, frame: native.CandleFrame, received_ns: int) -> Sequence[Event]:
        venue_ns = self._instant(frame.timestamp)
        told: list[Event] = []
        for event in frame.events:
            for product, wires in normalize.by_product(event.candles).items():
                owner = self._carried.owner(_CANDLES, product)
                if owner is None or owner.symbol is None:
                    continue
                symbol = owner.symbol
                if event.type == "snapshot":
                    told += self._carried.settle(_CANDLES, symbol, received_ns)
                told += self._candles.take(
                    [normalize.candle(wire, symbol, venue_ns, received_ns) for wire in wires]
                )
        return told

    # Answers

    def _heartbeat(self, _frame: native.HeartbeatFrame, received_ns: int) -> Sequence[Event]:
        self._beats = (self._beats or 0) + 1
        self._carried.asks.told(_BEATS, _BEATS)
        return self._carried.owed(received_ns)

    def _subscriptions(self, frame: native.SubscriptionsFrame, received_ns: int) -> Sequence[Event]:
        told: list[Event] = []
        for event in frame.events:
            # As lists are numbered, one that grants no request refuses the oldest.
            told += self._carried.omitted(event.subscriptions, received_ns)
            told += self._carried.listed(event.subscriptions, received_ns)
        return told

    def _failed(self, frame: bytes, received_ns: int, reason: str) -> Sequence[Event]:
        """A request failed; errors name none, and answer in order."""
        try:
            error = native.decode_error(frame)
        except _UNREADABLE:
            raise RemoteProtocolError(reason) from None
        channels = (_BOOKS,) if "L2" in error.message else ()
        ask = self._carried.asks.refused("subscribe", channels)
        if ask is None or ask.channel == _BEATS:
            return [Refused(venue=ADVANCED, message=error.message, received_ns=received_ns)]
        again, told = self._carried.failed(ask, error.message, error.reason, received_ns)
        if again:
            self._ask("subscribe", ask.channel, again, quiet=ask.quiet)
        return told

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:  # noqa: ARG002
        """The list of markets, as far as it is still wanted."""
        try:
            products = native.decode_products(body).products
        except _UNREADABLE as error:
            raise RemoteProtocolError(str(error)) from error
        markets = normalize.instruments(products, received_ns)
        self._is_fetching = False
        return self._carried.listed_markets(markets, received_ns)

    def receive_refusal(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:  # noqa: ARG002
        """There is no list of markets to be had."""
        self._is_fetching = False
        return self._carried.no_markets(reason, received_ns)
