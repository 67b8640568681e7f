"""The link of order events: orders and their fills, numbered.

https://docs.gemini.com/websocket/order-events. The link is one stream, opened with the headers of a
call. It begins with its acknowledgement, then the active orders as `initial` events, then comes a
heartbeat every five seconds between events, each with the next `socket_sequence`, from 0 on. How
many initial events there are is not published, so the session lists the open orders itself. After
a hole in the numbers it lists them again, and looks up what was missed.
"""

from collections import deque
from collections.abc import Collection, Iterable, Sequence

from msgspec import Raw
from msgspec.json import decode

from fluxum.errors import LocalProtocolError, RemoteProtocolError
from fluxum.model.event import (
    Channel,
    Event,
    Refused,
    Subscribed,
    Subscription,
    Unsubscribed,
    VenueNotice,
)
from fluxum.model.order import Command
from fluxum.venues.conversation import Effect, Fetch, SequenceCounts, VenueTime
from fluxum.venues.gemini.normalize import VENUE
from fluxum.venues.gemini.private import native, normalize
from fluxum.venues.queries import UNDECODABLE
from fluxum.venues.reading import Reading, missed

__all__ = ["EVENTS_PATH", "OrderEvents"]

EVENTS_PATH = "/v1/order/events"
"""What the upgrade of the link signs, and the path of its URL."""
_EXECUTIONS = Subscription(Channel.EXECUTION)
_MILLISECOND = 1_000_000
_KEPT = 10_000


class OrderEvents:
    """The conversation of one link of order events; see AccountProtocol."""

    def __init__(self) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()
        self.venue_time: VenueTime | None = None
        self._is_open = False
        self._is_wanted = False
        self._is_told = True  # whether the last request has its event
        self._is_passive = False  # on a tape, which may begin within a link
        self._last = -1
        self._opened: dict[str, int] = {}  # when orders were placed, by their id

    # Requests

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Follow the stream; it is acknowledged with the first frame, or the next one."""
        self._want(wanted, is_wanted=True)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Follow the stream no more; the link has no other."""
        self._want(unwanted, is_wanted=False)

    def _want(self, streams: Iterable[Subscription], *, is_wanted: bool) -> None:
        if list(streams):
            self._is_wanted, self._is_told = is_wanted, False

    def resync(self, subscription: Subscription) -> None:
        """Nothing: the snapshot is the session's."""

    def command(self, command_id: int, command: Command, now_ns: int) -> None:  # noqa: ARG002
        """Raises LocalProtocolError: this link takes no commands."""
        raise LocalProtocolError(f"commands go over the link of orders, was {command!r:.80}")

    def ping(self) -> None:
        """Nothing: a heartbeat comes every five seconds."""

    def unanswered(self) -> Collection[Subscription]:
        """The stream, until the link's first frame."""
        return () if self._is_told else (_EXECUTIONS,)

    def follow_passively(self, depth: int | None = None) -> None:  # noqa: ARG002 - no books
        """Accept the stream that another client opened."""
        self._is_wanted = self._is_open = self._is_passive = True

    def follow_request(self, frame: bytes) -> None:
        """Nothing: there are no requests."""

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:  # noqa: ARG002
        """Raises LocalProtocolError: this link makes no calls."""
        raise LocalProtocolError(f"no call was made, was {fetch.path!r}")

    def receive_refusal(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:  # noqa: ARG002
        """Raises LocalProtocolError: this link makes no calls."""
        raise LocalProtocolError(f"no call was made, was {fetch.path!r}")

    # Frames

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The events of a frame; raises RemoteProtocolError when it makes no sense."""
        reading = Reading(VENUE, received_ns)
        try:
            if frame.lstrip().startswith(b"["):
                rows = decode(frame, type=list[Raw])
                reading.rows(rows, lambda row: self._event(row, received_ns), lambda _: _STREAMS)
            else:
                reading.events += self._control(decode(frame, type=native.Kind), received_ns)
        except UNDECODABLE as error:
            raise RemoteProtocolError(str(error)) from error
        if reading.has_left_out:
            reading.events.append(
                missed(VENUE, _EXECUTIONS, "a row could not be read", received_ns)
            )
        if self._is_open and not self._is_told:
            self._is_told = True
            reading.events.insert(0, self._told(received_ns))
        return reading.finish()

    def _control(self, wire: native.Kind, received_ns: int) -> Sequence[Event]:
        if wire.timestampms is not None:
            self.venue_time = VenueTime(wire.timestampms * _MILLISECOND, received_ns)
        match wire.type:
            case "subscription_ack":
                self._is_open = True
                return ()
            case "heartbeat":
                return self._followed(wire.socket_sequence, received_ns)
            case "" if wire.result == "error":  # its message names the key
                self._is_told = True
                refused = Refused(
                    venue=VENUE,
                    subscription=_EXECUTIONS,
                    message=wire.reason,
                    received_ns=received_ns,
                )
                return (refused,)
            case word:
                raise RemoteProtocolError(f"a known kind of event was expected, was {word[:40]!r}")

    def _event(self, row: Raw, received_ns: int) -> Sequence[Event]:
        wire = decode(row, type=native.Order)
        number = wire.socket_sequence
        if number is not None and number <= self._last:
            return ()  # it came before
        events = list(self._followed(number, received_ns))
        if not self._is_wanted:
            return events
        if wire.type == "cancel_rejected":
            text = f"order {wire.order_id} was not canceled: {wire.reason}"
            return [*events, VenueNotice(venue=VENUE, message=text, received_ns=received_ns)]
        order_id = str(wire.order_id)
        if wire.type in {"initial", "accepted"}:
            self._opened[order_id] = normalize.instant(wire)
            if len(self._opened) > _KEPT:
                del self._opened[next(iter(self._opened))]
        fill = normalize.event_fill(wire, received_ns)
        events += [] if fill is None else [fill]
        opened_ns = self._opened.get(order_id)
        events.append(normalize.order(wire, received_ns, opened_ns))
        if wire.type == "closed":
            self._opened.pop(order_id, None)
        return events

    def _followed(self, number: int | None, received_ns: int) -> Sequence[Event]:
        """Count a number; a hole before it is published, as what was in it has to be looked up."""
        if number is None or number <= self._last:
            return ()
        is_first = self._is_passive and self._last < 0
        expected, self._last = self._last + 1, number
        if number == expected or is_first:
            self.sequence.steps += 1
            return ()
        self.sequence.breaks += 1
        return (
            missed(
                VENUE, _EXECUTIONS, f"number {expected} was expected, was {number}", received_ns
            ),
        )

    def _told(self, received_ns: int) -> Event:
        kind = Subscribed if self._is_wanted else Unsubscribed
        return kind(venue=VENUE, subscription=_EXECUTIONS, received_ns=received_ns)


_STREAMS = (_EXECUTIONS,)
