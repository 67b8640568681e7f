"""The streams of one link at either of Coinbase's feeds, and what is said of them.

A stream counts as accepted when a list of all subscriptions names it or, as that comes later and
may be lost, when its first snapshot is here. Data for a stream we ended is late and passed over;
data for one we never asked for is the venue's fault.

`X-USDC` is another name of `X-USD` on the public channels, and its data may come under that name
(https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels); it
is taken for `X/USDC` where `X/USD` is not carried by the same link.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import (
    Channel,
    Event,
    Refused,
    Subscribed,
    Subscription,
    Unsubscribed,
)
from fluxum.model.instrument import Instrument, Symbol
from fluxum.venues.coinbase.asks import Ask, Asks, Settled
from fluxum.venues.coinbase.symbols import spell, symbol_of
from fluxum.venues.streams import Streams

__all__ = ["LISTING", "Carried", "UnaskedError"]

LISTING = "products"
"""The topic of the list of markets, which is fetched and never on the wire."""
_INVALID = " is not a valid product"


class UnaskedError(RemoteProtocolError):
    """Data that can be read, of a stream that nobody asked for."""


class Carried:
    """What one link carries, by the wire's channel and product. `wire` names our channels there.

    `asks` are the requests on their way. With `is_tape` what another asked for is adopted;
    `interval_s` is that of its candles.
    """

    def __init__(
        self, venue: str, wire: Mapping[Channel, str], interval_s: int | None = None
    ) -> None:
        self.asks = Asks()
        self.is_tape = False
        self._venue = venue
        self._wire = wire
        self._interval_s = interval_s
        self._channels = {name: channel for channel, name in wire.items()}
        self._streams = Streams()
        self._owed: list[Subscription] = []  # ended, without an answer that could tell it

    # What we say

    def begin(self, wanted: Iterable[Subscription]) -> dict[str, list[str]]:
        """Carry streams; returns the products of those that are new, by channel.

        Raises LocalProtocolError for one that cannot be told apart from another.
        """
        fresh: dict[str, list[str]] = {}
        for one in wanted:
            if self._streams.begin(self._topic(one), one):
                products = fresh.setdefault(self.channel(one), [])
                if one.symbol is not None:
                    products.append(spell(one.symbol))
        return fresh

    def end(self, unwanted: Iterable[Subscription]) -> dict[str, list[str]]:
        """Carry streams no longer; returns the products of those that were, by channel."""
        gone: dict[str, list[str]] = {}
        for one in unwanted:
            if not self.has(one):
                continue
            self._streams.end(self._topic(one))
            if one.symbol is None:
                self._owed.append(one)
            else:
                gone.setdefault(self.channel(one), []).append(spell(one.symbol))
        return gone

    def has(self, subscription: Subscription) -> bool:
        """Whether just this subscription is carried."""
        return self._streams.by_topic.get(self._topic(subscription)) == subscription

    def channel(self, subscription: Subscription) -> str:
        """The wire's name of a subscription's channel."""
        return self._wire.get(subscription.channel, LISTING)

    def find(self, channel: str, product: str) -> Subscription | None:
        """The stream of this very channel and product, if it is carried."""
        return self._streams.by_topic.get(f"{channel} {product}")

    def on_the_wire(self) -> list[Subscription]:
        """All streams but the list of markets, which comes another way."""
        return [one for one in self._streams.by_topic.values() if one.symbol is not None]

    def listed_markets(self, markets: Sequence[Instrument], received_ns: int) -> Sequence[Event]:
        """What the list of markets tells: that it was accepted, and each; nothing if late."""
        if self._streams.is_ended(LISTING):
            return ()
        one = self._streams.by_topic.get(LISTING)
        if one is None:
            return markets
        accepted = Subscribed(venue=self._venue, subscription=one, received_ns=received_ns)
        return [accepted, *markets]

    def no_markets(self, message: str, received_ns: int) -> Sequence[Event]:
        """The list of markets was refused."""
        one = self._streams.end(LISTING)
        if one is None:
            return ()
        refused = Refused(
            venue=self._venue, subscription=one, message=message, received_ns=received_ns
        )
        return (refused,)

    def unanswered(self) -> Collection[Subscription]:
        """The streams of every request still without an answer; calls are repeated anyway."""
        found = [self.find(channel, product) for channel, product in self.asks.unanswered()]
        return [one for one in found if one is not None]

    # What we hear

    def owner(self, channel: str, product: str) -> Subscription | None:
        """The stream that data belongs to, none if it is late; raises UnaskedError."""
        by_topic = self._streams.by_topic
        topic = f"{channel} {product}"
        found = by_topic.get(topic)
        if found is not None:
            return found
        other = f"{topic}C" if product.endswith("-USD") else topic
        found = by_topic.get(other)
        if found is not None:
            return found
        if self._streams.is_ended(topic) or self._streams.is_ended(other):
            return None
        if not self.is_tape:
            raise UnaskedError(f"{channel} data that nobody asked for, was of {product[:40]!r}")
        return self._adopt(channel, product)

    def settle(self, channel: str, symbol: Symbol, received_ns: int) -> list[Event]:
        """A stream's first data answers its request as well as a list does."""
        product = spell(symbol)
        one = self.find(channel, product)
        if not self.asks.told(channel, product) or one is None:
            return []
        return [Subscribed(venue=self._venue, subscription=one, received_ns=received_ns)]

    def listed(self, listing: Mapping[str, Collection[str]], received_ns: int) -> list[Event]:
        """What a list of all subscriptions answers; on a tape, what it names for the first time."""
        told: list[Event] = []
        for settled in self.asks.listed(_with_aliases(listing)):
            told += self._accepted(settled, received_ns)
        if self.is_tape:
            told += self._overheard(listing, received_ns)
        return told

    def omitted(self, listing: Mapping[str, Collection[str]], received_ns: int) -> list[Event]:
        """What a list that grants no request refuses; see `Asks.omitted`."""
        settled = self.asks.omitted(_with_aliases(listing))
        if settled is None:
            return []
        message = "left out of the venue's list of subscriptions"
        refused = self.refuse(settled.ask.channel, settled.refused, message, received_ns)
        return self._accepted(settled, received_ns) + refused

    def refuse(
        self, channel: str, products: Iterable[str], message: str, received_ns: int
    ) -> list[Event]:
        """The venue said no to these; they are carried no longer."""
        ended = [self._streams.end(f"{channel} {product}") for product in products]
        return [
            Refused(venue=self._venue, subscription=one, message=message, received_ns=received_ns)
            for one in ended
            if one is not None
        ]

    def failed(
        self, ask: Ask, message: str, reason: str, received_ns: int
    ) -> tuple[list[str], list[Event]]:
        """A request failed as a whole: the products to ask for again, and those refused.

        Where one product is to blame, the others are not.
        """
        text = f"{message}: {reason}" if reason else message
        blamed = reason.removesuffix(_INVALID)
        if blamed not in ask.left:
            return [], self.refuse(ask.channel, ask.left, text, received_ns)
        rest = [product for product in ask.left if product != blamed]
        return rest, self.refuse(ask.channel, [blamed], text, received_ns)

    def owed(self, received_ns: int) -> Sequence[Event]:
        """That a subscription without a word on the wire has ended, once."""
        if not self._owed:
            return ()
        owed, self._owed = self._owed, []
        return [
            Unsubscribed(venue=self._venue, subscription=one, received_ns=received_ns)
            for one in owed
        ]

    def overhear(self, method: str, channel: str, products: Iterable[str]) -> None:
        """Another client asked for this; what makes no sense is passed over."""
        if channel not in self._channels:
            return
        for product in products:
            topic = f"{channel} {product}"
            if method == "unsubscribe":
                self._streams.end(topic)
            elif method == "subscribe" and topic not in self._streams.by_topic:
                try:
                    self._adopt(channel, product)
                except RemoteProtocolError:
                    continue

    def _accepted(self, settled: Settled, received_ns: int) -> list[Event]:
        ask = settled.ask
        kind = self._channels.get(ask.channel)
        if ask.quiet or kind is None:
            return []
        if ask.method == "subscribe":
            found = [self.find(ask.channel, product) for product in settled.accepted]
            return [
                Subscribed(venue=self._venue, subscription=one, received_ns=received_ns)
                for one in found
                if one is not None
            ]
        ended = [self._subscription(kind, symbol_of(product)) for product in settled.accepted]
        return [
            Unsubscribed(venue=self._venue, subscription=one, received_ns=received_ns)
            for one in ended
        ]

    def _overheard(self, listing: Mapping[str, Collection[str]], received_ns: int) -> list[Event]:
        fresh = [
            self._adopt(channel, product)
            for channel, products in listing.items()
            if channel in self._channels
            for product in products
            if f"{channel} {product}" not in self._streams.by_topic
        ]
        return [
            Subscribed(venue=self._venue, subscription=one, received_ns=received_ns)
            for one in fresh
        ]

    def _adopt(self, channel: str, product: str) -> Subscription:
        one = self._subscription(self._channels[channel], symbol_of(product))
        self._streams.begin(f"{channel} {product}", one)
        return one

    def _subscription(self, kind: Channel, symbol: Symbol) -> Subscription:
        interval_s = self._interval_s if kind is Channel.CANDLE else None
        return Subscription(kind, symbol, None, interval_s)

    def _topic(self, subscription: Subscription) -> str:
        if subscription.symbol is None:
            return LISTING
        return f"{self.channel(subscription)} {spell(subscription.symbol)}"


def _with_aliases(listing: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
    """A list that names `X-USD` also accepts `X-USDC`."""
    return {
        channel: {*products, *(f"{one}C" for one in products if one.endswith("-USD"))}
        for channel, products in listing.items()
    }
