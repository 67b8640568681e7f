"""One link's conversation with the Exchange feed: requests, lists for answers, and heartbeats.

`level2` needs a login; `level2_batch`, the same in batches of 50 ms, does not, and is named
`level2_50` in lists. Neither has a number, so nothing vouches for a book here but the venue's word
that none is lost. Trades are numbered without a gap, and a heartbeat of each product tells the
last one: a trade that the one before told of and that has not come by the next is lost.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from msgspec import MsgspecError

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, Desync, Event, Refused, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.venues.coinbase.carried import LISTING, Carried
from fluxum.venues.coinbase.exchange import native, normalize
from fluxum.venues.coinbase.exchange.signing import Login
from fluxum.venues.coinbase.instants import Instants
from fluxum.venues.coinbase.symbols import EXCHANGE, spell
from fluxum.venues.rows import sides
from fluxum.venues.venue import Effect, Fetch, Send, SequenceCounts

__all__ = ["ExchangeProtocol"]

_UNREADABLE = (MsgspecError, UnicodeDecodeError, RecursionError)
_BOOKS, _TRADES, _TICKERS = "level2_batch", "matches", "ticker"
_BOOKS_SIGNED = "level2"
_BEATS = "heartbeat"
_WIRE = {Channel.BOOK: _BOOKS, Channel.TRADE: _TRADES, Channel.TICKER: _TICKERS}
_LISTED_AS = {"level2_50": _BOOKS, _BOOKS_SIGNED: _BOOKS}
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
_PRODUCTS = Fetch("GET", "/products", LISTING)
_SOME_PRODUCT = "BTC-USD"
"""Heartbeats need a product, even where nothing is carried but the list of markets."""


class ExchangeProtocol:
    """The Exchange's public data; see VenueProtocol for what each call promises."""

    def __init__(self) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()
        self._carried = Carried(EXCHANGE, _WIRE)
        self._books: dict[str, Symbol] = {}  # those whose snapshot is here, by product
        self._last_trades: dict[str, int] = {}
        self._told_trades: dict[str, int] = {}  # by the last heartbeat
        self._beating: set[str] = set()
        self._is_alive = False
        self._instant = Instants().read
        self._login: Login | None = None
        self._now_s = ""
        self._is_fetching = False
        self._handlers: dict[type, Callable[[Any, int], Sequence[Event]]] = {
            native.L2Update: self._book_update,
            native.Snapshot: self._book_snapshot,
            native.Match: self._trade,
            native.LastMatch: self._trade,
            native.Ticker: self._ticker,
            native.Heartbeat: self._heartbeat,
            native.Subscriptions: self._subscriptions,
            native.ErrorFrame: self._failed,
        }

    # What we say

    def authenticate(self, key: str, secret: str, passphrase: str, time_s: str) -> None:
        """Sign requests from now on, and take books unbatched; `time_s` is now, in seconds.

        Raises LocalProtocolError for a secret that is no base64. Later requests are signed with
        the time of the last heartbeat.
        """
        login = Login(key, secret, passphrase)
        login.sign(native.Request("subscribe"), time_s)
        self._login, self._now_s = login, time_s

    def overhear(self, depth: int | None = None) -> None:  # noqa: ARG002 - books have no depth
        """Accept answers to another's questions."""
        self._carried.is_tape = True

    def overhear_request(self, frame: bytes) -> None:
        """Learn from another client's request what it carries."""
        try:
            asked = native.decode_request(frame)
        except _UNREADABLE:
            return
        for channel in asked.channels:
            if isinstance(channel, str):
                self._carried.overhear(asked.type, _unified(channel), asked.product_ids)
            else:
                products = [*asked.product_ids, *channel.product_ids]
                self._carried.overhear(asked.type, _unified(channel.name), products)

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue requests for streams, one for each channel; heartbeats come with them."""
        for channel, products in self._carried.begin(wanted).items():
            if channel == LISTING:
                self._fetch_products()
            else:
                self._ask("subscribe", channel, products)
        if not self._beating:
            self._ask_heartbeats(_SOME_PRODUCT)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue requests that end streams; heartbeats go on, as they keep the link alive."""
        for channel, products in self._carried.end(unwanted).items():
            for product in products:
                if channel == _BOOKS:
                    self._books.pop(product, None)
                elif channel == _TRADES:
                    self._last_trades.pop(product, None)
            self._ask("unsubscribe", channel, products)

    def resync(self, subscription: Subscription) -> None:
        """Queue an end and a new beginning of one stream: it is answered with a snapshot."""
        if not self._carried.has(subscription):
            return
        if subscription.symbol is None:
            self._fetch_products()
            return
        channel, product = self._carried.channel(subscription), spell(subscription.symbol)
        if not self._carried.asks.is_coming(channel, product):
            self._ask("unsubscribe", channel, [product], quiet=True)
            self._ask("subscribe", channel, [product], quiet=True)

    def ping(self) -> None:
        """Ask for heartbeats again, if there was none since the last ping."""
        if not self._is_alive:
            for product in self._beating or {_SOME_PRODUCT}:
                self._ask_heartbeats(product)
        self._is_alive = False

    def unanswered(self) -> Collection[Subscription]:
        """The streams of every request still without an answer."""
        return self._carried.unanswered()

    def _ask(self, method: str, channel: str, products: list[str], *, quiet: bool = False) -> None:
        self._carried.asks.begin(method, channel, products, quiet=quiet)
        name = _BOOKS_SIGNED if channel == _BOOKS and self._login is not None else channel
        channels: list[str | native.ChannelList] = [name]
        if method == "subscribe":
            channels.append(_BEATS)
            self._beating.update(products)
        self._send(native.Request(method, products, channels))

    def _ask_heartbeats(self, product: str) -> None:
        self._beating.add(product)
        self._carried.asks.begin("subscribe", _BEATS, [product], quiet=True)
        self._send(native.Request("subscribe", [product], [_BEATS]))

    def _send(self, request: native.Request) -> None:
        if self._login is not None and request.type == "subscribe":
            request = self._login.sign(request, self._now_s)
        self.outbox.append(Send(native.encode(request)))

    def _fetch_products(self) -> None:
        if not self._is_fetching:
            self._is_fetching = True
            self.outbox.append(_PRODUCTS)

    # What we hear

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """What a frame says; raises RemoteProtocolError when it makes no sense."""
        try:
            message = native.decode_frame(frame)
        except _UNREADABLE as error:
            return self._receive_other(frame, str(error))
        return self._handlers[type(message)](message, received_ns)

    def _receive_other(self, frame: bytes, reason: str) -> Sequence[Event]:
        """Types that nobody here knows are to be ignored, says the venue."""
        try:
            is_known = native.decode_outline(frame).type in _KNOWN
        except _UNREADABLE:
            is_known = True
        if is_known:
            raise RemoteProtocolError(reason)
        return ()

    def _book_update(self, wire: native.L2Update, received_ns: int) -> Sequence[Event]:
        symbol = self._books.get(wire.product_id)
        if symbol is None:
            symbol = self._begun_before(wire.product_id)
            if symbol is None:
                return ()
        bids, asks = sides(wire.changes, "buy")
        venue_ns = self._instant(wire.time) if wire.time else None
        return (BookUpdate(EXCHANGE, symbol, bids, asks, venue_ns, received_ns),)

    def _begun_before(self, product: str) -> Symbol | None:
        """None for an update that is late or waits for a snapshot; a tape may begin with one."""
        is_known = self._carried.find(_BOOKS, product) is not None
        owner = self._carried.owner(_BOOKS, product)
        if is_known or owner is None or owner.symbol is None or not self._carried.is_tape:
            return None
        self._books[product] = owner.symbol
        return owner.symbol

    def _book_snapshot(self, wire: native.Snapshot, received_ns: int) -> Sequence[Event]:
        owner = self._carried.owner(_BOOKS, wire.product_id)
        if owner is None or owner.symbol is None:
            return ()
        bids, asks = normalize.snapshot_sides(wire)
        self._books[wire.product_id] = owner.symbol
        snapshot = BookSnapshot(
            venue=EXCHANGE,
            symbol=owner.symbol,
            bids=bids,
            asks=asks,
            venue_ns=self._instant(wire.time) if wire.time else None,
            received_ns=received_ns,
        )
        return [*self._carried.settle(_BOOKS, owner.symbol, received_ns), snapshot]

    def _trade(self, wire: native.Match | native.LastMatch, received_ns: int) -> Sequence[Event]:
        owner = self._carried.owner(_TRADES, wire.product_id)
        if owner is None or owner.symbol is None:
            return ()
        venue_ns = self._instant(wire.time)
        trade = normalize.trade(wire, owner.symbol, venue_ns, received_ns)
        self._last_trades[wire.product_id] = wire.trade_id
        return [*self._carried.settle(_TRADES, owner.symbol, received_ns), trade]

    def _ticker(self, wire: native.Ticker, received_ns: int) -> Sequence[Event]:
        owner = self._carried.owner(_TICKERS, wire.product_id)
        if owner is None or owner.symbol is None:
            return ()
        venue_ns = self._instant(wire.time) if wire.time else None
        ticker = normalize.ticker(wire, owner.symbol, venue_ns, received_ns)
        return [*self._carried.settle(_TICKERS, owner.symbol, received_ns), ticker]

    def _heartbeat(self, wire: native.Heartbeat, received_ns: int) -> Sequence[Event]:
        product = wire.product_id
        self._is_alive = True
        self._now_s = str(received_ns // 1_000_000_000)
        self._carried.asks.told(_BEATS, product)
        owed = self._carried.owed(received_ns)
        stream = self._carried.find(_TRADES, product)
        last, told = self._last_trades.get(product), self._told_trades.get(product)
        self._told_trades[product] = wire.last_trade_id
        if stream is None or last is None or told is None or told <= last:
            return owed
        del self._told_trades[product]  # told once
        missing = Desync(
            venue=EXCHANGE,
            subscription=stream,
            generation=0,
            reason=f"a heartbeat told of trade {told}, the last one here is {last}",
            expected=told,
            computed=last,
            received_ns=received_ns,
        )
        return [*owed, missing]

    # Answers

    def _subscriptions(self, wire: native.Subscriptions, received_ns: int) -> Sequence[Event]:
        listing: dict[str, list[str]] = {}
        for channel in wire.channels:
            listing.setdefault(_unified(channel.name), []).extend(channel.product_ids)
        return self._carried.listed(listing, received_ns)

    def _failed(self, wire: native.ErrorFrame, received_ns: int) -> Sequence[Event]:
        """A request failed as a whole; where one product is to blame, the others are asked again.

        Errors name no request, and answer in order.
        """
        method = "unsubscribe" if "unsubscribe" in wire.message else "subscribe"
        ask = self._carried.asks.refused(method)
        if ask is None or ask.channel == _BEATS:
            message = f"{wire.message}: {wire.reason}" if wire.reason else wire.message
            return [Refused(venue=EXCHANGE, message=message, received_ns=received_ns)]
        if method == "unsubscribe":
            return ()  # nothing to end: the stream is gone either way
        again, told = self._carried.failed(ask, wire.message, wire.reason, received_ns)
        self._beating.difference_update(ask.left)
        if again:
            self._ask("subscribe", ask.channel, again, quiet=ask.quiet)
        return told

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:  # noqa: ARG002
        """The list of markets, as far as it is still wanted."""
        try:
            products = native.decode_products(body)
        except _UNREADABLE as error:
            raise RemoteProtocolError(str(error)) from error
        markets = normalize.instruments(products, received_ns)
        self._is_fetching = False
        return self._carried.listed_markets(markets, received_ns)

    def receive_refusal(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:  # noqa: ARG002
        """There is no list of markets to be had."""
        self._is_fetching = False
        return self._carried.no_markets(reason, received_ns)


def _unified(channel: str) -> str:
    """Our one name of a channel that has several."""
    return _LISTED_AS.get(channel, channel)
