"""A tape through the live code: the venue's protocol and the session's intake, link by link.

What a live session does with a frame happens here with a recorded one, in the same rooms; only
asking for a new snapshot does nothing, as nobody answers. A book that fails its check therefore
stays desynced until the tape brings a snapshot.
"""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NoReturn

import msgspec
from msgspec import Struct

from fluxum.book.proof import BookStatus
from fluxum.clock import SystemClock
from fluxum.errors import BadInput, RemoteProtocolError, TapeError
from fluxum.flow.pipe import Overflow
from fluxum.model.event import (
    Channel,
    Desync,
    Event,
    Gap,
    GapCause,
    Rejected,
    Subscription,
    Unsubscribed,
)
from fluxum.model.instrument import Instrument
from fluxum.model.market import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Level3Snapshot,
    Level3Update,
    Ticker,
    Trade,
)
from fluxum.pacing import AttemptBudget
from fluxum.session.feed import Feed, Surroundings
from fluxum.session.intake import Intake
from fluxum.tape import TapeReader
from fluxum.venues.register import find_venue
from fluxum.venues.venue import Venue, VenueProtocol

__all__ = ["Failure", "Moment", "Replay", "Report", "verify"]

_BOOKS = (BookSnapshot, BookUpdate, Level3Snapshot, Level3Update)


class Moment(Struct, frozen=True):
    """One frame of a tape, what it says, and its place in the file, counted from 0."""

    index: int
    ns: int | None
    events: list[Event]


class Failure(Struct, frozen=True):
    """A check that failed: at which frame, counted from 0, of which symbol, and why."""

    frame: int
    symbol: str
    reason: str


class Report(Struct, kw_only=True):
    """What a tape proves.

    `generations` counts the snapshots of each book. `damage` says what keeps the file from being
    read to its end; the counts are those of what comes before.
    """

    file: str
    venue: str
    frames: int = 0
    events: int = 0
    book_messages: int = 0
    checks_passed: int = 0
    checks_failed: int = 0
    unverified: int = 0
    gaps: int = 0
    desyncs: int = 0
    crossed: int = 0
    rejected: int = 0
    generations: dict[str, int] = {}
    failures: list[Failure] = []
    damage: str = ""

    @property
    def is_proved(self) -> bool:
        """Whether nothing failed, is missing, or made no sense."""
        return not (
            self.checks_failed
            or self.gaps
            or self.desyncs
            or self.crossed
            or self.rejected
            or self.damage
        )


class Replay:
    """Plays one file. `venue` is needed for bare recordings, a tape names its own.

    `depth` is that of books about whose depth the file and its neighbouring `.meta.json` say
    nothing. Raises TapeError for a file that is none, BadInput for a venue that is unknown.
    """

    def __init__(self, path: Path, venue: str | None = None, depth: int | None = None) -> None:
        self.tape = TapeReader(path)
        header = self.tape.header
        if venue is None and header is None:
            raise BadInput(f"{path} does not say of which exchange it is; name it")
        self.venue: Venue = find_venue(header.venue if header is not None else venue or "")
        self.frames = 0
        self.rejected = 0
        self.book_messages = 0
        self._depth = depth
        self._now_ns = 0
        around = Surroundings(
            self.venue,
            self.venue.limits,
            _dial_nobody,
            SystemClock(),
            Random(0),  # noqa: S311 - never asked: nothing here waits
            AttemptBudget(1, 1.0),
            None,
        )
        self.intake = Intake(around, lambda: self._now_ns / 1e9)
        self._around = around
        self._links: dict[int, tuple[VenueProtocol, Feed]] = {}
        self._told = self.intake.bus.subscribe(capacity=1 << 20, overflow=Overflow.RAISE)

    def __iter__(self) -> Iterator[Moment]:
        """Every frame received, in order, with the events a live session would publish."""
        for frame in self.tape:
            self._now_ns = frame.ns or self._now_ns
            protocol, feed = self._link(frame.link)
            if frame.closed:
                del self._links[frame.link]
                self.intake.lose(feed, "closed on the tape", self._now_ns)
            elif frame.sent:
                protocol.overhear_request(frame.frame)
            else:
                self._receive(frame.frame, protocol, feed)
                yield Moment(self.frames, frame.ns, self._told.drain())
                self.frames += 1

    def _receive(self, frame: bytes, protocol: VenueProtocol, feed: Feed) -> None:
        try:
            events = protocol.receive(frame, self._now_ns)
        except RemoteProtocolError as error:
            self._reject(feed, frame, error)
            return
        for event in events:
            self._expect(event, feed)
        self.intake.take(events)

    def _link(self, number: int) -> tuple[VenueProtocol, Feed]:
        """A conversation of its own for each link of the tape."""
        if number not in self._links:
            protocol = self.venue.protocol()
            protocol.overhear(self._depth)
            for request in _requests_beside(self.tape.path):
                protocol.overhear_request(request)
            name = f"link-{number}"
            feed = Feed(name, name, name, self._around, self.intake.take, _Nobody())
            self._links[number] = (protocol, feed)
        return self._links[number]

    def _expect(self, event: Event, feed: Feed) -> None:
        """Carry whatever the tape holds; an ended stream's book waits for its next snapshot."""
        if isinstance(event, Unsubscribed):
            symbol = event.subscription.symbol
            if event.subscription.channel is Channel.BOOK and symbol is not None:
                self.intake.books.withdraw(symbol, BookStatus.SYNCING, "unsubscribed")
            return
        self.book_messages += isinstance(event, _BOOKS)
        wanted = _subscription(event)
        if wanted is None or wanted in feed.wanted:
            return
        feed.wanted[wanted] = None
        stream = self.intake.streams.get(wanted)
        if stream is None:
            self.intake.carry(wanted, feed)
        else:
            stream.feed.wanted.pop(wanted, None)
            stream.feed = feed

    def _reject(self, feed: Feed, frame: bytes, error: RemoteProtocolError) -> None:
        self.rejected += 1
        sample = frame[:200].decode("utf-8", "replace")
        self.intake.reject(
            feed,
            Rejected(
                venue=self.venue.name,
                reason=str(error),
                sample=sample,
                received_ns=self._now_ns,
            ),
        )


def verify(path: Path, venue: str | None = None, depth: int | None = None) -> Report:
    """Replay a file and report what it proves; raises TapeError when there is nothing to read."""
    replay = Replay(path, venue, depth)
    failures: list[Failure] = []
    gaps = 0
    damage = ""
    try:
        for moment in replay:
            for event in moment.events:
                if isinstance(event, Desync):
                    symbol = str(event.subscription.symbol)
                    failures.append(Failure(moment.index, symbol, event.reason))
                elif isinstance(event, Gap):
                    gaps += event.cause is not GapCause.DESYNC
    except TapeError as error:
        if not replay.frames:
            raise
        damage = str(error)
    intake = replay.intake
    keepers = (intake.books, intake.level3)
    return Report(
        file=str(path),
        venue=replay.venue.name,
        frames=replay.frames,
        events=intake.counts.heard,
        book_messages=replay.book_messages,
        checks_passed=sum(keeper.passed for keeper in keepers),
        checks_failed=sum(keeper.failed for keeper in keepers),
        unverified=sum(keeper.unverified for keeper in keepers),
        gaps=gaps,
        desyncs=intake.counts.desyncs,
        crossed=sum(keeper.crossed for keeper in keepers),
        rejected=replay.rejected,
        generations={book.symbol: book.epoch for book in intake.books},
        failures=failures,
        damage=damage,
    )


def _subscription(event: Event) -> Subscription | None:
    """The stream an event belongs to, spelled the same for data and acknowledgements."""
    match event:
        case BookSnapshot() | BookUpdate():
            return Subscription(Channel.BOOK, event.symbol)
        case Level3Snapshot() | Level3Update():
            return Subscription(Channel.LEVEL3, event.symbol)
        case Ticker():
            return Subscription(Channel.TICKER, event.symbol)
        case Trade():
            return Subscription(Channel.TRADE, event.symbol)
        case Candle():
            return Subscription(Channel.CANDLE, event.symbol, None, event.interval_s)
        case Instrument():
            return Subscription(Channel.INSTRUMENT)
        case _:
            return None


def _requests_beside(path: Path) -> list[bytes]:
    """What the client sent, from `NAME.meta.json` beside `NAME.jsonl.gz`, if there is one."""
    name = path.name.removesuffix(".gz").removesuffix(".jsonl")
    meta = path.with_name(f"{name}.meta.json")
    if not meta.is_file():
        return []
    try:
        sent = msgspec.json.decode(meta.read_bytes(), type=_Meta).sent
    except (OSError, msgspec.MsgspecError) as error:
        raise TapeError(f"{meta} is no description of a recording: {error}") from error
    return [line.raw.encode() for line in sent]


class _Sent(Struct):
    raw: str


class _Meta(Struct):
    sent: list[_Sent] = []


class _Nobody:
    """Owns the feed of a tape, to which nothing can happen."""

    def reject(self, feed: Feed, rejected: Rejected) -> None: ...
    def moved(self, feed: Feed, *, attempt: int, delay_s: float, reason: str) -> None: ...
    def lost(self, feed: Feed, reason: str) -> None: ...
    def failed(self, feed: Feed, error: Exception) -> None: ...


def _dial_nobody(url: str) -> NoReturn:
    raise AssertionError(f"a tape is not dialled: {url}")
