"""Bybit v5 from the venue's chair: one client's requests answered, and its streams told.

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
    Stream,
    TickerStream,
    TradeStream,
)
from fluxum.venues.server.contract import Close, MarketView, Outgoing

__all__ = ["BybitServer"]

_IDLE_NS = 600 * 1_000_000_000


class BybitServer:
    """One client of a simulated Bybit category; see VenueServer for what each call promises."""

    def __init__(self, view: MarketView, category: Category) -> None:
        self._view = view
        self._category = category
        self._instruments = {one.venue_symbol: one for one in view.instruments()}
        self._streams: dict[str, Stream] = {}
        self._of_symbol: dict[Symbol, dict[str, Stream]] = {}
        self._connection_id = ""
        self._alive_ns = 0

    # The venue speaks

    def opened(self, now_ns: int) -> Sequence[Outgoing]:
        """Nothing: Bybit waits to be asked."""
        scrambled = now_ns * 6_364_136_223_846_793_005 % 2**64
        self._connection_id = f"{scrambled >> 32:08x}-aa4d-45b0-a858-{scrambled % 2**48:012x}"
        self._alive_ns = now_ns
        return ()

    def publish(self, symbol: Symbol, now_ns: int) -> Sequence[Outgoing]:
        """What this client is told after a market moved."""
        frames: list[Outgoing] = []
        for stream in self._of_symbol.get(symbol, {}).values():
            frames += stream.update(now_ns)
        return self._say(frames, now_ns)

    def tick(self, now_ns: int) -> Sequence[Outgoing]:
        """Repetitions, candles that closed, and the end of a link that was idle."""
        frames: list[Outgoing] = []
        for stream in self._streams.values():
            frames += stream.tick(now_ns)
        if not frames and now_ns - self._alive_ns >= _IDLE_NS:
            return (Close(1006, "idle for ten minutes"),)
        return self._say(frames, now_ns)

    def status(self, status: str, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """Nothing: the system's status has a socket of its own, which is not simulated."""
        return ()

    def going_away(self, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """Bybit gives no notice before it closes a link."""
        return ()

    def _say(self, frames: Sequence[Outgoing], now_ns: int) -> Sequence[Outgoing]:
        if frames:
            self._alive_ns = now_ns
        return frames

    # The client speaks

    def receive(self, frame: bytes, now_ns: int) -> Sequence[Outgoing]:
        """The answers to a client's frame, whatever is in it."""
        self._alive_ns = now_ns
        try:
            request = native.decode_request(frame)
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            return (self._answer(native.Request(""), "error:invalid op", success=False),)
        match request.op:
            case "ping":  # which futures answer without an id, as published
                asked = request if self._category.echoes else native.Request("ping")
                return (self._answer(asked, "pong", success=True),)
            case "subscribe":
                return self._subscribe(request, now_ns)
            case "unsubscribe":
                for topic in request.args:
                    self._end(topic)
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
        words: list[Outgoing] = [self._accepted(request)]
        for topic, (symbol, stream) in made.items():
            self._streams[topic] = stream
            self._of_symbol.setdefault(symbol, {})[topic] = stream
            words += stream.begin(now_ns)
        return words

    def _stream(self, topic: str) -> tuple[Symbol, Stream] | str:
        """The stream of a topic, or the words it is refused with."""
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
            return symbol, TradeStream(view, instrument, topic)
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

    def _end(self, topic: str) -> None:
        self._streams.pop(topic, None)
        for streams in self._of_symbol.values():
            streams.pop(topic, None)

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
