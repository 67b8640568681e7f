"""The simulated half of Gemini's sequenced feed: one client's requests, answers and streams.

Sources: https://developer.gemini.com/websocket/introduction and /websocket/streams, 2026-03, and
live notes of 2026: a book's snapshot comes before the answer to its request, the next update's `U`
is the `u` of the one before, one bad name refuses a whole request. The links of this server are
those with `snapshot=-1` in their URL.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import msgspec
from msgspec import Struct

from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import Level, Side, Trade
from fluxum.venues.gemini import native
from fluxum.venues.gemini.symbols import lower
from fluxum.venues.queries import UNDECODABLE
from fluxum.venues.server.book_diff import BookWindow, ChangeStream, Kind
from fluxum.venues.server.contract import MarketView, Outgoing
from fluxum.venues.server.streams import Change, ClientStreams, FrameStream, Stream, TradeStream

__all__ = ["GeminiServer", "failure", "padded", "success"]

_LEVELS_DEFAULT, _LEVELS_MAX = 100, 5000
_TRADES_MAX = 200
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
    """What can be read of a request that makes no sense otherwise."""

    id: int | str | None = None


_encode = msgspec.json.Encoder().encode
_decode_outline = msgspec.json.Decoder(_Outline).decode


class GeminiServer:
    """One client of a simulated Gemini; see VenueServer for what each call promises."""

    def __init__(self, view: MarketView, endpoint: str = "public") -> None:  # noqa: ARG002
        self._view = view
        self._instruments = {lower(one.symbol): one for one in view.instruments()}
        self._streams = ClientStreams()
        self._names: list[str] = []  # of the open streams
        self._answers: Mapping[str, Callable[[native.Request, int], _Frames]] = {
            "ping": lambda request, _: (success(request),),
            "time": lambda request, now_ns: (
                success(request, b"result", b"%d" % (now_ns // 10**6)),
            ),
            "conninfo": lambda request, _: (success(request, b"rateLimits", _RATE_LIMITS),),
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "list_subscriptions": self._list,
            "depth": self._depth,
        }

    # What the venue sends by itself

    def opened(self, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """The venue sends nothing first."""
        return ()

    def publish(self, symbol: Symbol, now_ns: int) -> Sequence[Outgoing]:
        """The frames that follow a move of a market."""
        return self._streams.publish(symbol, now_ns)

    def tick(self, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """Nothing: the venue's pings are the transport's."""
        return ()

    # What the client sends

    def receive(self, frame: bytes, now_ns: int) -> Sequence[Outgoing]:
        """The answers to a client's frame, whatever is in it."""
        try:
            request = native.decode_request(frame)
        except UNDECODABLE:
            return (failure(_number(frame), 400, -1013, "Invalid parameters"),)
        method = request.method.lower()
        if method in _ORDERS:
            return (failure(request.id, 401, -1002, "Authentication required"),)
        answer = self._answers.get(method)
        if answer is None:
            return (failure(request.id, 400, -1020, "Unsupported operation"),)
        return answer(request, now_ns)

    def _subscribe(self, request: native.Request, now_ns: int) -> _Frames:
        names = request.params
        if not isinstance(names, list) or not names:
            return (failure(request.id, 400, -1013, "Invalid parameters"),)
        made: dict[str, tuple[Symbol, Stream]] = {}
        for name in names:
            if name.startswith(_PRIVATE):
                return (failure(request.id, 401, -1002, "Authentication required"),)
            found = self._stream(name)
            if found is None:
                return (failure(request.id, 400, -1013, f"Invalid stream name: {name}"),)
            made[name] = found
        frames: list[bytes] = []
        for name, (symbol, stream) in made.items():
            if name not in self._names:
                self._names.append(name)
                self._streams.open(symbol, name, stream)
                frames += stream.begin(now_ns)
        return [*frames, success(request)]

    def _unsubscribe(self, request: native.Request, now_ns: int) -> _Frames:  # noqa: ARG002
        names = request.params
        if not isinstance(names, list) or not names:
            return (failure(request.id, 400, -1013, "Invalid parameters"),)
        for name in names:
            if self._stream(name) is None:
                return (failure(request.id, 400, -1013, f"Invalid stream name: {name}"),)
        for name in names:
            self._streams.close(name)
        self._names = [one for one in self._names if one not in names]
        return (success(request),)

    def _list(self, request: native.Request, now_ns: int) -> _Frames:  # noqa: ARG002
        return (success(request, b"result", _encode(self._names or None)),)

    def _depth(self, request: native.Request, now_ns: int) -> _Frames:  # noqa: ARG002
        params = request.params if isinstance(request.params, dict) else {}
        instrument = self._instruments.get(str(params.get("symbol")))
        limit = params.get("limit", _LEVELS_DEFAULT)
        if instrument is None or not isinstance(limit, int) or not 0 < limit <= _LEVELS_MAX:
            return (failure(request.id, 400, -1013, "Invalid parameters"),)
        symbol = instrument.symbol
        result = b'{"lastUpdateId":%d,"bids":%s,"asks":%s}' % (
            self._view.revision(symbol),
            _rows(self._view.levels(symbol, Side.BUY, limit), instrument),
            _rows(self._view.levels(symbol, Side.SELL, limit), instrument),
        )
        return (success(request, b"result", result),)

    def _stream(self, name: str) -> tuple[Symbol, Stream] | None:
        """The market and the stream of a name, `None` if there is no such stream."""
        market, _, kind = name.partition("@")
        one, view = self._instruments.get(market), self._view
        if one is None:
            return None
        match kind.removesuffix("@100ms"):
            case "depth":
                return one.symbol, _book_stream(view, one)
            case "bookTicker" if kind == "bookTicker":
                return one.symbol, _best_stream(view, one, 1, _ticker)
            case "trade" if kind == "trade":
                return one.symbol, _trade_stream(view, one)
            case partial if partial in {f"depth{count}" for count in _PARTIALS}:
                count = int(partial.removeprefix("depth"))
                return one.symbol, _best_stream(view, one, count, _partial)
            case _:
                return None


def _book_stream(view: MarketView, instrument: Instrument) -> ChangeStream:
    """A whole book and its changes, numbered by the market's moves."""
    window, last = BookWindow(view, instrument.symbol), 0

    def frame(kind: Kind, sides: _Sides, now_ns: int) -> bytes:
        nonlocal last
        since, last = window.revision if kind == "snapshot" else last, window.revision
        return b'{"e":"depthUpdate","E":%d,"s":"%s","U":%d,"u":%d,"b":%s,"a":%s}' % (
            now_ns,
            lower(instrument.symbol).encode(),
            since,
            last,
            _rows(sides[0], instrument),
            _rows(sides[1], instrument),
        )

    return ChangeStream(window, frame)


_Sides = tuple[Sequence[Level], Sequence[Level]]


def _best_stream(
    view: MarketView,
    instrument: Instrument,
    count: int,
    write: Callable[[Instrument, int, _Sides, int], bytes],
) -> FrameStream:
    """The best levels of a book, whole whenever one of them changes."""
    symbol = instrument.symbol

    def best() -> _Sides:
        return view.levels(symbol, Side.BUY, count), view.levels(symbol, Side.SELL, count)

    return FrameStream(
        lambda now_ns: write(instrument, view.revision(symbol), best(), now_ns), Change(best)
    )


def _partial(instrument: Instrument, revision: int, best: _Sides, _now_ns: int) -> bytes:
    return b'{"lastUpdateId":%d,"bids":%s,"asks":%s,"symbol":"%s"}' % (
        revision,
        _rows(best[0], instrument),
        _rows(best[1], instrument),
        lower(instrument.symbol).encode(),
    )


def _ticker(instrument: Instrument, revision: int, best: _Sides, now_ns: int) -> bytes:
    return b'{"u":%d,"E":%d,"s":"%s",%s,%s}' % (
        revision,
        now_ns,
        lower(instrument.symbol).encode(),
        _best(b'"b":"%s","B":"%s"', best[0], instrument),
        _best(b'"a":"%s","A":"%s"', best[1], instrument),
    )


def _best(members: bytes, levels: Sequence[Level], instrument: Instrument) -> bytes:
    """Price and quantity of a side, empty where nothing rests."""
    if not levels:
        return members % (b"", b"")
    price, quantity = instrument.price_precision, instrument.quantity_precision
    return members % (padded(levels[0].price, price), padded(levels[0].quantity, quantity))


def _trade_stream(view: MarketView, instrument: Instrument) -> TradeStream:
    """Trades, one to a frame, as they happen; none of the past."""
    name = lower(instrument.symbol).encode()

    def frames(trades: Sequence[Trade], _now_ns: int) -> _Frames:
        return [
            b'{"E":%d,"s":"%s","t":%s,"p":"%s","q":"%s","m":%s}'
            % (
                trade.venue_ns or trade.received_ns,
                name,
                trade.trade_id.encode(),
                padded(trade.price, instrument.price_precision),
                padded(trade.quantity, instrument.quantity_precision),
                b"true" if trade.side is Side.SELL else b"false",
            )
            for trade in trades
        ]

    return TradeStream(view, instrument.symbol, frames, count_max=_TRADES_MAX)


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


def success(request: native.Request, member: bytes = b"", value: bytes = b"") -> bytes:
    """The answer to a request that was obeyed, with one member more if it is named."""
    more = b',"%s":%s' % (member, value) if member else b""
    return b'{"id":%s,"status":200%s}' % (_encode(request.id), more)


def failure(number: int | str | None, status: int, code: int, text: str) -> bytes:
    """The answer to a request of this number that was refused."""
    return b'{"id":%s,"status":%d,"error":{"code":%d,"msg":%s}}' % (
        _encode(number),
        status,
        code,
        _encode(text),
    )


def _number(frame: bytes) -> int | str | None:
    try:
        return _decode_outline(frame).id
    except UNDECODABLE:
        return None
