"""The streams of one link at either of Coinbase's feeds, and whose data a frame holds.

A stream counts as accepted when a list of all subscriptions names it or, as that comes later and
may be lost, when its first snapshot is here. Data for a stream we ended is late and passed over;
data for one we never asked for is the venue's fault.

Streams are asked for by the names of their own products. Where a product stands for another (see
`names`), data under the one name belongs to every stream of both, and none of them is ended on the
wire before the last. While that is not known of a product, its stream is unsure.
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
from fluxum.venues.coinbase.asks import Ask, Asks, Settled
from fluxum.venues.coinbase.names import Aliases, Names
from fluxum.venues.coinbase.symbols import format_symbol, symbol_of
from fluxum.venues.streams import Streams

__all__ = ["Carried", "UnaskedError"]

_INVALID = " is not a valid product"
_LATE_KEPT = 10_000
_Owners = dict[str, tuple[Subscription, ...]]


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
        self.names = Names()
        self.is_tape = False
        self.has_changed = False
        """Whether streams, or what is known of their names, changed; for the caller to reset."""
        self._venue = venue
        self._wire = wire
        self._interval_s = interval_s
        self._channels = {name: channel for channel, name in wire.items()}
        self._streams = Streams()
        self._owners: _Owners = {}  # whose data it is, by its channel and name
        self._unsure: _Owners = {}  # whose it may be as well
        self._waiting: set[Subscription] = set()  # those that were unsure a while ago
        self._late: dict[str, None] = {}
        self._ending: dict[str, Subscription] = {}  # until their end is answered
        self._parked: dict[str, list[str]] = {}  # asked for on the wire, and carried no longer
        self._owed: list[Subscription] = []  # ended, without an answer that could tell it

    # What we say

    def begin(self, wanted: Iterable[Subscription]) -> dict[str, list[str]]:
        """Carry streams; returns the products of those that are new, by channel.

        Raises LocalProtocolError for one that cannot be told apart from another.
        """
        fresh: dict[str, list[str]] = {}
        for one in wanted:
            topic = self._topic(one)
            if self._streams.begin(topic, one):
                channel, product = topic.split(" ")
                fresh.setdefault(channel, []).append(product)
                self._late.pop(topic, None)
                parked = self._parked.get(self._name(topic), [])
                if product in parked:
                    parked.remove(product)
        if fresh:
            self.refresh()
        return fresh

    def end(self, unwanted: Iterable[Subscription]) -> dict[str, list[str]]:
        """Carry streams no longer; returns the products to be ended on the wire, by channel."""
        gone: dict[str, list[str]] = {}
        for one in unwanted:
            if not self.has(one):
                continue
            topic = self._topic(one)
            channel, product = topic.split(" ")
            name = self._name(topic)
            self._leave(topic)
            if self._carried_as(name):
                self._parked.setdefault(name, []).append(product)
                self._owed.append(one)
            else:
                self._ending[topic] = one
                gone.setdefault(channel, []).extend([product, *self._parked.pop(name, ())])
        self.refresh()
        return gone

    def owe(self, subscription: Subscription) -> None:
        """A subscription that has no word on the wire has ended."""
        self._owed.append(subscription)

    def has(self, subscription: Subscription) -> bool:
        """Whether just this subscription is carried."""
        return (
            subscription.symbol is not None
            and self._streams.by_topic.get(self._topic(subscription)) == subscription
        )

    def channel(self, subscription: Subscription) -> str:
        """The wire's name of a subscription's channel."""
        return self._wire[subscription.channel]

    def find(self, channel: str, product: str) -> Subscription | None:
        """The stream of this very channel and product, if it is carried."""
        return self._streams.by_topic.get(f"{channel} {product}")

    def together(self, subscription: Subscription) -> list[str]:
        """The products on the wire whose data comes with that of a subscription."""
        name = self._name(self._topic(subscription))
        return [*self._carried_as(name), *self._parked.get(name, ())]

    def on_the_wire(self, channel: str = "") -> list[Subscription]:
        """All streams, or those of one channel."""
        return [
            one
            for topic, one in self._streams.by_topic.items()
            if not channel or topic.startswith(f"{channel} ")
        ]

    def names_on(self, channel: str) -> list[str]:
        """Every name that data of a channel may have: products, and what they may stand for."""
        products = [
            topic.partition(" ")[2]
            for topic in self._streams.by_topic
            if topic.startswith(f"{channel} ")
        ]
        return list(dict.fromkeys([*products, *map(self.names.likely, products)]))

    def unanswered(self) -> Collection[Subscription]:
        """The streams of every request still without an answer."""
        found = [self.find(channel, product) for channel, product in self.asks.unanswered()]
        return [one for one in found if one is not None]

    # What we hear

    def owners(self, channel: str, name: str) -> Sequence[Subscription]:
        """The streams that data belongs to, none if it is late; raises UnaskedError."""
        topic = f"{channel} {name}"
        found = self._owners.get(topic)
        if found is not None:
            return found
        if topic in self._streams.by_topic and self.names.saw(name):
            self.refresh()
            return self._owners[topic]
        if topic in self._late:
            return ()
        if not self.is_tape:
            raise UnaskedError(f"{channel} data that nobody asked for, was of {name[:40]!r}")
        self._adopt(channel, name)
        return self._owners[topic]

    @property
    def is_unsure(self) -> bool:
        """Whether the venue has accepted a stream whose data may be that of another."""
        if not self._unsure:
            return False
        waiting = set(self.unanswered())
        return any(one not in waiting for streams in self._unsure.values() for one in streams)

    def accepted(self, kind: Channel) -> list[Subscription]:
        """The streams of a channel that the venue has accepted and that are sure of their data."""
        waiting = set(self.unanswered())
        unsure = {one for streams in self._unsure.values() for one in streams}
        streams = self.on_the_wire(self._wire[kind])
        return [one for one in streams if one not in waiting and one not in unsure]

    def unsure(self, channel: str, name: str) -> Sequence[Subscription]:
        """The streams that data may belong to as well."""
        return self._unsure.get(f"{channel} {name}", ())

    def named(self, channel: str, name: str) -> Sequence[Subscription]:
        """The streams that data of a product concerns, sure or not; none if there are none."""
        topic = f"{channel} {name}"
        own = self._streams.by_topic.get(topic)
        found = (*self._owners.get(topic, ()), *self._unsure.get(topic, ()))
        return found if own is None or own in found else (own, *found)

    def name_of(self, subscription: Subscription) -> str:
        """The name that a stream's data comes under, as far as is known."""
        return self.names.likely(self._topic(subscription).partition(" ")[2])

    def take_names(self, rows: Iterable[Aliases]) -> list[Subscription]:
        """The venue's list of names is here; returns the streams that were taken for others'."""
        sure = [one for owners in self._owners.values() for one in owners]
        before = {one: self.name_of(one) for one in sure}
        self.names.take(rows)
        self.refresh()
        return [one for one, name in before.items() if self.name_of(one) != name]

    def assume_names(self) -> None:
        """Time has passed: what was not known the last time either is as the venue documents it."""
        unsure = {one for streams in self._unsure.values() for one in streams}
        for one in unsure & self._waiting:
            self.names.accept(self._topic(one).partition(" ")[2])
        self._waiting = unsure
        if unsure:
            self.refresh()

    def refresh(self) -> None:
        """Work out anew whose data comes under which name."""
        self.has_changed = True
        self._owners, self._unsure = {}, {}
        for topic, one in self._streams.by_topic.items():
            name = self._name(topic)
            is_known = self.names.of(topic.partition(" ")[2]) is not None
            owners = self._unsure if not is_known and self._was_asked(name) else self._owners
            owners[name] = (*owners.get(name, ()), one)

    def settle(self, one: Subscription, received_ns: int) -> list[Event]:
        """A stream's first data answers its request as well as a list does."""
        channel, product = self._topic(one).split(" ")
        if not self.asks.told(channel, product):
            return []
        return [Subscribed(venue=self._venue, subscription=one, received_ns=received_ns)]

    def listed(self, listing: Mapping[str, Collection[str]], received_ns: int) -> list[Event]:
        """What a list of all subscriptions answers; on a tape, what it names for the first time."""
        told: list[Event] = []
        for settled in self.asks.listed(self._with_aliases(listing)):
            told += self._accepted(settled, listing, received_ns)
        if self.is_tape:
            told += self._overheard(listing, received_ns)
        return told

    def omitted(self, listing: Mapping[str, Collection[str]], received_ns: int) -> list[Event]:
        """What a list that grants no request refuses; see `Asks.omitted`."""
        settled = self.asks.omitted(self._with_aliases(listing))
        if settled is None:
            return []
        message = "left out of the venue's list of subscriptions"
        refused = self.refuse(settled.ask.channel, settled.refused, message, received_ns)
        return self._accepted(settled, listing, received_ns) + refused

    def refuse(
        self, channel: str, products: Iterable[str], message: str, received_ns: int
    ) -> list[Event]:
        """The venue said no to these; they are carried no longer."""
        ended = [self._leave(f"{channel} {product}") for product in products]
        self.refresh()
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
        """That subscriptions without a word on the wire have ended, once."""
        if not self._owed:
            return ()
        owed, self._owed = self._owed, []
        return [
            Unsubscribed(venue=self._venue, subscription=one, received_ns=received_ns)
            for one in owed
        ]

    def follow_passively(self, method: str, channel: str, products: Iterable[str]) -> None:
        """Another client asked for this; what makes no sense is passed over."""
        if channel not in self._channels:
            return
        for product in products:
            topic = f"{channel} {product}"
            if method == "unsubscribe":
                if self._leave(topic) is not None:
                    self.refresh()
            elif method == "subscribe" and topic not in self._streams.by_topic:
                try:
                    self._adopt(channel, product)
                except RemoteProtocolError:
                    continue

    def _accepted(
        self, settled: Settled, listing: Mapping[str, Collection[str]], received_ns: int
    ) -> list[Event]:
        ask = settled.ask
        if ask.method != "subscribe":
            ended = [self._ending.pop(f"{ask.channel} {one}", None) for one in settled.accepted]
            return [
                Unsubscribed(venue=self._venue, subscription=one, received_ns=received_ns)
                for one in ended
                if one is not None
            ]
        listed = listing.get(ask.channel, ())
        for product in settled.accepted:
            if product not in listed:
                self.names.accept(product)
        self.refresh()
        found = [] if ask.quiet else [self.find(ask.channel, one) for one in settled.accepted]
        return [
            Subscribed(venue=self._venue, subscription=one, received_ns=received_ns)
            for one in found
            if one is not None
        ]

    def _with_aliases(self, listing: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
        """A list with the products that stand for one of those it names."""
        whole = {channel: set(products) for channel, products in listing.items()}
        for topic in self._streams.by_topic:
            channel, product = topic.split(" ")
            if self.names.likely(product) in listing.get(channel, ()):
                whole[channel].add(product)
        return whole

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
        """Carry what a tape holds; the name of a product is all there is to tell its symbol."""
        kind = self._channels[channel]
        interval_s = self._interval_s if kind is Channel.CANDLE else None
        one = Subscription(kind, symbol_of(product), None, interval_s)
        self._streams.begin(f"{channel} {product}", one)
        self._late.pop(f"{channel} {product}", None)
        self.refresh()
        return one

    def _carried_as(self, name: str) -> list[str]:
        """The carried products whose data comes under a channel's name."""
        channel, _, likely = name.partition(" ")
        pairs = [topic.split(" ") for topic in self._streams.by_topic]
        return [
            product
            for one, product in pairs
            if one == channel and self.names.likely(product) == likely
        ]

    def _was_asked(self, name: str) -> bool:
        """Whether data under a channel's name may be that of the product itself."""
        product = name.partition(" ")[2]
        return (
            name in self._streams.by_topic
            or name in self._late
            or product in self._parked.get(name, ())
        )

    def _leave(self, topic: str) -> Subscription | None:
        """Carry a stream no longer; its data is late from here on."""
        one = self._streams.end(topic)
        if one is not None:
            self._late.update(dict.fromkeys((topic, self._name(topic))))
            while len(self._late) > _LATE_KEPT:
                del self._late[next(iter(self._late))]
        return one

    def _name(self, topic: str) -> str:
        """The name that a topic's data comes under, beside its channel."""
        channel, product = topic.split(" ")
        return f"{channel} {self.names.likely(product)}"

    def _topic(self, subscription: Subscription) -> str:
        assert subscription.symbol is not None
        return f"{self.channel(subscription)} {format_symbol(subscription.symbol)}"
