"""What was asked of market data v2, one request at a time.

The venue acknowledges nothing: a stream's first data is the answer to its request, and a refusal
names neither request nor symbol (https://developer.gemini.com/websocket/archived/v2). So the next
request waits until every stream of the one before has answered; then a refusal can only mean that
one. Of a request for several streams the bad ones may be passed over in silence: what is not
there after two heartbeats is asked for alone.
"""

from collections import deque
from collections.abc import Collection, Iterable
from typing import Literal

from msgspec import Struct

from fluxum.venues.gemini.v2 import native
from fluxum.venues.venue import Effect, Send

__all__ = ["Requests"]

# A stream on the wire: its kind and its market, `("l2", "BTCUSD")`.
_Stream = tuple[str, str]
_BEATS_MAX = 2


class _Request(Struct):
    """Streams to be asked for together; `again` for those that must be ended first."""

    streams: list[_Stream]
    again: bool = False
    beats: int = 0


class Requests:
    """A queue of requests, the first of which is on its way; frames go to the `outbox`."""

    def __init__(self, outbox: deque[Effect]) -> None:
        self._outbox = outbox
        self._queue: deque[_Request] = deque()
        self._owed: set[_Stream] = set()

    @property
    def owed(self) -> Collection[_Stream]:
        """The streams that have not answered yet, or were not even asked."""
        return self._owed

    @property
    def asked(self) -> Collection[_Stream]:
        """The streams of the request that is on its way, as far as they have not answered yet."""
        return self._queue[0].streams if self._queue else ()

    def ask(self, streams: Iterable[_Stream], *, again: bool = False) -> None:
        """Ask for streams once everything before is answered; those already asked for are not."""
        fresh = [one for one in dict.fromkeys(streams) if one not in self._owed]
        if fresh:
            self._owed.update(fresh)
            self._queue.append(_Request(fresh, again))
            if len(self._queue) == 1:
                self._send()

    def end(self, streams: Iterable[_Stream]) -> None:
        """End streams at once; nobody will answer."""
        ended = list(streams)
        if ended:
            self._say("unsubscribe", ended)
        for stream in ended:
            self.answered(stream)

    def answered(self, stream: _Stream) -> bool:
        """Data of a stream is here; whether anybody waited for it."""
        if stream not in self._owed:
            return False
        self._owed.discard(stream)
        for request in self._queue:
            if stream in request.streams:
                request.streams.remove(stream)
        self._go_on()
        return True

    def refused(self) -> _Stream | None:
        """The venue said no: to this stream, or none if that is not clear yet."""
        if not self._queue:
            return None
        request = self._queue[0]
        if len(request.streams) > 1:
            self._ask_alone(request)
            return None
        stream = request.streams[0]
        self.answered(stream)
        return stream

    def beat(self) -> None:
        """Time passed: what a request for several left open is asked for alone."""
        if not self._queue:
            return
        request = self._queue[0]
        request.beats += 1
        if request.beats == _BEATS_MAX:
            self._ask_alone(request)

    def _ask_alone(self, request: _Request) -> None:
        """Ask for each stream by itself; what is silent then stays unanswered."""
        self._queue.popleft()
        alone = [_Request([stream], beats=_BEATS_MAX) for stream in request.streams]
        self._queue.extendleft(reversed(alone))
        self._send()

    def _go_on(self) -> None:
        """Send the next request if the first one is answered."""
        was_first = self._queue[0]
        while self._queue and not self._queue[0].streams:
            self._queue.popleft()
        if self._queue and self._queue[0] is not was_first:
            self._send()

    def _send(self) -> None:
        request = self._queue[0]
        if request.again:
            self._say("unsubscribe", request.streams)
        self._say("subscribe", request.streams)

    def _say(self, kind: Literal["subscribe", "unsubscribe"], streams: Iterable[_Stream]) -> None:
        by_name: dict[str, list[str]] = {}
        for name, market in streams:
            by_name.setdefault(name, []).append(market)
        wire = [native.Stream(name, markets) for name, markets in by_name.items()]
        frame = native.encode(native.Request(kind, wire))
        self._outbox.append(Send(frame))
