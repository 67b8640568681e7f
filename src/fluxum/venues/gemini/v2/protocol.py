"""One link's conversation with Gemini's market data v2.

One stream, `l2`, brings a market's book and its trades, so a book and trades of the same market
share it: whichever is asked for second makes the stream begin anew, and it ends with the last of
them. A message with the members `trades` or `auction_events` is the whole book, and the answer to
the request; those without are changes. A second whole book replaces the first one
(https://developer.gemini.com/websocket/archived/v2). Nothing is numbered, so no book can be proved:
a lost change shows to nobody.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence

from msgspec import MsgspecError, Raw

from fluxum.errors import LocalProtocolError, RemoteProtocolError
from fluxum.model.event import (
    Channel,
    Event,
    Refused,
    Subscription,
    Unsubscribed,
)
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookUpdate
from fluxum.venues.conversation import UnreadableStream
from fluxum.venues.gemini.instruments import InstrumentList
from fluxum.venues.gemini.symbols import guess, upper
from fluxum.venues.gemini.v2 import native
from fluxum.venues.gemini.v2.candles import CandleReader
from fluxum.venues.gemini.v2.l2 import L2Reader, Market
from fluxum.venues.gemini.v2.normalize import VENUE
from fluxum.venues.gemini.v2.requests import Requests
from fluxum.venues.rows import sides
from fluxum.venues.streams import Streams
from fluxum.venues.venue import Effect, Fetch, SequenceCounts

__all__ = ["CANDLES", "GeminiV2Protocol"]

CANDLES = {
    "candles_1m": 60,
    "candles_5m": 300,
    "candles_15m": 900,
    "candles_30m": 1800,
    "candles_1h": 3600,
    "candles_6h": 21_600,
    "candles_1d": 86_400,
}
"""The venue's names of candle streams, and their intervals in seconds."""

_CANDLE_NAMES = {interval_s: name for name, interval_s in CANDLES.items()}
_CANDLE_KINDS = {f"{name}_updates": name for name in CANDLES}
_L2 = "l2"
_L2_PARTS = (Channel.BOOK, Channel.TRADE)
# Auctions' prices are no orders of a book, and what they traded comes as trades.
_PASSED_OVER = frozenset({"auction_open", "auction_indicative", "auction_result"})

_UNREADABLE = (MsgspecError, UnicodeDecodeError, RecursionError)
_BEATS_TO_NUDGE = 2
_BOTH_ORDERS = (b'{"type":"l2_updates"', b'"type":"l2_updates"}')


class GeminiV2Protocol:
    """Market data v2; see VenueProtocol for what each call promises."""

    def __init__(self) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()  # stays as it is: nothing is numbered
        self._streams = Streams()
        self._requests = Requests(self.outbox)
        self._markets: dict[str, Market] = {}  # by the venue's name
        self._reader = L2Reader()
        self._candles = CandleReader()
        self._instruments = InstrumentList(VENUE, upper, self.outbox)
        self._leaving: list[Subscription] = []
        self._beats = 0
        self._is_overheard = False

    # What we say

    def follow_passively(self, depth: int | None = None) -> None:  # noqa: ARG002 - books are whole here
        """Accept data that another asked for."""
        self._is_overheard = self._reader.is_tape = True

    def follow_request(self, frame: bytes) -> None:
        """Learn from another client's request."""
        try:
            request = native.decode_request(frame)
        except _UNREADABLE:
            return
        for stream in request.subscriptions:
            for market in stream.symbols:
                try:
                    heard = list(_subscriptions(stream.name, guess(market)))
                except RemoteProtocolError:
                    continue
                for subscription in heard:
                    if request.type == "subscribe":
                        self._begin(subscription)
                    else:
                        self._end(subscription)

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue a request for all streams; one that brings more already begins anew."""
        fresh: list[tuple[str, str]] = []
        shared: list[tuple[str, str]] = []
        for subscription in wanted:
            if subscription.channel is Channel.INSTRUMENT:
                self._instruments.begin(subscription)
                continue
            stream = _wire(subscription)
            was_carried = stream[0] == _L2 and stream[1] in self._markets
            if self._begin(subscription):
                self._await(subscription)
                (shared if was_carried and stream not in fresh else fresh).append(stream)
        self._requests.ask(fresh)
        self._requests.ask(shared, again=True)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue a request that ends all streams that nobody wants any more."""
        ended: list[tuple[str, str]] = []
        for subscription in unwanted:
            if subscription.channel is Channel.INSTRUMENT:
                if self._instruments.end():
                    self._leaving.append(subscription)
            elif self._end(subscription):
                self._leaving.append(subscription)
                stream = _wire(subscription)
                if stream[0] != _L2 or stream[1] not in self._markets:
                    ended.append(stream)
        self._requests.end(ended)

    def resync(self, subscription: Subscription) -> None:
        """Queue an end and a new beginning of one stream, unless it is on its way already."""
        if subscription.channel is Channel.INSTRUMENT:
            self._instruments.again()
        elif self._streams.topic(subscription) is not None:
            self._requests.ask([_wire(subscription)], again=True)

    def ping(self) -> None:
        """Say nothing: the venue's heartbeat comes every five seconds in any case."""

    def unanswered(self) -> Collection[Subscription]:
        """The subscriptions of the streams that were asked for and have not answered yet.

        What waits for the answer to another request is not asked yet: its time begins later.
        """
        return [one for stream in self._requests.asked for one in self._carried_by(stream)]

    # What we hear

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """What a frame says; raises RemoteProtocolError when it makes no sense."""
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
                case _ if name in _CANDLE_KINDS:
                    wire = native.decode_candles(frame)
                    return self._candle(_CANDLE_KINDS[name], wire.symbol, wire.changes, received_ns)
                case _ if name in _PASSED_OVER:
                    return ()
                case "":
                    raise RemoteProtocolError(
                        f"a message of this feed was expected: {frame[:80]!r}"
                    )
                case _:
                    pass
        except _UNREADABLE as error:
            return self._salvage(frame, name, received_ns, str(error))
        raise UnreadableStream(f"a message of this feed was expected, was {name[:40]!r}", ())

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        """What the list of markets, or the rules of one, say."""
        return self._instruments.receive(fetch, body, received_ns)

    def receive_refusal(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:
        """The venue does not tell its markets, or the rules of one."""
        return self._instruments.refuse(fetch, reason, received_ns)

    def _salvage(self, frame: bytes, kind: str, received_ns: int, reason: str) -> Sequence[Event]:
        """What can be read of a frame of a known kind, row by row.

        Raises UnreadableStream where that is nothing, naming the streams it may be of.
        """
        kind = kind or native.kind_of(frame)
        if not kind:
            raise RemoteProtocolError(reason)
        name = _CANDLE_KINDS.get(kind, _L2)
        try:
            loose = native.decode_loose(frame)
        except _UNREADABLE:
            raise UnreadableStream(reason, self._of_kind(name)) from None
        streams = self._carried_by((name, loose.symbol))
        if kind == "trade":
            streams = [one for one in streams if one.channel is Channel.TRADE]
            raise UnreadableStream(reason, tuple(streams))
        is_whole = bool(loose.trades or loose.auction_events)
        try:
            rows = native.decode_rows(loose.changes)
            trades = native.decode_rows(loose.trades) if loose.trades else []
        except _UNREADABLE:
            if name != _L2 or is_whole:
                self._requests.answered((name, loose.symbol))  # not to be waited for any more
            raise UnreadableStream(reason, tuple(streams)) from None
        if name != _L2:
            return self._candle(name, loose.symbol, rows, received_ns)
        return self._l2_rows(loose.symbol, rows, trades if is_whole else None, received_ns)

    def _of_kind(self, name: str) -> tuple[Subscription, ...]:
        """The streams on the wire of one name."""
        found = self._streams.by_topic.values()
        if name == _L2:
            return tuple(one for one in found if one.channel in _L2_PARTS)
        return tuple(one for one in found if one.interval_s == CANDLES[name])

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
        market = self._markets.get(name) or self._adopt(name)
        if market is None:
            return ()
        if trades is not None:
            self._requests.answered((_L2, name))
        return self._reader.read(market, rows, trades, received_ns)

    def _trade(self, wire: native.Trade, received_ns: int) -> Sequence[Event]:
        market = self._markets.get(wire.symbol) or self._adopt(wire.symbol)
        return () if market is None else self._reader.trade(market, wire, received_ns)

    def _candle(
        self,
        name: str,
        market: str,
        rows: Sequence[native.CandleRow | Raw],
        received_ns: int,
    ) -> Sequence[Event]:
        topic = _topic(name, market)
        subscription = self._streams.by_topic.get(topic)
        if subscription is None:
            if self._streams.is_ended(topic):
                return ()
            subscription = self._overheard(market, name)
        is_answer = self._requests.answered((name, market))
        return self._candles.read(subscription, rows, received_ns, is_answer=is_answer).finish()

    def _heartbeat(self, received_ns: int) -> Sequence[Event]:
        """Time passed: what was to end has ended, as far as the venue ever says."""
        self._requests.beat()
        self._beats += 1
        if self._beats % _BEATS_TO_NUDGE == 0:
            self._instruments.nudge()
        ended, self._leaving = self._leaving, []
        return [
            Unsubscribed(venue=VENUE, subscription=one, received_ns=received_ns) for one in ended
        ]

    def _refused(self, reason: str, received_ns: int) -> Sequence[Event]:
        """A refusal names nothing: it is about the one request that is on its way."""
        if not self._requests.owed:
            return (Refused(venue=VENUE, message=reason, received_ns=received_ns),)
        stream = self._requests.refused()
        if stream is None:
            return ()
        gone = self._carried_by(stream)
        for subscription in gone:
            self._end(subscription)
        return [
            Refused(venue=VENUE, subscription=one, message=reason, received_ns=received_ns)
            for one in gone
        ]

    # Bookkeeping

    def _begin(self, subscription: Subscription) -> bool:
        """Carry a subscription; false if it is carried already."""
        name, wire_symbol = _wire(subscription)
        topic = _topic(name, wire_symbol, subscription.channel)
        if not self._streams.begin(topic, subscription):
            return False
        symbol = subscription.symbol
        if name == _L2 and symbol is not None:
            market = self._markets.get(wire_symbol)
            if market is None:
                market = self._markets[wire_symbol] = Market(symbol)
            if subscription.channel is Channel.BOOK:
                market.book = subscription
            else:
                market.trades = subscription
        return True

    def _await(self, subscription: Subscription) -> None:
        """Remember to tell that it was accepted."""
        name, wire_symbol = _wire(subscription)
        if name == _L2:
            self._markets[wire_symbol].awaiting.append(subscription)
        else:
            self._candles.wait(subscription)

    def _end(self, subscription: Subscription) -> bool:
        """Carry a subscription no longer; false if it was not carried."""
        name, wire_symbol = _wire(subscription)
        topic = _topic(name, wire_symbol, subscription.channel)
        if self._streams.end(topic) is None:
            return False
        self._candles.forget(subscription)
        self._reader.early.forget(subscription)
        market = self._markets.get(wire_symbol) if name == _L2 else None
        if market is not None:
            if subscription.channel is Channel.BOOK:
                market.book, market.holds_book = None, False
            else:
                market.trades = None
            market.awaiting = [one for one in market.awaiting if one != subscription]
            if market.book is None and market.trades is None:
                del self._markets[wire_symbol]
        return True

    def _adopt(self, wire_symbol: str) -> Market | None:
        """A market's stream nobody was heard to ask for; none if its data is only late."""
        if any(self._streams.is_ended(_topic(_L2, wire_symbol, part)) for part in _L2_PARTS):
            return None
        self._overheard(wire_symbol, _L2)
        return self._markets[wire_symbol]

    def _overheard(self, wire_symbol: str, name: str) -> Subscription:
        """Carry what came without a question, on a tape; the last of the stream's parts."""
        if not self._is_overheard or not wire_symbol.isupper():
            raise UnreadableStream(f"{name} that nobody asked for, was of {wire_symbol[:40]!r}", ())
        heard = list(_subscriptions(name, guess(wire_symbol)))
        for subscription in heard:
            self._begin(subscription)
        return heard[-1]

    def _carried_by(self, stream: tuple[str, str]) -> list[Subscription]:
        """The subscriptions that a stream on the wire serves."""
        name, wire_symbol = stream
        if name != _L2:
            one = self._streams.by_topic.get(_topic(name, wire_symbol))
            return [] if one is None else [one]
        market = self._markets.get(wire_symbol)
        if market is None:
            return []
        return [one for one in (market.book, market.trades) if one is not None]


def _wire(subscription: Subscription) -> tuple[str, str]:
    """The stream that brings it, and its market: `("l2", "BTCUSD")`."""
    symbol = subscription.symbol
    if symbol is not None:
        if subscription.channel in _L2_PARTS:
            return _L2, upper(symbol)
        name = _CANDLE_NAMES.get(subscription.interval_s or 0)
        if subscription.channel is Channel.CANDLE and name is not None:
            return name, upper(symbol)
    raise LocalProtocolError(f"'{subscription}' is no stream of this feed")


def _topic(name: str, wire_symbol: str, part: Channel = Channel.CANDLE) -> str:
    """What tells streams apart here; the parts of one on the wire are streams of their own."""
    return f"{part.value} {wire_symbol}" if name == _L2 else f"{name} {wire_symbol}"


def _subscriptions(name: str, symbol: Symbol) -> Iterator[Subscription]:
    """All that a stream on the wire brings; nothing if we do not know it."""
    if name == _L2:
        for part in _L2_PARTS:
            yield Subscription(part, symbol)
    elif name in CANDLES:
        yield Subscription(Channel.CANDLE, symbol, interval_s=CANDLES[name])
