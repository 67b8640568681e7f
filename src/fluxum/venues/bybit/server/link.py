"""The simulated half of a Bybit v5 link: one client's requests and its streams.

Sources: https://bybit-exchange.github.io/docs/v5/ws/connect for acknowledgements; the texts of
refusals are those users report (notes of 2026-07), as the venue publishes none.
"""

from collections.abc import Sequence

from msgspec import MsgspecError

from fluxum.model.instrument import Symbol
from fluxum.venues.bybit import native, topics
from fluxum.venues.bybit.category import Category
from fluxum.venues.bybit.server.streams import (
    BookStream,
    CandleStream,
    TickerStream,
    trade_stream,
)
from fluxum.venues.server.contract import Close, MarketView, Outgoing
from fluxum.venues.server.formats import scrambled
from fluxum.venues.server.streams import ClientStreams, Stream

__all__ = ["BybitServer"]

_IDLE_NS = 600 * 1_000_000_000


class BybitServer:
    """One client of a simulated Bybit category; see VenueServer for what each call promises."""

    def __init__(self, view: MarketView, category: Category) -> None:
        self._view = view
        self._category = category
        self._instruments = {one.venue_symbol: one for one in view.instruments()}
        self._streams = ClientStreams()
        self._connection_id = ""
        self._alive_ns = 0

    # What the venue sends by itself

    def opened(self, now_ns: int) -> Sequence[Outgoing]:
        """Nothing: Bybit waits for a request."""
        bits = scrambled(now_ns)
        self._connection_id = f"{bits >> 32:08x}-aa4d-45b0-a858-{bits % 2**48:012x}"
        self._alive_ns = now_ns
        return ()

    def publish(self, symbol: Symbol, now_ns: int) -> Sequence[Outgoing]:
        """The frames for this client after a market moved."""
        return self._send(self._streams.publish(symbol, now_ns), now_ns)

    def tick(self, now_ns: int) -> Sequence[Outgoing]:
        """Repetitions, candles that closed, and the end of a link that was idle."""
        frames = self._streams.tick(now_ns)
        if not frames and now_ns - self._alive_ns >= _IDLE_NS:
            return (Close(1006, "idle for ten minutes"),)
        return self._send(frames, now_ns)

    def _send(self, frames: Sequence[Outgoing], now_ns: int) -> Sequence[Outgoing]:
        if frames:
            self._alive_ns = now_ns
        return frames

    # What the client requests

    def receive(self, frame: bytes, now_ns: int) -> Sequence[Outgoing]:
        """The answers to a client's frame, whatever is in it."""
        self._alive_ns = now_ns
        try:
            request = native.decode_request(frame)
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            return (self._answer(native.Request(""), "error:invalid op", success=False),)
        match request.op:
            case "ping":  # which futures answer without an id, as published
                answered = request if self._category.echoes else native.Request("ping")
                return (self._answer(answered, "pong", success=True),)
            case "subscribe":
                return self._subscribe(request, now_ns)
            case "unsubscribe":
                for topic in request.args:
                    self._streams.close(topic)
                return (self._accepted(request),)
            case _:
                return (self._answer(request, "error:invalid op", success=False),)

    def _subscribe(self, request: native.Request, now_ns: int) -> Sequence[Outgoing]:
        """One bad topic refuses the whole request."""
        category = self._category
        if category.echoes and len(request.args) > category.args_max:
            return (self._answer(request, f"args size >{category.args_max}", success=False),)
        made: dict[str, tuple[Symbol, Stream]] = {}
        for topic in request.args:
            if topic in self._streams:
                if category.echoes:
                    continue  # no doubled data, and at worst no answer
                return (
                    self._answer(request, f"error:already subscribed,topic:{topic}", success=False),
                )
            found = self._stream(topic)
            if isinstance(found, str):
                return (self._answer(request, found, success=False),)
            made[topic] = found
        if not made:
            return ()
        frames: list[Outgoing] = [self._accepted(request)]
        for topic, (symbol, stream) in made.items():
            self._streams.open(symbol, topic, stream)
            frames += stream.begin(now_ns)
        return frames

    def _stream(self, topic: str) -> tuple[Symbol, Stream] | str:
        """The stream of a topic, or the text of its refusal."""
        category, view = self._category, self._view
        kind, _, rest = topic.partition(".")
        word, _, name = rest.rpartition(".")
        instrument = self._instruments.get(name)
        if kind not in {"orderbook", "publicTrade", "tickers", "kline"}:
            return f"error:handler not found,topic:{topic}"
        if instrument is None:
            if category.echoes:
                return f"Invalid symbol :[{topic}]"
            return f"error:handler not found,topic:{topic}"
        symbol = instrument.symbol
        if kind == "publicTrade" and not word:
            return symbol, trade_stream(view, instrument, topic)
        if kind == "tickers" and not word:
            return symbol, TickerStream(view, instrument, topic, is_spot=category.echoes)
        if kind == "kline":
            interval_s = topics.INTERVALS_S.get(word)
            if interval_s is None:
                return f"Invalid kline type :[{topic}]"
            return symbol, CandleStream(view, instrument, word, interval_s, topic)
        if kind == "orderbook" and word in map(str, topics.DEPTHS):
            return symbol, BookStream(view, instrument, int(word), topic)
        return f"error:handler not found,topic:{topic}"

    def _accepted(self, request: native.Request) -> bytes:
        return self._answer(request, request.op if self._category.echoes else "", success=True)

    def _answer(self, request: native.Request, message: str, *, success: bool) -> bytes:
        answer: dict[str, object] = {
            "success": success,
            "ret_msg": message,
            "conn_id": self._connection_id,
        }
        if request.req_id or not self._category.echoes:  # futures have it empty where it was not
            answer["req_id"] = request.req_id
        answer["op"] = request.op
        return native.encode(answer)
