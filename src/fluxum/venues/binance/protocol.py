"""One link with Binance as a pure conversation: frames and REST answers in, events out.

Every link is a combined one, so that each event names its stream; answers are not wrapped. What
was asked for and what it became is the business of `dialogue`, a book's order that of `depth`.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from msgspec import UNSET, MsgspecError

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Event, Subscription, VenueNotice
from fluxum.model.instrument import Instrument
from fluxum.venues.binance import native, normalize
from fluxum.venues.binance.dialogue import KNOW, TELL, Dialogue
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.topics import LISTING
from fluxum.venues.venue import Fetch, Handover

__all__ = ["BinanceProtocol"]

_UNREADABLE = (MsgspecError, UnicodeDecodeError, RecursionError)


class BinanceProtocol:
    """Public data of one of Binance's markets; see VenueProtocol for what each call promises."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._venue = policy.venue
        self._dialogue = Dialogue(policy)
        self.outbox = self._dialogue.outbox
        self.sequence = self._dialogue.sequence
        self._books = self._dialogue.books
        self._handlers: dict[type, Callable[[str, Any, int], Sequence[Event]]] = {
            native.DepthUpdate: self._depth,
            native.Trade: self._trade,
            native.AggTrade: self._agg_trade,
            native.Ticker: self._ticker,
            native.BookTicker: self._book_ticker,
            native.Kline: self._kline,
            native.ServerShutdown: self._shutdown,
        }

    # What we say

    def overhear(self, depth: int | None = None) -> None:
        """Accept data nobody asked for; a book begins with its first event."""
        self._dialogue.overheard = depth or self._policy.depths[0]

    def overhear_request(self, frame: bytes) -> None:
        """Learn streams from another client's request, once it is answered."""
        try:
            request = native.decode_request(frame)
        except _UNREADABLE:
            return
        self._dialogue.overhear_request(request)

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue requests for streams, as few as can say it."""
        self._dialogue.subscribe(wanted)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue requests that end streams."""
        self._dialogue.unsubscribe(unwanted)

    def resync(self, subscription: Subscription) -> None:
        """Fetch a book's snapshot anew; ask again for a stream that is silent."""
        self._dialogue.resync(subscription)

    def ping(self) -> None:
        """Queue a question that any healthy link answers."""
        self._dialogue.ping()

    def unanswered(self) -> Collection[Subscription]:
        """The streams of every request still without an answer."""
        return self._dialogue.unanswered()

    # What we hear

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """What a frame says; raises RemoteProtocolError when it makes no sense."""
        try:
            message = native.decode_frame(frame)
        except _UNREADABLE as error:
            return self._receive_other(frame, received_ns, str(error))
        event = message.data
        if type(event) is native.DepthUpdate:
            book = self._books.get(message.stream)
            if book is not None:
                return book.take(event, received_ns)
        return self._handlers[type(event)](message.stream, event, received_ns)

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        """A snapshot or the list of markets; raises RemoteProtocolError when it is neither."""
        try:
            if fetch.purpose in {TELL, KNOW}:
                info = native.decode_exchange_info(body)
                events, told = self._dialogue.listing(info, fetch.purpose, received_ns)
                return [*events, *self._instruments(told, info.serverTime, received_ns)]
            depth = native.decode_depth(body)
        except _UNREADABLE as error:
            raise RemoteProtocolError(str(error)) from error
        topic, book = self._dialogue.awaiting(fetch)
        if book is None:
            return ()
        events = book.splice(depth, received_ns)
        if not events:
            self._dialogue.fetch_depth(topic, book)
        return events

    def receive_refusal(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:
        """A book whose snapshot is refused cannot be had; one that is live goes on without."""
        if fetch.purpose == KNOW:
            self._dialogue.unlisted()
            return ()
        if fetch.purpose == TELL:
            return self._dialogue.refuse(LISTING, reason, received_ns)
        topic, book = self._dialogue.awaiting(fetch)
        if book is None:
            return ()
        if book.is_live:
            book.give_up()
            return ()
        return self._dialogue.refuse(topic, reason, received_ns)

    # Data

    def _depth(self, topic: str, wire: native.DepthUpdate, received_ns: int) -> Sequence[Event]:
        """An event of a book that is not known to listen: on a tape it may be the first."""
        self._dialogue.carried(topic)
        book = self._books.get(topic)
        return () if book is None else book.take(wire, received_ns)

    def _trade(self, topic: str, wire: native.Trade, received_ns: int) -> Sequence[Event]:
        carried = self._dialogue.carried(topic)
        if carried is None or carried.symbol is None:
            return ()
        return (normalize.trade(wire, self._venue, carried.symbol, received_ns),)

    def _agg_trade(self, topic: str, wire: native.AggTrade, received_ns: int) -> Sequence[Event]:
        carried = self._dialogue.carried(topic)
        if carried is None or carried.symbol is None:
            return ()
        return (normalize.agg_trade(wire, self._venue, carried.symbol, received_ns),)

    def _ticker(self, topic: str, wire: native.Ticker, received_ns: int) -> Sequence[Event]:
        carried = self._dialogue.carried(topic)
        if carried is None or carried.symbol is None:
            return ()
        return (normalize.ticker(wire, self._venue, carried.symbol, received_ns),)

    def _book_ticker(
        self, topic: str, wire: native.BookTicker, received_ns: int
    ) -> Sequence[Event]:
        carried = self._dialogue.carried(topic)
        if carried is None or carried.symbol is None:
            return ()
        return (normalize.book_ticker(wire, self._venue, carried.symbol, received_ns),)

    def _kline(self, topic: str, wire: native.Kline, received_ns: int) -> Sequence[Event]:
        carried = self._dialogue.carried(topic)
        if carried is None or carried.symbol is None:
            return ()
        interval_s = carried.interval_s
        if interval_s is None or self._policy.intervals[interval_s] != wire.k.i:
            raise RemoteProtocolError(f"a candle of {topic!r} was expected, was of {wire.k.i!r}")
        return (normalize.candle(wire, interval_s, self._venue, carried.symbol, received_ns),)

    def _shutdown(
        self, _topic: str, _wire: native.ServerShutdown, received_ns: int
    ) -> Sequence[Event]:
        message = "the server will shut down"
        self.outbox.append(Handover(message))
        return (VenueNotice(venue=self._venue, message=message, received_ns=received_ns),)

    # Everything else

    def _receive_other(self, frame: bytes, received_ns: int, reason: str) -> Sequence[Event]:
        """An answer, an event that is not wrapped or of another kind, or nonsense."""
        try:
            outline = native.decode_outline(frame)
            if outline.stream is not None:
                return self._unusual(outline.stream, bytes(outline.data), received_ns, reason)
            if outline.result is not UNSET or outline.error is not None or outline.code is not None:
                return self._dialogue.answer(outline, received_ns)
            return self._unwrapped(frame, outline.e, received_ns)
        except _UNREADABLE:
            raise RemoteProtocolError(reason) from None

    def _unusual(self, topic: str, data: bytes, received_ns: int, reason: str) -> Sequence[Event]:
        """Wrapped data of no kind we know, or the best levels, which have no tag on spot."""
        is_object = not data.startswith(b"[")
        kind = native.decode_tag(data).e if is_object else ""
        if kind in native.EVENTS:
            raise RemoteProtocolError(reason)
        if is_object and topic.endswith("@bookTicker"):
            return self._book_ticker(topic, native.decode_book_ticker(data), received_ns)
        if not kind and self._dialogue.overheard is None:
            raise RemoteProtocolError(reason)
        # There may be more kinds at any time, and a tape holds another client's streams, such as
        # `btcusdt@depth20` or `!miniTicker@arr`.
        return ()

    def _unwrapped(self, frame: bytes, kind: str | None, received_ns: int) -> Sequence[Event]:
        """An event as on a link that is not combined: its content says which stream it is of."""
        if kind is None:
            best = native.decode_book_ticker(frame)
            return self._book_ticker(f"{best.s.lower()}@bookTicker", best, received_ns)
        if kind not in native.EVENTS:
            return ()
        event = native.decode_event(frame)
        return self._handlers[type(event)](_topic_of_event(event), event, received_ns)

    def _instruments(
        self, markets: Sequence[native.Market], millis: int, received_ns: int
    ) -> list[Instrument]:
        venue_ns = millis * 1_000_000
        told: list[Instrument] = []
        for market in markets:
            try:
                told.append(normalize.instrument(market, self._policy, venue_ns, received_ns))
            except RemoteProtocolError:  # one strange market must not hide all the others
                continue
        return told


def _topic_of_event(event: native.Event) -> str:
    match event:
        case native.ServerShutdown():
            return "!serverShutdown"
        case native.DepthUpdate():
            kind = "depth@100ms"
        case native.Kline():
            kind = f"kline_{event.k.i}"
        case native.Ticker():
            kind = "ticker"
        case _:
            kind = str(type(event).__struct_config__.tag)
    return f"{event.s.lower()}@{kind}"
