"""One link's conversation with the Exchange feed: requests, lists for answers, and heartbeats.

`level2` needs a login; `level2_batch`, the same in batches of 50 ms, does not, and is named
`level2_50` in lists. Neither has a number, so nothing proves a book here but the venue's promise
that no message is lost. Trades are numbered without a gap, and a heartbeat of each product names
the last one: a trade that one heartbeat names and that has not come by the next is lost.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, Event, Subscription
from fluxum.model.instrument import Symbol
from fluxum.venues.coinbase.exchange import native, normalize
from fluxum.venues.coinbase.exchange.data import BOOKS, TICKERS, TRADES, ExchangeData
from fluxum.venues.coinbase.exchange.signing import AccountConfig
from fluxum.venues.coinbase.streams import Streams
from fluxum.venues.coinbase.symbols import EXCHANGE
from fluxum.venues.coinbase.topics import Topics, wire_request
from fluxum.venues.conversation import UNREADABLE, UnreadableStream
from fluxum.venues.fast import IS_COMPILED
from fluxum.venues.instrument_list import InstrumentList, ListPage
from fluxum.venues.queries import UNDECODABLE, decoded
from fluxum.venues.reading import missed
from fluxum.venues.subscriptions import Request
from fluxum.venues.venue import Effect, Fetch, Send, SequenceCounts

__all__ = ["ExchangeProtocol"]

_BOOKS_SIGNED = "level2"
_HEARTBEATS = "heartbeat"
_TOPICS = Topics({Channel.BOOK: BOOKS, Channel.TRADE: TRADES, Channel.TICKER: TICKERS})
_LISTED_AS = {"level2_50": BOOKS, _BOOKS_SIGNED: BOOKS}
_KNOWN = frozenset(
    {
        "snapshot",
        "l2update",
        "ticker",
        "match",
        "last_match",
        "heartbeat",
        "subscriptions",
        "error",
    }
)
_PRODUCTS = Fetch("GET", "/products", "products", subscription=Subscription(Channel.INSTRUMENT))
_SOME_PRODUCT = "BTC-USD"
"""Heartbeats need a product, even where nothing is subscribed to but the list of markets."""


class ExchangeProtocol:
    """The Exchange's public data; see VenueProtocol for what each call promises."""

    def __init__(self) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()
        self._list = InstrumentList(EXCHANGE, self.outbox, (_PRODUCTS,), _page, normalize.market_of)
        self._streams = Streams(
            EXCHANGE, self.outbox, _TOPICS, self._write, self._closed, self._list
        )
        self._data = ExchangeData(self._streams)
        self.scan_trades = self._data.scan if IS_COMPILED else None
        self.scan_books = self._data.scan_books if IS_COMPILED else None
        self.unanswered = self._streams.subscriptions.unanswered
        self.receive_response = self._list.answered
        self.receive_refusal = self._list.refused
        self._named_trades: dict[str, int] = {}  # by the last heartbeat
        self._beating: set[str] = set()
        self._is_alive = False
        self._account_config: AccountConfig | None = None
        self._now_s = ""
        self._handlers: dict[type, Callable[[Any, int], Sequence[Event]]] = {
            native.L2Update: self._data.update,
            native.Snapshot: self._data.snapshot,
            native.Match: self._data.trade,
            native.LastMatch: self._data.trade,
            native.Ticker: self._data.ticker,
            native.Heartbeat: self._heartbeat,
            native.Subscriptions: self._subscriptions,
            native.ErrorFrame: self._failed,
        }

    # Requests

    def authenticate(self, key: str, secret: str, passphrase: str, time_s: str) -> None:
        """Sign requests from now on, and take books unbatched; `time_s` is now, in seconds.

        Raises LocalProtocolError for a secret that is no base64. Later requests are signed with
        the time of the last heartbeat.
        """
        account_config = AccountConfig(key, secret, passphrase)
        account_config.sign(native.Request("subscribe"), time_s)
        self._account_config, self._now_s = account_config, time_s

    def follow_passively(self, depth: int | None = None) -> None:  # noqa: ARG002 - books have no depth
        """Accept answers to another client's requests."""
        self._streams.subscriptions.is_passive = True
        self._list.open(Subscription(Channel.INSTRUMENT))

    def follow_request(self, frame: bytes) -> None:
        """Learn from another client's request what its link is subscribed to."""
        try:
            request = native.decode_request(frame)
        except UNREADABLE:
            return
        for channel in request.channels:
            one = native.ChannelList(channel) if isinstance(channel, str) else channel
            products = [*request.product_ids, *one.product_ids]
            self._streams.follow_request(request.type, _unified(one.name), products)

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue requests for streams, one for each channel; heartbeats come with them."""
        self._streams.subscribe(wanted)
        if not self._beating:
            self._request_heartbeats([_SOME_PRODUCT])

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue requests that end streams; heartbeats go on, as they keep the link alive."""
        self._streams.unsubscribe(unwanted)
        self._data.forget_trades()

    def resync(self, subscription: Subscription) -> None:
        """Queue an end and a new beginning of one stream: it is answered with a snapshot."""
        self._streams.resync(subscription)

    def ping(self) -> None:
        """Request heartbeats again, if there was none since the last ping."""
        if not self._is_alive:
            for product in list(self._beating) or [_SOME_PRODUCT]:
                self._request_heartbeats([product])
        self._is_alive = False
        self._streams.pinged()

    def _request_heartbeats(self, products: Sequence[str]) -> None:
        self._beating.update(products)
        self._streams.request_heartbeats(_HEARTBEATS, products)

    def _write(self, request: Request) -> Send:
        channel, products = wire_request(request)
        name = _BOOKS_SIGNED if channel == BOOKS and self._account_config is not None else channel
        channels: list[str | native.ChannelList] = [name]
        if request.op == "subscribe" and channel != _HEARTBEATS:
            channels.append(_HEARTBEATS)
            self._beating.update(products)
        wire = native.Request(request.op, products, channels)
        if self._account_config is not None and request.op == "subscribe":
            wire = self._account_config.sign(wire, self._now_s)
        return Send(native.encode(wire))

    def _closed(self, channel: str, symbol: Symbol) -> None:
        self._data.forget(channel, symbol)

    # Frames

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The events of a frame; raises RemoteProtocolError for one that makes no sense."""
        try:
            message = native.decode_frame(frame)
            return self._handlers[type(message)](message, received_ns)
        except UnreadableStream:
            raise
        except (*UNDECODABLE, RemoteProtocolError) as error:
            return self._receive_other(frame, received_ns, str(error))

    def _receive_other(self, frame: bytes, received_ns: int, reason: str) -> Sequence[Event]:
        """Types unknown to the client are to be ignored, by the venue's documents."""
        try:
            kind = native.decode_outline(frame).type
        except UNREADABLE:
            raise RemoteProtocolError(reason) from None
        if kind not in _KNOWN:
            return ()
        return self._data.read_loosely(frame, kind, received_ns, reason)

    def _heartbeat(self, wire: native.Heartbeat, received_ns: int) -> Sequence[Event]:
        product, named = wire.product_id, self._named_trades.get(wire.product_id)
        self._is_alive = True
        self._now_s = str(received_ns // 1_000_000_000)
        events = [
            *self._streams.heartbeat(_HEARTBEATS, product, received_ns),
            *self._data.delivery.released(received_ns),
        ]
        streams, last = (
            self._streams.owners.named(TRADES, product),
            self._data.last_trades.get(product),
        )
        self._named_trades[product] = wire.last_trade_id
        if not streams or last is None or named is None or named <= last:
            return events
        del self._named_trades[product]  # published once
        reason = f"a heartbeat named trade {named}, the last one here is {last}"
        return events + [missed(EXCHANGE, one, reason, received_ns, named, last) for one in streams]

    # Answers

    def _subscriptions(self, wire: native.Subscriptions, received_ns: int) -> Sequence[Event]:
        listing: dict[str, list[str]] = {}
        for channel in wire.channels:
            listing.setdefault(_unified(channel.name), []).extend(channel.product_ids)
        events = self._streams.listed(listing, received_ns)
        return [*events, *self._data.delivery.released(received_ns)]

    def _failed(self, wire: native.ErrorFrame, received_ns: int) -> Sequence[Event]:
        """A request failed as a whole; errors name no request, and answer in order."""
        op = "unsubscribe" if "unsubscribe" in wire.message else "subscribe"
        request = self._streams.oldest(op)
        if request is not None and op == "subscribe":
            self._beating.difference_update(wire_request(request)[1])
        return self._streams.failed(request, wire.message, wire.reason, received_ns)


def _page(_fetch: Fetch, body: bytes) -> ListPage:
    return ListPage(decoded(native.decode_products, body))


def _unified(channel: str) -> str:
    """Our one name of a channel that has several."""
    return _LISTED_AS.get(channel, channel)
