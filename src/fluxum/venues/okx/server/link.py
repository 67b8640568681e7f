"""The simulated half of an OKX v5 link: one client's requests and its streams.

Sources: https://www.okx.com/docs-v5/en/#overview-websocket, error texts and close reasons from
https://www.okx.com/docs-v5/en/#error-code-websocket-public, the wording of 60018 as clients have
quoted it since 2024. There is no login here: what needs one is refused.
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
    ticker_stream,
    top_stream,
    trade_stream,
)
from fluxum.venues.server.contract import Close, MarketView, Outgoing
from fluxum.venues.server.formats import scrambled
from fluxum.venues.server.streams import ClientStreams, Stream

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
# Books of one market are published in this order, the fastest first; all else after them.
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
        self._streams = ClientStreams(_rank)
        self._connection_id = ""
        self._sent_ns = 0
        self._closes_ns: int | None = None
        self._requested_ns: deque[int] = deque(maxlen=_REQUESTS_PER_HOUR)

    # What the venue sends by itself

    def opened(self, now_ns: int) -> Sequence[Outgoing]:
        """Nothing: OKX waits for a request."""
        self._connection_id = f"{scrambled(now_ns) >> 32:08x}"  # as published: eight digits
        self._sent_ns = now_ns
        return ()

    def publish(self, symbol: Symbol, now_ns: int) -> Sequence[Outgoing]:
        """The frames for this client after a market moved."""
        return self._send(self._streams.publish(symbol, now_ns), now_ns)

    def tick(self, now_ns: int) -> Sequence[Outgoing]:
        """Keep-alives of books, candles that closed, and the end of a link that was idle."""
        if self._closes_ns is not None and now_ns >= self._closes_ns:
            return (Close(1001, "service upgrade"),)
        frames = self._streams.tick(now_ns)
        if not frames and now_ns - self._sent_ns >= _IDLE_NS:
            return (Close(4004, "No data received in 30s"),)
        return self._send(frames, now_ns)

    def going_away(self, now_ns: int) -> Sequence[Outgoing]:
        """The notice, a minute ahead."""
        self._closes_ns = now_ns + _NOTICE_NS
        text = "The connection will soon be closed for a service upgrade. Please reconnect."
        notice = native.Reply(event="notice", code="64008", msg=text, connId=self._connection_id)
        return self._send([native.encode(notice)], now_ns)

    def _send(self, frames: Sequence[Outgoing], now_ns: int) -> Sequence[Outgoing]:
        if frames:
            self._sent_ns = now_ns
        return frames

    # What the client requests

    def receive(self, frame: bytes, now_ns: int) -> Sequence[Outgoing]:
        """The answers to a client's frame, whatever is in it."""
        if frame == b"ping":
            return self._send([b"pong"], now_ns)
        if len(frame) > _REQUEST_BYTES_MAX:
            return (Close(1009, "Request message exceeds the maximum frame length"),)
        try:
            request = native.decode_request(frame)
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            return self._send([self._invalid(frame)], now_ns)
        if request.op not in {"subscribe", "unsubscribe", "login"}:
            if not request.op:
                return self._send([self._invalid(frame)], now_ns)
            return self._send([self._error(request, "60019", f"Invalid op: {request.op}")], now_ns)
        requested = self._requested_ns
        is_too_often = len(requested) == _REQUESTS_PER_HOUR and now_ns - requested[0] < _HOUR_NS
        if is_too_often:
            return self._send([self._error(request, "60014", "Requests too frequent")], now_ns)
        requested.append(now_ns)
        if request.op == "login":
            return self._send([self._error(request, "60009", "Login failed.")], now_ns)
        if not request.args:
            return self._send([self._invalid(frame)], now_ns)
        one = self._subscribe if request.op == "subscribe" else self._unsubscribe
        return self._send(
            [frame for arg in request.args for frame in one(request, arg, now_ns)], now_ns
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
        self._streams.open(instrument.symbol, topics.topic(arg), stream)
        return (self._accepted(request, arg), *stream.begin(now_ns))

    def _unsubscribe(
        self,
        request: native.Request,
        arg: native.Arg,
        now_ns: int,  # noqa: ARG002
    ) -> Sequence[Outgoing]:
        if arg.instId not in self._instruments and arg.channel != topics.INSTRUMENTS:
            return (self._unknown(request, arg),)
        self._streams.close(topics.topic(arg))
        return (self._accepted(request, arg),)

    def _stream(self, arg: native.Arg, instrument: Instrument) -> Stream | None:
        """The stream of a channel, none where this endpoint has no such channel."""
        view, channel = self._view, arg.channel
        if self._endpoint == "business":
            if channel == "trades-all":
                return trade_stream(view, instrument, channel)
            bar = channel.removeprefix("candle")
            is_candle = bar != channel and bar in topics.INTERVALS_S
            return CandleStream(view, instrument, bar) if is_candle else None
        if channel not in _PUBLIC:
            return None
        if channel in topics.CHAINED:
            return BookStream(view, instrument, channel)
        if channel in _BOOKS:
            return top_stream(view, instrument, channel)
        if channel == "tickers":
            return ticker_stream(view, instrument)
        return trade_stream(view, instrument, channel)

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
        """The refusal that repeats the frame."""
        found = _ID.search(frame)
        request = native.Request(id="" if found is None else found[1].decode())
        text = frame.decode("utf-8", "replace")
        return self._error(request, "60012", f"Invalid request: {text}")

    def _error(self, request: native.Request, code: str, text: str) -> bytes:
        reply = native.Reply(
            id=request.id, event="error", code=code, msg=text, connId=self._connection_id
        )
        return native.encode(reply)


def _rank(topic: str) -> int:
    channel = topics.arg(topic).channel
    return _ORDER.index(channel) if channel in _ORDER else len(_ORDER)
