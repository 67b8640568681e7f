"""Which streams of one link a frame's data belong to.

Streams are requested by the names of their own products. Where a product stands for another (see
`names`), data under the one name belong to every stream of both. As long as a product may or may
not stand for another, its stream is unsure.
"""

from collections.abc import Iterable, Iterator, Sequence

from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.venues.coinbase.names import Aliases, Names
from fluxum.venues.coinbase.topics import (
    Topics,
    channel_of,
    product_of,
    product_of_stream,
    symbol_of_stream,
)
from fluxum.venues.subscriptions import Subscriptions

__all__ = ["Owners"]

_Owners = dict[str, tuple[Subscription, ...]]


class Owners:
    """The owners of data by the wire's channel and the name that the data come under.

    `refresh` has to be called after the active subscriptions have changed.
    """

    def __init__(self, subscriptions: Subscriptions, topics: Topics) -> None:
        self.names = Names()
        self.has_changed = False
        """Whether streams, or what is known of their names, changed; for the caller to reset."""
        self.parked: dict[str, list[str]] = {}
        """Topics that ended but not on the wire, as others of their name have not."""
        self.sole: dict[str, dict[str, Symbol]] = {channel: {} for channel in topics.channels}
        """By channel and name, the symbol of the only stream that data belong to; read only."""
        self._subscriptions = subscriptions
        self._topics = topics
        self._owners: _Owners = {}
        self._unsure: _Owners = {}  # the streams that the data may belong to as well
        self._waiting: set[Subscription] = set()  # those that were unsure a ping ago

    def of(self, channel: str, name: str) -> Sequence[Subscription]:
        """The streams that data belong to, none if they are late.

        Raises UnreadableStream for data that were never requested.
        """
        topic = f"{channel} {name}"
        found = self._owners.get(topic)
        if found is not None:
            return found
        is_closed = self._subscriptions.is_closed
        if topic in self._subscriptions.by_topic:
            self.names.saw(name)
        elif any(is_closed(f"{channel} {one}") for one in self.names.of_name(name)):
            return ()
        else:
            self._subscriptions.owner(topic, self._topics.parse)
        self.refresh()
        return self._owners.get(topic, ())

    def unsure(self, channel: str, name: str) -> Sequence[Subscription]:
        """The streams that data may belong to as well."""
        return self._unsure.get(f"{channel} {name}", ())

    def named(self, channel: str, name: str) -> Sequence[Subscription]:
        """The streams that data of a product concern, sure or not."""
        topic = f"{channel} {name}"
        own = self._subscriptions.by_topic.get(topic)
        found = (*self._owners.get(topic, ()), *self._unsure.get(topic, ()))
        return found if own is None or own in found else (own, *found)

    def active(self, channel: str = "") -> list[Subscription]:
        """All active streams, or those of one channel."""
        return [
            one
            for topic, one in self._subscriptions.by_topic.items()
            if not channel or channel_of(topic) == channel
        ]

    def is_requested(self, channel: str, product: str) -> bool:
        """Whether the stream of this very channel and product is active."""
        return f"{channel} {product}" in self._subscriptions.by_topic

    def names_on(self, channel: str) -> list[str]:
        """Every name that data of a channel may have: products, and what they may stand for."""
        products = [product_of_stream(one) for one in self.active(channel)]
        return list(dict.fromkeys([*products, *map(self.names.likely, products)]))

    def accepted(self, kind: Channel) -> list[Subscription]:
        """The streams of a channel that the venue has accepted and whose names are known."""
        excluded = self._all_unsure().union(self._subscriptions.unanswered())
        return [one for one in self.active(self._topics.channel(kind)) if one not in excluded]

    # Names

    @property
    def is_unsure(self) -> bool:
        """Whether the venue has accepted a stream whose data may be those of another."""
        unanswered = self._subscriptions.unanswered()
        return bool(self._unsure) and not self._all_unsure().issubset(unanswered)

    def name_of(self, subscription: Subscription) -> str:
        """The name that a stream's data come under, as far as is known."""
        return self.names.likely(product_of_stream(subscription))

    def name(self, topic: str) -> str:
        """The name that a topic's data come under, behind its channel."""
        return f"{channel_of(topic)} {self.names.likely(product_of(topic))}"

    def sharing(self, name: str) -> list[str]:
        """The active topics whose data come under a name of a channel."""
        return [topic for topic in self._subscriptions.by_topic if self.name(topic) == name]

    def take_names(self, rows: Iterable[Aliases]) -> list[Subscription]:
        """Take the venue's list of names; return the streams that were taken for others'."""
        before = {one: self.name_of(one) for owners in self._owners.values() for one in owners}
        self.names.take(rows)
        self.refresh()
        return [one for one, name in before.items() if self.name_of(one) != name]

    def assume_names(self) -> None:
        """Time has passed: what was unsure the last time too is as the venue documents it."""
        unsure = self._all_unsure()
        for one in unsure & self._waiting:
            self.names.accept(product_of_stream(one))
        self._waiting = unsure
        if unsure:
            self.refresh()

    def refresh(self) -> None:
        """Work out anew which streams own the data of each name."""
        self.has_changed = True
        self._owners, self._unsure = {}, {}
        for topic, one in self._subscriptions.by_topic.items():
            name = self.name(topic)
            is_known = self.names.of(product_of(topic)) is not None
            owners = self._unsure if not is_known and self._was_requested(name) else self._owners
            owners[name] = (*owners.get(name, ()), one)
        for channel, symbols in self.sole.items():
            symbols.clear()
            symbols.update(self._sole(channel))

    def _sole(self, channel: str) -> Iterator[tuple[str, Symbol]]:
        for name, owners in self._owners.items():
            if channel_of(name) == channel and len(owners) == 1 and name not in self._unsure:
                yield product_of(name), symbol_of_stream(owners[0])

    def _all_unsure(self) -> set[Subscription]:
        return {one for streams in self._unsure.values() for one in streams}

    def _was_requested(self, name: str) -> bool:
        """Whether data under a channel's name may be that of the product itself."""
        return (
            name in self._subscriptions.by_topic
            or self._subscriptions.is_closed(name)
            or name in self.parked.get(name, ())
        )
