"""One link's conversation with Kraken: requests, their answers, data, and new snapshots.

A subscribe is answered once for each symbol, in any order, each succeeding or failing by itself
(https://docs.kraken.com/api/docs/guides/spot-ws-intro). A stream counts as answered by its
acknowledgement or, should that be lost, by its snapshot. Data for a stream we ended is late and
passed over; data for one we never asked for is the venue's fault, and harms no other. Frames are
read whole; one that cannot be is read row by row (see `odd`).
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from msgspec import MsgspecError, Raw

from fluxum.errors import LocalProtocolError, RemoteProtocolError
from fluxum.model.event import (
    Channel,
    Event,
    Refused,
    Subscription,
    VenueNotice,
)
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Level3Snapshot,
    Level3Update,
)
from fluxum.venues.conversation import Auth, UnreadableStream, VenueTime
from fluxum.venues.kraken import native, normalize, odd
from fluxum.venues.kraken.asks import CHANNELS, WIRE, Ask, Asks, accepted, groups
from fluxum.venues.kraken.candles import CandleRun
from fluxum.venues.kraken.normalize import VENUE, Numbers
from fluxum.venues.rows import read_rows
from fluxum.venues.venue import Effect, Fetch, Send, SequenceCounts

__all__ = ["KrakenProtocol"]

_UNREADABLE = (MsgspecError, UnicodeDecodeError, RecursionError)

# What makes two subscriptions one stream on the wire: data frames name no depth and, but for
# candles, nothing else either.
Stream = tuple[str, str | None, int | None]


class KrakenProtocol:
    """Kraken v2 public data; see VenueProtocol for what each call promises."""

    def __init__(self) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()
        self.venue_time: VenueTime | None = None
        self._asks = Asks()
        self._streams: dict[Stream, Subscription] = {}
        self._ended: set[Stream] = set()
        self._books: dict[str, Symbol] = {}  # the symbols of `_streams` with a book, for speed
        self._candles: dict[Stream, CandleRun] = {}
        self._numbers = Numbers()
        self._status = ""
        self._overheard: int | None = None
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

    # What we say

    def follow_passively(self, depth: int | None = None) -> None:
        """Accept answers to another's questions; books of unknown depth have this one, or 10."""
        self._overheard = depth or 10

    def follow_request(self, frame: bytes) -> None:
        """Learn depths and intervals from another client's subscribe."""
        try:
            request = native.decode_request(frame)
        except _UNREADABLE:
            return
        params = request.params
        if request.method != "subscribe" or params is None or params.channel not in CHANNELS:
            return
        for text in params.symbol or (None,):
            symbol = None if text is None else normalize.symbol(text)
            interval_s = None if params.interval is None else params.interval * 60
            self._start(Subscription(CHANNELS[params.channel], symbol, params.depth, interval_s))

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue requests for streams, as few as can say it."""
        for group in self._begin(wanted):
            self._ask("subscribe", group, quiet=False)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue requests that end streams."""
        ending = [subscription for subscription in unwanted if self._end(subscription)]
        for group in groups(ending):
            self._ask("unsubscribe", group, quiet=False)

    def resync(self, subscription: Subscription) -> None:
        """Queue an end and a new beginning of one stream: Kraken answers with a snapshot."""
        if self._streams.get(_stream(subscription)) != subscription:
            return
        self._ask("unsubscribe", [subscription], quiet=True)
        self._ask("subscribe", [subscription], quiet=True)

    def ping(self) -> None:
        """Queue a ping; its pong needs no token and works on every host."""
        self._send(native.Request("ping", None, self._asks.next_id()))

    def unanswered(self) -> Collection[Subscription]:
        """The subscriptions of every request still without an answer."""
        return self._asks.unanswered()

    # What we hear

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """What a frame says; raises RemoteProtocolError when it makes no sense."""
        try:
            message = native.decode_frame(frame)
        except _UNREADABLE as error:
            return self._receive_other(frame, received_ns, str(error))
        try:
            return self._handlers[type(message)](message, received_ns)
        except UnreadableStream:
            raise
        except RemoteProtocolError as error:
            return self._receive_odd(frame, received_ns, str(error))

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:  # noqa: ARG002
        """Kraken's market data needs no REST call, so none was asked for."""
        raise LocalProtocolError(f"no call was asked for, was {fetch.path!r}")

    def receive_refusal(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:  # noqa: ARG002
        """No call was asked for."""
        raise LocalProtocolError(f"no call was asked for, was {fetch.path!r}")

    def _book(self, frame: native.BookFrame, received_ns: int) -> Sequence[Event]:
        data = frame.data[0]
        symbol = self._books.get(data.symbol)
        if symbol is None:
            if self._is_late("book", data.symbol):
                return ()
            symbol = self._adopt("book", data.symbol)
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
            bids=bids,
            asks=asks,
            depth=self._streams[("book", symbol, None)].depth,
            venue_ns=venue_ns,
            received_ns=received_ns,
            checksum=data.checksum,
        )
        return [*self._settle("book", symbol, received_ns), snapshot]

    def _level3(self, frame: native.Level3Frame, received_ns: int) -> Sequence[Event]:
        data = frame.data[0]
        if self._is_late("level3", data.symbol):
            return ()
        symbol = self._adopt("level3", data.symbol)
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
            depth=self._streams[("level3", symbol, None)].depth,
            venue_ns=venue_ns,
            received_ns=received_ns,
            checksum=data.checksum,
        )
        return [*self._settle("level3", symbol, received_ns), snapshot]

    def _trade(self, frame: native.TradeFrame, received_ns: int) -> Sequence[Event]:
        trades = [
            normalize.trade(wire, frame.type, received_ns)
            for wire in frame.data
            if not self._is_late("trade", wire.symbol)
        ]
        for trade in trades:
            self._adopt("trade", trade.symbol)
        events: list[Event] = []
        if frame.type == "snapshot":
            for symbol in dict.fromkeys(trade.symbol for trade in trades):
                events += self._settle("trade", symbol, received_ns)
        return [*events, *trades]

    def _ticker(self, frame: native.TickerFrame, received_ns: int) -> Sequence[Event]:
        tickers = [
            normalize.ticker(wire, received_ns)
            for wire in frame.data
            if not self._is_late("ticker", wire.symbol)
        ]
        for ticker in tickers:
            self._adopt("ticker", ticker.symbol)
        events: list[Event] = []
        if frame.type == "snapshot":
            for ticker in tickers:
                events += self._settle("ticker", ticker.symbol, received_ns)
        return [*events, *tickers]

    def _ohlc(self, frame: native.OhlcFrame, received_ns: int) -> Sequence[Event]:
        venue_ns = normalize.instant(frame.timestamp)
        by_stream: dict[tuple[Symbol, int], list[Candle]] = {}
        for wire in frame.data:
            if not self._is_late("ohlc", wire.symbol, wire.interval * 60):
                candle = normalize.candle(wire, venue_ns, received_ns)
                by_stream.setdefault((candle.symbol, candle.interval_s), []).append(candle)
        for symbol, interval_s in by_stream:
            self._adopt("ohlc", symbol, interval_s)
        events: list[Event] = []
        for (symbol, interval_s), candles in by_stream.items():
            run = self._candles.setdefault(("ohlc", symbol, interval_s), CandleRun())
            if frame.type == "snapshot":
                events += self._settle("ohlc", symbol, received_ns, interval_s)
                events += run.snapshot(candles)
            else:
                for candle in candles:
                    events += run.update(candle)
        return events

    def _instrument(self, frame: native.InstrumentFrame, received_ns: int) -> Sequence[Event]:
        if self._is_late("instrument", None):
            return ()

        def read(raw: Raw) -> Instrument:
            return normalize.instrument(native.decode_pair(raw), received_ns)

        events: list[Event] = []
        if frame.type == "snapshot":
            events += self._settle("instrument", None, received_ns)
        rows = read_rows(frame.data.pairs, read)
        if rows.left_out is not None:
            subscription = self._streams.get(("instrument", None, None))
            events.append(rows.left_out.event(VENUE, subscription, received_ns))
        return [*events, *rows.items]

    def _heartbeat(self, frame: native.Heartbeat, _received_ns: int) -> Sequence[Event]:
        if frame.method is not None:
            raise UnreadableStream(f"a heartbeat has no method, was {frame.method!r}", ())
        return ()

    def _venue_status(self, frame: native.StatusFrame, received_ns: int) -> Sequence[Event]:
        data = frame.data[0]
        items = data.upcoming_maintenance
        planned = ", ".join(bytes(item).decode("utf-8", "replace") for item in items)
        said = f"{data.system} {planned}"
        if said == self._status:
            return ()  # repeated about every second by some hosts
        self._status = said
        return (normalize.status_notice(data.system, planned, received_ns),)

    def _receive_other(self, frame: bytes, received_ns: int, reason: str) -> Sequence[Event]:
        """An answer has a method and no tag; all else is an odd frame, or a complaint."""
        try:
            return self._answer(native.decode_response(frame), received_ns)
        except _UNREADABLE:
            pass
        try:
            error = native.decode_rate_error(frame).error
        except _UNREADABLE:
            return self._receive_odd(frame, received_ns, reason)
        return (VenueNotice(venue=VENUE, message=error, received_ns=received_ns),)

    def _receive_odd(self, frame: bytes, received_ns: int, reason: str) -> Sequence[Event]:
        """A frame of which something cannot be read: what can is handled as if it were all."""
        rest, rows = odd.readable(frame, reason, self)
        try:
            events = self._handlers[type(rest)](rest, received_ns)
        except RemoteProtocolError as error:  # data without a request
            raise UnreadableStream(str(error), ()) from error
        return [*odd.left_out(rows, received_ns), *events]

    def named(
        self, channel: str, symbol: str | None, interval_s: int | None
    ) -> tuple[Subscription, ...]:
        """The subscriptions of a channel, of one symbol and interval where these are given."""
        return tuple(
            subscription
            for stream, subscription in self._streams.items()
            if stream[0] == channel
            and symbol in (None, stream[1])
            and interval_s in (None, stream[2])
        )

    def takes(self, channel: str, symbol: str, interval_s: int | None) -> bool:
        """Whether data of a stream is expected, late or learned from."""
        stream = channel, symbol, interval_s
        return self._overheard is not None or stream in self._streams or stream in self._ended

    def _answer(self, response: native.Response, received_ns: int) -> Sequence[Event]:
        self.venue_time = normalize.venue_time(response.time_out, received_ns) or self.venue_time
        if response.method not in {"subscribe", "unsubscribe"}:
            return self._answer_to_other(response, received_ns)
        answered = self._asks.answered(response)
        if answered is None:
            return self._answer_overheard(response, received_ns)
        ask, settled = answered
        if response.success is not True:
            return self._refused(response, ask, settled, received_ns)
        if ask.quiet:
            return ()
        result = response.result or native.Ack()
        return [
            accepted(ask.method, one, (*response.warnings, *result.warnings), received_ns)
            for one in settled
        ]

    def _refused(
        self,
        response: native.Response,
        ask: Ask,
        settled: list[Subscription],
        received_ns: int,
    ) -> Sequence[Event]:
        if ask.method == "unsubscribe":
            return ()  # nothing to end: the stream is gone either way
        for one in settled:
            self._end(one)
        message = response.error or "refused without a reason"
        return [
            Refused(venue=VENUE, subscription=one, message=message, received_ns=received_ns)
            for one in settled
        ]

    def _answer_to_other(self, response: native.Response, received_ns: int) -> Sequence[Event]:
        if response.method == "pong" and response.error is None:
            return ()
        message = f"{response.method}: {response.error or 'an answer nobody waits for'}"
        return (Refused(venue=VENUE, message=message, received_ns=received_ns),)

    def _answer_overheard(self, response: native.Response, received_ns: int) -> Sequence[Event]:
        """An answer to no question of ours: a duplicate, or on a tape another's."""
        result = response.result
        if response.success is not True:
            message = response.error or "refused without a reason"
            return (Refused(venue=VENUE, message=message, received_ns=received_ns),)
        if self._overheard is None or result is None or result.channel not in CHANNELS:
            return ()
        symbol = None if result.symbol is None else normalize.symbol(result.symbol)
        interval_s = None if result.interval is None else result.interval * 60
        heard = Subscription(CHANNELS[result.channel], symbol, result.depth, interval_s)
        if response.method == "unsubscribe":
            self._end(heard)
        else:
            self._start(heard)
        return (accepted(response.method, heard, result.warnings, received_ns),)

    # Bookkeeping

    def _begin(self, wanted: Iterable[Subscription]) -> list[list[Subscription]]:
        fresh: list[Subscription] = []
        for subscription in wanted:
            known = self._streams.get(_stream(subscription))
            if known is None:
                self._start(subscription)
                fresh.append(subscription)
            elif known != subscription:
                raise LocalProtocolError(
                    f"'{subscription}' cannot be told apart from '{known}' on one link"
                )
        return groups(fresh)

    def _start(self, subscription: Subscription) -> None:
        stream = _stream(subscription)
        self._streams[stream] = subscription
        self._ended.discard(stream)
        if subscription.channel is Channel.BOOK and subscription.symbol is not None:
            self._books[str(subscription.symbol)] = subscription.symbol

    def _end(self, subscription: Subscription) -> bool:
        stream = _stream(subscription)
        if self._streams.pop(stream, None) is None:
            return False
        self._ended.add(stream)
        self._candles.pop(stream, None)
        if subscription.channel is Channel.BOOK and subscription.symbol is not None:
            self._books.pop(subscription.symbol, None)
        return True

    def _is_late(self, channel: str, symbol: str | None, interval_s: int | None = None) -> bool:
        return (channel, symbol, interval_s) in self._ended

    def _adopt(self, channel: str, text: str, interval_s: int | None = None) -> Symbol:
        """The symbol of a stream we carry; on a tape, one nobody was heard to ask for as well."""
        known = self._streams.get((channel, text, interval_s))
        if known is not None and known.symbol is not None:
            return known.symbol
        if self._overheard is None:
            raise RemoteProtocolError(f"{channel} data that nobody asked for, was of {text!r}")
        kind = CHANNELS[channel]
        depth = self._overheard if kind.is_book else None
        symbol = normalize.symbol(text)
        self._start(Subscription(kind, symbol, depth, interval_s))
        return symbol

    def _settle(
        self, channel: str, symbol: Symbol | None, received_ns: int, interval_s: int | None = None
    ) -> list[Event]:
        """A snapshot answers its request as well as an acknowledgement does."""
        subscription = self._streams.get((channel, symbol, interval_s))
        if subscription is None or not self._asks.answered_by_snapshot(subscription):
            return []
        return [accepted("subscribe", subscription, (), received_ns)]

    def _ask(self, method: str, group: list[Subscription], *, quiet: bool) -> None:
        self._send(self._asks.begin(method, group, quiet=quiet))

    def _send(self, request: native.Request) -> None:
        has_token = request.params is not None and request.params.token is not None
        self.outbox.append(Send(native.encode(request), Auth.TOKEN if has_token else Auth.NONE))


def _stream(subscription: Subscription) -> Stream:
    return WIRE[subscription.channel], subscription.symbol, subscription.interval_s
