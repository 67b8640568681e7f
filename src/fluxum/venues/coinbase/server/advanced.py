"""Advanced Trade from the venue's chair: one client's requests answered, its streams told.

Sources: https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-overview
and its neighbours; the order of snapshots and lists, and what lists hold, as in live frames
(recording of 2026-08-09). Every frame but an error takes the next number. How a product that does
not exist is refused is published for the Exchange feed only
(https://docs.cdp.coinbase.com/exchange/websocket-feed/errors); its words are used here.
"""

from collections.abc import Sequence

from msgspec import MsgspecError

from fluxum.model.instrument import Symbol
from fluxum.venues.coinbase.advanced import native
from fluxum.venues.coinbase.instants import instant_text
from fluxum.venues.coinbase.server.advanced_streams import CHANNELS, Stream, make_stream
from fluxum.venues.server.contract import Close, MarketView, Outgoing

__all__ = ["AdvancedServer"]

_SECOND = 1_000_000_000
_FIRST_FRAME_NS = 5 * _SECOND
_IDLE_NS = 75 * _SECOND  # between 60 and 90 s, say the documents
_BOOKS_MAX = 30  # 16 were fine and 32 were not
_BEATS = "heartbeats"
_PRIVATE = frozenset({"user", "futures_balance_summary"})


class AdvancedServer:
    """One client of a simulated Advanced Trade; see VenueServer for what each call promises."""

    def __init__(self, view: MarketView, endpoint: str = "public") -> None:  # noqa: ARG002 - one host
        self._view = view
        self._symbols = {one.venue_symbol: one.symbol for one in view.instruments()}
        self._streams: dict[str, dict[str, Stream]] = {name: {} for name in CHANNELS}
        self._by_symbol: dict[Symbol, dict[str, Stream]] = {}
        self._number = 0
        self._opened_ns = 0
        self._heard = False
        self._said_ns = 0
        self._beat_ns: int | None = None
        self._beats = 0

    # The venue speaks

    def opened(self, now_ns: int) -> Sequence[Outgoing]:
        """Nothing: it waits five seconds for a request."""
        self._opened_ns = self._said_ns = now_ns
        return ()

    def publish(self, symbol: Symbol, now_ns: int) -> Sequence[Outgoing]:
        """What this client is told after a market moved."""
        streams = self._by_symbol.get(symbol)
        if not streams:
            return ()
        frames: list[Outgoing] = []
        for stream in streams.values():
            events = stream.update(now_ns)
            if events is not None:
                frames.append(self._frame(stream.channel, events, now_ns))
        return frames

    def tick(self, now_ns: int) -> Sequence[Outgoing]:
        """Heartbeats, once asked for; the end of a link that says or hears nothing."""
        if not self._heard:
            if now_ns - self._opened_ns < _FIRST_FRAME_NS:
                return ()
            return (Close(1000, "no subscribe within 5 s"),)
        if self._beat_ns is None:
            is_idle = now_ns - self._said_ns >= _IDLE_NS
            return (Close(1006, "idle"),) if is_idle else ()
        if now_ns - self._beat_ns < _SECOND:
            return ()
        self._beat_ns = now_ns
        self._beats += 1
        time = instant_text(now_ns).replace("T", " ").removesuffix("Z")
        events = b'[{"current_time":"%s +0000 UTC m=+%d.0","heartbeat_counter":%d}]' % (
            time.encode(),
            self._beats,
            self._beats,
        )
        return (self._frame(_BEATS, events, now_ns),)

    def status(self, status: str, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """Nothing: the engine's status is not told on these channels."""
        return ()

    def going_away(self, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """No notice is given before a link is closed."""
        return ()

    def _frame(self, channel: str, events: bytes, now_ns: int) -> bytes:
        number, self._number = self._number, self._number + 1
        self._said_ns = now_ns
        return b'{"channel":"%s","timestamp":"%s","sequence_num":%d,"events":%s}' % (
            channel.encode(),
            instant_text(now_ns).encode(),
            number,
            events,
        )

    # The client speaks

    def receive(self, frame: bytes, now_ns: int) -> Sequence[Outgoing]:
        """The answers to a client's frame, whatever is in it."""
        try:
            request = native.decode_request(frame)
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            return (_error("failed to parse the request"),)
        if request.type not in {"subscribe", "unsubscribe"}:
            return (_error(f"unknown type {request.type[:40]}"),)
        self._heard = True
        if request.channel in _PRIVATE:
            return (_error("authentication failure"),)
        if request.channel == _BEATS:
            self._beat_ns = now_ns if request.type == "subscribe" else None
            return (self._list(now_ns),)
        streams = self._streams.get(request.channel)
        if streams is None:
            return (
                _error("Failed to subscribe", f"{request.channel[:40]} is not a valid channel"),
            )
        if request.type == "unsubscribe":
            return self._unsubscribe(request, streams, now_ns)
        return self._subscribe(request, streams, now_ns)

    def _subscribe(
        self, request: native.Request, streams: dict[str, Stream], now_ns: int
    ) -> Sequence[Outgoing]:
        channel = request.channel
        found = {product: self._name(product) for product in request.product_ids}
        unknown = [product for product, name in found.items() if name not in self._symbols]
        if unknown or not found:
            reason = f"{unknown[0][:40] if unknown else ''} is not a valid product"
            return (_error("Failed to subscribe", reason),)
        if channel == "level2" and len({*streams, *found}) > _BOOKS_MAX:
            return (_error("too many L2 streams requested in a single session"),)
        frames: list[Outgoing] = []
        for product, name in found.items():
            symbol = self._symbols[name]
            running = self._by_symbol.setdefault(symbol, {})
            if channel not in running:
                stream = running[channel] = make_stream(channel, self._view, symbol, name)
                frames.append(self._frame(stream.channel, stream.snapshot(now_ns), now_ns))
            streams[product] = running[channel]
        return [*frames, self._list(now_ns)]

    def _unsubscribe(
        self, request: native.Request, streams: dict[str, Stream], now_ns: int
    ) -> Sequence[Outgoing]:
        for product in request.product_ids or list(streams):
            stream = streams.pop(product, None)
            if stream is not None and stream not in streams.values():
                del self._by_symbol[self._symbols[self._name(product)]][request.channel]
        return (self._list(now_ns),)

    def _name(self, product: str) -> str:
        """`X-USDC` that is not listed is another name of `X-USD`, and its data comes as that."""
        is_alias = product not in self._symbols and product.endswith("-USDC")
        return product[:-1] if is_alias else product

    def _list(self, now_ns: int) -> bytes:
        listing = {name: list(streams) for name, streams in self._streams.items() if streams}
        if self._beat_ns is not None:
            listing[_BEATS] = [_BEATS]
        event = native.SubscriptionsEvent(dict(sorted(listing.items())))
        return self._frame("subscriptions", native.encode([event]), now_ns)


def _error(message: str, reason: str = "") -> bytes:
    return native.encode(native.ErrorFrame("error", message, reason))
