"""One link's conversation with Advanced Trade: numbered frames, lists for answers, and resyncs.

Every frame of a link is numbered, and its number counts before anything else of it is read, so
that a frame which cannot be read harms no stream but those it names. A break means that something
is lost, of whichever streams: then each stream is out of step, and asked for again. A request is
answered by a list of all subscriptions, after the snapshots it asked for.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from msgspec import MsgspecError

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, Desync, Event, LeftOut, Refused, Subscription
from fluxum.venues.coinbase.advanced import native, normalize
from fluxum.venues.coinbase.advanced.data import BOOKS, AdvancedData
from fluxum.venues.coinbase.advanced.numbering import Numbering, Step
from fluxum.venues.coinbase.advanced.requests import WIRE, Renewals, request
from fluxum.venues.coinbase.carried import Carried
from fluxum.venues.coinbase.names import decode_aliases
from fluxum.venues.coinbase.symbols import ADVANCED, format_symbol
from fluxum.venues.conversation import UnreadableStream
from fluxum.venues.instrument_list import InstrumentList, ListPage
from fluxum.venues.rows import read_rows
from fluxum.venues.venue import Effect, Fetch, Send, SequenceCounts

__all__ = ["AdvancedProtocol"]

_UNREADABLE = (MsgspecError, UnicodeDecodeError, RecursionError)
_BEATS = "heartbeats"
_KNOWN = frozenset({"l2_data", "market_trades", "ticker", "candles", _BEATS, "subscriptions"})
_PATH = "/api/v3/brokerage/market/products"
_PRODUCTS = Fetch("GET", _PATH, "products", subscription=Subscription(Channel.INSTRUMENT))


class AdvancedProtocol:
    """Advanced Trade's public data; see VenueProtocol for what each call promises."""

    def __init__(self) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()
        self._numbering = Numbering()
        self._carried = Carried(ADVANCED, WIRE, normalize.INTERVAL_S)
        self._renewals = Renewals(self._carried.asks, self.outbox)
        self._data = AdvancedData(self._carried)
        self._list = InstrumentList(
            ADVANCED, self.outbox, (_PRODUCTS,), self._page, normalize.market_of
        )
        self._moved: list[Subscription] = []  # those that the list of products gives another name
        self._beats: int | None = None  # since the last ping; none until they are asked for
        self._handlers: dict[type, Callable[[Any, int], Sequence[Event]]] = {
            native.BookFrame: self._data.book,
            native.TradeFrame: self._data.trade,
            native.TickerFrame: self._data.ticker,
            native.CandleFrame: self._data.candle,
            native.HeartbeatFrame: self._heartbeat,
            native.SubscriptionsFrame: self._subscriptions,
        }

    # What we say

    def follow_passively(self, depth: int | None = None) -> None:  # noqa: ARG002 - books have no depth
        """Accept answers to another's questions, and numbers that begin anywhere."""
        self._carried.is_tape = self._numbering.is_tape = True

    def follow_request(self, frame: bytes) -> None:
        """Learn from another client's request what it carries."""
        try:
            asked = native.decode_request(frame)
        except _UNREADABLE:
            return
        self._carried.follow_passively(asked.type, asked.channel, asked.product_ids)

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue requests for streams, one for each channel; heartbeats are the first."""
        streams = list(wanted)
        fresh = self._carried.begin(one for one in streams if one.symbol is not None)
        if self._beats is None:
            self._ask_heartbeats()
        for one in streams:
            if one.channel is Channel.INSTRUMENT:
                self._list.open(one)
        for channel, products in fresh.items():
            self._ask("subscribe", channel, products)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue requests that end streams."""
        ending: list[Subscription] = []
        for one in unwanted:
            if one.symbol is not None and self._carried.has(one):
                ending.append(one)
                self._data.forget(self._carried.channel(one), one.symbol)
            elif one.channel is Channel.INSTRUMENT and self._list.close() is not None:
                self._carried.owe(one)
        for channel, products in self._carried.end(ending).items():
            self._ask("unsubscribe", channel, products)

    def resync(self, subscription: Subscription) -> None:
        """Queue an end and a new beginning of one stream: it is answered with a snapshot."""
        if subscription == self._list.subscription:
            self._list.request()
        elif self._carried.has(subscription):
            products = self._carried.together(subscription)
            self._renewals.renew(self._carried.channel(subscription), products)

    def ping(self) -> None:
        """Ask for heartbeats again, if there was none since the last ping."""
        if not self._beats:
            self._ask_heartbeats()
        self._beats = 0
        self._carried.assume_names()

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

    # What we hear, frame by frame

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """What a frame says; raises RemoteProtocolError when it makes no sense."""
        try:
            message = native.decode_frame(frame)
        except _UNREADABLE as error:
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

    def _receive_other(self, frame: bytes, received_ns: int, reason: str) -> Sequence[Event]:
        """An error has no channel; a channel that nobody here knows is numbered all the same."""
        try:
            envelope = native.decode_envelope(frame)
        except _UNREADABLE:
            return self._failed(frame, received_ns, reason)
        if envelope.channel not in _KNOWN:
            return self._receive_out_of_step(envelope.sequence_num, received_ns, tuple)
        return self._receive_out_of_step(
            envelope.sequence_num,
            received_ns,
            lambda: self._data.salvage(frame, envelope, received_ns, reason),
        )

    def _receive_out_of_step(
        self, number: int, received_ns: int, read: Callable[[], Sequence[Event]]
    ) -> Sequence[Event]:
        """A frame whose number may not follow on: the number counts, then the frame is read."""
        numbering = self._numbering
        step = numbering.judge(number)
        told = self._lose(number, received_ns) if step is Step.BREAK else []
        numbering.take(number, step)
        if step is Step.AGAIN:
            return ()
        self.sequence.steps += step is Step.ON or step is Step.LATE
        self.sequence.breaks += step is Step.BREAK
        self._data.is_doubtful = step is Step.BREAK or step is Step.LATE
        try:
            told += read()
        except UnreadableStream as error:
            if not told:
                raise
            told += [_left_out(one, error, received_ns) for one in error.subscriptions]
        finally:
            self._data.is_doubtful = False
        return told

    def _lose(self, number: int, received_ns: int) -> list[Event]:
        """Frames are missing, of whichever streams."""
        self._data.lose()
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

    # Answers

    def _heartbeat(self, _frame: native.HeartbeatFrame, received_ns: int) -> Sequence[Event]:
        self._beats = (self._beats or 0) + 1
        self._carried.asks.told(_BEATS, _BEATS)
        return [*self._carried.owed(received_ns), *self._released(received_ns)]

    def _subscriptions(self, frame: native.SubscriptionsFrame, received_ns: int) -> Sequence[Event]:
        told: list[Event] = []
        for event in frame.events:
            # As lists are numbered, one that grants no request refuses the oldest.
            told += self._carried.omitted(event.subscriptions, received_ns)
            told += self._carried.listed(event.subscriptions, received_ns)
        told += self._released(received_ns)
        if self._carried.is_unsure:
            self._list.request()  # it tells what products stand for
        return told

    def _released(self, received_ns: int) -> list[Event]:
        """What was kept for streams that turned out to be those of the data.

        Books that lack their own snapshot of data that runs already begin anew.
        """
        if not self._carried.has_changed:
            return []
        self._carried.has_changed = False
        told = self._data.delivery.released(self._data.books, received_ns)
        for one in self._data.books.left_behind(self._carried):
            self.resync(one)
        return told

    def _failed(self, frame: bytes, received_ns: int, reason: str) -> Sequence[Event]:
        """A request failed; errors name none, and answer in order."""
        try:
            error = native.decode_error(frame)
        except _UNREADABLE:
            raise RemoteProtocolError(reason) from None
        channels = (BOOKS,) if "L2" in error.message else ()
        ask = self._carried.asks.refused("subscribe", channels)
        if ask is None or ask.channel == _BEATS:
            return [Refused(venue=ADVANCED, message=error.message, received_ns=received_ns)]
        again, told = self._carried.failed(ask, error.message, error.reason, received_ns)
        if again:
            self._ask("subscribe", ask.channel, again, quiet=ask.quiet)
        return told

    # The list of products

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        """The list of products, as far as it is wanted, and what it tells of names."""
        markets = self._list.answered(fetch, body, received_ns)
        moved, self._moved = self._moved, []
        desyncs = [self._move(one, received_ns) for one in moved]
        return [*markets, *desyncs, *self._released(received_ns)]

    def receive_refusal(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:
        """There is no list of products to be had."""
        self._carried.assume_names()
        refused = self._list.refused(fetch, reason, received_ns)
        return [*refused, *self._released(received_ns)]

    def _page(self, _fetch: Fetch, body: bytes) -> ListPage:
        try:
            answer = native.decode_products(body)
        except _UNREADABLE as error:
            raise RemoteProtocolError(str(error)) from error
        self._moved += self._carried.take_names(read_rows(answer.products, decode_aliases).items)
        cursor = native.next_cursor(answer)
        again = f"{_PATH}?{urlencode({'cursor': cursor})}"
        return ListPage(answer.products, Fetch("GET", again, "products") if cursor else None)

    def _move(self, one: Subscription, received_ns: int) -> Desync:
        """A stream was taken for another product's, and is not: it begins anew under its name."""
        assert one.symbol is not None
        channel = self._carried.channel(one)
        self._data.forget(channel, one.symbol)
        self._ask("subscribe", channel, [format_symbol(one.symbol)], quiet=True)
        return Desync(
            venue=ADVANCED,
            subscription=one,
            generation=0,
            reason="its data is not that of the product it was taken for, says the list",
            received_ns=received_ns,
        )


def _left_out(one: Subscription, error: UnreadableStream, received_ns: int) -> LeftOut:
    return LeftOut(
        venue=ADVANCED,
        subscription=one,
        count=1,
        reason=str(error),
        sample="",
        received_ns=received_ns,
    )
