"""A runtime whose links and calls are those of a tape, at the tape's own times.

`connect(..., runtime=ReplayedRuntime(path))` is the live session over recorded frames: it dials,
subscribes, loses links and proves books as it did when the tape was recorded. So it has to be set
up as the recorded session was: the same exchange, symbols and channels. What it sends goes nowhere.
`replay.Replay` needs no such session: it follows any recording, other programs' too, passively.

A dial gets the next link of the tape that was dialled at the same URL, or simply the next one where
the tape names no such URL, and waits until that link was open. Where frames are
missing on the tape, as the recorder lost them, every link is cut: whatever needs them is a gap.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

from msgspec import Struct

from fluxum.clock import Clock
from fluxum.errors import BadInput, LinkClosed, TapeEnded, TapeError, TransportError
from fluxum.flow.background import background
from fluxum.pacing import AttemptBudget, CallCounter
from fluxum.runtime import Reach
from fluxum.tape.answers import RecordedAnswers
from fluxum.tape.lines import TapeFrame
from fluxum.tape.reader import TapeReader
from fluxum.transport.link import Link, loopback
from fluxum.venues.venue import Venue

__all__ = ["ReplayCounts", "ReplayedRuntime"]

_CALL_S = 10.0
_CLOSING_S = 1.0
_KEPT_MAX = 10_000
_ABNORMAL = 1006
_Key = tuple[int, int, int]
"""A part of a link: the number of its recording on the tape, of holes before it, of its link."""


class ReplayCounts(Struct):
    """What became of the frames that were received on the tape.

    `unread` are those of links that the session did not dial, or had closed.
    """

    frames: int = 0
    unread: int = 0


class ReplayedRuntime:
    """One recording as the environment of one session; see Runtime.

    `more` are the other files of a recording in several. In an ordinary event loop the tape plays
    at its own speed, in a `SimulatedLoop` (`sim.loop.run`) without waiting. After the last frame a
    dial raises TapeEnded, or the TapeError of a damaged tape: the session ends with that error,
    which its readers get after all events. Calls that contain keys are on no tape, so no account
    can be replayed. Raises TapeError.
    """

    def __init__(self, path: Path | str, *more: Path | str) -> None:
        self.tape = TapeReader(Path(path), *map(Path, more))
        self.counts = ReplayCounts()
        self.random: Random = _Soonest(0)
        self._answers = RecordedAnswers(self.tape.path)
        self._dialled, start_ns = _scan(self.tape)
        self._free = set(self._dialled)
        self._links: dict[_Key, _RecordedLink] = {}
        self._moved = asyncio.Event()
        self._error: TapeError = TapeEnded(f"{self.tape.path} has ended")
        self._over = asyncio.Event()
        self._is_used = False
        self._clock = _TapeClock(start_ns)
        self.clock: Clock = self._clock

    def budget(self, venue: Venue) -> AttemptBudget:  # noqa: ARG002
        """As many attempts as are wanted: nothing is dialled really. See Runtime."""
        return AttemptBudget(1_000_000, 1.0)

    def counter(self, venue: Venue, url: str) -> CallCounter:  # noqa: ARG002
        """As many calls as are wanted: the tape answers. See Runtime."""
        return CallCounter(1_000_000, 1_000_000)

    @asynccontextmanager
    async def reach(self, venue: Venue) -> AsyncGenerator[Reach]:
        """The links and answers of the tape, which begins to play; raises BadInput.

        That is for a tape of another exchange, and for a second session.
        """
        header = self.tape.header
        if header is not None and header.venue != venue.name:
            raise BadInput(f"{self.tape.path} is of {header.venue}, was replayed as {venue.name}")
        if self._is_used:
            raise BadInput(f"{self.tape.path} is replayed already: one runtime, one session")
        self._is_used = True
        async with background(self._play()):
            yield Reach(self._dial, self)

    async def call(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],  # noqa: ARG002
        body: bytes,  # noqa: ARG002
    ) -> bytes:
        """The recorded answer, when it was received; raises TransportError if there is none."""
        parts = urlsplit(url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        take = self._answers.take if self.tape.header is None else self._answers.take_exact
        try:
            async with asyncio.timeout(_CALL_S):
                while (answer := take(path, self._clock.now_ns())) is None:
                    await self._moved.wait()
        except TimeoutError as error:
            raise TransportError(f"{method} {url} has no answer on the tape") from error
        return answer

    @asynccontextmanager
    async def _dial(
        self,
        url: str,
        headers: Mapping[str, str] = {},  # noqa: ARG002
        /,
    ) -> AsyncGenerator[Link]:
        key = self._next_key(url)
        if key is None:
            await self._over.wait()
            raise self._error
        link = self._links.setdefault(key, _RecordedLink())
        try:
            await link.opened.wait()
        except asyncio.CancelledError:
            self._free.add(key)
            raise
        link.is_dialled = True
        try:
            yield link.ours
        finally:
            link.close("closed by the session")

    def _next_key(self, url: str) -> _Key | None:
        """Take the link that a dial gets; None if the tape has no other."""
        is_named = url in self._dialled.values()
        free = [one for one in self._free if not is_named or self._dialled[one] == url]
        key = min(free, default=None)
        if key is not None:
            self._free.discard(key)
        return key

    async def _play(self) -> None:
        """Play the tape to its end, then close the links that are open."""
        self._clock.start()
        try:
            for (line, key), following in _with_following(_keyed(self.tape)):
                if line.ns is not None:
                    await self._clock.advance(line.ns)
                self._take(line, key)
                moved, self._moved = self._moved, asyncio.Event()
                moved.set()
                if not _came_together((line, key), following):
                    await asyncio.sleep(0)  # the session reads it before the next one
        except TapeError as error:
            self._error = error
        self._clock.run_on()
        self._cut(str(self._error))
        await asyncio.sleep(_CLOSING_S)  # for the session to report that its links are lost
        self._over.set()

    def _take(self, line: TapeFrame, key: _Key) -> None:
        if line.url:
            if line.is_answer:
                self._answers.add(line)
        elif line.since_ns is not None:
            self._cut(f"{line.lost} frames are not on the tape")
        elif line.closed:
            if key in self._links:
                self._links.pop(key).close("closed on the tape")
        else:
            link = self._links.setdefault(key, _RecordedLink())
            link.opened.set()
            if not line.sent:
                self._deliver(line.frame, link, key)

    def _deliver(self, frame: bytes, link: "_RecordedLink", key: _Key) -> None:
        self.counts.frames += 1
        if link.deliver(frame):
            return
        self.counts.unread += 1
        if key in self._free:  # too many frames wait for a dial: it will get no such link
            self._free.discard(key)
            self.counts.unread += link.waiting

    def _cut(self, reason: str) -> None:
        for link in self._links.values():
            link.close(reason)
        self._links.clear()


class _RecordedLink:
    """A link of the tape: `ours` is the session's end. Frames wait for the dial, up to a limit."""

    def __init__(self) -> None:
        self.ours, self._theirs = loopback()
        self.opened = asyncio.Event()
        self.is_dialled = False
        self.waiting = 0

    def deliver(self, frame: bytes) -> bool:
        """Deliver a frame; false if the session has closed the link, or too many wait for it."""
        if not self.is_dialled:
            if self.waiting == _KEPT_MAX:
                return False
            self.waiting += 1
        try:
            self._theirs.deliver(frame)
        except LinkClosed:
            return False
        return True

    def close(self, reason: str) -> None:
        """Close both ends; frames that wait can still be read."""
        self.opened.set()
        self._theirs.close(_ABNORMAL, reason)


class _TapeClock:
    """The time of the tape: that of the last line, and as much as has passed since.

    It never passes the next line, so a frame is received exactly when it was.
    """

    def __init__(self, start_ns: int) -> None:
        self._start_ns = self._line_ns = start_ns
        self._next_ns: int | None = start_ns
        self._start_s = self._line_s = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Begin to run."""
        self._loop = asyncio.get_running_loop()
        self._start_s = self._line_s = self._loop.time()

    def now_ns(self) -> int:
        """Nanoseconds since the epoch, UTC."""
        if self._loop is None:
            return self._start_ns
        now_ns = self._line_ns + round((self._loop.time() - self._line_s) * 1e9)
        return now_ns if self._next_ns is None else min(now_ns, self._next_ns)

    async def advance(self, line_ns: int) -> None:
        """Wait until the time of the next line."""
        assert self._loop is not None
        self._next_ns = max(line_ns, self._line_ns)
        due_s = self._start_s + (line_ns - self._start_ns) / 1e9
        if due_s > self._loop.time():
            await asyncio.sleep(due_s - self._loop.time())
        self._line_ns, self._line_s = self._next_ns, self._loop.time()

    def run_on(self) -> None:
        """There is no next line."""
        self._next_ns = None


class _Soonest(Random):
    """Waits of a random length are the shortest: a dial waits for its link, and is never late."""

    def random(self) -> float:
        """Zero."""
        return 0.0


def _keyed(tape: TapeReader) -> Iterator[tuple[TapeFrame, _Key]]:
    """Every line of a tape, with the part of a link that it belongs to."""
    holes = 0
    for line in tape:
        holes += line.since_ns is not None
        yield line, (tape.recordings, holes, line.link)


_Keyed = tuple[TapeFrame, _Key]


def _with_following(lines: Iterator[_Keyed]) -> Iterator[tuple[_Keyed, _Keyed | None]]:
    """Every line with the one behind it; raises TapeError behind the last line."""
    last: _Keyed | None = None
    damage: TapeError | None = None
    try:
        for one in lines:
            if last is not None:
                yield last, one
            last = one
    except TapeError as error:
        damage = error
    if last is not None:
        yield last, None
    if damage is not None:
        raise damage


def _came_together(one: _Keyed, following: _Keyed | None) -> bool:
    """Whether two frames were received together, as they have one time: then they are one batch."""
    if following is None or following[1] != one[1]:
        return False
    return all(_is_received(line) for line, _ in (one, following)) and one[0].ns == following[0].ns


def _is_received(line: TapeFrame) -> bool:
    return not (line.url or line.sent or line.closed) and line.since_ns is None


def _scan(tape: TapeReader) -> tuple[dict[_Key, str], int]:
    """The links of a tape, each with the URL that was dialled if known; and when it begins."""
    urls: dict[tuple[int, int], str] = {}
    keys: dict[_Key, str] = {}
    start_ns = 0 if tape.header is None else tape.header.started_ns
    try:
        for line, key in _keyed(tape):
            start_ns = start_ns or line.ns or 0
            if not line.url and line.since_ns is None and not line.closed:
                recording, _, link = key
                url = urls.setdefault((recording, link), line.dialled)
                keys.setdefault(key, url)
    except TapeError:
        pass  # a damaged tape is played up to the damage
    return keys, start_ns
