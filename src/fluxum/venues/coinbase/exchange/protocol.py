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
from fluxum.venues.coinbase.carried import Carried
from fluxum.venues.coinbase.exchange import native, normalize
from fluxum.venues.coinbase.exchange.data import BOOKS, TICKERS, TRADES, ExchangeData
from fluxum.venues.coinbase.exchange.signing import AccountConfig
from fluxum.venues.coinbase.symbols import EXCHANGE
from fluxum.venues.instrument_list import InstrumentList, ListPage
from fluxum.venues.venue import Effect, Fetch, Send, SequenceCounts

__all__ = ["ExchangeProtocol"]

_UNREADABLE = (MsgspecError, UnicodeDecodeError, RecursionError)
_BOOKS_SIGNED = "level2"
_BEATS = "heartbeat"
_WIRE = {Channel.BOOK: BOOKS, Channel.TRADE: TRADES, Channel.TICKER: TICKERS}
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
"""Heartbeats need a product, even where nothing is carried but the list of markets."""


class ExchangeProtocol:
    """The Exchange's public data; see VenueProtocol for what each call promises."""

    def __init__(self) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()
        self._carried = Carried(EXCHANGE, _WIRE)
        self._data = ExchangeData(self._carried)
        self._list = InstrumentList(EXCHANGE, self.outbox, (_PRODUCTS,), _page, normalize.market_of)
        self._told_trades: dict[str, int] = {}  # by the last heartbeat
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

    # What we say

    def authenticate(self, key: str, secret: str, passphrase: str, time_s: str) -> None:
        """Sign requests from now on, and take books unbatched; `time_s` is now, in seconds.

        Raises LocalProtocolError for a secret that is no base64. Later requests are signed with
        the time of the last heartbeat.
        """
        account_config = AccountConfig(key, secret, passphrase)
        account_config.sign(native.Request("subscribe"), time_s)
        self._account_config, self._now_s = account_config, time_s

    def follow_passively(self, depth: int | None = None) -> None:  # noqa: ARG002 - books have no depth
        """Accept answers to another's questions."""
        self._carried.is_tape = True

    def follow_request(self, frame: bytes) -> None:
        """Learn from another client's request what it carries."""
        try:
            asked = native.decode_request(frame)
        except _UNREADABLE:
            return
        for channel in asked.channels:
            if isinstance(channel, str):
                self._carried.follow_passively(asked.type, _unified(channel), asked.product_ids)
            else:
                products = [*asked.product_ids, *channel.product_ids]
                self._carried.follow_passively(asked.type, _unified(channel.name), products)

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue requests for streams, one for each channel; heartbeats come with them."""
        streams = list(wanted)
        fresh = self._carried.begin(one for one in streams if one.symbol is not None)
        for one in streams:
            if one.channel is Channel.INSTRUMENT:
                self._list.open(one)
        for channel, products in fresh.items():
            self._ask("subscribe", channel, products)
        if not self._beating:
            self._ask_heartbeats(_SOME_PRODUCT)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue requests that end streams; heartbeats go on, as they keep the link alive."""
        ending: list[Subscription] = []
        for one in unwanted:
            if one.symbol is not None and self._carried.has(one):
                ending.append(one)
                self._data.forget(self._carried.channel(one), one.symbol)
            elif one.channel is Channel.INSTRUMENT and self._list.close() is not None:
                self._carried.owe(one)
        for channel, products in self._carried.end(ending).items():
            for product in products:
                if channel == TRADES:
                    self._data.last_trades.pop(product, None)
            self._ask("unsubscribe", channel, products)

    def resync(self, subscription: Subscription) -> None:
        """Queue an end and a new beginning of one stream: it is answered with a snapshot."""
        if subscription == self._list.subscription:
            self._list.request()
        if not self._carried.has(subscription):
            return
        channel = self._carried.channel(subscription)
        products = [
            one
            for one in self._carried.together(subscription)
            if not self._carried.asks.is_coming(channel, one)
        ]
        if products:
            self._ask("unsubscribe", channel, products, quiet=True)
            self._ask("subscribe", channel, products, quiet=True)

    def ping(self) -> None:
        """Ask for heartbeats again, if there was none since the last ping."""
        if not self._is_alive:
            for product in self._beating or {_SOME_PRODUCT}:
                self._ask_heartbeats(product)
        self._is_alive = False
        self._carried.assume_names()

    def unanswered(self) -> Collection[Subscription]:
        """The streams of every request still without an answer."""
        return self._carried.unanswered()

    def _ask(self, method: str, channel: str, products: list[str], *, quiet: bool = False) -> None:
        self._carried.asks.begin(method, channel, products, quiet=quiet)
        name = _BOOKS_SIGNED if channel == BOOKS and self._account_config is not None else channel
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
        if self._account_config is not None and request.type == "subscribe":
            request = self._account_config.sign(request, self._now_s)
        self.outbox.append(Send(native.encode(request)))

    # What we hear

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """What a frame says; raises RemoteProtocolError when it makes no sense."""
        try:
            message = native.decode_frame(frame)
        except _UNREADABLE as error:
            return self._receive_other(frame, received_ns, str(error))
        return self._handlers[type(message)](message, received_ns)

    def _receive_other(self, frame: bytes, received_ns: int, reason: str) -> Sequence[Event]:
        """Types that nobody here knows are to be ignored, says the venue."""
        try:
            kind = native.decode_outline(frame).type
        except _UNREADABLE:
            raise RemoteProtocolError(reason) from None
        if kind not in _KNOWN:
            return ()
        return self._data.salvage(frame, kind, received_ns, reason)

    def _heartbeat(self, wire: native.Heartbeat, received_ns: int) -> Sequence[Event]:
        product = wire.product_id
        self._is_alive = True
        self._now_s = str(received_ns // 1_000_000_000)
        self._carried.asks.told(_BEATS, product)
        events = [*self._carried.owed(received_ns), *self._released(received_ns)]
        streams = self._carried.named(TRADES, product)
        last, told = self._data.last_trades.get(product), self._told_trades.get(product)
        self._told_trades[product] = wire.last_trade_id
        if not streams or last is None or told is None or told <= last:
            return events
        del self._told_trades[product]  # told once
        return events + [
            Desync(
                venue=EXCHANGE,
                subscription=one,
                generation=0,
                reason=f"a heartbeat told of trade {told}, the last one here is {last}",
                expected=told,
                computed=last,
                received_ns=received_ns,
            )
            for one in streams
        ]

    # Answers

    def _subscriptions(self, wire: native.Subscriptions, received_ns: int) -> Sequence[Event]:
        listing: dict[str, list[str]] = {}
        for channel in wire.channels:
            listing.setdefault(_unified(channel.name), []).extend(channel.product_ids)
        return [*self._carried.listed(listing, received_ns), *self._released(received_ns)]

    def _released(self, received_ns: int) -> list[Event]:
        """What was kept for streams that turned out to be those of the data.

        Books that lack their own snapshot of data that runs already begin anew.
        """
        if not self._carried.has_changed:
            return []
        self._carried.has_changed = False
        told = self._data.delivery.released(self._data.books, received_ns)
        for one in self._data.books.left_behind(self._carried):
            self.resync(one)
        return told

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

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        """The list of markets, as far as it is still wanted."""
        return self._list.answered(fetch, body, received_ns)

    def receive_refusal(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:
        """There is no list of markets to be had."""
        return self._list.refused(fetch, reason, received_ns)


def _page(_fetch: Fetch, body: bytes) -> ListPage:
    try:
        return ListPage(native.decode_products(body))
    except _UNREADABLE as error:
        raise RemoteProtocolError(str(error)) from error


def _unified(channel: str) -> str:
    """Our one name of a channel that has several."""
    return _LISTED_AS.get(channel, channel)
