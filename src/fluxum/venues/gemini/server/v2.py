"""The simulated half of market data v2: subscriptions without an answer, heartbeats, plain errors.

Source: https://developer.gemini.com/websocket/archived/v2, 2026-03, and recorded frames. What the
venue does with a second subscribe to the same stream is not documented; here it begins anew.
"""

from collections.abc import Sequence
from functools import partial

from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import Candle, Level, Trade
from fluxum.venues.gemini.symbols import upper
from fluxum.venues.gemini.v2 import native
from fluxum.venues.gemini.v2.topics import CANDLES
from fluxum.venues.queries import UNDECODABLE
from fluxum.venues.server.book_diff import BookWindow
from fluxum.venues.server.contract import MarketView, Outgoing
from fluxum.venues.server.streams import Change, ClientStreams, FrameStream, Stream, TradeCursor

__all__ = ["GeminiV2Server"]

_INVALID_JSON = b'{"result":"error","reason":"InvalidJson"}'
_NO_PAIRS = b'{"reason":"NoValidTradingPairs","result":"error"}'
_HEARTBEAT_NS = 5_000_000_000
_HISTORY_TRADES = 50
_HISTORY_CANDLES = 10
_TRADES_MAX = 200


class GeminiV2Server:
    """One client of a simulated Gemini; see VenueServer for what each call promises."""

    def __init__(self, view: MarketView, endpoint: str = "public") -> None:  # noqa: ARG002
        self._view = view
        self._instruments = {upper(one.symbol): one for one in view.instruments()}
        self._streams = ClientStreams()
        self._beat_ns = 0

    def opened(self, now_ns: int) -> Sequence[Outgoing]:
        """Nothing is sent first; the heartbeats count from here."""
        self._beat_ns = now_ns
        return ()

    def receive(self, frame: bytes, now_ns: int) -> Sequence[Outgoing]:
        """Whole books and candles at once, an error if no market is known, else nothing."""
        try:
            request = native.decode_request(frame)
        except UNDECODABLE:
            return (_INVALID_JSON,)
        frames: list[bytes] = []
        is_any_known = False
        for stream in request.subscriptions:
            for name in stream.symbols:
                instrument = self._instruments.get(name)
                if instrument is not None:
                    is_any_known = True
                    frames += self._one(request.type, stream.name, instrument, now_ns)
        return frames if is_any_known else (_NO_PAIRS,)

    def publish(self, symbol: Symbol, now_ns: int) -> Sequence[Outgoing]:
        """The frames that follow a move of a market."""
        return self._streams.publish(symbol, now_ns)

    def tick(self, now_ns: int) -> Sequence[Outgoing]:
        """A heartbeat every five seconds from the beginning, other frames or not."""
        if now_ns - self._beat_ns < _HEARTBEAT_NS:
            return ()
        self._beat_ns += (now_ns - self._beat_ns) // _HEARTBEAT_NS * _HEARTBEAT_NS
        return (b'{"type":"heartbeat","timestamp":%d}' % (now_ns // 1_000_000),)

    def _one(self, kind: str, name: str, instrument: Instrument, now_ns: int) -> Sequence[bytes]:
        topic = f"{name} {instrument.symbol}"
        if kind == "unsubscribe":
            self._streams.close(topic)
            return ()
        if name == "l2":
            stream: Stream = _L2Stream(self._view, instrument)
        elif name in CANDLES:
            stream = _candle_stream(self._view, instrument, name)
        else:
            return ()  # marks and funding of futures, which are not simulated
        self._streams.open(instrument.symbol, topic, stream)
        return stream.begin(now_ns)


class _L2Stream:
    """A whole book with the last trades; then its changes, and trades as they happen."""

    def __init__(self, view: MarketView, instrument: Instrument) -> None:
        self._view = view
        self._symbol = instrument.symbol
        self._name = upper(instrument.symbol).encode()
        self._window = BookWindow(view, instrument.symbol)
        self._cursor = TradeCursor(view, instrument.symbol)

    def begin(self, now_ns: int) -> Sequence[bytes]:  # noqa: ARG002 - these frames have no time
        """The whole book; trades are listed newest first, as in 2021."""
        bids, asks = self._window.whole()
        self._cursor.advance()
        trades = self._view.trades(self._symbol, _HISTORY_TRADES)
        frame = (
            b'{"type":"l2_updates","symbol":"%s","changes":[%s],"trades":[%s],"auction_events":[]}'
        ) % (
            self._name,
            _changes(bids, asks),
            b",".join(self._trade(trade) for trade in reversed(trades)),
        )
        return (frame,)

    def update(self, now_ns: int) -> Sequence[bytes]:  # noqa: ARG002
        """New trades, each a frame of its own, and what they and others changed."""
        count = min(self._cursor.advance(), _TRADES_MAX)
        fresh = self._view.trades(self._symbol, count) if count else ()
        frames = [self._trade(trade) for trade in fresh]
        changes = self._window.changes()
        if changes is not None:
            frames.append(
                b'{"type":"l2_updates","symbol":"%s","changes":[%s]}'
                % (self._name, _changes(*changes))
            )
        return frames

    def _trade(self, trade: Trade) -> bytes:
        return (
            b'{"type":"trade","symbol":"%s","event_id":%s,"timestamp":%d,"price":"%s",'
            b'"quantity":"%s","side":"%s"}'
        ) % (
            self._name,
            trade.trade_id.encode(),
            (trade.venue_ns or trade.received_ns) // 1_000_000,
            f"{trade.price:f}".encode(),
            f"{trade.quantity:f}".encode(),
            trade.side.value.encode(),
        )


def _candle_stream(view: MarketView, instrument: Instrument, name: str) -> FrameStream:
    """Candles of one interval, newest first: some past ones, then the running one if it changed."""
    market = upper(instrument.symbol).encode()

    def recent(count: int) -> Sequence[bytes]:
        candles = view.candles(instrument.symbol, CANDLES[name], count)
        return [_row(candle) for candle in reversed(candles)]

    def frame(count: int, _now_ns: int) -> bytes:
        return b'{"type":"%s_updates","symbol":"%s","changes":[%s]}' % (
            name.encode(),
            market,
            b",".join(recent(count)),
        )

    running = Change(lambda: recent(1))
    return FrameStream(partial(frame, 1), running, partial(frame, _HISTORY_CANDLES))


def _row(candle: Candle) -> bytes:
    numbers = (candle.open, candle.high, candle.low, candle.close, candle.volume)
    text = ",".join(f"{number:f}" for number in numbers)
    return b"[%d,%s]" % (candle.start_ns // 1_000_000, text.encode())


def _changes(bids: Sequence[Level], asks: Sequence[Level]) -> bytes:
    rows = [_change(b"buy", level) for level in bids]
    rows += [_change(b"sell", level) for level in asks]
    return b",".join(rows)


def _change(side: bytes, level: Level) -> bytes:
    quantity = f"{level.quantity:f}" if level.quantity else "0"
    return b'["%s","%s","%s"]' % (side, f"{level.price:f}".encode(), quantity.encode())
