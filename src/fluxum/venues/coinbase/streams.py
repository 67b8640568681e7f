"""The streams of one link at either of Coinbase's feeds: their requests, and lists for answers.

Both feeds answer each request, in order and without a number, with a list of all that the link is
subscribed to (https://docs.cdp.coinbase.com/exchange/websocket-feed/overview). So a list answers
the oldest request that it agrees with; if an answer is lost, the next one answers what it can.

Of streams that share their data (see `owners`) the last one alone is ended on the wire: until then
the topics of the others are parked. Streams of one channel share the requests of a resync.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Event, Subscribed, Subscription, Unsubscribed
from fluxum.model.instrument import Symbol
from fluxum.venues.coinbase.owners import Owners
from fluxum.venues.coinbase.topics import (
    Topics,
    channel_of,
    product_of,
    symbol_of_stream,
    wire_request,
)
from fluxum.venues.conversation import Effect
from fluxum.venues.followed import FollowedRequests
from fluxum.venues.instrument_list import InstrumentList
from fluxum.venues.requests import Request, RequestLimits, Write
from fluxum.venues.subscriptions import Subscriptions

__all__ = ["Listing", "Streams"]

_INVALID = " is not a valid product"
_LIMITS = RequestLimits(topics=10_000, in_flight=10_000)  # neither is documented
Listing = Mapping[str, Collection[str]]
"""The products of each channel that the venue lists the link as subscribed to."""


class Streams:
    """The streams of one link, and its list of all markets.

    `write` turns a request into a frame; `closed` is called with the channel and the symbol of a
    stream that ends.
    """

    def __init__(
        self,
        venue: str,
        outbox: deque[Effect],
        topics: Topics,
        write: Write,
        closed: Callable[[str, Symbol], None],
        markets: InstrumentList,
    ) -> None:
        self._extra: set[str] = set()  # topics of heartbeats, and parked ones
        self.subscriptions = Subscriptions(
            venue,
            outbox,
            _LIMITS,
            write,
            closed=lambda topic, one: closed(channel_of(topic), symbol_of_stream(one)),
            group=lambda topic, _: channel_of(topic),
            extra=self._extra,
        )
        self.owners = Owners(self.subscriptions, topics)
        self._venue = venue
        self._topics = topics
        self._list = markets
        self._ended: list[Subscription] = []  # those that ended without a request
        self._followed = FollowedRequests(self.subscriptions)  # ends when a list leaves one out

    # Requests

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Open streams and queue requests for those that are new, one for each channel.

        Raises LocalProtocolError for one that cannot be distinguished from another.
        """
        fresh: list[str] = []
        for one in wanted:
            if one.symbol is None:
                self._list.open(one)
                continue
            topic = self._topics.of(one)
            if self.subscriptions.open(topic, one):
                fresh.append(topic)
                parked = self.owners.parked.get(self.owners.name(topic), [])
                if topic in parked:
                    parked.remove(topic)
        self.subscriptions.request("subscribe", fresh)
        self.owners.refresh()

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """End streams, and queue requests for those whose data no other stream shares."""
        owners = self.owners
        last: dict[Subscription, str] = {}
        for one in unwanted:
            topic = self.subscriptions.topic(one)
            if topic is None:
                if one == self._list.subscription and self._list.close() is not None:
                    self._ended.append(one)
            elif owners.sharing(owners.name(topic)) == [topic]:
                last[one] = topic
            else:
                owners.parked.setdefault(owners.name(topic), []).append(topic)
                self.subscriptions.close(topic)
                self._ended.append(one)
        parked = [
            one for topic in last.values() for one in owners.parked.pop(owners.name(topic), ())
        ]
        self.subscriptions.unsubscribe(last, parked)
        owners.refresh()

    def resync(self, subscription: Subscription) -> None:
        """Queue an end and a new beginning of a stream, and of those that share its data.

        The venue answers with a snapshot. The list of markets is fetched again.
        """
        if subscription == self._list.subscription:
            self._list.request()
        topic = self.subscriptions.topic(subscription)
        if topic is not None:
            name = self.owners.name(topic)
            topics = [*self.owners.sharing(name), *self.owners.parked.get(name, ())]
            self._extra.update(topics)
            self.subscriptions.renew(topics)

    def request_again(self, subscription: Subscription) -> None:
        """Queue a subscribe of an active stream, which publishes nothing."""
        topic = self._topics.of(subscription)
        self.subscriptions.request("subscribe", [topic], is_internal=True)

    def request_heartbeats(self, channel: str, products: Iterable[str]) -> None:
        """Queue a subscribe of heartbeats."""
        topics = [f"{channel} {product}" for product in products]
        self._extra.update(topics)
        self.subscriptions.request("subscribe", topics, is_internal=True)

    def pinged(self) -> None:
        """Count a ping: what was unsure at the last one as well is as the venue documents it."""
        self.subscriptions.pinged()
        self.owners.assume_names()

    # Answers

    def oldest(self, op: str, channel: str = "") -> Request | None:
        """The unanswered request of a kind that has waited longest, of any channel or of one."""
        for request in self.subscriptions.requests():
            if request.op == op and channel in {"", wire_request(request)[0]}:
                return request
        return None

    def listed(self, listing: Listing, received_ns: int) -> list[Event]:
        """What a list of all subscriptions answers; on a tape, what it names for the first time."""
        events: list[Event] = []
        for request in self.subscriptions.requests():
            if self._agrees(request, listing):
                events += self._accepted(request, listing, received_ns)
                break
        if self.subscriptions.is_passive:
            events += self._listed_first(listing, received_ns)
        return events

    def omitted(self, listing: Listing, received_ns: int) -> list[Event]:
        """What a list that accepts no request refuses: what it lacks of the oldest request.

        Only for a feed where no list can come twice, or be lost without a sign.
        """
        requests = self.subscriptions.requests()
        if not requests or any(self._agrees(one, listing) for one in requests):
            return []
        oldest = requests[0]
        if oldest.op == "unsubscribe":
            return self.subscriptions.accepted(oldest, received_ns)
        there = [topic for topic in oldest.pending if self._is_listed(topic, listing)]
        events = self.subscriptions.accepted(oldest, received_ns, there)
        message = "left out of the venue's list of subscriptions"
        return events + self._refused(oldest, list(oldest.pending), message, received_ns)

    def failed(
        self, request: Request | None, message: str, reason: str, received_ns: int
    ) -> list[Event]:
        """The venue refused a request as a whole; None is a request of another client.

        Where it blames one product, the others are requested again.
        """
        text = f"{message}: {reason}" if reason else message
        if request is None:
            return self.subscriptions.refused(None, text, received_ns)
        channel = wire_request(request)[0]
        blamed = f"{channel} {reason.removesuffix(_INVALID)}"
        topics = [blamed] if blamed in request.pending else list(request.pending)
        events = self._refused(request, topics, text, received_ns)
        if not self._topics.is_known(channel):  # heartbeats are no stream's
            events += self.subscriptions.refused(None, text, received_ns)
        return events

    def data(self, subscription: Subscription, received_ns: int) -> Sequence[Event]:
        """The first data of a stream acknowledge its request as well."""
        return self.subscriptions.data(self._topics.of(subscription), received_ns)

    def heartbeat(self, channel: str, product: str, received_ns: int) -> Sequence[Event]:
        """A heartbeat acknowledges its request as well.

        It publishes the subscriptions that ended without a request.
        """
        self.subscriptions.data(f"{channel} {product}", received_ns)
        ended, self._ended = self._ended, []
        return [
            Unsubscribed(venue=self._venue, subscription=one, received_ns=received_ns)
            for one in ended
        ]

    def follow_request(self, op: str, channel: str, products: Iterable[str]) -> None:
        """Follow another client's request; what makes no sense is passed over."""
        if not self._topics.is_known(channel):
            return
        for topic in [f"{channel} {product}" for product in products]:
            self._followed.request(op, [topic])
            if op == "subscribe":
                try:
                    self.subscriptions.track(topic, self._topics.parse)
                except RemoteProtocolError:
                    continue
        self.owners.refresh()

    # Pieces

    def _accepted(self, request: Request, listing: Listing, received_ns: int) -> list[Event]:
        for older in self.subscriptions.requests():
            if older is request:
                break
            self.subscriptions.passed_over(older)
        if request.op == "subscribe":
            for topic in request.pending:
                if product_of(topic) not in listing.get(channel_of(topic), ()):
                    self.owners.names.accept(product_of(topic))
        events = self.subscriptions.accepted(request, received_ns)
        self.owners.refresh()
        return events

    def _refused(
        self, request: Request, topics: Collection[str], message: str, received_ns: int
    ) -> list[Event]:
        events = self.subscriptions.refused(request, message, received_ns, topics)
        self.owners.refresh()
        return events

    def _listed_first(self, listing: Listing, received_ns: int) -> list[Event]:
        events: list[Event] = []
        for topic in self._followed.ending():
            if not self._is_listed(topic, listing):
                self._followed.end(topic)
        for channel, products in listing.items():
            for topic in [f"{channel} {product}" for product in products]:
                if self._topics.is_known(channel) and topic not in self.subscriptions.by_topic:
                    one = self._topics.parse(topic)
                    self.subscriptions.open(topic, one)
                    events.append(
                        Subscribed(venue=self._venue, subscription=one, received_ns=received_ns)
                    )
        self.owners.refresh()
        return events

    def _agrees(self, request: Request, listing: Listing) -> bool:
        listed = [self._is_listed(topic, listing) for topic in request.topics]
        return all(listed) if request.op == "subscribe" else not any(listed)

    def _is_listed(self, topic: str, listing: Listing) -> bool:
        """Whether a list names a product, or the one that an active one stands for."""
        products, product = listing.get(channel_of(topic), ()), product_of(topic)
        is_active = topic in self.subscriptions.by_topic
        return product in products or (is_active and self.owners.names.likely(product) in products)
