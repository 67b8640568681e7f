"""The simulated half of a Newvenue link: one client's requests and its streams."""

from collections.abc import Sequence
from itertools import count

from fluxum.model.event import Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import Level, Trade
from fluxum.venues.conversation import UNREADABLE
from fluxum.venues.server.book_diff import BookWindow, ChangeStream, Kind, Sides
from fluxum.venues.server.contract import MarketView, Outgoing
from fluxum.venues.server.formats import millis, number
from fluxum.venues.server.streams import ClientStreams, Stream, TradeStream
from newvenue import native
from newvenue.topics import parse_topic

__all__ = ["NewvenueServer"]


class NewvenueServer:
    """One client of a simulated Newvenue; see VenueServer for what each call promises."""

    def __init__(self, view: MarketView, endpoint: str) -> None:  # noqa: ARG002 - there is one
        self._view = view
        self._listed = {one.symbol for one in view.instruments()}
        self._streams = ClientStreams()

    def opened(self, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """Nothing: the venue waits for a request."""
        return ()

    def publish(self, symbol: Symbol, now_ns: int) -> Sequence[Outgoing]:
        """The frames for this client after a market moved."""
        return self._streams.publish(symbol, now_ns)

    def tick(self, now_ns: int) -> Sequence[Outgoing]:
        """The frames that are due because time passed."""
        return self._streams.tick(now_ns)

    def receive(self, frame: bytes, now_ns: int) -> Sequence[Outgoing]:
        """The answers to a client's frame, whatever is in it."""
        try:
            request = native.decode_request(frame)
        except UNREADABLE:
            return (native.encode({"op": "", "error": "not a request"}),)
        match request.op:
            case "ping":
                return (_answer(request),)
            case "subscribe":
                return self._subscribe(request, now_ns)
            case "unsubscribe":
                for topic in request.topics:
                    self._streams.close(topic)
                return (_answer(request),)
            case _:
                return (_answer(request, "no such op"),)

    def _subscribe(self, request: native.Request, now_ns: int) -> Sequence[Outgoing]:
        """One bad topic refuses the whole request."""
        streams: dict[str, tuple[Symbol, Stream]] = {}
        for topic in request.topics:
            wanted = parse_topic(topic)
            symbol = None if wanted is None else wanted.symbol
            if wanted is None or symbol not in self._listed or symbol is None:
                return (_answer(request, f"no market {topic}"),)
            streams[topic] = symbol, _stream(self._view, wanted, symbol, topic)
        frames: list[Outgoing] = [_answer(request)]
        for topic, (symbol, stream) in streams.items():
            self._streams.open(symbol, topic, stream)
            frames += stream.begin(now_ns)
        return frames


def _book_stream(view: MarketView, symbol: Symbol, depth: int, topic: str) -> ChangeStream:
    """The best levels, then changes to them, those that left the window as "0"."""
    numbers = count(1)

    def frame(kind: Kind, sides: Sides, now_ns: int) -> bytes:
        return native.encode(
            {
                "topic": topic,
                "kind": "snapshot" if kind == "snapshot" else "delta",
                "number": next(numbers),
                "time": millis(now_ns),
                "bids": _rows(sides[0]),
                "asks": _rows(sides[1]),
            }
        )

    return ChangeStream(BookWindow(view, symbol, depth), frame)


def _stream(view: MarketView, wanted: Subscription, symbol: Symbol, topic: str) -> Stream:
    if wanted.depth is not None:
        return _book_stream(view, symbol, wanted.depth, topic)

    def frames(trades: Sequence[Trade], now_ns: int) -> Sequence[bytes]:
        rows = [
            {
                "id": one.trade_id,
                "side": one.side.value,
                "price": number(one.price),
                "quantity": number(one.quantity),
                "time": millis(one.venue_ns or now_ns),
            }
            for one in trades
        ]
        return (native.encode({"topic": topic, "trades": rows}),)

    return TradeStream(view, symbol, frames)


def _answer(request: native.Request, error: str = "") -> bytes:
    answer: dict[str, object] = {"op": request.op, "id": request.id}
    return native.encode(answer | ({"error": error} if error else {}))


def _rows(levels: Sequence[Level]) -> list[tuple[str, str]]:
    return [(number(one.price), number(one.quantity)) for one in levels]
