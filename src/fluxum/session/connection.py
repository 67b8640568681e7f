"""One link and one protocol, until either ends.

Four tasks: one reads frames and hands events on at once, one performs the protocol's effects, one
makes REST calls, one watches the time. The reader neither waits for the sender nor reads a second
clock. It yields to the others after every burst of frames, as a link that is never empty would
starve them. A frame is written at once, without a task, if nothing waits to be sent before it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NoReturn

from msgspec import Struct, field

from fluxum.clock import Clock
from fluxum.errors import FluxumError, LinkClosed, LocalProtocolError, StaleLink
from fluxum.flow.background import background, begun
from fluxum.flow.bus import Bus
from fluxum.model.event import AccountEvent, Event, MarketEvent, Rejected, Subscription
from fluxum.pacing import TokenBucket
from fluxum.session.authenticator import Authenticator
from fluxum.session.fetch_queue import FetchCounts, FetchQueue, Rest
from fluxum.session.latencies import Latencies
from fluxum.transport.link import Batched, Link, Stamped
from fluxum.venues.book_scan import BookScan, ScannedBooks, ScansBooks
from fluxum.venues.conversation import UNREADABLE, Auth, UnreadableStream
from fluxum.venues.trade_scan import ScannedTrades, ScansTrades, TradeScan
from fluxum.venues.venue import (
    Effect,
    Fetch,
    Handover,
    Hangup,
    Limits,
    Reauthenticate,
    Send,
    VenueProtocol,
)

__all__ = ["Connection", "LinkCounts", "RawFrame", "scans_of"]

# About a millisecond of work; a pass of the loop costs as much as two or three frames.
_BURST = 128
_SAMPLE_CHARACTERS = 200
_PLAIN = Auth.NONE  # to look up a member costs a call
_DATA: frozenset[type] = frozenset((*MarketEvent.__args__, *AccountEvent.__args__))


class LinkCounts(Struct):
    """What came over one feed's links: frames = data + control + rejected."""

    frames: int = 0
    data: int = 0
    control: int = 0
    rejected: int = 0
    sent: int = 0
    fetches: FetchCounts = field(default_factory=FetchCounts)


class RawFrame(Struct, frozen=True, gc=False):
    """A frame as it was on the wire; `sent` is true for those that the session sent."""

    frame: bytes
    received_ns: int
    sent: bool = False


class Connection:
    """A conversation over one open link."""

    def __init__(
        self,
        venue: str,
        link: Link,
        protocol: VenueProtocol,
        *,
        limits: Limits,
        clock: Clock,
        rest: Rest,
        counts: LinkCounts,
        raw: Bus[RawFrame],
        latencies: Latencies,
        deliver: Callable[[Sequence[Event]], int],
        reject: Callable[[Rejected], None],
        call_failed: Callable[[Fetch, str, int, Event | None], None],
        hand_over: Callable[[str], None],
        age_s: float | None = None,
        authenticator: Authenticator | None = None,
    ) -> None:
        self._venue = venue
        self._link = link
        self._protocol = protocol
        self._limits, self._clock = limits, clock
        self._counts, self._raw, self._latencies = counts, raw, latencies
        self.deliver = deliver
        """Takes the events of one frame or of a run; returns how many frames. May be replaced."""
        self._reject = reject
        self._hand_over = hand_over
        self._age_s = age_s
        self._authenticator = authenticator
        self._token = ""  # the one sent last
        take, soon = self._take, self.perform_soon
        self._fetching = FetchQueue(
            venue, protocol, rest, clock, counts.fetches, take, call_failed, soon, authenticator
        )
        self._bucket = TokenBucket(limits.sends_per_s, limits.send_burst)
        self._scans = scans_of(protocol)
        self._now_s = asyncio.get_running_loop().time
        self._is_sampled = True
        self._outbox_filled = asyncio.Event()
        self._is_sending = False
        self._begun: Awaitable[None] | None = None  # the rest of a send that has to wait
        self._failed: FluxumError | None = None  # of a send without a task

    async def run(self) -> NoReturn:
        """Run until the link closes; always ends with an error that gives the reason."""
        async with background(self._perform(), self._fetching.run(), self._watch()):
            await self._read()
        raise AssertionError("reading ends with an error only")

    @property
    def calls_waiting(self) -> int:
        """How many REST calls of this link wait for an answer."""
        return self._fetching.waiting

    def serves_by_call(self, subscription: Subscription) -> bool:
        """Whether a REST call for this stream waits for an answer; see `FetchQueue.serves`."""
        return self._fetching.serves(subscription)

    def perform_soon(self) -> None:
        """The protocol may have new effects: send a frame now if the link is free, else soon."""
        outbox = self._protocol.outbox
        is_free = not self._is_sending and self._begun is None and self._failed is None
        if is_free and len(outbox) == 1:
            effect = outbox[0]
            if isinstance(effect, Send) and self._bucket.take_now(self._now_s()):
                outbox.clear()
                try:
                    self._begun = begun(self._link.send(self._authenticated(effect)))
                except FluxumError as error:
                    self._failed = error
                else:
                    self._note_sent(effect)
        if outbox or self._begun is not None or self._failed is not None:
            self._outbox_filled.set()

    def _take(self, events: Sequence[Event]) -> None:
        self.deliver(events)

    async def _read(self) -> NoReturn:
        link = self._link
        receive_frame = link.receive
        waiting = link.waiting if isinstance(link, Batched) else None
        now_ns = link.received_ns if isinstance(link, Stamped) else self._clock.now_ns
        while True:
            self._is_sampled = True
            taken = 0
            while taken < _BURST:
                frames = [await receive_frame()]
                if waiting is not None:
                    frames += waiting(_BURST - taken - 1)
                taken += len(frames)
                self._receive(frames, now_ns())
            await asyncio.sleep(0)

    def _receive(self, frames: list[bytes], received_ns: int) -> None:
        """Deliver the events of frames that were received together, in their order."""
        counts, raw, scans, receive = self._counts, self._raw, self._scans, self._protocol.receive
        if raw.is_read:
            raw.put_all([RawFrame(frame, received_ns) for frame in frames])
        at, count = 0, len(frames)
        while at < count:
            run = None
            for scan in scans:
                run = scan(frames, at, received_ns)
                if run is not None:
                    break
            if run is not None:
                at += self._deliver_run(run, received_ns)
                continue
            frame = frames[at]
            at += 1
            counts.frames += 1
            try:
                events = receive(frame, received_ns)
            except UNREADABLE as error:
                counts.rejected += 1
                self._reject(self._rejected(frame, error, received_ns))
            else:
                if not events:
                    counts.control += 1
                elif type(events[-1]) in _DATA:
                    counts.data += 1
                    if self._is_sampled:
                        self._sample(events, received_ns)
                    self.deliver(events)
                else:
                    counts.control += 1
                    self.deliver(events)
        if self._protocol.outbox:
            self._outbox_filled.set()

    def _deliver_run(self, run: ScannedTrades | ScannedBooks, received_ns: int) -> int:
        """Deliver the events of scanned frames; returns how many frames were taken."""
        counts = self._counts
        if self._is_sampled:
            self._sample(run, received_ns)
        counts.frames += run.frames
        counts.data += run.frames
        taken = self.deliver(run)
        counts.frames -= run.frames - taken  # the others are received once more
        counts.data -= run.frames - taken
        return taken

    def _sample(self, events: Sequence[Event], received_ns: int) -> None:
        """Measure the first frame with data of each burst."""
        self._is_sampled = False
        self._latencies.decoded(events, received_ns)

    async def _perform(self) -> None:
        outbox = self._protocol.outbox
        while True:
            self._is_sending = True
            if self._failed is not None:
                raise self._failed
            rest, self._begun = self._begun, None
            if rest is not None:
                await self._in_time(rest)
            while outbox:
                await self._perform_one(outbox.popleft())
            self._is_sending = False
            self._outbox_filled.clear()
            await self._outbox_filled.wait()

    async def _perform_one(self, effect: Effect) -> None:
        match effect:
            case Send():
                wait_s = self._bucket.take(self._now_s())
                if wait_s > 0:
                    await asyncio.sleep(wait_s)
                await self._in_time(self._send(effect))
            case Fetch():
                self._fetching.add(effect)
            case Reauthenticate():
                if self._authenticator is None:
                    raise LocalProtocolError(f"{self._venue} wants a token, and none can be had")
                await self._authenticator.renew(self._token)
            case Handover(reason):
                self._hand_over(reason)
            case Hangup(reason):
                raise LinkClosed(f"we hung up: {reason}")

    async def _in_time(self, sending: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(self._limits.answer_timeout_s):
                await sending
        except TimeoutError as error:
            raise StaleLink("the link takes no more frames") from error

    async def _send(self, send: Send) -> None:
        await self._link.send(self._authenticated(send))
        self._note_sent(send)

    def _authenticated(self, send: Send) -> bytes:
        """The frame as it is sent, with the token or signature it needs."""
        if send.auth is _PLAIN:
            return send.frame
        if self._authenticator is None:
            raise LocalProtocolError(f"{self._venue} needs keys here, and there are none")
        frame, token = self._authenticator.frame(send)
        self._token = token or self._token
        return frame

    def _note_sent(self, send: Send) -> None:
        self._counts.sent += 1
        if self._raw.is_read:
            self._raw.put(RawFrame(send.frame, self._clock.now_ns(), sent=True))

    async def _watch(self) -> None:
        """Ping; replace an old link; raise StaleLink for a silent link or an overdue answer."""
        limits, now_s = self._limits, self._now_s
        opened_s = now_s()
        seen_frames, received_s, pinged_s = self._counts.frames, opened_s, opened_s
        age_s = self._age_s
        since_s: dict[Subscription, float] = {}
        while True:
            await asyncio.sleep(min(1.0, limits.link_silence_s / 4))
            now = now_s()
            if self._counts.frames != seen_frames:
                seen_frames, received_s = self._counts.frames, now
            silent_s = now - received_s
            if silent_s >= limits.link_silence_s:
                raise StaleLink(f"nothing received for {silent_s:.1f} s")
            is_quiet = silent_s >= limits.link_silence_s / 2 and pinged_s <= received_s
            if is_quiet or now - pinged_s >= limits.ping_interval_s:
                pinged_s = now
                self._protocol.ping()
                self.perform_soon()
            if age_s is not None and now - opened_s >= age_s:
                age_s = None
                self._hand_over(f"open for {now - opened_s:.0f} s, longer than the venue allows")
            # A request that still waits here, because the venue limits sends, can have no answer
            # yet.
            is_all_sent = not (self._is_sending or self._begun or self._protocol.outbox)
            since_s = {
                one: since_s.get(one, now)
                for one in self._protocol.unanswered()
                if is_all_sent or one in since_s
            }
            late = [one for one, since in since_s.items() if now - since >= limits.answer_timeout_s]
            if late:
                raise StaleLink(f"no answer for {limits.answer_timeout_s:.0f} s to '{late[0]}'")

    def _rejected(self, frame: bytes, error: Exception, received_ns: int) -> Rejected:
        sample = frame[:_SAMPLE_CHARACTERS].decode("utf-8", "replace")
        return Rejected(
            venue=self._venue,
            reason=str(error) or type(error).__name__,
            sample=sample,
            subscriptions=error.subscriptions if isinstance(error, UnreadableStream) else None,
            received_ns=received_ns,
        )


def scans_of(protocol: VenueProtocol) -> list[TradeScan | BookScan]:
    """The scanners of a protocol's frames."""
    trades = protocol.scan_trades if isinstance(protocol, ScansTrades) else None
    books = protocol.scan_books if isinstance(protocol, ScansBooks) else None
    return [scan for scan in (trades, books) if scan is not None]
