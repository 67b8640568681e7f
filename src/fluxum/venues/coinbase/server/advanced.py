"""The simulated half of Advanced Trade: one client's requests, answers and streams.

Sources: https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-overview
and its neighbours; the order of snapshots and lists, and what lists hold, as in live frames
(recording of 2026-08-09). Every frame but an error takes the next number. How a product that does
not exist is refused is published for the Exchange feed only
(https://docs.cdp.coinbase.com/exchange/websocket-feed/errors); the same text is used here.
"""

from collections.abc import Sequence

from fluxum.errors import VenueRefused
from fluxum.model.instrument import Symbol
from fluxum.venues.coinbase.advanced import native
from fluxum.venues.coinbase.instants import instant_text
from fluxum.venues.coinbase.server.advanced_streams import CHANNELS, make_stream
from fluxum.venues.coinbase.server.private.user import UserStream
from fluxum.venues.queries import UNDECODABLE
from fluxum.venues.server.accounts import AccountChange
from fluxum.venues.server.contract import Close, ExchangeView, Outgoing
from fluxum.venues.server.streams import ClientStreams

__all__ = ["AdvancedServer"]

_SECOND = 1_000_000_000
_FIRST_FRAME_NS = 5 * _SECOND
_IDLE_NS = 75 * _SECOND  # between 60 and 90 s in the documents
_BOOKS_MAX = 30  # 16 were fine and 32 were not
_HEARTBEATS = "heartbeats"
_UNAUTHENTICATED = "authentication failure"
_USER = "user"
_USER_ID = "5844eceecf7e803e259d0365"  # the channel is listed with the user's id, and no product
_PRIVATE = frozenset({_USER, "futures_balance_summary"})


class AdvancedServer:
    """One client of a simulated Advanced Trade; see VenueServer for what each call promises."""

    def __init__(self, view: ExchangeView, endpoint: str = "public") -> None:  # noqa: ARG002 - each host serves all
        self._view = view
        self._symbols = {one.venue_symbol: one.symbol for one in view.instruments()}
        self._streams = ClientStreams()
        self._user = UserStream(view.accounts, self._frame)
        self._products: dict[str, list[str]] = {name: [] for name in CHANNELS}
        self._number = 0
        self._opened_ns = 0
        self._has_subscribed = False
        self._sent_ns = 0
        self._heartbeat_ns: int | None = None
        self._heartbeats = 0

    # What the venue sends by itself

    def opened(self, now_ns: int) -> Sequence[Outgoing]:
        """Nothing: it waits five seconds for a request."""
        self._opened_ns = self._sent_ns = now_ns
        return ()

    def publish(self, symbol: Symbol, now_ns: int) -> Sequence[Outgoing]:
        """The frames that follow a move of a market, or a change of the account."""
        return [*self._streams.publish(symbol, now_ns), *self._user.publish(now_ns)]

    def tick(self, now_ns: int) -> Sequence[Outgoing]:
        """Heartbeats, once requested; the end of a link without frames."""
        if not self._has_subscribed:
            if now_ns - self._opened_ns < _FIRST_FRAME_NS:
                return ()
            return (Close(1000, "no subscribe within 5 s"),)
        if self._heartbeat_ns is None:
            is_idle = now_ns - self._sent_ns >= _IDLE_NS
            return (Close(1006, "idle"),) if is_idle else ()
        if now_ns - self._heartbeat_ns < _SECOND:
            return ()
        self._heartbeat_ns = now_ns
        self._heartbeats += 1
        time = instant_text(now_ns).replace("T", " ").removesuffix("Z")
        events = b'[{"current_time":"%s +0000 UTC m=+%d.0","heartbeat_counter":%d}]' % (
            time.encode(),
            self._heartbeats,
            self._heartbeats,
        )
        return (self._frame(_HEARTBEATS, events, now_ns),)

    def account_changed(self, happening: AccountChange) -> None:
        """Something happened to the account; see Follower."""
        self._user.account_changed(happening)

    def _frame(self, channel: str, events: bytes, now_ns: int) -> bytes:
        number, self._number = self._number, self._number + 1
        self._sent_ns = now_ns
        return b'{"channel":"%s","timestamp":"%s","sequence_num":%d,"events":%s}' % (
            channel.encode(),
            instant_text(now_ns).encode(),
            number,
            events,
        )

    # What the client sends

    def receive(self, frame: bytes, now_ns: int) -> Sequence[Outgoing]:
        """The answers to a client's frame, whatever is in it."""
        try:
            request = native.decode_request(frame)
        except UNDECODABLE:
            return (_error("failed to parse the request"),)
        if request.type not in {"subscribe", "unsubscribe"}:
            return (_error(f"unknown type {request.type[:40]}"),)
        self._has_subscribed = True
        if request.channel in _PRIVATE:
            return self._of_account(request, now_ns)
        if request.channel == _HEARTBEATS:
            self._heartbeat_ns = now_ns if request.type == "subscribe" else None
            return (self._list(now_ns),)
        products = self._products.get(request.channel)
        if products is None:
            return (
                _error("Failed to subscribe", f"{request.channel[:40]} is not a valid channel"),
            )
        if request.type == "unsubscribe":
            return self._unsubscribe(request, products, now_ns)
        return self._subscribe(request, products, now_ns)

    def _of_account(self, request: native.Request, now_ns: int) -> Sequence[Outgoing]:
        """Orders of the account of a token; there are no futures here."""
        if request.channel != _USER:
            return (_error(_UNAUTHENTICATED),)
        if request.type == "unsubscribe":
            self._user.unsubscribe(self)
            return (self._list(now_ns),)
        try:
            pages = self._user.subscribe(self, request, now_ns)
        except VenueRefused:
            return (_error(_UNAUTHENTICATED),)
        return [*pages, self._list(now_ns)]

    def _subscribe(
        self, request: native.Request, products: list[str], now_ns: int
    ) -> Sequence[Outgoing]:
        channel = request.channel
        found = {product: self._name(product) for product in request.product_ids}
        unknown = [product for product, name in found.items() if name not in self._symbols]
        if unknown or not found:
            reason = f"{unknown[0][:40] if unknown else ''} is not a valid product"
            return (_error("Failed to subscribe", reason),)
        if channel == "level2" and len({*products, *found}) > _BOOKS_MAX:
            return (_error("too many L2 streams requested in a single session"),)
        frames: list[Outgoing] = []
        for product, name in found.items():
            symbol, topic = self._symbols[name], f"{channel} {name}"
            if topic not in self._streams:
                stream = make_stream(channel, self._view, symbol, name, self._frame)
                self._streams.open(symbol, topic, stream)
                frames += stream.begin(now_ns)
            if product not in products:
                products.append(product)
        return [*frames, self._list(now_ns)]

    def _unsubscribe(
        self, request: native.Request, products: list[str], now_ns: int
    ) -> Sequence[Outgoing]:
        ending = request.product_ids or list(products)
        products[:] = [one for one in products if one not in ending]
        for name in {*map(self._name, ending)} - {*map(self._name, products)}:
            self._streams.close(f"{request.channel} {name}")
        return (self._list(now_ns),)

    def _name(self, product: str) -> str:
        """`X-USDC` that is not listed is another name of `X-USD`, and its data come under that."""
        is_alias = product not in self._symbols and product.endswith("-USDC")
        return product[:-1] if is_alias else product

    def _list(self, now_ns: int) -> bytes:
        listing = {name: products for name, products in self._products.items() if products}
        if self._heartbeat_ns is not None:
            listing[_HEARTBEATS] = [_HEARTBEATS]
        if self._user.account is not None:
            listing[_USER] = [_USER_ID]
        event = native.SubscriptionsEvent(dict(sorted(listing.items())))
        return self._frame("subscriptions", native.encode([event]), now_ns)


def _error(message: str, reason: str = "") -> bytes:
    return native.encode(native.ErrorFrame("error", message, reason))
