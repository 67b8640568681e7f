"""Gemini's sequenced feed from the venue's chair: one client's requests answered, its streams told.

Sources: https://developer.gemini.com/websocket/introduction and /websocket/streams, 2026-03, and
live notes of 2026: a book's snapshot comes before the answer to its request, the next update's `U`
is the `u` of the one before, one bad name refuses a whole request. The links of this server are
those with `snapshot=-1` in their URL.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import msgspec
from msgspec import MsgspecError, Struct

from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import Level, Side, Trade
from fluxum.venues.gemini import native
from fluxum.venues.gemini.symbols import lower
from fluxum.venues.server.book_diff import BookWindow
from fluxum.venues.server.contract import MarketView, Outgoing

__all__ = ["GeminiServer", "padded"]

_LEVELS_DEFAULT, _LEVELS_MAX = 100, 5000
_TRADES_SEEN = 200
_PARTIALS = (5, 10, 20)
_PRIVATE = ("orders@", "balances@", "positions@")
_ORDERS = frozenset({"order.place", "order.cancel", "order.cancel_all", "order.cancel_session"})
# Both members and values as documented; the live numbers are others.
_RATE_LIMITS = (
    b'[{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":30000,'
    b'"count":1},{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":1000,'
    b'"count":0},{"rateLimitType":"ORDERS","interval":"DAY","intervalNum":1,"limit":1000000,'
    b'"count":0},{"rateLimitType":"CONNECTION_ATTEMPTS","interval":"MINUTE","intervalNum":5,'
    b'"limit":300,"count":1}]'
)
_ZEROS = 2  # live numbers have more decimals than the market needs

_Frames = Sequence[bytes]


class _Outline(Struct):
    """What can be told of a request that makes no sense otherwise."""

    id: int | str | None = None


_encode = msgspec.json.Encoder().encode
_decode_outline = msgspec.json.Decoder(_Outline).decode


class GeminiServer:
    """One client of a simulated Gemini; see VenueServer for what each call promises."""

    def __init__(self, view: MarketView, endpoint: str = "public") -> None:  # noqa: ARG002
        self._view = view
        self._instruments = {lower(one.symbol): one for one in view.instruments()}
        self._streams: dict[Symbol, dict[str, _Stream]] = {}
        self._answers: Mapping[str, Callable[[native.Request, int], _Frames]] = {
            "ping": lambda request, _: (_ok(request),),
            "time": lambda request, now_ns: (_ok(request, b"result", b"%d" % (now_ns // 10**6)),),
            "conninfo": lambda request, _: (_ok(request, b"rateLimits", _RATE_LIMITS),),
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "list_subscriptions": self._list,
            "depth": self._depth,
        }

    # The venue speaks

    def opened(self, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """The venue says nothing first."""
        return ()

    def publish(self, symbol: Symbol, now_ns: int) -> Sequence[Outgoing]:
        """What this client is told after a market moved."""
        streams = self._streams.get(symbol)
        if not streams:
            return ()
        return [frame for stream in streams.values() for frame in stream.news(now_ns)]

    def tick(self, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """Nothing: the venue's pings are the transport's."""
        return ()

    def status(self, status: str, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """The feed does not tell the engine's status."""
        return ()

    def going_away(self, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """The venue gives no notice before it closes a link."""
        return ()

    # The client speaks

    def receive(self, frame: bytes, now_ns: int) -> Sequence[Outgoing]:
        """The answers to a client's frame, whatever is in it."""
        try:
            request = native.decode_request(frame)
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            return (_error(_number(frame), 400, -1013, "Invalid parameters"),)
        method = request.method.lower()
        if method in _ORDERS:
            return (_error(request.id, 401, -1002, "Authentication required"),)
        answer = self._answers.get(method)
        if answer is None:
            return (_error(request.id, 400, -1020, "Unsupported operation"),)
        return answer(request, now_ns)

    def _subscribe(self, request: native.Request, now_ns: int) -> _Frames:
        names = request.params
        if not isinstance(names, list) or not names:
            return (_error(request.id, 400, -1013, "Invalid parameters"),)
        made: dict[str, _Stream] = {}
        for name in names:
            if name.startswith(_PRIVATE):
                return (_error(request.id, 401, -1002, "Authentication required"),)
            stream = self._stream(name)
            if stream is None:
                return (_error(request.id, 400, -1013, f"Invalid stream name: {name}"),)
            made[name] = stream
        frames: list[bytes] = []
        for name, stream in made.items():
            streams = self._streams.setdefault(stream.symbol, {})
            if name not in streams:
                streams[name] = stream
                frames += stream.first(now_ns)
        return [*frames, _ok(request)]

    def _unsubscribe(self, request: native.Request, now_ns: int) -> _Frames:  # noqa: ARG002
        names = request.params
        if not isinstance(names, list) or not names:
            return (_error(request.id, 400, -1013, "Invalid parameters"),)
        for name in names:
            if self._stream(name) is None:
                return (_error(request.id, 400, -1013, f"Invalid stream name: {name}"),)
        for streams in self._streams.values():
            for name in names:
                streams.pop(name, None)
        return (_ok(request),)

    def _list(self, request: native.Request, now_ns: int) -> _Frames:  # noqa: ARG002
        names = [name for streams in self._streams.values() for name in streams]
        return (_ok(request, b"result", _encode(names or None)),)

    def _depth(self, request: native.Request, now_ns: int) -> _Frames:  # noqa: ARG002
        params = request.params if isinstance(request.params, dict) else {}
        instrument = self._instruments.get(str(params.get("symbol")))
        limit = params.get("limit", _LEVELS_DEFAULT)
        if instrument is None or not isinstance(limit, int) or not 0 < limit <= _LEVELS_MAX:
            return (_error(request.id, 400, -1013, "Invalid parameters"),)
        symbol = instrument.symbol
        result = b'{"lastUpdateId":%d,"bids":%s,"asks":%s}' % (
            self._view.revision(symbol),
            _rows(self._view.levels(symbol, Side.BUY, limit), instrument),
            _rows(self._view.levels(symbol, Side.SELL, limit), instrument),
        )
        return (_ok(request, b"result", result),)

    def _stream(self, name: str) -> "_Stream | None":
        market, _, kind = name.partition("@")
        instrument = self._instruments.get(market)
        if instrument is None:
            return None
        match kind.removesuffix("@100ms"):
            case "depth":
                return _BookStream(self._view, instrument)
            case "bookTicker" if kind == "bookTicker":
                return _TickerStream(self._view, instrument)
            case "trade" if kind == "trade":
                return _TradeStream(self._view, instrument)
            case partial if partial in {f"depth{count}" for count in _PARTIALS}:
                return _PartialStream(self._view, instrument, int(partial.removeprefix("depth")))
            case _:
                return None


class _BookStream:
    """A whole book and its changes, numbered by the market's moves."""

    def __init__(self, view: MarketView, instrument: Instrument) -> None:
        self.symbol = instrument.symbol
        self._instrument = instrument
        self._window = BookWindow(view, instrument.symbol)
        self._told = 0

    def first(self, now_ns: int) -> _Frames:
        bids, asks = self._window.whole()
        self._told = self._window.revision
        return (self._frame(self._told, bids, asks, now_ns),)

    def news(self, now_ns: int) -> _Frames:
        changes = self._window.changes()
        if changes is None:
            return ()
        since, self._told = self._told, self._window.revision
        return (self._frame(since, *changes, now_ns),)

    def _frame(
        self, since: int, bids: Sequence[Level], asks: Sequence[Level], now_ns: int
    ) -> bytes:
        return b'{"e":"depthUpdate","E":%d,"s":"%s","U":%d,"u":%d,"b":%s,"a":%s}' % (
            now_ns,
            lower(self.symbol).encode(),
            since,
            self._told,
            _rows(bids, self._instrument),
            _rows(asks, self._instrument),
        )


class _PartialStream:
    """The best levels of a book, whole each time."""

    def __init__(self, view: MarketView, instrument: Instrument, count: int) -> None:
        self.symbol = instrument.symbol
        self._view = view
        self._instrument = instrument
        self._count = count
        self._told: object = None

    def first(self, now_ns: int) -> _Frames:
        return self.news(now_ns)

    def news(self, now_ns: int) -> _Frames:  # noqa: ARG002 - these frames have no time
        bids = self._view.levels(self.symbol, Side.BUY, self._count)
        asks = self._view.levels(self.symbol, Side.SELL, self._count)
        if self._told == (bids, asks):
            return ()
        self._told = bids, asks
        return (
            b'{"lastUpdateId":%d,"bids":%s,"asks":%s,"symbol":"%s"}'
            % (
                self._view.revision(self.symbol),
                _rows(bids, self._instrument),
                _rows(asks, self._instrument),
                lower(self.symbol).encode(),
            ),
        )


class _TickerStream:
    """The best bid and ask, whenever either changes."""

    def __init__(self, view: MarketView, instrument: Instrument) -> None:
        self.symbol = instrument.symbol
        self._view = view
        self._instrument = instrument
        self._told: object = None

    def first(self, now_ns: int) -> _Frames:
        return self.news(now_ns)

    def news(self, now_ns: int) -> _Frames:
        bids = self._view.levels(self.symbol, Side.BUY, 1)
        asks = self._view.levels(self.symbol, Side.SELL, 1)
        if self._told == (bids, asks):
            return ()
        self._told = bids, asks
        return (
            b'{"u":%d,"E":%d,"s":"%s","b":"%s","B":"%s","a":"%s","A":"%s"}'
            % (
                self._view.revision(self.symbol),
                now_ns,
                lower(self.symbol).encode(),
                *self._best(bids),
                *self._best(asks),
            ),
        )

    def _best(self, levels: Sequence[Level]) -> tuple[bytes, bytes]:
        """Price and quantity, empty where nothing rests."""
        if not levels:
            return b"", b""
        return (
            padded(levels[0].price, self._instrument.price_precision),
            padded(levels[0].quantity, self._instrument.quantity_precision),
        )


class _TradeStream:
    """Trades, one to a frame, as they happen; nothing of the past is told."""

    def __init__(self, view: MarketView, instrument: Instrument) -> None:
        self.symbol = instrument.symbol
        self._view = view
        self._instrument = instrument
        self._told = 0

    def first(self, now_ns: int) -> _Frames:  # noqa: ARG002
        last = self._view.trades(self.symbol, 1)
        self._told = int(last[-1].trade_id) if last else 0
        return ()

    def news(self, now_ns: int) -> _Frames:  # noqa: ARG002 - trades have times of their own
        last = self._view.trades(self.symbol, 1)
        if not last or int(last[-1].trade_id) == self._told:
            return ()
        trades = self._view.trades(self.symbol, _TRADES_SEEN)
        fresh = [trade for trade in trades if int(trade.trade_id) > self._told]
        self._told = int(trades[-1].trade_id)
        return [self._frame(trade) for trade in fresh]

    def _frame(self, trade: Trade) -> bytes:
        return b'{"E":%d,"s":"%s","t":%s,"p":"%s","q":"%s","m":%s}' % (
            trade.venue_ns or trade.received_ns,
            lower(self.symbol).encode(),
            trade.trade_id.encode(),
            padded(trade.price, self._instrument.price_precision),
            padded(trade.quantity, self._instrument.quantity_precision),
            b"true" if trade.side is Side.SELL else b"false",
        )


_Stream = _BookStream | _PartialStream | _TickerStream | _TradeStream


def padded(number: Decimal, precision: int) -> bytes:
    """The number with the market's decimals and two zeros more, as live frames have."""
    return format(number, f".{precision + _ZEROS}f").encode()


def _rows(levels: Sequence[Level], instrument: Instrument) -> bytes:
    price, quantity = instrument.price_precision, instrument.quantity_precision
    rows = [
        b'["%s","%s"]' % (padded(level.price, price), padded(level.quantity, quantity))
        for level in levels
    ]
    return b"[%s]" % b",".join(rows)


def _ok(request: native.Request, member: bytes = b"", value: bytes = b"") -> bytes:
    more = b',"%s":%s' % (member, value) if member else b""
    return b'{"id":%s,"status":200%s}' % (_encode(request.id), more)


def _error(number: int | str | None, status: int, code: int, text: str) -> bytes:
    return b'{"id":%s,"status":%d,"error":{"code":%d,"msg":%s}}' % (
        _encode(number),
        status,
        code,
        _encode(text),
    )


def _number(frame: bytes) -> int | str | None:
    try:
        return _decode_outline(frame).id
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        return None
