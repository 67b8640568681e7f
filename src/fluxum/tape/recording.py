"""Links and calls that are recorded, and the gaps of a recording as events."""

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fluxum.model.event import Gap, GapCause, Repair, Subscription
from fluxum.tape.waiting import Hole
from fluxum.tape.writer import TapeWriter
from fluxum.transport.call import Http
from fluxum.transport.link import Batched, Dial, Link, Sealed

__all__ = ["TapeRecorder", "gaps", "recording", "recording_calls"]


class TapeRecorder:
    """Records a session on a tape: the `recorder` of `connect`."""

    def __init__(self, tape: TapeWriter) -> None:
        self._tape = tape

    def dial(self, dial: Dial) -> Dial:
        """See `recording`."""
        return recording(dial, self._tape)

    def http(self, http: Http) -> Http:
        """See `recording_calls`."""
        return recording_calls(http, self._tape)


def recording(dial: Dial, tape: TapeWriter) -> Dial:
    """A dial like `dial`, whose links write all frames to a tape."""
    links = 0

    @asynccontextmanager
    async def open_recorded(url: str, headers: Mapping[str, str]) -> AsyncGenerator[Link]:
        nonlocal links
        links += 1
        number = links
        async with dial(url, headers) as link:
            try:
                yield _RecordedLink(link, tape, number, url.partition("?")[0])
            finally:
                tape.end(number)

    def dial_recorded(
        url: str, headers: Mapping[str, str] = {}, /
    ) -> AbstractAsyncContextManager[Link]:
        return open_recorded(url, headers)

    return dial_recorded


def recording_calls(http: Http, tape: TapeWriter) -> Http:
    """Calls like those of `http`, whose answers are written to a tape."""
    return _RecordedCalls(http, tape)


def gaps(hole: Hole, venue: str, subscriptions: Iterable[Subscription]) -> list[Gap]:
    """A gap in a recording as events: one for each stream that was being recorded."""
    return [
        Gap(
            venue=venue,
            subscription=subscription,
            cause=GapCause.RECORDER,
            repair=Repair.LOST,
            since_ns=hole.since_ns,
            until_ns=hole.until_ns,
            detail=f"{hole.lost} frames are not on the tape: {hole.reason}",
            received_ns=hole.until_ns,
        )
        for subscription in subscriptions
    ]


class _RecordedCalls:
    """Calls that are recorded."""

    def __init__(self, http: Http, tape: TapeWriter) -> None:
        self._http = http
        self._tape = tape

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        """Call and record when, and the answer; what is sent is not, as it may contain secrets."""
        number = self._tape.add_request(url)
        try:
            answer = await self._http.call(method, url, headers, body)
        except BaseException:
            self._tape.end_call(url, number)
            raise
        self._tape.add_answer(url, answer, number)
        return answer


class _RecordedLink:
    """A link that is recorded."""

    def __init__(self, link: Link, tape: TapeWriter, number: int, url: str) -> None:
        self._link = link
        self._tape = tape
        self._number = number
        self._url = url  # until it is written, with the first frame
        self._received_ns = 0

    async def send(self, frame: bytes) -> None:
        """Send and record, without secrets."""
        await self._link.send(frame)
        shown = frame.shown if isinstance(frame, Sealed) else frame
        self._add(shown, sent=True)

    async def receive(self) -> bytes:
        """Receive and record."""
        frame = await self._link.receive()
        self._received_ns = self._add(frame, sent=False)
        return frame

    def waiting(self, most: int) -> list[bytes]:
        """The frames that were received with the last one, recorded with its time."""
        if not isinstance(self._link, Batched):
            return []
        frames = self._link.waiting(most)
        for frame in frames:
            self._add(frame, sent=False, ns=self._received_ns)
        return frames

    def received_ns(self) -> int:
        """When the last frame was received: the session has the time of the tape."""
        return self._received_ns

    def _add(self, frame: bytes, *, sent: bool, ns: int | None = None) -> int:
        now_ns = self._tape.add(frame, self._number, sent=sent, dialled=self._url, ns=ns)
        self._url = ""
        return now_ns
