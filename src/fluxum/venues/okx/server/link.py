"""OKX v5 from the venue's chair: one client's requests answered, and its streams told.

Sources: https://www.okx.com/docs-v5/en/#overview-websocket, error texts and close reasons from
https://www.okx.com/docs-v5/en/#error-code-websocket-public, the wording of 60018 as clients have
quoted it since 2024. Nobody can log in here: what needs it is refused.
"""

import re
from collections import deque
from collections.abc import Sequence

from msgspec import MsgspecError

from fluxum.model.instrument import Instrument, Symbol
from fluxum.venues.okx import native, topics
from fluxum.venues.okx.server.streams import (
    BookStream,
    CandleStream,
    Stream,
    TickerStream,
    TopStream,
    TradeStream,
)
from fluxum.venues.server.contract import Close, MarketView, Outgoing

__all__ = ["OkxServer"]

_SECOND_NS = 1_000_000_000
_IDLE_NS = 30 * _SECOND_NS
_NOTICE_NS = 60 * _SECOND_NS
_HOUR_NS = 3600 * _SECOND_NS
_REQUESTS_PER_HOUR = 480
_REQUEST_BYTES_MAX = 65_536

_NEEDS_LOGIN = frozenset({"books-l2-tbt", "books50-l2-tbt"})
_BOOKS = frozenset({"books", "books5", "bbo-tbt"})
_PUBLIC = _BOOKS | {"tickers", "trades"}
_TYPES = frozenset({"SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION"})
# In one market books are told in this order, the fastest first; all else after them.
_ORDER = ("bbo-tbt", "books", "books5")
_ID = re.compile(rb'"id"\s*:\s*"([0-9A-Za-z]{1,32})"')


class OkxServer:
    """One client of a simulated OKX; see VenueServer for what each call promises.

    `endpoint` is the URL's last part: `public` or `business`.
    """

    def __init__(self, view: MarketView, endpoint: str = "public") -> None:
        self._view = view
        self._endpoint = endpoint
        self._instruments = {one.venue_symbol: one for one in view.instruments()}
        self._streams: dict[Symbol, dict[str, Stream]] = {}
        self._connection_id = ""
        self._said_ns = 0
        self._closes_ns: int | None = None
        self._asked_ns: deque[int] = deque(maxlen=_REQUESTS_PER_HOUR)

    # The venue speaks

    def opened(self, now_ns: int) -> Sequence[Outgoing]:
        """Nothing: OKX waits to be asked."""
        # Published ids are eight hexadecimal digits; this one is scrambled, not random.
        self._connection_id = f"{now_ns * 6_364_136_223_846_793_005 % 2**64 >> 32:08x}"
        self._said_ns = now_ns
        return ()

    def publish(self, symbol: Symbol, now_ns: int) -> Sequence[Outgoing]:
        """What this client is told after a market moved."""
        frames: list[Outgoing] = []
        for stream in self._streams.get(symbol, {}).values():
            frames += stream.update(now_ns)
        return self._say(frames, now_ns)

    def tick(self, now_ns: int) -> Sequence[Outgoing]:
        """Keep-alives of books, candles that closed, and the end of a link that was idle."""
        if self._closes_ns is not None and now_ns >= self._closes_ns:
            return (Close(1001, "service upgrade"),)
        frames: list[Outgoing] = []
        for streams in self._streams.values():
            for stream in streams.values():
                frames += stream.tick(now_ns)
        if not frames and now_ns - self._said_ns >= _IDLE_NS:
            return (Close(4004, "No data received in 30s"),)
        return self._say(frames, now_ns)

    def status(self, status: str, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """Nothing: maintenance is told on a channel of its own, which is not simulated."""
        return ()

    def going_away(self, now_ns: int) -> Sequence[Outgoing]:
        """The notice, a minute ahead."""
        self._closes_ns = now_ns + _NOTICE_NS
        text = "The connection will soon be closed for a service upgrade. Please reconnect."
        notice = native.Reply(event="notice", code="64008", msg=text, connId=self._connection_id)
        return self._say([native.encode(notice)], now_ns)

    def _say(self, frames: Sequence[Outgoing], now_ns: int) -> Sequence[Outgoing]:
        if frames:
            self._said_ns = now_ns
        return frames

    # The client speaks

    def receive(self, frame: bytes, now_ns: int) -> Sequence[Outgoing]:
        """The answers to a client's frame, whatever is in it."""
        if frame == b"ping":
            return self._say([b"pong"], now_ns)
        if len(frame) > _REQUEST_BYTES_MAX:
            return (Close(1009, "Request message exceeds the maximum frame length"),)
        try:
            request = native.decode_request(frame)
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            return self._say([self._invalid(frame)], now_ns)
        if request.op not in {"subscribe", "unsubscribe", "login"}:
            if not request.op:
                return self._say([self._invalid(frame)], now_ns)
            return self._say([self._error(request, "60019", f"Invalid op: {request.op}")], now_ns)
        asked = self._asked_ns
        is_too_often = len(asked) == _REQUESTS_PER_HOUR and now_ns - asked[0] < _HOUR_NS
        if is_too_often:
            return self._say([self._error(request, "60014", "Requests too frequent")], now_ns)
        asked.append(now_ns)
        if request.op == "login":
            return self._say([self._error(request, "60009", "Login failed.")], now_ns)
        if not request.args:
            return self._say([self._invalid(frame)], now_ns)
        one = self._subscribe if request.op == "subscribe" else self._unsubscribe
        return self._say(
            [word for arg in request.args for word in one(request, arg, now_ns)], now_ns
        )

    def _subscribe(
        self, request: native.Request, arg: native.Arg, now_ns: int
    ) -> Sequence[Outgoing]:
        if arg.channel == topics.INSTRUMENTS and self._endpoint == "public":
            is_known = arg.instType in _TYPES
            return (self._accepted(request, arg) if is_known else self._unknown(request, arg),)
        if arg.channel in _NEEDS_LOGIN and self._endpoint == "public":
            return (self._error(request, "60011", "Please log in"),)
        instrument = self._instruments.get(arg.instId)
        stream = None if instrument is None else self._stream(arg, instrument)
        if instrument is None or stream is None:
            return (self._unknown(request, arg),)
        streams = self._streams.setdefault(instrument.symbol, {})
        streams[arg.channel] = stream
        self._streams[instrument.symbol] = dict(sorted(streams.items(), key=_rank))
        return (self._accepted(request, arg), *stream.begin(now_ns))

    def _unsubscribe(
        self,
        request: native.Request,
        arg: native.Arg,
        now_ns: int,  # noqa: ARG002
    ) -> Sequence[Outgoing]:
        instrument = self._instruments.get(arg.instId)
        if instrument is not None:
            self._streams.get(instrument.symbol, {}).pop(arg.channel, None)
        elif arg.channel != topics.INSTRUMENTS:
            return (self._unknown(request, arg),)
        return (self._accepted(request, arg),)

    def _stream(self, arg: native.Arg, instrument: Instrument) -> Stream | None:
        """The stream of a channel, none where this endpoint has no such channel."""
        view, channel = self._view, arg.channel
        if self._endpoint == "business":
            if channel == "trades-all":
                return TradeStream(view, instrument, channel)
            bar = channel.removeprefix("candle")
            is_candle = bar != channel and bar in topics.INTERVALS_S
            return CandleStream(view, instrument, bar) if is_candle else None
        if channel not in _PUBLIC:
            return None
        if channel in topics.CHAINED:
            return BookStream(view, instrument, channel)
        if channel in _BOOKS:
            return TopStream(view, instrument, channel)
        if channel == "tickers":
            return TickerStream(view, instrument)
        return TradeStream(view, instrument, channel)

    def _accepted(self, request: native.Request, arg: native.Arg) -> bytes:
        reply = native.Reply(id=request.id, event=request.op, arg=arg, connId=self._connection_id)
        return native.encode(reply)

    def _unknown(self, request: native.Request, arg: native.Arg) -> bytes:
        named = f"instType:{arg.instType}" if arg.instType else f"instId:{arg.instId}"
        text = (
            f"Wrong URL or channel:{arg.channel},{named} doesn't exist. Please use the correct "
            "URL, channel and parameters referring to API document."
        )
        return self._error(request, "60018", text)

    def _invalid(self, frame: bytes) -> bytes:
        """The refusal that repeats what was said."""
        found = _ID.search(frame)
        request = native.Request(id="" if found is None else found[1].decode())
        text = frame.decode("utf-8", "replace")
        return self._error(request, "60012", f"Invalid request: {text}")

    def _error(self, request: native.Request, code: str, text: str) -> bytes:
        reply = native.Reply(
            id=request.id, event="error", code=code, msg=text, connId=self._connection_id
        )
        return native.encode(reply)


def _rank(item: tuple[str, Stream]) -> int:
    return _ORDER.index(item[0]) if item[0] in _ORDER else len(_ORDER)
