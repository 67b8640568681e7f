"""The streams of one link at either of Coinbase's feeds, and which streams a frame's data are for.

Both feeds answer each request, in order and without a number, with a list of all that the link is
subscribed to (https://docs.cdp.coinbase.com/exchange/websocket-feed/overview). So a list answers
the oldest request that it agrees with; if an answer is lost, the next one answers what it can.

A topic is a channel and a product: `level2 BTC-USD`. Streams are requested by the names of their
own products. Where a product stands for another (see `names`), data under the one name belong to
every stream of both, and the last of them alone is ended on the wire: until then the products of
the others are parked. As long as a product may or may not stand for another, its stream is unsure.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, Event, Subscribed, Subscription, Unsubscribed
from fluxum.model.instrument import Symbol
from fluxum.venues.coinbase.names import Aliases, Names
from fluxum.venues.coinbase.symbols import format_symbol, symbol_of
from fluxum.venues.conversation import Effect, Send
from fluxum.venues.subscriptions import Request, RequestLimits, Subscriptions

__all__ = ["Listing", "Streams", "symbol_of_stream", "wire_request"]

_INVALID = " is not a valid product"
_LIMITS = RequestLimits(topics=10_000, in_flight=10_000)  # neither is documented
_Owners = dict[str, tuple[Subscription, ...]]
Listing = Mapping[str, Collection[str]]
"""The products of each channel that the venue says the link is subscribed to."""


class Streams:
    """The streams of one link, by the wire's channel and product. `wire` names our channels there.

    `write` turns a request into a frame; `closed` is called with the channel and the symbol of a
    stream that ends. `interval_s` is that of candles on a tape.
    """

    def __init__(
        self,
        venue: str,
        outbox: deque[Effect],
        wire: Mapping[Channel, str],
        write: Callable[[Request], Send],
        closed: Callable[[str, Symbol], None],
        interval_s: int | None = None,
    ) -> None:
        self.names = Names()
        self.has_changed = False
        """Whether streams, or what is known of their names, changed; for the caller to reset."""
        self._extra: set[str] = set()  # topics of heartbeats, and parked ones
        self._subscriptions = Subscriptions(
            venue,
            outbox,
            _LIMITS,
            write,
            closed=lambda topic, one: closed(_channel(topic), symbol_of_stream(one)),
            group=lambda topic, _: _channel(topic),
            extra=self._extra,
        )
        self._venue = venue
        self._wire = wire
        self._interval_s = interval_s
        self._channels = {name: channel for channel, name in wire.items()}
        self._owners: _Owners = {}  # by the channel and the name that the data come under
        self._unsure: _Owners = {}  # the streams that the data may be for as well
        self._waiting: set[Subscription] = set()  # those that were unsure a ping ago
        self._parked: dict[str, list[str]] = {}  # topics that ended but not on the wire, by name
        self._ended: list[Subscription] = []  # those that ended without a request

    # Requests

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Open streams and queue requests for those that are new, one for each channel.

        Raises LocalProtocolError for one that cannot be told apart from another.
        """
        fresh: list[str] = []
        for one in wanted:
            topic = self._topic(one)
            if self._subscriptions.open(topic, one):
                fresh.append(topic)
                parked = self._parked.get(self._name(topic), [])
                if topic in parked:
                    parked.remove(topic)
        self._subscriptions.request("subscribe", fresh)
        self.refresh()

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """End streams, and queue requests for those whose data no other stream shares."""
        last: dict[Subscription, str] = {}
        for one in filter(self.is_active, unwanted):
            topic = self._topic(one)
            if self._sharing(self._name(topic)) == [topic]:
                last[one] = topic
            else:
                self._parked.setdefault(self._name(topic), []).append(topic)
                self._subscriptions.close(topic)
                self.ended(one)
        parked = [one for topic in last.values() for one in self._parked.pop(self._name(topic), ())]
        self._subscriptions.unsubscribe(last, parked)
        self.refresh()

    def ended(self, subscription: Subscription) -> None:
        """A subscription ended without a request; the next heartbeat publishes it."""
        self._ended.append(subscription)

    def renew(self, subscription: Subscription) -> None:
        """Queue the requests of a resync, of all products whose data come with a stream's."""
        if self.is_active(subscription):
            name = self._name(self._topic(subscription))
            topics = [*self._sharing(name), *self._parked.get(name, ())]
            self._extra.update(topics)
            self._subscriptions.renew(topics)

    def request_again(self, subscription: Subscription) -> None:
        """Queue a subscribe of an active stream, which publishes nothing."""
        self._subscriptions.request("subscribe", [self._topic(subscription)], is_internal=True)

    def request_beats(self, channel: str, products: Iterable[str]) -> None:
        """Queue a subscribe of heartbeats."""
        topics = [f"{channel} {product}" for product in products]
        self._extra.update(topics)
        self._subscriptions.request("subscribe", topics, is_internal=True)

    def unanswered(self) -> Collection[Subscription]:
        """The streams of every request still without an answer."""
        return self._subscriptions.unanswered()

    def oldest(self, op: str, channel: str = "") -> Request | None:
        """The unanswered request of a kind that has waited longest, of any channel or of one."""
        for request in self._subscriptions.requests():
            if request.op == op and channel in {"", wire_request(request)[0]}:
                return request
        return None

    def pinged(self) -> None:
        """Count a ping: what was unsure at the last one as well is as the venue documents it."""
        self._subscriptions.pinged()
        self.assume_names()

    # Answers

    def listed(self, listing: Listing, received_ns: int) -> list[Event]:
        """What a list of all subscriptions answers; on a tape, what it names for the first time."""
        events: list[Event] = []
        for request in self._subscriptions.requests():
            if self._agrees(request, listing):
                events += self._accepted(request, listing, received_ns)
                break
        if self._subscriptions.is_passive:
            events += self._overheard(listing, received_ns)
        return events

    def omitted(self, listing: Listing, received_ns: int) -> list[Event]:
        """What a list that accepts no request refuses: what it lacks of the oldest request.

        Only for a feed where no list can come twice, or be lost without a sign.
        """
        requests = self._subscriptions.requests()
        if not requests or any(self._agrees(one, listing) for one in requests):
            return []
        oldest = requests[0]
        if oldest.op == "unsubscribe":
            return self._subscriptions.accepted(oldest, received_ns)
        there = [topic for topic in oldest.pending if self._is_listed(topic, listing)]
        events = self._subscriptions.accepted(oldest, received_ns, there)
        message = "left out of the venue's list of subscriptions"
        return events + self._refused(oldest, list(oldest.pending), message, received_ns)

    def lost(self) -> None:
        """Something that the venue sent was lost: an answer may have been."""
        self._subscriptions.doubt()

    def failed(
        self, request: Request | None, message: str, reason: str, received_ns: int
    ) -> list[Event]:
        """The venue refused a request as a whole; None is a request not ours.

        Where it blames one product, the others are requested again.
        """
        text = f"{message}: {reason}" if reason else message
        if request is None:
            return self._subscriptions.refused(None, text, received_ns)
        channel = wire_request(request)[0]
        blamed = f"{channel} {reason.removesuffix(_INVALID)}"
        topics = [blamed] if blamed in request.pending else list(request.pending)
        events = self._refused(request, topics, text, received_ns)
        if channel not in self._channels:  # no stream's
            events += self._subscriptions.refused(None, text, received_ns)
        return events

    def data(self, subscription: Subscription, received_ns: int) -> Sequence[Event]:
        """The first data of a stream acknowledge its request as well."""
        return self._subscriptions.data(self._topic(subscription), received_ns)

    def heartbeat(self, channel: str, product: str, received_ns: int) -> Sequence[Event]:
        """A heartbeat acknowledges its request as well.

        It publishes the subscriptions that ended without a request.
        """
        self._subscriptions.data(f"{channel} {product}", received_ns)
        ended, self._ended = self._ended, []
        return [
            Unsubscribed(venue=self._venue, subscription=one, received_ns=received_ns)
            for one in ended
        ]

    # Tapes

    @property
    def is_passive(self) -> bool:
        """Whether another client's requests decide what is active, as on a tape."""
        return self._subscriptions.is_passive

    def follow_passively(self) -> None:
        """From now on another client's requests decide what is active."""
        self._subscriptions.is_passive = True

    def follow_request(self, method: str, channel: str, products: Iterable[str]) -> None:
        """Follow another client's request; what makes no sense is passed over."""
        if channel not in self._channels:
            return
        for product in products:
            topic = f"{channel} {product}"
            if method == "unsubscribe":
                self._subscriptions.close(topic)
            elif method == "subscribe":
                try:
                    self._subscriptions.owner(topic, self._parse_topic)
                except RemoteProtocolError:
                    continue
        self.refresh()

    def _overheard(self, listing: Listing, received_ns: int) -> list[Event]:
        active = self._subscriptions.by_topic
        events: list[Event] = []
        for channel, products in listing.items():
            fresh = [one for one in products if f"{channel} {one}" not in active]
            for product in fresh if channel in self._channels else ():
                one = self._parse_topic(f"{channel} {product}")
                self._subscriptions.open(f"{channel} {product}", one)
                events.append(
                    Subscribed(venue=self._venue, subscription=one, received_ns=received_ns)
                )
        self.refresh()
        return events

    def _parse_topic(self, topic: str) -> Subscription:
        channel, _, product = topic.partition(" ")
        kind = self._channels[channel]
        interval_s = self._interval_s if kind is Channel.CANDLE else None
        return Subscription(kind, symbol_of(product), None, interval_s)

    # Active streams

    def is_active(self, subscription: Subscription) -> bool:
        """Whether just this subscription is active."""
        return self._subscriptions.topic(subscription) is not None

    def channel(self, subscription: Subscription) -> str:
        """The wire's name of a subscription's channel."""
        return self._wire[subscription.channel]

    def is_requested(self, channel: str, product: str) -> bool:
        """Whether the stream of this very channel and product is active."""
        return f"{channel} {product}" in self._subscriptions.by_topic

    def active(self, channel: str = "") -> list[Subscription]:
        """All active streams, or those of one channel."""
        return [
            one
            for topic, one in self._subscriptions.by_topic.items()
            if not channel or _channel(topic) == channel
        ]

    def names_on(self, channel: str) -> list[str]:
        """Every name that data of a channel may have: products, and what they may stand for."""
        products = [_product(self._topic(one)) for one in self.active(channel)]
        return list(dict.fromkeys([*products, *map(self.names.likely, products)]))

    # Owners of data

    def owners(self, channel: str, name: str) -> Sequence[Subscription]:
        """The streams that data belong to, none if they are late.

        Raises UnreadableStream for data that were never requested.
        """
        topic = f"{channel} {name}"
        found = self._owners.get(topic)
        if found is not None:
            return found
        if topic in self._subscriptions.by_topic:
            self.names.saw(name)
        elif any(
            self._subscriptions.is_closed(f"{channel} {one}") for one in self.names.of_name(name)
        ):
            return ()
        else:
            self._subscriptions.owner(topic, self._parse_topic)
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

    def name_of(self, subscription: Subscription) -> str:
        """The name that a stream's data come under, as far as is known."""
        return self.names.likely(_product(self._topic(subscription)))

    @property
    def is_unsure(self) -> bool:
        """Whether the venue has accepted a stream whose data may be those of another."""
        return bool(self._unsure) and not self._all_unsure().issubset(
            self._subscriptions.unanswered()
        )

    def accepted(self, kind: Channel) -> list[Subscription]:
        """The streams of a channel that the venue has accepted and whose names are known."""
        excluded = self._all_unsure().union(self._subscriptions.unanswered())
        return [one for one in self.active(self._wire[kind]) if one not in excluded]

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
            self.names.accept(_product(self._topic(one)))
        self._waiting = unsure
        if unsure:
            self.refresh()

    def refresh(self) -> None:
        """Work out anew which streams own the data of each name."""
        self.has_changed = True
        self._owners, self._unsure = {}, {}
        for topic, one in self._subscriptions.by_topic.items():
            name = self._name(topic)
            is_known = self.names.of(_product(topic)) is not None
            owners = self._unsure if not is_known and self._was_requested(name) else self._owners
            owners[name] = (*owners.get(name, ()), one)

    # Pieces

    def _accepted(self, request: Request, listing: Listing, received_ns: int) -> list[Event]:
        for older in self._subscriptions.requests():
            if older is request:
                break
            self._subscriptions.passed_over(older)
        if request.op == "subscribe":
            for topic in request.pending:
                if _product(topic) not in listing.get(_channel(topic), ()):
                    self.names.accept(_product(topic))
        events = self._subscriptions.accepted(request, received_ns)
        self.refresh()
        return events

    def _refused(
        self, request: Request, topics: Collection[str], message: str, received_ns: int
    ) -> list[Event]:
        events = self._subscriptions.refused(request, message, received_ns, topics)
        self.refresh()
        return events

    def _agrees(self, request: Request, listing: Listing) -> bool:
        listed = [self._is_listed(topic, listing) for topic in request.topics]
        return all(listed) if request.op == "subscribe" else not any(listed)

    def _is_listed(self, topic: str, listing: Listing) -> bool:
        """Whether a list names a product, or the one that an active one stands for."""
        products = listing.get(_channel(topic), ())
        is_active = topic in self._subscriptions.by_topic
        return _product(topic) in products or (
            is_active and self.names.likely(_product(topic)) in products
        )

    def _sharing(self, name: str) -> list[str]:
        """The active topics whose data come under a name of a channel."""
        return [topic for topic in self._subscriptions.by_topic if self._name(topic) == name]

    def _all_unsure(self) -> set[Subscription]:
        return {one for streams in self._unsure.values() for one in streams}

    def _was_requested(self, name: str) -> bool:
        """Whether data under a channel's name may be that of the product itself."""
        return (
            name in self._subscriptions.by_topic
            or self._subscriptions.is_closed(name)
            or name in self._parked.get(name, ())
        )

    def _name(self, topic: str) -> str:
        """The name that a topic's data come under, behind its channel."""
        return f"{_channel(topic)} {self.names.likely(_product(topic))}"

    def _topic(self, subscription: Subscription) -> str:
        return f"{self.channel(subscription)} {format_symbol(symbol_of_stream(subscription))}"


def symbol_of_stream(subscription: Subscription) -> Symbol:
    """The market of a stream."""
    assert subscription.symbol is not None
    return subscription.symbol


def wire_request(request: Request) -> tuple[str, list[str]]:
    """The channel of a request and its products."""
    return _channel(request.topics[0]), list(map(_product, request.topics))


def _channel(topic: str) -> str:
    return topic.partition(" ")[0]


def _product(topic: str) -> str:
    return topic.partition(" ")[2]
