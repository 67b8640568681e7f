"""Plays a tape through the live code: the venue's protocol and the session's event processor.

A recorded frame is processed by the same code as a live one, link by link. REST calls are answered
from the recording, those for missed candles included; candles close by the time of the tape. Only a
request for a new snapshot over the link has no effect, as there is no answer: a book that fails its
check stays desynced until the tape has a snapshot. One that a session fetches is on the tape.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import NoReturn

from msgspec import Struct, structs

from fluxum.book.proof import BookStatus
from fluxum.clock import SystemClock
from fluxum.errors import BadInput, FluxumError, TapeError
from fluxum.flow.pipe import Overflow
from fluxum.model.event import (
    AccountEvent,
    Channel,
    Desync,
    Event,
    GapCause,
    LeftOut,
    MarketEvent,
    Rejected,
    State,
    Subscribed,
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
from fluxum.recognise import requests_beside, variant
from fluxum.session.candles import Candles, Missed
from fluxum.session.feed import Feed, FeedContext
from fluxum.session.fetch_queue import Rest
from fluxum.session.processor import EventProcessor
from fluxum.session.statistics import LinkStatistics, Retired, SessionStatistics, gather
from fluxum.tape import RecordedAnswers, TapeFrame, TapeReader
from fluxum.tape.calls import RecordedCalls, WantedCall
from fluxum.venues.conversation import UNREADABLE, UnreadableStream
from fluxum.venues.queries import Page, RestQuery
from fluxum.venues.register import find_venue
from fluxum.venues.venue import Fetch, SequenceCounts, Venue, VenueProtocol

__all__ = ["Moment", "Replay"]

# How long a session waits for history (see `session.backfill`).
_HISTORY_NS = 60 * 1_000_000_000
_DATA = frozenset((*MarketEvent.__args__, *AccountEvent.__args__))
_ABOUT_STREAMS = frozenset((Subscribed, Unsubscribed, Desync, LeftOut))
_BOOKS = (BookSnapshot, BookUpdate, Level3Snapshot, Level3Update)


class Moment(Struct, frozen=True):
    """One frame of a tape, its events, and its place in the file, counted from 0.

    `link` is the number of its link on the tape. `is_frame` is false for a closed link, a REST
    answer, a hole of the recorder or the end of the tape; `index` is then that of the next frame.
    """

    index: int
    ns: int | None
    events: list[Event]
    link: int = 1
    is_frame: bool = True


class Replay:
    """Plays one recording; if it has several files, `more` are the others, in order.

    `later` are further ones that may not be written yet; see `TapeReader`.

    `venue` is needed for bare recordings without a `.meta.json` beside them. `depth` is that of
    books if neither the file nor its neighbouring `.meta.json` contains it. Raises TapeError
    for a file that is none, BadInput for a venue that is unknown.
    """

    def __init__(
        self,
        path: Path,
        venue: str | None = None,
        depth: int | None = None,
        more: Sequence[Path] = (),
        later: Iterable[Path] = (),
    ) -> None:
        self.tape = TapeReader(path, *more, later=later)
        header = self.tape.header
        name = header.venue if header is not None else variant(path, venue)
        if name is None and not self.tape.lines:
            raise TapeError(f"{path} is empty: there is nothing to replay")
        if name is None:
            raise BadInput(f"{path} does not say of which exchange it is; name it")
        self.venue: Venue = find_venue(name)
        self.frames = 0
        self.lost = 0
        """How many frames the recorder could not write, by the tape."""
        self.data = 0
        """How many frames had data of a market or an account."""
        self.rejection = ""
        """Why the first rejected frame was rejected."""
        self.rejected = 0
        self.book_messages = 0
        self.sequences: list[SequenceCounts] = []
        self._depth = depth
        self._now_ns = 0
        context = FeedContext(
            self.venue,
            self.venue.limits,
            _refuse_dial,
            SystemClock(),
            Random(0),  # noqa: S311 - never used: nothing waits here
            AttemptBudget(1, 1.0),
            Rest(None, {}, CallCounter(1.0, 1.0), self.venue.limits.backoff, Random(0)),  # noqa: S311
        )
        self.processor = EventProcessor(context, lambda: self._now_ns / 1e9)
        self._context = context
        self._links: dict[int, tuple[VenueProtocol, Feed]] = {}
        self._answers = RecordedAnswers(path)
        self._calls = RecordedCalls(self._answers)
        self._fetching: set[int] = set()  # links whose snapshots are REST answers
        self._history = _History(self.venue, self._answers, self.processor.candles)
        self.processor.candles.look_up = self._history.look_up
        self._events = self.processor.bus.subscribe(capacity=1 << 20, overflow=Overflow.RAISE)

    def __iter__(self) -> Iterator[Moment]:
        """Every frame received, in order, with the events a live session would publish.

        What happens between two frames is among the events of the later one; what happens behind
        the last frame is a moment of its own, which is no frame.
        """
        between: list[Event] = []
        moment = None
        for moment in self.moments():
            if not moment.is_frame:
                between += moment.events
            elif between:
                yield structs.replace(moment, events=between + moment.events)
                between = []
            else:
                yield moment
        if moment is not None and between:
            yield structs.replace(moment, events=between)

    def moments(self) -> Iterator[Moment]:
        """Every frame received, and every other line of the tape that has events, at its time."""
        for line in self.tape:
            moment = self.play(line)
            if moment is not None:
                yield moment
        moment = self.finish()
        if moment is not None:
            yield moment

    def play(self, line: TapeFrame) -> Moment | None:
        """Process the next line of the tape; `None` if it is no frame received and has no events.

        For a caller that iterates over `tape` itself; `finish` comes after the last line.
        """
        self._now_ns = line.ns or self._now_ns
        if self._follow(line):
            self.frames += 1
            return Moment(self.frames - 1, line.ns, self._events.drain(), line.link)
        if not self._events.waiting:
            return None
        events = self._events.drain()
        return Moment(self.frames, line.ns, events, line.link, is_frame=False)

    def finish(self) -> Moment | None:
        """The tape is over: what happens behind its last line, if anything."""
        if not self._events.waiting:
            return None
        return Moment(self.frames, self._now_ns, self._events.drain(), is_frame=False)

    def links(self) -> list[LinkStatistics]:
        """The links that are open on the tape."""
        return [LinkStatistics.of(feed) for _, feed in self._links.values()]

    def statistics(self) -> SessionStatistics:
        """All counts so far, as a session has them; nothing is requested or sent here."""
        feeds = [feed for _, feed in self._links.values()]
        state = State.READY if feeds else State.DISCONNECTED
        return structs.replace(
            gather(self._context, state, feeds, Retired(), self.processor),
            links=len(feeds),
            frames=self.frames,
            data=self.data,
            control=self.frames - self.data - self.rejected,
            rejected=self.rejected,
        )

    def _follow(self, frame: TapeFrame) -> bool:
        """Process one line of the tape; whether it is a frame received."""
        if frame.url:
            self._follow_call(frame)
            return False
        if frame.since_ns is not None:
            self._miss(frame)
            return False
        protocol, feed = self._link(frame.link, frame.ns)
        self._pass_time(feed)
        if frame.closed:
            del self._links[frame.link]
            self._calls.forget(frame.link)
            self.processor.lose(feed, "closed on the tape", self._now_ns)
            return False
        if frame.sent:
            protocol.follow_request(frame.frame)
            self._note_calls(frame.link, self._now_ns)
            return False
        self._answer_calls(frame.ns)
        self._receive(frame.frame, protocol, feed)
        self._note_calls(frame.link, self._now_ns)
        self._answer_calls(frame.ns)
        return True

    def _pass_time(self, feed: Feed) -> None:
        """Close candles that are over when a frame of their link was received, as a session does.

        That is done before the frame is read, so that it changes no candle that is over.
        """
        candles = self.processor.candles
        self._history.answer(self._now_ns)
        soonest_ns = candles.soonest_ns
        if soonest_ns is not None and soonest_ns <= self._now_ns:
            for subscription in feed.wanted:
                if subscription.channel is Channel.CANDLE:
                    candles.pass_time(subscription, self._now_ns)

    def _miss(self, hole: TapeFrame) -> None:
        """Frames that the recorder lost may have been of any link."""
        self.lost += hole.lost
        for _, feed in self._links.values():
            self.processor.withdraw(
                feed, GapCause.RECORDER, f"{hole.lost} frames are not on the tape"
            )

    def _receive(self, frame: bytes, protocol: VenueProtocol, feed: Feed) -> None:
        try:
            events = protocol.receive(frame, self._now_ns)
        except UNREADABLE as error:
            self._reject(feed, frame, error)
            return
        self.data += bool(events) and type(events[-1]) in _DATA
        self._take(events, feed)

    def _take(self, events: Sequence[Event], feed: Feed) -> None:
        """Pass on the events of a link, unless a later link has taken the subscription over."""
        named = events
        if not _ABOUT_STREAMS.isdisjoint(map(type, events)):
            named = [_by_plain_name(event) for event in events]
        self.processor.take([event for event in named if self._expect(event, feed)])
        if self._fetching and (number := self._number(feed)) in self._fetching:
            for event in events:
                if isinstance(event, Desync):
                    self._links[number][0].resync(event.subscription)

    def _note_calls(self, link: int, since_ns: int) -> None:
        """Keep what a link's protocol wants to fetch; all other effects are ignored."""
        outbox = self._links[link][0].outbox
        while outbox:
            effect = outbox.popleft()
            if isinstance(effect, Fetch):
                self._calls.want(WantedCall(effect, link, since_ns))
                self._fetching.add(link)

    def _follow_call(self, line: TapeFrame) -> None:
        """Process a line of a REST call: its request, its answer, or its end without one."""
        if line.sent:
            if not (self._calls.made(line) or self._fetch_again(line)):
                self._answers.add(line)
        elif line.closed:
            self._calls.failed(line)
            self._answers.add(line)
        elif (call := self._calls.answered(line)) is not None:
            self._answer(call, line.frame)
        else:
            self._answers.add(line)
            self._answer_calls(line.ns)

    def _fetch_again(self, request: TapeFrame) -> bool:
        """The session fetched a stream again by itself; whether that is known of the request."""
        found = self._calls.stream_of(request)
        if found is None:
            return False
        link, subscription = found
        self._links[link][0].resync(subscription)
        self._note_calls(link, self._now_ns)
        return self._calls.made(request)

    def _answer_calls(self, now_ns: int | None) -> None:
        """Give every protocol the recorded answers that had arrived by now."""
        while (found := self._calls.next_answered(now_ns)) is not None:
            self._answer(*found)

    def _answer(self, call: WantedCall, body: bytes) -> None:
        protocol, feed = self._links[call.link]
        try:
            events = protocol.receive_response(call.fetch, body, self._now_ns)
        except UNREADABLE as error:
            self._reject(feed, body, error)
        else:
            self._take(events, feed)
        self._note_calls(call.link, self._now_ns)

    def _link(self, number: int, now_ns: int | None) -> tuple[VenueProtocol, Feed]:
        """Make a separate protocol for each link of the tape.

        What it wants to fetch at the start, it is given first if it is on the tape.
        """
        if number not in self._links:
            protocol = self.venue.protocol()
            name = f"link-{number}"
            feed = Feed(name, name, name, self._context, self.processor.take, _PassiveOwner())
            self._links[number] = (protocol, feed)
            self.sequences.append(protocol.sequence)
            protocol.follow_passively(self._depth)
            self._note_calls(number, 0)
            self._answer_calls(now_ns)
            for request in requests_beside(self.tape.path):
                protocol.follow_request(request)
            self._note_calls(number, 0)
        return self._links[number]

    def _expect(self, event: Event, feed: Feed) -> bool:
        """Subscribe to whatever the tape has; an ended stream's book waits for its next snapshot.

        If two links have the same stream, as while one replaces the other, the later one counts.
        """
        if isinstance(event, Unsubscribed):
            symbol = event.subscription.symbol
            if event.subscription.channel is Channel.BOOK and symbol is not None:
                self.processor.books.withdraw(symbol, BookStatus.SYNCING, "unsubscribed")
            return True
        self.book_messages += isinstance(event, _BOOKS)
        wanted = _subscription(event)
        if wanted is None or wanted in feed.wanted:
            return True
        stream = self.processor.streams.get(wanted)
        if stream is None:
            self.processor.add(wanted, feed)
        elif self._number(stream.feed) > self._number(feed):
            return False
        else:
            stream.feed.wanted.pop(wanted, None)
            stream.feed = feed
        feed.wanted[wanted] = None
        return True

    def _number(self, feed: Feed) -> int:
        """A link's number on the tape; less than all others for one that was closed."""
        return next((number for number, (_, one) in self._links.items() if one is feed), -1)

    def _reject(self, feed: Feed, frame: bytes, error: Exception) -> None:
        self.rejected += 1
        self.rejection = self.rejection or str(error)
        sample = frame[:200].decode("utf-8", "replace")
        named = error.subscriptions if isinstance(error, UnreadableStream) else None
        self.processor.reject(
            feed,
            Rejected(
                venue=self.venue.name,
                reason=str(error) or type(error).__name__,
                sample=sample,
                subscriptions=None if named is None else tuple(map(_plain_name, named)),
                received_ns=self._now_ns,
            ),
        )


class _History:
    """Missed candles, from the answers on a tape; with the timeout of a session."""

    def __init__(self, venue: Venue, answers: RecordedAnswers, candles: Candles) -> None:
        self._venue = venue
        self._answers = answers
        self._candles = candles
        self._lookups: list[tuple[Missed, RestQuery[Page[Candle]], list[Candle]]] = []

    def look_up(self, missed: Missed) -> bool:
        """Prepare the query that a session sends; false if the venue offers none."""
        symbol, interval_s = missed.subscription.symbol, missed.subscription.interval_s
        if self._venue.queries is None or symbol is None or interval_s is None:
            return False
        queries = self._venue.queries()
        self._lookups.append(
            (missed, queries.candles(symbol, interval_s, missed.since_ns), list[Candle]())
        )
        return True

    def answer(self, now_ns: int) -> None:
        """Pass on what has been answered by now, or what has waited too long."""
        lookups, self._lookups = self._lookups, []
        for missed, query, items in lookups:
            body = self._answers.take_exact(query.fetch.path, now_ns)
            if body is None:
                if now_ns - missed.ready_ns > _HISTORY_NS:
                    self._candles.not_found(missed, "no history is on the tape", now_ns)
                else:
                    self._lookups.append((missed, query, items))
                continue
            try:
                page = query.read(body, now_ns)
            except FluxumError as error:
                self._candles.not_found(missed, str(error), now_ns)
                continue
            items += page.items
            if page.next is not None:
                self._lookups.append((missed, page.next, items))
            else:
                self._candles.found(missed, items, now_ns)


def _by_plain_name(event: Event) -> Event:
    """An event about a stream, under the key of its data: data contains no depth."""
    if not isinstance(event, Desync | LeftOut) or event.subscription is None:
        return event
    return structs.replace(event, subscription=_plain_name(event.subscription))


def _plain_name(subscription: Subscription) -> Subscription:
    return structs.replace(subscription, depth=None)


def _subscription(event: Event) -> Subscription | None:
    """The stream that an event belongs to, the same for data and acknowledgements."""
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


class _PassiveOwner:
    """The owner of a tape's feed, which never changes."""

    def reject(self, feed: Feed, rejected: Rejected) -> None: ...
    def publish(self, event: Event) -> None: ...
    def moved(self, feed: Feed, *, attempt: int, delay_s: float, reason: str) -> None: ...
    def lost(self, feed: Feed, reason: str) -> None: ...
    def failed(self, feed: Feed, error: Exception) -> None: ...
    def cut_announced(self, feed: Feed, reason: str) -> None: ...


def _refuse_dial(url: str, headers: Mapping[str, str] = {}, /) -> NoReturn:  # noqa: ARG001
    raise AssertionError(f"a tape is not dialled: {url}")
