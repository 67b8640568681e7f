"""Market data v2 from the venue's chair: subscriptions taken in silence, heartbeats, plain errors.

Source: https://developer.gemini.com/websocket/archived/v2, 2026-03, and recorded frames. What the
venue does with a second subscribe to the same stream is not documented; here it begins anew.
"""

from collections.abc import Sequence

from msgspec import MsgspecError

from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import Candle, Level, Trade
from fluxum.venues.gemini.symbols import upper
from fluxum.venues.gemini.v2 import native
from fluxum.venues.gemini.v2.protocol import CANDLES
from fluxum.venues.server.book_diff import BookWindow
from fluxum.venues.server.contract import MarketView, Outgoing

__all__ = ["GeminiV2Server"]

_INVALID_JSON = b'{"result":"error","reason":"InvalidJson"}'
_NO_PAIRS = b'{"reason":"NoValidTradingPairs","result":"error"}'
_HEARTBEAT_NS = 5_000_000_000
_HISTORY_TRADES = 50
_HISTORY_CANDLES = 10
_TRADES_SEEN = 200


class GeminiV2Server:
    """One client of a simulated Gemini; see VenueServer for what each call promises."""

    def __init__(self, view: MarketView, endpoint: str = "public") -> None:  # noqa: ARG002
        self._view = view
        self._instruments = {upper(one.symbol): one for one in view.instruments()}
        self._streams: dict[Symbol, dict[str, _L2Stream | _CandleStream]] = {}
        self._beat_ns = 0

    def opened(self, now_ns: int) -> Sequence[Outgoing]:
        """Nothing is said first; the heartbeats count from here."""
        self._beat_ns = now_ns
        return ()

    def receive(self, frame: bytes, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """Whole books and candles at once, an error if no market is known, else silence."""
        try:
            request = native.decode_request(frame)
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            return (_INVALID_JSON,)
        frames: list[bytes] = []
        is_any_known = False
        for stream in request.subscriptions:
            for name in stream.symbols:
                instrument = self._instruments.get(name)
                if instrument is not None:
                    is_any_known = True
                    frames += self._one(request.type, stream.name, instrument)
        return frames if is_any_known else (_NO_PAIRS,)

    def publish(self, symbol: Symbol, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """What this client is told after a market moved."""
        streams = self._streams.get(symbol)
        if not streams:
            return ()
        return [frame for stream in streams.values() for frame in stream.news()]

    def tick(self, now_ns: int) -> Sequence[Outgoing]:
        """A heartbeat every five seconds from the beginning, whatever else is said."""
        if now_ns - self._beat_ns < _HEARTBEAT_NS:
            return ()
        self._beat_ns += (now_ns - self._beat_ns) // _HEARTBEAT_NS * _HEARTBEAT_NS
        return (b'{"type":"heartbeat","timestamp":%d}' % (now_ns // 1_000_000),)

    def status(self, status: str, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """The feed does not tell the engine's status."""
        return ()

    def going_away(self, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """The venue gives no notice before it closes a link."""
        return ()

    def _one(self, kind: str, name: str, instrument: Instrument) -> Sequence[bytes]:
        streams = self._streams.setdefault(instrument.symbol, {})
        if kind == "unsubscribe":
            streams.pop(name, None)
            return ()
        if name == "l2":
            stream: _L2Stream | _CandleStream = _L2Stream(self._view, instrument)
        elif name in CANDLES:
            stream = _CandleStream(self._view, instrument, name)
        else:
            return ()  # marks and funding of futures, which are not simulated
        streams[name] = stream
        return (stream.first(),)


class _L2Stream:
    """A whole book with the last trades; then its changes, and trades as they happen."""

    def __init__(self, view: MarketView, instrument: Instrument) -> None:
        self._view = view
        self._symbol = instrument.symbol
        self._name = upper(instrument.symbol).encode()
        self._window = BookWindow(view, instrument.symbol)
        self._told = 0

    def first(self) -> bytes:
        """The whole book; trades are told newest first, as in 2021."""
        bids, asks = self._window.whole()
        trades = self._view.trades(self._symbol, _HISTORY_TRADES)
        self._told = int(trades[-1].trade_id) if trades else 0
        return (
            b'{"type":"l2_updates","symbol":"%s","changes":[%s],"trades":[%s],"auction_events":[]}'
        ) % (
            self._name,
            _changes(bids, asks),
            b",".join(self._trade(trade) for trade in reversed(trades)),
        )

    def news(self) -> Sequence[bytes]:
        """New trades, each a frame of its own, and what they and others changed."""
        frames = [self._trade(trade) for trade in self._fresh()]
        changes = self._window.changes()
        if changes is not None:
            frames.append(
                b'{"type":"l2_updates","symbol":"%s","changes":[%s]}'
                % (self._name, _changes(*changes))
            )
        return frames

    def _fresh(self) -> Sequence[Trade]:
        last = self._view.trades(self._symbol, 1)
        if not last or int(last[-1].trade_id) == self._told:
            return ()
        since, self._told = self._told, int(last[-1].trade_id)
        trades = self._view.trades(self._symbol, _TRADES_SEEN)
        return [trade for trade in trades if int(trade.trade_id) > since]

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


class _CandleStream:
    """Candles of one interval, newest first: some past ones, then the running one."""

    def __init__(self, view: MarketView, instrument: Instrument, name: str) -> None:
        self._view = view
        self._symbol = instrument.symbol
        self._market = upper(instrument.symbol).encode()
        self._name = name
        self._told: Candle | None = None

    def first(self) -> bytes:
        """The past, if there is one."""
        candles = self._view.candles(self._symbol, CANDLES[self._name], _HISTORY_CANDLES)
        self._told = candles[-1] if candles else None
        return self._frame(candles)

    def news(self) -> Sequence[bytes]:
        """The running candle, if a trade changed it."""
        candles = self._view.candles(self._symbol, CANDLES[self._name], 1)
        before = self._told
        if not candles or (before is not None and _row(before) == _row(candles[-1])):
            return ()
        self._told = candles[-1]
        return (self._frame(candles),)

    def _frame(self, candles: Sequence[Candle]) -> bytes:
        return b'{"type":"%s_updates","symbol":"%s","changes":[%s]}' % (
            self._name.encode(),
            self._market,
            b",".join(_row(candle) for candle in reversed(candles)),
        )


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
