"""Requests for streams: what one is about, and the limits of what it may hold.

See `subscriptions` for how they are queued and answered.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from msgspec import Struct

from fluxum.model.event import Subscription
from fluxum.venues.conversation import Send

__all__ = ["Op", "Request", "RequestLimits", "Write"]

Op = Literal["subscribe", "unsubscribe"]


class RequestLimits(Struct, frozen=True):
    """The limits of one request, and of how many may be unanswered at once.

    `characters` counts those of the topics, in UTF-8. None disables a limit. Where `in_flight` is
    given, a request whose data came still waits for its own answer.
    """

    topics: int
    characters: int | None = None
    in_flight: int | None = None

    def split(self, topics: Iterable[str]) -> Iterator[list[str]]:
        """The topics of each request that it takes to name them all."""
        chunk: list[str] = []
        size = 0
        for topic in topics:
            length = len(topic.encode())
            size += length
            is_long = self.characters is not None and size > self.characters
            if chunk and (len(chunk) == self.topics or is_long):
                yield chunk
                chunk, size = [], length
            chunk.append(topic)
        if chunk:
            yield chunk


class Request(Struct, eq=False):
    """One request. `streams` maps each topic to its subscription.

    The subscription is None for a topic that is requested for another one's sake. `pending` are
    the topics not answered yet. An internal request is part of a resync and publishes nothing.
    The answer to one that `is_doubted` may be lost. `send` is None while the request waits for
    others.
    """

    number: int
    op: Op
    streams: dict[str, Subscription | None]
    is_internal: bool
    pending: dict[str, None]
    pings: int = 0
    is_doubted: bool = False
    send: Send | None = None

    @property
    def topics(self) -> list[str]:
        """The topics, in the order of the request."""
        return list(self.streams)


Write = Callable[[Request], Send]
"""Turns a request into a frame."""
