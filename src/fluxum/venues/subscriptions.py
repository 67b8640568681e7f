"""The subscriptions of one link: what is active, what was requested, and what the answers mean.

A topic is the venue's name of one stream: `btcusdt@depth@100ms`, `books BTC-USDT`. One machine
serves every dialect, as it takes facts about an answer; what a venue leaves out of its answer is
left out of the call. An answer without a number belongs to the oldest request of its kind, an
answer without topics to all topics of its request, and a refusal that blames none of several
topics makes the machine request each half again.
"""

from collections import deque
from collections.abc import Callable, Collection, Container, Hashable, Iterable, Iterator, Sequence

from fluxum.errors import LocalProtocolError
from fluxum.model.event import Event, Refused, Subscribed, Subscription, Unsubscribed
from fluxum.venues.conversation import Effect, UnreadableStream
from fluxum.venues.requests import Op, Request, RequestLimits, Write

__all__ = ["Op", "Request", "RequestLimits", "Subscriptions"]

_CLOSED_KEPT = 10_000
_PINGS_MAX = 2


class Subscriptions:
    """The active subscriptions of one link, their requests, and the answers; sans-IO.

    `write` turns a request into a frame. `opened` and `closed` are called as a subscription becomes
    active and stops being so. A request holds topics of one `group` only. `extra` are the topics
    that are requested for another one's sake, see `request`. `by_topic` may be read on the frame
    path; the methods alone change it. `is_passive` is true on a tape, where another client's
    requests decide what is active.
    """

    def __init__(
        self,
        venue: str,
        outbox: deque[Effect],
        limits: RequestLimits,
        write: Write,
        *,
        opened: Callable[[str, Subscription], None] = lambda _topic, _subscription: None,
        closed: Callable[[str, Subscription], None] = lambda _topic, _subscription: None,
        group: Callable[[str, Subscription | None], Hashable] = lambda _topic, _subscription: None,
        extra: Container[str] = (),
    ) -> None:
        self.by_topic: dict[str, Subscription] = {}
        self.is_passive = False
        self._venue = venue
        self._outbox = outbox
        self._limits = limits
        self._write = write
        self._opened = opened
        self._closed = closed
        self._group = group
        self._extra = extra
        self._topics: dict[Subscription, str] = {}
        self._recently_closed: dict[str, None] = {}
        self._unsubscribing: dict[str, Subscription] = {}
        self._unacknowledged: dict[str, Request] = {}  # the last subscribe request of each topic
        self._unpublished: set[str] = set()  # topics whose Subscribed is still to be published
        self._renewals: dict[Hashable, tuple[Request, ...]] = {}  # the last ones, by group
        self._sent: dict[int, Request] = {}
        self._waiting: deque[Request] = deque()
        self._postponed: list[Request] = []
        self._last_number = 0

    # Active subscriptions

    def open(self, topic: str, subscription: Subscription) -> bool:
        """Make a subscription active without a request; return False if it is so already.

        Raises LocalProtocolError if the topic stands for another subscription: their data could
        not be distinguished.
        """
        known = self.by_topic.get(topic)
        if known is None:
            self.by_topic[topic] = subscription
            self._topics[subscription] = topic
            self._recently_closed.pop(topic, None)
            self._opened(topic, subscription)
            return True
        if known != subscription:
            raise LocalProtocolError(
                f"'{subscription}' cannot be distinguished from '{known}' on one link"
            )
        return False

    def close(self, topic: str) -> Subscription | None:
        """End a subscription without a request; return it, None if it is not active."""
        subscription = self.by_topic.pop(topic, None)
        if subscription is None:
            return None
        del self._topics[subscription]
        self._unacknowledged.pop(topic, None)
        self._unpublished.discard(topic)
        self._recently_closed[topic] = None
        if len(self._recently_closed) > _CLOSED_KEPT:
            del self._recently_closed[next(iter(self._recently_closed))]
        self._closed(topic, subscription)
        return subscription

    def topic(self, subscription: Subscription) -> str | None:
        """The topic of an active subscription, else None."""
        return self._topics.get(subscription)

    def is_closed(self, topic: str) -> bool:
        """Whether data of a topic are merely late: its subscription has ended."""
        return topic in self._recently_closed

    def owner(self, topic: str, parse: Callable[[str], Subscription | None]) -> Subscription | None:
        """The subscription that data of a topic are for; None for late data.

        On a tape an unknown topic is opened as what `parse` reads it as, None being of no use.
        Raises UnreadableStream for a topic that was never requested.
        """
        subscription = self.by_topic.get(topic)
        if subscription is not None or topic in self._recently_closed:
            return subscription
        if not self.is_passive:
            raise UnreadableStream(f"data that was not requested, was of {topic[:80]!r}", ())
        return self.track(topic, parse)

    def track(self, topic: str, parse: Callable[[str], Subscription | None]) -> Subscription | None:
        """Open the subscription that `parse` reads a topic as, on a tape; None if it is of no use.

        Of two topics that stand for the same subscription, the one that is active counts.
        """
        subscription = parse(topic)
        if subscription is None or self.topic(subscription) not in {None, topic}:
            return None
        self.open(topic, subscription)
        return subscription

    # Requests

    def subscribe(self, wanted: Iterable[tuple[str, Subscription]]) -> None:
        """Open subscriptions and queue requests for those that are new."""
        self.request("subscribe", [topic for topic, one in wanted if self.open(topic, one)])

    def unsubscribe(self, unwanted: Iterable[Subscription], extra: Iterable[str] = ()) -> list[str]:
        """End active subscriptions and queue requests for them; return their topics.

        `extra` are topics that end in the same requests and publish nothing.
        """
        ended: dict[str, Subscription | None] = {}
        for one in unwanted:
            topic = self._topics.get(one)
            if topic is not None:
                self.close(topic)
                ended[topic] = self._unsubscribing[topic] = one
        self._queue("unsubscribe", ended | dict.fromkeys(extra), is_internal=False)
        return list(ended)

    def resubscribe(self, topic: str, *, ends_first: bool = True) -> bool:
        """Queue the requests of a resync; return False if an answer is due already.

        `ends_first` is False where a repeated subscribe makes the venue send a snapshot.
        """
        if self._is_due(topic) or topic not in self.by_topic:
            return False
        if ends_first:
            self.request("unsubscribe", [topic], is_internal=True)
        self.request("subscribe", [topic], is_internal=True)
        return True

    def renew(self, topics: Iterable[str]) -> None:
        """Queue the requests of a resync of topics of one group, active or `extra`.

        Topics whose answer is due are left out. While the frames of the last renewal of the group
        are not written, they take the topics as well.
        """
        streams = {topic: self.by_topic.get(topic) for topic in topics if not self._is_due(topic)}
        if not streams:
            return
        group = self._group(*next(iter(streams.items())))
        last = self._renewals.get(group, ())
        if last and all(self._can_extend(request, streams) for request in last):
            for request in last:
                self._extend(request, streams)
        else:
            ends = self._queue("unsubscribe", streams, is_internal=True)
            begins = self._queue("subscribe", streams, is_internal=True)
            self._renewals[group] = (ends[-1], begins[-1])

    def doubt(self) -> None:
        """Something that the venue sent was lost: a resync waits for no answer that is due."""
        for request in self._sent.values():
            request.is_doubted = True

    def request(self, op: Op, topics: Iterable[str], *, is_internal: bool = False) -> None:
        """Queue requests for topics, active or `extra`, as few as the limits allow."""
        streams = {topic: self.by_topic.get(topic) for topic in topics}
        self._queue(op, streams, is_internal=is_internal)

    def next_number(self) -> int:
        """A number that no request of this link has, for requests of other kinds."""
        self._last_number += 1
        return self._last_number

    def unanswered(self) -> Collection[Subscription]:
        """The active subscriptions that were requested and neither acknowledged nor refused.

        A request that waits for the answer to another one is not sent, so its time begins later.
        """
        if not self._unacknowledged:
            return ()
        waiting = set(map(id, self._waiting))
        by_topic = self.by_topic
        return [
            by_topic[topic]
            for topic, request in self._unacknowledged.items()
            if topic in by_topic and id(request) not in waiting
        ]

    @property
    def has_unacknowledged(self) -> bool:
        """Whether a subscribe of any topic, sent or waiting, has neither an answer nor data."""
        return bool(self._unacknowledged)

    def is_unacknowledged(self, topic: str) -> bool:
        """Whether a subscribe of a topic, sent or waiting, has neither an answer nor data."""
        return topic in self._unacknowledged

    # Answers

    def sent(self, number: int | None) -> Request | None:
        """The unanswered request of a number, else None."""
        return None if number is None else self._sent.get(number)

    def requests(self) -> list[Request]:
        """The requests that were sent and have no answer yet, oldest first."""
        return list(self._sent.values())

    def oldest(self, op: str, topic: str | None = None) -> Request | None:
        """The unanswered request that has waited longest, of those that request a topic."""
        for request in self._sent.values():
            if request.op == op and (topic is None or topic in request.pending):
                return request
        return None

    def accepted(
        self,
        request: Request | None,
        received_ns: int,
        topics: Iterable[str] | None = None,
        warnings: tuple[str, ...] = (),
    ) -> list[Event]:
        """The venue accepted a request, or some topics of it; None is a request not ours."""
        if request is None:
            return []
        events: list[Event] = []
        for topic in self._answered(request, topics):
            if request.op == "unsubscribe":
                events += self._unsubscribed(request, topic, received_ns)
            elif self._unacknowledged.get(topic) is request:
                events += self._acknowledge(topic, received_ns, warnings)
        return events

    def data(self, topic: str, received_ns: int) -> Sequence[Event]:
        """Data of a topic acknowledge its request as well, unless they may be older than it."""
        request = self._unacknowledged.get(topic)
        if request is None or topic in self._unsubscribing:
            return ()
        request.pending.pop(topic, None)
        if not request.pending and self._limits.in_flight is None:
            self._sent.pop(request.number, None)
        return self._acknowledge(topic, received_ns, ())

    def refused(
        self,
        request: Request | None,
        reason: str,
        received_ns: int,
        blamed: Collection[str] = (),
        *,
        topics: Iterable[str] | None = None,
    ) -> list[Event]:
        """The venue refused a request, or the given topics of it, for the sake of some of these.

        A subscription that is blamed ends. The other topics are requested again: all at once if
        the venue blamed some, else by halves, as a single topic has only itself to blame. A topic
        that the venue does not end is not active for it either.
        """
        if request is None:
            return [Refused(venue=self._venue, message=reason, received_ns=received_ns)]
        refused = self._answered(request, topics)
        if not blamed and len(refused) == 1:
            blamed = refused
        others = [one for one in refused if one not in blamed and self._is_meant(request, one)]
        middle = len(others) if blamed else (len(others) + 1) // 2
        for half in (others[:middle], others[middle:]):
            self._queue(
                request.op,
                {topic: request.streams[topic] for topic in half},
                is_internal=request.is_internal,
            )
        events: list[Event] = []
        for topic in refused:
            if topic not in blamed:
                continue
            if request.op == "unsubscribe":
                events += self._unsubscribed(request, topic, received_ns)
            elif self._unacknowledged.get(topic) is request:
                events += self.end(topic, reason, received_ns)
        return events

    def passed_over(self, request: Request) -> None:
        """An answer came to a later request, at a venue that answers in order: this one is lost.

        A request that a subscription still waits for is kept, as a later answer may be its own.
        """
        if request.op == "unsubscribe" or request.is_internal or not request.pending:
            self._lose(request)

    def postponed(self, request: Request) -> None:
        """The venue wants a request later: it is sent again after the next ping."""
        topics = self._answered(request, None)
        request.pending = dict.fromkeys(topics)
        self._postponed.append(request)

    def repeat(self, request: Request) -> None:
        """Queue a request again, for the topics without an answer that are still meant."""
        streams = {
            topic: request.streams[topic]
            for topic in self._answered(request, None)
            if self._is_meant(request, topic)
        }
        self._queue(request.op, streams, is_internal=request.is_internal)

    def drop(self, topic: str) -> None:
        """No answer for a topic is expected any more: take it off the requests for it.

        A request that waits for others is not sent if nothing else is left of it.
        """
        self._unacknowledged.pop(topic, None)
        for request in self._waiting:
            request.streams.pop(topic, None)
            request.pending.pop(topic, None)
        self._waiting = deque(request for request in self._waiting if request.pending)
        for request in self.requests():
            if topic in request.pending:
                self._answered(request, [topic])

    def end(self, topic: str, reason: str, received_ns: int) -> list[Event]:
        """A subscription cannot be had: end it, and return its refusal if it was active."""
        self._unacknowledged.pop(topic, None)
        subscription = self.close(topic)
        if subscription is None:
            return []
        return [
            Refused(
                venue=self._venue,
                subscription=subscription,
                message=reason,
                received_ns=received_ns,
            )
        ]

    def pinged(self) -> None:
        """Count a ping: a request older than two of them has lost its answer.

        Such a request holds up no other. What it requested stays unanswered; what it ended is
        forgotten.
        """
        postponed, self._postponed = self._postponed, []
        for request in postponed:
            self.repeat(request)
        for request in list(self._sent.values()):
            request.pings += 1
            if request.pings >= _PINGS_MAX:
                self._lose(request)
        self._send_next()

    # Pieces

    def _queue(
        self, op: Op, streams: dict[str, Subscription | None], *, is_internal: bool
    ) -> list[Request]:
        queued: list[Request] = []
        for topics in self._split(streams):
            request = Request(self.next_number(), op, {}, is_internal, {})
            self._add(request, {topic: streams[topic] for topic in topics})
            queued.append(request)
        self._waiting.extend(queued)
        self._send_next()
        return queued

    def _add(self, request: Request, streams: dict[str, Subscription | None]) -> None:
        request.streams |= streams
        request.pending |= dict.fromkeys(streams)
        if request.op == "subscribe":
            self._unacknowledged.update(dict.fromkeys(streams, request))
            if not request.is_internal:
                self._unpublished.update(streams)

    def _can_extend(self, request: Request, streams: dict[str, Subscription | None]) -> bool:
        """Whether the frame of a request is not written yet and the request may take more."""
        has_room = len(request.streams) + len(streams) <= self._limits.topics
        return has_room and any(one is request.send for one in self._outbox)

    def _extend(self, request: Request, streams: dict[str, Subscription | None]) -> None:
        before = request.send
        self._add(request, streams)
        request.send = self._write(request)
        at = next(index for index, one in enumerate(self._outbox) if one is before)
        self._outbox[at] = request.send

    def _is_due(self, topic: str) -> bool:
        """Whether a topic was requested and the answer is, as far as is known, still to come."""
        request = self._unacknowledged.get(topic)
        return request is not None and not request.is_doubted

    def _split(self, streams: dict[str, Subscription | None]) -> Iterator[list[str]]:
        groups: dict[Hashable, list[str]] = {}
        for topic, subscription in streams.items():
            groups.setdefault(self._group(topic, subscription), []).append(topic)
        for topics in groups.values():
            yield from self._limits.split(topics)

    def _send_next(self) -> None:
        in_flight = self._limits.in_flight
        while self._waiting and (in_flight is None or len(self._sent) < in_flight):
            request = self._waiting.popleft()
            self._sent[request.number] = request
            request.send = self._write(request)
            self._outbox.append(request.send)

    def _answered(self, request: Request, topics: Iterable[str] | None) -> list[str]:
        """Take topics off a request, by default all that are pending; an answered request ends."""
        answered = list(request.pending if topics is None else topics)
        for topic in answered:
            request.pending.pop(topic, None)
        if not request.pending:
            self._sent.pop(request.number, None)
            self._send_next()
        return answered

    def _acknowledge(
        self, topic: str, received_ns: int, warnings: tuple[str, ...]
    ) -> Sequence[Event]:
        del self._unacknowledged[topic]
        subscription = self.by_topic.get(topic)
        if subscription is None or topic not in self._unpublished:
            return ()
        self._unpublished.discard(topic)
        return (
            Subscribed(
                venue=self._venue,
                subscription=subscription,
                warnings=warnings,
                received_ns=received_ns,
            ),
        )

    def _unsubscribed(self, request: Request, topic: str, received_ns: int) -> Sequence[Event]:
        if request.is_internal or request.streams[topic] is None:
            return ()
        subscription = self._unsubscribing.get(topic)
        if subscription is None or subscription != request.streams[topic]:
            return ()
        del self._unsubscribing[topic]
        return (
            Unsubscribed(venue=self._venue, subscription=subscription, received_ns=received_ns),
        )

    def _is_meant(self, request: Request, topic: str) -> bool:
        """Whether a topic is still to be subscribed by no later request, or still to be ended."""
        if request.op == "subscribe":
            is_last = self._unacknowledged.get(topic) is request
            return is_last and (topic in self.by_topic or topic in self._extra)
        return request.is_internal or topic not in self.by_topic

    def _lose(self, request: Request) -> None:
        self._sent.pop(request.number, None)
        for topic in request.pending:
            if request.op == "unsubscribe":
                self._unsubscribing.pop(topic, None)
            elif request.is_internal and self._unacknowledged.get(topic) is request:
                del self._unacknowledged[topic]
