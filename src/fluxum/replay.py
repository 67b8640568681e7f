"""A tape through the live code: the venue's protocol and the session's intake, link by link.

What a live session does with a frame happens here with a recorded one, in the same rooms. REST
calls are answered from the recording. Only asking for a new snapshot over the link does nothing,
as nobody answers: a book that fails its check stays desynced until the tape brings a snapshot.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import NoReturn
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct, structs

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
from fluxum.pacing import AttemptBudget, CallCounter
from fluxum.session.feed import Feed, Surroundings
from fluxum.session.fetching import Rest
from fluxum.session.intake import Intake
from fluxum.tape import RecordedAnswers, TapeFrame, TapeReader
from fluxum.venues.register import VENUES, find_venue
from fluxum.venues.venue import Fetch, SequenceCounts, Venue, VenueProtocol

__all__ = ["Failure", "Moment", "Replay", "Report", "nonsense", "recognise", "verify"]

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

    `generations` counts the snapshots of each book. `steps` are messages whose number followed
    on, `breaks` those whose did not; `trade_steps` the same of trades' own numbers. `applied`
    counts the updates laid over a book, `kinds` frames by what they say, and `rejection` says why
    the first one was rejected. `files` is of how many
    the recording consists; `lost` counts frames that its recorder could not write, `torn` the
    places where a crash ended it. `damage` says what keeps it from being read to its end; the
    counts are those of what comes before.
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
    rejection: str = ""
    steps: int = 0
    breaks: int = 0
    applied: int = 0
    trades: int = 0
    trades_backfilled: int = 0
    trade_steps: int = 0
    kinds: dict[str, int] = {}
    generations: dict[str, int] = {}
    failures: list[Failure] = []
    files: int = 1
    lost: int = 0
    torn: int = 0
    damage: str = ""

    @property
    def is_proved(self) -> bool:
        """Whether there is something, and nothing failed, is missing, or made no sense."""
        return bool(self.frames) and not (
            self.checks_failed
            or self.gaps
            or self.desyncs
            or self.breaks
            or self.crossed
            or self.rejected
            or self.lost
            or self.torn
            or self.damage
        )


class Replay:
    """Plays one recording; what was kept in several files goes on in `more`, in order.

    `venue` is needed for bare recordings without a `.meta.json` beside them. `depth` is that of
    books about whose depth the file and its neighbouring `.meta.json` say nothing. Raises TapeError
    for a file that is none, BadInput for a venue that is unknown.
    """

    def __init__(
        self,
        path: Path,
        venue: str | None = None,
        depth: int | None = None,
        more: Sequence[Path] = (),
    ) -> None:
        self.tape = TapeReader(path, *more)
        header = self.tape.header
        name = header.venue if header is not None else _variant(path, venue)
        if name is None and not self.tape.lines:
            raise TapeError(f"{path} is empty: there is nothing to replay")
        if name is None:
            raise BadInput(f"{path} does not say of which exchange it is; name it")
        self.venue: Venue = find_venue(name)
        self.frames = 0
        self.lost = 0
        """How many frames the recorder could not write, as the tape says."""
        self.rejection = ""
        """Why the first frame that was rejected was."""
        self.rejected = 0
        self.book_messages = 0
        self.sequences: list[SequenceCounts] = []
        self._depth = depth
        self._now_ns = 0
        around = Surroundings(
            self.venue,
            self.venue.limits,
            _dial_nobody,
            SystemClock(),
            Random(0),  # noqa: S311 - never asked: nothing here waits
            AttemptBudget(1, 1.0),
            Rest(None, {}, CallCounter(1.0, 1.0), self.venue.limits.backoff, Random(0)),  # noqa: S311
        )
        self.intake = Intake(around, lambda: self._now_ns / 1e9)
        self._around = around
        self._links: dict[int, tuple[VenueProtocol, Feed]] = {}
        self._answers = RecordedAnswers(path)
        self._calls: list[tuple[Fetch, int]] = []
        self._told = self.intake.bus.subscribe(capacity=1 << 20, overflow=Overflow.RAISE)

    def __iter__(self) -> Iterator[Moment]:
        """Every frame received, in order, with the events a live session would publish."""
        for frame in self.tape:
            self._now_ns = frame.ns or self._now_ns
            if frame.url:
                self._answers.add(frame)
                self._answer_calls(frame.ns)
                continue
            if frame.since_ns is not None:
                self._miss(frame)
                continue
            protocol, feed = self._link(frame.link)
            if frame.closed:
                del self._links[frame.link]
                self.intake.lose(feed, "closed on the tape", self._now_ns)
            elif frame.sent:
                protocol.overhear_request(frame.frame)
            else:
                self._answer_calls(frame.ns)
                self._receive(frame.frame, protocol, feed)
                self._note_calls(frame.link)
                self._answer_calls(frame.ns)
                yield Moment(self.frames, frame.ns, self._told.drain())
                self.frames += 1

    def _miss(self, hole: TapeFrame) -> None:
        """What the recorder lost may have been of any link."""
        self.lost += hole.lost
        for _, feed in self._links.values():
            self.intake.withdraw(feed, GapCause.RECORDER, f"{hole.lost} frames are not on the tape")

    def _receive(self, frame: bytes, protocol: VenueProtocol, feed: Feed) -> None:
        try:
            events = protocol.receive(frame, self._now_ns)
        except RemoteProtocolError as error:
            self._reject(feed, frame, error)
            return
        self._take(events, feed)

    def _take(self, events: Sequence[Event], feed: Feed) -> None:
        """Hand on what a link says, unless a later link has taken the subscription over."""
        named = [_by_plain_name(event) for event in events]
        self.intake.take([event for event in named if self._expect(event, feed)])

    def _note_calls(self, link: int) -> None:
        """Remember what a link's protocol wants fetched; nothing else can be done for it."""
        outbox = self._links[link][0].outbox
        while outbox:
            effect = outbox.popleft()
            if isinstance(effect, Fetch) and (effect, link) not in self._calls:
                self._calls.append((effect, link))

    def _answer_calls(self, now_ns: int | None) -> None:
        """Give every protocol the recorded answers that had arrived by now."""
        for call in list(self._calls):
            fetch, link = call
            body = self._answers.take(fetch.path, now_ns) if link in self._links else None
            if body is not None:
                self._calls.remove(call)
                protocol, feed = self._links[link]
                try:
                    events = protocol.receive_response(fetch, body, self._now_ns)
                except RemoteProtocolError as error:
                    self._reject(feed, body, error)
                else:
                    self._take(events, feed)
                self._note_calls(link)

    def _link(self, number: int) -> tuple[VenueProtocol, Feed]:
        """A conversation of its own for each link of the tape."""
        if number not in self._links:
            protocol = self.venue.protocol()
            protocol.overhear(self._depth)
            self.sequences.append(protocol.sequence)
            for request in _requests_beside(self.tape.path):
                protocol.overhear_request(request)
            name = f"link-{number}"
            feed = Feed(name, name, name, self._around, self.intake.take, _Nobody())
            self._links[number] = (protocol, feed)
        return self._links[number]

    def _expect(self, event: Event, feed: Feed) -> bool:
        """Carry whatever the tape holds; an ended stream's book waits for its next snapshot.

        Where two links carry the same, as while one replaces the other, the later one counts.
        """
        if isinstance(event, Unsubscribed):
            symbol = event.subscription.symbol
            if event.subscription.channel is Channel.BOOK and symbol is not None:
                self.intake.books.withdraw(symbol, BookStatus.SYNCING, "unsubscribed")
            return True
        self.book_messages += isinstance(event, _BOOKS)
        wanted = _subscription(event)
        if wanted is None or wanted in feed.wanted:
            return True
        stream = self.intake.streams.get(wanted)
        if stream is None:
            self.intake.carry(wanted, feed)
        elif self._number(stream.feed) > self._number(feed):
            return False
        else:
            stream.feed.wanted.pop(wanted, None)
            stream.feed = feed
        feed.wanted[wanted] = None
        return True

    def _number(self, feed: Feed) -> int:
        """A link's number on the tape; less than any for one that was closed."""
        return next((number for number, (_, one) in self._links.items() if one is feed), -1)

    def _reject(self, feed: Feed, frame: bytes, error: RemoteProtocolError) -> None:
        self.rejected += 1
        self.rejection = self.rejection or str(error)
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


class _Tally:
    """What is counted of the events a tape tells."""

    def __init__(self) -> None:
        self.failures: list[Failure] = []
        self.gaps = 0
        self.applied = 0
        self.kinds: Counter[str] = Counter()
        self.trades: Counter[bool] = Counter()

    def add(self, moment: Moment) -> None:
        """Count one frame."""
        self.kinds.update({_kind(event) for event in moment.events})
        for event in moment.events:
            match event:
                case Desync():
                    symbol = str(event.subscription.symbol)
                    self.failures.append(Failure(moment.index, symbol, event.reason))
                case Gap():
                    self.gaps += event.cause is not GapCause.DESYNC
                case BookUpdate():
                    self.applied += 1
                case Trade():
                    self.trades[event.backfilled] += 1
                case _:
                    pass


def verify(
    path: Path,
    venue: str | None = None,
    depth: int | None = None,
    more: Sequence[Path] = (),
) -> Report:
    """Replay a recording and report what it proves; see `Replay`.

    Raises TapeError when there is nothing to read.
    """
    replay = Replay(path, venue, depth, more)
    tally = _Tally()
    damage = ""
    try:
        for moment in replay:
            tally.add(moment)
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
        gaps=tally.gaps,
        desyncs=intake.counts.desyncs,
        crossed=sum(keeper.crossed for keeper in keepers),
        rejected=replay.rejected,
        rejection=replay.rejection,
        steps=sum(one.steps for one in replay.sequences),
        breaks=sum(one.breaks for one in replay.sequences),
        applied=tally.applied,
        trades=tally.trades.total(),
        trades_backfilled=tally.trades[True],
        trade_steps=intake.gaps.followed,
        kinds=dict(sorted(tally.kinds.items())),
        generations={book.symbol: book.epoch for book in intake.books},
        failures=tally.failures,
        files=1 + len(more),
        lost=replay.lost,
        torn=replay.tape.torn,
        damage=damage,
    )


def nonsense(path: Path, venue: str, frames: int, rejected: int, reason: str) -> str:
    """What to say of a recording of which every frame was rejected; empty for any other."""
    if not frames or rejected < frames:
        return ""
    return (
        f"{path}: all {frames} frames were rejected, the first because {reason};"
        f" is it a recording of {venue}?"
    )


def recognise(path: Path) -> str | None:
    """The exchange a recording was made at, by the URLs in `NAME.meta.json` beside it."""
    for connection in _meta_beside(path).connections:
        url = urlsplit(connection.url)
        for venue in VENUES.values():
            known = [urlsplit(one) for one in venue.endpoints.values()]
            is_known = any(
                url.hostname == one.hostname and url.path.rstrip("/") == one.path.rstrip("/")
                for one in known
            )
            if is_known or url.hostname in venue.recorded_hosts:
                return venue.name
    return None


def _variant(path: Path, venue: str | None) -> str | None:
    """The exchange named, or the one of its variants (`NAME-futures`) whose URL it was."""
    known = recognise(path)
    if venue is None or (known is not None and known.startswith(f"{venue}-")):
        return known
    return venue


def _kind(event: Event) -> str:
    """What an event is, in a word: `book_update`, `trade`."""
    return str(type(event).__struct_config__.tag)


def _by_plain_name(event: Event) -> Event:
    """A broken sequence, told of the stream as its data names it: data knows no depth."""
    if not isinstance(event, Desync):
        return event
    return structs.replace(event, subscription=structs.replace(event.subscription, depth=None))


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
        case Desync():
            return event.subscription
        case _:
            return None


def _requests_beside(path: Path) -> list[bytes]:
    """What the client sent, from `NAME.meta.json` beside `NAME.jsonl.gz`, if there is one."""
    return [line.raw.encode() for line in _meta_beside(path).sent]


def _meta_beside(path: Path) -> "_Meta":
    name = path.name.removesuffix(".gz").removesuffix(".jsonl")
    meta = path.with_name(f"{name}.meta.json")
    if not meta.is_file():
        return _Meta()
    try:
        return msgspec.json.decode(meta.read_bytes(), type=_Meta)
    except (OSError, msgspec.MsgspecError) as error:
        raise TapeError(f"{meta} is no description of a recording: {error}") from error


class _Connected(Struct):
    url: str = ""


class _Sent(Struct):
    raw: str


class _Meta(Struct):
    connections: list[_Connected] = []
    sent: list[_Sent] = []


class _Nobody:
    """Owns the feed of a tape, to which nothing can happen."""

    def reject(self, feed: Feed, rejected: Rejected) -> None: ...
    def moved(self, feed: Feed, *, attempt: int, delay_s: float, reason: str) -> None: ...
    def lost(self, feed: Feed, reason: str) -> None: ...
    def failed(self, feed: Feed, error: Exception) -> None: ...
    def cut_announced(self, feed: Feed, reason: str) -> None: ...


def _dial_nobody(url: str) -> NoReturn:
    raise AssertionError(f"a tape is not dialled: {url}")
