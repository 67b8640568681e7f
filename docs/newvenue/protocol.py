"""One link's conversation with Newvenue: requests, their answers, data, and new snapshots.

Quote here how the venue acknowledges, refuses and numbers, with the source of each rule.
"""

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from functools import partial

from fluxum.errors import LocalProtocolError, RemoteProtocolError
from fluxum.model.event import Event, Subscription
from fluxum.venues.conversation import UNREADABLE
from fluxum.venues.requests import Request, RequestLimits
from fluxum.venues.stream_readers import StreamReader, read_frame
from fluxum.venues.subscriptions import Subscriptions
from fluxum.venues.venue import Effect, Fetch, Send, SequenceCounts
from newvenue import native
from newvenue.normalize import VENUE
from newvenue.readers import reader
from newvenue.topics import parse_topic, topic_of

__all__ = ["NewvenueProtocol"]

_PING = Send(b'{"op":"ping"}')


class NewvenueProtocol:
    """Newvenue's public data; see VenueProtocol for what each call promises."""

    def __init__(self) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()
        self._readers: dict[str, StreamReader] = {}  # of active subscriptions
        self._subscriptions = Subscriptions(
            VENUE,
            self.outbox,
            RequestLimits(topics=100),
            _write,
            opened=self._opened,
            closed=self._closed,
        )

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue requests for streams, as few as possible."""
        self._subscriptions.subscribe((topic_of(one), one) for one in wanted)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue requests that end streams."""
        self._subscriptions.unsubscribe(unwanted)

    def resync(self, subscription: Subscription) -> None:
        """Queue an end and a new beginning of one stream: the venue answers with a snapshot."""
        topic = self._subscriptions.topic(subscription)
        if topic is not None:
            self._subscriptions.resubscribe(topic)

    def ping(self) -> None:
        """Queue a ping; a request whose answer is lost holds up the others no longer."""
        self.outbox.append(_PING)
        self._subscriptions.pinged()

    def unanswered(self) -> Collection[Subscription]:
        """The subscriptions that were requested and neither acknowledged nor refused."""
        return self._subscriptions.unanswered()

    def follow_passively(self, depth: int | None = None) -> None:  # noqa: ARG002 - topics name theirs
        """Accept answers to another client's requests."""
        self._subscriptions.is_passive = True

    def follow_request(self, frame: bytes) -> None:
        """Open what another client requests."""
        try:
            request = native.decode_request(frame)
        except UNREADABLE:
            return
        if request.op == "subscribe":
            for topic in request.topics:
                self._subscriptions.track(topic, parse_topic)

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The events of a frame; raises RemoteProtocolError when it makes no sense."""
        try:
            head = native.decode_head(frame)
        except UNREADABLE as error:
            raise RemoteProtocolError(str(error)) from error
        if head.topic is None:
            return self._answer(head, received_ns)
        owner = self._subscriptions.owner(head.topic, parse_topic)
        if owner is None:
            return ()
        return read_frame(self._readers[head.topic], frame, received_ns, (owner,))

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:  # noqa: ARG002
        """Nothing is fetched; `fluxum.venues.instrument_list` is the machine for a list."""
        raise LocalProtocolError(f"no call was made, was {fetch.path!r}")

    def receive_refusal(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:  # noqa: ARG002
        """Nothing is fetched."""
        raise LocalProtocolError(f"no call was made, was {fetch.path!r}")

    def _answer(self, head: native.Head, received_ns: int) -> Sequence[Event]:
        if head.op == "ping":
            return ()
        if head.op not in {"subscribe", "unsubscribe"}:
            raise RemoteProtocolError(f"an answer or data was expected, was {head.op[:40]!r}")
        request = self._subscriptions.sent(head.id)
        if not head.error:
            return self._subscriptions.accepted(request, received_ns)
        topics = () if request is None else request.topics
        blamed = [topic for topic in topics if topic in head.error.split()]
        return self._subscriptions.refused(request, head.error, received_ns, blamed)

    def _opened(self, topic: str, subscription: Subscription) -> None:
        acknowledge = partial(self._subscriptions.data, topic)
        self._readers[topic] = reader(subscription, self.sequence, acknowledge)

    def _closed(self, topic: str, _subscription: Subscription) -> None:
        del self._readers[topic]


def _write(request: Request) -> Send:
    topics = tuple(request.topics)
    return Send(native.encode(native.Request(request.op, request.number, topics)))
