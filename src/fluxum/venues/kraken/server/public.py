"""The simulated half of Kraken v2: one client's requests answered, and its streams published.

Sources: https://docs.kraken.com/api/docs/guides/spot-ws-intro and the channels' pages. Key order
in answers is alphabetical, as in live frames. Where the wording of a refusal is not published for
v2 (depth, interval, duplicates, malformed requests) it is that of v1
(https://docs.kraken.com/api/docs/websocket-v1/errors).
"""

from collections.abc import Sequence

from msgspec import MsgspecError

from fluxum.model.instrument import Symbol
from fluxum.venues.kraken import native
from fluxum.venues.kraken.server.books import book_stream, level3_stream
from fluxum.venues.kraken.server.heartbeat import (
    RATE_REFUSAL,
    TRADING,
    Pulse,
    bad_session,
    encode,
    malformed,
    misplaced,
    pong,
    refusal,
    time_text,
)
from fluxum.venues.kraken.server.streams import (
    candle_stream,
    instrument_stream,
    ticker_stream,
    trade_stream,
)
from fluxum.venues.server.contract import MarketView
from fluxum.venues.server.streams import Stream

__all__ = ["KrakenServer"]

_DEPTHS = {"book": (10, 25, 100, 500, 1000), "level3": (10, 100, 1000)}
_INTERVALS = (1, 5, 15, 30, 60, 240, 1440, 10080, 21600)
_TRIGGERS = ("trades", "bbo")
_HOSTS = {
    **dict.fromkeys(("book", "ticker", "trade", "ohlc", "instrument"), "public"),
    **dict.fromkeys(("executions", "balances"), "private"),
    "level3": "level3",
}
_WARNINGS = {
    "ohlc": ("timestamp is deprecated, use interval_begin",),
    "instrument": ("tick_size is deprecated, use price_increment",),
}

# What distinguishes one client's streams of a market: channel, and depth or interval.
_Key = tuple[str, int | None]


class KrakenServer:
    """One client of a simulated Kraken; see VenueServer for what each call promises.

    `endpoint` is the host that was dialled: `public` or `level3`; `private.server` is the third.
    """

    def __init__(self, view: MarketView, endpoint: str = "public") -> None:
        self._view = view
        self._endpoint = endpoint
        self._instruments = {one.venue_symbol: one for one in view.instruments()}
        self._streams: dict[str | None, dict[_Key, Stream]] = {}
        self._pulse = Pulse()

    # What the venue sends by itself

    def opened(self, now_ns: int) -> Sequence[bytes]:
        """The engine's status, before anything else."""
        return self._pulse.opened(now_ns)

    def publish(self, symbol: Symbol, now_ns: int) -> Sequence[bytes]:
        """The frames of this client's streams after a market moved."""
        streams = self._streams.get(symbol, {}).values()
        frames = [frame for stream in streams for frame in stream.update(now_ns)]
        if frames:
            self._pulse.said(now_ns)
        return frames

    def tick(self, now_ns: int) -> Sequence[bytes]:
        """A heartbeat after a second of silence, once anything was subscribed."""
        return self._pulse.tick(now_ns)

    def status(self, status: str, now_ns: int) -> Sequence[bytes]:
        """The engine's new status."""
        return self._pulse.status(status, now_ns)

    # What the client sends

    def receive(self, frame: bytes, now_ns: int) -> Sequence[bytes]:
        """The answers to any frame of the client."""
        if self._pulse.is_too_fast(now_ns):
            return (RATE_REFUSAL,)
        try:
            request = native.decode_request(frame)
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            return (malformed(frame, now_ns),)
        if request.method == "ping":
            return (pong(request.req_id, now_ns),)
        if request.method in {"subscribe", "unsubscribe"} and request.params is not None:
            return self._subscription(request, request.params, now_ns)
        if request.method in TRADING:
            return (misplaced(request.method, request.req_id, "private", now_ns),)
        known = request.method in {"subscribe", "unsubscribe"}
        error = "Malformed request" if known else "Unknown method"
        return (_refusal(request, error, now_ns),)

    def _subscription(
        self, request: native.Request, params: native.Params, now_ns: int
    ) -> Sequence[bytes]:
        channel = params.channel
        host = _HOSTS.get(channel)
        if channel == "status":
            return (_refusal(request, "Symbol(s) not found", now_ns),)
        if host is None:
            return (_refusal(request, "Subscription name invalid", now_ns),)
        if host != self._endpoint:
            return (misplaced(request.method, request.req_id, host, now_ns),)
        if host != "public" and not params.token:
            return (bad_session(channel, request.method, request.req_id, now_ns),)
        names = [None] if channel == "instrument" else params.symbol
        if not names:
            return (_refusal(request, "Symbol(s) not found", now_ns),)
        answer = self._subscribe if request.method == "subscribe" else self._unsubscribe
        frames: list[bytes] = []
        for name in names:
            if name is not None and name not in self._instruments:
                frames.append(_refusal(request, _unknown(name), now_ns, name))
            else:
                frames += answer(request, params, name, now_ns)
        return frames

    def _subscribe(
        self, request: native.Request, params: native.Params, name: str | None, now_ns: int
    ) -> Sequence[bytes]:
        error = _unsupported(params)
        if error:
            return (_refusal(request, error, now_ns, name),)
        streams = self._streams.setdefault(name, {})
        key = _key(params)
        if _is_taken(streams, key):
            return (_refusal(request, "Already subscribed", now_ns, name),)
        wants_snapshot = _wants_snapshot(params)
        ack = native.Ack(
            channel=params.channel,
            depth=key[1] if params.channel in _DEPTHS else None,
            event_trigger=params.event_trigger if params.channel == "ticker" else None,
            interval=key[1] if params.channel == "ohlc" else None,
            snapshot=wants_snapshot,
            symbol=name,
            warnings=_WARNINGS.get(params.channel, ()),
        )
        stream = streams[key] = self._stream(params, name, key[1] or 0)
        self._pulse.begin(now_ns)
        # Made even when it is not wanted: updates go on from here.
        snapshot = stream.begin(now_ns)
        accepted = _acceptance(request, ack, now_ns)
        return (accepted, *snapshot) if wants_snapshot else (accepted,)

    def _unsubscribe(
        self, request: native.Request, params: native.Params, name: str | None, now_ns: int
    ) -> Sequence[bytes]:
        key = _key(params)
        if self._streams.get(name, {}).pop(key, None) is None:
            return (_refusal(request, "Subscription not found", now_ns, name),)
        channel = params.channel
        ack = native.Ack(
            channel=channel,
            depth=key[1] if channel == "book" else None,
            event_trigger="trades" if channel == "ticker" else None,
            interval=key[1] if channel == "ohlc" else None,
            snapshot=True if channel == "book" else None,
            symbol=name,
        )
        return (_acceptance(request, ack, now_ns),)

    def _stream(self, params: native.Params, name: str | None, number: int) -> Stream:
        view = self._view
        if name is None:
            return instrument_stream(view)
        instrument = self._instruments[name]
        match params.channel:
            case "book":
                return book_stream(view, instrument, number)
            case "level3":
                return level3_stream(view, instrument, number)
            case "ticker":
                return ticker_stream(view, instrument, params.event_trigger or "trades")
            case "trade":
                return trade_stream(view, instrument)
            case channel:
                assert channel == "ohlc", channel
                return candle_stream(view, instrument, number * 60)


def _key(params: native.Params) -> _Key:
    if params.channel in _DEPTHS:
        return params.channel, params.depth or 10
    return params.channel, (params.interval or 1) if params.channel == "ohlc" else None


def _is_taken(streams: dict[_Key, Stream], key: _Key) -> bool:
    """Whether the stream exists; of level 3 only one depth is allowed at a time."""
    return key in streams or (key[0] == "level3" and any(one[0] == "level3" for one in streams))


def _wants_snapshot(params: native.Params) -> bool:
    """Whether a request wants one; by default trades have no snapshot and all others have one."""
    return params.channel != "trade" if params.snapshot is None else params.snapshot


def _unknown(symbol: str) -> str:
    if symbol.count("/") != 1:
        return f"Currency pair not in ISO 4217-A3 format {symbol}"
    return f"Currency pair not supported {symbol}"


def _unsupported(params: native.Params) -> str:
    """Why the parameters are refused; empty when they are not."""
    depths = _DEPTHS.get(params.channel)
    if depths is not None and params.depth is not None and params.depth not in depths:
        return "Subscription depth not supported"
    if params.channel == "ohlc" and params.interval not in (None, *_INTERVALS):
        return "Subscription ohlc interval not supported"
    if params.channel == "ticker" and params.event_trigger not in (None, *_TRIGGERS):
        return "Subscription event_trigger not supported"
    return ""


def _acceptance(request: native.Request, ack: native.Ack, now_ns: int) -> bytes:
    time = time_text(now_ns)
    return encode(
        native.Response(
            request.method,
            req_id=request.req_id,
            result=ack,
            success=True,
            time_in=time,
            time_out=time,
        )
    )


def _refusal(request: native.Request, error: str, now_ns: int, symbol: str | None = None) -> bytes:
    return refusal(request.method, request.req_id, error, now_ns, symbol)
