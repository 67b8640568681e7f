"""What a venue's conversation is made of: what it receives, sends, and wants done.

A protocol is made anew for every link. Frames and responses go in with the time they were
received; events come out at once; what must be written, fetched or closed is queued as effects
and performed by the connection. Nothing here waits, dials, counts attempts or reads a clock.
"""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum
from typing import Protocol

from msgspec import MsgspecError, Struct

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Event, Subscription

__all__ = [
    "UNREADABLE",
    "Auth",
    "Effect",
    "Fetch",
    "Handover",
    "Hangup",
    "Reauthenticate",
    "Send",
    "SequenceCounts",
    "UnreadableStream",
    "VenueProtocol",
    "VenueTime",
]


class Auth(Enum):
    """What the session adds to a frame or a call before it is written.

    TOKEN: the token in place of the placeholder `private.TOKEN`. SIGNED: what the account's
    `Signer` makes of it. No effect and no recording holds either.
    """

    NONE = "none"
    TOKEN = "token"  # noqa: S105 - a word for one
    SIGNED = "signed"


class Send(Struct, frozen=True):
    """Write this as one message, with what `auth` adds to it."""

    frame: bytes
    auth: Auth = Auth.NONE


class Fetch(Struct, frozen=True):
    """Make this REST call; give the body back through `receive_response`.

    `path` goes behind the URL of `endpoint`, its query included. By `purpose` the venue recognises
    its own query. `cost` is what the call counts against the venue's allowance.
    `subscription` is the stream that waits for the answer; None where no single stream does.
    A call that `is_once` is a command: it is never repeated, as the venue may have obeyed it.
    """

    method: str
    path: str
    purpose: str
    headers: Mapping[str, str] = {}
    body: bytes = b""
    endpoint: str = "rest"
    cost: float = 1.0
    subscription: Subscription | None = None
    auth: Auth = Auth.NONE
    is_once: bool = False


class Hangup(Struct, frozen=True):
    """Close the link; the feed will dial again."""

    reason: str


class Handover(Struct, frozen=True):
    """The venue will cut this link soon: open another first, prove it, then close this one."""

    reason: str


class Reauthenticate(Struct, frozen=True):
    """The venue refused the token: get another one before doing what is queued behind this."""

    reason: str


Effect = Send | Fetch | Hangup | Handover | Reauthenticate


class SequenceCounts(Struct):
    """How often a numbered message followed on from the one before (`steps`), and how often not.

    Kept by protocols whose venues number messages; trades' own numbers are counted elsewhere.
    """

    steps: int = 0
    breaks: int = 0


class VenueTime(Struct, frozen=True):
    """The venue's time in an answer, and when that was received by our clock.

    A protocol whose answers carry times keeps the last one in an attribute `venue_time`. The offset
    of the clocks is `venue_ns - received_ns`, and the way of the answer is in it.
    """

    venue_ns: int
    received_ns: int


class UnreadableStream(RemoteProtocolError):
    """A frame whose envelope could be read, the numbering of the link with it, but not its data.

    Only the streams that the frame names may have lost something: `subscriptions`, which are none
    where nothing of what the frame names is subscribed to.
    """

    def __init__(self, message: str, subscriptions: tuple[Subscription, ...]) -> None:
        super().__init__(message)
        self.subscriptions = subscriptions


UNREADABLE = (RemoteProtocolError, MsgspecError, RecursionError, ArithmeticError, ValueError)
"""What reading a frame or an answer may raise.

RemoteProtocolError is what a protocol promises. The others are what the decoders of numbers and of
nested values raise for the worst input, such as JSON 10,000 deep: each costs its frame alone.
"""


class VenueProtocol(Protocol):
    """One link's conversation: frames in, events out, effects queued.

    `outbox` holds what is to be done, oldest first; the connection pops an effect and performs it.
    """

    outbox: deque[Effect]
    sequence: SequenceCounts

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue the requests for these streams; raises LocalProtocolError for impossible ones."""
        ...

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue the requests that end these streams; late data for them is no error."""
        ...

    def resync(self, subscription: Subscription) -> None:
        """Queue whatever this venue needs to send one stream's snapshot again."""
        ...

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The events of a frame; raises only RemoteProtocolError, when it makes no sense.

        A frame of which only some streams could not be read raises UnreadableStream. Rows that
        could not be read beside others that could are a LeftOut event before the others.
        """
        ...

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        """The events of an answer to a `Fetch`; raises RemoteProtocolError if it makes no sense."""
        ...

    def receive_refusal(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:
        """What it means that the venue answered a `Fetch` with a no (HTTP 4xx)."""
        ...

    def ping(self) -> None:
        """Queue the venue's own ping, or another request that a healthy link answers."""
        ...

    def unanswered(self) -> Collection[Subscription]:
        """What was asked and has been neither accepted nor refused yet."""
        ...

    def follow_passively(self, depth: int | None = None) -> None:
        """From now on accept answers to questions this protocol did not ask, as on a tape.

        `depth` is that of books of which neither request nor acknowledgement is on the tape.
        """
        ...

    def follow_request(self, frame: bytes) -> None:
        """Learn from another client's frame what it asked for; nonsense is passed over."""
        ...
