"""One link with Binance as a pure conversation: frames and REST answers in, events out.

Every link is a combined one, so that each event names its stream; answers are not wrapped. What
was asked for and what it became is the business of `dialogue`, a book's order that of `depth`.
Links are not numbered: an event that cannot be read harms its own stream alone.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from msgspec import UNSET, MsgspecError

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, Event, Subscription, VenueNotice
from fluxum.venues.binance import native, normalize
from fluxum.venues.binance.depth import DepthBook, TooOld
from fluxum.venues.binance.dialogue import Dialogue
from fluxum.venues.binance.odd import read_changes, read_snapshot
from fluxum.venues.binance.policy import Policy
from fluxum.venues.closed_candles import ClosedCandles
from fluxum.venues.conversation import UnreadableStream
from fluxum.venues.venue import Fetch, Handover

__all__ = ["BinanceProtocol"]

_UNREADABLE = (MsgspecError, UnicodeDecodeError, RecursionError)
# How the streams begin that an event may be of, behind the name of its market and `@`.
_BEGINNINGS = {
    "depthUpdate": "depth",
    "trade": "trade",
    "aggTrade": "aggTrade",
    "kline": "kline_",
    "24hrTicker": "ticker",
    "bookTicker": "bookTicker",
}


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

    def follow_passively(self, depth: int | None = None) -> None:
        """Accept data nobody asked for; a book begins with its first event."""
        self._dialogue.overheard = depth or self._policy.depths[0]

    def follow_request(self, frame: bytes) -> None:
        """Learn streams from another client's request, once it is answered."""
        try:
            request = native.decode_request(frame)
        except _UNREADABLE:
            return
        self._dialogue.follow_request(request)

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
        event, topic = message.data, message.stream
        try:
            if type(event) is native.DepthUpdate:
                book = self._books.get(topic)
                if book is not None:
                    return book.take(event, received_ns)
            return self._handlers[type(event)](topic, event, received_ns)
        except UnreadableStream:
            raise
        except RemoteProtocolError as error:
            data = bytes(native.decode_outline(frame).data)
            return self._odd(topic, data, received_ns, str(error))

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        """A snapshot or the list of markets; raises UnreadableStream when it is neither.

        A snapshot that is too old a second time raises it too: the call has to wait.
        """
        if self._dialogue.markets.list.owns(fetch):
            return self._dialogue.listed(fetch, body, received_ns)
        topic, book = self._dialogue.awaiting(fetch)
        if book is None:
            return ()
        try:
            events = self._splice(book, body, received_ns)
        except (RemoteProtocolError, *_UNREADABLE) as error:
            waiting = () if book.is_live else (book.subscription,)
            raise UnreadableStream(str(error), waiting) from error
        if not events:
            self._dialogue.fetch_depth(topic, book)
        return events

    def receive_refusal(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:
        """A book whose snapshot is refused cannot be had; one that is live goes on without."""
        if self._dialogue.markets.list.owns(fetch):
            return self._dialogue.markets.list.refused(fetch, reason, received_ns)
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
        carried = self._carried(topic, Channel.TRADE)
        if carried is None or carried.symbol is None:
            return ()
        trade = normalize.trade(wire, self._venue, carried.symbol, received_ns)
        if trade is not None:
            return (trade,)
        if topic in self._dialogue.spent:
            return ()
        self._dialogue.spent.add(topic)
        message = f"{topic}: ids that no trade has are passed over, as id {wire.t} ({wire.X})"
        return (VenueNotice(venue=self._venue, message=message, received_ns=received_ns),)

    def _agg_trade(self, topic: str, wire: native.AggTrade, received_ns: int) -> Sequence[Event]:
        carried = self._carried(topic, Channel.TRADE)
        if carried is None or carried.symbol is None:
            return ()
        return (normalize.agg_trade(wire, self._venue, carried.symbol, received_ns),)

    def _ticker(self, topic: str, wire: native.Ticker, received_ns: int) -> Sequence[Event]:
        carried = self._carried(topic, Channel.TICKER)
        if carried is None or carried.symbol is None:
            return ()
        return (normalize.ticker(wire, self._venue, carried.symbol, received_ns),)

    def _book_ticker(
        self, topic: str, wire: native.BookTicker, received_ns: int
    ) -> Sequence[Event]:
        carried = self._carried(topic, Channel.TICKER)
        if carried is None or carried.symbol is None:
            return ()
        return (normalize.book_ticker(wire, self._venue, carried.symbol, received_ns),)

    def _kline(self, topic: str, wire: native.Kline, received_ns: int) -> Sequence[Event]:
        carried = self._carried(topic, Channel.CANDLE)
        if carried is None or carried.symbol is None:
            return ()
        interval_s, bar = carried.interval_s, wire.k
        if interval_s is None or self._policy.intervals[interval_s] != bar.i:
            raise RemoteProtocolError(f"a candle of {topic!r} was expected, was of {bar.i!r}")
        candle = normalize.candle(wire, interval_s, self._venue, carried.symbol, received_ns)
        known = self._dialogue.candles.get(topic)
        if known is None:
            known = self._dialogue.candles[topic] = ClosedCandles()
        news = known.admit(candle)
        return () if news is None else (news,)

    def _carried(self, topic: str, channel: Channel) -> Subscription | None:
        carried = self._dialogue.carried(topic)
        if carried is not None and carried.channel is not channel:
            raise RemoteProtocolError(
                f"data of {carried.channel.value} was expected, was of {channel.value}"
            )
        return carried

    def _shutdown(
        self, _topic: str, _wire: native.ServerShutdown, received_ns: int
    ) -> Sequence[Event]:
        message = "the server will shut down"
        self.outbox.append(Handover(message))
        return (VenueNotice(venue=self._venue, message=message, received_ns=received_ns),)

    # Everything else

    def _odd(self, topic: str, data: bytes, received_ns: int, reason: str) -> Sequence[Event]:
        """An event whose stream is known and which cannot be read, unless without some levels."""
        book = self._books.get(topic)
        if book is not None:
            try:
                update, left_out = read_changes(data)
                if left_out is not None:
                    return book.take(update, received_ns, left_out)
            except (RemoteProtocolError, *_UNREADABLE) as error:
                reason = str(error)
        raise UnreadableStream(reason, self._dialogue.named(topic))

    def _splice(self, book: DepthBook, body: bytes, received_ns: int) -> Sequence[Event]:
        """A snapshot and what follows it, without levels that cannot be read."""
        try:
            return book.splice(native.decode_depth(body), received_ns)
        except TooOld:
            raise
        except (RemoteProtocolError, *_UNREADABLE):
            depth, left_out = read_snapshot(body)
            return book.splice(depth, received_ns, left_out)

    def _receive_other(self, frame: bytes, received_ns: int, reason: str) -> Sequence[Event]:
        """An answer, an event that is not wrapped or of another kind, or nonsense."""
        try:
            outline = native.decode_outline(frame)
        except _UNREADABLE:
            raise RemoteProtocolError(reason) from None
        if outline.stream is not None:
            return self._unusual(outline.stream, bytes(outline.data), received_ns, reason)
        if outline.result is not UNSET or outline.error is not None or outline.code is not None:
            return self._dialogue.answer(outline, received_ns)
        return self._unwrapped(frame, outline, received_ns)

    def _unusual(self, topic: str, data: bytes, received_ns: int, reason: str) -> Sequence[Event]:
        """Wrapped data of no kind we know, or the best levels, which have no tag on spot."""
        named = self._dialogue.named(topic)
        try:
            kind = "" if data.startswith(b"[") else native.decode_tag(data).e
            if kind in native.EVENTS:
                return self._odd(topic, data, received_ns, reason)
            if topic.endswith("@bookTicker"):
                return self._book_ticker(topic, native.decode_book_ticker(data), received_ns)
        except UnreadableStream:
            raise
        except (RemoteProtocolError, *_UNREADABLE) as error:
            raise UnreadableStream(str(error), named) from error
        if not kind and (named or self._dialogue.overheard is None):
            raise UnreadableStream(reason, named)
        # There may be more kinds at any time, and a tape holds another client's streams, such as
        # `btcusdt@depth20` or `!miniTicker@arr`.
        return ()

    def _unwrapped(
        self, frame: bytes, outline: native.Outline, received_ns: int
    ) -> Sequence[Event]:
        """An event as on a link that is not combined: its content says which stream it is of."""
        kind = outline.e
        try:
            if kind is None:
                best = native.decode_book_ticker(frame)
                return self._book_ticker(f"{_name(best)}@bookTicker", best, received_ns)
            if kind not in native.EVENTS:
                return ()
            event = native.decode_event(frame)
            return self._handlers[type(event)](_topic_of_event(event), event, received_ns)
        except UnreadableStream:
            raise
        except (RemoteProtocolError, *_UNREADABLE) as error:
            beginning = _BEGINNINGS.get(kind or "")
            if outline.s is None or beginning is None:
                raise RemoteProtocolError(str(error)) from error
            named = self._dialogue.named_like(f"{outline.s.lower()}@{beginning}")
            raise UnreadableStream(str(error), named) from error


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
    return f"{_name(event)}@{kind}"


def _name(event: native.MarketEvent) -> str:
    if not event.s:
        raise RemoteProtocolError("an event with the name of its market was expected")
    return event.s.lower()
